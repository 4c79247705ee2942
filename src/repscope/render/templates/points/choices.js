// Choices: what dots are coloured by, what a drag does, and how near the maps are seen.

import { node } from "./draw.js";

const DRAGS = { look: "looks", lasso: "draws a lasso", move: "moves" };

export function choices(atlas) {
  const colour = node("select", { "aria-label": "Colour" });
  atlas.data.colours.forEach((each, i) => colour.append(node("option", { value: i }, each.name)));
  colour.addEventListener("change", () => atlas.change({ colour: Number(colour.value) }));
  const drag = node("fieldset", {}, node("legend", {}, "A drag"));
  for (const [value, words] of Object.entries(DRAGS)) {
    const radio = node("input", { type: "radio", name: "drag", value });
    radio.checked = atlas.state.drag === value;
    radio.addEventListener("change", () => atlas.change({ drag: value }));
    drag.append(node("label", {}, radio, node("span", {}, words)));
  }
  const button = (words, said, act) => node("button", { type: "button", class: "plain", "aria-label": said, title: said, onclick: act }, words);
  return node(
    "form",
    { class: "controls", autocomplete: "off", onsubmit: (event) => event.preventDefault() },
    node("label", { hidden: !atlas.data.colours.length }, "Colour ", colour),
    drag,
    node("span", { class: "zooms" }, button("−", "Smaller", () => atlas.zoom(1 / 1.5)), button("+", "Larger", () => atlas.zoom(1.5)), button("Reset view", "See all", () => atlas.zoom(0))),
  );
}
