// Decides what stands on each page: its figures in large, or its rows. Mirrors wallboard/page.py.

import { Reader, byCode, figureText, label, shareOf, short } from "./figure.js";
import { DASH, ageS, duration, has, number, setup, timeOfDay, word } from "./setup.js";

const ROWS = 500;
const WINDOWED = new Set(["floor", "queue", "group", "queues", "totals", "classes", "outbound"]);
const NEEDS_ROWS = new Set(["trunks", "records", "headsets", "announcements", "totals", "channels", "classes"]);
const TIMELESS = new Set(["link", "announcements", "headsets", "records", "channels"]);
const FIGURED = new Set(["floor", "queue", "group", "totals"]);
const TOLD_BY = { vip_wait: "vip_waiting", callbacks: "callbacks" }; // columns that stand only where some row knows them
const AGE_AT = 3; // where a site's age stands among its columns: on the first screen
const SILENT = new Set(["silent", "down"]);
const EVERY_SITE = "*"; // the own floor and every other site
const NOBODY = { fresh: "unknown" };

export function stamp(scope, nowMs) {
  if (scope.fresh === "live") return "";
  if (scope.fresh !== "stale" || !scope.as_of) return word("unknown");
  return word("stale", { age: duration(ageS(scope.as_of, nowMs)), time: timeOfDay(Date.parse(scope.as_of), true) });
}

// This box's own seats first, then those of each seat box: a patch adds what is new at the end.
const byBox = ([key, one], [otherKey, other]) => {
  const [box, otherBox] = [one.box ?? "", other.box ?? ""];
  return box < otherBox || (box === otherBox && key < otherKey) ? -1 : 1;
};

export class Maker {
  constructor(floor, notices, nowMs) {
    this.floor = floor;
    this.notices = notices;
    this.nowMs = nowMs;
    this.reader = new Reader(floor, nowMs);
  }

  // One page; null for one with nothing to show.
  page(spec) {
    const scope = this.scope(spec);
    const [tiles, rows] = [this.tiles(spec, scope), this.rows(spec)];
    if (!rows.length && (NEEDS_ROWS.has(spec.kind) || (!tiles.length && spec.kind in setup.large))) return null;
    if (spec.kind === "outbound" && scope.queue[scope.window]?.outbound == null) return null;
    if (spec.kind === "link" && ["up", "off"].includes(this.floor.crm?.state ?? "off")) return null;
    const fresh = TIMELESS.has(spec.kind) ? "live" : scope.queue.fresh ?? "unknown";
    return {
      name: spec.name, kind: spec.kind, title: this.title(spec, scope), titled: spec.title != null, window: spec.window, dwell_s: spec.dwell_s, fresh,
      stamp: fresh === "live" ? "" : stamp(scope.queue, this.nowMs), note: this.note(spec), path: scope.path,
      age: fresh === "stale" && scope.queue.as_of ? duration(ageS(scope.queue.as_of, this.nowMs)) : "",
      tiles, rows: rows.slice(0, ROWS), more: Math.max(0, rows.length - ROWS),
    };
  }

  scope(spec) {
    if (spec.queue != null && (spec.kind === "queue" || spec.kind === "classes")) return { path: `queue.${spec.queue}`, queue: this.floor.queues?.[spec.queue] ?? NOBODY, window: spec.window };
    if (isOfSites(spec)) return { path: "sites", queue: this.floor.all_sites ?? NOBODY, window: spec.window };
    if (spec.group != null) return { path: `group.${spec.group}`, queue: this.floor.groups?.[spec.group] ?? NOBODY, window: spec.window };
    return { path: "floor", queue: this.floor.floor ?? NOBODY, window: spec.window };
  }

  title(spec, scope) {
    if (spec.title != null) return spec.title;
    if (spec.kind === "queue" || spec.kind === "group") return scope.queue.title || spec.queue || spec.group || "";
    if (spec.kind === "classes" && (spec.queue || spec.group)) return `${word("page.classes")} · ${scope.queue.title || spec.queue || spec.group}`;
    return word(isOfSites(spec) ? "page.sites" : `page.${spec.kind}`);
  }

  // Which window the figures are of, where it is not the day; and by which rule, where it is not by arrival.
  note(spec) {
    if (spec.kind === "records") return word("records.note");
    if (!WINDOWED.has(spec.kind)) return "";
    const said = spec.window === "today" ? [] : [word(`window.${spec.window}`)];
    return [...said, ...(setup.completion ? [word("window.completion")] : [])].join(" · ");
  }

