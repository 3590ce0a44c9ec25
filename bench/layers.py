"""Time the NumPy layers against PyTorch on one thread: `python -m bench.layers [name] [--rounds 15]`.

Every result is first compared with torch in float64. Then, in each round, both sides run for at least 10 ms
of processor time, float32, and their ratio is taken; the table shows the median and the quartiles.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_info

from bench.workloads import WORKLOADS

RESULTS = Path(__file__).parent / "results" / "layers.json"
TOLERANCE = 1e-12  # float64, max |a - b| ÷ max |b|
SLICE = 0.01  # seconds of processor time for each side in each round


def steps(workload, dtype):
    """Our step and torch's on the same arrays, floating-point ones cast to dtype."""

    def cast(array):
        return array.astype(dtype) if array.dtype.kind == "f" else array.copy()

    arrays = workload.draw(np.random.default_rng(0))
    ours = workload.ours(*map(cast, arrays))
    return ours, workload.theirs(*(torch.from_numpy(cast(array)) for array in arrays))


def worst_error(workload):
    """The largest relative difference between our results and torch's, all in float64."""
    ours, theirs = (step() for step in steps(workload, np.float64))
    if len(ours) != len(theirs):
        raise AssertionError(f"{workload.name}: {len(ours)} results, torch has {len(theirs)}")
    errors = []
    for a, b in zip(ours, theirs):
        b = b.numpy()
        if np.shape(a) != b.shape:
            raise AssertionError(f"{workload.name}: shape {np.shape(a)}, torch has {b.shape}")
        errors.append(float(abs(a - b).max() / abs(b).max()))
    return max(errors)


def seconds(step):
    """Processor time of one call: the mean over as many calls as fill a slice."""
    calls, start = 0, time.process_time()
    while (spent := time.process_time() - start) < SLICE:
        step()
        calls += 1
    return spent / calls


def measure(workload, rounds):
    """Verify, warm up, time: one row of the table."""
    error = worst_error(workload)
    if not error <= TOLERANCE:
        raise AssertionError(f"{workload.name}: differs from torch by {error:.1e} in float64")
    ours, theirs = steps(workload, np.float32)
    ours(), theirs()
    low, median, high = np.quantile(
        [seconds(ours) / seconds(theirs) for _ in range(rounds)], (0.25, 0.5, 0.75)
    )
    row = {"workload": workload.name, "error": error, "ratio": median, "low": low, "high": high}
    return row | {"goal": workload.goal}


def show(row):
    verdict = (
        "ok" if row["ratio"] <= row["goal"] else "over" if row["ratio"] <= 1.5 * row["goal"] else "TOO SLOW"
    )
    ratio, spread = f"{row['ratio']:7.2f}", f"{row['low']:.2f}-{row['high']:.2f}"
    print(f"{row['workload']:22}{ratio}  {spread:11}{row['goal']:6.2f}  {verdict:9}{row['error']:8.0e}")


def machine():
    """What the ratios depend on besides our code: versions, and the kernels that NumPy's BLAS chose."""
    blas = [info for info in threadpool_info() if info["user_api"] == "blas" and "numpy" in info["filepath"]]
    kernels = (
        f"{blas[0]['internal_api']} {blas[0]['version']} {blas[0]['architecture']}" if blas else "unknown"
    )
    versions = {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}
    return versions | {"blas": kernels, "processor": torch.backends.cpu.get_cpu_capability()}


def save(report):
    RESULTS.parent.mkdir(exist_ok=True)
    unfinished = RESULTS.with_suffix(".tmp")
    unfinished.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(unfinished, RESULTS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="", help="only workloads whose name contains this")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    print(f"{'time ÷ torch':22}{'median':>7}  {'quartiles':11}{'goal':>6}  {'':9}{'error':>8}")
    rows = []
    for workload in WORKLOADS:
        if options.name.lower() in workload.name.lower():
            rows.append(measure(workload, options.rounds))
            show(rows[-1])
    if not options.name:
        save({"machine": machine(), "rounds": options.rounds, "rows": rows})


if __name__ == "__main__":
    main()
