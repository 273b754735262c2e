"""What both Python sides share: arguments in, a warm-up, timed calls, one line of JSON out."""

import argparse
import json
import os
import resource
import time

import job as job_file


def main(name: str, run, switches: dict[str, str] | None = None) -> None:
    """Calls `run(paths, threads, seed)` once to warm up (numba compiles or loads its cache here), then `--repeats` times.

    `switches`: further options of this side, off unless given, with their help; `run` takes each by its name.
    """
    arguments = argparse.ArgumentParser(description=f"the {name} side of the comparison")
    arguments.add_argument("--paths", type=int, default=1_000_000)
    arguments.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--repeats", type=int, default=1)
    for switch, explanation in (switches or {}).items():
        arguments.add_argument(f"--{switch}", action="store_true", help=explanation)
    chosen = arguments.parse_args()
    switched = {switch: getattr(chosen, switch) for switch in switches or {}}

    run(max(1, chosen.paths // 10), chosen.threads, chosen.seed + 1_000_003, **switched)
    seconds = []
    for _ in range(chosen.repeats):
        start = time.perf_counter()
        columns = run(chosen.paths, chosen.threads, chosen.seed, **switched)
        seconds.append(time.perf_counter() - start)
    steps = job_file.load()[0].steps
    result = {
        "side": name,
        "paths": chosen.paths,
        "threads": chosen.threads,
        "seconds": seconds,
        "core_ns_per_path_step": min(seconds) * chosen.threads * 1e9 / (chosen.paths * steps),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "estimates": job_file.estimates(*columns),
    }
    print(json.dumps(result))


def sweep_main(run) -> None:
    """Calls `run(paths, threads, seed, ratios)` once to warm up and once timed; prints the estimates of the last ratio, the job's own."""
    arguments = argparse.ArgumentParser(description="the numba side of a sweep of hedge ratios")
    arguments.add_argument("--paths", type=int, default=100_000)
    arguments.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--ratios", type=int, default=64)
    chosen = arguments.parse_args()
    run(max(1, chosen.paths // 10), chosen.threads, chosen.seed + 1_000_003, chosen.ratios)
    start = time.perf_counter()
    hedged_usd, unhedged_usd, liquidated = run(chosen.paths, chosen.threads, chosen.seed, chosen.ratios)
    seconds = time.perf_counter() - start
    work = chosen.paths * job_file.load()[0].steps * chosen.ratios
    result = {
        "side": "numba sweep",
        "seconds": [seconds],
        "core_ns_per_path_step_and_ratio": seconds * chosen.threads * 1e9 / work,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "estimates": job_file.estimates(hedged_usd[-1], unhedged_usd, liquidated[-1]),
        "middle": job_file.estimates(hedged_usd[chosen.ratios // 2 - 1], unhedged_usd, liquidated[chosen.ratios // 2 - 1]),
    }
    print(json.dumps(result))
