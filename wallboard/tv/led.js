// Decides how an LED chain is drawn on the page: the very frame that the chain shows, one dot per LED.

import { word } from "./setup.js";

const MODULES = ["#2a1210", "#ff5a3c"];
// Colour LEDs by ink, as drivers/led_colour.py has them: dark, plain, label, amber, red.
const COLOURS = ["#1c1c20", "#ffffff", "#2878a0", "#ff9600", "#ff0000"];

export class LedPanel {
  constructor(name, size) {
    this.size = size;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "led";
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${word("board.led")} ${name}`);
    this.canvas.dataset.led = name;
    this.canvas.style.aspectRatio = `${size.width} / ${size.height}`;
    this.canvas.style.setProperty("--ratio", size.width / size.height);
    this.rows = null;
    this.inks = MODULES;
    this.url = `/api/led/${encodeURIComponent(name)}/stream`;
    this.connect();
    document.addEventListener("visibilitychange", () => this.connect());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  connect() {
    this.source?.close();
    if (document.hidden) return;
    const source = new EventSource(this.url);
    this.source = source;
    source.addEventListener("frame", (event) => {
      const { rows, colours } = JSON.parse(event.data);
      this.rows = rows;
      this.inks = colours ? COLOURS : MODULES;
      this.canvas.classList.remove("lost");
      this.draw();
    });
    source.onerror = () => { source.close(); this.canvas.classList.add("lost"); setTimeout(() => this.connect(), 2000 + Math.random() * 1000); };
  }

  draw() {
    const { width, height } = this.size;
    const pitch = Math.max(1, Math.round((this.canvas.clientWidth * devicePixelRatio) / width));
    if (this.canvas.width !== width * pitch) { this.canvas.width = width * pitch; this.canvas.height = height * pitch; }
    const paint = this.canvas.getContext("2d");
    paint.fillStyle = "#0c0505";
    paint.fillRect(0, 0, this.canvas.width, this.canvas.height);
    for (const [ink, colour] of this.inks.entries()) {
      paint.fillStyle = colour;
      paint.beginPath();
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
          if (Number(this.rows?.[y]?.[x] ?? 0) !== ink) continue;
          const [cx, cy] = [(x + 0.5) * pitch, (y + 0.5) * pitch];
          paint.moveTo(cx, cy);
          paint.arc(cx, cy, pitch * (ink ? 0.46 : 0.36), 0, 2 * Math.PI);
        }
      }
      paint.fill();
    }
  }
}
