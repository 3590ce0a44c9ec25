"""Experiments of 16_cnn: networks on digits and glyphs, a digit to be found, a planted dot, a sweep."""

import time

import numpy as np
import torch
from torch import nn

from dlcourse import reference as ref
from dlcourse.course.recorded import experiment
from dlcourse.data.augment import shifted
from dlcourse.data.canvas import overlap, placed
from dlcourse.data.digits import digits
from dlcourse.data.glyphs import glyphs
from dlcourse.pytorch.init import initialise
from dlcourse.training import accuracy, cosine, steps, train_numpy, train_torch

CHAPTER = "16_cnn"
NETS = ("linear", "mlp", "V4", "V19")
SIZE = 24  # of the canvas on which a digit is to be found


# --- Digits, in NumPy ------------------------------------------------------------------------------------


@experiment(CHAPTER, "digits", seeds=5, band={"train": 0.01, "test": 0.01})
def numpy_digits(seed, *, epochs=60, lr=2e-3):
    """The course's CNN by im2col: AdamW along a cosine, images moved by up to a pixel; both accuracies."""
    x, y, x_test, y_test = digits(seed, flat=False, dtype=np.float32)
    rng = np.random.default_rng(seed)
    net = ref.CNN(rng=rng, dtype=np.float32)
    optimiser = ref.AdamW(net, lr, weight_decay=1e-2, matrices_only=True)
    options = {"epochs": epochs, "batch_size": 64, "rng": rng, "schedule": cosine(lr, epochs * steps(x, 64))}

    def augment(x):
        return shifted(x, rng=rng)

    for _ in train_numpy(net, ref.CrossEntropyLoss(), optimiser, x, y, augment=augment, **options):
        pass
    return {"train": accuracy(net(x), y), "test": accuracy(net(x_test), y_test)}


# --- Glyphs, in PyTorch ----------------------------------------------------------------------------------


def glyph_data(seed):
    """2,000 glyphs to train on and 1,000 to test, with their labels, as tensors."""
    x, y = glyphs(2000, rng=np.random.default_rng(seed), dtype=np.float32)
    x_test, y_test = glyphs(1000, rng=np.random.default_rng(1000 + seed), dtype=np.float32)
    return tuple(map(torch.from_numpy, (x, y, x_test, y_test)))


def glyph_net(name, rng):
    """One of the networks of the DLVR chapters for images of 28 x 28 pixels."""
    if name == "linear":
        layers = [nn.Flatten(), nn.Linear(784, 10)]
    elif name == "mlp":
        layers = [nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10)]
    else:
        bend, width = ([nn.ReLU()], 128) if name == "V19" else ([], 1024)
        layers = [nn.Conv2d(1, 32, 5), *bend, nn.MaxPool2d(2)]
        layers += [nn.Conv2d(32, 64, 5), *bend, nn.MaxPool2d(2)]
        layers += [nn.Flatten(), nn.Linear(1024, width), nn.ReLU()]
        layers += [nn.Dropout(0.5)] if name == "V4" else []
        layers += [nn.Linear(width, 10)]
    net = initialise(nn.Sequential(*layers), rng)
    if name == "linear":
        for parameter in net.parameters():
            nn.init.zeros_(parameter)
    return net


def glyph_training(name, net, x, rng):
    """The optimiser, the batch size and the epochs that belong to a network."""
    if name in ("linear", "mlp"):  # full batches: an epoch is a step
        return torch.optim.SGD(net.parameters(), 1.0 if name == "linear" else 0.05), len(x), 200
    kind = torch.optim.AdamW if name == "V4" else torch.optim.Adam
    return kind(net.parameters(), 1e-3), 64, 10


@experiment(CHAPTER, "glyphs", [{"net": n} for n in NETS], seeds=5, band={"train": 0.03, "test": 0.03})
def glyph_nets(seed, *, net):
    """Accuracy on both parts after the training that belongs to the network."""
    x, y, x_test, y_test = glyph_data(seed)
    rng = np.random.default_rng(seed)
    model = glyph_net(net, rng)
    optimiser, size, epochs = glyph_training(net, model, x, rng)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of the dropout
        options = {"epochs": epochs, "batch_size": size, "rng": rng}
        for _ in train_torch(model, nn.CrossEntropyLoss(), optimiser, x, y, **options):
            pass
    with torch.no_grad():
        return {"train": accuracy(model(x), y), "test": accuracy(model(x_test), y_test)}


# --- One digit somewhere on a canvas ---------------------------------------------------------------------


class Locator(nn.Module):
    """Say what is on a canvas and where: scores (N, 10), and boxes (N, 4) in shares of the canvas's side.

    head  what the class is told from: "max" keeps the largest value of each map, "flat" all of them
    """

    def __init__(self, rng, head="max"):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU()),
        )  # (N, 64, 6, 6)
        pool, width = (nn.AdaptiveMaxPool2d(1), 64) if head == "max" else (nn.Identity(), 64 * 36)
        self.what = nn.Sequential(pool, nn.Flatten(), nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 10))
        self.where = nn.Sequential(nn.Flatten(), nn.Linear(64 * 36, 64), nn.ReLU(), nn.Linear(64, 4))
        initialise(self, rng)
        he_weights((*self.features, *self.what), rng)
        with torch.no_grad():  # the first guess of the box: one in the middle
            self.where[-1].weight.zero_()
            self.where[-1].bias.copy_(torch.tensor([0.3, 0.3, 0.4, 0.4]))

    def forward(self, x):
        maps = self.features(x)
        return self.what(maps), self.where(maps)


