// The Stroke Canvas node: puts the canvas (strokes/canvas.js) on the node and tells it what is connected.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { StrokeCanvas } from "./strokes/canvas.js";

const NAME = "SDEdit.StrokeCanvas";
const WIDGET = "SDEDIT_STROKES"; // widgetType of the input `strokes` in nodes/canvas.py
const TOOLS_HEIGHT = 76;
const live = new Set();

function addCanvas(node, inputName, inputData) {
  const canvas = new StrokeCanvas(inputData[1]?.default ?? "", () => {
    widget.callback?.(widget.value);
    rememberChange();
  });
  canvas.element.append(style());
  const widget = node.addDOMWidget(inputName, WIDGET, canvas.element, {
    getValue: () => canvas.text,
    setValue: (text) => (canvas.text = text),
    getMinHeight: () => TOOLS_HEIGHT + 180,
    hideOnZoom: false,
    margin: 8,
  });
  passToGraph(canvas.element);
  const entry = { node, canvas, previews: {} };
  live.add(entry);
  refresh(entry);
  const { onExecuted, onRemoved } = node;
  node.onExecuted = function (output) {
    onExecuted?.apply(this, arguments);
    for (const name of ["background", "palette"]) {
      const picture = output?.[`sdedit_${name}`]?.[0];
      const own = typeof picture === "string" && picture.startsWith("data:image/jpeg;base64,");
      entry.previews[name] = own ? { link: linkOf(node, name)?.id, picture } : null;
    }
    refresh(entry);
  };
  node.onRemoved = function () {
    onRemoved?.apply(this, arguments);
    live.delete(entry);
    canvas.remove();
  };
  const { onAdded } = node;
  node.onAdded = function () {
    onAdded?.apply(this, arguments);
    live.add(entry); // removed and added again: into a subgraph, out of it
  };
  return { widget, minWidth: 400, minHeight: 560 };
}

/** The wheel zooms and the middle button moves the graph, over the canvas too. */
function passToGraph(element) {
  const inGraph = () => !element.closest("[data-node-id]"); // Nodes 2.0 does it by itself
  const pass = (type, method, wanted) =>
    element.addEventListener(type, (event) => {
      if (inGraph() && wanted(event)) app.canvas?.[method]?.(event);
    });
  pass("wheel", "processMouseWheel", () => true);
  pass("pointerdown", "processMouseDown", (event) => event.button === 1);
  pass("pointermove", "processMouseMove", (event) => Boolean(event.buttons & 4));
  pass("pointerup", "processMouseUp", (event) => event.button === 1);
}

// Sizes and connected pictures change in ways that no event tells of in every version (other nodes' widgets, links,
// graph zoom), so they are compared now and then; where nothing changed this costs next to nothing.
setInterval(() => {
  if (document.hidden) return;
  for (const entry of live) if (isShown(entry)) refresh(entry);
}, 400);

/** Nodes 2.0 keeps the element of a node that was replaced by one with the same id (undo of the graph): swap it. */
function isShown({ node, canvas }) {
  if (canvas.element.isConnected || node.graph !== app.canvas?.graph) return canvas.element.isConnected;
  const left = document.querySelector(`[data-node-id="${CSS.escape(String(node.id))}"] .sdedit-canvas`);
  if (left && ![...live].some((entry) => entry.canvas.element === left)) left.replaceWith(canvas.element);
  return canvas.element.isConnected;
}

/** A step for the undo of the graph, and the mark that the workflow has changed. */
function rememberChange() {
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  (tracker?.captureCanvasState ?? tracker?.checkState)?.call(tracker);
}

function refresh({ node, canvas, previews }) {
  const side = (name) => Number(node.widgets?.find((widget) => widget.name === name)?.value) || 256;
  canvas.setBackground(pictureOf(node, "background", previews.background));
  canvas.setPalette(pictureOf(node, "palette", previews.palette));
  canvas.setSize(side("width"), side("height"));
}

function linkOf(node, name) {
  const id = node.inputs?.find((input) => input.name === name)?.link;
  const links = node.graph?.links;
  return id == null ? null : (links?.get?.(id) ?? links?.[id] ?? null);
}

/** Address of the picture behind an input: a Load Image's file, else what the last run brought. */
function pictureOf(node, name, preview) {
  const first = linkOf(node, name);
  let link = first;
  for (let hops = 0; link && hops < 20; hops++) {
    const origin = node.graph.getNodeById?.(link.origin_id);
    if (origin?.type === "Reroute") {
      link = linkOf(origin, origin.inputs[0].name);
      continue;
    }
    if (origin && link.origin_slot === 0 && (origin.type === "LoadImage" || origin.type === "LoadImageOutput")) {
      const file = origin.widgets?.find((widget) => widget.name === "image")?.value;
      if (typeof file === "string" && file) return viewUrl(file, origin.type === "LoadImage" ? "input" : "output");
    }
    break;
  }
  return first && preview?.link === first.id ? preview.picture : null;
}

/** "folder/name.png [output]" -> where the server shows it. */
function viewUrl(file, type) {
  const [, path, place] = /^(.*?)(?: \[(input|output|temp)\])?$/s.exec(file);
  const parts = path.split("/");
  const query = new URLSearchParams({ filename: parts.pop(), subfolder: parts.join("/"), type: place ?? type });
  return api.apiURL(`/view?${query}`);
}

/** The canvas brings its style along, inside its own element: the page's head stays ComfyUI's. */
function style() {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL("stroke_canvas.css", import.meta.url).href;
  return sheet;
}

app.registerExtension({
  name: NAME,
  getCustomWidgets: () => ({ [WIDGET]: addCanvas }),
});
