// The one table of keys. The dispatcher, the help dialog and docs/keyboard.md are made from it: after a
// change, run `manage.py keyboard_page`.
// where: "everywhere", "list", "player", "tree", "tickets", "compare"; a page takes the groups that it names.

export const KEYS = [
  { where: "everywhere", keys: ["Ctrl k"], says: "Search, or jump to anything" },
  { where: "everywhere", keys: ["?"], act: "help", says: "Show these keys" },
  { where: "everywhere", keys: ["/"], act: "filter", says: "Go to the filter" },
  { where: "everywhere", keys: ["g s"], act: "go-s", says: "Go to the sessions" },
  { where: "everywhere", keys: ["g p"], act: "go-p", says: "Go to the prompts" },
  { where: "everywhere", keys: ["g r"], act: "go-r", says: "Go to the regressions" },
  { where: "everywhere", keys: ["g t"], act: "go-t", says: "Go to the tickets" },
  { where: "everywhere", keys: ["g i"], act: "go-i", says: "Go to your inbox" },
  { where: "everywhere", keys: ["Escape"], act: "close", says: "Close a dialog or menu" },
  { where: "list", keys: ["j"], act: "down", says: "Next session" },
  { where: "list", keys: ["k"], act: "up", says: "Previous session" },
  { where: "list", keys: ["Enter"], act: "open", says: "Open the session" },
  { where: "list", keys: ["x"], act: "select", says: "Select the session, or not" },
  { where: "list", keys: ["X"], act: "select-range", says: "Select from the last one to here" },
  { where: "list", keys: ["c"], act: "compare", says: "Compare the selected sessions" },
  { where: "list", keys: ["t"], act: "tag", says: "Tag the selected sessions" },
  { where: "list", keys: ["n"], act: "older", says: "Older page" },
  { where: "list", keys: ["p"], act: "newer", says: "Newer page" },
  { where: "player", keys: [" "], act: "play", says: "Play or pause" },
  { where: "player", keys: ["ArrowRight"], act: "next", says: "Next step" },
  { where: "player", keys: ["ArrowLeft"], act: "previous", says: "Previous step" },
  { where: "player", keys: ["Shift+ArrowRight"], act: "next-in-lane", says: "Next step of the same lane" },
  { where: "player", keys: ["Shift+ArrowLeft"], act: "previous-in-lane", says: "Previous step of the same lane" },
  { where: "player", keys: ["Home"], act: "first", says: "First step" },
  { where: "player", keys: ["End"], act: "last", says: "Last step" },
  { where: "player", keys: ["e"], act: "next-error", says: "Next error" },
  { where: "player", keys: ["E"], act: "previous-error", says: "Previous error" },
  { where: "player", keys: ["."], act: "next-state", says: "Next state change" },
  { where: "player", keys: [","], act: "previous-state", says: "Previous state change" },
  { where: "player", keys: ["s"], act: "speed", says: "Next speed: ½, 1, 2, 4, 8 times" },
  { where: "player", keys: ["1"], act: "timeline", says: "Timeline" },
  { where: "player", keys: ["2"], act: "tree", says: "Tree" },
  { where: "player", keys: ["3"], act: "graph", says: "Graph" },
  { where: "player", keys: ["4"], act: "transcript", says: "Transcript" },
  { where: "player", keys: ["b"], act: "bookmark", says: "Bookmark the step, or not" },
  { where: "player", keys: ["B"], act: "next-bookmark", says: "Next bookmark" },
  { where: "player", keys: ["c"], act: "comment", says: "Comment on the step" },
  { where: "player", keys: ["i"], act: "inspector", says: "Hide or show the step's panel" },
  { where: "player", keys: ["J"], act: "next-session", says: "Next session of the list that you came from" },
  { where: "player", keys: ["K"], act: "previous-session", says: "Previous session of that list" },
  { where: "player", keys: ["["], act: "collapse", says: "Collapse all steps" },
  { where: "player", keys: ["]"], act: "expand", says: "Expand all steps" },
  { where: "player", keys: ["y"], act: "copy-link", says: "Copy a link to this step" },
  { where: "player", keys: ["F"], act: "find", says: "Find words in this session" },
  { where: "player", keys: ["n"], act: "next-hit", says: "Next place found" },
  { where: "player", keys: ["N"], act: "previous-hit", says: "Previous place found" },
  { where: "graph", keys: ["ArrowDown"], says: "Follow a line to the next node" },
  { where: "graph", keys: ["ArrowUp"], says: "Go back along a line" },
  { where: "graph", keys: ["ArrowLeft", "ArrowRight"], says: "Node to the left or right" },
  { where: "graph", keys: ["+", "="], act: "larger", says: "Larger" },
  { where: "graph", keys: ["-"], act: "smaller", says: "Smaller" },
  { where: "graph", keys: ["f"], act: "fit", says: "The whole graph; again: its whole width" },
  { where: "rows", keys: ["+", "="], act: "zoom-in", says: "Less time, larger" },
  { where: "rows", keys: ["-"], act: "zoom-out", says: "More time, smaller" },
  { where: "rows", keys: ["f"], act: "focus", says: "Zoom to the step; again: the whole session" },
  { where: "rows", keys: ["r"], act: "rows", says: "Zoom to the rows in sight" },
  { where: "rows", keys: ["{"], act: "less", says: "One level less" },
  { where: "rows", keys: ["}"], act: "more", says: "One level more" },
  { where: "tree", keys: ["ArrowUp", "ArrowDown"], says: "Step above or below" },
  { where: "tree", keys: ["ArrowRight"], says: "Open the step, or go to its first child" },
  { where: "tree", keys: ["ArrowLeft"], says: "Close the step, or go to its parent" },
  { where: "tree", keys: ["Home", "End"], says: "First or last row" },
  { where: "tree", keys: ["PageUp", "PageDown"], says: "A page of rows up or down" },
  { where: "tree", keys: ["*"], says: "Open all beside the step" },
  { where: "tree", keys: ["p"], says: "Keep a lane first, or not" },
  { where: "tree", keys: ["a-z"], says: "Next row whose name begins so; begin with a letter that is no key" },
  { where: "tickets", keys: ["j"], act: "down", says: "Next ticket" },
  { where: "tickets", keys: ["k"], act: "up", says: "Previous ticket" },
  { where: "tickets", keys: ["ArrowLeft"], act: "left", says: "Column to the left" },
  { where: "tickets", keys: ["ArrowRight"], act: "right", says: "Column to the right" },
  { where: "tickets", keys: ["Enter"], act: "open", says: "Open the ticket" },
  { where: "tickets", keys: ["m"], act: "move", says: "Move the ticket: then 1 Open, 2 In review, 3 Waiting, 4 Done" },
  { where: "tickets", keys: ["u"], act: "next", says: "Claim the next ticket that nobody works on" },
  { where: "tickets", keys: ["o"], act: "subject", says: "Open what the ticket is about" },
  { where: "compare", keys: ["n"], act: "next", says: "Next difference" },
  { where: "compare", keys: ["N"], act: "previous", says: "Previous difference" },
  { where: "compare", keys: ["v"], act: "view", says: "Mark the difference as viewed, and go on" },
  { where: "compare", keys: ["1"], act: "a-better", says: "Verdict: A did better" },
  { where: "compare", keys: ["2"], act: "b-better", says: "Verdict: B did better" },
  { where: "compare", keys: ["3"], act: "tie", says: "Verdict: a tie" },
];

