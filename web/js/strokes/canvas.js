// The canvas under somebody's hands: tools, pointer and keys, between the painting (painting.js) and what is on the
// screen (sheet.js, toolbar.js). Knows nothing of ComfyUI.

import { COLOUR } from "./document.js";
import { Painting } from "./painting.js";
import { coloursOf, LANDSCAPE } from "./palette.js";
import { Sheet } from "./sheet.js";
import { beginStroke, finishStroke, pointIn } from "./stroke.js";
import { make, Toolbar } from "./toolbar.js";

const SMALLEST = 2;
const LARGEST = 256;
const KEYS = { b: "brush", s: "shape", e: "eraser", p: "pick" };
const KEYS_LABEL = "Painting: B brush, S shape, E eraser, P pick, [ and ] brush size, Ctrl+Z undo";

export class StrokeCanvas {
  constructor(text, onChange) {
    this.tool = "brush";
    this.colour = LANDSCAPE[0];
    this.size = 28;
    this.painting = new Painting(text, () => {
      this.redraw();
      onChange(this.text);
    });
    this.toolbar = new Toolbar((what, value) => this.act(what, value));
    this.toolbar.setPalette(LANDSCAPE);
    this.sheet = new Sheet();
    // Keys go to a real input, so that ComfyUI leaves its own shortcuts (and its undo) alone while you paint.
    this.keys = make("input", "sdedit-keys", { readonly: "", "aria-label": KEYS_LABEL });
    this.element = make("div", "sdedit-canvas", { title: "" }, ...this.toolbar.rows, this.keys, this.sheet.element);
    this.listen();
    this.redraw();
  }

  // ---- what the host tells

  get text() {
    return this.painting.text;
  }

  set text(text) {
    if (!this.painting.load(text)) return;
    this.sheet.stroke = null;
    this.redraw();
  }

  /** Shape of the picture; a background's own shape wins. */
  setSize(width, height) {
    this.sheet.aspect = [width, height];
    this.sheet.layout();
  }

  /** Show a picture below the strokes, or none. */
  setBackground(url) {
    if (url === this.backgroundUrl) return;
    this.backgroundUrl = url;
    load(url, (image) => {
      if (url !== this.backgroundUrl) return;
      this.sheet.setBackground(image);
      this.refreshPalette();
      this.sheet.layout();
      this.redraw();
    });
  }

  /** Take the swatches from this picture; none: from the background; neither: a landscape palette. */
  setPalette(url) {
    if (url === this.paletteUrl) return;
    this.paletteUrl = url;
    load(url, (image) => {
      if (url !== this.paletteUrl) return;
      this.paletteImage = image;
      this.refreshPalette();
    });
  }

  /** Follow the size of the room there is; again after remove(). */
  watch() {
    this.resize.observe(this.sheet.element);
  }

  remove() {
    this.resize.disconnect();
  }

  // ---- what the toolbar and the keys do

  act(what, value) {
    const { painting } = this;
    if (what === "tool") this.tool = value;
    else if (what === "size") this.size = Math.min(LARGEST, Math.max(SMALLEST, value));
    else if (what === "colour" && COLOUR.test(value)) this.choose(value);
    else if (what === "paper") painting.setPaper(value);
    else if (what === "fill") this.add({ tool: "fill", colour: this.colour });
    else if (what === "clear") painting.clear();
    else if (what === "undo") painting.undo();
    else if (what === "redo") painting.redo();
    this.showTools();
    // a text field of the colour picker may have the focus: leave it there
    if (what !== "colour" && what !== "size" && what !== "paper") this.keys.focus({ preventScroll: true });
  }

  choose(colour) {
    this.colour = colour.toLowerCase();
    if (this.tool === "eraser" || this.tool === "pick") this.tool = "brush";
  }

  add(stroke) {
    if (!this.painting.add(stroke)) this.sheet.say("The drawing is full. Undo or clear some strokes.", false);
  }

  // ---- showing

  redraw() {
    const { drawing, problem } = this.painting;
    this.sheet.redraw(drawing);
    this.showTools();
    const hint = drawing.strokes.length || this.sheet.background ? "" : "Paint here";
    this.sheet.say(problem ? `${problem} Clear it to begin anew.` : hint, Boolean(problem));
  }

