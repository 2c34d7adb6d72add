// Decides what the page says: the view model, a pure function of the floor document. Mirrors wallboard/board.py.

import { DASH, duration, number, percent, setup, timeOfDay, word } from "./setup.js";

const HOLD_S = 10;
const COVERED = 0.95;
const shown = new Map(); // figure -> level on display
const turning = new Map(); // figure -> [level, since]

function hold(figure, level, nowS) {
  if (!shown.has(figure)) shown.set(figure, level);
  const current = shown.get(figure);
  if (level === current) { turning.delete(figure); return current; }
  const pending = turning.get(figure);
  if (!pending || pending[0] !== level) turning.set(figure, [level, nowS]);
  else if (nowS - pending[1] >= HOLD_S) { shown.set(figure, level); turning.delete(figure); return level; }
  return current;
}

export function levelNow(figure, value) {
  const threshold = setup.thresholds[figure];
  if (!threshold || value === null || value === undefined) return "none";
  const [side, amber, red] = threshold;
  const beyond = (limit) => (side === "above" ? value > limit : value < limit);
  return beyond(red) ? "red" : beyond(amber) ? "amber" : "none";
}

function level(floor, path, figure, value, nowMs, fresh) {
  if (fresh !== "live") return "none";
  const name = `${path}.${figure}`;
  const alarm = (floor.alarms ?? []).find((each) => each.id === name);
  return alarm ? alarm.level : hold(name, levelNow(figure, value), nowMs / 1000);
}

const ageS = (moment, nowMs) => Math.max(0, (nowMs - Date.parse(moment)) / 1000);
const count = (value) => (value === null || value === undefined ? DASH : number(value));

export function longestWait(scope, nowMs) {
  if (scope.waiting === null || scope.waiting === undefined) return null;
  if (scope.waiting === 0) return 0;
  // Out of sight nobody knows whether that caller still waits: the wait stands as it was last seen.
  const seenMs = scope.fresh === "stale" && scope.as_of ? Math.min(nowMs, Date.parse(scope.as_of)) : nowMs;
  return scope.longest_since ? ageS(scope.longest_since, seenMs) : scope.longest_wait ?? null;
}

function stamp(scope, nowMs) {
  if (scope.fresh === "live") return "";
  if (scope.fresh !== "stale" || !scope.as_of) return word("unknown");
  return word("stale", { age: duration(ageS(scope.as_of, nowMs)), time: timeOfDay(Date.parse(scope.as_of), true) });
}

// One line: which calls, of how many, by which definition, against which target.
function definition(today, key) {
  const parts = [];
  const of = today[`${key}_of`];
  if (of && of[1] > 0) parts.push(word("of", { a: number(of[0]), b: number(of[1]) }));
  if (key === "service_level") {
    if (today.service_level_variant) parts.push(today.service_level_variant);
    if (today.target !== null && today.target !== undefined) parts.push(word("within", { t: number(today.target) }));
  }
  return parts.join(" · ");
}

function target(key) {
  const threshold = setup.thresholds[key];
  if (!threshold) return "";
  const sign = threshold[0] === "above" ? "≤" : "≥";
  const limit = key === "asa" || key === "longest_wait" ? duration(threshold[2]) : number(threshold[2] * 100) + percent(1)[1];
  return `${word("target")} ${sign} ${limit}`;
}

export function tiles(floor, scope, path, nowMs) {
  const today = scope.today ?? {};
  const agents = scope.agents;
  const some = (...states) => (agents ? number(states.reduce((sum, state) => sum + (agents[state] ?? 0), 0)) : DASH);
  const known = scope.fresh === "live" || scope.fresh === "stale";
  const hatched = today.coverage !== null && today.coverage !== undefined && today.coverage < COVERED;
  const share = (key) => {
    const value = today[key] ?? null;
    const [digits, unit] = value === null ? [DASH, ""] : percent(value);
    return { key, value: digits, unit, note: definition(today, key), target: target(key), level: level(floor, path, key, value, nowMs, scope.fresh), hatched };
  };
  const waited = longestWait(scope, nowMs);
  const asa = today.asa ?? null;
  const out = [
    { key: "waiting", value: count(scope.waiting) },
    { key: "longest_wait", value: duration(waited), level: level(floor, path, "longest_wait", waited, nowMs, scope.fresh) },
    share("service_level"),
    { key: "available", value: some("available") },
    { key: "busy", value: some("talking", "holding", "ringing"), note: busyNote(agents) },
    { key: "wrap_up", value: some("wrap_up") },
    { key: "paused", value: some("paused") },
    share("abandon_rate"),
    { key: "asa", value: duration(asa), level: level(floor, path, "asa", asa, nowMs, scope.fresh), target: target("asa"), hatched },
    { key: "answered", value: count(today.answered), hatched },
    { key: "offered", value: count(today.offered), hatched },
    { key: "logged_in", value: some("logged_in") },
  ];
  return Object.fromEntries(out.map((tile) => {
    const base = { label: word(tile.key), unit: "", note: "", target: "", level: "none", hatched: false, fresh: scope.fresh, ...tile };
    return [tile.key, known ? base : { ...base, value: DASH, unit: "", note: "", level: "none", hatched: false }];
  }));
}

