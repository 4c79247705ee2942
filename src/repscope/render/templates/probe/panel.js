// Panel: one encoder. A photo under its heat, another one where it is looked for, and what can be read at the cursor.

import { node, patchAt, say } from "./draw.js";
import { Stage } from "./stage.js";
import { bytes, cosines, dot, floats, percentiles, ranked, read, row, sampled, unit } from "./tokens.js";

const KEPT = 24;

export class Panel {
  constructor(data, scales, names) {
    this.data = data;
    this.scales = scales;
    this.names = names;
    this.pending = new Map(); // photo -> the promise of its tokens
    this.tokens = new Map();
    this.units = new Map();
    this.references = new Map();
    this.here = new Stage(`Photo under ${data.encoder}`);
    this.there = new Stage(`Another photo under ${data.encoder}`);
    this.reading = node("p", { class: "reading" });
    this.pinned = node("p", { class: "pinned" });
    this.elsewhere = node("p", { class: "elsewhere" });
    this.there.element.hidden = this.elsewhere.hidden = true;
    this.element = node("section", { class: "panel" }, node("h3", {}, data.encoder));
    if (data.reason) this.element.append(node("p", { class: "failed" }, `No picture: ${data.reason}`));
    else this.element.append(this.here.element, this.reading, this.pinned, this.there.element, this.elsewhere, this.loss());
  }

  get works() {
    return !this.data.reason;
  }

  loss() {
    const { error, across, ranks, without_percentile, looks } = this.data;
    const between = across === null ? "" : `, between photos by ${say(across)}`;
    const ranked = ranks === null || without_percentile ? "" : `; percentiles by ${Math.ceil(100 * ranks)} points where it was tried`;
    const words = `Similarities are off by at most ${say(error)}${between}${ranked} (${looks[0].width} axes of 8 bits).`;
    return node("p", { class: error > 0.02 || across > 0.05 ? "beside over" : "beside" }, words);
  }

  // The promise of what a photo's drawing needs, asked for once; nothing where it is there.
  wanting(photo) {
    if (this.tokens.has(photo)) return null;
    return this.once(`${photo}`, async () => {
      this.tokens.set(photo, await read(this.data.looks[photo], this.data.position));
    });
  }

  // The same for the patches of the others, which percentiles are among.
  wantingReference(photo, kind) {
    const key = `${photo} ${kind}`;
    if (this.references.has(key) || this.data.without_percentile) return null;
    return this.once(key, async () => {
      const others = [];
      for (let i = 0; i < this.data.looks.length; i++) {
        if (i !== photo) others.push(unit(await read(this.data.looks[i], this.data.position), kind, this.data.position));
      }
      if (this.references.size > 1) this.references.delete(this.references.keys().next().value);
      this.references.set(key, sampled(others, this.data.shared));
    });
  }

  once(key, make) {
    if (!this.pending.has(key)) this.pending.set(key, make().finally(() => this.pending.delete(key)));
    return this.pending.get(key);
  }

  // Let go of photos that are not looked at any more, the oldest first.
  forget(photos) {
    for (const photo of [...this.tokens.keys()]) {
      if (this.tokens.size > KEPT && !photos.has(photo)) this.tokens.delete(photo);
    }
    for (const key of [...this.units.keys()]) if (this.units.size > 2 * KEPT) this.units.delete(key);
  }

  unit(photo, kind) {
    const key = `${photo} ${kind}`;
    if (!this.units.has(key)) this.units.set(key, unit(this.tokens.get(photo), kind, this.data.position));
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
    const order = this.order(query.photo, kind, vector, state);
    const values = order ? percentiles(found, order) : found;
    return { values, cosines: found, patch: within ? patch : -1, order, vector };
  }

  // What percentiles of a query are among, in order; null where they are not asked for, or cannot be had.
  order(photo, kind, vector, state) {
    const reference = state.scale === "percentile" && this.references.get(`${photo} ${kind}`);
    return reference ? ranked(reference, vector.subarray(0, this.data.shared)) : null;
  }

  draw(state, photos) {
    if (!this.works) return;
    const apart = state.target !== null;
    this.there.element.hidden = this.elsewhere.hidden = !apart;
    const { answer, best } = this.onto(this.here, state.photo, state, photos);
    const look = this.data.looks[state.photo];
    this.answer = answer;
    this.at = state.cursor && state.cursor.photo === state.photo ? patchAt(look, state.cursor.place) : -1;
    this.tell(look, state, answer, best);
    if (apart) {
      const found = this.onto(this.there, state.target, state, photos);
      this.elsewhere.textContent = this.found(this.data.looks[state.target], state, found, photos[state.target].id);
    }
  }

