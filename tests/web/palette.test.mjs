// The colours with names: each has one word in every language, and can be read.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { FIRST, inkOn, LANDSCAPE, NAMES, rgbOf } from "../../web/js/strokes/palette.js";
import { say, setWords } from "../../web/js/strokes/words.js";

const LOCALES = new URL("../../locales/", import.meta.url);
const LANGUAGES = readdirSync(LOCALES);
const wordsOf = (language) => JSON.parse(readFileSync(new URL(`${language}/main.json`, LOCALES), "utf8")).SDEdit.canvas;
const NAMED = LANDSCAPE.flatMap(([, named]) => named);

test("every name and every colour is there once", () => {
  assert.ok(NAMED.length > 40);
  for (const k of [0, 1]) assert.equal(new Set(NAMED.map((one) => one[k])).size, NAMED.length);
  for (const [name, colour] of NAMED) {
    assert.match(colour, /^#[0-9a-f]{6}$/);
    assert.equal(NAMES.get(colour), name);
  }
});

test("what people paint has a colour", () => {
  const names = NAMED.map(([name]) => name);
  const wanted = ["path", "river", "pond", "snowField", "wall", "roof", "stone", "trunk", "window", "redRock", "bush"];
  for (const name of [...wanted, "greenSky", "yellowSky", "pinkCloud", "moon", "sun"])
    assert.ok(names.includes(name), name);
});

test("every name and heading is said in every language, no two alike", () => {
  assert.equal(LANGUAGES.length, 7);
  for (const language of LANGUAGES) {
    const words = wordsOf(language);
    setWords(words);
    const said = NAMED.map(([name]) => name);
    for (const name of [...said, ...LANDSCAPE.map(([heading]) => heading), "names"]) {
      assert.ok(Object.hasOwn(words, name), `${language}: ${name}`);
      assert.equal(say(name), words[name]);
    }
    assert.equal(new Set(said.map((name) => words[name])).size, said.length, language);
  }
  setWords({});
});

test("those beside the brush are among them, and begin with the sky", () => {
  assert.equal(new Set(FIRST).size, 16);
  for (const colour of FIRST) assert.ok(NAMES.has(colour));
  assert.equal(NAMES.get(FIRST[0]), "sky");
});

test("a name can be read on its colour", () => {
  for (const [name, colour] of NAMED) {
    const [a, b] = [light(colour), light(inkOn(colour))].sort((x, y) => y - x);
    assert.ok((a + 0.05) / (b + 0.05) >= 4.5, name);
  }
});

/** Relative luminance of WCAG 2. */
function light(colour) {
  const [r, g, b] = rgbOf(colour).map((v) => v / 255);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}
