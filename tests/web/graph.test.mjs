// What feeds a canvas, through reroutes and out of subgraphs, in graphs that look like ComfyUI's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { inputOutside, isInGraph, linkOf, promotedFrom, sourceOf } from "../../web/js/graph/links.js";
import { isConnected, pictureOf, previewOf, sideOf } from "../../web/js/graph/pictures.js";

const url = (path) => `http://host${path}`;

/** Nodes {id: {type, inputs: {name: link id}, widgets: {name: value}}} and links [id, from, slot, to, slot]. */
function graphOf(nodes, links, asMap = true) {
  const made = new Map();
  const list = links.map(([id, origin_id, origin_slot, target_id, target_slot]) => {
    return { id, origin_id, origin_slot, target_id, target_slot };
  });
  const graph = {
    links: asMap
      ? new Map(list.map((link) => [link.id, link]))
      : Object.fromEntries(list.map((link) => [link.id, link])),
    getNodeById: (id) => made.get(String(id)) ?? null,
  };
  for (const [id, { type, inputs = {}, widgets = {}, ...more }] of Object.entries(nodes)) {
    made.set(id, {
      id,
      type,
      graph,
      inputs: Object.entries(inputs).map(([name, link]) => ({ name, link })),
      widgets: Object.entries(widgets).map(([name, value]) => ({ name, value })),
      getWidgetFromSlot(slot) {
        return this.widgets.find((widget) => widget.name === slot.name);
      },
      ...more,
    });
  }
  return graph;
}

/** A subgraph node for a graph inside, whose inputs go in by those links. */
const subgraphNode = (inside, inputs, more = {}) => ({
  type: "inside",
  inputs: Object.fromEntries(Object.entries(inputs).map(([name, { outside }]) => [name, outside ?? null])),
  isSubgraphNode: () => true,
  subgraph: Object.assign(inside, {
    inputs: Object.entries(inputs).map(([name, { inner }]) => ({ name, linkIds: inner })),
  }),
  ...more,
});

const photo = { type: "LoadImage", widgets: { image: "a folder/photo.png" } };

for (const asMap of [true, false]) {
  test(`a photo behind two reroutes is found (links as a ${asMap ? "Map" : "plain object"})`, () => {
    const reroute = (link) => ({ type: "Reroute", inputs: { "": link } });
    const nodes = { 1: photo, 2: reroute(10), 3: reroute(11), 4: { inputs: { background: 12, palette: null } } };
    const links = [
      [10, 1, 0, 2, 0],
      [11, 2, 0, 3, 0],
      [12, 3, 0, 4, 0],
    ];
    const canvas = graphOf(nodes, links, asMap).getNodeById(4);
    assert.equal(linkOf(canvas, "background").id, 12);
    assert.equal(linkOf(canvas, "palette"), null);
    assert.equal(linkOf(canvas, "no such input"), null);
    assert.equal(
      pictureOf(canvas, "background", null, url),
      "http://host/view?filename=photo.png&subfolder=a+folder&type=input",
    );
    assert.equal(pictureOf(canvas, "palette", null, url), null);
  });
}

test("files say where they are kept", () => {
  const at = (type, image) => {
    const graph = graphOf({ 1: { type, widgets: { image } }, 2: { inputs: { background: 1 } } }, [[1, 1, 0, 2, 0]]);
    return pictureOf(graph.getNodeById(2), "background", null, (path) => path);
  };
  assert.equal(at("LoadImage", "x.png [output]"), "/view?filename=x.png&subfolder=&type=output");
  assert.equal(at("LoadImageOutput", "x.png"), "/view?filename=x.png&subfolder=&type=output");
  assert.equal(at("LoadImage", "a&b=c.png"), "/view?filename=a%26b%3Dc.png&subfolder=&type=input");
  assert.equal(at("LoadImage", ""), null);
  assert.equal(at("SomethingElse", "x.png"), null);
});

test("a picture of a run is shown as long as it came through the link that is there", () => {
  const graph = graphOf({ 1: { type: "Filter" }, 2: { inputs: { background: 7 } } }, [[7, 1, 0, 2, 0]]);
  const canvas = graph.getNodeById(2);
  const picture = "data:image/jpeg;base64,AAAA";
  const preview = previewOf(canvas, "background", { sdedit_background: [picture] });
  assert.deepEqual(preview, { link: 7, picture });
  assert.equal(pictureOf(canvas, "background", preview, url), picture);
  assert.equal(pictureOf(canvas, "background", { ...preview, link: 8 }, url), null);
  canvas.inputs[0].link = null;
  assert.equal(pictureOf(canvas, "background", preview, url), null);
  for (const odd of [{}, null, { sdedit_background: ["javascript:alert(1)"] }, { sdedit_background: [7] }])
    assert.equal(previewOf(canvas, "background", odd), null);
});

