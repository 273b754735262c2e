"""Checks what both sides stand on: the normals of `ziggurat.py`, the constants of `job.py`, the small exponential.

Moments alone let broken generators pass; the counts beyond 1, 2, 3 and 4.5 standard deviations, of either sign, do not.
Every bound on a random figure is 4.892 standard errors taken from theory (wrong once in a million per check). Exit code
1 on a failure.
"""
import math
import sys

import numba_cache  # noqa: F401  (first, for it says where numba keeps its cache)
import numpy as np
from numba import njit

from job import ornstein_uhlenbeck
from numba_side import small_exp
from ziggurat import TAIL_START, normal, seeded

BOUND = 4.892
PATHS, DRAWS = 200_000, 500
LEVELS = np.array([0.5, 1.0, 2.0, 3.0, TAIL_START, 4.5])


@njit
def tally(paths, draws, seed, levels):
    """Power sums 1 to 4, counts beyond the levels (below, above), and sums of products at lags 1 to 3 and across paths."""
    powers, below, above = np.zeros(5), np.zeros(levels.size), np.zeros(levels.size)
    lags, squares, across = np.zeros(4), np.zeros(4), 0.0
    last, now = np.zeros(draws), np.zeros(draws)
    for path in range(paths):
        s0, s1, s2, s3 = seeded(seed, path)
        for i in range(draws):
            z, s0, s1, s2, s3 = normal(s0, s1, s2, s3)
            now[i] = z
            p = 1.0
            for k in range(5):
                powers[k] += p
                p *= z
            for k in range(levels.size):
                above[k] += z > levels[k]
                below[k] += z < -levels[k]
            for k in range(1, 4):
                if i >= k:
                    lags[k] += z * now[i - k]
                    squares[k] += (z * z - 1) * (now[i - k] * now[i - k] - 1)
            if path > 0:
                across += z * last[i]
        last, now = now, last
    return powers, below, above, lags, squares, across


def normals() -> bool:
    """Prints each figure in standard errors from its theory. True when all are within the bound."""
    powers, below, above, lags, squares, across = tally(PATHS, DRAWS, np.uint64(7), LEVELS)
    n = PATHS * DRAWS
    scores = {
        "mean": powers[1] / math.sqrt(n),
        "second moment": (powers[2] - n) / math.sqrt(2 * n),
        "third moment": powers[3] / math.sqrt(15 * n),
        "fourth moment": (powers[4] - 3 * n) / math.sqrt(96 * n),
        "product with the path before": across / math.sqrt(n - DRAWS),
    }
    for k in range(1, 4):
        pairs = PATHS * (DRAWS - k)
        scores[f"product at lag {k}"] = lags[k] / math.sqrt(pairs)
        scores[f"product of squares at lag {k}"] = squares[k] / (2 * math.sqrt(pairs))
    for k, level in enumerate(LEVELS):
        p = 0.5 * math.erfc(level / math.sqrt(2))
        for side, count in (("above", above[k]), ("below", below[k])):
            scores[f"count {side} {level:.3f}"] = (count - n * p) / math.sqrt(n * p * (1 - p))
    print(f"{n:,} normals, standard errors from theory (bound {BOUND}):")
    for name, score in scores.items():
        print(f"  {name:32} {score:+6.2f}{'' if abs(score) < BOUND else '   WRONG'}")
    return all(abs(score) < BOUND for score in scores.values())


def constants() -> bool:
    """The average basis of an interval against its closed form, and the exponential against the library's."""
    k, eta, dt = 200.0, 0.012, 8 / 8760
    decay, _, weight, given_ends = ornstein_uhlenbeck(k, eta, dt)
    variance = eta * eta / (2 * k)  # stationary
    average = 2 * weight**2 * variance * (1 + decay) + given_ends**2
    x = k * dt
    # Stationary average over dt: variance 2 s^2 (x - 1 + e^-x) / x^2; adjacent ones correlate (1 - e^-x)^2 / 2 (x - 1 + e^-x).
    expected = 2 * variance * (x - 1 + math.exp(-x)) / x**2
    adjacent = weight**2 * variance * (1 + decay) ** 2 / average
    expected_adjacent = (1 - math.exp(-x)) ** 2 / (2 * (x - 1 + math.exp(-x)))
    points = np.linspace(-0.125, 0.125, 100_001)
    errors = {
        "variance of the average basis": average / expected - 1,
        "correlation of adjacent averages": adjacent / expected_adjacent - 1,
        "exponential, largest error": max(abs(small_exp(point) / math.exp(point) - 1) for point in points),
    }
    bounds = {"exponential, largest error": 1e-15}
    print("relative errors:")
    agreed = True
    for name, error in errors.items():
        is_close = abs(error) < bounds.get(name, 1e-9)
        agreed = agreed and is_close
        print(f"  {name:32} {error:+.1e}{'' if is_close else '   WRONG'}")
    return agreed


def main() -> int:
    """Both checks, whatever the first one says."""
    results = [normals(), constants()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
