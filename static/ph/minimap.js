// All steps of a session at a glance, above the scrubber: by lane and along time, with marks for
// what one looks for. One canvas, drawn in cells, so that 50,000 steps cost what fifty do.

import { groupOf } from "./spans.js";
import { idleBetween, TimeScale } from "./timescale.js";

const KINDS = ["llm", "tool", "retriever", "agent", "decision", "human", "other"];
// Lanes that have a row of their own; more share these rows.
const MOST_ROWS = 6;
// Above the lanes stand the marks of steps, below them what people left there.
const ABOVE = 11;
const BELOW = 10;
const TALLEST = 12;
// Marks of a sort that lie nearer than this are one.
const APART = 7;
// With one for so many pixels, they are lines.
const CROWD = 14;

// What is marked, in the order of drawing: the last lies on top.
export const MARKS = {
  code: { sign: "■", matches: (spans, index) => spans.kind(index) === "code_change" },
  state: { sign: "◇", matches: (spans, index) => spans.statesAt(index) },
  decision: { sign: "◆", matches: (spans, index) => spans.kind(index) === "decision" },
  error: { sign: "▼", matches: (spans, index) => spans.isError(index) },
  comment: { sign: "●", isBelow: true },
  bookmark: { sign: "★", isBelow: true },
};

class PhMinimap extends HTMLElement {
  // `move(index, time)` tells of a place chosen here, `settle()` that one has let go.
  load(spans, { move, settle, folds }) {
    Object.assign(this, { spans, move, settle });
    this.left ??= { comment: new Map(), bookmark: new Map() };
    this.canvas = document.createElement("canvas");
    this.after = document.createElement("div");
    this.after.className = "after";
    this.replaceChildren(this.canvas, this.after);
    this.#scale(folds);
    if (this.isListening) return this.#soon();
    this.isListening = true;
    new ResizeObserver(() => { this.#soon(); this.place(this.at, this.time); }).observe(this);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#soon());
    new MutationObserver(() => this.#soon()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.#listen();
  }

  // Steps without a time of their own stand by number.
  #scale(folds) {
    const { spans } = this;
    this.isTimed = spans.total > 1 && spans.starts.some((start) => start !== null);
    this.scale = new TimeScale(this.isTimed ? spans.total : Math.max(spans.count - 1, 1));
    if (folds && this.isTimed) this.scale.fold(this.#idle());
    this.lanes = spans.columns.lanes.length;
    this.rows = Math.min(this.lanes, MOST_ROWS);
  }

  #idle() {
    const { spans } = this;
    const busy = [];
    for (let index = 0; index < spans.count; index += 1) {
      if (spans.starts[index] === null) continue;
      busy.push([spans.starts[index], spans.children[index] ? spans.starts[index] : spans.end(index)]);
    }
    busy.push([spans.total, spans.total]);
    return idleBetween(busy.sort((one, other) => one[0] - other[0]), spans.total);
  }

  fold(folds) {
    this.#scale(folds);
    this.#soon();
    this.place(this.at, this.time);
  }

  // What people left on steps: {place: how many}.
  mark(name, places) {
    this.left[name] = places;
    this.#soon();
  }

  matches(name, index) {
    return MARKS[name].isBelow ? this.left[name].has(index) : MARKS[name].matches(this.spans, index);
  }

  count(name) {
    if (MARKS[name].isBelow) return this.left[name].size;
    let found = 0;
    for (let index = 0; index < this.spans.count; index += 1) found += this.matches(name, index) ? 1 : 0;
    return found;
  }

  // The playhead: only moved, never drawn.
  place(at, time) {
    [this.at, this.time] = [at, time];
    const share = Math.min(Math.max(this.isTimed ? this.scale.at(time ?? this.#timeOf(at)) : this.scale.at(at), 0), 1);
    this.after.style.transform = `translateX(${share * this.clientWidth}px)`;
  }

  #timeOf(index) {
    const { starts } = this.spans;
    for (let at = index; at >= 0; at -= 1) if (starts[at] !== null) return starts[at];
    return 0;
  }

  #xOf(index, width) {
    return Math.round(this.scale.at(this.isTimed ? this.#timeOf(index) : index) * (width - 2));
  }

  #soon() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  draw() {
    const [width, height] = [this.clientWidth, this.clientHeight];
    if (!width || !height) return;
    const fine = window.devicePixelRatio || 1;
    this.canvas.width = width * fine;
    this.canvas.height = height * fine;
    const pen = this.canvas.getContext("2d");
    pen.scale(fine, fine);
    const colours = this.#colours();
    this.#drawSteps(pen, width, height, colours);
    this.#drawGaps(pen, width, height, colours);
    for (const name of Object.keys(MARKS)) this.#drawMarks(pen, name, width, height, colours);
  }

  // A cell for each pixel of each row holds the kind of the last step that ran then; a step with
  // others below it only where none of these did.
  #drawSteps(pen, width, height, colours) {
    const cells = new Uint8Array(width * this.rows);
    for (const isOuter of [true, false]) {
      for (let index = 0; index < this.spans.count; index += 1) {
        if (Boolean(this.spans.children[index]) === isOuter) this.#fill(cells, index, width, isOuter);
      }
    }
    const tall = this.#tall(height);
    for (let row = 0; row < this.rows; row += 1) this.#drawRow(pen, cells, row, width, tall, colours);
  }

  #tall(height) { return Math.min((height - ABOVE - BELOW) / this.rows, TALLEST); }

  #fill(cells, index, width, isOuter) {
    const { spans } = this;
    const row = this.#rowOf(index) * width;
    const from = this.#xOf(index, width);
    const ends = this.isTimed && spans.starts[index] !== null ? this.scale.at(spans.end(index)) * (width - 2) : from + 2;
    // Bars beside each other are told apart where there is room.
    const to = Math.min(Math.max(from + 2, Math.round(ends) - 1), width);
    const kind = KINDS.indexOf(groupOf(spans.kind(index))) + 1;
    cells.fill(isOuter ? kind + KINDS.length : kind, row + from, row + to);
  }

  #rowOf(index) {
    const lane = this.spans.lane(index);
    return this.lanes <= MOST_ROWS ? lane : Math.floor((lane * MOST_ROWS) / this.lanes);
  }

  #drawRow(pen, cells, row, width, tall, colours) {
    const top = ABOVE + row * tall;
    let from = 0;
    for (let x = 1; x <= width; x += 1) {
      const value = cells[row * width + from];
      if (x < width && cells[row * width + x] === value) continue;
      if (value) {
        const isOuter = value > KINDS.length;
        pen.fillStyle = colours[KINDS[(value - 1) % KINDS.length]];
        pen.fillRect(from, isOuter ? top + tall / 2 - 1 : top + 0.5, x - from, isOuter ? 1.5 : Math.max(tall - 1.5, 1.5));
      }
      from = x;
    }
  }

