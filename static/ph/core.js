// What every page uses: keys, copy buttons and dialogs.

import { openDialog } from "./keys.js";

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
