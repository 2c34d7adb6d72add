// Decides what the board says: the view model, a pure function of the floor document. Mirrors wallboard/board.py.

import { banners, calm } from "./banner.js";
import { dueNotices } from "./notice.js";
import { Maker, isOfSites } from "./page.js";
import { vipQueues } from "./scope.js";
import { setup, word } from "./setup.js";

const SEVERITIES = ["urgent", "warning", "info"];
const LINK = { name: "link", kind: "link", title: null, queue: null, group: null, queues: [], groups: [], sites: [], channels: [], figures: [], window: "today", dwell_s: 12, names: false };

// What the link holds comes last of itself, while there is something to say of it.
const specs = !setup.pages.length || setup.pages.some((page) => page.kind === "link") ? setup.pages : [...setup.pages, LINK];

export function announced(floor, nowMs) {
  const here = (floor.announcements ?? []).filter((each) => !each.boards?.length || each.boards.includes(setup.name));
  const rank = (each) => SEVERITIES.indexOf(each.severity ?? "info");
  return [...here, ...dueNotices(nowMs)].sort((a, b) => rank(a) - rank(b));
}

// A board of several sites goes on while one of them is open, or has callers after its hours.
function isOpenElsewhere(floor) {
  return setup.pages.some(isOfSites) && Object.values(floor.sites ?? {}).some((site) => (site.fresh ?? "unknown") !== "unknown" && (site.open || site.waiting > 0));
}

export function isClosed(floor) {
  const agents = floor.floor?.agents ?? {};
  return floor.open === false && !isOpenElsewhere(floor) && !floor.floor?.waiting && !(agents.talking || agents.holding || agents.ringing);
}

function justOne(maker, pages, on) {
  const at = pages.findIndex((page) => page.name === on);
  const page = at < 0 ? null : maker.page(specs.find((spec) => spec.name === on));
  return page && [...pages.slice(0, at), page, ...pages.slice(at + 1)];
}

// With `last` (a view of less than a second ago) only the page that is on is made anew: the others are looked at once a second.
export function view(floor, nowMs, last = null, on = "") {
  const announcements = announced(floor, nowMs);
  const maker = new Maker(floor, announcements, nowMs);
  const pages = (last && justOne(maker, last.pages, on)) ?? specs.map((spec) => maker.page(spec)).filter(Boolean);
  return {
    name: setup.name,
    title: setup.title || floor.site || word("board"),
    face: isClosed(floor) ? "closed" : "normal",
    pages,
    banners: banners(floor, nowMs, vipQueues(setup.pages, floor)),
    calm: calm(floor),
    announcements,
    pin: pages.some((page) => page.name === setup.pin) ? setup.pin : null,
  };
}
