// The live page: what is typed is answered, and where the model looked is drawn by the view's scripts, which stand before this one.

const told = JSON.parse(at("model").textContent);
const LONG = 12; // ms after which typing comes first
let running = null, turn = 0;

const pause = () => new Promise(resolve => setTimeout(resolve));

/** The answer that a generator comes to; null where something else was asked meanwhile. */
async function finish(answering, mine) {
  let since = performance.now();
  for (;;) {
    const { done, value } = answering.next();
    if (done) return value;
    if (performance.now() - since > LONG) {
      await pause();
      if (mine !== turn) return null;
      since = performance.now();
    }
  }
}

function say(text, fault = false) {
  at("state").textContent = text;
  at("state").classList.toggle("fault", fault);
}

async function answerNow() {
  const mine = ++turn, text = at("text").value.replace(/\s*\n\s*/g, " ").toWellFormed();
  grow();
  if (!running) return;
  at("results").hidden = !text.trim();
  if (!text.trim()) {
    remember();
    return say("Ready.");
  }
  at("results").classList.add("stale");
  try {
    const features = told.features ? splitFeatures(at("feature-text").value, told.features) : [], begun = performance.now();
    const answered = await finish(running.answer(text, features, beamNow()), mine);
    if (answered === null) return;
    showAnswered(answered);
    say(`${Math.max(1, Math.round(performance.now() - begun))} ms`);
  } catch (error) {
    at("results").hidden = true;
    say(`This text cannot be answered: ${error.message}`, true);
  }
  at("results").classList.remove("stale");
}

const beamNow = () => Math.max(1, Math.min(20, Math.round(Number(at("beam").value)) || told.beam));

function showAnswered(answered) {
  data.sentences = [showSource(answered, told.tokenLabels)];
  now.sentence = now.rank = 0;
  if (told.task === "tag") showTags(answered);
  showSentence();
}

// ---- what a tagger says ----------------------------------------------------------------------------
const kindOf = tag => (tag === "O" ? "" : tag.replace(/^[A-Z]+-/, "") || tag);

function showTags({ tokens, best: [{ tokens: tags, labels }] }) {
  const kinds = [...new Set(told.tags.map(kindOf).filter(Boolean))];
  at("ribbon").replaceChildren(...tokens.map((token, i) => {
    const kind = kindOf(tags[i]), inside = kind && kind !== tags[i] && /^[IEM]-/.test(tags[i]) && kindOf(tags[i - 1] ?? "O") === kind;
    const item = make("li", { className: kind ? `marked${inside ? " joined" : ""}` : "" }, make("bdi", { textContent: token }), make("span", { textContent: tags[i] }));
    item.style.setProperty("--hue", String(Math.round((kinds.indexOf(kind) * 137.5 + 200) % 360)));
    return item;
  }));
  at("labels").replaceChildren(...(labels ?? []).slice(0, 3).flatMap(([name, share]) => [
    make("bdi", { textContent: name }), make("progress", { max: 1, value: share, ariaLabel: name }), make("span", { textContent: `${(share * 100).toFixed(1)} %` }),
  ]));
  at("ribbon").hidden = false;
  at("labels").hidden = !labels;
}

// ---- what is asked ---------------------------------------------------------------------------------
function grow() {
  at("text").style.height = "auto";
  at("text").style.height = `${at("text").scrollHeight + 2}px`;
}

function offerExamples() {
  at("examples").replaceChildren(...told.examples.map(([text, features]) => {
    const written = features.join(told.features ?? " ");
    const button = make("button", { type: "button" }, make("bdi", { dir: "auto", textContent: [text, ...features].join(" · ") }));
    button.addEventListener("click", () => {
      at("text").value = text;
      at("feature-text").value = written;
      answerNow();
      at("text").focus();
    });
    return button;
  }));
}

function remember() {
  const link = new URLSearchParams({ text: at("text").value });
  if (told.features) link.set("features", at("feature-text").value);
  if (beamNow() !== told.beam) link.set("beam", beamNow());
  if (now.layer) link.set("layer", now.layer);
  if (now.head !== "mean") link.set("head", now.head);
  try { history.replaceState(null, "", `#${link}`); } catch { /* a page inside another may not */ }
}

function recall() {
  const link = new URLSearchParams(location.hash.slice(1)), [text, features] = told.examples[0] ?? ["", []];
  at("text").value = link.get("text") ?? text;
  at("feature-text").value = link.get("features") ?? (link.has("text") ? "" : features.join(told.features ?? " "));
  at("beam").value = link.get("beam") ?? told.beam;
  now.layer = link.get("layer");
  now.head = /^\d+$/.test(link.get("head") ?? "") ? Number(link.get("head")) : "mean";
}

async function openPage() {
  document.body.classList.add(told.task);
  at("features-tool").hidden = !told.features;
  at("beam-tool").hidden = !searches(told);
  offerExamples();
  recall();
  grow();
  try {
    running = await openModel(told);
    say("Ready.");
    await answerNow();
  } catch (error) {
    say(`The model cannot be opened: ${error.message}`, true);
  }
}

for (const name of ["text", "feature-text", "beam"]) at(name).addEventListener("input", answerNow);
at("text").addEventListener("keydown", event => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  answerNow();
});
at("ask").addEventListener("submit", event => event.preventDefault());
addEventListener("hashchange", () => { recall(); answerNow(); });
openPage();
at("text").focus();
