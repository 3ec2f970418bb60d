// The map as a table, and what happens under the pointer and the keys, on the table and on the canvas of a large map alike.

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

function mark(rows, down, across) { // cells that a person erased or pinned
  rows.forEach((row, i) => across.forEach((column, j) => {
    const kind = touchedAt(down[i].places, column.places);
    if (!kind) return;
    row.cells[j + 1].classList.add(kind);
    row.cells[j + 1].setAttribute("aria-label", saying(i, j));
  }));
}

function build(layer, down, across, cells) {
  const table = at("map"), held = table.contains(document.activeElement) ? place(document.activeElement) : null, corner = make("td", { className: "corner" });
  corner.append(`${layer.named[1]} →`, make("br"), `${layer.named[0]} ↓`);
  const head = make("tr", {}, corner, ...across.map(part => label(part, "th", "col")));
  const body = down.map((part, i) => make("tr", {}, label(part, "th", "row"), ...cells[i].map(value => {
    return make("td", { tabIndex: -1, textContent: value < 0.0005 ? "0" : value.toFixed(3) });
  })));
  mark(body, down, across);
  table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
  table.setAttribute("aria-label", `${layer.name}: ${layer.named[0]} down, ${layer.named[1]} across`);
  resize();
  resize(); // labels are measured in the size that the first call gave them
  if (!body.length || !across.length) return;
  const [i, j] = held && held[0] < down.length && held[1] < across.length ? held : [0, 0]; // whoever works with the keys goes on where they were
  body[i].cells[j + 1].tabIndex = 0;
  if (held) body[i].cells[j + 1].focus();
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

// ---- pointing --------------------------------------------------------------------------------------
function place(cell) { // [row, column] of a cell or header; -1 for the header
  return cell?.closest("td:not(.corner), th") ? [cell.closest("tr").rowIndex - 1, cell.closest("td, th").cellIndex - 1] : null;
}

function point(spot) { // [row, column] of a cell: its value; with -1, of a label: where its whole row or column goes
  at("tip").hidden = true;
  if (!drawn) return;
  if (drawn.large) drawn.large.point(spot);
  else pointInTable(spot);
  pointed?.(spot ?? [-1, -1]);
  if (!spot || spot[0] < 0 || spot[1] < 0) return;
  const [i, j] = spot, touched = touchedAt(drawn.down[i].places, drawn.across[j].places);
  at("tip-down").textContent = spoken(drawn.down[i]);
  at("tip-across").textContent = spoken(drawn.across[j]);
  at("tip-where").textContent = `${drawn.layer.named[0]} ${i + 1}, ${drawn.layer.named[1]} ${j + 1}${touched ? ` · ${touched}` : ""}`;
  at("tip-value").textContent = drawn.cells[i][j].toFixed(3);
  at("tip").hidden = false;
  const box = drawn.large ? drawn.large.box(i, j) : at("map").rows[i + 1].cells[j + 1].getBoundingClientRect(), tip = at("tip").getBoundingClientRect();
  at("tip").style.left = `${Math.max(6, Math.min(box.right + 10, innerWidth - tip.width - 6))}px`;
  at("tip").style.top = `${box.bottom + tip.height + 14 < innerHeight ? box.bottom + 8 : box.top - tip.height - 8}px`;
}

let pointed = null; // who else hears of the cell under the pointer: a series

function pointInTable(spot) { // the other tokens take the colours of the row or column
  const rows = [...at("map").rows];
  for (const th of at("map").querySelectorAll("th")) { paint(th.firstChild, null); th.classList.remove("at"); }
  if (!spot) return;
  const [i, j] = spot;
  if (i >= 0) drawn.cells[i].forEach((value, column) => paint(rows[0].cells[column + 1].firstChild, value));
  else drawn.cells.forEach((row, k) => paint(rows[k + 1].cells[0].firstChild, row[j]));
  if (i >= 0) rows[i + 1].cells[0].classList.add("at");
  if (j >= 0) rows[0].cells[j + 1].classList.add("at");
}

const spoken = part => (part.shown.replace(/^▁(?=.)/u, "") === part.said ? part.said : `${part.shown} ${part.said}`);

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -1e6], End: [0, 1e6] };
const stepped = (spot, key) => spot.map((from, k) => Math.max(0, Math.min((k ? drawn.across : drawn.down).length - 1, from + STEPS[key][k])));

function saying(i, j) {
  const touched = touchedAt(drawn.down[i].places, drawn.across[j].places);
  return `${drawn.down[i].said} looks at ${drawn.across[j].said}: ${drawn.cells[i][j].toFixed(3)}${touched ? `, ${touched}` : ""}`;
}

function walk(event) { // the arrow keys, Home and End go from cell to cell
  const spot = place(event.target);
  if (!spot || !STEPS[event.key]) return;
  event.preventDefault();
  const [i, j] = stepped(spot, event.key), next = at("map").tBodies[0].rows[i].cells[j + 1];
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.setAttribute("aria-label", saying(i, j));
  next.focus();
}
