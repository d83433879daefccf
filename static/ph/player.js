// The player: one place in the session, a step and a time, and everything that follows it.
//
// What else is on the page follows by the event "ph-at", which bubbles from <ph-player> once the
// columns are loaded and after every move: {at, id, time, spans}. `at` counts from 0 in replay order;
// `id` is null until the step's panel has come, which "ph-step" {at, id} tells. To move: go(), openView().

import { copyText } from "./core.js";
import { onKeys } from "./keys.js";
import "./minimap.js";
import { Spans } from "./spans.js";
import "./waterfall.js";

// Views that are the same rows, drawn differently.
const VIEWS_OF_ROWS = ["timeline", "tree"];
// What the address says of the place; the rest of it is kept.
const PLACE = ["view", "step", "at", "t"];
// While one moves fast, only the last step's panel is fetched.
const PATIENCE = 90;
// Places that one stayed at for less than this are no entries of the browser's history.
const PASSING = 1000;

// Scrolls the box alone; the page stays where it is.
function reveal(box, inside) {
  const top = inside.offsetTop - box.offsetTop;
  if (top < box.scrollTop) box.scrollTop = top - 8;
  else if (top + inside.offsetHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = Math.min(top - 8, top + inside.offsetHeight - box.clientHeight + 8);
  }
}

export class PhPlayer extends HTMLElement {
  async connectedCallback() {
    this.at = Number(this.dataset.at) - 1;
    this.time = Number(new URLSearchParams(location.search).get("t") ?? NaN);
    this.count = Number(this.dataset.count);
    this.range = this.querySelector("input[type=range]");
    this.panel = this.querySelector("#panel");
    this.minimap = this.querySelector("ph-minimap");
    this.id = this.panel.querySelector("[data-id]").dataset.id;
    this.movedAt = 0;
    this.pushes = false;
    this.#listen();
    this.#bindKeys();
    this.#showTurn();
    history.replaceState(this.#state(), "");
    const answer = await fetch(this.dataset.spans, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    this.#take(new Spans(await answer.json()));
    this.dataset.ready = "";
    performance.mark("ph-ready");
  }

  get rows() { return this.querySelector("ph-waterfall"); }

  #take(spans) {
    this.spans = spans;
    // Steps may have arrived since the page was drawn.
    this.count = spans.count;
    this.range.max = this.count;
    if (Number.isNaN(this.time)) this.time = spans.starts[this.at];
    this.#loadRows();
    this.minimap.load(spans, this.at);
    this.#tell();
  }

  #loadRows() {
    if (this.rows && !this.rows.spans) this.rows.load(this.spans, this.at, (index, how) => this.go(index, how));
  }

  #listen() {
    this.addEventListener("click", (event) => this.#click(event));
    this.range.addEventListener("input", () => this.go(Number(this.range.value) - 1, { scrubs: true }));
    this.range.form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("popstate", (event) => this.#return(event.state));
  }

  #bindKeys() {
    onKeys("player", {
      next: () => this.go(this.at + 1, { scrubs: true }),
      previous: () => this.go(this.at - 1, { scrubs: true }),
      first: () => this.go(0),
      last: () => this.go(this.count - 1),
      "next-error": () => this.#goToError(1),
      "previous-error": () => this.#goToError(-1),
      timeline: () => this.openView("timeline"),
      tree: () => this.openView("tree"),
      graph: () => this.openView("graph"),
      transcript: () => this.openView("transcript"),
      "copy-link": () => this.#copyLink(),
      collapse: () => this.rows?.collapseAll(),
      expand: () => this.rows?.expandAll(),
    });
  }

