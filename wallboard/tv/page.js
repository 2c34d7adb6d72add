// Decides what stands on each page: its figures in large, or its rows. Mirrors wallboard/page.py.

import { Reader, figureText, label, short } from "./figure.js";
import { DASH, ageS, duration, has, number, setup, timeOfDay, word } from "./setup.js";

const ROWS = 500;
const WINDOWED = new Set(["floor", "queue", "group", "queues", "totals"]);
const NEEDS_ROWS = new Set(["trunks", "records", "headsets", "announcements", "totals"]);
const TIMELESS = new Set(["link", "announcements", "headsets", "records"]);
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
    if (NEEDS_ROWS.has(spec.kind) && !rows.length) return null;
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
    if (spec.kind === "queue") return { path: `queue.${spec.queue}`, queue: this.floor.queues?.[spec.queue] ?? NOBODY, window: spec.window };
    if (isOfSites(spec)) return { path: "sites", queue: this.floor.all_sites ?? NOBODY, window: spec.window };
    if (spec.group != null) return { path: `group.${spec.group}`, queue: this.floor.groups?.[spec.group] ?? NOBODY, window: spec.window };
    return { path: "floor", queue: this.floor.floor ?? NOBODY, window: spec.window };
  }

  title(spec, scope) {
    if (spec.title != null) return spec.title;
    if (spec.kind === "queue" || spec.kind === "group") return scope.queue.title || spec.queue || spec.group || "";
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
    let keys = [];
    if (spec.kind === "link") keys = setup.link_figures;
    else if (["floor", "queue", "group", "totals"].includes(spec.kind)) keys = named ? spec.figures : setup.usual.filter((key) => onFloor || !isOfFloor(key));
    return keys.filter((key) => named || onFloor || !isOfFloor(key)).map((key) => this.tile(key, scope, named)).filter(Boolean);
  }

  tile(key, scope, named) {
    // What another site's box does not tell must not be shown as this one's.
    const elsewhere = isOfFloor(key) && /^sites?(\.|$)/.test(scope.path);
    return (elsewhere ? null : this.reader.tile(key, scope)) ?? (named ? blank(key, scope.queue.fresh ?? "unknown") : null);
  }

  rows(spec) {
    switch (spec.kind) {
      case "queues": return this.chosen(this.floor.queues ?? {}, spec.queues).map(([key, queue]) => this.queueRow(spec, `queue.${key}`, key, queue));
      case "totals": return this.totals(spec);
      case "agents": return this.agents(spec);
      case "trunks": return Object.entries(this.floor.trunks ?? {}).map(([key, trunk]) => this.trunk(key, trunk));
      case "records": return Object.entries(this.floor.records ?? {}).map(([key, told]) => this.records(key, told));
      case "headsets": return Object.entries(this.floor.headsets ?? {}).sort(byBox).map(([key, seat]) => this.headset(spec, key, seat));
      case "announcements": return this.notices.map((each) => row(each.id, each.text, { state: each.severity ?? "info", word: word(`severity.${each.severity ?? "info"}`) }));
      default: return [];
    }
  }

  totals(spec) {
    if (!isOfSites(spec)) return this.chosen(this.floor.groups ?? {}, spec.groups).map(([key, group]) => this.queueRow(spec, `group.${key}`, key, group));
    if (!this.floor.sites) return [];
    const own = this.floor.site;
    const every = { [own]: this.floor.floor, ...this.floor.sites };
    return this.chosen(every, spec.sites.includes(EVERY_SITE) ? [] : spec.sites).map(([key, site]) => this.queueRow(spec, key === own ? "floor" : `site.${key}`, key, site));
  }

  chosen(all, wanted) {
    return wanted.length ? wanted.map((key) => [key, all[key] ?? NOBODY]) : Object.entries(all);
  }

  queueRow(spec, path, key, queue) {
    const scope = { path, queue, window: spec.window };
    const columns = spec.figures.length ? spec.figures : setup.columns;
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

export const isOfSites = (spec) => spec.kind === "totals" && spec.sites.length > 0;
const isOfFloor = (key) => setup.figures[key].source.startsWith("/");

function blank(key, fresh) {
  return { key, label: label(key), short: short(key), form: setup.figures[key].form, value: DASH, unit: "", notes: [], target: "", fresh, level: "none", acknowledged: false, hatched: false, covered: null };
}

function row(key, title, rest) {
  return { key, title, tiles: [], fresh: "live", age: "", state: "", word: "", since: null, level: "none", ...rest };
}

