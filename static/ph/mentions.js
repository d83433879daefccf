// People are asked for this many milliseconds after the last key.
const WAIT = 120;
let boxes = 0;

// Offers people behind an @ (ARIA 1.2 combobox on a text of several lines).
export class MentionBox {
  constructor(field, url) {
    Object.assign(this, { field, url });
    this.list = document.createElement("ul");
    this.list.id = `people-${boxes += 1}`;
    this.list.className = "offers";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "People");
    field.parentElement.append(this.list);
    const states = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id };
    for (const [name, value] of Object.entries(states)) field.setAttribute(name, value);
    field.addEventListener("input", () => this.ask());
    field.addEventListener("keydown", (event) => this.press(event));
    field.addEventListener("blur", () => this.close());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => this.take(event.target.closest("[role=option]")));
  }

  get options() { return [...this.list.children]; }
  get active() { return this.options.find((option) => option.ariaSelected === "true"); }

  word() {
    return this.field.value.slice(0, this.field.selectionStart).match(/(?:^|[\s(])@([\w.+@-]{0,100})$/);
  }

  ask() {
    clearTimeout(this.timer);
    if (this.word()) this.timer = setTimeout(() => this.fetch(), WAIT);
    else this.close();
  }

  async fetch() {
    const found = this.word();
    if (!found) return;
    try {
      const answer = await fetch(`${this.url}?${new URLSearchParams({ prefix: found[1] })}`);
      if (answer.ok && document.activeElement === this.field) this.show((await answer.json()).offered);
    } catch {
      this.close();
    }
  }

  show(offered) {
    this.list.replaceChildren(...offered.map(({ text, says }, at) => this.option(text, says, at)));
    this.list.hidden = !offered.length;
    this.field.setAttribute("aria-expanded", String(offered.length > 0));
    this.mark(this.options[0]);
    // The box in which one scrolls may end just below the field.
    this.list.scrollIntoView({ block: "nearest" });
  }

  option(text, says, at) {
    const option = document.createElement("li");
    option.id = `${this.list.id}-${at}`;
    option.dataset.text = text;
    option.setAttribute("role", "option");
    const [name, handle] = [document.createElement("bdi"), document.createElement("span")];
    name.textContent = says;
    handle.className = "muted small";
    handle.textContent = `@${text}`;
    option.append(name, handle);
    return option;
  }

  mark(option) {
    for (const one of this.options) one.setAttribute("aria-selected", String(one === option));
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  press(event) {
    if (this.list.hidden || event.isComposing || event.ctrlKey || event.metaKey) return;
    const at = this.options.indexOf(this.active);
    if (event.key === "ArrowDown") this.mark(this.options[(at + 1) % this.options.length]);
    else if (event.key === "ArrowUp") this.mark(this.options.at(at - 1));
    else if ((event.key === "Enter" || event.key === "Tab") && this.active) this.take(this.active);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  take(option) {
    const found = this.word();
    if (!option || !found) return;
    const from = this.field.selectionStart - found[1].length;
    this.field.setRangeText(`${option.dataset.text} `, from, this.field.selectionStart, "end");
    this.close();
  }

  close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }
}
