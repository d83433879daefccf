// The filter of a session's steps, read as apps/sessions/step_filter.py reads it.

const PART = /(kind|lane|name|status):("[^"]*"?|\S*)|(duration[<>]\S*)|"([^"]*)"?|(\S+)/gi;
const DURATION = /^duration([<>])(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/i;
const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

class Problem extends Error {}

// {found: {count, matches, kept} or null for an empty filter, problem: what is wrong with it}.
export function findSteps(spans, text) {
  try {
    const rules = [...text.matchAll(PART)].map((part) => ruleOf(spans, part)).filter(Boolean);
    return { found: rules.length ? find(spans, rules) : null };
  } catch (error) {
    if (error instanceof Problem) return { found: null, problem: error.message };
    throw error;
  }
}

function find(spans, rules) {
  const matches = new Uint8Array(spans.count);
  const kept = new Uint8Array(spans.count);
  let count = 0;
  for (let index = 0; index < spans.count; index += 1) {
    if (!rules.every((rule) => rule(index))) continue;
    matches[index] = 1;
    count += 1;
    for (let up = index; up >= 0 && !kept[up]; up = spans.parents[up]) kept[up] = 1;
  }
  return { count, matches, kept };
}

// A part that is still being typed restricts nothing.
function ruleOf(spans, [, key, value, compared, quoted, word]) {
  if (compared) return compared.length > "duration>".length ? ofDuration(spans, compared) : null;
  if (key) {
    const asked = value.replace(/^"+|"+$/g, "").toLowerCase();
    return asked ? RULES[key.toLowerCase()](spans, asked) : null;
  }
  if (quoted === undefined && word.toLowerCase() === "error") return (index) => spans.isError(index);
  if (quoted === undefined && word.toLowerCase() === "critical") return (index) => spans.isCritical(index);
  const named = (quoted ?? word).toLowerCase();
  return named ? ofName(spans, named) : null;
}

function ofDuration(spans, text) {
  const read = DURATION.exec(text);
  if (!read) throw new Problem(`${text} is no length of time, such as duration>2s.`);
  const limit = Number(read[2]) * MILLISECONDS[(read[3] ?? "s").toLowerCase()];
  const isLonger = read[1] === ">";
  return (index) => {
    const lasts = spans.duration(index);
    return lasts !== null && (isLonger ? lasts > limit : lasts < limit);
  };
}

const having = (words, text) => new Set([...words.keys()].filter((number) => words[number].toLowerCase().includes(text)));

function ofName(spans, text) {
  const names = having(spans.columns.names, text);
  return (index) => names.has(spans.columns.n[index]);
}

function ofKind(spans, text) {
  const asked = text.split(",");
  return (index) => asked.includes(spans.kind(index));
}

function ofLane(spans, text) {
  const { lanes, l } = spans.columns;
  const isLane = (lane) => lane.toLowerCase() === text || lane.toLowerCase().startsWith(`${text}.`);
  const wanted = new Set([...lanes.keys()].filter((number) => isLane(lanes[number])));
  const named = new Set([...spans.lanes.keys()].filter((group) => spans.laneName(group).toLowerCase().includes(text)));
  return (index) => wanted.has(l[index]) || named.has(spans.groups[index]);
}

function ofStatus(spans, text) {
  if (text !== "error" && text !== "ok") throw new Problem("status: is error or ok.");
  return (index) => spans.isError(index) === (text === "error");
}

const RULES = { kind: ofKind, lane: ofLane, name: ofName, status: ofStatus };
