"""e^x, tanh and the logistic function within compiled loops, in plain arithmetic, so that the compiler takes as many as a register holds.

e^x is 2^n e^r, with n the nearest whole number and e^r by Cody and Waite's reduction and a polynomial of degree 7: 2e-7 off at most.
tanh is an odd rational function, x P(x^2) / Q(x^2), of degree 9 over 8, fitted on [0, 9.02] for the least relative error (2e-8; 3.5e-7
with the rounding of float32); beyond it tanh is 1 in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from regard.core.numba_loops import compiled, number

F, Word = np.float32, np.int32
LEAST, MOST = F(-87), F(88)
LOG2_E, LN_2_HIGH, LN_2_LOW = F(1.4426950408889634), F(0.693359375), F(-2.12194440e-4)
C2, C3, C4 = F(5.0000001201e-1), F(1.6666665459e-1), F(4.1665795894e-2)
C5, C6, C7 = F(8.3334519073e-3), F(1.3981999507e-3), F(1.9875691500e-4)
ONE, HALF = F(1), F(0.5)
END = F(9.02)
P0, P1, P2 = F(0.9999999790519959), F(0.13379721788754761), F(0.003494038993874078)
P3, P4 = F(2.058354912063878e-05), F(1.3319156648650408e-08)
Q1, Q2, Q3, Q4 = F(0.46713037038749544), F(0.02587109041439048), F(0.000328309986769987), F(7.762056072198654e-07)


@compiled
def exp(x: Any) -> Any:
    """e^x of a float32, x taken as -87 below that, and as 88 above that; what is not a number stays that."""
    given = x
    x = x if x > LEAST else LEAST
    x = x if x < MOST else MOST
    n = Word(np.floor(x * LOG2_E + HALF))
    r = x - F(n) * LN_2_HIGH - F(n) * LN_2_LOW
    y = (((((C7 * r + C6) * r + C5) * r + C4) * r + C3) * r + C2) * r * r + r + ONE
    y *= number((n + Word(127)) << Word(23))
    return y if given == given else given


@compiled
def tanh(x: Any) -> Any:
    """Of a float32; what is not a number stays that."""
    given = x
    x = min(max(x, -END), END)
    y = x * x
    x = x * ((((P4 * y + P3) * y + P2) * y + P1) * y + P0) / ((((Q4 * y + Q3) * y + Q2) * y + Q1) * y + ONE)
    return x if given == given else given


@compiled
def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x) of a float32: 1e-7 off at most."""
    return HALF + HALF * tanh(HALF * x)
