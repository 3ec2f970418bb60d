// Products of matrices, convolutions, and recurrent layers: where a net's time goes.  Sums are kept in 64 bits and rounded once.
import { arrayOf, broadcast, count, expand, reshape, zeros } from "./arrays.js";

const FEW = 8; // columns below which a sum for each is quicker than a row of sums

/** c = a b of one pair of matrices: `a` rows x inner at `i`, `b` inner x columns at `j`, to `c` at `k`. */
function multiply(a, i, b, j, c, k, rows, inner, columns, sums) {
  if (columns < FEW) return multiplyFew(a, i, b, j, c, k, rows, inner, columns);
  for (let row = 0; row < rows; row += 2, i += 2 * inner, k += 2 * columns) {
    const next = row + 1 < rows ? i + inner : i; // two rows at a time, so that each weight is read half as often; the last may be alone
    addProducts(a, i, next, b, j, inner, columns, sums);
    for (let n = 0; n < columns; n++) c[k + n] = sums[n];
    if (next !== i) for (let n = 0; n < columns; n++) c[k + columns + n] = sums[columns + n];
  }
}

function multiplyFew(a, i, b, j, c, k, rows, inner, columns) {
  for (let row = 0; row < rows; row++, i += inner) {
    for (let n = 0; n < columns; n++) {
      let sum = 0;
      for (let m = 0, at = j + n; m < inner; m++, at += columns) sum += a[i + m] * b[at];
      c[k++] = sum;
    }
  }
}

/** Of two rows of `a` the products with all of `b`: first those of the one, then those of the other, in `sums`. */
function addProducts(a, i, next, b, j, inner, columns, sums) {
  sums.fill(0);
  let m = 0, at = j;
  for (; m + 3 < inner; m += 4, at += 4 * columns) { // four weights at a time: sums are read and written a quarter as often
    const w = a[i + m], x = a[i + m + 1], y = a[i + m + 2], z = a[i + m + 3];
    const w2 = a[next + m], x2 = a[next + m + 1], y2 = a[next + m + 2], z2 = a[next + m + 3];
    for (let n = 0, k = at; n < columns; n++, k++) {
      const p = b[k], q = b[k + columns], r = b[k + 2 * columns], s = b[k + 3 * columns];
      sums[n] += w * p + x * q + (y * r + z * s);
      sums[columns + n] += w2 * p + x2 * q + (y2 * r + z2 * s);
    }
  }
  for (; m < inner; m++, at += columns) {
    for (let n = 0; n < columns; n++) {
      sums[n] += a[i + m] * b[at + n];
      sums[columns + n] += a[next + m] * b[at + n];
    }
  }
}

