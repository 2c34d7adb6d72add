// Decides which of the board's own announcements are due: by weekday, date and time of day on the site's walls. Mirrors wallboard/notice.py.

import { setup } from "./setup.js";

const DAY_MS = 86400000;
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const local = new Intl.DateTimeFormat("en-US", { timeZone: setup.timezone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });

// What the site's clocks show at an instant, written as if it were UTC, so that whole days are whole days.
function wall(ms) {
  const part = Object.fromEntries(local.formatToParts(ms).map((each) => [each.type, Number(each.value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
}

// The instant at which they show it: the first of two, and in an hour that is left out as if it were not.
function instant(wallMs) {
  const early = wallMs - (wall(wallMs - DAY_MS) - (wallMs - DAY_MS));
  if (wall(early) === wallMs) return early;
  const late = wallMs - (wall(wallMs + DAY_MS) - (wallMs + DAY_MS));
  return wall(late) === wallMs ? late : early;
}

const timeMs = (text) => (text ? (Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5))) * 60000 : 0);
const dayMs = (text) => Date.parse(`${text}T00:00:00Z`);
const isOn = (notice, day) => (!notice.first || dayMs(notice.first) <= day) && (!notice.last || day <= dayMs(notice.last))
  && (!notice.days.length || notice.days.includes(WEEKDAYS[new Date(day).getUTCDay()]));

// A showing belongs to the day on which it begins, also past midnight.
function isShowing(notice, nowMs) {
  const [begins, ends] = [timeMs(notice.at), timeMs(notice.until)];
  const today = Math.floor(wall(nowMs) / DAY_MS) * DAY_MS;
  return [today, today - DAY_MS].some((day) => isOn(notice, day) && instant(day + begins) <= nowMs && nowMs < instant((ends > begins ? day : day + DAY_MS) + ends));
}

export function dueNotices(nowMs) {
  return setup.notices.map((notice, at) => ({ id: `board.${setup.name}.${at + 1}`, text: notice.text, severity: notice.severity, notice }))
    .filter(({ notice }) => isShowing(notice, nowMs));
}
