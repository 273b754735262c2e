"""Says where `job.json` and the scenario that it copies differ: a comparison of two different jobs is worth nothing.

Margin brackets and fees come from the venue's preset and are not in the scenario; when they differ, the estimates do, and
`run.py` sees it there.
"""

import json
import re
import tomllib
from pathlib import Path

HOURS = {"d": 24.0, "h": 1.0, "m": 1.0 / 60.0}


def hours(text: str) -> float:
    """`"90d"`, `"8h"`, `"15m"` in hours."""
    number, unit = re.fullmatch(r"([0-9_.]+)\s*([dhm])", text).groups()
    return float(number) * HOURS[unit]


def fraction(value) -> float:
    """A number, `"25%"` or `"2bps"` as a fraction."""
    if not isinstance(value, str):
        return float(value)
    number, unit = re.fullmatch(r"([-+0-9_.eE]+?)\s*(%|bps)", value).groups()
    return float(number) * {"%": 1e-2, "bps": 1e-4}[unit]


def differences(job_path: Path, scenario_path: Path) -> list[str]:
    """One line for each number that differs; empty when the job is the scenario's."""
    job = json.loads(Path(job_path).read_text())
    scenario = tomllib.loads(Path(scenario_path).read_text())
    holding, hedge = scenario["holdings"][0], scenario["hedges"][0]
    contract, account = scenario["contracts"][hedge["contract"]], scenario["accounts"][hedge["account"]]
    asset = scenario["assets"][holding["asset"]]
    model, kou = asset["model"]["jump_diffusion"], asset["model"]["jump_diffusion"]["kou"]
    basis, call = contract["perpetual"]["basis"]["ou"], account["margin_call"]
    funding = contract["perpetual"].get("funding", {}).get("premium_formula", {})
    step = hours(scenario["simulation"]["step"])

    # (what, in the job, in the scenario); a funding key that the scenario leaves to the preset is not compared.
    pairs = [
        ("horizon_days", job["horizon_days"], hours(scenario["simulation"]["horizon"]) / 24),
        ("step_hours", job["step_hours"], step),
        ("spot_usd", job["asset"]["spot_usd"], asset["spot_usd"]),
        ("quantity_base", job["asset"]["quantity_base"], holding["quantity"]),
        ("drift_annual", job["asset"]["drift_annual"], fraction(model.get("drift", 0.0))),
        ("volatility_annual", job["asset"]["volatility_annual"], fraction(model["volatility"])),
        ("jumps_per_year", job["asset"]["jumps_per_year"], model["jumps_per_year"]),
        ("up_probability", job["asset"]["up_probability"], fraction(kou["up_probability"])),
        ("up_mean_log", job["asset"]["up_mean_log"], fraction(kou["up_mean"])),
        ("down_mean_log", job["asset"]["down_mean_log"], fraction(kou["down_mean"])),
        ("basis.mean", job["basis"]["mean"], fraction(basis["mean"])),
        ("basis.initial", job["basis"]["initial"], fraction(basis["initial"])),
        ("basis.volatility_annual", job["basis"]["volatility_annual"], fraction(basis["volatility"])),
        ("basis.reversion_per_year", job["basis"]["reversion_per_year"], basis["reversion_per_year"]),
        ("hedge_ratio", job["hedge"]["hedge_ratio"], hedge["ratio"]["fixed"]),
        ("trade_slippage_frac", job["hedge"]["trade_slippage_frac"], fraction(scenario.get("execution", {}).get("slippage", 0.0))),
        ("collateral_usd", job["account"]["collateral_usd"], account["collateral_usd"]),
        ("reserve_usd", job["account"]["reserve_usd"], account.get("reserve_usd", 0.0)),
        ("call_level", job["account"]["call_level"], fraction(call["level"])),
        ("call_target", job["account"]["call_target"], fraction(call["target"])),
        ("delay_hours", job["account"]["delay_hours"], hours(call.get("delay", "0h"))),
        ("liquidation_slippage_frac", job["account"]["liquidation_slippage_frac"], fraction(account["liquidation"]["slippage"])),
        # What the job takes for granted.
        ("correlation of basis and spot", 0.0, basis.get("correlation_with_spot", 0.0)),
        ("hours between looks at the margin", step, hours(call.get("every", scenario["simulation"]["step"]))),
        ("level of release", 0.0, fraction(call.get("release", 0.0))),
        ("cost of funds", 0.0, fraction(scenario.get("financing", {}).get("cost_of_funds_annual", 0.0))),
    ]
    for key in ("interest_per_8h", "cap_per_8h"):
        if key in funding:
            pairs.append((key, job["funding"][key], fraction(funding[key])))
    if "damper" in funding:
        pairs.append(("damper_per_8h", job["funding"]["damper_per_8h"], fraction(funding["damper"])))
    if "interval" in funding:
        pairs.append(("interval_hours", job["funding"]["interval_hours"], hours(funding["interval"])))
    found = [f"{what}: {ours} in the job, {theirs} in the scenario" for what, ours, theirs in pairs if not close(ours, theirs)]

    plain = {
        "sales before the horizon": "at_horizon" not in holding.get("sell", {"at_horizon": {}}),
        "rebalancing": "never" not in hedge.get("rebalance", {"never": {}}),
        "a hedge that is already on": "opened" in hedge,
        "re-entry after a liquidation": "reenter" in account["liquidation"].get("then", {}),
        "more than one holding or hedge": len(scenario["holdings"]) + len(scenario["hedges"]) > 2,
    }
    return found + [f"{what}: in the scenario, not in the job" for what, is_there in plain.items() if is_there]


def close(a: float, b: float) -> bool:
    """Equal to rounding."""
    return abs(a - b) <= 1e-12 * max(1.0, abs(a), abs(b))
