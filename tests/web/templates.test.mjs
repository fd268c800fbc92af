// Order of the templates, and the slider that a template gets where ComfyUI has one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { addCompare, orderTemplates } from "../../web/js/graph/templates.js";

const URL = "http://host/extensions/ComfyUI-SDEdit/js/stroke_canvas.js";

test("the pack's own templates come by their numbers, those of others as they are", async () => {
  const listed = { "ComfyUI-SDEdit": ["02 b", "10 c", "01 a"], other: ["z", "a"] };
  const api = { getWorkflowTemplates: async () => listed };
  orderTemplates(api, URL);
  assert.deepEqual(await api.getWorkflowTemplates(), { ...listed, "ComfyUI-SDEdit": ["01 a", "02 b", "10 c"] });
  for (const odd of [null, {}, { "ComfyUI-SDEdit": 7 }]) {
    const other = { getWorkflowTemplates: async () => odd };
    orderTemplates(other, URL);
    assert.deepEqual(await other.getWorkflowTemplates(), odd);
  }
  const none = {};
  orderTemplates(none, URL);
  assert.deepEqual(none, {});
});

const MARK = { before: [1, 0], after: [2, 1], save: 3 };

function opened(mark, { vueNodesMode = true, known = true } = {}) {
  const made = { inputs: [], connected: [], findInputSlot: (name) => ["image_a", "image_b"].indexOf(name) };
  const source = (id) => ({ id, connect: (slot, node, input) => node.connected.push([id, slot, input]) });
  class SaveImage {
    static title = "Save Image";
    pos = [100, 30];
    size = [540, 600];
    title = "Picture";
    folded = false;
    collapse = () => (this.folded = true);
  }
  const save = new SaveImage();
  const nodes = new Map([
    [1, source(1)],
    [2, source(2)],
    [3, save],
  ]);
  const added = [];
  const graph = {
    extra: { sdedit_compare: mark },
    getNodeById: (id) => nodes.get(id),
    add: (node) => added.push(node),
  };
  const LiteGraph = { vueNodesMode, registered_node_types: known ? { ImageCompare: {} } : {}, createNode: () => made };
  return { node: addCompare(graph, LiteGraph), graph, added, save };
}

test("painting and result go to the compare node, in the result's place", () => {
  const { node, graph, added, save } = opened(MARK);
  assert.deepEqual(added, [node]);
  assert.deepEqual(node.connected, [
    [1, 0, 0],
    [2, 1, 1],
  ]);
  assert.deepEqual([node.title, node.pos, node.size], ["Picture", [100, 30], [540, 554]]);
  assert.deepEqual([save.pos, save.folded, save.title], [[100, 630], true, "Save Image"]);
  assert.equal(graph.extra.sdedit_compare, undefined, "once only");
});

test("nothing is added where ComfyUI has no such node, or does not draw it", () => {
  for (const host of [{ known: false }, { vueNodesMode: false }]) {
    const { node, graph, added, save } = opened(MARK, host);
    assert.deepEqual([node, added, save.folded], [null, [], false]);
    assert.deepEqual(graph.extra.sdedit_compare, MARK, "it may be opened in another version");
  }
  assert.equal(opened(undefined).node, null);
  assert.deepEqual(opened({ before: [9, 0], after: [2, 1], save: 3 }).added, []);
});
