// Greedy and beam search for one source: what `networks/search.py` does for each.  It knows no model.

const IMPOSSIBLE = -3.4028234663852886e38; // the log-probability of an end that the net excludes and the bound demands

/**
 * @typedef {{start: number, stop: number, never: number[], least: number, most: number}} Bounds
 *   signs; words that are not written; words before the end sign, at least and at most
 * @typedef {{words: number[], score: number, rows: number[]}} Found
 *   words: with the end sign; score: the summed log-probability; rows: in which row of the step each word was found
 */

/** ((5 + length) / 6) ** alpha, by which a score is divided when it is ranked.  Wu et al. 2016, section 7, eq. 14. */
const ranked = (score, length, alpha) => (alpha ? score / ((5 + length) / 6) ** alpha : score);

/** -inf, in place, for what may not come after `written` words; at the bound only the end is left. */
function allow(logP, words, written, { stop, never, least, most }) {
  for (let at = 0; at < logP.length; at += words) {
    const end = Math.max(logP[at + stop], IMPOSSIBLE);
    for (const word of never) logP[at + word] = -Infinity;
    if (written < least) logP[at + stop] = -Infinity;
    if (written >= most) {
      logP.fill(-Infinity, at, at + words);
      logP[at + stop] = end;
    }
  }
}

/** The places of the highest numbers, the highest first; of equals the first. */
function best(numbers, from, to, wanted) {
  const places = [];
  for (let i = from; i < to; i++) {
    if (Number.isNaN(numbers[i])) throw new RangeError("what the net says of the next word is no number: are the weights finite?");
    if (places.length === wanted && !(numbers[i] > numbers[places[wanted - 1]])) continue;
    let k = places.length;
    while (k > 0 && numbers[i] > numbers[places[k - 1]]) k--;
    places.splice(k, 0, i);
    if (places.length > wanted) places.pop();
  }
  return places;
}

/** What the lines of the beam may become: each its likeliest next words, an ended one itself at no cost. */
function heirs(lines, logP, words, width, stop) {
  return lines.flatMap((line, row) => {
    if (line.ended) return [{ ...line, parent: row }];
    return best(logP, row * words, (row + 1) * words, Math.min(width, words)).map(i => {
      const word = i - row * words;
      return {
        words: [...line.words, word], rows: [...line.rows, row], score: line.score + logP[i],
        length: line.length + 1, ended: word === stop, parent: row,
      };
    });
  });
}

/** Whether the best have ended and nothing that still grows can overtake them: a log-probability only falls. */
function finished(lines, most, count, alpha) {
  const growing = lines.filter(line => !line.ended && line.score > -Infinity);
  if (!growing.length) return true;
  const ends = lines.filter(line => line.ended).map(line => ranked(line.score, line.length, alpha)).sort((a, b) => b - a);
  const reached = ends[Math.min(count, lines.length) - 1] ?? -Infinity;
  return growing.every(line => reached >= Math.max(ranked(line.score, line.length, alpha), ranked(line.score, most + 1, alpha)));
}

/**
 * The best hypotheses, best first; a beam of 1 is greedy.  It pauses after each step (a generator), so that a page can do other things.
 * @template S
 * @param {function(number[], S): {logP: Float32Array, size: number, state: S}} step from the last word of each line to what may follow:
 *   a row of `size` log-probabilities for each, the search's own now
 * @param {function(S, number[]): S} choose the state of other rows
 * @param {S} state of one row
 * @param {{bounds: Bounds, width?: number, count?: number, lengthPenalty?: number}} how
 * @returns {Generator<void, Found[], void>}
 */
export function* search(step, choose, state, { bounds, width = 1, count = 1, lengthPenalty = 0 }) {
  const wide = Math.max(width, count);
  let lines = [{ words: [], rows: [], score: 0, length: 0, ended: false }], left = state, written = 0;
  do {
    const told = step(lines.map(line => line.words.at(-1) ?? bounds.start), left);
    allow(told.logP, told.size, written++, bounds);
    const all = heirs(lines, told.logP, told.size, wide, bounds.stop);
    const ranks = all.map(line => ranked(line.score, line.length, lengthPenalty));
    lines = best(ranks, 0, ranks.length, wide).map(i => all[i]).filter(line => line.score > -Infinity);
    left = choose(told.state, lines.map(line => line.parent));
    yield;
  } while (lines.length && !finished(lines, bounds.most, count, lengthPenalty));
  return lines.filter(line => line.ended).slice(0, count).map(({ words, score, rows }) => ({ words, score, rows }));
}
