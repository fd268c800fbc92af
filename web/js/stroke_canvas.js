// The Stroke Canvas node: puts the canvas (strokes/canvas.js) on the node, and on subgraph nodes that show it.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { hintOf, WATCHED } from "./graph/hints.js";
import { loadWords, templateWords, translate } from "./graph/language.js";
import { enter, leave, rememberRun } from "./graph/live.js";
import { speak } from "./graph/notes.js";
import { followPromotions } from "./graph/promoted.js";
import { listen, speakOutput } from "./graph/said.js";
import { addCompare, orderTemplates } from "./graph/templates.js";
import { addWidget, after, before, keepExamples, makeCanvas, ROOM, WIDGET } from "./graph/widget.js";
import { say } from "./strokes/words.js";

const NAME = "SDEdit.StrokeCanvas";
const SHOWS_TEXT = "PreviewAny"; // "Preview as Text"

function addCanvas(node, inputName, inputData) {
  const canvas = makeCanvas(inputData[1]?.default ?? "", () => widget.callback?.(widget.value));
  const setText = (text) => {
    canvas.text = text;
  };
  const widget = addWidget(node, inputName, canvas, () => canvas.text, setText);
  const entry = { node, canvas, widget };
  enter(entry);
  after(node, "onExecuted", (output) => rememberRun(node, output));
  after(node, "onRemoved", () => leave(entry));
  after(node, "onAdded", () => enter(entry)); // removed and added again: into a subgraph, out of it
  return { widget, ...ROOM };
}

listen(api, translate);

/** A link was made by hand that will not do what it seems to: say so. */
function warn(node, side, slot, connected, link) {
  const hint = connected && !app.configuringGraph ? hintOf(node, side, slot, link) : null;
  const toast = { severity: "warn", summary: node.title, detail: hint && say(hint), life: 15000 };
  if (hint) app.extensionManager?.toast?.add(toast);
}

app.registerExtension({
  name: NAME,
  init() {
    orderTemplates(api, import.meta.url);
    return loadWords();
  },
  beforeConfigureGraph: (workflow) => speak(workflow, templateWords),
  afterConfigureGraph: () => addCompare(app.graph, LiteGraph),
  beforeRegisterNodeDef(_type, definition) {
    if (definition.name === "SDEdit_StrokeCanvas") keepExamples(definition.input.required.strokes[1].examples);
  },
  getCustomWidgets: () => ({ [WIDGET]: addCanvas }),
  nodeCreated(node) {
    if (node.isSubgraphNode?.()) followPromotions(node);
    if (node.comfyClass === SHOWS_TEXT) before(node, "onExecuted", (output) => speakOutput(output, translate));
    if (WATCHED.includes(node.comfyClass)) after(node, "onConnectionsChange", (...change) => warn(node, ...change));
  },
});
