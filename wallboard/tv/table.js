// Decides how rows of a table stand: as many columns as fit in their order of importance, as many rows as fit at their least size.

import { clean, data, hide, icon, make, place, shape, style, text } from "./dom.js";
import { digitsEm } from "./fit.js";
import { em, fitting, wrapped } from "./measure.js";
import { DASH, setup, word } from "./setup.js";
import { isNothing, isVip, stateOf } from "./tile.js";

const ROW = 1.3; // least height of a row, of its digits' font size
const TALLEST = 2.6; // how far a row may stretch to fill the screen
const LARGEST = 2.4;
const ICON = 0.9; // an alarm's shape beside the digits
const NAME_MOST = 0.5; // of the width
const LONGEST = 80;
// A queue named by its key alone may be broken where the key has a joint.
const titleOf = (row) => clean(row.title, LONGEST).replace(/([_./-])(?=.)/g, "$1\u200b");
const SEAT_SHAPES = { muted: "muted", off_hook: "off_hook", on_hook: "on_hook", unknown: "unknown" };

// The columns that a page's rows have, besides the name.
function wantedColumns(page) {
  const tiles = rowsOf(page)[0]?.tiles ?? [];
  const figures = tiles.map((tile) => ({ kind: "figure", key: tile.key, label: tile.label, short: tile.short, tile }));
  if (page.kind === "headsets") return [{ kind: "state", key: "state", label: "" }, { kind: "age", key: "age", label: "" }];
  return figures;
}

// What the sum does not know it has not from a row either.
const nothing = (tile) => ({ ...tile, value: DASH, unit: "", notes: [], level: "none", acknowledged: false, hatched: false });
const SUMMED = new Set(["totals", "callbacks"]);
export const rowsOf = (page) => (SUMMED.has(page.kind) && page.tiles.length
  ? [{ key: "", title: word("total"), tiles: (page.rows[0]?.tiles ?? page.tiles).map((tile) => page.tiles.find((each) => each.key === tile.key) ?? nothing(tile)), fresh: page.fresh, age: page.age, state: "", word: "", sum: true }, ...page.rows]
  : page.rows);

// Room for what a figure may grow to; a table has less than a tile.
const ROOM = { count: "888", agents: "88", lines: "88/88", parts: "888/888" };
function figureEm(tile) {
  const room = setup.figures[tile.key]?.day ? "8.888" : ROOM[tile.form];
  const figure = room ? Math.max(em(room, 700), em(tile.value, 700)) : digitsEm(tile);
  return figure + (["share", "rate", "ratio", "all_busy"].includes(tile.form) ? em(setup.language === "en" ? "%" : "\u00a0%", 700) : 0);
}

function columnNeed(column, rows, size, s, narrow) {
  if (column.kind === "age") return { need: em("8:88:88", 700) * size, label: "" };
  if (column.kind === "state") return { need: Math.max(...rows.map((row) => em(row.word, 600, narrow))) * s.body + 1.6 * s.body, label: "" };
  const cells = rows.map((row) => row.tiles.find((tile) => tile.key === column.key)).filter(Boolean);
  const figure = Math.max(...cells.map(figureEm)) * size + (setup.figures[column.key]?.alarm || column.key === "vip_wait" ? ICON * size : 0);
  const full = wrapped(column.label, 2, 600, narrow) * s.body;
  const brief = em(column.short, 600, narrow) * s.body;
  return full <= Math.max(figure * 1.4, brief) ? { need: Math.max(figure, full), label: column.label } : { need: Math.max(figure, brief), label: column.short };
}

