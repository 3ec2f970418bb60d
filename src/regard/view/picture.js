"use strict";
// The picture: weights and colours.  `page.py` embeds the data (see `payload` there) and this script before the others.  Data is only
// ever written as text, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const at = id => document.getElementById(id);
const now = { sentence: 0, rank: 0, layer: null, head: "mean", merge: false, ends: true, numbers: false, stretch: false, whole: true };
const dark = matchMedia("(prefers-color-scheme: dark)"), printing = matchMedia("print");
let drawn = null; // what the map shows: { down, across, cells, layer, peak, large }
let touchedAt = () => ""; // "erased" or "pinned", of the places of a row and of a column: the live page knows

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// ---- weights ---------------------------------------------------------------------------------------
const unpacked = new Map();

async function unpack(weights) { // base64, deflated, all high bytes before all low bytes; or the number of such -> numbers from 0; or these
  if (weights instanceof Float32Array) return weights;
  const packed = typeof weights === "number" ? data.weights[weights] : weights;
  if (!unpacked.has(packed)) {
    const raw = Uint8Array.from(atob(packed), c => c.charCodeAt(0));
    const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const count = bytes.length / 2;
    const floats = new Float32Array(count);
    for (let i = 0; i < count; i++) floats[i] = (bytes[i] * 256 + bytes[count + i]) / data.unit;
    unpacked.set(packed, floats);
  }
  return unpacked.get(packed);
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
  const heads = head === "mean" ? [...Array(layer.heads).keys()] : [head], across = groups(axes[layer.across]);
  return groups(axes[layer.down]).map(row => {
    const sums = new Array(across.length).fill(0);
    for (const h of heads) for (const i of row.places) {
      const from = h * size + i * columns;
      for (let k = 0; k < sums.length; k++) for (const j of across[k].places) sums[k] += floats[from + j];
    }
    return sums.map(sum => sum / heads.length / row.places.length);
  });
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

function raster(canvas, cells, tone) { // a pixel for each cell; tone: [r, g, b] of a value
  const wide = Math.max(1, cells[0]?.length ?? 1), tall = Math.max(1, cells.length), image = new ImageData(wide, tall);
  cells.forEach((row, i) => row.forEach((value, j) => {
    const rgb = tone(value), at = 4 * (i * wide + j);
    for (let k = 0; k < 3; k++) image.data[at + k] = rgb[k];
    image.data[at + 3] = 255;
  }));
  canvas.width = wide;
  canvas.height = tall;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function thumbnail(canvas, cells) {
  const peak = Math.max(0.001, ...cells.map(row => Math.max(0, ...row)));
  raster(canvas, cells, value => color(value, peak).rgb);
}

function tint() { // colours apart from the layout, for they change with the light
  mix();
  const context = at("ramp").getContext("2d");
  ramp.forEach((tone, i) => { context.fillStyle = tone.css; context.fillRect(i, 0, 1, 1); });
  if (!drawn) return;
  if (drawn.large) drawn.large.tint();
  else [...at("map").tBodies[0].rows].forEach((row, i) => drawn.cells[i].forEach((value, j) => paint(row.cells[j + 1], value)));
  for (const canvas of at("heads").querySelectorAll("canvas")) thumbnail(canvas, canvas.cells);
}
