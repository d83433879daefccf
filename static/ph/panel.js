// The panel of a step: its tabs, what it loads on demand, and words found in the session.
//
// The address is the one place that says what is shown; the player draws the panel from it.

import "./find.js";
import { part, say } from "./fragments.js";

function failed() {
  const message = document.createElement("p");
  message.className = "notice error";
  message.textContent = "This could not be loaded. The server may be away, or you may be signed out.";
  return message;
}

async function put(place, address, selector, how = "replaceWith") {
  place.setAttribute("aria-busy", "true");
  const found = await part(address, selector).catch(failed);
  place[how](found ?? failed());
  place.removeAttribute("aria-busy");
  return found;
}

// Entries of a value beyond those that are drawn.
async function deepen(link) {
  const row = link.closest("li");
  const found = await part(link.href, "[data-value] ul").catch(failed);
  if (found?.matches("ul")) row.replaceWith(...found.children);
  else row.append(found ?? failed());
}

// A large body in place of its excerpt, and from then on one piece after the other.
async function openPieces(link) {
  const place = link.closest(".large, p");
  const found = await put(place, link.href, "[data-pieces]");
  place.parentElement?.querySelector(".excerpt")?.remove();
  found?.querySelector?.(".body-text")?.focus();
}

function turnPiece(event, address) {
  event.preventDefault();
  const pieces = event.target.closest("[data-pieces]");
  put(pieces, address, "[data-pieces]").then((found) => {
    const mark = found?.querySelector?.(".body-text mark");
    mark?.scrollIntoView({ block: "center" });
  });
}

class PanelEvents {
  constructor(player) {
    this.player = player;
    this.panel = player.querySelector("#panel");
    player.addEventListener("click", (event) => this.click(event));
    player.addEventListener("submit", (event) => this.submit(event));
    player.addEventListener("ph-step", () => this.look());
    this.look();
  }

  click(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !this.panel.contains(event.target)) return;
    const link = event.target.closest("a");
    if (!link) return;
    if (link.matches("[data-tab-link], [data-panel-link]")) this.open(event, link);
    else if (link.matches("[data-deeper]")) this.stop(event, () => deepen(link));
    else if (link.matches("[data-body]")) this.stop(event, () => openPieces(link));
    else if (link.closest("[data-pieces]")) turnPiece(event, link.href);
  }

  stop(event, act) {
    event.preventDefault();
    act();
  }

  async open(event, link) {
    event.preventDefault();
    const asked = new URL(link.href).searchParams;
    say({ tab: asked.get("tab"), diff: asked.get("diff") });
    const { tabLink } = link.dataset;
    await this.player.refresh();
    if (tabLink) this.panel.querySelector(`[data-tab-link="${tabLink}"]`)?.focus();
  }

  submit(event) {
    if (event.target.matches("[data-against]")) {
      event.preventDefault();
      say({ against: event.target.elements.against.value, tab: "state" });
      this.player.refresh();
    } else if (event.target.closest("[data-pieces]")) {
      turnPiece(event, `${event.target.action}?${new URLSearchParams(new FormData(event.target))}`);
    }
  }

  look() {
    this.showMark();
    if (this.panel.querySelector("ph-comments")) import("./comments.js");
  }

  // What was found is of no use below the fold.
  showMark() {
    const words = "mark:not([data-comment])";
    // The place that was gone to, else what this step says, before what it repeats.
    const sought = this.panel.querySelector(`[data-field="${this.player.dataset.sought ?? ""}"]`);
    const all = [...this.panel.querySelectorAll(words)];
    const fresh = all.filter((mark) => !mark.closest(".sent-again"));
    const mark = fresh.find((one) => sought?.contains(one)) ?? fresh[0] ?? all[0];
    if (!mark) return;
    const box = mark.closest(".block, .text-scroll");
    if (box) box.scrollTop = mark.offsetTop - box.offsetTop - 40;
    this.panel.scrollTop += mark.getBoundingClientRect().top - this.panel.getBoundingClientRect().top - 120;
  }
}

const player = document.querySelector("ph-player");
if (player) new PanelEvents(player);
