// The rows of a session's steps, a tree or bars along time, of which only those in sight are in
// the document.

import { duration, groupOf, Spans } from "./spans.js";

export { duration, groupOf, Spans };

const ROW = 28;
const SPARE = 8;
const INDENT = 14;
const DEEPEST = 16;

function cell(className) {
  const made = document.createElement("div");
  made.className = className;
  made.setAttribute("role", "gridcell");
  return made;
}

function child(parent, name, className) {
  const made = document.createElement(name);
  made.className = className;
  parent.append(made);
  return made;
}

function picture(parent) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  parent.append(svg);
  return { svg, show: (icon) => use.setAttribute("href", `${sprite()}#${icon}`) };
}

const sprite = () => document.querySelector("ph-waterfall").dataset.icons;

class Row {
  constructor() {
    this.element = document.createElement("div");
    this.element.className = "wf-row";
    this.element.setAttribute("role", "row");
    this.element.tabIndex = -1;
    const name = cell("wf-name");
    this.twist = child(name, "span", "wf-twist");
    this.arrow = picture(this.twist);
    this.kind = child(name, "span", "kind");
    this.kindIcon = picture(this.kind);
    this.kindName = child(name, "span", "wf-kind");
    this.label = child(name, "bdi", "wf-label truncate");
    this.problem = child(name, "span", "chip error");
    this.problemIcon = picture(this.problem);
    child(this.problem, "span", "").textContent = "error";
    this.time = cell("wf-time");
    const track = cell("wf-track");
    this.bar = child(track, "span", "bar");
    this.element.append(name, this.time, track);
    this.index = -1;
  }

  show(position, index, grid) {
    const { spans } = grid;
    this.position = position;
    this.element.style.transform = `translateY(${position * ROW}px)`;
    this.element.setAttribute("aria-rowindex", position + 2);
    this.mark(grid);
    const below = spans.children[index];
    const isOpen = below && !grid.closed.has(index);
    if (below) this.element.setAttribute("aria-expanded", isOpen);
    else this.element.removeAttribute("aria-expanded");
    this.arrow.svg.toggleAttribute("hidden", !below);
    this.arrow.show(isOpen ? "chevron-down" : "chevron-right");
    if (this.index !== index) this.fill(index, spans);
  }

  fill(index, spans) {
    this.index = index;
    const kind = spans.kind(index);
    const level = spans.levels[index];
    this.element.setAttribute("aria-level", level);
    this.element.id = `row-${index + 1}`;
    this.twist.style.marginInlineStart = `${Math.min(level - 1, DEEPEST) * INDENT}px`;
    this.kind.className = `kind kind-${groupOf(kind)}`;
    this.kindIcon.show(ICONS[kind] ?? "workflow");
    this.kindName.textContent = kind;
    this.label.textContent = spans.name(index);
    this.label.title = spans.name(index);
    this.problem.hidden = !spans.isError(index);
    this.problemIcon.show("octagon-x");
    this.time.textContent = duration(spans.duration(index));
    this.place(index, spans);
  }

  place(index, spans) {
    const start = spans.starts[index];
    this.bar.hidden = start === null;
    const error = spans.isError(index) ? " error" : "";
    this.bar.className = `bar kind-${groupOf(spans.kind(index))}${error}`;
    const whole = spans.total || 1;
    this.bar.style.insetInlineStart = `${((start ?? 0) / whole) * 100}%`;
    this.bar.style.width = `${((spans.duration(index) ?? 0) / whole) * 100}%`;
  }

  mark(grid) {
    const isHere = grid.order[this.position] === grid.at;
    this.element.setAttribute("aria-selected", isHere);
    this.element.classList.toggle("future", grid.order[this.position] > grid.at);
    this.element.tabIndex = grid.order[this.position] === grid.active ? 0 : -1;
  }
}

export const ICONS = {
  llm: "sparkles", embedding: "sparkles", tool: "wrench", http: "globe", code_change: "code",
  retriever: "database", reranker: "database", memory: "brain", agent: "bot", handoff: "users",
  decision: "git-branch", guardrail: "shield-check", evaluator: "check", human: "user",
  time: "clock", error: "octagon-x", env: "terminal",
};

export class PhWaterfall extends HTMLElement {
  // Takes the place of the rows that the server sent; `go(index)` tells of a choice made here.
  load(spans, at, go) {
    Object.assign(this, { spans, at, go, active: at, closed: new Set(), rows: new Map(), free: [] });
    this.replaceChildren(this.#head());
    this.space = child(this, "div", "wf-space");
    this.space.setAttribute("role", "rowgroup");
    this.setAttribute("role", "treegrid");
    this.setAttribute("aria-label", "Steps");
    this.removeAttribute("tabindex");
    this.#arrange();
    this.addEventListener("scroll", () => this.#soon(), { passive: true });
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#soon()).observe(this);
    this.#reveal(this.at);
    this.draw();
  }

  setView(view) {
    this.dataset.view = view;
  }

  #head() {
    const head = document.createElement("div");
    head.className = "wf-head";
    head.setAttribute("role", "row");
    head.setAttribute("aria-rowindex", 1);
    for (const [name, className] of [["Step", "wf-name"], ["Duration", "wf-time"], ["Time", "wf-track"]]) {
      const title = child(head, "div", className);
      title.setAttribute("role", "columnheader");
      if (name !== "Time") title.textContent = name;
      else this.#ruler(title);
    }
    return head;
  }

  #ruler(title) {
    title.setAttribute("aria-label", "Time");
    // Marks that would all say the same number say nothing.
    for (const part of this.spans.total < 4 ? [0] : [0, 0.25, 0.5, 0.75]) {
      const tick = child(title, "span", "tick");
      tick.textContent = part === 0 ? "0" : duration(this.spans.total * part);
      tick.style.insetInlineStart = `${part * 100}%`;
    }
  }

