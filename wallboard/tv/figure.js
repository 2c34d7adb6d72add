// Decides how one figure reads: digits, unit, notes, freshness, alarm. Mirrors wallboard/tile.py over the same table of figures.

import { DASH, ageS, duration, fixed, has, number, percent, setup, span, word } from "./setup.js";

const COVERED = 0.95; // below this share of the window seen, a figure is hatched
const UTILISATION = "/utilisation.";
const BUSY = ["talking", "ringing", "holding"];
const REASONS_SHOWN = 4;
const SHARES = new Set(["share", "rate", "ratio", "all_busy"]);
const TIMES = new Set(["wait", "since", "duration", "moment"]);
const known = (value) => value !== null && value !== undefined;

export function figureText(form, value) {
  if (!known(value)) return [DASH, ""];
  if (SHARES.has(form)) return percent(value);
  if (form === "lines" || form === "parts") return [`${number(value[0])}/${number(value[1])}`, ""];
  if (form === "score") return [number(value.mean ?? value, 1), ""];
  if (form === "span") return [span(value), ""];
  return [TIMES.has(form) ? duration(value) : number(value), ""];
}

export function longestWait(scope, nowMs) {
  if (!known(scope.waiting)) return null;
  if (scope.waiting === 0) return 0;
  if (!scope.longest_since) return scope.longest_wait ?? null;
  return ageS(scope.longest_since, seenMs(scope, nowMs));
}

// Out of sight nobody knows whether that caller still waits: the wait stands as it was last seen.
const seenMs = (scope, nowMs) => (scope.fresh === "stale" && scope.as_of ? Math.min(nowMs, Date.parse(scope.as_of)) : nowMs);

// A share with 4 decimals, as every rate has in the document; null over nothing.
export const shareOf = (part, whole) => (whole && known(part) ? Number(fixed(part / whole, 4)) : null);

// A target: a whole per cent without decimals, since nobody set it to a tenth.
function limitText(form, limit) {
  if (!SHARES.has(form)) return figureText(form, limit).join("");
  return number(limit * 100, Number.isInteger(Number((limit * 100).toFixed(1))) ? 0 : 1) + percent(0)[1];
}

export function targetText(key, path) {
  const figure = setup.figures[key].form === "all_busy" ? setup.figures[key].of : key;
  const threshold = setup.thresholds[`${path}.${figure}`] ?? setup.thresholds[figure];
  if (!threshold) return "";
  return `${word("target")} ${threshold[0] === "above" ? "≤" : "≥"} ${limitText(setup.figures[key].form, threshold[2])}`;
}

export const label = (key) => word(key);
export const short = (key) => (has(`short.${key}`) ? word(`short.${key}`) : word(key));

// Reads figures out of one floor document at one instant. A scope is {path, queue, window}.
export class Reader {
  constructor(floor, nowMs) {
    this.floor = floor;
    this.nowMs = nowMs;
    this.alarms = new Map((floor.alarms ?? []).map((alarm) => [alarm.id, alarm]));
  }

  // The tile of one key; null where it is there only while it is known, and is not.
  tile(key, scope) {
    const figure = setup.figures[key];
    let [value, worst] = this.value(figure, scope);
    const fresh = figure.source.startsWith("/crm") ? "live" : scope.queue.fresh ?? "unknown";
    if (fresh === "unknown") value = null;
    if (!known(value) && figure.known) return null;
    const [digits, unit] = figureText(figure.form, value);
    const alarm = this.alarm(figure, worst || `${scope.path}.${key}`, scope, fresh);
    const window = scope.queue[scope.window];
    const coverage = figure.source.startsWith(UTILISATION) ? this.floor.utilisation?.coverage : figure.day ? window?.coverage : null;
    const hatched = known(value) && known(coverage) && coverage < COVERED;
    return {
      key, label: label(key), short: short(key), form: figure.form, value: digits, unit,
      notes: known(value) ? this.notes(key, figure, scope, window) : [],
      target: figure.alarm ? targetText(key, scope.path) : "",
      fresh, level: alarm?.level ?? "none", acknowledged: known(alarm?.acknowledged),
      hatched, covered: hatched ? coverage : null,
    };
  }

  value(figure, scope) {
    const { form, source } = figure;
    if (form === "wait") return [longestWait(scope.queue, this.nowMs), ""];
    if (form === "agents") {
      const { agents: counts, fresh } = scope.queue;
      // Out of sight agents are unknown, and a 0 would claim that nobody is available, or busy.
      const lost = !counts || (counts.unknown && fresh !== "live" && !figure.states.includes("logged_in"));
      return [lost ? null : figure.states.reduce((sum, state) => sum + (counts[state] ?? 0), 0), ""];
    }
    if (form === "lines") return [this.lines(), ""];
    if (form === "all_busy") return this.worstTrunk(figure.of);
    const value = this.at(source, scope);
    if (form === "rate") return [shareOf(value, this.at(figure.of, scope)), ""];
    if (form === "since") {
      const count = this.at(figure.of, scope);
      return [count === 0 ? 0 : known(count) && known(value) ? ageS(value, seenMs(scope.queue, this.nowMs)) : null, ""];
    }
    return [form === "moment" && value !== null ? ageS(value, this.nowMs) : value, ""];
  }

