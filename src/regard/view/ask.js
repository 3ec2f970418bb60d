// The live page: what is typed and touched is asked of the model, and drawn by the same scripts as a page that was saved.

const told = { models: [] }; // what the server says of its models
const asked = { model: null, other: "", fields: [], example: null, beam: null, touched: [] };
const KEPT = 60; // answers that are remembered, so that Back is quick
const PAUSE = 1200; // ms after which what is typed is a new step to go back to

const modelNow = () => told.models.find(one => one.name === asked.model) ?? told.models[0];

// ---- asking ----------------------------------------------------------------------------------------
const answers = new Map();

async function request(path, body) {
  const headers = { "Content-Type": "application/json", ...(at("token").value ? { Authorization: `Bearer ${at("token").value}` } : {}) };
  const answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers }).catch(() => null);
  if (!answer) throw new Error("The server does not answer. Is it still running?");
  const said = await answer.json();
  if (answer.ok) return said;
  throw Object.assign(new Error(said.detail ?? `status ${answer.status}`), { status: answer.status });
}

/** The sentence that a model answers, as the page shows it. */
function answerOf(model, touched) {
  const body = { model: model.name, ...what(model), options: model.beam === null ? {} : { beam: asked.beam ?? model.beam, n_best: asked.beam ?? model.beam }, interventions: byKind(touched) };
  const key = JSON.stringify(body);
  if (!answers.has(key)) {
    if (answers.size >= KEPT) answers.delete(answers.keys().next().value);
    answers.set(key, request("/v1/view", body).then(({ pictures: [payload] }) => adopt(payload)));
    answers.get(key).catch(() => answers.delete(key));
  }
  return answers.get(key);
}

function adopt(payload) { // its layers hold their weights themselves, for several answers are shown at once
  data.unit = payload.unit;
  const [sentence] = payload.sentences;
  for (const best of sentence.best) for (const layer of best.layers) layer.weights = payload.weights[layer.weights];
  return sentence;
}

function what(model) { // the text as the task takes it, or the number of an example
  if (asked.example !== null) return { example: asked.example };
  const fields = model.fields.map((_, k) => (asked.fields[k] ?? "").replace(/[\t\n]+/g, " ").toWellFormed());
  if (model.fields.length < 2) return { text: fields[0] ?? "" };
  return { text: model.fields[1] === "features" ? { source: fields[0], features: fields[1] } : fields };
}

let turn = 0, running = false, waiting = false;

async function ask() { // one at a time, and then what was asked last
  if (running) { waiting = true; return; }
  running = true;
  do {
    waiting = false;
    await askOnce(++turn);
  } while (waiting);
  running = false;
}

async function askOnce() {
  const begun = performance.now(), model = modelNow(), other = told.models.find(one => one.name === asked.other && one !== model);
  document.body.classList.add("stale");
  try {
    if (asked.example === null && !asked.fields.some(text => text.trim())) return showNothing();
    const [mine, before, there] = await Promise.all([answerOf(model, asked.touched), asked.touched.length ? answerOf(model, []) : null, other ? answerOf(other, []) : null]);
    if (waiting) return;
    compared = other ? { title: other.name, mine: model.name + (before ? ", touched" : ""), sentence: there } : before ? { title: "as it is", mine: "touched", sentence: before } : null;
    data.sentences = [mine];
    now.sentence = 0;
    now.rank = Math.min(now.rank, mine.best.length - 1);
    at("results").hidden = false;
    showSides(mine, before, there, other);
    showSentence();
    listTouched();
    await new Promise(requestAnimationFrame);
    say(`${Math.max(1, Math.round(performance.now() - begun))} ms`);
    document.body.dataset.ms = (performance.now() - begun).toFixed(1);
  } catch (error) {
    listTouched();
    if (error.status === 401) at("token-tool").hidden = false;
    say(error.message, true);
  } finally {
    document.body.classList.remove("stale");
    document.body.dataset.asked = turn;
  }
}

function showNothing() {
  at("results").hidden = true;
  at("sides").hidden = true;
  listTouched();
  say("Type something, or choose an example.");
  remember();
}

function say(text, fault = false) {
  at("state").textContent = text;
  at("state").classList.toggle("fault", fault);
}

// ---- side by side ----------------------------------------------------------------------------------
const minus = number => number.toFixed(3).replace("-", "−");

