// Colours to paint with: a landscape palette in the words of the built-in models, or the colours of a picture.

/** [heading, [name of its text, colour]s]: mean colours of the things in the references of the built-in models. */
export const LANDSCAPE = [
  [
    "inSky",
    [
      ["sky", "#5595db"],
      ["haze", "#84b4e4"],
      ["paleSky", "#becfe0"],
      ["cloud", "#dee6ef"],
      ["sun", "#ffffe7"],
      ["dusk", "#cf9484"],
      ["violetSky", "#6a598c"],
      ["pinkCloud", "#e99dbb"],
      ["yellowSky", "#e6c866"],
      ["greenSky", "#679e65"],
    ],
  ],
  [
    "onLand",
    [
      ["snow", "#d7e4f1"],
      ["snowShade", "#9fb0c4"],
      ["snowField", "#bfcdda"],
      ["rock", "#818b96"],
      ["darkRock", "#566578"],
      ["brownRock", "#976856"],
      ["redRock", "#c76352"],
      ["meadow", "#728b4d"],
      ["grass", "#56703b"],
      ["forest", "#365331"],
      ["autumnLeaves", "#9f6027"],
      ["autumnMeadow", "#b78147"],
      ["sand", "#b98b5b"],
      ["path", "#a28b62"],
      ["bush", "#7e6736"],
    ],
  ],
  [
    "inWater",
    [
      ["water", "#6b97c5"],
      ["deepWater", "#637e90"],
      ["pond", "#8bacc5"],
      ["river", "#a6b2bb"],
      ["eveningSea", "#83617a"],
    ],
  ],
  [
    "things",
    [
      ["wall", "#bdb7a9"],
      ["woodWall", "#6f4a33"],
      ["roof", "#8f3a29"],
      ["stone", "#808389"],
      ["leaves", "#28491d"],
      ["trunk", "#4b3725"],
      ["window", "#fde988"],
    ],
  ],
  [
    "atNight",
    [
      ["nightSky", "#1b264e"],
      ["moon", "#f8f8f4"],
      ["nightRock", "#222e50"],
      ["nightMeadow", "#131f26"],
      ["moonlight", "#62739e"],
    ],
  ],
];

const COLOURS = new Map(LANDSCAPE.flatMap(([, named]) => named));

/** The few of them that lie beside the brush; all others are one click away. */
export const FIRST = [
  ...["sky", "haze", "cloud", "sun", "dusk", "nightSky", "snow", "rock", "darkRock", "meadow", "forest"],
  ...["sand", "autumnLeaves", "path", "water", "roof"],
].map((name) => COLOURS.get(name));

/** colour -> name of its text */
export const NAMES = new Map([...COLOURS].map(([name, colour]) => [colour, name])).set("#000000", "black");

/** The main colours of an image (anything drawImage takes), dark to light: median cut on a small copy. */
export function coloursOf(image, count = 14) {
  const side = 64;
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, side, side);
  const data = context.getImageData(0, 0, side, side).data;
  const pixels = [];
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 127) pixels.push([data[i], data[i + 1], data[i + 2]]);
  if (!pixels.length) return [];
  const boxes = [pixels];
  while (boxes.length < count) {
    const scored = boxes.map((box, i) => ({ i, ...widest(box) })).filter((box) => box.range > 12);
    if (!scored.length) break; // fewer colours than asked for
    const { i, channel } = scored.reduce((a, b) =>
      b.range * Math.sqrt(boxes[b.i].length) > a.range * Math.sqrt(boxes[a.i].length) ? b : a,
    );
    const sorted = boxes[i].sort((a, b) => a[channel] - b[channel]);
    const middle = sorted.length >> 1;
    boxes.splice(i, 1, sorted.slice(0, middle), sorted.slice(middle));
  }
  const means = boxes
    .filter((box) => box.length)
    .map((box) => [0, 1, 2].map((c) => Math.round(box.reduce((sum, p) => sum + p[c], 0) / box.length)));
  means.sort((a, b) => light(a) - light(b));
  return [...new Set(means.map(hex))];
}

/** What lies beside the brush: the colours of an image, black and white; without one, the first of those with names. */
export function swatchesOf(image) {
  const colours = image ? coloursOf(image) : [];
  return colours.length ? [...new Set([...colours, "#000000", "#ffffff"])] : FIRST;
}

export const hex = (rgb) => `#${rgb.map((v) => v.toString(16).padStart(2, "0")).join("")}`;

export const rgbOf = (colour) => [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16));

function widest(box) {
  const ranges = [0, 1, 2].map((c) => Math.max(...box.map((p) => p[c])) - Math.min(...box.map((p) => p[c])));
  const range = Math.max(...ranges);
  return { range, channel: ranges.indexOf(range) };
}

const light = ([r, g, b]) => 0.3 * r + 0.59 * g + 0.11 * b;

/** Black or white, whichever is easier to read on a colour: the larger contrast, as WCAG 2 reckons it. */
export function inkOn(colour) {
  const [r, g, b] = rgbOf(colour).map((v) => (v <= 10 ? v / 3294 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}
