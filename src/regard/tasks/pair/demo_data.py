"""A scene and a claim about it, in English and in Chinese: the data of the demo of pairs, made here, so that it needs no file.

Somebody is somewhere with something of some colour.  The claim follows, cannot be true as well, or says what the scene leaves open.
Half of the time scene and claim are in two languages, and share no word: which word answers to which is learnt from the labels alone.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

VALID_SHARE = 0.1
LABELS = ("entailment", "contradiction", "neutral")


def _both(english: str, chinese: str) -> tuple[tuple[str, str], ...]:
    """Names in two languages, of one thing each."""
    names = [name.replace("_", " ") for name in english.split()]
    return tuple(zip(names, chinese.split(), strict=True))


PEOPLE = _both("Anna Ben Carla David Emma Frank Grace Henry", "安娜 本恩 卡拉 大卫 艾玛 弗兰 格蕾 亨利")
COLOURS = _both("red blue green yellow black white", "红色 蓝色 绿色 黄色 黑色 白色")
THINGS = _both("ball box hat cup book bag car kite", "球 盒子 帽子 杯子 书 包 汽车 风筝")
PLACES = _both(
    "in_the_park at_school in_the_kitchen at_the_station in_the_museum on_the_beach", "公园 学校 厨房 车站 博物馆 海滩"
)
SCENES = ("{0} is {1} with a {2} {3}", "{0}在{1}拿着{2}的{3}")
CLAIMS = {  # of each kind of claim, in English and in Chinese; 0 who, 1 where, 2 colour, 3 thing
    "has": ("{0} has a {2} {3}", "{0}有{2}的{3}"),
    "has something": ("{0} has a {3}", "{0}有{3}"),
    "has no": ("{0} has no {3}", "{0}没有{3}"),
    "is": ("{0} is {1}", "{0}在{1}"),
    "is not": ("{0} is not {1}", "{0}不在{1}"),
}
SHOWN = (  # in neither file
    ("Anna is in the park with a red ball", "Anna has a red ball"),
    ("Anna is in the park with a red ball", "安娜有蓝色的球"),
    ("安娜在公园拿着红色的球", "Anna is not in the park"),
    ("安娜在公园拿着红色的球", "Ben has a red ball"),
)


class Fact(NamedTuple):
    """Who, where, with what: places in the lists above."""

    who: int
    where: int
    colour: int
    thing: int

    def words(self, language: int) -> tuple[str, ...]:
        return tuple(table[i][language] for table, i in zip((PEOPLE, PLACES, COLOURS, THINGS), self, strict=True))


def claims(seed: int, count: int) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """(training, validation): so many (scene, claim, label), no pair twice, a third of each label; none of `SHOWN`."""
    random, made = Random(seed), dict[tuple[str, str], str]()
    while len(made) < count:
        label = LABELS[len(made) % len(LABELS)]
        pair = _pair(random, label)
        if pair not in SHOWN and pair not in made:
            made[pair] = label
    every, held = [(*pair, label) for pair, label in made.items()], round(count * VALID_SHARE)
    return every[held:], every[:held]


def _pair(random: Random, label: str) -> tuple[str, str]:
    columns = [random.sample(range(len(table)), 2) for table in (PEOPLE, PLACES, COLOURS, THINGS)]
    fact, none = (Fact(*values) for values in zip(*columns, strict=True))
    scene, claim = random.choice((0, 1)), random.choice((0, 1))
    kind, said = _said(random, label, fact, none)
    return SCENES[scene].format(*fact.words(scene)), CLAIMS[kind][claim].format(*said.words(claim))


def _said(random: Random, label: str, fact: Fact, none: Fact) -> tuple[str, Fact]:
    """A kind of claim, and who, where and what it names.  fact: of the scene; none: nothing of which is in the scene."""
    if label == "entailment":
        return random.choice(("has", "has", "has something", "is", "is")), fact
    if label == "contradiction":  # nothing follows by `is not`: which places are one must be seen in `is`
        kind = random.choice(("has", "has", "has no", "is", "is", "is not"))
        changed = {"has": fact._replace(colour=none.colour), "is": fact._replace(where=none.where)}
        return kind, changed.get(kind, fact)
    kind = random.choice(("has", "has", "has something", "has no", "is"))
    somebody = fact._replace(who=none.who)  # of whom the scene says nothing
    return kind, somebody if kind == "is" else random.choice((somebody, fact._replace(thing=none.thing)))
