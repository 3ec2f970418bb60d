// Weights out of a page: what `page.py: pack` writes, base64 of deflated bytes, for each array all first bytes before all second ones.
import { arrayOf, count } from "./arrays.js";

const STORED = { uint8: [Uint8Array, 1], int8: [Int8Array, 1], int32: [Int32Array, 4], float32: [Float32Array, 4], float64: [Float64Array, 8] };
const SCALE = ".scale"; // behind the name of a weight in bytes

/**
 * The arrays by name.
 * @param {{arrays: [string, string, string, number[]][], bytes: string}} packed of each array its name, its type, the type it is kept in, its shape
 * @returns {Promise<Object<string, import("./arrays.js").NumberArray>>}
 */
export async function unpackWeights({ arrays, bytes }) {
  const text = atob(bytes), deflated = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) deflated[i] = text.charCodeAt(i);
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer()), made = {};
  let at = 0;
  for (const [name, dtype, kept, shape] of arrays) {
    const [Store, width] = STORED[kept], size = count(shape), whole = new Uint8Array(size * width);
    for (let byte = 0; byte < width; byte++) for (let i = 0; i < size; i++) whole[i * width + byte] = planes[at++];
    made[name] = arrayOf(dtype, shape, new Store(whole.buffer)); // as processors have it, the low byte first
  }
  for (const name of Object.keys(made).filter(one => one.endsWith(SCALE))) { // weights in bytes: how much one unit of each row is
    const of = name.slice(0, -SCALE.length), { shape, data } = made[of], size = data.length / made[name].data.length;
    made[of] = arrayOf("float32", shape, Float32Array.from(data, (number, i) => number * made[name].data[Math.floor(i / size)]));
    delete made[name];
  }
  if (at !== planes.length) throw new RangeError("weights of another size than their names say");
  return made;
}
