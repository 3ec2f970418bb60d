// A graph, played: what `runtime/player.py` does with numpy.
import { reshape, rowsOf, zeros } from "./arrays.js";
import { OPERATIONS } from "./operations.js";

const FORMS = { "+": (a, b) => a + b, "*": (a, b) => a * b, "//": (a, b) => Math.floor(a / b), max: Math.max, min: Math.min };
const asks = told => Array.isArray(told) && (told[0] === "size" || told[0] in FORMS);
const depends = told => Array.isArray(told) && (asks(told) || told.some(depends));

/** A size, or a list of them, for these inputs: a number, ["size", input, axis], ["+", a, b], ["*", a, b], ["//", a, b], ["max", ...], ["min", ...]. */
function found(told, inputs) {
  if (!Array.isArray(told)) return told;
  if (!asks(told)) return told.map(part => found(part, inputs));
  return told[0] === "size" ? inputs[told[1]].shape[told[2]] : FORMS[told[0]](found(told[1], inputs), found(told[2], inputs));
}

/** A graph with its weights.  What depends on weights alone is made once. */
export class Player {
  /**
   * @param {Object} graph a graph as JSON holds it (`runtime/graph.py: to_json`)
   * @param {Object<string, import("./arrays.js").NumberArray>} weights by name
   */
  constructor(graph, weights) {
    this.inputs = graph.inputs.map(([name]) => name);
    this.outputs = graph.outputs.map(([name, , value]) => [name, value]);
    this.known = [...this.inputs.map(() => null), ...graph.weights.map(name => weights[name])];
    this.steps = [];
    const first = this.inputs.length, known = new Set(this.known.keys());
    for (let i = 0; i < first; i++) known.delete(i);
    for (const [operation, reads, made, attributes, results] of graph.nodes) {
      const step = { play: this.#operation(operation, attributes, weights), reads, made, results, plain: {}, sized: [] };
      for (const [key, told] of Object.entries(operation === "scan" ? {} : attributes)) {
        if (depends(told)) step.sized.push([key, told]);
        else step.plain[key] = told;
      }
      if (step.sized.length || !reads.every(i => known.has(i))) this.steps.push(step);
      else {
        store(this.known, step, step.play(reads.map(i => this.known[i]), step.plain));
        for (let i = 0; i < results; i++) known.add(made + i);
      }
    }
  }

  #operation(name, attributes, weights) {
    if (name === "scan") {
      const body = new Player(attributes.body, weights);
      return parts => scan(body, parts);
    }
    if (!(name in OPERATIONS)) throw new TypeError(`an operation that this page does not know, ${name}`);
    return OPERATIONS[name];
  }

  /**
   * The outputs by name.
   * @param {Object<string, import("./arrays.js").NumberArray>} inputs
   * @returns {Object<string, import("./arrays.js").NumberArray>}
   */
  play(inputs) {
    const values = this.known.slice();
    this.inputs.forEach((name, i) => { values[i] = inputs[name]; });
    for (const step of this.steps) {
      const told = step.sized.length ? { ...step.plain } : step.plain;
      for (const [key, size] of step.sized) told[key] = found(size, inputs);
      store(values, step, step.play(step.reads.map(i => values[i]), told));
    }
    return Object.fromEntries(this.outputs.map(([name, value]) => [name, values[value]]));
  }
}

function store(values, { made, results }, told) {
  if (results === 1) values[made] = Array.isArray(told) ? told[0] : told;
  else told.forEach((part, i) => { values[made + i] = part; });
}

/** The body over the first axis of `steps`, "T B G": all it says, "B T D", and the state that is left. */
function scan(body, [steps, ...state]) {
  let left = state;
  const said = [];
  for (let t = 0; t < steps.shape[0]; t++) {
    const inputs = { x: reshape(rowsOf(steps, [t]), steps.shape.slice(1)) };
    left.forEach((part, i) => { inputs[`state.${i}`] = part; });
    const made = body.play(inputs);
    said.push(made.y);
    left = left.map((_, i) => made[`state.${i}`]);
  }
  const [batch, ...rest] = said[0].shape, size = said[0].data.length / Math.max(1, batch);
  const whole = zeros(said[0].dtype, [batch, said.length, ...rest]);
  for (let row = 0; row < batch; row++) {
    said.forEach((part, t) => whole.data.set(part.data.subarray(row * size, (row + 1) * size), (row * said.length + t) * size));
  }
  return [whole, ...left];
}
