// The keys of a canvas. They go to an input of its own; sliders pass on those that they do not need.

const TOOLS = { b: "brush", s: "shape", f: "flood", e: "eraser", p: "pick" };
const ACTIONS = { m: "mask", w: "full", "+": "nearer", "=": "nearer", "-": "farther", home: "fit" };
const STEP = 1.15; // of the size

export function listenToKeys(canvas) {
  const { element, keys } = canvas;
  element.addEventListener("keydown", (event) => {
    if (!press(canvas, event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  element.addEventListener("keyup", (event) => {
    if (event.key === " ") canvas.setSpace(false);
    event.stopPropagation();
  });
  keys.addEventListener("blur", () => canvas.setSpace(false));
}

/** Whether the key was one of the canvas. */
function press(canvas, event) {
  const { key, target } = event;
  const letter = key.toLowerCase();
  if (letter === "escape") return canvas.escape();
  const isPainting = target === canvas.keys;
  if (!isPainting && target.type !== "range") return false; // a button has keys of its own
  if (event.ctrlKey || event.metaKey) {
    // queue, save, paste and the like stay ComfyUI's
    if (letter !== "z" && letter !== "y") return false;
    canvas.act(letter === "y" || event.shiftKey ? "redo" : "undo");
    return true;
  }
  if (event.altKey) return false;
  if (key === "[" || key === "]") canvas.act("size", canvas.size * (key === "[" ? 1 / STEP : STEP));
  else if (!isPainting) return false;
  else if (letter === " ") canvas.setSpace(true);
  else if (Object.hasOwn(TOOLS, letter)) canvas.act("tool", TOOLS[letter]);
  else if (Object.hasOwn(ACTIONS, letter)) canvas.act(ACTIONS[letter]);
  else if (/^\d$/.test(letter)) canvas.act("opacity", letter === "0" ? 1 : Number(letter) / 10);
  else return false;
  return true;
}
