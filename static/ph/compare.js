// From difference to difference: on this page, then on the one before or after it.

import { Slider } from "./compare-slider.js";
import { Viewed } from "./compare-viewed.js";
import { onKeys } from "./keys.js";
import "./verdict.js";

const rows = [...document.querySelectorAll("[data-diff]")];
const LAST = "#last-difference";
const FIRST = "#first-difference";

function show(row) {
  const details = row.querySelector(":scope > details");
  if (details) details.open = true;
  const target = row.querySelector(":scope > details > summary") ?? row.querySelector("a");
  target.focus({ preventScroll: true });
  row.scrollIntoView({ block: "start" });
  slider?.at(row.dataset.line);
  // Whoever opens a step in the player comes back to this line.
  history.replaceState(null, "", `#${row.id}`);
}

// Go to a line by its number: on this page, else on the one that holds it.
function goTo(line, asking) {
  const row = [...document.querySelectorAll("[data-line]")].find(
    (one) => Number(one.dataset.line) <= line && line <= Number(one.dataset.last ?? one.dataset.line),
  );
  if (!row) return asking?.requestSubmit();
  const fold = row.querySelector(":scope > details");
  if (fold) fold.open = true;
  row.scrollIntoView({ block: "start" });
  for (const one of document.querySelectorAll(".is-at")) one.classList.remove("is-at");
  row.classList.add("is-at");
}

// What a replay reported, where one side is a replay of the other. Without scripts a link leads there.
class ReplayBeside extends HTMLElement {
  async connectedCallback() {
    const answer = await fetch(this.dataset.src, { headers: { "X-Playhead-Part": "1" } });
    if (answer.ok) this.innerHTML = await answer.text();
  }
}

customElements.define("ph-replay", ReplayBeside);

// Where one is: the focused row, else the one that the address names.
function here() {
  const focused = document.activeElement?.closest("[data-diff]");
  const named = /^#r\d+$/.test(location.hash) ? document.querySelector(location.hash) : null;
  return rows.indexOf(focused ?? named);
}

function follow(rel, hash) {
  const link = document.querySelector(`.pager a[rel=${rel}]`);
  if (link) location.assign(link.href + hash);
  return Boolean(link);
}

function next() {
  const at = here() + 1;
  if (at < rows.length) show(rows[at]);
  else follow("next", FIRST);
}

function previous() {
  const at = here();
  if (at > 0) show(rows[at - 1]);
  else follow("prev", LAST);
}

function view() {
  const row = rows[here()];
  if (!row) return;
  viewed.toggle(row);
  if (viewed.is(row)) next();
}

const verdict = (number) => () => document.querySelector("ph-verdict")?.press(number);
const acts = { next, previous, view, "a-better": verdict(1), "b-better": verdict(2), tie: verdict(3) };
onKeys("compare", acts);
document.addEventListener("click", (event) => {
  const jump = event.target.closest("[data-jump]");
  if (jump) acts[jump.dataset.jump]();
});

// A page without a difference is passed over in the same direction.
function arrive() {
  if (location.hash === FIRST) return rows.length ? show(rows[0]) : follow("next", FIRST);
  if (location.hash === LAST) return rows.length ? show(rows.at(-1)) : follow("prev", LAST);
  const named = /^#r\d+$/.test(location.hash) ? document.querySelector(location.hash) : null;
  if (named?.matches("[data-diff]")) show(named);
  else if (!location.hash && form && (pair.has("at") || "named" in form.dataset)) goTo(Number(form.elements.at.value), null);
}

const form = document.querySelector(".cmp-slider");
const slider = form ? new Slider(form, goTo) : null;
const pair = new URLSearchParams(location.search);
const viewed = new Viewed(`${pair.get("a")}:${pair.get("b")}`, rows, document.querySelector("[data-viewed-count]"));
window.addEventListener("hashchange", arrive);
arrive();
