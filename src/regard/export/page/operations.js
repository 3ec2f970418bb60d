// The operations of a graph, as `runtime/operations.py` has them for numpy: arrays, then attributes by name, to an array or several.
import { arrayOf, broadcast, count, expand, moved, pick, reshape, rowsOf, strides, transpose, zeros } from "./arrays.js";
import { convolve, gru, lstm, matmul, sigmoid, tanhLayer } from "./products.js";
import { alongRows, logAdd, overAxes, sortRows } from "./reductions.js";

const LARGEST = 2 ** 30; // numbers of an array that is made of sizes alone

const sized = shape => {
  if (!(count(shape) <= LARGEST)) throw new RangeError(`an array of ${count(shape)} numbers`);
  return shape;
};

// ---- number by number ------------------------------------------------------------------------------
function each(f, dtype) {
  return x => {
    const made = zeros(dtype ?? x.dtype, x.shape), from = x.data, to = made.data;
    for (let i = 0; i < to.length; i++) to[i] = f(from[i]);
    return made;
  };
}

function pairwise(f, dtype) {
  return (a, b) => {
    const shape = broadcast(a.shape, b.shape), made = zeros(dtype ?? a.dtype, shape), to = made.data;
    if (a.data.length === 1 && to.length > 1) {
      const x = a.data[0], y = expand(b, shape).data;
      for (let i = 0; i < to.length; i++) to[i] = f(x, y[i]);
    } else if (b.data.length === 1 && to.length > 1) {
      const x = expand(a, shape).data, y = b.data[0];
      for (let i = 0; i < to.length; i++) to[i] = f(x[i], y);
    } else {
      const x = expand(a, shape).data, y = expand(b, shape).data;
      for (let i = 0; i < to.length; i++) to[i] = f(x[i], y[i]);
    }
    return made;
  };
}

function where(test, a, b) {
  const shape = broadcast(broadcast(test.shape, a.shape), b.shape), made = zeros(a.dtype, shape), to = made.data;
  const [on, x, y] = [test, a, b].map(part => expand(part, shape).data);
  for (let i = 0; i < to.length; i++) to[i] = on[i] ? x[i] : y[i];
  return made;
}

