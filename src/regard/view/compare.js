// What stands beside the picture that is shown: the same text as the model answers it untouched, or as another run does, and the difference.

const TONES = { less: [178, 84, 20], more: [30, 110, 160] }; // of a difference: of less weight here than there, and of more
let compared = null; // { title, mine, sentence }: what is shown beside; of this page's own kind of sentence

const otherPrediction = () => compared.sentence.best[Math.min(now.rank, compared.sentence.best.length - 1)];

/** Places of two lists of words that are the same words in the same order: [here, there]; the longest such list. */
function matched(here, there) {
  const longest = Array.from({ length: here.length + 1 }, () => new Uint16Array(there.length + 1)), pairs = [];
  for (let i = here.length - 1; i >= 0; i--) for (let j = there.length - 1; j >= 0; j--) longest[i][j] = here[i] === there[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
  for (let i = 0, j = 0; i < here.length && j < there.length;) {
    if (here[i] === there[j]) pairs.push([i++, j++]);
    else if (longest[i + 1][j] >= longest[i][j + 1]) i++;
    else j++;
  }
  return pairs;
}

/** The map of the other side under the name of this layer, else of the layer that it shows first; null where it has none. */
async function otherMap(layer) {
  const best = otherPrediction(), there = best.layers.find(one => one.name === layer.name) ?? best.layers.find(one => one.name === best.layer);
  if (!there) return null;
  const head = there.heads === 1 ? 0 : now.head !== "mean" && now.head < there.heads ? now.head : "mean";
  const cells = gather(await unpack(there.weights), there, best.axes, head);
  return { down: groups(best.axes[there.down]), across: groups(best.axes[there.across]), cells, layer: there, head };
}

function difference(mine, other) { // rows and columns that both have; null where the columns are not the same words
  const words = parts => parts.map(part => part.shown), columns = matched(words(mine.across), words(other.across)), rows = matched(words(mine.down), words(other.down));
  if (columns.length < Math.max(mine.across.length, other.across.length) || !rows.length) return null;
  return { down: rows.map(([i]) => mine.down[i]), across: mine.across, cells: rows.map(([i, k]) => columns.map(([j, l]) => mine.cells[i][j] - other.cells[k][l])) };
}

function differenceTone(most) {
  const paper = dark.matches && !printing.matches ? [36, 40, 47] : [241, 239, 233];
  return value => {
    const share = Math.min(1, Math.abs(value) / most), ink = value < 0 ? TONES.less : TONES.more;
    return paper.map((c, k) => Math.round(c + (ink[k] - c) * share ** 0.8));
  };
}

const LEGIBLE = 20; // pixels of a cell, for which maps stand beside each other where there is room, and else one above another

async function showBeside(layer) {
  markHeads();
  for (const name of ["map-title", "other-figure", "difference-figure"]) at(name).hidden = !compared;
  at("maps").classList.toggle("above", Boolean(compared) && at("maps").clientWidth < 2 * (90 + LEGIBLE * drawn.across.length));
  if (!compared) return;
  at("map-title").textContent = compared.mine;
  const mine = latest, here = drawn, other = await otherMap(layer);
  if (mine !== latest || here !== drawn) return;
  const called = !other ? "" : ` · ${other.layer.name}${other.layer.heads > 1 ? ` · ${other.head === "mean" ? "mean" : `head ${other.head}`}` : ""}`;
  at("other-title").textContent = compared.title + (other && other.layer.name !== layer.name ? called : "");
  at("other-plot").hidden = !other;
  if (!other) {
    at("other-title").textContent = `${compared.title}: no attention to show`;
    at("difference-figure").hidden = true;
    return;
  }
  const tone = value => color(value, here.peak).rgb;
  draw("other-plot", { ...other, tone, peak: here.peak }, `${compared.title}${called}`);
  const apart = difference(here, other);
  at("difference-plot").hidden = !apart;
  if (!apart) {
    at("difference-title").textContent = "No difference can be taken: the two cut the text otherwise. Merge into words, where it is offered.";
    return;
  }
  const most = Math.max(0.001, ...apart.cells.flatMap(row => row.map(Math.abs))), few = apart.down.length < Math.max(here.down.length, other.down.length);
  at("difference-title").textContent = `Difference: blue more, brown less, up to ${most.toFixed(3)}${few ? "; rows of the same word only" : ""}`;
  draw("difference-plot", { ...apart, tone: differenceTone(most), peak: most }, "Difference");
}

function draw(host, map, label) {
  const made = new CanvasMap(at(host), { label, moved: spot => { made.point(spot); at(host).title = spot && spot[0] >= 0 && spot[1] >= 0 ? `${map.down[spot[0]].shown} → ${map.across[spot[1]].shown}: ${map.cells[spot[0]][spot[1]].toFixed(3)}` : ""; } });
  made.show(map, { least: 2, most: drawn.large ? 26 : parseInt(at("map").style.getPropertyValue("--cell"), 10) }); // cells as large as those beside
}

beside = showBeside;
for (const media of [dark, printing]) media.addEventListener("change", () => drawn && showBeside(drawn.layer));
