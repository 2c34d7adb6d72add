// Decides when the page repaints: on every message, once per frame, and four times a second for the clocks.

import { beat } from "./beat.js";
import { Painter } from "./paint.js";
import { Stream } from "./stream.js";
import { Trends } from "./trend.js";
import { view } from "./view.js";

const painter = new Painter(document.getElementById("board"), new Trends());
const WHOLE_MS = 1000;
let asked = false;
let last = null;
let wholeAt = 0;

function paint() {
  asked = false;
  const nowMs = stream.now();
  // With the stream lost, waits stand where they were: nobody knows whether those callers still wait.
  const atMs = stream.state() === "lost" ? nowMs - stream.ageSeconds() * 1000 : nowMs;
  painter.paint(stream.floor && nowMs !== null ? seen(atMs) : null, stream);
}

function seen(atMs) {
  const now = performance.now();
  const whole = last === null || now - wholeAt >= WHOLE_MS;
  if (whole) wholeAt = now;
  last = view(stream.floor, atMs, whole ? null : last, document.body.dataset.page);
  return last;
}

function repaint() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(paint);
}

const stream = new Stream("/api/stream", repaint);
setInterval(() => { stream.watch(); repaint(); }, 250);
addEventListener("resize", repaint);
repaint();
beat();