  tiles(spec, scope) {
    const onFloor = scope.path === "floor";
    const named = Boolean(spec.figures.length);
    let keys = setup.large[spec.kind] ?? [];
    if (FIGURED.has(spec.kind) || (spec.kind === "outbound" && named)) keys = named ? spec.figures : [...setup.usual.filter((key) => onFloor || !isOfFloor(key)), ...aged(spec)];
    return keys.filter((key) => named || onFloor || !isOfFloor(key)).map((key) => this.tile(key, scope, named)).filter(Boolean);
  }

  tile(key, scope, named) {
    // What another site's box does not tell must not be shown as this one's.
    // What no CRM tells of a channel is not known, and never 0.
    const elsewhere = (isOfFloor(key) && /^sites?(\.|$)/.test(scope.path)) || (/^channel\./.test(scope.path) && !setup.channel_columns.includes(key));
    return (elsewhere ? null : this.reader.tile(key, scope)) ?? (named ? blank(key, scope.queue.fresh ?? "unknown") : null);
  }

  rows(spec) {
    switch (spec.kind) {
      case "queues": return this.queues(spec);
      case "callbacks": return this.callbacks(spec);
      case "channels": return this.channels(spec);
      case "classes": return this.classes(spec);
      case "outbound": return this.outcomes(spec);
      case "totals": return this.totals(spec);
      case "agents": return this.agents(spec);
      case "trunks": return Object.entries(this.floor.trunks ?? {}).map(([key, trunk]) => this.trunk(key, trunk));
      case "records": return Object.entries(this.floor.records ?? {}).map(([key, told]) => this.records(key, told));
      case "headsets": return Object.entries(this.floor.headsets ?? {}).sort(byBox).map(([key, seat]) => this.headset(spec, key, seat));
      case "announcements": return this.notices.map((each) => row(each.id, each.text, { state: each.severity ?? "info", word: word(`severity.${each.severity ?? "info"}`) }));
      default: return [];
    }
  }

  queues(spec) {
    const queues = this.chosen(this.floor.queues ?? {}, spec.queues);
    const columns = columnsOf(spec, queues);
    return [...this.queueRows(queues, columns, spec), ...this.channelRows(spec.channels, columns, spec)];
  }

  // Two PBXs may each have a "Ventas".
  queueRows(queues, columns, spec) {
    const times = new Map();
    for (const [key, queue] of queues) times.set(queue.title || key, (times.get(queue.title || key) ?? 0) + 1);
    return queues.map(([key, queue]) => {
      const made = this.queueRow(columns, spec, `queue.${key}`, key, queue);
      return times.get(made.title) > 1 && queue.pbx ? { ...made, title: `${made.title} (${queue.pbx})` } : made;
    });
  }

  totals(spec) {
    const ofSites = isOfSites(spec);
    const named = ofSites ? this.sites(spec) : this.chosen(this.floor.groups ?? {}, spec.groups).map(([key, group]) => [key, group, `group.${key}`]);
    const usual = columnsOf(spec, named);
    const columns = [...usual.slice(0, AGE_AT), ...aged(spec), ...usual.slice(AGE_AT)];
    return named.map(([key, scope, path]) => {
      const made = this.queueRow(columns, spec, path, key, scope);
      // A site that is not heard, or whose box is off, says so: its figures are old, and no zeros.
      return SILENT.has(scope.state) ? { ...made, title: `${made.title} · ${word(`site.${scope.state}`)}` } : made;
    });
  }

  sites(spec) {
    if (!this.floor.sites) return [];
    const own = this.floor.site;
    const every = { [own]: this.floor.floor, ...this.floor.sites };
    return this.chosen(every, spec.sites.includes(EVERY_SITE) ? [] : spec.sites).map(([key, site]) => [key, site, key === own ? "floor" : `site.${key}`]);
  }

  // Queues in which somebody is to be called back, the longest due first; those that the page names, in its order.
  callbacks(spec) {
    const all = this.floor.queues ?? {};
    const oldest = ([, queue]) => queue.callbacks.oldest_since ?? "";
    const due = Object.entries(all).filter(([, queue]) => queue.callbacks?.open).sort((a, b) => (oldest(a) < oldest(b) ? -1 : oldest(a) > oldest(b) ? 1 : 0));
    return this.queueRows(spec.queues.length ? this.chosen(all, spec.queues) : due, setup.callback_columns, spec);
  }

