// What the templates of this pack need of the front end: their order in the list, and a slider between painting and
// result. Needs no page.

const COMPARE = "ImageCompare"; // ComfyUI's own, in newer versions; it draws in Nodes 2.0 only
const MARK = "sdedit_compare"; // in `extra` of a workflow: {before: [id, slot], after: [id, slot], save: id}
const [TITLE, GAP] = [30, 16];

/**
 * ComfyUI lists template files as the file system gives them, which is any order on some. From now on those of this
 * pack come by their numbers; no other list is touched. `url` is that of one of its scripts.
 *
 * There is no other way in ComfyUI 0.8.0 to 0.33.0: the server makes the list itself, with glob and without sorting,
 * whatever the files are called or how old they are; a second route of that name would be one for all packs; and the page
 * shows the list as it comes and asks no extension.
 */
export function orderTemplates(api, url) {
  const ask = api.getWorkflowTemplates;
  const pack = decodeURIComponent(url.split("/extensions/")[1]?.split("/")[0] ?? "");
  if (typeof ask !== "function") return;
  api.getWorkflowTemplates = async (...given) => {
    const listed = await ask.apply(api, given);
    const names = listed?.[pack];
    return Array.isArray(names) ? { ...listed, [pack]: [...names].sort() } : listed;
  };
}

/**
 * A template was opened: where ComfyUI has a node that compares, and draws it, put that in the result's place, and fold
 * the node that saves below it, under ComfyUI's name for it. Done once: the mark goes.
 */
export function addCompare(graph, LiteGraph) {
  const mark = graph.extra?.[MARK];
  if (!mark || !LiteGraph.vueNodesMode || !LiteGraph.registered_node_types[COMPARE]) return null;
  const [before, after, save] = [mark.before?.[0], mark.after?.[0], mark.save].map((id) => graph.getNodeById(id));
  delete graph.extra[MARK];
  if (!before || !after || !save) return null;
  const node = LiteGraph.createNode(COMPARE);
  const [[x, y], [width, height]] = [save.pos, save.size];
  graph.add(node);
  node.title = save.title;
  node.pos = [x, y];
  node.size = [width, height - TITLE - GAP];
  before.connect(mark.before[1], node, node.findInputSlot("image_a"));
  after.connect(mark.after[1], node, node.findInputSlot("image_b"));
  save.pos = [x, y + height];
  save.title = save.constructor.title ?? save.title;
  save.collapse?.();
  return node;
}
