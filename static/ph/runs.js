// The page of a run: rows that follow what goes on, and the button that prints.

import { part } from "./fragments.js";

const EVERY = 3_000;
const told = document.querySelector("[data-progress-told]");
// The page itself shows the rows as they were a moment ago.
let last = Date.now();
let known = told?.textContent;
let isReading = false;

// Rows that look otherwise now take the place of those that are there; what has the focus stays.
async function refresh() {
  const rows = document.querySelector("[data-run-rows]");
  if (!rows || isReading || told.textContent === known || Date.now() - last < EVERY) return;
  known = told.textContent;
  last = Date.now();
  isReading = true;
  try {
    const now = await part(location.href, "[data-run-rows]");
    if (now) swap(rows, now);
  } catch {
    // The next word of how it goes on asks again.
  } finally {
    isReading = false;
  }
}

function swap(rows, now) {
  const ids = (body) => [...body.rows].map((row) => row.id).join();
  if (ids(rows) !== ids(now)) {
    if (!rows.contains(document.activeElement)) rows.replaceChildren(...now.rows);
    return;
  }
  for (const row of [...now.rows]) {
    const there = document.getElementById(row.id);
    if (there.outerHTML !== row.outerHTML && !there.contains(document.activeElement)) there.replaceWith(row);
  }
}

document.addEventListener("ph:progress", refresh);
document.querySelector("[data-print]")?.addEventListener("click", () => print());
