"""What is too long for a net with so many places is cut on the way in and bounded on the way out, and told."""

from __future__ import annotations

import pytest

from regard.config import AttentionSection, read_config
from regard.config.length_limits import room
from regard.core.errors import ConfigError
from regard.data.tokenizer import EOS, Tokenizer
from regard.inference.array_writer import ArrayWriter
from regard.tasks.seq2seq_builder import build_seq2seq
from regard.tasks.transduce.predictor import Transducer

RECURRENT = {"encoder": "gru", "decoder": "gru", "embedding": 5, "size": 6}
TRANSFORMER = {"family": "transformer", "size": 6, "heads": 2, "feedforward": 5}
SHORT = {"max_source_length": 9, "max_target_length": 8}
CASES = {
    "learned": ({**TRANSFORMER, "positions": "learned", "max_positions": 12}, 12, 12),
    "recurrent": ({**RECURRENT, "attention": "location(10)"}, 10, None),
    "of a sum": ({**RECURRENT, "attention": "general + location(11) + location(13)"}, 11, None),
    "at the source": ({**TRANSFORMER, "attention": "scaled + location(9)"}, 9, None),
    "at itself": ({**TRANSFORMER, "self_attention": "location(10)"}, 10, 10),
    "both": ({**TRANSFORMER, "attention": "location(9)", "self_attention": "location(11) + scaled"}, 9, 11),
    "at its past": ({**RECURRENT, "past": "location(10)"}, None, 10),
    "none": ({**RECURRENT, "attention": "scaled + relative(9)"}, None, None),
    "none, rotary": ({**TRANSFORMER, "size": 8, "positions": "rotary"}, None, None),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_too_long(case, tmp_path):
    """A source of 31 tokens; the net is not trained, and writes as long as it may."""
    model, source, target = CASES[case]
    config = read_config({"data": SHORT, "model": model, "decode": {"max_extra": 40, "beam": 1}})
    assert room(config.model) == (source, target)
    tokenizer = Tokenizer.train("char", ["abc", "cab"])
    task = build_seq2seq(config, source_words=len(tokenizer), target_words=len(tokenizer))
    for name, parameter in task.network.head.named_parameters():
        if name.endswith("bias"):
            parameter.data[EOS] = -1e4  # never the end
    told: list[str] = []
    (found,) = Transducer([ArrayWriter(task.network)], (tokenizer, tokenizer), config, tmp_path).stream(
        ["abc" * 10], say=told.append
    )
    assert len(found[0].source_tokens) == (source or 31)
    assert len(found[0].text) == target - 1 if target else len(found[0].text) > 12
    cut = [line for line in told if "what follows was cut off" in line]
    assert len(cut) == (source is not None) and all(f"longer than the {source} tokens" in line for line in cut)
    assert any("reached the bound" in line for line in told)


@pytest.mark.parametrize(
    ("model", "data", "key", "longest"),
    [
        ({**RECURRENT, "attention": "general + location(8)"}, SHORT, "model.attention.score", 9),
        ({**TRANSFORMER, "attention": "location(999)"}, {}, "model.attention.score", 1000),
        ({**TRANSFORMER, "self_attention": "location(8)"}, SHORT, "model.self_attention.score", 9),
        ({**TRANSFORMER, "self_attention": "location(50)"}, {"max_source_length": 50}, "model.self_attention.score", 1000),
        ({**RECURRENT, "past": "location(7)"}, SHORT, "model.past.score", 8),
    ],
)
def test_a_score_has_a_place_for_each_token_of_the_training(model, data, key, longest):
    with pytest.raises(ConfigError, match=rf"{key}: expected a location for each token of the longest sentence, {longest};"):
        read_config({"data": data, "model": model})


def test_places():
    assert AttentionSection(score="scaled + relative(9)").longest is None
    assert AttentionSection(score="location(9) + scaled + location(max=7)").longest == 7
