// The canvases that are in a graph now, each kept up to date with what is around its node.
//
// An entry: {node, canvas, widget}, and where the canvas stands for one on a node inside a subgraph, `place()` with
// that node and the subgraph nodes around it, and `read()`, which takes over the text that the front end keeps.

import { api } from "../../../../scripts/api.js";
import { app } from "../../../../scripts/app.js";
import { say } from "../strokes/words.js";
import { connectPicture } from "./background.js";
import { isInGraph } from "./links.js";
import { isConnected, pictureOf, previewOf, sideOf } from "./pictures.js";

const PICTURES = ["background", "palette"];
const EVERY = 400; // milliseconds
const live = new Set();
const previews = new WeakMap(); // node -> what its last run told

export function enter(entry) {
  live.add(entry);
  entry.canvas.watch();
  entry.canvas.onPicture(async (file) => {
    const place = placeOf(entry);
    const { painting } = entry.canvas;
    const first = !painting.hasBackground;
    if (place) await connectPicture(place.node, place.hosts, file);
    refresh(entry);
    if (first && painting.shown.strokes.length) tell(entry.node, say("below"));
  });
  refresh(entry);
}

function tell({ title }, detail) {
  app.extensionManager?.toast?.add({ severity: "info", summary: title, detail, life: 10000 });
}

export function leave(entry) {
  live.delete(entry);
  entry.canvas.remove();
}

/** A run of the node is over: keep the pictures that it tells of. */
export function rememberRun(node, output) {
  previews.set(node, Object.fromEntries(PICTURES.map((name) => [name, previewOf(node, name, output)])));
  for (const entry of live) if (placeOf(entry)?.node === node) refresh(entry);
}

// Sizes and connected pictures change in ways that no event tells of in every version (other nodes' widgets, links,
// graph zoom), so they are compared now and then; where nothing changed this costs next to nothing.
setInterval(() => {
  if (document.hidden) return;
  for (const entry of live) {
    if (isShown(entry)) refresh(entry);
    else if (!isInGraph(entry.node)) leave(entry);
  }
}, EVERY);

/** Nodes 2.0 keeps the element of a node that was replaced by one with the same id (undo of the graph): swap it. */
function isShown({ canvas: { element }, widget }) {
  if (element.isConnected) return true;
  // a subgraph node may show a widget of a node inside by something that stands for it, with the widget's own options
  const shows = (node) => node.widgets?.some(({ options }) => options === widget.options);
  const node = app.canvas?.graph?.nodes.find(shows);
  if (!node) return false;
  const own = new Set([...live].filter((entry) => isInGraph(entry.node)).map((entry) => entry.canvas.element));
  const page = document.querySelectorAll(`[data-node-id="${CSS.escape(String(node.id))}"] .sdedit-canvas`);
  [...page].find((left) => !own.has(left))?.replaceWith(element);
  return element.isConnected;
}

function refresh(entry) {
  if (app.configuringGraph) return; // nodes around it have their first values still, not those of the workflow
  entry.read?.();
  const place = placeOf(entry);
  if (!place) return;
  const { node, hosts } = place;
  const { canvas } = entry;
  const toUrl = (path) => api.apiURL(path);
  const picture = (name) => pictureOf(node, name, previews.get(node)?.[name], toUrl, hosts, app.nodeOutputs);
  canvas.setBackground(picture("background"), isConnected(node, "background", hosts));
  canvas.setPalette(picture("palette"));
  canvas.setSize(sideOf(node, "width", hosts), sideOf(node, "height", hosts));
}

function placeOf({ node, place }) {
  return place ? place() : { node, hosts: [] };
}
