"""The tagger's generated data: no sentence twice, the shown ones in neither file, tags that fit the words."""

from __future__ import annotations

from regard.tasks.tag.demo_data import EN_CITIES, SHOWN, ZH_CITIES, tickets
from regard.tasks.tag.span_tags import find_break
from regard.tasks.tag.spans import spans


def test_no_sentence_twice_and_none_of_those_shown():
    train, valid = tickets(1, 3000)
    assert (len(train), len(valid)) == (2700, 300)
    every = [sentence.source for sentence in (*train, *valid)]
    assert len(set(every)) == len(every)
    assert not {"".join(source.split()) for source in every} & {"".join(shown.split()) for shown in SHOWN}


def test_a_seed_is_a_set_of_data():
    assert tickets(5, 200) == tickets(5, 200) and tickets(5, 200) != tickets(6, 200)


def test_tags_fit_the_words():
    train, valid = tickets(2, 2000)
    kinds, labels = set[str](), set[str]()
    for sentence in (*train, *valid):
        assert len(sentence.tokens) == len(sentence.tags) and find_break(sentence.tags) is None
        labels.add(sentence.label)
        for kind, start, end in spans(sentence.tags):
            kinds.add(kind)
            words = sentence.tokens[start:end]
            if kind != "date":
                assert "".join(words) in ZH_CITIES or " ".join(words) in EN_CITIES, sentence
    assert kinds == {"from", "to", "date"} and labels == {"go", "book", "price", "time"}


def test_a_city_is_where_a_journey_goes_and_where_it_begins():
    """郑州 stands in both roles, so the word alone does not say which."""
    train, _ = tickets(1, 3000)
    roles = {kind for s in train for kind, start, end in spans(s.tags) if "".join(s.tokens[start:end]) == "郑州"}
    assert roles == {"from", "to"}
