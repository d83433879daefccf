// Which part of a session's time is in sight, and where in it a moment lies. Pure: no document.

// Milliseconds that fill the width at the most.
const NARROWEST = 0.5;
// What an idle time is folded to, and from which share of the whole it is one.
const FOLDED_SHARE = 0.015;
const IDLE_SHARE = 0.05;
// Pixels between ticks.
const APART = 84;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5];

export class TimeScale {
  constructor(total) {
    this.total = Math.max(total, 1);
    this.gaps = [];
    this.showAll();
  }

  // Times in which nothing ran take no more than a little of the width.
  fold(idle) {
    const [begin, end] = [this.begin, this.end];
    this.gaps = [];
    this.gaps = idle.map(([from, to]) => ({ from, to, kept: Math.min(to - from, this.total * FOLDED_SHARE) }));
    this.show(begin, end);
  }

  // Shows from one time to another, in milliseconds of the session.
  show(begin, end) {
    this.#window(this.#folded(begin), this.#folded(end));
  }

  showAll() { this.#window(0, this.#folded(this.total)); }

  get isWhole() { return this.first <= 0 && this.last >= this.#folded(this.total); }
  get begin() { return this.#unfolded(this.first); }
  get end() { return this.#unfolded(this.last); }

  #window(first, last) {
    const whole = this.#folded(this.total);
    const wide = Math.min(Math.max(last - first, NARROWEST), whole);
    this.first = Math.min(Math.max(first, 0), whole - wide);
    this.last = this.first + wide;
  }

  // Makes the width stand for more or less time, around one that stays where it is.
  zoom(by, around) {
    const middle = Math.min(Math.max(this.#folded(around), this.first), this.last);
    this.#window(middle - (middle - this.first) / by, middle + (this.last - middle) / by);
  }

  // Moves by a share of the width.
  pan(share) {
    const by = (this.last - this.first) * share;
    this.#window(this.first + by, this.last + by);
  }

  // Where a time lies: 0 at the left, 1 at the right.
  at(time) { return (this.#folded(time) - this.first) / (this.last - this.first); }
  timeAt(share) { return this.#unfolded(this.first + (this.last - this.first) * share); }

  // A bar, as far as it is in sight: {left, width} in shares of the width, or the side it is on.
  bar(begin, end) {
    const [from, to] = [this.at(begin), this.at(end)];
    if (to < 0) return { off: "left" };
    if (from > 1) return { off: "right" };
    const left = Math.max(from, 0);
    return { left, width: Math.min(to, 1) - left };
  }

  #folded(time) {
    let saved = 0;
    for (const { from, to, kept } of this.gaps) {
      if (time <= from) break;
      const inside = Math.min(time, to) - from;
      saved += inside * (1 - kept / (to - from));
    }
    return time - saved;
  }

  #unfolded(place) {
    let time = place;
    for (const { from, to, kept } of this.gaps) {
      if (time <= from) break;
      const inside = Math.min(time - from, kept);
      time += inside * ((to - from) / kept - 1);
    }
    return time;
  }

  // [{share, says}] of round times, far enough from each other to be read.
  ticks(width) {
    const span = this.last - this.first;
    const wanted = Math.max(1, Math.floor(width / APART));
    const step = this.#step(span / wanted);
    const found = [];
    for (let time = Math.ceil(this.begin / step) * step; time <= this.end && found.length < 40; time += step) {
      const share = this.at(time);
      if (this.gaps.some(({ from, to }) => time > from && time < to)) {
        time = Math.max(time, Math.floor(this.gaps.find(({ from, to }) => time > from && time < to).to / step) * step);
        continue;
      }
      if ((share - (found.at(-1)?.share ?? -1)) * width >= APART * 0.6) found.push({ share, says: clock(time, step) });
    }
    return found;
  }

  #step(least) {
    if (least < 1) return 10 ** Math.ceil(Math.log10(least));
    return STEPS.find((step) => step >= least) ?? Math.ceil(least / 864e5) * 864e5;
  }
}

// A time of the session as a ruler shows it: as exact as the steps between its ticks.
export function clock(ms, step = 1) {
  const digits = (unit) => Math.max(0, Math.min(3, Math.ceil(-Math.log10(step / unit) - 1e-9)));
  if (ms === 0) return "0";
  if (ms < 1000 && step < 1000) return `${ms.toFixed(digits(1))} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(digits(1000))} s`;
  const pad = (number) => String(Math.floor(number)).padStart(2, "0");
  const rest = step < 1000 ? `.${(seconds % 1).toFixed(digits(1000)).slice(2)}` : "";
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${pad(seconds % 60)}${rest}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}${rest}`;
}

// Times in which none of the steps ran that are [from, to] in order, if they are worth folding.
export function idleBetween(busy, total) {
  const idle = [];
  let last = 0;
  for (const [from, to] of busy) {
    if (from - last > total * IDLE_SHARE) idle.push([last, from]);
    last = Math.max(last, to);
  }
  return idle;
}
