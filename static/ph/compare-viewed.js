// Which differences one has looked at. It is a mark of one reader while reading, so it is kept
// in this browser and nowhere else: nobody's pace is recorded.

const PREFIX = "playhead-viewed:";
const MOST_PAIRS = 50;

export class Viewed {
  constructor(pair, rows, counter) {
    this.name = PREFIX + pair;
    this.rows = rows;
    this.counter = counter;
    this.keys = new Set(JSON.parse(localStorage.getItem(this.name) ?? "[]"));
    for (const row of rows) row.append(this.button(row));
    this.tell();
  }

  button(row) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "cmp-viewed no-print";
    made.textContent = "Viewed";
    made.setAttribute("aria-keyshortcuts", "v");
    made.addEventListener("click", () => this.toggle(row));
    return made;
  }

  is(row) {
    return this.keys.has(row.dataset.diff);
  }

  toggle(row) {
    if (!this.keys.delete(row.dataset.diff)) this.keys.add(row.dataset.diff);
    this.keep();
    this.tell();
  }

  keep() {
    localStorage.removeItem(this.name);
    if (this.keys.size) localStorage.setItem(this.name, JSON.stringify([...this.keys]));
    const pairs = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
    for (const name of pairs.slice(0, Math.max(0, pairs.length - MOST_PAIRS))) {
      if (name !== this.name) localStorage.removeItem(name);
    }
  }

  tell() {
    for (const row of this.rows) {
      row.classList.toggle("is-viewed", this.is(row));
      row.querySelector(":scope > .cmp-viewed").setAttribute("aria-pressed", this.is(row));
    }
    if (this.counter) this.counter.textContent = this.keys.size ? `${this.keys.size} viewed` : "";
  }
}