  #click(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const button = event.target.closest("[data-go]");
    const view = event.target.closest("[data-view-link]");
    const turn = event.target.closest("[data-turn] .turn-head a");
    const other = event.target.closest("a[data-to]");
    if (button || view || turn || other) event.preventDefault();
    if (button) this.#press(button.dataset.go);
    else if (view) this.openView(view.dataset.viewLink);
    else if (other) this.go(Number(other.dataset.to) - 1);
    else if (turn) this.go(Number(turn.closest("[data-turn]").dataset.turn) - 1);
  }

  #press(where) {
    const goals = { first: 0, previous: this.at - 1, next: this.at + 1, last: this.count - 1 };
    if (where === "next-error") this.#goToError(1);
    else this.go(goals[where]);
  }

  #goToError(by) {
    const there = this.spans?.nextError(this.at, by) ?? null;
    if (there === null) this.announce(by > 0 ? "No later error" : "No earlier error");
    else this.go(there);
  }

  // Moves the playhead. Who selects a step can come back to it by the browser's history; who scrubs
  // passes by. `focus` moves the keyboard's focus to the step's row, `time` is within the step.
  go(index, { focus = false, scrubs = false, time = null } = {}) {
    const there = Math.min(Math.max(index, 0), this.count - 1);
    if (there === this.at || Number.isNaN(there)) return;
    this.at = there;
    this.id = null;
    this.time = time ?? this.spans?.starts[there] ?? null;
    this.pushes ||= !scrubs;
    this.dataset.at = there + 1;
    this.range.value = there + 1;
    this.querySelector("[data-number]").textContent = (there + 1).toLocaleString("en");
    if (this.spans) {
      if (this.rows?.spans) this.rows.select(there, { focus });
      this.minimap.select(there);
      this.#tell();
    }
    if (this.#showTurn()) this.#fetchSoon();
  }

  #tell() {
    this.#say();
    const { at, id, time, spans } = this;
    this.dispatchEvent(new CustomEvent("ph-at", { bubbles: true, detail: { at, id, time, spans } }));
  }

  #say() {
    const says = this.spans.says(this.at);
    this.range.setAttribute("aria-valuetext", says);
    if (document.activeElement !== this.range) this.announce(says);
    this.#mark("first", this.at > 0);
    this.#mark("previous", this.at > 0);
    this.#mark("next", this.at < this.count - 1);
    this.#mark("last", this.at < this.count - 1);
    this.#mark("next-error", this.spans.nextError(this.at, 1) !== null);
  }

  #mark(name, isOpen) {
    const button = this.querySelector(`[data-go=${name}]`);
    // Without an address a link is not one; the script moves the playhead instead.
    if (!button.hasAttribute("href")) button.setAttribute("href", "?");
    button.removeAttribute("role");
    if (isOpen) button.removeAttribute("aria-disabled");
    else button.setAttribute("aria-disabled", "true");
  }

  announce(text) {
    this.querySelector("[data-says]").textContent = text;
  }

  // In the transcript: mark the turn. False when it is on another page, which is then opened.
  #showTurn() {
    const transcript = this.querySelector(".transcript");
    if (!transcript) return true;
    const turn = document.getElementById(`turn-${this.at + 1}`);
    if (!turn) {
      this.#fetchMain(`?view=transcript&at=${this.at + 1}`).then(() => this.#fetchSoon());
      return false;
    }
    for (const other of transcript.querySelectorAll("[data-turn]")) {
      const seq = Number(other.dataset.turn);
      other.classList.toggle("future", seq > this.at + 1);
      if (other === turn) other.setAttribute("aria-current", "step");
      else other.removeAttribute("aria-current");
    }
    reveal(transcript, turn);
    return true;
  }

  #fetchSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#fetchPanel(), PATIENCE);
  }

  async #fetchPanel() {
    this.asked?.abort();
    this.asked = new AbortController();
    try {
      const query = this.#query({ at: this.at + 1 });
      const answer = await fetch(`${this.dataset.panel}?${query}`, { signal: this.asked.signal });
      if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
      this.#showPanel(await answer.text());
    } catch (error) {
      if (error.name !== "AbortError") this.#showFailure();
    }
  }

  #showPanel(html) {
    // The server's own fragment, in which recorded text is escaped.
    this.panel.innerHTML = html;
    this.panel.scrollTop = 0;
    const { at } = this;
    this.id = this.panel.querySelector("[data-id]").dataset.id;
    this.#write();
    for (const link of this.querySelectorAll("[data-view-link]")) {
      link.href = this.#address(link.dataset.viewLink);
    }
    this.dispatchEvent(new CustomEvent("ph-step", { bubbles: true, detail: { at, id: this.id } }));
  }

  #showFailure() {
    const message = document.createElement("p");
    message.className = "notice error";
    message.textContent = "This step could not be loaded. The server may be away, or you may be signed out.";
    this.panel.replaceChildren(message);
  }

  // The address with another place; what else stands in it stays.
  #query({ view = this.dataset.view, ...place }) {
    const kept = new URLSearchParams(location.search);
    for (const name of PLACE) kept.delete(name);
    return new URLSearchParams([["view", view], ...Object.entries(place), ...kept]).toString();
  }

  #address(view) {
    const place = this.id ? { step: this.id } : { at: this.at + 1 };
    if (Number.isFinite(this.time)) place.t = Math.round(this.time);
    return `?${this.#query({ view, ...place })}`;
  }

  #state() {
    return { at: this.at, time: this.time, view: this.dataset.view, count: this.count };
  }

  // One entry of history for each place that was chosen and stayed at.
  #write() {
    const isNew = this.pushes && Date.now() - this.movedAt > PASSING;
    if (this.pushes) this.movedAt = Date.now();
    this.pushes = false;
    if (isNew) history.pushState(this.#state(), "", this.#address());
    else history.replaceState(this.#state(), "", this.#address());
  }

  // Back or forward. An address that was typed or linked has no state: the page is asked for it.
  async #return(state) {
    this.pushes = false;
    if (!state || state.count !== this.count) return location.reload();
    if (state.view !== this.dataset.view) await this.#show(state.view, location.search);
    this.go(state.at, { scrubs: true, time: state.time });
  }

  async openView(view) {
    const isOffered = this.querySelector(`[data-view-link="${view}"]`);
    if (!isOffered || view === this.dataset.view) return;
    const address = this.#address(view);
    await this.#show(view, address);
    history.pushState(this.#state(), "", address);
    this.movedAt = Date.now();
  }

  async #show(view, address) {
    this.dataset.view = view;
    if (this.rows?.spans && VIEWS_OF_ROWS.includes(view)) this.rows.setView(view);
    else await this.#fetchMain(address);
    for (const link of this.querySelectorAll("[data-view-link]")) {
      if (link.dataset.viewLink === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  // Another view, or another part of the transcript, as the server draws it.
  async #fetchMain(address) {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = page.querySelector(".player-main");
    if (!main) return location.assign(address);
    for (const script of page.querySelectorAll("script[type=module][src]")) {
      await import(script.src);
    }
    this.querySelector(".player-main").replaceWith(main);
    if (!this.spans) return;
    this.#loadRows();
    this.#showTurn();
    this.#tell();
  }

  async #copyLink() {
    await copyText(new URL(this.#address(), location.href).href);
    this.announce("Link to this step copied");
    const toast = document.createElement("p");
    toast.className = "toast";
    toast.textContent = "Link to this step copied";
    document.body.append(toast);
    setTimeout(() => toast.remove(), 1800);
  }
}

customElements.define("ph-player", PhPlayer);
