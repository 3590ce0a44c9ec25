"""Normalisation: give activations mean 0 and variance 1, then let the network learn scale and shift."""

import numpy as np

from dlcourse.checks import expect_counts, expect_dtype, expect_floats, expect_number
from dlcourse.reference.layer import Layer

BLOCK = 128  # rows at a time: few enough to stay in the cache of the processor


class BatchNorm(Layer):
    """y = weight · x̂ + bias, x̂ = (x - mean) / √(var + eps), mean and variance of each channel over the batch.

    x             (N, C, ...)  input; C = num_features
    weight, bias  (C,)         1 and 0 at the start
    running_mean  (C,)         ← (1 - momentum) running_mean + momentum · mean, in training
    running_var   (C,)         the same with the unbiased variance, divided by M - 1
    y             (N, C, ...)

    In evaluation mode the running statistics take the place of the batch's, so that a sample's output does
    not depend on its neighbours. dx = weight / √(var + eps) · (dout - mean(dout) - x̂ · mean(dout · x̂)).
    Raises ValueError for a wrong shape, and in training for a single number per channel.
    Source: ioffe2015. Chapter: 12_training_craft.
    """

    ranks = ()  # how many axes x may have

    def __init__(self, num_features, eps=1e-5, momentum=0.1, *, dtype=float):
        name = type(self).__name__
        expect_counts(name, num_features=num_features)
        eps, momentum = expect_number(name, "eps", eps, 0), expect_number(name, "momentum", momentum)
        dtype = expect_dtype(name, dtype)
        super().__init__(weight=np.ones(num_features, dtype), bias=np.zeros(num_features, dtype))
        self.buffers["running_mean"] = np.zeros(num_features, dtype)
        self.buffers["running_var"] = np.ones(num_features, dtype)
        self.buffers["num_batches_tracked"] = np.array(0)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum

    def __repr__(self):
        return f"{type(self).__name__}({self.num_features})"

    def forward(self, x):
        x = self._checked(x)
        over, wide = self._axes(x)
        if self.training:
            mean = x.mean(axis=over)
            centred = x - wide(mean)
            var = np.mean(centred * centred, axis=over)
            self._track(mean, var, x.size // self.num_features)
        else:
            centred, var = x - wide(self.buffers["running_mean"]), self.buffers["running_var"]
        inv = 1 / np.sqrt(var + self.eps)  # (C,)
        xhat = centred * wide(inv)
        self.cache = xhat, inv, self.training
        return xhat * wide(self.params["weight"]) + wide(self.params["bias"])

    def backward(self, dout):
        xhat, inv, by_batch = self.recall()
        dout = expect_floats(self, "dout", dout, *xhat.shape)
        over, wide = self._axes(xhat)
        self.grads["weight"] = np.sum(dout * xhat, axis=over)
        self.grads["bias"] = np.sum(dout, axis=over)
        dx = dout
        if by_batch:  # mean and variance depend on x too
            count = xhat.size // self.num_features
            dx = dout - wide(self.grads["bias"] / count) - xhat * wide(self.grads["weight"] / count)
        return dx * wide(self.params["weight"] * inv)

    def _axes(self, x):
        """All axes but the channel's, and a function that lays (C,) along the channel axis."""
        shape = (self.num_features,) + (1,) * (x.ndim - 2)
        return (0, *range(2, x.ndim)), lambda per_channel: per_channel.reshape(shape)

    def _track(self, mean, var, count):
        for name, new in (("running_mean", mean), ("running_var", var * (count / (count - 1)))):
            self.buffers[name] += (self.momentum * (new - self.buffers[name])).astype(new.dtype)
        self.buffers["num_batches_tracked"] += 1

    def _checked(self, x):
        x = expect_floats(self, "x", x, ...)
        if x.ndim not in self.ranks:
            allowed = " or ".join(f"{rank} axes" for rank in self.ranks)
            raise ValueError(f"{self}: expected x with {allowed}, got shape {x.shape}")
        expect_floats(self, "x", x, "N", self.num_features, *("HW" if x.ndim == 4 else "L"[: x.ndim - 2]))
        if self.training and x.size <= self.num_features:
            raise ValueError(f"{self}: expected more than one number per channel in training, got {x.shape}")
        return x


class BatchNorm1d(BatchNorm):
    """Batch normalisation of x (N, C) or (N, C, L); see BatchNorm."""

    ranks = (2, 3)


class BatchNorm2d(BatchNorm):
    """Batch normalisation of images x (N, C, H, W); see BatchNorm."""

    ranks = (4,)


class LayerNorm(Layer):
    """y = weight · x̂ + bias, x̂ = (x - mean) / √(var + eps), mean and variance of each row over its last axis.

    x             (..., D)  input; D = normalized_shape
    weight, bias  (D,)      1 and 0 at the start
    y             (..., D)

    With q = weight · dout: dx = (q - mean(q) - x̂ · mean(q · x̂)) / √(var + eps). Means of rows and sums of
    columns are products with a constant vector, several times faster than mean(axis=-1).
    Raises ValueError for a wrong shape. Source: ba2016. Chapter: 20_attention.
    """

    def __init__(self, normalized_shape, eps=1e-5, *, dtype=float):
        expect_counts("LayerNorm", normalized_shape=normalized_shape)
        eps, dtype = expect_number("LayerNorm", "eps", eps, 0), expect_dtype("LayerNorm", dtype)
        super().__init__(weight=np.ones(normalized_shape, dtype), bias=np.zeros(normalized_shape, dtype))
        self.normalized_shape, self.eps = normalized_shape, eps

    def __repr__(self):
        return f"LayerNorm({self.normalized_shape})"

    def forward(self, x):
        x = expect_floats(self, "x", x, ..., self.normalized_shape)
        D, weight, bias = self.normalized_shape, self.params["weight"], self.params["bias"]
        rows = x.reshape(-1, D)  # (M, D)
        average = np.full(D, 1 / D, x.dtype)
        xhat, inv, y = np.empty_like(rows), np.empty((len(rows), 1), x.dtype), np.empty_like(rows)
        for start in range(0, len(rows), BLOCK):
            s = slice(start, start + BLOCK)
            z = np.subtract(rows[s], (rows[s] @ average)[:, None], out=xhat[s])
            inv[s] = 1 / np.sqrt(np.vecdot(z, z) / D + self.eps)[:, None]
            z *= inv[s]
            np.multiply(z, weight, out=y[s])
            y[s] += bias
        self.cache = xhat, inv, x.shape
        return y.reshape(x.shape)

    def backward(self, dout):
        xhat, inv, shape = self.recall()
        dout = expect_floats(self, "dout", dout, *shape).reshape(xhat.shape)
        D, weight = self.normalized_shape, self.params["weight"]
        average, ones = weight / D, np.ones(BLOCK, weight.dtype)  # d @ average is the mean of q
        dx, dweight, dbias = np.empty_like(xhat), np.zeros_like(weight), np.zeros_like(weight)
        for start in range(0, len(xhat), BLOCK):
            s = slice(start, start + BLOCK)
            d, z = dout[s], xhat[s]
            product = d * z
            dweight += ones[: len(d)] @ product
            dbias += ones[: len(d)] @ d
            q = np.multiply(d, weight, out=dx[s])
            q -= (d @ average)[:, None]
            q -= np.multiply(z, (product @ average)[:, None], out=product)
            q *= inv[s]
        self.grads["weight"], self.grads["bias"] = dweight, dbias
        return dx.reshape(shape)
