"""People who book a journey, in Chinese and in English: the data of the tagger's demo, made here, so that it needs no file.

郑州 is where the journey goes in 我一月一号去郑州, and where it begins in 我一月一号离开郑州: a word alone does not say which.
Chinese is tagged by character, English by word.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from string import Formatter
from typing import NamedTuple

_ZH_CITIES = """
北京 上海 广州 深圳 郑州 成都 重庆 杭州 南京 武汉 西安 天津 苏州 长沙 青岛 大连 厦门 昆明 济南 沈阳 哈尔滨 石家庄 乌鲁木齐 呼和浩特
太原 合肥 福州 南昌 贵阳 兰州 银川 西宁 拉萨 海口 桂林 洛阳 开封 扬州 宁波 温州
"""
_EN_CITIES = """
Boston Denver Chicago Dallas Seattle Atlanta Miami Detroit Houston Phoenix Portland Memphis Austin London Paris Berlin Madrid Rome Vienna
Dublin Oslo Lisbon Prague Warsaw New_York San_Diego Los_Angeles Salt_Lake_City Kansas_City Hong_Kong Cape_Town Buenos_Aires Tel_Aviv
Kuala_Lumpur New_Orleans Las_Vegas
"""
_MONTHS = "January February March April May June July August September October November December"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_ZH_WHO, _EN_WHO = "我 我们 他 她 你们 王经理 我妈妈 两位客人", "I we she he they my_boss my_parents"
ZH_CITIES, ZH_WHO, ZH_NUMBERS = _ZH_CITIES.split(), _ZH_WHO.split(), tuple("一二三四五六七八九十")
MONTHS, DAYS = _MONTHS.split(), _DAYS.split()
EN_CITIES, EN_WHO = ([name.replace("_", " ") for name in names.split()] for names in (_EN_CITIES, _EN_WHO))
SHOWN = ("我一月一号去郑州", "我一月一号离开郑州")  # in neither file
VALID_SHARE = 0.1

ZH_FORMS = {
    "go": ["{who}{date}去{to}", "{who}{date}离开{from}", "{who}{date}从{from}去{to}", "{who}{date}离开{from}到{to}", "{date}{who}飞往{to}",
           "{date}{who}要从{from}出发", "{who}打算{date}前往{to}", "{who}{date}从{from}动身", "{who}{date}到{to}去，从{from}走"],
    "book": ["请订{date}去{to}的票", "请订{date}离开{from}的票", "帮{who}订一张{from}到{to}的票", "要两张{date}从{from}出发的票",
             "{who}想订{date}到{to}的机票", "请订{date}从{from}飞{to}的票"],
    "price": ["{date}去{to}多少钱", "从{from}到{to}的票多少钱", "{date}离开{from}的票价是多少", "{from}到{to}贵不贵"],
    "time": ["{date}去{to}的车几点开", "{date}离开{from}的车是几点的", "从{from}到{to}要多久", "{date}几点能到{to}"],
}  # fmt: skip
EN_FORMS = {
    "go": ["{who} will go to {to} {date}", "{who} will leave {from} {date}", "{who} will fly from {from} to {to} {date}",
           "{date} {who} will leave {from} for {to}", "{who} must be in {to} {date}", "{date} {who} will depart from {from}"],
    "book": ["please book a ticket to {to} {date}", "please book a ticket from {from} {date}", "a seat from {from} to {to} please",
             "two tickets to {to} from {from} {date}", "get {who} a flight out of {from} {date}"],
    "price": ["how much is a ticket to {to} {date}", "what does it cost to leave {from} {date}", "is {from} to {to} expensive {date}"],
    "time": ["when does the train to {to} leave {date}", "when can {who} leave {from} {date}", "how long is it from {from} to {to}"],
}  # fmt: skip


class Ticket(NamedTuple):
    """A sentence, a tag for each of its tokens, and what is wanted."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    label: str

    @property
    def source(self) -> str:
        return " ".join(self.tokens)


def tickets(seed: int, count: int) -> tuple[list[Ticket], list[Ticket]]:
    """(training, validation): so many different sentences in all, each with a label, none of them twice, none of `SHOWN`."""
    random, made = Random(seed), dict[str, Ticket]()
    while len(made) < count:
        sentence = random.choice((_chinese, _english))(random)
        if "".join(sentence.tokens) not in SHOWN:
            made.setdefault(sentence.source, sentence)
    every, held = list(made.values()), round(count * VALID_SHARE)
    return every[held:], every[:held]


def _chinese(random: Random) -> Ticket:
    label, form = _form(random, ZH_FORMS)
    start, end = random.sample(ZH_CITIES, 2)
    fill = {"who": random.choice(ZH_WHO), "from": start, "to": end, "date": _zh_date(random)}
    return _tagged([(kind, list(words)) for kind, words in _parts(form, fill)], label)


def _zh_date(random: Random) -> str:
    day = random.choice(["明天", "后天", "周末", f"下周{random.choice('一二三四五六')}"])
    return random.choice([day, f"{random.choice(ZH_NUMBERS)}月{random.choice(ZH_NUMBERS)}号"])


def _english(random: Random) -> Ticket:
    label, form = _form(random, EN_FORMS)
    start, end = random.sample(EN_CITIES, 2)
    day = random.choice([f"on {random.choice(DAYS)}", "tomorrow", "next week", "tonight"])
    date = random.choice([day, f"on {random.choice(MONTHS)} {random.randint(1, 28)}"])
    fill = {"who": random.choice(EN_WHO), "from": start, "to": end, "date": date}
    return _tagged([(kind, words.split()) for kind, words in _parts(form, fill)], label)


def _form(random: Random, forms: dict[str, list[str]]) -> tuple[str, str]:
    label = random.choice(list(forms))
    return label, random.choice(forms[label])


def _parts(form: str, fill: dict[str, str]) -> list[tuple[str, str]]:
    """The form in order: ("", words) as they stand, (kind, words) where one was filled in."""
    parts = []
    for plain, name, *_ in Formatter().parse(form):
        parts += [("", plain)] if plain else []
        parts += [(name if name != "who" else "", fill[name])] if name else []
    return parts


def _tagged(parts: Sequence[tuple[str, list[str]]], label: str) -> Ticket:
    tokens = tuple(token for _, words in parts for token in words)
    tags = tuple(f"{'I' if i else 'B'}-{kind}" if kind else "O" for kind, words in parts for i in range(len(words)))
    return Ticket(tokens, tags, label)
