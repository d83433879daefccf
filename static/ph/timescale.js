// Which part of a session's time is in sight, and where in it a moment lies. Pure: no document.

// Milliseconds that fill the width at the most.
const NARROWEST = 0.5;
// An idle time is longer than so many busy ones, and all of them are at least such a share of the whole.
const IDLE_TIMES = 3;
const IDLE_SHARE = 0.05;
// What is left of them: of each, and of all together, in shares of the busy time.
const FOLDED_SHARE = 0.02;
const ALL_FOLDED_SHARE = 0.25;
// Pixels between ticks.
const APART = 84;
const MOST_TICKS = 40;
// Between ticks: milliseconds up to half a second, then seconds, minutes, hours and a day.
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4,
  6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5,
];

export class TimeScale {
  constructor(total) {
    this.total = Math.max(total, 1);
    this.gaps = [];
    this.showAll();
  }

  // Times in which nothing ran take no more than a little of the width.
  fold(idle) {
    const [begin, end] = [this.begin, this.end];
    const busy = this.total - idle.reduce((sum, [from, to]) => sum + to - from, 0);
    const most = Math.max(busy, NARROWEST) * Math.min(FOLDED_SHARE, ALL_FOLDED_SHARE / Math.max(idle.length, 1));
    let saved = 0;
    this.gaps = idle.map(([from, to]) => {
      const gap = { from, to, kept: Math.min(to - from, most), saved, place: from - saved };
      saved += to - from - gap.kept;
      return gap;
    });
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

  // The last gap that has begun at a time, or at a place of the folded time.
  #gap(value, name) {
    let [low, high] = [0, this.gaps.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.gaps[middle][name] < value) low = middle + 1;
      else high = middle;
    }
    return this.gaps[low - 1];
  }

  #folded(time) {
    const gap = this.#gap(time, "from");
    if (!gap) return time;
    const inside = Math.min(time, gap.to) - gap.from;
    return time - gap.saved - inside * (1 - gap.kept / (gap.to - gap.from));
  }

  #unfolded(place) {
    const gap = this.#gap(place, "place");
    if (!gap) return place;
    const inside = Math.min(place - gap.place, gap.kept);
    return place + gap.saved + inside * ((gap.to - gap.from) / gap.kept - 1);
  }

  // [{share, says}] of round times, far enough from each other to be read.
  ticks(width) {
    const span = this.last - this.first;
    const wanted = Math.max(1, Math.floor(width / APART));
    const step = this.#step(span / wanted);
    const found = [];
    for (let time = Math.ceil(this.begin / step) * step; time <= this.end && found.length < MOST_TICKS; time += step) {
      const gap = this.#gap(time, "from");
      if (gap && time < gap.to) {
        time = Math.max(time, Math.floor(gap.to / step) * step);
        continue;
      }
      const share = this.at(time);
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
  const took = busy.reduce((sum, [from, to]) => sum + to - from, 0);
  const idle = [];
  let last = 0;
  for (const [from, to] of busy) {
    if (from - last > (IDLE_TIMES * took) / busy.length) idle.push([last, from]);
    last = Math.max(last, to);
  }
  const lost = idle.reduce((sum, [from, to]) => sum + to - from, 0);
  return lost > total * IDLE_SHARE ? idle : [];
}
