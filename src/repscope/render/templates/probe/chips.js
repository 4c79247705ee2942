// Chips: the pins below the panels, each to be held, renamed and deleted. A chip stays while its pin does, so that
// the keyboard's focus stays in it.

import { node } from "./draw.js";

export class Chips {
  constructor(probe) {
    this.probe = probe;
    this.made = new Map();
    this.element = node("ul", { class: "pins", "aria-label": "Pins" });
  }

  show(pins, held) {
    for (const [pin, chip] of [...this.made]) if (!pins.includes(pin)) this.remove(pin, chip);
    for (const pin of pins) {
      if (!this.made.has(pin)) this.add(pin);
      const { dot, name, gone } = this.made.get(pin);
      const title = held === pin ? "Let go" : "Hold: show what is like this pin";
      dot.title = title;
      dot.setAttribute("aria-label", `${title} ${pin.label}`);
      dot.setAttribute("aria-pressed", String(held === pin));
      gone.setAttribute("aria-label", `Delete pin ${pin.label}`);
      if (document.activeElement !== name || !name.value.trim()) name.value = pin.label;
    }
  }

  add(pin) {
    const { probe } = this;
    const name = node("input", { value: pin.label, "aria-label": "Name of the pin", size: 6, maxlength: 24 });
    name.addEventListener("change", () => probe.rename(pin, name.value.trim() || pin.label));
    const dot = node("button", { type: "button", class: "dot", onclick: () => probe.hold(pin) });
    const gone = node("button", { type: "button", class: "delete", onclick: () => probe.unpin(pin) }, "×");
    const chip = node("li", { class: `chip pin-${pin.number % 6}` }, dot, name, gone);
    this.element.append(chip);
    this.made.set(pin, { chip, dot, name, gone });
  }

  // A deleted chip hands the focus on: to the next one, or to the panels.
  remove(pin, { chip }) {
    const focused = chip.contains(document.activeElement);
    const beside = chip.nextElementSibling ?? chip.previousElementSibling;
    chip.remove();
    this.made.delete(pin);
    if (focused) (beside?.querySelector(".delete") ?? this.probe.grid).focus();
  }
}
