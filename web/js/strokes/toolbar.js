// The rows above the canvas: tools, undo and more; what the tool can be set to; colours.

import { button, group, icon, make, slider } from "./elements.js";
import { NAMES } from "./palette.js";
import { say } from "./words.js";

const TOOLS = ["brush", "shape", "flood", "eraser", "pick"];
const HISTORY = ["undo", "redo", "clear"];
const MORE = ["examples", "mask", "full"];
const TIPS = ["fine", "round", "soft"];
const PERCENT = ["opacity", "hardness", "smoothing", "tolerance"];
const SHOWN = {
  brush: ["tips", "size", "opacity", "hardness", "smoothing", "pressure"],
  eraser: ["tips", "size", "opacity", "hardness", "smoothing", "pressure"],
  shape: ["opacity", "smoothing"],
  flood: ["tolerance", "opacity", "cover"],
  pick: [],
  mask: ["showMask", "invertMask", "growMask"],
};

/** The rows; `act(name, value)` hears what is chosen. */
export class Toolbar {
  constructor(act) {
    this.act = act;
    const plain = (name) => button(name, say(name), () => act(name));
    this.buttons = {};
    const row = (title, names, made) => {
      for (const name of names) this.buttons[name] = made(name);
      return group(say(title), ...names.map((name) => this.buttons[name]));
    };
    const first = make(
      "div",
      "sdedit-row",
      {},
      row("tools", TOOLS, (name) => button(name, say(name), () => act("tool", name))),
      row("history", HISTORY, plain),
      row("more", MORE, plain),
    );
    this.makeOptions(plain);
    this.makeColours();
    const second = make("div", "sdedit-row sdedit-options", {}, ...Object.values(this.options));
    const third = make(
      "div",
      "sdedit-row sdedit-colours",
      {},
      this.colour,
      this.names,
      this.swatches,
      this.swap,
      this.paper,
    );
    this.element = make("div", "sdedit-bars", {}, first, second, third);
  }

  makeOptions(plain) {
    const { act } = this;
    this.tips = TIPS.map((name) => button(name, say(name), () => act("tip", name)));
    this.sliders = {
      size: slider("size", say("size"), (step) => act("size", sizeAt(step))),
      growMask: slider("growMask", say("growMask"), (step) => act("growMask", step)),
    };
    for (const name of PERCENT) this.sliders[name] = slider(name, say(name), (step) => act(name, step / 100));
    const text = (name, short, what) => {
      const made = make("button", "sdedit-word", { type: "button", title: say(name), "aria-label": say(name) });
      made.textContent = say(short);
      made.addEventListener("click", () => act(what));
      return made;
    };
    this.pressure = plain("pressure");
    this.showMask = plain("showMask");
    this.invertMask = text("invertMask", "invertShort", "invertMask");
    const bar = (name) => this.sliders[name].element;
    this.options = {
      tips: group(say("brush"), ...this.tips),
      showMask: group(say("mask"), this.showMask),
      invertMask: this.invertMask,
      size: bar("size"),
      tolerance: bar("tolerance"),
      opacity: bar("opacity"),
      hardness: bar("hardness"),
      smoothing: bar("smoothing"),
      growMask: bar("growMask"),
      pressure: group(say("pressure"), this.pressure),
      cover: text("cover", "coverShort", "cover"),
    };
  }

  makeColours() {
    const { act } = this;
    const well = (name, className) =>
      make("input", className, { type: "color", title: say(name), "aria-label": say(name) });
    this.colour = well("colour", "sdedit-well");
    this.colour.addEventListener("input", () => act("colour", this.colour.value));
    this.paper = well("paper", "sdedit-well sdedit-paper-well");
    this.paper.addEventListener("change", () => act("paper", this.paper.value));
    this.name = make("span", "sdedit-colour-name", { "aria-hidden": "true" });
    const words = { type: "button", title: say("names"), "aria-label": say("names"), "aria-haspopup": "dialog" };
    this.names = make("button", "sdedit-names-button", words, this.name, icon("names"));
    this.names.addEventListener("click", () => act("names"));
    this.swatches = make("div", "sdedit-swatches", { role: "group", "aria-label": say("palette") });
    this.swatches.addEventListener("pointerover", ({ target }) => this.tell(target.dataset.colour));
    this.swatches.addEventListener("pointerleave", () => this.tell());
    this.swap = button("swap", say("swap"), () => act("swap"));
    this.swap.classList.add("sdedit-swap");
  }

  setPalette(colours) {
    this.swatches.replaceChildren(
      ...colours.map((colour) => {
        const title = NAMES.has(colour) ? `${say(NAMES.get(colour))} ${colour}` : colour;
        const swatch = make("button", "sdedit-swatch", { type: "button", title, "aria-label": title });
        swatch.style.backgroundColor = colour;
        swatch.dataset.colour = colour;
        swatch.addEventListener("click", () => this.act("colour", colour));
        return swatch;
      }),
    );
  }

  /** Say what a colour is called; without one, that of the brush. */
  tell(colour = this.colour.value) {
    this.name.textContent = NAMES.has(colour) ? say(NAMES.get(colour)) : colour;
  }

  /** Show what is chosen and what is possible. */
  show(state) {
    const { tool, colour, paper, canUndo, canRedo, paperShown, tip, mask } = state;
    const pressed = (made, is) => made.setAttribute("aria-pressed", String(Boolean(is)));
    for (const name of TOOLS) pressed(this.buttons[name], name === tool);
    for (const name of MORE) pressed(this.buttons[name], state.open === name || state[`${name}Open`]);
    this.buttons.undo.disabled = !canUndo;
    this.buttons.redo.disabled = !canRedo;
    const shown = SHOWN[state.maskOpen ? "mask" : tool];
    for (const [name, element] of Object.entries(this.options)) element.hidden = !shown.includes(name);
    this.sliders.size.set(stepOf(state.size), String(Math.round(state.size)));
    for (const name of PERCENT)
      this.sliders[name].set(Math.round(100 * state[name]), `${Math.round(100 * state[name])}%`);
    this.sliders.growMask.set(mask.step, `${say("growShort")} ${Math.round(mask.grow)}`);
    for (const [i, made] of this.tips.entries()) pressed(made, TIPS[i] === tip);
    pressed(this.pressure, state.pressure);
    pressed(this.showMask, state.maskShown);
    pressed(this.invertMask, mask.invert);
    this.colour.value = colour;
    this.tell();
    this.names.setAttribute("aria-expanded", String(state.open === "names"));
    this.paper.value = paper;
    this.paper.hidden = !paperShown;
    this.swap.hidden = !state.canSwap;
    for (const swatch of this.swatches.children) pressed(swatch, swatch.dataset.colour === colour);
  }
}

// The slider is geometric: 2 to 256 of a frame of 512, finer where brushes are small.
const sizeAt = (step) => 2 * 128 ** (step / 100);
const stepOf = (size) => Math.round((100 * Math.log(size / 2)) / Math.log(128));
