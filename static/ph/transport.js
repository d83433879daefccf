// Playing a session: steps follow each other as they did, or as fast as one can follow.

// Milliseconds that a step is shown at most while idle time is skipped, and each where motion is unwanted.
const LONGEST = 1500;
// Steps that took no time are shown for so long, unless there are so many that it would take a minute.
const LEAST = 40;
const LEAST_OF_ALL = 60_000;
// A step of which the time is not known.
const UNKNOWN = 400;
// What a browser slept through does not count.
const LONGEST_FRAME = 250;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Transport {
  constructor(player) {
    this.player = player;
    this.button = player.querySelector("[data-act=play]");
    this.isOn = false;
    this.plan();
  }

  turn() {
    if (this.isOn) this.pause();
    else this.play();
  }

  play() {
    const { player } = this;
    if (player.at === player.count - 1) player.go(0, { scrubs: true });
    this.#show(true);
    this.passed = this.#within();
    this.at = player.at;
    this.last = performance.now();
    player.announce(`Playing at ${player.choices.speed}×`);
    this.#soon();
  }

  pause() {
    this.#show(false);
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.player.settle();
  }

  #show(isOn) {
    this.isOn = this.player.isPlaying = isOn;
    this.player.toggleAttribute("data-playing", isOn);
    this.button.setAttribute("aria-label", isOn ? "Pause" : "Play");
  }

  // How long each step is shown at single speed, until the next begins.
  plan() {
    const { spans, minimap, choices } = this.player;
    const scale = minimap.scale;
    const whole = scale.last - scale.first;
    const skips = choices.skipIdle;
    const least = Math.min(LEAST, LEAST_OF_ALL / spans.count);
    const moment = (index) => {
      const start = spans.starts[index];
      return start === null || !minimap.isTimed ? null : skips ? scale.at(start) * whole : start;
    };
    this.lasts = new Float64Array(spans.count);
    for (let index = 0; index < spans.count - 1; index += 1) {
      const [from, to] = [moment(index), moment(index + 1)];
      const between = from === null || to === null ? UNKNOWN : to - from;
      this.lasts[index] = Math.max(Math.min(between, skips ? LONGEST : Infinity), least);
    }
  }

  // How much of the present step has been shown already.
  #within() {
    const { at, time, spans } = this.player;
    const [from, to] = [spans.starts[at], spans.starts[at + 1]];
    if (time === null || from === null || !(to > from)) return 0;
    return Math.min(Math.max((time - from) / (to - from), 0), 1) * this.lasts[at];
  }

  #soon() {
    if (calm.matches) this.timer = setTimeout(() => this.#jump(), LONGEST / this.player.choices.speed);
    else this.frame = requestAnimationFrame((now) => this.#advance(now));
  }

  // Without motion: one step after the other, each at once.
  #jump() {
    this.#reach(this.player.at + 1);
    if (this.isOn) this.#soon();
  }

  #advance(now) {
    const { player } = this;
    // Somebody moved the playhead: it goes on from there.
    if (player.at !== this.at) [this.at, this.passed] = [player.at, this.#within()];
    this.passed += Math.min(now - this.last, LONGEST_FRAME) * player.choices.speed;
    this.last = now;
    let there = this.at;
    while (there < player.count - 1 && this.passed >= this.lasts[there]) {
      this.passed -= this.lasts[there];
      there += 1;
    }
    this.#reach(there);
    if (this.isOn) this.#soon();
  }

  #reach(index) {
    const { player } = this;
    this.at = Math.min(index, player.count - 1);
    const time = this.#timeIn(this.at);
    if (this.at === player.at) player.showTime(time ?? player.time);
    else player.go(this.at, { scrubs: true, plays: true, time });
    if (this.at === player.count - 1) this.pause();
  }

  #timeIn(index) {
    const [from, to] = [this.player.spans.starts[index], this.player.spans.starts[index + 1]];
    if (from === null || !(to > from) || calm.matches) return from;
    return from + Math.min(this.passed / this.lasts[index], 1) * (to - from);
  }
}
