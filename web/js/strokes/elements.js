// Elements of the page: what the toolbar and the sheet are made of.

const SVG = "http://www.w3.org/2000/svg";
const dot = (radius) =>
  `M${12 - radius} 12a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0Z`;
const ICONS = {
  brush: [
    "M14.5 3.5 20.5 9.5",
    "M17.5 2.8a2.1 2.1 0 0 1 3 3L11 15.3 8.2 12.5Z",
    "M8.2 12.7c-2.6.2-3.6 2-3.7 4-.1 1.6-.8 2.6-2 3.3 3.6 1.2 8 .2 8.6-4.4Z",
  ],
  shape: ["M4 17 9 5l7 3 4 9-8 3Z"],
  eraser: [
    "m8 20-4.6-4.6a1.6 1.6 0 0 1 0-2.3l9.4-9.4a1.6 1.6 0 0 1 2.3 0l5 5a1.6 1.6 0 0 1 0 2.3L11 20Z",
    "m8 8.5 7.2 7.2",
    "M8 20h13",
  ],
  pick: [
    "m12.5 7.5 4 4",
    "m13 10-7.5 7.5c-.6.6-1 2.5-1.5 3.5 1-.5 2.9-.9 3.5-1.5L15 12",
    "M14.2 6.3 17 3.5a2.5 2.5 0 0 1 3.5 3.5l-2.8 2.8Z",
  ],
  flood: [
    "m11 3-1.5 1.5L17.5 12.5 10 20 3 13Z",
    "M3.4 13h13.6",
    "M20.5 15s-2 2.2-2 3.6a2 2 0 0 0 4 0c0-1.4-2-3.6-2-3.6Z",
  ],
  undo: ["M8 5 3.5 9.5 8 14", "M4 9.5h10a6 6 0 0 1 0 12h-3"],
  redo: ["m16 5 4.5 4.5L16 14", "M20 9.5H10a6 6 0 0 0 0 12h3"],
  clear: ["M4 6.5h16", "M9 6V4h6v2", "m6 6.5 1 14h10l1-14", "M10 10.5v6M14 10.5v6"],
  examples: ["M3 5h18v14H3Z", "m3 16 5-6 4 5 3-3 6 6", "M16 8.5h.01"],
  mask: ["M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18Z", "M12 3v18M12 7h6M12 11h8.5M12 15h8M12 19h4"],
  names: ["m7 10 5 5 5-5"],
  full: ["M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"],
  close: ["m5 5 14 14M19 5 5 19"],
  showMask: ["M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12Z", dot(3)],
  pressure: ["M13 3 7 9l-3 8 8-3 6-6Z", "M4 21c4-2 8 1 16-1"],
  swap: ["M5 4h6v6H5ZM13 4h6v6h-6ZM5 14h6v6H5ZM13 14h6v6h-6Z"],
  size: [dot(2), dot(8)],
  opacity: ["M12 3s-6.5 7-6.5 11.5a6.5 6.5 0 0 0 13 0C18.5 10 12 3 12 3Z", "M9 15.5a3 3 0 0 0 3 2.5"],
  hardness: ["M3 18c5 0 5-12 9-12s4 12 9 12"],
  smoothing: ["M2 8c3-6 5 8 8 2s4-4 5 1", "M2 18c6-5 12 4 20-2"],
  tolerance: ["M3 12h18M7 8l-4 4 4 4M17 8l4 4-4 4"],
  growMask: [dot(3.5), "M12 2v3M12 19v3M2 12h3M19 12h3"],
};
const FILLED = {
  fine: [[2.4, 1]],
  round: [[6.5, 1]],
  soft: [
    [10, 0.22],
    [7.5, 0.35],
    [4.5, 0.6],
  ],
};

/** An element with a class, attributes and children. */
export function make(tag, className, attributes = {}, ...children) {
  const element = document.createElement(tag);
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A button with a picture; its title says what it does. */
export function button(name, title, onClick) {
  const made = make("button", "sdedit-tool", { type: "button", title, "aria-label": title }, icon(name));
  made.addEventListener("click", onClick);
  return made;
}

/** Things that belong together. */
export function group(title, ...children) {
  return make("div", "sdedit-group", { role: "group", "aria-label": title }, ...children);
}

/** A bar to drag: a picture, how far it is filled, a number. set(step, text) shows a value; step is 0 to 100. */
export function slider(name, title, onInput) {
  const input = make("input", `sdedit-range sdedit-${name}`, { type: "range", min: 0, max: 100, step: 1, title });
  input.setAttribute("aria-label", title);
  const text = make("span", "sdedit-number", { "aria-hidden": "true" });
  const element = make("div", "sdedit-slide", { title }, icon(name), text, input);
  input.addEventListener("input", () => onInput(Number(input.value)));
  const set = (step, shown) => {
    input.value = String(step);
    text.textContent = shown;
    element.style.setProperty("--fill", `${step}%`);
  };
  return { element, input, set };
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const d of ICONS[name] ?? []) add(svg, { d });
  for (const [radius, opacity] of FILLED[name] ?? [])
    add(svg, { d: dot(radius), fill: "currentColor", stroke: "none", "fill-opacity": opacity });
  return svg;
}

function add(svg, attributes) {
  const path = document.createElementNS(SVG, "path");
  for (const [name, value] of Object.entries(attributes)) path.setAttribute(name, value);
  svg.append(path);
}
