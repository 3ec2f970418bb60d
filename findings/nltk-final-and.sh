#!/usr/bin/env bash
# nltk 3.10.4: `grow_diag_final_and` adds a link whose word it has just aligned in its own last step.
#
# Who meets it: whoever makes one word alignment of two directions with NLTK, and compares it with one by Moses or fast_align.
# A guess before it was run: the last step ("final-and", Koehn, Och and Marcu 2003; Koehn et al. 2005) adds a link of either direction where both
# of its words are still without one; so a word of the source that two links want, one of each direction, keeps the first of them.
# Seen: it gets both: the last step does not count the links that it adds itself.  Of directions that share no link at all, one link each for
# the same word, both links stand in the answer, whichever direction is given first, for a word of the target as for one of the source;
# two links of one word within one direction stand too, so that the answer is then the union of both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check nltk==3.10.4
"$folder/env/bin/python" - <<'PY'
from importlib.metadata import version

from nltk.translate.gdfa import grow_diag_final_and

assert version("nltk") == "3.10.4"
cases = {  # source words, target words, the two directions: what is seen
    "one word of the source": (1, 3, "0-2", "0-1", [(0, 1), (0, 2)]),
    "the directions exchanged": (1, 3, "0-1", "0-2", [(0, 1), (0, 2)]),
    "one word of the target": (2, 1, "1-0", "0-0", [(0, 0), (1, 0)]),
}
for name, (source, target, one, other, seen) in cases.items():
    found = sorted(grow_diag_final_and(source, target, one, other))
    print(f"{name:26} {one} and {other}: {found}")
    assert found == seen, found
within = sorted(grow_diag_final_and(2, 3, "0-1 0-2", "1-0"))
print(f"{'two in one direction':26} 0-1 0-2 and 1-0: {within}")
assert within == [(0, 1), (0, 2), (1, 0)], within
print("as described")
PY
