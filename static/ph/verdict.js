// The verdict on a comparison, loaded as a part of the page and changed in place.

const PART = { "X-Playhead-Part": "1" };

export class Verdict extends HTMLElement {
  async connectedCallback() {
    this.addEventListener("submit", (event) => this.send(event));
    await this.show(await fetch(this.dataset.src, { headers: PART }));
    this.say();
  }

  async send(event) {
    event.preventDefault();
    const body = new FormData(event.target, event.submitter);
    const pressed = event.submitter.value;
    // By a key one stays where one reads.
    const isHere = this.contains(document.activeElement);
    const answer = await fetch(event.target.action, { method: "POST", headers: PART, body });
    if (!(await this.show(answer))) return;
    if (isHere) this.querySelector(`button[value=${pressed}], button`)?.focus();
    this.say();
  }

  say() {
    const place = document.querySelector("[data-verdict-said]");
    const own = this.querySelector("[data-verdict][aria-pressed=true]")?.dataset.title;
    if (place) place.textContent = own ? `Your verdict: ${own}` : "";
  }

  async show(answer) {
    if (answer.ok) this.innerHTML = await answer.text();
    else this.refuse();
    return answer.ok;
  }

  refuse() {
    this.querySelector("[role=alert]")?.remove();
    const told = document.createElement("p");
    told.className = "notice error";
    told.setAttribute("role", "alert");
    told.textContent = "The verdict could not be kept. Reload the page and try again.";
    this.prepend(told);
  }

  press(number) {
    this.querySelector(`[data-verdict="${number}"]`)?.click();
  }
}

customElements.define("ph-verdict", Verdict);
