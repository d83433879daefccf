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

// Links that lead on from the step that is looked at follow it: the panel knows its id.
function followStep(event) {
  const link = event.target.closest?.("a[data-step-link]");
  const id = document.querySelector("#panel [data-id]")?.dataset.id;
  if (!link || !id) return;
  const url = new URL(link.href);
  url.searchParams.set(link.dataset.stepLink, id);
  link.href = url;
}

for (const kind of ["pointerdown", "focusin", "click"]) document.addEventListener(kind, followStep);

document.addEventListener("click", (event) => {
  const copier = event.target.closest("[data-copy]");
  if (copier) copy(copier);
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) openDialog(opener.dataset.openDialog);
});

// The palette is fetched when it is first asked for; what one types meanwhile is meant for it.
async function openPalette(event) {
  const opener = document.querySelector("[data-palette]");
  if (!opener) return;
  event.preventDefault();
  let typed = "";
  const keep = (pressed) => {
    if (pressed.key.length > 1 || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
    pressed.preventDefault();
    pressed.stopPropagation();
    typed += pressed.key;
  };
  addEventListener("keydown", keep, { capture: true });
  try {
    const { open } = await import("./palette.js");
    open(opener, typed);
  } finally {
    removeEventListener("keydown", keep, { capture: true });
  }
}

document.addEventListener("click", (event) => {
  const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (isPlain && event.target.closest("[data-palette]")) openPalette(event);
});
document.addEventListener("keydown", (event) => {
  const isCtrl = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  if (isCtrl && event.key.toLowerCase() === "k") openPalette(event);
});
