// Comments where one reads: the tab of the panel, marks in the texts, a remark on chosen words.
// Loaded when somebody looks at comments, begins one, or stands on a step that has some.

import { say } from "./fragments.js";
import { MentionBox } from "./mentions.js";

// Characters are counted as code points, as the server counts them; scripts count halves.
const points = (text) => { let count = 0; for (const _ of text) count += 1; return count; };
const halves = (text, count) => { let at = 0; for (const one of text) { if (!count) break; at += one.length; count -= 1; } return at; };
const LONGEST_QUOTE = 2000;

async function fragment(url, options) {
  const answer = await fetch(url, options);
  const isOurs = (answer.headers.get("Content-Type") ?? "").startsWith("text/html");
  if (answer.redirected || !isOurs || ![200, 409, 422].includes(answer.status)) throw new Error(`status ${answer.status}`);
  // The server's own fragment, in which everything that people wrote is escaped or cleaned.
  return answer.text();
}

// <ph-comments data-src> fills itself, and sends its forms without leaving the page.
class PhComments extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", (event) => this.#send(event));
    this.addEventListener("click", (event) => this.#click(event));
    this.addEventListener("keydown", (event) => this.#press(event));
    if (this.hasAttribute("data-loaded")) this.#take();
    else if (this.dataset.src) this.ready = this.#load();
  }

  get event() { return this.dataset.step ?? this.closest("[data-id]")?.dataset.id ?? ""; }

  async #load() {
    const query = new URLSearchParams({ event: this.event, fragment: "1" });
    try {
      this.innerHTML = await fragment(`${this.dataset.src}?${query}`);
      this.#take();
    } catch (error) {
      if (error.message === "status 403") this.textContent = "Your role does not read comments.";
      else this.#fail("The comments could not be loaded. The server may be away, or you may be signed out.");
    }
  }

  #take() {
    this.setAttribute("data-loaded", "");
    this.removeAttribute("aria-busy");
    for (const field of this.querySelectorAll("[data-mentions]")) new MentionBox(field, this.querySelector("[data-people]").dataset.people);
  }

  #fail(text) {
    const message = document.createElement("p");
    message.className = "notice error";
    message.setAttribute("role", "alert");
    message.textContent = text;
    this.prepend(message);
  }

  async #send(event) {
    const form = event.target;
    if (form.method !== "post") return;
    event.preventDefault();
    if (this.isSending) return;
    this.isSending = true;
    const body = new FormData(form, event.submitter);
    body.set("fragment", "1");
    try {
      const html = await fragment(form.action, { method: "POST", body });
      this.innerHTML = html;
      this.#take();
      this.#show();
      this.dispatchEvent(new CustomEvent("ph-said", { bubbles: true }));
    } catch {
      this.#fail("This was not saved. The server may be away, or you may be signed out. What you typed is still here.");
    } finally {
      this.isSending = false;
    }
  }

  // The focus goes to what was changed, so that nobody has to look for it.
  #show() {
    const done = this.querySelector("[data-done]")?.dataset.done;
    const error = this.querySelector(".notice.error");
    const there = error ?? (done && document.getElementById(done)) ?? this.querySelector("#text-new");
    if (!there) return;
    if (!there.matches("textarea, [tabindex]")) there.tabIndex = -1;
    there.focus();
    there.scrollIntoView({ block: "nearest" });
  }

  #click(event) {
    if (event.target.closest("[data-whole]")) this.about(null);
    const quote = event.target.closest("blockquote[data-range]");
    if (quote) this.closest("ph-player")?.querySelector(`mark[data-comment="${quote.dataset.range}"]`)?.scrollIntoView({ block: "center" });
  }

  #press(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  }

  // Let the next comment be on these characters, or on the whole step.
  about(chosen) {
    const form = this.querySelector(".comment-form");
    if (!form) return null;
    for (const name of ["place", "start", "end", "quote"]) form.elements[name].value = chosen?.[name] ?? "";
    form.querySelector(".chosen").hidden = !chosen;
    form.querySelector("[data-quote]").textContent = chosen?.quote.slice(0, 280) ?? "";
    const field = form.elements.text;
    field.focus();
    field.scrollIntoView({ block: "nearest" });
    return field;
  }

  showThread(id) {
    const thread = document.getElementById(`comment-${id}`);
    if (!thread) return;
    thread.tabIndex = -1;
    thread.focus();
    thread.classList.add("is-shown");
    thread.scrollIntoView({ block: "center" });
    setTimeout(() => thread.classList.remove("is-shown"), 2000);
  }
}

// The characters that are selected, where they lie within one text of a step.
function chosenIn(player) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const block = blockOf(range.startContainer);
  if (!block || block !== blockOf(range.endContainer) || !player.contains(block)) return null;
  const before = document.createRange();
  before.setStart(block, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const text = range.toString();
  if (!text.trim()) return null;
  const start = Number(block.dataset.from ?? 0) + points(before.toString());
  const quote = text.slice(0, halves(text, LONGEST_QUOTE));
  return { place: block.dataset.text, start, end: start + points(text), quote, at: atOf(block, player), range };
}

