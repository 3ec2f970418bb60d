// Runs the page's own modules in node, for `test_page.py`: what is asked is read as JSON from stdin, what is answered is written so.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`), open = name => import(new URL(name, folder));
const asked = JSON.parse(readFileSync(0, "utf8"));
const plain = ({ dtype, shape, data }) => ({ dtype, shape, numbers: Array.from(data, number => (Number.isFinite(number) ? number : String(number))) });

function finish(answering) {
  for (;;) {
    const { done, value } = answering.next();
    if (done) return value;
  }
}

const TASKS = {
  async play({ graphs, weights, calls }) {
    const [{ Player }, { unpackWeights }] = [await open("player.js"), await open("weights.js")];
    const players = await Promise.all(graphs.map(async (graph, i) => new Player(graph, await unpackWeights(weights[i]))));
    const made = [];
    for (const [i, inputs] of calls) {
      const told = players[i].play(await unpackWeights(inputs));
      made.push(Object.fromEntries(Object.entries(told).map(([name, array]) => [name, plain(array)])));
    }
    return made;
  },
  async tokenize({ tokenizers, texts }) {
    const { Tokenizer } = await open("tokenizers.js");
    return tokenizers.map(told => {
      const tokenizer = new Tokenizer(told);
      return texts.map(text => {
        const { ids, symbols } = tokenizer.encode(text);
        return { ids, symbols, text: tokenizer.decode(ids), tokens: tokenizer.tokens(ids), unknown: tokenizer.unknown(text) };
      });
    });
  },
  async answer({ model, items, beams }) {
    const { openModel } = await open("model.js"), opened = await openModel(model);
    return items.map(([text, features], i) => {
      const { best, unknown, source, tokens } = finish(opened.answer(text, features, beams?.[i]));
      const looks = answer => Object.fromEntries(Object.entries(answer.attention).map(([name, look]) => [name, { ...look, weights: [...look.weights] }]));
      return { source, unknown, tokens, best: best.map(one => ({ text: one.text, score: one.score, tokens: one.tokens, looks: looks(one) })) };
    });
  },
  async search({ cases }) { // a net whose log-probabilities depend on all words so far: rows of a table
    const { search } = await open("search.js");
    return cases.map(({ table, bounds, ...how }) => {
      const rows = table.map(row => row.map(Number)), size = rows[0].length;
      const step = (words, states) => {
        const left = words.map((word, i) => [...states[i], word]), at = left.map(line => line.reduce((sum, word) => sum * 7 + word, 3) % rows.length);
        return { logP: Float32Array.from(at.flatMap(i => rows[i])), size, state: left };
      };
      return finish(search(step, (states, chosen) => chosen.map(i => states[i]), [[]], { bounds, ...how }));
    });
  },
  async tags({ cases }) {
    const { likeliestTags } = await open("crf.js");
    return cases.map(({ scores, steps }) => likeliestTags(scores, steps));
  },
  async operations() {
    return Object.keys((await open("operations.js")).OPERATIONS);
  },
};

process.stdout.write(JSON.stringify(await TASKS[asked.task](asked)));
