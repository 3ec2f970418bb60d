"""How right word alignments are, against links that people made.  Och & Ney 2003, section 5."""

from __future__ import annotations

from collections.abc import Sequence

Links = frozenset[tuple[int, int]]  # of words: source, target

MEANINGS = {
    "aer": "1 - (links that are sure + links that are possible) / (links + sure ones), lower is better",
    "precision": "share of the links that are possible",
    "recall": "share of the sure links that were found",
    "f1": "of these two",
}


def alignment_figures(found: Sequence[Links], gold: Sequence[tuple[Links, Links]]) -> dict[str, float]:
    """`AER = 1 - (|A & S| + |A & P|) / (|A| + |S|)`, precision `|A & P| / |A|`, recall `|A & S| / |S|` and their F1, over all sentences
    together; gold: of each the sure links S, and the possible P, those among them.  0 / 0 is no error: AER 0, precision and recall 1."""
    links = sum(map(len, found))
    sure = sum(len(certain) for certain, _ in gold)
    in_sure = sum(len(a & certain) for a, (certain, _) in zip(found, gold, strict=True))
    in_possible = sum(len(a & possible) for a, (_, possible) in zip(found, gold, strict=True))
    precision = in_possible / links if links else 1.0
    recall = in_sure / sure if sure else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    aer = 1 - (in_sure + in_possible) / (links + sure) if links + sure else 0.0
    return {"aer": aer, "precision": precision, "recall": recall, "f1": f1}
