// Tickets by keys: through the list or the board, and m then 1-4 into another column.

import { onKeys } from "./keys.js";

const LINK = "[data-ticket-link]";
const places = () => [...document.querySelectorAll("[data-tickets] [data-ticket]")];
const here = () => document.activeElement?.closest("[data-ticket]");
const says = document.querySelector("[data-says]");

function move(by) {
  const all = places();
  const at = all.indexOf(here());
  const there = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
  all[Math.min(Math.max(there, 0), all.length - 1)]?.querySelector(LINK).focus();
}

// To the neighbouring column, at the same height.
function across(by) {
  const column = here()?.closest(".board-column");
  if (!column) return;
  const columns = [...document.querySelectorAll(".board-column")].filter((one) => one === column || one.querySelector(LINK));
  const row = [...column.querySelectorAll("[data-ticket]")].indexOf(here());
  const links = columns[columns.indexOf(column) + by]?.querySelectorAll(LINK) ?? [];
  links[Math.min(row, links.length - 1)]?.focus();
}

function menuOf(ticket) {
  return ticket?.querySelector(".move-menu");
}

// The menu is open: 1-4 choose in it. It takes the focus, so that Escape leads back.
function ask() {
  const menu = menuOf(here());
  if (!menu) return;
  menu.showPopover({ source: here().querySelector("[data-move]") });
  menu.querySelector("button:not([disabled])").focus();
  says.textContent = "Move to: 1 Open, 2 In review, 3 Waiting, 4 Done";
}

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".move-menu");
  if (!menu) return;
  const buttons = [...menu.querySelectorAll("button")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    const free = buttons.filter((button) => !button.disabled);
    free[(free.indexOf(event.target) + step + free.length) % free.length].focus();
    event.preventDefault();
  }
  const chosen = /^[1-4]$/.test(event.key) ? buttons[Number(event.key) - 1] : null;
  if (chosen && !chosen.disabled) menu.requestSubmit(chosen);
});

onKeys("tickets", {
  down: () => move(1),
  up: () => move(-1),
  left: () => across(-1),
  right: () => across(1),
  open: () => here()?.querySelector(LINK).click(),
  move: ask,
  next: () => document.querySelector("[data-key=next]")?.click(),
  subject: () => document.querySelector("[data-key=subject]")?.click(),
});

// Back from a move: where the ticket is now. The browser goes to the place first, and takes the
// focus from whatever has it.
function comeBack() {
  if (!location.hash.startsWith("#ticket-")) return;
  document.getElementById(location.hash.slice(1))?.querySelector(LINK)?.focus();
}

if (document.readyState === "complete") comeBack();
else addEventListener("load", () => setTimeout(comeBack, 0));
