// Decides where everything stands on this screen: top line, troubles, the page's stage, bottom line; and which figures share a screen.

import { screensOf, signature } from "./fit.js";
import { clean } from "./dom.js";
import { targetText } from "./figure.js";
import { DASH } from "./setup.js";
import { cardScreens } from "./cards.js";
import { linesHeight, wanted } from "./strip.js";
import { isTight } from "./scale.js";
import { seatScreens } from "./seats.js";
import { rowsOf, tableScreens } from "./table.js";

const TURN_MS = 9000;
const ZONE = 0.2; // of the height: what troubles and announcements may take together

const TILES = new Set(["floor", "queue", "group", "link", "trunks", "classes", "outbound"]);
const TABLES = new Set(["queues", "totals", "callbacks", "channels", "records", "headsets"]);
const VIEWS = { agents: "seats", announcements: "cards" };
// With no queue that anybody is to be called back for, the sum stands in large.
const isBare = (page) => page.kind === "callbacks" && !page.rows.length;
export const viewOf = (page) => (TILES.has(page.kind) || isBare(page) ? "tiles" : TABLES.has(page.kind) ? "table" : VIEWS[page.kind] ?? page.kind);

// A page's figures in large; a group of trunks is one figure, its lines busy of all; so is a type of call, and an outcome of calls.
export function tilesOf(page) {
  if (page.kind === "classes" || page.kind === "outbound") return [...page.tiles, ...page.rows.map((row) => outcomeTile(page, row))];
  if (page.kind !== "trunks") return page.tiles;
  return page.rows.map((row) => {
    const [busy, share] = row.tiles;
    const text = share.value === DASH ? [] : [`${share.label} ${share.value}${share.unit}`];
    return { ...busy, key: `trunk.${row.key}`, label: clean(row.title, 40), short: clean(row.title, 12), notes: text, target: targetText("all_busy", `trunk.${row.key}`), level: share.level, acknowledged: share.acknowledged, filled: row.filled, full: row.word, alarmed: true };
  });
}

function outcomeTile(page, row) {
  const [first] = row.tiles;
  return { ...first, key: `${page.kind}.${row.key}`, label: clean(row.title, 40), short: clean(row.title, 14), share: row.share };
}

// Lines for troubles and for the bottom: `most` together, which is what every page is laid out for, so that no figure changes screens.
// Where there is room for one line alone, troubles and announcements take turns on it.
export function zones(troubles, notices, nowMs, s) {
  const most = isTight(s) ? 1 : Math.max(2, Math.min(3, Math.floor((s.height * ZONE) / (s.strip * 1.3))));
  const width = s.width - 2 * s.pad - 2 * s.padX;
  if (most === 1) {
    const foot = troubles.length && (!notices.length || Math.floor(nowMs / TURN_MS) % 2 === 0) ? 0 : 1;
    return { most, strip: 1 - foot, foot };
  }
  const foot = notices.length || !troubles.length ? 1 : 0;
  return { most, strip: Math.min(most - foot, wanted(troubles, width, s)), foot };
}

// Where the stage and the lines around it stand.
export function stage(head, zone, s) {
  const below = (zone.foot || zone.most === 1) ? linesHeight(1, s) + s.gap : 0;
  const above = zone.strip && zone.most > 1 ? linesHeight(zone.strip, s) + s.gap : 0;
  const top = s.pad + head + s.gap;
  const foot = s.height - s.pad - linesHeight(1, s);
  return { strip: zone.most > 1 ? top : foot, top: top + above, left: s.pad, width: s.width - 2 * s.pad, height: s.height - s.pad - below - top - above, foot };
}

// The least height that the stage can come down to.
export const leastStage = (head, zone, s) => Math.min(stage(head, { most: zone.most, strip: zone.most - 1, foot: 1 }, s).height, zone.most > 1 ? stage(head, { most: zone.most, strip: zone.most, foot: 0 }, s).height : Infinity);

// The screens of one page, laid out for the least stage; `key` changes when they must be laid out again.
export function layoutKey(page) {
  switch (viewOf(page)) {
    case "tiles": return signature(tilesOf(page));
    case "table": return `${rowsOf(page).map((row) => `${row.title}|${row.word}`).join("\n")}#${(rowsOf(page)[0]?.tiles ?? []).map((tile) => tile.key).join()}#${signature(rowsOf(page).flatMap((row) => row.tiles))}`;
    case "seats": return `${page.rows.length}|${page.rows.map((row) => `${row.title}|${row.word}`).join("\n")}`;
    case "cards": return page.rows.map((row) => `${row.key}|${row.title}`).join("\n");
    default: return "";
  }
}

export function layout(page, width, height, s) {
  switch (viewOf(page)) {
    case "tiles": return { screens: screensOf(tilesOf(page), width, height, s) };
    case "table": return tableScreens(page, width, height, s);
    case "seats": return seatScreens(page, width, height, s);
    case "cards": return cardScreens(page, width, height, s);
    default: return { screens: [{}] };
  }
}
