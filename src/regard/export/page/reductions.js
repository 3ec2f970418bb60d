// Operations of a graph that make one number of many, or go along an axis: each is told of one row at a time, in 64 bits within.
import { count, moved, transpose, zeros } from "./arrays.js";

const total = (row, at, size) => {
  let sum = 0;
  for (let i = at; i < at + size; i++) sum += row[i];
  return sum;
};
const extreme = choose => (row, at, size) => {
  if (!size) throw new RangeError("the largest of no numbers");
  let found = row[at];
  for (let i = at + 1; i < at + size; i++) found = choose(found, row[i]);
  return found;
};
const highest = extreme(Math.max);

function logsumexp(row, at, size) {
  const high = highest(row, at, size), top = Number.isFinite(high) ? high : 0;
  let sum = 0;
  for (let i = at; i < at + size; i++) sum += Math.exp(row[i] - top);
  return Math.log(sum) + top;
}

function product(row, at, size) {
  let made = 1;
  for (let i = at; i < at + size; i++) made *= row[i];
  return made;
}

function some(row, at, size, wanted) {
  for (let i = at; i < at + size; i++) if (Boolean(row[i]) === wanted) return true;
  return false;
}

function place(row, at, size) { // of the highest, the first; a NaN is higher than all
  let best = 0;
  for (let i = 1; i < size && !Number.isNaN(row[at + best]); i++) if (row[at + i] > row[at + best] || Number.isNaN(row[at + i])) best = i;
  return best;
}

function reduced(f, dtype) {
  return ([x], { axes, axis, keeps }) => {
    const gone = axes ?? [axis], rest = [...x.shape.keys()].filter(i => !gone.includes(i));
    const last = gone.every((i, n) => i === rest.length + n), turned = last ? x : transpose(x, [...rest, ...gone]);
    const shape = keeps ? x.shape.map((size, i) => (gone.includes(i) ? 1 : size)) : rest.map(i => x.shape[i]);
    const size = count(gone.map(i => x.shape[i])), made = zeros(dtype ?? x.dtype, shape);
    for (let k = 0; k < made.data.length; k++) made.data[k] = f(turned.data, k * size, size);
    return made;
  };
}

/** Over axes: all of their numbers become one. */
export const overAxes = {
  sum: reduced(total), mean: reduced((row, at, size) => total(row, at, size) / size), amax: reduced(highest), amin: reduced(extreme(Math.min)),
  prod: reduced(product), any: reduced((row, at, size) => some(row, at, size, true), "bool"),
  all: reduced((row, at, size) => !some(row, at, size, false), "bool"), argmax: reduced(place, "int64"), logsumexp: reduced(logsumexp),
};

function along(f) { // f(from, to, at, size) writes a row
  return ([x], { axis }) => {
    const last = x.shape.length - 1, order = moved(x.shape.length, axis, last), turned = axis === last ? x : transpose(x, order);
    const made = zeros(x.dtype, turned.shape), size = x.shape[axis];
    for (let at = 0; at < made.data.length; at += size) f(turned.data, made.data, at, size);
    return axis === last ? made : transpose(made, moved(x.shape.length, last, axis));
  };
}

function softmax(from, to, at, size) {
  const high = highest(from, at, size);
  let sum = 0;
  for (let i = at; i < at + size; i++) sum += to[i] = Math.exp(from[i] - high);
  for (let i = at; i < at + size; i++) to[i] /= sum;
}

function logSoftmax(from, to, at, size) {
  const all = logsumexp(from, at, size);
  for (let i = at; i < at + size; i++) to[i] = from[i] - all;
}

function running(next) {
  return along((from, to, at, size) => {
    let made = (to[at] = from[at]);
    for (let i = at + 1; i < at + size; i++) to[i] = made = next(made, from[i]);
  });
}

/** log(exp(a) + exp(b)). @param {number} a @param {number} b */
export function logAdd(a, b) {
  const high = Math.max(a, b);
  return Number.isFinite(high) ? high + Math.log1p(Math.exp(-Math.abs(a - b))) : high;
}

function layerNorm([x, weight, bias], { epsilon }) {
  const made = zeros(x.dtype, x.shape), size = x.shape.at(-1);
  for (let at = 0; at < x.data.length; at += size) {
    const mean = total(x.data, at, size) / size;
    let spread = 0;
    for (let i = at; i < at + size; i++) spread += (x.data[i] - mean) ** 2;
    const by = 1 / Math.sqrt(spread / size + epsilon);
    for (let i = 0; i < size; i++) made.data[at + i] = (x.data[at + i] - mean) * by * weight.data[i] + bias.data[i];
  }
  return made;
}

/** Along an axis: as many numbers as before. */
export const alongRows = {
  softmax: along(softmax), log_softmax: along(logSoftmax), cumsum: running((a, b) => a + b), cumprod: running((a, b) => a * b),
  cummax: running(Math.max), logcumsumexp: running(logAdd), layer_norm: layerNorm,
};

/** Values and their places along an axis; what is equal stays in order, NaN last. */
export function sortRows([x], { axis, descending }) {
  const rank = x.shape.length, turned = transpose(x, moved(rank, axis, rank - 1)), size = x.shape[axis];
  const values = zeros(x.dtype, turned.shape), places = zeros("int64", turned.shape), turn = descending ? -1 : 1;
  for (let at = 0; at < values.data.length; at += size) {
    const order = [...Array(size).keys()], key = i => turn * turned.data[at + i], lost = i => Number.isNaN(key(i));
    order.sort((i, j) => lost(i) - lost(j) || (key(i) < key(j) ? -1 : key(i) > key(j) ? 1 : 0));
    order.forEach((from, i) => {
      values.data[at + i] = turned.data[at + from];
      places.data[at + i] = from;
    });
  }
  return [values, places].map(part => transpose(part, moved(rank, rank - 1, axis)));
}
