// Text to numbers and back: what `data/tokenizer.py` does, for each kind of tokenizer.

const PAD = 0, BOS = 1, EOS = 2, UNK = 3, SPECIALS = ["<pad>", "<s>", "</s>", "<unk>"];
export { BOS, EOS, PAD, UNK };

// White space as Python's str.split has it; as patterns have it, it is Unicode's.
const BLANKS = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;
const APART = "ˈˌꜛꜜ", RAISED = `(?:(?![${APART}])\\p{Lm})`, MARK = `(?:\\p{M}|${RAISED}|\\u02DE)`, S = "\\p{White_Space}", V = "\\P{White_Space}";
const BEFORE = `(?:(?<![^${S}${APART}.‿])(?:(?![ːˑ])${RAISED})+)?`, TIED = "(?:(?<=[\\u0361\\u035C])|(?<=[\\u0361\\u035C]\\p{M}))";
const IPA = `${S}|[\\u02E5-\\u02E9\\uA712-\\uA716]+|[⁰¹²³⁴-⁹]+|[${APART}]|${BEFORE}${V}${MARK}*(?:${TIED}${V}${MARK}*)*`;
const WORD = ` ?\\p{Script=Han}| ?(?:(?!\\p{Script=Han})[\\p{L}\\p{M}\\p{N}])+| ?[^${S}\\p{L}\\p{M}\\p{N}]|${S}`;
const SUBWORD = ` ?[\\p{L}\\p{M}]+| ?\\p{N}| ?[^${S}\\p{L}\\p{M}\\p{N}]+|${S}`;

/** How each kind treats text: the pieces that it is cut into, whether white space is folded, whether a text begins with a space. */
const MANNERS = {
  char: { pattern: "[\\s\\S]" }, ipa: { pattern: IPA }, profile: {}, space: { folded: true, joint: " " },
  word: { pattern: WORD, folded: true, marked: true }, bpe: { pattern: SUBWORD, marked: true }, unigram: { pattern: SUBWORD, marked: true },
};

/** The tokens that white space parts. @param {string} text */
export const splitWords = text => text.split(BLANKS).filter(Boolean);

function profilePattern(graphemes) { // at each place the longest; composed and decomposed spellings are both known
  const known = [...new Set(graphemes.flatMap(one => [one, one.normalize("NFC"), one.normalize("NFD")]))];
  const sizes = new Map(known.map(one => [one, [...one].length])), escaped = one => one.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  known.sort((a, b) => sizes.get(b) - sizes.get(a));
  return [...known.map(escaped), S, `${V}\\p{M}*`].join("|");
}

/** Merges of pairs, the first learnt first, the leftmost of equals.  Sennrich et al. 2016, algorithm 1. */
function mergePairs(piece, numbers, ranks) {
  const parts = [...piece];
  while (parts.length > 1) {
    let lowest = Infinity, at = -1;
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks.get(`${parts[i]}\n${parts[i + 1]}`);
      if (rank < lowest) [lowest, at] = [rank, i];
    }
    if (at < 0) break;
    parts.splice(at, 2, parts[at] + parts[at + 1]);
  }
  return parts.map(part => ({ id: numbers.get(part) ?? UNK, text: part }));
}

/** The likeliest cut of a piece; neighbours that are unknown become one.  Kudo 2018, section 3.2. */
function likeliest(piece, numbers, scores, longest, unknown) {
  const parts = [...piece], best = [{ score: 0, from: -1, id: -1 }];
  for (let from = 0; from < parts.length; from++) {
    let text = "", alone = false;
    const offer = (to, id, score) => {
      if (best[to] === undefined || score > best[to].score) best[to] = { score, from, id };
    };
    for (let to = from + 1; to <= Math.min(parts.length, from + longest); to++) {
      text += parts[to - 1];
      const id = numbers.get(text);
      if (id === undefined) continue;
      offer(to, id, best[from].score + scores[id]);
      alone ||= to === from + 1;
    }
    if (!alone) offer(from + 1, UNK, best[from].score + unknown);
  }
  const found = [];
  for (let to = parts.length; to > 0; to = best[to].from) {
    const text = parts.slice(best[to].from, to).join("");
    if (best[to].id === UNK && found[0]?.id === UNK) found[0].text = text + found[0].text;
    else found.unshift({ id: best[to].id, text });
  }
  return found;
}

