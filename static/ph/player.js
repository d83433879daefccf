// The player: one place in the session, and everything that follows it.

import { copyText } from "./core.js";
import { onKeys } from "./keys.js";
import { groupOf, Spans } from "./waterfall.js";

// All steps at a glance: a column for each, its kind's colour, higher for longer, errors marked.
const COLOURS = ["llm", "tool", "retriever", "agent", "decision", "human", "other"];

function heightOf(ms, longest) {
  if (!ms) return 0.15;
  return 0.2 + 0.8 * (Math.log1p(ms) / Math.log1p(longest || 1));
}

class PhMinimap extends HTMLElement {
  load(spans, at) {
    this.spans = spans;
    this.at = at;
    this.canvas = document.createElement("canvas");
    this.needle = document.createElement("span");
    this.needle.className = "needle";
    this.replaceChildren(this.canvas, this.needle);
    this.longest = 0;
    for (let index = 0; index < spans.count; index += 1) {
      this.longest = Math.max(this.longest, spans.duration(index) ?? 0);
    }
    new ResizeObserver(() => this.draw()).observe(this);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.select(at);
  }

  select(at) {
    this.at = at;
    const share = this.spans.count > 1 ? at / (this.spans.count - 1) : 0;
    this.needle.style.insetInlineStart = `${share * 100}%`;
  }

  draw() {
    const width = this.clientWidth;
    const height = this.clientHeight;
    if (!width || !height) return;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    const colours = this.#colours();
    const gap = width / Math.max(this.spans.count, 1);
    if (gap < 2) this.#drawMany(pen, width, height, colours);
    else this.#drawEach(pen, width, height, colours);
  }

  #drawEach(pen, width, height, colours) {
    const gap = width / Math.max(this.spans.count, 1);
    const bar = Math.max(1, Math.min(gap - 1, 14));
    for (let index = 0; index < this.spans.count; index += 1) {
      const tall = heightOf(this.spans.duration(index), this.longest) * (height - 6);
      pen.fillStyle = colours[groupOf(this.spans.kind(index))];
      pen.fillRect(this.#x(index, width, bar), height - tall, bar, tall);
    }
    for (const index of this.spans.errors) {
      this.#markError(pen, this.#x(index, width, bar) + bar / 2, colours);
    }
  }

  // More steps than can be told apart: what each two pixels' width of them is made of, by kind
  // from below, as high as its longest step; above it how many of them failed.
  #drawMany(pen, width, height, colours) {
    const slots = Math.max(1, Math.floor(width / 2));
    const kinds = Object.fromEntries(COLOURS.map((name) => [name, new Uint32Array(slots)]));
    const [counts, failed] = [new Uint32Array(slots), new Uint32Array(slots)];
    const longest = new Float64Array(slots);
    for (let index = 0; index < this.spans.count; index += 1) {
      const slot = Math.floor((index * slots) / this.spans.count);
      counts[slot] += 1;
      kinds[groupOf(this.spans.kind(index))][slot] += 1;
      if (this.spans.isError(index)) failed[slot] += 1;
      longest[slot] = Math.max(longest[slot], this.spans.duration(index) ?? 0);
    }
    const most = failed.reduce((one, other) => Math.max(one, other), 1);
    for (let slot = 0; slot < slots; slot += 1) {
      let floor = height;
      const tall = heightOf(longest[slot], this.longest) * (height - 8);
      for (const name of COLOURS) {
        const part = (kinds[name][slot] / (counts[slot] || 1)) * tall;
        pen.fillStyle = colours[name];
        pen.fillRect(slot * 2, floor - part, 2, part);
        floor -= part;
      }
      pen.fillStyle = colours.error;
      const marks = failed[slot] && 1 + (4 * failed[slot]) / most;
      pen.fillRect(slot * 2, 0, 2, marks);
    }
  }

  #markError(pen, x, colours) {
    pen.fillStyle = colours.error;
    pen.beginPath();
    pen.moveTo(x - 4, 0);
    pen.lineTo(x + 4, 0);
    pen.lineTo(x, 5);
    pen.fill();
  }

  #x(index, width, bar) {
    return this.spans.count > 1 ? (index / (this.spans.count - 1)) * (width - bar) : 0;
  }

  #colours() {
    // A custom property of light-dark() is only a colour once something is drawn with it.
    const probe = document.createElement("span");
    this.append(probe);
    const found = {};
    for (const name of COLOURS) {
      probe.className = `probe kind-${name}`;
      found[name] = getComputedStyle(probe).backgroundColor;
    }
    probe.className = "probe-error";
    found.error = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }
}

