// The canvas as a widget of the graph: what both the node's own canvas and one on a subgraph node have in common.

import { app } from "../../../../scripts/app.js";
import { StrokeCanvas } from "../strokes/canvas.js";

export const WIDGET = "SDEDIT_STROKES"; // widgetType of the input `strokes` in nodes/canvas.py
export const ROOM = { minWidth: 400, minHeight: 590 }; // of a new node

const TOOLS_HEIGHT = 104;
const OPTIONS = { getMinHeight: () => TOOLS_HEIGHT + 180, hideOnZoom: false, margin: 8 };

const examples = {};

/** Remember the drawings to start from, as the node's definition brings them. */
export function keepExamples(given) {
  Object.assign(examples, given);
}

export function makeCanvas(text, onChange) {
  const canvas = new StrokeCanvas(text, (changed) => {
    onChange(changed);
    rememberChange();
  });
  canvas.setExamples(examples);
  canvas.element.append(style());
  passToGraph(canvas.element);
  return canvas;
}

export function addWidget(node, name, canvas, getValue, setValue) {
  const widget = node.addDOMWidget(name, WIDGET, canvas.element, { ...OPTIONS, getValue, setValue });
  // A side panel that lists the node's inputs writes its own width here; on the node it is as wide as the node.
  Object.defineProperty(widget, "width", { get: () => undefined, set() {}, configurable: true });
  return widget;
}

/** Call `first` before what a method of the object does already. */
export function before(object, name, first) {
  const then = object[name];
  object[name] = function (...given) {
    first(...given);
    return then?.apply(this, given);
  };
}

/** Call `then` after what a method of the object does already. */
export function after(object, name, then) {
  const before = object[name];
  object[name] = function (...given) {
    const result = before?.apply(this, given);
    then(...given);
    return result;
  };
}

/** The wheel zooms and the middle button moves the graph, over the canvas too. */
function passToGraph(element) {
  // Nodes 2.0 does it by itself; and over the whole page there is no graph to be seen
  const inGraph = () => !element.closest("[data-node-id]") && !element.matches(".sdedit-full");
  const pass = (type, method, wanted) =>
    element.addEventListener(type, (event) => {
      if (inGraph() && wanted(event)) app.canvas?.[method]?.(event);
    });
  pass("wheel", "processMouseWheel", () => true);
  pass("pointerdown", "processMouseDown", (event) => event.button === 1);
  pass("pointermove", "processMouseMove", (event) => Boolean(event.buttons & 4));
  pass("pointerup", "processMouseUp", (event) => event.button === 1);
}

/** A step for the undo of the graph, and the mark that the workflow has changed. */
function rememberChange() {
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
}

/** The canvas brings its style along, inside its own element: the page's head stays ComfyUI's. */
function style() {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL("../stroke_canvas.css", import.meta.url).href;
  return sheet;
}
