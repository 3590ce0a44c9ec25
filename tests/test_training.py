"""The two loops: they agree, they learn, they resume; and their helpers."""

import math

import numpy as np
import pytest
import torch

from dlcourse import pytorch as pt
from dlcourse import reference as ref
from dlcourse import training
from dlcourse.checkpoint import resume, save_training
from dlcourse.data.digits import digits
from tests.parity import error


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def problem(seed=5):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((70, 5))
    return x, (x @ rng.standard_normal((5, 3))).argmax(axis=1)


def numpy_run(seed=1, dropout=0.0):
    rng = np.random.default_rng(seed)
    model = ref.MLP((5, 7, 3), rng=rng)
    if dropout:  # whose generator is not the one that shuffles
        model = ref.Sequential(ref.Dropout(dropout, rng=rng), model)
    return model, ref.CrossEntropyLoss(), ref.Adam(model, lr=1e-2)


def torch_run(seed=1, dropout=0.0):
    model = pt.MLP((5, 7, 3), rng=np.random.default_rng(seed), dtype=torch.float64)
    if dropout:
        torch.manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Dropout(dropout), model)
    return model, torch.nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=1e-2)


SETTINGS = {
    "batch_size": 16,
    "schedule": training.cosine(1e-2, 25, warmup=5),
    "clip": 0.5,
    "augment": lambda x: 0.9 * x,
}


def test_both_loops_take_the_same_steps():
    x, y = problem()
    ours, theirs = numpy_run(), torch_run()
    a = training.train_numpy(*ours, x, y, epochs=5, rng=np.random.default_rng(2), **SETTINGS)
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    b = training.train_torch(*theirs, *tensors, epochs=5, rng=np.random.default_rng(2), **SETTINGS)
    for (epoch, loss), (other_epoch, other_loss) in zip(a, b, strict=True):
        assert epoch == other_epoch
        assert loss == pytest.approx(other_loss, rel=1e-9)
    assert epoch == 4
    for name, tensor in theirs[0].state_dict().items():
        assert error(ours[0].params[name], tensor) < 1e-9


def test_resumed_training_is_the_uninterrupted_one_to_the_last_bit(tmp_path):
    x, y = problem()

    def run(model, loss, optimiser, rng, start, epochs):
        loop = training.train_numpy(
            model, loss, optimiser, x, y, epochs=epochs, rng=rng, start=start, **SETTINGS
        )
        return [loss for _, loss in loop]

    straight = numpy_run(dropout=0.2)
    whole = run(*straight, np.random.default_rng(2), 0, 5)
    first, rng = numpy_run(dropout=0.2), np.random.default_rng(2)
    history = {"loss": run(*first, rng, 0, 3)}
    save_training(tmp_path / "state.safetensors", first[0], first[2], rng=rng, epoch=3, history=history)

    second, rng = numpy_run(seed=99, dropout=0.2), np.random.default_rng(98)
    epoch, history = resume(tmp_path / "state.safetensors", second[0], second[2], rng=rng)
    assert epoch == 3
    assert history["loss"] + run(*second, rng, epoch, 5) == whole
    assert all((straight[0].params[name] == a).all() for name, a in second[0].params.items())


def test_resumed_training_on_torch(tmp_path):
    x, y = map(torch.from_numpy, problem())

    def run(model, loss, optimiser, rng, start, epochs):
        loop = training.train_torch(
            model, loss, optimiser, x, y, epochs=epochs, rng=rng, start=start, **SETTINGS
        )
        return [loss for _, loss in loop]

    straight = torch_run(dropout=0.2)
    whole = run(*straight, np.random.default_rng(2), 0, 5)
    first, rng = torch_run(dropout=0.2), np.random.default_rng(2)
    losses = run(*first, rng, 0, 3)
    save_training(tmp_path / "state.safetensors", first[0], first[2], rng=rng, epoch=3)

    second, rng = torch_run(seed=99, dropout=0.2), np.random.default_rng(98)
    epoch, history = resume(tmp_path / "state.safetensors", second[0], second[2], rng=rng)
    assert (epoch, history) == (3, {})
    assert losses + run(*second, rng, epoch, 5) == pytest.approx(whole, rel=1e-6)
    for name, tensor in straight[0].state_dict().items():
        assert error(second[0].state_dict()[name], tensor) < 1e-6


def test_learns_digits(rng):
    x, y, xt, yt = digits(dtype=np.float32)
    model = ref.MLP((64, 32, 10), rng=rng, dtype=np.float32)
    history = training.History()
    loop = training.train_numpy(model, ref.CrossEntropyLoss(), ref.Adam(model, 5e-3), x, y, epochs=8, rng=rng)
    for _, loss in loop:
        history.add(loss=loss, accuracy=training.accuracy(model(xt), yt))
    assert history["accuracy"][-1] > 0.94 and history["loss"][-1] < 0.2 * history["loss"][0]


def test_batches(rng):
    x, y = np.arange(7) * 10, np.arange(7)
    parts = list(training.batches(x, y, size=3))
    assert [part.tolist() for _, part in parts] == [[0, 1, 2], [3, 4, 5], [6]]
    shuffled = list(training.batches(x, torch.from_numpy(y), size=3, rng=rng))
    assert all((a == 10 * b.numpy()).all() for a, b in shuffled)
    order = np.concatenate([b for _, b in shuffled])
    assert sorted(order) == list(y) and list(order) != list(y)
    assert training.steps(x, 3) == len(parts)
    for wrong in [(x, y[:3]), (x[:0],)]:
        with pytest.raises(ValueError, match=r"expected arrays of one length above 0, got lengths \[.*\]"):
            next(training.batches(*wrong, size=3))
    with pytest.raises(ValueError, match="expected size ≥ 1, got 0"):
        next(training.batches(x, size=0))


def test_schedules():
    rate = training.cosine(2.0, 30, warmup=10, floor=0.1)
    assert [rate(0), rate(9), rate(10)] == pytest.approx([0.2, 2, 2])
    assert rate(20) == pytest.approx(1.1)  # half way down
    assert rate(30) == rate(99) == pytest.approx(0.2)
    steps = training.step_decay(1.0, 10, 0.5)
    assert [steps(0), steps(9), steps(10), steps(25)] == [1, 1, 0.5, 0.25]
    with pytest.raises(ValueError, match="expected 0 ≤ warmup < total, got warmup 10, total 10"):
        training.cosine(1.0, 10, warmup=10)


def test_early_stopping(rng):
    model, stopping = ref.Linear(2, 1, rng=rng), training.EarlyStopping(patience=2, min_delta=0.1)
    answers = []
    for value in (3, 2, 1.95, 2.5, 1):
        model.params["weight"][...] = value
        answers.append(stopping(value, model))
    assert answers == [False, False, False, True, False]
    model.params["weight"][...] = 0
    stopping.restore(model)
    assert (model.params["weight"] == 1).all()
    with pytest.raises(ValueError, match="the training has diverged"):
        stopping(math.nan)
    with pytest.raises(RuntimeError, match="no parameters were kept"):
        training.EarlyStopping().restore(model)


def test_accuracy():
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]])
    assert training.accuracy(scores, np.array([1, 0, 1])) == 2 / 3
    assert training.accuracy(torch.from_numpy(scores), torch.tensor([1, 0, 1])) == 2 / 3
