// View: which part of a map is seen, and how large; places of the map as pixels and back.

const MARGIN = 14;
const FARTHEST = 200;

export class View {
  constructor(box) {
    this.box = box;
    [this.width, this.height] = [1, 1];
    this.reset();
  }

  reset() {
    const [left, bottom, right, top] = this.box;
    this.zoom = 1;
    this.middle = [(left + right) / 2, (bottom + top) / 2];
  }

  // Pixels of one unit of the map.
  get scale() {
    const [left, bottom, right, top] = this.box;
    const across = (this.width - 2 * MARGIN) / (right - left || 1);
    const up = (this.height - 2 * MARGIN) / (top - bottom || 1);
    return this.zoom * Math.max(Math.min(across, up), 1e-12);
  }

  pixel(x, y) {
    return [this.width / 2 + (x - this.middle[0]) * this.scale, this.height / 2 - (y - this.middle[1]) * this.scale];
  }

  place(across, down) {
    return [this.middle[0] + (across - this.width / 2) / this.scale, this.middle[1] - (down - this.height / 2) / this.scale];
  }

  // Larger or smaller about a pixel, which stays where it is.
  zoomed(factor, across = this.width / 2, down = this.height / 2) {
    const [x, y] = this.place(across, down);
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), FARTHEST);
    const [nowX, nowY] = this.place(across, down);
    this.middle = [this.middle[0] + x - nowX, this.middle[1] + y - nowY];
    if (this.zoom === 1) this.reset();
  }

  moved(across, down) {
    this.middle = [this.middle[0] - across / this.scale, this.middle[1] + down / this.scale];
  }
}
