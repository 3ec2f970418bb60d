// The model of a page, of whatever task: from what `page.py` wrote to answers as the view's script shows them.
import { showSource } from "./sentence.js";
import { Tagger } from "./tagger.js";
import { Transducer } from "./transducer.js";
import { unpackWeights } from "./weights.js";

const TASKS = { transduce: Transducer, tag: Tagger };

/** A model ready for use. @param {Object} told what `page.py: describe_model` says @returns {Promise<Transducer|Tagger>} */
export async function openModel(told) {
  return new TASKS[told.task](told, await unpackWeights(told.weights));
}

/** Whether a model has a beam that can be set. @param {Object} told */
export const searches = told => told.task === "transduce";

/** Features of a text as they are written, parted. @param {string} text @param {string} separator */
export function splitFeatures(text, separator) {
  return text.split(separator).map(part => part.trim()).filter(part => part && (separator !== "|" || part !== "_"));
}

export { showSource };
