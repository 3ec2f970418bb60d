// Pictures as files to keep: the map from end to end, whatever is in sight, drawn with a pen on a canvas or as SVG.

// ---- as SVG ----------------------------------------------------------------------------------------
class SvgPen {
  constructor(width, height) {
    this.root = this.make("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "font-family": FAMILY });
  }

  make(tag, attributes) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, typeof value === "number" ? String(+value.toFixed(2)) : value);
    return element;
  }

  rect(x, y, width, height, fill, rx = 0) {
    this.root.append(this.make("rect", { x, y, width, height, fill, rx }));
  }

  text(x, y, text, { align = "left", turned = false, size = 13, fill, bold = false }) {
    const anchor = { left: "start", center: "middle", right: "end" }[align], at = `translate(${x.toFixed(2)} ${y.toFixed(2)})`;
    const element = this.make("text", { transform: turned ? `${at} rotate(-90)` : at, dy: ".35em", "text-anchor": anchor, "font-size": size, fill, ...(bold ? { "font-weight": 600 } : {}) });
    element.textContent = text;
    this.root.append(element);
  }
}

// ---- files -----------------------------------------------------------------------------------------
function whole(map, pen, lay, title) { // the map from end to end with its scale, whatever is in sight
  const { size, left, top } = lay, gap = size > 8 ? 2 : 0;
  map.cells.forEach((row, i) => row.forEach((value, j) => {
    pen.rect(left + j * size + gap / 2, top + i * size + gap / 2, size - gap, size - gap, `rgb(${map.tone(value)})`, gap ? 3 : 0);
  }));
  drawLabels(pen, map, lay, { x: 0, y: 0, rows: [0, map.down.length], columns: [0, map.across.length] });
  const below = top + map.down.length * size + 18;
  pen.text(left, below, "0", { size: 12, fill: styleOf("--muted") });
  for (let k = 0; k < 32; k++) pen.rect(left + 14 + k * 4, below - 5, 4.2, 10, `rgb(${map.tone((map.peak * k) / 31)})`);
  pen.text(left + 148, below, `${+map.peak.toFixed(3)}   ${title}`, { size: 12, fill: styleOf("--muted") });
}

function measureFile(map) {
  const lay = layOut(map, Math.max(3, Math.min(26, Math.floor(2400 / Math.max(1, map.across.length)))));
  return { lay, width: Math.ceil(Math.max(lay.left + map.across.length * lay.size + 10, lay.left + 460)), height: Math.ceil(lay.top + map.down.length * lay.size + 36) };
}

function asSvg(map, title) {
  const { lay, width, height } = measureFile(map), pen = new SvgPen(width, height);
  pen.rect(0, 0, width, height, styleOf("--paper"));
  whole(map, pen, lay, title);
  return new Blob([new XMLSerializer().serializeToString(pen.root)], { type: "image/svg+xml" });
}

function asPng(map, title) {
  const { lay, width, height } = measureFile(map), scale = Math.min(2, 16000 / Math.max(width, height)), canvas = make("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
  const context = canvas.getContext("2d"), pen = new CanvasPen(context);
  context.scale(scale, scale);
  pen.rect(0, 0, width, height, styleOf("--paper"));
  whole(map, pen, lay, title);
  return new Promise(resolve => canvas.toBlob(resolve, "image/png"));
}

async function keep(kind) { // a file of the picture that is shown
  if (!drawn) return;
  const map = { ...drawn, tone: value => color(value, drawn.peak).rgb }, blob = await (kind === "svg" ? asSvg : asPng)(map, at("caption").textContent);
  const link = make("a", { href: URL.createObjectURL(blob), download: `${drawn.layer.name}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

for (const kind of ["png", "svg"]) at(kind).addEventListener("click", () => keep(kind));
