// The document with its undo, without a page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { drawingText, parseDrawing } from "../../web/js/strokes/document.js";
import { Painting } from "../../web/js/strokes/painting.js";

const BLANK = drawingText({ width: 512, height: 512, background: "#ffffff", strokes: [] });
const dot = (x) => ({ tool: "brush", colour: "#112233", size: 28, points: [x, x] });

function painting(text = BLANK) {
  const heard = [];
  const own = new Painting(text, () => heard.push(own.text));
  return { own, heard };
}

test("a stroke is added, told once, and written to the text", () => {
  const { own, heard } = painting();
  assert.equal(own.add(dot(1)), true);
  assert.deepEqual(heard, [own.text]);
  assert.deepEqual(parseDrawing(own.text).strokes, [dot(1)]);
  assert.deepEqual(JSON.parse(own.text), { version: 1, ...parseDrawing(BLANK), strokes: [dot(1)] });
});

test("loading tells nobody, and the same text again leaves undo alone", () => {
  const { own, heard } = painting();
  own.add(dot(1));
  assert.equal(own.load(own.text), false);
  assert.equal(own.canUndo, true);
  assert.equal(own.load(BLANK), true);
  assert.deepEqual([own.canUndo, own.canRedo, own.drawing.strokes], [false, false, []]);
  assert.equal(heard.length, 1);
});

test("undo and redo go through every change, by value", () => {
  const { own } = painting();
  const texts = [own.text];
  const changes = [
    () => own.add(dot(1)),
    () => own.setPaper("#aabbcc"),
    () => own.add({ tool: "fill", colour: "#000000" }),
    () => own.clear(),
    () => own.add(dot(2)),
  ];
  for (const change of changes) {
    change();
    texts.push(own.text);
  }
  assert.equal(new Set(texts).size, texts.length);
  for (const text of texts.toReversed().slice(1)) {
    own.undo();
    assert.equal(own.text, text);
  }
  assert.equal(own.canUndo, false);
  own.undo();
  assert.equal(own.text, BLANK, "nothing before the beginning");
  for (const text of texts.slice(1)) {
    own.redo();
    assert.equal(own.text, text);
  }
  assert.equal(own.canRedo, false);
  own.redo();
  assert.equal(own.text, texts.at(-1));
});

test("a state handed out is never changed later", () => {
  const { own } = painting();
  own.add(dot(1));
  const before = own.drawing;
  const copy = structuredClone(before);
  own.add(dot(2));
  own.setPaper("#123456");
  own.undo();
  own.clear();
  assert.deepEqual(before, copy);
});

test("a change after undo forgets what could be redone", () => {
  const { own } = painting();
  own.add(dot(1));
  own.add(dot(2));
  own.undo();
  own.add(dot(3));
  assert.equal(own.canRedo, false);
  assert.deepEqual(own.drawing.strokes, [dot(1), dot(3)]);
});

test("200 steps are kept", () => {
  const { own } = painting();
  for (let i = 0; i < 250; i++) own.add(dot(i));
  let steps = 0;
  for (; own.canUndo; steps++) own.undo();
  assert.equal(steps, 200);
  assert.equal(own.drawing.strokes.length, 50);
});

test("clearing nothing, undoing nothing and a paper that is no colour tell nobody", () => {
  const { own, heard } = painting();
  own.clear();
  own.undo();
  own.redo();
  own.setPaper("white");
  assert.deepEqual(heard, []);
  assert.equal(own.text, BLANK);
});

test("an unreadable text stays as it is until it is cleared", () => {
  const bad = '{"version": 1, "width": 512, "height": 512, "strokes": [{"tool": "laser"}]}';
  const { own, heard } = painting(bad);
  assert.match(own.problem, /cannot be shown: stroke 0 has an unknown tool/);
  assert.equal(own.add(dot(1)), true);
  assert.deepEqual([own.text, heard], [bad, []]);
  own.clear();
  assert.deepEqual([own.problem, own.text], ["", BLANK]);
  own.undo();
  assert.equal(own.text, BLANK, "what could not be read cannot come back");
});

test("no text at all is an empty sheet without a complaint", () => {
  const { own } = painting("");
  assert.deepEqual([own.problem, own.drawing.strokes, own.text], ["", [], ""]);
});

test("a full drawing takes no more, and says so", () => {
  const fill = { tool: "fill", colour: "#000000" };
  const { own, heard } = painting(drawingText({ ...parseDrawing(BLANK), strokes: Array(5000).fill(fill) }));
  assert.equal(own.add(fill), false);
  assert.deepEqual(heard, []);
  const long = { ...dot(1), points: Array(400_002).fill(1) };
  assert.equal(painting().own.add(long), false);
});

test("an example makes way for a background, and is one no more as soon as it is painted on", () => {
  const example = drawingText({ ...parseDrawing(BLANK), example: true, strokes: [dot(1), dot(2)] });
  const { own } = painting(example);
  assert.equal(own.shown.strokes.length, 2);
  own.hasBackground = true;
  assert.deepEqual([own.shown.strokes, own.text], [[], example], "not seen, and nothing is written");
  own.add(dot(3));
  assert.deepEqual([own.drawing.strokes, own.drawing.example], [[dot(3)], undefined]);
  own.undo();
  own.hasBackground = false;
  own.add(dot(4));
  assert.deepEqual(own.drawing.strokes, [dot(1), dot(2), dot(4)]);
  own.start(example);
  assert.equal(own.drawing.example, true);
  own.hasBackground = true;
  own.start(example);
  assert.deepEqual([own.drawing.example, own.shown.strokes.length], [undefined, 2], "asked for over a photo");
});

test("the mask is grown within its limit and inverted, and undone", () => {
  const { own } = painting();
  own.setMask({ invert: true, grow: 999 });
  assert.deepEqual(own.drawing.mask, { invert: true, grow: 64 });
  own.setMask({ invert: false, grow: 0 });
  assert.equal(own.drawing.mask, undefined);
  own.undo();
  own.undo();
  assert.equal(own.text, BLANK);
});
