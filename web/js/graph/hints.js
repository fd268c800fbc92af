// Words at the place of a mistake: what a new link between a node of this pack and one of ComfyUI will do. Needs no page.

import { sourceOf } from "./links.js";

const NOISE = "SDEdit_AddVENoise";
const OWN_MODELS = ["SDEdit_ScoreModelLoader", "SDEdit_ScoreModelFromImages"];
const EMPTY = 3; // their output of an empty conditioning
const ASK_TEXT = ["SDEdit_ReverseSDESampler", "SDEdit_T0Probe", "SDEdit_T0Sweep"];
const [INPUT, OUTPUT] = [1, 2]; // as ComfyUI numbers the sides of a node

/** The kinds of node whose links are looked at. */
export const WATCHED = [NOISE, ...ASK_TEXT];

/** The name of a text that speaks of the link that was just made at `slot` of a node, or null. */
export function hintOf(node, side, slot, link) {
  if (side === OUTPUT) {
    const after = node.graph?.getNodeById?.(link?.target_id);
    return node.type === NOISE && after?.type === "KSampler" ? "hintKSampler" : null;
  }
  const name = side === INPUT ? node.inputs?.[slot]?.name : null;
  const source = name ? sourceOf(node, name) : null;
  if (node.type === NOISE)
    return name === "latent" && source?.node?.type === "VAEEncodeForInpaint" ? "hintInpaint" : null;
  const model = sourceOf(node, "model")?.node;
  const empty = ["positive", "negative", "model"].some((each) => each === name && isEmpty(node, each));
  return empty && model && !OWN_MODELS.includes(model.type) && !model.isSubgraphNode?.() ? "hintEmpty" : null;
}

/** Whether the prompt at an input is the empty one of a score model; at `model` it is any of the two. */
function isEmpty(node, name) {
  if (name === "model") return isEmpty(node, "positive") || isEmpty(node, "negative");
  const source = sourceOf(node, name);
  return OWN_MODELS.includes(source?.node?.type) && source.slot === EMPTY;
}
