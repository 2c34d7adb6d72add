// Decides how words, numbers and times are written on the page. Mirrors wallboard/words.py; a browser test holds the two together.

export const setup = JSON.parse(document.getElementById("setup").textContent);
export const DASH = "–";

export function word(key, slots) {
  const text = setup.words[key] ?? key;
  return slots ? text.replace(/\{(\w+)\}/g, (_, slot) => slots[slot] ?? "") : text;
}

export function number(value, decimals = 0) {
  const [whole, part] = value.toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, setup.language === "en" ? "," : ".");
  return part === undefined ? grouped : grouped + (setup.language === "en" ? "." : ",") + part;
}

export function percent(share) {
  const whole = Math.round(share * 1000) === 1000;
  return [number(share * 100, whole ? 0 : 1), setup.language === "en" ? "%" : "\u00a0%"];
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const zoned = (options) => new Intl.DateTimeFormat(setup.language, { timeZone: setup.timezone, ...options });
const hourMinute = zoned({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const hourMinuteSecond = zoned({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = zoned({ weekday: "long", day: "numeric", month: "long" });

export const timeOfDay = (ms, seconds = false) => (seconds ? hourMinuteSecond : hourMinute).format(ms);
export const date = (ms) => day.format(ms);
