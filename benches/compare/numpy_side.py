"""The job in numpy: blocks of paths as arrays, one step after the other, blocks spread over threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import job as job_file
import side

BLOCK = 32_768  # large enough that the threads seldom wait for the interpreter's lock


def simulate_block(job, rates, deductions, generator, hedged_usd, unhedged_usd, liquidated) -> None:
    """Fills the three columns of one block. The order of events in a step is that of the design, section 5."""
    n = hedged_usd.size
    basis = np.full(n, job.basis_initial)
    notional = np.full(n, job.short_base * job.spot_usd * np.exp(job.basis_initial))
    cash = np.full(n, job.cash_usd)
    reserve = np.full(n, job.reserve_usd)
    in_flight = np.zeros(n)
    arrival = np.full(n, -1)
    arrivals = [np.empty(0, dtype=np.int64) for _ in range(job.steps + job.delay_steps)]
    z, work, next_basis, premium = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    next_cash, lower_cash, is_due = np.empty(n), np.empty(n), np.empty(n, dtype=np.bool_)
    # The jumps of all lanes in one step are Poisson in number and strike lanes uniformly.
    jumps = generator.poisson(n * job.jumps_per_step, size=job.steps)

    for step in range(job.steps):
        # 1. The market. In place, because fresh arrays cost more than the arithmetic.
        generator.standard_normal(out=z)
        np.multiply(basis, job.basis_decay, out=next_basis)
        next_basis += job.basis_shift
        z *= job.basis_vol
        next_basis += z
        np.add(basis, next_basis, out=premium)
        premium *= job.premium_weight
        premium += job.premium_shift
        generator.standard_normal(out=z)
        z *= job.premium_vol
        premium += z
        generator.standard_normal(out=z)
        z *= job.log_vol
        z += job.log_drift
        z += next_basis
        z -= basis
        basis, next_basis = next_basis, basis
        if jumps[step]:
            np.add.at(z, generator.integers(n, size=jumps[step]), kou_jumps(job, generator, jumps[step]))
        np.exp(z, out=z)
        notional *= z

        # 3. Funding, kept apart from the cash that the crossing test sees.
        np.subtract(job.interest, premium, out=work)
        np.clip(work, -job.damper, job.damper, out=work)
        work += premium
        np.clip(work, -job.funding_cap, job.funding_cap, out=work)
        work *= notional
        np.add(cash, work, out=next_cash)

        # Lanes below the chord have nothing due; flat lanes hold infinite cash here and never come up.
        np.minimum(cash, next_cash, out=lower_cash)
        lower_cash *= job.screen_slope
        np.greater(notional, lower_cash, out=is_due)
        is_due[arrivals[step]] = True
        due = np.flatnonzero(is_due)
        cash, next_cash = next_cash, cash
        if due.size:
            settle(job, rates, deductions, step, due, notional, cash, next_cash, reserve, in_flight, arrival, arrivals)

    if np.any(cash[np.isfinite(cash)] > job.screen_cash_usd):
        raise ArithmeticError("an account has outgrown the screen: raise screen_cash_usd")
    spot = notional / job.short_base * np.exp(-basis)
    liquidated[:] = np.isinf(cash)
    account = np.where(liquidated, 0.0, cash - notional * job.close_frac)
    unhedged_usd[:] = job.quantity_base * (spot * job.sale_frac - job.spot_usd)
    hedged_usd[:] = unhedged_usd + account + reserve + in_flight - job.contributed_usd


def settle(job, rates, deductions, step, due, notional, cash, cash_before, reserve, in_flight, arrival, arrivals) -> None:
    """Crossing, arrival, margin check and call in the lanes `due`; `cash` has the funding, `cash_before` has not."""
    due = due[np.isfinite(cash[due])]
    lane_notional = notional[due]
    maintenance = np.maximum(np.max(np.outer(lane_notional, rates) - deductions, axis=1), 0.0)

    # 2. Crossing: this step pays no funding, and a transfer that would arrive in it comes too late.
    crossed = cash_before[due] - lane_notional <= maintenance
    liquidate(job, due[crossed], cash_before[due[crossed]], notional, cash, reserve)
    due, lane_notional, maintenance = due[~crossed], lane_notional[~crossed], maintenance[~crossed]

    # 4. Arrival.
    arrived = due[arrival[due] == step]
    cash[arrived] += in_flight[arrived]
    in_flight[arrived] = 0.0
    arrival[arrived] = -1

    # 5. Margin check.
    equity = cash[due] - lane_notional
    failed = equity <= maintenance
    liquidate(job, due[failed], cash[due[failed]], notional, cash, reserve)
    # 5. Margin call.
    if step < job.steps - 1:
        called = ~failed & (maintenance >= job.call_level * equity) & (arrival[due] < 0) & (reserve[due] > 0)
        lanes = due[called]
        sent = np.minimum(reserve[lanes], maintenance[called] / job.call_target - equity[called])
        reserve[lanes] -= sent
        in_flight[lanes] = sent
        arrival[lanes] = step + job.delay_steps
        arrivals[step + job.delay_steps] = lanes


def liquidate(job, lanes, lane_cash, notional, cash, reserve) -> None:
    """Forced close: slippage and fee as far as equity goes, the rest returned to the reserve. Infinite cash marks flat."""
    reserve[lanes] += np.maximum(lane_cash - notional[lanes] * job.liquidation_frac, 0.0)
    cash[lanes] = np.inf


def kou_jumps(job, generator, count: int) -> np.ndarray:
    """Log jump sizes (Kou 2002)."""
    sizes = generator.standard_exponential(count)
    return sizes * np.where(generator.random(count) < job.up_probability, job.up_mean_log, -job.down_mean_log)


def run(paths: int, threads: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three columns of all paths, output arrays allocated here as part of the work."""
    job, rates, deductions = job_file.load()
    columns = np.empty(paths), np.empty(paths), np.empty(paths, dtype=np.bool_)
    # Equal blocks, a multiple of the threads: a last short round would leave threads idle.
    blocks = threads * max(1, round(paths / (threads * BLOCK)))
    edges = np.linspace(0, paths, blocks + 1).astype(np.int64)

    def work(block: int) -> None:
        generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(block,))))
        part = slice(edges[block], edges[block + 1])
        simulate_block(job, rates, deductions, generator, *(column[part] for column in columns))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(blocks)))
    return columns


if __name__ == "__main__":
    side.main("numpy", run)
