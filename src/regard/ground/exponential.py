"""e^x within compiled loops: 2^n e^r, with n the nearest whole number and e^r by Cody and Waite's reduction and a polynomial of degree 7.

2e-7 off at most, in plain arithmetic, so that the compiler takes as many as a register holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from regard.ground.compiled import compiled, number

F, Word = np.float32, np.int32
LEAST, MOST = F(-87), F(88)
LOG2_E, LN_2_HIGH, LN_2_LOW = F(1.4426950408889634), F(0.693359375), F(-2.12194440e-4)
C2, C3, C4 = F(5.0000001201e-1), F(1.6666665459e-1), F(4.1665795894e-2)
C5, C6, C7 = F(8.3334519073e-3), F(1.3981999507e-3), F(1.9875691500e-4)
ONE, HALF = F(1), F(0.5)


@compiled
def exp(x: Any) -> Any:
    """e^x of a float32, x taken as -87 below that, and as 88 above that; of what is not a number, anything."""
    x = x if x > LEAST else LEAST
    x = x if x < MOST else MOST
    n = Word(np.floor(x * LOG2_E + HALF))
    r = x - F(n) * LN_2_HIGH - F(n) * LN_2_LOW
    y = (((((C7 * r + C6) * r + C5) * r + C4) * r + C3) * r + C2) * r * r + r + ONE
    return y * number((n + Word(127)) << Word(23))
