// Arrays of numbers as a graph has them: a type, a shape, and the numbers row by row.
// Arrays are never written over once they are made, so a reshape shares its numbers.

/**
 * @typedef {"bool"|"int8"|"int32"|"int64"|"float32"|"float64"} Dtype
 * @typedef {Uint8Array|Int8Array|Int32Array|Float32Array|Float64Array} Numbers
 * @typedef {{dtype: Dtype, shape: number[], data: Numbers}} NumberArray
 */

// Whole numbers of 64 bits are kept as JavaScript's own, exact to 2^53: `page.py` refuses what needs more.
const STORES = { bool: Uint8Array, int8: Int8Array, int32: Int32Array, int64: Float64Array, float32: Float32Array, float64: Float64Array };

/** How many numbers an array of this shape holds. @param {number[]} shape */
export const count = shape => shape.reduce((product, size) => product * size, 1);

/** An array of zeros. @param {Dtype} dtype @param {number[]} shape @returns {NumberArray} */
export const zeros = (dtype, shape) => ({ dtype, shape, data: new STORES[dtype](count(shape)) });

/** An array of these numbers. @param {Dtype} dtype @param {number[]} shape @param {ArrayLike<number>} numbers @returns {NumberArray} */
export const arrayOf = (dtype, shape, numbers) => ({ dtype, shape, data: new STORES[dtype](numbers) });

/** The same numbers in another shape. @param {NumberArray} x @param {number[]} shape @returns {NumberArray} */
export function reshape(x, shape) {
  const known = count(shape.filter(size => size >= 0));
  const whole = shape.map(size => (size < 0 ? x.data.length / known : size));
  if (count(whole) !== x.data.length) throw new RangeError(`a reshape of ${x.shape} to ${shape}`);
  return { dtype: x.dtype, shape: whole, data: x.data };
}

/** How far apart, in an array that lies row by row, neighbours on each axis are. @param {number[]} shape */
export function strides(shape) {
  const made = Array(shape.length);
  for (let axis = shape.length - 1, step = 1; axis >= 0; axis--) {
    made[axis] = step;
    step *= shape[axis];
  }
  return made;
}

/**
 * A copy of those numbers of `x` that stand at `begin` + the sum of index * step over all axes of `shape`.
 * @param {NumberArray} x @param {number[]} shape @param {number[]} steps @param {number} begin @returns {NumberArray}
 */
export function pick(x, shape, steps, begin = 0) {
  const made = zeros(x.dtype, shape), to = made.data, from = x.data, last = shape.length - 1;
  if (last < 0) {
    to[0] = from[begin];
    return made;
  }
  const width = shape[last], step = steps[last], at = new Int32Array(shape.length);
  for (let i = begin, k = 0; k < to.length;) {
    if (step === 1) for (let n = 0; n < width; n++) to[k + n] = from[i + n];
    else if (step === 0) to.fill(from[i], k, k + width);
    else for (let n = 0, j = i; n < width; n++, j += step) to[k + n] = from[j];
    k += width;
    for (let axis = last - 1; axis >= 0; axis--) { // the next row, as an odometer goes on
      i += steps[axis];
      if (++at[axis] < shape[axis]) break;
      i -= steps[axis] * shape[axis];
      at[axis] = 0;
    }
  }
  return made;
}

/** The one shape that both broadcast to, as numpy does it. @param {number[]} a @param {number[]} b @returns {number[]} */
export function broadcast(a, b) {
  const rank = Math.max(a.length, b.length), shape = Array(rank);
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - rank + a.length] ?? 1, y = b[axis - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new RangeError(`shapes that do not fit: ${a} and ${b}`);
    shape[axis] = x === 1 ? y : x;
  }
  return shape;
}

/** `x` repeated where its axes are 1 or lacking. @param {NumberArray} x @param {number[]} shape @returns {NumberArray} */
export function expand(x, shape) {
  if (x.shape.length === shape.length && x.shape.every((size, axis) => size === shape[axis])) return x;
  const own = strides(x.shape), before = shape.length - x.shape.length;
  return pick(x, shape, shape.map((_, axis) => (axis < before || x.shape[axis - before] === 1 ? 0 : own[axis - before])));
}

/** Its axes in another order. @param {NumberArray} x @param {number[]} order @returns {NumberArray} */
export function transpose(x, order) {
  const own = strides(x.shape);
  return pick(x, order.map(axis => x.shape[axis]), order.map(axis => own[axis]));
}

/** The axes of an array with one of them moved. @param {number} rank @param {number} from @param {number} to */
export function moved(rank, from, to) {
  const order = [...Array(rank).keys()];
  order.splice(to, 0, ...order.splice(from, 1));
  return order;
}

/** Rows of the first axis, by number. @param {NumberArray} x @param {ArrayLike<number>} rows @returns {NumberArray} */
export function rowsOf(x, rows) {
  const size = count(x.shape.slice(1)), made = zeros(x.dtype, [rows.length, ...x.shape.slice(1)]);
  for (let i = 0; i < rows.length; i++) {
    if (!(rows[i] >= 0 && rows[i] < x.shape[0])) throw new RangeError(`row ${rows[i]} of ${x.shape[0]}`);
    made.data.set(x.data.subarray(rows[i] * size, (rows[i] + 1) * size), i * size);
  }
  return made;
}
