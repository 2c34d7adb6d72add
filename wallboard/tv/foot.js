// Decides what the bottom line says: the announcements in force, in turn; while there are none, that all is well.

import { clean, data, hide, icon, make, place, shape, style, text } from "./dom.js";
import { em } from "./measure.js";
import { word } from "./setup.js";

const TURN_MS = 12000;
const REST_MS = 3000; // a rolling text rests at both ends
const LETTERS_PER_SECOND = 7; // a reading speed that ten metres allow
const LONGEST = 1000;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Foot {
  constructor() {
    this.icon = icon();
    this.kind = make("strong");
    this.words = make("span", "words");
    this.window = make("span", "window", this.words);
    this.notice = make("p", "notice", this.icon, this.kind, this.window);
    this.calm = make("p", "calm");
    this.element = make("section", "foot", this.notice, this.calm);
    this.key = "";
    this.until = performance.now() + TURN_MS;
    this.at = 0;
    this.urgent = "";
  }

  lay(top, height, s) {
    this.s = s;
    this.width = s.width - 2 * s.pad;
    place(this.element, s.pad, top, this.width, height);
    style(this.element, "--foot", s.strip);
    hide(this.element, !height);
    this.key = "";
  }

  paint(model) {
    const notice = this.inTurn(model.announcements);
    hide(this.notice, !notice);
    hide(this.calm, Boolean(notice));
    data(this.element, "severity", notice ? notice.severity ?? "info" : "none");
    if (!notice) return this.tell(model.calm);
    const severity = notice.severity ?? "info";
    shape(this.icon, severity);
    text(this.kind, word(`severity.${severity}`));
    const key = `${notice.id}\n${notice.text}`;
    if (key !== this.key) {
      this.key = key;
      const said = clean(notice.text, LONGEST);
      text(this.words, said);
      this.roll(said);
    }
    return undefined;
  }

  // Each stands for its time, or until it has rolled through once. What is urgent comes first, and again after each of the others.
  inTurn(notices) {
    const urgent = notices.filter((each) => each.severity === "urgent");
    const others = notices.filter((each) => each.severity !== "urgent");
    const round = urgent.length ? (others.length ? others : [null]).flatMap((each) => (each ? [...urgent, each] : urgent)) : others;
    if (!round.length) return null;
    const now = performance.now();
    const fresh = urgent.map((each) => each.id).join("\n");
    if (fresh !== this.urgent) {
      this.urgent = fresh;
      this.at = 0;
      this.until = now + TURN_MS;
    } else if (now > this.until) {
      this.at += 1;
      this.until = now + TURN_MS;
    }
    return round[this.at % round.length];
  }

  roll(said) {
    for (const each of this.words.getAnimations()) each.cancel();
    const over = this.words.scrollWidth - this.window.clientWidth;
    data(this.element, "rolls", String(over > 0));
    if (over <= 0) return;
    const letters = (said.length * over) / this.words.scrollWidth;
    const duration = 2 * REST_MS + (letters / LETTERS_PER_SECOND) * 1000;
    this.until = Math.max(this.until, performance.now() + duration);
    const [from, to] = [REST_MS / duration, 1 - REST_MS / duration];
    const [start, end] = [{ transform: "none" }, { transform: `translateX(${-over}px)` }];
    // Who asked for less motion sees the text in pieces instead of rolling.
    const pieces = Math.ceil(over / this.window.clientWidth);
    const easing = still.matches ? `steps(${pieces}, jump-end)` : "linear";
    this.words.animate([{ ...start, offset: 0 }, { ...start, offset: from, easing }, { ...end, offset: to }, { ...end, offset: 1 }], { duration, iterations: Infinity });
  }

  tell(calm) {
    while (this.calm.children.length < calm.length) this.calm.append(make("span", "well", icon(), make("span")));
    let room = this.width - 2 * this.s.padX;
    [...this.calm.children].forEach((cell, at) => {
      const each = calm[at];
      const full = each ? [each.text, each.note].filter(Boolean).join(" · ") : "";
      const said = [full, each?.text ?? ""].find((one) => (em(one) + 2.4) * this.s.strip <= room) ?? "";
      hide(cell, !said);
      if (!said) return;
      room -= (em(said) + 2.4) * this.s.strip;
      shape(cell.firstChild, each.shape);
      text(cell.lastChild, said);
    });
    return undefined;
  }
}