test("a picture that the node before shows is taken for its first picture output", () => {
  const origin = { type: "Filter", outputs: [{ type: "MASK" }, { type: "IMAGE" }, { type: "IMAGE" }] };
  const at = (slot, more = {}, outputs = {}) => {
    const graph = graphOf({ 1: { ...origin, ...more }, 2: { inputs: { background: 1 } } }, [[1, 1, slot, 2, 0]]);
    return pictureOf(graph.getNodeById(2), "background", null, (path) => path, [], outputs);
  };
  const kept = { 1: { images: [{ filename: "a.png", subfolder: "", type: "temp" }] } };
  assert.equal(at(1, { imgs: [{ src: "blob:x" }] }), "blob:x");
  assert.equal(at(1, {}, kept), "/view?filename=a.png&subfolder=&type=temp");
  assert.equal(at(2, { imgs: [{ src: "blob:x" }] }, kept), null, "the second is another picture");
  assert.equal(at(1), null);
});

test("links in a circle end", () => {
  const graph = graphOf({ 1: { type: "Reroute", inputs: { "": 1 } } }, [[1, 1, 0, 1, 0]]);
  assert.equal(sourceOf(graph.getNodeById(1), ""), null);
});

test("a promoted canvas is found through two subgraphs, and its photo and size outside of them", () => {
  const canvas = { inputs: { strokes: 1, background: 2, width: 3 }, widgets: { strokes: "", width: 256, height: 320 } };
  const inner = graphOf({ 5: canvas }, [
    [1, -10, 0, 5, 0],
    [2, -10, 1, 5, 1],
    [3, "-10", 2, 5, 2],
  ]);
  const middle = graphOf(
    {
      6: subgraphNode(inner, {
        strokes: { inner: [1], outside: 21 },
        photo: { inner: [2], outside: 22 },
        width: { inner: [3], outside: 23 },
      }),
    },
    [
      [21, -10, 0, 6, 0],
      [22, -10, 1, 6, 1],
      [23, -10, 2, 6, 2],
    ],
  );
  const outer = graphOf(
    {
      1: photo,
      7: subgraphNode(
        middle,
        { strokes: { inner: [21] }, photo: { inner: [22], outside: 31 }, width: { inner: [23] } },
        { widgets: { strokes: "its own", width: 768 } },
      ),
    },
    [[31, 1, 0, 7, 1]],
  );
  const host = outer.getNodeById(7);
  const { node, hosts } = promotedFrom(host, host.inputs[0]);
  assert.equal(node, inner.getNodeById(5));
  assert.deepEqual(hosts, [host, middle.getNodeById(6)]);
  assert.match(pictureOf(node, "background", null, url, hosts), /photo\.png/);
  assert.equal(isConnected(node, "background", hosts), true);
  assert.equal(isConnected(node, "background"), false, "seen from inside");
  assert.deepEqual(inputOutside(node, "background", hosts), { node: host, slot: 1 });
  assert.deepEqual(inputOutside(node, "strokes", []), { node, slot: 0 });
  assert.equal(sideOf(node, "width", hosts), 768, "promoted too: the subgraph node's own");
  assert.equal(sideOf(node, "height", hosts), 320);
  assert.equal(sideOf(node, "width"), 256, "seen from inside");
  assert.equal(pictureOf(node, "background", null, url), null, "seen from inside");
  assert.equal(promotedFrom(host, { name: "unknown" }), null);
});

test("a size that is no number is the usual one", () => {
  const graph = graphOf({ 1: { widgets: { width: "wide" } } }, []);
  assert.equal(sideOf(graph.getNodeById(1), "width"), 256);
  assert.equal(sideOf(graph.getNodeById(1), "height"), 256);
});

test("a node is in the workflow as long as it and the subgraph around it are", () => {
  const root = Object.assign(graphOf({ 1: {} }, []), { subgraphs: new Map() });
  const inside = Object.assign(graphOf({ 2: {} }, []), { id: "inside", rootGraph: root });
  root.subgraphs.set("inside", inside);
  const [outer, inner] = [root.getNodeById(1), inside.getNodeById(2)];
  assert.deepEqual([isInGraph(outer), isInGraph(inner)], [true, true]);
  assert.equal(isInGraph({ ...outer }), false, "another node has its id");
  assert.equal(isInGraph({ id: 1, graph: null }), false);
  root.subgraphs.set("inside", { ...inside });
  assert.equal(isInGraph(inner), false, "the subgraph was loaded anew");
});

test("examples are shown without a run: the painting, the photo, the patch, and no mask", () => {
  const widgets = { name: "edit: lake-peak", width: 512, height: 384 };
  const at = (slot, type = "SDEdit_ExampleGuide") => {
    const graph = graphOf({ 1: { type, widgets }, 2: { inputs: { background: 1 } } }, [[1, 1, slot, 2, 0]]);
    return pictureOf(graph.getNodeById(2), "background", null, (path) => path);
  };
  const asked = (output) => `/sdedit/example?name=edit%3A+lake-peak&output=${output}&width=512&height=384`;
  assert.deepEqual(
    [0, 1, 2, 3].map((slot) => at(slot)),
    [asked("guide"), null, asked("photo"), asked("patch")],
  );
  assert.equal(at(0, "OtherNode"), null);
  Object.assign(widgets, { width: 1024, height: 512 });
  assert.match(at(0), /width=768&height=384$/);
});
