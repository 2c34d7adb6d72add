// Decides which figures share a screen, and where: as many as stand at their least size, in order of importance; the rest follow on the next.

import { em, wrapped } from "./measure.js";
import { setup, word } from "./setup.js";

const MOST = 24; // more figures than this nobody finds one among
export const LABEL_LINE = 1.06; // of its font size
export const NOTE_LINE = 1.08;
const DIGIT_CELL = 0.88; // of the font size: digits, and the comma's tail under them
export const ICON = 1.1; // shape and gap before a state's word, of its font size
const HERO = 1.4; // how much taller a first row of fewer figures is
const HERO_LABEL = 1.3;
const NOTES_MOST = 4;

// What a form may grow to without moving anything; a wider value makes room once and for all.
const ROOM = { agents: "888", wait: "8:88:88", since: "8:88:88", duration: "8:88:88", moment: "8:88:88", share: "88,8", rate: "88,8", ratio: "88,8", all_busy: "88,8", score: "8,8", lines: "88/88", parts: "888/888", span: "88:88" };
const grown = new Map();

export function digitsEm(tile) {
  const usual = em(ROOM[tile.form] ?? (setup.figures[tile.key]?.day ? "88.888" : "8.888"), 700);
  const width = Math.max(usual, grown.get(tile.key) ?? 0, em(tile.value, 700));
  if (width > usual) grown.set(tile.key, width);
  return width;
}

const unitOf = (tile) => (tile.unit || ["share", "rate", "ratio", "all_busy"].includes(tile.form) ? (setup.language === "en" ? "%" : "\u00a0%") : "");
export const unitSize = (digits, s) => Math.max(s.letter, digits * 0.5);
const figureWidth = (tile, digits, s) => digitsEm(tile) * digits + (unitOf(tile) ? em(unitOf(tile), 600) * unitSize(digits, s) : 0);
const isShare = (tile) => Boolean(unitOf(tile));

// What tells one layout from another: it is made again only when this changes.
export const signature = (tiles) => tiles.map((tile) => `${tile.key}=${digitsEm(tile).toFixed(2)}${tile.label}`).join("|");

// A tile's least inner width at one size of digits.
function need(tile, digits, way, s) {
  const label = wrapped(way.shorts.has(tile.key) ? tile.short : tile.label, way.lines, 600, way.narrow) * s.body * way.large;
  const state = setup.figures[tile.key]?.alarm || tile.alarmed ? (Math.max(em(word("level.amber"), 400, true), em(word("level.red"), 400, true)) + ICON) * s.body : Math.max(em("88:88", 700), em(word("unknown"), 400, true) + ICON) * s.body;
  return Math.max(label, state, figureWidth(tile, digits, s)) * 1.01;
}

const split = (count, rows) => Array.from({ length: rows }, (_, row) => Math.floor((count + row) / rows));

// Ways to part so many figures into so many rows: evenly, or with a first row of fewer and larger ones.
function partings(count, rows) {
  const even = { sizes: split(count, rows), hero: false };
  if (rows < 2 || count < 5) return [even];
  const out = [even];
  for (let first = Math.max(2, Math.floor(count / rows) - 3); first < count / rows; first += 1) out.push({ sizes: [first, ...split(count - first, rows - 1)], hero: true });
  return out;
}

// Rows of equal length share their columns; others have their own.
function columnsOf(rows, digits, way, s) {
  const needs = rows.map((row) => row.map((tile) => need(tile, digits, way, s)));
  if (rows.every((row) => row.length === rows[0].length)) {
    const shared = needs[0].map((_, column) => Math.max(...needs.map((row) => row[column])));
    return needs.map(() => shared);
  }
  return needs;
}

const sum = (list) => list.reduce((total, each) => total + each, 0);
// Rows that look alike: all of them, or the large first one and the rest.
const groupsOf = (rows, hero) => (hero ? [[rows[0]], rows.slice(1)] : [rows]);

function heights(count, hero, height, s) {
  const unit = (height - s.gap * (count - 1)) / (count - 1 + (hero ? HERO : 1));
  return Array.from({ length: count }, (_, row) => (row === 0 && hero ? unit * HERO : unit));
}

const digitsInHeight = (height, notes, way, s) => Math.min(s.most, (height - 2 * s.padY - way.lines * s.body * way.large * LABEL_LINE - notes * s.body * NOTE_LINE) / DIGIT_CELL);

function digitsInWidth(rows, width, way, s) {
  const fits = (digits) => columnsOf(rows, digits, way, s).every((row) => sum(row) + row.length * 2 * s.padX + (row.length - 1) * s.gap <= width);
  if (!fits(s.digits)) return 0;
  let [low, high] = [s.digits, s.digits * 12];
  for (let step = 0; step < 9; step += 1) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle; else high = middle;
  }
  return low;
}

// The digits of one arrangement, labels shortened only where they must be; null when it cannot be.
function attempt(rows, hero, width, height, lines, narrow, large, s) {
  const way = { lines, narrow, large, shorts: new Set() };
  const tall = heights(rows.length, hero, height, s).map((each) => digitsInHeight(each, 1, way, s));
  if (Math.min(...tall) < Math.max(s.digits, 1.6 * s.body * large * (large > 1 ? 1 : 0))) return null;
  const flat = rows.flat();
  for (;;) {
    const wide = groupsOf(rows, hero).map((group) => digitsInWidth(group, width, way, s));
    if (wide.every(Boolean)) {
      const [first, rest] = [Math.min(wide[0], tall[0]), Math.min(wide[wide.length - 1], tall[tall.length - 1])];
      const worth = (digits) => Math.min(2, Math.log2(digits / s.digits));
      const score = 0.35 * worth(first) + 0.65 * worth(rest) - 2 * (way.shorts.size / flat.length) - (narrow ? 0.12 : 0) - (lines - 1) * 0.04 + (large - 1) * 0.4;
      return { sizes: rows.map((row) => row.length), hero, way, score };
    }
    const long = flat.filter((tile) => !way.shorts.has(tile.key) && tile.short !== tile.label)
      .sort((a, b) => wrapped(b.label, lines, 600, narrow) - wrapped(a.label, lines, 600, narrow))[0];
    if (!long || large > 1 || wrapped(long.label, lines, 600, narrow) * s.body < figureWidth(long, s.digits, s)) return null;
    way.shorts.add(long.key);
  }
}

