// Decides when the page repaints: on every message, once per frame, and four times a second for the clocks.

import { LedPanel } from "./led.js";
import { Painter } from "./paint.js";
import { setup } from "./setup.js";
import { Stream } from "./stream.js";
import { view } from "./view.js";

const painter = new Painter(document.getElementById("board"));
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
// One chain has room beside the announcements; each has a page of its own.
for (const [name, size] of Object.entries(setup.leds).slice(0, 1)) painter.foot.append(new LedPanel(name, size).canvas);
if (Object.keys(setup.leds).length) document.body.dataset.led = "shown";
setInterval(() => { stream.watch(); repaint(); }, 250);
repaint();