const piecesOf = text => (/\s/.test(text.trim()) ? text.split(/(?<=\s)/) : [...text]); // words, where there are some

const change = number => `${number > 0 ? "+" : ""}${Math.abs(number) < 0.0005 ? String(+number.toPrecision(1)).replace("-", "−") : minus(number)}`;

function card(title, best, beside) { // an answer; what the other does not have is set off
  const pieces = piecesOf(best.text), same = new Set(beside ? matched(pieces, piecesOf(beside.text)).map(([i]) => i) : pieces.keys()), text = make("bdi", { dir: "auto" });
  if (!best.text || !same.size) text.textContent = best.text || "(nothing)"; // all of it is another
  else text.append(...pieces.map((piece, i) => (same.has(i) ? piece : make("mark", { textContent: piece }))));
  return make("div", { className: "card" }, make("p", { className: "eyebrow", textContent: title }), make("p", { className: "text" }, text), make("p", { className: "score", textContent: best.score === null ? "" : `log-probability ${minus(best.score)}` }));
}

function showSides(mine, before, there, other) {
  at("sides").hidden = !before && !other;
  if (at("sides").hidden) return;
  const best = mine.best[0], was = before?.best[0], theirs = there?.best[0], base = was ?? best, cards = [];
  cards.push(card(other ? `${modelNow().name}${was ? ", as it is" : ""}` : "As it is", base, was ? best : theirs));
  if (was) cards.push(card("Touched", best, was));
  if (theirs) cards.push(card(other.name, theirs, base));
  const lines = [];
  if (was && was.score !== null && best.score !== null) {
    lines.push(`${best.text === was.text ? "The same answer" : "Another answer"}: log-probability ${change(best.score - was.score)}`);
    const old = mine.best.find(one => one.text === was.text);
    if (best.text !== was.text && old?.score !== null) lines.push(old ? `The old answer now has ${minus(old.score)} (${change(old.score - was.score)}).` : `The old answer is not among the ${mine.best.length} best any more.`);
  }
  if (theirs && theirs.score !== null && base.score !== null) lines.push(`${other.name}: log-probability ${minus(theirs.score)} beside ${minus(base.score)}${theirs.text === base.text ? "" : ", of another answer"}`);
  at("sides").replaceChildren(...cards, ...(lines.length ? [make("p", { className: "change", role: "status" }, ...lines.flatMap((line, i) => [i ? make("br") : "", line]))] : []));
}

// ---- what is typed ---------------------------------------------------------------------------------
let typed = 0;

function makeFields() {
  at("fields").replaceChildren(...modelNow().fields.map((name, k) => {
    const area = make("textarea", { id: `field-${k}`, rows: 1, dir: "auto", spellcheck: false, placeholder: "Type something", value: asked.fields[k] ?? "" });
    area.setAttribute("autocapitalize", "off");
    area.addEventListener("input", () => {
      step({ fields: modelNow().fields.map((_, i) => at(`field-${i}`).value), example: null }, Date.now() - typed < PAUSE);
      typed = Date.now();
      grow();
    });
    area.addEventListener("keydown", event => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      ask();
    });
    return make("div", {}, make("label", { className: "eyebrow", htmlFor: area.id, textContent: name === "text" ? "Your text" : name }), area);
  }));
  grow();
}

