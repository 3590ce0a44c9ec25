"""Experiments of 25_deploy: the digits' MLP with fewer bits, fewer weights, fewer units."""

import numpy as np

from dlcourse import reference as ref
from dlcourse.course.experiments.mlp_project import fit, settings_of
from dlcourse.course.recorded import experiment
from dlcourse.data.digits import digits
from dlcourse.training import accuracy as share_right
from dlcourse.training import batches, cosine

CHAPTER = "25_deploy"
BITS = (8, 4, 3, 2)
SHARES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
IMAGES = (50, 100, 200, 1437)
TEACHERS = (0, 1, 4)  # the temperature; 0: hard labels alone
STUDENT = (64, 16, 10)
KEPT = {}  # teachers, once trained


def teacher(seed):
    """The MLP 64-128-10 of chapter 11, trained by that chapter's last recipe, and its data."""
    if seed not in KEPT:
        x, t, x_test, t_test = digits(seed)
        KEPT[seed] = fit(seed, x, t, **settings_of("rate 0.01")), (x, t, x_test, t_test)
    return KEPT[seed]


def rounded(w, bits, rows):
    """A matrix after rounding to so many bits and back, with one scale or one for each row."""
    top = 2 ** (bits - 1) - 1
    largest = np.abs(w).max(axis=1 if rows else None, keepdims=True)
    scale = np.where(largest > 0, largest, 1.0) / top  # a pruned unit may have no weights left
    return np.rint(w / scale) * scale


def with_weights(net, change):
    """The same network with its weight matrices changed; biases stay."""
    twin = ref.MLP([64, 128, 10], rng=np.random.default_rng(0))
    params = net.params.items()
    twin.load_state_dict({name: change(w) if w.ndim == 2 else w for name, w in params})
    return twin


@experiment(
    CHAPTER,
    "bits",
    [{"bits": b, "rows": r} for b in BITS for r in (False, True)],
    seeds=5,
    band={"full": 0.02, "accuracy": 0.06},
)
def bits(seed, *, bits, rows):
    """Test accuracy before and after rounding the weights."""
    net, (_, _, x_test, t_test) = teacher(seed)
    twin = with_weights(net, lambda w: rounded(w, bits, rows))
    return {"full": share_right(net(x_test), t_test), "accuracy": share_right(twin(x_test), t_test)}


def without_smallest(w, share):
    """A matrix whose smallest entries, that share of them, are zero."""
    order = np.argsort(np.abs(w), axis=None, kind="stable")
    result = w.copy()
    result.flat[order[: int(share * w.size)]] = 0
    return result


def tune(net, x, t, *, seed, epochs=10, lr=3e-3):
    """Train on with Adam; a weight that is zero now stays zero."""
    masks = {name: w != 0 for name, w in net.params.items() if w.ndim == 2}
    rng, adam, criterion = np.random.default_rng(seed), ref.Adam(net, lr), ref.CrossEntropyLoss()
    for _ in range(epochs):
        for xb, tb in batches(x, t, size=32, rng=rng):
            criterion(net(xb), tb)
            net.backward(criterion.backward())
            adam.step()
            for name, mask in masks.items():
                net.params[name] *= mask
    return net


@experiment(
    CHAPTER,
    "prune",
    [{"share": s} for s in SHARES],
    seeds=5,
    band={"pruned": 0.06, "tuned": 0.06},
)
def prune(seed, *, share):
    """Test accuracy after pruning each matrix, and after ten more epochs with the zeros kept."""
    net, (x, t, x_test, t_test) = teacher(seed)
    twin = with_weights(net, lambda w: without_smallest(w, share))
    pruned = share_right(twin(x_test), t_test)
    return {"pruned": pruned, "tuned": share_right(tune(twin, x, t, seed=seed)(x_test), t_test)}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def student(seed, x, t, scores=None, *, temperature=4, updates=900, lr=0.01):
    """A network 64-16-10, trained on hard labels, or on a teacher's scores at a temperature."""
    rng = np.random.default_rng(1000 + seed)
    net = ref.MLP(STUDENT, rng=rng)
    adam, schedule, step = ref.Adam(net, lr), cosine(lr, updates), 0
    targets = np.eye(10)[t] if scores is None else softmax(scores / temperature)
    heat = 1 if scores is None else temperature
    while step < updates:
        for xb, yb in batches(x, targets, size=32, rng=rng):
            if step == updates:
                break
            adam.lr = schedule(step)
            net.backward(heat * (softmax(net(xb) / heat) - yb) / len(xb))
            adam.step()
            step += 1
    return net


@experiment(
    CHAPTER,
    "distil",
    [{"images": n, "temperature": T} for n in IMAGES for T in TEACHERS],
    seeds=10,
    band={"teacher": 0.02, "accuracy": 0.06},
)
def distil(seed, *, images, temperature):
    """Test accuracy of the narrow network on the first so many images, alone or with the teacher's scores."""
    net, (x, t, x_test, t_test) = teacher(seed)
    x, t = x[:images], t[:images]
    scores = net(x) if temperature else None
    narrow = student(seed, x, t, scores, temperature=temperature)
    return {"teacher": share_right(net(x_test), t_test), "accuracy": share_right(narrow(x_test), t_test)}
