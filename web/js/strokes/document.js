// The stroke document, as sdedit_core/pictures/canvas/document.py reads it: the same tools, fields and limits.
// A workflow may come from anybody, so nothing of it is used unchecked.

const VERSION = 1;
const MAX_CHARACTERS = 4_000_000;
const MAX_STROKES = 5_000;
const MAX_POINTS = 200_000;
const MAX_SIDE = 8192;
const TOOLS = {
  brush: ["colour", "size", "points"],
  eraser: ["size", "points"],
  shape: ["colour", "points"],
  fill: ["colour"],
};

export const COLOUR = /^#[0-9a-f]{6}$/i;

/** Text -> {width, height, background, strokes}. Throws an Error with a readable message. */
export function parseDrawing(text) {
  if (typeof text !== "string" || text.length > MAX_CHARACTERS) throw new Error("it is too long");
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
  if (data?.version !== VERSION) throw new Error("it was made by another version of this pack");
  const { width, height, background = "#ffffff", strokes } = data;
  if (!within(width, 1, MAX_SIDE) || !within(height, 1, MAX_SIDE)) throw new Error("its size is not usable");
  if (!COLOUR.test(background)) throw new Error("its background is not a colour");
  if (!Array.isArray(strokes) || strokes.length > MAX_STROKES) throw new Error("its list of strokes is not usable");
  let total = 0;
  for (const [i, stroke] of strokes.entries()) {
    const wanted = Object.hasOwn(TOOLS, stroke?.tool) ? TOOLS[stroke.tool] : null;
    if (!wanted) throw new Error(`stroke ${i} has an unknown tool`);
    if (wanted.includes("colour") && !COLOUR.test(stroke.colour)) throw new Error(`stroke ${i} has no colour`);
    if (wanted.includes("size") && !within(stroke.size, 1e-3, 4 * Math.max(width, height)))
      throw new Error(`stroke ${i} has no size`);
    if (!wanted.includes("points")) continue;
    const points = stroke.points;
    const least = stroke.tool === "shape" ? 6 : 2;
    const usable = Array.isArray(points) && points.length >= least && points.length % 2 === 0;
    if (usable) total += points.length / 2;
    if (!usable || total > MAX_POINTS) throw new Error(`stroke ${i} has no usable points`);
    const inside = (v, k) => (k % 2 ? within(v, -height, 2 * height) : within(v, -width, 2 * width));
    if (!points.every(inside)) throw new Error(`stroke ${i} lies too far outside`);
  }
  return { width, height, background, strokes };
}

export function drawingText({ width, height, background, strokes }) {
  return JSON.stringify({ version: VERSION, width, height, background, strokes });
}

/** Whether one more stroke of so many points still fits the limits. */
export function hasRoom(strokes, points) {
  const total = strokes.reduce((sum, stroke) => sum + (stroke.points?.length ?? 0) / 2, points);
  return strokes.length < MAX_STROKES && total <= MAX_POINTS;
}

/** Fewer points [x, y, x, y, ...], none of the old ones farther than `tolerance` from the new line; to a tenth. */
export function simplified(points, tolerance) {
  const count = points.length / 2;
  const keep = new Uint8Array(count);
  keep[0] = keep[count - 1] = 1;
  const spans = [[0, count - 1]]; // Douglas-Peucker, with its own stack: a stroke may have thousands of points
  while (spans.length) {
    const [a, b] = spans.pop();
    let far = 0;
    let at = -1;
    for (let i = a + 1; i < b; i++) {
      const d = distance(points, i, a, b);
      if (d > far) [far, at] = [d, i];
    }
    if (far > tolerance) {
      keep[at] = 1;
      spans.push([a, at], [at, b]);
    }
  }
  const out = [];
  for (let i = 0; i < count; i++) {
    if (!keep[i]) continue;
    const [x, y] = [tenth(points[2 * i]), tenth(points[2 * i + 1])];
    if (out.length < 2 || out.at(-2) !== x || out.at(-1) !== y) out.push(x, y);
  }
  return out;
}

export const tenth = (value) => Math.round(value * 10) / 10;

function within(value, low, high) {
  return typeof value === "number" && value >= low && value <= high;
}

/** From point i to the segment a-b. */
function distance(points, i, a, b) {
  const [ax, ay, bx, by] = [points[2 * a], points[2 * a + 1], points[2 * b], points[2 * b + 1]];
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length ? ((points[2 * i] - ax) * dx + (points[2 * i + 1] - ay) * dy) / length : 0;
  const u = Math.min(1, Math.max(0, t));
  return Math.hypot(points[2 * i] - ax - u * dx, points[2 * i + 1] - ay - u * dy);
}
