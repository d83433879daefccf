// The place that one stands at, as the address and the browser's history hold it; and what is known of it.

// What the address says of the place; the rest of it is kept.
const PLACE = ["view", "step", "at", "t"];
// Places that one stayed at for less than this are no entries of the history.
const PASSING = 1000;

// The query of another place.
export function query({ view, ...place }) {
  const kept = new URLSearchParams(location.search);
  for (const name of PLACE) kept.delete(name);
  return new URLSearchParams([["view", view], ...Object.entries(place), ...kept]).toString();
}

export function addressOf(player, view = player.dataset.view) {
  const place = player.id ? { step: player.id } : { at: player.at + 1 };
  if (player.time !== null) place.t = Math.round(player.time);
  return `?${query({ view, ...place })}`;
}

export function placeIn(player) {
  const { at, id, time, count } = player;
  return { at, id, time, count, view: player.dataset.view };
}

// One entry of the history for each place that was chosen and stayed at.
export function keepPlace(player, { isChosen = player.pushes } = {}) {
  const isNew = isChosen && Date.now() - player.movedAt > PASSING;
  if (isChosen) player.movedAt = Date.now();
  player.pushes = false;
  if (isNew) history.pushState(placeIn(player), "", addressOf(player));
  else history.replaceState(placeIn(player), "", addressOf(player));
}

// The query of the list that one came from, which this window remembers from session to session.
const LIST = "playhead-list";

export function cameFrom(player) {
  if (!player.dataset.list) return null;
  const list = new URL(player.dataset.list, location.href).pathname;
  const before = document.referrer ? new URL(document.referrer) : null;
  const isList = before?.origin === location.origin && before.pathname === list;
  if (isList) sessionStorage.setItem(LIST, list + before.search);
  const [path, found] = (sessionStorage.getItem(LIST) ?? "").split("?");
  return path === list ? found : null;
}

// What people left on the session's steps, by the steps' ids: comments, tags.
export async function leftOn(player) {
  if (!player.dataset.marks) return null;
  const answer = await fetch(player.dataset.marks, { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : null;
}
