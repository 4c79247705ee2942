// Tokens: what the page holds of a photo under an encoder, as vectors of length 1, and the cosines among them.
// The same as report/probe.py says them; tests hold the two together.

const SAMPLE = 2048;
const GOLDEN = 0.6180339887498949;

export function bytes(text) {
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
  return found;
}

export const floats = (text) => new Float32Array(bytes(text).buffer);

// Unpacked, as far as they belong there: a few bytes can be made to unpack to gigabytes.
async function inflated(data, length) {
  const found = new Uint8Array(length);
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let filled = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (filled + next.value.length > length) throw new Error("too many codes");
    found.set(next.value, filled);
    filled += next.value.length;
  }
  if (filled < length) throw new Error("codes are missing");
  return new Int8Array(found.buffer);
}

// Every patch on width + 1 axes, the last that of the offset outside of the others.
export async function read(look, position) {
  const count = look.grid[0] * look.grid[1];
  const axes = look.width + 1;
  const codes = await inflated(bytes(look.codes), look.width * count);
  const scales = floats(look.scales);
  const rest = scales.length - count;
  const offset = floats(look.offset);
  const vectors = new Float32Array(count * axes);
  for (let k = 0; k < axes; k++) {
    const part = k < position ? 0 : rest;
    for (let p = 0; p < count; p++) {
      const code = k < look.width ? codes[k * count + p] * Math.abs(scales[part + p]) : 0;
      vectors[p * axes + k] = code + (scales[rest + p] >= 0 ? offset[k] : 0);
    }
  }
  return { count, axes, vectors, grid: look.grid };
}

// The patches at length 1: as they are, less their mean, or less position's axes too.
export function unit(tokens, kind, position) {
  const { count, axes, vectors } = tokens;
  const rows = new Float32Array(vectors);
  const shift = new Float64Array(axes);
  if (kind !== "raw") for (let p = 0; p < count; p++) for (let k = 0; k < axes; k++) shift[k] -= vectors[p * axes + k] / count;
  const from = kind === "position removed" ? position : 0;
  for (let p = 0; p < count; p++) {
    let sum = 0;
    for (let k = 0; k < axes; k++) {
      const value = k < from ? 0 : rows[p * axes + k] + shift[k];
      rows[p * axes + k] = value;
      sum += value * value;
    }
    const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (let k = 0; k < axes; k++) rows[p * axes + k] *= scale;
  }
  return { count, axes, rows, grid: tokens.grid };
}

export const row = (patches, p) => patches.rows.subarray(p * patches.axes, (p + 1) * patches.axes);

// Cosine of two patches of length 1, over the axes they have in common.
export function dot(one, other, shared, start = 0) {
  let sum = 0;
  for (let k = 0; k < shared; k++) sum += one[start + k] * other[k];
  return sum > 1 ? 1 : sum < -1 ? -1 : sum;
}

// The same of a query with every patch.
export function cosines(patches, query, shared = patches.axes) {
  const { count, axes, rows } = patches;
  const found = new Float32Array(count);
  for (let p = 0; p < count; p++) found[p] = dot(rows, query, shared, p * axes);
  return found;
}

const gcd = (one, other) => (other ? gcd(other, one % other) : one);

// Patches of other photos, on the axes that all photos share: a golden section of all apart, around and around, so that
// they are taken evenly and in step with no grid's columns.
export function sampled(others, shared) {
  const all = others.flatMap((each) => Array.from({ length: each.count }, (_, p) => row(each, p)));
  const total = all.length;
  const count = Math.min(total, SAMPLE);
  let step = Math.floor(total * GOLDEN) + 1;
  while (gcd(step, total) !== 1) step++;
  const rows = new Float32Array(count * shared);
  for (let k = 0; k < count; k++) rows.set(all[(k * step) % total].subarray(0, shared), k * shared);
  return { count, axes: shared, rows };
}

// The reference's cosines with a query, in order.
export const ranked = (reference, query) => cosines(reference, query).sort();

// For each value the share of the reference that is no more like the query.
export function percentiles(values, sorted) {
  return values.map((value) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] <= value) low = middle + 1;
      else high = middle;
    }
    return low / sorted.length;
  });
}
