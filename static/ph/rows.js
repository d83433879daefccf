// One row of the document: a step with its bar, or the heading of a lane.

import { isLane, laneOf } from "./arrangement.js";
import { duration, groupOf } from "./spans.js";

export const ROW = 28;
const INDENT = 14;
const DEEPEST = 16;
// Sections of the critical path that one bar tells apart.
const MOST_PARTS = 120;

export const ICONS = {
  llm: "sparkles", embedding: "sparkles", tool: "wrench", http: "globe", code_change: "code",
  retriever: "database", reranker: "database", memory: "brain", agent: "bot", handoff: "users",
  decision: "git-branch", guardrail: "shield-check", evaluator: "check", human: "user",
  time: "clock", error: "octagon-x", env: "terminal",
};

export function child(parent, name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function cell(parent, className) {
  const made = child(parent, "div", className);
  made.setAttribute("role", "gridcell");
  return made;
}

export function picture(parent, sprite) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  parent.append(svg);
  let shown = null;
  return {
    svg,
    // A picture that is put in place again is built anew by the browser, and that is dear.
    show(icon) {
      if (icon !== shown) use.setAttribute("href", `${sprite}#${icon}`);
      shown = icon;
    },
  };
}

export function shortNumber(count) {
  if (count === null) return "-";
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (count >= size) return count < 100 * size ? `${(count / size).toFixed(1)}${unit}` : `${Math.floor(count / size)}${unit}`;
  }
  return String(count);
}

export function money(amount) {
  if (amount === null) return "-";
  if (amount === 0 || amount >= 1) return `$${amount.toFixed(2)}`;
  return `$${amount.toFixed(amount >= 0.01 ? 3 : Math.max(4, 1 - Math.floor(Math.log10(amount))))}`;
}

export const signed = (ms) => `${ms < 0 ? "−" : "+"}${duration(Math.abs(ms))}`;

const percent = (share) => `${share * 100}%`;