/** The error function, by a sum whose parts are all of one sign: exact to the last bits. */
function erf(x) {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const half = x => { // to the nearest whole number, from the middle to the even one
  const low = Math.floor(x), over = x - low;
  return over < 0.5 || (over === 0.5 && low % 2 === 0) ? low : low + 1;
};
const mod = (a, b) => (b === 0 ? NaN : a - b * Math.floor(a / b));

const PLAIN = ["abs", "exp", "log", "log1p", "expm1", "sqrt", "tanh", "sin", "cos", "sign", "floor", "ceil", "trunc", "atan"];
const EACH = {
  ...Object.fromEntries(PLAIN.map(name => [name, each(Math[name])])),
  neg: each(x => -x), rsqrt: each(x => 1 / Math.sqrt(x)), reciprocal: each(x => 1 / x), round: each(half), erf: each(erf),
  sigmoid: each(sigmoid), relu: each(x => Math.max(x, 0)), not: each(x => !x),
  isnan: each(Number.isNaN, "bool"), isinf: each(x => Math.abs(x) === Infinity, "bool"), isfinite: each(Number.isFinite, "bool"),
};

const PAIRS = {
  add: pairwise((a, b) => a + b), sub: pairwise((a, b) => a - b), mul: pairwise((a, b) => a * b), div: pairwise((a, b) => a / b),
  floordiv: pairwise((a, b) => Math.floor(a / b)), mod: pairwise(mod), pow: pairwise((a, b) => a ** b), logaddexp: pairwise(logAdd),
  maximum: pairwise(Math.max), minimum: pairwise(Math.min),
  eq: pairwise((a, b) => a === b, "bool"), ne: pairwise((a, b) => a !== b, "bool"), lt: pairwise((a, b) => a < b, "bool"),
  le: pairwise((a, b) => a <= b, "bool"), gt: pairwise((a, b) => a > b, "bool"), ge: pairwise((a, b) => a >= b, "bool"),
  and: pairwise((a, b) => a & b), or: pairwise((a, b) => a | b), xor: pairwise((a, b) => a ^ b),
};

// ---- which numbers, and where ----------------------------------------------------------------------
function slice(x, { axis, start, stop, step }) {
  const size = x.shape[axis], bound = at => Math.min(Math.max(at < 0 ? at + size : at, 0), size);
  const from = bound(start), to = stop === null ? size : bound(stop), own = strides(x.shape), begin = from * own[axis];
  const shape = x.shape.with(axis, Math.max(0, Math.ceil((to - from) / step)));
  own[axis] *= step;
  return pick(x, shape, own, begin);
}

function select(x, { axis, index }) {
  const own = strides(x.shape), at = index < 0 ? index + x.shape[axis] : index;
  if (!(at >= 0 && at < x.shape[axis])) throw new RangeError(`place ${index} of an axis of ${x.shape[axis]}`);
  return pick(x, x.shape.toSpliced(axis, 1), own.toSpliced(axis, 1), at * own[axis]);
}

function concat(parts, axis) {
  const { dtype, shape } = parts[0], made = zeros(dtype, shape.with(axis, parts.reduce((sum, part) => sum + part.shape[axis], 0)));
  const outer = count(shape.slice(0, axis)), inner = count(shape.slice(axis + 1)), whole = made.shape[axis] * inner;
  let at = 0;
  for (const part of parts) {
    const size = part.shape[axis] * inner;
    for (let row = 0; row < outer; row++) made.data.set(part.data.subarray(row * size, (row + 1) * size), row * whole + at);
    at += size;
  }
  return made;
}

function flip(x, axes) {
  const own = strides(x.shape);
  const begin = axes.reduce((sum, axis) => sum + Math.max(0, x.shape[axis] - 1) * own[axis], 0);
  return pick(x, x.shape, own.map((step, axis) => (axes.includes(axis) ? -step : step)), begin);
}

function tile(x, repeats) {
  const shape = [...Array(Math.max(0, repeats.length - x.shape.length)).fill(1), ...x.shape];
  const times = [...Array(shape.length - repeats.length).fill(1), ...repeats], own = strides(shape);
  const wide = pick(x, shape.flatMap((size, axis) => [times[axis], size]), own.flatMap(step => [0, step]));
  return reshape(wide, shape.map((size, axis) => size * times[axis]));
}

function pad(x, fill, { before, after }) {
  const made = zeros(x.dtype, sized(x.shape.map((size, axis) => before[axis] + size + after[axis])));
  made.data.fill(fill.data[0]);
  const own = strides(made.shape), width = x.shape.at(-1), begin = before.reduce((sum, size, axis) => sum + size * own[axis], 0);
  const rows = x.shape.slice(0, -1), at = rows.map(() => 0);
  for (let k = 0; k < x.data.length; k += width) {
    made.data.set(x.data.subarray(k, k + width), begin + at.reduce((sum, place, axis) => sum + place * own[axis], 0));
    for (let axis = rows.length - 1; axis >= 0 && ++at[axis] === rows[axis]; axis--) at[axis] = 0;
  }
  return made;
}

function windows(x, { axis, size, step }) {
  const own = strides(x.shape), shape = [...x.shape.with(axis, Math.floor((x.shape[axis] - size) / step) + 1), size];
  return pick(x, shape, [...own.with(axis, own[axis] * step), own[axis]]);
}

function tril(x, diagonal) {
  const [rows, columns] = x.shape.slice(-2), made = zeros(x.dtype, x.shape);
  for (let k = 0; k < x.data.length; k++) if ((k % columns) - (Math.floor(k / columns) % rows) <= diagonal) made.data[k] = x.data[k];
  return made;
}

function take(x, places, axis) {
  const turned = axis ? transpose(x, moved(x.shape.length, axis, 0)) : x, size = turned.shape[0];
  const rows = rowsOf(turned, Array.from(places.data, place => (place < 0 ? place + size : place)));
  const inner = turned.shape.slice(1), found = reshape(rows, [...places.shape, ...inner]);
  if (!axis) return found;
  const rank = places.shape.length, order = [...inner.keys()].map(i => i + rank);
  order.splice(axis, 0, ...places.shape.keys());
  return transpose(found, order);
}

function scatterAdd(x, places, values, axis) {
  const made = arrayOf(x.dtype, x.shape, x.data), own = strides(x.shape), shape = places.shape, at = shape.map(() => 0);
  for (let k = 0; k < places.data.length; k++) {
    const place = places.data[k] < 0 ? places.data[k] + x.shape[axis] : places.data[k];
    made.data[at.reduce((sum, i, n) => sum + (n === axis ? place : i) * own[n], 0)] += values.data[k];
    for (let n = shape.length - 1; n >= 0 && ++at[n] === shape[n]; n--) at[n] = 0;
  }
  return made;
}

function gather(x, places, axis) { // numpy's take_along_axis: other axes are those of both, broadcast
  const outer = broadcast(x.shape.with(axis, 1), places.shape.with(axis, 1));
  const wide = expand(x, outer.with(axis, x.shape[axis])), index = expand(places, outer.with(axis, places.shape[axis]));
  const made = zeros(x.dtype, index.shape), inner = count(outer.slice(axis + 1)), size = x.shape[axis], length = places.shape[axis];
  for (let k = 0; k < made.data.length; k++) {
    const row = Math.floor(k / (length * inner)), at = index.data[k] < 0 ? index.data[k] + size : index.data[k];
    made.data[k] = wide.data[(row * size + at) * inner + (k % inner)];
  }
  return made;
}

function pickPlaces(x, places) { // x[i, j, ...]: as many first axes as there are arrays of places
  const shape = places.reduce((all, part) => broadcast(all, part.shape), []), index = places.map(part => expand(part, shape).data);
  const place = (k, axis) => (index[axis][k] < 0 ? index[axis][k] + x.shape[axis] : index[axis][k]);
  const rows = Array.from({ length: count(shape) }, (_, k) => places.reduce((at, _part, axis) => at * x.shape[axis] + place(k, axis), 0));
  const inner = x.shape.slice(places.length), flat = reshape(x, [count(x.shape.slice(0, places.length)), ...inner]);
  return reshape(rowsOf(flat, rows), [...shape, ...inner]);
}

function cast(x, dtype) {
  if (dtype === x.dtype) return x;
  const from = x.dtype.startsWith("float"), turn = dtype === "bool" ? n => n !== 0 : from && dtype.startsWith("int") ? Math.trunc : n => n;
  return arrayOf(dtype, x.shape, dtype === "bool" || from ? x.data.map(turn) : x.data);
}

const arange = (start, stop, step) => {
  const shape = sized([Math.max(0, Math.ceil((stop - start) / step))]);
  return arrayOf("int64", shape, Array.from({ length: shape[0] }, (_, i) => start + i * step));
};

const WORDS = { inf: Infinity, "-inf": -Infinity, nan: NaN };

function full(shape, value, dtype) {
  const made = zeros(dtype, sized(shape));
  made.data.fill(typeof value === "string" ? WORDS[value] : value);
  return made;
}

/** @type {Object<string, function(import("./arrays.js").NumberArray[], Object): any>} What plays each operation: its arrays, its attributes. */
export const OPERATIONS = {
  ...Object.fromEntries(Object.entries(EACH).map(([name, f]) => [name, ([x]) => f(x)])),
  ...Object.fromEntries(Object.entries(PAIRS).map(([name, f]) => [name, ([a, b]) => f(a, b)])),
  ...overAxes, ...alongRows, sort: sortRows,
  where: parts => where(...parts), matmul: ([a, b]) => matmul(a, b), tril: ([x], { diagonal }) => tril(x, diagonal),
  gru: parts => gru(...parts), lstm: parts => lstm(...parts), rnn_tanh: parts => tanhLayer(...parts),
  convolution: ([x, weight, bias], { stride, padding }) => convolve(x, weight, bias, stride[0], padding[0]),
  reshape: ([x], { shape }) => reshape(x, shape), expand: ([x], { shape }) => expand(x, sized(shape)), tile: ([x], { repeats }) => tile(x, repeats),
  transpose: ([x], { order }) => transpose(x, order), unsqueeze: ([x], { axis }) => reshape(x, x.shape.toSpliced(axis, 0, 1)),
  squeeze: ([x], { axis }) => reshape(x, x.shape.toSpliced(axis, 1)), slice: ([x], told) => slice(x, told), select: ([x], told) => select(x, told),
  concat: (parts, { axis }) => concat(parts, axis), flip: ([x], { axes }) => flip(x, axes), pad: ([x, fill], told) => pad(x, fill, told),
  windows: ([x], told) => windows(x, told),
  take: ([x, places], { axis }) => take(x, places, axis), gather: ([x, places], { axis }) => gather(x, places, axis),
  scatter_add: ([x, places, values], { axis }) => scatterAdd(x, places, values, axis),
  pick: ([x, ...places]) => pickPlaces(x, places), cast: ([x], { dtype }) => cast(x, dtype),
  arange: (_, { start, stop, step }) => arange(start, stop, step), full: (_, { shape, value, dtype }) => full(shape, value, dtype),
};
