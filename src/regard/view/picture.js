"use strict";
// The picture: weights, colours, the table and what happens under the pointer.  `page.py` embeds the data (see `payload` there) and
// this script before `pickers.js`.  Data is only ever written as text, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const at = id => document.getElementById(id);
const now = { sentence: 0, rank: 0, layer: null, head: "mean", merge: false, ends: true, numbers: false, stretch: false };
const dark = matchMedia("(prefers-color-scheme: dark)"), printing = matchMedia("print");
let drawn = null; // what the table shows: { down, across, cells, layer, peak }

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// ---- weights ---------------------------------------------------------------------------------------
const unpacked = new Map();

async function unpack(number) { // base64, deflated, all high bytes before all low bytes -> numbers from 0; or the numbers themselves
  if (number instanceof Float32Array) return number;
  if (!unpacked.has(number)) {
    const raw = Uint8Array.from(atob(data.weights[number]), c => c.charCodeAt(0));
    const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const count = bytes.length / 2;
    unpacked.set(number, Float32Array.from({ length: count }, (_, i) => (bytes[i] * 256 + bytes[count + i]) / data.unit));
  }
  return unpacked.get(number);
}

function groups(axis) { // what a row or column is made of: [{ shown, said, end, places }]
  const merged = now.merge && axis.spaced;
  const labels = merged ? axis.words : axis.tokens;
  const parts = labels.map(([shown, said]) => ({ shown, said, end: false, places: [] }));
  axis.of.forEach((word, place) => parts[merged ? word : place].places.push(place));
  for (const place of axis.ends) parts[merged ? axis.of[place] : place].end = true;
  return now.ends ? parts : parts.filter(part => !part.end);
}

function gather(floats, layer, axes, head) { // the cells of one head (or the mean): rows averaged, columns summed
  const rows = axes[layer.down].tokens.length, columns = axes[layer.across].tokens.length, size = rows * columns;
  const heads = head === "mean" ? [...Array(layer.heads).keys()] : [head];
  const across = groups(axes[layer.across]);
  return groups(axes[layer.down]).map(row => across.map(column => {
    let sum = 0;
    for (const h of heads) for (const i of row.places) for (const j of column.places) sum += floats[h * size + i * columns + j];
    return sum / heads.length / row.places.length;
  }));
}

// ---- colour ----------------------------------------------------------------------------------------
let ramp = [];

function mix() { // 256 colours from the style's stops; paper is light
  const style = getComputedStyle(document.documentElement);
  const stops = style.getPropertyValue(dark.matches && !printing.matches ? "--ramp-dark" : "--ramp-light").split(",").map(hex => {
    const number = parseInt(hex.trim().slice(1), 16);
    return [number >> 16, (number >> 8) & 255, number & 255];
  });
  ramp = Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (stops.length - 1), left = Math.min(Math.floor(place), stops.length - 2);
    const rgb = stops[left].map((c, k) => Math.round(c + (stops[left + 1][k] - c) * (place - left)));
    return { css: `rgb(${rgb})`, rgb, dark: 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 140 };
  });
}

const color = (value, peak) => ramp[Math.max(0, Math.min(255, Math.round((value / peak) * 255)))];
const scale = cells => (now.stretch ? Math.max(0.001, ...cells.map(row => Math.max(0, ...row))) : 1);

function paint(element, value) {
  const tone = value === null ? null : color(value, drawn.peak);
  element.style.background = tone ? tone.css : "";
  element.classList.toggle("dark", Boolean(tone?.dark));
  element.classList.toggle("light", Boolean(tone && !tone.dark));
}

function thumbnail(canvas, cells) {
  canvas.width = Math.max(1, cells[0]?.length ?? 1);
  canvas.height = Math.max(1, cells.length);
  const context = canvas.getContext("2d"), peak = Math.max(0.001, ...cells.map(row => Math.max(0, ...row)));
  cells.forEach((row, i) => row.forEach((value, j) => {
    context.fillStyle = color(value, peak).css;
    context.fillRect(j, i, 1, 1);
  }));
}

// ---- the table -------------------------------------------------------------------------------------
const wide = /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]|[\u{20000}-\u{3ffff}]/u;

function label(part, tag, scope) {
  const text = make("bdi", { dir: "auto" }), spaced = part.shown.length > 1 && part.shown.startsWith("▁");
  text.append(...(spaced ? [make("span", { className: "space", textContent: "▁" }), part.shown.slice(1)] : [part.shown]));
  const cell = make(tag, { scope, title: part.said === part.shown ? part.shown : `${part.shown} · ${part.said}` }, text);
  if (part.end) cell.className = "mark";
  if (part.said !== part.shown) cell.setAttribute("aria-label", part.said);
  return cell;
}

const letters = part => [...part.shown.replace(/\p{M}/gu, "")].length;
const fits = (part, size) => letters(part) * (wide.test(part.shown) ? 16 : 9) <= Math.max(size, 16);

function stand(cells, parts, size) { // where a label is wider than its column all long ones are turned; wide characters are stacked instead
  const turned = !parts.every(part => fits(part, size));
  parts.forEach((part, j) => {
    const kind = turned && letters(part) > 1 ? (wide.test(part.shown) ? "stacked" : "turned") : "";
    for (const name of ["stacked", "turned"]) cells[j].classList.toggle(name, name === kind);
  });
}

