// The canvas under somebody's hands: tools, pointer and keys, between the painting (painting.js) and what is on the
// screen (sheet.js, toolbar.js). Knows nothing of ComfyUI.

import { COLOUR, mostGrowth, tenth } from "./document.js";
import { make } from "./elements.js";
import { floodOutlines } from "./flood.js";
import { Gallery } from "./gallery.js";
import { Hand } from "./hand.js";
import { listenToKeys } from "./keys.js";
import { Names } from "./names.js";
import { Over } from "./over.js";
import { Painting } from "./painting.js";
import { FIRST, swatchesOf } from "./palette.js";
import { listenForPictures, load } from "./pictures.js";
import { Sheet } from "./sheet.js";
import { beginStroke, extendStroke, finishStroke, pointIn, touchesFrame, unlessFull, widthOf } from "./stroke.js";
import { Toolbar } from "./toolbar.js";
import { say } from "./words.js";

const SMALLEST = 2;
const LARGEST = 256;
const TIPS = {
  fine: { size: 8, hardness: 1 },
  round: { size: 28, hardness: 1 },
  soft: { size: 90, hardness: 0 },
};
const CALM = 0.8; // the most smoothing, as a share of the way that is left
const TYPED = ["colour", "size", "paper", "opacity", "hardness", "smoothing", "tolerance", "growMask"];