function busyNote(agents) {
  if (!agents) return "";
  return ["talking", "ringing", "holding"].filter((state) => agents[state]).map((state) => `${word(state)} ${number(agents[state])}`).join(" · ");
}

const since = (moment, nowMs) => `${word("since", { t: timeOfDay(Date.parse(moment)) })} (${duration(ageS(moment, nowMs))})`;
const LINK_SHAPES = { down: "link", draining: "drain", no_consumer: "deaf", denied: "lock" };

export function banners(floor, nowMs) {
  const out = [];
  const sources = Object.entries(floor.pbx ?? {});
  for (const [key, pbx] of sources) {
    if (pbx.state === "up") continue;
    const details = [...(sources.length > 1 ? [key] : []), ...(pbx.since ? [since(pbx.since, nowMs)] : [])];
    out.push({ id: `pbx.${key}`, trouble: "pbx", shape: pbx.state === "denied" ? "lock" : "down", text: word(`pbx.${pbx.state}`), details, severe: pbx.state !== "resyncing" });
  }
  const crm = floor.crm ?? { state: "off" };
  if (crm.state !== "up" && crm.state !== "off") {
    const details = [`${word("held")} ${number(crm.backlog ?? 0)}`];
    if (crm.oldest) details.push(`${word("oldest")} ${duration(ageS(crm.oldest, nowMs))}`);
    if (crm.state === "draining") { if (crm.drain_s != null) details.push(word("to_go", { t: duration(crm.drain_s) })); }
    else if (crm.since) details.unshift(since(crm.since, nowMs));
    out.push({ id: "link", trouble: "link", shape: LINK_SHAPES[crm.state] ?? "link", text: word(`link.${crm.state}`), details, severe: crm.state !== "draining" });
  }
  for (const item of floor.health ?? []) {
    if (item.level !== "ok") out.push({ id: `box.${item.id}`, trouble: "box", shape: "box", text: word("box.fault"), details: [item.text || item.id], severe: item.level === "red" });
  }
  if (floor.clock === "unset") out.push({ id: "clock", trouble: "clock", shape: "clock", text: word("clock.unset"), details: [], severe: false });
  return out.sort((a, b) => Number(b.severe) - Number(a.severe));
}

// What the strip says while nothing is wrong.
export function calm(floor) {
  const out = [{ shape: "ok", text: Object.keys(floor.pbx ?? {}).length ? word("pbx.up") : word("pbx.none"), note: "" }];
  const crm = floor.crm ?? { state: "off" };
  if (crm.state === "up") out.push({ shape: "ok", text: word("link.up"), note: `${word("delivered")} ${number(crm.delivered ?? 0)}` });
  else if (crm.state === "off") out.push({ shape: "", text: word("link.off"), note: "" });
  return out;
}

export function scopeOf(floor) {
  const { kind, key } = setup.scope;
  if (kind === "queue") return [floor.queues?.[key] ?? { fresh: "unknown" }, `queue.${key}`];
  if (kind === "group") return [floor.groups?.[key] ?? { fresh: "unknown" }, `group.${key}`];
  return [floor.floor ?? { fresh: "unknown" }, "floor"];
}

export function view(floor, nowMs) {
  const [scope, path] = scopeOf(floor);
  const agents = floor.floor?.agents ?? {};
  const quiet = !floor.floor?.waiting && !agents.talking && !agents.holding && !agents.ringing;
  const mine = (notice) => !notice.boards?.length || notice.boards.includes("tv") || notice.boards.includes(setup.scope.key || "floor");
  const queues = setup.scope.kind === "floor" ? Object.entries(floor.queues ?? {}) : [];
  return {
    title: setup.scope.kind === "floor" ? floor.site ?? setup.site : scope.title ?? setup.title,
    face: floor.open === false && quiet ? "closed" : "normal",
    fresh: scope.fresh ?? "unknown",
    stamp: stamp(scope, nowMs),
    tiles: tiles(floor, scope, path, nowMs),
    agents: scope.agents ?? null,
    coverage: scope.today?.coverage ?? null,
    rows: queues.map(([key, queue]) => ({ key, title: queue.title ?? key, fresh: queue.fresh, age: queue.fresh === "stale" && queue.as_of ? duration(ageS(queue.as_of, nowMs)) : "", tiles: tiles(floor, queue, `queue.${key}`, nowMs) })),
    banners: banners(floor, nowMs),
    calm: calm(floor),
    announcements: (floor.announcements ?? []).filter(mine),
  };
}
