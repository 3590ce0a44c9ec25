"""Sequential and MLP: by hand, against torch, against differences, and their mutants."""

import numpy as np
import pytest
import torch

from dlcourse import pytorch as pt
from dlcourse import reference as ref
from dlcourse.reference.gradcheck import assert_gradients
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_close, assert_like_torch

ACTIVATIONS = ["relu", "leaky_relu", "tanh", "sigmoid", "gelu"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_by_hand(rng):
    net = ref.MLP((1, 2, 1), rng=rng)  # |x| = max(x, 0) + max(-x, 0)
    weights = {"0.weight": [[1], [-1]], "0.bias": [0, 0], "2.weight": [[1, 1]], "2.bias": [0]}
    net.load_state_dict({name: np.array(array, dtype=float) for name, array in weights.items()})
    assert net(np.array([[-3.0], [2.0]])).tolist() == [[3], [2]]
    assert net.backward(np.array([[1.0], [10.0]])).tolist() == [[-1], [10]]
    assert net.grads["0.weight"].tolist() == [[20], [-3]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_torch_and_differences(activation, dtype, rng):
    model = ref.MLP((5, 7, 3, 2), activation, rng=rng)
    twin = pt.MLP((5, 7, 3, 2), activation, rng=rng)
    x = rng.standard_normal((11, 5))
    assert_gradients(model, x, rng=rng)
    assert_like_torch(model, twin, x, rng=rng, dtype=dtype)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equal_generators_give_twins_equal_weights(activation):
    model = ref.MLP((5, 7, 2), activation, rng=np.random.default_rng(3), dtype=np.float32)
    twin = pt.MLP((5, 7, 2), activation, rng=np.random.default_rng(3))
    assert list(model.state_dict()) == list(twin.state_dict())
    for name, tensor in twin.state_dict().items():
        assert_close(model.params[name], tensor, name)


def test_weights_cross_both_ways(rng):
    model, twin = ref.MLP((5, 7, 2), rng=rng), pt.MLP((5, 7, 2), rng=rng, dtype=torch.float64)
    back, x = ref.MLP((5, 7, 2), rng=rng), rng.standard_normal((3, 5))
    twin.load_state_dict({name: torch.from_numpy(array) for name, array in model.state_dict().items()})
    back.load_state_dict(twin.state_dict())
    assert_close(model(x), twin(torch.from_numpy(x)))
    assert (back(x) == model(x)).all()


def test_mutants():
    def make(cls, rng):
        return cls(ref.Linear(3, 3, rng=rng), ref.Tanh(), ref.Linear(3, 3, rng=rng))

    case = Case(ref.Sequential, make, lambda rng: (rng.standard_normal((3, 3)),), ("forward", "backward"))
    check_mutants(case)


def test_container(rng):
    net = ref.MLP((2, 3, 1), rng=rng)
    assert len(net) == 3
    assert net[0] is list(net)[0]
    assert repr(net) == "MLP(Linear(2, 3), ReLU(), Linear(3, 1))"


def test_bad_input(rng):
    with pytest.raises(TypeError, match="Sequential: expected layers, got <class 'function'> at position 1"):
        ref.Sequential(ref.ReLU(), ref.sigmoid)
    for package in (ref, pt):
        with pytest.raises(
            ValueError, match=r"MLP: expected sizes of at least an input and an output, got \(5,\)"
        ):
            package.MLP((5,), rng=rng)
        with pytest.raises(ValueError, match="MLP: expected activation in .*'tanh'.*, got 'step'"):
            package.MLP((5, 2), "step", rng=rng)
    with pytest.raises(RuntimeError, match=r"Linear\(5, 2\): backward needs a forward pass first"):
        ref.MLP((5, 2), rng=rng).backward(np.zeros((1, 2)))
