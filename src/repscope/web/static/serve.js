// Serve: choose photos and encoders, ask, watch the progress, and see the report's own fragment.

import { node } from "./draw.js";
import { mount } from "./probe.js";

const $ = (id) => document.getElementById(id);
const chosen = { photos: new Set(), models: new Set() };
let running = null;

async function fetched(address, options) {
  const answer = await fetch(address, options);
  if (answer.ok) return answer;
  const kind = answer.headers.get("content-type") ?? "";
  const said = kind.includes("json") ? (await answer.json()).error : await answer.text();
  throw new Error(said || `The server said ${answer.status}.`);
}

function say(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

// The address of the question as it is chosen.
function address() {
  const said = new URLSearchParams();
  for (const key of chosen.photos) said.append("photo", key);
  said.set("m", [...chosen.models].join(","));
  said.set("frame", $("frame").value);
  said.set("layer", $("layer").value || "-1");
  return said.toString();
}

function photo({ key, name }) {
  const image = node("img", { src: `/photos/${key}.jpg`, alt: "", loading: "lazy" });
  const button = node("button", { type: "button", title: name, "aria-label": name, "data-key": key }, image);
  image.addEventListener("error", () => image.replaceWith(`${name} cannot be read`));
  button.addEventListener("click", () => {
    chosen.photos[chosen.photos.has(key) ? "delete" : "add"](key);
    pressed();
  });
  return button;
}

function pressed() {
  for (const button of $("photos").children) button.setAttribute("aria-pressed", String(chosen.photos.has(button.dataset.key)));
  $("photo-count").textContent = `${chosen.photos.size} of ${$("photos").children.length}`;
  const [least, most] = bounds();
  const count = chosen.models.size;
  const enough = count >= least && count <= most;
  $("run").disabled = !enough || !chosen.photos.size || Boolean(running);
  const wanted = `${$("analysis").value} wants ${least === most ? least : `${least} or more`} encoder${most > 1 ? "s" : ""}.`;
  $("lacking").textContent = !enough ? wanted : chosen.photos.size ? "" : "Choose a photo.";
}

const bounds = () => JSON.parse($("analysis").selectedOptions[0].dataset.bounds);

function encoder({ name, here, parameters }) {
  const box = node("input", { type: "checkbox", value: name });
  box.checked = chosen.models.has(name);
  box.addEventListener("change", () => {
    chosen.models[box.checked ? "add" : "delete"](name);
    pressed();
  });
  const size = parameters ? `${(parameters / 1e6).toFixed(parameters < 1e7 ? 1 : 0)} M` : "";
  return node("label", { "data-name": name }, box, name, node("small", {}, here ? size : `${size}, to be fetched`));
}

async function choices() {
  const said = await (await fetched("/choices")).json();
  const before = new URLSearchParams(location.search);
  const models = before.get("m")?.split(",").filter(Boolean) ?? said.chosen;
  const keys = new Set(said.photos.map((each) => each.key));
  models.forEach((name) => chosen.models.add(name));
  const asked = before.getAll("photo");
  const gone = asked.filter((key) => !keys.has(key)).length;
  asked.filter((key) => keys.has(key)).forEach((key) => chosen.photos.add(key));
  if (!asked.length && said.photos.length) chosen.photos.add(said.photos[0].key);
  $("photos").replaceChildren(...said.photos.map(photo));
  const order = (each) => (chosen.models.has(each.name) ? 0 : each.here ? 1 : 2);
  $("encoders").replaceChildren(...said.encoders.sort((one, other) => order(one) - order(other)).map(encoder));
  for (const [name, limits] of Object.entries(said.analyses)) {
    $("analysis").append(node("option", { value: name, "data-bounds": JSON.stringify(limits) }, name));
  }
  $("frame").append(...said.frames.map((name) => node("option", {}, name)));
  $("frame").value = said.frames.includes(before.get("frame")) ? before.get("frame") : said.frames[0];
  $("layer").value = before.get("layer") ?? "-1";
  const usual = chosen.models.size === 1 ? "inspect" : "compare";
  $("analysis").value = before.get("ask") in said.analyses ? before.get("ask") : usual;
  pressed();
  if (gone) say(`${gone} of ${asked.length} photos of this address are not here any more.`, true);
  return asked.length > 0 && !gone && before.has("m");
}

async function ask(how = "pushState") {
  const analysis = $("analysis").value;
  const question = address();
  const target = `/ask/${analysis}?${question}`;
  busy({ target });
  try {
    await fetched(target, { method: "POST" });
    const last = await followed(`/ask/${analysis}/events?${question}`);
    if (last.where === "done") await shown(analysis, question, how);
    else say(last.where === "stopped" ? "Cancelled." : last.said, last.where === "failed");
  } catch (error) {
    say(error.message, true);
  } finally {
    busy(null);
  }
}

// What is asked at the moment, if anything: from the press of the button to the answer on the page.
function busy(question) {
  running = question;
  $("cancel").hidden = true;
  $("bar").hidden = !question;
  $("answer").setAttribute("aria-busy", String(Boolean(question)));
  pressed();
}

// Progress as the server tells it, until the question is answered or this page waits no more.
function followed(from) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(from);
    const ended = (last) => {
      source.close();
      resolve(last);
    };
    source.onopen = () => {
      running.leave = () => ended({ where: "stopped" });
      $("cancel").hidden = false;
    };
    source.onmessage = (event) => {
      const now = JSON.parse(event.data);
      $("bar").max = now.total || 1;
      $("bar").value = now.done;
      const words = { waiting: "Waiting for another question", loading: `Loading ${now.said}`, looking: `Looked at ${now.done} of ${now.total} photos` };
      const measuring = now.where === "looking" && now.done === now.total;
      say(measuring ? "Measuring" : (words[now.where] ?? ""));
      if (["done", "failed", "stopped"].includes(now.where)) ended(now);
    };
    source.onerror = () => {
      source.close();
      reject(new Error("The server is gone. Start repscope serve again."));
    };
  });
}

