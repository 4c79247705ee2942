// Controls: what is shown and how, above the panels; what cannot be chosen says why.

import { node } from "./draw.js";

const KINDS = ["raw", "centred", "position removed"];
const LAYERS = ["similarity", "PCA", "norm", "attention", "photo"];

export class Controls {
  constructor(probe) {
    const works = probe.panels.filter((panel) => panel.works).map((panel) => panel.data);
    // a choice is refused with the first encoder's reason where it is every encoder's
    const refused = (reason) => (works.length && works.every(reason) ? reason(works[0]) : "");
    const why = {
      "position removed": refused((data) => data.without_position),
      attention: refused((data) => (data.looks[0].attention ? "" : data.attention)),
      percentile: refused((data) => data.without_percentile),
    };
    this.similar = [choice(probe, "Tokens", "kind", KINDS, why), choice(probe, "Scale", "scale", ["absolute", "percentile"], why)];
    this.target = elsewhere(probe);
    // a form: choices of the same name elsewhere, as in another cell of a notebook, are others' choices
    const form = node(
      "form",
      { class: "controls", autocomplete: "off", onsubmit: (event) => event.preventDefault() },
      choice(probe, "Show", "layer", LAYERS, why),
      ...this.similar,
      ...finish(probe),
      node("label", { hidden: probe.photos.length < 2 }, "Elsewhere ", this.target),
      node("button", { type: "button", class: "plain", onclick: () => probe.pin() }, "Pin"),
    );
    const absent = Object.entries(why).filter(([, reason]) => reason);
    const told = ([what, reason]) => node("p", { class: "beside absent" }, `${what[0].toUpperCase()}${what.slice(1)}: ${reason}`);
    this.elements = [form, ...absent.map(told)];
  }

  // What asks nothing of the layer shown cannot be chosen; the photo shown is not elsewhere.
  show({ layer, photo, target }) {
    for (const group of this.similar) group.disabled = layer !== "similarity";
    [...this.target.options].forEach((option) => (option.disabled = option.value === String(photo)));
    this.target.value = target ?? "";
  }
}

function choice(probe, title, name, values, why) {
  const group = node("fieldset", {}, node("legend", {}, title));
  for (const value of values) {
    const radio = node("input", { type: "radio", name, value, disabled: Boolean(why[value]) });
    radio.checked = probe.state[name] === value;
    radio.addEventListener("change", () => probe.change({ [name]: value }));
    group.append(node("label", { title: why[value] ?? "" }, radio, node("span", {}, value)));
  }
  return group;
}

function finish(probe) {
  const heat = node("input", { type: "range", min: 0, max: 1, step: 0.05, value: probe.state.opacity });
  heat.addEventListener("input", () => probe.change({ opacity: Number(heat.value) }));
  const smooth = node("input", { type: "checkbox" });
  smooth.addEventListener("change", () => probe.change({ smooth: smooth.checked }));
  return [node("label", {}, "Heat ", heat), node("label", {}, smooth, " smooth")];
}

function elsewhere(probe) {
  const select = node("select", {}, node("option", { value: "" }, "nowhere else"));
  probe.photos.forEach((photo, i) => select.append(node("option", { value: i }, photo.id)));
  select.addEventListener("change", () => probe.change({ target: select.value === "" ? null : Number(select.value) }));
  return select;
}
