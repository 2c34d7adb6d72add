// Decides how words, numbers and times are written on the page. Mirrors wallboard/words.py; a browser test holds the two together.

export const setup = JSON.parse(document.getElementById("setup").textContent);
export const DASH = "–";

export function word(key, slots) {
  const text = setup.words[key] ?? key;
  return slots ? text.replace(/\{(\w+)\}/g, (_, slot) => slots[slot] ?? "") : text;
}

export const has = (key) => key in setup.words;

// Python's rounding: to the nearest, an exact half to the even digit (toFixed would take the larger).
export function fixed(value, decimals) {
  const halves = value * 2 ** (decimals + 1);
  if (!Number.isInteger(halves) || halves % 2 === 0) return value.toFixed(decimals);
  const low = Math.floor(value * 10 ** decimals);
  return ((low % 2 === 0 ? low : low + 1) / 10 ** decimals).toFixed(decimals);
}

export function number(value, decimals = 0) {
  const [whole, part] = fixed(value, decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, setup.language === "en" ? "," : ".");
  return part === undefined ? grouped : grouped + (setup.language === "en" ? "." : ",") + part;
}

export function percent(share) {
  return [number(share * 100, Number(share.toFixed(3)) === 1 ? 0 : 1), setup.language === "en" ? "%" : "\u00a0%"];
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// A time to come, as coarse as it is known.
export function span(seconds) {
  if (seconds < 3600) return duration(seconds);
  return seconds < 2 * 86400 ? `${number(Math.floor(seconds / 3600))} h` : `${number(Math.floor(seconds / 86400))} d`;
}

export const ageS = (moment, nowMs) => Math.max(0, (nowMs - Date.parse(moment)) / 1000);

const zoned = (options) => new Intl.DateTimeFormat(setup.language, { timeZone: setup.timezone, ...options });
const hourMinute = zoned({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const hourMinuteSecond = zoned({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
// The date, from its long form to the one that fits anywhere.
const days = [
  zoned({ weekday: "long", day: "numeric", month: "long" }),
  zoned({ weekday: "short", day: "numeric", month: "short" }),
  zoned({ day: "2-digit", month: "2-digit" }),
];

export const timeOfDay = (ms, seconds = false) => (seconds ? hourMinuteSecond : hourMinute).format(ms);
export const DATE_FORMS = days.length;
export const date = (ms, form = 0) => days[form].format(ms);

// ?page=NAME keeps one page on, whatever the board file says.
setup.pinned = new URLSearchParams(location.search).get("page");