  #arrange() {
    this.order = [];
    const { spans } = this;
    let hiddenBelow = Infinity;
    for (const index of spans.order) {
      if (spans.levels[index] > hiddenBelow) continue;
      hiddenBelow = this.closed.has(index) ? spans.levels[index] : Infinity;
      this.order.push(index);
    }
    this.positions = new Map(this.order.map((index, position) => [index, position]));
    this.space.style.height = `${this.order.length * ROW}px`;
    this.setAttribute("aria-rowcount", this.order.length + 1);
    if (!this.positions.has(this.active)) this.active = this.order[0];
  }

  #soon() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  draw() {
    const first = Math.max(0, Math.floor(this.scrollTop / ROW) - SPARE);
    const last = Math.min(this.order.length - 1, Math.ceil((this.scrollTop + this.clientHeight) / ROW) + SPARE);
    const wanted = new Set();
    for (let position = first; position <= last; position += 1) wanted.add(this.order[position]);
    // The row that takes the focus stays in the document wherever one scrolls.
    wanted.add(this.active);
    for (const [index, row] of this.rows) {
      if (wanted.has(index)) continue;
      this.rows.delete(index);
      this.free.push(row);
    }
    for (const index of wanted) this.#rowFor(index).show(this.positions.get(index), index, this);
    while (this.free.length) this.free.pop().element.remove();
  }

  #rowFor(index) {
    let row = this.rows.get(index);
    if (!row) {
      row = this.free.pop() ?? new Row();
      if (!row.element.isConnected) this.space.append(row.element);
      this.rows.set(index, row);
    }
    return row;
  }

  // The playhead moved.
  select(index, { focus = false } = {}) {
    this.at = index;
    this.#reveal(index);
    this.active = index;
    this.draw();
    if (focus || this.contains(document.activeElement)) {
      this.rows.get(index).element.focus({ preventScroll: true });
    }
  }

  #reveal(index) {
    let changed = false;
    for (let up = this.spans.parents[index]; up >= 0; up = this.spans.parents[up]) {
      changed = this.closed.delete(up) || changed;
    }
    if (changed) this.#arrange();
    const top = this.positions.get(index) * ROW;
    const room = this.clientHeight - 2 * ROW;
    if (top < this.scrollTop) this.scrollTop = top - ROW;
    else if (top > this.scrollTop + room) this.scrollTop = top - room / 2;
  }

  collapseAll() {
    this.spans.children.forEach((below, index) => { if (below) this.closed.add(index); });
    this.#rearrange();
  }

  expandAll() {
    this.closed.clear();
    this.#rearrange();
  }

  #rearrange() {
    const hadFocus = this.contains(document.activeElement);
    this.#arrange();
    this.draw();
    if (hadFocus) this.rows.get(this.active).element.focus({ preventScroll: true });
  }

  #toggle(index) {
    if (!this.closed.delete(index)) this.closed.add(index);
    this.#rearrange();
  }

  #click(event) {
    const element = event.target.closest(".wf-row");
    if (!element) return;
    const index = Number(element.id.slice(4)) - 1;
    if (event.target.closest(".wf-twist") && this.spans.children[index]) this.#toggle(index);
    else this.go(index, { focus: true });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const act = {
      ArrowDown: () => this.#move(1),
      ArrowUp: () => this.#move(-1),
      ArrowRight: () => this.#open(),
      ArrowLeft: () => this.#close(),
      Enter: () => this.go(this.active, { focus: true }),
    }[event.key];
    if (!act || !event.target.closest(".wf-row")) return;
    event.preventDefault();
    act();
  }

  #move(by) {
    const there = this.order[this.positions.get(this.active) + by];
    if (there !== undefined) this.go(there, { focus: true });
  }

  #open() {
    const below = this.spans.children[this.active];
    if (below && this.closed.has(this.active)) this.#toggle(this.active);
    else if (below) this.go(below[0], { focus: true });
  }

  #close() {
    if (this.spans.children[this.active] && !this.closed.has(this.active)) this.#toggle(this.active);
    else if (this.spans.parents[this.active] >= 0) this.go(this.spans.parents[this.active], { focus: true });
  }
}

customElements.define("ph-waterfall", PhWaterfall);
