// The canvas on a subgraph node, where its user promoted it from a Stroke Canvas inside.
//
// Front ends up to about 1.40 show the inner widget itself there. Newer ones keep a value of its own on every subgraph
// node, as an input with a `widgetId`, and show it with a stand-in that knows texts and numbers but no foreign
// elements. Such a stand-in is given a canvas here; the value stays where the front end keeps it.

import { app } from "../../../../scripts/app.js";
import { promotedFrom } from "./links.js";
import { enter, leave } from "./live.js";
import { addWidget, after, makeCanvas, ROOM, WIDGET } from "./widget.js";

/** From now on, show the canvases promoted to this subgraph node. */
export function followPromotions(host) {
  const shown = new Map(); // input -> widget; the input itself holds it by a weak reference only
  const update = () => showAll(host, shown);
  let stop = listen(host, update);
  after(host, "onAdded", () => {
    stop();
    stop = listen(host, update);
    update();
  });
  after(host, "onRemoved", () => {
    stop();
    for (const widget of shown.values()) widget.onRemove();
  });
  update();
}

function listen(host, update) {
  const { events } = host.subgraph;
  const hear = ({ detail }) => detail.subgraphNode === host && update();
  events.addEventListener("widget-promoted", hear);
  return () => events.removeEventListener("widget-promoted", hear);
}

function showAll(host, shown) {
  // while it is built or copied, a subgraph node goes by an id that is not its own
  if (host.graph?.getNodeById(host.id) !== host) return;
  for (const [input, widget] of shown) {
    // configure() makes new inputs without a word about the old ones
    if (!host.inputs.includes(input) || input._widget !== widget) widget.onRemove();
  }
  for (const input of host.inputs) {
    const stand = input.widgetId && host.getWidgetFromSlot(input);
    if (stand?.type === WIDGET && !stand.element) show(host, input, stand, shown);
  }
}

/** A canvas instead of the stand-in, with the stand-in's value. */
function show(host, input, stand, shown) {
  const canvas = makeCanvas(stand.value ?? "", (text) => {
    stand.value = text;
  });
  const widget = addInPlace(host, stand, canvas);
  const entry = {
    node: host,
    canvas,
    widget,
    place: () => promotedFrom(host, input),
    read: () => {
      canvas.text = stand.value ?? "";
    },
  };
  after(widget, "onRemove", () => {
    shown.delete(input);
    leave(entry);
  });
  input._widget = widget;
  shown.set(input, widget);
  enter(entry);
  if (!app.configuringGraph) makeRoom(host);
}

/** addDOMWidget() puts a widget below the promoted ones; this one takes the stand-in's place among them instead. */
function addInPlace(host, stand, canvas) {
  const { label } = stand;
  const { onAdded, onRemoved, onResize } = host;
  const setValue = (text) => {
    stand.value = text;
    canvas.text = text;
  };
  const widget = addWidget(host, stand.name, canvas, () => stand.value, setValue);
  Object.assign(host, { onAdded, onRemoved, onResize }); // an input's widget comes and goes with the input
  widget.onRemove = () => {}; // out of the list, and not off the page
  host.removeWidget(widget);
  delete widget.onRemove;
  widget.label = label;
  return widget;
}

function makeRoom(host) {
  const [width, height] = host.size;
  host.setSize([Math.max(width, ROOM.minWidth), Math.max(height, ROOM.minHeight)]);
}
