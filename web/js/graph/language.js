// The pack in the language of the front end: from locales/<language>/, as the server hands it out.

import { api } from "../../../../scripts/api.js";
import { app } from "../../../../scripts/app.js";
import { setWords } from "../strokes/words.js";
import { makeTranslator } from "./said.js";
import { pairsOf } from "./texts.js";

let translator = (text) => text;

/** What nodes said, in the language of the front end; texts of others as they are. */
export const translate = (text) => translator(text);

/** Words of templates by their English ones; empty in English. */
export const templateWords = new Map();

export async function loadWords() {
  const language = app.extensionManager?.setting?.get("Comfy.Locale") ?? "en";
  if (language === "en") return;
  try {
    const all = await (await api.fetchApi("/i18n")).json();
    const table = all[language] ?? all[language.split("-")[0]];
    if (!table?.SDEdit) return;
    setWords(table.SDEdit.canvas);
    const names = pairsOf(all.en, table, "nodeDefs", (key) => key.startsWith("SDEdit_"));
    for (const [english, words] of pairsOf(all.en, table, "templates")) templateWords.set(english, words);
    translator = makeTranslator([...pairsOf(all.en, table, "said"), ...names]);
  } catch {
    // an older server: English
  }
}
