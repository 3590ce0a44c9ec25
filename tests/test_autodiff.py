"""Dual numbers and the tape: by hand, against each other, against torch and against the layers."""

import math
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlcourse import reference as ref
from dlcourse.autodiff import Dual, Tape, draw, gradient, gradient_forward, jvp
from dlcourse.autodiff.rules import RULES
from dlcourse.reference.gradcheck import numerical_gradient

UNARY = [ufunc for ufunc, derivatives in RULES.items() if len(derivatives) == 1]
BINARY = [ufunc for ufunc, derivatives in RULES.items() if len(derivatives) == 2]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_duals_by_hand():
    x = Dual(3.5, 2.0)
    assert (x.value, x.tangent) == (3.5, 2.0)
    y = Dual(3, 1) * 5
    assert (y.value, y.tangent) == (15, 5)
    assert repr(y) == "Dual(15.0, 5.0)"
    y = Dual(np.array([1.0, 3.9]), np.array([0.2, 5.8])).sum()
    assert (y.value, y.tangent) == (4.9, 6)
    assert jvp(lambda x: x * x, 3.0, 1.0) == (9, 6)


def test_both_modes_by_hand():
    def f(v):
        return v[0] * np.sin(v[1]) + v[1] ** 2

    expected = [math.sin(2), math.cos(2) + 4]
    assert gradient_forward(f, [1.0, 2.0]) == pytest.approx(expected, abs=1e-15)
    assert gradient(f, np.array([1.0, 2.0]))[0] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("ufunc", UNARY + BINARY, ids=lambda ufunc: ufunc.__name__)
def test_every_rule_against_differences(ufunc, rng):
    arrays = [rng.uniform(0.5, 2, (2, 3)) for _ in range(ufunc.nin)]
    wanted = [numerical_gradient(lambda: ufunc(*arrays).sum(), array) for array in arrays]
    for found, expected in zip(gradient(lambda *a: ufunc(*a).sum(), *arrays), wanted):
        assert np.abs(found - expected).max() < 1e-8
    for i, expected in enumerate(wanted):
        duals = [Dual(a, np.ones_like(a)) if i == j else a for j, a in enumerate(arrays)]
        assert np.abs(ufunc(*duals).tangent - expected).max() < 1e-8


@given(
    st.sampled_from([((3,), ()), ((2, 3), (3,)), ((2, 1), (1, 3)), ((1,), (2, 3)), ((5, 1, 3), (2, 1))]),
    st.sampled_from(BINARY),
)
def test_broadcasting_against_torch(shapes, ufunc):
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(0.5, 2, shape) for shape in shapes]
    weights = rng.standard_normal(np.broadcast_shapes(*shapes))
    tensors = [torch.from_numpy(a).requires_grad_() for a in arrays]
    function = {"power": torch.pow}.get(ufunc.__name__, getattr(torch, ufunc.__name__, None))
    (function(*tensors) * torch.from_numpy(weights)).sum().backward()
    for found, tensor in zip(gradient(lambda *a: (ufunc(*a) * weights).sum(), *arrays), tensors):
        assert found.shape == tensor.shape
        assert np.abs(found - tensor.grad.numpy()).max() < 1e-13


def composite(np_or_torch, x, w):
    """matmul, transposition, reduction over one axis, indexing with repeats, a variable used three times."""
    h = np_or_torch.tanh(x @ w.T)
    z = h - h.mean(1, keepdims=True)
    return (z[[0, 0, 1]] * np_or_torch.exp(-h[2])).sum() + (h.sum(0) ** 2).reshape(-1)[1]


def test_composite_in_both_modes_and_torch(rng):
    x, w = rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, w)]
    composite(torch, *tensors).backward()
    reverse = gradient(lambda x, w: composite(np, x, w), x, w)
    forward = (
        gradient_forward(lambda x: composite(np, x, w), x),
        gradient_forward(lambda w: composite(np, x, w), w),
    )
    for tensor, back, forth in zip(tensors, reverse, forward):
        assert np.abs(back - tensor.grad.numpy()).max() < 1e-13
        assert np.abs(forth - tensor.grad.numpy()).max() < 1e-13


def test_shapes_follow(rng):
    x = Dual(rng.standard_normal((2, 3)), np.ones((2, 3)))
    assert x.T.shape == (3, 2) and x.reshape(6).shape == x.reshape(6).tangent.shape == (6,)
    assert (x.mean(axis=0).tangent == 1).all() and x.T.tangent.shape == (3, 2)
    variable = Tape().variable(x.value)
    assert variable.T.shape == (3, 2) and repr(variable).startswith("Variable(0, ")


