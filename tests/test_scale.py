"""Chapter 24: two processes compute what one does, and a killed worker costs no digit of the result."""

import threading
import weakref

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from dlcourse import checkpoint
from dlcourse.course import data_parallel
from dlcourse.course.exercises import scale, verdict


def arrays(folder, name):
    """Arrays and notes of a file; torch's own generator, which this training does not use, apart."""
    found, notes = checkpoint.load(folder / f"{name}.safetensors")
    return {key: array for key, array in found.items() if key != "generator"}, notes


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process leaves behind after two epochs."""
    folder = tmp_path_factory.mktemp("alone")
    data_parallel.train(folder, epochs=2)
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Two processes under torchrun, one of them killed in the middle of the second epoch."""
    folder = tmp_path_factory.mktemp("killed")
    lives = data_parallel.launch(folder, "--epochs", 2, "--kill", 1, 10, workers=2, restarts=1)
    return folder, lives


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
def test_a_killed_worker_is_started_again_and_training_goes_on_where_it_was(killed):
    _, lives = killed
    assert lives == [{"life": 0, "from": 0, "workers": 2}, {"life": 1, "from": 1, "workers": 2}]


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
@pytest.mark.parametrize("name", ["gradient", "state"])
def test_two_processes_one_of_them_killed_end_where_one_process_ends(alone, killed, name):
    expected, notes = arrays(alone, name)
    found, found_notes = arrays(killed[0], name)
    assert found.keys() == expected.keys() and found_notes == notes
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], rtol=0, atol=1e-12, err_msg=key)


def test_the_network_is_gone_before_the_process_group_is_destroyed(tmp_path, monkeypatch):
    """Otherwise it ends the group's threads itself, holding the lock they may need: a worker that hangs."""
    alive, found = [], []

    class Wrapped(torch.nn.Sequential):
        def __init__(self, model):
            super().__init__(model)
            alive.append(weakref.ref(self))

    monkeypatch.setattr(data_parallel, "PLACE", {"rank": 0, "world": 2, "life": 0})
    monkeypatch.setattr(data_parallel, "meet", lambda *place: None)
    monkeypatch.setattr(data_parallel, "DistributedDataParallel", Wrapped)
    monkeypatch.setattr(torch.distributed, "barrier", lambda: None)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: found.append(alive[0]() is None))
    data_parallel.train(tmp_path, epochs=1)
    assert found == [True]


def state_after_a_break(folder, monkeypatch, resume=None):
    """The final arrays of a run in two pieces, with another way to resume if one is given."""
    data_parallel.train(folder, epochs=1)
    if resume:
        monkeypatch.setattr(checkpoint, "resume", resume)
    data_parallel.train(folder, epochs=2)
    return arrays(folder, "state")[0]


def test_a_run_in_two_pieces_is_the_whole_run_bit_by_bit(alone, tmp_path, monkeypatch):
    expected, _ = arrays(alone, "state")
    found = state_after_a_break(tmp_path, monkeypatch)
    assert all(np.array_equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("lost", ["optimiser", "rng"])
def test_what_a_checkpoint_must_not_lose_would_be_noticed(alone, tmp_path, monkeypatch, lost):
    whole = checkpoint.resume

    def careless(path, model, optimiser, *, rng):
        fresh = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        other = np.random.default_rng(2)
        return whole(
            path,
            model,
            fresh if lost == "optimiser" else optimiser,
            rng=other if lost == "rng" else rng,
        )

    found = state_after_a_break(tmp_path, monkeypatch, careless)
    expected, _ = arrays(alone, "state")
    gap = max(np.abs(found[key] - expected[key]).max() for key in expected if key.startswith("model"))
    assert gap > 1e-4


class Repaired:
    """A right answer to the exercise with the planted bugs."""

    def __init__(self, w):
        self.w, self.lock = w, threading.RLock()

    def forward(self, x):
        self.x = x
        return np.maximum(x @ self.w, 0)

    def backward(self, t):
        h = np.maximum(self.x @ self.w, 0)
        return 2 / len(t) * self.x.T @ ((h - t) * (h > 0))

    def read(self):
        with self.lock:
            return self.w.copy()

    def apply(self, step):
        with self.lock:
            self.w = self.read() - step


class LosesSteps(Repaired):
    def apply(self, step):
        new = self.read() - step
        with self.lock:
            self.w = new


class TimeLimit(Repaired):
    def apply(self, step):
        if self.lock.acquire(timeout=10):
            try:
                self.w = self.w - step
            finally:
                self.lock.release()


class WrongForward(Repaired):
    def forward(self, x):
        return super().forward(x) + 1


@pytest.mark.parametrize(
    "answer, words",
    [
        (Repaired, "✓"),
        (TimeLimit, "✓"),
        (LosesSteps, scale.WHOLE),
        (WrongForward, "at ['forward']"),
    ],
)
def test_the_check_of_the_repaired_net_sees_a_lost_step_and_takes_any_lock(answer, words):
    assert words in verdict(scale.repair_net, answer).text.splitlines()[0]