/** The product of the last two axes, the others broadcast; an array of one axis is a row on the left, a column on the right. */
export function matmul(a, b) {
  const left = a.shape.length === 1 ? reshape(a, [1, ...a.shape]) : a, right = b.shape.length === 1 ? reshape(b, [...b.shape, 1]) : b;
  const [rows, inner] = left.shape.slice(-2), [inner2, columns] = right.shape.slice(-2);
  if (inner !== inner2) throw new RangeError(`a product of ${a.shape} and ${b.shape}`);
  const outer = broadcast(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const x = expand(left, [...outer, rows, inner]), shared = count(right.shape.slice(0, -2)) === 1;
  const y = shared ? right : expand(right, [...outer, inner, columns]);
  const made = zeros(a.dtype, [...outer, rows, columns]), sums = new Float64Array(2 * columns), times = count(outer);
  if (shared) multiply(x.data, 0, y.data, 0, made.data, 0, times * rows, inner, columns, sums);
  else {
    for (let n = 0; n < times; n++) {
      multiply(x.data, n * rows * inner, y.data, n * inner * columns, made.data, n * rows * columns, rows, inner, columns, sums);
    }
  }
  const shape = [...outer, ...(a.shape.length === 1 ? [] : [rows]), ...(b.shape.length === 1 ? [] : [columns])];
  return reshape(made, shape);
}

/** x w' + b, each row of `w` the weights of one result: x is rows x inner in numbers, the results come in 64 bits. */
function linear(x, rows, inner, w, b) {
  const columns = b.length, made = new Float64Array(rows * columns);
  for (let row = 0, i = 0, k = 0; row < rows; row++, i += inner) {
    for (let n = 0, j = 0; n < columns; n++, j += inner) {
      let even = 0, odd = 0, m = 0;
      for (; m + 3 < inner; m += 4) { // two sums that do not wait for each other
        even += x[i + m] * w[j + m] + x[i + m + 1] * w[j + m + 1];
        odd += x[i + m + 2] * w[j + m + 2] + x[i + m + 3] * w[j + m + 3];
      }
      for (; m < inner; m++) even += x[i + m] * w[j + m];
      made[k++] = even + odd + b[n];
    }
  }
  return made;
}

/** 1 / (1 + exp(-x)). @param {number} x */
export const sigmoid = x => 1 / (1 + Math.exp(-x));

/**
 * A recurrent layer: `cell` writes a row's new state, told what the input and the last state say to its gates.
 * x: "B T I"; state: arrays "B D", the first of which is what the layer says; gates: how many rows of weights a unit has.
 */
function recurrent(x, state, [wx, wh, bx, bh], gates, cell) {
  const [batch, times, width] = x.shape, size = state[0].shape[1], wide = gates * size;
  const said = linear(x.data, batch * times, width, wx.data, bx.data), states = zeros(x.dtype, [batch, times, size]);
  const now = state.map(part => arrayOf(part.dtype, part.shape, part.data));
  for (let t = 0; t < times; t++) {
    const inner = linear(now[0].data, batch, size, wh.data, bh.data);
    for (let row = 0; row < batch; row++) {
      cell(said, (row * times + t) * wide, inner, row * wide, now.map(part => part.data), row * size, size);
      states.data.set(now[0].data.subarray(row * size, (row + 1) * size), (row * times + t) * size);
    }
  }
  return [states, ...now];
}

function gruCell(said, i, inner, k, [h], at, size) {
  for (let n = 0; n < size; n++) {
    const r = sigmoid(said[i + n] + inner[k + n]), z = sigmoid(said[i + size + n] + inner[k + size + n]);
    const fresh = Math.tanh(said[i + 2 * size + n] + r * inner[k + 2 * size + n]);
    h[at + n] = fresh + z * (h[at + n] - fresh);
  }
}

function lstmCell(said, i, inner, k, [h, c], at, size) {
  const gate = (number, n) => said[i + number * size + n] + inner[k + number * size + n];
  for (let n = 0; n < size; n++) {
    c[at + n] = sigmoid(gate(1, n)) * c[at + n] + sigmoid(gate(0, n)) * Math.tanh(gate(2, n));
    h[at + n] = sigmoid(gate(3, n)) * Math.tanh(c[at + n]);
  }
}

function tanhCell(said, i, inner, k, [h], at, size) {
  for (let n = 0; n < size; n++) h[at + n] = Math.tanh(said[i + n] + inner[k + n]);
}

/** Gates in PyTorch's order, r, z, n.  x: "B T I", h: "B D"; all states, "B T D", and the last. */
export const gru = (x, h, ...weights) => recurrent(x, [h], weights, 3, gruCell);

/** Gates in PyTorch's order, i, f, g, o; all states, the last one and the last cell. */
export const lstm = (x, h, c, ...weights) => recurrent(x, [h, c], weights, 4, lstmCell);

/** h' = tanh(W x + b + U h + c). */
export const tanhLayer = (x, h, ...weights) => recurrent(x, [h], weights, 1, tanhCell);

/** Of "B C L" with "E C W": "B E M". */
export function convolve(x, weight, bias, stride, padding) {
  const [batch, channels, length] = x.shape, [out, , width] = weight.shape, steps = Math.floor((length + 2 * padding - width) / stride) + 1;
  const made = zeros(x.dtype, [batch, out, steps]);
  for (let row = 0, k = 0; row < batch; row++) {
    for (let e = 0; e < out; e++) {
      for (let step = 0; step < steps; step++, k++) {
        let sum = bias ? bias.data[e] : 0;
        for (let c = 0; c < channels; c++) {
          const from = step * stride - padding, i = (row * channels + c) * length + from, j = (e * channels + c) * width;
          for (let m = Math.max(0, -from), end = Math.min(width, length - from); m < end; m++) sum += x.data[i + m] * weight.data[j + m];
        }
        made.data[k] = sum;
      }
    }
  }
  return made;
}
