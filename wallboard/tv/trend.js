// Decides what stands beside a figure: its line over the last hour, with gaps where it was not known, and the same time last week.

import { figureText } from "./figure.js";
import { setup, word } from "./setup.js";

const EVERY_MS = 60000;
const AGAIN_MS = 5000;
const OLD_MS = 4 * EVERY_MS; // older lines are not shown: they would pass for the last hour's
const BOX = [100, 30];
const MARGIN = 2;

export class Trends {
  constructor() {
    this.documents = new Map(); // window -> {document, at}
    this.drawn = new Map();
    this.windows = [...new Set(setup.pages.map((page) => page.window))];
    if (!this.windows.length) return;
    this.poll();
  }

  // Each minute, not all boards of a floor at once; sooner where the box did not answer.
  async poll() {
    let missed = false;
    for (const window of this.windows) {
      try {
        const answer = await fetch(`/api/trend?window=${window}`, { signal: AbortSignal.timeout(10000) });
        if (answer.ok) this.documents.set(window, { document: await answer.json(), at: performance.now() });
        else missed = answer.status >= 500;
      } catch {
        missed = true; // the stream says that the box is away; the lines go by themselves
      }
    }
    this.drawn.clear();
    setTimeout(() => this.poll(), (missed ? AGAIN_MS : EVERY_MS) * (0.9 + Math.random() * 0.2));
  }

  // {path, box, lastWeek} of one figure of one scope; null where nothing is known.
  of(path, key, window) {
    const held = this.documents.get(window);
    if (!held || performance.now() - held.at > OLD_MS) return null;
    const name = `${window} ${path} ${key}`;
    let found = this.drawn.get(name);
    if (found === undefined) {
      found = { path: line(scopeOf(held.document, path)?.[key]), box: `0 0 ${BOX[0]} ${BOX[1]}`, lastWeek: lastWeek(held.document, path, key, window) };
      this.drawn.set(name, found);
    }
    return found;
  }
}

function scopeOf(document, path) {
  const dot = path.indexOf(".");
  return dot < 0 ? document?.[path] : document?.[`${path.slice(0, dot)}s`]?.[path.slice(dot + 1)];
}

function lastWeek(document, path, key, window) {
  const value = scopeOf(document.last_week, path)?.[window === "rolling" ? "interval" : window]?.[key];
  if (value === null || value === undefined) return "";
  return word("last_week", { v: figureText(setup.figures[key].form, value).join("") });
}

const FEWEST = 5;

// An SVG path through the points, lifted where one is not known; a single point between gaps is a dash.
export function line(points) {
  const known = (points ?? []).filter((point) => point !== null);
  if (known.length < FEWEST) return ""; // fewer are strokes, not a line
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const [width, height] = BOX;
  const y = (value) => (high === low ? height / 2 : height - MARGIN - ((value - low) / (high - low)) * (height - 2 * MARGIN));
  let out = "";
  points.forEach((point, at) => {
    if (point === null) return;
    const x = (at / (points.length - 1)) * width;
    const begins = at === 0 || points[at - 1] === null;
    out += `${begins ? "M" : "L"}${x.toFixed(1)} ${y(point).toFixed(1)}`;
    if (begins && (at === points.length - 1 || points[at + 1] === null)) out += "h.8";
  });
  return out;
}
