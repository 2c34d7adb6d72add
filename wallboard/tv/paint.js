// Decides how the view model becomes elements. Elements are made once and keep their places; only texts and states change.

import { DASH, date, duration, number, setup, timeOfDay, word } from "./setup.js";

const SVG = "http://www.w3.org/2000/svg";
const HEROES = ["waiting", "longest_wait", "service_level", "abandon_rate"];
const COUNTS = ["available", "busy", "wrap_up", "paused"];
const TODAY = ["answered", "offered", "asa"];
const COLUMNS = ["waiting", "longest_wait", "available", "logged_in", "service_level", "abandon_rate", "answered"];
const PAGE_MS = 12000;

function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function icon(name = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  svg.append(use);
  shape(svg, name);
  return svg;
}

function shape(svg, name) {
  const href = name ? `#s-${name}` : "";
  if (svg.firstChild.getAttribute("href") !== href) svg.firstChild.setAttribute("href", href);
  svg.toggleAttribute("hidden", !name);
}

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function data(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

class Figure {
  constructor(key, kind) {
    this.label = make("h2", "label");
    this.badge = { icon: icon(), word: make("span") };
    this.digits = make("span", "digits");
    this.unit = make("span", "unit");
    this.note = make("span", "note");
    this.target = make("span", "target");
    this.stamp = make("span", "stamp");
    this.shape = kind === "count" ? icon(key) : null;
    this.element = make("article", `tile ${kind}`,
      make("header", "", ...(this.shape ? [this.shape] : []), this.label, make("span", "badge", this.badge.icon, this.badge.word)),
      make("p", "value", this.digits, this.unit),
      make("footer", "", this.note, this.target, this.stamp));
    data(this.element, "key", key);
  }

  paint(tile, stamp) {
    text(this.label, tile.label);
    text(this.digits, tile.value);
    text(this.unit, tile.unit);
    text(this.note, tile.note);
    text(this.target, tile.target);
    text(this.stamp, stamp);
    data(this.element, "level", tile.level);
    data(this.element, "fresh", tile.fresh ?? "unknown");
    data(this.element, "hatched", String(tile.hatched));
    data(this.element, "long", String(tile.value.length > 5));
    const alarmed = tile.level !== "none";
    shape(this.badge.icon, alarmed ? tile.level : "");
    text(this.badge.word, alarmed ? word(`level.${tile.level}`) : "");
  }
}

class Table {
  constructor() {
    this.rows = [];
    this.page = make("span", "page");
    this.head = make("tr", "", make("th", "name"), ...COLUMNS.map((key) => make("th", "", word(key === "logged_in" ? "agents" : key))));
    this.head.firstChild.append(word("queues"), " ", this.page);
    this.body = make("tbody");
    this.element = make("section", "panel queues", make("table", "", make("thead", "", this.head), this.body));
  }

  paint(rows, nowMs) {
    const room = Math.max(1, Math.floor((this.element.clientHeight - this.head.offsetHeight - 1) / (this.rows[0]?.element.offsetHeight || 48)));
    const pages = Math.max(1, Math.ceil(rows.length / room));
    const page = Math.floor(nowMs / PAGE_MS) % pages;
    text(this.page, pages > 1 ? `${page + 1}/${pages}` : "");
    const visible = rows.slice(page * room, page * room + room);
    while (this.rows.length < visible.length) this.add();
    this.rows.forEach((row, index) => {
      row.element.hidden = index >= visible.length;
      if (index < visible.length) this.fill(row, visible[index]);
    });
  }

  add() {
    const name = make("th", "name");
    name.scope = "row";
    const title = make("span", "title");
    const age = make("span");
    const stamp = make("span", "stamp", icon("clock"), age);
    name.append(title, stamp);
    const cells = COLUMNS.map((key) => {
      const cell = { element: make("td"), icon: icon(), digits: make("span", "digits") };
      cell.element.append(cell.icon, cell.digits);
      data(cell.element, "key", key);
      return cell;
    });
    const element = make("tr", "", name, ...cells.map((cell) => cell.element));
    this.rows.push({ element, title, stamp, age, cells });
    this.body.append(element);
  }

  fill(row, queue) {
    data(row.element, "queue", queue.key);
    data(row.element, "fresh", queue.fresh ?? "unknown");
    text(row.title, queue.title);
    row.stamp.hidden = !queue.age;
    text(row.age, queue.age);
    row.cells.forEach((cell, index) => {
      const tile = queue.tiles[COLUMNS[index]];
      text(cell.digits, tile.value + tile.unit);
      data(cell.element, "level", tile.level);
      data(cell.element, "zero", String(tile.value === "0" || tile.value === "0:00"));
      shape(cell.icon, tile.level === "none" ? "" : tile.level);
    });
  }
}

// Three troubles have room; the rest are counted, not left out.
function folded(banners) {
  if (banners.length <= 3) return banners;
  const rest = banners.slice(2);
  return [...banners.slice(0, 2), { ...rest[0], details: [...rest[0].details, `+${rest.length - 1}`] }];
}

class Strip {
  constructor() {
    this.cells = [];
    this.element = make("section", "strip");
    this.element.setAttribute("role", "status");
  }

  paint(model, lost) {
    const said = lost
      ? [{ id: "stream", trouble: "stream", shape: "down", text: word("stream.lost"), details: [lost], severe: true }]
      : folded(model.banners);
    const calm = said.length ? [] : model.calm.map((each) => ({ ...each, id: "calm", trouble: "none", details: each.note ? [each.note] : [], severe: false }));
    const all = [...said, ...calm];
    while (this.cells.length < all.length) {
      const cell = { icon: icon(), text: make("strong"), details: make("span", "details") };
      cell.element = make("p", "cell", cell.icon, cell.text, cell.details);
      this.cells.push(cell);
      this.element.append(cell.element);
    }
    this.cells.forEach((cell, index) => {
      const each = all[index];
      cell.element.hidden = !each;
      if (!each) return;
      data(cell.element, "trouble", each.trouble);
      data(cell.element, "severe", String(each.severe));
      shape(cell.icon, each.shape);
      text(cell.text, each.text);
      while (cell.details.children.length < each.details.length) cell.details.append(make("span"));
      [...cell.details.children].forEach((span, at) => { span.hidden = at >= each.details.length; text(span, each.details[at] ?? ""); });
    });
    data(this.element, "count", String(all.length));
  }
}

class Notices {
  constructor() {
    this.icon = icon();
    this.kind = make("strong");
    this.words = make("span", "words");
    this.window = make("span", "window", this.words);
    this.element = make("section", "panel notice", this.icon, this.kind, this.window);
  }

  paint(all, nowMs) {
    const notice = all.length ? all[Math.floor(nowMs / PAGE_MS) % all.length] : null;
    data(this.element, "severity", notice ? notice.severity : "none");
    shape(this.icon, notice ? notice.severity : "");
    text(this.kind, notice ? word(`severity.${notice.severity}`) : "");
    if (this.words.textContent !== (notice?.text ?? "")) {
      this.words.textContent = notice?.text ?? "";
      const over = this.words.scrollWidth - this.window.clientWidth;
      this.words.classList.toggle("rolls", over > 0);
      this.words.getAnimations().forEach((each) => each.cancel());
      // A reading speed that ten metres allow: about six characters a second; it rests at both ends.
      if (over > 0) this.words.animate([{ transform: "none", offset: 0 }, { transform: "none", offset: 0.12 }, { transform: `translateX(${-over}px)`, offset: 0.88 }, { transform: `translateX(${-over}px)`, offset: 1 }], { duration: 4000 + (notice.text.length / 6) * 1000, iterations: Infinity });
    }
  }
}

class Agents {
  constructor(figures) {
    this.title = make("h2", "label");
    this.parts = COUNTS.map((key) => { const part = make("i"); data(part, "key", key); return part; });
    this.element = make("section", "panel agents", make("header", "", this.title, make("span", "bar", ...this.parts)), make("div", "counts", ...figures.map((figure) => figure.element)));
  }

  paint(model) {
    const known = model.tiles.logged_in.value;
    text(this.title, `${word("logged_in")} ${known}`);
    const agents = model.agents;
    const sizes = { available: agents?.available, busy: (agents?.talking ?? 0) + (agents?.holding ?? 0) + (agents?.ringing ?? 0), wrap_up: agents?.wrap_up, paused: agents?.paused };
    for (const part of this.parts) {
      const size = agents ? sizes[part.dataset.key] ?? 0 : 0;
      if (part.style.flexGrow !== String(size)) part.style.flexGrow = String(size);
      part.hidden = !size;
    }
  }
}

export class Painter {
  constructor(root) {
    this.hour = make("time");
    this.day = make("span", "day");
    this.title = make("h1");
    this.where = make("span", "where");
    const mark = make("img", "mark");
    mark.src = "/tv/mark.svg";
    mark.alt = "";
    this.strip = new Strip();
    this.figures = new Map();
    const figures = (keys, kind) => keys.map((key) => { const figure = new Figure(key, kind); this.figures.set(key, figure); return figure; });
    this.heroes = make("section", "heroes", ...figures(HEROES, "hero").map((each) => each.element));
    this.agents = new Agents(figures(COUNTS, "count"));
    this.today = make("section", "panel today", make("h2", "label", word("today")), make("div", "counts", ...figures(TODAY, "total").map((each) => each.element)));
    this.table = setup.scope.kind === "floor" ? new Table() : null;
    this.notices = new Notices();
    this.foot = make("div", "foot", this.notices.element);
    this.closed = make("section", "closed", icon("moon"), make("p", "", word("closed")), make("span", "", word("closed.note")));
    data(document.body, "scope", setup.scope.kind);
    root.append(make("header", "top", mark, make("div", "brand", this.title, this.where), make("div", "clock", this.hour, this.day)),
      this.strip.element, this.heroes, make("div", "middle", this.agents.element, this.today), ...(this.table ? [this.table.element] : []), this.foot, this.closed);
  }

  paint(model, stream) {
    const nowMs = stream.now();
    const state = stream.state();
    data(document.body, "stream", state);
    if (nowMs !== null) {
      text(this.hour, timeOfDay(nowMs));
      text(this.day, date(nowMs));
    }
    if (!model) {
      text(this.title, setup.title || setup.site);
      text(this.where, "");
      const lost = state === "lost" ? word("starting") : null;
      this.strip.paint({ banners: [], calm: [{ shape: "", text: word("starting"), note: "" }] }, lost);
      return;
    }
    const lost = state === "lost" ? word("stale", { age: duration(stream.ageSeconds()), time: timeOfDay(nowMs - stream.ageSeconds() * 1000, true) }) : null;
    data(document.body, "face", model.face);
    text(this.title, model.title);
    text(this.where, setup.scope.kind === "floor" ? setup.box : setup.site);
    this.strip.paint(model, lost);
    for (const [key, figure] of this.figures) figure.paint(model.tiles[key], lost ?? model.stamp);
    this.agents.paint(model);
    this.table?.paint(model.rows, nowMs);
    this.notices.paint(model.announcements, nowMs);
    const covered = model.coverage === null || model.coverage >= 0.95 ? "" : word("seen", { p: `${number(model.coverage * 100, 1)} %` });
    text(this.today.firstChild, covered ? `${word("today")} · ${covered}` : word("today"));
  }
}

export { DASH };
