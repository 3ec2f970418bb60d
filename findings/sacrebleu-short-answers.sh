#!/usr/bin/env bash
# sacrebleu 2.6.0: of short answers, all of them right, corpus BLEU is 0, until one line somewhere has four words.
#
# Who meets it: whoever watches BLEU over names, slots, inflected forms or short commands, or lets it choose a checkpoint there.
# What one expects: answers that equal their references have BLEU 100 whatever their length, since every n-gram that there is
# matches, and the smoothing ("exp", in the signature) takes care of orders that have none; and the mean of sentence_bleu over the same
# lines is much the same figure.
# A guess before it was run: 0 for fewer than four words whatever the smoothing, and some 60 where the one line of four is wrong at its end.
# Seen: 100 right answers of three words have corpus BLEU 0, and so have those of one and two, with smooth:exp as with floor; with add-k
# they have 100.  The mean of sentence_bleu, which turns effective_order on, is 100 for all.  One more right line of four words makes the
# whole corpus 100; and where that one line is wrong in its last word it is 83.7.  A figure that one line moves from 0 to 100 chooses no
# model; the share of answers that are right, or chrF (100 for the answers of three words), does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check sacrebleu==2.6.0
"$folder/env/bin/python" - <<'PY'
from importlib.metadata import version
from statistics import mean

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF

assert version("sacrebleu") == "2.6.0"


def right(words, lines=100):
    return [" ".join(f"w{line}x{word}" for word in range(words)) for line in range(lines)]


def bleu(said, references, **options):
    return round(BLEU(**options).corpus_score(said, [references]).score, 1)


found = {}
for words in (1, 2, 3, 4):
    lines = right(words)
    found[words] = bleu(lines, lines), round(mean(sacrebleu.sentence_bleu(x, [x]).score for x in lines), 1)
    print(f"{words} words, all right: corpus {found[words][0]}, mean of sentences {found[words][1]}")
assert found == {1: (0.0, 100.0), 2: (0.0, 100.0), 3: (0.0, 100.0), 4: (100.0, 100.0)}, found

three, last = right(3), "one two three four"
smoothed = {method: bleu(three, three, smooth_method=method) for method in ("exp", "floor", "add-k", "none")}
one_more = bleu([*three, last], [*three, last])
one_wrong = bleu([*three, "one two three for"], [*three, last])
print("three words, by smoothing:", smoothed, " with a line of four:", one_more, " which is wrong at its end:", one_wrong)
print("chrF of three words:", round(CHRF().corpus_score(three, [three]).score, 1))
assert smoothed == {"exp": 0.0, "floor": 0.0, "add-k": 100.0, "none": 0.0}, smoothed
assert one_more == 100.0, one_more
assert one_wrong == 83.7, one_wrong
assert round(CHRF().corpus_score(three, [three]).score, 1) == 100.0
print("as described")
PY
