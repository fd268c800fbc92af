// Colours to paint with: a landscape palette, or the colours of a picture.

export const LANDSCAPE = [
  "#3f7fc4",
  "#86b6e4",
  "#c4d4e8",
  "#f4f6fa",
  "#d2d9e4",
  "#8c9094",
  "#626c7a",
  "#3a414c",
  "#708c4e",
  "#5c7a42",
  "#344e2e",
  "#2f6f7e",
  "#e0b45c",
  "#c8843c",
  "#a8502a",
  "#1d2748",
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

function widest(box) {
  const ranges = [0, 1, 2].map((c) => Math.max(...box.map((p) => p[c])) - Math.min(...box.map((p) => p[c])));
  const range = Math.max(...ranges);
  return { range, channel: ranges.indexOf(range) };
}

const light = ([r, g, b]) => 0.3 * r + 0.59 * g + 0.11 * b;
