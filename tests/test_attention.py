"""Attention: by hand, against torch with every mask, against differences, and its mutants."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.reference.attention import (
    MultiheadAttention,
    causal_mask,
    scaled_dot_product_attention,
    scaled_dot_product_attention_backward,
)
from dlcourse.reference.gradcheck import assert_gradients
from dlcourse.reference.layer import Layer
from dlcourse.reference.positions import SinusoidalPositions
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_close, assert_like_torch


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_function_by_hand():
    query, value = np.array([[2.0]]), np.array([[5.0], [10.0], [-3.0]])
    key = np.log(np.array([[1.0], [3.0], [7.0]])) / 2  # scores are log 1, log 3, log 7
    y, weights = scaled_dot_product_attention(query, key, value)
    assert_close(weights, [[1 / 11, 3 / 11, 7 / 11]])
    assert_close(y, [[(5 + 30 - 21) / 11]])
    y, weights = scaled_dot_product_attention(query, key, value, np.array([[True, True, False]]))
    assert_close(weights, [[1 / 4, 3 / 4, 0]])
    assert_close(y, [[(5 + 30) / 4]])


def test_huge_scores_do_not_overflow():
    y, weights = scaled_dot_product_attention(np.array([[1e4]]), np.array([[1e4], [-1e4]]), np.eye(2))
    assert (y == [[1, 0]]).all()
    assert (weights == [[1, 0]]).all()


class Attend(Layer):
    """The function and its gradient as a layer, with a mask."""

    stands_for = "attention (function)"

    def __init__(self, mask=None):
        super().__init__()
        self.mask = mask

    def forward(self, query, key, value):
        y, weights = scaled_dot_product_attention(query, key, value, self.mask)
        self.cache = query, key, value, y, weights
        return y

    def backward(self, dout):
        return scaled_dot_product_attention_backward(dout, *self.recall())


@settings(deadline=None)
@given(
    st.sampled_from([(), (1,), (3,), (2, 5)]),
    st.tuples(*[st.sampled_from(sizes) for sizes in ([1, 2, 7], [2, 3, 5], [1, 3], [1, 2, 11])]),
    st.booleans(),
    st.integers(0, 9),
)
def test_function_like_torch(leading, sizes, masked, seed):
    rng, (Tq, Tk, d, dv) = np.random.default_rng(seed), sizes
    query, key, value = (
        rng.standard_normal((*shape[::-1], *leading[::-1])).T for shape in ((Tq, d), (Tk, d), (Tk, dv))
    )
    mask = rng.random((*leading, Tq, Tk)) < 0.5 if masked else None
    if masked:
        mask[..., :2] = True  # with a single key left, the gradients of query and key are zero: no scale

    def twin(*tensors):
        attn_mask = None if mask is None else torch.from_numpy(mask)
        return torch.nn.functional.scaled_dot_product_attention(*tensors, attn_mask=attn_mask)

    assert_like_torch(Attend(mask), twin, query, key, value, rng=rng)
    assert_gradients(Attend(mask), query, key, value, rng=rng)


class Masked(Layer):
    """Multi-head attention with fixed masks, as a layer of its arrays alone."""

    stands_for = "MultiheadAttention"

    def __init__(self, layer, crossing=True, **masks):
        super().__init__()
        self.layer, self.crossing, self.masks = layer, crossing, masks

    def forward(self, query, key=None):
        return self.layer.forward(query, key if self.crossing else None, **self.masks)

    def backward(self, dout):
        return self.layer.backward(dout)


class Twin(torch.nn.Module):
    """torch's multi-head attention, called as ours is."""

    def __init__(self, D, heads, **masks):
        super().__init__()
        self.layer, self.masks = torch.nn.MultiheadAttention(D, heads, batch_first=True), masks

    def forward(self, query, key=None):
        key, masks = query if key is None else key, dict(self.masks)
        if masks.pop("is_causal", False):
            masks["attn_mask"] = ~torch.tril(torch.ones(query.shape[1], query.shape[1], dtype=torch.bool))
        padding = masks.pop("key_padding_mask", None)
        padding = None if padding is None else torch.from_numpy(padding)
        return self.layer(query, key, key, key_padding_mask=padding, **masks)


