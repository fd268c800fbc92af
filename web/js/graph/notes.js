// A template in the language of the front end: its notes line by line, titles of nodes and groups, names at the ends of
// its subgraphs. Needs no page.

const MARK = "sdedit_template"; // in `extra` of a template as it is shipped; goes when it is opened
const NOTES = ["MarkdownNote", "Note"];

/**
 * A workflow is about to be opened: if it is a template of this pack, put its texts into the language of `words`, a Map
 * from English. A workflow that somebody saved has no mark any more and stays as it is, whatever it says.
 */
export function speak(workflow, words) {
  if (!workflow?.extra?.[MARK]) return;
  delete workflow.extra[MARK];
  const say = (text) => words.get(text) ?? text;
  const parts = workflow.definitions?.subgraphs ?? [];
  for (const graph of [workflow, ...parts]) {
    for (const node of graph.nodes) {
      if (node.title) node.title = say(node.title);
      if (NOTES.includes(node.type)) node.widgets_values = node.widgets_values.map((text) => lines(text, say));
    }
    for (const group of graph.groups ?? []) group.title = say(group.title);
  }
  for (const part of parts) {
    part.name = say(part.name);
    for (const end of ends(part)) label(end, say);
    for (const node of workflow.nodes) if (node.type === part.id) for (const end of ends(node)) label(end, say);
  }
}

const ends = ({ inputs, outputs }) => [...(inputs ?? []), ...(outputs ?? [])];
const lines = (text, say) => (typeof text === "string" ? text.split("\n").map(say).join("\n") : text);

/** Names stay as they are, values and links go by them; what is shown is a label, as after "Rename". */
function label(end, say) {
  if (say(end.name) !== end.name) end.label = say(end.name);
}
