// The sheet of paper: background picture, strokes, the stroke in the making, the mask, the ring of the brush, a message.

import { make } from "./elements.js";
import { grown } from "./mask.js";
import { hex } from "./palette.js";
import { brushScale, isSoft, paintStroke, paintStrokes, softTip, stampSoft } from "./render.js";

const DENSEST = 2048; // pixels of the longer side
const RASTER = 512; // and of what the paint bucket and the mask are worked out on
const LEAST_ZOOM = 0.5;
const MOST_ZOOM = 16;
const STAYS = 40; // px of the paper that can not be pushed out of sight
const RECENT = 8; // strokes that undo takes back without painting all the others anew
const SLOW = 80; // milliseconds for all strokes, from which a change of size has to last before they are painted anew
const TINT = [255, 40, 90, 0.55];

export class Sheet {
  constructor() {
    this.picture = make("img", "sdedit-background", { alt: "", draggable: "false" });
    this.picture.hidden = true;
    this.ink = make("canvas", "sdedit-ink");
    this.tint = make("canvas", "sdedit-tint");
    this.tint.hidden = true;
    this.ring = make("div", "sdedit-ring", { "aria-hidden": "true" });
    this.ring.hidden = true;
    this.message = make("div", "sdedit-message", { role: "status" });
    const layers = [this.picture, this.ink, this.tint, this.ring, this.message];
    this.paper = make("div", "sdedit-paper", { title: "" }, ...layers);
    this.element = make("div", "sdedit-stage", {}, this.paper);
    this.committed = document.createElement("canvas");
    this.earlier = { canvas: document.createElement("canvas"), strokes: [] };
    this.aspect = [1, 1];
    this.view = { zoom: 1, x: 0, y: 0 };
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

  // ---- the view

  /** Fit the paper into the room there is, and its pixels to the screen (zoom and dense screens included). */
  layout() {
    const [w, h] = this.background ? [this.background.naturalWidth, this.background.naturalHeight] : this.aspect;
    const ratio = w / h;
    this.element.style.aspectRatio = this.isFull ? "" : String(Math.min(4, Math.max(0.6, ratio)));
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth && clientHeight) {
      const { view } = this;
      const width = Math.min(clientWidth, clientHeight * ratio) * view.zoom;
      const within = (value, room, own) =>
        Math.min(1, Math.max(-1, value / ((room + own) / 2 - STAYS))) * ((room + own) / 2 - STAYS);
      if (view.zoom === 1) [view.x, view.y] = this.isFull ? [view.x, view.y] : [0, 0];
      view.x = within(view.x, clientWidth, width);
      view.y = within(view.y, clientHeight, width / ratio);
      this.paper.style.width = `${width}px`;
      this.paper.style.height = `${width / ratio}px`;
      this.paper.style.translate = `${view.x}px ${view.y}px`;
    }
    if (this.isMoving) return;
    const shown = this.ink.getBoundingClientRect();
    if (!shown.width) return;
    const dense = Math.min(DENSEST / Math.max(shown.width, shown.height), window.devicePixelRatio || 1);
    const [pw, ph] = [Math.max(1, Math.round(shown.width * dense)), Math.max(1, Math.round(shown.height * dense))];
    const off = Math.abs(pw / this.ink.width - 1) + Math.abs(ph / this.ink.height - 1);
    if (off < 0.02) return;
    if (this.painted && this.cost > SLOW && !this.isSettled) return this.look(this.view); // once it stays so
    for (const canvas of [this.ink, this.committed, this.earlier.canvas]) [canvas.width, canvas.height] = [pw, ph];
    this.painted = null;
    this.redraw();
  }