/** One vocabulary and how text is cut into it. */
export class Tokenizer {
  /** @param {{kind: string, symbols: string[], features: string[], graphemes?: string[], merges?: string[][], scores?: number[], unspaced: string}} told */
  constructor(told) {
    Object.assign(this, { ...told, manner: MANNERS[told.kind], length: told.symbols.length + told.features.length });
    this.numbers = new Map(told.symbols.map((symbol, id) => [symbol, id]));
    const pattern = told.kind === "profile" ? profilePattern(told.graphemes) : this.manner.pattern;
    if (pattern) this.cutter = new RegExp(pattern, "gu");
    if (told.merges) this.ranks = new Map(told.merges.map(([a, b], rank) => [`${a}\n${b}`, rank]));
    if (told.scores) {
      this.longest = Math.max(...told.symbols.map(symbol => [...symbol].length));
      this.unknownScore = Math.min(...told.scores) - 10; // as the library `tokenizers` has it
    }
    if (this.manner.marked) this.unspacedStart = new RegExp(`^[${told.unspaced}]`, "u");
  }

  #prepare(text) {
    const folded = this.manner.folded ? splitWords(text).join(" ") : text;
    return this.manner.marked && folded && !this.unspacedStart.test(folded) ? ` ${folded}` : folded;
  }

  #cut(text) {
    return this.kind === "space" ? splitWords(text) : (this.#prepare(text).match(this.cutter) ?? []);
  }

  #number(piece) {
    if (this.ranks) return mergePairs(piece, this.numbers, this.ranks);
    if (this.scores) return likeliest(piece, this.numbers, this.scores, this.longest, this.unknownScore);
    const word = this.kind === "space" && SPECIALS.includes(piece); // a word that is spelt like a special is a word here
    return [{ id: word ? UNK : (this.numbers.get(piece) ?? UNK), text: piece }];
  }

  /**
   * Features, then the text, then the end.
   * @param {string} text @param {string[]} features
   * @returns {{ids: number[], symbols: (string|null)[]}} symbols: of each id, the end aside, its text; of features null
   */
  encode(text, features = []) {
    const known = features.map(name => this.features.indexOf(name)), tokens = this.#cut(text).flatMap(piece => this.#number(piece));
    const ids = [...known.map(at => (at < 0 ? UNK : this.symbols.length + at)), ...tokens.map(({ id }) => id), EOS];
    return { ids, symbols: [...features.map(() => null), ...tokens.map(token => token.text)] };
  }

  /** The id of a symbol of text. @param {string} symbol @returns {number|undefined} */
  number(symbol) {
    const id = this.numbers.get(symbol);
    return id >= SPECIALS.length ? id : undefined;
  }

  /** The text of ids up to the end; what is unknown shows as ⁇.  beyond: the symbols behind the vocabulary. */
  decode(ids, beyond = []) {
    const end = ids.indexOf(EOS), shown = [];
    for (const id of end < 0 ? ids : ids.slice(0, end)) {
      if (id === UNK) shown.push("⁇");
      else if (id >= this.length) shown.push(beyond[id - this.length] ?? "");
      else if (id >= SPECIALS.length && id < this.symbols.length) shown.push(this.symbols[id]);
    }
    const text = shown.join(this.manner.joint ?? "");
    return this.manner.marked && text.startsWith(" ") ? text.slice(1) : text;
  }

  /** One string per id, to be shown: `</s>` is the end, `<N>` a feature, ▁ a space. */
  tokens(ids, beyond = []) {
    return ids.map(id => {
      if (id >= this.symbols.length && id < this.length) return `<${this.features[id - this.symbols.length]}>`;
      return (this.symbols[id] ?? beyond[id - this.length] ?? SPECIALS[UNK]).replaceAll(" ", "▁");
    });
  }

  /** What training never saw, each once: features, then characters, or tokens where those are the symbols. */
  unknown(text, features = []) {
    const whole = ["space", "word", "ipa", "profile"].includes(this.kind), parts = whole ? this.#cut(text) : [...text];
    const strange = parts.filter(part => this.number(part) === undefined).map(part => part.replace(/^ +| +$/g, "") || part);
    return [...new Set([...features.filter(name => !this.features.includes(name)), ...strange])];
  }
}
