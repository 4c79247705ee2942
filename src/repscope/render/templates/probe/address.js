// Address: pins as the part of an address after the #, and back.

export function hashOf(pins) {
  const said = pins.map(({ photo, place, label }) => {
    return [photo, ...place.map((x) => x.toFixed(4)), encodeURIComponent(label)].join(":");
  });
  return `#pins=${said.join(",")}`;
}

// The pins that an address names, those that make no sense left out; null where it names none.
export function pinsOf(hash, photos) {
  const said = /^#pins=(.*)$/.exec(hash);
  if (!said) return null;
  const pins = said[1].split(",").map((each) => {
    const [photo, across, down, label = ""] = each.split(":");
    return { photo: Number(photo), place: [Number(across), Number(down)], label: named(label) || "?" };
  });
  const known = ({ photo, place }) => Number.isInteger(photo) && photo >= 0 && photo < photos && place.every(inside);
  return pins.filter(known).map((pin, number) => ({ ...pin, number }));
}

const inside = (x) => x >= 0 && x <= 1;

function named(text) {
  try {
    return decodeURIComponent(text).slice(0, 24);
  } catch {
    return "";
  }
}
