"""The job as numbers: reads `job.json` and works out, once, every constant that the two simulations need.

Signs and units: `short_base > 0` is short; a funding rate above 0 is received by the short; cash and P&L in USD.
`cash_usd` always means `balance + short * entry price`, so that equity at notional `N = short * mark` is `cash - N`.
"""

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
HOURS_PER_YEAR = 365 * 24


class Job(NamedTuple):
    """Everything a simulation of the job needs; a flat tuple of numbers, so that numba can take it as it is."""

    steps: int
    quantity_base: float  # inventory, sold at the horizon
    short_base: float  # the hedge
    spot_usd: float
    # One step: d ln S = log_drift + log_vol * z + jumps.
    log_drift: float
    log_vol: float
    jumps_per_step: float
    up_probability: float
    up_mean_log: float
    down_mean_log: float
    # One step of the basis b = ln(F/S): b' = basis_shift + basis_decay * b + basis_vol * z (exact Ornstein-Uhlenbeck).
    basis_initial: float
    basis_shift: float
    basis_decay: float
    basis_vol: float
    # Average of b over a step given its two ends: premium_shift + premium_weight * (b + b') + premium_vol * z (exact).
    premium_shift: float
    premium_weight: float
    premium_vol: float
    interest: float
    damper: float
    funding_cap: float
    # Account.
    cash_usd: float  # at time 0, after the opening trade
    contributed_usd: float  # collateral and reserve at time 0, what the hedge's P&L is counted from
    reserve_usd: float
    call_level: float
    call_target: float
    delay_steps: int
    close_frac: float  # closing the short at the horizon costs this times its notional, all told
    liquidation_frac: float  # the same for a forced close
    sale_frac: float  # selling the inventory brings this times its spot value
    # Screen: no margin call and no liquidation where N <= screen_slope * cash, as long as cash <= screen_cash_usd.
    screen_slope: float
    screen_cash_usd: float


def load(path: Path = HERE / "job.json") -> tuple[Job, np.ndarray, np.ndarray]:
    """Reads the job. Returns it with the brackets' maintenance rates and deductions (USD)."""
    raw = json.loads(Path(path).read_text())
    asset, basis, funding = raw["asset"], raw["basis"], raw["funding"]
    hedge, account = raw["hedge"], raw["account"]

    steps = whole(raw["horizon_days"] * 24 / raw["step_hours"], "horizon / step")
    if not funding["interval_hours"] == raw["step_hours"] == 8:
        raise ValueError("step and funding interval have to be 8 hours here")
    dt = raw["step_hours"] / HOURS_PER_YEAR

    # Merton's compensator for double exponential log sizes: E[S_T] = S_0 exp(drift T). (Kou 2002, section 2.)
    up, down, p = asset["up_mean_log"], asset["down_mean_log"], asset["up_probability"]
    mean_jump = p / (1 - up) + (1 - p) / (1 + down) - 1
    vol, rate = asset["volatility_annual"], asset["jumps_per_year"]

    k, eta = basis["reversion_per_year"], basis["volatility_annual"]
    decay, basis_vol, weight, premium_vol = ornstein_uhlenbeck(k, eta, dt)
    mean = basis["mean"]

    short = hedge["hedge_ratio"] * asset["quantity_base"]
    slip, fee = hedge["trade_slippage_frac"], hedge["taker_fee_frac"]
    mark = asset["spot_usd"] * math.exp(basis["initial"])
    cash = account["collateral_usd"] + short * mark * (1 - slip) * (1 - fee)

    rates = np.array([b[1] for b in raw["brackets"]], dtype=np.float64)
    deductions = np.array([b[2] for b in raw["brackets"]], dtype=np.float64)
    screen_cash = 1.25 * (cash + account["reserve_usd"])
    level = account["call_level"]

    job = Job(
        steps=steps,
        quantity_base=float(asset["quantity_base"]),
        short_base=float(short),
        spot_usd=float(asset["spot_usd"]),
        log_drift=(asset["drift_annual"] - 0.5 * vol * vol - rate * mean_jump) * dt,
        log_vol=vol * math.sqrt(dt),
        jumps_per_step=rate * dt,
        up_probability=p,
        up_mean_log=up,
        down_mean_log=down,
        basis_initial=basis["initial"],
        basis_shift=mean * (1 - decay),
        basis_decay=decay,
        basis_vol=basis_vol,
        premium_shift=mean * (1 - 2 * weight),
        premium_weight=weight,
        premium_vol=premium_vol,
        # Rates are per 8 h, and so is the interval: nothing to convert.
        interest=funding["interest_per_8h"],
        damper=funding["damper_per_8h"],
        funding_cap=funding["cap_per_8h"],
        cash_usd=cash,
        contributed_usd=float(account["collateral_usd"] + account["reserve_usd"]),
        reserve_usd=float(account["reserve_usd"]),
        call_level=level,
        call_target=account["call_target"],
        delay_steps=whole(account["delay_hours"] / raw["step_hours"], "delay / step"),
        close_frac=(1 + slip) * (1 + fee),
        liquidation_frac=(1 + account["liquidation_slippage_frac"]) * (1 + account["liquidation_fee_frac"]),
        sale_frac=1 - slip,
        screen_slope=call_notional_usd(screen_cash, level, rates, deductions) / screen_cash,
        screen_cash_usd=screen_cash,
    )
    if job.delay_steps < 1:
        raise ValueError("a delay of at least one step is taken for granted")
    return job, rates, deductions