  // The floor's voice queues as one row, and each channel below it.
  channels(spec) {
    const rows = this.channelRows(spec.channels.length ? spec.channels : [EVERY_SITE], setup.channel_columns, spec);
    if (!rows.length) return [];
    const voice = this.queueRow(setup.channel_columns, spec, "floor", "voice", this.floor.floor ?? NOBODY);
    return [{ ...voice, title: word("channel.voice") }, ...rows];
  }

  channelRows(wanted, columns, spec) {
    const known = this.floor.channels ?? {};
    const keys = wanted.includes(EVERY_SITE) ? Object.keys(known) : wanted;
    return keys.map((key) => this.queueRow(columns, spec, `channel.${key}`, key, queueOf(key, known[key] ?? NOBODY)));
  }

  classes(spec) {
    const scope = this.scope(spec);
    const counts = scope.queue[scope.window]?.classes ?? {};
    if (!Object.keys(counts).length) return [];
    const titles = new Map(setup.classes.map((each) => [each.key, each.title]));
    const keys = new Set([...titles.keys(), ...Object.keys(counts).sort(byCode)]);
    const total = sum(Object.values(counts));
    return this.counted("class", [...keys].map((key) => [key, titles.get(key) ?? key, counts[key] ?? 0, total]), scope);
  }

  outcomes(spec) {
    const scope = this.scope(spec);
    const outbound = scope.queue[scope.window]?.outbound;
    if (!outbound || (scope.queue.fresh ?? "unknown") === "unknown") return [];
    const counts = outbound.outcomes ?? {};
    const keys = new Set([...setup.outcomes, ...Object.keys(counts).sort(byCode)]);
    // A number that was never dialled, for the agent did not answer, is no attempt.
    const whole = (key) => (key.startsWith("agent_") ? 0 : outbound.attempts);
    return this.counted("attempt", [...keys].filter((key) => counts[key]).map((key) => [key, has(`attempt.${key}`) ? word(`attempt.${key}`) : key, counts[key], whole(key)]), scope);
  }

  // A row for each outcome; of calls by class the share comes first, of outbound calls their number.
  counted(what, counts, scope) {
    const fresh = scope.queue.fresh ?? "unknown";
    return counts.map(([key, title, count, total]) => {
      const [digits, unit] = figureText("share", shareOf(count, total));
      const of = word("of", { a: number(count), b: number(total) });
      const share = { ...blank(`${what}_share`, fresh), value: digits, unit, notes: total ? [of] : [] };
      const counted = { ...blank(`${what}_count`, fresh), value: number(count), notes: total ? [`${digits}${unit} · ${of}`] : [] };
      return row(key, title, { tiles: what === "class" ? [share, counted] : [counted, share], fresh, share: total ? count / total : null });
    });
  }

  chosen(all, wanted) {
    return wanted.length ? wanted.map((key) => [key, all[key] ?? NOBODY]) : Object.entries(all);
  }

  queueRow(columns, spec, path, key, queue) {
    const scope = { path, queue, window: spec.window };
    const age = queue.fresh === "stale" && queue.as_of ? duration(ageS(queue.as_of, this.nowMs)) : "";
    return row(key, queue.title || key, { tiles: columns.map((figure) => this.tile(figure, scope, true)), fresh: queue.fresh ?? "unknown", age });
  }

  agents(spec) {
    const named = spec.names && setup.names;
    const fresh = this.floor.floor?.fresh ?? "unknown";
    const place = (agent) => { const at = setup.agent_order.indexOf(agent.state); return at < 0 ? setup.agent_order.length : at; };
    const here = Object.entries(this.floor.agents ?? {}).filter(([, agent]) => agent.state !== "logged_out"
      && (!spec.queues.length || spec.queues.some((queue) => (agent.queues ?? []).includes(queue))));
    const text = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    here.sort(([a, left], [b, right]) => place(left) - place(right) || text(left.since ?? "", right.since ?? "") || text(a, b));
    return here.map(([key, agent], at) => {
      const state = fresh === "live" ? agent.state : "unknown";
      let said = word({ unknown: "agents.unknown", available: "one.available" }[state] ?? state);
      if (state === "paused" && agent.reason) said = `${said} · ${agent.reason}`;
      const since = state === "unknown" ? null : agent.since ?? null;
      return row(named ? key : String(at + 1), named ? agent.name || key : "", { fresh, age: this.age(since), state, word: said, since });
    });
  }

