// Texts that are found by their English words, out of what the server hands out for two languages. Needs no page.

/** [English, words] of a kind: "templates" and "said" of this pack, or the names of "nodeDefs" that `wanted` takes. */
export function pairsOf(english, table, kind, wanted = () => true) {
  const part = (language) => (kind === "nodeDefs" ? language?.nodeDefs : language?.SDEdit?.[kind]) ?? {};
  const text = (entry) => (typeof entry === "string" ? entry : entry?.display_name);
  return Object.entries(part(english))
    .filter(([key]) => wanted(key))
    .map(([key, entry]) => [text(entry), text(part(table)[key])])
    .filter(([before, after]) => before && after);
}
