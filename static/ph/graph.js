// The graph in the player: follows the playhead, pans, zooms, and is walked by the arrow keys.
//
// The server draws it. Here nodes are marked, and another window of it is fetched once the playhead
// has left the one that is drawn.

import { onKeys } from "./keys.js";

const SMALLEST = 0.1;
const LARGEST = 2;
// While one moves fast, only the last window is fetched.
const PATIENCE = 150;

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

class PhGraph extends HTMLElement {
  connectedCallback() {
    this.player = this.closest("ph-player");
    this.follow = (event) => this.#follow(event.detail);
    this.player?.addEventListener("ph-at", this.follow);
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("keydown", (event) => this.#key(event));
    this.addEventListener("pointerover", (event) => this.#tell(event.target));
    this.#prepare({ reveals: true });
    onKeys("graph", { larger: () => this.#zoom("in"), smaller: () => this.#zoom("out"), fit: () => this.#zoom("fit") });
    if (this.player?.spans) this.#follow(this.player);
  }

  disconnectedCallback() {
    this.player?.removeEventListener("ph-at", this.follow);
    this.resized?.disconnect();
    onKeys("graph", { larger: undefined, smaller: undefined, fit: undefined });
  }

  #prepare({ reveals }) {
    this.box = this.querySelector(".graph-scroll");
    this.svg = this.querySelector(".graph-svg");
    this.nodes = [...this.querySelectorAll(".gr-node")];
    this.byNumber = new Map(this.nodes.map((node) => [node.dataset.node, node]));
    this.lines = [...this.querySelectorAll(".gr-line[data-from]")];
    if (!this.svg) return;
    this.size = { width: this.svg.viewBox.baseVal.width, height: this.svg.viewBox.baseVal.height };
    this.scale ??= 1;
    this.#bindPan();
    this.resized = new ResizeObserver(() => this.#drawMap());
    this.resized.observe(this.box);
    this.#zoomTo(this.scale);
    this.#select(this.querySelector(".gr-node[aria-current]"), { reveals });
  }

  // Following

  async #follow({ at, spans }) {
    const hasGrown = this.count !== undefined && spans.count !== this.count;
    this.count = spans.count;
    if (hasGrown) {
      this.asked = undefined;
      return this.#fetchSoon(at, { stays: true });
    }
    if (this.dataset.list !== undefined) return this.#followList(at);
    if (this.dataset.mode === "expanded") {
      const isDrawn = at >= Number(this.dataset.first) && at <= Number(this.dataset.last);
      if (!isDrawn) return this.#fetchSoon(at);
      this.#mark(at, String(at));
    } else {
      this.asked ??= fetch(this.dataset.groups).then((answer) => (answer.ok ? answer.json() : { groups: [] }));
      this.of = (await this.asked).groups;
      if (at < this.of.length && at === (this.player?.at ?? at)) this.#mark(at, String(this.of[at]));
    }
  }

  #followList(at) {
    const links = [...this.querySelectorAll("[data-step-at]")];
    const here = links.filter((link) => Number(link.dataset.stepAt) <= at).pop();
    for (const link of links) {
      if (link === here) link.closest("li").setAttribute("aria-current", "step");
      else link.closest("li").removeAttribute("aria-current");
    }
  }

  #mark(at, number) {
    this.at = at;
    for (const node of this.nodes) node.classList.toggle("future", Number(node.dataset.first) > at);
    for (const line of this.lines) line.classList.toggle("future", Number(line.dataset.first) > at);
    this.#select(this.byNumber.get(number), { reveals: true });
  }

  #select(node, { reveals = false } = {}) {
    for (const other of this.nodes) {
      if (other !== node) other.removeAttribute("aria-current");
      other.setAttribute("tabindex", other === node ? "0" : "-1");
    }
    if (!node) this.nodes[0]?.setAttribute("tabindex", "0");
    else {
      node.setAttribute("aria-current", "step");
      this.#light(node);
      if (reveals) this.#reveal(node);
    }
    this.#drawMap();
  }