// The question goes on where another browser waits for it, too.
async function cancel() {
  const { target, leave } = running ?? {};
  if (!leave) return;
  $("cancel").hidden = true;
  try {
    await fetch(target, { method: "DELETE" });
  } finally {
    leave();
  }
}

async function shown(analysis, question, how) {
  say("Drawing");
  const fragment = await (await fetched(`/${analysis}.fragment?${question}`)).text();
  const kept = node("output");
  const keep = node("button", { type: "button" }, "Save the report");
  keep.addEventListener("click", async () => {
    keep.disabled = true;
    try {
      kept.textContent = `Saved in ${(await (await fetched(`/reports/${analysis}?${question}`, { method: "POST" })).json()).folder}`;
      await saved();
    } catch (error) {
      kept.textContent = error.message;
    }
  });
  const link = (medium, text) => node("a", { href: `/${analysis}.${medium}?${question}`, target: "_blank" }, text);
  const tools = node("div", { class: "tools" }, keep, link("html", "Page"), link("json", "JSON"), kept);
  at(`?${question}&ask=${analysis}`, how);
  present(fragment, tools);
  say("");
}

// A fragment is the report's own markup, in which every name was escaped; scripts in it do not run.
function present(fragment, ...before) {
  const answer = $("answer");
  answer.innerHTML = fragment;
  answer.prepend(...before);
  answer.querySelector("figure.probe")?.setAttribute("data-link", ""); // pins live in this page's address
  mount(answer);
  answer.focus({ preventScroll: true });
  if (matchMedia("(max-width: 760px)").matches) answer.scrollIntoView();
}

// The address of what is shown from now on: reloading shows it again, and going back what was shown before. Pins that
// are in it stay only where it is the same.
function at(search, how = "pushState") {
  if (location.search !== search) history[how](null, "", search);
}

async function opened(key) {
  try {
    const fragment = await (await fetched(`/reports/${key}.fragment`)).text();
    at(`?report=${key}`);
    present(fragment);
    say("");
  } catch (error) {
    say(error.message, true);
  }
}

async function saved() {
  const found = await (await fetched("/reports")).json();
  const items = found.map(({ key, title, folder }) => {
    const image = node("img", { src: `/reports/${key}.jpg`, alt: "", loading: "lazy" });
    image.addEventListener("error", () => image.remove());
    const link = node("a", { href: `/reports/${key}.html`, title: folder }, image, title);
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      opened(key);
    });
    return node("li", {}, link);
  });
  $("saved").replaceChildren(...(items.length ? items : [node("li", { class: "none" }, "None yet.")]));
}

async function added(list) {
  const refused = [];
  for (const file of list) {
    if (!(file instanceof Blob)) continue;
    try {
      const name = encodeURIComponent(file.name ?? "pasted.png");
      const entry = await (await fetched(`/photos?name=${name}`, { method: "POST", body: file })).json();
      if (!document.querySelector(`[data-key="${entry.key}"]`)) $("photos").prepend(photo(entry));
      chosen.photos.add(entry.key);
    } catch (error) {
      refused.push(error.message);
    }
  }
  pressed();
  say(refused.join(" "), refused.length > 0);
}

$("desk").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!$("run").disabled) ask();
});
$("cancel").addEventListener("click", cancel);
$("analysis").addEventListener("change", pressed);
$("all").addEventListener("click", () => {
  for (const button of $("photos").children) chosen.photos.add(button.dataset.key);
  pressed();
});
$("none").addEventListener("click", () => {
  chosen.photos.clear();
  pressed();
});
$("files").addEventListener("change", () => added($("files").files));
$("filter").addEventListener("input", () => {
  for (const label of $("encoders").children) label.hidden = !label.dataset.name.includes($("filter").value.trim().toLowerCase());
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  $("veil").hidden = false;
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) $("veil").hidden = true;
});
addEventListener("drop", (event) => {
  event.preventDefault();
  $("veil").hidden = true;
  added(event.dataTransfer.files);
});
addEventListener("popstate", () => location.reload());
addEventListener("paste", (event) => added([...event.clipboardData.files]));

try {
  const asked = await choices();
  await saved();
  const report = new URLSearchParams(location.search).get("report");
  if (report) opened(report);
  else if (asked && !$("run").disabled) ask("replaceState");
} catch (error) {
  say(error.message, true);
}
