"""What a server takes at most: each limit has a name, a default and a unit, and whoever goes beyond is told both name and value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from regard.core.errors import UsageError, did_you_mean, message

LARGEST = 1 << 31


def _limit(default: int, what: str) -> int:
    found: int = field(default=default, metadata={"what": what})
    return found


@dataclass(frozen=True)
class ServerLimits:
    """The limits of a server.  They hold for a request with one text as for one with many.

    A text has at most as many tokens as characters and its end, so `characters` bounds what is read; `steps` bounds what is written.
    """

    body: int = _limit(1 << 20, "bytes of a request's body")
    header: int = _limit(16 << 10, "bytes of a request's headers")
    texts: int = _limit(64, "texts, or pairs, of a request")
    characters: int = _limit(1000, "characters of a text, its features included")
    steps: int = _limit(4000, "tokens that may be written for a text: max_ratio * characters + max_extra, or min_length")
    beam: int = _limit(16, "beam, n_best")
    touches: int = _limit(256, "words of interventions")
    looks: int = _limit(250_000, "with attention: characters * tokens that may be written * n_best, summed over the texts")
    seconds: int = _limit(30, "seconds from a request's first byte to its answer; what is due later is not begun")
    queue: int = _limit(512, "texts that wait for the model")
    batch: int = _limit(128, "hypotheses that the model writes side by side: texts * beam; 1: text by text")
    wait: int = _limit(2, "milliseconds that a batch waits for others, where others are there")
    slow: int = _limit(10, "seconds that a client has for its headers, for its body, and for taking its answer")
    connections: int = _limit(1024, "connections that are open at once")

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = 0 if name == "wait" else 1
            if not least <= value <= LARGEST:
                raise UsageError(
                    message(f"--limits {name}", f"a whole number from {least} to {LARGEST}", str(value), "Give one.")
                )
        if self.queue < self.texts:
            do = "Raise queue, or lower texts."
            raise UsageError(message("--limits queue", f"room for the texts of a request ({self.texts})", str(self.queue), do))

    @staticmethod
    def describe() -> dict[str, str]:
        """What each limit counts, by its name."""
        return {each.name: each.metadata["what"] for each in fields(ServerLimits)}


def read_limits(words: Iterable[str]) -> ServerLimits:
    """Limits of words NAME=NUMBER, several of them in one word parted by commas.  Raises UsageError for what is none."""
    known, found = ServerLimits.describe(), dict[str, int]()
    for word in (part.strip() for words_ in words for part in words_.split(",")):
        name, _, value = word.partition("=")
        if name not in known:
            do = f"Correct it.{did_you_mean(name, known)}"
            raise UsageError(message(f"--limits {word}", f"NAME=NUMBER with one of {', '.join(known)}", repr(name), do))
        try:
            found[name] = int(value.replace("_", ""))
        except ValueError:
            do = f"Write --limits {name}={getattr(ServerLimits, name)}."
            raise UsageError(message(f"--limits {name}", "a whole number", repr(value), do)) from None
    return ServerLimits(**found)
