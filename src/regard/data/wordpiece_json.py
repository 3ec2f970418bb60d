"""A vocabulary of word-pieces from `tokenizer.json`, the one file that newer versions of `transformers` write; and added names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from regard.core.errors import DataError, message

UNKNOWN, GOES_ON = "[UNK]", "##"
DO = "Name a folder of a BERT whose tokenizer is BERT's own, or put its vocab.txt beside."


def read(path: Path) -> dict[str, Any]:
    """`words` in the order of their numbers, and `lower`, `accents`, `chinese`, `added` as `WordPieces` takes them.  DataError where the
    file is no tokenizer of word-pieces, cleaned and cut as BERT's are.  ValueError and the like where it is no JSON."""
    content = json.loads(path.read_text("utf-8"))
    model, cleaning = content.get("model") or {}, content.get("normalizer") or {}
    vocabulary = model.get("vocab")
    wrong = []
    if model.get("type", "WordPiece" if "max_input_chars_per_word" in model else None) != "WordPiece":
        wrong.append(f"model.type: {model.get('type')}")
    if not isinstance(vocabulary, dict) or not all(_is_number(number) for number in vocabulary.values()):
        wrong.append("model.vocab that is no mapping of pieces to numbers")
    if model.get("unk_token", UNKNOWN) != UNKNOWN or model.get("continuing_subword_prefix", GOES_ON) != GOES_ON:
        wrong.append(f"pieces for {model.get('unk_token')} and {model.get('continuing_subword_prefix')}")
    if cleaning.get("type") != "BertNormalizer" or not cleaning.get("clean_text", True):
        wrong.append(f"normalizer: {cleaning.get('type')}")
    if (content.get("pre_tokenizer") or {}).get("type") != "BertPreTokenizer":
        wrong.append(f"pre_tokenizer: {(content.get('pre_tokenizer') or {}).get('type')}")
    if wrong:
        raise DataError(message(str(path), "a tokenizer of word-pieces, as BERT's", "; ".join(wrong), DO))
    added = {str(each["content"]): each["id"] for each in content.get("added_tokens") or []}
    if not all(map(_is_number, added.values())):
        raise DataError(message(str(path), "added tokens with their numbers", str(added)[:60], DO))
    return {
        "words": fill([], {**(vocabulary or {}), **added}, path),
        "lower": bool(cleaning.get("lowercase", True)),
        "accents": cleaning.get("strip_accents"),
        "chinese": bool(cleaning.get("handle_chinese_chars", True)),
        "added": {str(each["content"]): each.get("normalized") is not False for each in content.get("added_tokens") or []},
    }


def added_names(numbers: Mapping[str, Any], manner: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, bool]]:
    """What `added_tokens.json` and tokenizer_config.json's `added_tokens_decoder` add: the number of each name, and whether a text is
    cleaned before the name is looked for in it.  ValueError and the like where they hold something else."""
    found = {str(name): int(number) for name, number in numbers.items()}
    cleaned = {name: True for name in found}
    for number, each in (manner.get("added_tokens_decoder") or {}).items():
        found[str(each["content"])] = int(number)
        cleaned[str(each["content"])] = each.get("normalized") is not False
    return found, cleaned


def fill(names: Sequence[str], numbers: Mapping[str, int], path: Path) -> list[str]:
    """Names, with others at their numbers; a number that nothing has is `[unused N]`.  DataError where two have one number."""
    most = max([len(names) - 1, *numbers.values()], default=-1)
    if most > len(names) + len(numbers) + 10_000:
        raise DataError(message(str(path), "numbers of pieces without large gaps", f"{most:,}", DO))
    found: list[str | None] = [*names, *([None] * (most + 1 - len(names)))]
    for name, number in numbers.items():
        if found[number] not in (None, name):
            received = f"{name!r} and {found[number]!r}, both {number}"
            raise DataError(message(str(path), "each piece a number of its own", received, DO))
        found[number] = name
    return [f"[unused {i}]" if name is None else name for i, name in enumerate(found)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