def test_jvp_against_torch(rng):
    x, v = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    value, tangent = jvp(lambda x: np.sin(x) / (1 + x**2), x, v)
    tensors = torch.from_numpy(x), torch.from_numpy(v)
    wanted = torch.autograd.functional.jvp(lambda x: torch.sin(x) / (1 + x**2), *tensors)
    assert np.abs(value - wanted[0].numpy()).max() < 1e-15
    assert np.abs(tangent - wanted[1].numpy()).max() < 1e-15


def test_the_mlp_elementwise_and_by_layers_is_the_references(rng):
    model, loss_fn = ref.MLP((5, 7, 3), "tanh", rng=rng), ref.CrossEntropyLoss()
    x, labels = rng.standard_normal((11, 5)), rng.integers(0, 3, 11)
    loss = loss_fn(model(x), labels)
    dx = model.backward(loss_fn.backward())
    grads = {name: grad.copy() for name, grad in model.grads.items()}

    def by_elements(x, *weights):
        w1, b1, w2, b2 = weights
        z = np.tanh(x @ w1.T + b1) @ w2.T + b2
        return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(11), labels]).mean()

    found = gradient(by_elements, x, *model.params.values())
    assert np.abs(found[0] - dx).max() < 1e-15
    for grad, expected in zip(found[1:], grads.values()):
        assert np.abs(grad - expected).max() < 1e-15

    tape = Tape()
    start = h = tape.variable(x, "x")
    for layer in model:
        h = tape.layer(layer, h)
    y = tape.layer(loss_fn, h, labels)
    assert y.value == loss and (tape.gradient(y, [start])[0] == dx).all()
    assert all((model.grads[name] == grad).all() for name, grad in grads.items())
    assert len(tape.variables) == 5  # single nodes


def test_gradient_twice_gives_the_same(rng):
    tape = Tape()
    x = tape.variable(rng.standard_normal(3))
    y = (x * x).sum()
    first, second = tape.gradient(y, [x])[0], tape.gradient(y, [x])[0]
    assert (first == second).all() and (first == 2 * x.value).all()


def test_what_does_not_matter_has_gradient_zero():
    tape = Tape()
    x, other = tape.variable([1.0, 2.0], "x"), tape.variable([5.0], "other")
    later = (x * 3).sum()
    assert tape.gradient(x.sum(), [other])[0].tolist() == [0]
    assert tape.gradient(later, [x])[0].tolist() == [3, 3]
    assert gradient_forward(lambda x: 7.0, [1.0, 2.0]).tolist() == [0, 0]


def test_drawing():
    tape = Tape()
    a, b = tape.variable(1.0, "v0"), tape.variable(2.0, "v<1>")
    tape.variable(9.0, "unused")
    svg = draw(a * np.sin(b) + b**2, title="f & g")
    root = ElementTree.fromstring(svg)  # well-formed
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[::2] == ["v0", "v<1>", "sin", "multiply", "power", "add"]
    assert texts[-1] == f"{math.sin(2) + 4:.4g}"
    assert len(re.findall("marker-end", svg)) == 6  # one arrow for each argument that is a variable
    assert root[0].text == "f & g"


def test_bad_input():
    tape, other = Tape(), Tape()
    x, y = tape.variable([1.0, 2.0], "x"), other.variable([1.0, 2.0], "y")
    for argument in (Dual([1.0, 2.0]), x):
        with pytest.raises(TypeError, match="no derivative for arctan; known are matmul, absolute, add"):
            np.arctan(argument)
        with pytest.raises(TypeError, match="not supported|NotImplemented"):
            np.add.reduce(argument)  # the method .sum() has a rule, this has none
    with pytest.raises(ValueError, match=r"expected a single number to differentiate, got shape \(2,\)"):
        tape.gradient(x, [x])
    with pytest.raises(ValueError, match="was recorded on another tape"):
        tape.gradient(x.sum(), [y])
    with pytest.raises(ValueError, match="variables of two tapes in one expression"):
        x + y
    with pytest.raises(
        ValueError, match=r"expected matrices on both sides of @, got shapes \(2,\) and \(2,\)"
    ):
        x @ x
    with pytest.raises(ValueError, match=r"expected a direction of shape \(2,\), got \(3,\)"):
        jvp(np.sin, [1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"expected f to return one number, got shape \(2,\)"):
        gradient_forward(np.sin, [1.0, 2.0])
    for argument in (Dual(np.ones((0, 2))), tape.variable(np.ones((0, 2)))):
        with pytest.raises(ValueError, match=r"at least one element for a mean, got shape \(0, 2\)"):
            argument.mean(axis=1)
    with pytest.raises(TypeError, match="draw: expected y, a variable of a tape, got 3"):
        draw(3)
    relu = ref.ReLU()
    with pytest.raises(ValueError, match=r"ReLU\(\) is recorded twice"):
        tape.layer(relu, tape.layer(relu, x))
