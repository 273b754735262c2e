"""Standard normals by the ziggurat method from xoshiro256++, for numba: the state lives in registers, one draw a normal.

Sources: Marsaglia and Tsang, "The ziggurat method for generating random variables" (J. Stat. Soft. 5(8), 2000); Doornik,
"An improved ziggurat method" (2005); Blackman and Vigna, "Scrambled linear pseudorandom number generators" (ACM TOMS 47(4),
2021). Layer and mantissa come from different bits of the same draw, as Doornik asks.
"""

import math

import numpy as np
from numba import njit

LAYERS = 1024  # two tables of 8 KiB: they fit the first-level cache, and 99.6 % of the draws end at the quick test
MANTISSA = 2.0**52


def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Edges of `LAYERS` strips of equal area under exp(-x^2 / 2): quick limits, widths, heights, and where the tail begins."""

    def strip_edges(r: float) -> np.ndarray:
        area = r * math.exp(-0.5 * r * r) + math.sqrt(math.pi / 2) * math.erfc(r / math.sqrt(2))
        edges = [area / math.exp(-0.5 * r * r), r]
        for _ in range(LAYERS - 2):
            height = area / edges[-1] + math.exp(-0.5 * edges[-1] ** 2)
            if height >= 1:  # closed too early: r is too small
                return np.array(edges)
            edges.append(math.sqrt(-2 * math.log(height)))
        return np.array(edges + [0.0])

    def gap(r: float) -> float:
        """Below 0 where the strips pass the top of the density before the last one, above 0 where they stay short of it."""
        edges = strip_edges(r)
        if len(edges) < LAYERS + 1:
            return -1.0
        area = edges[0] * math.exp(-0.5 * r * r)
        return 1 - (area / edges[-2] + math.exp(-0.5 * edges[-2] ** 2))

    low, high = 2.0, 6.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if gap(middle) < 0 else (low, middle)
    edges = strip_edges(high)
    widths = edges[:-1] / MANTISSA
    limits = np.floor(edges[1:] / edges[:-1] * MANTISSA).astype(np.int64)
    return limits, widths, np.exp(-0.5 * edges**2), high


LIMITS, WIDTHS, HEIGHTS, TAIL_START = _tables()

_MASK = np.uint64(LAYERS - 1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S11, _S17, _S19 = np.uint64(11), np.uint64(17), np.uint64(19)
_S23, _S41, _S45 = np.uint64(23), np.uint64(41), np.uint64(45)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)
_ZERO, _ONE, _S4 = np.uint64(0), np.uint64(1), np.uint64(4)


@njit(inline="always")
def _splitmix(counter):
    """Output function of SplitMix64 (Steele, Lea and Flood 2014)."""
    z = counter
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@njit(inline="always")
def seeded(seed, path):
    """The generator of one path: four consecutive outputs of SplitMix64, no two paths sharing any."""
    c = _splitmix(np.uint64(seed) * _GOLDEN) + (np.uint64(path) * _S4) * _GOLDEN
    s0 = _splitmix(c + _GOLDEN)
    s1 = _splitmix(c + _GOLDEN + _GOLDEN)
    s2 = _splitmix(c + _GOLDEN + _GOLDEN + _GOLDEN)
    s3 = _splitmix(c + _GOLDEN + _GOLDEN + _GOLDEN + _GOLDEN)
    return s0, s1, s2, s3


@njit(inline="always")
def advance(s0, s1, s2, s3):
    """One draw of xoshiro256++: 64 bits and the new state."""
    t = s0 + s3
    bits = ((t << _S23) | (t >> _S41)) + s0
    u = s1 << _S17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= u
    s3 = (s3 << _S45) | (s3 >> _S19)
    return bits, s0, s1, s2, s3


@njit(inline="always")
def uniform(s0, s1, s2, s3):
    """A uniform number in (0, 1]: safe for a logarithm."""
    bits, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
    return (np.float64(np.int64(bits >> _S11)) + 1.0) * (1.0 / 9007199254740992.0), s0, s1, s2, s3


@njit
def _edge(mantissa, layer, s0, s1, s2, s3):
    """What the quick test does not settle (about one draw in 230): wedge, tail, or another try."""
    while True:
        x = np.float64(mantissa) * WIDTHS[layer]
        if layer == _ZERO:
            while True:
                u, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
                v, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
                beyond = -math.log(u) / TAIL_START
                if -2.0 * math.log(v) > beyond * beyond:
                    break
            z = TAIL_START + beyond
            return (z if mantissa >= 0 else -z), s0, s1, s2, s3
        u, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
        if HEIGHTS[layer] + u * (HEIGHTS[layer + _ONE] - HEIGHTS[layer]) < math.exp(-0.5 * x * x):
            return x, s0, s1, s2, s3
        bits, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
        layer = bits & _MASK
        mantissa = np.int64(bits) >> np.int64(11)
        if abs(mantissa) < LIMITS[layer]:
            return np.float64(mantissa) * WIDTHS[layer], s0, s1, s2, s3


@njit(inline="always")
def normal(s0, s1, s2, s3):
    """A standard normal and the new state. Layer from the lowest 10 bits, signed mantissa from the highest 53."""
    bits, s0, s1, s2, s3 = advance(s0, s1, s2, s3)
    layer = bits & _MASK
    mantissa = np.int64(bits) >> np.int64(11)
    z = np.float64(mantissa) * WIDTHS[layer]
    if abs(mantissa) >= LIMITS[layer]:
        z, s0, s1, s2, s3 = _edge(mantissa, layer, s0, s1, s2, s3)
    return z, s0, s1, s2, s3
