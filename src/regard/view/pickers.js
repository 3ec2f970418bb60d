// What stands around the picture: the n-best list, layers, heads and switches.  A page that embeds it says what is done when something
// else is shown (`remember`).

let beside = () => {}; // what stands beside the picture that is shown: the live page compares

// ---- pickers ---------------------------------------------------------------------------------------
const sentence = () => data.sentences[now.sentence];
const prediction = () => sentence().best[now.rank];

function choice(group, value, checked, pick, ...children) {
  const input = make("input", { type: "radio", name: group, value, checked });
  input.addEventListener("change", () => pick(value));
  return make("label", { className: "choice" }, input, ...children);
}

function scored(best) {
  if (best.score === null) return "";
  const share = Math.exp(best.score) * 100;
  return `${best.score.toFixed(3).replace("-", "−")}${share >= 0.05 && share <= 100.5 ? ` · ${Math.min(share, 100).toFixed(1)} %` : ""}`;
}

function showSentence() {
  now.rank = Math.min(now.rank, sentence().best.length - 1);
  at("source").textContent = sentence().source || "(empty line)";
  at("features").replaceChildren(...sentence().features.map(name => make("span", { textContent: name })));
  const best = sentence().best;
  const text = one => make("span", { className: "text" }, make("bdi", { dir: "auto", textContent: one.text || "(nothing)" }));
  const score = one => make("span", { className: "score", title: "summed log-probability, the end of the sentence included" }, scored(one));
  at("written").replaceChildren(best.length > 1 ? "Predictions, best first" : "Prediction", ...(best.length > 1 && best[0].score !== null ? [make("span", { textContent: "log-probability" })] : []));
  for (const [id, one] of [["said", sentence().source], ["best", best[0].text]]) at(id).classList.toggle("long", one.length > 140);
  at("best").replaceChildren(...(best.length > 1
    ? best.map((one, k) => choice("best", k, k === now.rank, pickRank, make("span", { className: "number", textContent: k + 1 }), text(one), score(one)))
    : [make("p", { className: "only" }, text(best[0]), ...(best[0].score === null ? [] : [make("span", { className: "score" }, "log-probability ", score(best[0]))]))]));
  pickRank(now.rank);
}

function pickRank(rank) {
  now.rank = rank;
  showAnswer();
  const layers = prediction().layers, titles = { cross: "Target looks at source", encoder: "Source looks at itself", decoder: "Target looks at what was read", other: "Other" };
  if (!layers.some(layer => layer.name === now.layer)) now.layer = prediction().layer;
  const groups = {};
  for (const { name } of layers) (groups[name.endsWith(".cross") ? "cross" : /^(en|de)coder.*\.self$/.test(name) ? name.slice(0, 7) : "other"] ??= []).push(name);
  at("layer").replaceChildren(...Object.keys(titles).filter(key => groups[key]).map(key => {
    return make("optgroup", { label: titles[key] }, ...groups[key].map(name => make("option", { value: name, textContent: name, selected: name === now.layer })));
  }));
  at("layer-tool").hidden = layers.length < 2;
  pickLayer(now.layer);
}

let latest = 0;

async function pickLayer(name) {
  now.layer = name;
  const mine = ++latest, layer = prediction().layers.find(one => one.name === name), axes = prediction().axes;
  if (layer && now.head !== "mean" && now.head >= layer.heads) now.head = "mean";
  const floats = layer ? await unpack(layer.weights) : null;
  if (mine !== latest) return; // a later choice has overtaken this one
  at("head-tool").hidden = !layer || layer.heads < 2;
  at("heads").replaceChildren(...(layer && layer.heads > 1 ? ["mean", ...Array(layer.heads).keys()] : []).map(head => {
    const input = make("input", { type: "radio", name: "head", value: head, checked: head === now.head });
    input.addEventListener("change", () => { now.head = head; show(layer, floats); });
    input.setAttribute("aria-label", head === "mean" ? "mean of heads" : `head ${head}`);
    const canvas = make("canvas", { cells: gather(floats, layer, axes, head) });
    canvas.setAttribute("aria-hidden", "true");
    return make("label", { className: "head", title: head === "mean" ? "mean of heads" : `head ${head}` }, input, canvas, make("span", { textContent: head }));
  }));
  show(layer, floats);
}

function show(layer, floats) {
  point(null);
  const axes = prediction().axes;
  drawn = null;
  at("maps").hidden = !layer;
  document.querySelector(".under").hidden = document.querySelector(".tools").hidden = !layer;
  if (layer) {
    const cells = gather(floats, layer, axes, layer.heads === 1 ? 0 : now.head);
    drawn = { down: groups(axes[layer.down]), across: groups(axes[layer.across]), cells, layer, peak: scale(cells), large: null };
    beside(layer, floats);
    lay(layer, prediction().grid);
    at("top").textContent = now.stretch ? drawn.peak.toFixed(3) : "1";
    at("caption").textContent = `${layer.name} · ${headName(layer)}`;
    at("merge-tool").hidden = !axes[layer.down].spaced && !axes[layer.across].spaced;
    at("ends-tool").hidden = !axes[layer.down].ends.length && !axes[layer.across].ends.length;
    surface();
    pointed?.([-1, -1]);
  }
  const figures = layer ? measureHeads(floats, layer, axes) : [];
  showFigures(figures, layer);
  note(layer, axes, figures);
  tint();
  remember();
}

