"""BLEU of a translation run by both conventions of the literature, each with its signature.

    python benchmarks/translation.py RUN SOURCE REFERENCE LANGUAGE         # needs: pip install sacremoses

1. detokenised, cased, sacrebleu's own 13a: what a user sees;
2. lower-cased, then punctuation normalised, then tokenised as Moses does (the order of Multi30k's task-1 script), tok:none: what
   papers on Multi30k print.  Multi30k's README fixes test2016 at 12,103 German tokens; the count of the reference is printed to be checked.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sacrebleu.metrics import BLEU


def moses(lines: list[str], language: str) -> list[str]:
    """Lower-case, normalise punctuation, tokenise."""
    from sacremoses import MosesPunctNormalizer, MosesTokenizer

    normalise, tokenise = MosesPunctNormalizer(lang=language), MosesTokenizer(lang=language)
    return [tokenise.tokenize(normalise.normalize(line.lower()), return_str=True, escape=True) for line in lines]


def both(predictions: list[str], references: list[str], language: str) -> dict[str, tuple[float, str]]:
    """The two figures and their signatures."""
    cased, tokenised = BLEU(), BLEU(tokenize="none", force=True)
    plain = cased.corpus_score(predictions, [references]).score
    told = tokenised.corpus_score(moses(predictions, language), [moses(references, language)]).score
    return {
        "detokenised, cased": (plain, str(cased.get_signature())),
        "lower-cased, tokenised": (told, str(tokenised.get_signature())),
    }


def main() -> None:
    """Predict with `regard predict` and print both figures."""
    run, source, reference, language = sys.argv[1:]
    said = subprocess.run(
        [sys.executable, "-m", "regard", "predict", run, source], check=True, capture_output=True, encoding="utf-8"
    )
    references = Path(reference).read_text(encoding="utf-8").splitlines()
    print(f"reference: {sum(len(line.split()) for line in moses(references, language)):,} tokens")
    for name, (score, signature) in both(said.stdout.splitlines(), references, language).items():
        print(f"BLEU {score:.2f}  {name}  {signature}")


if __name__ == "__main__":
    main()
