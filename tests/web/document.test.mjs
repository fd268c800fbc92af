// The document format: the same tools, fields and limits as sdedit_core/pictures/canvas/document.py.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { drawingText, parseDrawing, simplified } from "../../web/js/strokes/document.js";

const frame = { version: 1, width: 64, height: 32, background: "#ffffff" };
const line = { tool: "brush", colour: "#112233", size: 4, points: [0, 0, 10, 10] };
const text = (strokes, changes = {}) => JSON.stringify({ ...frame, strokes, ...changes });

test("the example drawings are read and written without a loss", () => {
  const folder = new URL("../../sdedit_core/builtin/guides/", import.meta.url);
  const names = readdirSync(folder);
  assert.ok(names.length >= 6);
  for (const name of names) {
    const example = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
    const drawing = parseDrawing(JSON.stringify(example));
    assert.ok(drawing.strokes.length > 10, name);
    assert.deepEqual(JSON.parse(drawingText(drawing)), example, name);
  }
});

test("the fields are written in a fixed order, so that the same drawing is the same text", () => {
  const written = drawingText(parseDrawing(text([line])));
  assert.equal(written, text([line]));
  assert.deepEqual(Object.keys(JSON.parse(written)), ["version", "width", "height", "background", "strokes"]);
});

const refused = {
  "not JSON": "{",
  "another version": text([], { version: 2 }),
  "no size": text([], { width: 0 }),
  "a size beyond the limit": text([], { height: 8193 }),
  "a paper without a colour": text([], { background: "red" }),
  "strokes that are no list": text({}),
  "too many strokes": text(Array(5001).fill({ tool: "fill", colour: "#000000" })),
  "an unknown tool": text([{ ...line, tool: "laser" }]),
  "a tool that every object has": text([{ ...line, tool: "constructor" }]),
  "a stroke that is nothing": text([null]),
  "no colour": text([{ ...line, colour: "url(x)" }]),
  "no thickness": text([{ ...line, size: 0 }]),
  "a thickness beyond the frame": text([{ ...line, size: 257 }]),
  "no points": text([{ ...line, points: [] }]),
  "half a point": text([{ ...line, points: [1, 2, 3] }]),
  "an outline of two points": text([{ tool: "shape", colour: "#000000", points: [0, 0, 1, 1] }]),
  "a point that is no number": text([{ ...line, points: ["1", 2] }]),
  "a point far outside": text([{ ...line, points: [0, 65] }]),
  "too many points": text([{ ...line, points: Array(400_002).fill(1) }]),
  "no opacity": text([{ ...line, opacity: 0 }]),
  "an opacity above all": text([{ tool: "fill", colour: "#000000", opacity: 1.1 }]),
  "a hardness below nothing": text([{ ...line, hardness: -0.1 }]),
  "a shape with a hardness": text([{ tool: "shape", colour: "#000000", points: [0, 0, 1, 1, 2, 0], hardness: 1 }]),
  "a pressure for one point of two": text([{ ...line, pressure: [50] }]),
  "a pressure of nothing": text([{ ...line, pressure: [0, 50] }]),
  "an area without outlines": text([{ tool: "area", colour: "#000000", rings: [] }]),
  "an area with a line": text([{ tool: "area", colour: "#000000", rings: [[0, 0, 1, 1]] }]),
  "an area far outside": text([{ tool: "area", colour: "#000000", rings: [[0, 0, 1, 1, 2, 99]] }]),
  "an example that is none": text([], { example: "yes" }),
  "a mask that is a list": text([], { mask: [1] }),
  "a mask grown beyond the limit": text([], { mask: { grow: 4.1 } }),
  "a mask inverted by a number": text([], { mask: { invert: 1 } }),
  "no text": undefined,
  "too long a text": " ".repeat(4_000_001),
};
for (const [what, given] of Object.entries(refused)) {
  test(`refused: ${what}`, () => assert.throws(() => parseDrawing(given), /^Error: (its? |stroke \d+ )/));
}

test("every tool is read with the fields that it needs", () => {
  const strokes = [
    line,
    { tool: "eraser", size: 4, points: [1, 1] },
    { tool: "shape", colour: "#abcdef", points: [0, 0, 5, 0, 5, 5] },
    { tool: "fill", colour: "#000000", opacity: 0.5 },
    { ...line, opacity: 0.25, hardness: 0, pressure: [1, 100] },
    {
      tool: "area",
      colour: "#112233",
      rings: [
        [0, 0, 5, 0, 5, 5],
        [1, 1, 2, 1, 2, 2],
      ],
    },
  ];
  assert.deepEqual(parseDrawing(text(strokes)).strokes, strokes);
  const { background, ...bare } = JSON.parse(text(strokes));
  assert.equal(parseDrawing(JSON.stringify(bare)).background, background, "white where none is given");
});

test("simplifying keeps the ends and moves no point farther than the tolerance", () => {
  const wave = Array.from({ length: 400 }, (_, i) => [i, 40 * Math.sin(i / 30)]).flat();
  const few = simplified(wave, 0.6).points;
  assert.ok(few.length < wave.length / 4);
  assert.deepEqual([few.slice(0, 2), few[few.length - 2]], [[0, 0], 399]);
  for (let i = 0; i < wave.length; i += 2) assert.ok(distanceToLine(few, wave[i], wave[i + 1]) < 0.6 + 0.1);
});

test("simplifying leaves one point of a hand at rest, and copes with thousands", () => {
  assert.deepEqual(simplified([7, 7, 7, 7, 7, 7], 0.6).points, [7, 7]);
  assert.deepEqual(simplified([1.23456, 7.65432], 0.6).points, [1.2, 7.7]);
  const long = Array.from({ length: 60_000 }, (_, i) => i % 97);
  assert.ok(simplified(long, 0.6).points.length > 2);
});

function distanceToLine(points, x, y) {
  let least = Infinity;
  for (let i = 0; i + 3 < points.length; i += 2) {
    const [ax, ay, bx, by] = points.slice(i, i + 4);
    const [dx, dy] = [bx - ax, by - ay];
    const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    least = Math.min(least, Math.hypot(x - ax - t * dx, y - ay - t * dy));
  }
  return least;
}

test("a text that names a prototype changes none", () => {
  const evil = '"__proto__":{"bad":1},"constructor":{"prototype":{"bad":1}}';
  const stroke = '{"tool":"fill","colour":"#000000","__proto__":{"bad":1}}';
  const drawing = parseDrawing(`{"version":1,"width":8,"height":8,${evil},"strokes":[${stroke}]}`);
  assert.equal({}.bad, undefined);
  assert.equal(drawing.bad, undefined);
  assert.equal(drawingText(drawing).includes('"constructor"'), false);
});

test("what is said of the whole is kept, and only what is not as usual is written", () => {
  const given = text([], { example: true, mask: { invert: true, grow: 2.5 } });
  const drawing = parseDrawing(given);
  assert.deepEqual([drawing.example, drawing.mask], [true, { invert: true, grow: 2.5 }]);
  assert.deepEqual(JSON.parse(drawingText(drawing)), JSON.parse(given));
  const plain = drawingText(parseDrawing(text([], { example: false, mask: {} })));
  assert.equal(plain, text([]));
});
