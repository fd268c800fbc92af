// Strokes on a 2D context, as sdedit_core/pictures/canvas/paint.py rasterises them.

/** Paint over what is there: the frame stretched to the context's canvas, brushes round. */
export function paintStrokes(context, drawing, strokes) {
  for (const stroke of strokes) paintStroke(context, drawing, stroke);
}

export function paintStroke(context, drawing, stroke) {
  const { width, height } = context.canvas;
  const [sx, sy] = [width / drawing.width, height / drawing.height];
  context.save();
  context.globalCompositeOperation = stroke.tool === "eraser" ? "destination-out" : "source-over";
  context.fillStyle = context.strokeStyle = stroke.colour ?? "#000000";
  if (stroke.tool === "fill") {
    context.fillRect(0, 0, width, height);
  } else if (stroke.tool === "shape") {
    trace(context, stroke.points, sx, sy);
    context.closePath();
    context.fill("evenodd");
  } else {
    const thickness = stroke.size * brushScale(drawing, width, height);
    if (stroke.points.length === 2) {
      context.beginPath();
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

/** Pixels per unit of brush size in a picture of this size. */
export function brushScale(drawing, width, height) {
  return Math.min(width, height) / Math.min(drawing.width, drawing.height);
}

function trace(context, points, sx, sy) {
  context.beginPath();
  context.moveTo(points[0] * sx, points[1] * sy);
  for (let i = 2; i < points.length; i += 2) context.lineTo(points[i] * sx, points[i + 1] * sy);
}
