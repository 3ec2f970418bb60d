"""Little stories, each of one person at one trade: the data of pre-training's demo, made here, so that it needs no file.

A word that is hidden can often be told from its neighbours (a baker sells bread, she in a story of Anna), and whether a second text follows
the first from what both are about.
"""

from __future__ import annotations

from random import Random

VALID_SHARE = 0.05
_HERS, _HIS = "anna mary julia clara emma ruth", "tom peter john paul henry mark"
PEOPLE = [(name, "she", "her") for name in _HERS.split()] + [(name, "he", "his") for name in _HIS.split()]
TRADES = {  # the trade: where, what is done, with what, and the thing that it makes
    "baker": ("bakery", "bakes", "oven", "bread cake pie bun"),
    "sailor": ("harbour", "sails", "rope", "boat ship raft ferry"),
    "farmer": ("field", "grows", "plough", "wheat corn barley rye"),
    "painter": ("studio", "paints", "brush", "portrait landscape picture sketch"),
    "smith": ("forge", "forges", "hammer", "sword horseshoe nail chain"),
    "tailor": ("shop", "sews", "needle", "coat shirt dress cloak"),
    "gardener": ("garden", "plants", "spade", "rose tulip lily daisy"),
    "fisher": ("lake", "catches", "net", "trout salmon pike carp"),
    "writer": ("library", "writes", "pen", "book letter poem play"),
    "potter": ("workshop", "shapes", "wheel", "bowl jug vase plate"),
}
FORMS = """
{name} is a {trade} .
{name} works in the {place} .
in the morning {he} goes to the {place} .
{he} {does} a {thing} with the {tool} .
the {tool} of the {trade} is old .
{name} likes {his} {tool} and {his} {place} .
a good {trade} {does} a {thing} in a day .
{he} {does} one more {thing} and goes home .
the {thing} is for a friend of {name} .
in the {place} there is a {tool} and a {thing} .
{name} sells the {thing} at the market .
without a {tool} no {trade} {does} a {thing} .
""".strip().split("\n")


def stories(seed: int, count: int, *, sentences: int = 10) -> tuple[list[list[str]], list[list[str]]]:
    """(training, validation): so many stories in all, each a list of sentences."""
    random = Random(seed)
    made = [_story(random, sentences) for _ in range(count)]
    held = round(count * VALID_SHARE)
    return made[held:], made[:held]


def _story(random: Random, sentences: int) -> list[str]:
    name, he, his = random.choice(PEOPLE)
    trade = random.choice(list(TRADES))
    place, does, tool, things = TRADES[trade]
    fill = {"name": name, "he": he, "his": his, "trade": trade, "place": place, "does": does, "tool": tool}
    return [random.choice(FORMS).format(**fill, thing=random.choice(things.split())) for _ in range(sentences)]
