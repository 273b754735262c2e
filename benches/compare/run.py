"""Runs hedgesim, numba and numpy alternately on one job, prints the ratios of wall time, and checks that they agree.

Exit code 0: done and agreed; 1: the estimates disagree, or something did not run; 2: the job is not the scenario's.
"""

import argparse
import csv
import io
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


SWEEP_KEYS = {
    "liquidation_probability": "liquidation.probability",
    "hedged_mean_usd": "hedged.mean",
    "hedged_std_dev_usd": "hedged.std_dev",
    "hedged_es95_usd": "hedged.es95",
}


def hedgesim_sweep(options, seed: int, *more: str) -> Ended:
    """`hedgesim sweep` over the ratios 1/n, 2/n, ..., 1: whole process, estimates and differences as CSV."""
    ratios = ",".join(repr(i / options.ratios) for i in range(1, options.ratios + 1))
    sizes = ["--paths", str(options.paths), "--threads", str(options.threads), "--seed", str(seed)]
    over = ["--over", f"hedges.0.ratio.fixed={ratios}", "--format", "csv"]
    return call([str(options.hedgesim), "sweep", JOB["scenario"], *sizes, *over, *more])


def sweep_estimates(text: str, point: int) -> dict:
    """The estimates of one point by the names of the Python side."""
    found = {}
    for row in csv.DictReader(io.StringIO(text)):
        if row["from"] == "" and int(row["point"]) == point:
            for name, key in SWEEP_KEYS.items():
                if row["key"] == key:
                    found[name] = [float(row["value"]), float(row["std_error"])]
    return found


def sweep_agrees(options, sides: dict) -> bool:
    """Both sides at the middle and the last ratio, margin checked at step ends as numba does."""
    text = hedgesim_sweep(options, options.rounds + 1, "--set", "simulation.crossing=endpoints").text
    agreed = True
    for name, point in (("middle", options.ratios // 2 - 1), ("estimates", options.ratios - 1)):
        ours = sweep_estimates(text, point)
        print(f"\nratio {(point + 1) / options.ratios}")
        for key, (a, a_error) in ours.items():
            b, b_error = sides[name][key]
            score = (a - b) / math.hypot(a_error, b_error)
            is_close = abs(score) <= BOUND
            agreed = agreed and is_close
            print(f"{key:26}{a:20,.5f}{b:20,.5f}{score:20.2f}{'' if is_close else '   DISAGREE'}")
    return agreed


def sweep_main(options) -> int:
    """A sweep of hedge ratios: hedgesim's whole process beside numba's stored paths, and beside the job as often as there are ratios."""
    script = str(HERE / "numba_sweep_side.py")
    sizes = ["--paths", str(options.paths), "--threads", str(options.threads), "--ratios", str(options.ratios)]
    call([sys.executable, script, "--paths", "1000", "--threads", "1"])  # fills numba's cache
    call([sys.executable, str(HERE / "numba_side.py"), "--paths", "1000", "--threads", "1"])
    stored, alone, ours, sides = [], [], [], {}
    for seed in range(1, options.rounds + 1):
        sides = json.loads(call([sys.executable, script, *sizes, "--seed", str(seed)]).text)
        stored.append(sides["seconds"][0])
        alone.append(python_side("numba", options, seed)["simulation"])
        ours.append(hedgesim_sweep(options, seed).wall_seconds)
        load = os.getloadavg()[0]
        print(f"round {seed}: stored {stored[-1]:.3f} s  job {alone[-1]:.3f} s  hedgesim {ours[-1]:.3f} s  (load {load:.1f})", flush=True)
    work = options.paths * job_file.load()[0].steps * options.ratios
    stored, alone, ours = (statistics.median(seconds) for seconds in (stored, alone, ours))
    rows = {
        "numba, paths stored, simulation": stored,
        "numba, the job for each ratio, simulation": alone * options.ratios,
        "hedgesim sweep, whole process": ours,
    }
    print(f"\n{'':44}{'median s':>10}{'core-ns per path-step and ratio':>34}")
    for name, seconds in rows.items():
        print(f"{name:44}{seconds:10.3f}{seconds * options.threads * 1e9 / work:34.2f}")
    print(f"\nnumba with stored paths / hedgesim {stored / ours:8.2f}")
    print(f"numba, the job for each ratio / hedgesim {alone * options.ratios / ours:8.2f}")
    agreed = sweep_agrees(options, sides)
    print("\nall estimates agree" if agreed else f"\nestimates DISAGREE: more than {BOUND} standard errors apart")
    return 0 if agreed else 1


def main() -> int:
    """Checks the job, runs the rounds, prints times, then the check of agreement."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--paths", type=int, help="default 1,000,000; with --sweep 100,000")
    arguments.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: all cores")
    arguments.add_argument("--rounds", type=int, default=5, help="rounds of all sides in turn (default 5)")
    arguments.add_argument("--hedgesim", type=Path, default=TARGET / "release" / "hedgesim", help="the binary")
    arguments.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="a further override of the identical job")
    arguments.add_argument("--python-only", action="store_true", help="numba and numpy alone")
    arguments.add_argument("--shortcut", action="store_true", help="numba draws a liquidated path to the horizon at once")
    arguments.add_argument("--sweep", action="store_true", help="a sweep of hedge ratios instead of one run, 100,000 paths unless said")
    arguments.add_argument("--ratios", type=int, default=64, help="hedge ratios of --sweep (default 64)")
    options = arguments.parse_args()
    if options.paths is None:
        options.paths = 100_000 if options.sweep else 1_000_000
    if options.sweep:
        return sweep_main(options)

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
