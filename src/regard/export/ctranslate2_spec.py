"""A Transformer as CTranslate2 describes one: which of them it can hold, and their weights in its places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from ctranslate2.specs import Activation, TransformerDecoderSpec, TransformerEncoderSpec, TransformerSpec
from torch import Tensor, nn

from regard.attention.attention import Attention
from regard.attention.scope import And, Causal, Everywhere
from regard.attention.score import Dot, ScaledDot
from regard.attention.weighting import Softmax
from regard.export.trace import Unexportable
from regard.networks.embedding import PositionedEmbedding
from regard.networks.encoder_decoder import EncoderDecoder
from regard.networks.heads import WordsHead
from regard.networks.transformer import DecoderLayer, EncoderLayer, PostNorm, PreNorm, TransformerDecoder, TransformerEncoder

PLACES = 1024  # for which positions are written, where the net has no bound of its own: CTranslate2's own sinusoids are others
ACTIVATIONS = {nn.ReLU: Activation.RELU, nn.GELU: Activation.GELU}
Layer = EncoderLayer | DecoderLayer


def to_spec(network: nn.Module, vocabularies: tuple[Sequence[str], Sequence[str]]) -> TransformerSpec:
    """The spec of an encoder-decoder, with its weights.  vocabularies: the symbols of source and target, by number.

    Raises Unexportable for what CTranslate2 has no form of.
    """
    encoder, decoder = _refuse_others(network)
    rotary = encoder.layers[0].attention.rotary
    shared: dict[str, Any] = {
        "num_heads": encoder.layers[0].attention.heads,
        "pre_norm": isinstance(encoder.layers[0].residuals[0], PreNorm),
        "activation": ACTIVATIONS[type(encoder.layers[0].feedforward.net[1])],
        **({} if rotary is None else {"rotary_dim": 2 * len(rotary.rate), "rotary_interleave": True}),
    }
    looks = {"alignment_layer": -1, "alignment_heads": shared["num_heads"]}  # the mean of the last layer's heads
    spec = TransformerSpec(
        TransformerEncoderSpec(len(encoder.layers), **shared), TransformerDecoderSpec(len(decoder.layers), **shared, **looks)
    )
    _fill_embedding(spec.encoder, spec.encoder.embeddings[0], network.source, rotary=rotary is not None)
    _fill_embedding(spec.decoder, spec.decoder.embeddings, network.target, rotary=rotary is not None)
    for side, stack in ((spec.encoder, encoder), (spec.decoder, decoder)):
        if shared["pre_norm"]:
            _fill_norm(side.layer_norm, stack.norm)
        for layer, made in zip(side.layer, stack.layers, strict=True):
            _fill_layer(layer, made)
    head: Any = network.head
    _, weight, bias = head.parts(torch.zeros(1, decoder.size))
    spec.decoder.projection.weight, spec.decoder.projection.bias = _numbers(weight), _numbers(bias)
    spec.register_source_vocabulary(list(vocabularies[0]))
    spec.register_target_vocabulary(list(vocabularies[1]))
    spec.config.add_source_eos = True
    spec.config.layer_norm_epsilon = encoder.layers[0].residuals[0].norm.eps
    spec.validate()
    return spec


def _refuse_others(network: nn.Module) -> tuple[Any, Any]:
    """The encoder and the decoder of a net that CTranslate2 can hold."""
    lacking = next(_lacks(network), None)
    if lacking is not None:
        raise Unexportable(lacking)
    assert isinstance(network, EncoderDecoder)
    return network.encoder, network.decoder


def _lacks(network: nn.Module) -> Iterator[str]:
    """What of a net CTranslate2 has no form of, as "has ..."."""
    if not isinstance(network, EncoderDecoder):
        yield f"is no encoder-decoder but {type(network).__name__}"
        return
    encoder, decoder = network.encoder, network.decoder
    if type(encoder) is not TransformerEncoder or type(decoder) is not TransformerDecoder:
        yield f"has {type(encoder).__name__} and {type(decoder).__name__} where CTranslate2 knows Transformers alone"
        return
    if not isinstance(network.head, WordsHead) or not isinstance(getattr(network.head, "linear", None), nn.Linear | nn.Identity):
        yield f"reads its words off a {type(network.head).__name__}"
    if any(type(side) is not PositionedEmbedding for side in (network.source, network.target)):
        yield "embeds more than words"
    layers: list[Any] = [*encoder.layers, *decoder.layers]
    if odd := next((layer for layer in layers if type(layer) not in (EncoderLayer, DecoderLayer)), None):
        yield f"has layers of the kind {type(odd).__name__}"
        return
    for layer in layers[: len(encoder.layers)]:
        yield from _lacks_look("encoder self-attention", layer.attention, Everywhere)
    for layer in layers[len(encoder.layers) :]:
        yield from _lacks_look("decoder self-attention", layer.own, Causal)
        yield from (
            ["has no look at a source"] if layer.source is None else _lacks_look("cross-attention", layer.source, Everywhere)
        )
    if len({look.heads for layer in layers for look in _looks(layer)}) > 1:
        yield "has layers with other numbers of heads"
    if any(type(layer.feedforward.net[1]) not in ACTIVATIONS for layer in layers):
        yield "has an activation that is neither relu nor gelu"
    if any(type(residual) not in (PreNorm, PostNorm) for layer in layers for residual in layer.residuals):
        yield "has residuals of its own"


def _looks(layer: Any) -> tuple[Attention, ...]:
    return (layer.attention,) if isinstance(layer, EncoderLayer) else (layer.own, layer.source)


def _lacks_look(name: str, look: Attention, scope: type) -> Iterator[str]:
    if type(look) is not Attention or not all(type(part) is nn.Linear for part in (look.query, look.key, look.value)):
        yield f"has {name} of keys and values of their own"
        return
    if type(look.score) not in (ScaledDot, Dot):
        yield f"has {name} by {type(look.score).__name__}, not a scaled or plain inner product"
    if type(look.weighting) is not Softmax:
        yield f"has {name} weighed by {type(look.weighting).__name__}, not softmax"
    if not _sees(look.scope, {scope}):
        yield f"has {name} in a scope that is not {scope.__name__.lower()}"
    if look.groups != look.heads:
        yield f"has {name} whose heads share keys"
    if not isinstance(look.out, nn.Linear):
        yield f"has {name} without an output projection"


def _sees(scope: Any, kinds: set[type]) -> bool:
    """Whether a scope is made of these, of one at least, and of nothing else but all places."""
    found = {type(part) for part in _parts(scope)}
    return found <= kinds | {Everywhere} and kinds <= found


def _parts(scope: Any) -> Iterator[Any]:
    yield from [scope] if type(scope) is not And else (part for each in (scope.a, scope.b) for part in _parts(each))


def _fill_layer(spec: Any, layer: Any) -> None:
    norms = iter(layer.residuals)
    if isinstance(layer, EncoderLayer):
        _fill_look(spec.self_attention, layer.attention, next(norms), joined=("query", "key", "value"))
    else:
        _fill_look(spec.self_attention, layer.own, next(norms), joined=("query", "key", "value"))
        _fill_look(spec.attention, layer.source, next(norms), joined=("key", "value"))
    _fill_norm(spec.ffn.layer_norm, next(norms).norm)
    _fill_linear(spec.ffn.linear_0, layer.feedforward.net[0])
    _fill_linear(spec.ffn.linear_1, layer.feedforward.net[-1])


def _fill_look(spec: Any, look: Attention, residual: Any, *, joined: tuple[str, ...]) -> None:
    """joined: the projections that are one matrix there."""
    _fill_norm(spec.layer_norm, residual.norm)
    if isinstance(look.score, Dot):
        spec.queries_scale = np.float32(1)
    parts: dict[str, Any] = {name: getattr(look, name) for name in ("query", "key", "value")}
    alone = [part for name, part in parts.items() if name not in joined]
    for linear, some in zip(spec.linear, [[part] for part in alone] + [[parts[n] for n in joined], [look.out]], strict=True):
        linear.weight = np.concatenate([_numbers(part.weight) for part in some])
        if some[0].bias is not None:
            linear.bias = np.concatenate([_numbers(part.bias) for part in some])


def _fill_linear(spec: Any, linear: Any) -> None:
    spec.weight, spec.bias = _numbers(linear.weight), _numbers(linear.bias)


def _fill_norm(spec: Any, norm: Any) -> None:
    spec.gamma, spec.beta = _numbers(norm.weight), _numbers(norm.bias)


def _fill_embedding(side: Any, spec: Any, embedding: Any, *, rotary: bool) -> None:
    spec.weight, side.scale_embeddings = _numbers(embedding.table.weight), True
    if rotary:  # by which alone it knows places
        side.__dict__.pop("position_encodings", None)
        return
    table = getattr(embedding.positions, "table", None)
    places = PLACES if table is None else table.num_embeddings
    side.position_encodings.encodings = _numbers(embedding.positions(torch.arange(places)[None])[0])


def _numbers(tensor: Tensor) -> np.ndarray:
    """A copy: to make bytes of a matrix, CTranslate2's `optimize` writes over it (4.8.5), and the net would be another."""
    return np.array(tensor.detach().float().numpy(), order="C")
