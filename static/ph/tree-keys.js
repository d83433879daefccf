// The keys of a tree, as the ARIA practices have them, on the rows of a session.

import { isLane, laneOf } from "./arrangement.js";
import { actsOnKey } from "./keys.js";
import { ROW } from "./rows.js";

// Letters typed sooner after each other than this are one word.
const PAUSE = 700;

export class TypeAhead {
  constructor() {
    this.word = "";
    this.last = 0;
  }

  // Whether a letter belongs to a word. One that is a key of the page begins none.
  takes(key) {
    const goesOn = this.word && Date.now() - this.last < PAUSE;
    if (key.length !== 1 || (!goesOn && (key === " " || actsOnKey(key)))) return false;
    this.word = (goesOn ? this.word : "") + key.toLowerCase();
    this.last = Date.now();
    return true;
  }

  // The next row whose name begins with the word, from the one it stands on.
  find(grid) {
    const { order } = grid.rows;
    const here = grid.rows.position(grid.active);
    const from = this.word.length === 1 ? here + 1 : here;
    for (let by = 0; by < order.length; by += 1) {
      const entry = order[(from + by) % order.length];
      const name = isLane(entry) ? grid.spans.laneName(laneOf(entry)) : grid.spans.name(entry);
      if (name.toLowerCase().startsWith(this.word)) return entry;
    }
    return null;
  }
}

// What a key does on the row that has the focus; undefined where nothing.
export function keyAct(grid, event) {
  if (event.target.closest("button")) return undefined;
  const { rows, active } = grid;
  const { order } = rows;
  const by = (count) => () => grid.moveTo(order[Math.min(Math.max(rows.position(active) + count, 0), order.length - 1)]);
  const page = Math.max(1, Math.floor(grid.clientHeight / ROW) - 2);
  const act = event.shiftKey ? undefined : {
    ArrowDown: by(1),
    ArrowUp: by(-1),
    PageDown: by(page),
    PageUp: by(-page),
    Home: by(-order.length),
    End: by(order.length),
    ArrowRight: () => open(grid),
    ArrowLeft: () => close(grid),
    Enter: () => (isLane(active) ? grid.toggle(active) : grid.moveTo(active)),
    p: isLane(active) ? () => grid.pin(laneOf(active)) : undefined,
  }[event.key];
  if (act) return act;
  if (event.key === "*") return () => grid.expandBeside();
  return grid.typed.takes(event.key) ? () => grid.moveTo(grid.typed.find(grid)) : undefined;
}

function open(grid) {
  const isClosed = grid.rows.isClosed(grid.active);
  if (isClosed) grid.toggle(grid.active);
  else if (isClosed === false) grid.moveTo(grid.rows.child(grid.active));
}

function close(grid) {
  if (grid.rows.isClosed(grid.active) === false) grid.toggle(grid.active);
  else grid.moveTo(grid.rows.parent(grid.active));
}
