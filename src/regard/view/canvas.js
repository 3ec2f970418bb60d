// Maps drawn with a pen on a canvas, where a table would be too large or a map stands beside another.

const LARGE = 3000; // cells from which on the map is a canvas: as many elements would be slow to lay out and to point at
const SVG = document.querySelector("svg").namespaceURI; // of the sign above
const LABEL = 170; // pixels of a label at most
const ruler = document.createElement("canvas").getContext("2d");
const FAMILY = getComputedStyle(document.body).fontFamily;
const fontOf = (size, bold = false) => `${bold ? "600 " : ""}${size}px ${FAMILY}`;
const styleOf = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// ---- the pen ---------------------------------------------------------------------------------------
class CanvasPen {
  constructor(context) { this.context = context; }

  rect(x, y, w, h, fill, radius = 0) {
    this.context.fillStyle = fill;
    if (!radius) return this.context.fillRect(x, y, w, h);
    this.context.beginPath();
    this.context.roundRect(x, y, w, h, radius);
    this.context.fill();
  }

  text(x, y, text, { align = "left", turned = false, size = 13, fill, bold = false }) {
    const { context } = this;
    context.save();
    context.translate(x, y);
    if (turned) context.rotate(-Math.PI / 2);
    Object.assign(context, { font: fontOf(size, bold), fillStyle: fill, textAlign: align, textBaseline: "middle", direction: "ltr" });
    context.fillText(text, 0, 0, 2 * LABEL);
    context.restore();
  }
}

// ---- a map: { down, across, cells, tone } with tone: [r, g, b] of a value ---------------------------
function cut(text, size) {
  ruler.font = fontOf(size);
  if (ruler.measureText(text).width <= LABEL) return text;
  const parts = [...text];
  while (parts.length > 1 && ruler.measureText(`${parts.join("")}…`).width > LABEL) parts.pop();
  return `${parts.join("")}…`;
}

function layOut(map, size) { // where cells begin, the labels with their widths, and whether those across are turned
  const letter = Math.max(9, Math.min(15, size * 0.62)), measured = part => {
    const text = cut(part.shown, letter);
    return { text, width: ruler.measureText(text).width };
  };
  ruler.font = fontOf(letter);
  const labels = { down: map.down.map(measured), across: map.across.map(measured) }, widest = some => Math.ceil(some.reduce((most, one) => Math.max(most, one.width), 8));
  const turned = widest(labels.across) > size;
  return { size, letter, labels, turned, every: Math.max(1, Math.ceil((letter + 2) / size)), left: widest(labels.down) + 10, top: (turned ? widest(labels.across) : letter) + 12 };
}

function drawLabel(pen, map, lay, seen, k, down, look) { // look: { ink, paper, bold }; with paper, the label lies on it
  const { size, letter } = lay, at = lay[down ? "top" : "left"] + k * size - (down ? seen.y : seen.x) + size / 2, { text, width } = lay.labels[down ? "down" : "across"][k];
  const thick = Math.max(Math.min(size, letter + 6), 3), wide = lay.turned ? thick : Math.max(thick, size - 2), style = { size: letter, fill: look.ink, bold: look.bold };
  if (look.paper && down) pen.rect(lay.left - 9 - width - 3, at - thick / 2, width + 6, thick, look.paper, 3);
  if (look.paper && !down) pen.rect(at - wide / 2, lay.turned ? lay.top - 12 - width : lay.top - letter - 10, wide, lay.turned ? width + 6 : letter + 6, look.paper, 3);
  if (down) pen.text(lay.left - 9, at, text, { ...style, align: "right" });
  else if (lay.turned) pen.text(at, lay.top - 9, text, { ...style, turned: true });
  else pen.text(at, lay.top - letter / 2 - 7, text, { ...style, align: "center" });
}

function drawLabels(pen, map, lay, seen) { // those in sight; where they are too many, some
  const ink = styleOf("--ink"), muted = styleOf("--muted");
  for (const [parts, [from, to], down] of [[map.down, seen.rows, true], [map.across, seen.columns, false]]) {
    for (let k = from; k < to; k++) if (k % lay.every === 0) drawLabel(pen, map, lay, seen, k, down, { ink: parts[k].end ? muted : ink });
  }
}

