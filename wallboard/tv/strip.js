// Decides how troubles stand on the board: one line each at least, gravest first, with as many details as fit; the others take turns.

import { clean, data, hide, icon, make, place, shape, style, text } from "./dom.js";
import { em, linesOf } from "./measure.js";

const LINE = 1.12;
const BLOCK = 0.1; // what a block has around its lines, of the font size
const TURN_MS = 3500;
const SEPARATOR = 1.1;
const LEAD = 2.1; // the shape, and what is around it
const detailEm = (texts) => texts.reduce((sum, each) => sum + em(each, 400, true), 0) + SEPARATOR * (texts.length - 1);

export const linesHeight = (lines, s) => (lines ? s.strip * (lines * LINE + BLOCK) : 0);

// What stands on so many lines: [{trouble, details, more}] per line; a trouble may have a second line for its details.
export function arranged(troubles, lines, width, nowMs, s) {
  if (!troubles.length || !lines) return [];
  const turn = Math.floor(nowMs / TURN_MS);
  let shown = troubles;
  let mark = "";
  if (troubles.length > lines) {
    const rest = troubles.slice(lines - 1);
    shown = [...troubles.slice(0, lines - 1), rest[turn % rest.length]];
    mark = `${lines + (turn % rest.length)}/${troubles.length}`;
  }
  let spare = lines - shown.length;
  const out = [];
  shown.forEach((trouble, index) => {
    const last = index === shown.length - 1;
    // A title that no line holds goes on on the next, where there is one.
    const [head, ...tail] = linesOf(trouble.text, width - LEAD * s.strip, s.strip, 700);
    if (tail.length && spare > 0) {
      spare -= 1;
      out.push({ trouble, text: head, shaped: true, details: [], mark: "" });
    }
    const second = tail.length && out.length && out[out.length - 1].text === head;
    const pieces = [head, tail.join(" ")];
    const said = !tail.length ? trouble.text : second ? pieces[1] : pieces[turn % 2];
    const room = width - (em(said, 700) + LEAD + (last && mark ? em(mark, 700) + SEPARATOR : 0)) * s.strip;
    const [first, rest] = filled(trouble.details, room, s);
    const line = { trouble, text: said, shaped: !second, details: first, mark: last ? mark : "" };
    out.push(line);
    if (!rest.length) return;
    if (spare > 0) {
      spare -= 1;
      out.push({ trouble, text: "", shaped: false, details: inTurn(rest, width - LEAD * s.strip, turn, s), mark: "" });
    } else line.details = inTurn(trouble.details, room, turn, s);
  });
  return out;
}

// As many as fit, and those that do not. An age in brackets is left out before a whole detail is.
function filled(details, room, s) {
  let count = details.length;
  while (count && detailEm(details.slice(0, count)) * s.strip > room) count -= 1;
  if (count || !details.length) return [details.slice(0, count), details.slice(count)];
  const brief = details[0].replace(/ \([^)]*\)$/, "");
  return detailEm([brief]) * s.strip <= room ? [[brief], details.slice(1)] : [[], details];
}

// Where not all fit, each has its turn.
function inTurn(details, room, turn, s) {
  const [all, rest] = filled(details, room, s);
  if (!rest.length) return all;
  const groups = [];
  for (let left = details; left.length;) {
    const [some] = filled(left, room, s);
    if (some.length) groups.push(some);
    left = left.slice(Math.max(1, some.length));
  }
  return groups.length ? groups[turn % groups.length] : [];
}

// How many lines the troubles would like.
export function wanted(troubles, width, s) {
  return troubles.reduce((sum, each) => sum + Math.min(3, Math.ceil(((em(each.text, 700) + detailEm(each.details)) * s.strip) / (width - LEAD * s.strip))), 0);
}

export class Strip {
  constructor() {
    this.lines = [];
    this.element = make("section", "strip");
    this.element.setAttribute("role", "status");
  }

  lay(top, lines, s) {
    this.count = lines;
    this.s = s;
    place(this.element, s.pad, top, s.width - 2 * s.pad, linesHeight(lines, s));
    style(this.element, "--strip", s.strip);
    hide(this.element, !lines);
  }

  paint(troubles, nowMs) {
    const all = arranged(troubles, this.count, this.s.width - 2 * this.s.pad - 2 * this.s.padX, nowMs, this.s);
    while (this.lines.length < all.length) this.add();
    this.lines.forEach((line, index) => {
      const each = all[index];
      hide(line.element, !each);
      if (!each) return;
      data(line.element, "trouble", each.trouble.trouble);
      data(line.element, "state", each.trouble.state);
      data(line.element, "severe", String(each.trouble.severe));
      data(line.element, "more", String(!each.shaped));
      shape(line.icon, each.shaped ? each.trouble.shape : "");
      text(line.text, each.text);
      while (line.details.children.length < each.details.length) line.details.append(make("span"));
      [...line.details.children].forEach((span, at) => { hide(span, at >= each.details.length); text(span, clean(each.details[at] ?? "")); });
      text(line.mark, each.mark);
    });
  }

  add() {
    const line = { icon: icon(), text: make("strong"), details: make("span", "details"), mark: make("span", "turn") };
    line.element = make("p", "trouble", line.icon, line.text, line.details, line.mark);
    this.lines.push(line);
    this.element.append(line.element);
  }
}