PADDING = np.array([[False] * 7, [False] * 3 + [True] * 4, [False] + [True] * 6])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("masks", [{}, {"is_causal": True}, {"key_padding_mask": PADDING}, "both"])
@pytest.mark.parametrize("crossing", [False, True])
def test_torch(dtype, masks, crossing, rng):
    masks = {"is_causal": True, "key_padding_mask": PADDING} if masks == "both" else masks
    layer, twin = Masked(MultiheadAttention(15, 3, rng=rng), **masks), Twin(15, 3, **masks)
    layer.layer.params["in_proj_bias"][:] = rng.standard_normal(45)
    inputs = [rng.standard_normal((3, 7, 15)) for _ in range(1 + crossing)]
    assert_like_torch(layer, twin, *inputs, rng=rng, dtype=dtype)


@settings(deadline=None)
@given(st.sampled_from([1, 2, 5]), st.sampled_from([1, 3, 7]), st.sampled_from([2, 11]), st.integers(1, 3))
def test_crossing_lengths(N, Tq, Tk, heads):
    rng = np.random.default_rng(0)
    layer, twin = Masked(MultiheadAttention(6, heads, rng=rng)), Twin(6, heads)
    query, key = (rng.standard_normal((6, T, N)).T for T in (Tq, Tk))
    assert_like_torch(layer, twin, query, key, rng=rng)


@pytest.mark.parametrize("masks", [{}, {"is_causal": True}, {"key_padding_mask": PADDING[:2, :4]}])
def test_gradients(masks, rng):
    layer = Masked(MultiheadAttention(6, 3, rng=rng), **masks)
    assert_gradients(layer, rng.standard_normal((2, 4, 6)), rng=rng)
    assert_gradients(layer, rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 4, 6)), rng=rng)


def test_causal_attention_does_not_see_the_future(rng):
    layer, x = MultiheadAttention(6, 2, rng=rng), rng.standard_normal((2, 5, 6))
    y = layer.forward(x, is_causal=True)
    x[:, 3:] += 1
    again = layer.forward(x, is_causal=True)
    assert (again[:, :3] == y[:, :3]).all()
    assert (again[:, 3:] != y[:, 3:]).all()


def test_weights_are_kept_for_drawing(rng):
    layer = MultiheadAttention(6, 2, rng=rng)
    layer.forward(rng.standard_normal((3, 7, 6)), key_padding_mask=PADDING, is_causal=True)
    assert layer.weights.shape == (3, 2, 7, 7)
    assert_close(layer.weights.sum(axis=-1), np.ones((3, 2, 7)))
    assert (layer.weights[:, :, ~causal_mask(7)] == 0).all()
    assert (layer.weights.swapaxes(1, 3)[PADDING] == 0).all()


def test_without_positions_order_does_not_matter(rng):
    layer, x, order = MultiheadAttention(6, 2, rng=rng), rng.standard_normal((2, 5, 6)), [3, 0, 4, 1, 2]
    assert_close(layer(x[:, order]), layer(x)[:, order])
    positions = SinusoidalPositions(6)
    assert np.abs(layer(positions(x[:, order])) - layer(positions(x))[:, order]).max() > 0.01


def test_positions_by_hand(rng):
    x = rng.standard_normal((2, 3, 5))
    angle = 2 / 10000 ** (2 / 5)
    wanted = [math.sin(2), math.cos(2), math.sin(angle), math.cos(angle), math.sin(2 / 10000 ** (4 / 5))]
    layer = SinusoidalPositions(5)
    assert_close(layer(x)[:, 2] - x[:, 2], [wanted, wanted])
    assert layer(x.astype(np.float32)).dtype == np.float32
    assert_gradients(layer, x, rng=rng)


