// A picture that was dropped or pasted becomes the background: uploaded, and connected through a Load Image.

import { api } from "../../../../scripts/api.js";
import { app } from "../../../../scripts/app.js";
import { inputOutside, sourceOf } from "./links.js";

const LOADER = "LoadImage";
const GAP = 60; // between the Load Image and the node it is for

/** Upload a file and make it the background of a node, which is inside of those subgraph nodes. */
export async function connectPicture(node, hosts, file) {
  const name = await upload(file);
  const source = sourceOf(node, "background", hosts)?.node;
  if (source?.type === LOADER) return load(source, name);
  const target = inputOutside(node, "background", hosts);
  const loader = window.LiteGraph.createNode(LOADER);
  const [x, y] = target.node.pos;
  loader.pos = [x - loader.size[0] - GAP, y]; // before it is added: later some front ends do not look
  target.node.graph.add(loader);
  load(loader, name);
  loader.connect(0, target.node, target.slot);
}

/** The name by which Load Image knows the file. */
async function upload(file) {
  const body = new FormData();
  const name = file.name && file.name !== "image.png" ? file.name : `canvas_${Date.now()}.png`; // pasted: all of one name
  body.append("image", file, name);
  const answer = await api.fetchApi("/upload/image", { method: "POST", body });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.statusText}`);
  const kept = await answer.json();
  return kept.subfolder ? `${kept.subfolder}/${kept.name}` : kept.name;
}

function load(loader, name) {
  const widget = loader.widgets.find((own) => own.name === "image");
  const { values } = widget.options;
  if (Array.isArray(values) && !values.includes(name)) values.push(name);
  widget.value = name;
  widget.callback?.(name);
  app.canvas?.setDirty(true, true);
}