function build(layer, down, across, cells) {
  const table = at("map"), corner = make("td", { className: "corner" });
  corner.append(`${layer.named[1]} →`, make("br"), `${layer.named[0]} ↓`);
  const head = make("tr", {}, corner, ...across.map(part => label(part, "th", "col")));
  const body = down.map((part, i) => make("tr", {}, label(part, "th", "row"), ...cells[i].map(value => {
    return make("td", { tabIndex: -1, textContent: value < 0.0005 ? "0" : value.toFixed(3) });
  })));
  table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
  table.setAttribute("aria-label", `${layer.name}: ${layer.named[0]} down, ${layer.named[1]} across`);
  resize();
  resize(); // labels are measured in the size that the first call gave them
  if (body.length && across.length) body[0].cells[1].tabIndex = 0;
}

function resize() { // few rows may be large, many stay on the screen; on paper all columns must fit
  const table = at("map"), count = Math.max(1, drawn.across.length), most = Math.max(26, Math.min(42, Math.floor(480 / Math.max(1, drawn.down.length))));
  const margin = Math.max(...[...table.rows].map(row => row.cells[0].offsetWidth)) + 8;
  const room = (printing.matches ? 690 : at("frame").clientWidth) - margin, fit = Math.min(now.numbers ? 40 : most, Math.floor(room / count));
  const size = printing.matches ? Math.max(6, fit) : now.numbers ? 40 : Math.max(14, fit);
  table.style.setProperty("--cell", `${size}px`);
  table.style.setProperty("--gap", size < 20 ? "1px" : "2px");
  table.style.fontSize = `${Math.max(printing.matches ? 5 : 10.5, Math.min(16, size * 0.6))}px`;
  table.classList.toggle("numbers", now.numbers && size > 36);
  stand([...table.rows[0].cells].slice(1), drawn.across, size);
}

function tint() { // colours apart from the layout, for they change with the light
  mix();
  const context = at("ramp").getContext("2d");
  ramp.forEach((tone, i) => { context.fillStyle = tone.css; context.fillRect(i, 0, 1, 1); });
  if (!drawn) return;
  [...at("map").tBodies[0].rows].forEach((row, i) => drawn.cells[i].forEach((value, j) => paint(row.cells[j + 1], value)));
  for (const canvas of at("heads").querySelectorAll("canvas")) thumbnail(canvas, canvas.cells);
}

// ---- pointing --------------------------------------------------------------------------------------
function place(cell) { // [row, column] of a cell or header; -1 for the header
  return cell?.closest("td:not(.corner), th") ? [cell.closest("tr").rowIndex - 1, cell.closest("td, th").cellIndex - 1] : null;
}

function point(cell) { // a cell: its value; a header: where its whole row or column goes
  const rows = [...at("map").rows], spot = place(cell);
  for (const th of at("map").querySelectorAll("th")) { paint(th.firstChild, null); th.classList.remove("at"); }
  at("tip").hidden = true;
  if (!spot || !drawn) return;
  const [i, j] = spot;
  if (i >= 0) drawn.cells[i].forEach((value, column) => paint(rows[0].cells[column + 1].firstChild, value));
  else drawn.cells.forEach((row, k) => paint(rows[k + 1].cells[0].firstChild, row[j]));
  if (i >= 0) rows[i + 1].cells[0].classList.add("at");
  if (j >= 0) rows[0].cells[j + 1].classList.add("at");
  if (i < 0 || j < 0) return;
  at("tip-down").textContent = spoken(drawn.down[i]);
  at("tip-across").textContent = spoken(drawn.across[j]);
  at("tip-where").textContent = `${drawn.layer.named[0]} ${i + 1}, ${drawn.layer.named[1]} ${j + 1}`;
  at("tip-value").textContent = drawn.cells[i][j].toFixed(3);
  at("tip").hidden = false;
  const box = rows[i + 1].cells[j + 1].getBoundingClientRect(), tip = at("tip").getBoundingClientRect();
  at("tip").style.left = `${Math.max(6, Math.min(box.right + 10, innerWidth - tip.width - 6))}px`;
  at("tip").style.top = `${box.bottom + tip.height + 14 < innerHeight ? box.bottom + 8 : box.top - tip.height - 8}px`;
}

const spoken = part => (part.shown.replace(/^▁(?=.)/u, "") === part.said ? part.said : `${part.shown} ${part.said}`);

function walk(event) { // the arrow keys, Home and End go from cell to cell
  const spot = place(event.target), steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -1e6], End: [0, 1e6] };
  if (!spot || !steps[event.key]) return;
  event.preventDefault();
  const [i, j] = spot.map((from, k) => Math.max(0, Math.min((k ? drawn.across : drawn.down).length - 1, from + steps[event.key][k])));
  const next = at("map").tBodies[0].rows[i].cells[j + 1];
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.setAttribute("aria-label", `${drawn.down[i].said} looks at ${drawn.across[j].said}: ${drawn.cells[i][j].toFixed(3)}`);
  next.focus();
}
