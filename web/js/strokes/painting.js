// What is painted, with undo and redo. Needs no page: tests/web/painting.test.mjs runs it in node.

import { COLOUR, drawingText, hasRoom, parseDrawing } from "./document.js";

const EMPTY = { width: 512, height: 512, background: "#ffffff", strokes: [] };
const HISTORY = 200;

export class Painting {
  /** `onChange` is called after every change made here, and not when a text is loaded. */
  constructor(text, onChange) {
    this.onChange = onChange;
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
      this.problem = text ? `This drawing cannot be shown: ${error.message}.` : "";
    }
    return true;
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
    if (!hasRoom(this.drawing.strokes, (stroke.points?.length ?? 0) / 2)) return false;
    this.commit({ strokes: [...this.drawing.strokes, stroke] });
    return true;
  }

  setPaper(colour) {
    if (COLOUR.test(colour)) this.commit({ background: colour });
  }

  clear() {
    if (this.drawing.strokes.length || this.problem) this.commit({ strokes: [] });
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
  commit(changes) {
    this.done.push(this.drawing);
    if (this.done.length > HISTORY) this.done.shift();
    this.undone = [];
    this.enter({ ...this.drawing, ...changes });
  }

  enter(drawing) {
    this.drawing = drawing;
    this.problem = "";
    this.text = drawingText(drawing);
    this.onChange();
  }
}
