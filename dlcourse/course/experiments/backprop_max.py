"""Experiments of 10_backprop_max."""

from itertools import permutations, product

import numpy as np

from dlcourse import reference as ref
from dlcourse.course.recorded import experiment
from dlcourse.data.textbook import MAX_TARGETS, MAX_TEST, MAX_TRIPLES
from dlcourse.training import cosine, train_numpy

STARTS = [{"centre": 0.1, "std": s} for s in (0.0, 0.01, 0.1, 0.2, 0.3, 0.5)]
STARTS += [{"centre": 0.0, "std": s} for s in (0.1, 0.3, 0.5)]
DATA = [{"hidden": 4, "data": "ten"}, {"hidden": 4, "data": "thousand"}]
DATA += [{"hidden": 16, "data": name} for name in ("ten", "orders", "hundred", "thousand")]
DATA += [{"hidden": 64, "data": "thousand"}]


@experiment("10_backprop_max", "start", STARTS, seeds=100, band={"sse": 1e-3, "test": 1e-3})
def start(seed, *, centre, std, epochs=1000, lr=1e-3):
    """The textbook's run (3-4-1, ten triples, one update per sample) from weights N(centre, std²).

    sse    summed squared error of the trained network; test: its answer to the textbook's test triple
    mixed  hidden units that are on for some of the ten samples and off for others
    alive  hidden units that are on for at least one
    """
    rng = np.random.default_rng(seed)
    w1, b1 = rng.normal(centre, std, (4, 3)), np.zeros(4)
    w2, b2 = rng.normal(centre, std, 4), 0.0
    for _ in range(epochs):
        for x, y in zip(MAX_TRIPLES, MAX_TARGETS):
            z = w1 @ x + b1
            h = np.maximum(z, 0)
            delta = 2 * (w2 @ h + b2 - y)
            epsilon = delta * w2 * (z > 0)
            w2, b2 = w2 - lr * delta * h, b2 - lr * delta
            w1, b1 = w1 - lr * np.outer(epsilon, x), b1 - lr * epsilon

    def answer(x):
        return np.maximum(x @ w1.T + b1, 0) @ w2 + b2

    on = MAX_TRIPLES @ w1.T + b1 > 0  # (N, H)
    sse = np.sum((answer(MAX_TRIPLES) - MAX_TARGETS) ** 2)
    mixed, alive = int((on.any(0) & ~on.all(0)).sum()), int(on.any(0).sum())
    return {"sse": round(sse, 4), "test": round(answer(MAX_TEST), 4), "mixed": mixed, "alive": alive}


@experiment("10_backprop_max", "repair", seeds=20, band={"train": 0.02, "fresh": 0.02, "exact": 0.02})
def repair(seed):
    """3-16-1 on 1,000 points of [0, 10]³, batches of 32, 200 epochs, plain descent with rate 1e-3."""
    rng = np.random.default_rng(seed)
    x, y = samples("thousand", rng)
    net = he_network(16, rng)
    optimiser = ref.SGD(net, lr=1e-3)
    for _ in train_numpy(net, ref.MSELoss(), optimiser, x, y, epochs=200, batch_size=32, rng=rng):
        pass
    return measured(net, x, y, rng)


@experiment("10_backprop_max", "data", DATA, seeds=10, band={"train": 0.05, "fresh": 0.1, "exact": 0.1})
def data(seed, *, hidden, data, steps=5000, lr=0.02, size=64):
    """3-H-1 on one of the data sets: Adam, the rate along half a cosine to 0, 5,000 steps."""
    rng = np.random.default_rng(seed)
    x, y = samples(data, rng)
    net = he_network(hidden, rng)
    per_epoch = -(-len(x) // size)
    epochs = steps // per_epoch
    optimiser, schedule = ref.Adam(net, lr=lr), cosine(lr, epochs * per_epoch)
    loop = train_numpy(
        net, ref.MSELoss(), optimiser, x, y, epochs=epochs, batch_size=size, rng=rng, schedule=schedule
    )
    for _ in loop:
        pass
    return measured(net, x, y, rng)


def samples(name, rng):
    """Inputs (N, 3) and their maxima (N, 1): the textbook's ten, all their orders, or random points."""
    if name == "ten":
        x = MAX_TRIPLES
    elif name == "orders":
        x = np.concatenate([MAX_TRIPLES[:, order] for order in permutations(range(3))])
    else:
        x = rng.uniform(0, 10, ({"hundred": 100, "thousand": 1000}[name], 3))
    return x, x.max(axis=1, keepdims=True)


def he_network(hidden, rng):
    """3-H-1 with He's weights below the ReLU, N(0, 1/H) above it, and zero biases."""
    net = ref.MLP([3, hidden, 1], rng=rng)
    net.load_state_dict(
        {
            "0.weight": ref.init.kaiming_normal((hidden, 3), rng=rng),
            "0.bias": np.zeros(hidden),
            "2.weight": rng.normal(0, hidden**-0.5, (1, hidden)),
            "2.bias": np.zeros(1),
        }
    )
    return net


def measured(net, x, y, rng):
    """Root mean squared errors, on 1,000 fresh points too, and the share of {0..9}³ right once rounded."""
    fresh, grid = rng.uniform(0, 10, (1000, 3)), np.array(list(product(range(10), repeat=3)), float)

    def rmse(x, y):
        return round(float(np.sqrt(np.mean((net(x) - y) ** 2))), 4)

    exact = np.mean(np.round(net(grid)) == grid.max(axis=1, keepdims=True))
    return {"train": rmse(x, y), "fresh": rmse(fresh, fresh.max(axis=1, keepdims=True)), "exact": exact}