  // Where idle time is folded, a zig-zag across the lanes.
  #drawGaps(pen, width, height, colours) {
    pen.strokeStyle = colours.muted;
    pen.lineWidth = 1.5;
    for (const { from, to } of this.scale.gaps) {
      const middle = ((this.scale.at(from) + this.scale.at(to)) / 2) * (width - 2);
      pen.beginPath();
      for (let y = ABOVE, side = -3; y <= height - BELOW; y += 5, side = -side) pen.lineTo(middle + side, y);
      pen.stroke();
    }
  }

  #drawMarks(pen, name, width, height, colours) {
    pen.fillStyle = pen.strokeStyle = colours[name];
    pen.lineWidth = 1.5;
    const y = MARKS[name].isBelow ? height - BELOW / 2 : ABOVE / 2;
    const places = this.#placesOf(name, width);
    let last = -APART;
    for (const x of places) {
      // What is everywhere is no more than a line.
      if (places.length > width / CROWD) pen.fillRect(x, y - 2, 1.5, 4);
      if (places.length > width / CROWD || x - last < APART) continue;
      last = x;
      const middle = Math.min(Math.max(x + 1, 4), width - 4);
      SHAPES[name](pen, middle, y);
    }
  }

  #placesOf(name, width) {
    const marked = new Uint8Array(width);
    const add = (index) => { marked[this.#xOf(index, width)] = 1; };
    if (MARKS[name].isBelow) for (const index of this.left[name].keys()) add(index);
    else for (let index = 0; index < this.spans.count; index += 1) if (this.matches(name, index)) add(index);
    return [...marked.keys()].filter((x) => marked[x]);
  }

  #colours() {
    // A custom property of light-dark() is only a colour once something is drawn with it.
    const probe = document.createElement("span");
    this.append(probe);
    const found = {};
    for (const name of [...KINDS, ...Object.keys(MARKS), "muted"]) {
      probe.className = KINDS.includes(name) ? `probe kind-${name}` : `probe-${name}`;
      found[name] = getComputedStyle(probe).backgroundColor;
    }
    probe.remove();
    return found;
  }

  #listen() {
    this.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      this.setPointerCapture(event.pointerId);
      this.held = event.clientX;
      this.#press(event);
    });
    this.addEventListener("pointermove", (event) => {
      if (this.held === undefined) this.#hint(event);
      else if (Math.abs(event.clientX - this.held) > 2) this.#drag(event);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      this.addEventListener(kind, () => { this.held = undefined; this.settle(); });
    }
  }

  #shareAt(event) {
    const box = this.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  }

  #drag(event) {
    this.held = -Infinity;
    const there = this.scale.timeAt(this.#shareAt(event));
    if (this.isTimed) this.move(this.spans.at(there), there);
    else this.move(Math.round(there), null);
  }

  #press(event) {
    const index = this.#stepUnder(event);
    if (index === null) this.#drag(event);
    else this.move(index, this.spans.starts[index]);
  }

  #hint(event) {
    const index = this.#stepUnder(event);
    this.title = index === null ? "" : this.spans.says(index);
  }

  // The last step that begins under the pointer or runs there, within its lane; marks are of any lane.
  #stepUnder(event) {
    const box = this.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const row = Math.floor((y - ABOVE) / this.#tall(box.height));
    if (y < ABOVE || y > box.height - BELOW) return this.#markUnder(x, y < ABOVE);
    let found = null;
    for (let index = 0; index < this.spans.count; index += 1) {
      if (this.#rowOf(index) !== row) continue;
      const from = this.#xOf(index, box.width);
      const to = this.isTimed && this.spans.starts[index] !== null ? this.scale.at(this.spans.end(index)) * (box.width - 2) : from;
      const isInner = found === null || !this.spans.children[index] || this.spans.children[found];
      if (from - 1 <= x && x <= Math.max(to, from + 3) && isInner) found = index;
    }
    return found;
  }

  #markUnder(x, isAbove) {
    let [found, nearest] = [null, APART];
    for (const name of Object.keys(MARKS)) {
      if (Boolean(MARKS[name].isBelow) === isAbove) continue;
      for (let index = 0; index < this.spans.count; index += 1) {
        const away = this.matches(name, index) ? Math.abs(this.#xOf(index, this.clientWidth) + 1 - x) : APART;
        if (away <= nearest && away < APART) [found, nearest] = [index, away];
      }
    }
    return found;
  }
}

function shape(pen, points) {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.closePath();
}

const diamond = (x, y) => [[x - 4, y], [x, y - 4], [x + 4, y], [x, y + 4]];
const star = (x, y) => Array.from({ length: 10 }, (_, corner) => {
  const [far, turn] = [corner % 2 ? 2 : 4.5, (corner * Math.PI) / 5 - Math.PI / 2];
  return [x + far * Math.cos(turn), y + far * Math.sin(turn)];
});

const SHAPES = {
  error(pen, x, y) { shape(pen, [[x - 4.5, y - 4.5], [x + 4.5, y - 4.5], [x, y + 4.5]]); pen.fill(); },
  decision(pen, x, y) { shape(pen, diamond(x, y)); pen.fill(); },
  state(pen, x, y) { shape(pen, diamond(x, y)); pen.stroke(); },
  code(pen, x, y) { pen.fillRect(x - 3.5, y - 3.5, 7, 7); },
  comment(pen, x, y) { pen.beginPath(); pen.arc(x, y, 3.5, 0, 2 * Math.PI); pen.fill(); },
  bookmark(pen, x, y) { shape(pen, star(x, y)); pen.fill(); },
};

customElements.define("ph-minimap", PhMinimap);
