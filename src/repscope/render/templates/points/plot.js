// Plot: one encoder's map on two canvases: dots, and over them what the pointer says; nothing below is drawn anew for it.

import { node } from "./draw.js";
import { Nearby } from "./nearby.js";
import { nearestOf, shade } from "./packed.js";
import { View } from "./view.js";

const REACH = 16; // pixels within which a dot is pointed at
const FAINT = 0.1;

export class Plot {
  constructor(map, atlas) {
    Object.assign(this, { map, atlas });
    this.element = node("section", { class: "map" }, node("h3", {}, map.encoder));
    if (map.reason) {
      this.element.append(node("p", { class: "failed" }, `No map: ${map.reason}`));
      return;
    }
    this.nearby = new Nearby(map.places);
    this.view = new View(this.nearby.box);
    this.dots = node("canvas", { role: "img", "aria-label": `Map of ${map.encoder}` });
    this.over = node("canvas", { "aria-hidden": "true" });
    this.field = node("div", { class: "field" }, this.dots, this.over);
    this.element.append(this.field, node("p", { class: "beside" }, map.caption));
    this.listen();
    new ResizeObserver(() => this.sized()).observe(this.field);
  }

  get works() {
    return Boolean(this.field);
  }

  sized() {
    const { width, height } = this.field.getBoundingClientRect();
    if (!width || !height) return;
    this.sharp = globalThis.devicePixelRatio || 1;
    [this.view.width, this.view.height] = [width, height];
    for (const canvas of [this.dots, this.over]) {
      [canvas.width, canvas.height] = [Math.round(width * this.sharp), Math.round(height * this.sharp)];
    }
    this.draw();
    this.point();
  }

