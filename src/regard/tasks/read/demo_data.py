"""People who carry things from place to place, and questions about them: the data of the reader's demo, made here, so that it needs no
file.

Where a thing is now, the last sentence about it says, and where it was before, the same sentence: the answer is found, not remembered.
Some names stand in the validation stories alone, and are answers there.  In the manner of bAbI's first tasks (Weston et al. 2015).
"""

from __future__ import annotations

from random import Random
from string import Formatter
from typing import Any

BLANK = "XXXXX"  # as `tasks.read.data` reads it
_PEOPLE = "Mary John Sandra Daniel Emily Peter Laura Victor Grace Henry Olga Boris Ines Marco Yuki Amir Rosa Felix Nadia Oscar"
_THINGS = "lamp apple book ball cup key letter chair clock coat drum fiddle hammer kettle mirror basket ladder pillow candle rope"
_PLACES = "kitchen garden office attic cellar stable hall library bakery chapel harbour tower mill cabin tent bridge"
PEOPLE, THINGS, PLACES = _PEOPLE.split(), _THINGS.split(), _PLACES.split()
WIDE = ["dining room", "old barn", "guest room", "back yard", "town hall", "night train", "green house", "upper deck"]
HELD = 5  # every fifth name is kept for validation
FORMS = (
    "{who} carried the {what} from the {from} to the {to}.",
    "{who} took the {what} out of the {from} into the {to}.",
    "The {what} was brought to the {to} from the {from} by {who}.",
)
ASKED = (  # a question, the same with a blank, and what answers it
    ("Where is the {what}?", "The {what} is in the {blank} now.", "to"),
    ("Where was the {what} before?", "Before that, the {what} was in the {blank}.", "from"),
    ("Who moved the {what} last?", "The {what} was last moved by {blank}.", "who"),
    ("What did {who} move last?", "The last thing that {who} moved was the {blank}.", "what"),
)
Move = dict[str, str]
Told = tuple[str, Move, dict[str, int]]  # a sentence, its move, and where in it each name begins


def moves(seed: int, count: int, *, held: bool = False, cloze: bool = False) -> list[dict[str, Any]]:
    """So many stories, each with three questions.  held: names that are kept for validation occur as well.

    SQuAD's paragraphs (`context`, `qas`); cloze: records in the manner of CFT (`id`, `doc`, `query`, `answer`), one a question.
    """
    random, made = Random(seed), list[dict[str, Any]]()
    for number in range(count):
        sentences = [_sentence(random, move) for move in _moves(random, held, [*PLACES, *([] if cloze else WIDE)])]
        asked = [_asked(random, sentences, cloze) for _ in range(3)]
        if cloze:
            doc = [text for text, *_ in sentences]
            made += [{"id": f"{number}.{i}", "doc": doc, "query": q, "answer": a} for i, (q, a, _) in enumerate(asked)]
        else:
            told = [(question, {"text": answer, "answer_start": start}) for question, answer, start in asked]
            qas = [{"id": f"{number}.{i}", "question": q, "answers": [answer]} for i, (q, answer) in enumerate(told)]
            made.append({"context": " ".join(text for text, *_ in sentences), "qas": qas})
    return made


def _names(names: list[str], held: bool) -> list[str]:
    return [name for i, name in enumerate(names) if held or (i + 1) % HELD]


def _moves(random: Random, held: bool, places: list[str]) -> list[Move]:
    """Things go on from where they are."""
    people, things = (random.sample(_names(names, held), 3) for names in (PEOPLE, THINGS))
    places = random.sample(_names(places, held), 7)
    at, made = {thing: random.choice(places) for thing in things}, list[Move]()
    for _ in range(random.randint(4, 7)):
        what = random.choice(things)
        to = random.choice([place for place in places if place != at[what]])
        made.append({"who": random.choice(people), "what": what, "from": at[what], "to": to})
        at[what] = to
    return made


def _sentence(random: Random, move: Move) -> Told:
    text, starts = "", dict[str, int]()
    for plain, name, *_ in Formatter().parse(random.choice(FORMS)):
        text += plain
        if name:
            starts[name] = len(text)
            text += move[name]
    return text, move, starts


def _asked(random: Random, sentences: list[Told], cloze: bool) -> tuple[str, str, int]:
    """A question, its answer, and the first character of that in the story."""
    question, statement, answer = random.choice(ASKED)
    about = "who" if answer == "what" else "what"
    name = random.choice(sentences)[1][about]
    last = max(i for i, (_, move, _) in enumerate(sentences) if move[about] == name)
    _, move, starts = sentences[last]
    start = sum(len(text) + 1 for text, *_ in sentences[:last]) + starts[answer]
    return (statement if cloze else question).format(**{about: name, "blank": BLANK}), move[answer], start
