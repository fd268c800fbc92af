// ComfyUI's front end loads every .js file under web/ as an extension of its own.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const WEB = new URL("../../web/", import.meta.url);
const files = readdirSync(WEB, { recursive: true }).map((name) => name.replaceAll("\\", "/"));
const scripts = files.filter((name) => /\.[cm]?[jt]s$/.test(name));
const source = (name) => readFileSync(new URL(name, WEB), "utf8");
const usesHost = (name) => /scripts\/(app|api)\.js/.test(source(name));

test("nothing but the canvas lies there: no tests, no settings of tools", () => {
  assert.ok(scripts.length > 5);
  for (const name of scripts) assert.match(name, /^js\/(stroke_canvas|strokes\/\w+|graph\/\w+)\.js$/);
});

test("only the extension and what is in graph/ know ComfyUI", () => {
  for (const name of scripts) if (name.startsWith("js/strokes/")) assert.ok(!usesHost(name), name);
});

test("what knows no ComfyUI is loaded without a page, and does nothing by that", async () => {
  const before = Object.keys(globalThis);
  for (const name of scripts) if (!usesHost(name) && !importsHost(name)) await import(new URL(name, WEB).href);
  assert.deepEqual(Object.keys(globalThis), before);
});

test("nothing is put on window, and only one file registers the extension", () => {
  for (const name of scripts)
    assert.doesNotMatch(source(name), /\b(window|globalThis)(\.\w+|\[[^\]]+\])\s*=[^=]/, name);
  assert.deepEqual(
    scripts.filter((name) => source(name).includes("registerExtension")),
    ["js/stroke_canvas.js"],
  );
});

/** Whether a module imports one that needs ComfyUI, however far away. */
function importsHost(name, seen = new Set()) {
  if (usesHost(name)) return true;
  if (seen.has(name)) return false;
  seen.add(name);
  return [...source(name).matchAll(/from "(\.[^"]+)"/g)].some(([, path]) => {
    const target = new URL(path, new URL(name, WEB)).href;
    return target.startsWith(WEB.href) && importsHost(target.slice(WEB.href.length), seen);
  });
}
