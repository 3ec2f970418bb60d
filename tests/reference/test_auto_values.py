"""Keys that are left out fit the data: what texts look like, the rules of sizes, and who may overrule them, by hand."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from regard.config import load_config, read_config
from regard.config.auto import as_begun, left_out, settle
from regard.core.errors import ConfigError
from regard.data.examples import Item
from regard.data.row_parser import Place
from regard.data.tokenizer_guess import cut_of, written_in_symbols
from regard.decoding.limits import Limits
from regard.tasks import data_sizes, registry
from regard.tasks.data_sizes import beyond_the_bound
from regard.tasks.transduce.demo_data import dates
from regard.training import auto_values

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
PHONES = dict(zip("abcdefgh", ["ɑː", "b", "tʃ", "d̪", "eː", "f", "ɡ", "h"], strict=True))


def pairs(*texts: tuple[str, str]) -> list[Item]:
    return [Item(source, target, (), Place("x.tsv", number)) for number, (source, target) in enumerate(texts, 1)]


def numbers(count: int = 300) -> list[Item]:
    """Five digits in words: targets of 5 symbols or some 55 letters."""
    drawn = random.Random(1).sample(range(10_000, 100_000), count)
    return pairs(*((str(n), " ".join(f"digit-{DIGITS[int(c)]}" for c in str(n))) for n in drawn))


def pronunciations(count: int) -> list[Item]:
    draw = random.Random(2)
    words = ["".join(draw.choices("abcdefgh", k=draw.randint(2, 9))) for _ in range(count)]
    return pairs(*((word, " ".join(PHONES[c] for c in word)) for word in words))


def sentences(count: int) -> list[Item]:
    """Words of an open vocabulary: each item has some that no other has."""
    draw = random.Random(3)
    word = lambda: "".join(draw.choices("abcdefghijklmnop", k=draw.randint(1, 7)))
    return pairs(*((" ".join(word() for _ in range(9)), " ".join(word() for _ in range(8))) for _ in range(count)))


def fit_to_pairs(config, items):
    return data_sizes.fit_to_pairs(config, auto_values.EvenSample().see_all(items))


def fit_to_texts(config, items, text, what):
    return data_sizes.fit_to_texts(config, items, text, what, registry.of(config.task).recipe)


@pytest.mark.parametrize(
    ("items", "source", "target"),
    [
        (numbers(), "char", "space"),
        (pronunciations(200), "char", "space"),
        ([Item(p.target, p.source, (), p.place) for p in pronunciations(200)], "space", "char"),
        (pairs(*dates(1, 300)[0]), "char", "char"),
        (pairs(("backen", "gebacken"), ("laufen gehen", "laufen gegangen"), ("sehen", "gesehen")), "char", "char"),
        (sentences(400), "bpe(800)", "bpe(700)"),
    ],
    ids=["numbers", "phones", "phones-to-letters", "dates", "inflection", "sentences"],
)
def test_how_texts_are_cut(items, source, target):
    assert cut_of([i.source for i in items], [str(i.target) for i in items], len(items)) == (source, target)


def test_a_sorted_file_is_no_open_vocabulary():
    """Each first letter has phones of its own: the first half of the file has none of the other's."""
    texts = [f"{a}1 {a}2" for a in "abcdefghij" for _ in range(30)]
    assert written_in_symbols(texts) and not written_in_symbols([f"{n} {-n}" for n in range(300)])


def test_korean_syllables_are_parted_and_accents_are_not():
    syllables = [chr(0xAC00 + 7 * n) + chr(0xAC00 + 11 * n) for n in range(900)]
    config, _ = fit_to_pairs(read_config({}), pairs(*((word, "k a ŋ") for word in syllables)))
    assert config.data.unicode == "nfd"
    config, _ = fit_to_pairs(read_config({}), pairs(*((f"{word}é", "k a ŋ") for word in "abcdefghijkl" * 20)))
    assert config.data.unicode == "none"


