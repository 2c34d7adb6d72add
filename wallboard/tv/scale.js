// Decides how large letters must be: minutes of arc at the board's viewing distance, turned into pixels of this screen.

import { setup } from "./setup.js";
import { capHeight, digitHeight } from "./measure.js";

const MM_PER_INCH = 25.4;
const LETTER_ARC = 10; // minutes of arc: the least that any text on the page has
const FIGURE_ARC = 20; // the least that a headline's digits have
const TABLE_ARC = 12; // the least that a table's digits have
const SLACK = 1.01; // what rounding to whole pixels may take away

// Pixels per minute of arc: the diagonal's pixels over its millimetres, times the millimetres that one minute spans.
export function pixelsPerMinute(width, height, distance_m, diagonal_in) {
  const pixelsPerMm = Math.hypot(width, height) / (diagonal_in * MM_PER_INCH);
  return pixelsPerMm * distance_m * 1000 * Math.tan(Math.PI / 180 / 60);
}

// What one figure with its label, its state and the lines around it needs, in least letters: no screen shows larger ones.
const LETTERS_HIGH = 6.45;
const LETTERS_WIDE = 7;

// All sizes in px: font sizes unless they say otherwise.
export function scaleOf(width, height) {
  const least = Math.min(width, height);
  const wished = pixelsPerMinute(width, height, setup.distance_m, setup.diagonal_in);
  // A screen too small for its distance shows one figure at a time, as large as it can: docs/boards.md has the table of what fits.
  const minute = Math.min(wished, (Math.min(height / LETTERS_HIGH, width / LETTERS_WIDE) * 0.93 * capHeight()) / (LETTER_ARC * SLACK));
  const letter = Math.max(8, (LETTER_ARC * minute * SLACK) / capHeight());
  const comfortable = least * 0.0275;
  return {
    width, height, minute, letter, small: minute < wished,
    body: Math.max(letter, comfortable), head: Math.max(letter, least * 0.042), strip: Math.max(letter, least * 0.034),
    digits: (FIGURE_ARC * minute * SLACK) / digitHeight(), cells: (TABLE_ARC * minute * SLACK) / digitHeight(),
    most: Math.max(least * 0.42, (FIGURE_ARC * minute * SLACK) / digitHeight()),
    pad: Math.round(least * 0.012), gap: Math.round(least * 0.0095), padX: Math.round(least * 0.013), padY: Math.round(least * 0.0075),
  };
}

// A screen that holds so few lines that troubles and announcements share one, and the top has no second.
export const isTight = (s) => s.height < 9 * s.strip;
