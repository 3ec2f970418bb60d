// A tagger in use: a sentence in, a tag for each token out, and maybe a label.  What `tasks/tag/predictor.py` does.
import { arrayOf } from "./arrays.js";
import { likeliestTags } from "./crf.js";
import { Player } from "./player.js";
import { UNK } from "./tokenizers.js";

const OUTSIDE = "O", LONGEST = 40, LOOKS = "looks/"; // the tag of what is no span; letters of a word that are read; names of looks

const rowsOfNumbers = ({ shape, data }) => {
  const size = shape.at(-1);
  return Array.from({ length: data.length / size }, (_, i) => [...data.subarray(i * size, (i + 1) * size)]);
};
const highest = numbers => numbers.indexOf(Math.max(...numbers));

/** The likeliest tags by themselves. @param {number[][]} logP of each place */
function bestTags(logP) {
  const tags = logP.map(highest);
  return { tags, logP: tags.reduce((sum, tag, i) => sum + logP[i][tag], 0) };
}

/** A trained tagger. */
export class Tagger {
  /** @param {Object} model what `page.py` says of it @param {Object<string, import("./arrays.js").NumberArray>} weights by name */
  constructor(model, weights) {
    this.model = model;
    this.player = new Player(model.graphs.answer, weights);
    [this.words, this.letters] = ["words", "letters"].map(name => new Map(model[name].map((word, i) => [word, i])));
  }

  /** The different words of a sentence in letters, the first one of none; and which of them stands at each place. */
  #spell(tokens) {
    const different = new Map([["", 0]]), spelled = tokens.map(token => {
      const word = [...token].slice(0, LONGEST).join("");
      if (!different.has(word)) different.set(word, different.size);
      return different.get(word);
    });
    const rows = [...different.keys()].map(word => [...word].map(letter => this.letters.get(letter) ?? UNK));
    const width = Math.max(...rows.map(row => row.length)), padded = rows.flatMap(row => [...row, ...Array(width - row.length).fill(0)]);
    return { letters: arrayOf("int64", [rows.length, width], padded), spelled: arrayOf("int64", [1, tokens.length], spelled) };
  }

  /**
   * The likeliest tags; a generator, as other models' answers are.
   * @param {string} text whose tokens blanks part
   * @returns {Generator<void, import("./transducer.js").Answered, void>}
   */
  *answer(text) {
    const tokens = text.split(/[ \t]+/).filter(Boolean), { model } = this, room = model.room ?? Infinity;
    const known = tokens.map(token => this.words.get(model.lowercase ? token.toLowerCase() : token) ?? UNK);
    const said = { source: tokens.join(" "), features: [], tokens, notes: [], unknown: [...new Set(tokens.filter((_, i) => known[i] === UNK))] };
    if (!tokens.length) return { ...said, best: [{ text: "", score: 0, tokens: [], attention: {} }] };
    const read = tokens.slice(0, room), size = read.length;
    const told = this.player.play({
      "words/source": arrayOf("int64", [1, size], known.slice(0, size)), "words/source_valid": arrayOf("bool", [1, size], read.map(() => 1)),
      ...this.#spell(read),
    });
    if (size < tokens.length) said.notes.push(`This model reads ${room} tokens; what follows was not read.`);
    return { ...said, best: [this.#tagged(told, tokens, size)] };
  }

  #tagged(told, tokens, size) {
    const { model } = this, scores = rowsOfNumbers(told.tags), found = told.steps ? likeliestTags(scores, rowsOfNumbers(told.steps)) : bestTags(scores);
    const names = [...found.tags.map(tag => model.tags[tag]), ...Array(tokens.length - size).fill(OUTSIDE)], sides = {};
    const answer = { text: names.join(" "), score: found.logP, tokens: names, attention: {}, sides };
    if (told.label) {
      const logP = [...told.label.data], label = highest(logP);
      answer.labels = logP.map((one, i) => [model.labels[i], Math.exp(one)]).sort(([, a], [, b]) => b - a);
      answer.score += logP[label];
      sides.pool = { rows: [model.labels[label]], columns: size < tokens.length ? tokens.slice(0, size) : tokens, called: ["label", "token"] };
    }
    for (const [name, { shape, data }] of Object.entries(told)) {
      const [, heads, down, across] = shape;
      if (name.startsWith(LOOKS)) answer.attention[name.slice(LOOKS.length)] = { heads, down, across, weights: data };
    }
    return answer;
  }
}
