// What one looks for in a session, and what people left there: jumps, comments, bookmarks.

import { kept } from "./browser.js";
import { MARKS } from "./minimap.js";
import { leftOn } from "./place.js";

const BOOKMARKS = "playhead-bookmarks";
// Sessions of which bookmarks are kept, the latest; and bookmarks of one.
const MOST_SESSIONS = 100;
const MOST_BOOKMARKS = 100;
// Ids that are asked for at once.
const AT_ONCE = 100;
const NAMES = {
  error: ["error", "errors"], state: ["state change", "state changes"],
  decision: ["decision", "decisions"], code: ["code change", "code changes"],
  lane: ["step of this lane", "steps of this lane"],
  comment: ["comment", "comments"], bookmark: ["bookmark", "bookmarks"],
};

export function jump(player, what, by) {
  const { spans, minimap, at } = player;
  const fits = what === "lane"
    ? (index) => spans.groups[index] === spans.groups[at]
    : (index) => minimap.matches(what, index);
  for (let index = at + by; index >= 0 && index < spans.count; index += by) {
    if (fits(index)) return player.go(index);
  }
  const none = what !== "lane" && !minimap.count(what);
  player.tell(none ? `No ${NAMES[what][1]} in this session` : `No ${by > 0 ? "later" : "earlier"} ${NAMES[what][0]}`);
}

// How many there are of each, in the list of what can be looked for.
export function count(player) {
  for (const option of player.querySelector("[data-choice=sought]").options) {
    const { sign } = MARKS[option.value];
    option.textContent = `${sign} ${NAMES[option.value][1]} (${player.minimap.count(option.value).toLocaleString("en")})`;
  }
}

export async function load(player, known = null) {
  const left = known ?? await leftOn(player);
  const comments = Object.entries(left?.comments ?? {});
  const places = await placesOf(player, [...comments.map(([id]) => id), ...bookmarks(player)]);
  const there = (ids) => ids.filter(([id]) => places.get(id) !== undefined).map(([id, value]) => [places.get(id), value]);
  player.minimap.mark("comment", new Map(there(comments)));
  // Those that were left while this was on its way are marked already.
  const marked = there(bookmarks(player).map((id) => [id, 1]));
  player.minimap.mark("bookmark", new Map([...player.minimap.left.bookmark, ...marked]));
  count(player);
  player.showPlace();
  const isSaid = left && (comments.length || Object.keys(left.tags).length || left.about);
  if (isSaid) (await import("./comments.js")).commentingOn(player, left);
}

// Where steps stand, which are known here by their ids: {id: place}.
async function placesOf(player, ids) {
  const found = new Map();
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const answer = await fetch(`${player.dataset.places}?steps=${ids.slice(from, from + AT_ONCE)}`);
    const { places } = answer.ok ? await answer.json() : { places: {} };
    for (const [id, at] of Object.entries(places)) if (at !== null) found.set(id, at);
  }
  return found;
}

export async function placeOf(player, id) {
  return (await placesOf(player, [id])).get(id) ?? null;
}

const all = () => new Map(kept(BOOKMARKS, []));
const bookmarks = (player) => all().get(player.dataset.session) ?? [];

export async function turnBookmark(player) {
  // One may have gone on before the answer is there.
  const { at } = player;
  const id = await player.stepId();
  const before = bookmarks(player);
  const isNew = !before.includes(id);
  if (isNew && before.length >= MOST_BOOKMARKS) return player.tell(`A session has at most ${MOST_BOOKMARKS} bookmarks`);
  const kept = all();
  kept.delete(player.dataset.session);
  const now = isNew ? [...before, id] : before.filter((other) => other !== id);
  if (now.length) kept.set(player.dataset.session, now);
  localStorage.setItem(BOOKMARKS, JSON.stringify([...kept].slice(-MOST_SESSIONS)));
  const places = new Map(player.minimap.left.bookmark);
  if (isNew) places.set(at, 1);
  else places.delete(at);
  player.minimap.mark("bookmark", places);
  count(player);
  player.showPlace();
  player.tell(isNew ? "Bookmarked in this browser" : "Bookmark taken away");
}

// Opens the panel's comments, on the words that are selected where there are any.
export async function openComments(player) {
  const { commentingOn } = await import("./comments.js");
  return commentingOn(player).comment();
}