function arrange(tiles, width, height, s) {
  let best = null;
  for (let count = 1; count <= tiles.length; count += 1) {
    if (heights(count, false, height, s)[count - 1] < s.digits) break;
    for (const { sizes, hero } of partings(tiles.length, count)) {
      let at = 0;
      const rows = sizes.map((size) => tiles.slice(at, (at += size)));
      for (const narrow of [false, true]) {
        for (const lines of [1, 2]) {
          for (const large of [1, 1.25, 1.5]) {
            const found = attempt(rows, hero, width, height, lines, narrow, large, s);
            if (found && (!best || found.score > best.score)) best = found;
          }
        }
      }
    }
  }
  return best;
}

// Splits the tiles into screens: [{from, to, plan}], as few as can be, evenly filled.
export function screensOf(tiles, width, height, s) {
  const out = [];
  for (let from = 0; from < tiles.length;) {
    let to = Math.min(tiles.length, from + MOST);
    let plan = arrange(tiles.slice(from, to), width, height, s);
    while (!plan && to > from + 1) plan = arrange(tiles.slice(from, (to -= 1)), width, height, s);
    out.push({ from, to, plan: plan ?? cramped(tiles.slice(from, to)) });
    from = to;
  }
  return evened(tiles, out, width, height, s) ?? out;
}

// The same number of screens with nearly the same number of figures each, the fuller ones first.
function evened(tiles, screens, width, height, s) {
  if (screens.length < 2) return null;
  const sizes = split(tiles.length, screens.length).reverse();
  const out = [];
  let from = 0;
  for (const size of sizes) {
    const plan = arrange(tiles.slice(from, from + size), width, height, s);
    if (!plan) return null;
    out.push({ from, to: from + size, plan });
    from += size;
  }
  return out;
}

// A screen too small for even one figure at its least size shows that one as large as it can.
const cramped = (tiles) => ({ sizes: [tiles.length], hero: false, way: { lines: 1, narrow: true, large: 1, shorts: new Set(tiles.map((tile) => tile.key)) }, cramped: true });

// Where each tile of a screen stands: place and size, its inner width, the sizes of digits and label, how many lines of notes.
export function placed(tiles, plan, width, height, s) {
  let at = 0;
  const all = plan.sizes.map((size) => tiles.slice(at, (at += size)));
  const tall = heights(all.length, plan.hero, height, s);
  const out = [];
  let top = 0;
  let index = 0;
  for (const rows of groupsOf(all, plan.hero)) {
    const rowHeight = tall[index];
    const way = wayOf(rows, rowHeight, width, plan, index, s);
    const { digits, notes } = sized(rows, rowHeight, width, way, s);
    const columns = columnsOf(rows, digits, way, s);
    for (const [row, needs] of rows.map((each, i) => [each, columns[i]])) {
      const spare = (width - sum(needs) - row.length * 2 * s.padX - (row.length - 1) * s.gap) / row.length;
      let left = 0;
      row.forEach((tile, column) => {
        const inner = needs[column] + spare;
        const own = plan.cramped ? crampedDigits(tile, inner, rowHeight, s) : digits;
        const labelText = way.shorts.has(tile.key) ? tile.short : tile.label;
        out.push({ left, top, width: inner + 2 * s.padX, height: rowHeight, inner, digits: own, notes, label: s.body * way.large, labelText, lines: way.lines, narrow: way.narrow, figure: figureWidth(tile, own, s) });
        left += inner + 2 * s.padX + s.gap;
      });
      top += rowHeight + s.gap;
      index += 1;
    }
  }
  return out;
}

// A large first row has larger labels too, where they fit.
function wayOf(rows, height, width, plan, index, s) {
  if (!plan.hero || index) return plan.way;
  const larger = { ...plan.way, large: plan.way.large * HERO_LABEL };
  return digitsInWidth(rows, width, larger, s) && digitsInHeight(height, 1, larger, s) > 1.5 * s.digits ? larger : plan.way;
}

// The digits of rows that look alike, and the lines of notes that these leave: large digits first, then what stands beneath.
function sized(rows, height, width, way, s) {
  const wide = digitsInWidth(rows, width, way, s) || s.digits;
  const room = (lines) => digitsInHeight(height, lines, way, s);
  const most = Math.max(Math.min(wide, room(1)), s.digits);
  const wished = Math.min(NOTES_MOST, Math.max(...rows.flat().map(notesOf)));
  let notes = 1;
  while (notes < wished && room(notes + 1) >= Math.max(s.digits, Math.min(most, height * 0.46))) notes += 1;
  return { digits: Math.max(s.digits, Math.min(most, room(notes))), notes };
}

const crampedDigits = (tile, width, height, s) => Math.max(s.letter, Math.min(width / (digitsEm(tile) + (isShare(tile) ? 1 : 0)), (height - 2 * s.padY - 2.3 * s.body) / DIGIT_CELL));
// How many lines a tile may have something to say on, beside its figure.
const notesOf = (tile) => tile.alarmed ? 2 : { service_level: 4, abandon_rate: 3, busy: 3, paused: 3, callbacks: 2 }[tile.key] ?? 2;
