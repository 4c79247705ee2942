// Legend: what colours mean. A class is a button that selects its images, so that a selection needs no pointer.

import { gradient, node, say } from "./draw.js";

export class Legend {
  constructor(atlas) {
    this.atlas = atlas;
    this.element = node("div", { class: "key" });
  }

  show(colour) {
    if (this.shown === colour) return;
    this.shown = colour;
    if (!colour) this.element.replaceChildren();
    else this.element.replaceChildren(...(colour.discrete ? this.classes(colour) : this.scale(colour)), node("p", { class: "beside" }, colour.about));
  }

  classes(colour) {
    const counts = new Int32Array(colour.classes.length);
    for (const step of colour.steps) if (step >= 0) counts[step]++;
    const buttons = colour.classes.map((name, place) => {
      const swatch = node("span", { class: "swatch" });
      swatch.style.background = colour.shades[place];
      const choose = (event) => this.choose(colour, place, event.shiftKey);
      return node("button", { type: "button", class: "plain", title: "Select; with shift, as well", onclick: choose }, swatch, `${name} `, node("span", { class: "beside" }, counts[place].toLocaleString("en")));
    });
    const without = colour.steps.reduce((sum, step) => sum + (step < 0), 0);
    const rest = without ? [node("span", { class: "beside" }, `grey: ${without.toLocaleString("en")} without`)] : [];
    return [node("div", { class: "classes", role: "group", "aria-label": `Select by ${colour.name}` }, ...buttons, ...rest)];
  }

  choose(colour, place, add) {
    const found = [];
    colour.steps.forEach((step, i) => step === place && found.push(i));
    this.atlas.select(found, add ? "add" : "new");
  }

  scale(colour) {
    const bar = node("div", { class: "gradient" });
    bar.style.background = gradient(colour.table);
    const [low, high] = colour.domain;
    const words = [say(low), `${colour.name} ${colour.unit}`.trim(), say(high)];
    return [node("div", { class: "bar" }, bar, node("div", { class: "ends" }, ...words.map((word) => node("span", {}, word))))];
  }
}