  refreshPalette() {
    const image = this.paletteImage ?? this.sheet.background;
    const colours = image ? coloursOf(image) : [];
    this.toolbar.setPalette(colours.length ? [...new Set([...colours, "#000000", "#ffffff"])] : LANDSCAPE);
    this.showTools();
  }

  showTools() {
    const { tool, size, colour, painting, sheet } = this;
    const { canUndo, canRedo, drawing } = painting;
    const paperShown = !sheet.background;
    this.toolbar.show({ tool, size, colour, paper: drawing.background, canUndo, canRedo, paperShown });
    sheet.ink.dataset.tool = tool;
  }

  // ---- the pointer and the keys

  listen() {
    const { element } = this;
    const { ink, ring } = this.sheet;
    this.resize = new ResizeObserver(() => this.sheet.layout());
    this.watch();
    ink.addEventListener("pointerdown", (event) => this.press(event));
    ink.addEventListener("pointermove", (event) => this.move(event));
    ink.addEventListener("pointerup", (event) => this.lift(event));
    ink.addEventListener("pointercancel", () => this.drop());
    ink.addEventListener("pointerenter", () => this.sheet.layout());
    ink.addEventListener("pointerleave", () => {
      ring.hidden = true;
    });
    // mousedown: keeps the focus where press() puts it
    for (const type of ["contextmenu", "dblclick", "mousedown"])
      ink.addEventListener(type, (event) => event.preventDefault());
    // The node must not move, nor the menu of the graph open, while somebody paints or uses a tool.
    for (const type of ["pointerdown", "pointermove", "pointerup", "mousedown", "dblclick", "contextmenu"])
      element.addEventListener(type, (event) => event.button !== 1 && !(event.buttons & 4) && event.stopPropagation());
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("keyup", (event) => event.stopPropagation());
  }

  at(event) {
    return pointIn(this.sheet.ink.getBoundingClientRect(), this.painting.drawing, event.clientX, event.clientY);
  }

  press(event) {
    if (event.button !== 0 || this.painting.problem) return;
    this.keys.focus({ preventScroll: true });
    if (this.tool === "pick" || event.altKey) return this.pick(event);
    this.sheet.ink.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.sheet.stroke = beginStroke(this.tool, this, this.painting.drawing, this.at(event));
    this.sheet.show();
  }

  move(event) {
    const { stroke } = this.sheet;
    this.sheet.follow(event, this.size, this.tool === "brush" || this.tool === "eraser");
    if (!stroke || event.pointerId !== this.pointer) return;
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) stroke.points.push(...this.at(step));
    this.sheet.showSoon();
  }

  lift(event) {
    if (!this.sheet.stroke || event.pointerId !== this.pointer) return;
    const stroke = finishStroke(this.sheet.stroke, this.painting.drawing);
    this.sheet.stroke = null;
    if (stroke) this.add(stroke);
    else this.sheet.show();
  }

  drop() {
    this.sheet.stroke = null;
    this.sheet.show();
  }

  pick(event) {
    this.act("colour", this.sheet.colourAt(event));
    this.keys.focus({ preventScroll: true });
  }

  key(event) {
    const letter = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    if (event.target !== this.keys && event.target !== this.toolbar.size) return; // a button has keys of its own
    if (command && letter === "z") this.act(event.shiftKey ? "redo" : "undo");
    else if (command && letter === "y") this.act("redo");
    else if (command || event.altKey)
      return; // queue, save and the like stay ComfyUI's
    else if (event.key === "[" || event.key === "]")
      this.act("size", this.size * (event.key === "[" ? 1 / 1.15 : 1.15));
    else if (event.key === "Escape" && this.sheet.stroke) this.drop();
    else if (Object.hasOwn(KEYS, letter) && event.target === this.keys) this.act("tool", KEYS[letter]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** An image, or null for no address or one that cannot be loaded. */
function load(url, then) {
  if (!url) return then(null);
  const image = new Image();
  image.onload = () => then(image);
  image.onerror = () => then(null);
  image.src = url;
}
