// Pictures of the Example Guide, which the server paints without a run. Needs no page.

const EXAMPLES = "SDEdit_ExampleGuide";
const LARGEST = 768; // pixels of the longer side, as of the pictures that a run brings
const OUTPUTS = ["guide", null, "photo", "patch"]; // by the node's slots; the mask is no picture

/** Where the server shows what an Example Guide gives at a slot; null for other nodes and for its mask. */
export function examplePath(node, slot) {
  const output = node?.type === EXAMPLES ? OUTPUTS[slot] : null;
  if (!output) return null;
  const value = (name) => node.widgets?.find((widget) => widget.name === name)?.value;
  const [name, ...sides] = ["name", "width", "height"].map(value);
  const [width, height] = sides.map((side) => Math.round(side * Math.min(1, LARGEST / Math.max(...sides))));
  return name ? `/sdedit/example?${new URLSearchParams({ name, output, width, height })}` : null;
}
