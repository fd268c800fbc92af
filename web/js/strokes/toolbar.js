// The two rows above the canvas: tools, brush size, undo; colours.

const SVG = "http://www.w3.org/2000/svg";
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
  fill: [
    "m11 3-1.5 1.5L17.5 12.5 10 20 3 13Z",
    "M3.4 13h13.6",
    "M20.5 15s-2 2.2-2 3.6a2 2 0 0 0 4 0c0-1.4-2-3.6-2-3.6Z",
  ],
  undo: ["M8 5 3.5 9.5 8 14", "M4 9.5h10a6 6 0 0 1 0 12h-3"],
  redo: ["m16 5 4.5 4.5L16 14", "M20 9.5H10a6 6 0 0 0 0 12h3"],
  clear: ["M4 6.5h16", "M9 6V4h6v2", "m6 6.5 1 14h10l1-14", "M10 10.5v6M14 10.5v6"],
};
const TOOLS = {
  brush: "Brush (B): drag to paint",
  shape: "Shape (S): draw an outline, it is filled: mountains, clouds, lakes",
  eraser: "Eraser (E): takes strokes away and shows what is below",
  pick: "Pick a colour (P, or Alt-click with any tool)",
};
const ACTIONS = {
  fill: "Fill: cover everything with the colour",
  undo: "Undo (Ctrl+Z)",
  redo: "Redo (Ctrl+Shift+Z)",
  clear: "Clear the canvas (can be undone)",
};

/** An element with a class, attributes and children. */
export function make(tag, className, attributes = {}, ...children) {
  const element = document.createElement(tag);
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The rows; `act(name, value)` hears tool, size, colour, paper, fill, undo, redo, clear. */
export class Toolbar {
  constructor(act) {
    this.buttons = {};
    const button = (name, title, onClick) => {
      this.buttons[name] = make("button", "sdedit-tool", { type: "button", title, "aria-label": title }, icon(name));
      this.buttons[name].addEventListener("click", onClick);
      return this.buttons[name];
    };
    const tools = make("div", "sdedit-group", { role: "group", "aria-label": "Tools" });
    for (const [name, title] of Object.entries(TOOLS)) tools.append(button(name, title, () => act("tool", name)));
    tools.append(button("fill", ACTIONS.fill, () => act("fill")));
    const history = make("div", "sdedit-group", { role: "group", "aria-label": "History" });
    for (const name of ["undo", "redo", "clear"]) history.append(button(name, ACTIONS[name], () => act(name)));
    this.size = make("input", "sdedit-size", {
      type: "range",
      min: 0,
      max: 100,
      step: 1,
      title: "Brush size ([ and ])",
      "aria-label": "Brush size",
    });
    this.size.addEventListener("input", () => act("size", sizeAt(Number(this.size.value))));
    this.sizeText = make("span", "sdedit-size-text", { "aria-hidden": "true" });
    this.colour = make("input", "sdedit-well", {
      type: "color",
      title: "Colour of the brush",
      "aria-label": "Colour of the brush",
    });
    this.colour.addEventListener("input", () => act("colour", this.colour.value));
    this.paper = make("input", "sdedit-well sdedit-paper-well", {
      type: "color",
      title: "Colour of the paper, where nothing is painted",
      "aria-label": "Colour of the paper",
    });
    this.paper.addEventListener("change", () => act("paper", this.paper.value));
    this.swatches = make("div", "sdedit-swatches", { role: "group", "aria-label": "Palette" });
    this.act = act;
    this.rows = [
      make("div", "sdedit-row", {}, tools, make("div", "sdedit-size-box", {}, this.size, this.sizeText), history),
      make("div", "sdedit-row", {}, this.colour, this.swatches, this.paper),
    ];
  }

  setPalette(colours) {
    this.swatches.replaceChildren(
      ...colours.map((colour) => {
        const swatch = make("button", "sdedit-swatch", {
          type: "button",
          title: colour,
          "aria-label": `Colour ${colour}`,
        });
        swatch.style.backgroundColor = colour;
        swatch.dataset.colour = colour;
        swatch.addEventListener("click", () => this.act("colour", colour));
        return swatch;
      }),
    );
  }

  /** Show what is chosen and what is possible. */
  show({ tool, size, colour, paper, canUndo, canRedo, paperShown }) {
    for (const name of Object.keys(TOOLS)) this.buttons[name].setAttribute("aria-pressed", String(name === tool));
    this.buttons.undo.disabled = !canUndo;
    this.buttons.redo.disabled = !canRedo;
    this.size.value = String(stepOf(size));
    this.sizeText.textContent = String(Math.round(size));
    this.colour.value = colour;
    this.paper.value = paper;
    this.paper.hidden = !paperShown;
    for (const swatch of this.swatches.children)
      swatch.setAttribute("aria-pressed", String(swatch.dataset.colour === colour));
  }
}

// The slider is geometric: 2 to 256 of a frame of 512, finer where brushes are small.
const sizeAt = (step) => 2 * 128 ** (step / 100);
const stepOf = (size) => Math.round((100 * Math.log(size / 2)) / Math.log(128));

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const d of ICONS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}