function drawPointed(pen, map, lay, seen, [i, j]) { // the labels that the pointed row, or column, goes to take the colours of its weights
  const down = i < 0, [from, to] = down ? seen.rows : seen.columns;
  for (let k = from; k < to; k++) {
    if (k % lay.every) continue;
    const rgb = map.tone(map.cells[down ? k : i][down ? j : k]), dark = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 140;
    drawLabel(pen, map, lay, seen, k, down, { ink: dark ? "#fff" : "#17191d", paper: `rgb(${rgb})` });
  }
  const here = { ink: styleOf("--ink"), paper: styleOf("--paper"), bold: true };
  if (i >= 0) drawLabel(pen, map, lay, seen, i, true, here);
  if (j >= 0) drawLabel(pen, map, lay, seen, j, false, here);
}

function markCells(map) { // [row, column, kind] of what a person erased or pinned
  if (!map.own || !touchedAt.active) return [];
  return map.down.flatMap((row, i) => map.across.flatMap((column, j) => {
    const kind = touchedAt(row.places, column.places);
    return kind ? [[i, j, kind]] : [];
  }));
}

function clip(context, boxes, draw) {
  context.save();
  context.beginPath();
  for (const box of boxes) context.rect(...box);
  context.clip();
  draw();
  context.restore();
}

function outline(context, x, y, size, css, width) {
  context.strokeStyle = css;
  context.lineWidth = width;
  context.strokeRect(x + width / 2, y + width / 2, Math.max(1, size - width), Math.max(1, size - width));
}

/** A map on a canvas that scrolls: what is in sight is drawn, so that its size does not matter. */
class CanvasMap {
  constructor(host, { label, pick = null, moved = () => {} }) {
    this.host = host;
    this.moved = moved;
    this.pick = pick;
    this.pixels = document.createElement("canvas");
    this.base = document.createElement("canvas");
    this.canvas = make("canvas");
    this.cell = make("span", { className: "unseen", id: `${host.id}-cell` });
    this.stage = make("div", { className: "stage" }, this.canvas, this.cell);
    this.canvas.setAttribute("aria-hidden", "true");
    this.cell.setAttribute("role", "gridcell");
    host.tabIndex = 0;
    host.setAttribute("role", "grid");
    host.setAttribute("aria-label", label);
    host.setAttribute("aria-activedescendant", this.cell.id);
    host.replaceChildren(this.stage);
    host.onscroll = () => this.later();
    host.onpointermove = event => this.hover(event);
    host.onpointerleave = () => this.hover(null);
    host.onclick = event => this.pick?.(this.spotAt(event), event);
    host.onkeydown = event => this.key(event);
    host.onfocus = () => this.host.matches(":focus-visible") && this.moved(this.spot ?? [0, 0]);
    host.onblur = () => this.moved(null);
    this.spot = null;
    this.cursor = [0, 0];
  }

  show(map, { least = 2, most = 30 } = {}) {
    this.map = map;
    this.marks = markCells(map);
    const room = (printing.matches ? 690 : this.host.clientWidth - 4), rows = Math.max(1, map.down.length), columns = Math.max(1, map.across.length);
    const fit = Math.min(most, (room - layOut(map, 12).left) / columns, Math.max(9, 640 / rows)), size = printing.matches ? Math.max(1, fit) : Math.max(least, fit);
    this.lay = layOut(map, size >= 4 ? Math.floor(size) : size);
    this.stage.style.width = `${this.lay.left + columns * this.lay.size + 4}px`;
    this.stage.style.height = `${this.lay.top + rows * this.lay.size + 4}px`;
    this.tint();
  }

  tint() {
    raster(this.pixels, this.map.cells, this.map.tone);
    this.draw();
  }

  later() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  seen() { // what is in sight: how far it is scrolled, rows and columns from and to
    const { host, lay, map } = this, whole = printing.matches, x = whole ? 0 : host.scrollLeft, y = whole ? 0 : host.scrollTop;
    const part = (from, room, count) => [Math.max(0, Math.floor(from / lay.size)), Math.min(count, Math.ceil((from + room) / lay.size))];
    const width = whole ? this.stage.offsetWidth : Math.min(host.clientWidth, this.stage.offsetWidth), height = whole ? this.stage.offsetHeight : Math.min(host.clientHeight, this.stage.offsetHeight);
    return { x, y, width, height, rows: part(y, height - lay.top, map.down.length), columns: part(x, width - lay.left, map.across.length) };
  }

