// The canvas: what is painted, the pointer, the keys, undo. Knows nothing of ComfyUI.

import { COLOUR, drawingText, hasRoom, parseDrawing, simplified, tenth } from "./document.js";
import { coloursOf, hex, LANDSCAPE } from "./palette.js";
import { brushScale, paintStroke, paintStrokes } from "./render.js";
import { make, Toolbar } from "./toolbar.js";

const EMPTY = { width: 512, height: 512, background: "#ffffff", strokes: [] };
const HISTORY = 200;
const SMALLEST = 2;
const LARGEST = 256;
const TOLERANCE = 0.6; // of a frame of 512: what simplifying may move a stroke
const KEYS = { b: "brush", s: "shape", e: "eraser", p: "pick" };

export class StrokeCanvas {
  constructor(text, onChange) {
    this.onChange = onChange;
    this.tool = "brush";
    this.colour = LANDSCAPE[0];
    this.size = 28;
    this.aspect = [1, 1];
    this.toolbar = new Toolbar((what, value) => this.act(what, value));
    this.toolbar.setPalette(LANDSCAPE);
    this.picture = make("img", "sdedit-background", { alt: "", draggable: "false" });
    this.picture.hidden = true;
    this.ink = make("canvas", "sdedit-ink");
    this.ring = make("div", "sdedit-ring", { "aria-hidden": "true" });
    this.ring.hidden = true;
    // Keys go to a real input, so that ComfyUI leaves its own shortcuts (and its undo) alone while you paint.
    this.keys = make("input", "sdedit-keys", { readonly: "", "aria-label": "Painting: B brush, S shape, E eraser, P pick, [ and ] brush size, Ctrl+Z undo" });
    this.message = make("div", "sdedit-message", { role: "status" });
    this.paper = make("div", "sdedit-paper", { title: "" }, this.picture, this.ink, this.ring, this.message);
    this.stage = make("div", "sdedit-stage", {}, this.paper);
    this.element = make("div", "sdedit-canvas", { title: "" }, ...this.toolbar.rows, this.keys, this.stage);
    this.committed = document.createElement("canvas");
    this.listen();
    this.text = text;
  }

  // ---- the document

  get text() {
    return this._text;
  }

  set text(text) {
    if (text === this._text) return; // keeps undo when the graph writes back what it read
    this._text = text;
    this.undone = [];
    this.done = [];
    this.stroke = null;
    try {
      this.drawing = parseDrawing(text);
      this.broken = "";
    } catch (problem) {
      this.drawing = EMPTY;
      this.broken = text ? `This drawing cannot be shown: ${problem.message}.` : "";
    }
    this.redraw();
  }

  /** Take a new state of the drawing; the old one can be had back with undo. */
  commit(changes) {
    this.done.push(this.drawing);
    if (this.done.length > HISTORY) this.done.shift();
    this.undone = [];
    this.enter({ ...this.drawing, ...changes });
  }

  enter(drawing) {
    this.drawing = drawing;
    this.broken = "";
    this._text = drawingText(drawing);
    this.redraw();
    this.onChange(this._text);
  }

  act(what, value) {
    if (what === "tool") this.tool = value;
    else if (what === "size") this.size = Math.min(LARGEST, Math.max(SMALLEST, value));
    else if (what === "colour" && COLOUR.test(value)) this.choose(value);
    else if (what === "paper" && COLOUR.test(value)) this.commit({ background: value });
    else if (what === "clear" && (this.drawing.strokes.length || this.broken)) this.commit({ strokes: [] });
    else if (what === "fill") this.add({ tool: "fill", colour: this.colour });
    else if (what === "undo" && this.done.length) {
      this.undone.push(this.drawing);
      this.enter(this.done.pop());
    } else if (what === "redo" && this.undone.length) {
      this.done.push(this.drawing);
      this.enter(this.undone.pop());
    }
    this.showTools();
    // a text field of the colour picker may have the focus: leave it there
    if (what !== "colour" && what !== "size" && what !== "paper") this.keys.focus({ preventScroll: true });
  }

  choose(colour) {
    this.colour = colour.toLowerCase();
    if (this.tool === "eraser" || this.tool === "pick") this.tool = "brush";
  }

  add(stroke) {
    if (this.broken) return;
    if (hasRoom(this.drawing.strokes, (stroke.points?.length ?? 0) / 2)) this.commit({ strokes: [...this.drawing.strokes, stroke] });
    else this.say("The drawing is full. Undo or clear some strokes.");
  }

