// Soft tips and the mask, against what Python's arithmetic gives for the same numbers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { grown } from "../../web/js/strokes/mask.js";
import { SoftTip } from "../../web/js/strokes/soft.js";

const at = (tip, x, y) => tip.alpha[y * tip.width + x];

test("a tip is full inside, falls to its rim, and is nothing beyond", () => {
  const tip = new SoftTip(40, 40, 0.5);
  tip.draw([20.5, 20.5], [10]);
  assert.equal(at(tip, 20, 20), 1);
  assert.equal(at(tip, 24, 20), 1, "full to half of the radius");
  const fall = (d) => ((10 - d) / 5) ** 2 * (3 - (2 * (10 - d)) / 5);
  for (const d of [6, 7, 8, 9]) assert.ok(Math.abs(at(tip, 20 + d, 20) - fall(d)) < 1e-6);
  assert.equal(at(tip, 31, 20), 0);
  assert.deepEqual(tip.box, [9, 9, 32, 32]);
});

test("drawn piece by piece it is the same as drawn at once", () => {
  const points = [5, 5, 30, 8, 12, 33, 25.5, 20];
  const radii = [2, 6, 3, 8];
  const whole = new SoftTip(40, 40, 0);
  whole.draw(points, radii);
  const pieces = new SoftTip(40, 40, 0);
  for (let n = 1; n <= 4; n++) pieces.draw(points.slice(0, 2 * n), radii.slice(0, n), n - 1);
  // the first piece alone is a dot, which lies under the line that begins there
  assert.deepEqual(pieces.alpha, whole.alpha);
});

test("pixels have the colour and the opacity, in the box of what is painted", () => {
  const tip = new SoftTip(8, 8, 1);
  tip.draw([4, 4], [2]);
  const fresh = (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) });
  const { left, top, pixels } = tip.pixels([10, 20, 30], 0.5, fresh);
  assert.deepEqual([left, top, pixels.width], [1, 1, 6]);
  assert.deepEqual([...pixels.data.slice(4 * (3 * 6 + 3), 4 * (3 * 6 + 3) + 4)], [10, 20, 30, 128]);
  assert.equal(new SoftTip(8, 8, 1).pixels([0, 0, 0], 1, fresh), null);
});

test("a stroke outside of the sheet paints nothing", () => {
  const tip = new SoftTip(8, 8, 0);
  tip.draw([-20, -20, -30, 5], [4, 4]);
  assert.ok(tip.alpha.every((v) => v === 0));
});

test("a mask grows to an octagon", () => {
  const mask = new Uint8Array(41 * 41);
  mask[20 * 41 + 20] = 200;
  const wide = grown(mask, 41, 41, 12);
  const reach = (dx, dy) => {
    let n = 0;
    while (wide[(20 + dy * (n + 1)) * 41 + 20 + dx * (n + 1)] === 200) n++;
    return n;
  };
  assert.deepEqual([reach(1, 0), reach(0, -1)], [12, 12]);
  assert.ok(Math.abs(reach(1, 1) * Math.SQRT2 - 12) < 1.5);
  assert.deepEqual(grown(mask, 41, 41, 0), mask);
});
