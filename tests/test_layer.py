"""The base of all layers: names, modes, state, and the checks of shapes and types."""

import numpy as np
import pytest
import torch

from dlcourse import reference as ref
from dlcourse.checks import expect_axes, expect_floats, expect_indices, expect_shape


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def model(rng):
    return ref.MLP((5, 3, 2), rng=rng)


def test_names_are_torchs(model):
    twin = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    assert {n: a.shape for n, a in model.state_dict().items()} == {
        n: tuple(t.shape) for n, t in twin.state_dict().items()
    }


def test_state_is_a_copy_both_ways(model):
    state = model.state_dict()
    state["0.weight"][...] = 7
    assert not (model.params["0.weight"] == 7).any()
    model.load_state_dict(state)
    state["0.weight"][...] = 8
    assert (model.params["0.weight"] == 7).all()


def test_loading_adopts_dtype_and_order(model):
    state = {name: np.asfortranarray(array.astype(np.float32)) for name, array in model.state_dict().items()}
    model.load_state_dict(state)
    assert {a.dtype for a in model.params.values()} == {np.dtype(np.float32)}
    assert all(a.flags.c_contiguous for a in model.params.values())  # optimisers write through flat views
    assert model(np.ones((1, 5), np.float32)).dtype == np.float32


def test_loading_lists_every_mismatch_and_changes_nothing(model):
    before = model.state_dict()
    state = before | {"0.bias": np.zeros(4), "extra": np.zeros(1), "0.weight": np.zeros((3, 5))}
    del state["2.bias"]
    words = r"0.bias: expected shape \(3,\), got \(4,\); missing 2.bias; unexpected extra"
    with pytest.raises(ValueError, match=f"does not fit: {words}"):
        model.load_state_dict(state)
    assert all((a == before[name]).all() for name, a in model.params.items())


def test_modes_reach_every_child(model):
    assert all(layer.training for layer in model)
    assert model.eval() is model
    assert not any(layer.training for layer in model)
    model.train()
    assert all(layer.training for layer in model)


@pytest.mark.parametrize(
    "shape, pattern, shown",
    [
        ((784,), ("N", 784), "(N, 784)"),
        ((2, 3), ("N",), "(N,)"),
        ((2, 3), ("N", 784), "(N, 784)"),
        ((3,), (..., 2, 3), "(..., 2, 3)"),
        ((2, 3), ("N", "N"), "(N, N)"),
        ((2, 3), (), "()"),
    ],
)
def test_wrong_shapes_are_shown(shape, pattern, shown):
    with pytest.raises(ValueError) as raised:
        expect_shape("Linear(784, 128)", "x", np.zeros(shape), *pattern)
    assert str(raised.value) == f"Linear(784, 128): expected x of shape {shown}, got {shape}"


@pytest.mark.parametrize(
    "shape, pattern",
    [((2, 3), ("N", 3)), ((3,), (..., 3)), ((5, 2, 3), (..., 2, "C")), ((4, 4), ("N", "N")), ((), ())],
)
def test_right_shapes_pass(shape, pattern):
    assert expect_shape("x", "x", np.zeros(shape).tolist(), *pattern).shape == shape


def test_types():
    with pytest.raises(TypeError, match="owner: expected x of a floating-point dtype, got bool"):
        expect_floats("owner", "x", np.zeros(3, bool), 3)
    with pytest.raises(TypeError, match="owner: expected i of an integer dtype, got float64"):
        expect_indices("owner", "i", np.zeros(3), 5, 3)
    with pytest.raises(ValueError, match=r"owner: expected i in 0 … 4, got 5 at \(1, 0\)"):
        expect_indices("owner", "i", np.array([[0, 4], [5, 0]]), 5, 2, 2)
    with pytest.raises(ValueError, match="owner: expected i in 0 … 4, got -1$"):
        expect_indices("owner", "i", np.array(-1), 5)
    assert expect_indices("owner", "i", [], 5, "N").dtype == int


@pytest.mark.parametrize("axis", [None, 0, 1, -2, (), (1,), (0, 1), (-1, 0)])
def test_axes_of_a_matrix(axis):
    expect_axes("owner", axis, 2)


@pytest.mark.parametrize(
    "axis, words",
    [
        (2, "expected axis < 2, got 2"),
        (-3, "expected axis ≥ -2, got -3"),
        ((0, 2), "expected axis < 2, got 2"),
        ((0, -2), r"expected an axis once, got axis \(0, -2\)"),
        (0.5, "expected axis to be a whole number, got 0.5"),
    ],
)
def test_what_is_no_axis_of_a_matrix(axis, words):
    with pytest.raises((TypeError, ValueError), match=f"owner: {words}"):
        expect_axes("owner", axis, 2)


@pytest.mark.parametrize("kind", [int, complex, object, str, bool])
def test_a_state_of_other_numbers_is_refused(kind):
    layer = ref.Linear(2, 1, rng=np.random.default_rng(0))
    state = {name: np.ones(array.shape).astype(kind) for name, array in layer.state_dict().items()}
    with pytest.raises(ValueError, match="bias: expected numbers of another kind, got .*; weight: expected"):
        layer.load_state_dict(state)
    assert layer.params["weight"].dtype == float
