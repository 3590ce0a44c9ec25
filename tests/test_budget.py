"""The budget of the notebooks: measured right, printed, and a run over it fails."""

import os
import subprocess
import sys

import nbformat
import pytest

from dlcourse.course import sources
from tests import budget


def test_processor_and_memory_of_a_process_are_read(tmp_path):
    fields = "S 1 " + " ".join(map(str, range(5, 14))) + " 150 50 300 100 20"  # the fields from the third on
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text(f"7 (a (strange) name) {fields}")
    (tmp_path / "7" / "status").write_text("Name:\tx\nVmPeak:\t 9999 kB\nVmHWM:\t  2000 kB\n")
    ticks = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
    assert budget.measure(7, tmp_path) == (600 / ticks, 2_048_000)
    assert budget.measure(8, tmp_path) is None
    (tmp_path / "7" / "status").write_text("Name:\tx\n")
    assert budget.measure(7, tmp_path) is None


def test_a_budget_that_is_kept_has_nothing_to_say():
    assert budget.broken({f"{n:02}_a": (60, 1e9) for n in range(20)}) == []


@pytest.mark.parametrize(
    "found, said",
    [
        ({"01_a": (10, 2.1e9), "02_b": (10, 1e9)}, "01_a: 2.1 GB at its peak, a notebook may use 2 GB"),
        ({"01_a": (1000, 1e9), "02_b": (500, 1e9)}, "all notebooks: 25.0 minutes of CPU, they may use 20"),
    ],
)
def test_what_is_over_it_is_named(found, said):
    assert budget.broken(found) == [said]


def test_the_table_has_a_row_for_each_notebook_and_one_for_all():
    lines = budget.lines({"02_b": (2.26, 3e8), "01_a": (61, 1.5e9)})
    assert [line.split() for line in lines[1:]] == [
        ["01_a", "61.0", "1500"],
        ["02_b", "2.3", "300"],
        ["all,", "and", "the", "largest", "63.3", "1500"],
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="what a process used is read from /proc, on Linux")
@pytest.mark.parametrize("most, status", [(1e12, 0), (1e6, 1)])
def test_a_run_prints_the_table_and_fails_over_the_budget(tmp_path, most, status):
    cell = nbformat.v4.new_code_cell("x = 1", execution_count=1)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "01_toy.ipynb")
    program = f"import sys, pytest\nfrom tests import budget\nbudget.BYTES = {most}\n"
    program += "sys.exit(pytest.main(sys.argv[1:]))"
    options = ["-p", "conftest", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    command = [sys.executable, "-c", program, *options, str(tmp_path / "01_toy.ipynb")]
    result = subprocess.run(command, cwd=sources.ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == status, result.stdout
    assert "01_toy " in result.stdout and ("over the budget" in result.stdout) == bool(status)
