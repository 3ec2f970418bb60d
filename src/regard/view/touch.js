// Touching a look: cells that are erased or pinned, heads that are switched off.  The words are those of the command line, so that what was
// found here can be done again there.

const KINDS = ["permute", "uniform", "pin", "erase"]; // in the order in which they are done

function numbersOf(text) { // "3,5-8" as numbers
  return text.split(",").flatMap(part => {
    const [from, to = from] = part.split("-").map(Number);
    return Array.from({ length: Math.max(0, Math.min(to, from + 9999) - from + 1) }, (_, i) => from + i);
  });
}

function ranges(numbers) { // and back
  const sorted = [...new Set(numbers)].sort((a, b) => a - b), runs = [];
  for (const n of sorted) runs.at(-1)?.[1] === n - 1 ? (runs.at(-1)[1] = n) : runs.push([n, n]);
  return runs.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(",");
}

function readWord(kind, word) { // as far as the page must know it; what is wrong with it the server says
  const [look, ...rest] = word.split(":"), one = { kind, look, head: null, target: null, source: null, word };
  for (const [, key, value] of rest.join(":").matchAll(/(head|target|source)=([\d,-]*\d)/g)) one[key] = numbersOf(value);
  return one;
}

function wordOf(one) {
  if (one.word !== undefined) return one.word;
  const keys = ["source", "target", "head"].filter(key => one[key]).map(key => `${key}=${ranges(one[key])}`);
  return keys.length ? `${one.look}:${keys.join(",")}` : one.look;
}

function byKind(touched) {
  const found = {};
  for (const one of touched) (found[one.kind] ??= []).push(wordOf(one));
  return found;
}

const covers = (numbers, some) => numbers === null || some.some(n => numbers.includes(n));

/** The touches of the layer and head that are shown which are on a cell. */
function touchesOf(rows, columns) {
  const head = drawn.layer.heads === 1 ? 0 : now.head;
  return asked.touched.filter(one => one.look === drawn.layer.name && (one.head === null || one.head.includes(head)) && covers(one.target, rows) && covers(one.source, columns) && (one.source || one.kind === "erase"));
}

touchedAt = (rows, columns) => {
  const kinds = touchesOf(rows, columns).map(one => one.kind);
  return kinds.includes("erase") ? "erased" : kinds.includes("pin") ? "pinned" : "";
};
Object.defineProperty(touchedAt, "active", { get: () => asked.touched.some(one => one.look === drawn.layer.name) });

pick = ([i, j], event) => { // a click, or a key, on a cell, or on the token above a column
  const keys = { Delete: "erase", Backspace: "erase", Enter: event.shiftKey ? "pin" : "erase", " ": event.shiftKey ? "pin" : "erase", p: "pin", P: "pin" };
  const kind = event.type === "click" ? (event.shiftKey ? "pin" : "erase") : keys[event.key];
  if (!kind || j < 0 || !modelNow().touchable || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const rows = i < 0 ? null : drawn.down[i].places, columns = drawn.across[j].places, head = drawn.layer.heads === 1 || now.head === "mean" ? null : [now.head];
  const one = { kind, look: drawn.layer.name, head, target: rows, source: columns }, word = wordOf(one), had = asked.touched.some(other => other.kind === kind && wordOf(other) === word);
  const others = asked.touched.filter(other => wordOf(other) !== word); // erased and pinned is neither
  step({ touched: had ? others : [...others, one] });
};

function listTouched() {
  at("touches").hidden = !asked.touched.length;
  at("touched").replaceChildren(...asked.touched.map((one, k) => {
    const remove = make("button", { type: "button", textContent: "×", ariaLabel: `Take back: ${one.kind} ${wordOf(one)}` });
    remove.addEventListener("click", () => step({ touched: asked.touched.filter((_, i) => i !== k) }));
    return make("li", { className: one.kind, title: `regard predict ${modelNow().name} --${one.kind} ${wordOf(one)}` }, make("b", { textContent: one.kind }), ` ${describe(one)} `, remove);
  }));
}

function markHeads() { // those that are switched off
  for (const [k, head] of [...at("heads").children].entries()) head.classList.toggle("off", k > 0 && isOff(k - 1));
}

function describe(one) { // by the tokens, where the layer that is shown has them
  const best = data.sentences.length ? prediction() : null, layer = best?.layers.find(other => other.name === one.look), axes = best?.axes;
  const named = (places, axis) => places.map(n => axis?.tokens[n]?.[0] ?? n).join(" "), where = one.look === (now.layer ?? best?.layer) ? "" : `${one.look} `;
  if (!layer || (one.word && !one.source)) return wordOf(one);
  if (one.kind === "erase" && !one.source) return `${where}head ${one.head ? ranges(one.head) : "all"}`;
  return `${where}${one.target ? `${named(one.target, axes[layer.down])} → ` : ""}${one.source ? named(one.source, axes[layer.across]) : ""}${one.head ? ` (head ${ranges(one.head)})` : ""}`;
}

// ---- heads -----------------------------------------------------------------------------------------
const isOff = head => asked.touched.some(one => one.kind === "erase" && one.look === drawn?.layer.name && !one.source && !one.target && (one.head === null || one.head.includes(head)));

function switchHeads(heads) { // those that are on go off; all off: they come on again
  const look = drawn.layer.name, off = [...Array(drawn.layer.heads).keys()].filter(isOff), wanted = heads.every(head => off.includes(head)) ? off.filter(head => !heads.includes(head)) : [...new Set([...off, ...heads])];
  const others = asked.touched.filter(one => !(one.kind === "erase" && one.look === look && !one.source && !one.target));
  step({ touched: wanted.length ? [...others, { kind: "erase", look, head: wanted, target: null, source: null }] : others });
}

let dragged = null; // the heads that the pointer has been drawn over since it was pressed

const headAt = element => {
  const label = element?.closest?.(".head"), k = label ? [...at("heads").children].indexOf(label) - 1 : -1;
  return k >= 0 ? k : null;
};

function drag(event) {
  const head = headAt(document.elementFromPoint(event.clientX, event.clientY)), [x, y] = dragged.from;
  if (head !== null && Math.hypot(event.clientX - x, event.clientY - y) > 8) dragged.heads.add(dragged.first).add(head);
  for (const [k, label] of [...at("heads").children].entries()) label.classList.toggle("crossed", dragged.heads.has(k - 1));
}

at("heads").addEventListener("pointerdown", event => {
  const first = headAt(event.target);
  if (first === null || !modelNow().touchable) return;
  dragged = { first, from: [event.clientX, event.clientY], heads: new Set() };
  addEventListener("pointermove", drag);
  addEventListener("pointerup", () => {
    removeEventListener("pointermove", drag);
    const heads = [...dragged.heads].filter(head => head !== null);
    dragged = null;
    if (!heads.length) return; // a click, which chooses the head
    const swallow = click => { click.preventDefault(); click.stopPropagation(); };
    addEventListener("click", swallow, true); // which ends the drag, and chooses no head
    setTimeout(() => {
      removeEventListener("click", swallow, true);
      switchHeads(heads);
    });
  }, { once: true });
});
at("heads").addEventListener("dragstart", event => event.preventDefault());
at("heads").addEventListener("keydown", event => {
  const head = headAt(event.target);
  if (head !== null && ["Delete", "Backspace"].includes(event.key)) switchHeads([head]);
});
at("undo").addEventListener("click", () => history.back());
at("reset").addEventListener("click", () => step({ touched: [] }));
addEventListener("keydown", event => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !event.target.matches("textarea, input[type=text], input[type=search]") && asked.touched.length) {
    event.preventDefault();
    history.back();
  }
});
