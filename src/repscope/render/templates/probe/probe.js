// Probe: the same photo once for each encoder, one cursor over all of them.

import { hashOf, pinsOf } from "./address.js";
import { middle, node, patchAt } from "./draw.js";
import { Panel } from "./panel.js";
import { bytes } from "./tokens.js";

const KINDS = ["raw", "centred", "position removed"];
const LAYERS = ["similarity", "PCA", "norm", "attention", "photo"];
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class Probe {
  constructor(figure, { probe, scales }) {
    this.figure = figure;
    this.data = probe;
    this.photos = probe.photos.map((photo) => ({ ...photo, url: `data:image/jpeg;base64,${photo.jpeg}` }));
    const tables = { signed: bytes(scales.signed), magnitude: bytes(scales.magnitude) };
    this.panels = probe.panels.map((panel) => new Panel(panel, tables));
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
    this.linked = Boolean(recalled);
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
    const label = "Photo under every encoder. Arrow keys move the patch, Enter pins it, Escape lets go.";
    this.grid = node("div", { class: "panels", tabindex: "0", role: "application", "aria-label": label });
    this.grid.append(...this.panels.map((panel) => panel.element));
    this.pins = node("ul", { class: "pins", "aria-label": "Pins" });
    this.live = node("p", { class: "unseen", role: "status", "aria-live": "polite" });
    this.bar = node("div", { class: "bar" }, node("div", { class: "gradient" }), node("div", { class: "ends" }));
    this.figure.append(this.strip, this.controls(), this.grid, this.pins, this.bar, this.live);
    this.listen();
  }

  controls() {
    const first = this.lead && this.lead.data;
    const positioned = this.panels.some((panel) => panel.works && !panel.data.without_position);
    const why = positioned || !first ? "" : first.without_position;
    const attended = this.panels.some((panel) => panel.works && panel.data.looks[0].attention);
    const ranked = this.panels.some((panel) => panel.works && !panel.data.without_percentile);
    const kinds = KINDS.map((kind) => [kind, kind === "position removed" ? why : ""]);
    const layers = LAYERS.map((layer) => [layer, layer === "attention" && !attended && first ? first.attention : ""]);
    const scales = [["absolute", ""], ["percentile", ranked || !first ? "" : first.without_percentile]];
    const heat = node("input", { type: "range", min: 0, max: 1, step: 0.05, value: this.state.opacity });
    heat.addEventListener("input", () => this.change({ opacity: Number(heat.value) }));
    const smooth = node("input", { type: "checkbox" });
    smooth.addEventListener("change", () => this.change({ smooth: smooth.checked }));
    const pin = node("button", { type: "button", class: "plain", onclick: () => this.pin() }, "Pin");
    // a form: choices of the same name elsewhere, as in another cell of a notebook, are others' choices
    return node(
      "form",
      { class: "controls", autocomplete: "off", onsubmit: (event) => event.preventDefault() },
      this.choice("Show", "layer", layers),
      this.choice("Tokens", "kind", kinds),
      this.choice("Scale", "scale", scales),
      node("label", {}, "Heat ", heat),
      node("label", {}, smooth, " smooth"),
      ...this.elsewhere(),
      pin,
    );
  }

  choice(title, name, options) {
    const group = node("fieldset", {}, node("legend", {}, title));
    for (const [value, reason] of options) {
      const radio = node("input", { type: "radio", name, value, disabled: Boolean(reason) });
      radio.checked = this.state[name] === value;
      radio.addEventListener("change", () => this.change({ [name]: value }));
      group.append(node("label", { title: reason }, radio, node("span", {}, value)));
    }
    return group;
  }

  elsewhere() {
    if (this.photos.length < 2) return [];
    const select = node("select", {}, node("option", { value: "" }, "nowhere else"));
    this.photos.forEach((photo, i) => select.append(node("option", { value: i }, photo.id)));
    select.addEventListener("change", () => this.change({ target: select.value === "" ? null : Number(select.value) }));
    return [node("label", {}, "Elsewhere ", select)];
  }

  listen() {
    const stageOf = (event) => this.panels.find((panel) => panel.here.element.contains(event.target))?.here;
    this.grid.addEventListener("pointermove", (event) => {
      const stage = stageOf(event);
      if (stage) this.move(stage.point(event));
    });
    this.grid.addEventListener("pointerdown", (event) => {
      const stage = stageOf(event);
      if (stage) this.move(stage.point(event));
    });
    this.grid.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") this.change({ cursor: null });
    });
    this.grid.addEventListener("click", (event) => {
      if (stageOf(event) && event.pointerType !== "touch") this.pin();
    });
    this.grid.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.target !== this.grid) return;
    const done = () => event.preventDefault();
    if (event.key in MOVES) {
      this.step(MOVES[event.key]);
      done();
    } else if (event.key === "Enter" || event.key === " ") {
      this.pin();
      done();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.unpin(this.state.held ?? this.state.pins.at(-1));
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
    const look = this.lead.data.looks[this.state.photo];
    const at = patchAt(look, this.state.cursor?.place ?? [-1, -1]);
    const where = at < 0 ? "" : `Row ${Math.floor(at / look.grid[1]) + 1}, column ${(at % look.grid[1]) + 1}. `;
    this.live.textContent = where + said.join(". ");
  }

  move(place) {
    this.change({ cursor: { photo: this.state.photo, place } });
  }

  pin() {
    const { cursor, pins } = this.state;
    if (!cursor) return;
    const used = new Set(pins.map((pin) => pin.label));
    const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    const label = letters.find((letter) => !used.has(letter)) ?? String(pins.length + 1);
    this.change({ pins: [...pins, { ...cursor, label, number: this.number++ }] });
  }

  unpin(gone) {
    const { held, pins } = this.state;
    this.change({ pins: pins.filter((pin) => pin !== gone), held: held === gone ? null : held });
  }

  hold(pin) {
    if (pin) this.change({ held: this.state.held === pin ? null : pin });
  }

  // Every change comes by here: decode what is wanted, then draw once in the next frame.
  change(next) {
    const before = this.state;
    this.state = { ...before, ...next };
    const { held, cursor, pins } = this.state;
    this.state.query = held ?? cursor ?? pins.find((pin) => pin.photo === this.state.photo) ?? pins[0] ?? null;
    if (before.pins !== this.state.pins || before.held !== held || !this.drawn) this.listed = false;
    if (!this.waiting) this.waiting = this.soon();
  }

  async soon() {
    try {
      await this.missing();
    } catch (error) {
      return damaged(this.figure, error);
    }
    await new Promise((resolve) => requestAnimationFrame(resolve));
    this.waiting = null;
    if (this.missing()) this.waiting = this.soon();
    else this.draw();
  }

  // What has to be decoded before this state can be drawn; null where nothing has.
  missing() {
    const { photo, target, query, scale, kind } = this.state;
    const photos = new Set([photo, target ?? photo, query ? query.photo : photo]);
    const wanted = [];
    for (const panel of this.panels.filter((each) => each.works)) {
      for (const each of photos) if (!panel.tokens.has(each)) wanted.push(panel.ready(each));
      const key = query && `${query.photo} ${panel.kind(kind)}`;
      if (query && scale === "percentile" && !panel.data.without_percentile && !panel.references.has(key)) {
        wanted.push(panel.referenceReady(query.photo, panel.kind(kind)));
      }
    }
    return wanted.length ? Promise.all(wanted) : null;
  }

  draw() {
    for (const panel of this.panels) panel.draw(this.state, this.photos);
    if (!this.listed) this.list();
    this.listed = true;
    this.legend();
    [...this.strip.children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === this.state.photo)));
    this.drawn = (this.drawn ?? 0) + 1;
    this.figure.dataset.drawn = this.drawn;
  }

  legend() {
    const { layer, scale } = this.state;
    this.bar.hidden = layer !== "similarity";
    const [gradient, ends] = this.bar.children;
    gradient.className = `gradient ${scale === "percentile" ? "magnitude" : "signed"}`;
    const words = scale === "percentile" ? ["0 %", "of other photos' patches", "100 %"] : ["-1", "cosine", "1"];
    ends.replaceChildren(...words.map((word) => node("span", {}, word)));
  }

  // The chips of all pins.
  list() {
    const chips = this.state.pins.map((pin) => {
      const held = this.state.held === pin;
      const name = node("input", { value: pin.label, "aria-label": "Name of the pin", size: 6, maxlength: 24 });
      name.addEventListener("change", () => {
        pin.label = name.value.trim() || pin.label;
        this.change({ pins: [...this.state.pins] });
      });
      const hold = () => this.hold(pin);
      const title = held ? "Let go" : "Hold: show what is like this pin";
      return node(
        "li",
        { class: `chip pin-${pin.number % 6}` },
        node("button", { type: "button", class: "dot", title, "aria-label": `${title} ${pin.label}`, "aria-pressed": String(held), onclick: hold }),
        name,
        node("button", { type: "button", class: "delete", "aria-label": `Delete pin ${pin.label}`, onclick: () => this.unpin(pin) }, "×"),
      );
    });
    this.pins.replaceChildren(...chips);
    // pins live in the page's address, so a link or a reload keeps them
    if (this.alone && (this.linked || this.drawn)) history.replaceState(null, "", hashOf(this.state.pins));
  }
}

// The line that makes this report again, ready to be pasted.
function copying(button) {
  const line = button.previousElementSibling;
  button.hidden = false;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(line);
    try {
      await navigator.clipboard.writeText(line.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Selected";
    }
  });
}

export function mount(root = document) {
  root.querySelectorAll("button.copy[hidden]").forEach(copying);
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
  figure.append(node("p", { class: "failed" }, `The probe's data are damaged (${error.message}). Make the report again.`));
  return null;
}