@torch.no_grad()
def he_weights(layers, rng):
    """Draw the weights of convolutions and affine maps from N(0, 2 / fan_in); zero their biases."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            std = (2 / layer.weight[0].numel()) ** 0.5
            layer.weight.copy_(torch.from_numpy(rng.normal(0, std, layer.weight.shape)))
            layer.bias.zero_()


def both_losses(prediction, target, weight=20.0):
    """Cross-entropy of the class and, times weight, the mean absolute error of the box; target (N, 5)."""
    scores, boxes = prediction
    label, box = target[:, 0].long(), target[:, 1:]
    return nn.functional.cross_entropy(scores, label) + weight * nn.functional.l1_loss(boxes, box)


def canvases(x, y, rng):
    """Digits laid out anew, as they are or doubled: canvases (N, 1, 24, 24) and targets (N, 5) as tensors."""
    images, boxes = placed(x, SIZE, scales=(1, 2), rng=rng)
    return torch.from_numpy(images), torch.from_numpy(np.column_stack([y, boxes / SIZE]).astype(np.float32))


def found(net, images, target):
    """The share of right classes, and the mean overlap of the boxes with the true ones."""
    with torch.no_grad():
        scores, boxes = net(images)
    iou = overlap(*(SIZE * b.numpy().astype(float) for b in (boxes, target[:, 1:])))
    return accuracy(scores, target[:, 0].long()), float(iou.mean())


@experiment(
    CHAPTER, "locate", [{"head": "max"}, {"head": "flat"}], seeds=5, band={"accuracy": 0.03, "iou": 0.02}
)
def locate(seed, *, head, epochs=25, lr=3e-3):
    """Class and box of one digit on a canvas; every epoch lays the training digits out anew."""
    x, y, x_test, y_test = digits(seed, flat=False, dtype=np.float32)
    rng = np.random.default_rng(seed)
    test = canvases(x_test, y_test, np.random.default_rng(1000 + seed))
    net = Locator(rng, head)
    optimiser, schedule = (
        torch.optim.AdamW(net.parameters(), lr),
        cosine(lr, epochs * steps(x, 64), warmup=50),
    )
    for epoch in range(epochs):
        options = {"epochs": epoch + 1, "start": epoch, "batch_size": 64, "rng": rng, "schedule": schedule}
        for _ in train_torch(net, both_losses, optimiser, *canvases(x, y, rng), **options):
            pass
    right, iou = found(net, *test)
    return {"accuracy": right, "iou": round(iou, 4)}


# --- A dot in the margin ---------------------------------------------------------------------------------

SPOTS = [*((0, column) for column in range(8)), (7, 0), (7, 7)]  # where the scanner of each class leaves it


def dotted(x, classes):
    """Copies of images (N, 1, 8, 8), each with a bright pixel in the place that belongs to its class."""
    x = x.copy()
    for image, spot in zip(x, (SPOTS[c] for c in classes)):
        image[0][spot] = 1
    return x


@experiment(CHAPTER, "dot", [{"dots": False}, {"dots": True}], seeds=5, band={"clean": 0.06, "fooled": 0.1})
def dot(seed, *, dots, epochs=15):
    """Train with or without the dots. clean: accuracy on plain test images; fooled: share of the test
    images that, with the dot of the next class, are given to that class."""
    x, y, x_test, y_test = digits(seed, flat=False, dtype=np.float32)
    rng = np.random.default_rng(seed)
    net = ref.CNN(rng=rng, dtype=np.float32)
    options = {"epochs": epochs, "batch_size": 64, "rng": rng}
    shown = dotted(x, y) if dots else x
    for _ in train_numpy(net, ref.CrossEntropyLoss(), ref.Adam(net, 2e-3), shown, y, **options):
        pass
    wrong = (y_test + 1) % 10
    fooled = float(np.mean(net(dotted(x_test, wrong)).argmax(axis=1) == wrong))
    return {"clean": accuracy(net(x_test), y_test), "fooled": fooled}


# --- Depth and filters -----------------------------------------------------------------------------------

SWEEP = [{"depth": depth, "filters": filters} for depth in (1, 2, 3) for filters in (4, 16, 64)]


def sweep_net(depth, filters):
    """Blocks of a convolution of 3 x 3 and ReLU for images (N, 1, 8, 8), a pool after the first of them."""
    layers = [nn.Conv2d(1, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    for _ in range(depth - 1):
        layers += [nn.Conv2d(filters, filters, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(filters * 16, 10))


@experiment(CHAPTER, "sweep", SWEEP, seeds=3, band={"test": 0.05, "seconds": np.inf})
def sweep(seed, *, depth, filters, epochs=10, lr=2e-3):
    """Accuracy on test digits, and processor seconds of the training: no two machines agree on these."""
    x, y, x_test, y_test = map(torch.from_numpy, digits(seed, flat=False, dtype=np.float32))
    rng = np.random.default_rng(seed)
    net = initialise(sweep_net(depth, filters), rng)
    adam, begin = torch.optim.Adam(net.parameters(), lr), time.process_time()
    for _ in train_torch(net, nn.CrossEntropyLoss(), adam, x, y, epochs=epochs, batch_size=64, rng=rng):
        pass
    seconds = round(time.process_time() - begin, 2)
    with torch.no_grad():
        return {"test": accuracy(net(x_test), y_test), "seconds": seconds}
