// What the canvas says, in English; graph/language.js brings other languages. The files in locales/ are made from the
// lines between the braces, one text a line.

const ENGLISH = {
  tools: "Tools",
  brush: "Brush (B): drag to paint",
  shape: "Shape (S): draw an outline, it is filled: mountains, clouds, lakes",
  flood: "Fill (F): click a place, and its colour is replaced up to where another begins",
  eraser: "Eraser (E): takes strokes away and shows what is below",
  pick: "Pick a colour (P, or Alt-click with any tool)",
  history: "History",
  undo: "Undo (Ctrl+Z)",
  redo: "Redo (Ctrl+Shift+Z)",
  clear: "Clear the canvas (can be undone)",
  more: "More",
  examples: "Example drawings to start from",
  mask: "Mask (M): what may change; show, invert and grow it",
  full: "Paint over the whole page (W; Esc closes)",
  close: "Close (Esc)",
  fine: "Thin brush",
  round: "Round brush",
  soft: "Soft brush",
  size: "Brush size ([ and ])",
  opacity: "Opacity (keys 1 to 9, 0 is full)",
  hardness: "Hardness: how sharp the edge of the brush is",
  smoothing: "Smoothing: how calm the line follows the hand",
  tolerance: "Tolerance: how far a colour may differ and still be filled",
  pressure: "Pen pressure makes the brush wider",
  cover: "Cover all: fill the whole picture with the colour",
  coverShort: "Cover all",
  showMask: "Show the mask",
  invertMask: "Invert: what is painted is kept, all else may change",
  invertShort: "Invert",
  growMask: "Grow the mask around what is painted, so that it melts into its surroundings",
  growShort: "Grow",
  palette: "Palette",
  colour: "Colour of the brush",
  paper: "Colour of the paper, where nothing is painted",
  swap: "Colours of the picture, or colours with names",
  empty: "Empty",
  alpine: "Alps",
  lake: "Lake",
  sunset: "Sunset",
  autumn: "Autumn",
  desert: "Desert",
  night: "Night",
  sky: "sky",
  haze: "haze",
  cloud: "cloud",
  snow: "snow",
  snowShade: "snow in shade",
  rock: "rock",
  darkRock: "dark rock",
  grass: "grass",
  meadow: "meadow",
  forest: "forest",
  water: "water",
  deepWater: "deep water",
  sand: "sand",
  redRock: "red rock",
  autumnLeaves: "autumn leaves",
  sun: "sun",
  dusk: "evening sky",
  nightSky: "night sky",
  moon: "moon",
  black: "black",
  hint: "Paint here",
  later: "The picture appears here after the first run",
  keys: "Painting: B brush, S shape, F fill, E eraser, P pick, brackets change the size, Ctrl+Z undo",
  hintKSampler: "KSampler adds its own noise too. Take Reverse SDE Sampler, or KSampler (Advanced) without add_noise.",
  hintInpaint: "VAE Encode (for Inpainting) paints over your strokes. Take VAE Encode, and connect the mask here.",
  hintEmpty: "The empty conditioning is for score models. This model needs CLIP Text Encode; its text may be empty.",
  tooMany: "The drawing is full. Undo or clear some strokes.",
  broken: "This drawing cannot be shown: $1. Clear it to begin anew.",
  noUpload: "The picture could not be taken over: $1",
  errorLong: "it is too long",
  errorJson: "it is not JSON",
  errorVersion: "it was made by another version of this pack",
  errorFrame: "its size is not usable",
  errorPaper: "its background is not a colour",
  errorMask: "its mask is not usable",
  errorStrokes: "its list of strokes is not usable",
  errorTool: "stroke $1 has an unknown tool",
  errorColour: "stroke $1 has no colour",
  errorSize: "stroke $1 has no size",
  errorTip: "stroke $1 has an unusable brush",
  errorPoints: "stroke $1 has no usable points",
  errorFar: "stroke $1 lies too far outside",
};

let words = ENGLISH;

/** The text of that name, in the language that was chosen; `value` takes the place of $1. */
export function say(name, value = "") {
  return words[name].replace("$1", value);
}

/** Use these texts where there are any, and English for the rest. */
export function setWords(table) {
  const known = Object.entries(table ?? {}).filter(([name, text]) => Object.hasOwn(ENGLISH, name) && isText(text));
  words = { ...ENGLISH, ...Object.fromEntries(known) };
}

const isText = (text) => typeof text === "string" && text.length > 0;
