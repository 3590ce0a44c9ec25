"""The table after the tests: worst errors and mutants by class, counted from what ran."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests import tables


def test_the_table_is_printed_after_a_run():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_linear.py"]
    run = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    rows = run.stdout.partition("gradients and mutants, as found by this run")[2].split("\n")
    (linear,) = (row.split() for row in rows if row.startswith("Linear "))
    *errors, rejected, of, mutants = linear[1:]
    assert [float(error) < limit for error, limit in zip(errors, (1e-12, 2e-5, 1e-5), strict=True)] == [
        True
    ] * 3
    assert of == "of" and int(rejected) == int(mutants) >= 4


def test_the_worst_is_kept_and_the_sum_is_right(monkeypatch):
    monkeypatch.setattr(tables, "FOUND", {})
    for error in (1e-14, 3e-14, 2e-14):
        tables.worst("A", "float64", error)
    tables.worst("B", "float32", 0.0)
    tables.worst("B", "differences", np.nan)
    tables.worst("B", "differences", 1.0)
    tables.killed("A", 5, 5)
    tables.killed("A", 2, 3)
    tables.killed("B", 4, 4)
    lines = [line.split() for line in tables.lines()]
    assert ["A", "3e-14", "-", "-", "7", "of", "8"] in lines and [
        "B",
        "-",
        "0e+00",
        "nan",
        "4",
        "of",
        "4",
    ] in lines
    assert lines[-1][-3:] == ["11", "of", "12"]
