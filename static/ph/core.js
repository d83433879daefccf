// What every page uses: keys, copy buttons, dialogs, and moving through a list.

import { onKeys, openDialog } from "./keys.js";

document.documentElement.classList.add("js");

export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain HTTP on another machine's address has no clipboard API.
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  await copyText(source.value ?? source.textContent.trim());
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 1500);
}

document.addEventListener("click", (event) => {
  const copier = event.target.closest("[data-copy]");
  if (copier) copy(copier);
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) openDialog(opener.dataset.openDialog);
});

function moveInList(rows, by) {
  const links = [...rows.querySelectorAll("[data-row] a[data-row-link]")];
  const here = links.indexOf(document.activeElement?.closest("[data-row]")?.querySelector("a[data-row-link]"));
  const there = here < 0 ? (by > 0 ? 0 : links.length - 1) : here + by;
  links[Math.min(Math.max(there, 0), links.length - 1)]?.focus();
}

const list = document.querySelector("[data-list]");
if (list) {
  onKeys("list", {
    down: () => moveInList(list, 1),
    up: () => moveInList(list, -1),
    open: () => document.activeElement?.closest("[data-row]")?.querySelector("a[data-row-link]")?.click(),
    older: () => document.querySelector("a[rel=next]")?.click(),
    newer: () => document.querySelector("a[rel=prev]")?.click(),
  });
}
