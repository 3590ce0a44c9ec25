"""Generator and discriminator: against torch and differences, and the gradient penalty."""

import numpy as np
import pytest
import torch

from dlcourse.pytorch import gan as twins
from dlcourse.reference import gan
from dlcourse.reference.gradcheck import assert_gradients, numerical_gradient
from tests.parity import DTYPES, assert_close, assert_like_torch, error


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", [(7,), (5, 3)])
@pytest.mark.parametrize("name", ["Generator", "Discriminator"])
def test_torch(rng, name, hidden, dtype):
    player = getattr(gan, name)(3, hidden, rng=np.random.default_rng(1))
    twin = getattr(twins, name)(3, hidden, rng=np.random.default_rng(1), dtype=torch.float64)
    for key, parameter in twin.state_dict().items():
        assert_close(player.params[key], parameter, key)  # twins begin alike
    assert_like_torch(player, twin, rng.standard_normal((11, 3)), rng=rng, dtype=dtype)


def test_gradients(rng):
    assert_gradients(gan.Generator(3, (5, 4), rng=rng), rng.standard_normal((7, 3)), rng=rng)
    assert_gradients(gan.Discriminator(3, (5, 4), 0.2, rng=rng), rng.standard_normal((7, 3)), rng=rng)


def test_penalty_by_hand(rng):
    player = gan.Discriminator(2, (1,), 0.5, rng=rng)
    state = {"0.weight": [[3.0, 4.0]], "0.bias": [0.0], "2.weight": [[2.0]], "2.bias": [0.0]}
    player.load_state_dict({name: np.array(a) for name, a in state.items()})
    # the slope of y is 2 * (3, 4) where 3 x1 + 4 x2 > 0, half of it elsewhere: squared norms 100 and 25
    value, grads = gan.r1_penalty(player, np.array([[1.0, 0], [-1.0, 0]]), 0.3)
    assert value == pytest.approx(0.15 * (100 + 25) / 2)
    assert_close(grads["2.weight"], [[2 * value / 2]])  # the penalty is quadratic in each matrix


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", [(7,), (5, 3), (4, 3, 5)])
def test_penalty_like_torch_and_differences(rng, hidden, dtype):
    player = gan.Discriminator(2, hidden, 0.2, rng=rng, dtype=dtype)
    kind = torch.float64 if dtype is np.float64 else torch.float32
    twin = twins.Discriminator(2, hidden, 0.2, rng=rng, dtype=kind)
    twin.load_state_dict({name: torch.from_numpy(a) for name, a in player.state_dict().items()})
    x = rng.standard_normal((11, 2)).astype(dtype)
    value, grads = gan.r1_penalty(player, x, 0.3)
    wanted = twins.r1_penalty(twin, torch.from_numpy(x), 0.3)
    wanted.backward()
    assert value == pytest.approx(wanted.item(), rel=1e-6)
    for name, parameter in twin.named_parameters():
        if "weight" in name:
            assert_close(grads[name], parameter.grad, name)
        else:
            assert name not in grads and (parameter.grad is None or not parameter.grad.any())
    if dtype is np.float64:
        for name, gradient in grads.items():
            numerical = numerical_gradient(lambda: gan.r1_penalty(player, x, 0.3)[0], player.params[name])
            assert error(gradient, numerical) < 1e-6, name
