// Card: the image that is pointed at: what it is, and what each encoder has next to it.

import { node, say } from "./draw.js";
import { nearestOf, shade } from "./packed.js";

export class Card {
  constructor(atlas) {
    this.atlas = atlas;
    this.picture = atlas.thumbnails.made();
    this.name = node("p", { class: "id" });
    this.facts = node("p", { class: "beside" });
    this.rows = atlas.plots.filter((plot) => plot.works && plot.map.k).map((plot) => {
      const cells = Array.from({ length: plot.map.k }, () => atlas.thumbnails.made());
      const row = node("div", { class: "near" }, node("p", { class: "beside" }, plot.map.encoder), node("div", { class: "thumbs" }, ...cells));
      return { plot, cells, row };
    });
    const head = node("div", { class: "pointed" }, this.picture, node("div", {}, this.name, this.facts));
    const words = "Nearest in each encoder's own space. Framed: also among those of the map pointed at; there, of any other map.";
    this.shown = node("div", { class: "shown" }, head, ...this.rows.map((each) => each.row), node("p", { class: "beside" }, words));
    this.hint = node("p", { class: "beside hint" }, "Point at a dot. Lines lead to its nearest in the encoder's own space; squares mark the nearest of the map pointed at.");
    this.element = node("div", { class: "card" }, this.hint, this.shown);
    this.shown.hidden = true;
  }

  // What is known of an image, in words.
  said(i) {
    return this.atlas.data.colours
      .filter((colour) => colour === this.atlas.colour || colour.discrete)
      .map((colour) => `${colour.name}: ${told(colour, i)}`);
  }

  show(at, plot) {
    this.shown.hidden = at < 0;
    this.hint.hidden = at >= 0;
    if (at < 0) return;
    const { data, thumbnails, colour } = this.atlas;
    thumbnails.show(this.picture, at, shade(colour, at), data.ids[at]);
    this.name.textContent = data.ids[at];
    this.facts.textContent = this.said(at).join(" · ");
    for (const { plot: own, cells } of this.rows) {
      const others = this.rows.filter((each) => each.plot !== own && (own === plot || each.plot === plot));
      const known = new Set(others.flatMap((each) => [...nearestOf(each.plot.map, at)]));
      nearestOf(own.map, at).forEach((image, place) => {
        thumbnails.show(cells[place], image, shade(colour, image), [data.ids[image], ...this.said(image)].join(", "));
        cells[place].classList.toggle("common", known.has(image));
      });
    }
  }
}

export function told(colour, i) {
  const value = colour.values[i];
  if (Number.isNaN(value)) return "none";
  return colour.discrete ? colour.classes[value] : `${say(value)} ${colour.unit}`.trim();
}
