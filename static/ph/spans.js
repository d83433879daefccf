// The steps of a session in columns, as spans.json sends them: what each is, where it stands in
// the tree, when it is drawn, in which lane, and what it used.

const GROUPS = {
  llm: "llm", embedding: "llm", tool: "tool", http: "tool", code_change: "tool",
  retriever: "retriever", reranker: "retriever", memory: "retriever",
  agent: "agent", handoff: "agent", decision: "decision", guardrail: "decision",
  evaluator: "decision", human: "human",
};

export const groupOf = (kind) => GROUPS[kind] ?? "other";

export function duration(ms) {
  if (ms === null) return "-";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const pad = (number) => String(Math.floor(number)).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad((seconds % 3600) / 60)} min`;
}

const SESSION = -1;
const MOST_NAMES = 3;

// Places that are sent as steps since the one before.
function placesOf(steps) {
  let at = 0;
  return (steps ?? []).map((step) => (at += step));
}

export class Spans {
  // Steps are numbered from 0 here; people and addresses count from 1.
  constructor(columns) {
    this.count = columns.n.length;
    this.columns = columns;
    this.errors = new Set(columns.e);
    this.shifts = new Map(columns.shifts ?? []);
    this.critical = new Set(placesOf(columns.c));
    this.stated = new Set(placesOf(columns.m));
    this.firstTokens = new Map(placesOf(columns.f?.i).map((at, number) => [at, columns.f.t[number]]));
    this.parents = Int32Array.from(columns.p, (back, index) => (back ? index - back : SESSION));
    this.#time(columns);
    this.#arrange();
    this.#group();
  }

  // Milliseconds since the first step is drawn to begin; null where the time is unknown.
  #time(columns) {
    let now = 0;
    this.starts = columns.s.map((step) => { now += step ?? 0; return step === null ? null : now / 10; });
    this.total = columns.total;
    if (!this.shifts.size) return;
    for (const [index, shift] of this.shifts) this.starts[index] += shift;
    const known = this.starts.filter((start) => start !== null);
    const first = known.reduce((one, other) => Math.min(one, other), Infinity);
    this.starts = this.starts.map((start) => start === null ? null : start - first);
    this.total = this.starts.reduce((last, start, index) =>
      Math.max(last, (start ?? 0) + (this.duration(index) ?? 0)), 1);
  }

  // A parent may start after its child (clocks differ), so order comes from the links alone;
  // steps whose parents go round in a circle are taken as roots.
  #arrange() {
    this.children = Array.from({ length: this.count }, () => null);
    const roots = [];
    this.parents.forEach((parent, index) => {
      if (parent < 0) roots.push(index);
      else (this.children[parent] ??= []).push(index);
    });
    this.levels = new Uint16Array(this.count);
    this.order = [];
    roots.forEach((index) => this.#descend(index));
    this.levels.forEach((level, index) => { if (!level) this.#descend(index); });
  }

  #descend(root) {
    const waiting = [[root, 1]];
    while (waiting.length) {
      const [index, level] = waiting.pop();
      if (this.levels[index]) continue;
      this.levels[index] = Math.min(level, 65535);
      this.order.push(index);
      const below = this.children[index] ?? [];
      for (let at = below.length - 1; at >= 0; at -= 1) waiting.push([below[at], level + 1]);
    }
  }

  // Lanes as apps/sessions/lane_groups.py has them: one for the session, each agent below it, and
  // each that was sent. Calls that only ran beside each other stay with who made them.
  #group() {
    const sent = new Set(this.columns.sent ?? []);
    const numbers = new Map();
    this.groups = new Uint16Array(this.count);
    this.depths = new Uint16Array(this.count);
    this.lanes = [];
    for (const index of this.order) {
      const [lane, parent] = [this.columns.l[index], this.parents[index]];
      const stays = parent >= 0 && !sent.has(lane) && this.kind(index) !== "agent";
      if (!stays && !numbers.has(lane)) {
        numbers.set(lane, this.lanes.length);
        this.lanes.push({ lane: this.columns.lanes[lane], agents: new Set(), count: 0 });
      }
      const group = stays ? this.groups[parent] : numbers.get(lane);
      this.groups[index] = group;
      this.depths[index] = parent >= 0 && this.groups[parent] === group ? this.depths[parent] + 1 : 1;
      this.lanes[group].count += 1;
      if (!stays && this.kind(index) === "agent") this.lanes[group].agents.add(this.name(index));
    }
  }

  laneName(group) {
    const { lane, agents } = this.lanes[group];
    if (!agents.size) return lane;
    const more = agents.size - MOST_NAMES;
    return [...agents].slice(0, MOST_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
  }

  name(index) { return this.columns.names[this.columns.n[index]]; }
  kind(index) { return this.columns.kinds[this.columns.k[index]]; }
  lane(index) { return this.columns.l[index]; }
  duration(index) { return this.columns.d[index]; }
  end(index) { return this.starts[index] + (this.duration(index) ?? 0); }
  isError(index) { return this.errors.has(index); }
  isCritical(index) { return this.critical.has(index); }
  statesAt(index) { return this.stated.has(index); }
  firstToken(index) { return this.firstTokens.get(index) ?? null; }

  says(index) {
    const words = [`step ${index + 1} of ${this.count}`, `${this.kind(index)} ${this.name(index)}`];
    if (this.isError(index)) words.push("error");
    const start = this.starts[index];
    if (start !== null) words.push(`${(start / 1000).toFixed(1)} seconds`);
    return words.join(", ");
  }

  nextError(from, by) {
    for (let index = from + by; index >= 0 && index < this.count; index += by) {
      if (this.isError(index)) return index;
    }
    return null;
  }

  // The last step that had begun at a time.
  at(time) {
    let found = 0;
    this.starts.forEach((start, index) => { if (start !== null && start <= time) found = index; });
    return found;
  }

  // {tokens, cost, isSum} of a step: what it says itself, or all that lies below it.
  usage(index) {
    this.used ??= this.#sums();
    const { own, tokens, costs } = this.used;
    if (own.has(index)) return { ...own.get(index), isSum: false };
    const known = (sum) => (sum < 0 ? null : sum);
    return { tokens: known(tokens[index]), cost: known(costs[index]), isSum: true };
  }

  #sums() {
    const { i = [], t = [], c = [], x = [] } = this.columns.u ?? {};
    const dollars = (millionths) => (millionths === null ? null : millionths / 1e6);
    const own = new Map(placesOf(i).map((at, number) => [at, { tokens: t[number], cost: dollars(c[number]) }]));
    const tokens = new Float64Array(this.count).fill(-1);
    const costs = new Float64Array(this.count).fill(-1);
    const uncounted = new Set(x);
    const add = (sums, at, value) => { if (value !== null && value >= 0) sums[at] = Math.max(sums[at], 0) + value; };
    for (let position = this.count - 1; position >= 0; position -= 1) {
      const index = this.order[position];
      const said = own.get(index);
      if (said && !uncounted.has(index)) {
        add(tokens, index, said.tokens);
        add(costs, index, said.cost);
      }
      if (this.parents[index] < 0) continue;
      add(tokens, this.parents[index], tokens[index]);
      add(costs, this.parents[index], costs[index]);
    }
    return { own, tokens, costs };
  }

  // The parts of a critical step that are its own, as [from, to]: what no critical step below it takes.
  criticalParts(index) {
    this.waitedFor ??= this.#waitedFor();
    const [begin, end] = [this.starts[index], this.end(index)];
    const parts = [];
    let from = begin;
    for (const below of this.waitedFor.get(index) ?? []) {
      const [first, last] = [Math.max(this.starts[below], begin), Math.min(this.end(below), end)];
      if (first > from) parts.push([from, first]);
      from = Math.max(from, last);
    }
    if (end > from) parts.push([from, end]);
    return parts;
  }

  // Critical steps by the step that waited for them: their parent, or the nearest above it that
  // had not ended when they began.
  #waitedFor() {
    const found = new Map();
    for (const index of this.critical) {
      const hasEnded = (up) => this.duration(up) !== null && this.end(up) <= this.starts[index];
      let up = this.parents[index];
      while (up >= 0 && (this.starts[up] === null || hasEnded(up))) up = this.parents[up];
      if (!found.has(up)) found.set(up, []);
      found.get(up).push(index);
    }
    for (const below of found.values()) below.sort((one, other) => this.starts[one] - this.starts[other]);
    return found;
  }

  // What the steps of a lane took that have none below them.
  busyIn(group) {
    this.lanes[group].busy ??= this.busy((index) => this.groups[index] === group && !this.children[index]);
    return this.lanes[group].busy;
  }

  // What of the session's time some of the steps took, as [from, to] in order.
  busy(isTaken) {
    const merged = [];
    const taken = this.order.filter((index) => this.starts[index] !== null && isTaken(index));
    taken.sort((one, other) => this.starts[one] - this.starts[other]);
    for (const index of taken) {
      const last = merged.at(-1);
      if (last && this.starts[index] <= last[1]) last[1] = Math.max(last[1], this.end(index));
      else merged.push([this.starts[index], this.end(index)]);
    }
    return merged;
  }
}
