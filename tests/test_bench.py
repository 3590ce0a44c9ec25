"""The layer benchmark: what it times is right. Nothing here measures time."""

import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from bench import layers, peers
from bench.workloads import WORKLOADS, Workload

SMALL = [
    w for w in WORKLOADS if w.name not in ("softmax-CE 512×8000", "conv 32→64, k5", "Adam, 1M, against fused")
]


@pytest.mark.parametrize("workload", SMALL, ids=lambda workload: workload.name)
def test_results_equal_torch(workload):
    assert layers.worst_error(workload) <= layers.TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(
    "workload", [w for w in WORKLOADS if w not in SMALL], ids=lambda workload: workload.name
)
def test_large_results_equal_torch(workload):
    assert layers.worst_error(workload) <= layers.TOLERANCE


def faulty(change):
    """A workload whose NumPy side is changed."""

    def draw(rng):
        return (rng.standard_normal((3, 2)),)

    return Workload("faulty", 1.0, draw, lambda x: lambda: change(2 * x), lambda x: lambda: (2 * x,))


def test_wrong_results_are_not_timed():
    assert layers.worst_error(faulty(lambda y: (y,))) == 0
    with pytest.raises(AssertionError, match="faulty: differs from torch by"):
        layers.measure(faulty(lambda y: (y * (1 + 1e-9),)), 1)
    with pytest.raises(AssertionError, match="faulty: differs from torch by nan"):
        layers.measure(faulty(lambda y: (y * np.nan,)), 1)
    with pytest.raises(AssertionError, match="faulty: 2 results, torch has 1"):
        layers.worst_error(faulty(lambda y: (y, y)))
    with pytest.raises(AssertionError, match=r"faulty: shape \(2, 3\), torch has \(3, 2\)"):
        layers.worst_error(faulty(lambda y: (y.T,)))


def test_old_report_survives_an_interrupted_write(tmp_path, monkeypatch):
    path = tmp_path / "results" / "layers.json"
    layers.save({"rows": [1]}, path)

    def fail(*_):
        raise OSError("interrupted")

    monkeypatch.setattr(layers.os, "replace", fail)
    with pytest.raises(OSError, match="interrupted"):
        layers.save({"rows": [2]}, path)
    assert json.loads(path.read_text()) == {"rows": [1]}


def test_starts_again_without_prescribed_kernels(monkeypatch):
    started = []

    def run(command, env):
        started.append(env)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(layers.subprocess, "run", run)
    for pin in layers.PINS:
        monkeypatch.delenv(pin, raising=False)
    layers.without_pins()
    assert not started
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    with pytest.raises(SystemExit, match="3"):
        layers.without_pins()
    assert "OPENBLAS_CORETYPE" not in started[0] and "PATH" in started[0]


# --- Peers ----------------------------------------------------------------------------------------------

DOUBLE = replace(faulty(lambda y: (y,)), name="double")


def test_a_missing_peer_is_skipped_with_a_line(capsys, tmp_path, monkeypatch):
    assert peers.load("no_such_peer") is None
    assert capsys.readouterr().out == "no_such_peer: skipped, not installed (pip install no_such_peer)\n"
    (tmp_path / "old_peer.py").write_text("raise AttributeError('np.int')")
    monkeypatch.syspath_prepend(tmp_path)
    assert peers.load("old_peer") is None
    assert capsys.readouterr().out == "old_peer: skipped, it does not import here: AttributeError\n"


def test_a_peer_that_computes_something_else_is_marked(capsys, monkeypatch):
    monkeypatch.setattr(layers, "SLICE", 1e-4)
    right = peers.measure(DOUBLE, lambda x: lambda: (x + x,), 1, 1)
    wrong = peers.measure(DOUBLE, lambda x: lambda: (2.001 * x,), 1, 1)
    sample = peers.measure(DOUBLE, lambda x: lambda: (None,), 64, 1)
    for row in (right, wrong, sample):
        peers.show(row)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.endswith("0e+00") and second.endswith("5e-04: another result")
    assert third.endswith("not compared; one sample, times 64")
    with pytest.raises(ValueError, match="zip"):
        peers.measure(DOUBLE, lambda x: lambda: (2 * x, x), 1, 1)


def test_autograds_workloads_are_ours():
    written = peers.Autograd(None, np, None).workloads()
    assert set(written) | {"Adam, 1M, against fused"} == {workload.name for workload in WORKLOADS}
