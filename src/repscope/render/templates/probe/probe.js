// Probe: the same photo once for each encoder, one cursor over all of them.

import { hashOf, pinsOf } from "./address.js";
import { Chips } from "./chips.js";
import { Controls } from "./controls.js";
import { copying } from "./copy.js";
import { gradient, middle, node, patchAt } from "./draw.js";
import { Panel } from "./panel.js";
import { mountPoints } from "./points.js";
import { bytes } from "./tokens.js";

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const LEGENDS = {
  absolute: ["absolute", ["-1", "cosine", "1"]],
  percentile: ["percentile", ["0 %", "of other photos' patches", "100 %"]],
  norm: ["percentile", ["least", "norm of each encoder's tokens", "most"]],
  attention: ["percentile", ["least", "attention of each encoder", "most"]],
};
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

export class Probe {
  constructor(figure, { probe, scales }) {
    this.figure = figure;
    this.photos = probe.photos.map((photo) => ({ ...photo, url: `data:image/jpeg;base64,${photo.jpeg}` }));
    const tables = { signed: bytes(scales.signed), magnitude: bytes(scales.magnitude) };
    this.gradients = { absolute: gradient(tables.signed), percentile: gradient(tables.magnitude) };
    const names = this.photos.map((photo) => photo.id);
    this.panels = probe.panels.map((panel) => new Panel(panel, tables, names));
    this.state = {
      photo: 0,
      target: null,
      kind: "centred",
      scale: "absolute",
      layer: "similarity",
      opacity: 0.65,
      smooth: false,
      cursor: null,
      held: null,
      query: null,
      pins: probe.pins.map((pin, number) => ({ photo: pin.photo, place: [pin.across, pin.down], label: pin.label, number })),
    };
    this.alone = document.querySelectorAll("figure.probe").length === 1 && figure.hasAttribute("data-link");
    const recalled = this.alone && pinsOf(location.hash, this.photos.length);
    if (recalled) this.state.pins = recalled;
    this.hash = hashOf(this.state.pins);
    this.number = this.state.pins.length;
    this.build();
    this.change({});
  }

  get lead() {
    return this.panels.find((panel) => panel.works);
  }

  build() {
    this.strip = node("div", { class: "strip", role: "group", "aria-label": "Photos" });
    this.photos.forEach((photo, i) => {
      const image = node("img", { src: photo.url, alt: "", loading: "lazy" });
      const choose = () => this.change({ photo: i, cursor: null });
      this.strip.append(node("button", { type: "button", title: photo.id, "aria-label": photo.id, onclick: choose }, image));
    });
    this.strip.hidden = this.photos.length < 2;
    this.name = node("p", { class: "beside named" });
    this.controls = new Controls(this);
    const label = "Photo under every encoder. Arrow keys move the patch, Enter pins it, Escape lets go.";
    this.grid = node("div", { class: "panels", tabindex: "0", role: "application", "aria-label": label });
    this.grid.append(...this.panels.map((panel) => panel.element));
    this.chips = new Chips(this);
    this.live = node("p", { class: "unseen", role: "status", "aria-live": "polite" });
    this.bar = node("div", { class: "bar" }, node("div", { class: "gradient" }), node("div", { class: "ends" }));
    this.figure.append(this.strip, this.name, ...this.controls.elements, this.grid, this.chips.element, this.bar, this.live);
    this.listen();
  }

  listen() {
    const moved = (event) => {
      const stage = this.stageOf(event);
      if (stage) this.move(stage.point(event));
      return stage;
    };
    this.grid.addEventListener("pointermove", moved);
    this.grid.addEventListener("pointerdown", (event) => {
      this.touched = event.pointerType === "touch";
      moved(event);
    });
    // a tap looks; the button pins
    this.grid.addEventListener("click", (event) => {
      if (this.stageOf(event) && !this.touched) this.pin();
    });
    this.grid.addEventListener("keydown", (event) => this.key(event));
  }

  stageOf(event) {
    return this.panels.find((panel) => panel.here.element.contains(event.target))?.here;
  }

  key(event) {
    if (event.target !== this.grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const done = () => event.preventDefault();
    if (event.key in MOVES) {
      this.step(MOVES[event.key]);
      done();
    } else if (event.key === "Enter" || event.key === " ") {
      this.pin();
      done();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.unpin(this.state.held ?? this.pinned());
      done();
    } else if (event.key === "Escape") this.change({ cursor: null, held: null });
    else if (event.key === "PageDown" || event.key === "PageUp") {
      const next = this.state.photo + (event.key === "PageDown" ? 1 : -1);
      if (next >= 0 && next < this.photos.length) this.change({ photo: next, cursor: null });
      done();
    } else if (event.key >= "1" && event.key <= "9") this.hold(this.state.pins[Number(event.key) - 1]);
  }

  // One patch of the first encoder further; the first press begins in the middle.
  step([down, across]) {
    if (!this.lead) return;
    const look = this.lead.data.looks[this.state.photo];
    const [rows, columns] = look.grid;
    const at = this.state.cursor ? patchAt(look, this.state.cursor.place) : -1;
    const [y, x] = at < 0 ? [rows >> 1, columns >> 1] : [Math.floor(at / columns) + down, (at % columns) + across];
    const inside = Math.min(Math.max(y, 0), rows - 1) * columns + Math.min(Math.max(x, 0), columns - 1);
    this.move(middle(look, inside));
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell(), 150);
  }

  tell() {
    const said = this.panels.filter((panel) => panel.works).map((panel) => `${panel.data.encoder}: ${panel.reading.textContent}`);
    const where = this.state.cursor ? this.where(this.state.cursor) : "";
    this.announce([...(where ? [where] : []), ...said].join(". "));
  }

