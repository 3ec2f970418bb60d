// How a token is written and said: what `view/label.py` does, for tokens that were typed here; those of the vocabularies come from there.

const MARKS = { "</s>": ["⏎", "end of sentence"], "<s>": ["↦", "start of sentence"], "<unk>": ["�", "unknown symbol"], "▁": ["␣", "space"] };
const ALONE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u; // scripts without spaces: each token stays by itself
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Whether the text has letters that are written from right to left. @param {string} text */
export const rightToLeft = text => RIGHT_TO_LEFT.test(text) && /\p{L}/u.test(text);

const numbered = character => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

/** How a token is written, and how it is said. @param {string} token @param {Object<string, string[]>} known @returns {[string, string]} */
export function labelOf(token, known) {
  if (token in MARKS) return MARKS[token];
  if (Object.hasOwn(known, token)) return known[token];
  const single = [...token].length === 1, shown = token.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, one => (single ? numbered(one) : `[${numbered(one)}]`));
  return [/^\p{M}/u.test(shown) ? `◌${shown}` : shown || "∅", token.replace(/^▁/u, "") || "nothing"];
}

/** For each token the number of its word: where some begin with ▁, those that do not go on with it. @param {string[]} tokens @param {number} features */
function wordNumbers(tokens, features) {
  if (!tokens.some(token => token.startsWith("▁"))) return tokens.map((_, i) => i);
  let number = -1, alone = true; // what stands alone also ends the word before it
  return tokens.map((token, i) => {
    const after = alone;
    alone = i < features || token === "</s>" || token === "<s>" || ALONE.test([...token.replace(/^▁/u, "")][0] ?? "");
    return (number += alone || after || token.startsWith("▁") ? 1 : 0);
  });
}

/** One side of a picture as the view's script takes it. @param {string[]} tokens @param {number} features how many of them, in front, are features */
export function sideOf(tokens, known, features = 0) {
  const of = wordNumbers(tokens, features), words = Array(Math.max(-1, ...of) + 1).fill("");
  tokens.forEach((token, i) => { words[of[i]] += token; });
  const plain = i => i < features;
  return {
    tokens: tokens.map((token, i) => (plain(i) ? [token, token] : labelOf(token, known))),
    words: words.map(word => (word === "▁" ? word : word.replace(/^▁/u, ""))).map((word, i) => (plain(i) ? [word, word] : labelOf(word, known))),
    of, ends: tokens.flatMap((token, i) => (!plain(i) && (token === "</s>" || token === "<s>") ? [i] : [])),
    spaced: tokens.some(token => token.startsWith("▁")),
  };
}
