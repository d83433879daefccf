// The player: one place in the session, a step and a time, and everything that follows it.
//
// What else is on the page follows by the event "ph-at", which bubbles from <ph-player> once the
// columns are loaded and after every move: {at, id, time, spans}. `at` counts from 0 in replay order;
// `id` is null until the step's panel has come, which "ph-step" {at, id} tells. To move: go(), openView().
// What is not needed at once is in modules of its own.

import { kept, reveal, setOpen, toast } from "./browser.js";
import { copyText } from "./core.js";
import { onKeys } from "./keys.js";
import "./minimap.js";
import { addressOf, cameFrom, keepPlace, leftOn, placeIn, query } from "./place.js";
import { duration, Spans } from "./spans.js";
import "./waterfall.js";

// Views that are the same rows, drawn differently.
const VIEWS_OF_ROWS = ["timeline", "tree"];
// While one moves fast, only the last step's panel is fetched.
const PATIENCE = 90;
// While it plays, panels are fetched no more often than this.
const PLAYING = 600;
const SOON = 3000;
// What is chosen stays in this browser.
const KEPT = "playhead-player";
const CHOICES = { speed: 1, skipIdle: true, hidesPanel: false };
const VIEWS = ["timeline", "tree", "graph", "transcript"];
// Acts that are loaded with the first of them.
const LATER = (
  "play speed next-error previous-error next-state previous-state next-in-lane previous-in-lane " +
  "bookmark next-bookmark inspector comment next-session previous-session"
).split(" ");

export class PhPlayer extends HTMLElement {
  // The id of the step, null until it is known; an element's own id would make a text of null.
  #step = null;
  get id() { return this.#step; }
  set id(step) { this.#step = step; }

  async connectedCallback() {
    this.at = Number(this.dataset.at) - 1;
    const time = new URLSearchParams(location.search).get("t");
    this.time = time === null ? null : Number(time);
    this.choices = { ...CHOICES, ...kept(KEPT, {}) };
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
    this.#reach();
    this.showChoices();
    cameFrom(this);
    history.replaceState(placeIn(this), "");
    const answer = await fetch(this.dataset.spans, { headers: { Accept: "application/json" } });
    if (!answer.ok) return this.tell("The steps could not be loaded. Load the page again.");
    this.take(new Spans(await answer.json()), this.at);
    this.dataset.ready = "";
    performance.mark("ph-ready");
    this.#lookAround(answer.headers.get("ETag"));
  }

  // What may come late: marks that people left, and steps that are still to arrive.
  #lookAround(state) {
    requestIdleCallback(() => this.#loadMarks());
    // What the overview marks may have become another. (Comments and marks cannot import each other.)
    this.addEventListener("ph-said", () => import("./marks.js").then((marks) => marks.load(this)));
    const follow = () => import("./arrivals.js").then((arrivals) => arrivals.follow(this, state));
    if ("open" in this.dataset) setTimeout(follow, SOON);
  }

  async #loadMarks() {
    const left = await leftOn(this);
    const isLeft = left && Object.values(left).some((value) => value === true || Object.keys(value).length);
    if (isLeft || localStorage.getItem("playhead-bookmarks")) (await import("./marks.js")).load(this, left);
  }

  // What is used now and then is loaded when it is first reached for.
  #reach() {
    const load = () => import("./panel.js");
    const side = this.querySelector(".panel-side");
    if (/[?&](find|tab)=/.test(location.search)) load();
    for (const kind of ["pointerover", "focusin"]) side.addEventListener(kind, load, { once: true });
    document.addEventListener("selectionchange", () => this.#offerComment());
    onKeys("player", { find: () => load().then(() => this.querySelector("[data-find]")?.select()) });
  }

  // Words that are selected can be commented on.
  async #offerComment() {
    const { isCollapsed, anchorNode } = getSelection();
    if (isCollapsed || !this.spans || !this.contains(anchorNode)) return;
    (await import("./comments.js")).commentingOn(this);
  }

  // Draws the panel anew once something else in the address has changed; `main` also the turns.
  async refresh({ main = false } = {}) {
    if (main && this.dataset.view === "transcript") await this.#fetchMain(location.href);
    await this.#fetchPanel();
  }

  get rows() { return this.querySelector("ph-waterfall"); }

  // The columns of the session; `at` is where the step that one looks at stands in them.
  take(spans, at) {
    Object.assign(this, { spans, at });
    // Steps may have arrived since the page was drawn.
    this.count = this.range.max = spans.count;
    this.time = this.time === null ? spans.starts[at] : Math.min(this.time, spans.total);
    this.querySelector("[data-total]").textContent = spans.count.toLocaleString("en");
    this.rows?.load(spans, at, (index, how) => this.go(index, how));
    this.minimap.load(spans, {
      folds: this.choices.skipIdle,
      move: (index, time) => this.go(index, { scrubs: true, time }),
      settle: () => this.settle(),
    });
    this.showPlace();
    this.#tellOthers();
  }

