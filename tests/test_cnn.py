"""The digits network: against torch and differences, and its start."""

import numpy as np
import pytest
import torch

from dlcourse.pytorch.cnn import CNN as Twin
from dlcourse.reference.cnn import CNN
from dlcourse.reference.gradcheck import assert_gradients
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_close, assert_like_torch

SMALL = {"in_channels": 3, "image_size": 5, "classes": 4, "channels": (2, 3), "hidden": 7, "dropout": 0.0}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{"dropout": 0.0}, SMALL])
def test_torch(rng, dtype, options):
    layer, twin = CNN(**options, rng=rng), Twin(**options, rng=rng)
    shape = (11, options.get("in_channels", 1), *[options.get("image_size", 8)] * 2)
    assert_like_torch(layer, twin, rng.standard_normal(shape), rng=rng, dtype=dtype)


def test_twins_begin_alike():
    layer, twin = CNN(rng=np.random.default_rng(3)), Twin(rng=np.random.default_rng(3), dtype=torch.float64)
    assert list(layer.state_dict()) == list(twin.state_dict())
    for name, parameter in twin.state_dict().items():
        assert_close(layer.params[name], parameter, name)


def test_weights_begin_he_normal(rng):
    params = CNN(rng=rng).params
    for name, fan_in in {"features.2.weight": 8 * 9, "classifier.0.weight": 16 * 16}.items():
        assert 0.9 < params[name].std() / (2 / fan_in) ** 0.5 < 1.1, name
    assert not params["features.0.bias"].any() and not params["classifier.2.bias"].any()


def test_gradients(rng):
    assert_gradients(CNN(**SMALL, rng=rng), rng.standard_normal((2, 3, 5, 5)), rng=rng)


def test_mutants():
    def inputs(rng):
        return (rng.standard_normal((2, 3, 5, 5)),)

    # what it remembers is a shape only, the same for every input
    check_mutants(
        Case(
            CNN,
            lambda cls, rng: cls(**SMALL, rng=rng),
            inputs,
            ("backward", "forward"),
            harmless=("stale: cache",),
        )
    )


def test_bad_input(rng):
    with pytest.raises(
        ValueError, match=r"Conv2d\(1, 8, .*: expected x of shape \(N, 1, H, W\), got \(5, 64\)"
    ):
        CNN(rng=rng)(np.zeros((5, 64)))
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        CNN(rng=rng).backward(np.zeros((5, 10)))