customElements.define("ph-minimap", PhMinimap);

// Scrolls the box alone; the page stays where it is.
function reveal(box, inside) {
  const top = inside.offsetTop - box.offsetTop;
  if (top < box.scrollTop) box.scrollTop = top - 8;
  else if (top + inside.offsetHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = Math.min(top - 8, top + inside.offsetHeight - box.clientHeight + 8);
  }
}

// While one moves fast, only the last step's panel is fetched.
const PATIENCE = 90;

class PhPlayer extends HTMLElement {
  async connectedCallback() {
    this.at = Number(this.dataset.at) - 1;
    this.count = Number(this.dataset.count);
    this.range = this.querySelector("input[type=range]");
    this.panel = this.querySelector("#panel");
    this.rows = this.querySelector("ph-waterfall");
    this.minimap = this.querySelector("ph-minimap");
    this.#listen();
    this.#bindKeys();
    this.#showTurn();
    const answer = await fetch(this.dataset.spans, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    this.spans = new Spans(await answer.json());
    // Steps may have arrived since the page was drawn.
    this.count = this.spans.count;
    this.range.max = this.count;
    this.rows?.load(this.spans, this.at, (index, how) => this.go(index, how));
    this.minimap.load(this.spans, this.at);
    this.#say();
    this.dataset.ready = "";
    performance.mark("ph-ready");
  }

  #listen() {
    this.addEventListener("click", (event) => this.#click(event));
    this.range.addEventListener("input", () => this.go(Number(this.range.value) - 1, { scrubs: true }));
    this.range.form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("popstate", () => location.reload());
  }

  #bindKeys() {
    const rows = this.rows;
    onKeys("player", {
      next: () => this.go(this.at + 1),
      previous: () => this.go(this.at - 1),
      first: () => this.go(0),
      last: () => this.go(this.count - 1),
      "next-error": () => this.#goToError(1),
      "previous-error": () => this.#goToError(-1),
      timeline: () => this.#openView("timeline"),
      tree: () => this.#openView("tree"),
      transcript: () => this.#openView("transcript"),
      "copy-link": () => this.#copyLink(),
      ...(rows && { collapse: () => rows.collapseAll(), expand: () => rows.expandAll() }),
    });
  }

