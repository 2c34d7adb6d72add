// Decides what the top line says: which board and page, which screen of how many, the date and the clock.

import { clean, data, hide, make, place, style, text } from "./dom.js";
import { em } from "./measure.js";
import { isTight } from "./scale.js";
import { DATE_FORMS, date, timeOfDay } from "./setup.js";

const LINE = 1.06;
const LONGEST = 60;
// A Wednesday in September is the longest date in all three languages.
const WIDEST_DAY = Date.UTC(2026, 8, 23, 12);
const cut = (title) => clean(title, LONGEST);

export class Head {
  constructor() {
    this.board = make("span", "board");
    this.page = make("span", "page");
    this.mark = make("span", "mark");
    this.title = make("h1", "", this.board, this.page);
    this.day = make("span", "day");
    this.hour = make("time", "hour");
    this.when = make("p", "when", this.day, this.hour);
    this.element = make("header", "top", this.title, this.mark, this.when);
  }

  // One line where every page's title and a date fit beside the clock, else two. Returns the height.
  lay(model, s) {
    const width = s.width - 2 * s.pad;
    const size = s.head;
    const clock = em("88:88", 700) * size + size * 0.6;
    const mark = em("8/8", 700) * size + size * 0.8;
    const titles = (both) => Math.max(...titlesOf(model, both).map(([board, page]) => (em(board, 700) + (board && page ? 0.9 : 0) + em(page, board ? 400 : 700)) * size));
    const days = Array.from({ length: DATE_FORMS }, (_, form) => em(date(WIDEST_DAY, form)) * size + size * 0.5);
    const ways = [[true, 0], [true, 1], [false, 1], [false, 2]].filter(([both, form]) => titles(both) + mark + days[form] + clock <= width);
    this.lines = ways.length ? 1 : 2;
    [this.both, this.form] = ways[0] ?? [titles(true) + mark <= width, days.findIndex((each) => each + clock <= width)];
    if (this.form < 0) this.form = DATE_FORMS - 1;
    // Where every line is dear the title gives way to date and clock.
    if (isTight(s)) [this.lines, this.both, this.form] = [1, false, DATE_FORMS - 1];
    this.height = size * LINE * this.lines;
    place(this.element, s.pad, s.pad, width, this.height);
    style(this.element, "--head", size);
    data(this.element, "lines", String(this.lines));
    return this.height;
  }

  paint(model, page, at, of, nowMs) {
    const [board, title] = page ? titleOf(model, page, this.both) : [cut(model.title), ""];
    text(this.board, board);
    hide(this.board, !board);
    text(this.page, title);
    data(this.page, "alone", String(!board));
    text(this.mark, of > 1 ? `${at + 1}/${of}` : "");
    if (nowMs === null) return;
    text(this.day, date(nowMs, this.form));
    text(this.hour, timeOfDay(nowMs));
  }
}

// The floor's own figures need no other name than the board's.
function titleOf(model, page, both) {
  const named = [page.kind === "floor" && !page.titled ? "" : cut(page.title), page.note].filter(Boolean).join(" · ");
  if (!named) return [cut(model.title), ""];
  return both && page.title !== model.title ? [cut(model.title), named] : ["", named];
}

const titlesOf = (model, both) => (model.pages.length ? model.pages.map((page) => titleOf(model, page, both)) : [[cut(model.title), ""]]);
