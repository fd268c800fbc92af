// All colours with names, over the sheet: grouped by where they belong, each with its word on it.

import { button, make } from "./elements.js";
import { inkOn, LANDSCAPE } from "./palette.js";
import { say } from "./words.js";

export class Names {
  /** `choose` hears a colour, or null for closed. */
  constructor(choose) {
    this.choose = choose;
    this.element = make("div", "sdedit-over sdedit-names", { role: "dialog", "aria-label": say("names") });
    this.element.hidden = true;
  }

  /** Show them below the bars; `chosen` is the colour of the brush. */
  open(bars, chosen) {
    const groups = LANDSCAPE.flatMap(([heading, named]) => [
      make("div", "sdedit-heading", {}, say(heading)),
      make("div", "sdedit-named", {}, ...named.map(([name, colour]) => this.chip(name, colour, chosen))),
    ]);
    const close = button("close", say("close"), () => this.choose(null));
    this.element.replaceChildren(...groups, close);
    const top = bars.offsetTop + bars.offsetHeight + 4;
    this.element.style.top = `${top}px`;
    this.element.style.maxHeight = `calc(100% - ${top + 4}px)`;
    this.element.hidden = false;
  }

  chip(name, colour, chosen) {
    const title = `${say(name)} ${colour}`;
    const attributes = { type: "button", title, "aria-label": title, "aria-pressed": String(colour === chosen) };
    const made = make("button", "sdedit-chip", attributes, say(name));
    Object.assign(made.style, { backgroundColor: colour, color: inkOn(colour) });
    made.addEventListener("click", () => this.choose(colour));
    return made;
  }
}
