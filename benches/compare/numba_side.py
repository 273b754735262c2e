"""The job in numba: one loop a path, own generator, parallel over paths; bare ledger and terminal wealth only."""

import math

import numba_cache  # noqa: F401  (first, for it says where numba keeps its cache)
import numpy as np
from numba import njit, prange, set_num_threads

import job as job_file
import side
from ziggurat import normal, seeded, uniform


@njit(inline="always")
def small_exp(x):
    """exp(x) for |x| <= 1/8 to the last bit or two: Taylor of degree 9 in Estrin's order."""
    x2 = x * x
    x4 = x2 * x2
    low = (1.0 + x) + x2 * (0.5 + x * (1.0 / 6.0))
    high = (1.0 / 24.0 + x * (1.0 / 120.0)) + x2 * (1.0 / 720.0 + x * (1.0 / 5040.0))
    return low + x4 * (high + x4 * (1.0 / 40320.0 + x * (1.0 / 362880.0)))


@njit
def maintenance_usd(notional_usd, rates, deductions):
    """Tiered maintenance margin, USD: a maximum over the brackets, no search."""
    margin = 0.0
    for k in range(rates.size):
        margin = max(margin, notional_usd * rates[k] - deductions[k])
    return margin


@njit
def kou_jump(job, s0, s1, s2, s3):
    """One log jump size (Kou 2002) and the waiting time to the next jump, in steps."""
    u, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
    v, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
    size = -job.up_mean_log * math.log(v) if u <= job.up_probability else job.down_mean_log * math.log(v)
    w, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
    return size, -math.log(w) / job.jumps_per_step, s0, s1, s2, s3


@njit(inline="always")
def gaussian_move(job, basis, s0, s1, s2, s3):
    """One step of the market without jumps: move of the log mark, basis at the end, average premium. Three normals."""
    z, s0, s1, s2, s3 = normal(s0, s1, s2, s3)
    y, s0, s1, s2, s3 = normal(s0, s1, s2, s3)
    x, s0, s1, s2, s3 = normal(s0, s1, s2, s3)
    next_basis = job.basis_shift + job.basis_decay * basis + job.basis_vol * y
    premium = job.premium_shift + job.premium_weight * (basis + next_basis) + job.premium_vol * x
    log_move = job.log_drift + job.log_vol * z + (next_basis - basis)
    return log_move, next_basis, premium, s0, s1, s2, s3


@njit(parallel=True, fastmath=True, cache=True, error_model="numpy")
def simulate(job, rates, deductions, seed, shortcut, hedged_usd, unhedged_usd, liquidated):
    """Fills the three columns, one entry a path. The order of events in a step is that of the design, section 5:

    market; crossing at the end price with the cash before funding; funding; arrival of a transfer; margin check; call.

    `shortcut`: a liquidated path goes to the horizon in one draw instead of step by step.
    """
    steps = job.steps
    for path in prange(hedged_usd.size):
        s0, s1, s2, s3 = seeded(seed, path)
        basis = job.basis_initial
        notional = job.short_base * job.spot_usd * math.exp(basis)
        cash = job.cash_usd
        reserve = job.reserve_usd
        in_flight = 0.0
        arrival = -1
        is_liquidated = False
        w, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
        jump_time = -math.log(w) / job.jumps_per_step
        # The step in which the next jump falls: one comparison of integers a step instead of a Poisson draw.
        jump_step = int(min(jump_time, 1e9))
        step = 0
        while step < steps:
            # 1. The market.
            log_move, basis, premium, s0, s1, s2, s3 = gaussian_move(job, basis, s0, s1, s2, s3)
            while step == jump_step:
                size, wait, s0, s1, s2, s3 = kou_jump(job, s0, s1, s2, s3)
                log_move += size
                jump_time += wait
                jump_step = int(min(jump_time, 1e9))
            notional *= small_exp(log_move) if abs(log_move) <= 0.125 else math.exp(log_move)
            # 3. Funding, kept apart from the cash that the crossing test sees.
            rate = premium + min(max(job.interest - premium, -job.damper), job.damper)
            rate = min(max(rate, -job.funding_cap), job.funding_cap)
            next_cash = cash + rate * notional
            # Most steps end here: no call and no liquidation can be due below the chord.
            lower_cash = min(cash, next_cash)
            if notional > job.screen_slope * lower_cash or lower_cash > job.screen_cash_usd or step == arrival:
                maintenance = maintenance_usd(notional, rates, deductions)
                if cash - notional <= maintenance:
                    # 2. Crossing: this step pays no funding, and a transfer that would arrive in it comes too late.
                    is_liquidated = True
                    break
                cash = next_cash
                if step == arrival:
                    # 4. Arrival.
                    cash += in_flight
                    in_flight = 0.0
                    arrival = -1
                equity = cash - notional
                if equity <= maintenance:
                    # 5. Margin check: funding paid may have done it.
                    is_liquidated = True
                    break
                no_transfer = arrival < 0 and reserve > 0.0 and step < steps - 1
                if no_transfer and maintenance >= job.call_level * equity:
                    # 5. Margin call.
                    in_flight = min(reserve, maintenance / job.call_target - equity)
                    reserve -= in_flight
                    arrival = step + job.delay_steps
            else:
                cash = next_cash
            step += 1
        if is_liquidated:
            # Slippage and fee of the forced close, as far as equity goes; what is left is returned.
            cash = max(0.0, cash - notional * job.liquidation_frac)
            step += 1
            if shortcut and step < steps:
                # Flat for good: the rest of the spot's path matters only by its end, which one draw reaches.
                left = steps - step
                z, s0, s1, s2, s3 = normal(s0, s1, s2, s3)
                log_move = left * job.log_drift + math.sqrt(left) * job.log_vol * z
                while jump_step < steps:
                    size, wait, s0, s1, s2, s3 = kou_jump(job, s0, s1, s2, s3)
                    log_move += size
                    jump_time += wait
                    jump_step = int(min(jump_time, 1e9))
                notional *= math.exp(log_move)
                step = steps
            # Flat for good: the market alone, without a ledger.
            while step < steps:
                log_move, basis, premium, s0, s1, s2, s3 = gaussian_move(job, basis, s0, s1, s2, s3)
                while step == jump_step:
                    size, wait, s0, s1, s2, s3 = kou_jump(job, s0, s1, s2, s3)
                    log_move += size
                    jump_time += wait
                    jump_step = int(min(jump_time, 1e9))
                notional *= small_exp(log_move) if abs(log_move) <= 0.125 else math.exp(log_move)
                step += 1
        else:
            cash -= notional * job.close_frac
        spot = notional / job.short_base * math.exp(-basis)
        unhedged = job.quantity_base * (spot * job.sale_frac - job.spot_usd)
        unhedged_usd[path] = unhedged
        hedged_usd[path] = unhedged + cash + reserve + in_flight - job.contributed_usd
        liquidated[path] = is_liquidated


def run(paths: int, threads: int, seed: int, shortcut: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three columns of all paths, output arrays allocated here as part of the work."""
    set_num_threads(threads)
    job, rates, deductions = job_file.load()
    hedged_usd, unhedged_usd = np.empty(paths), np.empty(paths)
    liquidated = np.empty(paths, dtype=np.bool_)
    simulate(job, rates, deductions, np.uint64(seed), shortcut, hedged_usd, unhedged_usd, liquidated)
    return hedged_usd, unhedged_usd, liquidated


if __name__ == "__main__":
    side.main("numba", run, {"shortcut": "a liquidated path goes to the horizon in one draw"})
