// Panel: one encoder. A photo under its heat, boxes on patches, and what can be read at the cursor.

import { cleared, lay, node, paint, paintColours, part, patchAt, say } from "./draw.js";
import { bytes, cosines, floats, percentiles, read, row, sampled, unit } from "./tokens.js";

const KEPT = 24;

export class Panel {
  constructor(data, scales) {
    this.data = data;
    this.scales = scales;
    this.tokens = new Map();
    this.units = new Map();
    this.references = new Map();
    this.here = new Stage(`Photo under ${data.encoder}`);
    this.there = new Stage(`Another photo under ${data.encoder}`);
    this.there.element.hidden = true;
    this.reading = node("p", { class: "reading" });
    this.pinned = node("p", { class: "pinned" });
    this.element = node("section", { class: "panel" }, node("h3", {}, data.encoder));
    if (data.reason) this.element.append(node("p", { class: "failed" }, `No picture: ${data.reason}`));
    else this.element.append(this.here.element, this.reading, this.pinned, this.there.element, this.loss());
  }

  get works() {
    return !this.data.reason;
  }

  loss() {
    const across = this.data.across === null ? "" : `, between photos by ${say(this.data.across)}`;
    const axes = `${this.data.looks[0].width} axes of 8 bits`;
    return node("p", { class: this.data.error > 0.02 ? "beside over" : "beside" }, `Similarities are off by at most ${say(this.data.error)}${across} (${axes}).`);
  }

  // Decode what a photo's drawing needs; everything after it is drawn at once.
  async ready(photo) {
    if (this.tokens.has(photo)) return;
    this.tokens.set(photo, await read(this.data.looks[photo], this.data.position));
    if (this.tokens.size > KEPT) this.tokens.delete(this.tokens.keys().next().value);
  }

  async referenceReady(photo, kind) {
    const key = `${photo} ${kind}`;
    if (this.references.has(key) || this.data.without_percentile) return;
    const others = [];
    for (let i = 0; i < this.data.looks.length; i++) {
      if (i !== photo) others.push(unit(await read(this.data.looks[i], this.data.position), kind, this.data.position));
    }
    this.references.clear();
    this.references.set(key, sampled(others, this.data.shared));
  }

  unit(photo, kind) {
    const key = `${photo} ${kind}`;
    if (!this.units.has(key)) {
      this.units.set(key, unit(this.tokens.get(photo), kind, this.data.position));
      if (this.units.size > KEPT) this.units.delete(this.units.keys().next().value);
    }
    return this.units.get(key);
  }

  kind(wanted) {
    return wanted === "position removed" && this.data.without_position ? "centred" : wanted;
  }

  // What every patch of a photo says to a query: cosines, or their percentiles among other photos' patches.
  values(query, photo, state) {
    const look = this.data.looks[query.photo];
    const patch = patchAt(look, query.place);
    if (patch < 0) return null;
    const kind = this.kind(state.kind);
    const vector = row(this.unit(query.photo, kind), patch);
    const within = photo === query.photo;
    const found = cosines(this.unit(photo, kind), vector, within ? undefined : this.data.shared);
    const reference = state.scale === "percentile" && this.references.get(`${query.photo} ${kind}`);
    const values = reference ? percentiles(found, reference, vector.subarray(0, this.data.shared)) : found;
    return { values, cosines: found, patch: within ? patch : -1, percentile: Boolean(reference) };
  }

  draw(state, photos) {
    if (!this.works) return;
    this.onto(this.here, state.photo, state, photos);
    this.there.element.hidden = state.target === null;
    if (state.target !== null) this.onto(this.there, state.target, state, photos);
  }

  onto(stage, photo, state, photos) {
    const look = this.data.looks[photo];
    stage.show(photos[photo], look, state);
    const answer = state.query && this.values(state.query, photo, state);
    const best = answer ? bestOf(answer) : -1;
    stage.heat(look, this.layer(photo, look, state, answer), state);
    stage.box("cursor", look, state.cursor && state.cursor.photo === photo ? patchAt(look, state.cursor.place) : -1);
    stage.box("best", look, state.layer === "similarity" ? best : -1);
    stage.pins(look, state.pins.filter((pin) => pin.photo === photo));
    if (stage === this.here) this.tell(look, state, answer, best);
  }

