// Decides which page is on, and which of its screens: each for its time, in the board file's order; a pinned page stays.

export class Rotation {
  constructor() {
    this.name = null;
    this.at = 0;
    this.since = 0;
  }

  // `pages`: [{name, dwell_s, screens}]; returns [index of the page, index of its screen].
  turn(pages, now) {
    let index = pages.findIndex((page) => page.name === this.name);
    if (index < 0) {
      index = 0;
      this.show(pages[0].name, 0, now);
    }
    if (this.at >= pages[index].screens) this.at = 0;
    if (now - this.since >= pages[index].dwell_s * 1000) {
      if (this.at + 1 < pages[index].screens) this.show(this.name, this.at + 1, now);
      else {
        index = (index + 1) % pages.length;
        this.show(pages[index].name, 0, now);
      }
    }
    return [index, this.at];
  }

  show(name, at, now) {
    this.name = name;
    this.at = at;
    this.since = now;
  }
}
