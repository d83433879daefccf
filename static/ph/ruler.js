// Zooming and panning the time that the bars stand for: buttons, keys, the wheel, the ruler.

import { isLane } from "./arrangement.js";
import { child, ROW } from "./rows.js";
import { clock, idleBetween } from "./timescale.js";

const BY = 2;
const WHEEL = 0.002;
// Pixels from which a press on the ruler is a drag.
const DRAG = 4;
// What is left free at both sides of a step that is looked at, in its own lengths.
const ROOM = 0.5;
const LEAST = 1;
// Pixels from which a folded time is marked.
const SEEN = 3;

export class Ruler {
  constructor(grid) {
    this.grid = grid;
    this.hover = child(grid.over, "span", "wf-hover");
    this.hoverSays = child(grid.track, "span", "wf-hover-says");
    this.chosen = child(grid.over, "span", "wf-chosen");
    this.hover.hidden = this.hoverSays.hidden = this.chosen.hidden = true;
    grid.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    grid.addEventListener("pointermove", (event) => this.#point(event));
    grid.addEventListener("pointerleave", () => this.#leave());
    grid.track.addEventListener("pointerdown", (event) => this.#press(event));
    grid.track.addEventListener("dblclick", () => this.fit());
    this.drawn();
  }

  get scale() { return this.grid.scale; }

  "zoom-in"() { this.#zoom(BY, this.#middle()); }
  "zoom-out"() { this.#zoom(1 / BY, this.#middle()); }

  fit() {
    this.scale.showAll();
    this.grid.changedTime();
  }

  // The step at the playhead with a little room; asked for again, the whole session.
  focus() {
    const { spans, at } = this.grid;
    if (spans.starts[at] === null) return;
    const room = Math.max(spans.duration(at) ?? 0, LEAST) * ROOM;
    const [begin, end] = [spans.starts[at] - room, spans.end(at) + room];
    const isThere = this.focused === at && !this.scale.isWhole;
    this.focused = isThere ? null : at;
    if (isThere) return this.fit();
    this.scale.show(begin, end);
    this.grid.changedTime();
  }

  // What the rows in sight took, all of them.
  rows() {
    const { spans } = this.grid;
    const first = Math.floor(this.grid.scrollTop / ROW);
    const count = Math.floor(this.grid.clientHeight / ROW) - 1;
    const entries = this.grid.rows.order.slice(first, first + count);
    const seen = entries.filter((entry) => !isLane(entry) && spans.starts[entry] !== null);
    // Those with others below them in sight say little: they last as long as the session, some of them.
    const least = seen.filter((index) => !spans.children[index]);
    const taken = least.length ? least : seen;
    if (!taken.length) return;
    const [starts, ends] = [taken.map((index) => spans.starts[index]), taken.map((index) => spans.end(index))];
    this.scale.show(Math.min(...starts), Math.max(...ends));
    this.grid.changedTime();
  }

  // Folds the times in which nothing ran, or unfolds them.
  fold(button) {
    const { spans } = this.grid;
    const isFolded = this.scale.gaps.length > 0;
    const busy = isFolded ? [] : spans.busy((index) => !spans.children[index]);
    const idle = isFolded ? [] : idleBetween(busy, spans.total);
    this.scale.fold(idle);
    button?.setAttribute("aria-pressed", idle.length > 0);
    this.grid.closest("ph-player")?.announce?.(idle.length ? `${idle.length} idle times folded` : isFolded ? "Idle times shown" : "No idle time to fold");
    this.grid.changedTime();
  }

  // Around the playhead while it is in sight, else around the middle.
  #middle() {
    const start = this.grid.spans.starts[this.grid.at];
    const share = start === null ? -1 : this.scale.at(start);
    return share >= 0 && share <= 1 ? start : this.scale.timeAt(0.5);
  }

  #zoom(by, around) {
    this.scale.zoom(by, around);
    this.grid.changedTime();
  }

  // What the grid draws anew with every measure, and what belongs to it.
  drawn() {
    const { track, over } = this.grid;
    track.append(this.hoverSays);
    for (const old of over.querySelectorAll(".wf-gap")) old.remove();
    for (const { from, to } of this.scale.gaps) {
      const bar = this.scale.bar(from, to);
      if (bar.left === undefined || bar.width * this.grid.width < SEEN) continue;
      const band = child(over, "span", "wf-gap");
      const says = child(track, "span", "wf-gap-says", "≈");
      band.style.insetInlineStart = says.style.insetInlineStart = `${bar.left * 100}%`;
      band.style.width = says.style.width = `${bar.width * 100}%`;
      says.title = `Nothing ran for ${clock(to - from, 1000)}`;
    }
  }

  #share(event) {
    const { left, width } = this.grid.track.getBoundingClientRect();
    return (event.clientX - left) / width;
  }

  #wheel(event) {
    if (this.grid.dataset.view !== "timeline") return;
    const across = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.#zoom(Math.exp(-event.deltaY * WHEEL), this.scale.timeAt(this.#share(event)));
    } else if (across && !this.scale.isWhole && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) {
      event.preventDefault();
      this.scale.pan(across / this.grid.width);
      this.grid.changedTime();
    }
  }

  #point(event) {
    const share = this.#share(event);
    const isInside = share >= 0 && share <= 1 && this.grid.dataset.view === "timeline";
    this.hover.hidden = this.hoverSays.hidden = !isInside;
    if (!isInside) return;
    this.hover.style.insetInlineStart = this.hoverSays.style.insetInlineStart = `${share * 100}%`;
    this.hoverSays.textContent = clock(this.scale.timeAt(share), ((this.scale.end - this.scale.begin) / this.grid.width) * 2);
    this.hoverSays.classList.toggle("before", share > 0.8);
    if (this.from !== undefined) this.#choose(share);
  }

  #leave() {
    this.hover.hidden = this.hoverSays.hidden = true;
  }

  #press(event) {
    if (event.button !== 0 || this.grid.dataset.view !== "timeline") return;
    const { track } = this.grid;
    track.setPointerCapture(event.pointerId);
    this.from = this.#share(event);
    this.pressedAt = event.clientX;
    const release = (up) => {
      track.removeEventListener("pointerup", release);
      track.removeEventListener("pointercancel", release);
      this.#release(up);
    };
    track.addEventListener("pointerup", release);
    track.addEventListener("pointercancel", release);
  }

  #choose(share) {
    const [first, last] = [Math.max(Math.min(this.from, share), 0), Math.min(Math.max(this.from, share), 1)];
    this.chosen.hidden = false;
    this.chosen.style.insetInlineStart = `${first * 100}%`;
    this.chosen.style.width = `${(last - first) * 100}%`;
  }

  // A drag zooms into what it went over; a press alone moves the playhead there.
  #release(event) {
    const [from, to] = [this.from, this.#share(event)];
    this.from = undefined;
    this.chosen.hidden = true;
    if (event.type === "pointercancel") return;
    if (Math.abs(event.clientX - this.pressedAt) < DRAG) {
      const time = this.scale.timeAt(to);
      this.grid.go(this.grid.spans.at(time), { time });
      return;
    }
    this.scale.show(this.scale.timeAt(Math.max(Math.min(from, to), 0)), this.scale.timeAt(Math.min(Math.max(from, to), 1)));
    this.grid.changedTime();
  }
}
