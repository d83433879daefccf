// Find in this session: the places in which words stand, and going from one to the next.

import { onKeys } from "./keys.js";
import { part, say } from "./fragments.js";

class PhFind extends HTMLElement {
  connectedCallback() {
    this.box = this.querySelector("[data-find]");
    this.count = this.querySelector("[data-find-count]");
    this.list = this.querySelector("[data-find-hits]");
    this.player = this.closest("ph-player");
    this.hits = [];
    this.at = -1;
    this.words = "";
    this.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    this.box.addEventListener("keydown", (event) => this.#type(event));
    this.addEventListener("click", (event) => this.#click(event));
    onKeys("player", {
      find: () => this.box.select(),
      "next-hit": () => this.go(1),
      "previous-hit": () => this.go(-1),
    });
    if (this.box.value) this.#look();
  }

  #type(event) {
    if (event.key === "Escape" && this.box.value) {
      this.box.value = "";
      this.find();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.box.value === this.words) this.go(event.shiftKey ? -1 : 1);
      else this.find();
    }
  }

  #click(event) {
    const button = event.target.closest("[data-find-go]");
    const hit = event.target.closest("[data-hit]");
    const more = event.target.closest("[data-found-next]");
    if (!button && !hit && !more) return;
    event.preventDefault();
    // The player would go there by itself, and not know the tab.
    event.stopPropagation();
    if (button) this.go(Number(button.dataset.findGo));
    else if (hit) this.#goTo(this.hits.indexOf(hit));
    else this.#look(more.href);
  }

  // Looks for what stands in the box, and goes to the first place from here on.
  async find() {
    say({ find: this.box.value.trim() || null });
    this.at = -1;
    await this.#look();
    const here = this.player.at + 1;
    const first = this.hits.findIndex((hit) => Number(hit.dataset.to) >= here);
    if (this.hits.length) this.#goTo(Math.max(first, 0));
    else this.player.refresh({ main: true });
  }

  async #look(address) {
    this.words = this.box.value;
    if (!this.words.trim()) return this.#show(null);
    const query = new URLSearchParams({ find: this.words, view: this.player.dataset.view });
    this.setAttribute("aria-busy", "true");
    try {
      this.#show(await part(address ?? `${this.dataset.src}?${query}`, "[data-found]"));
    } catch {
      this.#show(null);
      this.#tell("This could not be looked for. The server may be away, or the words too many.");
    }
    this.removeAttribute("aria-busy");
  }

  #show(found) {
    this.list.replaceChildren(...(found ? [found] : []));
    this.list.hidden = !found;
    this.hits = [...this.list.querySelectorAll("[data-hit]")];
    this.at = -1;
    this.all = this.list.querySelector("[data-found-count]")?.textContent ?? "";
    this.#tell(this.all);
  }

  #tell(text) {
    this.count.textContent = text;
    this.player.announce(text);
  }

  go(by) {
    if (this.box.value !== this.words) return this.find();
    if (!this.hits.length) return this.#tell(this.all || "Nothing to go to: type words to find");
    const there = this.at < 0 ? this.#nearest(by) : this.at + by;
    // Past the last place there are others, or the first one again.
    const more = this.list.querySelector("[data-found-next]");
    if (there >= this.hits.length && more) return this.#look(more.href).then(() => this.#goTo(0));
    return this.#goTo((there + this.hits.length) % this.hits.length);
  }

  #nearest(by) {
    const here = this.player.at + 1;
    if (by > 0) return Math.max(this.hits.findIndex((hit) => Number(hit.dataset.to) >= here), 0);
    return this.hits.findLastIndex((hit) => Number(hit.dataset.to) <= here);
  }

  #goTo(index) {
    const hit = this.hits[index];
    if (!hit) return;
    this.at = index;
    for (const other of this.hits) other.removeAttribute("aria-current");
    hit.setAttribute("aria-current", "true");
    hit.scrollIntoView({ block: "nearest" });
    this.#tell(`${index + 1} of ${this.all}`);
    say({ tab: hit.dataset.tab === "io" ? null : hit.dataset.tab });
    this.player.dataset.sought = hit.dataset.field;
    const there = Number(hit.dataset.to) - 1;
    const isMarked = this.player.querySelector("#panel mark") !== null;
    if (there !== this.player.at) this.player.go(there);
    else if (!isMarked || this.player.panel.querySelector("[data-tab]").dataset.tab !== hit.dataset.tab) this.player.refresh({ main: true });
  }
}

customElements.define("ph-find", PhFind);