  trunk(key, trunk) {
    const fresh = this.floor.floor?.fresh ?? "unknown";
    const full = fresh === "live" && trunk.all_busy_now === true;
    const busy = trunk.busy == null ? DASH : number(trunk.busy);
    const lines = trunk.lines == null ? "" : `/${number(trunk.lines)}`;
    const [share, unit] = figureText("all_busy", trunk.all_busy_share);
    const alarm = fresh === "live" ? this.reader.alarms.get(`trunk.${key}.all_busy_share`) : undefined;
    const tiles = [
      { ...blank("trunks", fresh), value: busy + lines },
      { ...blank("all_busy", fresh), value: share, unit, level: alarm?.level ?? "none", acknowledged: alarm?.acknowledged != null },
    ];
    const faults = fresh === "live" ? Object.keys(trunk.faults ?? {}).length : 0;
    const said = full ? word("all_busy") : faults ? word("line_faults", { n: number(faults) }) : "";
    return row(key, key, { tiles, fresh, state: full ? "all_busy" : "", word: said, level: alarm?.level ?? "none", filled: trunk.lines > 0 && trunk.busy != null ? Math.min(1, trunk.busy / trunk.lines) : null });
  }

  // Calls that are over; who waits is not known from a PBX's records, and never 0.
  records(key, told) {
    const fresh = (this.floor.health ?? []).some((each) => each.id === `smdr.${key}` && each.level === "red") ? "stale" : "live";
    const tile = (figure, like, value) => ({ ...blank(like, fresh), key: figure, label: label(figure), short: short(figure), value });
    const tiles = [
      tile("waiting", "waiting", DASH), tile("answered", "answered", number(told.answered)), tile("abandoned", "abandoned", number(told.abandoned)),
      tile("records.not_told", "answered", number(told.not_told)), tile("records.ring", "asa", duration(told.ring_avg)), tile("records.talk", "talk_avg", duration(told.talk_avg)),
    ];
    return row(key, key, { tiles, fresh });
  }

  headset(spec, key, seat) {
    let state = "unknown";
    if (seat.fresh === "live") state = seat.attached === false ? "unplugged" : seat.mute ? "muted" : { off: "off_hook", on: "on_hook" }[seat.hook] ?? "unknown";
    // In what it and the PBX disagree says more than either alone.
    const finding = seat.fresh === "live" ? seat.findings?.[0] ?? "" : "";
    const said = finding ? (has(`finding.${finding}`) ? word(`finding.${finding}`) : finding) : word(state === "unknown" ? "agents.unknown" : `headset.${state}`);
    const agent = this.floor.agents?.[seat.agent ?? ""];
    const whose = agent && spec.names && setup.names ? ` · ${agent.name || seat.agent}` : "";
    return row(key, key + whose, { fresh: seat.fresh ?? "unknown", age: this.age(seat.since), state, word: said, since: seat.since ?? null, level: finding ? "amber" : "none" });
  }

  age(since) {
    return since ? duration(ageS(since, this.nowMs)) : "";
  }
}

const sum = (counts) => counts.reduce((total, count) => total + count, 0);

// Each site stands with its age, where the page names no figures.
const aged = (spec) => (isOfSites(spec) && !spec.figures.length ? ["as_of"] : []);

// A table's columns: those that the page names, else the usual ones; of those that are there only while known, what any row knows.
function columnsOf(spec, rows) {
  if (spec.figures.length) return spec.figures;
  return setup.columns.filter((key) => !TOLD_BY[key] || rows.some(([, scope]) => scope[TOLD_BY[key]] != null));
}

// A channel as a queue of which the CRM tells three figures and their age.
function queueOf(key, channel) {
  const { service_level, service_level_of, target } = channel;
  const told = { service_level, service_level_of, target };
  return { ...channel, title: channel.title || (has(`channel.${key}`) ? word(`channel.${key}`) : key), today: told, interval: told, rolling: told };
}

export const isOfSites = (spec) => spec.kind === "totals" && spec.sites.length > 0;
const isOfFloor = (key) => setup.figures[key].source.startsWith("/");

function blank(key, fresh) {
  return { key, label: label(key), short: short(key), form: setup.figures[key].form, value: DASH, unit: "", notes: [], target: "", fresh, level: "none", acknowledged: false, hatched: false, covered: null };
}

function row(key, title, rest) {
  return { key, title, tiles: [], fresh: "live", age: "", state: "", word: "", since: null, level: "none", share: null, ...rest };
}

