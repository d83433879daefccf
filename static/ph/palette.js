// The palette: a box in which one types what one wants to open or do.
//
// The server says what there is to open; what can be done on the page comes from the table of
// keys. Of what was chosen lately the browser keeps addresses and names that are no content.

import { actsHere } from "./keys.js";

const WAIT_MS = 120;
const RECENT = "playhead-recent";
const RECENT_AT_MOST = 6;
const ACTIONS = "On this page";
// The way out where nothing is called so: last.
const SEARCH = "Search";

let palette;

export function open(opener, typed = "") {
  palette ??= new Palette(opener);
  palette.toggle(typed);
}

function made(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

class Palette {
  constructor(opener) {
    this.url = opener.dataset.palette;
    this.icons = opener.dataset.icons;
    document.head.append(made("link", { rel: "stylesheet", href: opener.dataset.style }));
    this.input = made("input", { type: "text", id: "palette-input", autocomplete: "off", spellcheck: false, maxLength: 100, placeholder: "A session, a page, an action…" });
    for (const [name, value] of [["role", "combobox"], ["aria-label", "Search or jump to"], ["aria-expanded", "true"], ["aria-controls", "palette-list"], ["aria-autocomplete", "list"], ["aria-describedby", "palette-help"]]) this.input.setAttribute(name, value);
    this.list = made("div", { id: "palette-list", className: "palette-list" });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "What can be opened or done");
    this.says = made("p", { className: "visually-hidden" });
    this.says.setAttribute("role", "status");
    const close = made("button", { type: "button", className: "button small", textContent: "Close" });
    close.addEventListener("click", () => this.dialog.close());
    const head = made("div", { className: "palette-head" }, this.input, close);
    const help = made("p", { id: "palette-help", className: "palette-help muted small", textContent: "↑ ↓ to choose, Enter to open, Ctrl Enter in a new tab" });
    this.dialog = made("dialog", { className: "palette" }, head, this.list, help, this.says);
    this.dialog.setAttribute("aria-label", "Search or jump to");
    document.body.append(this.dialog);
    this.listen();
  }

  listen() {
    this.input.addEventListener("input", () => this.later());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("mousemove", (event) => {
      const option = event.target.closest("[role=option]");
      if (!option || option === this.chosen) return;
      this.isByHand = true;
      this.choose(option, false);
    });
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (!option) return;
      event.preventDefault();
      this.take(option, event);
    });
    // On what lies around the dialog.
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("close", () => this.asking?.abort());
  }

  toggle(typed) {
    if (this.dialog.open) return this.dialog.close();
    this.input.value = typed;
    this.answer = { groups: [] };
    this.isByHand = false;
    this.entered = null;
    this.dialog.showModal();
    this.draw();
    this.ask();
  }

  later() {
    this.isByHand = false;
    this.entered = null;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
    // What needs no answer is there at once.
    this.draw();
  }

  async ask() {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    const text = this.input.value.trim();
    this.dialog.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(`${this.url}?${new URLSearchParams({ q: text })}`, { signal: asking.signal, headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(response.status === 403 ? "You may not look here." : "The server did not answer.");
      this.answer = { text, ...(await response.json()) };
    } catch (error) {
      if (error.name === "AbortError") return;
      this.answer = { text, groups: [], failed: error.message };
    }
    this.dialog.removeAttribute("aria-busy");
    this.draw();
    this.tell();
    if (this.entered && this.isAnswered() && this.chosen) this.take(this.chosen, this.entered);
  }

  // Whether what is shown answers what is typed.
  isAnswered() {
    return this.answer.text === this.input.value.trim();
  }

  draw() {
    const text = this.input.value.trim();
    const groups = [];
    if (!text) groups.push({ name: "Recent", entries: recent() });
    // An older answer stays until the next one is here: a list that empties itself flickers.
    groups.push(...this.answer.groups.filter((group) => group.name !== SEARCH));
    groups.push({ name: ACTIONS, entries: this.acts(text) });
    groups.push(...this.answer.groups.filter((group) => group.name === SEARCH));
    const before = this.chosen?.dataset.at;
    this.shown = [];
    this.list.replaceChildren(...groups.filter((group) => group.entries.length).map((group) => this.group(group)));
    if (this.answer.failed) this.list.append(made("p", { className: "palette-none", textContent: this.answer.failed }));
    else if (!this.shown.length) this.list.append(made("p", { className: "palette-none muted", textContent: "Nothing is called so." }));
    const options = this.options();
    this.choose(options[this.isByHand ? Math.min(before ?? 0, options.length - 1) : 0]);
  }

  acts(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const found = actsHere().filter((act) => words.every((word) => act.says.toLowerCase().includes(word)));
    return found.slice(0, 8).map((act) => ({ title: act.says, hint: act.keys, icon: "chevron-right", run: act.run }));
  }

  group({ name, entries }) {
    const id = `palette-${name.toLowerCase().replace(/[^a-z]+/g, "-")}`;
    const group = made("div", {}, made("p", { id, className: "palette-group", textContent: name }));
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", id);
    group.append(...entries.map((entry) => this.option(entry)));
    return group;
  }

  option(entry) {
    const at = this.shown.push(entry) - 1;
    const option = made(entry.url ? "a" : "div", { id: `palette-${at}`, className: "palette-option", tabIndex: -1 });
    if (entry.url) option.href = entry.url;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.at = at;
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("class", "icon");
    icon.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `${this.icons}#${entry.icon}`);
    icon.append(use);
    option.append(icon, made("bdi", { className: "palette-title", textContent: entry.title }));
    if (entry.hint) option.append(made("bdi", { className: "palette-hint muted small", textContent: entry.hint }));
    return option;
  }

  options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  choose(option, scrolls = true) {
    this.chosen?.setAttribute("aria-selected", "false");
    this.chosen = option;
    if (!option) return this.input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    this.input.setAttribute("aria-activedescendant", option.id);
    if (scrolls) option.scrollIntoView({ block: "nearest" });
  }

  onKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in steps) {
      event.preventDefault();
      const options = this.options();
      if (!options.length) return;
      this.isByHand = true;
      const at = options.indexOf(this.chosen) + steps[event.key];
      const isStep = Math.abs(steps[event.key]) === 1;
      this.choose(options[isStep ? (at + options.length) % options.length : Math.max(0, Math.min(at, options.length - 1))]);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      // Whoever types and presses Enter at once means what they typed, not what was shown before.
      if (!this.isByHand && !this.isAnswered()) this.entered = event;
      else if (this.chosen) this.take(this.chosen, event);
    }
  }

  take(option, event) {
    const entry = this.shown[option.dataset.at];
    if (entry.url) keep(entry);
    if (entry.url && (event.ctrlKey || event.metaKey)) return window.open(entry.url, "_blank", "noopener");
    this.dialog.close();
    if (entry.url) window.location.assign(entry.url);
    else entry.run();
  }

  tell() {
    const count = this.shown.length;
    this.says.textContent = this.answer.failed ?? (count ? `${count} found` : "Nothing is called so.");
  }
}

function recent() {
  try {
    const kept = JSON.parse(localStorage.getItem(RECENT)) ?? [];
    const ours = kept.filter((entry) => /^\/(?!\/)/.test(entry.url)).slice(0, RECENT_AT_MOST);
    return ours.map((entry) => ({ ...entry, hint: placeOf(entry.url) }));
  } catch {
    return [];
  }
}

// Two projects have pages of the same name.
function placeOf(url) {
  return /^\/o\/([^/]+)(?:\/p\/([^/]+))?\//.exec(url)?.slice(1).filter(Boolean).join(" / ");
}

function keep({ url, kept, icon }) {
  if (!kept) return;
  const others = recent().filter((entry) => entry.url !== url);
  localStorage.setItem(RECENT, JSON.stringify([{ url, kept, icon, title: kept }, ...others].slice(0, RECENT_AT_MOST)));
}
