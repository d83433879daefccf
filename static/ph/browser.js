// What the player asks of the browser.

// What this browser keeps under a name; what cannot be read counts as nothing.
export function kept(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

// Said for a moment, below.
export function toast(text) {
  document.querySelector(".toast")?.remove();
  const said = document.createElement("p");
  said.className = "toast";
  said.textContent = text;
  document.body.append(said);
  setTimeout(() => said.remove(), 1800);
}

// Scrolls the box alone; the page stays where it is.
export function reveal(box, inside) {
  const top = inside.offsetTop - box.offsetTop;
  if (top < box.scrollTop) box.scrollTop = top - 8;
  else if (top + inside.offsetHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = Math.min(top - 8, top + inside.offsetHeight - box.clientHeight + 8);
  }
}

// Whether a link leads anywhere now. Without an address it would not be one, so it has an empty one:
// the script moves the playhead instead.
export function setOpen(link, isOpen) {
  if (!link.hasAttribute("href")) link.setAttribute("href", "?");
  link.removeAttribute("role");
  if (isOpen) link.removeAttribute("aria-disabled");
  else link.setAttribute("aria-disabled", "true");
}
