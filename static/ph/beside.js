// The sessions before and behind this one, in the list that one came from.

import { cameFrom } from "./place.js";

// The list begins elsewhere, and is looked at, not narrowed, by these.
const NOT_CARRIED = ["cursor", "limit", "view", "columns", "density", "live", "remember"];

function listQuery(player) {
  const found = new URLSearchParams(cameFrom(player) ?? "");
  for (const name of NOT_CARRIED) found.delete(name);
  return found;
}

export async function open(player, to) {
  if (!player.dataset.beside) return player.tell("You were shown this session alone");
  const asked = listQuery(player);
  asked.set("to", to);
  const answer = await fetch(`${player.dataset.beside}?${asked}`);
  if (!answer.ok) return player.tell("The list that you came from cannot be read any more");
  const { url } = await answer.json();
  if (url) location.assign(`${url}?view=${player.dataset.view}`);
  else player.tell(to === "next" ? "This is the last session of the list" : "This is the first session of the list");
}
