"""Pooling: say of each patch of the image only its largest or its mean value."""

import numpy as np

from dlcourse.checks import expect_counts, expect_floats
from dlcourse.reference.layer import Layer


class _Pool2d(Layer):
    """What both kinds share: the patches, seen as kernel_size² shifted and thinned-out images."""

    def __init__(self, kernel_size, stride=None):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        expect_counts(type(self).__name__, kernel_size=self.kernel_size, stride=self.stride)

    def __repr__(self):
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, stride={self.stride})"

    def _corners(self, x):
        """View x (N, C, H, W) as one image (N, C, Ho, Wo) per place in the patch, row by row."""
        k, s = self.kernel_size, self.stride
        Ho, Wo = ((n - k) // s + 1 for n in x.shape[2:])
        rows, columns = (Ho - 1) * s + 1, (Wo - 1) * s + 1
        return [x[:, :, m : m + rows : s, n : n + columns : s] for m in range(k) for n in range(k)]

    def _expect_image(self, x):
        x = expect_floats(self, "x", x, "N", "C", "H", "W")
        if min(x.shape[2:]) < self.kernel_size:
            raise ValueError(
                f"{self}: expected an image at least as large as the kernel, got x of shape {x.shape}"
            )
        return x


class MaxPool2d(_Pool2d):
    """Keep the largest value of each patch: y[i, j] = max_mn x[s·i + m, s·j + n].

    x  (N, C, H, W)    input; rows and columns left over at the lower and right edge are not read
    y  (N, C, Ho, Wo)  Ho = (H - kernel_size) // stride + 1; stride = kernel_size unless given

    The gradient goes to the largest value, and among equals to the first in reading order, as in torch:
    after a ReLU whole patches of zeros are equal.
    Raises ValueError for a wrong rank or an image smaller than the kernel, TypeError for an integer input.
    Source: goodfellow2016, section 9.3. Chapter: 15_convolution.
    """

    def forward(self, x):
        x = self._expect_image(x)
        corners = [corner.copy() for corner in self._corners(x)]  # contiguous: they are read three times
        y = corners[0].copy()
        for corner in corners[1:]:
            np.maximum(y, corner, out=y)
        self.cache = x.shape, corners, y
        return y.copy()

    def backward(self, dout):
        shape, corners, y = self.recall()
        dout = expect_floats(self, "dout", dout, *y.shape)
        dx = np.zeros(shape, dout.dtype)
        free = np.ones(y.shape, bool)  # patches whose maximum has not been met yet
        for corner, dcorner in zip(corners, self._corners(dx)):
            hit = (corner == y) & free
            dcorner += dout * hit
            free ^= hit
        return dx


class AvgPool2d(_Pool2d):
    """Keep the mean of each patch: y[i, j] = Σ_mn x[s·i + m, s·j + n] / kernel_size².

    x  (N, C, H, W)    input; rows and columns left over at the lower and right edge are not read
    y  (N, C, Ho, Wo)  Ho = (H - kernel_size) // stride + 1; stride = kernel_size unless given

    Errors and chapter are those of `MaxPool2d`. Source: goodfellow2016, section 9.3.
    """

    def forward(self, x):
        x = self._expect_image(x)
        y = sum(self._corners(x)) / self.kernel_size**2
        self.cache = x.shape, y.shape
        return y

    def backward(self, dout):
        shape, pooled = self.recall()
        dout = expect_floats(self, "dout", dout, *pooled)
        dx, share = np.zeros(shape, dout.dtype), dout / self.kernel_size**2
        for corner in self._corners(dx):
            corner += share
        return dx
