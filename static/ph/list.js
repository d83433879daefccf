// The list of sessions: moving by keys, selecting, and following what comes in.

import { KEYS, onKeys } from "./keys.js";

const table = document.querySelector("[data-list]");
const selection = document.querySelector("[data-selection]");

const LINK = "a[data-row-link]";
const PLACE = "playhead-list-row";
const BOX = "td.c-box input";
// Where the keys of the table may be said to those who cannot see the help.
const PLACES = {
  down: LINK, up: LINK, open: LINK, select: BOX, "select-range": BOX,
  compare: "[data-key=compare]", tag: "[data-key=tag]", older: "a[rel=next]", newer: "a[rel=prev]",
};

// Where no session matches there is no table, and nothing to select.
const found = (what) => (table ? [...table.querySelectorAll(what)] : []);
const rows = () => found("[data-row]");
const boxes = () => found(BOX);
const rowInFocus = () => document.activeElement?.closest("[data-row]");
let anchor = null;

function move(by) {
  const all = rows();
  const here = all.indexOf(rowInFocus());
  const there = here < 0 ? (by > 0 ? 0 : all.length - 1) : here + by;
  all[Math.min(Math.max(there, 0), all.length - 1)]?.querySelector(LINK).focus();
}

function open() {
  rowInFocus()?.querySelector(LINK).click();
}

function select(row) {
  const box = row?.querySelector(BOX);
  if (!box) return;
  box.checked = !box.checked;
  anchor = row;
  tell();
}

function selectRange(to) {
  if (!to) return;
  const all = rows();
  const ends = [Math.max(all.indexOf(anchor), 0), all.indexOf(to)];
  if (!anchor?.isConnected) ends[0] = ends[1];
  for (const row of all.slice(Math.min(...ends), Math.max(...ends) + 1)) row.querySelector(BOX).checked = true;
  anchor = to;
  tell();
}

// Say how many are selected, and what can be done with that many.
function tell() {
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  const [least, most] = selection.dataset.compared.split(" ").map(Number);
  const compare = selection.querySelector("[data-key=compare]");
  selection.querySelector("[data-count]").textContent = count ? `${count} selected` : "";
  compare.disabled = count < least || count > most;
  selection.querySelector("[data-why-not]").textContent = compare.disabled ? `takes ${least} to ${most}` : "";
  const whole = table.querySelector("[data-select-all]");
  whole.checked = count > 0 && count === all.length;
  whole.indeterminate = count > 0 && count < all.length;
}

function tag() {
  const field = selection?.querySelector("[data-key=tag]");
  if (!field) return;
  if (!boxes().some((box) => box.checked)) select(rowInFocus());
  field.focus();
}

function onMenu(menu) {
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

function sayKeys() {
  for (const row of KEYS) {
    const place = row.where === "list" && PLACES[row.act];
    for (const element of place ? document.querySelectorAll(place) : []) {
      const name = row.keys.map((key) => (key === "X" ? "Shift+X" : key)).join(" ");
      const before = element.getAttribute("aria-keyshortcuts");
      element.setAttribute("aria-keyshortcuts", before ? `${before} ${name}` : name);
    }
  }
}

function onTable() {
  table.addEventListener("click", (event) => {
    if (event.shiftKey && event.target.matches(BOX) && event.target.checked) selectRange(event.target.closest("[data-row]"));
  });
  table.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) for (const box of boxes()) box.checked = event.target.checked;
    else anchor = event.target.closest("[data-row]");
    tell();
  });
  // In a box, Enter would send the form.
  table.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches(BOX)) return;
    event.preventDefault();
    open();
  });
  selection.addEventListener("reset", () => setTimeout(tell));
  // The page comes again after tagging: one goes on where one was.
  selection.addEventListener("submit", (event) => {
    if (anchor && event.submitter?.name === "act") sessionStorage.setItem(PLACE, anchor.dataset.session);
  });
  const place = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  if (place) rows().find((row) => row.dataset.session === place)?.querySelector(LINK).focus();
  tell();
}

onKeys("list", {
  down: () => move(1),
  up: () => move(-1),
  open,
  select: () => select(rowInFocus()),
  "select-range": () => selectRange(rowInFocus()),
  compare: () => selection?.querySelector("[data-key=compare]").click(),
  tag,
  older: () => document.querySelector("a[rel=next]")?.click(),
  newer: () => document.querySelector("a[rel=prev]")?.click(),
});
if (table) onTable();
for (const menu of document.querySelectorAll(".look-menu, .range-menu")) onMenu(menu);
sayKeys();
const live = document.querySelector("[data-live]");
// Loaded by those alone who follow the list.
if (live) import("./live.js").then((module) => module.follow(live, table, tell));
