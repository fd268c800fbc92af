// The canvas in the language of the front end: from locales/<language>/main.json, as the server hands it out.

import { api } from "../../../../scripts/api.js";
import { app } from "../../../../scripts/app.js";
import { setWords } from "../strokes/words.js";

export async function loadWords() {
  const language = app.extensionManager?.setting?.get("Comfy.Locale") ?? "en";
  if (language === "en") return;
  try {
    const all = await (await api.fetchApi("/i18n")).json();
    setWords((all[language] ?? all[language.split("-")[0]])?.SDEdit?.canvas);
  } catch {
    // an older server: English
  }
}