  /** Zoom by a factor around a place on the screen, and move by px of the screen. The pixels follow a little later. */
  zoomAt(clientX, clientY, factor, moveX = 0, moveY = 0) {
    const { view, element } = this;
    const box = element.getBoundingClientRect();
    const scale = box.width / element.clientWidth || 1; // of the graph
    const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, view.zoom * factor));
    const by = zoom / view.zoom;
    const keep = (client, low, span, offset, move) => {
      const place = (client - low - span / 2) / scale;
      return place - (place - offset) * by + move / scale;
    };
    this.look({
      zoom,
      x: keep(clientX, box.left, box.width, view.x, moveX),
      y: keep(clientY, box.top, box.height, view.y, moveY),
    });
  }

  look(view) {
    this.view = view;
    this.isMoving = true;
    this.layout();
    clearTimeout(this.settle);
    this.settle = setTimeout(() => {
      this.isMoving = false;
      this.isSettled = true;
      if (Math.abs(this.view.zoom - 1) < 0.03) this.view.zoom = 1; // and not on the way: a pinch is many small steps
      this.layout();
      this.isSettled = false;
    }, 120);
  }

  // ---- the strokes

  /** Show this drawing; without one, the same again. */
  redraw(drawing = this.drawing) {
    this.drawing = drawing;
    const begun = performance.now();
    this.paint(drawing);
    this.cost = this.wasWhole ? performance.now() - begun : this.cost;
    this.paper.style.backgroundColor = drawing.background;
    this.show();
    this.showMask();
  }

  /** Bring `committed` up to date, from what is there already as far as that goes. */
  paint(drawing) {
    const { committed, earlier } = this;
    const frame = `${drawing.width} ${drawing.height}`;
    const { strokes } = drawing;
    const startsWith = (own) => own.length <= strokes.length && own.every((stroke, i) => stroke === strokes[i]);
    let done = this.painted?.frame === frame ? this.painted.strokes : null;
    this.wasWhole = !done;
    if (!done) earlier.strokes = [];
    if (!done || !startsWith(done)) {
      if (!startsWith(earlier.strokes)) earlier.strokes = [];
      if (!earlier.strokes.length) clear(earlier.canvas);
      clear(committed);
      committed.getContext("2d").drawImage(earlier.canvas, 0, 0);
      done = earlier.strokes;
    }
    const kept = strokes.length - RECENT;
    if (kept > earlier.strokes.length + RECENT) {
      if (!earlier.strokes.length) clear(earlier.canvas);
      paintStrokes(earlier.canvas.getContext("2d"), drawing, strokes.slice(earlier.strokes.length, kept));
      earlier.strokes = strokes.slice(0, kept);
    }
    if (done.length < earlier.strokes.length) {
      clear(committed);
      committed.getContext("2d").drawImage(earlier.canvas, 0, 0);
      done = earlier.strokes;
    }
    paintStrokes(committed.getContext("2d"), drawing, strokes.slice(done.length));
    this.painted = { frame, strokes };
  }

  /** What is painted, with the stroke in the making. */
  show() {
    const { ink, drawing, stroke } = this;
    const context = ink.getContext("2d", { willReadFrequently: true });
    context.clearRect(0, 0, ink.width, ink.height);
    context.drawImage(this.committed, 0, 0);
    if (!stroke) this.tip = null;
    else if (isSoft(stroke)) this.showSoft(context, stroke);
    else if (stroke.tool !== "shape") paintStroke(context, drawing, stroke);
    else {
      if (stroke.points.length >= 6) paintStroke(context, drawing, stroke);
      const size = 2 / brushScale(drawing, ink.width, ink.height);
      paintStroke(context, drawing, { tool: "brush", colour: stroke.colour, points: stroke.points, size });
    }
  }

  /** Only what is new of a soft stroke is worked out with every frame. */
  showSoft(context, stroke) {
    const count = stroke.points.length / 2;
    const same = this.tip?.stroke === stroke && this.tip.width === this.ink.width;
    const made = softTip(this.ink, this.drawing, stroke, same ? this.tip.made : null, same ? this.tip.count : 0);
    this.tip = { stroke, made, count, width: this.ink.width };
    stampSoft(context, stroke, made);
  }

  /** show() with the next frame of the screen, however often it is asked for. */
  showSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.show();
    });
  }

  /** Where the picture may change, as a tint; `this.maskShown` says whether. */
  showMask() {
    this.tint.hidden = !this.maskShown;
    if (!this.maskShown || !this.ink.width) return;
    const [w, h] = rasterOf(this.ink, RASTER);
    const { mask } = this.drawing;
    const copy = new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true });
    copy.drawImage(this.committed, 0, 0, w, h);
    const pixels = copy.getImageData(0, 0, w, h);
    const alpha = pixels.data.filter((_, k) => k % 4 === 3);
    const reach = Math.round((mask?.grow ?? 0) * brushScale(this.drawing, w, h));
    const wide = grown(alpha, w, h, reach);
    const [red, green, blue, strength] = TINT;
    for (let i = 0, k = 0; i < wide.length; i++, k += 4) {
      const value = mask?.invert ? 255 - wide[i] : wide[i];
      pixels.data.set([red, green, blue, Math.round(value * strength)], k);
    }
    [this.tint.width, this.tint.height] = [w, h];
    this.tint.getContext("2d").putImageData(pixels, 0, 0);
  }

  say(text, isProblem) {
    this.message.textContent = text;
    this.message.hidden = !text;
    this.message.classList.toggle("sdedit-problem", isProblem);
  }

  // ---- the pointer

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
    const [u, v] = this.place(event);
    return hex([...this.pixelAt(u, v)]);
  }

  /** The pixel at fractions of the picture. */
  pixelAt(u, v) {
    const one = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    one.fillStyle = this.drawing.background;
    one.fillRect(0, 0, 1, 1);
    for (const layer of this.background ? [this.background, this.ink] : [this.ink]) {
      const [w, h] = [layer.naturalWidth ?? layer.width, layer.naturalHeight ?? layer.height];
      one.drawImage(layer, cell(u, w), cell(v, h), 1, 1, 0, 0, 1, 1);
    }
    return one.getImageData(0, 0, 1, 1).data.slice(0, 3);
  }

  /** What is to be seen, as pixels for the paint bucket, and the cell under the pointer. */
  rasterAt(event) {
    const [w, h] = rasterOf(this.ink, RASTER);
    const context = new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true });
    context.fillStyle = this.drawing.background;
    context.fillRect(0, 0, w, h);
    if (this.background) context.drawImage(this.background, 0, 0, w, h);
    context.drawImage(this.committed, 0, 0, w, h);
    const [u, v] = this.place(event);
    return { picture: context.getImageData(0, 0, w, h), column: cell(u, w), row: cell(v, h) };
  }

  /** Fractions of the picture. */
  place({ clientX, clientY }) {
    const box = this.ink.getBoundingClientRect();
    return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
  }
}

const cell = (fraction, count) => Math.min(count - 1, Math.max(0, Math.floor(fraction * count)));

/** Width and height of that shape, the longer one `side`. */
function rasterOf({ width, height }, side) {
  const scale = side / Math.max(width, height);
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

function clear(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}
