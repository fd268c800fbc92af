// A stroke in the making: places on the screen, sizes, and what is kept of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  beginStroke,
  extendStroke,
  finishStroke,
  pointIn,
  touchesFrame,
  unlessFull,
  widthOf,
} from "../../web/js/strokes/stroke.js";

const drawing = { width: 512, height: 256 };
const box = { left: 100, top: 50, width: 256, height: 128 }; // the frame at half size

test("places on the screen become places in the frame", () => {
  assert.deepEqual(pointIn(box, drawing, 100, 50), [0, 0]);
  assert.deepEqual(pointIn(box, drawing, 356, 178), [512, 256]);
  assert.deepEqual(pointIn(box, drawing, 228.03, 114), [256.1, 128], "to a tenth");
});

test("a hand that leaves the sheet stays within half a frame of it", () => {
  assert.deepEqual(pointIn(box, drawing, -9999, 9999), [-256, 384]);
});

test("every tool begins a stroke of its own fields, with the size in the frame's units", () => {
  const hand = { colour: "#112233", size: 28 };
  const points = [1, 2];
  assert.deepEqual(beginStroke("brush", hand, drawing, points), { tool: "brush", colour: "#112233", size: 14, points });
  assert.deepEqual(beginStroke("eraser", hand, drawing, points), { tool: "eraser", size: 14, points });
  assert.deepEqual(beginStroke("shape", hand, drawing, points), { tool: "shape", colour: "#112233", points });
  assert.equal(beginStroke("pick", hand, drawing, points), undefined);
});

test("a straight drag becomes two points, and an outline without an inside nothing", () => {
  const points = Array.from({ length: 50 }, (_, i) => [i, 10]).flat();
  const hand = { colour: "#112233", size: 28 };
  assert.deepEqual(finishStroke(beginStroke("brush", hand, drawing, points), drawing).points, [0, 10, 49, 10]);
  assert.equal(finishStroke(beginStroke("shape", hand, drawing, points), drawing), null);
  const corner = [...points, 49, 60, 0, 60];
  assert.deepEqual(
    finishStroke({ tool: "shape", colour: "#112233", points: corner }, drawing).points,
    [0, 10, 49, 10, 49, 60, 0, 60],
  );
});

test("a soft or thin brush is written down, a usual one is not", () => {
  const hand = { colour: "#112233", size: 28, opacity: 0.5, hardness: 0 };
  const stroke = beginStroke("brush", hand, drawing, [1, 2], 40);
  assert.deepEqual(stroke, {
    ...{ tool: "brush", colour: "#112233", size: 14, opacity: 0.5, hardness: 0 },
    ...{ points: [1, 2], pressure: [40] },
  });
  assert.deepEqual(unlessFull({ opacity: 1, hardness: 0.333 }), { hardness: 0.33 });
});

test("pressure is kept where it changes, also on a straight line", () => {
  const hand = { colour: "#112233", size: 60 };
  const stroke = beginStroke("brush", hand, drawing, [0, 10], 10);
  for (let i = 1; i <= 50; i++) extendStroke(stroke, [2 * i, 10], 0, 10 + 3.6 * (25 - Math.abs(25 - i)));
  const made = finishStroke(stroke, drawing);
  assert.deepEqual(made.points, [0, 10, 50, 10, 100, 10]);
  assert.deepEqual(made.pressure.map(Math.round), [10, 100, 10]);
});

test("a pen's touch is at least a little wide and never more than the brush", () => {
  assert.deepEqual([widthOf(0), widthOf(1), widthOf(7)], [5, 100, 100]);
  assert.ok(widthOf(0.5) > 50 && widthOf(0.5) < 75);
});

test("smoothing follows the hand later, and calms a trembling one", () => {
  const drawn = (smoothing) => {
    const stroke = beginStroke("brush", { colour: "#112233", size: 28 }, drawing, [0, 0]);
    for (let i = 1; i <= 60; i++) extendStroke(stroke, [i, i % 2 ? 4 : -4], smoothing);
    return stroke.points.filter((_, k) => k % 2).slice(20);
  };
  assert.equal(Math.max(...drawn(0)), 4);
  assert.ok(Math.max(...drawn(0.8)) < 1);
});

test("a stroke beside the sheet is none", () => {
  assert.ok(touchesFrame({ points: [-3, 5], size: 10 }, drawing));
  assert.ok(!touchesFrame({ points: [-6, 5, -20, 9], size: 10 }, drawing));
  assert.ok(!touchesFrame({ points: [5, 300], size: 10 }, drawing));
});
