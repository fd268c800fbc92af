// Hints at links that will not do what they seem to.

import assert from "node:assert/strict";
import { test } from "node:test";

import { hintOf, WATCHED } from "../../web/js/graph/hints.js";

const [INPUT, OUTPUT] = [1, 2];

/** A graph out of {id: [type, {input: [id, slot]}]}. */
function graphOf(entries) {
  const links = new Map();
  const graph = { links, getNodeById: (id) => nodes.get(Number(id)) };
  const nodes = new Map();
  for (const [id, [type, from]] of Object.entries(entries)) {
    const inputs = Object.entries(from).map(([name, [origin, slot]], i) => {
      const link = Number(id) * 100 + i;
      links.set(link, { id: link, origin_id: origin, origin_slot: slot, target_id: Number(id), target_slot: i });
      return { name, link };
    });
    nodes.set(Number(id), { id: Number(id), type, graph, inputs });
  }
  return graph;
}

const noise = (encode, next) =>
  graphOf({ 1: [encode, {}], 2: ["SDEdit_AddVENoise", { latent: [1, 0] }], 3: [next, { latent_image: [2, 0] }] });

test("a KSampler behind the noise, and the encoder that fills with grey before it", () => {
  const bad = noise("VAEEncodeForInpaint", "KSampler");
  const node = bad.getNodeById(2);
  assert.equal(hintOf(node, OUTPUT, 0, bad.links.get(300)), "hintKSampler");
  assert.equal(hintOf(node, INPUT, 0, bad.links.get(200)), "hintInpaint");
  const good = noise("VAEEncode", "SDEdit_ReverseSDESampler");
  assert.equal(hintOf(good.getNodeById(2), OUTPUT, 0, good.links.get(300)), null);
  assert.equal(hintOf(good.getNodeById(2), INPUT, 0, good.links.get(200)), null);
  for (const odd of [undefined, null, { target_id: 77 }]) assert.equal(hintOf(node, OUTPUT, 0, odd), null);
  assert.equal(hintOf(node, INPUT, 9, null), null);
});

test("the empty conditioning of a score model with a model for text, whichever is connected last", () => {
  const sampler = (model, slot) =>
    graphOf({
      1: ["SDEdit_ScoreModelLoader", {}],
      2: [model, {}],
      3: ["SDEdit_ReverseSDESampler", { model: [2, 0], positive: [1, slot], latent: [7, 0] }],
    }).getNodeById(3);
  for (const slot of [0, 1]) assert.equal(hintOf(sampler("CheckpointLoaderSimple", 3), INPUT, slot), "hintEmpty");
  assert.equal(hintOf(sampler("CheckpointLoaderSimple", 3), INPUT, 2), null, "another input");
  assert.equal(hintOf(sampler("CheckpointLoaderSimple", 0), INPUT, 1), null, "another output");
  assert.equal(hintOf(sampler("SDEdit_ScoreModelFromImages", 3), INPUT, 1), null, "a score model");
  assert.ok(WATCHED.includes("SDEdit_ReverseSDESampler") && WATCHED.includes("SDEdit_T0Sweep"));
});