  // A place in words, on the first encoder's grid.
  where({ photo, place }) {
    const { grid } = this.lead.data.looks[photo];
    const at = patchAt(this.lead.data.looks[photo], place);
    return at < 0 ? "" : `Row ${Math.floor(at / grid[1]) + 1}, column ${(at % grid[1]) + 1}`;
  }

  announce(words) {
    this.live.textContent = words;
  }

  move(place) {
    this.change({ cursor: { photo: this.state.photo, place } });
  }

  pin() {
    const { cursor, pins } = this.state;
    if (!cursor) return;
    const used = new Set(pins.map((pin) => pin.label));
    const label = LETTERS.find((letter) => !used.has(letter)) ?? String(pins.length + 1);
    this.announce(`Pinned ${label}`);
    this.change({ pins: [...pins, { ...cursor, label, number: this.number++ }] });
  }

  // The pin of the patch under the cursor, if it has one.
  pinned() {
    const { cursor, pins } = this.state;
    if (!cursor || !this.lead) return null;
    const look = this.lead.data.looks[cursor.photo];
    const at = patchAt(look, cursor.place);
    return at < 0 ? null : pins.findLast((pin) => pin.photo === cursor.photo && patchAt(look, pin.place) === at);
  }

  unpin(gone) {
    if (!gone) return;
    const { held, pins } = this.state;
    this.announce(`Deleted pin ${gone.label}`);
    this.change({ pins: pins.filter((pin) => pin !== gone), held: held === gone ? null : held });
  }

  hold(pin) {
    if (!pin) return;
    const held = this.state.held === pin ? null : pin;
    this.announce(held ? `Holding pin ${pin.label}` : `Let go of pin ${pin.label}`);
    this.change({ held });
  }

  rename(pin, label) {
    pin.label = label;
    this.change({});
  }

  // Every change comes by here: decode what is wanted, then draw once in the next frame.
  change(next) {
    this.state = { ...this.state, ...next };
    const { held, cursor, pins, photo, target } = this.state;
    if (target === photo) this.state.target = null; // it is shown already
    this.state.query = held ?? cursor ?? pins.find((pin) => pin.photo === photo) ?? pins[0] ?? null;
    if (!this.waiting) this.soon();
  }

  async soon() {
    this.waiting = true;
    try {
      do {
        for (let wanted = this.missing(); wanted.length; wanted = this.missing()) await Promise.all(wanted);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      } while (this.missing().length); // the state may be another by now
      this.draw();
    } catch (error) {
      damaged(this.figure, error);
    } finally {
      this.waiting = false;
    }
  }

  // The photos that this state is drawn of.
  drawnOf() {
    const { photo, target, query, pins } = this.state;
    return new Set([photo, target ?? photo, query ? query.photo : photo, ...pins.map((pin) => pin.photo)]);
  }

  // Promises of what has to be decoded before this state can be drawn.
  missing() {
    const { photo, query, scale, kind } = this.state;
    const photos = [...this.drawnOf()];
    return this.panels.filter((panel) => panel.works).flatMap((panel) => {
      const wanted = photos.map((photo) => panel.wanting(photo));
      // of the query, and of the photo shown: its patches are ranked against the pins
      const ranked = query && scale === "percentile" ? new Set([query.photo, photo]) : [];
      for (const each of ranked) wanted.push(panel.wantingReference(each, panel.kind(kind)));
      return wanted.filter(Boolean);
    });
  }

  draw() {
    const photos = this.drawnOf();
    for (const panel of this.panels) {
      panel.draw(this.state, this.photos);
      panel.forget(photos);
    }
    this.chips.show(this.state.pins, this.state.held);
    this.legend();
    this.controls.show(this.state);
    this.name.textContent = this.photos[this.state.photo].id;
    [...this.strip.children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === this.state.photo)));
    this.link();
    this.drawn = (this.drawn ?? 0) + 1;
    this.figure.dataset.drawn = this.drawn;
  }

  // Pins live in the page's address, so a link or a reload keeps them.
  link() {
    const hash = hashOf(this.state.pins);
    if (this.alone && hash !== this.hash) history.replaceState(null, "", hash);
    this.hash = hash;
  }

  legend() {
    const { layer, scale } = this.state;
    const [what, words] = LEGENDS[layer === "similarity" ? scale : layer] ?? [];
    this.bar.hidden = !what;
    if (!what) return;
    const [colours, ends] = this.bar.children;
    colours.style.background = this.gradients[what];
    ends.replaceChildren(...words.map((word) => node("span", {}, word)));
  }
}

export function mount(root = document) {
  root.querySelectorAll("button.copy[hidden]").forEach(copying);
  mountPoints(root);
  return [...root.querySelectorAll("figure.probe:not([data-drawn])")].map((figure) => {
    figure.dataset.drawn = 0;
    const data = figure.querySelector('script[type="application/json"]').textContent;
    figure.querySelector(".fallback")?.remove();
    try {
      return (figure.probe = new Probe(figure, JSON.parse(data)));
    } catch (error) {
      return damaged(figure, error);
    }
  });
}

function damaged(figure, error) {
  const old = !("DecompressionStream" in globalThis);
  const words = old
    ? "This browser is too old for the probe, which wants DecompressionStream (all browsers have it since 2023)."
    : `The probe's data are damaged (${error.message}). Make the report again.`;
  figure.querySelector(":scope > .failed")?.remove();
  figure.append(node("p", { class: "failed", role: "alert" }, words));
  return null;
}
