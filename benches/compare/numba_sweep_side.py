"""A sweep of hedge ratios in numba: each path is drawn once and stored, then walked once for every ratio."""

import math

import numba_cache  # noqa: F401  (first, for it says where numba keeps its cache)
import numpy as np
from numba import njit, prange, set_num_threads

import job as job_file
import side
from numba_side import gaussian_move, kou_jump, maintenance_usd, small_exp
from ziggurat import seeded, uniform

PATHS_A_BLOCK = 64  # share one pair of scratch rows


@njit(inline="always")
def draw_path(job, seed, path, mark_usd, funding_usd):
    """Fills mark and funding per unit of short at the end of each step; returns the basis at the horizon."""
    s0, s1, s2, s3 = seeded(seed, path)
    basis = job.basis_initial
    mark = job.spot_usd * math.exp(basis)
    w, s0, s1, s2, s3 = uniform(s0, s1, s2, s3)
    jump_time = -math.log(w) / job.jumps_per_step
    jump_step = int(min(jump_time, 1e9))
    for step in range(job.steps):
        log_move, basis, premium, s0, s1, s2, s3 = gaussian_move(job, basis, s0, s1, s2, s3)
        while step == jump_step:
            size, wait, s0, s1, s2, s3 = kou_jump(job, s0, s1, s2, s3)
            log_move += size
            jump_time += wait
            jump_step = int(min(jump_time, 1e9))
        mark *= small_exp(log_move) if abs(log_move) <= 0.125 else math.exp(log_move)
        rate = premium + min(max(job.interest - premium, -job.damper), job.damper)
        rate = min(max(rate, -job.funding_cap), job.funding_cap)
        mark_usd[step] = mark
        funding_usd[step] = rate * mark
    return basis


@njit(parallel=True, fastmath=True, cache=True, error_model="numpy")
def simulate(job, rates, deductions, programmes, seed, hedged_usd, unhedged_usd, liquidated):
    """Fills the columns: shape `[ratios, paths]`, `[paths]` of the unhedged one. The order of events is that of `numba_side`.

    `programmes` has shape `[ratios, 4]`: short in base units, cash at time 0, slope and largest cash of the screen.
    """
    steps = job.steps
    paths = unhedged_usd.size
    for block in prange((paths + PATHS_A_BLOCK - 1) // PATHS_A_BLOCK):
        mark_usd, funding_usd = np.empty(steps), np.empty(steps)
        for path in range(block * PATHS_A_BLOCK, min(paths, (block + 1) * PATHS_A_BLOCK)):
            basis = draw_path(job, seed, path, mark_usd, funding_usd)
            spot = mark_usd[steps - 1] * math.exp(-basis)
            unhedged = job.quantity_base * (spot * job.sale_frac - job.spot_usd)
            unhedged_usd[path] = unhedged
            for ratio in range(programmes.shape[0]):
                short, cash = programmes[ratio, 0], programmes[ratio, 1]
                slope, screen_cash = programmes[ratio, 2], programmes[ratio, 3]
                reserve, in_flight, arrival = job.reserve_usd, 0.0, -1
                is_liquidated = False
                notional = 0.0
                for step in range(steps):
                    notional = short * mark_usd[step]
                    next_cash = cash + short * funding_usd[step]
                    lower_cash = min(cash, next_cash)
                    if notional > slope * lower_cash or lower_cash > screen_cash or step == arrival:
                        maintenance = maintenance_usd(notional, rates, deductions)
                        if cash - notional <= maintenance:
                            is_liquidated = True
                            break
                        cash = next_cash
                        if step == arrival:
                            cash += in_flight
                            in_flight = 0.0
                            arrival = -1
                        equity = cash - notional
                        if equity <= maintenance:
                            is_liquidated = True
                            break
                        no_transfer = arrival < 0 and reserve > 0.0 and step < steps - 1
                        if no_transfer and maintenance >= job.call_level * equity:
                            in_flight = min(reserve, maintenance / job.call_target - equity)
                            reserve -= in_flight
                            arrival = step + job.delay_steps
                    else:
                        cash = next_cash
                if is_liquidated:
                    cash = max(0.0, cash - notional * job.liquidation_frac)
                else:
                    cash -= notional * job.close_frac
                hedged_usd[ratio, path] = unhedged + cash + reserve + in_flight - job.contributed_usd
                liquidated[ratio, path] = is_liquidated


def run(paths: int, threads: int, seed: int, ratios: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The columns of all paths for the ratios 1/n, 2/n, ..., 1, output arrays allocated here as part of the work."""
    set_num_threads(threads)
    job, rates, deductions = job_file.load()
    programmes = np.array([job_file.programme(job, i / ratios, rates, deductions) for i in range(1, ratios + 1)])
    hedged_usd, unhedged_usd = np.empty((ratios, paths)), np.empty(paths)
    liquidated = np.empty((ratios, paths), dtype=np.bool_)
    simulate(job, rates, deductions, programmes, np.uint64(seed), hedged_usd, unhedged_usd, liquidated)
    return hedged_usd, unhedged_usd, liquidated


if __name__ == "__main__":
    side.sweep_main(run)
