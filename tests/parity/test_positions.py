"""Law 6: rotary positions, relative scores, T5's buckets and ALiBi's slopes are those of `transformers`."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from regard.attention import T5, Alibi, Attention, Relative, Rotary, ScaledDot, T5Causal
from regard.core.errors import ConfigError

same = torch.testing.assert_close
B, H, K, D = 2, 3, 7, 10
reference = pytest.mark.usefixtures("transformers")
AT = torch.tensor([[0, 1, 2, 3, 4, 5, 6], [3, 4, 8, 9, 40, 41, 300]])


@pytest.fixture
def transformers() -> None:
    pytest.importorskip("transformers", reason="parity needs the package transformers")


@reference
def test_rotary_is_that_of_gpt_j():
    """Pairs side by side: 2i and 2i + 1."""
    from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb

    angle = AT[..., None] / 10000 ** (torch.arange(0, D, 2) / D)
    x = torch.randn(B, H, K, D)
    want = apply_rotary_pos_emb(x.transpose(1, 2), angle.sin(), angle.cos()).transpose(1, 2)
    same(Rotary(D)(x, AT), want, atol=1e-5, rtol=0)  # the angles are float32's


@reference
def test_rotary_is_that_of_llama_by_another_order():
    """Llama turns i with i + D/2: the same numbers in another order, so the same dot products."""
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    angle = AT[..., None] / 10000 ** (torch.arange(0, D, 2) / D)
    both = torch.cat([angle, angle], -1)
    q, k = torch.randn(2, B, H, K, D)
    halves = torch.cat([torch.arange(0, D, 2), torch.arange(1, D, 2)])  # 0, 2, 4 ... 1, 3, 5 ...
    want_q, want_k = apply_rotary_pos_emb(q[..., halves], k[..., halves], both.cos(), both.sin())
    rotary = Rotary(D)
    same(rotary(q, AT)[..., halves], want_q, atol=1e-5, rtol=0)
    same(rotary(q, AT) @ rotary(k, AT).mT, want_q @ want_k.mT, atol=1e-4, rtol=0)


def test_rotary_knows_distances_alone():
    """Dot products of turned queries and keys do not change when all positions move; they do when distances change."""
    rotary = Rotary(D)
    q, k = torch.randn(2, B, H, K, D)

    def dots(shift: int, stretch: int = 1) -> torch.Tensor:
        return rotary(q, stretch * AT + shift) @ rotary(k, stretch * AT + shift).mT

    same(dots(17), dots(0), atol=1e-5, rtol=0)
    far = AT[:, None, :, None] != AT[:, None, None]
    assert ((dots(0, 2) - dots(0)).abs() > 1e-6)[far.expand(B, H, K, K)].all()
    same(rotary(q, AT).norm(dim=-1), q.norm(dim=-1))
    same(rotary(q, torch.zeros_like(AT)), q)
    with pytest.raises(ConfigError, match="an even width of each head"):
        Rotary(5)
    with pytest.raises(ConfigError, match="queries and keys 10 wide; received 12"):
        rotary(torch.randn(B, H, K, 12), AT)


def test_a_rotary_look_is_written_out():
    """Queries and keys are turned after their projection, head by head; values are not."""
    look = Attention(12, 12, heads=3, rotary=Rotary(4))
    x = torch.randn(B, K, 12)
    q, k, v = (linear(x).unflatten(-1, (3, 4)).transpose(1, 2) for linear in (look.query, look.key, look.value))
    scores = look.rotary(q, AT) @ look.rotary(k, AT).mT / 2
    want = look.out((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
    same(look(x, look.remember(x, at=AT), AT).context, want)


@reference
@pytest.mark.parametrize(("left", "right"), [(2, 2), (5, 5), (16, 16)])
def test_scaled_and_relative_is_that_of_wav2vec2_bert(left, right):
    """Its `relative_key`: Shaw's term of the keys beside the scaled dot product, in a whole self-attention of three heads."""
    from transformers import Wav2Vec2BertConfig
    from transformers.models.wav2vec2_bert.modeling_wav2vec2_bert import Wav2Vec2BertSelfAttention

    config = Wav2Vec2BertConfig(
        hidden_size=12, num_attention_heads=3, position_embeddings_type="relative_key", attention_dropout=0.0,
        left_max_position_embeddings=left, right_max_position_embeddings=right, attn_implementation="eager",
    )  # fmt: skip
    theirs, score = Wav2Vec2BertSelfAttention(config), ScaledDot() + Relative(4, left)
    ours = Attention(12, 12, heads=3, bias=True, score=score)
    with torch.no_grad():
        for mine, other in (("query", "linear_q"), ("key", "linear_k"), ("value", "linear_v"), ("out", "linear_out")):
            getattr(ours, mine).load_state_dict(getattr(theirs, other).state_dict())
        score.terms[1].table.copy_(theirs.distance_embedding.weight)
    x = torch.randn(B, K, 12, requires_grad=True)
    got, want = ours(x, ours.remember(x)).context, theirs(x)[0]
    same(got, want)
    wave = torch.arange(1.0, got.numel() + 1).view_as(got).sin()
    mine = torch.autograd.grad((got * wave).sum(), [x, score.terms[1].table])
    same(mine, torch.autograd.grad((want * wave).sum(), [x, theirs.distance_embedding.weight]))


@reference
@pytest.mark.parametrize(("buckets", "distance"), [(32, 128), (8, 20), (4, 7), (64, 300), (6, 11)])
@pytest.mark.parametrize("causal", [False, True])
def test_buckets_are_those_of_t5(buckets, distance, causal):
    from transformers.models.t5.modeling_t5 import T5Attention

    ahead = torch.arange(-500, 501).view(1, 1, -1)
    made = (T5Causal if causal else T5)(buckets, distance)
    want = T5Attention._relative_position_bucket(ahead, bidirectional=not causal, num_buckets=buckets, max_distance=distance)
    same(made.bucket(ahead), want)


@reference
@pytest.mark.parametrize("causal", [False, True])
def test_the_bias_is_that_of_t5(causal):
    """By head, and j - i with the right sign."""
    from transformers import T5Config
    from transformers.models.t5.modeling_t5 import T5Attention

    config = T5Config(d_model=12, num_heads=H, d_kv=4, relative_attention_num_buckets=8, relative_attention_max_distance=20)
    config.is_decoder = causal
    theirs = T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    ours = (T5Causal if causal else T5)(8, 20, heads=H)
    ours.table.data.copy_(theirs.relative_attention_bias.weight.T)
    at = torch.arange(30)[None]
    memory = Attention(1, 1).remember(torch.zeros(1, 30, 1))
    same(ours(torch.zeros(1, H, 30, 4), replace(memory, keys=torch.zeros(1, H, 30, 0)), at), theirs.compute_bias(30, 30))


@reference
@pytest.mark.parametrize("heads", [1, 2, 3, 6, 8, 12, 20, 32])
def test_slopes_are_those_of_falcon(heads):
    from transformers.models.falcon.modeling_falcon import build_alibi_tensor

    want = build_alibi_tensor(torch.ones(1, 2), heads, torch.float64)[:, 0, 1]  # a place 1 away
    same(Alibi(heads=heads).slope, want, rtol=1e-2, atol=0)  # theirs are bfloat16's
