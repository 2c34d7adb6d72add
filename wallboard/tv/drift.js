// Decides how far the picture wanders, so that a plasma or OLED panel that shows it for months keeps no shadow of it.

import { style } from "./dom.js";

const STEP_MS = 60000;
const PLACES = [[0, 0], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1]];

// A few pixels, less than the margin around everything; a step each minute.
export function drift(root, nowMs, pad) {
  const reach = Math.max(1, Math.round(pad * 0.4));
  const [x, y] = PLACES[Math.floor(nowMs / STEP_MS) % PLACES.length];
  style(root, "transform", `translate(${x * reach}px, ${y * reach}px)`);
}
