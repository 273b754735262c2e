"""Runs hedgesim, numba and numpy alternately on one job, prints the ratios of wall time, and checks that they agree.

Exit code 0: done and agreed; 1: the estimates disagree, or something did not run; 2: the job is not the scenario's.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import job as job_file
import scenario_check

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
JOB = json.loads((HERE / "job.json").read_text())
BOUND = 4.0  # standard errors of a difference
AGREE_ON = {
    "liquidation_probability": ("liquidation", "probability"),
    "hedged_mean_usd": ("hedged", "mean"),
    "hedged_std_dev_usd": ("hedged", "std_dev"),
    "hedged_es95_usd": ("hedged", "es95"),
    "unhedged_mean_usd": ("unhedged", "mean"),
}


class Ended(NamedTuple):
    """A process that ended well."""

    text: str
    wall_seconds: float
    peak_memory_mb: float


def call(command: list[str]) -> Ended:
    """Runs a process to its end and times it from before its start. Exit code 3 of hedgesim (a limit broken) is no failure."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        sys.exit(f"exit code {process.returncode} from: {' '.join(command)}")
    return Ended(text, wall, usage.ru_maxrss / 1024)


def python_side(name: str, options, seed: int) -> dict:
    """One process of a Python side: warmed up, then one timed simulation."""
    script = str(HERE / f"{name}_side.py")
    arguments = ["--paths", str(options.paths), "--threads", str(options.threads), "--seed", str(seed)]
    if name == "numba" and options.shortcut:
        arguments.append("--shortcut")
    ended = call([sys.executable, script, *arguments])
    result = json.loads(ended.text)
    return {"simulation": result["seconds"][0], "memory": ended.peak_memory_mb, "estimates": result["estimates"]}


def hedgesim_command(options, seed: int, *more: str) -> list[str]:
    """`hedgesim run` on the job's scenario, without `--out`."""
    sizes = ["--paths", str(options.paths), "--threads", str(options.threads), "--seed", str(seed)]
    return [str(options.hedgesim), "run", JOB["scenario"], *sizes, *more]


def hedgesim_side(options, seed: int) -> dict:
    """Two processes: one prints the report and is timed whole, one prints JSON and says how long its simulation took."""
    report = call(hedgesim_command(options, seed))
    summary = json.loads(call(hedgesim_command(options, seed, "--format", "json")).text)
    return {"simulation": summary["simulation_seconds"], "whole": report.wall_seconds, "memory": report.peak_memory_mb}


def hedgesim_estimates(options, seed: int) -> dict:
    """The identical job: margin checked at step ends only, as the Python sides do; everything else is the scenario's own."""
    overrides = ["--set", "simulation.crossing=endpoints"]
    for override in options.set:
        overrides += ["--set", override]
    summary = json.loads(call(hedgesim_command(options, seed, "--format", "json", *overrides)).text)
    found = {}
    for name, (table, key) in AGREE_ON.items():
        estimate = summary[table][key]
        found[name] = [estimate["value"], estimate["std_error"]]
    return found


def print_times(rounds: dict[str, list[dict]], options) -> None:
    """Medians over the rounds, with the fastest and the slowest, and the ratios of medians."""
    path_steps = options.paths * job_file.load()[0].steps
    print(f"\n{'':22}{'median s':>10}{'fastest':>10}{'slowest':>10}{'core-ns per path-step':>24}{'peak MB':>10}")
    medians = {}
    for side, runs in rounds.items():
        for what in ("simulation", "whole"):
            seconds = [run[what] for run in runs if what in run]
            if not seconds:
                continue
            medians[side, what] = statistics.median(seconds)
            core_ns = medians[side, what] * options.threads * 1e9 / path_steps
            memory = statistics.median(run["memory"] for run in runs)
            label = f"{side}, {'whole process' if what == 'whole' else 'simulation'}"
            row = f"{label:22}{medians[side, what]:10.3f}{min(seconds):10.3f}{max(seconds):10.3f}"
            print(f"{row}{core_ns:24.2f}{memory:10.0f}")
    print()
    for what, label in (("simulation", "simulation alone"), ("whole", "whole run process")):
        if ("hedgesim", what) in medians:
            for side in ("numba", "numpy"):
                ratio = medians[side, "simulation"] / medians["hedgesim", what]
                print(f"{side} simulation / hedgesim {label:20}{ratio:8.2f}")


