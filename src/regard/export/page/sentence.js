// An answer as the view's script shows it: what `view/page.py: payload` makes of a prediction.
import { rightToLeft, sideOf } from "./labels.js";

const numbered = size => ({ kind: `place ${size}`, named: "place", tokens: Array.from({ length: size }, (_, i) => String(i)) });

/** What stands down and across a look: see `view/picture.py: axes`. */
function sidesOf(name, answer, answered) {
  const features = answered.features.length, named = answered.features.map(feature => `<${feature}>`); // those that training never saw too
  const source = { kind: "source", named: "source", tokens: [...named, ...answered.tokens.slice(features)], features };
  if (answer.sides?.[name]) {
    const { rows, columns, called } = answer.sides[name], own = columns === answered.tokens;
    return [{ kind: `rows of ${name}`, named: called[0], tokens: rows }, { ...(own ? source : { kind: `columns of ${name}`, tokens: columns }), named: called[1] }];
  }
  const target = { kind: "target", named: "target", tokens: answer.tokens };
  if (!name.endsWith(".self")) return [target, source];
  return name.startsWith("decoder") ? [target, { kind: "read", named: "read so far", tokens: ["<s>", ...answer.tokens.slice(0, -1)] }] : [source, source];
}

function showAnswer(answer, answered, known) {
  const axes = {}, layers = Object.entries(answer.attention).map(([name, look]) => {
    const pair = sidesOf(name, answer, answered).map((side, i) => {
      const size = i ? look.across : look.down;
      return side.tokens.length === size ? side : numbered(size);
    });
    for (const side of pair) axes[side.kind] ??= sideOf(side.tokens, known, side.features);
    return { name, heads: look.heads, down: pair[0].kind, across: pair[1].kind, weights: look.weights, named: pair.map(side => side.named) };
  });
  const layer = layers.findLast(one => one.name.endsWith("cross")) ?? layers.at(-1);
  return { text: answer.text, score: answer.score, rtl: rightToLeft(answer.text), layer: layer?.name ?? null, axes, layers, grid: null };
}

/** @param {import("./transducer.js").Answered} answered @param {Object<string, string[]>} known how tokens of the vocabularies are written and said */
export function showSource(answered, known) {
  const { source, features, unknown, notes, best } = answered;
  return { source, features, unknown, notes, rtl: rightToLeft(source), best: best.map(answer => showAnswer(answer, answered, known)) };
}
