// Draw: values as colours, one pixel to a patch, and boxes around patches. The browser enlarges.

export function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// A number as text: the same as report/number.py says it.
export function say(value) {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-3)) return general(value);
  const text = value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
  return size < 1000 ? text : text.replace(/\B(?=(\d{3})+$)/g, ",");
}

// Three significant digits as C's %.3g writes them.
function general(value) {
  const [digits, power] = value.toExponential(2).split("e").map(Number);
  if (power >= -4 && power < 0) return String(Number(value.toFixed(2 - power)));
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function painted(canvas, grid, colour, alpha) {
  const [rows, columns] = grid;
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let p = 0; p < rows * columns; p++) {
    const start = colour(p);
    image.data[4 * p] = start[0];
    image.data[4 * p + 1] = start[1];
    image.data[4 * p + 2] = start[2];
    image.data[4 * p + 3] = alpha;
  }
  context.putImageData(image, 0, 0);
}

// A scale of 256 colours from left to right.
export function gradient(table) {
  const stops = Array.from({ length: 17 }, (_, i) => table.subarray(3 * Math.round(i * 15.9375), 3 * Math.round(i * 15.9375) + 3));
  return `linear-gradient(to right, ${stops.map((stop) => `rgb(${stop.join(" ")})`).join(", ")})`;
}

// Values on such a scale.
export function paint(canvas, grid, values, [low, high], table, alpha) {
  const reach = 255 / (high - low || 1);
  const colour = (p) => {
    const step = Math.round((values[p] - low) * reach);
    const start = 3 * (step < 0 ? 0 : step > 255 ? 255 : step);
    return [table[start], table[start + 1], table[start + 2]];
  };
  painted(canvas, grid, colour, Math.round(255 * alpha));
}

// Colours as they are.
export function paintColours(canvas, grid, colours, alpha) {
  painted(canvas, grid, (p) => colours.subarray(3 * p, 3 * p + 3), Math.round(255 * alpha));
}

export function cleared(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

const percent = (share) => `${100 * share}%`;

// Lay a box over a part of the photo; both are left, top, right, bottom in fractions of the photo.
export function lay(box, part, shown) {
  const [left, top, right, bottom] = shown;
  box.style.left = percent((part[0] - left) / (right - left));
  box.style.top = percent((part[1] - top) / (bottom - top));
  box.style.width = percent((part[2] - part[0]) / (right - left));
  box.style.height = percent((part[3] - part[1]) / (bottom - top));
}

// The part of the photo that a patch covers.
export function part(look, patch) {
  const [left, top, right, bottom] = look.frame;
  const [rows, columns] = look.grid;
  const [across, down] = [(right - left) / columns, (bottom - top) / rows];
  const [y, x] = [Math.floor(patch / columns), patch % columns];
  return [left + x * across, top + y * down, left + (x + 1) * across, top + (y + 1) * down];
}

// The patch at a point of the photo, or -1 outside of what the encoder was shown.
export function patchAt(look, [across, down]) {
  const [left, top, right, bottom] = look.frame;
  const x = (across - left) / (right - left);
  const y = (down - top) / (bottom - top);
  if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return -1;
  const [rows, columns] = look.grid;
  return Math.min(Math.floor(y * rows), rows - 1) * columns + Math.min(Math.floor(x * columns), columns - 1);
}

export const middle = (look, patch) => {
  const [left, top, right, bottom] = part(look, patch);
  return [(left + right) / 2, (top + bottom) / 2];
};