  draw() { // all of what is in sight, which is kept beneath what the pointer changes
    const { lay, map, base } = this, seen = this.state = this.seen(), scale = devicePixelRatio || 1, { size, left, top } = lay;
    for (const canvas of [base, this.canvas]) {
      canvas.width = Math.round(seen.width * scale);
      canvas.height = Math.round(seen.height * scale);
    }
    Object.assign(this.canvas.style, { width: `${seen.width}px`, height: `${seen.height}px` });
    const context = base.getContext("2d"), pen = new CanvasPen(context), paper = styleOf("--paper");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const [r0, r1] = seen.rows, [c0, c1] = seen.columns, x = c => left + c * size - seen.x, y = r => top + r * size - seen.y;
    clip(context, [[left, top, seen.width - left, seen.height - top]], () => {
      context.imageSmoothingEnabled = false;
      context.drawImage(this.pixels, c0, r0, c1 - c0, r1 - r0, x(c0), y(r0), (c1 - c0) * size, (r1 - r0) * size);
      if (size >= 7) {
        for (let c = c0; c <= c1; c++) pen.rect(x(c) - 0.5, y(r0), 1, (r1 - r0) * size, paper);
        for (let r = r0; r <= r1; r++) pen.rect(x(c0), y(r) - 0.5, (c1 - c0) * size, 1, paper);
      }
      for (const [i, j, kind] of this.marks) outline(context, x(j), y(i), size, styleOf(kind === "pinned" ? "--pin" : "--erase"), Math.min(2, size / 3));
    });
    clip(context, [[0, top, left, seen.height - top], [left, 0, seen.width - left, top]], () => drawLabels(pen, map, lay, seen));
    const corner = { align: "right", size: 10.5, fill: styleOf("--muted") };
    if (map.own && left > 60) [`${map.layer.named[1]} →`, `${map.layer.named[0]} ↓`].forEach((said, k) => pen.text(left - 9, top - 20 + 13 * k, said, corner));
    this.drawSpot();
  }

  drawSpot() {
    const { lay, map, base, spot, state: seen } = this, scale = devicePixelRatio || 1, context = this.canvas.getContext("2d"), { size, left, top } = lay;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, base.width, base.height);
    context.drawImage(base, 0, 0);
    if (!spot) return;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const [i, j] = spot;
    if (i >= 0 && j >= 0) clip(context, [[left, top, seen.width - left, seen.height - top]], () => outline(context, left + j * size - seen.x, top + i * size - seen.y, size, styleOf("--ink"), Math.min(2, Math.max(1, size / 4))));
    clip(context, [[0, top, left, seen.height - top], [left, 0, seen.width - left, top]], () => drawPointed(new CanvasPen(context), map, lay, seen, spot));
  }

  spotAt(event) {
    const box = this.canvas.getBoundingClientRect(), seen = this.seen(), x = event.clientX - box.left, y = event.clientY - box.top;
    const j = x < this.lay.left ? -1 : Math.floor((x - this.lay.left + seen.x) / this.lay.size), i = y < this.lay.top ? -1 : Math.floor((y - this.lay.top + seen.y) / this.lay.size);
    return i >= this.map.down.length || j >= this.map.across.length || (i < 0 && j < 0) ? null : [i, j];
  }

  hover(event) { // at most once a frame, however often the pointer says where it is
    const asked = this.asked;
    this.asked = { event };
    if (asked) return;
    requestAnimationFrame(() => {
      const last = this.asked.event;
      this.asked = null;
      this.moved(last && this.spotAt(last));
    });
  }

  point(spot) {
    this.spot = spot;
    this.drawSpot();
  }

  box(i, j) { // of a cell, on the screen
    const box = this.canvas.getBoundingClientRect(), seen = this.seen(), { left, top, size } = this.lay;
    return { right: box.left + left + (j + 1) * size - seen.x, bottom: box.top + top + (i + 1) * size - seen.y, top: box.top + top + i * size - seen.y };
  }

  key(event) {
    if (STEPS[event.key] && this.map.own) {
      event.preventDefault();
      const [i, j] = this.cursor = stepped(this.cursor, event.key), { size } = this.lay, { host } = this;
      this.cell.textContent = saying(i, j);
      host.scrollLeft = Math.max(Math.min(host.scrollLeft, j * size), (j + 1) * size + this.lay.left - host.clientWidth);
      host.scrollTop = Math.max(Math.min(host.scrollTop, i * size), (i + 1) * size + this.lay.top - host.clientHeight);
      this.moved(this.cursor);
    } else if (this.pick && this.map.own) this.pick(this.cursor, event);
  }
}