function grow() {
  for (const area of at("fields").querySelectorAll("textarea")) {
    area.classList.toggle("long", area.value.length > 160);
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, 260)}px`;
  }
}

function fillFields(fields) {
  asked.fields = fields;
  fields.forEach((text, k) => { if (at(`field-${k}`)) at(`field-${k}`).value = text; });
  grow();
}

function listExamples() {
  const { examples } = modelNow();
  at("rail").hidden = !examples.length;
  at("filter").hidden = examples.length < 9;
  at("sentences").replaceChildren(...examples.map(([name], k) => {
    const row = choice("sentence", k, k === asked.example, pickExample, make("span", { className: "number", textContent: k + 1 }), make("span", { className: "both" }, make("bdi", { dir: "auto", textContent: name })));
    row.firstChild.addEventListener("click", () => pickExample(k)); // also where it is chosen already, and was changed
    return row;
  }));
}

function pickExample(k) {
  const fields = modelNow().examples[k][1];
  step(fields.length ? { example: null, fields, touched: [] } : { example: k, touched: [] });
  fillFields(fields);
}

function filter() {
  const wanted = at("filter").value.normalize("NFC").toLowerCase(), rows = [...at("sentences").children];
  rows.forEach((row, k) => { row.hidden = !modelNow().examples[k][0].normalize("NFC").toLowerCase().includes(wanted); });
  at("none").hidden = rows.some(row => !row.hidden);
}

function pickModels() {
  const options = (chosen, first) => [...first, ...told.models.map(one => one.name)].map(name => make("option", { value: name, textContent: name || "nothing", selected: name === chosen }));
  at("model").replaceChildren(...options(modelNow().name, []));
  at("with").replaceChildren(...options(asked.other, [""]).filter(one => one.value !== modelNow().name));
  at("model-tool").hidden = at("with-tool").hidden = told.models.length < 2;
  at("beam-tool").hidden = modelNow().beam === null;
  at("beam").value = asked.beam ?? modelNow().beam ?? 1;
  at("how").hidden = !modelNow().touchable;
}

// ---- the address: every state has one, and Back undoes ---------------------------------------------
function step(change, replace = false) {
  Object.assign(asked, change);
  if (!replace) history.pushState(null, "", location.hash || "#");
  remember();
  ask();
}

function remember() {
  const model = modelNow(), link = new URLSearchParams();
  if (!model) return;
  if (told.models.length > 1) link.set("model", model.name);
  if (asked.other) link.set("with", asked.other);
  if (asked.example !== null) link.set("example", asked.example);
  else model.fields.forEach((name, k) => link.set(name, asked.fields[k] ?? ""));
  if (asked.beam !== null) link.set("beam", asked.beam);
  for (const one of asked.touched) link.append(one.kind, wordOf(one));
  if (now.rank) link.set("rank", now.rank + 1);
  if (now.layer) link.set("layer", now.layer);
  if (now.head !== "mean") link.set("head", now.head);
  for (const name of ["merge", "numbers", "stretch"]) if (now[name]) link.set(name, 1);
  if (!now.ends) link.set("ends", 0);
  try { history.replaceState(null, "", `#${link}`); } catch { /* a page inside another may not, and no page may a hundred times a second */ }
}

function recall() {
  const link = new URLSearchParams(location.hash.slice(1)), first = told.models[0];
  asked.model = told.models.some(one => one.name === link.get("model")) ? link.get("model") : first.name;
  asked.other = told.models.some(one => one.name === link.get("with") && one.name !== asked.model) ? link.get("with") : "";
  const model = modelNow(), given = model.fields.some(name => link.has(name));
  asked.example = link.has("example") ? parseInt(link.get("example"), 10) || 0 : !given && !model.fields.length ? 0 : null;
  asked.fields = given ? model.fields.map(name => link.get(name) ?? "") : (model.examples[0]?.[1] ?? []);
  asked.beam = parseInt(link.get("beam"), 10) || null;
  asked.touched = KINDS.flatMap(kind => link.getAll(kind).map(word => readWord(kind, word)));
  now.rank = Math.max(0, (parseInt(link.get("rank"), 10) || 1) - 1);
  now.layer = link.get("layer");
  now.head = /^\d+$/.test(link.get("head") ?? "") ? Number(link.get("head")) : "mean";
  for (const name of ["merge", "numbers", "stretch"]) at(name).checked = now[name] = link.get(name) === "1";
  at("ends").checked = now.ends = link.get("ends") !== "0";
  makeFields();
  pickModels();
  listExamples();
}

function back() {
  const held = document.activeElement?.id;
  recall();
  if (held?.startsWith("field-")) at(held)?.focus();
  ask();
}

async function openPage() {
  try {
    told.models = (await request("/v1/models")).models;
  } catch (error) {
    at("token-tool").hidden = error.status !== 401;
    return say(error.message, true);
  }
  at("token-tool").hidden = true;
  recall();
  await ask();
  at("field-0")?.focus({ preventScroll: true });
}

at("token").addEventListener("change", openPage);
at("filter").addEventListener("input", filter);
at("model").addEventListener("change", event => { step({ model: event.target.value, touched: [], other: asked.other === event.target.value ? "" : asked.other, example: null }); recall(); });
at("with").addEventListener("change", event => step({ other: event.target.value }));
at("beam").addEventListener("change", event => step({ beam: Math.max(1, Math.min(16, Math.round(Number(event.target.value)) || 1)) }));
at("ask").addEventListener("submit", event => event.preventDefault());
addEventListener("popstate", back);
openPage();
