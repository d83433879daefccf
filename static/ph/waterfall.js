// The rows of a session's steps, a tree or lanes along time, of which only those in sight are in
// the document. What zooms (ruler.js) and what filters (step-filter.js) comes when it is used.

import { Arrangement, isLane, laneOf } from "./arrangement.js";
import { onKeys } from "./keys.js";
import { child, ROW, Row } from "./rows.js";
import { TimeScale } from "./timescale.js";
import { keyAct, TypeAhead } from "./tree-keys.js";

const SPARE = 8;
const COLUMNS = [
  ["Step", "wf-name"], ["Tokens", "wf-tokens"], ["Cost", "wf-cost"],
  ["First token", "wf-first"], ["Duration", "wf-time"], ["Time", "wf-track"],
];
// Buttons of the bar above the rows, by what they say they do.
const ZOOMS = ["zoom-in", "zoom-out", "fit", "focus", "fold", "rows"];
const KEYS_OF_ROWS = ["zoom-in", "zoom-out", "focus", "rows", "less", "more"];
const ADDRESS_PATIENCE = 200;

export class PhWaterfall extends HTMLElement {
  // Takes the place of the rows that the server sent; `go(index)` tells of a choice made here.
  // Called again with what has arrived since, it keeps what is closed, filtered and in sight.
  load(spans, at, go) {
    const isFirst = !this.spans;
    const [before, held] = [this.rows, isFirst ? null : this.#held(at)];
    const isFolded = this.scale?.gaps.length > 0;
    Object.assign(this, { spans, at, go, time: spans.starts[at] });
    this.rows = new Arrangement(spans);
    this.scale = this.#scaleFor(spans);
    if (isFirst) this.#build();
    else this.#keep(before, held);
    this.rows.view = this.dataset.view;
    this.rearrange();
    if (isFirst) this.#show(this.at);
    else this.#hold(held);
    this.draw();
    if (held?.hasFocus) this.mounted.get(this.active)?.element.focus({ preventScroll: true });
    if (this.box?.value) this.filter(this.box.value);
    if (isFolded) this.#zoom("fold", this.closest(".player-main").querySelector("[data-rows-act=fold]"));
  }

  // What is in sight, by where it will stand among the steps that have come: as far on as the playhead.
  #held(at) {
    const by = at - this.at;
    const shifted = (entry) => (isLane(entry) ? entry : entry + by);
    const isSeen = (entry) => this.rows.position(entry) * ROW >= this.scrollTop && this.mounted.has(entry);
    const entry = isSeen(this.at) ? this.at : this.rows.order[Math.floor(this.scrollTop / ROW)] ?? this.active;
    const top = this.rows.position(entry) * ROW - this.scrollTop;
    const hasFocus = this.contains(document.activeElement);
    return { by, entry: shifted(entry), top, active: shifted(this.active), hasFocus };
  }