// What of a bar is marked, as stops of a gradient: parts are [from, to] in shares of the bar.
function gradient(parts, colour) {
  const stops = parts.slice(0, MOST_PARTS).flatMap(([from, to]) => [
    `transparent ${percent(from)}`, `${colour} ${percent(from)}`, `${colour} ${percent(to)}`, `transparent ${percent(to)}`,
  ]);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

// Parts closer than a pixel are one.
function joined(parts, near) {
  const found = [];
  for (const [from, to] of parts) {
    const last = found.at(-1);
    if (last && from - last[1] <= near) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}

export class Row {
  constructor(sprite) {
    this.element = document.createElement("div");
    this.element.setAttribute("role", "row");
    this.element.tabIndex = -1;
    this.#name(cell(this.element, "wf-name"), sprite);
    this.tokens = cell(this.element, "wf-tokens");
    this.cost = cell(this.element, "wf-cost");
    this.first = cell(this.element, "wf-first");
    this.time = cell(this.element, "wf-time");
    const track = cell(this.element, "wf-track");
    this.bar = child(track, "span", "bar");
    this.crit = child(track, "span", "crit");
    this.entry = null;
  }

  #name(name, sprite) {
    this.twist = child(name, "span", "wf-twist");
    this.arrow = picture(this.twist, sprite);
    this.kind = child(name, "span", "kind");
    this.kindIcon = picture(this.kind, sprite);
    this.kindName = child(name, "span", "wf-kind");
    this.label = child(name, "bdi", "wf-label truncate");
    this.problem = child(name, "span", "chip error");
    picture(this.problem, sprite).show("octagon-x");
    child(this.problem, "span", "", "error");
    this.clock = child(name, "span", "chip warn");
    picture(this.clock, sprite).show("clock");
    this.clockSays = child(this.clock, "span", "");
    this.pin = child(name, "button", "button quiet small wf-pin");
    this.pin.type = "button";
    this.pin.tabIndex = -1;
  }

  // Draws an entry of the arrangement at a position; what has not changed is left alone.
  show(position, entry, grid) {
    this.position = position;
    const pin = grid.pins.indexOf(entry);
    const top = pin < 0 ? position * ROW : Math.max(position * ROW, grid.scrollTop + pin * ROW);
    this.element.style.transform = `translateY(${top}px)`;
    this.element.setAttribute("aria-rowindex", position + 2);
    const level = grid.rows.level(entry);
    this.element.setAttribute("aria-level", level);
    this.twist.style.marginInlineStart = `${Math.min(level - 1, DEEPEST) * INDENT}px`;
    this.#showArrow(grid.rows.isClosed(entry));
    if (this.entry !== entry || this.spans !== grid.spans) {
      this.entry = entry;
      this.spans = grid.spans;
      if (isLane(entry)) this.#fillLane(laneOf(entry));
      else this.#fill(entry);
    }
    this.mark(grid);
    if (isLane(entry)) this.#placeLane(laneOf(entry), grid);
    else this.#place(entry, grid);
  }

  #showArrow(isClosed) {
    if (isClosed === null) this.element.removeAttribute("aria-expanded");
    else this.element.setAttribute("aria-expanded", !isClosed);
    this.arrow.svg.toggleAttribute("hidden", isClosed === null);
    if (isClosed !== null) this.arrow.show(isClosed ? "chevron-right" : "chevron-down");
  }

  #fill(index) {
    const { spans } = this;
    const kind = spans.kind(index);
    this.element.className = "wf-row";
    this.element.id = `row-${index + 1}`;
    this.kind.className = `kind kind-${groupOf(kind)}`;
    this.kindIcon.show(ICONS[kind] ?? "workflow");
    this.kindName.textContent = kind;
    this.label.textContent = this.label.title = spans.name(index);
    this.problem.hidden = !spans.isError(index);
    this.pin.hidden = true;
    this.#fillClock(spans.shifts.get(index));
    this.time.textContent = duration(spans.duration(index));
    this.first.textContent = spans.firstToken?.(index) ? duration(spans.firstToken(index)) : "";
    this.#fillUsage(spans.usage(index));
  }

  #fillClock(shift) {
    this.clock.hidden = shift === undefined;
    if (shift === undefined) return;
    this.clockSays.textContent = signed(shift);
    this.clock.title = `Drawn ${duration(Math.abs(shift))} ${shift < 0 ? "earlier" : "later"} than recorded: its clock was wrong`;
  }

  #fillUsage({ tokens, cost, isSum }) {
    this.tokens.textContent = tokens === null ? "" : shortNumber(tokens);
    this.cost.textContent = cost === null ? "" : money(cost);
    for (const one of [this.tokens, this.cost]) one.classList.toggle("sum", isSum);
    this.tokens.title = isSum && tokens !== null ? "All below it together" : "";
  }

  #fillLane(group) {
    const { lane, agents, count } = this.spans.lanes[group];
    this.element.className = "wf-row wf-lane";
    this.element.id = `lane-${group + 1}`;
    this.kind.className = "kind kind-agent";
    this.kindIcon.show(agents.size ? "bot" : "layers");
    this.kindName.textContent = agents.size && lane !== this.spans.laneName(group) ? lane : "lane";
    this.label.textContent = this.label.title = this.spans.laneName(group);
    this.problem.hidden = this.clock.hidden = true;
    this.pin.hidden = false;
    this.time.textContent = count === 1 ? "1 step" : `${count.toLocaleString("en")} steps`;
    for (const one of [this.tokens, this.cost, this.first]) one.textContent = "";
  }

  mark(grid) {
    const { entry } = this;
    const isStep = !isLane(entry);
    this.element.setAttribute("aria-selected", entry === grid.at);
    this.element.classList.toggle("future", isStep && entry > grid.at);
    this.element.classList.toggle("above", isStep && grid.rows.found !== null && !grid.rows.found.matches[entry]);
    this.element.tabIndex = entry === grid.active ? 0 : -1;
    if (isStep) return;
    const isPinned = grid.rows.pinned.has(laneOf(entry));
    this.element.classList.toggle("pinned", isPinned);
    this.pin.textContent = isPinned ? "Unpin" : "Pin";
    this.pin.title = isPinned ? "Back to its place (p)" : "Keep this lane first (p)";
  }

  #place(index, { scale, width }) {
    const { spans } = this;
    const begin = spans.starts[index];
    const bar = begin === null ? {} : scale.bar(begin, spans.end(index));
    this.bar.hidden = bar.left === undefined;
    this.bar.parentNode.dataset.off = bar.off ?? "";
    this.crit.hidden = this.bar.hidden || !spans.isCritical(index);
    if (this.bar.hidden) return;
    const error = spans.isError(index) ? " error" : "";
    this.bar.className = `bar kind-${groupOf(spans.kind(index))}${error}`;
    this.bar.style.backgroundImage = "";
    this.#size(this.bar, bar);
    this.#placeFirstToken(index, scale, bar);
    if (!this.crit.hidden) this.#placeCritical(spans.criticalParts(index), scale, bar, width);
  }

  #size(element, { left, width }) {
    element.style.insetInlineStart = percent(left);
    element.style.width = percent(width);
  }

  // Until the first token came, a call's bar is lighter.
  #placeFirstToken(index, scale, { left, width }) {
    const waited = this.spans.firstToken?.(index) ?? null;
    this.bar.classList.toggle("waited", waited !== null && width > 0);
    if (waited === null || !width) return;
    const share = (scale.at(this.spans.starts[index] + waited) - left) / width;
    this.bar.style.setProperty("--first", percent(Math.min(Math.max(share, 0), 1)));
  }

  #placeCritical(parts, scale, { left, width }, pixels) {
    this.#size(this.crit, { left, width: Math.max(width, 3 / pixels) });
    const shares = parts.map(([from, to]) => [(scale.at(from) - left) / width, (scale.at(to) - left) / width]);
    const seen = shares.filter(([from, to]) => to >= 0 && from <= 1).map(([from, to]) => [Math.max(from, 0), Math.min(to, 1)]);
    const isSliver = width * pixels < 3;
    this.crit.style.backgroundImage = gradient(isSliver ? [[0, 1]] : joined(seen, 1 / (width * pixels)), "var(--text)");
  }

  // What of the time the lane's steps took, as one bar with holes.
  #placeLane(group, { scale, width }) {
    const seen = this.spans.busyIn(group)
      .map(([from, to]) => [scale.at(from), scale.at(to)])
      .filter(([from, to]) => to >= 0 && from <= 1)
      .map(([from, to]) => [Math.max(from, 0), Math.min(Math.max(to, from + 2 / width), 1)]);
    this.crit.hidden = true;
    this.bar.hidden = !seen.length;
    this.bar.parentNode.dataset.off = "";
    this.bar.className = "bar lane";
    this.#size(this.bar, { left: 0, width: 1 });
    this.bar.style.backgroundImage = gradient(joined(seen, 1 / width), "var(--control)");
  }
}
