"""Experiments of 12_training_craft: one thing changed at a time, everything else equal, several seeds."""

import math

import numpy as np

from dlcourse import reference as ref
from dlcourse.course.recorded import experiment
from dlcourse.data.augment import noisy, shifted
from dlcourse.data.digits import digits
from dlcourse.reference import init
from dlcourse.training import EarlyStopping, accuracy, cosine, step_decay, train_numpy

CHAPTER = "12_training_craft"
PERCENT = 0.02  # how far an accuracy may lie on another machine: rounding moves a few images

REMEDIES = ("none", "stop", "decay", "dropout", "noise", "sideways", "shift")
DIABETES = ("mean", "linear", "network", "stop", "decay", "dropout")
KINDS = ("plain", "orthogonal", "residual", "Euler", "Heun")
DEPTHS = (2, 4, 8, 16, 32, 64, 128)


# --- Digits with too few images --------------------------------------------------------------------------


def few_digits(seed, wrong=0.2):
    """400 images to train on (a share of the labels redrawn at random), 300 to validate, 737 to test."""
    x, y, more, labels = digits(seed)
    x, y = np.concatenate([x, more]), np.concatenate([y, labels])
    rng = np.random.default_rng(seed)
    noisy = y[:400].copy()
    redrawn = rng.random(400) < wrong
    noisy[redrawn] = rng.integers(0, 10, redrawn.sum())
    return (x[:400], noisy), (x[400:700], y[400:700]), (x[1060:], y[1060:])


def moved(x, rng):
    """Flat 8 x 8 images, each moved by up to one pixel in both directions."""
    return shifted(x.reshape(-1, 1, 8, 8), 1, rng=rng).reshape(len(x), 64)


def moved_sideways(x, rng):
    """Flat 8 x 8 images, each moved left or right by up to one pixel; nothing is lost at top and bottom."""
    wide = np.pad(x.reshape(-1, 8, 8), ((0, 0), (0, 0), (1, 1)))
    columns = rng.integers(0, 3, len(x))[:, None] + np.arange(8)  # (N, 8)
    return np.take_along_axis(wide, columns[:, None, :], axis=2).reshape(len(x), 64)


def augmentation(remedy, rng):
    """The function x -> x that a remedy applies to every batch; None for the others."""
    return {
        "noise": lambda x: noisy(x.reshape(-1, 1, 8, 8), 0.3, rng=rng).reshape(len(x), 64),
        "sideways": lambda x: moved_sideways(x, rng),
        "shift": lambda x: moved(x, rng),
    }.get(remedy)


def remedied(remedy, rng):
    """The network 64-128-128-10 and its optimiser under one remedy."""
    p = 0.5 if remedy == "dropout" else 0.0
    net = ref.Sequential(
        ref.Linear(64, 128, rng=rng),
        ref.ReLU(),
        ref.Dropout(p, rng=rng),
        ref.Linear(128, 128, rng=rng),
        ref.ReLU(),
        ref.Dropout(p, rng=rng),
        ref.Linear(128, 10, rng=rng),
    )
    decay = 1.0 if remedy == "decay" else 0.0
    return net, ref.AdamW(net, lr=1e-3, weight_decay=decay, matrices_only=True)


@experiment(
    CHAPTER,
    "remedies",
    [{"remedy": remedy, "wrong": wrong} for wrong in (0.0, 0.2) for remedy in REMEDIES],
    seeds=5,
    band={"train": PERCENT, "test": PERCENT, "moved": 0.04, "epochs": 10},
)
def remedies(seed, *, remedy, wrong, epochs=60):
    """Train on 400 digits; accuracy on the training labels, on test images, and on test images moved."""
    (x, y), (x_val, y_val), (x_test, y_test) = few_digits(seed, wrong)
    rng = np.random.default_rng(seed)
    net, optimiser = remedied(remedy, rng)
    loss, stopping = ref.CrossEntropyLoss(), EarlyStopping(patience=10)
    augment = augmentation(remedy, rng)
    training = train_numpy(net, loss, optimiser, x, y, epochs=epochs, rng=rng, augment=augment)
    for ran, _ in training:
        if remedy == "stop" and stopping(ref.CrossEntropyLoss()(net(x_val), y_val), net):
            epochs = ran + 1
            break
    if remedy == "stop":
        stopping.restore(net)
    return {
        "train": accuracy(net(x), y),
        "test": accuracy(net(x_test), y_test),
        "moved": accuracy(net(moved(x_test, np.random.default_rng(0))), y_test),
        "epochs": epochs,
    }


