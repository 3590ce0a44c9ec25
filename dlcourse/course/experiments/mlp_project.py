"""Experiments of 11_mlp_project."""

import re

import numpy as np
from sklearn.datasets import load_digits

from dlcourse import reference as ref
from dlcourse.course.recorded import experiment
from dlcourse.data.digits import digits, stratified_split
from dlcourse.reference import init
from dlcourse.training import accuracy, cosine, steps, train_numpy

STEPS = ("baseline", "128 hidden", "He", "AdamW", "cosine", "rate 0.01")
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)
FORM = re.compile(r"(?:0?123456(?:78)?9?){3}095565")  # how every writer's page begins


def settings_of(step):
    """The settings of a step of the ladder, which changes one thing at a time."""
    changes = ({"hidden": 128}, {"he": True}, {"decay": 0.01}, {"fall": True}, {"lr": 0.01})
    chosen = {}
    for change in changes[: STEPS.index(step)]:
        chosen |= change
    return chosen


def fit(seed, x, t, *, hidden=32, he=False, decay=0.0, fall=False, lr=1e-3, epochs=30):
    """Train 64-hidden-10 in batches of 32 with Adam, or AdamW where there is decay."""
    rng = np.random.default_rng(seed)
    net = ref.MLP([64, hidden, 10], rng=np.random.default_rng(0) if he else rng)  # He replaces all of it
    if he:
        for array in net.params.values():
            array[...] = init.kaiming_normal(array.shape, rng=rng) if array.ndim == 2 else 0.0
    optimiser = ref.AdamW(net, lr, weight_decay=decay) if decay else ref.Adam(net, lr)
    schedule = cosine(lr, epochs * steps(x, 32)) if fall else None
    for _ in train_numpy(
        net, ref.CrossEntropyLoss(), optimiser, x, t, epochs=epochs, rng=rng, schedule=schedule
    ):
        pass
    return net


@experiment(
    "11_mlp_project", "ladder", [{"step": s} for s in STEPS], seeds=5, band={"train": 0.02, "test": 0.02}
)
def ladder(seed, *, step):
    """Accuracy on both parts of the stratified split."""
    x, t, x_test, t_test = digits(seed)
    net = fit(seed, x, t, **settings_of(step))
    return {"train": accuracy(net(x), t), "test": accuracy(net(x_test), t_test)}


@experiment("11_mlp_project", "rate", [{"lr": lr} for lr in RATES], seeds=5, band={"accuracy": 0.03})
def rate(seed, *, lr):
    """Accuracy of the recipe with another learning rate on a fifth of the training part."""
    x, t, _, _ = digits(seed)
    chosen, held = stratified_split(t, 0.2, rng=np.random.default_rng(seed))
    net = fit(seed, x[chosen], t[chosen], **settings_of(STEPS[-1]) | {"lr": lr})
    return {"accuracy": accuracy(net(x[held]), t[held])}


def writers(labels):
    """For every row of the digits the number of the page it stands on: each page repeats the same labels."""
    starts = [found.start() for found in FORM.finditer("".join(map(str, labels)))]
    return np.searchsorted(starts, np.arange(len(labels)), side="right") - 1


@experiment("11_mlp_project", "writer", [{"page": p} for p in range(14)], seeds=5, band={"accuracy": 0.06})
def writer(seed, *, page):
    """Accuracy of the recipe on one writer's page, trained on all others."""
    pixels, t = load_digits(return_X_y=True)
    x, held = pixels / 16, writers(t) == page
    net = fit(seed, x[~held], t[~held], **settings_of(STEPS[-1]))
    return {"accuracy": accuracy(net(x[held]), t[held])}
