// A stroke in the making: from the pointer's places to what the document keeps. Needs no page.

import { simplified, tenth } from "./document.js";

const FRAME = 512; // brush sizes and the tolerance are for a frame of this side
const TOLERANCE = 0.6; // what simplifying may move a stroke
const LIGHTEST = 5; // percent of the width that the lightest touch of a pen gives

/** Place on the screen -> the drawing's frame; right at any zoom, since `box` is what is on the screen. */
export function pointIn(box, drawing, clientX, clientY) {
  const place = (value, low, span, side) => tenth(Math.min(1.5, Math.max(-0.5, (value - low) / span)) * side);
  return [place(clientX, box.left, box.width, drawing.width), place(clientY, box.top, box.height, drawing.height)];
}

/** Pressure of a pen in 0 to 1 -> how wide the brush is, in percent; gentle pens reach the middle, too. */
export function widthOf(pressure) {
  return Math.round(LIGHTEST + (100 - LIGHTEST) * Math.min(1, Math.max(0, pressure)) ** 0.7);
}

/** The stroke that a tool begins at a point; undefined for tools that make none. `width` in percent, or null. */
export function beginStroke(tool, { colour, size, opacity = 1, hardness = 1 }, drawing, points, width = null) {
  const own = tenth(size * (Math.min(drawing.width, drawing.height) / FRAME));
  const tip = { size: own, ...unlessFull({ opacity, hardness }), points };
  if (width !== null) tip.pressure = [width];
  if (tool === "brush") return { tool, colour, ...tip };
  if (tool === "eraser") return { tool, ...tip };
  if (tool === "shape") return { tool, colour, ...unlessFull({ opacity }), points };
}

/** Only those of the values that are not the usual 1, to a hundredth. */
export function unlessFull(values) {
  const rounded = Object.entries(values).map(([name, value]) => [name, Math.round(100 * value) / 100]);
  return Object.fromEntries(rounded.filter(([, value]) => value !== 1));
}

/** Go on to a place; `smoothing` from 0 (as the hand goes) to below 1 (ever calmer). */
export function extendStroke(stroke, [x, y], smoothing, width = null) {
  const [lastX, lastY] = stroke.points.slice(-2);
  const follow = 1 - smoothing;
  stroke.points.push(lastX + (x - lastX) * follow, lastY + (y - lastY) * follow);
  stroke.pressure?.push(width ?? stroke.pressure.at(-1));
}

/** The stroke as it is kept: fewer points; null for an outline that encloses nothing. */
export function finishStroke(stroke, drawing) {
  const tolerance = (TOLERANCE * Math.min(drawing.width, drawing.height)) / FRAME;
  const { pressure } = stroke;
  const widths = pressure?.map((percent) => (stroke.size * percent) / 200);
  const { points, from } = simplified(stroke.points, tolerance, widths);
  if (stroke.tool === "shape" && points.length < 6) return null;
  return pressure ? { ...stroke, points, pressure: from.map((i) => pressure[i]) } : { ...stroke, points };
}

/** Whether anything of a stroke may be seen in the frame. */
export function touchesFrame({ points, size = 0 }, { width, height }) {
  const [x, y] = [0, 1].map((k) => points.filter((_, i) => i % 2 === k));
  const meets = (values, side) => Math.max(...values) > -size / 2 && Math.min(...values) < side + size / 2;
  return meets(x, width) && meets(y, height);
}