  #light(node) {
    const number = node.dataset.node;
    for (const line of this.lines) {
      line.classList.toggle("lit", line.dataset.from === number || line.dataset.toNode === number);
    }
  }

  #fetchSoon(at, how) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#fetch(this.#query(at), how), PATIENCE);
  }

  // The address of this graph at a step, with something in it changed.
  #query(at, changes = {}) {
    const query = new URLSearchParams(location.search);
    for (const name of ["step", "t"]) query.delete(name);
    for (const [name, value] of Object.entries({ view: "graph", at: at + 1, ...changes })) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    return query;
  }

  // Another window of steps, or another look; `stays`: nothing is moved into sight.
  async #fetch(query, { stays = false } = {}) {
    const answer = await fetch(`?${query}`, { headers: { Accept: "text/html" } });
    if (!answer.ok || query.get("at") !== String(this.player.at + 1)) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("ph-graph");
    if (!fresh) return;
    const place = [this.box?.scrollLeft, this.box?.scrollTop];
    const isSameLook = fresh.dataset.mode === this.dataset.mode;
    const focused = this.contains(document.activeElement) && document.activeElement;
    for (const { name } of [...this.attributes]) if (name.startsWith("data-")) this.removeAttribute(name);
    Object.assign(this.dataset, fresh.dataset);
    // The server's own fragment, in which recorded text is escaped.
    this.replaceChildren(...fresh.childNodes);
    this.resized?.disconnect();
    this.#prepare({ reveals: !stays });
    if (stays && isSameLook) this.box?.scrollTo(...place);
    if (focused) this.#focusAgain(focused);
    this.#follow(this.player);
  }

  #focusAgain(element) {
    const { graphMode, graphAs } = element.dataset;
    const same = graphMode ? `[data-graph-mode=${graphMode}]` : graphAs ? "[data-graph-as]" : ".gr-node[tabindex='0']";
    this.querySelector(same)?.focus({ preventScroll: true });
  }

  async #change(changes) {
    const query = this.#query(this.player.at, changes);
    await this.#fetch(query);
    if (this.player.id) {
      query.delete("at");
      query.set("step", this.player.id);
    }
    history.replaceState(history.state, "", `?${query}`);
  }

  // Moving

  #click(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const zoom = event.target.closest("[data-zoom]");
    const node = event.target.closest("[data-step-at]");
    const mode = event.target.closest("[data-graph-mode]");
    const form = event.target.closest("[data-graph-as]");
    if (zoom) this.#zoom(zoom.dataset.zoom);
    if (!this.player?.spans || !(node || mode || form)) return;
    event.preventDefault();
    if (mode) return this.#change({ graph: mode.dataset.graphMode });
    if (form) return this.#change({ as: form.dataset.graphAs === "list" ? "list" : "" });
    if (this.wasDragged) return;
    this.player.go(this.#stepOf(node));
    if (node.classList.contains("gr-node")) this.#select(node);
  }

  // A group leads to its next step behind the playhead, and from the last one to the first.
  #stepOf(node) {
    const number = Number(node.dataset.node);
    const later = this.of?.findIndex((group, step) => group === number && step > this.player.at) ?? -1;
    if (later >= 0) return later;
    return Number(node.classList.contains("many") ? node.dataset.first : node.dataset.stepAt);
  }

  #key(event) {
    const node = event.target.closest?.(".gr-node");
    if (!node || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = this.#nextFrom(node, event.key);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (!next) return;
    this.nodes.forEach((other) => other.setAttribute("tabindex", other === next ? "0" : "-1"));
    next.focus({ preventScroll: true });
    this.#light(next);
    this.#reveal(next);
  }

  // Down follows a line, up goes back along one; left and right go to what lies beside.
  #nextFrom(node, key) {
    const number = node.dataset.node;
    const along = (from, to) => this.lines
      .filter((line) => line.dataset[from] === number && line.dataset[to] !== number)
      .map((line) => this.byNumber.get(line.dataset[to]))
      .filter((other) => (from === "from" ? placeOf(other).y > placeOf(node).y : placeOf(other).y < placeOf(node).y));
    if (key === "ArrowDown") return along("from", "toNode")[0] ?? null;
    if (key === "ArrowUp") return along("toNode", "from")[0] ?? null;
    if (key !== "ArrowLeft" && key !== "ArrowRight") return undefined;
    const here = placeOf(node);
    const sign = key === "ArrowRight" ? 1 : -1;
    const beside = this.nodes
      .filter((other) => (placeOf(other).x - here.x) * sign > 0)
      .sort((one, other) => distance(here, placeOf(one)) - distance(here, placeOf(other)));
    return beside[0] ?? null;
  }

  // Seeing

  #zoom(how) {
    if (!this.svg) return;
    if (how === "fit") {
      const { clientWidth, clientHeight } = this.box;
      const across = Math.min(clientWidth / this.size.width, 1);
      const whole = Math.min(across, clientHeight / this.size.height);
      // The whole of it first, then as wide as there is room: long ones are too small to read whole.
      return this.#zoomTo(Math.abs(this.scale - whole) < 0.01 ? across : whole);
    }
    this.#zoomTo(this.scale * (how === "in" ? 1.25 : 0.8));
  }

  // Keeps what is in the middle, or under the pointer, where it is.
  #zoomTo(scale, x = this.box.clientWidth / 2, y = this.box.clientHeight / 2) {
    const before = this.scale;
    this.scale = clamp(scale, SMALLEST, LARGEST);
    const left = ((this.box.scrollLeft + x) / before) * this.scale - x;
    const top = ((this.box.scrollTop + y) / before) * this.scale - y;
    this.svg.setAttribute("width", this.size.width * this.scale);
    this.svg.setAttribute("height", this.size.height * this.scale);
    this.box.scrollTo(left, top);
    this.querySelector(".graph-scale").textContent = `${Math.round(this.scale * 100)} %`;
    this.#drawMap();
  }

  #bindPan() {
    this.box.addEventListener("scroll", () => this.#drawMap());
    this.box.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.box.addEventListener("pointerdown", (event) => this.#grab(event));
    const map = this.querySelector(".graph-map");
    const jump = (event) => {
      const shape = map.getBoundingClientRect();
      this.#centre(
        ((event.clientX - shape.left) / shape.width) * this.size.width,
        ((event.clientY - shape.top) / shape.height) * this.size.height,
      );
    };
    map.addEventListener("pointerdown", (event) => { map.setPointerCapture(event.pointerId); jump(event); });
    map.addEventListener("pointermove", (event) => { if (event.buttons) jump(event); });
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const shape = this.box.getBoundingClientRect();
    this.#zoomTo(this.scale * (event.deltaY < 0 ? 1.1 : 1 / 1.1), event.clientX - shape.left, event.clientY - shape.top);
  }

  #grab(event) {
    this.wasDragged = false;
    if (event.button !== 0 || event.pointerType === "touch") return;
    const from = { x: event.clientX, y: event.clientY, left: this.box.scrollLeft, top: this.box.scrollTop };
    const move = (moved) => {
      const [across, down] = [moved.clientX - from.x, moved.clientY - from.y];
      if (Math.abs(across) + Math.abs(down) > 4) this.wasDragged = true;
      if (!this.wasDragged) return;
      this.box.classList.add("drags");
      this.box.scrollTo(from.left - across, from.top - down);
    };
    const end = () => {
      this.box.classList.remove("drags");
      removeEventListener("pointermove", move);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
    addEventListener("pointercancel", end, { once: true });
  }

  #centre(x, y) {
    this.box.scrollTo(x * this.scale - this.box.clientWidth / 2, y * this.scale - this.box.clientHeight / 2);
  }

  #reveal(node) {
    const place = placeOf(node);
    const [left, top] = [place.x * this.scale, place.y * this.scale];
    const [right, bottom] = [left + place.width * this.scale, top + place.height * this.scale];
    const seen = this.box;
    const isSeen = left >= seen.scrollLeft && right <= seen.scrollLeft + seen.clientWidth
      && top >= seen.scrollTop + 30 && bottom <= seen.scrollTop + seen.clientHeight;
    if (!isSeen) this.#centre(place.x + place.width / 2, place.y + place.height / 2);
  }

  // What a line is known by is said where the pointer rests on it.
  #tell(target) {
    const says = target.dataset?.says;
    if (!says || target.querySelector("title")) return;
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = says;
    target.append(title);
  }

  #showLaneNames(heads, left) {
    for (const name of heads?.querySelectorAll("text") ?? []) {
      const ground = name.previousElementSibling;
      const [x, width] = ["x", "width"].map((what) => Number(ground.getAttribute(what)));
      const last = Math.max(x + width - name.textContent.length * 8, x);
      name.setAttribute("x", clamp(left, x, last) + 16);
    }
  }

  // Lane names stay in sight; the map shows where one is, where not all is in sight.
  #drawMap() {
    const heads = this.querySelector(".gr-lanes");
    heads?.setAttribute("transform", `translate(0 ${this.box.scrollTop / this.scale})`);
    this.#showLaneNames(heads, this.box.scrollLeft / this.scale);
    const map = this.querySelector(".graph-map");
    const isClipped = this.size.width * this.scale > this.box.clientWidth + 1
      || this.size.height * this.scale > this.box.clientHeight + 1;
    map.hidden = !isClipped || !this.box.clientHeight;
    if (map.hidden) return;
    const [width, height] = [map.clientWidth, map.clientHeight];
    const dots = window.devicePixelRatio || 1;
    map.width = width * dots;
    map.height = height * dots;
    const pen = map.getContext("2d");
    pen.scale(dots, dots);
    const style = getComputedStyle(map);
    const [across, down] = [width / this.size.width, height / this.size.height];
    for (const node of this.nodes) {
      const place = placeOf(node);
      const isHere = node.hasAttribute("aria-current");
      pen.globalAlpha = node.classList.contains("future") ? 0.4 : 1;
      pen.fillStyle = isHere ? style.color : style.borderTopColor;
      pen.fillRect(place.x * across, place.y * down, Math.max(place.width * across, 2), Math.max(place.height * down, isHere ? 3 : 1.5));
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = style.color;
    pen.strokeRect(
      (this.box.scrollLeft / this.scale) * across, (this.box.scrollTop / this.scale) * down,
      Math.min((this.box.clientWidth / this.scale) * across, width - 1), Math.min((this.box.clientHeight / this.scale) * down, height - 1),
    );
  }
}

function placeOf(node) {
  const box = node.firstElementChild;
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(box.getAttribute(name)));
  return { x, y, width, height };
}

function distance(one, other) {
  return Math.abs(one.x - other.x) + 3 * Math.abs(one.y - other.y);
}

customElements.define("ph-graph", PhGraph);