export class StrokeCanvas {
  constructor(text, onChange) {
    this.tool = "brush";
    this.colour = FIRST[0];
    this.size = 28;
    this.hardness = 1;
    this.opacities = { eraser: 1 };
    this.smoothing = 0.25;
    this.tolerance = 0.12;
    this.pressure = true;
    this.painting = new Painting(text, () => {
      this.redraw();
      onChange(this.text);
    });
    this.toolbar = new Toolbar((what, value) => this.act(what, value));
    this.toolbar.setPalette(FIRST);
    this.sheet = new Sheet();
    this.gallery = new Gallery((chosen) => this.startWith(chosen));
    const names = new Names((colour) => this.act(colour ? "take" : "names", colour));
    this.over = new Over({ examples: this.gallery, names });
    // Keys go to a real input, so that ComfyUI leaves its own shortcuts (and its undo) alone while you paint.
    this.keys = make("input", "sdedit-keys", { readonly: "", "aria-label": say("keys") });
    const parts = [this.toolbar.element, this.keys, this.sheet.element, this.gallery.element, names.element];
    this.element = make("div", "sdedit-canvas", { title: "", "data-capture-wheel": "true" }, ...parts);
    this.element.classList.toggle("sdedit-touch", isCoarse());
    this.hand = new Hand(this.sheet.element, this);
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

  /** Drawings to start from: {name: text}. */
  setExamples(examples) {
    this.gallery.examples = examples;
  }

  /** Hear of a picture that was dropped here or pasted: `take(file)` makes it the background. */
  onPicture(take) {
    this.takePicture = take;
  }

  /** Shape of the picture; a background's own shape wins. */
  setSize(width, height) {
    this.sheet.aspect = [width, height];
    this.sheet.layout();
  }

  /** Show a picture below the strokes, or none. `connected`: there is one, even if it cannot be shown yet. */
  setBackground(url, connected = Boolean(url)) {
    const another = url !== this.backgroundUrl;
    if (another) [this.backgroundUrl, this.loading] = [url, Boolean(url)];
    if (connected !== this.painting.hasBackground) {
      this.painting.hasBackground = connected;
      this.redraw();
    }
    if (!another) return;
    load(url, (image) => {
      if (url !== this.backgroundUrl) return;
      this.loading = false;
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
    for (const [type, hear] of this.early) document.addEventListener(type, hear, { capture: true, passive: false });
  }

  remove() {
    this.showFull(false);
    this.resize.disconnect();
    for (const [type, hear] of this.early) document.removeEventListener(type, hear, { capture: true });
  }

  // ---- what the toolbar and the keys do

  get opacity() {
    return this.opacities[this.tool === "eraser" ? "eraser" : "paint"] ?? 1;
  }

  get mask() {
    return { invert: false, grow: 0, ...this.painting.drawing.mask };
  }

  act(what, value) {
    const { painting, mask, sheet } = this;
    const most = mostGrowth(painting.drawing);
    const actions = {
      tool: () => this.choose(value),
      tip: () => Object.assign(this, TIPS[value]),
      size: () => {
        this.size = Math.min(LARGEST, Math.max(SMALLEST, value));
      },
      opacity: () => {
        this.opacities[this.tool === "eraser" ? "eraser" : "paint"] = Math.min(1, Math.max(0.01, value));
      },
      colour: () => COLOUR.test(value) && this.pickColour(value),
      paper: () => painting.setPaper(value),
      pressure: () => {
        this.pressure = !this.pressure;
      },
      swap: () => {
        this.named = !this.named;
        this.refreshPalette();
      },
      cover: () => this.add({ tool: "fill", colour: this.colour, ...unlessFull({ opacity: this.opacity }) }),
      clear: () => painting.clear(),
      undo: () => painting.undo(),
      redo: () => painting.redo(),
      examples: () => this.over.toggle(what),
      take: () => this.pickColour(value),
      names: () => this.over.toggle(what, this.toolbar.element, this.colour),
      mask: () => this.openMask(!this.maskOpen),
      showMask: () => {
        sheet.maskShown = !sheet.maskShown;
        sheet.showMask();
      },
      invertMask: () => this.changeMask({ ...mask, invert: !mask.invert }),
      growMask: () => this.changeMask({ ...mask, grow: (most * value ** 2) / 10_000 }),
      full: () => this.showFull(!sheet.isFull),
      nearer: () => this.zoom(1.25),
      farther: () => this.zoom(0.8),
      fit: () => sheet.look({ zoom: 1, x: 0, y: 0 }),
    };
    if (Object.hasOwn(actions, what)) actions[what]();
    else this[what] = value; // hardness, smoothing, tolerance
    this.showTools();
    // a text field of the colour picker may have the focus: leave it there
    if (!TYPED.includes(what)) this.keys.focus({ preventScroll: true });
  }

  choose(tool) {
    this.tool = tool;
    this.openMask(false);
  }

  pickColour(colour) {
    this.over.close();
    this.colour = colour.toLowerCase();
    if (this.tool === "eraser" || this.tool === "pick") this.choose("brush");
  }

  add(stroke) {
    if (!this.painting.add(stroke)) this.sheet.say(say("tooMany"), false);
  }

  /** Start with that drawing; "" with an empty one; null: with none of them. */
  startWith(text) {
    this.over.close();
    if (text) this.painting.start(text);
    else if (text === "") this.painting.clear();
    this.showTools();
    this.keys.focus({ preventScroll: true });
  }

  openMask(open) {
    if (open === Boolean(this.maskOpen)) return;
    this.maskOpen = this.sheet.maskShown = open;
    this.sheet.showMask();
  }

  changeMask(mask) {
    this.sheet.maskShown = true;
    this.painting.setMask(mask);
  }

  zoom(factor) {
    const box = this.sheet.element.getBoundingClientRect();
    this.sheet.zoomAt(box.left + box.width / 2, box.top + box.height / 2, factor);
  }

  /** Over the whole page: as a popover, which stays where it is among the page's elements. */
  showFull(open) {
    const { element, sheet } = this;
    if (open === Boolean(sheet.isFull) || !element.showPopover) return;
    sheet.isFull = open;
    if (open) {
      element.setAttribute("popover", "manual");
      element.showPopover();
    } else {
      if (element.matches(":popover-open")) element.hidePopover();
      element.removeAttribute("popover");
    }
    element.classList.toggle("sdedit-full", open);
    sheet.look({ zoom: 1, x: 0, y: 0 });
    this.showTools();
  }

  // ---- showing

  redraw() {
    const { shown, problem, hasBackground } = this.painting;
    this.sheet.redraw(shown);
    this.showTools();
    const empty = !shown.strokes.length && !this.sheet.background && !this.loading;
    this.sheet.say(problem || (empty ? say(hasBackground ? "later" : "hint") : ""), Boolean(problem));
  }

  refreshPalette() {
    this.toolbar.setPalette(swatchesOf(this.named ? null : (this.paletteImage ?? this.sheet.background)));
    this.showTools();
  }

  showTools() {
    const { tool, size, colour, opacity, hardness, smoothing, tolerance, pressure, painting, sheet, mask } = this;
    const { canUndo, canRedo, drawing } = painting;
    const step = Math.round(100 * Math.sqrt(mask.grow / mostGrowth(drawing)));
    this.toolbar.show({
      ...{ tool, size, colour, opacity, hardness, smoothing, tolerance, pressure, canUndo, canRedo },
      paper: drawing.background,
      paperShown: !sheet.background,
      tip: Object.keys(TIPS).find((name) => TIPS[name].size === size && TIPS[name].hardness === hardness),
      mask: { ...mask, step },
      maskOpen: this.maskOpen,
      maskShown: sheet.maskShown,
      fullOpen: sheet.isFull,
      open: this.over.shown,
      canSwap: Boolean(this.paletteImage ?? sheet.background),
    });
    sheet.ink.dataset.tool = tool;
  }

  // ---- the pointer; what Hand tells

  at(event) {
    return pointIn(this.sheet.ink.getBoundingClientRect(), this.painting.drawing, event.clientX, event.clientY);
  }

  pans(event) {
    return this.space || (this.sheet.isFull && event.button === 1);
  }

  begin(event) {
    this.doing = event.altKey ? "pick" : this.tool;
    const isStroke = this.doing !== "pick" && this.doing !== "flood"; // these may begin beside the paper
    if (this.over.shown) this.startWith(null);
    if (this.painting.problem || !(isStroke || this.sheet.paper.contains(event.target))) return false;
    this.keys.focus({ preventScroll: true });
    this.pressed = event;
    const width = this.pressure && event.pointerType === "pen" ? widthOf(event.pressure) : null;
    this.sheet.stroke = beginStroke(this.doing, this, this.painting.shown, this.at(event), width) ?? null;
    this.sheet.show();
  }

  go(event) {
    const { stroke } = this.sheet;
    if (!stroke) return;
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event])
      extendStroke(stroke, this.at(step), CALM * this.smoothing, widthOf(step.pressure));
    this.sheet.showSoon();
  }

  end(event) {
    const { stroke } = this.sheet;
    this.sheet.stroke = null;
    if (this.doing === "pick") this.act("colour", this.sheet.colourAt(event));
    else if (this.doing === "flood") this.flood(this.pressed);
    if (this.doing === "pick") this.keys.focus({ preventScroll: true });
    if (!stroke) return;
    if (stroke.points.length > 2) extendStroke(stroke, this.at(event), 0);
    const made = finishStroke(stroke, this.painting.drawing);
    if (made && touchesFrame(made, this.painting.drawing)) this.add(made);
    else this.sheet.show();
  }

  drop() {
    this.sheet.stroke = null;
    this.sheet.show();
  }

  hover(event) {
    this.sheet.follow(event, this.size, this.tool === "brush" || this.tool === "eraser");
  }

  pinch(...given) {
    this.sheet.zoomAt(...given);
  }

  flood(event) {
    const { picture, column, row } = this.sheet.rasterAt(event);
    const { width, height } = this.painting.drawing;
    const scale = [width / picture.width, height / picture.height];
    const found = floodOutlines(picture, column, row, Math.round(255 * this.tolerance));
    const rings = found.map((ring) => ring.map((v, k) => tenth(v * scale[k % 2])));
    if (rings.length) this.add({ tool: "area", colour: this.colour, ...unlessFull({ opacity: this.opacity }), rings });
  }

  listen() {
    const { element, sheet } = this;
    this.resize = new ResizeObserver(() => sheet.layout());
    sheet.element.addEventListener("pointerenter", () => sheet.layout());
    sheet.element.addEventListener("pointerleave", () => {
      sheet.ring.hidden = true;
    });
    // mousedown: keeps the focus where begin() puts it
    for (const type of ["contextmenu", "dblclick", "mousedown"])
      sheet.element.addEventListener(type, (event) => event.preventDefault());
    // The node must not move, nor the menu of the graph open, while somebody paints or uses a tool.
    const isMiddle = (event) => !sheet.isFull && (event.button === 1 || event.buttons & 4);
    for (const type of ["pointerdown", "pointermove", "pointerup", "mousedown", "dblclick", "contextmenu"])
      element.addEventListener(type, (event) => isMiddle(event) || event.stopPropagation());
    // Larger targets for fingers, but nothing may move between the press and the lift of one.
    sheet.element.addEventListener("pointerup", ({ pointerType }) =>
      setTimeout(() => element.classList.toggle("sdedit-touch", pointerType === "touch" || isCoarse()), 100),
    );
    listenToKeys(this);
    listenForPictures(this);
    element.addEventListener("toggle", (event) => event.newState === "closed" && this.showFull(false));
    // The graph hears wheel and touch before anything inside of it does: these are heard before the graph.
    this.early = [
      ["wheel", (event) => this.wheel(event)],
      ...["touchstart", "touchmove", "touchend", "touchcancel"].map((type) => [type, (event) => this.touch(event)]),
    ];
    this.watch();
  }

  wheel(event) {
    const { element, sheet } = this;
    if (!element.contains(event.target) || !(sheet.isFull || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    if (!sheet.element.contains(event.target)) return;
    const lines = event.deltaMode === 1 ? 30 : 1;
    sheet.zoomAt(event.clientX, event.clientY, Math.exp(-Math.max(-300, Math.min(300, event.deltaY * lines)) / 500));
  }

  touch(event) {
    if (!this.sheet.element.contains(event.target)) return;
    event.stopPropagation();
    if (event.cancelable) event.preventDefault();
  }

  /** One step back out of what is going on; whether there was anything. */
  escape() {
    if (this.sheet.stroke) this.hand.stop();
    else if (this.over.shown) this.startWith(null);
    else if (this.sheet.isFull) this.showFull(false);
    else return false;
    return true;
  }

  /** The space bar turns the pointer into a hand that moves the sheet. */
  setSpace(held) {
    this.space = held;
    this.sheet.element.classList.toggle("sdedit-grab", held);
  }
}

const isCoarse = () => matchMedia("(pointer: coarse)").matches;
