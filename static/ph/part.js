// A part of a page that is fetched when it is shown; until then, and without scripts, a link leads there.

const PART = { "X-Playhead-Part": "1" };

export class Part extends HTMLElement {
  async connectedCallback() {
    const answer = await fetch(this.dataset.src, { headers: PART });
    if (answer.ok) this.innerHTML = await answer.text();
  }
}

customElements.define("ph-part", Part);
