// Decides how one figure is drawn: label, digits, its state in colour, shape and word, and what else there is room for beneath.

import { clean, data, drawn, hide, icon, make, place, shape, style, text } from "./dom.js";
import { ICON, unitSize } from "./fit.js";
import { em, fitting } from "./measure.js";
import { DASH, number, word } from "./setup.js";

const NOTE_LINES = 4;

// Nobody, or nothing: it stands back.
export const isNothing = (tile) => tile?.form !== "moment" && (tile?.value === "0" || tile?.value === "0:00");
// A VIP who waits now.
export const isVip = (tile) => tile?.key === "vip_wait" && !isNothing(tile) && tile.value !== DASH;

// What a figure is apart from its value, if it is anything: [shape, texts from the fullest to the shortest]; null where it is plain.
export function stateOf(tile, stamp, age) {
  if (tile.fresh === "stale") return ["clock", [stamp, age].filter(Boolean)];
  if (tile.fresh === "unknown") return ["unknown", [word("unknown")]];
  if (tile.full) return ["full", [tile.full]];
  if (tile.level !== "none") {
    const said = word(`level.${tile.level}`);
    return tile.acknowledged ? [`${tile.level}-seen`, [`${said} · ${word("acknowledged")}`, said]] : [tile.level, [said]];
  }
  if (isVip(tile)) return ["vip", tile.notes];
  if (tile.hatched) return ["hatch", [word("seen", { p: `${number(tile.covered * 100, 1)} %` }), `${number(tile.covered * 100, 1)} %`]];
  return null;
}

// What stands beside a figure, the most important first: by which rule, the target, of how many, the same time last week.
function beside(tile, lastWeek) {
  const [first, ...rest] = tile.key === "service_level" ? tile.notes : [undefined, ...tile.notes];
  if (isVip(tile)) return [];
  return [first, tile.target, ...rest.map((note) => clean(note, 60)), lastWeek].filter(Boolean);
}

// Fills lines with as many of the items as fit, in their order; one too long for a line is left out.
export function packed(items, lines, width, size, narrow) {
  const out = [];
  let line = "";
  for (const item of items) {
    const joined = line ? `${line} · ${item}` : item;
    if (em(joined, 400, narrow) * size <= width) { line = joined; continue; }
    if (em(item, 400, narrow) * size > width) continue;
    if (line) out.push(line);
    line = item;
    if (out.length >= lines) break;
  }
  if (line) out.push(line);
  return out.slice(0, lines);
}

export class TileView {
  constructor() {
    this.label = make("h2", "label");
    this.digits = make("span", "digits");
    this.unit = make("span", "unit");
    this.path = drawn("path");
    this.trend = drawn("svg", this.path);
    this.trend.setAttribute("class", "trend");
    this.trend.setAttribute("aria-hidden", "true");
    this.trend.setAttribute("preserveAspectRatio", "none");
    this.bar = make("span", "bar", make("i"));
    this.gauge = make("span", "gauge", make("i"));
    this.icon = icon();
    this.word = make("span");
    this.state = make("p", "state", this.icon, this.word);
    this.notes = Array.from({ length: NOTE_LINES }, () => make("p", "note"));
    this.element = make("article", "tile", this.label, make("div", "figure", this.trend, this.bar, make("p", "value", this.digits, this.unit)), make("footer", "", this.state, ...this.notes), this.gauge);
  }

  lay(spot, s) {
    this.spot = spot;
    this.s = s;
    place(this.element, spot.left, spot.top, spot.width, spot.height);
    style(this.element, "--digits", spot.digits);
    style(this.element, "--unit", unitSize(spot.digits, s));
    style(this.element, "--label", spot.label);
    style(this.element, "--lines", String(spot.lines));
    style(this.element, "--notes", String(spot.notes));
    data(this.element, "narrow", String(spot.narrow));
    const room = spot.inner - spot.figure - s.padX;
    this.roomy = room > 1.8 * s.body;
    style(this.trend, "width", Math.max(0, room));
    this.drawnAs = null;
  }

  // `quiet`: the page itself hears nothing; {stamp, age} of that. `trend`: {path, lastWeek} or null.
  paint(tile, page, quiet, trend) {
    const { spot, s } = this;
    data(this.element, "key", tile.key);
    text(this.label, spot.labelText);
    text(this.digits, tile.value);
    text(this.unit, tile.unit);
    const fresh = quiet && tile.fresh === "live" ? "stale" : tile.fresh;
    const shown = fresh === tile.fresh ? tile : { ...tile, fresh };
    data(this.element, "fresh", fresh);
    data(this.element, "vip", String(fresh === "live" && isVip(tile)));
    data(this.element, "level", fresh === "live" ? (tile.full ? "red" : tile.level) : "none");
    hide(this.bar, tile.filled == null || !this.roomy);
    if (tile.filled != null) style(this.bar, "--filled", String(tile.filled));
    hide(this.gauge, tile.share == null);
    if (tile.share != null) style(this.gauge, "--filled", String(tile.share));
    data(this.element, "seen", String(tile.acknowledged));
    data(this.element, "hatched", String(tile.hatched));
    const state = stateOf(shown, quiet?.stamp ?? page.stamp, quiet?.age ?? page.age);
    hide(this.state, !state);
    if (state) {
      shape(this.icon, state[0]);
      const room = spot.inner - ICON * s.body;
      const said = fitting(state[1], room, s.body, 400, true);
      text(this.word, said);
      data(this.state, "bold", String(em(said, 700, true) * s.body <= room));
    }
    const lines = packed(beside(tile, trend?.lastWeek), spot.notes - (state ? 1 : 0), spot.inner, s.body, spot.narrow);
    this.notes.forEach((note, at) => { hide(note, at >= lines.length); text(note, lines[at] ?? ""); });
    this.sketch(trend);
  }

  sketch(trend) {
    const drawing = this.roomy && trend?.path ? trend.path : "";
    if (drawing === this.drawnAs) return;
    this.drawnAs = drawing;
    hide(this.trend, !drawing);
    this.path.setAttribute("d", drawing);
    if (drawing) this.trend.setAttribute("viewBox", trend.box);
  }
}

export class TileStage {
  constructor(root) {
    this.root = root;
    this.views = [];
  }

  lay(spots, s) {
    while (this.views.length < spots.length) {
      const view = new TileView();
      this.views.push(view);
      this.root.append(view.element);
    }
    spots.forEach((spot, at) => this.views[at].lay(spot, s));
  }

  paint(tiles, page, quiet, trends) {
    this.views.forEach((view, at) => {
      hide(view.element, at >= tiles.length);
      if (at < tiles.length) view.paint(tiles[at], page, quiet, trends?.(page.path, tiles[at]));
    });
  }
}
