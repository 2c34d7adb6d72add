// Decides what the page knows and how old it is: full floor first, then RFC 7396 patches, reconnecting for ever.
// Time comes from the box: its clock is carried on this machine's monotonic one, never on the TV's own wall clock.

import { setup } from "./setup.js";

const RELOAD_MS = 60000;
const SILENT_MS = 7000; // the box speaks at least every 5 s
const GRACE_MS = 1500; // a reconnect shorter than this is no news

export function merge(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const out = target !== null && typeof target === "object" && !Array.isArray(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = merge(out[key], value);
  }
  return out;
}

export class Stream {
  constructor(url, onChange) {
    this.url = url;
    this.onChange = onChange;
    this.floor = null;
    this.source = null;
    this.heardAt = performance.now();
    this.lostAt = null;
    this.offset = null; // box wall clock minus performance.now(), in ms
    this.offsetAt = 0;
    this.tries = 0;
    this.timer = 0;
    this.reload = 0;
    this.connect();
    // A browser allows six connections to one box: a tab that nobody sees gives its own back.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.connect()));
  }

  rest() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  connect() {
    clearTimeout(this.timer);
    this.source?.close();
    const source = new EventSource(this.url);
    this.source = source;
    this.openedAt = performance.now();
    source.addEventListener("floor", (event) => this.heard(source, () => { this.floor = JSON.parse(event.data); this.tries = 0; this.lostAt = null; }, () => this.floor.time));
    source.addEventListener("patch", (event) => this.heard(source, () => { this.patch = JSON.parse(event.data); this.floor = merge(this.floor, this.patch); }, () => this.patch.time));
    source.addEventListener("setup", (event) => this.told(JSON.parse(event.data).revision));
    source.addEventListener("beat", (event) => this.heard(source, () => {}, () => JSON.parse(event.data).time));
    source.onerror = () => this.lost(source);
  }

  // The box was updated, or the board's file changed: this is no longer the page. Never twice in a minute, whatever it says.
  told(revision) {
    clearTimeout(this.reload);
    if (!revision || revision === setup.revision) return;
    const since = Date.now() - Number(sessionStorage.getItem("reloaded") ?? 0);
    if (since >= 0 && since < RELOAD_MS) { // not at once then; and a TV's clock may have been put back
      this.reload = setTimeout(() => this.told(revision), RELOAD_MS);
      return;
    }
    sessionStorage.setItem("reloaded", String(Date.now()));
    location.reload();
  }

  heard(source, apply, time) {
    if (source !== this.source) return;
    apply();
    this.heardAt = performance.now();
    const said = time();
    if (said) this.setTime(Date.parse(said));
    this.onChange();
  }

  // The least delayed message of the last minute tells the box's time best; a step of its clock is followed at once.
  setTime(boxMs) {
    const now = performance.now();
    const offset = boxMs - now;
    if (this.offset === null || offset > this.offset || this.offset - offset > 2000 || now - this.offsetAt > 60000) {
      this.offset = offset;
      this.offsetAt = now;
    }
  }

  lost(source) {
    if (source !== this.source) return;
    this.source.close();
    this.source = null;
    this.lostAt ??= performance.now();
    this.tries += 1;
    const wait = Math.min(10000, 500 * 2 ** Math.min(this.tries, 5)) * (0.5 + Math.random() / 2);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  // Call often: finds out about a stream that neither speaks nor ends (a pulled cable).
  watch() {
    const now = performance.now();
    if (this.source && now - Math.max(this.heardAt, this.openedAt) > SILENT_MS) this.lost(this.source);
  }

  now() {
    return this.offset === null ? null : performance.now() + this.offset;
  }

  ageSeconds() {
    return (performance.now() - this.heardAt) / 1000;
  }

  state() {
    const since = this.lostAt === null ? 0 : performance.now() - this.lostAt;
    if (this.floor === null) return since > GRACE_MS ? "lost" : "starting";
    return since > GRACE_MS ? "lost" : "live";
  }
}