  #loadRows() {
    if (this.rows && !this.rows.spans) this.rows.load(this.spans, this.at, (index, how) => this.go(index, how));
  }

  #listen() {
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("change", (event) => {
      if (event.target.dataset.choice) this.act("choose", event.target);
    });
    this.minimap.addEventListener("pointerup", () => this.range.focus({ preventScroll: true }));
    this.range.addEventListener("input", () => this.go(Number(this.range.value) - 1, { scrubs: true }));
    const counts = () => import("./marks.js").then((marks) => this.spans && marks.count(this));
    this.querySelector("[data-choice=sought]").addEventListener("focus", counts, { once: true });
    this.range.form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("popstate", (event) => this.#return(event.state));
  }

  // Keys and buttons do the same acts.
  #bindKeys() {
    this.acts = {
      next: () => this.go(this.at + 1, { scrubs: true }),
      previous: () => this.go(this.at - 1, { scrubs: true }),
      first: () => this.go(0),
      last: () => this.go(this.count - 1),
      "copy-link": () => this.#copyLink(),
      collapse: () => this.rows?.collapseAll(),
      expand: () => this.rows?.expandAll(),
    };
    for (const view of VIEWS) this.acts[view] = () => this.openView(view);
    for (const name of [...Object.keys(this.acts), ...LATER]) onKeys("player", { [name]: () => this.act(name) });
  }

  async act(name, ...more) {
    if (name in this.acts) return this.acts[name](...more);
    if (this.spans) return (await import("./acts.js")).act(this, name, ...more);
  }

  #click(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const button = event.target.closest("[data-act]");
    const view = event.target.closest("[data-view-link]");
    const turn = event.target.closest("[data-turn] .turn-head a");
    const other = event.target.closest("a[data-to]");
    if (button || view || turn || other) event.preventDefault();
    if (button) this.act(button.dataset.act);
    else if (view) this.openView(view.dataset.viewLink);
    else if (other) this.go(Number(other.dataset.to) - 1);
    else if (turn) this.go(Number(turn.closest("[data-turn]").dataset.turn) - 1);
  }

  keepChoices() {
    localStorage.setItem(KEPT, JSON.stringify(this.choices));
    this.showChoices();
  }

  showChoices() {
    const { speed, skipIdle, hidesPanel } = this.choices;
    this.querySelector("[data-choice=speed]").value = speed;
    this.querySelector("[data-choice=skip-idle]").checked = skipIdle;
    this.classList.toggle("without-panel", hidesPanel);
    this.querySelector("[data-act=inspector]").setAttribute("aria-pressed", !hidesPanel);
  }

  // Moves the playhead. Who selects a step can come back to it by the browser's history; who scrubs
  // passes by. `focus` moves the keyboard's focus to the step's row, `time` is within the step.
  go(index, { focus = false, scrubs = false, plays = false, time = null } = {}) {
    const there = Math.min(Math.max(index, 0), this.count - 1);
    if (Number.isNaN(there)) return;
    delete this.dataset.unplaced;
    if (there === this.at) return time === null ? undefined : this.showTime(time);
    Object.assign(this, { at: there, id: null, isPlaying: plays });
    this.time = time ?? this.spans?.starts[there] ?? null;
    this.pushes ||= !scrubs;
    this.dataset.at = there + 1;
    if (this.spans) {
      if (this.rows?.spans) this.rows.select(there, { focus });
      this.showPlace();
      this.#tellOthers();
    }
    if (this.#showTurn()) this.#fetchSoon();
  }

  // Within a step the clock and the playhead alone move.
  showTime(time) {
    this.time = time;
    this.querySelector("[data-time]").textContent = duration(time);
    this.minimap.place(this.at, time);
    this.rows?.showTime?.(time);
  }

  showPlace() {
    this.querySelector("[data-act=bookmark]").setAttribute("aria-pressed", this.minimap.matches("bookmark", this.at));
    this.range.value = this.at + 1;
    this.querySelector("[data-number]").textContent = (this.at + 1).toLocaleString("en");
    this.showTime(this.time);
    this.say();
  }

  #tellOthers() {
    const { at, id, time, spans } = this;
    this.dispatchEvent(new CustomEvent("ph-at", { bubbles: true, detail: { at, id, time, spans } }));
  }

  say() {
    const says = this.spans.says(this.at);
    this.range.setAttribute("aria-valuetext", says);
    if (document.activeElement !== this.range && !this.isPlaying) this.announce(says);
    this.#mark("first", this.at > 0);
    this.#mark("previous", this.at > 0);
    this.#mark("next", this.at < this.count - 1);
    this.#mark("last", this.at < this.count - 1);
    const isOther = this.querySelector("[data-choice=sought]").value !== "error";
    this.#mark("next-sought", isOther || this.spans.nextError(this.at, 1) !== null);
    this.#mark("previous-sought", isOther || this.spans.nextError(this.at, -1) !== null);
  }

  #mark(name, isOpen) {
    setOpen(this.querySelector(`[data-act=${name}]`), isOpen);
  }

  announce(text) {
    this.querySelector("[data-says]").textContent = text;
  }

  // Says it to everybody: aloud, and for a moment on the page.
  tell(text) {
    this.announce(text);
    toast(text);
  }

  // In the transcript: mark the turn. False when it is on another page, which is then opened.
  #showTurn() {
    const transcript = this.querySelector(".transcript");
    if (!transcript) return true;
    const turn = document.getElementById(`turn-${this.at + 1}`);
    if (!turn) {
      this.#fetchMain(`?${query({ view: "transcript", at: this.at + 1 })}`).then(() => this.#fetchSoon());
      return false;
    }
    this.markTurns();
    reveal(transcript, turn);
    return true;
  }

  // Where the playhead is, and what lies behind it.
  markTurns() {
    for (const turn of this.querySelectorAll("[data-turn]")) {
      const seq = Number(turn.dataset.turn);
      turn.classList.toggle("future", seq > this.at + 1);
      if (seq === this.at + 1) turn.setAttribute("aria-current", "step");
      else turn.removeAttribute("aria-current");
    }
  }

  // One has stopped moving: the address and the panel say where.
  settle() { this.#fetchSoon(); }

  // The id of the step that one stands at, also before its panel has come.
  async stepId() {
    if (this.id) return this.id;
    const answer = await fetch(`${this.dataset.panel}?at=${this.at + 1}`);
    const panel = new DOMParser().parseFromString(await answer.text(), "text/html");
    return panel.querySelector("[data-id]").dataset.id;
  }

  #fetchSoon() {
    if (this.isPlaying) return this.#fetchInPassing();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#fetchPanel(), PATIENCE);
  }

  #fetchInPassing() {
    clearTimeout(this.timer);
    const rest = PLAYING - (Date.now() - (this.fetchedAt ?? 0));
    if (rest <= 0 && !this.isFetching) return this.#fetchPanel();
    this.timer = setTimeout(() => this.#fetchInPassing(), Math.max(rest, PATIENCE));
  }

  async #fetchPanel() {
    clearTimeout(this.timer);
    this.fetchedAt = Date.now();
    this.isFetching = true;
    this.asked?.abort();
    this.asked = new AbortController();
    try {
      const asked = query({ view: this.dataset.view, at: this.at + 1 });
      const answer = await fetch(`${this.dataset.panel}?${asked}`, { signal: this.asked.signal });
      if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
      this.#showPanel(await answer.text());
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#showFailure();
    }
    this.isFetching = false;
  }

  #showPanel(html) {
    const isInside = this.panel.contains(document.activeElement);
    // The server's own fragment, in which recorded text is escaped.
    this.panel.innerHTML = html;
    this.panel.scrollTop = 0;
    if (isInside) this.panel.focus({ preventScroll: true });
    const { at } = this;
    this.id = this.panel.querySelector("[data-id]").dataset.id;
    keepPlace(this);
    for (const link of this.querySelectorAll("[data-view-link]")) {
      link.href = addressOf(this, link.dataset.viewLink);
    }
    this.dispatchEvent(new CustomEvent("ph-step", { bubbles: true, detail: { at, id: this.id } }));
  }

  #showFailure() {
    const message = document.createElement("p");
    message.className = "notice error";
    message.textContent = "This step could not be loaded. The server may be away, or you may be signed out.";
    this.panel.replaceChildren(message);
  }

  // Back or forward. An address that was typed or linked has no state: the page is asked for it.
  async #return(state) {
    if (!state && location.hash) return;
    this.pushes = false;
    const at = state && await this.#placeOf(state);
    if (at === null) return location.reload();
    if (state.view !== this.dataset.view) await this.#show(state.view, location.search);
    this.go(at, { scrubs: true, time: state.time });
  }

  // Where a step of the history is by now: steps may have arrived before it.
  async #placeOf({ at, id, count }) {
    if (count === this.count) return at;
    return id && (await import("./marks.js")).placeOf(this, id);
  }

  async openView(view) {
    const isOffered = this.querySelector(`[data-view-link="${view}"]`);
    if (!isOffered || view === this.dataset.view) return;
    const address = addressOf(this, view);
    await this.#show(view, address);
    history.pushState(placeIn(this), "", address);
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
    this.#tellOthers();
  }

  async #copyLink() {
    await copyText(new URL(addressOf(this), location.href).href);
    this.tell("Link to this step copied");
  }
}

customElements.define("ph-player", PhPlayer);