def test_batches_and_widths_of_the_recipes():
    assert [auto_values.batch(tokens) for tokens in (33_000, 130_000, 400_000)] == [350, 610, 950]  # recipes: 300, 800, 1500
    assert [auto_values.width(tokens) for tokens in (33_000, 130_000)] == [160, 192]
    assert (auto_values.batch(10), auto_values.batch(10**9)) == (auto_values.LEAST_BATCH, 4000)
    assert (auto_values.width(10), auto_values.width(10**9)) == (160, 320)


def test_updates_grow_with_the_data_and_never_fall():
    told = [auto_values.updates(10**power) for power in range(2, 9)]
    assert told == sorted(told) and told[0] >= 500


def test_a_run_has_about_the_updates_that_it_should():
    for tokens in (300, 5000, 40_000, 300_000):
        planned = auto_values.updates(tokens)
        course = auto_values.course(each := max(1, tokens // auto_values.batch(tokens)), planned, peak=0.003)
        assert 1 <= course["train.epochs"] * each / planned < 1.5
        assert course["train.warmup"] < course["train.validate_every"] < course["train.epochs"] * each


def test_letters_are_learnt_in_fewer_and_larger_batches_unless_a_batch_is_set():
    """As many passes over the data; whoever sets the batch gets the updates of that batch."""
    items = pronunciations(6000)
    config, _ = fit_to_pairs(read_config({}), items)
    tokens = sum(len(str(item.target).split()) + 1 for item in items)
    assert config.train.batch_tokens == pytest.approx(auto_values.WRITTEN * auto_values.batch(tokens), rel=0.05)
    passes = config.train.epochs
    given, _ = fit_to_pairs(read_config({"train": {"batch_tokens": auto_values.batch(tokens)}}), items)
    assert given.train.epochs == pytest.approx(passes, abs=1)


def test_translations_are_judged_by_bleu_and_answers_that_can_be_right_as_a_whole_are_not():
    short = [Item(item.source, str(item.target).split()[0], (), item.place) for item in sentences(400)]
    for items, given, metric in (
        (sentences(400), {}, "bleu"),
        (sentences(400), {"train": {"metric": "loss"}}, "loss"),
        (sentences(400), {"data": {"target_tokenizer": "char"}}, "exact"),
        (short, {"data": {"target_tokenizer": "bpe(300)"}}, "exact"),
        (pronunciations(200), {}, "exact"),
    ):
        assert fit_to_pairs(read_config(given), items)[0].train.metric == metric, given


@pytest.mark.parametrize(
    ("items", "given", "tie"),
    [
        (sentences(400), {}, "output"),
        (sentences(400), {"data": {"joint": True}}, "all"),
        (sentences(400), {"model": {"tie": "none"}}, "none"),
        (sentences(400), {"model": {"family": "transformer"}}, "none"),
        (pronunciations(200), {}, "none"),
    ],
    ids=["pieces", "joint", "set", "another net", "letters"],
)
def test_pieces_tie_their_output_layer(items, given, tie):
    """Of a plain net, unless somebody says otherwise: thousands of rows are most of its work."""
    assert fit_to_pairs(read_config(given), items)[0].model.tie == tie


@pytest.mark.parametrize("family", ["recurrent", "transformer"])
def test_the_rate_rises_in_a_twentieth_of_the_length_that_was_set(family):
    """Not of the length that would have been chosen, which a short run never reached."""
    items = sentences(4000)
    for given, total in (({"updates": 40}, 40), ({"updates": 40, "epochs": 1000}, 40)):
        config, _ = fit_to_pairs(read_config({"model": {"family": family}, "train": given}), items)
        assert config.train.warmup == total // 20 and config.train.schedule == "linear"
    short, long = (fit_to_pairs(read_config({"train": {"epochs": epochs}}), items)[0].train.warmup for epochs in (2, 20))
    assert long == pytest.approx(10 * short, rel=0.1)


def test_and_so_it_is_of_texts():
    items = [Item(f"wort{n} ist da", "ab"[n % 2], (), Place("x.tsv", n)) for n in range(60)]
    config = fit_to_texts(read_config({"task": "classify", "train": {"updates": 100}}), items, lambda item: item.source, "texts")[
        0
    ]
    assert config.train.warmup == 5


def test_the_bound_holds_every_target_with_room():
    sources, targets = np.array([6] * 50), np.array([6] * 49 + [11])  # ends included: at most 10 words
    ratio, extra = auto_values.bound_length(sources, targets)
    assert ratio == 1.0 and extra == 10  # 120 % of 5 / 6, rounded up
    assert Limits(0, ratio, extra).beyond(sources, targets - 1) == (0, 10)
    ratio, extra = auto_values.bound_length(np.array([6, 4]), np.array([61, 31]))  # letters of digits in words
    assert int(6 * ratio) + extra >= 75 and int(4 * ratio) + extra >= 37


def test_one_wild_target_does_not_set_the_bound_for_all():
    sources, targets = np.array([10] * 5000), np.array([11] * 4999 + [900])
    ratio, extra = auto_values.bound_length(sources, targets)
    assert (ratio, extra) == (1.2, 10)
    told = beyond_the_bound(read_config({"decode": {"max_ratio": ratio, "max_extra": extra}}).decode, sources, targets)
    assert told.startswith("note: 1 of 5,000 training targets are longer than") and told.endswith("max_extra: 887 would do.")


def test_what_a_bound_cuts_is_counted_as_the_search_counts():
    """`most` words before the end sign: 2 x 4 + 20 for three letters and their end."""
    decode = read_config({"decode": {"max_ratio": 2.0, "max_extra": 20}}).decode
    assert beyond_the_bound(decode, [4, 4], [29, 20]) == ""
    assert beyond_the_bound(decode, [4, 4], [30, 20]) == (
        "note: 1 of 2 training targets are longer than decode.max_ratio and decode.max_extra let be written; max_extra: 21 would do."
    )


def test_what_is_left_out_is_settled_and_loads_back_equal():
    config, told = fit_to_pairs(read_config({}), pronunciations(500))
    assert told.startswith("500 pairs, 3,300 target tokens: size 160, batches of ") and told.endswith(" updates at most")
    assert not left_out(config) and "epochs: auto" not in config.to_yaml()
    again = load_config(None, [f"{k}={v}" for k, v in [("train.epochs", config.train.epochs)]])
    assert left_out(again).isdisjoint({"train.epochs"})
    assert (config.model.attention.score, config.model.order, config.model.input_feeding) == ("general", "luong", False)
    assert config.train.schedule == "linear" and config.train.average == 3


def test_what_is_set_stays():
    given = {
        "data": {"source_tokenizer": "char", "target_tokenizer": "char", "unicode": "nfc"},
        "model": {"size": 24, "dropout": 0.0, "attention": "dot"},
        "train": {"epochs": 2, "batch_tokens": 77, "learning_rate": 0.5},
        "decode": {"max_extra": 3},
    }
    config, _ = fit_to_pairs(read_config(given), pronunciations(200))
    for section, keys in given.items():
        for key, value in keys.items():
            found = getattr(getattr(config, section), key)
            assert getattr(found, "score", found) == value


def test_keys_of_one_decision_go_together():
    """Whoever sets one of them has the plain defaults of the others, so that what was asked for before still means the same."""
    plain = read_config({})
    config, _ = fit_to_pairs(read_config({"train": {"epochs": 5, "learning_rate": 0.01}, "decode": {"max_extra": 3}}), numbers())
    for section, key in [
        *(("train", k) for k in ("validate_every", "patience", "average", "schedule", "warmup")),
        ("decode", "max_ratio"),
    ]:
        assert getattr(getattr(config, section), key) == getattr(getattr(plain, section), key)
    config, _ = fit_to_pairs(read_config({"train": {"updates": 7}}), numbers())
    assert (config.train.epochs, config.train.patience) == (30, None)


@pytest.mark.parametrize("model", [{"family": "transformer"}, {"encoder": "gru"}, {"attention": "none"}, {"past": "additive"}])
def test_a_net_that_was_chosen_is_kept(model):
    config, _ = fit_to_pairs(read_config({"model": model}), pronunciations(200))
    plain = read_config({"model": model})
    for key in ("attention", "order", "input_feeding"):
        assert getattr(config.model, key) == getattr(plain.model, key)


def test_auto_is_a_word_for_left_out():
    config = load_config(None, ["train.epochs=auto", "model.size=auto", "data.target_tokenizer=auto", "model.attention=auto"])
    assert left_out(config) == left_out(read_config({}))
    assert "size: auto" in config.to_yaml() and read_config(config.model_dump(mode="json")) == config
    with pytest.raises(ConfigError, match=r"train\.clip: expected a number, at least 0; received 'auto'"):
        load_config(None, ["train.clip=auto"])
    with pytest.raises(ConfigError, match=r"train\.epochs: expected a whole number, at least 1"):
        load_config(None, ["train.epochs=many"])


def test_a_run_that_goes_on_keeps_what_it_began_with():
    begun = settle(read_config({}), {"train.epochs": 13, "model.size": 112, "train.batch_tokens": 70})
    assert as_begun(read_config({}), begun) == begun
    assert as_begun(read_config({"train": {"epochs": 14}}), begun).difference(begun) == ["train.epochs: 14 here, 13 there"]


def test_sampling_covers_the_file_and_counts_it():
    sample = auto_values.EvenSample(50)
    assert [*sample.watch(range(1003))] == [*range(1003)]
    assert sample.count == 1003 and 50 <= len(sample.kept) <= 100 and sample.kept[0] == 0 and sample.kept[-1] > 950
    assert {b - a for a, b in itertools.pairwise(sample.kept)} == {16}  # equal distances
    assert auto_values.EvenSample(50).see_all(range(7)).kept == [*range(7)]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("classify", "600 texts, 5,400 tokens: size 128, batches of 170 tokens, "),
        ("tag", "600 texts, 5,400 tokens: size 176, batches of 170 tokens, "),
        ("pair", "600 texts, 5,400 tokens: size 128, batches of 170 tokens, "),
        ("read", "600 texts, 5,400 tokens: size 64, batches of 170 tokens, "),
    ],
)
def test_tasks_that_read_fit_their_data_too(task, said):
    texts = [" ".join(f"w{(7 * n + k) % 50}" for k in range(8)) for n in range(600)]
    config, told = fit_to_texts(read_config({"task": task}), texts, str, "texts")
    assert told.startswith(said) and not left_out(config)
    assert config.train.epochs > 1 and config.train.schedule == "linear" and config.train.patience
    assert read_config(config.model_dump(mode="json")) == config
    kept, _ = fit_to_texts(read_config({"task": task, "train": {"epochs": 3}, "model": {"size": 9}}), texts, str, "texts")
    assert (kept.train.epochs, kept.model.size, kept.train.average) == (3, 9, 1)


