"""Experiments of 01_landscape."""

import numpy as np

from dlcourse import reference as ref
from dlcourse.course.recorded import experiment
from dlcourse.data.digits import digits
from dlcourse.training import train_numpy

FEATURES = ("sums", "pixels", "learned")


@experiment(
    "01_landscape",
    "features",
    [{"features": name} for name in FEATURES],
    seeds=10,
    band={"accuracy": 0.02, "shifted": 0.06},
)
def features(seed, *, features):
    """One classifier on three descriptions of the digits; the seed chooses the split and the first weights.

    accuracy  on the test images; shifted: on the same images, moved one pixel to the right
    """
    from sklearn.linear_model import LogisticRegression

    x_train, y_train, x_test, y_test = digits(seed)
    describe = {"sums": sums, "pixels": lambda x: x, "learned": learned}[features]
    if features == "learned":
        describe = describe(x_train, y_train, seed)
    model = LogisticRegression(C=1.0, max_iter=5000, tol=1e-6).fit(describe(x_train), y_train)
    return {
        "accuracy": round(model.score(describe(x_test), y_test), 4),
        "shifted": round(model.score(describe(shifted(x_test)), y_test), 4),
    }


def sums(x):
    """The sums of the 8 rows and of the 8 columns: (N, 64) -> (N, 16)."""
    images = x.reshape(-1, 8, 8)
    return np.hstack([images.sum(axis=2), images.sum(axis=1)])


def shifted(x):
    """Every image moved one pixel to the right; what leaves is lost, what enters is empty."""
    images = np.zeros((len(x), 8, 8))
    images[:, :, 1:] = x.reshape(-1, 8, 8)[:, :, :-1]
    return images.reshape(-1, 64)


def learned(x, y, seed):
    """What the 16 hidden units of a network make of an image, once it has been trained on x and y."""
    rng = np.random.default_rng(seed)
    net = ref.MLP([64, 16, 10], rng=rng)
    for _ in train_numpy(net, ref.CrossEntropyLoss(), ref.Adam(net, lr=3e-3), x, y, epochs=30, rng=rng):
        pass
    return lambda x: np.maximum(x @ net.params["0.weight"].T + net.params["0.bias"], 0)  # (N, 16)
