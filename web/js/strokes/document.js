// The stroke document, as sdedit_core/pictures/canvas/document.py reads it: the same tools, fields and limits.
// A workflow may come from anybody, so nothing of it is used unchecked.

import { say } from "./words.js";

const VERSION = 1;
const MAX_CHARACTERS = 4_000_000;
const MAX_STROKES = 5_000;
const MAX_POINTS = 200_000;
const MAX_SIDE = 8192;
const MOST_GROWTH = 0.125; // of the shorter side
export const LEAST_OPACITY = 0.01;
const TOOLS = {
  brush: ["colour", "size", "points"],
  eraser: ["size", "points"],
  shape: ["colour", "points"],
  area: ["colour", "rings"],
  fill: ["colour"],
};

export const COLOUR = /^#[0-9a-f]{6}$/i;

/** Text -> {width, height, background, strokes}, and {example, mask} if given. Throws a readable Error. */
export function parseDrawing(text) {
  if (typeof text !== "string" || text.length > MAX_CHARACTERS) throw new Error(say("errorLong"));
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error(say("errorJson"));
  }
  if (data?.version !== VERSION) throw new Error(say("errorVersion"));
  const { width, height, background = "#ffffff", strokes, example, mask } = data;
  if (!within(width, 1, MAX_SIDE) || !within(height, 1, MAX_SIDE)) throw new Error(say("errorFrame"));
  if (!COLOUR.test(background)) throw new Error(say("errorPaper"));
  if (!Array.isArray(strokes) || strokes.length > MAX_STROKES) throw new Error(say("errorStrokes"));
  let total = 0;
  for (const [i, stroke] of strokes.entries()) {
    const problem = problemOf(stroke, width, height);
    if (problem) throw new Error(say(problem, i));
    total += pointsOf(stroke);
    if (total > MAX_POINTS) throw new Error(say("errorPoints", i));
  }
  const drawing = { width, height, background, strokes };
  if (example === true) drawing.example = true;
  else if (example !== undefined && example !== false) throw new Error(say("errorStrokes"));
  if (mask !== undefined) drawing.mask = checkedMask(mask, width, height);
  return drawing;
}

export function drawingText({ width, height, background, strokes, example, mask }) {
  const whole = { version: VERSION, width, height, background };
  if (example) whole.example = true;
  if (mask?.invert || mask?.grow) {
    whole.mask = {};
    if (mask.invert) whole.mask.invert = true;
    if (mask.grow) whole.mask.grow = mask.grow;
  }
  return JSON.stringify({ ...whole, strokes });
}

/** Whether one more stroke of so many points still fits the limits. */
export function hasRoom(strokes, points) {
  const total = strokes.reduce((sum, stroke) => sum + pointsOf(stroke), points);
  return strokes.length < MAX_STROKES && total <= MAX_POINTS;
}

/** How many points a stroke has, in all its outlines. */
export function pointsOf({ points, rings }) {
  return (points?.length ?? rings?.reduce((sum, ring) => sum + ring.length, 0) ?? 0) / 2;
}

/** The most that a mask may be grown by. */
export const mostGrowth = ({ width, height }) => MOST_GROWTH * Math.min(width, height);

/** What is wrong with a stroke, as the name of a text; "" for nothing. */
function problemOf(stroke, width, height) {
  const wanted = Object.hasOwn(TOOLS, stroke?.tool) ? TOOLS[stroke.tool] : null;
  if (!wanted) return "errorTool";
  if (wanted.includes("colour") && !COLOUR.test(stroke.colour)) return "errorColour";
  const { size, opacity = 1, hardness = 1, pressure, points } = stroke;
  const hasTip = wanted.includes("size");
  if (hasTip && !within(size, 1e-3, 4 * Math.max(width, height))) return "errorSize";
  if (!within(opacity, LEAST_OPACITY, 1)) return "errorTip";
  if (hasTip ? !within(hardness, 0, 1) : (pressure ?? stroke.hardness) !== undefined) return "errorTip";
  const { rings } = stroke;
  if (wanted.includes("rings") && !(Array.isArray(rings) && rings.length)) return "errorPoints";
  const outlines = wanted.includes("rings") ? rings : wanted.includes("points") ? [points] : [];
  let total = 0;
  for (const outline of outlines) {
    const least = hasTip ? 2 : 6;
    if (!Array.isArray(outline) || outline.length < least || outline.length % 2) return "errorPoints";
    total += outline.length / 2;
    if (total > MAX_POINTS) return "errorPoints";
    const inside = (v, k) => (k % 2 ? within(v, -height, 2 * height) : within(v, -width, 2 * width));
    if (!outline.every(inside)) return "errorFar";
  }
  if (pressure === undefined) return "";
  const usable = Array.isArray(pressure) && pressure.length === points.length / 2;
  return usable && pressure.every((v) => within(v, 1, 100)) ? "" : "errorTip";
}

function checkedMask(mask, width, height) {
  const { invert = false, grow = 0 } = mask ?? {};
  if (
    typeof mask !== "object" ||
    !mask ||
    Array.isArray(mask) ||
    typeof invert !== "boolean" ||
    !within(grow, 0, mostGrowth({ width, height }))
  )
    throw new Error(say("errorMask"));
  return { invert, grow };
}

/**
 * Fewer points [x, y, x, y, ...], none of the old ones farther than `tolerance` from the new line; to a tenth. With
 * `widths`, the half width of a line at every point, those differ by no more than that either. Returns the points and,
 * of every one, which it was.
 */
export function simplified(points, tolerance, widths = null) {
  const count = points.length / 2;
  const keep = new Uint8Array(count);
  keep[0] = keep[count - 1] = 1;
  const spans = [[0, count - 1]]; // Douglas-Peucker, with its own stack: a stroke may have thousands of points
  while (spans.length) {
    const [a, b] = spans.pop();
    let far = 0;
    let at = -1;
    for (let i = a + 1; i < b; i++) {
      const d = distance(points, i, a, b, widths);
      if (d > far) [far, at] = [d, i];
    }
    if (far > tolerance) {
      keep[at] = 1;
      spans.push([a, at], [at, b]);
    }
  }
  const out = [];
  const from = [];
  for (let i = 0; i < count; i++) {
    if (!keep[i]) continue;
    const [x, y] = [tenth(points[2 * i]), tenth(points[2 * i + 1])];
    if (out.length > 1 && out.at(-2) === x && out.at(-1) === y) continue;
    out.push(x, y);
    from.push(i);
  }
  return { points: out, from };
}

export const tenth = (value) => Math.round(value * 10) / 10;

function within(value, low, high) {
  return typeof value === "number" && value >= low && value <= high;
}

/** From point i to the segment a-b: in place, or in width where that differs more. */
function distance(points, i, a, b, widths) {
  const [ax, ay, bx, by] = [points[2 * a], points[2 * a + 1], points[2 * b], points[2 * b + 1]];
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length ? ((points[2 * i] - ax) * dx + (points[2 * i + 1] - ay) * dy) / length : 0;
  const u = Math.min(1, Math.max(0, t));
  const away = Math.hypot(points[2 * i] - ax - u * dx, points[2 * i + 1] - ay - u * dy);
  return widths ? Math.max(away, Math.abs(widths[a] + u * (widths[b] - widths[a]) - widths[i])) : away;
}
