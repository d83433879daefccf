// Which rows there are and in which order: the tree, or the lanes of a timeline, less what is
// closed or filtered away. A row is a step's index, or the heading of a lane: -1 - its number.

export const isLane = (entry) => entry < 0;
export const laneOf = (entry) => -1 - entry;
export const laneEntry = (group) => -1 - group;

const NOWHERE = -1;

export class Arrangement {
  constructor(spans) {
    this.spans = spans;
    this.view = "timeline";
    this.closed = new Set();
    this.closedLanes = new Set();
    this.pinned = new Set();
    // {matches, kept} of the filter: steps that it finds, and these with the steps above them.
    this.found = null;
    this.arrange();
  }

  get hasLanes() { return this.view === "timeline" && this.spans.lanes.length > 1; }

  arrange() {
    const visible = this.#visible();
    this.order = this.hasLanes ? this.#byLane(visible) : visible;
    this.places = new Int32Array(this.spans.count).fill(NOWHERE);
    this.lanePlaces = new Int32Array(this.spans.lanes.length).fill(NOWHERE);
    this.order.forEach((entry, position) => {
      if (isLane(entry)) this.lanePlaces[laneOf(entry)] = position;
      else this.places[entry] = position;
    });
  }

  #visible() {
    const { spans, closed, found } = this;
    const visible = [];
    let hiddenBelow = Infinity;
    for (const index of spans.order) {
      if (spans.levels[index] > hiddenBelow) continue;
      hiddenBelow = Infinity;
      if (found && !found.kept[index]) continue;
      if (closed.has(index)) hiddenBelow = spans.levels[index];
      visible.push(index);
    }
    return visible;
  }

  // Lanes as they come, those that are pinned first; a closed lane is its heading alone.
  #byLane(visible) {
    const lanes = this.spans.lanes.map(() => []);
    for (const index of visible) lanes[this.spans.groups[index]].push(index);
    const order = [];
    const numbers = [...lanes.keys()].sort((one, other) => this.pinned.has(other) - this.pinned.has(one) || one - other);
    for (const group of numbers) {
      if (!lanes[group].length) continue;
      order.push(laneEntry(group));
      if (!this.closedLanes.has(group)) for (const index of lanes[group]) order.push(index);
    }
    return order;
  }

  position(entry) {
    return isLane(entry) ? this.lanePlaces[laneOf(entry)] : this.places[entry];
  }

  // Headings that stay in sight, in order.
  get pins() {
    if (!this.hasLanes || !this.pinned.size) return [];
    const shown = [...this.pinned].filter((group) => this.lanePlaces[group] >= 0);
    return shown.sort((one, other) => one - other).map(laneEntry);
  }

  level(entry) {
    if (isLane(entry)) return 1;
    return this.hasLanes ? this.spans.depths[entry] + 1 : this.spans.levels[entry];
  }

  // Whether the row can be opened (false: it is open), or null where nothing is below it.
  isClosed(entry) {
    if (isLane(entry)) return this.closedLanes.has(laneOf(entry));
    if (!this.spans.children[entry]) return null;
    if (this.found && !this.spans.children[entry].some((below) => this.found.kept[below])) return null;
    return this.closed.has(entry);
  }

  toggle(entry) {
    const [set, key] = isLane(entry) ? [this.closedLanes, laneOf(entry)] : [this.closed, entry];
    if (!set.delete(key)) set.add(key);
    this.arrange();
  }

  // Opens what hides a step; true if something had to be. A step that the filter leaves out stays out.
  reveal(index) {
    let changed = this.hasLanes && this.closedLanes.delete(this.spans.groups[index]);
    for (let up = this.spans.parents[index]; up >= 0; up = this.spans.parents[up]) {
      changed = this.closed.delete(up) || changed;
    }
    if (changed) this.arrange();
    return changed;
  }

  // The row to be at if an entry has none: the nearest above it in the tree that has, or the first.
  nearest(entry) {
    if (this.position(entry) >= 0) return entry;
    let up = isLane(entry) ? NOWHERE : this.spans.parents[entry];
    while (up >= 0 && this.places[up] < 0) up = this.spans.parents[up];
    if (up >= 0) return up;
    const lane = !isLane(entry) && this.hasLanes ? laneEntry(this.spans.groups[entry]) : null;
    return lane !== null && this.position(lane) >= 0 ? lane : this.order[0];
  }

  parent(entry) {
    if (isLane(entry)) return null;
    const up = this.spans.parents[entry];
    const isInLane = this.hasLanes && (up < 0 || this.spans.groups[up] !== this.spans.groups[entry]);
    if (isInLane) return laneEntry(this.spans.groups[entry]);
    return up < 0 ? null : up;
  }

  // The first row below one that is open.
  child(entry) {
    if (isLane(entry)) return this.order[this.position(entry) + 1];
    const below = this.spans.children[entry]?.filter((index) => this.places[index] >= 0) ?? [];
    return below.find((index) => this.parent(index) === entry) ?? below[0];
  }

  collapseAll() {
    this.spans.children.forEach((below, index) => { if (below) this.closed.add(index); });
    this.arrange();
  }

  expandAll() {
    this.closed.clear();
    this.closedLanes.clear();
    this.arrange();
  }

  // Opens all rows beside one that have the same parent (the star key).
  expandBeside(entry) {
    const beside = this.order.filter((other) => !isLane(other) && this.parent(other) === this.parent(entry));
    for (const index of isLane(entry) ? [] : beside) this.closed.delete(index);
    if (isLane(entry)) this.closedLanes.clear();
    this.arrange();
  }

  // Shows one level more or less than now.
  changeLevel(by) {
    const { levels, children } = this.spans;
    const deepest = this.order.reduce((most, entry) => isLane(entry) ? most : Math.max(most, levels[entry]), 1);
    const last = Math.max(1, deepest + by);
    children.forEach((below, index) => {
      if (below && levels[index] >= last) this.closed.add(index);
      else this.closed.delete(index);
    });
    this.arrange();
  }
}
