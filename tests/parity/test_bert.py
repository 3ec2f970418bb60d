"""Law 6: our BERT is that of `transformers`, with its heads, at random weights, both ways, through files; and so is its vocabulary."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from regard.build.bert import make_bert, make_masked_words
from regard.data.wordpiece import SPECIALS, WordPieces
from regard.networks.bert import BertShape, draw
from regard.pretrained import huggingface

transformers = pytest.importorskip("transformers", reason="the reference: pip install transformers")

WORDS = [*SPECIALS, *(f"w{i}" for i in range(24))]
SHAPE = BertShape(len(WORDS), size=12, layers=3, heads=3, feedforward=20, positions=17, dropout=0.1, attention_dropout=0.1)
LENGTHS = torch.tensor([11, 7, 1])
VALID = torch.arange(11) < LENGTHS[:, None]
HEADS = {
    "BertModel": (),
    "BertForPreTraining": (huggingface.WORDS, huggingface.NEXT),
    "BertForMaskedLM": (huggingface.WORDS,),
    "BertForNextSentencePrediction": (huggingface.NEXT,),
    "BertForSequenceClassification": ("classifier",),
    "BertForTokenClassification": ("classifier",),
    "BertForQuestionAnswering": ("qa_outputs",),
}
LABELS = 3


@pytest.fixture(autouse=True)
def single() -> None:
    """As files hold it."""
    torch.set_default_dtype(torch.float32)


def scrambled(network: nn.Module) -> nn.Module:
    """Norms and biases too: at their first values half of the mistakes would not be seen."""
    with torch.no_grad():
        for x in network.parameters():
            x.add_(0.2 * torch.randn_like(x))
    return network.eval()


def network(architecture: str, shape: BertShape = SHAPE):
    bert = make_bert(shape)
    draw(bert)
    made = {
        huggingface.WORDS: lambda: make_masked_words(bert),
        huggingface.NEXT: lambda: nn.Linear(shape.size, 2),
        "classifier": lambda: nn.Linear(shape.size, LABELS),
        "qa_outputs": lambda: nn.Linear(shape.size, 2),
    }
    heads = nn.ModuleDict({name.replace(".", "_"): made[name]() for name in HEADS[architecture]})
    return bert, dict(zip(HEADS[architecture], heads.values(), strict=True)), scrambled(nn.ModuleList([bert, heads]))


def ours(architecture: str, bert, heads, words, segments) -> list[torch.Tensor]:
    encoded = bert(words, VALID, segments=segments)
    if architecture == "BertModel":
        return [encoded.states, encoded.final]
    found = []
    for name, head in heads.items():
        if name == huggingface.WORDS:
            found.append(head.logits(encoded.states))
        elif name == huggingface.NEXT or architecture == "BertForSequenceClassification":
            found.append(head(encoded.final))
        elif name == "qa_outputs":
            found += list(head(encoded.states).unbind(-1))
        else:
            found.append(head(encoded.states))
    return found


def theirs(model, words, segments) -> list[torch.Tensor]:
    found = model(input_ids=words, attention_mask=VALID.long(), token_type_ids=segments)
    names = (
        "last_hidden_state",
        "pooler_output",
        "prediction_logits",
        "logits",
        "seq_relationship_logits",
        "start_logits",
        "end_logits",
    )
    return [found[name] for name in names if name in found]


def alike(architecture: str, bert, heads, model) -> None:
    words, segments = torch.randint(5, len(WORDS), VALID.shape), torch.randint(0, 2, VALID.shape)
    with torch.no_grad():
        mine, wanted = ours(architecture, bert, heads, words, segments), theirs(model.eval(), words, segments)
    assert len(mine) == len(wanted)
    for a, b in zip(mine, wanted, strict=True):
        real = VALID if a.shape[:2] == VALID.shape else slice(None)
        torch.testing.assert_close(a[real], b[real], atol=1e-5, rtol=0)


def their_config(**more):
    return transformers.BertConfig(
        vocab_size=SHAPE.words, hidden_size=SHAPE.size, num_hidden_layers=SHAPE.layers, num_attention_heads=SHAPE.heads,
        intermediate_size=SHAPE.feedforward, max_position_embeddings=SHAPE.positions, num_labels=LABELS, **more,
    )  # fmt: skip


@pytest.mark.parametrize("architecture", HEADS)
def test_what_they_write_we_read(architecture, tmp_path):
    made = their_config()
    if architecture == "BertForQuestionAnswering":
        made.num_labels = 2
    model = scrambled(getattr(transformers, architecture)(made))
    model.save_pretrained(tmp_path)
    WordPieces(WORDS).save(tmp_path)
    folder = huggingface.read(tmp_path)
    assert folder.architecture == architecture and folder.shape == SHAPE
    bert, heads, _ = network(architecture)
    absent = huggingface.fill(folder, bert, heads)
    assert absent == ([huggingface.POOLER] if architecture in huggingface.NO_POOLER else [])
    alike(architecture, bert, heads, model)


@pytest.mark.parametrize("architecture", HEADS)
def test_what_we_write_they_read(architecture, tmp_path):
    bert, heads, _ = network(architecture)
    labels = {i: f"label {i}" for i in range(LABELS)} if "classifier" in heads else None
    huggingface.write(tmp_path, bert, WordPieces(WORDS), heads, architecture=architecture, labels=labels)
    model, told = getattr(transformers, architecture).from_pretrained(tmp_path, output_loading_info=True)
    assert not told["missing_keys"]
    alike(architecture, bert, heads, model)
    again, others, _ = network(architecture)
    huggingface.fill(huggingface.read(tmp_path), again, others)
    alike(architecture, again, others, model)


def test_gradients_are_theirs(tmp_path):
    model = scrambled(transformers.BertModel(their_config()))
    model.save_pretrained(tmp_path)
    WordPieces(WORDS).save(tmp_path)
    bert = make_bert(SHAPE).eval()
    huggingface.fill(huggingface.read(tmp_path), bert, {})
    words, turn = torch.randint(5, len(WORDS), VALID.shape), torch.randn(SHAPE.size)
    (bert(words, VALID).states[VALID] @ turn).sum().backward()
    (model(input_ids=words, attention_mask=VALID.long()).last_hidden_state[VALID] @ turn).sum().backward()
    own = {name: p for name, p in bert.named_parameters() if p.grad is not None}
    given = dict(model.named_parameters())
    for mine, name in (
        ("embed.table.weight", "embeddings.word_embeddings.weight"),
        ("encoder.layers.0.attention.key.weight", "encoder.layer.0.attention.self.key.weight"),
        ("encoder.layers.2.feedforward.net.0.bias", "encoder.layer.2.intermediate.dense.bias"),
    ):
        torch.testing.assert_close(own[mine].grad, given[name].grad, atol=1e-4, rtol=1e-4)


def test_left_to_right_is_their_decoder(tmp_path):
    model = scrambled(transformers.BertModel(their_config(is_decoder=True)))
    model.save_pretrained(tmp_path)
    WordPieces(WORDS).save(tmp_path)
    folder = huggingface.read(tmp_path)
    assert folder.shape.causal
    bert = make_bert(folder.shape).eval()
    huggingface.fill(folder, bert, {})
    words = torch.randint(5, len(WORDS), VALID.shape)
    with torch.no_grad():
        mine = bert(words, VALID).states
        wanted = model(input_ids=words, attention_mask=VALID.long()).last_hidden_state
    torch.testing.assert_close(mine[VALID], wanted[VALID], atol=1e-5, rtol=0)


@pytest.mark.parametrize("prefix", [True, False])
def test_older_names_are_read(prefix, tmp_path):
    """gamma and beta for the norms' weights, with the prefix or without, and the positions that were once kept as numbers."""
    bert, _, _ = network("BertModel")
    huggingface.write(tmp_path, bert, WordPieces(WORDS), {}, architecture="BertModel")
    old = {}
    for name, tensor in load_file(tmp_path / "model.safetensors").items():
        if "LayerNorm" in name:
            name = name.replace(".weight", ".gamma").replace(".bias", ".beta")
        old[name if prefix else name.removeprefix("bert.")] = tensor
    old[f"{'bert.' if prefix else ''}embeddings.position_ids"] = torch.arange(SHAPE.positions)[None]
    save_file(old, tmp_path / "model.safetensors")
    again = make_bert(SHAPE).eval()
    huggingface.fill(huggingface.read(tmp_path), again, {})
    for (name, a), (_, b) in zip(bert.state_dict().items(), again.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


TEXTS = [
    "The quick brown fox jumps over the lazy dog.", "Don't stop; it's 3.14159% of Ünïcödé, naïve café — résumé!", "",
    "我一月一号去郑州，明天回北京。", "mixed中文and English文字", "日本語のテキスト かな カナ", "한국어 텍스트",
    "🙂 emoji 👩‍👩‍👧 family 🇨🇳",
    "tabs\tand\nnewlines\r\n and\u00a0nbsp\u3000ideographic", "control\x00char\x07s \u200b zero\u200dwidth \ufffd replaced",
    "[CLS] special [MASK] tokens [SEP] [PAD] [UNK] in text",
    "UPPER lower MiXeD İstanbul ßtraße ÆØÅ ﬁ ligature", "e\u0301 a\u0308 combining",
    "supercalifragilistic" * 8, "x" * 101, "a" * 100, "$100 €50 ¥30 ~`^|<>+=", "العربية עברית ไทย हिन्दी", "𠀀𠀁 extension B 𝔘𝔫𝔦",
    "snake_case CamelCase http://example.com/path?x=1&y=2", " leading and trailing  ", "«quotes» “curly” ‘single’ …",
]  # fmt: skip


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("word", ["wordpiece(400)", "char"])
def test_the_vocabulary_cuts_as_theirs(word, lower, tmp_path):
    pieces = WordPieces.learn(word, TEXTS[:12] * 2, lower=lower)  # the rest has letters that it never saw
    pieces.save(tmp_path)
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["do_lower_case"] == lower
    fast = transformers.BertTokenizerFast(vocab=str(tmp_path / "vocab.txt"), do_lower_case=lower)
    again = WordPieces.read(tmp_path)
    assert again.names == pieces.names and again.lower == lower
    marked = 0
    for text in TEXTS:
        mine = again.encode(text)
        assert not (set(mine) & (again.specials - {again.unknown}))
        if "[MASK]" in text:  # they take it for the special that it names; a text is only a text here
            marked += 1
            continue
        assert mine == fast(text, add_special_tokens=False)["input_ids"], text
    assert marked == 1
    a, b = "first text", "second one"
    both = fast(a, b)
    assert both["input_ids"] == [again.first, *again.encode(a), again.between, *again.encode(b), again.between]
