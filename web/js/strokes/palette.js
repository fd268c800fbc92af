// Colours to paint with: a landscape palette in the words of the built-in models, or the colours of a picture.

/** [name of its text, colour] */
export const LANDSCAPE = [
  ["sky", "#3f7fc4"],
  ["haze", "#86b6e4"],
  ["cloud", "#e4eaf2"],
  ["snow", "#f4f6fa"],
  ["snowShade", "#c4d4e8"],
  ["rock", "#8c9094"],
  ["darkRock", "#4c5460"],
  ["meadow", "#708c4e"],
  ["grass", "#5c7a42"],
  ["forest", "#344e2e"],
  ["water", "#2f6f7e"],
  ["deepWater", "#1d4a66"],
  ["sand", "#e0b45c"],
  ["autumnLeaves", "#c8843c"],
  ["redRock", "#a8502a"],
  ["sun", "#ffe9a8"],
  ["dusk", "#d86a4a"],
  ["nightSky", "#1d2748"],
];

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

export const hex = (rgb) => `#${rgb.map((v) => v.toString(16).padStart(2, "0")).join("")}`;

export const rgbOf = (colour) => [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16));

function widest(box) {
  const ranges = [0, 1, 2].map((c) => Math.max(...box.map((p) => p[c])) - Math.min(...box.map((p) => p[c])));
  const range = Math.max(...ranges);
  return { range, channel: ranges.indexOf(range) };
}

const light = ([r, g, b]) => 0.3 * r + 0.59 * g + 0.11 * b;
