// A stroke in the making: places on the screen, sizes, and what is kept of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { beginStroke, finishStroke, pointIn } from "../../web/js/strokes/stroke.js";

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
