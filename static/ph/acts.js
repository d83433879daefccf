// What one does in the player now and then: playing it, jumping, leaving bookmarks, choosing.

import { jump, openComments, turnBookmark } from "./marks.js";
import { Transport } from "./transport.js";

function play(player) {
  player.transport ??= new Transport(player);
  player.transport.turn();
}

function choose(player, field) {
  if (field.dataset.choice === "speed") player.choices.speed = Number(field.value);
  if (field.dataset.choice === "skip-idle") {
    player.choices.skipIdle = field.checked;
    player.minimap.fold(field.checked);
  }
  if (field.dataset.choice === "sought") player.say();
  player.keepChoices();
  player.transport?.plan();
}

function nextSpeed(player) {
  const field = player.querySelector("[data-choice=speed]");
  field.selectedIndex = (field.selectedIndex + 1) % field.options.length;
  choose(player, field);
  player.tell(`Speed ${field.value}×`);
}

function turnPanel(player) {
  player.choices.hidesPanel = !player.choices.hidesPanel;
  player.keepChoices();
  player.tell(player.choices.hidesPanel ? "The step's panel is hidden; i shows it again" : "The step's panel is shown");
}

function comment(player) {
  if (player.choices.hidesPanel) turnPanel(player);
  return openComments(player);
}

const sought = (player) => player.querySelector("[data-choice=sought]").value;
const beside = async (player, to) => (await import("./beside.js")).open(player, to);

const ACTS = {
  play,
  choose,
  speed: nextSpeed,
  inspector: turnPanel,
  comment,
  bookmark: turnBookmark,
  "next-sought": (player) => jump(player, sought(player), 1),
  "previous-sought": (player) => jump(player, sought(player), -1),
  "next-error": (player) => jump(player, "error", 1),
  "previous-error": (player) => jump(player, "error", -1),
  "next-state": (player) => jump(player, "state", 1),
  "previous-state": (player) => jump(player, "state", -1),
  "next-in-lane": (player) => jump(player, "lane", 1),
  "previous-in-lane": (player) => jump(player, "lane", -1),
  "next-bookmark": (player) => jump(player, "bookmark", 1),
  "next-session": (player) => beside(player, "next"),
  "previous-session": (player) => beside(player, "previous"),
};

export function act(player, name, ...more) {
  return ACTS[name](player, ...more);
}