const TITLES = { everywhere: "Everywhere", list: "Session list", player: "Player", graph: "In the graph", rows: "Timeline and tree", tree: "In the rows", tickets: "Tickets", compare: "Comparison" };
const SIGNS = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", " ": "Space", PageUp: "Page up", PageDown: "Page down" };
const TYPING = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
const PRESSABLE = "button, a, summary, [role=button], input";
const PRESSED_BY_BLANK = "button, summary, [role=button], input:not([type=range])";

// A key as the table names it: capitals say that Shift is held, keys without a sign do not.
const nameOf = (event) => (event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key);

// ... and as people read it.
function sign(key) {
  if (key.startsWith("Shift+")) return `Shift ${sign(key.slice(6))}`;
  return /^[A-Z]$/.test(key) ? `Shift ${key.toLowerCase()}` : (SIGNS[key] ?? key);
}

const actions = new Map();

// Answer the keys of a group; acts is {name of act: function}.
export function onKeys(where, acts) {
  actions.set(where, { ...actions.get(where), ...acts });
}

// What can be done on this page, for the palette: [{says, keys, run}].
export function actsHere() {
  return KEYS.filter((row) => actions.get(row.where)?.[row.act]).map((row) => ({
    says: row.says,
    keys: row.keys.map((key) => SIGNS[key] ?? key).join(" "),
    run: () => actions.get(row.where)[row.act](new KeyboardEvent("keydown", { key: row.keys[0] })),
  }));
}

