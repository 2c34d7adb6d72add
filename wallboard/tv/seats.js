// Decides how agents stand in a grid: by what they do, in colour, shape and word; by name only where the board may name them.

import { clean, data, hide, icon, make, place, shape, style, text } from "./dom.js";
import { em } from "./measure.js";
import { number, setup, word } from "./setup.js";

const LINE = 1.16;
const LARGEST = 2;
const TALLEST = 1.7; // how far a cell may stretch to fill the screen
const NAME_MOST = 9; // a name's width in the cell, of the font size; what is longer is cut
const LONGEST = 40;
const SHAPES = { available: "available", ringing: "ringing", talking: "busy", holding: "holding", wrap_up: "wrap_up", paused: "paused", unknown: "unknown" };
const short = (said) => clean(said.split(" · ")[0], LONGEST);

function attempt(rows, width, height, large, words, s) {
  const size = s.body * large;
  const named = rows.some((row) => row.title);
  const state = 1.3 + Math.max(words ? Math.max(...rows.map((row) => em(short(row.word), 600, true))) + 0.5 + em("8:88:88", 700) : em("8:88:88", 700), 0);
  const name = named ? Math.min(NAME_MOST, Math.max(...rows.map((row) => em(clean(row.title, LONGEST), 600, true)))) : 0;
  const cellWidth = Math.max(state, name) * size + 2 * s.padX;
  const cellHeight = (named ? 2 : 1) * size * LINE + 2 * s.padY;
  const legend = legendLines(rows, width, s);
  const columns = Math.max(1, Math.floor((width + s.gap) / (cellWidth + s.gap)));
  const down = Math.max(1, Math.floor((height - legend * s.body * LINE - s.gap + s.gap) / (cellHeight + s.gap)));
  return { size, words, named, legend, columns, down, cellHeight, per: columns * down };
}

function counted(rows) {
  const counts = new Map(setup.agent_order.map((state) => [state, 0]));
  for (const row of rows) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  return [...counts].filter(([, count]) => count);
}

const legendText = ([state, count]) => `${word(state === "unknown" ? "agents.unknown" : state)} ${number(count)}`;

function legendLines(rows, width, s) {
  let [lines, left] = [1, width];
  for (const state of counted(rows)) {
    const need = (em(`${legendText(state)}8`, 600) + 2.2) * s.body;
    if (need > left) { lines += 1; left = width; }
    left -= need;
  }
  return lines;
}

export function seatScreens(page, width, height, s) {
  const { rows } = page;
  if (!rows.length) return { plan: attempt(rows, width, height, 1, false, s), screens: [{ from: 0, to: 0 }] };
  const plans = [];
  for (const words of [true, false]) for (let large = LARGEST; large >= 1; large -= 0.1) plans.push(attempt(rows, width, height, large, words, s));
  const least = attempt(rows, width, height, 1, false, s);
  const pages = Math.max(1, Math.ceil(rows.length / least.per));
  const plan = plans.find((each) => Math.ceil(rows.length / each.per) <= pages) ?? least;
  const screens = [];
  for (let index = 0, from = 0; index < pages; index += 1) {
    const to = from + Math.ceil((rows.length - from) / (pages - index));
    screens.push({ from, to });
    from = to;
  }
  return { plan, screens };
}

export class SeatsView {
  constructor(root) {
    this.cells = [];
    this.legend = make("p", "legend");
    this.grid = make("div", "grid");
    this.element = make("section", "seats", this.legend, this.grid);
    root.append(this.element);
  }

  lay({ plan }, screen, page, width, height, s) {
    this.plan = plan;
    this.screen = screen;
    place(this.element, 0, 0, width, height);
    style(this.element, "--body", s.body);
    style(this.element, "--size", plan.size);
    style(this.element, "--columns", String(plan.columns));
    const legend = plan.legend * s.body * LINE + s.gap;
    const down = Math.max(1, Math.ceil((screen.to - screen.from) / plan.columns));
    style(this.element, "--cell", Math.min((height - legend + s.gap) / down - s.gap, plan.cellHeight * TALLEST));
    style(this.legend, "height", legend - s.gap);
    data(this.element, "words", String(plan.words));
  }

  paint(page) {
    const states = counted(page.rows);
    while (this.legend.children.length < states.length) this.legend.append(make("span", "well", icon(), make("span")));
    [...this.legend.children].forEach((cell, at) => {
      hide(cell, at >= states.length);
      if (at >= states.length) return;
      data(cell, "state", states[at][0]);
      shape(cell.firstChild, SHAPES[states[at][0]] ?? "unknown");
      text(cell.lastChild, legendText(states[at]));
    });
    const rows = page.rows.slice(this.screen.from, this.screen.to);
    while (this.cells.length < rows.length) this.add();
    this.cells.forEach((cell, at) => {
      hide(cell.element, at >= rows.length);
      if (at < rows.length) this.fill(cell, rows[at]);
    });
  }

  add() {
    const cell = { name: make("strong", "who"), icon: icon(), word: make("span", "what"), age: make("span", "age") };
    cell.element = make("article", "seat", cell.name, make("p", "", cell.icon, cell.word, cell.age));
    this.cells.push(cell);
    this.grid.append(cell.element);
  }

  fill(cell, row) {
    data(cell.element, "state", row.state);
    hide(cell.name, !row.title);
    text(cell.name, clean(row.title, LONGEST));
    shape(cell.icon, SHAPES[row.state] ?? "unknown");
    hide(cell.word, !this.plan.words);
    text(cell.word, short(row.word));
    text(cell.age, row.age);
  }
}
