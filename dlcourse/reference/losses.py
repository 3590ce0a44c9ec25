"""Losses: one number to be made small, and its gradient with respect to the prediction.

`forward(prediction, target)` returns a float, the mean; `backward()` returns dprediction. NaN and infinity
are refused with the number of the row that holds them, empty batches too (their mean is undefined).
Chapter: 06_losses_and_descent.
"""

import math

import numpy as np

from dlcourse.checks import expect_counts, expect_floats, expect_indices
from dlcourse.reference.activations import sigmoid
from dlcourse.reference.layer import Layer

BLOCK = 2**18  # elements that are worked on at a time: they stay in the cache of the processor


class Loss(Layer):
    """What all losses check before they begin."""

    def _pair(self, prediction, target):
        """Return two finite floating-point arrays of the same shape."""
        prediction = expect_floats(self, "prediction", prediction, ...)
        target = expect_floats(self, "target", target, *prediction.shape)
        self._refuse_empty(prediction)
        self._expect_rows("finite", "prediction", prediction, np.isfinite)
        self._expect_rows("finite", "target", target, np.isfinite)
        return prediction, target

    def _refuse_empty(self, prediction):
        if prediction.size == 0:
            raise ValueError(f"{self}: expected at least one element, got shape {prediction.shape}")

    def _expect_rows(self, what, name, array, test):
        good = test(array)
        if not good.all():
            place = tuple(int(i) for i in np.argwhere(~good)[0])
            row = f" in row {place[0]}" if place else ""
            raise ValueError(f"{self}: expected {what} {name}, got {array[place]}{row}")


class MSELoss(Loss):
    """L = mean((p - t)²): squared error, dp = 2 (p - t) / size.

    p  (...)  prediction
    t  (...)  target, the same shape (torch broadcasts with a warning; here it is an error)

    Raises ValueError for different shapes, an empty batch, NaN or infinity; TypeError for integers.
    Source: goodfellow2016, section 5.1.
    """

    def forward(self, prediction, target):
        prediction, target = self._pair(prediction, target)
        self.cache = difference = prediction - target
        return float(np.mean(difference * difference))

    def backward(self):
        difference = self.recall()
        return 2 / difference.size * difference


class L1Loss(Loss):
    """L = mean(|p - t|): absolute error, dp = sign(p - t) / size; outliers pull no harder than others.

    p  (...)  prediction
    t  (...)  target

    Raises as MSELoss does. Source: murphy2022, section 5.1.
    """

    def forward(self, prediction, target):
        prediction, target = self._pair(prediction, target)
        self.cache = difference = prediction - target
        return float(np.mean(np.abs(difference)))

    def backward(self):
        difference = self.recall()
        return np.sign(difference) / difference.size


class BCELoss(Loss):
    """L = -mean(t log p + (1 - t) log(1 - p)): binary cross-entropy of probabilities.

    p  (...)  prediction, in [0, 1]; both logarithms are held at -100 or above, as in torch
    t  (...)  target, in [0, 1]

    Raises as MSELoss does, and ValueError outside [0, 1]. Prefer BCEWithLogitsLoss: once a sigmoid has
    rounded to 0 or 1, its logarithm is lost. Source: goodfellow2016, section 6.2.
    """

    def forward(self, prediction, target):
        p, t = self._pair(prediction, target)
        for name, array in (("prediction", p), ("target", t)):
            self._expect_rows("a probability as", name, array, lambda a: (a >= 0) & (a <= 1))
        self.cache = p, t
        with np.errstate(divide="ignore"):  # log 0 = -inf, held at -100
            yes, no = np.maximum(np.log(p), -100), np.maximum(np.log1p(-p), -100)
        return float(-np.mean(t * yes + (1 - t) * no))

    def backward(self):
        p, t = self.recall()
        return (p - t) / (np.maximum(p * (1 - p), 1e-12) * p.size)  # torch's bound


class BCEWithLogitsLoss(Loss):
    """L = mean(log(1 + exp(z)) - t z): binary cross-entropy of p = sigmoid(z), dz = (p - t) / size.

    z  (...)  prediction, any real numbers (logits)
    t  (...)  target, in [0, 1]

    Raises as BCELoss does. Source: goodfellow2016, section 6.2.
    """

    def forward(self, prediction, target):
        z, t = self._pair(prediction, target)
        self._expect_rows("a probability as", "target", t, lambda a: (a >= 0) & (a <= 1))
        self.cache = z, t
        return float(np.mean(np.logaddexp(0, z) - t * z))

    def backward(self):
        z, t = self.recall()
        return (sigmoid(z) - t) / z.size


