// A linear-chain conditional random field in use: the likeliest tags of a sentence, and how likely they are.  See `tasks/tag/crf.py`.

const logSum = numbers => {
  const high = Math.max(...numbers);
  return Number.isFinite(high) ? high + Math.log(numbers.reduce((sum, x) => sum + Math.exp(x - high), 0)) : high;
};

/**
 * The likeliest tags, Viterbi 1967, and their log-probability together.
 * @param {number[][]} scores of each place a score for each of N tags
 * @param {number[][]} steps from tag, or start (N), to tag, or end (N)
 * @returns {{tags: number[], logP: number}}
 */
export function likeliestTags(scores, steps) {
  const N = scores[0].length, tags = [...Array(N).keys()], came = [];
  let best = tags.map(tag => steps[N][tag] + scores[0][tag]), all = best;
  for (const score of scores.slice(1)) {
    const from = tags.map(tag => tags.reduce((top, before) => (best[before] + steps[before][tag] > best[top] + steps[top][tag] ? before : top), 0));
    came.push(from);
    [best, all] = [
      tags.map(tag => best[from[tag]] + steps[from[tag]][tag] + score[tag]),
      tags.map(tag => logSum(tags.map(before => all[before] + steps[before][tag])) + score[tag]),
    ];
  }
  const ends = tags.map(tag => best[tag] + steps[tag][N]), last = ends.indexOf(Math.max(...ends));
  const found = came.reduceRight((path, from) => [from[path[0]], ...path], [last]);
  return { tags: found, logP: ends[last] - logSum(tags.map(tag => all[tag] + steps[tag][N])) };
}
