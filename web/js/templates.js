// The templates of this pack in the order of their numbers: ComfyUI lists the files as the file system gives them, which
// is any order on some. Only this pack's own list is touched.

import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";

const PACK = decodeURIComponent(new URL(import.meta.url).pathname.split("/extensions/")[1]?.split("/")[0] ?? "");

/** What the server lists, pack -> names, with the names of one pack in order. */
export function inOrder(listed, pack) {
  const names = listed?.[pack];
  return Array.isArray(names) ? { ...listed, [pack]: [...names].sort() } : listed;
}

app.registerExtension({
  name: "SDEdit.TemplateOrder",
  init() {
    const ask = api.getWorkflowTemplates;
    if (typeof ask !== "function") return;
    api.getWorkflowTemplates = async (...given) => inOrder(await ask.apply(api, given), PACK);
  },
});
