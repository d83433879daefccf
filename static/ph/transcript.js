// The transcript: windows of turns, joined to each other where one scrolls to their ends.

import { part } from "./fragments.js";

// Windows that are kept; what is far away is let go of.
const KEPT = 2;
const NEAR = 240;

class PhTranscript extends HTMLElement {
  connectedCallback() {
    this.box = this.querySelector(".transcript");
    this.player = this.closest("ph-player");
    if (!this.box) return;
    this.box.addEventListener("click", (event) => this.#click(event));
    this.box.addEventListener("scroll", () => this.#scroll(), { passive: true });
  }

  #click(event) {
    const link = event.target.closest("[data-window-link]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#join(link);
  }

  // Nobody has scrolled yet where the page has just been drawn.
  #scroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    const links = this.box.querySelectorAll("[data-window-link]");
    const [first, last] = [links[0], links[links.length - 1]];
    const isUp = this.last > scrollTop;
    this.last = scrollTop;
    if (isUp && scrollTop < NEAR && first?.dataset.windowLink === "earlier") this.#join(first);
    else if (!isUp && scrollHeight - scrollTop - clientHeight < NEAR && last?.dataset.windowLink === "later") this.#join(last);
  }

  async #join(link) {
    if (this.isJoining) return;
    this.isJoining = true;
    const found = await part(link.href, ".told").catch(() => null);
    if (found) this.#put(found, link.dataset.windowLink === "earlier");
    else location.assign(link.href);
    this.isJoining = false;
  }

  #put(found, isEarlier) {
    const windows = this.box.querySelectorAll(".told");
    const near = isEarlier ? windows[0] : windows[windows.length - 1];
    const before = near.querySelector("[data-turn]").getBoundingClientRect().top;
    const anchor = near.querySelector("[data-turn]");
    // Between two windows nothing is left to ask for.
    near.querySelector(`[data-window-link="${isEarlier ? "earlier" : "later"}"]`)?.closest("p").remove();
    found.querySelector(`[data-window-link="${isEarlier ? "later" : "earlier"}"]`)?.closest("p").remove();
    if (isEarlier) near.before(found);
    else near.after(found);
    this.#letGo(isEarlier);
    this.box.scrollTop += anchor.getBoundingClientRect().top - before;
    this.last = this.box.scrollTop;
    this.player.markTurns();
  }

  // The window at the other end goes; its neighbour says again that there is more.
  #letGo(isEarlier) {
    const windows = [...this.box.querySelectorAll(".told")];
    if (windows.length <= KEPT) return;
    const gone = isEarlier ? windows.pop() : windows.shift();
    const edge = isEarlier ? windows[windows.length - 1] : windows[0];
    const step = (isEarlier ? gone.dataset.first : gone.dataset.last);
    gone.remove();
    const line = document.createElement("p");
    line.className = "between";
    const link = document.createElement("a");
    link.className = "button small";
    link.dataset.windowLink = isEarlier ? "later" : "earlier";
    link.textContent = isEarlier ? "Later steps" : "Earlier steps";
    const address = new URL(location.href);
    address.searchParams.set("step", step);
    address.searchParams.delete("at");
    link.href = address;
    line.append(link);
    if (isEarlier) edge.append(line);
    else edge.prepend(line);
  }
}

customElements.define("ph-transcript", PhTranscript);
