#!/usr/bin/env bash
# sacrebleu 2.6.0: TER's "asian_support" does not part kana, neither from each other nor into characters, and not Thai at all.
#
# Who meets it: whoever reports TER for Japanese or Thai with the switch that is called asian_support.
# A guess before it was run: with TER(normalized=True, asian_support=True) a sentence in kana is cut into characters as one in Chinese
# characters is, or at least where hiragana and katakana meet (the tokenizer has a step for just that), so that one wrong letter
# costs one edit of many.
# Seen: Chinese characters stand alone, kana only part from Chinese characters around them.  "カタカナとひらがな", 9 letters of two scripts, is
# one word; a sentence of kana alone with one wrong letter has TER 100, the same kind of slip in Chinese characters 20; Thai has 100
# too.  The signature says asian:yes in all cases, so the figures look comparable.  Characters parted by hand give 11.1 for the first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check sacrebleu==2.6.0
"$folder/env/bin/python" - <<'PY'
from importlib.metadata import version

from sacrebleu.metrics import TER
from sacrebleu.tokenizers.tokenizer_ter import TercomTokenizer

assert version("sacrebleu") == "2.6.0"
cut = TercomTokenizer(normalized=True, asian_support=True)


def score(said, right):
    metric = TER(normalized=True, asian_support=True)
    value = round(metric.corpus_score([said], [[right]]).score, 1)
    assert "asian:yes" in str(metric.get_signature())
    return value


found = {
    "Chinese": (cut("我喜欢喝茶").split(), score("我喜欢喝酒", "我喜欢喝茶")),
    "kana": (cut("カタカナとひらがな").split(), score("カタカナとひらかな", "カタカナとひらがな")),
    "mixed": (cut("映画を見ました").split(), score("映画を見ません", "映画を見ました")),
    "Thai": (cut("ฉันชอบกินข้าว").split(), score("ฉันชอบกินข้าง", "ฉันชอบกินข้าว")),
}
for name, (words, ter) in found.items():
    print(f"{name:8} {len(words)} words  TER {ter}  {words}")
seen = {name: (len(words), ter) for name, (words, ter) in found.items()}
assert seen == {"Chinese": (5, 20.0), "kana": (1, 100.0), "mixed": (5, 20.0), "Thai": (1, 100.0)}, seen
apart = TER().corpus_score([" ".join("カタカナとひらかな")], [[" ".join("カタカナとひらがな")]]).score
assert round(apart, 1) == 11.1, apart
print("as described")
PY
