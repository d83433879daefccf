// A session that is still arriving: new steps are put behind those there, and nothing else moves.

import { load, placeOf } from "./marks.js";
import { Spans } from "./spans.js";

const EVERY = 5_000;
const AT_MOST = 60_000;

// Steps that began earlier may arrive later.
function firstNew(before, now) {
  const isSame = (index) => before.starts[index] === now.starts[index] && before.name(index) === now.name(index);
  let index = 0;
  while (index < before.count && isSame(index)) index += 1;
  return index;
}

export function follow(player, state) {
  const bar = player.querySelector("[data-arrived]");
  let known = state;
  let seen = player.count;
  // Where the first step is that one has not been told of.
  let first = Infinity;
  let wait = EVERY;

  async function look() {
    if (document.hidden) return;
    const answer = await fetch(player.dataset.spans, { cache: "no-cache", headers: { Accept: "application/json" } });
    if (answer.redirected || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)) return stop();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    if (answer.headers.get("ETag") !== known) await take(await answer.json());
    known = answer.headers.get("ETag");
    if (answer.headers.get("Playhead-Open") === "no") wait = Infinity;
  }

  async function take(columns) {
    const id = await player.stepId();
    const spans = new Spans(columns);
    const at = await placeOf(player, id);
    // The step may have moved meanwhile, by steps that began before it and came after it.
    const added = spans.count - seen;
    first = Math.min(first, firstNew(player.spans, spans));
    player.take(spans, at ?? Math.min(player.at, spans.count - 1));
    await load(player);
    if (added > 0) show(added);
  }

  function show(added) {
    const text = `${added.toLocaleString("en")} new step${added === 1 ? "" : "s"}`;
    bar.textContent = text;
    bar.hidden = false;
    player.announce(text);
  }

  // Signed out, or erased: asking again would not help.
  function stop() {
    wait = Infinity;
    player.tell("The session is no longer followed. Load the page again.");
  }

  async function poll() {
    clearTimeout(poll.timer);
    try {
      await look();
      wait = wait === Infinity ? wait : EVERY;
    } catch {
      wait = Math.min(wait * 2, AT_MOST);
    }
    if (wait !== Infinity) poll.timer = setTimeout(poll, wait);
  }

  bar.addEventListener("click", () => {
    bar.hidden = true;
    player.go(first);
    [seen, first] = [player.count, Infinity];
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && wait !== Infinity) poll(); });
  poll.timer = setTimeout(poll, EVERY);
}
