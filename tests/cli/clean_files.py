"""Clean files of every format, made here: what the data doctor must be content with, and what faults are planted in."""

from __future__ import annotations

import json
import math
import random
from datetime import datetime, timedelta

VOWELS = {"a": "ɑː", "e": "ɛ", "i": "iː", "o": "ɔ", "u": "uː", "é": "e"}
LEXICON = {
    "the": "der", "a": "ein", "dog": "Hund", "house": "Haus", "sees": "sieht", "children": "Kinder", "green": "grün", "walks": "geht",
    "slowly": "langsam", "through": "durch", "forest": "Wald", "and": "und", "because": "weil", "it": "es", "rains": "regnet",
    "tomorrow": "morgen", "neighbours": "Nachbarn", "train": "Zug", "arrives": "ankommt", "evening": "Abend", "window": "Fenster",
    "opens": "öffnet", "bread": "Brot", "morning": "Morgen", "garden": "Garten", "under": "unter", "bridge": "Brücke", "old": "alte",
}  # fmt: skip


def words(count: int = 600, seed: int = 7) -> list[tuple[str, str]]:
    """Words and their phones, parted by blanks."""
    draw, made = random.Random(seed), dict[str, str]()
    while len(made) < count:
        word = "".join(
            draw.choice("bdfɡklmnprstvz".replace("ɡ", "g")) + draw.choice("aeiouéaeio") for _ in range(draw.randint(2, 4))
        )
        made[word] = " ".join(VOWELS.get(letter, "ɡ" if letter == "g" else letter) for letter in word)
    return sorted(made.items())


def forms(count: int = 600, seed: int = 3) -> list[tuple[str, str, str]]:
    """Lemmas, forms and features."""
    draw, made = random.Random(seed), []
    endings = {"V;PST;1;SG": "ta", "V;PRS;3;PL": "vit", "N;GEN;PL": "ien", "N;INE;SG": "ssa"}
    stems = [word for word, _ in words(count, seed)]
    for stem in stems:
        features, ending = draw.choice(list(endings.items()))
        made.append((stem, stem + ending, features))
    return made


def sentences(count: int = 400, seed: int = 5) -> list[tuple[str, str]]:
    """English, and each of its words in German."""
    draw, made = random.Random(seed), dict[str, str]()
    while len(made) < count:
        picked = [draw.choice(list(LEXICON)) for _ in range(draw.choice((4, 5, 7, 9, 12, 16, 21)))]
        made[" ".join(picked).capitalize() + "."] = " ".join(LEXICON[word] for word in picked).capitalize() + "."
    return list(made.items())


def opinions(count: int = 400, seed: int = 11) -> list[tuple[str, str]]:
    """Texts and labels."""
    draw, made = random.Random(seed), dict[str, str]()
    kinds = {"praise": "lovely brilliant moving warm", "blame": "dull tiresome weak cold", "question": "who where whether why"}
    while len(made) < count:
        label = draw.choice(list(kinds))
        picked = draw.choices(list(LEXICON), k=draw.randint(4, 9))
        picked.insert(draw.randrange(len(picked)), draw.choice(kinds[label].split()))
        made[" ".join(picked)] = label
    return list(made.items())


def ratings(count: int = 300, seed: int = 2) -> list[tuple[str, str, str]]:
    """Two texts and how near they are, 0 to 5."""
    draw = random.Random(seed)
    texts = [english for english, _ in sentences(2 * count, seed)]
    return [(texts[2 * i], texts[2 * i + 1], f"{draw.randint(0, 50) / 10:.1f}") for i in range(count)]


def tagged(count: int = 300, seed: int = 9) -> list[list[tuple[str, str]]]:
    """Sentences whose tokens have tags of spans, BIO."""
    draw, made = random.Random(seed), []
    places = ("Oslo", "New York", "Lima", "Rio de Janeiro", "Kyoto", "Addis Ababa")
    people = ("Ann", "Bela Bartok", "Chen", "Dora Maar", "Eve")
    for _ in range(count):
        rows = [(word, "O") for word in draw.choices(list(LEXICON), k=draw.randint(3, 7))]
        for kind, names in (("LOC", places), ("PER", people)):
            name = draw.choice(names).split()
            at = draw.choice([i for i in range(len(rows) + 1) if i == len(rows) or rows[i][1][:1] != "I"])
            rows[at:at] = [(part, f"{'I' if i else 'B'}-{kind}") for i, part in enumerate(name)]
        made.append(rows)
    return made


def questions(count: int = 60, seed: int = 4) -> list[dict[str, object]]:
    """Passages, questions and answers, as JSON lines hold them."""
    draw, made = random.Random(seed), []
    for i in range(count):
        name, place = draw.choice(("Ann", "Chen", "Dora", "Eve")), draw.choice(("Oslo", "Lima", "Kyoto", "Accra"))
        extra = " ".join(draw.choices(list(LEXICON), k=12))
        passage = f"In the year {1900 + i} {name} went to {place} by train. There {extra}."
        answer = {"text": place, "answer_start": passage.index(place)}
        made.append({"id": f"q{i}", "context": passage, "question": f"Where did {name} go in {1900 + i}?", "answers": [answer]})
    return made


def hours(count: int = 400, seed: int = 1) -> list[list[str]]:
    """A header, and hourly rows of two columns."""
    draw, start = random.Random(seed), datetime(2024, 1, 1)
    rows = [["date", "load", "temp"]]
    for i in range(count):
        load, temp = 50 + 10 * math.sin(i / 4) + draw.random(), 8 + 5 * math.sin(i / 24) + draw.random()
        rows.append([(start + timedelta(hours=i)).isoformat(" ", "minutes"), f"{load:.3f}", f"{temp:.2f}"])
    return rows


def tsv(rows: object) -> str:
    """Rows with tabs between their cells."""
    return "".join("\t".join(row) + "\n" for row in rows)  # type: ignore[attr-defined]


def csv(rows: list[list[str]]) -> str:
    """Rows with commas between their cells."""
    return "".join(",".join(row) + "\n" for row in rows)


def jsonl(records: object) -> str:
    """A JSON object on each line."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)  # type: ignore[attr-defined]


def conll(made: list[list[tuple[str, str]]]) -> str:
    """A token and its tag on each line, and a blank line behind each sentence."""
    return "".join("".join(f"{token}\t{tag}\n" for token, tag in rows) + "\n" for rows in made)