  // ---- what the host tells

  /** Shape of the picture; a background's own shape wins. */
  setSize(width, height) {
    this.aspect = [width, height];
    this.layout();
  }

  /** Show a picture below the strokes, or none. */
  setBackground(url) {
    if (url === this.backgroundUrl) return;
    this.backgroundUrl = url;
    load(url, (image) => {
      if (url !== this.backgroundUrl) return;
      this.background = image;
      this.picture.hidden = !image;
      if (image) this.picture.src = url;
      else this.picture.removeAttribute("src");
      this.refreshPalette();
      this.layout();
      this.showTools();
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

  refreshPalette() {
    const image = this.paletteImage ?? this.background;
    const colours = image ? coloursOf(image) : [];
    this.toolbar.setPalette(colours.length ? [...new Set([...colours, "#000000", "#ffffff"])] : LANDSCAPE);
    this.showTools();
  }

  // ---- showing

  /** Fit the paper into the room there is, and its pixels to the screen (zoom and dense screens included). */
  layout() {
    const [w, h] = this.background ? [this.background.naturalWidth, this.background.naturalHeight] : this.aspect;
    const ratio = w / h;
    this.stage.style.aspectRatio = String(Math.min(4, Math.max(0.6, ratio)));
    const { clientWidth, clientHeight } = this.stage;
    if (clientWidth && clientHeight) {
      const width = Math.min(clientWidth, clientHeight * ratio);
      this.paper.style.width = `${width}px`;
      this.paper.style.height = `${width / ratio}px`;
    }
    const shown = this.ink.getBoundingClientRect();
    if (!shown.width) return;
    const dense = Math.min(2048 / Math.max(shown.width, shown.height), window.devicePixelRatio || 1);
    const [pw, ph] = [Math.max(1, Math.round(shown.width * dense)), Math.max(1, Math.round(shown.height * dense))];
    const off = Math.abs(pw / this.ink.width - 1) + Math.abs(ph / this.ink.height - 1);
    if (off < 0.02) return;
    for (const canvas of [this.ink, this.committed]) [canvas.width, canvas.height] = [pw, ph];
    this.redraw();
  }

  redraw() {
    const context = this.committed.getContext("2d");
    context.clearRect(0, 0, this.committed.width, this.committed.height);
    paintStrokes(context, this.drawing, this.drawing.strokes);
    this.paper.style.backgroundColor = this.drawing.background;
    this.show();
    this.showTools();
    this.say(this.broken ? `${this.broken} Clear it to begin anew.` : this.drawing.strokes.length || this.background ? "" : "Paint here");
  }

  /** What is painted, with the stroke in the making. */
  show() {
    const context = this.ink.getContext("2d", { willReadFrequently: true });
    context.clearRect(0, 0, this.ink.width, this.ink.height);
    context.drawImage(this.committed, 0, 0);
    if (!this.stroke) return;
    if (this.stroke.tool !== "shape") return paintStroke(context, this.drawing, this.stroke);
    if (this.stroke.points.length >= 6) paintStroke(context, this.drawing, this.stroke);
    const line = { tool: "brush", colour: this.colour, points: this.stroke.points };
    paintStroke(context, this.drawing, { ...line, size: 2 / brushScale(this.drawing, this.ink.width, this.ink.height) });
  }

  showTools() {
    const { tool, size, colour, drawing, done, undone, background } = this;
    this.toolbar.show({ tool, size, colour, paper: drawing.background, canUndo: done.length > 0, canRedo: undone.length > 0, paperShown: !background });
    this.ink.dataset.tool = tool;
  }

  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
    this.message.classList.toggle("sdedit-problem", Boolean(this.broken));
  }

  // ---- the pointer and the keys

  listen() {
    const { ink, element } = this;
    this.resize = new ResizeObserver(() => this.layout());
    this.resize.observe(this.stage);
    ink.addEventListener("pointerdown", (event) => this.press(event));
    ink.addEventListener("pointermove", (event) => this.move(event));
    ink.addEventListener("pointerup", (event) => this.lift(event));
    ink.addEventListener("pointercancel", () => this.drop());
    ink.addEventListener("pointerenter", () => this.layout());
    ink.addEventListener("pointerleave", () => (this.ring.hidden = true));
    for (const type of ["contextmenu", "dblclick", "mousedown"]) // mousedown: keeps the focus where press() puts it
      ink.addEventListener(type, (event) => event.preventDefault());
    // The node must not move, nor the menu of the graph open, while somebody paints or uses a tool.
    for (const type of ["pointerdown", "pointermove", "pointerup", "mousedown", "dblclick", "contextmenu"])
      element.addEventListener(type, (event) => event.button !== 1 && !(event.buttons & 4) && event.stopPropagation());
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("keyup", (event) => event.stopPropagation());
  }

  /** Pointer -> the drawing's frame; right at any zoom, since it goes by what is on the screen. */
  at(event) {
    const box = this.ink.getBoundingClientRect();
    const place = (value, low, span, frame) => tenth(Math.min(1.5, Math.max(-0.5, (value - low) / span)) * frame);
    return [place(event.clientX, box.left, box.width, this.drawing.width), place(event.clientY, box.top, box.height, this.drawing.height)];
  }

  press(event) {
    if (event.button !== 0 || this.broken) return;
    this.keys.focus({ preventScroll: true });
    if (this.tool === "pick" || event.altKey) return this.pick(event);
    this.ink.setPointerCapture(event.pointerId);
    const points = this.at(event);
    const { tool, colour } = this;
    const size = tenth(this.size * (Math.min(this.drawing.width, this.drawing.height) / 512));
    this.pointer = event.pointerId;
    this.stroke = { brush: { tool, colour, size, points }, eraser: { tool, size, points }, shape: { tool, colour, points } }[tool];
    this.show();
  }

  move(event) {
    this.follow(event);
    if (!this.stroke || event.pointerId !== this.pointer) return;
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) this.stroke.points.push(...this.at(step));
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.show();
    });
  }

  lift(event) {
    if (!this.stroke || event.pointerId !== this.pointer) return;
    const stroke = this.stroke;
    this.stroke = null;
    const tolerance = (TOLERANCE * Math.min(this.drawing.width, this.drawing.height)) / 512;
    stroke.points = simplified(stroke.points, tolerance);
    if (stroke.tool === "shape" && stroke.points.length < 6) this.show();
    else this.add(stroke);
  }

  drop() {
    this.stroke = null;
    this.show();
  }

  /** The ring that shows how large the brush is. */
  follow(event) {
    const box = this.ink.getBoundingClientRect();
    const zoom = box.width / this.ink.clientWidth || 1;
    const diameter = this.size * (Math.min(this.ink.clientWidth, this.ink.clientHeight) / 512);
    this.ring.hidden = (this.tool !== "brush" && this.tool !== "eraser") || event.pointerType === "touch";
    this.ring.style.width = this.ring.style.height = `${diameter}px`;
    this.ring.style.transform = `translate(${(event.clientX - box.left) / zoom - diameter / 2}px, ${(event.clientY - box.top) / zoom - diameter / 2}px)`;
  }

  /** Take the colour under the pointer: strokes on background or paper. */
  pick(event) {
    const box = this.ink.getBoundingClientRect();
    const [u, v] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const one = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    one.fillStyle = this.drawing.background;
    one.fillRect(0, 0, 1, 1);
    for (const layer of this.background ? [this.background, this.ink] : [this.ink]) {
      const [w, h] = [layer.naturalWidth ?? layer.width, layer.naturalHeight ?? layer.height];
      one.drawImage(layer, Math.min(w - 1, Math.floor(u * w)), Math.min(h - 1, Math.floor(v * h)), 1, 1, 0, 0, 1, 1);
    }
    this.act("colour", hex([...one.getImageData(0, 0, 1, 1).data.slice(0, 3)]));
    this.keys.focus({ preventScroll: true });
  }

  key(event) {
    const letter = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    if (event.target !== this.keys && event.target !== this.toolbar.size) return; // a button has keys of its own
    if (command && letter === "z") this.act(event.shiftKey ? "redo" : "undo");
    else if (command && letter === "y") this.act("redo");
    else if (command || event.altKey) return; // queue, save and the like stay ComfyUI's
    else if (event.key === "[" || event.key === "]") this.act("size", this.size * (event.key === "[" ? 1 / 1.15 : 1.15));
    else if (event.key === "Escape" && this.stroke) this.drop();
    else if (Object.hasOwn(KEYS, letter) && event.target === this.keys) this.act("tool", KEYS[letter]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  remove() {
    this.resize.disconnect();
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
