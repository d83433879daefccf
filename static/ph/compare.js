// From difference to difference: on this page, then on the one before or after it.

import { onKeys } from "./keys.js";

const rows = [...document.querySelectorAll("[data-diff]")];
const LAST = "#last-difference";
const FIRST = "#first-difference";

function show(row) {
  const details = row.querySelector(":scope > details");
  if (details) details.open = true;
  const target = row.querySelector(":scope > details > summary") ?? row.querySelector("a");
  target.focus({ preventScroll: true });
  row.scrollIntoView({ block: "start" });
}

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

const acts = { next, previous };
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
}

window.addEventListener("hashchange", arrive);
arrive();
