// The example drawings to choose from, over the sheet.

import { parseDrawing } from "./document.js";
import { button, make } from "./elements.js";
import { paintStrokes } from "./render.js";
import { say } from "./words.js";

const SIDE = 96;

export class Gallery {
  /** `choose` hears the text of a drawing, "" for none at all, null for closed. */
  constructor(choose) {
    this.choose = choose;
    this.examples = {};
    this.element = make("div", "sdedit-over sdedit-gallery", { role: "dialog", "aria-label": say("examples") });
    this.element.hidden = true;
  }

  open() {
    const cards = Object.entries(this.examples).map(([name, text]) => this.card(name, text));
    const empty = this.card("empty", "");
    this.element.replaceChildren(
      ...cards,
      empty,
      button("close", say("close"), () => this.choose(null)),
    );
    this.element.hidden = false;
  }

  card(name, text) {
    const picture = make("canvas", "", { width: SIDE, height: SIDE, "aria-hidden": "true" });
    if (text) {
      const drawing = parseDrawing(text);
      paintStrokes(picture.getContext("2d"), drawing, drawing.strokes);
    }
    const label = say(name);
    const made = make("button", "sdedit-card", { type: "button", title: label, "aria-label": label }, picture, label);
    made.addEventListener("click", () => this.choose(text));
    return made;
  }
}
