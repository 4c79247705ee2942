// Points: the same images once for each encoder, as dots; one lasso and one cursor over all maps.

import { Card } from "./card.js";
import { choices } from "./choices.js";
import { node } from "./draw.js";
import { Legend } from "./legend.js";
import { opened } from "./packed.js";
import { Plot } from "./plot.js";
import { Selection } from "./selection.js";
import { Thumbnails } from "./thumbnails.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Atlas {
  constructor(figure, said) {
    this.figure = figure;
    this.data = opened(said);
    this.thumbnails = new Thumbnails(this.data);
    const coarse = globalThis.matchMedia?.("(pointer: coarse)").matches;
    this.state = { colour: 0, drag: coarse ? "look" : "lasso", at: -1, plot: null, held: false };
    this.mask = new Uint8Array(this.data.count);
    this.selected = 0;
    this.order = shuffled(this.data.count);
    this.plots = this.data.maps.map((map) => new Plot(map, this));
    this.build();
    this.change({});
    this.thumbnails.ready().then(() => this.shown(), () => this.shown());
  }

  get colour() {
    return this.data.colours[this.state.colour];
  }

  get working() {
    return this.plots.filter((plot) => plot.works);
  }

  build() {
    this.card = new Card(this);
    this.legend = new Legend(this);
    this.selection = new Selection(this);
    const label = "Maps of the images. Arrow keys go from dot to dot, Enter selects it and its nearest, Escape lets go, plus and minus zoom.";
    this.grid = node("div", { class: "fields", tabindex: "0", role: "application", "aria-label": label });
    this.grid.append(...this.plots.map((plot) => plot.element));
    this.live = node("p", { class: "unseen", role: "status", "aria-live": "polite" });
    const caption = this.figure.querySelector("figcaption");
    const made = [choices(this), this.legend.element, this.grid, this.card.element, this.selection.element, this.live];
    for (const each of made) this.figure.insertBefore(each, caption);
    this.grid.addEventListener("keydown", (event) => this.key(event));
    globalThis.matchMedia?.("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  change(next) {
    Object.assign(this.state, next);
    this.grid.dataset.drag = this.state.drag;
    this.legend.show(this.colour);
    this.draw();
    if (this.selected) this.selection.show(this.chosen());
  }

  draw() {
    for (const plot of this.working) {
      plot.draw();
      plot.point();
    }
    this.told();
  }

  // Counts what was drawn, for whoever waits for it.
  told() {
    this.drawn = (this.drawn ?? 0) + 1;
    this.figure.dataset.drawn = this.drawn;
  }

  shown() {
    if (this.selected) this.selection.show(this.chosen());
    this.card.show(this.state.at, this.state.plot);
    this.figure.dataset.thumbnails = this.thumbnails.sheet ? "shown" : "none";
    this.told();
  }

  // Only what lies over the dots is drawn: it must be done before the next frame.
  hover(plot, at) {
    if (this.state.held || (at === this.state.at && plot === this.state.plot)) return;
    Object.assign(this.state, { at, plot });
    for (const each of this.working) each.point();
    this.card.show(at, plot);
  }

  left() {
    if (!this.state.held) this.hover(this.state.plot, -1);
  }

  // A click keeps the image that is pointed at until the next one.
  hold() {
    this.state.held = !this.state.held && this.state.at >= 0;
    this.card.element.classList.toggle("held", this.state.held);
  }

  select(found, how) {
    if (how === "new") this.mask.fill(0);
    for (const i of found) this.mask[i] = how === "take" ? 0 : 1;
    this.selected = this.mask.reduce((sum, each) => sum + each, 0);
    this.selection.show(this.chosen());
    this.live.textContent = this.selected ? `${this.selected} images selected` : "Nothing selected";
    this.draw();
  }

  chosen() {
    const found = [];
    this.mask.forEach((each, i) => each && found.push(i));
    return found;
  }

  // Zero sees all again.
  zoom(factor) {
    for (const plot of this.working) {
      if (factor) plot.view.zoomed(factor);
      else plot.view.reset();
    }
    this.draw();
  }

  key(event) {
    if (event.target !== this.grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const plot = this.state.plot ?? this.working[0];
    if (!plot) return;
    if (event.key in STEPS) this.step(plot, STEPS[event.key]);
    else if (event.key === "Enter" && this.state.at >= 0) {
      const near = plot.map.neighbours.subarray(plot.map.k * this.state.at, plot.map.k * (this.state.at + 1));
      this.select([this.state.at, ...near], event.shiftKey ? "add" : "new");
    } else if (event.key === "Escape") {
      this.state.held = false;
      this.card.element.classList.remove("held");
      this.hover(plot, -1);
      this.select([], "new");
    } else if (event.key === "+" || event.key === "=") this.zoom(1.5);
    else if (event.key === "-") this.zoom(1 / 1.5);
    else if (event.key === "0") this.zoom(0);
    else return;
    event.preventDefault();
  }

  // The first press begins at the dot nearest to the middle.
  step(plot, [across, up]) {
    const { at } = this.state;
    const next = at < 0 ? plot.nearby.at(...plot.view.middle, Infinity) : plot.nearby.towards(at, across, up);
    if (next < 0) return;
    this.state.held = false;
    this.hover(plot, next);
    this.live.textContent = [this.data.ids[next], ...this.card.said(next)].join(", ");
  }
}

// The same order every time, as if drawn by chance.
function shuffled(count) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let seed = 1;
  for (let i = count - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = seed % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

export function mountPoints(root) {
  return [...root.querySelectorAll("figure.points:not([data-drawn])")].map((figure) => {
    figure.dataset.drawn = 0;
    const data = figure.querySelector('script[type="application/json"]').textContent;
    figure.querySelector(".fallback")?.remove();
    try {
      return (figure.atlas = new Atlas(figure, JSON.parse(data)));
    } catch (error) {
      figure.append(node("p", { class: "failed", role: "alert" }, `The map's data are damaged (${error.message}). Make the report again.`));
      return null;
    }
  });
}
