// What is painted, with undo and redo. Needs no page: tests/web/painting.test.mjs runs it in node.

import { COLOUR, drawingText, hasRoom, mostGrowth, parseDrawing, pointsOf, tenth } from "./document.js";
import { say } from "./words.js";

const EMPTY = { width: 512, height: 512, background: "#ffffff", strokes: [] };
const HISTORY = 200;

export class Painting {
  /** `onChange` is called after every change made here, and not when a text is loaded. */
  constructor(text, onChange) {
    this.onChange = onChange;
    this.hasBackground = false; // an example makes way for one
    this.load(text);
  }

  /** Take the document of a workflow; whether that was another one. The same text again leaves undo as it is. */
  load(text) {
    if (text === this.text) return false; // keeps undo when the graph writes back what it read
    this.text = text;
    this.done = [];
    this.undone = [];
    try {
      this.drawing = parseDrawing(text);
      this.problem = "";
    } catch (error) {
      this.drawing = EMPTY;
      this.problem = text ? say("broken", error.message) : "";
    }
    return true;
  }

  /** What is to be seen: an example that nobody has painted on makes way for a background. */
  get shown() {
    const { drawing } = this;
    return drawing.example && this.hasBackground ? { ...drawing, strokes: [] } : drawing;
  }

  get canUndo() {
    return this.done.length > 0;
  }

  get canRedo() {
    return this.undone.length > 0;
  }

  /** One more stroke; false if the drawing has no room for it. */
  add(stroke) {
    if (this.problem) return true; // shown already, and the unreadable text must stay as it is
    const { strokes } = this.shown;
    if (!hasRoom(strokes, pointsOf(stroke))) return false;
    this.commit({ strokes: [...strokes, stroke] });
    return true;
  }

  setPaper(colour) {
    if (COLOUR.test(colour)) this.commit({ background: colour });
  }

  /** What the mask is to be made of what is painted: {invert, grow}. */
  setMask({ invert, grow }) {
    const mask = { invert, grow: Math.min(mostGrowth(this.drawing), Math.max(0, tenth(grow))) };
    this.commit({ mask: mask.invert || mask.grow ? mask : undefined }, this.drawing.example);
  }

  clear() {
    if (this.drawing.strokes.length || this.problem) this.commit({ strokes: [] });
  }

  /** Begin with an example; it stays one until it is painted on, if it can be seen as one. */
  start(text) {
    const { width, height, background, strokes } = parseDrawing(text);
    this.commit({ width, height, background, strokes }, !this.hasBackground);
  }

  undo() {
    if (!this.canUndo) return;
    this.undone.push(this.drawing);
    this.enter(this.done.pop());
  }

  redo() {
    if (!this.canRedo) return;
    this.done.push(this.drawing);
    this.enter(this.undone.pop());
  }

  /** Take a new state of the drawing; the old one can be had back with undo. States are never changed in place. */
  commit(changes, example = false) {
    this.done.push(this.drawing);
    if (this.done.length > HISTORY) this.done.shift();
    this.undone = [];
    const next = { ...this.shown, ...changes, example };
    for (const name of ["example", "mask"]) if (!next[name]) delete next[name];
    this.enter(next);
  }

  enter(drawing) {
    this.drawing = drawing;
    this.problem = "";
    this.text = drawingText(drawing);
    this.onChange();
  }
}
