// The sheet of paper: background picture, strokes, the stroke in the making, the ring of the brush, a message.

import { hex } from "./palette.js";
import { brushScale, paintStroke, paintStrokes } from "./render.js";
import { make } from "./toolbar.js";

const DENSEST = 2048; // pixels of the longer side

export class Sheet {
  constructor() {
    this.picture = make("img", "sdedit-background", { alt: "", draggable: "false" });
    this.picture.hidden = true;
    this.ink = make("canvas", "sdedit-ink");
    this.ring = make("div", "sdedit-ring", { "aria-hidden": "true" });
    this.ring.hidden = true;
    this.message = make("div", "sdedit-message", { role: "status" });
    this.paper = make("div", "sdedit-paper", { title: "" }, this.picture, this.ink, this.ring, this.message);
    this.element = make("div", "sdedit-stage", {}, this.paper);
    this.committed = document.createElement("canvas");
    this.aspect = [1, 1];
    this.background = null;
    this.stroke = null; // in the making
  }

  /** Show a loaded image below the strokes, or none. */
  setBackground(image) {
    this.background = image;
    this.picture.hidden = !image;
    if (image) this.picture.src = image.src;
    else this.picture.removeAttribute("src");
  }

  /** Fit the paper into the room there is, and its pixels to the screen (zoom and dense screens included). */
  layout() {
    const [w, h] = this.background ? [this.background.naturalWidth, this.background.naturalHeight] : this.aspect;
    const ratio = w / h;
    this.element.style.aspectRatio = String(Math.min(4, Math.max(0.6, ratio)));
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth && clientHeight) {
      const width = Math.min(clientWidth, clientHeight * ratio);
      this.paper.style.width = `${width}px`;
      this.paper.style.height = `${width / ratio}px`;
    }
    const shown = this.ink.getBoundingClientRect();
    if (!shown.width) return;
    const dense = Math.min(DENSEST / Math.max(shown.width, shown.height), window.devicePixelRatio || 1);
    const [pw, ph] = [Math.max(1, Math.round(shown.width * dense)), Math.max(1, Math.round(shown.height * dense))];
    const off = Math.abs(pw / this.ink.width - 1) + Math.abs(ph / this.ink.height - 1);
    if (off < 0.02) return;
    for (const canvas of [this.ink, this.committed]) [canvas.width, canvas.height] = [pw, ph];
    this.redraw();
  }

  /** Show this drawing; without one, the same again. */
  redraw(drawing = this.drawing) {
    this.drawing = drawing;
    const context = this.committed.getContext("2d");
    context.clearRect(0, 0, this.committed.width, this.committed.height);
    paintStrokes(context, drawing, drawing.strokes);
    this.paper.style.backgroundColor = drawing.background;
    this.show();
  }

  /** What is painted, with the stroke in the making. */
  show() {
    const { ink, drawing, stroke } = this;
    const context = ink.getContext("2d", { willReadFrequently: true });
    context.clearRect(0, 0, ink.width, ink.height);
    context.drawImage(this.committed, 0, 0);
    if (!stroke) return;
    if (stroke.tool !== "shape") return paintStroke(context, drawing, stroke);
    if (stroke.points.length >= 6) paintStroke(context, drawing, stroke);
    const size = 2 / brushScale(drawing, ink.width, ink.height);
    paintStroke(context, drawing, { tool: "brush", colour: stroke.colour, points: stroke.points, size });
  }

  /** show() with the next frame of the screen, however often it is asked for. */
  showSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.show();
    });
  }

  say(text, isProblem) {
    this.message.textContent = text;
    this.message.hidden = !text;
    this.message.classList.toggle("sdedit-problem", isProblem);
  }

  /** The ring that shows how large the brush is. */
  follow(event, size, wanted) {
    const box = this.ink.getBoundingClientRect();
    const zoom = box.width / this.ink.clientWidth || 1;
    const diameter = size * (Math.min(this.ink.clientWidth, this.ink.clientHeight) / 512);
    const [x, y] = [(event.clientX - box.left) / zoom, (event.clientY - box.top) / zoom];
    this.ring.hidden = !wanted || event.pointerType === "touch";
    this.ring.style.width = this.ring.style.height = `${diameter}px`;
    this.ring.style.transform = `translate(${x - diameter / 2}px, ${y - diameter / 2}px)`;
  }

  /** The colour under the pointer: strokes on background or paper. */
  colourAt(event) {
    const box = this.ink.getBoundingClientRect();
    const [u, v] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const one = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    one.fillStyle = this.drawing.background;
    one.fillRect(0, 0, 1, 1);
    for (const layer of this.background ? [this.background, this.ink] : [this.ink]) {
      const [w, h] = [layer.naturalWidth ?? layer.width, layer.naturalHeight ?? layer.height];
      one.drawImage(layer, Math.min(w - 1, Math.floor(u * w)), Math.min(h - 1, Math.floor(v * h)), 1, 1, 0, 0, 1, 1);
    }
    return hex([...one.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
  }
}
