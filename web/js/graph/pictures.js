// What a canvas has to know of its node: the pictures that are connected, and its size. Needs no page.

import { examplePath } from "./examples.js";
import { linkOf, sourceOf } from "./links.js";

const LOADERS = { LoadImage: "input", LoadImageOutput: "output" };
const SIDE = 256;

/** Whether something is connected to an input, outside of all subgraphs too. */
export function isConnected(node, name, hosts = []) {
  return Boolean(sourceOf(node, name, hosts)?.node);
}

/**
 * Address of the picture behind an input: a Load Image's file, an example, else what the last run brought, if it came
 * through the same link, else what the node it comes from shows itself. `toUrl` makes an address of a path on the
 * server; `outputs` are the files that the front end keeps of nodes that ran.
 */
export function pictureOf(node, name, preview, toUrl, hosts = [], outputs = {}) {
  const { node: origin, slot } = sourceOf(node, name, hosts) ?? {};
  if (slot === 0 && Object.hasOwn(LOADERS, origin.type)) {
    const file = origin.widgets?.find((widget) => widget.name === "image")?.value;
    if (typeof file === "string" && file) return toUrl(viewPath(file, LOADERS[origin.type]));
  }
  const example = examplePath(origin, slot);
  if (example) return toUrl(example);
  const link = linkOf(node, name);
  if (link && preview?.link === link.id) return preview.picture;
  return origin && isFirstPicture(origin, slot) ? shownBy(origin, toUrl, outputs) : null;
}

/** Only a node's first picture output is taken for what the node shows. */
function isFirstPicture({ outputs }, slot) {
  return outputs?.findIndex(({ type }) => type === "IMAGE") === slot;
}

/** What a node shows as its own picture, as nodes with a preview do; or null. */
function shownBy(node, toUrl, outputs) {
  const element = node.imgs?.[0]?.src;
  if (typeof element === "string" && element) return element;
  const { graph, id } = node;
  const isRoot = !graph?.rootGraph || graph === graph.rootGraph;
  const entry = outputs[isRoot ? id : `${graph.id}:${id}`]?.images?.[0];
  if (typeof entry?.filename !== "string") return null;
  const { filename, subfolder = "", type = "output" } = entry;
  return toUrl(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

/** What a run told of an input: its picture, with the link that it came through; or null. */
export function previewOf(node, name, output) {
  const picture = output?.[`sdedit_${name}`]?.[0];
  const own = typeof picture === "string" && picture.startsWith("data:image/jpeg;base64,");
  return own ? { link: linkOf(node, name)?.id, picture } : null;
}

/** Width or height in pixels, from the node's own widget or from the subgraph node that shows it in its place. */
export function sideOf(node, name, hosts = []) {
  const widget = sourceOf(node, name, hosts)?.widget ?? node.widgets?.find((own) => own.name === name);
  return Number(widget?.value) || SIDE;
}

/** "folder/name.png [output]" -> where the server shows it. */
function viewPath(file, type) {
  const [, path, place] = /^(.*?)(?: \[(input|output|temp)\])?$/s.exec(file);
  const parts = path.split("/");
  const query = new URLSearchParams({ filename: parts.pop(), subfolder: parts.join("/"), type: place ?? type });
  return `/view?${query}`;
}
