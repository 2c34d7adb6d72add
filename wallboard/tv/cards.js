// Decides how announcements stand on a page of their own: whole, in large, as many as fit; a long one goes on on the next screen.

import { clean, data, hide, icon, make, place, shape, style, text } from "./dom.js";
import { linesOf } from "./measure.js";
import { word } from "./setup.js";

const LINE = 1.22;
const LONGEST = 1500;

// As large as can be without a further screen.
export function cardScreens(page, width, height, s) {
  const least = spread(page, width, height, Math.max(s.letter, Math.min(s.width, s.height) * 0.045), s);
  for (let large = 2.2; large > 1; large -= 0.2) {
    const made = spread(page, width, height, least.plan.size * large, s);
    if (made.screens.length <= least.screens.length) return made;
  }
  return least;
}

function spread(page, width, height, size, s) {
  const inner = (width - 4 * s.padX) * 0.98;
  const head = s.body * LINE;
  const most = Math.max(1, Math.floor((height - head - 4 * s.padY) / (size * LINE)));
  const screens = [];
  let [now, left] = [[], 0];
  for (const row of page.rows) {
    const lines = linesOf(clean(row.title, LONGEST), inner, size);
    for (let from = 0; from < lines.length; from += most) {
      const part = lines.slice(from, from + most);
      const need = head + part.length * size * LINE + 4 * s.padY + s.gap;
      if (need > left || !now.length) {
        if (now.length) screens.push(now);
        [now, left] = [[], height + s.gap];
      }
      now.push({ key: row.key, state: row.state, text: part.join(" "), height: need - s.gap });
      left -= need;
    }
  }
  if (now.length) screens.push(now);
  return { plan: { size }, screens: screens.length ? screens : [[]] };
}

export class CardsView {
  constructor(root) {
    this.cards = [];
    this.element = make("section", "cards");
    root.append(this.element);
  }

  lay({ plan }, screen, page, width, height, s) {
    this.screen = screen;
    place(this.element, 0, 0, width, height);
    style(this.element, "--size", plan.size);
    style(this.element, "--body", s.body);
    while (this.cards.length < screen.length) {
      const card = { icon: icon(), kind: make("strong"), text: make("p", "said") };
      card.element = make("article", "card", make("h2", "", card.icon, card.kind), card.text);
      this.cards.push(card);
      this.element.append(card.element);
    }
    this.cards.forEach((card, at) => {
      hide(card.element, at >= screen.length);
      if (at >= screen.length) return;
      style(card.element, "height", screen[at].height);
      data(card.element, "severity", screen[at].state);
      shape(card.icon, screen[at].state);
      text(card.kind, word(`severity.${screen[at].state}`));
      text(card.text, screen[at].text);
    });
  }

  paint() {}
}
