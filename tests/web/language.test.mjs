// Templates, read-outs and messages in another language.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { speak } from "../../web/js/graph/notes.js";
import { listen, makeTranslator, speakOutput } from "../../web/js/graph/said.js";
import { pairsOf } from "../../web/js/graph/texts.js";

const ROOT = new URL("../../", import.meta.url);
const json = (path) => JSON.parse(readFileSync(new URL(path, ROOT), "utf8"));
const table = (language) => ({
  ...json(`locales/${language}/main.json`),
  nodeDefs: json(`locales/${language}/nodeDefs.json`),
});
const LANGUAGES = readdirSync(new URL("locales/", ROOT)).filter((name) => name !== "en");
const TEMPLATES = readdirSync(new URL("workflows/", ROOT)).filter((name) => name.endsWith(".json"));
const english = table("en");
const wordsOf = (language) => new Map(pairsOf(english, table(language), "templates"));
const translatorOf = (language) => {
  const names = pairsOf(english, table(language), "nodeDefs", (key) => key.startsWith("SDEdit_"));
  return makeTranslator([...pairsOf(english, table(language), "said"), ...names]);
};

test("texts of two languages are put together by their keys", () => {
  const en = { SDEdit: { said: { a: "one", b: "two" } }, nodeDefs: { X: { display_name: "Node" }, Y: {} } };
  const fr = { SDEdit: { said: { b: "deux" } }, nodeDefs: { X: { display_name: "Noeud" } } };
  assert.deepEqual(pairsOf(en, fr, "said"), [["two", "deux"]]);
  assert.deepEqual(pairsOf(en, fr, "nodeDefs"), [["Node", "Noeud"]]);
  assert.deepEqual(
    pairsOf(en, fr, "nodeDefs", () => false),
    [],
  );
  assert.deepEqual(pairsOf(undefined, {}, "said"), []);
});

