// Selection: the images that were drawn around: how many, of which classes, what they look like, and their names to take away.

import { node } from "./draw.js";
import { shade } from "./packed.js";

const SHOWN = 180;

export class Selection {
  constructor(atlas) {
    this.atlas = atlas;
    this.count = node("p", { class: "counted" });
    this.bars = node("ul", { class: "bars" });
    this.thumbs = node("div", { class: "thumbs" });
    this.more = node("p", { class: "beside" });
    this.copy = node("button", { type: "button", class: "plain", onclick: () => this.copied() }, "Copy ids");
    this.names = node("textarea", { readonly: true, rows: 4, "aria-label": "Ids of the selection", hidden: true });
    const actions = node(
      "p",
      { class: "actions" },
      this.copy,
      node("button", { type: "button", class: "plain", onclick: () => this.saved() }, "Save as text"),
      node("button", { type: "button", class: "plain", onclick: () => atlas.select([], "new") }, "Clear"),
    );
    this.element = node("div", { class: "selection", hidden: true }, this.count, actions, this.names, this.bars, this.thumbs, this.more);
  }

  show(chosen) {
    const { data, thumbnails, colour } = this.atlas;
    this.chosen = chosen;
    this.element.hidden = !chosen.length;
    this.names.hidden = true;
    this.copy.textContent = "Copy ids";
    const share = ((100 * chosen.length) / data.count).toFixed(1);
    this.count.textContent = `${chosen.length.toLocaleString("en")} of ${data.count.toLocaleString("en")} images selected (${share} %)`;
    this.bars.replaceChildren(...this.histogram(chosen));
    const canvases = chosen.slice(0, SHOWN).map((image) => {
      const canvas = thumbnails.made();
      thumbnails.show(canvas, image, shade(colour, image), [data.ids[image], ...this.atlas.card.said(image)].join(", "));
      return canvas;
    });
    this.thumbs.replaceChildren(...canvases);
    const left = chosen.length - canvases.length;
    this.more.textContent = left > 0 ? `and ${left.toLocaleString("en")} more` : "";
  }

  // Of each class, how many are selected; the most first.
  histogram(chosen) {
    const colour = this.atlas.colour?.discrete ? this.atlas.colour : this.atlas.data.colours.find((each) => each.discrete);
    if (!colour) return [];
    const counts = new Map();
    for (const image of chosen) counts.set(colour.steps[image], (counts.get(colour.steps[image]) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const sorted = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    return sorted.map(([place, count]) => {
      const bar = node("span", { class: "share" });
      bar.style.width = `${(100 * count) / most}%`;
      bar.style.background = place < 0 ? "rgb(128 128 128)" : colour.shades[place];
      return node("li", {}, node("span", {}, place < 0 ? "none" : colour.classes[place]), node("span", { class: "track" }, bar), node("span", {}, count.toLocaleString("en")));
    });
  }

  text() {
    return this.chosen.map((image) => `${this.atlas.data.ids[image]}\n`).join("");
  }

  async copied() {
    try {
      await navigator.clipboard.writeText(this.text());
      this.copy.textContent = "Copied";
    } catch {
      this.names.value = this.text();
      this.names.hidden = false;
      this.names.select();
      this.copy.textContent = "Selected";
    }
  }

  saved() {
    const address = URL.createObjectURL(new Blob([this.text()], { type: "text/plain" }));
    node("a", { href: address, download: "selection.txt" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }
}
