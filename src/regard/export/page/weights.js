// Weights out of a page: what `page.py: pack` writes, base64 of deflated bytes, for each array all first bytes before all second ones.
import { arrayOf, count } from "./arrays.js";

const STORED = { uint8: [Uint8Array, 1], int8: [Int8Array, 1], int32: [Int32Array, 4], float32: [Float32Array, 4], float64: [Float64Array, 8] };

/**
 * The arrays by name.
 * @param {{arrays: [string, string, string, number[]][], bytes: string}} packed of each array its name, its type, the type it is kept in, its shape
 * @returns {Promise<Object<string, import("./arrays.js").NumberArray>>}
 */
export async function unpackWeights({ arrays, bytes }) {
  const deflated = Uint8Array.from(atob(bytes), character => character.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer()), made = {};
  let at = 0;
  for (const [name, dtype, kept, shape] of arrays) {
    const [Store, width] = STORED[kept], size = count(shape), whole = new Uint8Array(size * width);
    for (let byte = 0; byte < width; byte++) for (let i = 0; i < size; i++) whole[i * width + byte] = planes[at++];
    const numbers = new Store(whole.buffer); // as processors have it, the low byte first
    made[name] = arrayOf(dtype, shape, numbers);
  }
  if (at !== planes.length) throw new RangeError("weights of another size than their names say");
  return made;
}