const blockOf = (node) => (node.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest("[data-text]");

// The step that a text belongs to: that of its turn in the transcript, else that of the panel.
function atOf(block, player) {
  const turn = block.closest("[data-turn]");
  return turn ? Number(turn.dataset.turn) - 1 : player.at;
}

// Puts <mark> around characters of a text, whatever stands in it already.
function wrap(block, start, end, make) {
  const from = Number(block.dataset.from ?? 0);
  const whole = block.textContent;
  const first = halves(whole, Math.max(0, start - from));
  const last = halves(whole, Math.max(0, end - from));
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const found = [];
  let at = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const cut = [Math.max(first - at, 0), Math.min(last - at, node.length)];
    if (cut[0] < cut[1]) found.push([node, ...cut]);
    at += node.length;
  }
  for (const [node, left, right] of found) {
    const range = document.createRange();
    range.setStart(node, left);
    range.setEnd(node, right);
    range.surroundContents(make());
  }
}

class Commenting {
  constructor(player) {
    this.player = player;
    this.button = this.#makeButton();
    document.addEventListener("selectionchange", () => this.#offer());
    player.addEventListener("click", (event) => this.#open(event));
    player.addEventListener("ph-step", () => { this.#showTags(); this.mark(); });
    player.addEventListener("ph-said", () => { this.#forget(); });
    this.#offer();
  }

  get address() { return this.player.dataset.comments; }

  // What people left on the session and its steps: {tags, about}, as the overview was sent it.
  take(left) {
    this.left = left;
    this.#showTags();
    this.#tellAbout();
    this.mark();
  }

  #showTags() {
    const head = this.player.panel.querySelector(".panel-head");
    const id = this.player.panel.querySelector("[data-id]")?.dataset.id;
    head?.querySelector("[data-step-tags]")?.remove();
    const tags = this.left?.tags[id];
    if (!head || !tags) return;
    const line = document.createElement("p");
    line.className = "cluster small";
    line.dataset.stepTags = "";
    for (const tag of tags) {
      const chip = document.createElement("bdi");
      chip.className = "tag";
      chip.textContent = tag;
      line.append(chip);
    }
    head.append(line);
  }

  // The example's notes, and what was judged and said of the session as a whole.
  async #tellAbout() {
    const facts = document.querySelector(".player-facts");
    for (const old of facts.querySelectorAll("[data-about]")) old.remove();
    if (!this.left.about) return;
    const html = await fragment(this.address.replace(/comments\/$/, "about/")).catch(() => "");
    const page = new DOMParser().parseFromString(html, "text/html");
    facts.append(...page.querySelectorAll("[data-about]"));
  }

  #makeButton() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small comment-here";
    button.textContent = "Comment on this";
    button.hidden = true;
    // The selection must live until the button is pressed.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
    button.addEventListener("click", () => this.comment());
    document.body.append(button);
    return button;
  }

  #offer() {
    const chosen = this.player.hasAttribute("data-may-comment") ? chosenIn(this.player) : null;
    this.button.hidden = !chosen;
    if (!chosen) return;
    const box = chosen.range.getBoundingClientRect();
    const left = Math.min(Math.max(box.left, 8), document.documentElement.clientWidth - 150);
    this.button.style.left = `${left + scrollX}px`;
    this.button.style.top = `${box.bottom + scrollY + 4}px`;
  }

  // On the words that are selected, else on the step.
  async comment() {
    const chosen = chosenIn(this.player);
    this.button.hidden = true;
    getSelection().removeAllRanges();
    if (chosen && chosen.at !== this.player.at) await this.#goTo(chosen.at);
    const tab = await this.#openTab();
    if (tab && !tab.about(chosen)) this.player.announce("Your role reads comments, and does not write them.");
  }

  #goTo(at) {
    const there = new Promise((done) => { this.player.addEventListener("ph-step", done, { once: true }); });
    this.player.go(at);
    return there;
  }

  async #openTab() {
    if (!this.player.panel.querySelector("ph-comments")) {
      say({ tab: "comments" });
      await this.player.refresh();
    }
    const tab = this.player.panel.querySelector("ph-comments");
    await tab?.ready;
    return tab;
  }

  async #open(event) {
    const mark = event.target.closest("mark[data-comment]");
    if (!mark || !getSelection().isCollapsed) return;
    const tab = await this.#openTab();
    tab?.showThread(mark.dataset.comment);
  }

  #forget() {
    for (const mark of this.player.querySelectorAll("mark[data-comment]")) mark.replaceWith(...mark.childNodes);
    this.player.normalize();
  }

  // Marks what is commented on in the texts of this step.
  async mark() {
    const id = this.player.panel.querySelector("[data-id]")?.dataset.id;
    if (!this.left?.comments[id] || !this.#places().length) return;
    const answer = await fetch(`${this.address.replace(/comments\/$/, "ranges.json")}?event=${id}`);
    if (!answer.ok) return;
    const { ranges } = await answer.json();
    if (this.player.panel.querySelector("[data-id]")?.dataset.id !== id) return;
    for (const range of ranges) this.#markOne(range);
  }

  // The texts of this step: in the panel, and in its turn of the transcript.
  #places() {
    const turn = this.player.querySelector(`[data-turn="${this.player.at + 1}"]`);
    return [this.player.panel, turn].flatMap((part) => [...(part?.querySelectorAll("[data-text]") ?? [])]);
  }

  #markOne({ id, place, start, end, is_resolved: isResolved }) {
    for (const block of this.#places()) {
      if (block.dataset.text !== place || block.querySelector(`mark[data-comment="${id}"]`)) continue;
      wrap(block, start, end, () => {
        const mark = document.createElement("mark");
        mark.className = isResolved ? "said-here resolved" : "said-here";
        mark.dataset.comment = id;
        mark.title = "Commented on";
        return mark;
      });
    }
  }
}

customElements.define("ph-comments", PhComments);

let commenting = null;

export function commentingOn(player, left = null) {
  commenting ??= new Commenting(player);
  if (left) commenting.take(left);
  return commenting;
}