  layer(photo, look, state, answer) {
    if (state.layer === "similarity") {
      if (!answer) return null;
      const scale = answer.percentile ? [[0, 1], this.scales.magnitude] : [[-1, 1], this.scales.signed];
      return { values: answer.values, domain: scale[0], table: scale[1] };
    }
    if (state.layer === "PCA") return { colours: bytes(look.colours) };
    const values = this.plain(look, state.layer);
    return values && { values, domain: [Math.min(...values), Math.max(...values)], table: this.scales.magnitude };
  }

  plain(look, layer) {
    if (layer === "norm") return floats(look.lengths);
    return layer === "attention" && look.attention ? floats(look.attention) : null;
  }

  // The words under the picture.
  tell(look, state, answer, best) {
    const columns = look.grid[1];
    const named = (patch) => `row ${Math.floor(patch / columns) + 1}, column ${(patch % columns) + 1}`;
    const shown = (value) => (answer && answer.percentile ? `${(100 * value).toFixed(1)} %` : say(value));
    const at = state.cursor && state.cursor.photo === state.photo ? patchAt(look, state.cursor.place) : -1;
    this.values_ = answer && answer.values;
    this.at = at;
    if (state.layer === "similarity") this.reading.textContent = this.similar(state, answer, best, at, named, shown);
    else this.reading.textContent = this.described(look, state, at);
    this.pinned.replaceChildren(...this.against(state, at));
  }

  similar(state, answer, best, at, named, shown) {
    const ranked = state.scale === "absolute" ? "" : this.data.without_percentile;
    const kind = this.kind(state.kind) === state.kind ? "" : `Centred: ${this.data.without_position} `;
    const scale = ranked ? `Absolute: ${ranked} ` : "";
    if (!answer) return state.query ? "Not shown to this encoder." : `${kind}Point at a patch.`;
    const held = answer.patch === at || at < 0 ? "" : `${shown(answer.values[at])} at the cursor; `;
    const asked = state.query.label ? `like ${state.query.label}: ` : "";
    return `${kind}${scale}${asked}${held}best ${shown(answer.values[best])} at ${named(best)}`;
  }

  described(look, state, at) {
    if (state.layer === "photo") return "";
    if (state.layer === "PCA") return "First three components; colours do not compare between encoders.";
    const values = this.plain(look, state.layer);
    if (state.layer === "attention" && !values) return `No attention: ${this.data.attention}`;
    const what = state.layer === "norm" ? "Norm" : "Attention";
    const range = `${what} ${say(Math.min(...values))} to ${say(Math.max(...values))}`;
    const here = at < 0 ? "" : `, ${say(values[at])} at the cursor`;
    return `${range}${here}${state.layer === "attention" ? `: ${this.data.attention}` : ""}`;
  }

  // The similarity of each pin with the patch under the cursor.
  against(state, at) {
    if (at < 0 || state.layer !== "similarity") return [];
    return state.pins.flatMap((pin, i) => {
      if (!this.tokens.has(pin.photo)) return [];
      const answer = this.values(pin, state.photo, { ...state, scale: "absolute" });
      if (!answer) return [];
      const value = node("span", { class: `with pin-${i % 6}` }, node("b", {}, pin.label), ` ${say(answer.values[at])}`);
      return [value, " "];
    });
  }
}

// By cosine: of percentiles many are 100 %.
function bestOf({ cosines: values, patch }) {
  let best = patch === 0 ? 1 : 0;
  for (let p = 0; p < values.length; p++) if (p !== patch && values[p] > values[best]) best = p;
  return best < values.length ? best : -1;
}

// A photo, the heat over it, and the boxes on both.
class Stage {
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