  #click(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const button = event.target.closest("[data-go]");
    const view = event.target.closest("[data-view-link]");
    const turn = event.target.closest("[data-turn] .turn-head a");
    const other = event.target.closest("a[data-to]");
    if (button) this.#press(button.dataset.go, event);
    if (view && this.#canSwitch(view.dataset.viewLink)) {
      event.preventDefault();
      this.#openView(view.dataset.viewLink);
    }
    if (other) {
      event.preventDefault();
      this.go(Number(other.dataset.to) - 1);
    }
    if (turn) {
      event.preventDefault();
      this.go(Number(turn.closest("[data-turn]").dataset.turn) - 1);
    }
  }

  #press(where, event) {
    event.preventDefault();
    const goals = { first: 0, previous: this.at - 1, next: this.at + 1, last: this.count - 1 };
    if (where === "next-error") this.#goToError(1);
    else this.go(goals[where]);
  }

  #goToError(by) {
    const there = this.spans?.nextError(this.at, by) ?? null;
    if (there === null) this.#announce(by > 0 ? "No later error" : "No earlier error");
    else this.go(there);
  }

  go(index, { focus = false, scrubs = false } = {}) {
    const there = Math.min(Math.max(index, 0), this.count - 1);
    if (there === this.at || Number.isNaN(there)) return;
    this.at = there;
    this.dataset.at = there + 1;
    if (!scrubs) this.range.value = there + 1;
    this.querySelector("[data-number]").textContent = (there + 1).toLocaleString("en");
    if (this.spans) {
      this.rows?.spans && this.rows.select(there, { focus });
      this.minimap.select(there);
      this.#say();
    }
    if (this.#showTurn()) this.#fetchSoon();
  }

  #say() {
    const says = this.spans.says(this.at);
    this.range.setAttribute("aria-valuetext", says);
    if (document.activeElement !== this.range) this.#announce(says);
    this.#mark("first", this.at > 0);
    this.#mark("previous", this.at > 0);
    this.#mark("next", this.at < this.count - 1);
    this.#mark("last", this.at < this.count - 1);
    this.#mark("next-error", this.spans.nextError(this.at, 1) !== null);
  }

  #mark(name, isOpen) {
    const button = this.querySelector(`[data-go=${name}]`);
    // Without an address a link is not one; the script moves the playhead instead.
    if (!button.hasAttribute("href")) button.setAttribute("href", "?");
    button.removeAttribute("role");
    if (isOpen) button.removeAttribute("aria-disabled");
    else button.setAttribute("aria-disabled", "true");
  }

  #announce(text) {
    this.querySelector("[data-says]").textContent = text;
  }

  // In the transcript: mark the turn. False when it is on another page, which is then opened.
  #showTurn() {
    const transcript = this.querySelector(".transcript");
    if (!transcript) return true;
    const turn = document.getElementById(`turn-${this.at + 1}`);
    if (!turn) {
      location.assign(`?view=transcript&at=${this.at + 1}`);
      return false;
    }
    for (const other of transcript.querySelectorAll("[data-turn]")) {
      const seq = Number(other.dataset.turn);
      other.classList.toggle("future", seq > this.at + 1);
      if (other === turn) other.setAttribute("aria-current", "step");
      else other.removeAttribute("aria-current");
    }
    reveal(transcript, turn);
    return true;
  }

  #fetchSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#fetchPanel(), PATIENCE);
  }

  async #fetchPanel() {
    this.asked?.abort();
    this.asked = new AbortController();
    const url = `${this.dataset.panel}?view=${this.dataset.view}&at=${this.at + 1}`;
    try {
      const answer = await fetch(url, { signal: this.asked.signal });
      if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
      this.#showPanel(await answer.text());
    } catch (error) {
      if (error.name !== "AbortError") this.#showFailure();
    }
  }

  #showPanel(html) {
    // The server's own fragment, in which recorded text is escaped.
    this.panel.innerHTML = html;
    this.panel.scrollTop = 0;
    this.step = this.panel.querySelector("[data-id]").dataset.id;
    history.replaceState(null, "", this.#address());
    for (const link of this.querySelectorAll("[data-view-link]")) {
      link.href = this.#address(link.dataset.viewLink);
    }
  }

  #showFailure() {
    const message = document.createElement("p");
    message.className = "notice error";
    message.textContent = "This step could not be loaded. The server may be away, or you may be signed out.";
    this.panel.replaceChildren(message);
  }

  #address(view = this.dataset.view) {
    const step = this.step ?? this.panel.querySelector("[data-id]").dataset.id;
    return `?view=${view}&step=${step}`;
  }

  #canSwitch(view) {
    return this.rows?.spans && view !== "transcript";
  }

  #openView(view) {
    if (!this.#canSwitch(view)) {
      if (view !== this.dataset.view) location.assign(this.#address(view));
      return;
    }
    this.dataset.view = view;
    this.rows.setView(view);
    for (const link of this.querySelectorAll("[data-view-link]")) {
      if (link.dataset.viewLink === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    history.pushState(null, "", this.#address());
  }

  async #copyLink() {
    await copyText(new URL(this.#address(), location.href).href);
    this.#announce("Link to this step copied");
    const toast = document.createElement("p");
    toast.className = "toast";
    toast.textContent = "Link to this step copied";
    document.body.append(toast);
    setTimeout(() => toast.remove(), 1800);
  }
}

customElements.define("ph-player", PhPlayer);