  #hold({ entry, top }) {
    if (this.rows.order.length) this.scrollTop = this.rows.position(this.rows.nearest(entry)) * ROW - top;
  }

  #build() {
    this.active = this.at;
    this.mounted = new Map();
    this.free = [];
    this.typed = new TypeAhead();
    this.sprite = this.dataset.icons;
    this.replaceChildren(this.#head());
    this.space = child(this, "div", "wf-space");
    this.space.setAttribute("role", "rowgroup");
    this.over = child(this, "div", "wf-over");
    this.over.setAttribute("aria-hidden", "true");
    this.needle = child(this.over, "span", "needle");
    this.setAttribute("role", "treegrid");
    this.setAttribute("aria-label", "Steps");
    this.removeAttribute("tabindex");
    this.#listen();
  }

  #keep(before, { by, active }) {
    this.rows.pinned = before.pinned;
    this.rows.closedLanes = before.closedLanes;
    this.rows.closed = new Set([...before.closed].map((index) => index + by));
    this.active = active;
  }

  #scaleFor(spans) {
    const asked = new URLSearchParams(location.search);
    const scale = new TimeScale(spans.total);
    if (asked.has("from") && asked.has("to")) scale.show(Number(asked.get("from")), Number(asked.get("to")));
    return scale;
  }

  #listen() {
    this.addEventListener("scroll", () => this.soon(), { passive: true });
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("keydown", (event) => this.#key(event));
    // Whoever comes near the rows may want to zoom.
    this.addEventListener("pointerenter", () => this.ruler(), { once: true });
    new ResizeObserver(() => { this.measured = null; this.soon(); }).observe(this);
    this.closest(".player-main").addEventListener("click", (event) => this.#press(event));
    this.#bindFilter();
    onKeys("rows", {
      "zoom-in": () => this.#zoom("zoom-in"),
      "zoom-out": () => this.#zoom("zoom-out"),
      focus: () => this.#zoom("focus"),
      rows: () => this.#zoom("rows"),
      less: () => this.#arrangeBy(() => this.rows.changeLevel(-1)),
      more: () => this.#arrangeBy(() => this.rows.changeLevel(1)),
    });
  }

  // Another view has taken its place, which may have these keys for itself.
  disconnectedCallback() {
    onKeys("rows", Object.fromEntries(KEYS_OF_ROWS.map((act) => [act, undefined])));
  }

  #bindFilter() {
    this.box = this.closest(".player-main").querySelector("input[name=f]");
    this.box?.form.addEventListener("submit", (event) => { event.preventDefault(); this.filter(this.box.value); });
    this.box?.addEventListener("input", () => this.filter(this.box.value));
    this.box?.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.box.value) this.filter((this.box.value = ""));
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      this.#goToFound();
    });
  }

  // From the box to the row that it found, from the playhead on.
  #goToFound() {
    const { order, found } = this.rows;
    const isFound = (entry) => !isLane(entry) && (!found || found.matches[entry]);
    const here = this.rows.position(this.active);
    const entry = order.find((one, position) => position >= here && isFound(one)) ?? order.find(isFound);
    this.moveTo(entry);
  }

  setView(view) {
    if (this.rows.view === view) return;
    this.dataset.view = this.rows.view = view;
    this.rearrange();
    this.#reveal(this.at);
    this.draw();
  }

  #head() {
    const head = document.createElement("div");
    head.className = "wf-head";
    head.setAttribute("role", "row");
    head.setAttribute("aria-rowindex", 1);
    for (const [name, className] of COLUMNS) {
      const title = child(head, "div", className);
      title.setAttribute("role", "columnheader");
      if (name === "Time") title.setAttribute("aria-label", name);
      else title.textContent = name;
      if (name === "Time") this.track = title;
    }
    return head;
  }

  // Draws the ruler, where the bars begin and how wide they are, and the playhead.
  #measure() {
    const { width } = this.track.getBoundingClientRect();
    this.width = Math.max(width, 1);
    this.over.style.insetInlineStart = `${this.track.offsetLeft}px`;
    this.over.style.width = `${this.width}px`;
    this.over.style.height = `${this.rows.order.length * ROW}px`;
    this.track.replaceChildren();
    for (const { share, says } of this.scale.ticks(this.width)) {
      child(this.track, "span", "tick", says).style.insetInlineStart = `${share * 100}%`;
    }
    this.zooms?.drawn();
    this.measured = true;
  }

  // Within a step the playhead alone moves; time that is zoomed into goes along.
  showTime(time) {
    if (time === this.time || !this.measured) return;
    this.time = time;
    this.#follow(time);
    this.#drawNeedle();
  }

  #drawNeedle() {
    const share = Number.isFinite(this.time) ? this.scale.at(this.time) : -1;
    this.needle.hidden = share < 0 || share > 1;
    this.needle.style.insetInlineStart = `${share * 100}%`;
  }

  rearrange() {
    this.rows.arrange();
    this.#arranged();
  }

  #arranged() {
    this.measured = null;
    this.space.style.height = `${this.rows.order.length * ROW}px`;
    this.setAttribute("aria-rowcount", this.rows.order.length + 1);
    if (this.rows.order.length) this.active = this.rows.nearest(this.active);
  }

  // What changed is drawn with the next frame.
  soon() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  draw() {
    if (!this.measured) this.#measure();
    this.#drawNeedle();
    const { order } = this.rows;
    const first = Math.max(0, Math.floor(this.scrollTop / ROW) - SPARE);
    const last = Math.min(order.length - 1, Math.ceil((this.scrollTop + this.clientHeight) / ROW) + SPARE);
    this.pins = this.rows.pins;
    const wanted = new Set([...order.slice(first, last + 1), ...this.pins]);
    // The row that takes the focus stays in the document wherever one scrolls.
    if (order.length) wanted.add(this.active);
    for (const [entry, row] of this.mounted) {
      if (wanted.has(entry)) continue;
      this.mounted.delete(entry);
      this.free.push(row);
    }
    for (const entry of wanted) this.#rowFor(entry).show(this.rows.position(entry), entry, this);
    while (this.free.length) this.free.pop().element.remove();
  }

  #rowFor(entry) {
    let row = this.mounted.get(entry);
    if (!row) {
      row = this.free.pop() ?? new Row(this.sprite);
      if (!row.element.isConnected) this.space.append(row.element);
      this.mounted.set(entry, row);
    }
    return row;
  }

  // The playhead moved.
  select(index, { focus = false } = {}) {
    const hasFocus = this.contains(document.activeElement);
    this.at = index;
    this.time = this.spans.starts[index];
    this.#reveal(index);
    if (this.rows.order.length) this.active = this.rows.nearest(index);
    this.draw();
    if (focus || hasFocus) this.mounted.get(this.active)?.element.focus({ preventScroll: true });
  }

  #reveal(index) {
    this.#follow(this.spans.starts[index]);
    this.#show(index);
  }

  // The row alone: a part of the time that the address asks for stays in sight.
  #show(index) {
    if (this.rows.reveal(index)) this.#arranged();
    this.#scrollTo(this.rows.position(index));
  }

  // Time that is zoomed into goes along with the playhead.
  #follow(time) {
    if (time === null || this.scale.isWhole) return;
    const share = this.scale.at(time);
    if (share >= 0 && share <= 1) return;
    this.scale.pan(share - 0.2);
    this.changedTime();
  }

  #scrollTo(position) {
    if (position < 0) return;
    const top = position * ROW;
    const room = this.clientHeight - 2 * ROW;
    const covered = this.rows.pins.length * ROW;
    if (top < this.scrollTop + covered) this.scrollTop = Math.max(0, top - covered - ROW);
    else if (top > this.scrollTop + room) this.scrollTop = top - room / 2;
  }

  collapseAll() { this.#arrangeBy(() => this.rows.collapseAll()); }
  expandAll() { this.#arrangeBy(() => this.rows.expandAll()); }
  toggle(entry) { this.#arrangeBy(() => this.rows.toggle(entry)); }
  expandBeside() { this.#arrangeBy(() => this.rows.expandBeside(this.active)); }

  pin(group) {
    const { pinned } = this.rows;
    if (!pinned.delete(group)) pinned.add(group);
    this.#arrangeBy(() => this.rows.arrange());
    this.#scrollTo(this.rows.position(this.active));
  }

  #arrangeBy(act) {
    const hadFocus = this.contains(document.activeElement);
    act();
    this.#arranged();
    this.draw();
    if (hadFocus) this.mounted.get(this.active)?.element.focus({ preventScroll: true });
  }

  // Moves the keyboard to a row; where it is a step, the playhead too.
  moveTo(entry) {
    if (entry === undefined || entry === null) return;
    if (!isLane(entry) && entry !== this.at) return this.go(entry, { focus: true });
    this.active = entry;
    this.#scrollTo(this.rows.position(entry));
    this.draw();
    this.mounted.get(entry).element.focus({ preventScroll: true });
  }

  #click(event) {
    const element = event.target.closest(".wf-row");
    if (!element) return;
    const { entry } = [...this.mounted.values()].find((row) => row.element === element);
    if (event.target.closest(".wf-pin")) this.pin(laneOf(entry));
    else if (isLane(entry) || (event.target.closest(".wf-twist") && this.rows.isClosed(entry) !== null)) {
      this.active = entry;
      this.toggle(entry);
    } else this.moveTo(entry);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.closest(".wf-row")) return;
    const act = keyAct(this, event);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #press(event) {
    const button = event.target.closest("[data-rows-act]");
    const act = button?.dataset.rowsAct;
    if (act === "clear" || act === "critical") {
      event.preventDefault();
      this.filter((this.box.value = act === "clear" ? "" : act));
      this.box.focus();
    } else if (act === "collapse") this.collapseAll();
    else if (act === "expand") this.expandAll();
    else if (ZOOMS.includes(act)) this.#zoom(act, button);
  }

  async #zoom(act, button) {
    (await this.ruler())[act](button);
  }

  ruler() {
    this.zoomer ??= import("./ruler.js").then(({ Ruler }) => (this.zooms = new Ruler(this)));
    return this.zoomer;
  }

  // Another part of the time is in sight: draws it, and says so in the address.
  changedTime() {
    this.measured = null;
    this.soon();
    const { scale } = this;
    const window = scale.isWhole ? {} : { from: Math.floor(scale.begin), to: Math.ceil(scale.end) };
    this.#write({ from: null, to: null, ...window });
  }

  #write(named) {
    Object.assign((this.unwritten ??= {}), named);
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      const url = new URL(location.href);
      for (const [name, value] of Object.entries(this.unwritten)) {
        if (value === null || value === "") url.searchParams.delete(name);
        else url.searchParams.set(name, value);
      }
      this.unwritten = {};
      history.replaceState(history.state, "", url);
    }, ADDRESS_PATIENCE);
  }

  async filter(text) {
    this.text = text;
    this.finder ??= import("./step-filter.js");
    const { findSteps } = await this.finder;
    // Something else may have been typed since.
    if (this.text !== text) return;
    const { found, problem } = findSteps(this.spans, text);
    this.#tellFound(found, problem);
    if (problem) return;
    this.rows.found = found;
    this.#arrangeBy(() => this.rows.arrange());
    if (found && this.rows.order.length) this.#scrollTo(this.rows.position(this.active));
    this.#write({ f: text.trim() });
  }

  #tellFound(found, problem) {
    const main = this.closest(".player-main");
    const count = found?.count ?? 0;
    const [some, all] = [count, this.spans.count].map((number) => number.toLocaleString("en"));
    main.querySelector("[data-rows-found]").textContent = problem ?? (found ? `${some} of ${all} found` : "");
    main.querySelector("[data-rows-act=clear]").hidden = !this.text;
    this.box.toggleAttribute("aria-invalid", Boolean(problem));
    main.querySelector("[data-rows-none]").hidden = !found || count > 0;
  }
}

customElements.define("ph-waterfall", PhWaterfall);
