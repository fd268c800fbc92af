// What nodes said in a run, in the language of the front end: read-outs, and messages of errors. Needs no page.
//
// Python speaks English: it does not know the language, which every page may have another of, and what is logged and what
// scripts read stays the same. The texts that there are translations for have $1, $2, ... for what was filled in.

const SURE = 12; // letters of a text that is nobody else's
const LEAST = 5; // letters of a piece inside of a line

/** A function that translates lines of ours and gives back every other text as it is; `pairs`: [English, words], ... */
export function makeTranslator(pairs) {
  const known = pairs.map(([english, words]) => ({ ...pattern(english), words }));
  known.sort((a, b) => b.letters - a.letters);

  function find(text) {
    for (const one of known) {
      const match = one.whole.exec(text);
      if (match) return { one, match };
    }
    for (const one of known) {
      const match = one.closed && one.letters >= LEAST ? one.inside.exec(text) : null;
      if (match) return { one, match };
    }
    return null;
  }

  function phrase(text) {
    const found = text.trim() ? find(text) : null;
    if (!found) return text;
    const { one, match } = found;
    const [before, after] = [text.slice(0, match.index), text.slice(match.index + match[0].length)];
    const filled = one.words.replace(/\$(\d)/g, (_, n) => phrase(match[one.places.indexOf(n) + 1] ?? ""));
    return phrase(before) + filled + phrase(after);
  }

  return (text) => {
    const lines = text.split("\n");
    return lines.some((line) => find(line)?.one.letters >= SURE) ? lines.map(phrase).join("\n") : text;
  };
}

/** How an English text is found: all of a line, or, where it begins and ends with words of its own, a piece of it. */
function pattern(english) {
  const [literals, places] = [english.split(/\$\d/), [...english.matchAll(/\$(\d)/g)].map(([, n]) => n)];
  const source = literals.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("([^]*?)");
  const letters = literals.join("").replace(/[^a-z]/gi, "").length;
  const closed = literals[0] !== "" && literals.at(-1) !== "";
  return { places, letters, closed, whole: new RegExp(`^${source}$`), inside: new RegExp(source) };
}

/** ComfyUI's node that shows a text is about to take one: put our words into it. What is not ours is not touched. */
export function speakOutput(output, translate) {
  const texts = output?.text;
  if (!Array.isArray(texts)) return;
  for (const [i, text] of texts.entries()) if (typeof text === "string") texts[i] = translate(text);
}

/**
 * Put our words into messages of errors. To be called while the script is loaded: ComfyUI's own listeners, which take the
 * words out of the event, come after those that were there before them.
 */
export function listen(api, translate) {
  api.addEventListener("execution_error", ({ detail }) => {
    const message = detail?.exception_message;
    if (typeof message === "string") detail.exception_message = translate(message);
  });
}
