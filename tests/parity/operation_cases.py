"""Each operation of a graph with numbers: of sizes of 0 and 1, of infinities, of every dtype that it may meet."""

from __future__ import annotations

from typing import Any

import numpy as np

Case = tuple[str, tuple[np.ndarray, ...], dict[str, Any]]
RANDOM = np.random.default_rng(5)
SHAPES = ((), (7,), (2, 3, 5), (2, 0, 3), (0, 5), (1, 1))


def names(words: str) -> list[str]:
    return words.split()


def reals(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.asarray(RANDOM.standard_normal(shape) * 3, dtype)


def extremes(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Numbers of all magnitudes, infinities and both zeros."""
    some = np.array([0.0, -0.0, np.inf, -np.inf, 1e-7, -1e-7, 1.5, -2.5, 88.0, 0.5], dtype)
    return np.asarray(RANDOM.choice(some, shape), dtype)


def positive(*shape: int) -> np.ndarray:
    return np.asarray(abs(reals(*shape)) + np.float32(0.1))


def unsigned(*shape: int) -> np.ndarray:
    return np.asarray(abs(extremes(*shape)))


def whole(*shape: int, low: int = -9, high: int = 10) -> np.ndarray:
    return np.asarray(RANDOM.integers(low, high, shape))


def truths(*shape: int) -> np.ndarray:
    return np.asarray(RANDOM.random(shape) < 0.5)


def element_cases() -> list[Case]:
    """Operations on each number, of every shape."""
    cases: list[Case] = []
    anywhere = "abs exp expm1 tanh sign floor ceil trunc isnan isinf isfinite sigmoid erf relu round atan neg"
    for shape in SHAPES:
        for name in names(anywhere):
            cases += [(name, (make(*shape),), {}) for make in (reals, extremes)]
        cases += [(name, (positive(*shape),), {}) for name in ("sqrt", "rsqrt")]  # of infinity, onnxruntime 1.20 makes NaN
        for name in ("log", "log1p", "reciprocal"):
            cases += [(name, (make(*shape),), {}) for make in (positive, unsigned)]
        cases += [(name, (reals(*shape),), {}) for name in ("sin", "cos")]
        cases += [(name, (whole(*shape),), {}) for name in ("abs", "neg", "sign")]
        for name in names("add sub mul div maximum minimum logaddexp floordiv mod eq ne lt le gt ge"):
            cases.append((name, (reals(*shape), reals(*shape)), {}))
        for name in names("add mul maximum minimum logaddexp eq ne lt le gt ge"):
            cases.append((name, (extremes(*shape), extremes(*shape)), {}))
        for name in names("add sub mul maximum minimum and or xor eq ne lt le gt ge"):
            cases.append((name, (whole(*shape), whole(*shape)), {}))
        for name in ("floordiv", "mod"):
            cases += [(name, (whole(*shape), np.array(n)), {}) for n in (3, -4)]
        for name in names("add mul maximum minimum and or xor eq ne lt le"):
            cases.append((name, (truths(*shape), truths(*shape)), {}))
        cases.append(("pow", (positive(*shape), reals(*shape)), {}))
        cases.append(("not", (truths(*shape),), {}))
        cases += [("where", (truths(*shape), make(*shape), make(*shape)), {}) for make in (extremes, whole, truths)]
        cases.append(("where", (truths(*shape), extremes(*shape, dtype="float64"), reals(*shape, dtype="float64")), {}))
        for kind in ("bool", "int32", "int64", "float32", "float64"):
            cases += [("cast", (make(*shape),), {"dtype": kind}) for make in (reals, whole, truths)]
    large = RANDOM.integers(-(2**63), 2**63 - 1, (3, 5))
    cases += [(name, (large, large[::-1].copy()), {}) for name in ("and", "or", "xor", "mul")]
    cases += [("rshift", (large, np.array(n)), {}) for n in (1, 7, 31, 62)] + [("lshift", (whole(3, 5), np.array(4)), {})]
    long = reals(3, 1, 5).astype("float64")
    some = "abs exp tanh sigmoid log1p isnan sign relu sin floor ceil round neg isinf isfinite reciprocal"
    cases += [(name, (long,), {}) for name in names(some)]
    for name in names("add maximum logaddexp pow div lt eq"):
        cases.append((name, (abs(long), long[::-1].copy()), {}))
    return cases


def reduction_cases() -> list[Case]:
    """Operations along axes."""
    cases: list[Case] = []
    for keeps in (True, False):
        for name in names("sum mean amax amin prod logsumexp"):
            for axes in ((1,), (0, 2), (0, 1, 2), ()):
                cases += [(name, (reals(2, 3, 5),), {"axes": axes, "keeps": keeps})]
            cases.append((name, (reals(2, 0, 5),), {"axes": (2,), "keeps": keeps}))
            cases.append((name, (reals(),), {"axes": (), "keeps": keeps}))
        for name in ("sum", "amax", "amin", "prod"):
            cases.append((name, (whole(2, 3, 5),), {"axes": (1,), "keeps": keeps}))
        for name, x in (
            ("sum", reals(2, 0, 5)),
            ("sum", whole(3, 0)),
            ("any", truths(3, 0)),
            ("all", truths(3, 0)),
            ("prod", reals(3, 0)),
        ):
            cases.append((name, (x,), {"axes": (1,), "keeps": keeps}))
        for name in ("any", "all"):
            cases += [(name, (truths(2, 3, 5),), {"axes": axes, "keeps": keeps}) for axes in ((1,), (0, 2))]
        ties = np.array([[1, 3, 3, 2], [0, 0, 0, 0]], "float32")
        for x in (ties, reals(2, 3), ties.astype("float64")):
            cases.append(("argmax", (x,), {"axis": 1, "keeps": keeps}))
        cases.append(("logsumexp", (np.array([[-np.inf, -np.inf], [0, -np.inf]], "float32"),), {"axes": (1,), "keeps": keeps}))
    for axis in (0, 1, 2):
        for name in ["softmax", "log_softmax", "cumsum", "cumprod", "cummax", "logcumsumexp"]:
            cases.append((name, (reals(2, 3, 5),), {"axis": axis}))
        cases += [("cumsum", (whole(2, 3, 5),), {"axis": axis}), ("cummax", (whole(2, 3, 5),), {"axis": axis})]
        cases += [("sort", (whole(2, 40, 5, low=0, high=4).astype(kind),), {"axis": axis, "descending": down})
                  for kind in ("float32", "int64") for down in (True, False)]  # fmt: skip
    long = reals(2, 3, 5).astype("float64")
    for name in ["softmax", "log_softmax", "cumsum", "cumprod", "cummax", "logcumsumexp"]:
        cases.append((name, (long,), {"axis": 1}))
    for name in ("sum", "mean", "amax", "amin", "logsumexp"):
        cases.append((name, (long,), {"axes": (1,), "keeps": True}))
    cases.append(("layer_norm", (long, long[0, 0], long[0, 1]), {"epsilon": 1e-5}))
    half = np.array([[0.5, -np.inf, 2.0]], "float32")
    cases += [(name, (half,), {"axis": 1}) for name in ("softmax", "log_softmax", "logcumsumexp", "cummax")]
    cases += [
        ("softmax", (reals(2, 0),), {"axis": 1}),
        ("cumsum", (reals(2, 0),), {"axis": 1}),
        *(("cumprod", (reals(2, 0, 3),), {"axis": a}) for a in (1, 2)),
    ]
    cases += [
        ("sort", (reals(2, 0),), {"axis": 1, "descending": True}),
        ("layer_norm", (reals(2, 0, 5), reals(5), reals(5)), {"epsilon": 1e-5}),
    ]
    cases.append(("layer_norm", (reals(2, 3, 5), reals(5), reals(5)), {"epsilon": 1e-5}))
    return cases


def shape_cases() -> list[Case]:
    """What moves numbers, and products."""
    x, empty = reals(2, 3, 5), reals(2, 0, 5)
    cases: list[Case] = [
        ("reshape", (x,), {"shape": (5, 6)}), ("reshape", (reals(1),), {"shape": ()}), ("reshape", (empty,), {"shape": (0, 7)}),
        ("expand", (reals(3, 1),), {"shape": (2, 3, 5)}), ("expand", (reals(),), {"shape": (2,)}),
        ("expand", (truths(1, 3),), {"shape": (0, 3)}),
        ("expand", (reals(1, 1),), {"shape": (2, 0)}), ("tile", (x,), {"repeats": (1, 2, 3)}), ("tile", (reals(3),), {"repeats": (2, 1)}),
        ("transpose", (x,), {"order": (2, 0, 1)}), ("transpose", (empty,), {"order": (1, 0, 2)}), ("unsqueeze", (x,), {"axis": 3}),
       
        ("squeeze", (reals(2, 1, 3),), {"axis": 1}),
        ("select", (x,), {"axis": 1, "index": -1}), ("select", (truths(2, 3),), {"axis": 0, "index": 1}),
        ("concat", (x, empty, reals(2, 1, 5)), {"axis": 1}), ("concat", (whole(2), whole(0)), {"axis": 0}),
        ("flip", (x,), {"axes": (1,)}), ("flip", (x,), {"axes": (0, 2)}), ("flip", (empty,), {"axes": (1,)}),
        ("take", (x, whole(4, 2, low=0, high=3)), {"axis": 1}),
        ("take", (x, np.array(1)), {"axis": 2}), ("take", (x, whole(0)), {"axis": 0}),
        ("take", (reals(7, 5), whole(2, 0)), {"axis": 0}), ("gather", (x, whole(2, 3, 2, low=0, high=5)), {"axis": 2}),
        ("gather", (reals(2, 4), whole(2, 0)), {"axis": 1}), ("pick", (x, whole(4, 1, low=0, high=2), whole(1, 3, low=0, high=3)), {}),
        ("pick", (x, np.array([0, 1]), np.array([2, -1])), {}), ("pick", (x, whole(0), whole(0)), {}),
        ("tril", (reals(4, 5),), {"diagonal": 0}), ("tril", (truths(4, 5),), {"diagonal": 1}), ("tril", (truths(0, 0),), {"diagonal": 0}),
        ("windows", (x,), {"axis": 2, "size": 3, "step": 1}), ("windows", (x,), {"axis": 1, "size": 2, "step": 2}),
        ("convolution", (reals(2, 3, 9), reals(4, 3, 5)), {"stride": (1,), "padding": (2,)}),
        ("convolution", (reals(2, 3, 9), reals(4, 3, 2), reals(4)), {"stride": (2,), "padding": (0,)}),
        ("convolution", (reals(2, 3, 9, 7), reals(4, 3, 2, 3), reals(4)), {"stride": (2, 1), "padding": (0, 1)}),
        ("group_norm", (reals(2, 6, 3, 5), reals(6), reals(6)), {"groups": 3, "epsilon": 1e-5}),
        ("group_norm", (reals(2, 6), reals(6), reals(6)), {"groups": 2, "epsilon": 1e-5}),
        ("scatter_add", (x, whole(2, 4, 5, low=0, high=3), reals(2, 4, 5)), {"axis": 1}),
        ("scatter_add", (x, whole(2, 0, 5), reals(2, 0, 5)), {"axis": 1}),
        ("matmul", (x, reals(5, 4)), {}), ("matmul", (x, reals(2, 5, 7)), {}),
        ("matmul", (reals(5), reals(5)), {}), ("matmul", (x, reals(5)), {}),
        ("matmul", (empty, reals(5, 4)), {}), ("matmul", (reals(2, 3, 0), empty), {}), ("matmul", (reals(2, 5, 1, 3), reals(5, 3, 2)), {}),
        ("full", (), {"shape": (2, 3), "value": "-inf", "dtype": "float32"}),
        ("full", (), {"shape": (0, 3), "value": True, "dtype": "bool"}),
        ("full", (), {"shape": (), "value": 3, "dtype": "int64"}), ("arange", (), {"start": 1, "stop": 9, "step": 3}),
        ("arange", (), {"start": 0, "stop": 0, "step": 1}),
        ("matmul", (x.astype("float64"), x.astype("float64").transpose(0, 2, 1).copy()), {}),
        ("sort", (x.astype("float64"),), {"axis": 1, "descending": True}),
        ("lstm", (reals(2, 4, 3), reals(2, 5), reals(2, 5), reals(20, 3), reals(20, 5), reals(20), reals(20)), {}),
        ("gru", (reals(2, 4, 3), reals(2, 5), reals(15, 3), reals(15, 5), reals(15), reals(15)), {}),
        ("rnn_tanh", (reals(1, 1, 3), reals(1, 5), reals(5, 3), reals(5, 5), reals(5), reals(5)), {}),
    ]  # fmt: skip
    for start, stop, step in ((1, None, 1), (0, 2, 1), (-2, None, 1), (0, -1, 1), (0, None, 2), (2, 9, 1), (1, 1, 1)):
        cases.append(("slice", (x,), {"axis": 2, "start": start, "stop": stop, "step": step}))
    for made in (reals, whole, truths):
        cases.append(("pad", (made(2, 3), np.asarray(made())), {"before": (0, 2), "after": (1, 0)}))
    cases.append(("pad", (reals(0, 3), np.zeros((), "float32")), {"before": (2, 0), "after": (0, 1)}))
    return cases


def byte_cases() -> list[Case]:
    """Products in bytes."""

    def matrix(*shape: int) -> tuple[np.ndarray, np.ndarray]:
        return whole(*shape, low=-127, high=128).astype("int8"), positive(shape[0]) * np.float32(0.01)

    sizes = ((1, 1), (5, 17), (64, 96), (1100, 20), (2050, 33))
    rows = ((1,), (2, 3), (13,), (0,), ())
    cases: list[Case] = [("linear_bytes", (reals(*each, K), *matrix(N, K)), {}) for each in rows for K, N in sizes]
    cases.append(("linear_bytes", (np.zeros((2, 5), "float32"), *matrix(3, 5)), {}))
    for name, gates in (("gru", 3), ("rnn_tanh", 1)):
        x, h, parts = (
            reals(2, 4, 3),
            reals(2, 5),
            (*matrix(5 * gates, 3), *matrix(5 * gates, 5), reals(5 * gates), reals(5 * gates)),
        )
        cases.append((f"{name}_bytes", (x, h, *parts), {}))
    cases.append(("lstm_bytes", (x, h, reals(2, 5), *matrix(20, 3), *matrix(20, 5), reals(20), reals(20)), {}))
    return cases


CASES = [*element_cases(), *reduction_cases(), *shape_cases(), *byte_cases()]
RESULTS = {"sort": 2, "gru": 2, "rnn_tanh": 2, "lstm": 3, "gru_bytes": 2, "rnn_tanh_bytes": 2, "lstm_bytes": 3}