// Whether a key does something on this page, so that it begins no word that is typed ahead.
export function actsOnKey(key) {
  if (lettersAreOff()) return false;
  const begins = (row) => row.keys.some((one) => one === key || one.startsWith(`${key} `));
  return KEYS.some((row) => begins(row) && actions.get(row.where)?.[row.act]);
}

// Whoever speaks to their machine, or leans on its keys, can switch single letters off.
const LETTERS_OFF = "playhead-letters-off";
const lettersAreOff = () => localStorage.getItem(LETTERS_OFF) !== null;

function lettersSwitch() {
  const label = element("label", undefined, "cluster");
  const box = element("input");
  box.type = "checkbox";
  box.checked = !lettersAreOff();
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(LETTERS_OFF);
    else localStorage.setItem(LETTERS_OFF, "");
  });
  label.append(box, "Single letters and signs act (kept in this browser)");
  return label;
}

function isLeftAlone(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  if (event.target.closest(TYPING)) return true;
  if (event.key.length === 1 && event.key !== " " && lettersAreOff()) return true;
  if (event.key === "Enter" && event.target.closest(PRESSABLE)) return true;
  // A blank presses what has the focus, and scrolls back with Shift.
  if (event.key === " " && (event.shiftKey || event.target.closest(PRESSED_BY_BLANK))) return true;
  if (event.shiftKey && event.key.startsWith("Arrow")) return !getSelection().isCollapsed;
  if (event.target.matches("input[type=range]") && /^(Arrow|Home|End|Page)/.test(event.key)) return true;
  return document.querySelector("dialog[open], [popover]:popover-open") !== null;
}

// The first key of two, while the second may still come.
const SECOND_WITHIN = 1500;
let first = "";

function dispatch(event) {
  if (isLeftAlone(event)) return;
  const name = first ? `${first} ${nameOf(event)}` : nameOf(event);
  first = "";
  for (const row of KEYS) {
    const act = actions.get(row.where)?.[row.act];
    if (act && row.keys.includes(name)) {
      event.preventDefault();
      act(event);
      return;
    }
  }
  if (!KEYS.some((row) => row.keys.some((key) => key.startsWith(`${name} `)))) return;
  first = name;
  setTimeout(() => { first = ""; }, SECOND_WITHIN);
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function helpDialog() {
  const dialog = element("dialog");
  dialog.id = "help";
  dialog.setAttribute("aria-labelledby", "help-title");
  const head = element("div", undefined, "dialog-head");
  const title = element("h2", "Keyboard");
  title.id = "help-title";
  const close = element("button", "Close", "button small");
  close.addEventListener("click", () => dialog.close());
  head.append(title, close);
  dialog.append(head);
  const groups = document.body.dataset.keys?.split(" ") ?? [];
  for (const where of ["everywhere", ...groups]) dialog.append(...helpGroup(where));
  dialog.append(lettersSwitch());
  document.body.append(dialog);
  return dialog;
}

function helpGroup(where) {
  const list = element("dl", undefined, "facts keys");
  for (const row of KEYS.filter((key) => key.where === where)) {
    const keys = element("dt");
    for (const key of row.keys) keys.append(element("kbd", sign(key)), " ");
    list.append(keys, element("dd", row.says));
  }
  return [element("h3", TITLES[where]), list];
}

export function openDialog(id) {
  const dialog = document.getElementById(id) ?? (id === "help" ? helpDialog() : null);
  dialog?.showModal();
}

const goTo = (letter) => () => document.querySelector(`[data-go="${letter}"]`)?.click();

onKeys("everywhere", {
  "go-s": goTo("s"),
  "go-p": goTo("p"),
  "go-r": goTo("r"),
  "go-t": goTo("t"),
  "go-i": goTo("i"),
  help: () => openDialog("help"),
  filter: () => document.querySelector("[data-filter]")?.focus(),
});
document.addEventListener("keydown", dispatch);
