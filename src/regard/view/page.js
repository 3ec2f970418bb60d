// The page of many sentences: their list, and a link that remembers what is shown.

// ---- sentences -------------------------------------------------------------------------------------
function listSentences() {
  at("rail").hidden = data.sentences.length < 2;
  at("filter").hidden = data.sentences.length < 9;
  at("sentences").replaceChildren(...data.sentences.map((item, i) => choice("sentence", i, i === now.sentence, pickSentence,
    make("span", { className: "number", textContent: i + 1 }),
    make("span", { className: "both" }, make("bdi", { dir: "auto", textContent: item.source || "(empty line)" }), make("bdi", { dir: "auto", textContent: item.best[0]?.text ?? "" })))));
}

function filter() {
  const wanted = at("filter").value.normalize("NFC").toLowerCase();
  let found = 0;
  [...at("sentences").children].forEach((row, i) => {
    const item = data.sentences[i];
    row.hidden = ![item.source, ...item.best.map(best => best.text)].some(text => text.normalize("NFC").toLowerCase().includes(wanted));
    found += !row.hidden;
  });
  at("none").hidden = found > 0;
}

function pickSentence(i) {
  now.sentence = i;
  showSentence();
}

// ---- a link to what is shown ------------------------------------------------------------------------
function remember() {
  const link = new URLSearchParams({ sentence: now.sentence + 1, rank: now.rank + 1, layer: now.layer ?? "", head: now.head });
  for (const name of ["merge", "numbers", "stretch"]) if (now[name]) link.set(name, 1);
  if (!now.ends) link.set("ends", 0);
  try { history.replaceState(null, "", `#${link}`); } catch { /* a page inside another may not */ }
}

function recall() {
  const link = new URLSearchParams(location.hash.slice(1)), whole = (name, count) => Math.max(0, Math.min(count - 1, (parseInt(link.get(name), 10) || 1) - 1));
  now.sentence = whole("sentence", data.sentences.length);
  now.rank = whole("rank", sentence().best.length);
  now.layer = link.get("layer");
  now.head = /^\d+$/.test(link.get("head") ?? "") ? Number(link.get("head")) : "mean";
  for (const name of ["merge", "numbers", "stretch"]) at(name).checked = now[name] = link.get(name) === "1";
  at("ends").checked = now.ends = link.get("ends") !== "0";
}

at("filter").addEventListener("input", filter);
addEventListener("hashchange", () => { recall(); listSentences(); pickSentence(now.sentence); });
recall();
listSentences();
pickSentence(now.sentence);