  listen() {
    const at = (event) => {
      const box = this.field.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    this.field.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.began = { at: at(event), last: at(event), touch: event.pointerType === "touch", far: false };
      this.lasso = [];
      if (this.atlas.state.drag !== "look" || !this.began.touch) this.field.setPointerCapture(event.pointerId);
      this.hover(...at(event));
    });
    this.field.addEventListener("pointermove", (event) => (this.began ? this.dragged(...at(event)) : this.hover(...at(event))));
    this.field.addEventListener("pointerup", (event) => this.released(event));
    this.field.addEventListener("pointercancel", () => this.let());
    this.field.addEventListener("pointerleave", (event) => this.began || event.pointerType === "touch" || this.atlas.left());
    this.field.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.view.zoomed(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...at(event));
        this.draw();
        this.hover(...at(event));
      },
      { passive: false },
    );
  }

  // The dot under the pointer, if there is one within reach.
  hover(across, down) {
    this.atlas.hover(this, this.nearby.at(...this.view.place(across, down), REACH / this.view.scale));
  }

  dragged(across, down) {
    const { at, last } = this.began;
    this.began.far ||= Math.hypot(across - at[0], down - at[1]) > 4;
    if (!this.began.far) return;
    const drag = this.atlas.state.drag;
    if (drag === "move") {
      this.view.moved(across - last[0], down - last[1]);
      this.draw();
      this.point();
    } else if (drag === "lasso") {
      if (!this.lasso.length) this.lasso.push(...this.view.place(...at));
      this.lasso.push(...this.view.place(across, down));
      this.point();
    } else this.hover(across, down);
    this.began.last = [across, down];
  }

  released(event) {
    const { began, lasso } = this;
    this.let();
    if (!began) return;
    if (lasso.length >= 6) this.atlas.select(this.nearby.inside(lasso), event.shiftKey ? "add" : event.altKey ? "take" : "new");
    else if (!began.far && !began.touch) this.atlas.hold();
  }

  let() {
    [this.began, this.lasso] = [null, []];
    this.point();
  }

  // All dots, in an order drawn by chance, so that no class lies on top; those not selected are faint and below.
  draw() {
    if (!this.sharp) return;
    const { colour, mask, selected, order } = this.atlas;
    const context = this.dots.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.dots.width, this.dots.height);
    const radius = this.sharp * this.radius();
    const stamps = new Map();
    const places = this.map.places;
    const [width, height] = [this.dots.width, this.dots.height];
    const scale = this.view.scale * this.sharp;
    const [x0, y0] = [width / 2 - this.view.middle[0] * scale, height / 2 + this.view.middle[1] * scale];
    for (const lit of selected ? [0, 1] : [1]) {
      context.globalAlpha = lit ? 1 : FAINT;
      for (const i of order) {
        if (selected && mask[i] !== lit) continue;
        const [x, y] = [x0 + places[2 * i] * scale - radius, y0 - places[2 * i + 1] * scale - radius];
        if (x < -2 * radius || y < -2 * radius || x > width || y > height) continue;
        const ink = shade(colour, i);
        let stamp = stamps.get(ink);
        if (!stamp) stamps.set(ink, (stamp = stamped(ink, radius)));
        context.drawImage(stamp, x, y);
      }
    }
  }

  // Smaller for many, larger when seen from near.
  radius() {
    const plain = Math.min(Math.max((0.16 * this.view.width) / Math.sqrt(this.atlas.data.count), 1.2), 4.5);
    return Math.min(plain * Math.sqrt(this.view.zoom), 6);
  }

  // The image pointed at, lines to its nearest here, rings around those of the map that was pointed at, and the lasso.
  point() {
    if (!this.sharp) return;
    const context = this.over.getContext("2d");
    context.setTransform(this.sharp, 0, 0, this.sharp, 0, 0);
    context.clearRect(0, 0, this.view.width, this.view.height);
    context.strokeStyle = context.fillStyle = getComputedStyle(this.field).color;
    const { at, plot } = this.atlas.state;
    if (at >= 0) this.pointed(context, at, plot);
    if (this.lasso?.length) {
      context.setLineDash([5, 3]);
      context.lineWidth = 1.5;
      context.beginPath();
      for (let i = 0; i < this.lasso.length; i += 2) context.lineTo(...this.view.pixel(this.lasso[i], this.lasso[i + 1]));
      context.closePath();
      context.stroke();
      context.globalAlpha = 0.08;
      context.fill();
      context.globalAlpha = 1;
      context.setLineDash([]);
    }
  }

  pointed(context, at, plot) {
    const where = (i) => this.view.pixel(this.map.places[2 * i], this.map.places[2 * i + 1]);
    const radius = this.radius();
    const ring = (i, size) => {
      context.beginPath();
      context.arc(...where(i), size, 0, 2 * Math.PI);
      context.stroke();
    };
    context.lineWidth = 1.25;
    context.beginPath();
    for (const i of nearestOf(this.map, at)) {
      context.moveTo(...where(at));
      context.lineTo(...where(i));
    }
    context.stroke();
    for (const i of nearestOf(this.map, at)) {
      context.fillStyle = shade(this.atlas.colour, i);
      context.beginPath();
      context.arc(...where(i), radius + 1, 0, 2 * Math.PI);
      context.fill();
    }
    if (plot !== this) {
      for (const i of nearestOf(plot.map, at)) {
        const [x, y] = where(i);
        context.strokeRect(x - radius - 3, y - radius - 3, 2 * radius + 6, 2 * radius + 6);
      }
    }
    context.lineWidth = 2;
    context.fillStyle = shade(this.atlas.colour, at);
    context.beginPath();
    context.arc(...where(at), radius + 2.5, 0, 2 * Math.PI);
    context.fill();
    ring(at, radius + 3.5);
  }
}

// A dot once, to be stamped: drawing ten thousand arcs takes longer than a frame.
function stamped(ink, radius) {
  const size = Math.ceil(2 * radius) + 1;
  const canvas = node("canvas", { width: size, height: size });
  const context = canvas.getContext("2d");
  context.fillStyle = ink;
  context.beginPath();
  context.arc(radius, radius, radius, 0, 2 * Math.PI);
  context.fill();
  return canvas;
}
