// The answer seen in the text, where it is one: tags and spans in colour, labels with their shares, a series with what follows it.

const SPREAD = 137.5; // degrees between the hues of two kinds
const hueOf = (kind, kinds) => String(Math.round((kinds.indexOf(kind) * SPREAD + 200) % 360));

function showAnswer() {
  const { answer } = prediction(), host = at("answer");
  pointed = null;
  if (!host) return; // a page that shows answers by itself
  const parts = !answer ? [] : [...(answer.series ? showSeries(answer.series) : []), ...(answer.spans ? [ribbon(answer)] : []), ...(answer.texts ? passages(answer) : []), ...(answer.labels ? [shares(answer.labels)] : [])];
  host.hidden = !parts.length;
  host.replaceChildren(...parts);
  document.body.classList.toggle("tagged", Boolean(answer?.spans));
  document.body.classList.toggle("charted", Boolean(answer?.series));
}

function ribbon({ tokens, spans, label }) { // tokens with their spans: [kind, first token, first token behind]
  const kinds = [...new Set(spans.map(([kind]) => kind))].sort();
  const list = make("ol", { className: "ribbon", ariaLabel: "Tokens and their tags" }, ...tokens.map((token, i) => {
    const span = spans.find(([, from, to]) => i >= from && i < to), first = span && span[1] === i;
    const item = make("li", { className: span ? `marked${first ? "" : " joined"}` : "" }, make("bdi", { textContent: token }), make("span", { textContent: first ? span[0] : "" }));
    if (span) item.style.setProperty("--hue", hueOf(span[0], kinds));
    if (span) item.setAttribute("aria-label", `${token}, ${span[0]}`);
    return item;
  }));
  return make("div", {}, list, ...(label === undefined ? [] : [make("p", { className: "label" }, make("span", { className: "eyebrow", textContent: "Label" }), make("bdi", { textContent: label }))]));
}

function passages({ texts, start, end }) { // what was read, with the answer marked in the first
  return texts.map((text, k) => {
    if (k || start === undefined || end <= start) return make("p", { className: "passage" }, make("bdi", { dir: "auto", textContent: text }));
    const parts = [...text], [before, found, after] = [parts.slice(0, start), parts.slice(start, end), parts.slice(end)].map(some => some.join(""));
    return make("p", { className: "passage" }, make("bdi", { dir: "auto" }, before, make("mark", { textContent: found }), after));
  });
}

function shares(labels) {
  return make("div", { className: "shares", ariaLabel: "The likeliest labels" }, ...labels.flatMap(([name, share]) => [
    make("bdi", { textContent: name }), make("progress", { max: 1, value: share, ariaLabel: name }), make("span", { textContent: `${(share * 100).toFixed(1)} %` }),
  ]));
}

// ---- a series --------------------------------------------------------------------------------------
const CHARTS = 6, WIDE = 960, TALL = 190, MARGIN = { left: 64, right: 14, top: 14, bottom: 24 };

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function showSeries(series) { // past, forecast and truth of each column; behind the past, where was looked
  const bands = [], charts = series.columns.slice(0, CHARTS).map((name, column) => chart(series, name, column, bands));
  pointed = ([row]) => shade(series, bands, row);
  const legend = make("p", { className: "legend series-legend" }, ...[["past", "past"], ["forecast", "forecast"], ...(series.truth ? [["truth", "what came"]] : []), ["looked", "looked at: darker is more"]].map(([kind, said]) => make("span", {}, make("i", { className: kind }), said)));
  const more = series.columns.length > CHARTS ? [make("p", { className: "quiet", textContent: `The first ${CHARTS} of ${series.columns.length} columns.` })] : [];
  return [legend, ...charts, ...more];
}

function chart({ times, past, forecast, truth, places }, name, column, bands) {
  const before = past.map(row => row[column]), after = forecast.map(row => row[column]), came = truth?.map(row => row[column]) ?? [];
  const all = [...before, ...after, ...came], low = Math.min(...all), high = Math.max(...all), count = before.length + after.length;
  const x = i => MARGIN.left + ((WIDE - MARGIN.left - MARGIN.right) * i) / Math.max(1, count - 1), y = v => MARGIN.top + (TALL - MARGIN.top - MARGIN.bottom) * (1 - (v - low) / (high - low || 1));
  const line = (values, from, kind) => svg("polyline", { class: kind, points: values.map((v, i) => `${x(from + i).toFixed(1)},${y(v).toFixed(1)}`).join(" ") });
  const half = (x(1) - x(0)) / 2 || 1, border = before.length - 1;
  const boxes = places.map(([from, to]) => svg("rect", { class: "band", x: (x(from) - half).toFixed(1), width: Math.max(1, x(to - 1) - x(from) + 2 * half).toFixed(1), y: MARGIN.top, height: TALL - MARGIN.top - MARGIN.bottom }));
  bands.push(boxes);
  const text = (tx, ty, words, anchor) => { const element = svg("text", { x: tx, y: ty, "text-anchor": anchor }); element.textContent = words; return element; };
  const figure = svg("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "series", role: "img" }, ...boxes,
    svg("line", { class: "border", x1: x(border) + half, x2: x(border) + half, y1: MARGIN.top, y2: TALL - MARGIN.bottom }),
    line(before, 0, "past"), line([before[border], ...came], border, came.length ? "truth" : "none"), line([before[border], ...after], border, "forecast"),
    text(MARGIN.left - 8, MARGIN.top + 8, brief(high), "end"), text(MARGIN.left - 8, TALL - MARGIN.bottom, brief(low), "end"),
    text(MARGIN.left, TALL - 6, times[0], "start"), text(x(border), TALL - 6, times[border], "middle"), text(WIDE - MARGIN.right, TALL - 6, times.at(-1), "end"));
  figure.setAttribute("aria-label", `${name}: past from ${times[0]}, forecast to ${times.at(-1)}, from ${brief(after[0])} to ${brief(after.at(-1))}`);
  return make("figure", { className: "of-column" }, make("figcaption", { textContent: name }), figure);
}

const brief = value => String(+value.toPrecision(4));

function shade(series, bands, row) { // the weight of each place: of the row under the pointer, else the mean over the rows
  if (!drawn || drawn.layer.named[1] !== "past") return;
  const rows = row >= 0 ? [drawn.cells[row]] : drawn.cells, weights = series.places.map((_, j) => rows.reduce((sum, one) => sum + (one[j] ?? 0), 0) / rows.length), most = Math.max(...weights, 1e-9);
  for (const boxes of bands) boxes.forEach((box, j) => { box.style.fillOpacity = 0.5 * weights[j] / most; });
}
