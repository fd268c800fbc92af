// The paint bucket: from a place in a picture to the outlines of the area of like colour around it. What a document
// keeps is those outlines, so the area is the same at every size, and the same in Python. Needs no page.

import { simplified } from "./document.js";

const RIM = 2; // cells that an area at the edge of the picture reaches beyond it
const SMALLEST = 10; // cells: smaller holes are filled, too
const TOLERANCE = 0.75; // cells that the outline may be moved
const UNDER = 2; // cells that it goes under the soft edges of what is around: one for those, one for that tolerance
const MOST_POINTS = 4_000;
const TURNS = [1, 0, 3]; // right, straight on, left

/**
 * Outlines [[x, y, ...], ...] in cells of the area around (column, row) of a picture {data, width, height} of RGBA,
 * where no channel differs by more than `tolerance` levels of 255. The first is the outer one.
 */
export function floodOutlines(picture, column, row, tolerance) {
  let area = likeArea(picture, column, row, tolerance);
  for (let i = 0; i < UNDER; i++) area = wider(area, picture.width, picture.height);
  const rings = outlines(
    framed(area, picture.width, picture.height),
    picture.width + 2 * RIM,
    picture.height + 2 * RIM,
  );
  for (let coarse = 1; ; coarse *= 1.6) {
    const found = [];
    for (const ring of rings) {
      if (ring.area < SMALLEST * coarse * coarse) continue;
      const points = simplifiedRing(ring.points, TOLERANCE * coarse);
      if (points.length >= 6) found.push({ points, area: ring.area });
    }
    const count = found.reduce((sum, ring) => sum + ring.points.length / 2, 0);
    if (count > MOST_POINTS) continue;
    found.sort((a, b) => b.area - a.area);
    return found.map(({ points }) => points.map((v) => v - RIM));
  }
}

/** 1 for every cell that is reached from the place through cells of like colour. */
export function likeArea({ data, width, height }, column, row, tolerance) {
  const seed = 4 * (row * width + column);
  const [red, green, blue] = data.slice(seed, seed + 3);
  const like = (i) =>
    Math.abs(data[4 * i] - red) <= tolerance &&
    Math.abs(data[4 * i + 1] - green) <= tolerance &&
    Math.abs(data[4 * i + 2] - blue) <= tolerance;
  const area = new Uint8Array(width * height);
  const waiting = new Int32Array(width * height); // every cell waits once at most
  let count = 0;
  const reach = (i) => {
    if (area[i] || !like(i)) return;
    area[i] = 1;
    waiting[count++] = i;
  };
  reach(row * width + column);
  while (count) {
    const i = waiting[--count];
    const x = i % width;
    if (x > 0) reach(i - 1);
    if (x < width - 1) reach(i + 1);
    if (i >= width) reach(i - width);
    if (i < width * (height - 1)) reach(i + width);
  }
  return area;
}

/** One cell wider. */
function wider(area, width, height) {
  const out = area.slice();
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (!area[i]) continue;
      if (x) out[i - 1] = 1;
      if (x < width - 1) out[i + 1] = 1;
      if (y) out[i - width] = 1;
      if (y < height - 1) out[i + width] = 1;
    }
  return out;
}

/** With a rim around, where the cells at the edge go on. */
function framed(area, width, height) {
  const [w, h] = [width + 2 * RIM, height + 2 * RIM];
  const out = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    const from = Math.min(height - 1, Math.max(0, y - RIM)) * width;
    for (let x = 0; x < w; x++) out[y * w + x] = area[from + Math.min(width - 1, Math.max(0, x - RIM))];
  }
  return out;
}

/** The closed lines through the middles of the edges of cells, the area on their right: {points, area} in cells. */
function outlines(area, width, height) {
  const full = (x, y) => x >= 0 && y >= 0 && x < width && y < height && area[y * width + x] === 1;
  const steps = [
    [1, 0],
    [0, 1],
    [-1, 0],
    [0, -1],
  ];
  // edges by where they begin and where they go: 0 right, 1 down, 2 left, 3 up
  const edges = new Uint8Array((width + 1) * (height + 1));
  const at = (x, y) => y * (width + 1) + x;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (!full(x, y)) continue;
      if (!full(x, y - 1)) edges[at(x, y)] |= 1;
      if (!full(x + 1, y)) edges[at(x + 1, y)] |= 2;
      if (!full(x, y + 1)) edges[at(x + 1, y + 1)] |= 4;
      if (!full(x - 1, y)) edges[at(x, y + 1)] |= 8;
    }
  const rings = [];
  for (let start = 0; start < edges.length; start++) {
    while (edges[start]) {
      let [x, y] = [start % (width + 1), Math.floor(start / (width + 1))];
      let way = 31 - Math.clz32(edges[start] & -edges[start]);
      const points = [];
      let twice = 0;
      let before = -1;
      do {
        const here = at(x, y);
        // where two cells touch at a corner only, keep to the one on the right
        if (points.length) way = TURNS.find((turn) => edges[here] & (1 << ((before + turn) % 4))) + before;
        way %= 4;
        edges[here] &= ~(1 << way);
        before = way;
        const [nx, ny] = [x + steps[way][0], y + steps[way][1]];
        points.push((x + nx) / 2, (y + ny) / 2);
        twice += x * ny - nx * y;
        [x, y] = [nx, ny];
      } while (at(x, y) !== start);
      rings.push({ points, area: Math.abs(twice) / 2 });
    }
  }
  return rings;
}

/** A closed line with fewer points: cut at the point farthest from its first, and each half made simpler. */
function simplifiedRing(points, tolerance) {
  let [far, at] = [0, 0];
  for (let i = 2; i < points.length; i += 2) {
    const d = Math.hypot(points[i] - points[0], points[i + 1] - points[1]);
    if (d > far) [far, at] = [d, i];
  }
  const first = simplified(points.slice(0, at + 2), tolerance).points;
  const second = simplified([...points.slice(at), points[0], points[1]], tolerance).points;
  return [...first, ...second.slice(2, -2)];
}
