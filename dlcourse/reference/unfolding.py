"""Two ways to lay an image out so that convolution becomes matrix products: by columns and by rows."""

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view


def pad(x, padding):
    """Surround the last two axes of x (N, C, H, W) with (ph, pw) zeros on each side."""
    (N, C, H, W), (ph, pw) = x.shape, padding
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw), x.dtype)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    return padded


def crop(x, padding):
    """Take (ph, pw) pixels off each side of the last two axes: the transpose of `pad`."""
    (H, W), (ph, pw) = x.shape[2:], padding
    return x[:, :, ph : H - ph, pw : W - pw]


def unfold(x, kernel, stride, out):
    """Write what each kernel element sees of x (N, C, H, W) as a row, the "im2col" form: (N, C*kh*kw, Ho*Wo).

    Row (c, m, n) holds the pixels that meet kernel element (m, n) of channel c, one for every output pixel:
    a window of x as large as the output. The columns are then the patches under the kernel.
    """
    (kh, kw), (sh, sw), (Ho, Wo) = kernel, stride, out
    shifted = sliding_window_view(x, ((Ho - 1) * sh + 1, (Wo - 1) * sw + 1), axis=(2, 3))
    return shifted[:, :, :kh, :kw, ::sh, ::sw].reshape(len(x), -1, Ho * Wo)


def fold(columns, x, kernel, stride, out):
    """Add columns back to the pixels of x (N, C, H, W) that they came from: the transpose of `unfold`."""
    (kh, kw), (sh, sw), (Ho, Wo) = kernel, stride, out
    columns = columns.reshape(*x.shape[:2], kh, kw, Ho, Wo)
    for m in range(kh):
        for n in range(kw):
            x[:, :, m : m + (Ho - 1) * sh + 1 : sh, n : n + (Wo - 1) * sw + 1 : sw] += columns[:, :, m, n]


class ByColumns:
    """Convolution as one matrix product with the unfolded input, for any stride and padding.

    It takes a few images at a time: the columns are kh*kw times as large as the images, and are worth
    most while they are still in the processor's cache.
    """

    group = 2**18  # elements of the columns of a few images: about what a processor's second cache holds

    def __init__(self, x, weight, stride, padding):
        self.x, self.weight, self.padding = pad(x, padding), weight, padding
        kernel = weight.shape[2:]
        self.out = tuple((n - k) // s + 1 for n, k, s in zip(self.x.shape[2:], kernel, stride))
        self.geometry = kernel, stride, self.out
        self.flat = weight.reshape(len(weight), -1)  # (O, C*kh*kw)
        self.step = max(1, self.group // (self.flat.shape[1] * self.out[0] * self.out[1]))
        self.starts = range(0, len(x), self.step)

    def forward(self):
        shape = len(self.x), len(self.weight), self.out[0] * self.out[1]
        y = np.empty(shape, np.result_type(self.x, self.flat))
        self.columns = []
        for start in self.starts:
            columns = unfold(self.x[start : start + self.step], *self.geometry)
            np.matmul(self.flat, columns, out=y[start : start + self.step])  # (O, Ckk) @ (n, Ckk, HoWo)
            self.columns.append(columns)
        return y.reshape(*shape[:2], *self.out)

    def backward(self, dout):
        dout = dout.reshape(*dout.shape[:2], -1)  # (N, O, Ho*Wo)
        dx, dweight = np.zeros(self.x.shape, dout.dtype), np.zeros_like(self.flat)
        for start, columns in zip(self.starts, self.columns):
            group = dout[start : start + self.step]
            dweight += (group @ columns.transpose(0, 2, 1)).sum(axis=0)  # (n, O, HoWo) @ (n, HoWo, Ckk)
            fold(self.flat.T @ group, dx[start : start + self.step], *self.geometry)
        return crop(dx, self.padding), dweight.reshape(self.weight.shape)


def row_runs(x, padding, kw):
    """Lay out every horizontal run of kw pixels of x (N, C, H, W), channels last: (N, Hp*Wo, kw*C).

    Copies each pixel kw times, where `unfold` copies it kh*kw times.
    """
    (N, C, H, W), (ph, pw) = x.shape, padding
    padded = np.zeros((N, H + 2 * ph, W + 2 * pw, C), x.dtype)
    padded[:, ph : ph + H, pw : pw + W] = x.transpose(0, 2, 3, 1)
    shape = (N, H + 2 * ph, W + 2 * pw - kw + 1, kw * C)
    return as_strided(padded, shape, padded.strides).reshape(N, -1, kw * C)


def correlate_runs(runs, weight, out):
    """Correlate laid-out runs with weight (O, C, kh, kw): kernel row m meets the image m rows down."""
    (O, C, kh, kw), (Ho, Wo) = weight.shape, out
    rows = weight.transpose(2, 3, 1, 0).reshape(kh, kw * C, O)
    y = runs[:, : Ho * Wo] @ rows[0]
    product = np.empty_like(y)
    for m in range(1, kh):
        y += np.matmul(runs[:, m * Wo : (m + Ho) * Wo], rows[m], out=product)
    return y.reshape(-1, Ho, Wo, O).transpose(0, 3, 1, 2)  # (N, O, Ho, Wo), channels last in memory


class ByRows:
    """The same for stride 1 and padding smaller than the kernel: unfold along rows only, add up kh products.

    The gradient of the input is itself a correlation: of dout with the kernel turned by half a circle.
    """

    def __init__(self, x, weight, stride, padding):
        self.size, self.weight, self.padding = x.shape[2:], weight, padding
        self.out = tuple(n + 2 * p - k + 1 for n, p, k in zip(self.size, padding, weight.shape[2:]))
        self.runs = row_runs(x, padding, weight.shape[3])

    def forward(self):
        return correlate_runs(self.runs, self.weight, self.out)

    def backward(self, dout):
        (O, C, kh, kw), (Ho, Wo) = self.weight.shape, self.out
        turned = self.weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)  # (C, O, kh, kw)
        ph, pw = self.padding
        dx = correlate_runs(row_runs(dout, (kh - 1 - ph, kw - 1 - pw), kw), turned, self.size)
        dout = dout.reshape(len(dout), O, -1)  # (N, O, Ho*Wo)
        rows = [
            (dout @ self.runs[:, m * Wo : (m + Ho) * Wo]).sum(axis=0) for m in range(kh)
        ]  # kh of (O, kw*C)
        return dx, np.reshape(rows, (kh, O, kw, C)).transpose(1, 3, 0, 2)
