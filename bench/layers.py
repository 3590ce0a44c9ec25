"""Time the NumPy layers against PyTorch on one thread: `python -m bench.layers [name] [--rounds 15]`.

Every result is first compared with torch in float64. Then, in each round, both sides run for at least 10 ms
of processor time, float32, and their ratio is taken; the table shows the median and the quartiles.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_info

from bench.workloads import WORKLOADS

RESULTS = Path(__file__).parent / "results" / "layers.json"
PINS = "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"  # some systems set them, for equal digits on all processors
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
    excess = row["ratio"] / row["goal"]
    verdict = "ok" if excess <= 1 else "over" if excess <= 1.5 else "TOO SLOW"
    ratio, spread = f"{row['ratio']:7.2f}", f"{row['low']:.2f}-{row['high']:.2f}"
    print(f"{row['workload']:24}{ratio}  {spread:11}{row['goal']:6.2f}  {verdict:9}{row['error']:8.0e}")


def machine():
    """What the ratios depend on besides our code: versions, and the kernels that NumPy's BLAS chose."""
    blas = [info for info in threadpool_info() if info["user_api"] == "blas" and "numpy" in info["filepath"]]
    kernels = (
        f"{blas[0]['internal_api']} {blas[0]['version']} {blas[0]['architecture']}" if blas else "unknown"
    )
    versions = {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}
    return versions | {"blas": kernels, "processor": torch.backends.cpu.get_cpu_capability()}


def without_pins(module="bench.layers"):
    """Start again with the kernels that suit this processor, if the environment prescribes others."""
    if any(pin in os.environ for pin in PINS):  # too late to change here: NumPy's BLAS has read them
        free = {name: value for name, value in os.environ.items() if name not in PINS}
        again = [sys.executable, "-m", module, *sys.argv[1:]]
        sys.exit(subprocess.run(again, env=free).returncode)


def save(report, path):
    """Write the report as JSON, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="", help="only workloads whose name contains this")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = machine()
    print(", ".join(f"{name} {value}" for name, value in found.items()))
    print(f"{'time ÷ torch':24}{'median':>7}  {'quartiles':11}{'goal':>6}  {'':9}{'error':>8}")
    rows = []
    for workload in WORKLOADS:
        if options.name.lower() in workload.name.lower():
            rows.append(measure(workload, options.rounds))
            show(rows[-1])
    if not options.name:
        save({"machine": found, "rounds": options.rounds, "rows": rows}, RESULTS)
        print("beside NumPy peers, where they are installed: python -m bench.peers")


if __name__ == "__main__":
    without_pins()
    main()
