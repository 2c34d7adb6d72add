// Decides what is put on the screen: the page that is on, its stage, and the lines around it. Everything is made once and then only changed.

import { CardsView } from "./cards.js";
import { data, hide, icon, make, place, style, text } from "./dom.js";
import { drift } from "./drift.js";
import { placed } from "./fit.js";
import { Foot } from "./foot.js";
import { layout, layoutKey, leastStage, stage, tilesOf, viewOf, zones } from "./frame.js";
import { Head } from "./head.js";
import { LedPanel } from "./led.js";
import { Rotation } from "./rotation.js";
import { scaleOf } from "./scale.js";
import { SeatsView } from "./seats.js";
import { duration, setup, timeOfDay, word } from "./setup.js";
import { Strip, linesHeight } from "./strip.js";
import { TableView } from "./table.js";
import { TileStage } from "./tile.js";

export class Painter {
  constructor(root, trends) {
    this.root = root;
    this.trends = trends;
    this.head = new Head();
    this.strip = new Strip();
    this.foot = new Foot();
    this.face = { icon: icon("moon"), word: make("p"), note: make("span") };
    this.closed = make("section", "closed", this.face.icon, this.face.word, this.face.note);
    this.stage = make("section", "stage");
    this.views = { tiles: new TileStage(this.stage), table: new TableView(this.stage), seats: new SeatsView(this.stage), cards: new CardsView(this.stage) };
    this.leds = Object.entries(setup.leds).map(([name, size]) => new LedPanel(name, size));
    this.led = make("section", "chains", ...this.leds.map((led) => led.canvas));
    this.stage.append(this.led);
    root.append(this.head.element, this.strip.element, this.stage, this.closed, this.foot.element);
    this.rotation = new Rotation();
    this.layouts = new Map();
    this.size = "";
    this.shown = "";
  }

  // `model` is null before the first floor; `stream` tells the time and whether the box is heard.
  paint(model, stream) {
    const nowMs = stream.now();
    const state = stream.state();
    data(document.body, "stream", state);
    const quiet = state === "lost" && nowMs !== null ? this.quiet(stream, nowMs) : null;
    const said = model ?? { title: setup.title || setup.site, face: "starting", pages: [], banners: [], calm: [], announcements: [] };
    const troubles = state === "lost" ? [{ trouble: "stream", state, shape: "mute", text: word("stream.lost"), details: quiet ? [quiet.stamp] : [], severe: true }, ...said.banners] : said.banners;
    this.measure(said, troubles, nowMs ?? 0);
    const page = said.face === "normal" ? this.turn(said) : null;
    data(document.body, "face", said.face);
    data(document.body, "page", page?.page.name ?? "");
    this.head.paint(said, page?.page, page?.at ?? 0, page?.of ?? 1, nowMs);
    this.strip.paint(troubles, nowMs ?? 0);
    this.foot.paint(page?.page.kind === "announcements" ? { ...said, announcements: [] } : said);
    hide(this.stage, !page);
    hide(this.closed, Boolean(page));
    if (page) this.show(page, quiet);
    else {
      text(this.face.word, said.face === "closed" ? word("closed") : word("starting"));
      text(this.face.note, said.face === "closed" ? word("closed.note") : "");
      hide(this.face.note, said.face !== "closed");
    }
    drift(this.root, nowMs ?? 0, this.s.pad);
  }

  quiet(stream, nowMs) {
    const age = duration(stream.ageSeconds());
    return { age, stamp: word("stale", { age, time: timeOfDay(nowMs - stream.ageSeconds() * 1000, true) }) };
  }

  // Sizes and the lines around the stage; nothing is done while nothing changed.
  measure(model, troubles, nowMs) {
    const size = `${innerWidth}x${innerHeight}`;
    if (size !== this.size) {
      this.size = size;
      this.s = scaleOf(innerWidth, innerHeight);
      this.layouts.clear();
      const { s } = this;
      for (const [name, value] of Object.entries({ body: s.body, pad: s.pad, gap: s.gap, padx: s.padX, pady: s.padY, letter: s.letter, minute: s.minute })) style(this.root, `--${name}`, value);
    }
    const zone = zones(troubles, model.announcements, nowMs, this.s);
    const titles = model.pages.map((page) => `${page.title}|${page.note}`).join("\n");
    const around = `${size} ${zone.strip} ${zone.foot} ${model.title} ${titles}`;
    if (around === this.around) return;
    this.around = around;
    const head = this.head.lay(model, this.s);
    this.room = stage(head, zone, this.s);
    this.strip.lay(this.room.strip, zone.strip, this.s);
    this.foot.lay(this.room.foot, linesHeight(zone.foot, this.s), this.s);
    for (const section of [this.stage, this.closed]) place(section, this.room.left, this.room.top, this.room.width, this.room.height);
    const least = leastStage(head, zone, this.s);
    if (least !== this.least) { this.least = least; this.layouts.clear(); }
    this.shown = "";
  }

  // The page whose turn it is: {page, fit, at, of}.
  turn(model) {
    const chains = setup.pages.length && this.leds.length ? [{ name: "leds", kind: "led", title: word("board.led"), titled: true, dwell_s: 12, note: "", tiles: [], rows: [] }] : [];
    const all = [...model.pages, ...chains];
    const pinned = all.filter((page) => page.name === (setup.pinned ?? model.pin));
    const pages = pinned.length ? pinned : all;
    if (!pages.length) return this.leds.length ? { page: { name: "leds", kind: "led", title: "", note: "" }, fit: {}, at: 0, of: 1 } : null;
    const fits = pages.map((page) => this.fit(page));
    const [index, at] = this.rotation.turn(pages.map((page, i) => ({ name: page.name, dwell_s: page.dwell_s, screens: fits[i].screens.length })), performance.now());
    return { page: pages[index], fit: fits[index], at, of: fits[index].screens.length };
  }

  fit(page) {
    const key = layoutKey(page);
    let kept = this.layouts.get(page.name);
    if (kept?.key !== key) {
      kept = { key, made: layout(page, this.room.width, this.least, this.s) };
      this.layouts.set(page.name, kept);
      this.shown = "";
    }
    return kept.made;
  }

  show({ page, fit, at }, quiet) {
    const name = viewOf(page);
    const screen = fit.screens?.[at];
    const { width, height } = this.room;
    const tiles = name === "tiles" ? tilesOf(page).slice(screen.from, screen.to) : [];
    const shown = `${page.name} ${at} ${this.around}`;
    if (shown !== this.shown) {
      this.shown = shown;
      for (const [each, view] of Object.entries(this.views)) if (view.element) hide(view.element, each !== name);
      hide(this.led, name !== "led");
      if (name === "tiles") this.views.tiles.lay(placed(tiles, screen.plan, width, height, this.s), this.s);
      else if (name !== "led") this.views[name].lay(fit, screen, page, width, height, this.s);
    }
    const trends = (path, tile) => this.trends.of(path, tile.key, page.window);
    this.views.tiles.paint(tiles, page, quiet, trends);
    if (name !== "tiles" && name !== "led") this.views[name].paint(page, quiet);
  }
}
