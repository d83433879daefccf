// One slider over both sessions: each place is a line of the comparison, a step of A, of B or of both.

const WORDS = { "=": "identical", "~": "changed", "-": "only in A", "+": "only in B" };

// Pixels that the thumb of a range is wide.
const THUMB = 16;

export class Slider {
  constructor(form, goTo) {
    this.form = form;
    this.range = form.querySelector("input[type=range]");
    this.said = form.querySelector("output");
    this.canvas = form.querySelector("canvas");
    this.goTo = goTo;
    this.range.addEventListener("input", () => this.say());
    this.range.addEventListener("change", () => this.goTo(Number(this.range.value), form));
    this.load();
  }

  async load() {
    const answer = await fetch(this.form.dataset.rows);
    if (!answer.ok) return;
    this.rows = await answer.json();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.say();
  }

  // Follow the line that one has come to by other ways.
  at(line) {
    this.range.value = line;
    this.say();
  }

  say() {
    if (!this.rows) return;
    const at = Number(this.range.value) - 1;
    const sides = [["A", this.rows.a[at]], ["B", this.rows.b[at]]];
    const steps = sides.filter(([, seq]) => seq).map(([side, seq]) => `${side} ${seq.toLocaleString("en")}`);
    const line = `line ${(at + 1).toLocaleString("en")} of ${this.rows.a.length.toLocaleString("en")}`;
    const text = `${line}: ${steps.join(", ")}, ${WORDS[this.rows.status[at]]}`;
    this.said.textContent = text;
    this.range.setAttribute("aria-valuetext", text);
    this.draw();
  }

  // Above what only A has, below what only B has, both where a step differs.
  draw() {
    const { canvas, rows } = this;
    const ratio = devicePixelRatio;
    const width = (canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio)));
    const height = (canvas.height = Math.round(14 * ratio));
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const ink = { "~": style.getPropertyValue("--warn"), "-": style.getPropertyValue("--error"), "+": style.getPropertyValue("--ok") };
    // Each line lies under the middle of the thumb that stands for it.
    const room = width - THUMB * ratio;
    const step = room / Math.max(rows.status.length - 1, 1);
    const middle = (at) => (THUMB / 2) * ratio + at * step;
    const wide = Math.max(ratio, Math.min(step - ratio, width / rows.status.length));
    for (const [name, colour] of Object.entries(ink)) {
      pen.fillStyle = resolved(canvas, colour);
      for (let at = 0; at < rows.status.length; at++) {
        if (rows.status[at] !== name) continue;
        const top = name === "+" ? height / 2 : 0;
        pen.fillRect(middle(at) - wide / 2, top, wide, name === "~" ? height : height / 2);
      }
    }
    pen.fillStyle = resolved(canvas, style.getPropertyValue("--primary"));
    pen.fillRect(middle(Number(this.range.value) - 1) - 1.5 * ratio, 0, 3 * ratio, height);
  }
}

// A canvas does not know light-dark(); the element's own colour does.
function resolved(element, colour) {
  element.style.color = colour;
  return getComputedStyle(element).color;
}
