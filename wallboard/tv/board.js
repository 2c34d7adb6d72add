// Decides when the page repaints: on every message, once per frame, and four times a second for the clocks.

import { Painter } from "./paint.js";
import { Stream } from "./stream.js";
import { Trends } from "./trend.js";
import { view } from "./view.js";

const painter = new Painter(document.getElementById("board"), new Trends());
let asked = false;

function paint() {
  asked = false;
  const nowMs = stream.now();
  // With the stream lost, waits stand where they were: nobody knows whether those callers still wait.
  const atMs = stream.state() === "lost" ? nowMs - stream.ageSeconds() * 1000 : nowMs;
  painter.paint(stream.floor && nowMs !== null ? view(stream.floor, atMs) : null, stream);
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
