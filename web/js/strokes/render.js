// Strokes on a 2D context, as sdedit_core/pictures/canvas/paint.py rasterises them.

import { rgbOf } from "./palette.js";
import { SoftTip } from "./soft.js";

/** Paint over what is there: the frame stretched to the context's canvas, brushes round. */
export function paintStrokes(context, drawing, strokes) {
  for (const stroke of strokes) paintStroke(context, drawing, stroke);
}

export function paintStroke(context, drawing, stroke) {
  if (isSoft(stroke)) return stampSoft(context, stroke, softTip(context.canvas, drawing, stroke));
  const { width, height } = context.canvas;
  const [sx, sy] = [width / drawing.width, height / drawing.height];
  prepare(context, stroke);
  context.globalAlpha = stroke.opacity ?? 1;
  context.fillStyle = context.strokeStyle = stroke.colour ?? "#000000";
  if (stroke.tool === "fill") {
    context.fillRect(0, 0, width, height);
  } else if (stroke.tool === "shape" || stroke.tool === "area") {
    context.beginPath();
    for (const ring of stroke.rings ?? [stroke.points]) {
      trace(context, ring, sx, sy);
      context.closePath();
    }
    context.fill("evenodd");
  } else {
    const thickness = stroke.size * brushScale(drawing, width, height);
    context.beginPath();
    if (stroke.points.length === 2) {
      context.arc(stroke.points[0] * sx, stroke.points[1] * sy, thickness / 2, 0, 2 * Math.PI);
      context.fill();
    } else {
      context.lineCap = context.lineJoin = "round";
      context.lineWidth = thickness;
      trace(context, stroke.points, sx, sy);
      context.stroke();
    }
  }
  context.restore();
}

/** Whether a brush has a soft edge or a width that changes: what a 2D context cannot draw by itself. */
export function isSoft({ tool, hardness = 1, pressure }) {
  return (tool === "brush" || tool === "eraser") && (hardness < 1 || Boolean(pressure));
}

/** The tip that has drawn a soft stroke, on a sheet of the canvas's size. `tip` has drawn all but the points `from`. */
export function softTip({ width, height }, drawing, stroke, tip = null, from = 0) {
  const own = tip ?? new SoftTip(width, height, stroke.hardness ?? 1);
  const [sx, sy] = [width / drawing.width, height / drawing.height];
  const radius = (stroke.size * brushScale(drawing, width, height)) / 2;
  const points = stroke.points.map((v, k) => v * (k % 2 ? sy : sx));
  const radii = Array.from({ length: points.length / 2 }, (_, k) => radius * ((stroke.pressure?.[k] ?? 100) / 100));
  own.draw(points, radii, from);
  return own;
}

export function stampSoft(context, stroke, tip) {
  const found = tip.pixels(stroke.colour ? rgbOf(stroke.colour) : [0, 0, 0], stroke.opacity ?? 1);
  if (!found) return;
  const stamp = new OffscreenCanvas(found.pixels.width, found.pixels.height);
  stamp.getContext("2d").putImageData(found.pixels, 0, 0);
  prepare(context, stroke);
  context.drawImage(stamp, found.left, found.top);
  context.restore();
}

/** Pixels per unit of brush size in a picture of this size. */
export function brushScale(drawing, width, height) {
  return Math.min(width, height) / Math.min(drawing.width, drawing.height);
}

function prepare(context, { tool }) {
  context.save();
  context.globalCompositeOperation = tool === "eraser" ? "destination-out" : "source-over";
}

function trace(context, points, sx, sy) {
  context.moveTo(points[0] * sx, points[1] * sy);
  for (let i = 2; i < points.length; i += 2) context.lineTo(points[i] * sx, points[i + 1] * sy);
}
