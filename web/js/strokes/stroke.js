// A stroke in the making: from the pointer's places to what the document keeps. Needs no page.

import { simplified, tenth } from "./document.js";

const FRAME = 512; // brush sizes and the tolerance are for a frame of this side
const TOLERANCE = 0.6; // what simplifying may move a stroke

/** Place on the screen -> the drawing's frame; right at any zoom, since `box` is what is on the screen. */
export function pointIn(box, drawing, clientX, clientY) {
  const place = (value, low, span, side) => tenth(Math.min(1.5, Math.max(-0.5, (value - low) / span)) * side);
  return [place(clientX, box.left, box.width, drawing.width), place(clientY, box.top, box.height, drawing.height)];
}

/** The stroke that a tool begins at a point; undefined for tools that make none. */
export function beginStroke(tool, { colour, size }, drawing, points) {
  const own = tenth(size * (Math.min(drawing.width, drawing.height) / FRAME));
  if (tool === "brush") return { tool, colour, size: own, points };
  if (tool === "eraser") return { tool, size: own, points };
  if (tool === "shape") return { tool, colour, points };
}

/** The stroke as it is kept: fewer points; null for an outline that encloses nothing. */
export function finishStroke(stroke, drawing) {
  const tolerance = (TOLERANCE * Math.min(drawing.width, drawing.height)) / FRAME;
  const points = simplified(stroke.points, tolerance);
  return stroke.tool === "shape" && points.length < 6 ? null : { ...stroke, points };
}