  // The photo with its heat and boxes; what was answered, and the patch most like the query.
  onto(stage, photo, state, photos) {
    const look = this.data.looks[photo];
    stage.show(photos[photo], look, state);
    const answer = state.query && this.values(state.query, photo, state);
    const best = answer ? bestOf(answer) : -1;
    stage.heat(look, this.layer(look, state, answer), state);
    stage.box("cursor", look, state.cursor && state.cursor.photo === photo ? patchAt(look, state.cursor.place) : -1);
    stage.box("best", look, state.layer === "similarity" ? best : -1);
    stage.pins(look, state.pins.filter((pin) => pin.photo === photo));
    return { answer, best };
  }

  layer(look, state, answer) {
    if (state.layer === "similarity") {
      if (!answer) return null;
      const scale = answer.order ? [[0, 1], this.scales.magnitude] : [[-1, 1], this.scales.signed];
      return { values: answer.values, domain: scale[0], table: scale[1] };
    }
    if (state.layer === "PCA") return { colours: bytes(look.colours) };
    const values = this.plain(look, state.layer);
    if (!values) return null;
    const { low, ends } = reach(values);
    return { values, domain: ends ?? [low - 1, low + 2], table: this.scales.magnitude };
  }

  plain(look, layer) {
    if (layer === "norm") return floats(look.lengths);
    return layer === "attention" && look.attention ? floats(look.attention) : null;
  }

  // The words under the picture.
  tell(look, state, answer, best) {
    if (state.layer === "similarity") this.reading.textContent = this.similar(look, state, answer, best);
    else this.reading.textContent = this.described(look, state);
    this.pinned.replaceChildren(...this.against(state));
  }

  similar(look, state, answer, best) {
    const ranked = state.scale === "absolute" ? "" : this.data.without_percentile;
    const kind = this.kind(state.kind) === state.kind ? "" : `Centred: ${this.data.without_position} `;
    const scale = ranked ? `Absolute: ${ranked} ` : "";
    if (!answer) return state.query ? "Not shown to this encoder." : `${kind}Point at a patch.`;
    const held = answer.patch === this.at || this.at < 0 ? "" : `${shown(answer, this.at)} at the cursor; `;
    const there = state.query.photo === state.photo ? "" : ` of ${this.names[state.query.photo]}`;
    const asked = state.query.label ? `like ${state.query.label}${there}: ` : "";
    return `${kind}${scale}${asked}${held}${matched(look, answer, best)}`;
  }

  // What is said under the other photo.
  found(look, state, { answer, best }, name) {
    if (state.layer !== "similarity" || !answer) return name;
    return `${name}: ${matched(look, answer, best)}`;
  }

  described(look, state) {
    if (state.layer === "photo") return "";
    if (state.layer === "PCA") return "First three components; colours do not compare between encoders.";
    const values = this.plain(look, state.layer);
    if (state.layer === "attention" && !values) return `No attention: ${this.data.attention}`;
    const what = state.layer === "norm" ? "Norm" : "Attention";
    const { low, high, ends } = reach(values);
    const told = state.layer === "attention" ? `: ${this.data.attention}` : "";
    if (!ends) return `${what} ${say(low)} for all patches, to a thousandth${told}`;
    const here = this.at < 0 ? "" : `, ${say(values[this.at])} at the cursor`;
    return `${what} ${say(low)} to ${say(high)}${here}${told}`;
  }

  // How like the patch under the cursor each pin is, on the scale of the heat.
  against(state) {
    if (this.at < 0 || state.layer !== "similarity" || !state.pins.length) return [];
    const kind = this.kind(state.kind);
    const here = row(this.unit(state.photo, kind), this.at);
    const order = state.query === state.cursor ? this.answer?.order : this.order(state.photo, kind, here, state);
    return state.pins.flatMap((pin) => {
      const patch = patchAt(this.data.looks[pin.photo], pin.place);
      if (patch < 0) return [];
      const there = row(this.unit(pin.photo, kind), patch);
      const value = dot(here, there, pin.photo === state.photo ? here.length : this.data.shared);
      const told = shown({ values: order ? percentiles([value], order) : [value], order }, 0);
      const title = `How like the patch at the cursor pin ${pin.label} is`;
      return [node("span", { class: `with pin-${pin.number % 6}`, title }, node("b", {}, pin.label), ` ${told}`), " "];
    });
  }
}

// The least and the largest value, and both as ends of a scale; no ends where all are alike to a thousandth: a map
// stretched over what is left would be one of rounding.
function reach(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return { low, high, ends: high - low > 1e-3 * Math.max(Math.abs(low), Math.abs(high)) ? [low, high] : null };
}

const shown = ({ values, order }, patch) => (order ? `${(100 * values[patch]).toFixed(1)} %` : say(values[patch]));

function matched(look, answer, best) {
  if (best < 0) return "";
  const columns = look.grid[1];
  return `best ${shown(answer, best)} at row ${Math.floor(best / columns) + 1}, column ${(best % columns) + 1}`;
}

// By cosine: of percentiles many are 100 %.
function bestOf({ cosines: values, patch }) {
  let best = patch === 0 ? 1 : 0;
  for (let p = 0; p < values.length; p++) if (p !== patch && values[p] > values[best]) best = p;
  return best < values.length ? best : -1;
}
