// Decides how elements are made and touched: made once, and written to only where something changed.

const SVG = "http://www.w3.org/2000/svg";

export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function drawn(tag, ...children) {
  const element = document.createElementNS(SVG, tag);
  element.append(...children);
  return element;
}

export function icon(name = "") {
  const svg = drawn("svg", drawn("use"));
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  shape(svg, name);
  return svg;
}

export function shape(svg, name) {
  const href = name ? `#s-${name}` : "";
  if (svg.firstChild.getAttribute("href") !== href) svg.firstChild.setAttribute("href", href);
  hide(svg, !name);
}

// Text from outside: no control characters, nothing that turns the writing direction of what follows, and an end.
export function clean(value, most = 300) {
  const short = value.length > most ? `${[...value.slice(0, most)].slice(0, -1).join("")}…` : value;
  return short.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, "");
}

export function text(element, value) {
  if (element.firstChild === null) element.append("");
  if (element.firstChild.data !== value) element.firstChild.data = value;
}

export function data(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

export function hide(element, hidden) {
  if (element.hasAttribute("hidden") !== hidden) element.toggleAttribute("hidden", hidden);
}

// A length in pixels on an element, or any custom property.
export function style(element, name, value) {
  const said = typeof value === "number" ? `${Math.round(value * 100) / 100}px` : value;
  if (element.style.getPropertyValue(name) !== said) element.style.setProperty(name, said);
}

export function place(element, left, top, width, height) {
  style(element, "left", left);
  style(element, "top", top);
  style(element, "width", width);
  style(element, "height", height);
}