# --- Diabetes --------------------------------------------------------------------------------------------


def diabetes(seed):
    """250 patients to train on, 92 to validate, 100 to test; everything in units of the training part."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    order = np.random.default_rng(seed).permutation(len(x))
    parts = order[:250], order[250:342], order[342:]
    mean, std = x[parts[0]].mean(axis=0), x[parts[0]].std(axis=0)
    low, spread = y[parts[0]].mean(), y[parts[0]].std()
    return [((x[rows] - mean) / std, ((y[rows] - low) / spread)[:, None]) for rows in parts]


@experiment(CHAPTER, "diabetes", [{"model": m} for m in DIABETES], seeds=10, band={"train": 0.1, "test": 0.1})
def diabetes_models(seed, *, model, epochs=200):
    """Mean squared errors; the target has variance 1 on the training part."""
    (x, y), (x_val, y_val), (x_test, y_test) = diabetes(seed)
    if model == "mean":
        return {"train": float(np.mean(y**2)), "test": float(np.mean(y_test**2))}
    if model == "linear":
        design = [np.column_stack([part, np.ones(len(part))]) for part in (x, x_test)]
        solution = np.linalg.lstsq(design[0], y, rcond=None)[0]
        errors = (design[0] @ solution - y, design[1] @ solution - y_test)
        return {"train": float(np.mean(errors[0] ** 2)), "test": float(np.mean(errors[1] ** 2))}
    rng = np.random.default_rng(seed)
    net, optimiser = regressor(model, rng)
    loss, stopping = ref.MSELoss(), EarlyStopping(patience=20)
    for _ in train_numpy(net, loss, optimiser, x, y, epochs=epochs, batch_size=32, rng=rng):
        if model == "stop" and stopping(ref.MSELoss()(net(x_val), y_val), net):
            break
    if model == "stop":
        stopping.restore(net)
    return {"train": ref.MSELoss()(net(x), y), "test": ref.MSELoss()(net(x_test), y_test)}


def regressor(model, rng):
    """The network 10-64-64-1 with ReLU, and its optimiser."""
    p = 0.5 if model == "dropout" else 0.0
    net = ref.Sequential(
        ref.Linear(10, 64, rng=rng),
        ref.ReLU(),
        ref.Dropout(p, rng=rng),
        ref.Linear(64, 64, rng=rng),
        ref.ReLU(),
        ref.Dropout(p, rng=rng),
        ref.Linear(64, 1, rng=rng),
    )
    decay = 3.0 if model == "decay" else 0.0
    return net, ref.AdamW(net, lr=1e-3, weight_decay=decay, matrices_only=True)


# --- Rates, batches, first weights -----------------------------------------------------------------------


@experiment(
    CHAPTER,
    "schedules",
    [{"schedule": s} for s in ("small", "constant", "steps", "cosine", "warm-up")],
    seeds=5,
    band={"loss": 0.6, "test": 0.03},
)
def schedules(seed, *, schedule, epochs=15):
    """64-64-10, SGD with momentum .9 on all training digits; log10 of the last training loss, accuracy."""
    x, y, x_test, y_test = digits(seed)
    rng, total = np.random.default_rng(seed), epochs * math.ceil(len(x) / 32)
    rate = {
        "small": lambda step: 0.01,
        "constant": lambda step: 0.3,
        "steps": step_decay(0.3, total // 3, 0.1),
        "cosine": cosine(0.3, total),
        "warm-up": cosine(0.3, total, warmup=total // 15),
    }[schedule]
    net = ref.MLP([64, 64, 10], rng=rng)
    optimiser = ref.SGD(net, momentum=0.9)
    for _ in train_numpy(net, ref.CrossEntropyLoss(), optimiser, x, y, epochs=epochs, rng=rng, schedule=rate):
        pass
    loss = ref.CrossEntropyLoss()(net(x), y)
    return {"loss": round(math.log10(loss), 3), "test": accuracy(net(x_test), y_test)}


@experiment(
    CHAPTER,
    "batches",
    [{"size": n, "scaled": s} for s in (False, True) for n in (4, 16, 64, 256, 1437)],
    seeds=5,
    band={"test": 0.8},
)
def batch_sizes(seed, *, size, scaled, epochs=8):
    """64-64-10, plain SGD, a fixed number of passes; rate .1, or .1 times size / 16. Test accuracy.

    Past the limit of stability the last bit decides, hence the wide band.
    """
    x, y, x_test, y_test = digits(seed)
    rng = np.random.default_rng(seed)
    net = ref.MLP([64, 64, 10], rng=rng)
    optimiser = ref.SGD(net, lr=0.1 * (size / 16 if scaled else 1))
    for _ in train_numpy(
        net, ref.CrossEntropyLoss(), optimiser, x, y, epochs=epochs, batch_size=size, rng=rng
    ):
        pass
    return {"test": accuracy(net(x_test), y_test)}


@experiment(
    CHAPTER,
    "starts",
    [{"scheme": s, "norm": n} for n in ("none", "batch", "layer") for s in ("N(0, 1)", "0.01", "torch", "He")]
    + [{"scheme": "N(0, 1)", "norm": "batch", "lr": 0.03}, {"scheme": "0.01", "norm": "layer", "lr": 1e-4}],
    seeds=5,
    band={"test": 0.2},
)
def starts(seed, *, scheme, norm, lr=1e-3, epochs=5):
    """Ten hidden ReLU layers of 64 units, Adam; the first weights, the normalisation and the rate vary."""
    x, y, x_test, y_test = digits(seed)
    rng = np.random.default_rng(seed)
    net = deep_relu(10, scheme, norm, rng)
    optimiser = ref.Adam(net, lr=lr)
    for _ in train_numpy(net, ref.CrossEntropyLoss(), optimiser, x, y, epochs=epochs, rng=rng):
        pass
    return {"test": accuracy(net(x_test), y_test)}


def deep_relu(depth, scheme, norm, rng):
    """64-64-...-64-10 with ReLU, a normalisation before every ReLU, weights drawn by a scheme."""
    layers = []
    for _ in range(depth):
        layers.append(ref.Linear(64, 64, rng=rng))
        if norm != "none":
            layers.append(ref.BatchNorm1d(64) if norm == "batch" else ref.LayerNorm(64))
        layers.append(ref.ReLU())
    net = ref.Sequential(*layers, ref.Linear(64, 10, rng=rng))
    for layer in net:
        if isinstance(layer, ref.Linear) and scheme != "torch":
            weight = layer.params["weight"]
            std = {"N(0, 1)": 1.0, "0.01": 0.01, "He": math.sqrt(2 / weight.shape[1])}[scheme]
            weight[:] = init.normal(weight.shape, std=std, rng=rng)
            layer.params["bias"][:] = 0
    return net


# --- Normalisation in the CNN ----------------------------------------------------------------------------


@experiment(
    CHAPTER,
    "cnn",
    [{"norm": n, "lr": lr} for n in (False, True) for lr in (0.01, 0.1, 0.3)],
    seeds=3,
    band={name: 0.05 for name in ("test", "one", "alike")},
)
def cnn(seed, *, norm, lr, epochs=4):
    """The digits CNN with and without batch normalisation, SGD; three ways to evaluate it.

    test   evaluation mode
    one    training mode, one image at a time: the trap
    alike  training mode, batches that hold a single class
    """
    x, y, x_test, y_test = digits(seed, flat=False, dtype=np.float32)
    rng = np.random.default_rng(seed)
    net = small_cnn(norm, rng)
    optimiser = ref.SGD(net, lr=lr)
    for _ in train_numpy(net, ref.CrossEntropyLoss(), optimiser, x, y, epochs=epochs, rng=rng):
        pass
    result = {"test": accuracy(net(x_test), y_test)}
    net.train()
    ones = np.concatenate([net(image[None]) for image in x_test])
    right = [accuracy(net(x_test[y_test == c]), y_test[y_test == c]) for c in range(10)]
    return result | {"one": accuracy(ones, y_test), "alike": float(np.mean(right))}


class Flatten(ref.Layer):
    """(N, C, H, W) to (N, C · H · W)."""

    def forward(self, x):
        self.cache = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dout):
        return dout.reshape(self.recall())


def small_cnn(norm, rng):
    made = {"rng": rng, "dtype": np.float32}
    layers = []
    for channels in ((1, 8), (8, 16)):
        layers.append(ref.Conv2d(*channels, 3, padding=1, **made))
        if norm:
            layers.append(ref.BatchNorm2d(channels[1], dtype=np.float32))
        layers.append(ref.ReLU())
    layers += [
        ref.MaxPool2d(2),
        Flatten(),
        ref.Linear(256, 64, **made),
        ref.ReLU(),
        ref.Linear(64, 10, **made),
    ]
    return ref.Sequential(*layers)


# --- Depth -----------------------------------------------------------------------------------------------


class Block(ref.Layer):
    """With f(h) = tanh(W h + b): plain f(h), residual h + f(h), Euler h + dt f(h), Heun two slopes averaged.

    Weights and biases begin as in torch; "orthogonal" is plain with an orthogonal W and no bias.
    """

    def __init__(self, kind, width, dt, rng):
        super().__init__()
        self.kind, self.dt = kind, 1.0 if kind == "residual" else dt
        self.skip = kind in ("residual", "Euler", "Heun")
        self.first, self.act1, self.act2 = ref.Linear(width, width, rng=rng), ref.Tanh(), ref.Tanh()
        if kind == "orthogonal":
            self.first.params["weight"] = init.orthogonal((width, width), rng=rng)
            self.first.params["bias"][:] = 0

    def forward(self, h):
        slope = self.act1(self.first(h))
        if not self.skip:
            return slope
        if self.kind != "Heun":
            return h + self.dt * slope
        self.cache = h
        second = self.act2(self.first(h + self.dt * slope))
        return h + self.dt / 2 * (slope + second)

    def backward(self, dout):
        if self.kind == "Heun":
            return self._heun(dout)
        if self.skip:
            return dout + self.first.backward(self.act1.backward(self.dt * dout))
        return self.first.backward(self.act1.backward(dout))

    def _heun(self, dout):
        dt, h = self.dt, self.recall()
        dp = self.first.backward(self.act2.backward(dt / 2 * dout))  # through the second slope
        grads = {name: g.copy() for name, g in self.first.grads.items()}
        self.first.forward(h)  # the first slope has its own input
        dh = self.first.backward(self.act1.backward(dt / 2 * dout + dt * dp))
        for name, g in grads.items():
            self.first.grads[name] = self.first.grads[name] + g
        return dout + dp + dh


def blocks(kind, depth, rng, width=32, time=4.0):
    """64 pixels to `width`, `depth` blocks that share the time among them, ten scores."""
    inner = [Block(kind, width, time / depth, rng) for _ in range(depth)]
    return ref.Sequential(ref.Linear(64, width, rng=rng), *inner, ref.Linear(width, 10, rng=rng))


@experiment(
    CHAPTER,
    "depth",
    [{"kind": kind, "depth": depth} for kind in KINDS for depth in DEPTHS],
    seeds=3,
    band={"weights": 0.1, "states": 0.1, "test": 0.2},
)
def deep_blocks(seed, *, kind, depth, epochs=4):
    """Digits through `depth` blocks: two ratios at the start, as log10, and the accuracy after training.

    weights  gradient norm of the first block's weight over that of the last
    states   gradient norm of what enters the first block over that of what leaves the last
    """
    x, y, x_test, y_test = digits(seed)
    rng = np.random.default_rng(seed)
    net, loss = blocks(kind, depth, rng), ref.CrossEntropyLoss()
    result = {name: round(value, 3) for name, value in ratios(net, loss, x[:256], y[:256]).items()}
    optimiser = ref.Adam(net, lr=1e-3)
    for _ in train_numpy(net, loss, optimiser, x, y, epochs=epochs, batch_size=64, rng=rng):
        pass
    return result | {"test": accuracy(net(x_test), y_test)}


def ratios(net, loss, x, y):
    """log10 of first over last gradient norm, of the blocks' weights and of the states between them."""
    loss(net(x), y)
    head, *inner, tail = net
    dstate = tail.backward(loss.backward())
    states, weights = [np.linalg.norm(dstate)], []
    for block in reversed(inner):
        dstate = block.backward(dstate)
        states.append(np.linalg.norm(dstate))
        weights.append(np.linalg.norm(block.first.grads["weight"]))
    tiny = 1e-300  # a norm may underflow to zero
    return {
        "weights": math.log10(max(weights[-1], tiny) / weights[0]),
        "states": math.log10(max(states[-1], tiny) / states[0]),
    }
