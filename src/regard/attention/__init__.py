"""Attention: a look = project, score, sight, weigh, gather; each question has one noun, any answer goes with any other."""

from regard.attention.aaren import Aaren as Aaren
from regard.attention.aaren import PrefixOutput as PrefixOutput
from regard.attention.aaren import PrefixSummary as PrefixSummary
from regard.attention.attention import Attention as Attention
from regard.attention.attention import AttentionOutput as AttentionOutput
from regard.attention.attention_over_attention import AttentionOverAttention as AttentionOverAttention
from regard.attention.attention_over_attention import DocumentPointer as DocumentPointer
from regard.attention.hard import Gumbel as Gumbel
from regard.attention.hard import Hard as Hard
from regard.attention.hard import Sampled as Sampled
from regard.attention.history_scores import AdditiveCoverage as AdditiveCoverage
from regard.attention.history_scores import Coverage as Coverage
from regard.attention.history_scores import LocationSensitive as LocationSensitive
from regard.attention.key_value import Part as Part
from regard.attention.key_value import key_value as key_value
from regard.attention.local import LocalM as LocalM
from regard.attention.local import LocalP as LocalP
from regard.attention.memory import AttentionHistory as AttentionHistory
from regard.attention.memory import Memory as Memory
from regard.attention.monotonic import Monotonic as Monotonic
from regard.attention.monotonic import MonotonicSoft as MonotonicSoft
from regard.attention.pooling import KerasPool as KerasPool
from regard.attention.pooling import Pool as Pool
from regard.attention.pooling import StructuredPool as StructuredPool
from regard.attention.pooling import hop_overlap as hop_overlap
from regard.attention.position_scores import T5 as T5
from regard.attention.position_scores import Alibi as Alibi
from regard.attention.position_scores import Location as Location
from regard.attention.position_scores import Relative as Relative
from regard.attention.position_scores import T5Causal as T5Causal
from regard.attention.positions import LearnedPositions as LearnedPositions
from regard.attention.positions import NoPositions as NoPositions
from regard.attention.positions import Positions as Positions
from regard.attention.positions import Rotary as Rotary
from regard.attention.positions import SinusoidalPositions as SinusoidalPositions
from regard.attention.scope import AttentionMask as AttentionMask
from regard.attention.scope import Causal as Causal
from regard.attention.scope import Dilated as Dilated
from regard.attention.scope import Everywhere as Everywhere
from regard.attention.scope import Global as Global
from regard.attention.scope import Prefix as Prefix
from regard.attention.scope import Scope as Scope
from regard.attention.scope import Window as Window
from regard.attention.score import Additive as Additive
from regard.attention.score import AdditiveForm as AdditiveForm
from regard.attention.score import Concat as Concat
from regard.attention.score import Cosine as Cosine
from regard.attention.score import Dot as Dot
from regard.attention.score import DotForm as DotForm
from regard.attention.score import Form as Form
from regard.attention.score import General as General
from regard.attention.score import KeyOnly as KeyOnly
from regard.attention.score import PrecomputedForm as PrecomputedForm
from regard.attention.score import ScaledDot as ScaledDot
from regard.attention.score import Score as Score
from regard.attention.score import SelfAttentive as SelfAttentive
from regard.attention.score import Sum as Sum
from regard.attention.sparse import Entmax as Entmax
from regard.attention.sparse import Entmax15 as Entmax15
from regard.attention.sparse import Sparsemax as Sparsemax
from regard.attention.weighting import Annealed as Annealed
from regard.attention.weighting import Marginal as Marginal
from regard.attention.weighting import SampledLogProb as SampledLogProb
from regard.attention.weighting import Sigmoid as Sigmoid
from regard.attention.weighting import Softmax as Softmax
from regard.attention.weighting import Weighting as Weighting
from regard.attention.weighting import Weights as Weights

# Names of version 0.1.0, which go on to work.
Choice = SampledLogProb
Drawn = Sampled
Given = PrecomputedForm
Inner = DotForm
Past = AttentionHistory
Pointer = DocumentPointer
Reading = AttentionOutput
Running = PrefixOutput
Sight = AttentionMask
Summary = PrefixSummary
Tanh = AdditiveForm