def programme(job, ratio: float, rates: np.ndarray, deductions: np.ndarray) -> list[float]:
    """What a hedge ratio changes: short in base units, cash at time 0, slope and largest cash of the screen. The job's ratio is 1."""
    collateral = job.contributed_usd - job.reserve_usd
    cash = collateral + ratio * (job.cash_usd - collateral)
    screen_cash = 1.25 * (cash + job.reserve_usd)
    slope = call_notional_usd(screen_cash, job.call_level, rates, deductions) / screen_cash
    return [ratio * job.short_base, cash, slope, screen_cash]


def whole(value: float, what: str) -> int:
    """The whole number that a ratio of durations has to be."""
    if abs(value - round(value)) > 1e-9:
        raise ValueError(f"{what} is {value}, which is not whole")
    return round(value)


def ornstein_uhlenbeck(k: float, eta: float, dt: float) -> tuple[float, float, float, float]:
    """Exact step of dx = -k x dt + eta dW, and its time average given both ends.

    Returns decay, standard deviation of the step, weight of (x + x') in the average's mean, and the average's
    standard deviation given the ends. From the joint normal law of (x', integral of x):
    Var x' = eta^2 (1 - e^2) / 2k, Var I = eta^2 / k^2 (dt - 2 (1 - e) / k + (1 - e^2) / 2k),
    Cov = eta^2 / 2k^2 (1 - e)^2, with e = exp(-k dt).
    """
    if k * dt < 1e-6:  # a Brownian motion: the average of a bridge
        return 1.0, eta * math.sqrt(dt), 0.5, eta * math.sqrt(dt / 12)
    e = math.exp(-k * dt)
    var_end = eta**2 * (1 - e * e) / (2 * k)
    var_integral = eta**2 / k**2 * (dt - 2 * (1 - e) / k + (1 - e * e) / (2 * k))
    covariance = eta**2 / (2 * k**2) * (1 - e) ** 2
    var_given_ends = max(0.0, var_integral - covariance**2 / var_end)
    return e, math.sqrt(var_end), math.tanh(0.5 * k * dt) / (k * dt), math.sqrt(var_given_ends) / dt


def call_notional_usd(cash_usd: float, level: float, rates: np.ndarray, deductions: np.ndarray) -> float:
    """The notional at which `maintenance = level * equity`.

    `max_k (N r_k - d_k) >= level (cash - N)` is `N >= min_k (level cash + d_k) / (level + r_k)`: concave in cash and 0 at 0,
    hence above its chord. That makes the chord from 0 to `screen_cash_usd` a safe first test in the hot loops: below
    it nothing can be due, and no bracket has to be looked at.
    """
    return float(np.min((level * cash_usd + deductions) / (level + rates)))


def estimates(hedged_usd: np.ndarray, unhedged_usd: np.ndarray, liquidated: np.ndarray) -> dict:
    """Estimates with standard errors, by the names of `summary.json` where it has them."""
    n = len(hedged_usd)
    loss = -np.sort(hedged_usd)
    tail = max(1, round(0.05 * n))
    es95 = float(loss[:tail].mean())
    # Variance of an expected shortfall's estimator: that of max(loss - VaR, 0) / 5 %.
    es95_error = float(np.maximum(-hedged_usd - loss[tail - 1], 0).std() / 0.05 / math.sqrt(n))
    centred = hedged_usd - hedged_usd.mean()
    sd = float(math.sqrt(np.mean(centred**2)))
    p = float(liquidated.mean())
    return {
        "liquidation_probability": [p, math.sqrt(p * (1 - p) / n)],
        "hedged_mean_usd": [float(hedged_usd.mean()), sd / math.sqrt(n)],
        "hedged_std_dev_usd": [sd, float(np.std(centred**2) / (2 * sd) / math.sqrt(n))],
        "hedged_es95_usd": [es95, es95_error],
        "unhedged_mean_usd": [float(unhedged_usd.mean()), float(unhedged_usd.std() / math.sqrt(n))],
    }
