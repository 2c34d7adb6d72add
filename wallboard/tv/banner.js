// Decides which troubles a board says in words, and how. Mirrors wallboard/banner.py; a shape for each is added here.

import { ageS, duration, has, number, setup, span, timeOfDay, word } from "./setup.js";

const LINK_SHAPES = { down: "link", draining: "drain", no_consumer: "deaf", denied: "lock" };
// Stands for all analog lines where a PBX's key would.
const LINES = "lines";
const since = (moment, nowMs) => `${word("since", { t: timeOfDay(Date.parse(moment)) })} (${duration(ageS(moment, nowMs))})`;

// What is for the technician as long as it is amber: a floor cannot mend it.
const FOR_DOCTOR = new Set(["power", "temperature", "memory", "card"]);

// The alarm of an extraordinary call: its agent's key follows, where somebody has it.
const isOfCall = (alarm) => /^call\.extraordinary(\.|$)/.test(alarm.id);

// Every trouble, gravest first: {trouble, state, shape, text, value, details, severe}. `vips`: queues whose VIP callers concern the board.
export function banners(floor, nowMs, vips = []) {
  const out = (floor.alarms ?? []).filter(isOfCall).map((alarm) => callBanner(alarm, floor, nowMs));
  const sources = Object.entries(floor.pbx ?? {});
  for (const [key, pbx] of sources) {
    if (pbx.state === "up") continue;
    const details = [...(sources.length > 1 && key !== LINES ? [key] : []), ...(pbx.since ? [since(pbx.since, nowMs)] : [])];
    out.push({ trouble: "pbx", state: pbx.state, shape: pbx.state === "denied" ? "lock" : "down", text: word(key === LINES ? "lines.down" : `pbx.${pbx.state}`), details, severe: pbx.state !== "resyncing" });
  }
  const link = linkBanner(floor.crm ?? { state: "off" }, nowMs);
  if (link) out.push(link);
  for (const item of floor.health ?? []) {
    if (item.level === "red" || (item.level === "amber" && !FOR_DOCTOR.has(item.id))) out.push({ trouble: "box", state: item.level, shape: "box", text: word("box.fault"), details: [healthText(item)], severe: item.level === "red" });
  }
  if (floor.clock === "unset") out.push({ trouble: "clock", state: "unset", shape: "clock", text: word("clock.unset"), details: [], severe: false });
  out.push(...vipBanner(vips, nowMs));
  for (const each of out) each.value ??= "";
  return out.sort((a, b) => Number(b.severe) - Number(a.severe));
}

// An extraordinary call: at which seat; where none is known, whose it is, if agents may be named. Never who called.
function callBanner(alarm, floor, nowMs) {
  const agent = floor.agents?.[alarm.agent ?? ""];
  const where = alarm.seat ? [word("seat", { n: alarm.seat.toUpperCase() })] : setup.names && agent?.name ? [agent.name] : [];
  const seen = alarm.acknowledged == null ? [] : [word("acknowledged")];
  return { trouble: "call", state: alarm.level, shape: "call", text: word("call.extraordinary"), details: [...where, ...seen, since(alarm.since, nowMs)], severe: !seen.length };
}

// The VIP who waits longest, in which queue, and then those of others. Of a queue out of sight nobody knows whether they still wait.
function vipBanner(queues, nowMs) {
  const waiting = queues.filter((queue) => queue.fresh === "live" && queue.vip_waiting && queue.vip_longest_since)
    .sort((a, b) => (a.vip_longest_since < b.vip_longest_since ? -1 : a.vip_longest_since > b.vip_longest_since ? 1 : 0));
  if (!waiting.length) return [];
  const clock = (queue) => duration(ageS(queue.vip_longest_since, nowMs));
  const details = waiting.map((queue) => [clock(queue), queue.title ?? "", ...(queue.vip_waiting > 1 ? [`(${number(queue.vip_waiting)})`] : [])].join(" "));
  return [{ trouble: "vip", state: "waiting", shape: "vip", text: word("vip_wait"), value: clock(waiting[0]), details, severe: false }];
}

// In the board's language; what has no words of its own says what its event says, in English.
function healthText(item) {
  const [family, ...rest] = item.id.split(".");
  const name = rest.join(".");
  if (setup.language === "en") return item.text || item.id;
  if (has(`health.${item.id}`)) return word(`health.${item.id}`);
  return name && has(`health.${family}.named`) ? word(`health.${family}.named`, { n: name }) : item.text || item.id;
}

function linkBanner(crm, nowMs) {
  if (crm.state === "up" || crm.state === "off") return null;
  const details = [`${word("held")} ${number(crm.backlog ?? 0)}`];
  if (crm.oldest) details.push(`${word("oldest")} ${duration(ageS(crm.oldest, nowMs))}`);
  if (crm.state === "draining") {
    if (crm.drain_s != null) details.push(word("to_go", { t: duration(crm.drain_s) }));
  } else {
    if (crm.since) details.unshift(since(crm.since, nowMs));
    if (crm.full_in_s != null) details.push(word("fills_in", { t: span(crm.full_in_s) }));
  }
  return { trouble: "link", state: crm.state, shape: LINK_SHAPES[crm.state] ?? "link", text: word(`link.${crm.state}`), details, severe: crm.state !== "draining" };
}

// What the foot says while nothing is wrong.
export function calm(floor) {
  const sources = Object.keys(floor.pbx ?? {});
  const out = [{ shape: "ok", text: word(!sources.length ? "pbx.none" : sources.every((key) => key === LINES) ? "lines.up" : "pbx.up"), note: "" }];
  const crm = floor.crm ?? { state: "off" };
  if (crm.state === "up") out.push({ shape: "ok", text: word("link.up"), note: `${word("delivered")} ${number(crm.delivered ?? 0)}` });
  else if (crm.state === "off") out.push({ shape: "", text: word("link.off"), note: "" });
  return out;
}