def print_agreement(left: str, ours: dict, right: str, theirs: dict) -> bool:
    """Each estimate of both sides and their difference in standard errors. True when all are within the bound."""
    print(f"\n{left + ' and ' + right:26}{left:>18}{'s.e.':>14}{right:>18}{'s.e.':>14}{'difference / s.e.':>20}")
    agreed = True
    for name in AGREE_ON:
        (a, a_error), (b, b_error) = ours[name], theirs[name]
        score = (a - b) / math.hypot(a_error, b_error)
        is_close = abs(score) <= BOUND  # false for NaN as well
        agreed = agreed and is_close
        digits = 5 if name == "liquidation_probability" else 0
        numbers = f"{a:18,.{digits}f}{a_error:14,.{digits}f}{b:18,.{digits}f}{b_error:14,.{digits}f}"
        print(f"{name:26}{numbers}{score:20.2f}{'' if is_close else '   DISAGREE'}")
    return agreed


def main() -> int:
    """Checks the job, runs the rounds, prints times, then the check of agreement."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--paths", type=int, default=1_000_000)
    arguments.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: all cores")
    arguments.add_argument("--rounds", type=int, default=5, help="rounds of all sides in turn (default 5)")
    arguments.add_argument("--hedgesim", type=Path, default=TARGET / "release" / "hedgesim", help="the binary")
    arguments.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="a further override of the identical job")
    arguments.add_argument("--python-only", action="store_true", help="numba and numpy alone")
    arguments.add_argument("--shortcut", action="store_true", help="numba draws a liquidated path to the horizon at once")
    options = arguments.parse_args()

    sides = {"numba": lambda seed: python_side("numba", options, seed), "numpy": lambda seed: python_side("numpy", options, seed)}
    if not options.python_only:
        wrong = scenario_check.differences(HERE / "job.json", ROOT / JOB["scenario"])
        if wrong:
            print("job.json is not the job of " + JOB["scenario"] + ":", *wrong, sep="\n  ", file=sys.stderr)
            return 2
        sides["hedgesim"] = lambda seed: hedgesim_side(options, seed)

    print(f"{options.paths:,} paths, {options.threads} threads, {options.rounds} rounds, one side after the other")
    if options.shortcut:
        print("numba draws a liquidated path to the horizon at once: fewer path-steps than the others and than its core-ns count")
    python_call = ["--paths", "1000", "--threads", "1"]
    call([sys.executable, str(HERE / "numba_side.py"), *python_call])  # fills numba's cache
    rounds: dict[str, list[dict]] = {side: [] for side in sides}
    for seed in range(1, options.rounds + 1):
        for side, run in sides.items():
            rounds[side].append(run(seed))
        load = os.getloadavg()[0]
        progress = "  ".join(f"{side} {runs[-1]['simulation']:.3f} s" for side, runs in rounds.items())
        print(f"round {seed}: {progress}  (load {load:.1f})", flush=True)
    print_times(rounds, options)

    numba, numpy = rounds["numba"][0]["estimates"], rounds["numpy"][0]["estimates"]
    agreed = print_agreement("numba", numba, "numpy", numpy)
    if not options.python_only:
        # Another seed than the rounds', though the generators differ: nothing is shared.
        ours = hedgesim_estimates(options, options.rounds + 1)
        agreed = print_agreement("hedgesim", ours, "numba", numba) and agreed
        agreed = print_agreement("hedgesim", ours, "numpy", numpy) and agreed
    print("\nall estimates agree" if agreed else f"\nestimates DISAGREE: more than {BOUND} standard errors apart")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
