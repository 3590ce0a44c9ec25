"""Two training loops, NumPy and PyTorch, and the small helpers that both use.

The loops are generators: they yield after every epoch, so that whatever should happen then (measuring,
stopping, saving, drawing) is plain code in the caller's `for`:

    for epoch, loss in train_numpy(model, loss_fn, optimiser, x, y, epochs=30, rng=rng):
        history.add(loss=loss, accuracy=accuracy(model(x_test), y_test))

Chapters: 11_mlp_project, 12_training_craft.
"""

import copy
import math
import numbers

import numpy as np

from dlcourse.checks import expect_counts, expect_number, expect_reals, expect_rng
from dlcourse.reference.optim import clip_grad_norm


def train_numpy(
    model,
    loss_fn,
    optimiser,
    x,
    y,
    *,
    epochs,
    batch_size=32,
    rng,
    schedule=None,
    clip=None,
    augment=None,
    start=0,
):
    """Train a NumPy model; yield (epoch, mean loss over the samples of that epoch) after each.

    x, y      (N, ...)  samples and targets
    rng       shuffles them anew for every epoch
    schedule  step -> lr, if the rate changes; clip: the largest gradient norm; augment: x -> x, per batch
    start     the first epoch, after a resume

    Raises TypeError or ValueError for what is no number of epochs or no generator.
    """
    for epoch in _epochs("train_numpy", start, epochs, rng):
        model.train()
        total = 0.0
        for step, (xb, yb) in enumerate(
            batches(x, y, size=batch_size, rng=rng), epoch * steps(x, batch_size)
        ):
            if schedule:
                optimiser.lr = schedule(step)
            loss = loss_fn.forward(model.forward(augment(xb) if augment else xb), yb)
            model.backward(loss_fn.backward())
            if clip:
                clip_grad_norm(model, clip)
            optimiser.step()
            total += loss * len(xb)
        model.eval()
        yield epoch, total / len(x)


def train_torch(
    model,
    loss_fn,
    optimiser,
    x,
    y,
    *,
    epochs,
    batch_size=32,
    rng,
    schedule=None,
    clip=None,
    augment=None,
    start=0,
):
    """Train a torch model; the arguments, the batches and what is yielded are those of `train_numpy`."""
    for epoch in _epochs("train_torch", start, epochs, rng):
        model.train()
        total = 0.0
        for step, (xb, yb) in enumerate(
            batches(x, y, size=batch_size, rng=rng), epoch * steps(x, batch_size)
        ):
            if schedule:
                for group in optimiser.param_groups:
                    group["lr"] = schedule(step)
            optimiser.zero_grad()
            loss = loss_fn(model(augment(xb) if augment else xb), yb)
            loss.backward()
            if clip:
                import torch  # only here, so that NumPy's chapters do not wait for it

                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimiser.step()
            total += loss.item() * len(xb)
        model.eval()
        yield epoch, total / len(x)


def _epochs(owner, start, epochs, rng):
    """The numbers of the epochs to come; without a generator the samples would stay in one order."""
    expect_counts(owner, 0, start=start, epochs=epochs)
    expect_rng(owner, rng)
    return range(start, epochs)


def batches(*arrays, size, rng=None):
    """Yield the rows of all arrays, `size` at a time (the last batch may be smaller), shuffled alike by rng.

    Arrays may be torch tensors. Raises ValueError if their lengths differ, if they are empty, or if size < 1.
    """
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) != 1 or lengths[0] == 0:
        raise ValueError(f"batches: expected arrays of one length above 0, got lengths {lengths}")
    expect_counts("batches", size=size)
    order = np.arange(lengths[0]) if rng is None else rng.permutation(lengths[0])
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        yield tuple(array[rows] for array in arrays)


def steps(x, batch_size):
    """The number of batches in an epoch."""
    expect_counts("steps", batch_size=batch_size)
    return math.ceil(len(x) / batch_size)


def accuracy(scores, labels):
    """The share of rows whose largest score is at the right class; scores (N, C), labels (N,).

    Raises ValueError for other shapes, or without rows.
    """
    if not hasattr(scores, "detach"):  # torch's tensors are left to torch
        scores = expect_reals("accuracy", "scores", scores, ...)
        labels = expect_reals("accuracy", "labels", labels, ...)
    if len(scores.shape) != 2 or scores.shape[:1] != labels.shape or 0 in scores.shape:
        shapes = f"{tuple(scores.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"accuracy: expected scores of shape (N, C) and labels of shape (N,), got {shapes}")
    return float((scores.argmax(-1) == labels).sum()) / len(labels)


def _measure(owner, name, value):
    """Return a number, an array's or a tensor's too, as a float, which may be NaN or infinite."""
    single = value.item() if getattr(value, "shape", None) == () else value
    if not isinstance(single, numbers.Real) or isinstance(single, bool):
        raise TypeError(f"{owner}: expected {name} to be a number, got {value!r:.40}")
    return float(single)


class History(dict):
    """Numbers by name, one per epoch: `history.add(loss=0.3)`, then `history["loss"]` is [..., 0.3]."""

    def add(self, **values):
        for name, value in values.items():
            self.setdefault(name, []).append(_measure("History", name, value))


class EarlyStopping:
    """Say when a measure has not fallen by more than min_delta for `patience` calls in a row.

    `stopping(value, model)` returns True when it is time to stop; `stopping.restore(model)` brings back the
    parameters that gave the best value. Source: goodfellow2016, section 7.8.
    """

    def __init__(self, patience=5, min_delta=0.0):
        expect_counts("EarlyStopping", patience=patience)
        expect_number("EarlyStopping", "min_delta", min_delta, 0)
        self.patience, self.min_delta = patience, min_delta
        self.best, self.waited, self.state = math.inf, 0, None

    def __call__(self, value, model=None):
        value = _measure("EarlyStopping", "value", value)
        if math.isnan(value):
            raise ValueError("EarlyStopping: expected a measure, got NaN: the training has diverged")
        if value < self.best - self.min_delta:
            self.best, self.waited = value, 0
            self.state = copy.deepcopy(model.state_dict()) if model is not None else None
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self, model):
        if not hasattr(model, "load_state_dict"):
            raise TypeError(f"EarlyStopping: expected a model, got {model!r:.40}")
        if self.state is None:
            raise RuntimeError("EarlyStopping: no parameters were kept: pass the model with each value")
        model.load_state_dict(self.state)


def step_decay(peak, every, factor=0.1):
    """Return a schedule step -> lr: peak, times `factor` after every `every` steps."""
    expect_counts("step_decay", every=every)
    for name, value in (("peak", peak), ("factor", factor)):
        expect_number("step_decay", name, value, 0)
    return lambda step: peak * factor ** (step // every)


def cosine(peak, total, *, warmup=0, floor=0.0):
    """Return a schedule step -> lr: up to peak in `warmup` steps, then half a cosine down to floor · peak.

    Source: loshchilov2017. Chapter: 12_training_craft.
    """
    expect_counts("cosine", total=total)
    expect_counts("cosine", 0, warmup=warmup)
    for name, value in (("peak", peak), ("floor", floor)):
        expect_number("cosine", name, value, 0)
    if warmup >= total:
        raise ValueError(f"cosine: expected 0 ≤ warmup < total, got warmup {warmup}, total {total}")

    def rate(step):
        if step < warmup:
            return peak * (step + 1) / warmup
        done = min((step - warmup) / (total - warmup), 1.0)
        return peak * (floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2)

    return rate