def test_a_tagger_reads_rare_words_by_their_letters():
    """Of many words, one that is there once is read as one that never was; whoever says how rare words are read says it whole."""
    few = ["a walk in the old town then"] * 600
    config, _ = fit_to_texts(read_config({"task": "tag"}), few, str, "sentences")
    assert (config.tag.letters, config.tag.min_count, config.tag.unseen) == (100, 1, 0.1)
    config, _ = fit_to_texts(read_config({"task": "tag"}), 5 * few, str, "sentences")
    assert (config.tag.letters, config.tag.min_count, config.tag.unseen) == (100, 2, 0.1)
    config, _ = fit_to_texts(read_config({"task": "tag", "tag": {"letters": 0}}), 5 * few, str, "sentences")
    assert (config.tag.letters, config.tag.min_count, config.tag.unseen) == (0, 1, 0.05)


def test_what_begins_with_a_pretrained_reader_is_left_as_it_is():
    config, told = fit_to_texts(read_config({"task": "classify", "model": {"pretrained": "bert"}}), ["a b"] * 50, str, "texts")
    assert told == "" and (config.model.size, config.train.epochs, config.train.learning_rate) == (256, 30, 1e-4)


def test_tasks_of_which_nothing_is_known_keep_plain_defaults():
    config = settle(read_config({"task": "forecast"}), {})
    assert not left_out(config) and config.train.epochs == read_config({"task": "forecast"}).train.epochs
