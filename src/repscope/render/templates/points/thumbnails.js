// Thumbnails: small pictures cut from one sheet; an image without one shows its colour.

import { node } from "./draw.js";
import { bytes } from "./tokens.js";

export class Thumbnails {
  constructor(data) {
    this.data = data;
    if (!data.thumbnails) return;
    const { rows, side, columns } = data.thumbnails;
    Object.assign(this, { side, columns });
    const shown = rows ? new Int32Array(bytes(rows).buffer) : Int32Array.from({ length: data.count }, (_, i) => i);
    this.at = new Int32Array(data.count).fill(-1);
    shown.forEach((image, sprite) => (this.at[image] = sprite));
  }

  async ready() {
    if (!this.data.thumbnails) return;
    this.sheet = await createImageBitmap(new Blob([bytes(this.data.thumbnails.sheet)], { type: "image/webp" }));
  }

  // A canvas to show images on, one after another.
  made() {
    const side = this.side ?? 16;
    return node("canvas", { class: "thumb", width: side, height: side, role: "img" });
  }

  show(canvas, image, ink, said) {
    const context = canvas.getContext("2d");
    const { width, height } = canvas;
    const sprite = this.sheet ? this.at[image] : -1;
    context.clearRect(0, 0, width, height);
    if (sprite >= 0) {
      const [x, y] = [(sprite % this.columns) * this.side, Math.floor(sprite / this.columns) * this.side];
      context.drawImage(this.sheet, x, y, this.side, this.side, 0, 0, width, height);
    } else {
      context.fillStyle = ink;
      context.fillRect(width / 4, height / 4, width / 2, height / 2);
    }
    canvas.title = said;
    canvas.setAttribute("aria-label", said);
  }
}