class CrossEntropyLoss(Loss):
    """L = -(1/M) Σ log softmax(z)[n, t[n]], dz = (softmax(z) - onehot(t)) / M.

    z  (N, C)  prediction, logits; -inf rules a class out
    t  (N,)    target, class indices 0 … C-1; rows whose target is ignore_index (padding) do not count
    M          the number of rows that count

    Sequences have their positions in rows: reshape z from (N, T, C) to (N T, C) and t to (N T,), and dz back.
    torch takes the same two shapes; its other form, (N, C, T), is not needed here and refused.

    Raises ValueError for a wrong shape, a label out of range, NaN, infinity or an infinite loss (naming the
    row), or when no row counts; TypeError for labels that are not integers.
    Source: goodfellow2016, section 6.2. Chapter: 11_mlp_project.
    """

    def __init__(self, ignore_index=-100):
        super().__init__()
        expect_counts("CrossEntropyLoss", -math.inf, ignore_index=ignore_index)
        self.ignore_index = ignore_index

    def forward(self, prediction, target):
        z = expect_floats(self, "prediction", prediction, "N", "C")
        self._refuse_empty(z)
        target = expect_indices(self, "target", target, None, len(z))
        counts = target != self.ignore_index
        padded = not counts.all()
        target = np.where(counts, target, 0) if padded else target
        target = expect_indices(self, "target", target, z.shape[1], len(z))
        rows = z, target, counts
        if padded:
            z, target = z[counts], target[counts]
        if len(z) == 0:
            raise ValueError(f"{self}: every target is ignore_index ({self.ignore_index})")
        e, total, loss, height = np.empty_like(z), np.empty_like(z[:, 0]), 0.0, BLOCK // z.shape[1] + 1
        for start in range(0, len(z), height):
            block = slice(start, start + height)
            top = z[block].max(axis=1)
            if not np.isfinite(top).all():
                self._refuse(*rows)
            loss += self._block(z[block], top, target[block], e[block], total[block])
        if loss == np.inf:  # a target that its own logit rules out
            self._refuse(*rows)
        self.cache = e, total, target, counts
        return float(loss / len(z))

    def _refuse(self, z, target, counts):
        """Name the first row whose largest logit, or the one of its target, is not finite."""
        for name, logits in (
            ("prediction", z.max(axis=1)),
            ("prediction at the target", z[np.arange(len(z)), target]),
        ):
            self._expect_rows("finite", name, np.where(counts, logits, 0), np.isfinite)

    def _block(self, z, top, target, e, total):
        """Write e = exp(z - top) of some rows and its sums, total; return the sum of the losses."""
        np.subtract(z, top[:, None], out=e)
        own = e[np.arange(len(e)), target]
        np.exp(e, out=e)
        np.matmul(e, np.ones(e.shape[1], e.dtype), out=total)  # faster than sum(axis=1) of short rows
        return (np.log(total) - own).sum(dtype=np.float64)

    def backward(self):
        e, total, target, counts = self.recall()
        dz = e / (total * len(e))[:, None]  # softmax(z) / M
        dz[np.arange(len(e)), target] -= 1 / len(e)
        if len(e) == len(counts):
            return dz
        padded = np.zeros((len(counts), e.shape[1]), e.dtype)
        padded[counts] = dz
        return padded


class KLDivLoss(Loss):
    """L = Σ t (log t - q) / size: how far the distribution exp(q) is from t, dq = -t / size.

    q  (N, ...)  prediction, logarithms of probabilities, as from LogSoftmax
    t  (N, ...)  target, probabilities
    reduction    "mean" divides by the number of elements, as torch does by default; "batchmean" divides by N,
                 which gives the mean over the batch of KL(t || exp(q)) as the textbooks define it

    Raises as MSELoss does, and ValueError for a negative target. Source: bishop2006, section 1.6.
    """

    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "batchmean"):
            raise ValueError(f"KLDivLoss: expected reduction 'mean' or 'batchmean', got {reduction!r}")
        self.reduction = reduction

    def forward(self, prediction, target):
        q, t = self._pair(prediction, target)
        self._expect_rows("a probability as", "target", t, lambda a: a >= 0)
        count = t.size if self.reduction == "mean" else len(t)
        self.cache = t, count
        log_t = np.log(np.where(t > 0, t, 1))  # 0 log 0 = 0
        return float(np.sum(t * (log_t - q)) / count)

    def backward(self):
        t, count = self.recall()
        return -t / count
