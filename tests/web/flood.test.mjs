// The paint bucket: areas of like colour, and the outlines that are kept of them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { floodOutlines, likeArea } from "../../web/js/strokes/flood.js";

/** A picture from rows of letters: "." is white, others grey of that many levels of 10. */
function picture(rows) {
  const [width, height] = [rows[0].length, rows.length];
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  rows.forEach((row, y) => {
    [...row].forEach((letter, x) => {
      if (letter !== ".") data.fill(10 * Number(letter), 4 * (y * width + x), 4 * (y * width + x) + 3);
    });
  });
  return { data, width, height };
}

/** Even-odd: whether a point is inside of the outlines. */
function inside(rings, x, y) {
  let odd = false;
  for (const ring of rings)
    for (let i = 0; i < ring.length; i += 2) {
      const [ax, ay, bx, by] = [ring[i], ring[i + 1], ring[(i + 2) % ring.length], ring[(i + 3) % ring.length]];
      if (ay <= y !== by <= y && x < ax + ((y - ay) * (bx - ax)) / (by - ay)) odd = !odd;
    }
  return odd;
}

/** A disc with a hole, and a bar beside it, on a side x side picture. */
function disc(side) {
  const data = new Uint8ClampedArray(4 * side * side).fill(255);
  const is = (x, y) => {
    const d = Math.hypot(x + 0.5 - side / 2, y + 0.5 - side / 2) / side;
    return (d < 0.4 && d > 0.15) || x < side * 0.05;
  };
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) if (is(x, y)) data.fill(40, 4 * (y * side + x), 4 * (y * side + x) + 3);
  return { picture: { data, width: side, height: side } };
}

test("like colours are reached through like colours, up to the tolerance", () => {
  const rows = ["1199", "1299", "..11"];
  const area = (tolerance) => [...likeArea(picture(rows), 0, 0, tolerance)].join("");
  assert.equal(area(0), "110010000000");
  assert.equal(area(10), "110011000000");
  assert.equal(area(80), "111111110011", "over what is like the place that was clicked");
});

test("a disc with a hole becomes two short outlines that say the same", () => {
  const rings = floodOutlines(disc(200).picture, 100, 40, 20);
  assert.equal(rings.length, 2);
  assert.ok(rings.flat().length / 2 < 80);
  for (let y = 0; y < 200; y += 3)
    for (let x = 0; x < 200; x += 3) {
      const d = Math.hypot(x + 0.5 - 100, y + 0.5 - 100);
      if (d > 30 && d < 80) assert.ok(inside(rings, x + 0.5, y + 0.5), `${x} ${y}: all of it`);
      if (d < 27 || d > 83) assert.ok(!inside(rings, x + 0.5, y + 0.5), `${x} ${y}: and hardly more`);
    }
});

test("no hair of paper is left along the soft edge of a line", () => {
  for (const slope of [0, 0.03, 0.13, 0.4, 0.77, 1]) {
    const [width, height] = [100, 140];
    const data = new Uint8ClampedArray(4 * width * height).fill(255);
    const painted = (x, y) => Math.min(1, Math.max(0, y + 0.5 - (20.3 + slope * x)));
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        data.fill(255 * (1 - painted(x, y)), 4 * (y * width + x), 4 * (y * width + x) + 3);
    const rings = floodOutlines({ data, width, height }, 5, 5, 64);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (const [dx, dy] of [
          [0.1, 0.1],
          [0.9, 0.1],
          [0.1, 0.9],
          [0.9, 0.9],
        ])
          if (painted(x, y) < 1) assert.ok(inside(rings, x + dx, y + dy), `slope ${slope}: ${x} ${y}`);
  }
});

test("an area at the edge of the picture reaches beyond it", () => {
  const { picture: made } = disc(200);
  const [ring] = floodOutlines(made, 2, 100, 20);
  const xs = ring.filter((_, k) => k % 2 === 0);
  const ys = ring.filter((_, k) => k % 2 === 1);
  assert.ok(Math.min(...xs) <= -1.5 && Math.min(...ys) <= -1.5 && Math.max(...ys) >= 201.5);
});

test("the whole picture is one outline around it", () => {
  const [ring, ...others] = floodOutlines(picture(["....", "....", "...."]), 1, 1, 0);
  assert.deepEqual(others, []);
  for (const [x, y] of [
    [0, 0],
    [4, 0],
    [4, 3],
    [0, 3],
    [2, 1],
  ])
    assert.ok(inside([ring], x, y), `${x} ${y}`);
});

test("noise does not make the document large", () => {
  const side = 512;
  const data = new Uint8ClampedArray(4 * side * side).fill(255);
  let seed = 7;
  for (let i = 0; i < side * side; i++) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    data.fill(seed % 100 < 45 ? 0 : 200, 4 * i, 4 * i + 3);
  }
  data.fill(200, 0, 4 * 600);
  const rings = floodOutlines({ data, width: side, height: side }, 3, 0, 10);
  assert.ok(rings.flat().length / 2 <= 4000);
  assert.ok(JSON.stringify(rings).length < 60_000);
});
