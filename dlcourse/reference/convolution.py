"""Convolution: one small kernel slides over the whole input, and finds its pattern wherever it lies."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlcourse.checks import expect_counts, expect_floats, expect_pair, expect_reals
from dlcourse.reference import init
from dlcourse.reference.layer import Layer
from dlcourse.reference.unfolding import ByColumns, ByRows


def correlate2d(image, kernel):
    """Slide a kernel over one image: y[i, j] = Σ_mn kernel[m, n] · image[i + m, j + n].

    image   (H, W)
    kernel  (kh, kw)
    y       (H - kh + 1, W - kw + 1)  only where the kernel lies wholly inside the image

    Raises ValueError if either is not a matrix or the kernel is larger than the image.
    Source: goodfellow2016, section 9.1. Chapter: 15_convolution.
    """
    image = expect_reals("correlate2d", "image", image, "H", "W")
    kernel = expect_reals("correlate2d", "kernel", kernel, "kh", "kw")
    if not all(0 < k <= n for k, n in zip(kernel.shape, image.shape)):
        raise ValueError(f"correlate2d: expected a kernel within {image.shape}, got {kernel.shape}")
    windows = sliding_window_view(image, kernel.shape)  # (Ho, Wo, kh, kw)
    return np.einsum("ijmn,mn->ij", windows, kernel)


def convolve2d(image, kernel):
    """Convolve as mathematicians do: y[i, j] = Σ_mn kernel[m, n] · image[i + kh - 1 - m, j + kw - 1 - n].

    This is the correlation with the kernel turned by half a circle; deep learning says "convolution" and
    computes the correlation. Shapes, errors, source and chapter are those of `correlate2d`.
    """
    kernel = expect_reals("convolve2d", "kernel", kernel, "kh", "kw")
    return correlate2d(image, kernel[::-1, ::-1])


class Conv2d(Layer):
    """Slide O kernels over an image: y[o, i, j] = bias[o] + Σ_cmn weight[o, c, m, n] x[c, s·i + m, s·j + n].

    x       (N, C, H, W)    input, taken with `padding` zeros on every side; C = in_channels, s = stride
    weight  (O, C, kh, kw)  U(-1/√(C kh kw), 1/√(C kh kw)) at the start, as in torch; O = out_channels
    bias    (O,)            the same distribution; absent with bias=False
    y       (N, O, Ho, Wo)  Ho = (H + 2·padding - kh) // stride + 1, Wo likewise

    Every size is a number or a pair (vertical, horizontal). This is correlation: the kernel is not turned.
    Raises ValueError for a wrong shape or an image smaller than the kernel, TypeError for an integer input.
    Source: goodfellow2016, section 9.1. Chapter: 15_convolution.
    """

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True, *, rng, dtype=float
    ):
        name = type(self).__name__
        expect_counts(name, in_channels=in_channels, out_channels=out_channels)
        self.kernel_size = expect_pair(name, "kernel_size", kernel_size, 1)
        self.stride, self.padding = (
            expect_pair(name, "stride", stride, 1),
            expect_pair(name, "padding", padding, 0),
        )
        shape = (out_channels, in_channels, *self.kernel_size)
        bound = (in_channels * self.kernel_size[0] * self.kernel_size[1]) ** -0.5
        params = {"weight": init.uniform(shape, -bound, bound, rng=rng, dtype=dtype)}
        if bias:
            params["bias"] = init.uniform((out_channels,), -bound, bound, rng=rng, dtype=dtype)
        super().__init__(**params)
        self.in_channels, self.out_channels = in_channels, out_channels

    def __repr__(self):
        sizes = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, {sizes})"

    def forward(self, x):
        x = expect_floats(self, "x", x, "N", self.in_channels, "H", "W")
        if len(x) == 0 or any(n + 2 * p < k for n, p, k in zip(x.shape[2:], self.padding, self.kernel_size)):
            raise ValueError(
                f"{self}: expected an image at least as large as the kernel, got x of shape {x.shape}"
            )
        weight = self.params["weight"]
        weight = weight.reshape(*weight.shape[:2], *self.kernel_size)  # (O, C, kh, kw), also for Conv1d
        unfolded = (ByRows if self._suits_rows() else ByColumns)(x, weight, self.stride, self.padding)
        y = unfolded.forward()
        if "bias" in self.params:
            y += self.params["bias"][:, None, None]
        self.cache = unfolded, y.shape
        return y

    def _suits_rows(self):
        """Whether rows are possible, and long enough to be worth their kh products (measured)."""
        possible = self.stride == (1, 1) and all(p < k for p, k in zip(self.padding, self.kernel_size))
        return possible and self.in_channels * self.kernel_size[1] >= 16

    def backward(self, dout):
        unfolded, shape = self.recall()
        dout = expect_floats(self, "dout", dout, *shape)  # (N, O, Ho, Wo)
        dx, dweight = unfolded.backward(dout)
        self.grads["weight"] = dweight.reshape(self.params["weight"].shape)
        if "bias" in self.params:
            self.grads["bias"] = np.einsum("nohw->o", dout)
        return dx


class Conv1d(Conv2d):
    """Slide O kernels along a sequence: y[o, i] = bias[o] + Σ_cm weight[o, c, m] x[c, s·i + m].

    x       (N, C, L)  input, taken with `padding` zeros at both ends; C = in_channels
    weight  (O, C, k)  as in `Conv2d`, which sees the sequence as an image of height 1
    bias    (O,)
    y       (N, O, (L + 2·padding - k) // stride + 1)

    Errors, source and chapter are those of `Conv2d`; every size is one number.
    """

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True, *, rng, dtype=float
    ):
        sizes = (1, kernel_size), (1, stride), (0, padding)
        super().__init__(in_channels, out_channels, *sizes, bias, rng=rng, dtype=dtype)
        self.params["weight"] = self.params["weight"][:, :, 0]

    def forward(self, x):
        x = expect_floats(self, "x", x, "N", self.in_channels, "L")
        return super().forward(x[:, :, None])[:, :, 0]

    def backward(self, dout):
        N, O, _, length = self.recall()[1]
        dout = expect_floats(self, "dout", dout, N, O, length)
        return super().backward(dout[:, :, None])[:, :, 0]
