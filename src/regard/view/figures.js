// What can be said of each head in numbers: how spread its weight is, how much of it lies on end marks, and how far it looks.

const END_ONLY = 0.95; // share of its weight on end marks from which on a head is said to look at nothing else

function measureHeads(floats, layer, axes) { // of each head: { entropy (nats), ends (share), distance (places) }, means over the rows that look at all
  const down = axes[layer.down], across = axes[layer.across], rows = down.tokens.length, columns = across.tokens.length;
  const own = layer.down === layer.across || layer.across === "read", slope = own || rows < 2 ? 1 : (columns - 1) / (rows - 1);
  return Array.from({ length: layer.heads }, (_, head) => {
    const sums = { entropy: 0, ends: 0, distance: 0 };
    let looking = 0;
    for (let i = 0; i < rows; i++) {
      const row = floats.subarray((head * rows + i) * columns, (head * rows + i + 1) * columns), total = row.reduce((sum, w) => sum + w, 0);
      if (total < 1e-3) continue; // a row with nothing in sight
      looking += 1;
      row.forEach((weight, j) => {
        const share = weight / total;
        if (share > 0) sums.entropy -= share * Math.log(share);
        sums.distance += share * Math.abs(j - i * slope);
      });
      for (const j of across.ends) sums.ends += row[j] / total;
    }
    return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, looking ? sum / looking : 0]));
  });
}

function showFigures(figures, layer) {
  at("figures").hidden = !figures.length;
  if (!figures.length) return;
  const ends = prediction().axes[layer.across].ends.length > 0, titles = ["head", "entropy", ...(ends ? ["on end marks"] : []), "distance"];
  const said = { entropy: "nats; 0: one place, ln(places): all alike", "on end marks": "share of the weight", distance: layer.down === layer.across || layer.across === "read" ? "places from the row's own" : "places from the diagonal" };
  const head = make("tr", {}, ...titles.map(title => make("th", { scope: "col", textContent: title, title: said[title] ?? "" })));
  const body = figures.map((one, k) => make("tr", { className: ends && one.ends >= END_ONLY ? "warned" : "" }, make("th", { scope: "row", textContent: k }), ...[one.entropy.toFixed(2), ...(ends ? [`${(100 * one.ends).toFixed(0)} %`] : []), one.distance.toFixed(1)].map(text => make("td", { textContent: text }))));
  at("figures-table").replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
  at("figures-said").textContent = `Means over the rows. Entropy in nats${ends ? ", the share of the weight that lies on end marks" : ""}, and the distance in ${said.distance}.`;
}

function warnings(figures, layer) {
  if (!layer || !prediction().axes[layer.across].ends.length) return [];
  const only = figures.flatMap((one, k) => (one.ends >= END_ONLY ? [k] : []));
  if (!only.length) return [];
  const who = figures.length === 1 ? "This look rests" : only.length === 1 ? `Head ${only[0]} rests` : `Heads ${only.join(", ")} rest`;
  return [`⚠ ${who} on the end mark alone (${Math.round(100 * Math.min(...only.map(k => figures[k].ends)))} % of the weight or more): it says next to nothing of the words.`];
}
