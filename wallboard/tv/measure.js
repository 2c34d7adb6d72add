// Decides how wide a text will be, before it is drawn: per pixel of font size, in the page's own letters.

const SIZE = 200;
const KEPT = 400;
const SHORT = 80; // longer texts are announcements: measured once, not worth keeping
export const FAMILY = '"Inter", "Helvetica Neue", "Liberation Sans", Arial, sans-serif';
// Letters of the same height that take a fifth less room, where the machine has them.
export const NARROW = `"Liberation Sans Narrow", "Arial Narrow", "Roboto Condensed", ${FAMILY}`;
const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();

function heightOf(letters, weight, family = FAMILY) {
  pen.font = `${weight} ${SIZE}px ${family}`;
  return Math.min(...[...letters].map((letter) => pen.measureText(letter).actualBoundingBoxAscent)) / SIZE;
}

export const capHeight = () => Math.min(heightOf("HEX", 400), heightOf("HEX", 400, NARROW), heightOf("HEX", 700));
export const digitHeight = () => heightOf("0123456789", 700);

// Widths are kept with every digit as an 8, the digits being tabular: a ticking clock is measured once.
export function em(text, weight = 400, narrow = false) {
  const key = `${weight}${narrow ? "n" : ""}${text.replace(/\d/g, "8")}`;
  let width = widths.get(key);
  if (width === undefined) {
    pen.font = `${weight} ${SIZE}px ${narrow ? NARROW : FAMILY}`;
    width = pen.measureText(key.slice(narrow ? 4 : 3)).width / SIZE;
    if (widths.size > KEPT) widths.clear();
    if (text.length < SHORT) widths.set(key, width);
  }
  return width;
}

// A zero-width space allows a break behind it. No look-behind: the browser of the box's own screen (WPE WebKit 2.38) knows none.
const BREAKS = /\u200b(?=[^ ])/g;

// The least width in which a text stands on so many lines, broken between words.
export function wrapped(text, lines, weight = 400, narrow = false) {
  const words = text.replace(BREAKS, "\u200b ").split(" ");
  if (lines === 1 || words.length === 1) return em(text, weight, narrow);
  const space = em("n n", weight, narrow) - em("nn", weight, narrow);
  const each = words.map((word) => em(word, weight, narrow));
  let best = Infinity;
  for (let first = 0, ahead = -space; first < each.length - 1; first += 1) {
    ahead += space + each[first];
    best = Math.min(best, Math.max(ahead, wrapped(words.slice(first + 1).join(" "), lines - 1, weight, narrow)));
  }
  return best;
}

// The first of several texts that fits, else the last.
export function fitting(texts, width, size, weight = 400, narrow = false) {
  return texts.find((text) => em(text, weight, narrow) * size <= width) ?? texts[texts.length - 1];
}

// A text's lines in a width, broken between words, a word too long for any line within itself.
export function linesOf(text, width, size, weight = 400) {
  const lines = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const joined = line ? `${line} ${word}` : word;
    if (em(joined, weight) * size <= width) { line = joined; continue; }
    if (line) lines.push(line);
    line = word;
    while (em(line, weight) * size > width && line.length > 1) {
      const letters = [...line];
      let count = Math.max(1, Math.floor((letters.length * width) / (em(line, weight) * size)));
      while (count > 1 && em(letters.slice(0, count).join(""), weight) * size > width) count -= 1;
      lines.push(letters.slice(0, count).join(""));
      line = letters.slice(count).join("");
    }
  }
  return line ? [...lines, line] : lines;
}
