// Stage: a photo, the heat over it, and the boxes on both.

import { cleared, lay, node, paint, paintColours, part, patchAt } from "./draw.js";

export class Stage {
  constructor(name) {
    this.image = node("img", { alt: name, draggable: "false" });
    this.canvas = node("canvas", { width: 1, height: 1, "aria-hidden": "true" });
    this.boxes = { best: node("div", { class: "box best" }), cursor: node("div", { class: "box cursor" }) };
    this.marks = node("div", { class: "marks" });
    this.element = node("div", { class: "stage" }, this.image, this.canvas, this.marks, ...Object.values(this.boxes));
  }

  show(photo, look, state) {
    if (this.photo !== photo) {
      this.photo = photo;
      this.image.src = photo.url;
      const [left, top, right, bottom] = photo.frame;
      this.element.style.aspectRatio = ((right - left) * photo.size[0]) / ((bottom - top) * photo.size[1]);
    }
    lay(this.canvas, look.frame, photo.frame);
    this.element.classList.toggle("grey", state.layer !== "photo");
    this.canvas.classList.toggle("smooth", state.smooth);
  }

  heat(look, layer, state) {
    if (!layer) cleared(this.canvas);
    else if (layer.colours) paintColours(this.canvas, look.grid, layer.colours, state.opacity);
    else paint(this.canvas, look.grid, layer.values, layer.domain, layer.table, state.opacity);
  }

  box(name, look, patch) {
    this.boxes[name].hidden = patch < 0;
    if (patch >= 0) lay(this.boxes[name], part(look, patch), this.photo.frame);
  }

  pins(look, pins) {
    const made = pins.map((pin) => {
      const patch = patchAt(look, pin.place);
      const mark = node("div", { class: `box pin pin-${pin.number % 6}` }, node("b", {}, pin.label.slice(0, 2)));
      mark.hidden = patch < 0;
      if (patch >= 0) lay(mark, part(look, patch), this.photo.frame);
      return mark;
    });
    this.marks.replaceChildren(...made);
  }

  // The point of the photo under the pointer.
  point(event) {
    const box = this.element.getBoundingClientRect();
    const [left, top, right, bottom] = this.photo.frame;
    const x = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    const y = Math.min(Math.max((event.clientY - box.top) / box.height, 0), 1);
    return [left + x * (right - left), top + y * (bottom - top)];
  }
}
