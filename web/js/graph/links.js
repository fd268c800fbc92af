// Ways through the graph: what feeds an input, through reroutes and out of subgraphs. Needs no page.

const EDGE = -10; // the node at the left edge of a subgraph, where its inputs come in
const HOPS = 20;

/** The link into an input, or null. */
export function linkOf(node, name) {
  return linkById(node.graph, node.inputs?.find((input) => input.name === name)?.link);
}

/**
 * What feeds the input of a node: {node, slot} of an output; {widget} on one of the subgraph nodes that the node is
 * in, `hosts`, outermost first; or null.
 */
export function sourceOf(node, name, hosts = []) {
  let link = linkOf(node, name);
  let graph = node.graph;
  const around = [...hosts];
  for (let hops = 0; link && hops < HOPS; hops++) {
    if (Number(link.origin_id) === EDGE) {
      const host = around.pop();
      const input = host?.inputs[link.origin_slot];
      if (!input) return null;
      if (input.link == null) return { widget: host.getWidgetFromSlot(input) };
      graph = host.graph;
      link = linkById(graph, input.link);
      continue;
    }
    const origin = graph.getNodeById?.(link.origin_id);
    if (origin?.type !== "Reroute") return origin ? { node: origin, slot: link.origin_slot } : null;
    link = linkOf(origin, origin.inputs[0].name);
  }
  return null;
}

/**
 * Where to connect something that is to reach the input of a node: {node, slot}, the input itself, or that of the
 * outermost subgraph node through which it comes.
 */
export function inputOutside(node, name, hosts = []) {
  const slotOf = (own, input) => own.inputs.findIndex((each) => each.name === input);
  let place = { node, slot: slotOf(node, name) };
  for (const host of [...hosts].reverse()) {
    const link = linkById(place.node.graph, place.node.inputs[place.slot]?.link);
    if (Number(link?.origin_id) !== EDGE) break;
    place = { node: host, slot: link.origin_slot };
  }
  return place;
}

/** The node whose widget an input of a subgraph node stands for, and the subgraph nodes around it; or null. */
export function promotedFrom(host, input) {
  const hosts = [];
  let [node, slot] = [host, input];
  while (node?.isSubgraphNode?.() && hosts.length < HOPS) {
    hosts.push(node);
    const inner = node.subgraph.inputs.find((own) => own.name === slot?.name);
    const link = linkById(node.subgraph, inner?.linkIds[0]);
    if (!link) return null;
    node = node.subgraph.getNodeById(link.target_id);
    slot = node?.inputs[link.target_slot];
  }
  return node ? { node, hosts } : null;
}

/** Whether a node is in the workflow still. What is inside of subgraphs is not told when a workflow is closed. */
export function isInGraph(node) {
  const { graph } = node;
  if (graph?.getNodeById(node.id) !== node) return false;
  const root = graph.rootGraph ?? graph;
  return graph === root || root.subgraphs.get(graph.id) === graph;
}

function linkById(graph, id) {
  const links = graph?.links;
  return id == null ? null : (links?.get?.(id) ?? links?.[id] ?? null);
}
