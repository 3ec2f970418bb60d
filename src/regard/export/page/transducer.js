// A model of pairs in use: a text in, the likeliest answers out, and where the net looked.  What `tasks/transduce/predictor.py` does.
import { arrayOf, rowsOf } from "./arrays.js";
import { Player } from "./player.js";
import { search } from "./search.js";
import { BOS, EOS, PAD, Tokenizer, UNK, splitWords } from "./tokenizers.js";

/**
 * @typedef {{heads: number, down: number, across: number, weights: Float32Array}} Look where it looked: heads x down x across
 * @typedef {{text: string, score: number, tokens: string[], attention: Object<string, Look>, sides?: Object, axes?: Object}} Answer
 * @typedef {{source: string, features: string[], unknown: string[], tokens: string[], best: Answer[], notes: string[]}} Answered
 */

/** A text as the data were cleaned: lower-cased first, for that can undo a composition. */
export function clean(text, { lowercase, unicode }) {
  const told = lowercase ? text.toLowerCase() : text;
  return unicode === "none" ? told : told.normalize(unicode.toUpperCase());
}

const states = told => Object.fromEntries(Object.entries(told).filter(([name]) => name.startsWith("state.")));
const looksOf = told => Object.fromEntries(Object.entries(told).filter(([name]) => name !== "log_p" && !name.startsWith("state.")));

/** Where each word of a hypothesis looked, its steps one below the other; of those in `prefix` a step shows the newest place alone, and what
 * that does not take, the places before it share as in the step before. @returns {Object<string, Look>} */
function gatherLooks(steps, { words, rows }, prefix) {
  const found = {};
  for (const name in steps[0]) {
    const each = rows.map((row, t) => {
      const { shape, data } = steps[t][name], [, heads, , across] = shape, size = heads * across;
      return { heads, across, data: data.subarray(row * size, (row + 1) * size) };
    });
    const down = words.length, heads = each[0].heads, own = name.endsWith(".self");
    const across = own ? down : Math.max(...each.map(look => look.across)), weights = new Float32Array(heads * down * across);
    each.forEach((look, t) => {
      const shift = own ? t + 1 - look.across : 0; // of its own words it may keep the latest alone
      for (let h = 0; h < heads; h++) weights.set(look.data.subarray(h * look.across, (h + 1) * look.across), (h * down + t) * across + shift);
    });
    if (prefix.includes(name))
      for (let h = 0; h < heads; h++)
        for (let t = 1; t < down; t++)
          for (let k = 0, row = (h * down + t) * across; k < t; k++) weights[row + k] = weights[row - across + k] * (1 - weights[row + t]);
    found[name] = { heads, down, across, weights };
  }
  return found;
}

/** A trained model of pairs. */
export class Transducer {
  /** @param {Object} model what `page.py` says of it @param {Object<string, import("./arrays.js").NumberArray>} weights by name */
  constructor(model, weights) {
    this.model = model;
    [this.start, this.step] = ["start", "step"].map(name => new Player(model.graphs[name], weights));
    this.common = new Set(model.common.map(number => `state.${number}`));
    [this.reader, this.writer] = model.tokenizers.map(told => new Tokenizer(told));
  }

  /** The state of other rows; what all lines of a source have in common stays as it is while there are as many. */
  #choose(state, rows) {
    return Object.fromEntries(Object.entries(state).map(([name, part]) => {
      const stays = this.common.has(name) && part.shape[0] === rows.length;
      return [name, stays ? part : rowsOf(part, rows)];
    }));
  }

  /** A source in numbers; what a copying head may say is numbered behind the vocabularies. */
  read(given, features) {
    const { model, reader, writer } = this, text = splitWords(given).length ? clean(given, model.cleaning) : "";
    const { ids, symbols } = text ? reader.encode(text, features) : { ids: [], symbols: [] }, room = model.room.source;
    const cut = room !== null && ids.length > room, read = cut ? [...ids.slice(0, room - 1), EOS] : ids;
    const numbered = !model.copies ? read : read.map((id, place) => {
      if (id !== UNK || (symbols[place] ?? null) === null) return id;
      const known = writer.number(symbols[place]);
      return reader.length + (known ?? writer.length + symbols.indexOf(symbols[place]));
    });
    const tokens = reader.tokens(read).map((token, place) => (read[place] === UNK ? (symbols[place]?.replaceAll(" ", "▁") ?? token) : token));
    return { text, ids: numbered, symbols: model.copies ? symbols : [], tokens, cut }; // a picture shows what is unknown as it was typed
  }

  /** How long an answer may be. */
  bounds(length) {
    const { least, ratio, extra } = this.model.limits, room = this.model.room.target ?? Infinity;
    const most = Math.max(Math.trunc(Math.fround(length * Math.fround(ratio))) + extra, least); // the product in 32 bits, as there
    return { start: BOS, stop: EOS, never: [PAD, BOS, UNK], least: Math.min(least, room - 1), most: Math.min(most, room - 1) };
  }

  /**
   * The likeliest answers; it pauses after each word (a generator).
   * @param {string} given @param {string[]} features @param {number} beam how many hypotheses are kept, and answered
   * @returns {Generator<void, Answered, void>}
   */
  *answer(given, features = [], beam = this.model.beam) {
    const source = this.read(given, features), { reader, writer } = this;
    const said = { source: source.text, features, unknown: reader.unknown(source.text, features), tokens: source.tokens, notes: [], best: [] };
    if (!source.ids.length) return { ...said, unknown: [], best: [{ text: "", score: 0, tokens: [], attention: {} }] };
    const size = source.ids.length, valid = arrayOf("bool", [1, size], source.ids.map(() => 1));
    const begun = this.start.play({ source: arrayOf("int64", [1, size], source.ids), valid }), steps = [];
    const step = (words, state) => {
      const told = this.step.play({ words: arrayOf("int64", [words.length], words), ...state });
      steps.push(looksOf(told));
      return { logP: Float32Array.from(told.log_p.data), size: told.log_p.shape[1], state: states(told) };
    };
    const bounds = this.bounds(size), how = { bounds, width: beam, count: beam, lengthPenalty: this.model.lengthPenalty };
    const found = yield* search(step, (state, rows) => this.#choose(state, rows), states(begun), how);
    const encoder = Object.fromEntries(Object.entries(looksOf(begun)).map(([name, { shape, data }]) => {
      return [name, { heads: shape[1], down: shape[2], across: shape[3], weights: data }];
    }));
    said.best = found.map(one => ({
      text: writer.decode(one.words, source.symbols), score: one.score, tokens: writer.tokens(one.words, source.symbols),
      attention: { ...encoder, ...gatherLooks(steps, one, this.model.prefix) },
    }));
    if (source.cut) said.notes.push(`This model reads ${this.model.room.source} tokens; what follows was cut off.`);
    if (found[0]?.words.length > bounds.most) said.notes.push("The answer came to its greatest length, and was ended there.");
    return said;
  }
}
