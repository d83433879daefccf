// All steps of a session at a glance, above the scrubber.

import { groupOf } from "./spans.js";

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