test("every text of every template is said in every language", () => {
  for (const language of LANGUAGES) {
    const words = wordsOf(language);
    for (const name of TEMPLATES) {
      const workflow = json(`workflows/${name}`);
      const before = structuredClone(workflow);
      speak(workflow, words);
      assert.equal(workflow.extra.sdedit_template, undefined);
      for (const [i, node] of workflow.nodes.entries()) {
        if (node.type !== "MarkdownNote") continue;
        const [old, now] = [before.nodes[i].widgets_values[0], node.widgets_values[0]].map((text) => text.split("\n"));
        assert.equal(now.length, old.length);
        for (const [k, line] of old.entries()) {
          const same = line === "" || /^- [\w/]+ \[/.test(line) || words.get(line) === line;
          assert.equal(now[k] === line, same, `${language}, ${name}: ${line}`);
        }
      }
      for (const [i, group] of workflow.groups.entries()) assert.equal(group.title, words.get(before.groups[i].title));
      for (const part of workflow.definitions?.subgraphs ?? [])
        for (const end of [...part.inputs, ...part.outputs]) assert.equal(end.label ?? end.name, words.get(end.name));
    }
  }
});

test("names, values and links of a template stay; what shows is a label", () => {
  const workflow = json(`workflows/${TEMPLATES[1]}`);
  const before = structuredClone(workflow);
  speak(workflow, wordsOf("ja"));
  const bare = (data) =>
    JSON.stringify(data, (key, value) => {
      if (["title", "label", "sdedit_template"].includes(key)) return undefined;
      return value?.type === "MarkdownNote" || value?.inputNode ? { ...value, widgets_values: 0, name: 0 } : value;
    });
  assert.equal(bare(workflow), bare(before));
  const node = workflow.nodes.find(({ type }) => type === workflow.definitions.subgraphs[0].id);
  assert.equal(node.inputs.find(({ name }) => name === "grow mask").label, "マスクを広げる");
});

test("a workflow that somebody saved is not touched, nor is one of another pack", () => {
  const workflow = json(`workflows/${TEMPLATES[0]}`);
  speak(workflow, new Map()); // opened in English, and saved
  const saved = JSON.stringify(workflow);
  speak(workflow, wordsOf("zh"));
  assert.equal(JSON.stringify(workflow), saved);
  for (const odd of [undefined, null, {}, { extra: null }, { extra: {}, nodes: [{ title: "Read me" }] }]) {
    const copy = structuredClone(odd);
    speak(odd, wordsOf("zh"));
    assert.deepEqual(odd, copy);
  }
});

const READ_OUT = [
  "t0 0.25  ->  sigma 0.8611, noise share 0.5",
  "like denoise 0.249 of a KSampler with the scheduler simple",
  "model: flow model, sigma 0.001 to 1000",
  "mask: 30 % of the picture may change (1 = change, 0 = keep), 5 % is soft and starts at its own lower t0",
].join("\n");

test("a read-out keeps its numbers, line by line", () => {
  const lines = translatorOf("zh")(READ_OUT).split("\n");
  assert.equal(lines[0], "t0 0.25  ->  sigma 0.8611，噪波占比 0.5");
  assert.equal(lines[1], "相当于“K采样器”在调度器 simple 下的 denoise 0.249");
  assert.equal(lines[2], "模型：flow 模型，sigma 0.001 到 1000");
  assert.equal(lines[3], "遮罩：图像的 30 % 可以改变（1 = 改变，0 = 保留），5 % 是柔和的，从各自更低的 t0 开始");
});

test("a message is found behind a name and around other words, names of nodes in it are the translated ones", () => {
  const message =
    "Add VE Noise at t0 adds the noise itself, and this latent holds noise already (t0 0.3, picture 2 of it). Connect " +
    "the clean latent that goes into the first Add VE Noise at t0, or finish this one with Reverse SDE Sampler before.";
  const said = translatorOf("ja")(message);
  assert.match(said, /^「t0のVEノイズを追加」は自分でノイズを加えますが/);
  assert.match(said, /t0 0\.3, picture 2 of it/);
  const file = "Cannot read a.pt: it is truncated or damaged (bad header). Download it again.";
  assert.equal(translatorOf("zh")(file), "Cannot read a.pt: 文件不完整或已损坏（bad header）。请重新下载。");
});

test("texts of others are not touched", () => {
  for (const language of LANGUAGES) {
    const translate = translatorOf(language);
    for (const text of ["", "hello", "model: x", "weights: 3\nsource: 4", '{"t0": 3}', "a cat, 3 of them", "t0 0.3"])
      assert.equal(translate(text), text);
  }
});

test("all that can be said is found again in every language", () => {
  for (const language of LANGUAGES) {
    const translate = translatorOf(language);
    for (const [text, words] of pairsOf(english, table(language), "said")) {
      const letters = text.replace(/\$\d/g, "").replace(/[^a-z]/gi, "").length;
      if (letters < 12 || !words.match(/[^ -~]/)) continue;
      assert.notEqual(translate(text.replace(/\$(\d)/g, "7$1")), text.replace(/\$(\d)/g, "7$1"), text);
    }
  }
});

test("messages of errors are translated before listeners hear them that come later", () => {
  const api = new EventTarget();
  const heard = [];
  listen(api, (text) => text.toUpperCase());
  api.addEventListener("execution_error", ({ detail }) => heard.push(detail?.exception_message));
  for (const detail of [{ exception_message: "wrong" }, { exception_message: 3 }, {}, null])
    api.dispatchEvent(new CustomEvent("execution_error", { detail }));
  assert.deepEqual(heard, ["WRONG", 3, undefined, undefined]);
});

test("texts that a node shows are translated in place", () => {
  const text = ["read-out", 3];
  speakOutput({ text }, (words) => words.toUpperCase());
  assert.deepEqual(text, ["READ-OUT", 3]);
  for (const odd of [undefined, null, {}, { text: "words" }, { images: [] }]) speakOutput(odd, String);
});