const headName = layer => (layer.heads === 1 ? "one head" : now.head === "mean" ? `mean of ${layer.heads} heads` : `head ${now.head} of ${layer.heads}`);

function surface() { // a table, whose cells can be focused and read out, or, for more cells than that is quick for, a canvas
  const large = drawn.down.length * drawn.across.length > LARGE;
  at("frame").hidden = large;
  at("plot").hidden = !large;
  at("whole-tool").hidden = !large;
  at("numbers-tool").hidden = large;
  if (!large) return build(drawn.layer, drawn.down, drawn.across, drawn.cells);
  const label = `${drawn.layer.name}: ${drawn.layer.named[0]} down, ${drawn.layer.named[1]} across. The arrow keys go from cell to cell.`;
  mix();
  drawn.large = new CanvasMap(at("plot"), { label, moved: point, pick });
  drawn.large.show({ ...drawn, own: true, tone: value => color(value, drawn.peak).rgb }, now.whole ? {} : { least: 14 });
}

let pick = () => {}; // what is done with a cell that is clicked, or chosen by a key

// ---- attention over an image ------------------------------------------------------------------------
const images = new Map();

async function opened(url) { // once, however many words look at it
  if (!images.has(url)) {
    const image = new Image();
    image.src = url;
    images.set(url, image.decode().then(() => image));
  }
  return images.get(url);
}

async function lay(layer, grid) { // a picture for each word: the image, veiled where it did not look; without an image the heat alone
  const fits = grid && layer.across === "source" && drawn.across.length === grid.rows * grid.columns;
  at("laid").hidden = !fits;
  if (!fits) return;
  const { cells, down } = drawn, mine = latest, image = grid.image ? await opened(grid.image) : null;
  if (mine !== latest) return;
  const [tall, wide] = grid.extent ?? [1, 1], cell = Math.max(8, Math.round(264 / grid.columns));
  at("laid").replaceChildren(...down.map((word, i) => {
    const canvas = make("canvas", { width: Math.round(cell * grid.columns * wide), height: Math.round(cell * grid.rows * tall) });
    const pen = canvas.getContext("2d"), most = Math.max(...cells[i], 1e-9);
    pen.imageSmoothingEnabled = false;
    if (image) pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    cells[i].forEach((weight, k) => {
      const shade = ramp[Math.round(255 * Math.min(weight, 1))] ?? ramp[0];
      pen.fillStyle = image ? `rgba(8, 10, 16, ${0.82 * (1 - weight / most)})` : shade.css;
      pen.fillRect((k % grid.columns) * cell, Math.floor(k / grid.columns) * cell, cell, cell);
    });
    canvas.setAttribute("aria-hidden", "true");
    const figure = make("figure", {}, canvas, make("figcaption", {}, make("bdi", { dir: "auto", textContent: word.shown }), make("span", { textContent: most.toFixed(2) })));
    figure.setAttribute("role", "listitem");
    return figure;
  }));
}

const FAINT = 0.15; // weights that are hardly seen beside 1

function note(layer, axes, figures) {
  const lines = [];
  if (!layer) lines.push("There is no attention to show for this line.");
  if (layer && (sentence().rtl || prediction().rtl)) lines.push("Tokens stand in reading order: the first source token on the left, the first target token on top, also where the script runs from right to left.");
  if (layer?.across === "read") lines.push("Columns are the words read so far: ↦ is the start of the sentence, and each word is read one step after it was written.");
  if (layer && now.merge && !at("merge-tool").hidden) lines.push("Pieces of words are merged: target rows averaged, source columns summed.");
  if (layer && !now.ends) lines.push("End marks are hidden, and with them the weight on them: a row may add up to less than 1.");
  else if (layer && axes[layer.across].ends.length) lines.push(layer.across === "read" ? "" : "⏎ is the end of the sentence.");
  const most = layer ? Math.max(...drawn.cells.map(row => Math.max(...row))) : 1;
  if (most < FAINT && !now.stretch) lines.push(`No weight here is above ${most.toFixed(3)}: Stretch colours shows the differences.`);
  lines.push(...warnings(figures, layer));
  if (sentence().unknown.length) lines.push(`Never seen in training: ${sentence().unknown.join("  ")}`);
  lines.push(...(sentence().notes ?? []));
  at("notes").replaceChildren(...lines.filter(Boolean).map(line => make("li", { textContent: line })));
}

// ---- what people do ---------------------------------------------------------------------------------
const again = () => pickLayer(now.layer);
for (const name of ["merge", "ends", "numbers", "stretch", "whole"]) at(name).addEventListener("change", event => { now[name] = event.target.checked; again(); });
at("layer").addEventListener("change", event => pickLayer(event.target.value));
at("map").addEventListener("pointerover", event => point(place(event.target)));
at("map").addEventListener("pointerleave", () => point(null));
at("map").addEventListener("focusin", event => point(place(event.target)));
at("map").addEventListener("focusout", () => point(null));
at("map").addEventListener("keydown", walk);
at("map").addEventListener("keydown", event => !STEPS[event.key] && place(event.target) && pick(place(event.target), event));
at("map").addEventListener("click", event => place(event.target) && pick(place(event.target), event));
at("frame").addEventListener("scroll", () => point(null));
addEventListener("resize", () => drawn && again());
dark.addEventListener("change", tint);
printing.addEventListener("change", () => {
  if (drawn?.large) surface();
  for (let pass = 0; drawn && !drawn.large && pass < 2; pass++) resize();
  tint();
});
