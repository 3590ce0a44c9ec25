"""Convolution: by hand, against torch, against differences, in both layouts, and its mutants."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.reference.convolution import Conv1d, Conv2d, convolve2d, correlate2d
from dlcourse.reference.gradcheck import assert_gradients
from dlcourse.reference.layer import Layer
from dlcourse.reference.unfolding import ByColumns, ByRows, unfold
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_close, assert_like_torch


class Bare(Layer):
    """A convolution without bias through the given way of unfolding, whatever `Conv2d` would choose."""

    def __init__(self, way, shape, stride, padding, rng):
        super().__init__(weight=rng.standard_normal(shape))
        self.way, self.stride, self.padding = way, stride, padding

    def forward(self, x):
        self.cache = self.way(x, self.params["weight"], self.stride, self.padding)
        return self.cache.forward()

    def backward(self, dout):
        dx, self.grads["weight"] = self.recall().backward(dout)
        return dx


def images(*shape):
    return lambda rng: (rng.standard_normal(shape),)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_correlation_by_hand():
    image = np.arange(1.0, 17).reshape(4, 4)
    kernel = np.array([[1.0, 0], [0, -1]])
    assert (correlate2d(image, kernel) == np.full((3, 3), -5)).all()  # 1 - 6, 2 - 7, ...
    assert (convolve2d(image, kernel) == np.full((3, 3), 5)).all()  # turned: 6 - 1, 7 - 2, ...


def test_convolution_turns_the_kernel(rng):
    image, kernel = rng.standard_normal((7, 5)), rng.standard_normal((3, 2))
    spread = (
        sum(  # every pixel paints the kernel into the output, cut to where the kernel lay inside the image
            image[i, j] * np.pad(kernel, ((i, 7 - 1 - i), (j, 5 - 1 - j))) for i in range(7) for j in range(5)
        )
    )
    assert_close(convolve2d(image, kernel), spread[2:-2, 1:-1])


def test_layer_by_hand(rng):
    layer = Conv2d(1, 1, 2, rng=rng)
    layer.load_state_dict({"weight": np.array([[[[1.0, 0], [0, -1]]]]), "bias": np.array([100.0])})
    x = np.arange(1.0, 17).reshape(1, 1, 4, 4)
    assert (layer(x) == 95).all()
    dx = layer.backward(np.ones((1, 1, 3, 3)))
    assert (dx[0, 0] == [[1, 1, 1, 0], [1, 0, 0, -1], [1, 0, 0, -1], [0, -1, -1, -1]]).all()
    assert (layer.grads["weight"][0, 0] == [[54, 63], [90, 99]]).all()  # 54 = 1+2+3 + 5+6+7 + 9+10+11
    assert layer.grads["bias"] == [9]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("channels", "options"),
    [
        ((1, 5), {"kernel_size": 3}),
        ((7, 5), {"kernel_size": 3, "padding": 1}),  # rows
        ((7, 3), {"kernel_size": (2, 5), "padding": (1, 3)}),  # rows, not square
        ((7, 3), {"kernel_size": 3, "padding": 3, "bias": False}),  # padding as large as the kernel: columns
        ((2, 3), {"kernel_size": (3, 2), "stride": (2, 3), "padding": (0, 1)}),
    ],
)
def test_torch(rng, dtype, channels, options):
    layer, twin = Conv2d(*channels, **options, rng=rng), torch.nn.Conv2d(*channels, **options)
    x = rng.standard_normal((2, channels[0], 11, 13))
    assert_like_torch(layer, twin, x, rng=rng, dtype=dtype)


@settings(deadline=None)
@given(
    st.tuples(*[st.sampled_from([1, 2, 3, 5])] * 3),  # N, C, O
    st.tuples(*[st.integers(1, 4)] * 2),  # kernel
    st.tuples(*[st.integers(1, 3)] * 2),  # stride
    st.tuples(*[st.integers(0, 3)] * 2),  # padding
    st.tuples(*[st.integers(0, 6)] * 2),  # how much larger than the kernel: leftovers included
)
def test_any_geometry(sizes, kernel, stride, padding, more):
    rng = np.random.default_rng(0)
    N, C, O = sizes
    layer = Conv2d(C, O, kernel, stride, padding, rng=rng)
    twin = torch.nn.Conv2d(C, O, kernel, stride, padding)
    x = rng.standard_normal((kernel[1] + more[1], kernel[0] + more[0], C, N)).T  # not contiguous
    assert_like_torch(layer, twin, x, rng=rng)


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 4), st.sampled_from([1, 2, 7]), st.integers(0, 5))
def test_both_ways_agree(kh, kw, padding, channels, more):
    rng = np.random.default_rng(0)
    padding = (min(padding, kh - 1), min(padding, kw - 1))
    weight = rng.standard_normal((3, channels, kh, kw))
    x = rng.standard_normal((2, channels, kh + more, kw + 2 * more))
    columns, rows = (way(x, weight, (1, 1), padding) for way in (ByColumns, ByRows))
    y = columns.forward()
    assert_close(rows.forward(), y)
    dout = rng.standard_normal(y.shape)
    for got, wanted in zip(rows.backward(dout), columns.backward(dout)):
        assert_close(got, wanted)


def test_columns_are_patches(rng):
    x = rng.standard_normal((2, 3, 5, 7))
    columns = unfold(x, (2, 3), (3, 2), (2, 3))  # kernel, stride, output
    for i in range(2):
        for j in range(3):
            patch = x[:, :, 3 * i : 3 * i + 2, 2 * j : 2 * j + 3]
            assert (columns[:, :, 3 * i + j] == patch.reshape(2, -1)).all()


def test_groups_of_images_change_nothing(rng, monkeypatch):
    x, layer = rng.standard_normal((5, 2, 6, 6)), Conv2d(2, 3, 3, rng=rng)
    y, dout = layer(x), rng.standard_normal((5, 3, 4, 4))
    dx, dweight = layer.backward(dout), layer.grads["weight"]
    monkeypatch.setattr(ByColumns, "group", 2 * 18 * 16)  # two images at a time, one left over
    assert_close(layer(x), y)
    assert_close(layer.backward(dout), dx)
    assert_close(layer.grads["weight"], dweight)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{"stride": 2, "padding": 2}, {}, {"bias": False}])
@pytest.mark.parametrize("channels", [2, 7])
def test_one_dimension(rng, dtype, options, channels):
    layer, twin = Conv1d(channels, 5, 3, **options, rng=rng), torch.nn.Conv1d(channels, 5, 3, **options)
    assert_like_torch(layer, twin, rng.standard_normal((2, channels, 11)), rng=rng, dtype=dtype)
    assert layer.params["weight"].shape == (5, channels, 3)


def test_gradients(rng):
    assert_gradients(
        Conv2d(2, 3, 3, stride=2, padding=1, rng=rng), rng.standard_normal((2, 2, 5, 6)), rng=rng
    )
    assert_gradients(Conv2d(7, 2, 3, padding=1, rng=rng), rng.standard_normal((2, 7, 4, 3)), rng=rng)
    assert_gradients(Conv1d(2, 3, 4, rng=rng), rng.standard_normal((2, 2, 7)), rng=rng)


CASES = [
    Case(
        ByColumns,
        lambda cls, rng: Bare(type("OneByOne", (cls,), {"group": 1}), (3, 2, 3, 2), (2, 1), (1, 1), rng),
        images(2, 2, 6, 5),
        ("backward", "fold", "crop"),
    ),
    Case(
        ByRows,
        lambda cls, rng: Bare(cls, (3, 2, 4, 4), (1, 1), (1, 2), rng),
        images(2, 2, 4, 5),
    ),
    Case(Conv2d, lambda cls, rng: cls(2, 3, 3, rng=rng), images(2, 2, 4, 5)),
    Case(Conv1d, lambda cls, rng: cls(2, 3, 3, rng=rng), images(2, 2, 5), ("backward", "forward")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cls.__name__)
def test_mutants(case):
    check_mutants(case)


def test_starts_within_torch_bounds(rng):
    for array in Conv2d(4, 500, 5, rng=rng).params.values():
        assert -0.1 <= array.min() < -0.09 and 0.09 < array.max() <= 0.1


def test_bad_input(rng):
    layer = Conv2d(3, 5, 3, rng=rng)
    with pytest.raises(
        ValueError, match=r"Conv2d\(3, 5, .*\): expected x of shape \(N, 3, H, W\), got \(2, 4, 8, 8\)"
    ):
        layer(np.zeros((2, 4, 8, 8)))
    with pytest.raises(ValueError, match=r"expected x of shape \(N, 3, H, W\), got \(3, 8, 8\)"):
        layer(np.zeros((3, 8, 8)))
    with pytest.raises(ValueError, match=r"at least as large as the kernel, got x of shape \(1, 3, 2, 8\)"):
        layer(np.zeros((1, 3, 2, 8)))
    with pytest.raises(TypeError, match="floating-point dtype, got int64"):
        layer(np.zeros((1, 3, 8, 8), int))
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        layer.backward(np.zeros((1, 5, 6, 6)))
    layer(np.zeros((1, 3, 8, 8)))
    with pytest.raises(ValueError, match=r"expected dout of shape \(1, 5, 6, 6\), got \(1, 5, 8, 8\)"):
        layer.backward(np.zeros((1, 5, 8, 8)))
    with pytest.raises(ValueError, match="Conv2d: expected kernel_size ≥ 1, got 0"):
        Conv2d(3, 5, 0, rng=rng)
    with pytest.raises(ValueError, match=r"Conv1d.*expected x of shape \(N, 3, L\), got \(3, 8\)"):
        Conv1d(3, 5, 3, rng=rng)(np.zeros((3, 8)))
    with pytest.raises(ValueError, match=r"a kernel within \(2, 2\), got \(3, 1\)"):
        correlate2d(np.zeros((2, 2)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"expected image of shape \(H, W\), got \(2,\)"):
        convolve2d(np.zeros(2), np.zeros((1, 1)))