  at(source, scope) {
    const [root, path] = source.startsWith("/") ? [this.floor, source.slice(1)]
      : source.startsWith("window.") ? [scope.queue[scope.window], source.slice(7)] : [scope.queue, source];
    return path.split(".").reduce((at, part) => at?.[part], root) ?? null;
  }

  lines() {
    const trunks = Object.values(this.floor.trunks ?? {});
    if (!trunks.length || trunks.some((trunk) => !known(trunk.busy) || !known(trunk.lines))) return null;
    return [trunks.reduce((sum, trunk) => sum + trunk.busy, 0), trunks.reduce((sum, trunk) => sum + trunk.lines, 0)];
  }

  worstTrunk(member) {
    let worst = null;
    for (const [key, trunk] of Object.entries(this.floor.trunks ?? {})) {
      const share = trunk[member];
      if (known(share) && (!worst || share > worst[0] || (share === worst[0] && key > worst[1]))) worst = [share, key];
    }
    return worst ? [worst[0], `trunk.${worst[1]}.${member}`] : [null, ""];
  }

  // An alarm is of today's figure; of an old one nobody knows whether it still holds.
  alarm(figure, name, scope, fresh) {
    if (!figure.alarm || fresh !== "live" || (figure.day && scope.window !== "today")) return null;
    return this.alarms.get(name) ?? null;
  }

  notes(key, figure, scope, window) {
    // Trunks and agents' time are of the day, whatever window the page shows.
    const wholeDay = scope.window !== "today" && (figure.form === "all_busy" || figure.source.startsWith(UTILISATION));
    const notes = wholeDay ? [word("window.today")] : [];
    if (key === "service_level" && window) {
      const parts = [window.service_level_variant, known(window.target) ? word("within", { t: number(window.target) }) : null].filter(Boolean);
      if (parts.length) notes.push(parts.join(" "));
    }
    if (figure.form === "rate") {
      notes.push(word("of", { a: number(this.at(figure.source, scope)), b: number(this.at(figure.of, scope)) }));
    } else if (figure.of?.startsWith("window.") && window) {
      const parts = window[figure.of.slice(7)];
      if (parts?.[1]) notes.push(word("of", { a: number(parts[0]), b: number(parts[1]) }));
    }
    if (key === "offered" && window?.unknown) notes.push(word("not_told", { n: number(window.unknown) }));
    if (key === "vip_wait" && scope.queue.vip_waiting) notes.push(word("vip.waiting", { n: number(scope.queue.vip_waiting) }));
    if (key === "callbacks" && scope.queue.callbacks) notes.push(...this.callbacks(scope));
    if (key === "satisfaction" && window?.satisfaction) notes.push(word("answers", { n: number(window.satisfaction.answers) }));
    const counts = scope.queue.agents;
    if (key === "busy" && counts) notes.push(...BUSY.filter((state) => counts[state]).map((state) => `${word(state)} ${number(counts[state])}`));
    if (key === "paused") notes.push(...this.reasons(scope));
    return notes;
  }

  // Since when the oldest one waits, and how many somebody took on.
  callbacks(scope) {
    const due = scope.queue.callbacks;
    if (!due.open) return [];
    const [age] = this.value(setup.figures.callbacks_oldest, scope);
    const said = due.oldest_since ? [`${word("callbacks_oldest")} ${duration(age)}`] : [];
    return due.claimed ? [...said, `${word("callbacks_claimed")} ${number(due.claimed)}`] : said;
  }

  // Why agents are paused, the commonest first; of a queue, its own agents.
  reasons(scope) {
    const at = scope.path.indexOf(".");
    const [kind, queue] = at < 0 ? [scope.path, ""] : [scope.path.slice(0, at), scope.path.slice(at + 1)];
    if (kind !== "floor" && kind !== "queue") return [];
    const counted = new Map();
    for (const agent of Object.values(this.floor.agents ?? {})) {
      if (agent.state === "paused" && agent.reason && (kind === "floor" || (agent.queues ?? []).includes(queue)))
        counted.set(agent.reason, (counted.get(agent.reason) ?? 0) + 1);
    }
    const commonest = [...counted].sort((a, b) => b[1] - a[1] || byCode(a[0], b[0])).slice(0, REASONS_SHOWN);
    return commonest.map(([reason, count]) => `${reason} ${number(count)}`);
  }
}

// Python's order of texts: by code point.
export function byCode(a, b) {
  const [left, right] = [[...a], [...b]];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const order = left[at].codePointAt(0) - right[at].codePointAt(0);
    if (order) return order;
  }
  return left.length - right.length;
}
