// Packed: what the page holds of a map of images, as typed arrays, and the colour of every dot.
// The same as report/points.py says it; tests hold the two together.

import { bytes, floats } from "./tokens.js";

const whole = (text) => new Int32Array(bytes(text).buffer);
const GREY = "rgb(128 128 128)";

export function opened({ points, palettes, scales }) {
  const count = points.ids.length;
  const maps = points.maps.map((map) => {
    const places = floats(map.places);
    if (!map.reason && places.length !== 2 * count) throw new Error("places are missing");
    const neighbours = whole(map.neighbours);
    return { ...map, places, neighbours, k: neighbours.length / count };
  });
  const table = bytes(scales.magnitude);
  const signs = bytes(scales.signed);
  const colours = points.colours.map((colour, i) => coloured(colour, palettes[i], colour.domain[0] < 0 && colour.domain[1] > 0 ? signs : table));
  return { count, ids: points.ids, maps, colours, thumbnails: points.thumbnails };
}

// A colouring with a table of colours and each dot's place in it; -1 where it has none.
function coloured(colour, palette, table) {
  const values = floats(colour.values);
  const classes = colour.classes.length > 0;
  const [low, high] = ends(colour.domain);
  const steps = Int16Array.from(values, (value) => {
    if (Number.isNaN(value)) return -1;
    if (classes) return value;
    return Math.min(Math.max(Math.round((255 * (value - low)) / (high - low || 1)), 0), 255);
  });
  const shades = classes ? palette : Array.from({ length: 256 }, (_, i) => `rgb(${table.subarray(3 * i, 3 * i + 3).join(" ")})`);
  return { ...colour, values, steps, shades, table, discrete: classes };
}

// As far on both sides of zero where zero lies within: zero has no colour.
function ends([low, high]) {
  const reach = Math.max(Math.abs(low), Math.abs(high));
  return low < 0 && high > 0 ? [-reach, reach] : [low, high];
}

export const shade = (colour, i) => (colour && colour.steps[i] >= 0 ? colour.shades[colour.steps[i]] : GREY);

// The images nearest in the encoder's own space, the nearest first.
export const nearestOf = (map, i) => map.neighbours.subarray(map.k * i, map.k * (i + 1));
