// Decides when the box's own screen is told that a frame was painted (callfloor kiosk, by #kiosk in the address): no frame, no word, and
// whoever watches the browser begins it anew.

const EVERY_MS = 3000;
const WHERE = "http://127.0.0.1:8079/painted";

// The second frame after a change begins only when the first was handed to the screen.
export function beat() {
  if (location.hash !== "#kiosk") return;
  const say = () => fetch(WHERE, { method: "POST", mode: "no-cors", cache: "no-store" }).catch(() => {});
  const painted = () => requestAnimationFrame(() => requestAnimationFrame(say));
  painted();
  setInterval(painted, EVERY_MS);
}
