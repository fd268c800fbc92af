// Pointers: one paints, two never leave a stroke, a palm beside a pen does nothing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Hand } from "../../web/js/strokes/hand.js";

function hand(pans = () => false) {
  const told = [];
  const heard = {};
  const element = { addEventListener: (type, hear) => Object.assign(heard, { [type]: hear }), setPointerCapture() {} };
  const tell = (name) => (event) => void told.push([name, event?.pointerId]);
  new Hand(element, {
    ...{ begin: tell("begin"), go: tell("go"), end: tell("end"), drop: tell("drop"), hover() {}, pans },
    pinch: (...given) => void told.push(["pinch", ...given]),
  });
  const send = (type, pointerId, clientX, clientY, more = {}) =>
    heard[`pointer${type}`]({ pointerId, clientX, clientY, button: 0, timeStamp: 5000, pointerType: "touch", ...more });
  return { told, send };
}
const names = (told) => told.map(([name]) => name).join(" ");

test("one finger, pen or mouse paints", () => {
  for (const pointerType of ["touch", "pen", "mouse"]) {
    const { told, send } = hand();
    for (const [type, x] of [
      ["down", 0],
      ["move", 5],
      ["up", 9],
    ])
      send(type, 1, x, 0, { pointerType });
    assert.equal(names(told), "begin go end");
  }
});

test("a second finger takes the stroke back, and what is left of the two paints nothing", () => {
  const { told, send } = hand();
  send("down", 1, 0, 0);
  send("move", 1, 2, 0);
  send("down", 2, 10, 0);
  send("move", 2, 18, 0);
  send("up", 2, 18, 0);
  send("move", 1, 30, 0);
  send("up", 1, 30, 0);
  assert.equal(names(told), "begin go drop pinch");
  assert.deepEqual(told[3], ["pinch", 10, 0, 2, 4, 0], "twice as far apart, the middle 4 px on");
  send("down", 3, 0, 0);
  send("up", 3, 0, 0);
  assert.equal(names(told.slice(4)), "begin end", "all lifted: paints again");
});

test("a third finger and a lost one change nothing of that", () => {
  const { told, send } = hand();
  for (const id of [1, 2, 3]) send("down", id, 10 * id, 0);
  send("cancel", 2, 0, 0);
  send("move", 1, 50, 0);
  for (const id of [1, 3]) send("up", id, 0, 0);
  assert.ok(!names(told).includes("end"));
  send("down", 4, 0, 0);
  assert.equal(told.at(-1)[0], "begin");
});

test("a palm beside a pen, or shortly after it, does nothing", () => {
  const { told, send } = hand();
  const pen = { pointerType: "pen" };
  send("down", 1, 0, 0, pen);
  send("down", 2, 90, 90);
  send("move", 2, 95, 90);
  send("up", 1, 0, 0, pen);
  send("up", 2, 95, 90);
  send("down", 3, 90, 90, { timeStamp: 5300 });
  send("up", 3, 90, 90, { timeStamp: 5350 });
  assert.equal(names(told), "begin end");
  send("down", 4, 90, 90, { timeStamp: 6000 });
  assert.equal(names(told), "begin end begin", "later it is a finger again");
});

test("a pen takes over from a finger", () => {
  const { told, send } = hand();
  send("down", 1, 0, 0);
  send("down", 2, 5, 5, { pointerType: "pen" });
  send("up", 2, 5, 5, { pointerType: "pen" });
  assert.deepEqual(told, [
    ["begin", 1],
    ["drop", undefined],
    ["begin", 2],
    ["end", 2],
  ]);
});

test("a pan moves the view by what the pointer moves", () => {
  const { told, send } = hand(() => true);
  send("down", 1, 10, 10, { pointerType: "mouse" });
  send("move", 1, 14, 9, { pointerType: "mouse" });
  send("up", 1, 14, 9, { pointerType: "mouse" });
  assert.deepEqual(told, [["pinch", 14, 9, 1, 4, -1]]);
});

test("a lost pointer leaves no stroke", () => {
  const { told, send } = hand();
  send("down", 1, 0, 0);
  send("cancel", 1, 0, 0);
  assert.equal(names(told), "begin drop");
});
