"""Messages of customers in four languages, and what each is about: the data of the classifier's demo, made here, so that it needs no file.

One word says it; all others stand in messages of every kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple


class Message(NamedTuple):
    """A message, what it is about, and the word that tells."""

    text: str
    label: str
    word: str


TELLING: Mapping[str, Mapping[str, Sequence[str]]] = {
    "en": {
        "delivery": ("parcel", "courier", "shipment", "doorstep", "delayed", "tracking"),
        "payment": ("invoice", "refund", "charged", "receipt", "discount", "instalments"),
        "repair": ("broken", "cracked", "warranty", "overheats", "defective", "leaking"),
        "account": ("password", "login", "username", "profile", "newsletter", "locked"),
    },
    "de": {
        "delivery": ("Paket", "Kurier", "Sendung", "Lieferung", "verspätet", "Zustellung"),
        "payment": ("Rechnung", "Erstattung", "abgebucht", "Quittung", "Rabatt", "Ratenzahlung"),
        "repair": ("kaputt", "gesprungen", "Garantie", "überhitzt", "defekt", "undicht"),
        "account": ("Passwort", "Anmeldung", "Benutzername", "Profil", "Rundbrief", "gesperrt"),
    },
    "es": {
        "delivery": ("paquete", "mensajero", "envío", "entrega", "retrasado", "seguimiento"),
        "payment": ("factura", "reembolso", "cobrado", "recibo", "descuento", "plazos"),
        "repair": ("roto", "agrietado", "garantía", "recalienta", "defectuoso", "gotea"),
        "account": ("contraseña", "acceso", "usuario", "perfil", "boletín", "bloqueado"),
    },
    "zh": {
        "delivery": ("快递", "包裹", "派送", "运单", "延误", "物流"),
        "payment": ("发票", "退款", "扣款", "收据", "折扣", "分期"),
        "repair": ("坏了", "裂开", "保修", "发烫", "漏水", "故障"),
        "account": ("密码", "登录", "用户名", "头像", "订阅", "锁定"),
    },
}
FILLING: Mapping[str, Sequence[str]] = {
    "en": (
        *("hello", "good morning", "dear team", "I wrote last week already", "my sister told me to ask", "thank you very much"),
        *("it is about the", "something with the", "what about the", "the word here is", "and the", "please see", "since Monday"),
        *("I bought the lamp in May", "nobody answers the phone", "the blue one", "can you help", "this is urgent", "as I said"),
    ),
    "de": (
        *("guten Tag", "hallo zusammen", "ich schrieb schon letzte Woche", "meine Schwester riet mir zu fragen", "vielen Dank"),
        *("es geht um", "etwas mit", "was ist mit", "das Wort ist", "und", "bitte sehen Sie nach", "seit Montag", "die blaue"),
        *("ich kaufte die Lampe im Mai", "niemand geht ans Telefon", "können Sie helfen", "es eilt", "wie gesagt"),
    ),
    "es": (
        *("hola", "buenos días", "ya escribí la semana pasada", "mi hermana me dijo que preguntara", "muchas gracias", "el azul"),
        *("se trata de", "algo con", "qué pasa con", "la palabra es", "y", "por favor miren", "desde el lunes", "es urgente"),
        *("compré la lámpara en mayo", "nadie contesta el teléfono", "pueden ayudarme", "como dije"),
    ),
    "zh": (
        *("你好", "早上好", "我上周已经写过", "我姐姐让我来问", "非常感谢", "关于", "请看一下", "是这样", "从星期一开始"),
        *("五月买的台灯", "没有人接电话", "蓝色的那个", "能帮忙吗", "很急", "就像我说的", "还有", "请问"),
    ),
}
VALID_SHARE = 0.2


def messages(seed: int, count: int) -> tuple[list[Message], list[Message]]:
    """(training, validation): so many different messages in all, none of them twice."""
    random, made = Random(seed), dict[str, Message]()
    while len(made) < count:
        told = _message(random)
        made.setdefault(told.text, told)
    every, held = list(made.values()), round(count * VALID_SHARE)
    return every[held:], every[:held]


def _message(random: Random) -> Message:
    language = random.choice(list(TELLING))
    label = random.choice(list(TELLING[language]))
    word, around = random.choice(TELLING[language][label]), random.sample(FILLING[language], random.randint(2, 6))
    around.insert(random.randint(0, len(around)), word)
    return Message(("，" if language == "zh" else " ").join(around), label, word)