function attempt(wanted, rows, width, large, narrow, lines, s) {
  const size = Math.max(s.cells, s.body * 1.1) * large;
  const titles = rows.map((row) => titleOf(row));
  const widest = Math.max(...titles.map((title) => wrapped(title, lines, 600, narrow)), 1.45 + em("8:88:88", 600)) * 1.01; // at least the shape and the age of all rows
  const body = widest * s.body * Math.min(1.3, large) > width * NAME_MOST ? s.body : s.body * Math.min(1.3, large);
  const name = Math.min(width * NAME_MOST, widest * body);
  let room = width - name - 2 * s.padX;
  const columns = [];
  for (const column of wanted) {
    const { need, label } = columnNeed(column, rows, size, s, narrow);
    if (need * 1.01 + 2 * s.padX > room) break;
    room -= need * 1.01 + 2 * s.padX;
    columns.push({ ...column, label, width: need * 1.01 });
  }
  const heads = columns.some((column) => column.label) ? Math.max(...columns.map((column) => (em(column.label, 600, narrow) * s.body > column.width ? 2 : 1))) : 0;
  return { size, body, narrow, lines, name, cut: widest * body > name + 1, columns, room, heads, head: heads * s.body * 1.08 + (heads ? s.padY : 0), row: Math.max(size * ROW, lines * body * 1.12 + body * 0.3) };
}

// How a page's rows are spread over screens, and the columns that one screen does not hold over further ones: {screens: [{from, to, plan}], fixed}.
export function tableScreens(page, width, height, s) {
  const rows = rowsOf(page);
  const fixed = rows[0]?.sum ? 1 : 0;
  const screens = [];
  for (let wanted = wantedColumns(page); ;) {
    const { plan, pages } = planned(wanted, rows, fixed, width, height, s);
    for (let index = 0, from = 0; index < pages; index += 1) {
      const to = from + Math.ceil((rows.length - fixed - from) / (pages - index));
      screens.push({ from, to, plan });
      from = to;
    }
    wanted = wanted.slice(Math.max(1, plan.columns.length));
    if (!wanted.length) return { screens, fixed };
  }
}

// As many columns as fit, titles whole, then digits as large as they can be without a further screen.
function planned(wanted, rows, fixed, width, height, s) {
  const per = (plan) => Math.max(1, Math.floor((height - plan.head - 2 * s.padY) / plan.row));
  const count = (plan) => plan.columns.length;
  const pagesOf = (plan) => Math.max(1, Math.ceil((rows.length - fixed) / Math.max(1, per(plan) - fixed)));
  const ways = [[false, 1], [true, 1], [false, 2], [true, 2]].map(([narrow, lines]) => attempt(wanted, rows, width, 1, narrow, lines, s));
  let best = ways.reduce((most, plan) => (most.cut !== plan.cut ? most.cut : count(plan) > count(most)) ? plan : most);
  for (let large = LARGEST; large > 1; large -= 0.1) {
    const plan = attempt(wanted, rows, width, large, best.narrow, best.lines, s);
    if (count(plan) >= count(best) && plan.cut === best.cut && pagesOf(plan) <= pagesOf(best)) { best = plan; break; }
  }
  return { plan: best, pages: pagesOf(best) };
}

export class TableView {
  constructor(root) {
    this.root = root;
    this.rows = [];
    this.stamp = { icon: icon(), text: make("span") };
    this.head = make("tr", "", make("td", "name", this.stamp.icon, this.stamp.text));
    this.body = make("tbody");
    this.group = [make("col")];
    this.columns = make("colgroup", "", ...this.group);
    this.table = make("table", "", this.columns, make("thead", "", this.head), this.body);
    this.element = make("section", "panel rows", this.table);
    root.append(this.element);
  }

