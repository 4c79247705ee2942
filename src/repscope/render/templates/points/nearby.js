// Nearby: which dot is under the pointer, and which lie within a line drawn around them; a grid of cells over the map.

export class Nearby {
  constructor(places) {
    this.places = places;
    const count = places.length / 2;
    this.box = bounds(places);
    const [left, bottom, right, top] = this.box;
    this.size = Math.max(right - left, top - bottom, 1e-12) / Math.max(Math.ceil(Math.sqrt(count / 2)), 1);
    this.columns = Math.floor((right - left) / this.size) + 1;
    this.rows = Math.floor((top - bottom) / this.size) + 1;
    this.starts = new Int32Array(this.columns * this.rows + 1);
    const cells = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      cells[i] = this.row(places[2 * i + 1]) * this.columns + this.column(places[2 * i]);
      this.starts[cells[i] + 1]++;
    }
    for (let c = 0; c < this.starts.length - 1; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.dots = new Int32Array(count);
    for (let i = 0; i < count; i++) this.dots[next[cells[i]]++] = i;
  }

  column(x) {
    return Math.min(Math.max(Math.floor((x - this.box[0]) / this.size), 0), this.columns - 1);
  }

  row(y) {
    return Math.min(Math.max(Math.floor((y - this.box[1]) / this.size), 0), this.rows - 1);
  }

  // Calls with every dot of the cells that touch a rectangle.
  *within(left, bottom, right, top) {
    for (let row = this.row(bottom); row <= this.row(top); row++) {
      const start = this.starts[row * this.columns + this.column(left)];
      const end = this.starts[row * this.columns + this.column(right) + 1];
      for (let at = start; at < end; at++) yield this.dots[at];
    }
  }

  // The dot nearest to a point, no farther than `reach`; -1 where there is none.
  at(x, y, reach) {
    let [best, least] = [-1, reach * reach];
    for (const i of this.within(x - reach, y - reach, x + reach, y + reach)) {
      const distance = (this.places[2 * i] - x) ** 2 + (this.places[2 * i + 1] - y) ** 2;
      if (distance < least || (distance === least && i < best)) [best, least] = [i, distance];
    }
    return best;
  }

  // The dots inside a closed line [x, y, x, y, ...]: those that a ray crosses it from an odd number of times.
  inside(line) {
    const found = [];
    const [left, bottom, right, top] = bounds(line);
    for (const i of this.within(left, bottom, right, top)) {
      if (crossed(line, this.places[2 * i], this.places[2 * i + 1])) found.push(i);
    }
    return found;
  }

  // The nearest dot in a direction, by what is farther aside than ahead the less likely.
  towards(i, across, up) {
    const [x, y] = [this.places[2 * i], this.places[2 * i + 1]];
    let [best, least] = [-1, Infinity];
    for (let j = 0; j < this.places.length / 2; j++) {
      const [dx, dy] = [this.places[2 * j] - x, this.places[2 * j + 1] - y];
      const ahead = dx * across + dy * up;
      const aside = Math.abs(dx * up - dy * across);
      if (ahead <= 0 || aside > ahead) continue;
      const far = ahead + 2 * aside;
      if (far < least) [best, least] = [j, far];
    }
    return best;
  }
}

export function bounds(places) {
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < places.length; i += 2) {
    left = Math.min(left, places[i]);
    right = Math.max(right, places[i]);
    bottom = Math.min(bottom, places[i + 1]);
    top = Math.max(top, places[i + 1]);
  }
  return [left, bottom, right, top];
}

function crossed(line, x, y) {
  let odd = false;
  for (let i = 0, j = line.length - 2; i < line.length; j = i, i += 2) {
    const [above, before] = [line[i + 1] > y, line[j + 1] > y];
    if (above !== before && x < ((line[j] - line[i]) * (y - line[i + 1])) / (line[j + 1] - line[i + 1]) + line[i]) odd = !odd;
  }
  return odd;
}
