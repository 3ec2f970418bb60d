"""docs/config.md, made from the schema: `scripts/config-docs` writes it, and a test sees that it is up to date."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel

from regard.config import mechanisms
from regard.config.explain import default_of, may_be, section_of, show_value
from regard.config.schema import AttentionSection, Config
from regard.config.spellings import NEGATED, find_second_name
from regard.tasks import registry

_TOP = f"""\
# The config

<!-- Made by scripts/config-docs from src/regard/config/schema.py and src/regard/tasks/*/section.py: change these, not this page. -->

A run is one YAML file with the sections `data`, `model`, `train`, `decode` and the key `task`; every key may be left out.
`regard train my.yaml model.size=512` changes a key for one run: a word with `=` is an override, its value is YAML, later ones win.
`regard train my.yaml --print-config` prints the config with every key; those that were left out stand behind a `#`, so that what is printed
trains as the command would.
A key whose default is `auto` fits the data where it is left out: training says in a line what it made of which sizes, and writes it into
the run's config. `auto` can be written, too. Some keys go together, and whoever sets one of them has the plain defaults of the others: the
rate (`learning_rate` 0.001, `schedule` constant, `warmup` 0), the length (`epochs` 30, `validate_every` and `patience` null, `average` 1;
also with `updates`), the look (`attention` additive, `order` bahdanau, `input_feeding` null), the bound of answers (`max_ratio` 2,
`max_extra` 20) and how a tagger reads rare words (`letters` 50, `min_count` 1, `unseen` 0.05). The rules, with the figures behind them,
are in src/regard/training/auto_values.py.
Unknown keys and values are refused, all at once, with their lines.
Some keys can also be written by the name that other toolkits give them: `train.max_steps` is `train.updates`, in files, in overrides and
from Python. Say one of the two; Regard itself writes and prints the first.
Paths are relative to the working directory. The YAML is version 1.2's core: `no` is a word, `1e-3` a number; aliases are refused.

```yaml
task: {registry.USUAL}
data:
  train: [train.tsv]
model:
  encoder: bigru
  decoder: gru
  attention: {{score: additive, scope: everywhere, weighting: softmax, heads: 1}}   # or, in short: attention: additive
train:
  epochs: 20
```
"""

_ATTENTION = """\
`attention: none` is a net without attention. `attention: additive(64)` is short for `attention: {score: additive(64)}`, and
`model.attention.scope=window(3)` changes one word of either form. Words take numbers in brackets, in their order or by name:
`window(3)`, `window(back=2, ahead=0)`. In YAML's braces a word with a comma stands in quotes: `{score: dot, scope: "window(2, 0)"}`.
Scores are added with `+`; scopes are joined by `&` (both), `|` (either) and `~` (not).
The bare name of a number that has a default stands for it: `cosine(temperature)`.
A score, scope, weighting or cell of your own is a word too, `package.module:Class`, with its numbers: see [extending.md](extending.md).
"""


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_TOP, f"## task\n\n{_table(Config, ['task'])}"]
    for name, field in Config.model_fields.items():
        section = section_of(field)
        if section is None:
            continue
        parts.append(f"## {name}\n\n{section.__doc__}\n\n{_table(section, section.model_fields, name)}")
        if name == "model":
            parts.append(_attention())
    return "\n".join(parts)


def _attention() -> str:
    tables = [f"### An attention\n\n{_ATTENTION}\n{_table(AttentionSection, AttentionSection.model_fields, 'model.attention')}"]
    looks = {"Score": mechanisms.SCORES, "Scope": mechanisms.SCOPES, "Weighting": mechanisms.WEIGHTINGS}
    for noun, table in {**looks, "Cell": mechanisms.CELLS, "Tokenizer": mechanisms.TOKENIZERS}.items():
        rows = [f"| `{known.usage(word)}` | {_cell(known.doc)} |" for word, known in table.items()]
        tables.append("\n".join([f"### {noun} words", "", "| word | meaning |", "|---|---|", *rows, ""]))
    return "\n".join(tables)


def _table(section: type[BaseModel], keys: Iterable[str], name: str = "") -> str:
    """The keys of a section, one a row.  name: the section's, dotted."""
    rows = ["| key | default | may be | meaning |", "|---|---|---|---|"]
    for key in keys:
        field = section.model_fields[key]
        default = default_of(field)
        text = default if isinstance(default, str) else show_value(default)
        rows.append(f"| `{key}` | `{text}` | {_cell(may_be(field))} | {_cell(field.description or '')}{_other_name(name, key)} |")
    return "\n".join([*rows, ""])


def _other_name(section: str, key: str) -> str:
    """What a key may be written as, too, where it has a standard name."""
    second = find_second_name(f"{section}.{key}")
    opposite = ", which says the opposite" if f"{section}.{second}" in NEGATED else ""
    return f"; also written `{second}`{opposite}" if second else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