  lay(fit, screen, page, width, height, s) {
    const { plan } = screen;
    const shown = screen.to - screen.from + fit.fixed;
    this.fit = fit;
    this.screen = screen;
    this.s = s;
    const row = Math.min((height - plan.head - 2 * s.padY) / Math.max(1, shown), plan.row * TALLEST);
    place(this.element, 0, 0, width, height);
    style(this.element, "--size", plan.size);
    style(this.element, "--name", plan.body);
    style(this.element, "--row", row);
    style(this.element, "--head", plan.head);
    data(this.element, "narrow", String(plan.narrow));
    data(this.element, "lines", String(plan.lines));
    data(this.element, "kind", page.kind);
    const extra = plan.room / (plan.columns.length + 0.6);
    while (this.group.length <= plan.columns.length) { this.group.push(make("col")); this.columns.append(this.group[this.group.length - 1]); }
    style(this.group[0], "width", plan.name + 2 * s.padX + extra * 0.6);
    while (this.head.children.length <= plan.columns.length) this.head.append(make("th"));
    [...this.head.children].forEach((cell, at) => hide(cell, at > plan.columns.length));
    this.group.forEach((col, at) => hide(col, at > plan.columns.length));
    plan.columns.forEach((column, at) => {
      style(this.group[at + 1], "width", column.width + 2 * s.padX + extra);
      text(this.head.children[at + 1], column.label);
      data(this.head.children[at + 1], "key", column.key);
    });
    hide(this.head.parentElement, !plan.heads);
  }

  paint(page, quiet) {
    const all = rowsOf(page);
    const { fixed } = this.fit;
    const { plan } = this.screen;
    const rows = [...all.slice(0, fixed), ...all.slice(fixed).slice(this.screen.from, this.screen.to)];
    // How old a page's rows are stands once, over all of them; each row that is old has the shape.
    const state = stateOf({ fresh: quiet ? "stale" : page.fresh, level: "none" }, quiet?.stamp ?? page.stamp, quiet?.age ?? page.age);
    shape(this.stamp.icon, state ? state[0] : "");
    text(this.stamp.text, state ? fitting(state[1], plan.name - 1.4 * this.s.body, this.s.body, 600, plan.narrow) : "");
    while (this.rows.length < rows.length) this.add();
    this.rows.forEach((row, at) => {
      hide(row.element, at >= rows.length);
      if (at < rows.length) this.fill(row, rows[at], plan, quiet);
    });
  }

  add() {
    const name = make("th", "name");
    name.scope = "row";
    const row = { title: make("span", "title"), cells: [] };
    name.append(row.title);
    row.element = make("tr", "", name);
    this.rows.push(row);
    this.body.append(row.element);
  }

  fill(row, said, plan, quiet) {
    data(row.element, "key", said.key);
    data(row.element, "sum", String(Boolean(said.sum)));
    const fresh = quiet && said.fresh === "live" ? "stale" : said.fresh;
    data(row.element, "fresh", fresh);
    text(row.title, titleOf(said));
    while (row.cells.length < plan.columns.length) {
      const cell = { element: make("td"), icon: icon(), digits: make("span", "digits") };
      cell.element.append(cell.icon, cell.digits);
      row.cells.push(cell);
      row.element.append(cell.element);
    }
    row.cells.forEach((cell, at) => {
      const column = plan.columns[at];
      hide(cell.element, !column);
      if (column) this.cell(cell, column, said, fresh, at === 0);
    });
  }

  cell(cell, column, said, fresh, first) {
    data(cell.element, "kind", column.kind);
    data(cell.element, "key", column.key);
    if (column.kind === "figure") {
      const tile = said.tiles.find((each) => each.key === column.key);
      text(cell.digits, tile ? tile.value + tile.unit : "");
      const level = tile && fresh === "live" ? tile.level : "none";
      data(cell.element, "level", level);
      data(cell.element, "hatched", String(tile?.hatched ?? false));
      data(cell.element, "zero", String(isNothing(tile) || tile?.value === DASH));
      const vip = fresh === "live" && isVip(tile);
      data(cell.element, "vip", String(vip));
      const state = vip ? ["vip"] : level === "none" ? null : stateOf(tile, "", "");
      shape(cell.icon, state ? state[0] : first && fresh !== "live" ? (fresh === "stale" ? "clock" : "unknown") : "");
    } else {
      text(cell.digits, column.kind === "age" ? said.age : said.word);
      data(cell.element, "state", said.state);
      shape(cell.icon, column.kind === "age" ? "" : SEAT_SHAPES[said.state] ?? "");
    }
  }
}