def test_mutants():
    def make(cls, rng):
        """Two layers, as cross- and self-attention end differently."""
        layers = cls(6, 3, rng=rng), cls(6, 3, rng=rng)
        return Masked(layers[0], is_causal=True), Masked(layers[1], crossing=False)

    def inputs(rng):
        return rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 4, 6))

    where = "backward", "_project_back", "scaled_dot_product_attention_backward"
    check_mutants(Case(MultiheadAttention, make, inputs, where))


def test_a_single_key_gets_all_the_weight(rng):
    layer, query = MultiheadAttention(6, 2, rng=rng), rng.standard_normal((2, 3, 6))
    key = rng.standard_normal((2, 1, 6))
    y = layer(query, key)
    assert (layer.weights == 1).all()
    assert_close(y[:, 0], y[:, 2])
    dquery, dkey = layer.backward(rng.standard_normal(y.shape))
    assert np.abs(dquery).max() < 1e-15 < np.abs(dkey).max()


def test_starts_as_torch_does(rng):
    params = MultiheadAttention(64, 4, rng=rng).params
    for name, bound in {"in_proj_weight": (6 / 256) ** 0.5, "out_proj.weight": 64**-0.5}.items():
        assert 0.99 * bound < np.abs(params[name]).max() <= bound, name
    assert not params["in_proj_bias"].any() and not params["out_proj.bias"].any()


def test_bad_input(rng):
    layer, x = MultiheadAttention(6, 2, rng=rng), np.zeros((2, 4, 6))
    with pytest.raises(ValueError, match=r"MultiheadAttention\(6, 2\): expected query of shape \(N, Tq, 6\)"):
        layer(x[0])
    with pytest.raises(TypeError, match="expected query of a floating-point dtype"):
        layer(x.astype(int))
    with pytest.raises(ValueError, match=r"expected key of shape \(2, Tk, 6\), got \(3, 4, 6\)"):
        layer(x, np.zeros((3, 4, 6)))
    with pytest.raises(ValueError, match=r"as many keys as queries, got key of shape \(2, 5, 6\)"):
        layer.forward(x, np.zeros((2, 5, 6)), is_causal=True)
    with pytest.raises(ValueError, match=r"expected key_padding_mask of shape \(2, 4\), got \(4, 2\)"):
        layer(x, None, np.zeros((4, 2), bool))
    with pytest.raises(TypeError, match="expected key_padding_mask of booleans, got float64"):
        layer(x, None, np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"every key is masked for the query at index \(1, 0, 0\)"):
        layer(x, None, np.array([[False] * 4, [True] * 4]))
    with pytest.raises(ValueError, match="expected num_heads to divide 6, got 4"):
        MultiheadAttention(6, 4, rng=rng)
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        layer.backward(x)
    layer(x)
    with pytest.raises(ValueError, match=r"expected dout of shape \(2, 4, 6\), got \(2, 3, 6\)"):
        layer.backward(x[:, 1:])
    with pytest.raises(ValueError, match=r"SinusoidalPositions\(6\): expected x of shape \(N, T, 6\)"):
        SinusoidalPositions(6)(x[0])


def test_bad_input_of_the_function():
    x = np.zeros((2, 3, 4))
    with pytest.raises(ValueError, match=r"scaled_dot_product_attention: expected key of shape \(2, Tk, 4\)"):
        scaled_dot_product_attention(x, x[..., :2], x)
    with pytest.raises(ValueError, match=r"expected value of shape \(2, 3, dv\), got \(2, 2, 4\)"):
        scaled_dot_product_attention(x, x, x[:, :2])
    with pytest.raises(TypeError, match="expected a mask of booleans, got float64"):
        scaled_dot_product_attention(x, x, x, np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"expected a mask that broadcasts to \(2, 3, 3\), got \(3, 2\)"):
        scaled_dot_product_attention(x, x, x, np.ones((3, 2), bool))
    with pytest.raises(ValueError, match=r"every key is masked for the query at index \(0, 1\)"):
        scaled_dot_product_attention(
            x, x, x, np.eye(3, dtype=bool)[[0, 1, 2]] & np.array([[1], [0], [1]], bool)
        )
