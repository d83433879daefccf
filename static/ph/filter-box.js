// The filter box offers names of filters and values that are there (ARIA 1.2 combobox), and the
// strip takes a span of time by dragging, and one bar by the arrow keys.

const KEY = /^([A-Za-z_]+):(.*)$/s;
const WAIT = 120;

function wordAt(field) {
  const before = field.value.slice(0, field.selectionStart);
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at < before.length; at += 1) {
    if (isQuoted && before[at] === "\\") at += 1;
    else if (before[at] === '"') isQuoted = !isQuoted;
    else if (!isQuoted && /\s/.test(before[at])) from = at + 1;
  }
  return { word: before.slice(from), from, to: before.length };
}

function unquoted(value) {
  return value.startsWith('"') ? value.slice(1).replace(/"$/, "") : value;
}

class FilterBox {
  constructor(box) {
    this.url = box.dataset.filterBox;
    this.field = box.querySelector("input[name=filter]");
    this.list = document.createElement("ul");
    this.says = document.createElement("p");
    this.list.id = "filter-offers";
    this.list.className = "offers";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Suggestions");
    this.says.className = "visually-hidden";
    this.says.setAttribute("role", "status");
    box.append(this.list, this.says);
    this.describe();
    this.listen();
  }

  describe() {
    const states = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id };
    for (const [name, value] of Object.entries(states)) this.field.setAttribute(name, value);
  }

  listen() {
    this.field.addEventListener("input", () => this.ask(WAIT));
    this.field.addEventListener("focus", () => { if (!this.field.value) this.ask(0); });
    this.field.addEventListener("click", () => this.ask(0));
    this.field.addEventListener("blur", () => this.close());
    this.field.addEventListener("keydown", (event) => this.press(event));
    // The field keeps the focus, so that one can go on typing.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take(option);
    });
  }

  get options() { return [...this.list.children]; }
  get isOpen() { return !this.list.hidden; }
  get active() { return this.options.find((option) => option.ariaSelected === "true"); }

  ask(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), wait);
  }

  async fetch() {
    const { word } = wordAt(this.field);
    const [, key, value] = word.match(KEY) ?? [undefined, "", word];
    const query = new URLSearchParams({ key, prefix: unquoted(value) });
    this.asked?.abort();
    this.asked = new AbortController();
    try {
      const answer = await fetch(`${this.url}?${query}`, { signal: this.asked.signal });
      if (answer.ok) this.show((await answer.json()).offered, word);
    } catch (error) {
      if (error.name !== "AbortError") this.close();
    }
  }

  show(offered, word) {
    if (document.activeElement !== this.field) return;
    const others = offered.filter(({ text }) => text !== word);
    this.list.replaceChildren(...others.map(({ text, says }, at) => this.option(text, says, at)));
    this.list.hidden = others.length === 0;
    this.field.setAttribute("aria-expanded", String(this.isOpen));
    this.field.removeAttribute("aria-activedescendant");
    this.says.textContent = others.length ? `${others.length} suggestions` : "";
  }

  option(text, says, at) {
    const option = document.createElement("li");
    option.id = `filter-offer-${at}`;
    option.dataset.text = text;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    const word = document.createElement("bdi");
    const meaning = document.createElement("span");
    word.textContent = text;
    meaning.className = "muted small";
    meaning.textContent = says;
    option.append(word, meaning);
    return option;
  }

  press(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown" && !this.isOpen) this.ask(0);
    else if (event.key === "ArrowDown") this.move(1);
    else if (event.key === "ArrowUp" && this.isOpen) this.move(-1);
    else if (event.key === "Enter" && this.isOpen && this.active) this.take(this.active);
    else if (event.key === "Escape" && this.isOpen) this.close();
    else {
      if (event.key === "Enter" || event.key === "Tab") this.close();
      return;
    }
    event.preventDefault();
  }

  move(by) {
    const options = this.options;
    const here = options.indexOf(this.active);
    const there = here < 0 ? (by > 0 ? 0 : options.length - 1) : here + by;
    if (here >= 0) options[here].setAttribute("aria-selected", "false");
    const next = options[there];
    next?.setAttribute("aria-selected", "true");
    next?.scrollIntoView({ block: "nearest" });
    if (next) this.field.setAttribute("aria-activedescendant", next.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  take(option) {
    const { text } = option.dataset;
    const { from, to } = wordAt(this.field);
    const isName = text.endsWith(":");
    const after = this.field.value.slice(to).replace(/^[^\s]*/, "");
    const before = this.field.value.slice(0, from) + text + (isName ? "" : " ");
    this.field.value = before + after.replace(/^\s+/, isName ? " " : "");
    this.field.setSelectionRange(before.length, before.length);
    this.close();
    if (isName) this.ask(0);
  }

  close() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }
}

class Strip {
  constructor(svg) {
    this.svg = svg;
    this.bars = [...svg.querySelectorAll("[data-begins]")];
    this.links = this.bars.filter((bar) => bar.matches("a"));
    // One stop of the Tab key; the arrows go from bar to bar.
    for (const link of this.links.slice(0, -1)) link.setAttribute("tabindex", "-1");
    svg.addEventListener("keydown", (event) => this.press(event));
    svg.addEventListener("pointerdown", (event) => this.begin(event));
    svg.addEventListener("click", (event) => { if (this.wasDragged) event.preventDefault(); }, true);
    svg.addEventListener("dragstart", (event) => event.preventDefault());
  }

  press(event) {
    const here = this.links.indexOf(event.target.closest("a"));
    const there = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: this.links.length - 1 }[event.key];
    if (here < 0 || !this.links[there]) return;
    event.preventDefault();
    for (const link of this.links) link.setAttribute("tabindex", "-1");
    this.links[there].setAttribute("tabindex", "0");
    this.links[there].focus();
  }

  barAt(x) {
    const { left, width } = this.svg.getBoundingClientRect();
    const share = Math.min(Math.max((x - left) / width, 0), 0.9999);
    const edge = (bar) => parseFloat((bar.matches("a") ? bar.querySelector("rect") : bar).getAttribute("x")) / 100;
    return Math.max(0, this.bars.findLastIndex((bar) => edge(bar) <= share));
  }

  begin(event) {
    this.wasDragged = false;
    if (event.button !== 0) return;
    const from = this.barAt(event.clientX);
    const startX = event.clientX;
    const move = (moved) => {
      if (!this.wasDragged && Math.abs(moved.clientX - startX) < 5) return;
      this.wasDragged = true;
      this.mark(from, this.barAt(moved.clientX));
    };
    const stop = (stopped) => {
      for (const [name, act] of acts) window.removeEventListener(name, act);
      this.mark(-1, -1);
      if (this.wasDragged && stopped.type === "pointerup") this.go(from, this.barAt(stopped.clientX));
    };
    const acts = [["pointermove", move], ["pointerup", stop], ["pointercancel", stop]];
    for (const [name, act] of acts) window.addEventListener(name, act);
  }

  mark(one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    this.bars.forEach((bar, at) => bar.classList.toggle("is-chosen", first <= at && at <= last));
  }

  go(one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    const address = new URL(window.location);
    address.searchParams.delete("cursor");
    address.searchParams.set("started_after", this.bars[first].dataset.begins);
    address.searchParams.set("started_before", this.bars[last].dataset.ends);
    window.location.assign(address);
  }
}

for (const box of document.querySelectorAll("[data-filter-box]")) new FilterBox(box);
for (const svg of document.querySelectorAll("[data-strip]")) new Strip(svg);
