"""Optimisers: one step by hand, fifty steps against torch, resuming, clipping, bad input."""

import math

import numpy as np
import pytest
import torch

from dlcourse import reference as ref
from dlcourse.reference import optim
from tests.parity import DTYPES, assert_close, error

SETTINGS = [
    (ref.SGD, torch.optim.SGD, {"lr": 0.1}),
    (ref.SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    (ref.RMSprop, torch.optim.RMSprop, {}),
    (ref.RMSprop, torch.optim.RMSprop, {"lr": 0.003, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.01}),
    (ref.Adam, torch.optim.Adam, {}),
    (ref.Adam, torch.optim.Adam, {"lr": 0.01, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    (ref.AdamW, torch.optim.AdamW, {}),
    (ref.AdamW, torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
]
KINDS = pytest.mark.parametrize("kind", [ref.SGD, ref.RMSprop, ref.Adam, ref.AdamW])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def single(value, gradient):
    """A model with one parameter, and its gradient."""
    model = ref.Layer(weight=np.array([[value]]))
    model.grads["weight"] = np.array([[gradient]])
    return model


def test_one_step_by_hand():
    for kind, arguments, expected in [
        (ref.SGD, {"lr": 0.5}, 3 - 0.5 * 2),
        (ref.SGD, {"lr": 0.5, "weight_decay": 0.1}, 3 - 0.5 * (2 + 0.3)),
        (ref.RMSprop, {"lr": 0.5, "alpha": 0.75, "eps": 0}, 3 - 0.5 * 2 / math.sqrt(0.25 * 4)),
        (ref.Adam, {"lr": 0.5, "eps": 0}, 3 - 0.5),  # the first step has length lr, whatever the gradient
        (ref.AdamW, {"lr": 0.5, "eps": 0, "weight_decay": 0.1}, 3 * 0.95 - 0.5),
    ]:
        model = single(3.0, 2.0)
        kind(model, **arguments).step()
        assert model.params["weight"][0, 0] == pytest.approx(expected)


def test_momentum_remembers():
    model = single(0.0, 1.0)
    optimiser = ref.SGD(model, lr=1.0, momentum=0.5)
    for expected in (-1, -1 - 1.5, -1 - 1.5 - 1.75):
        optimiser.step()
        assert model.params["weight"] == expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind, twin, arguments", SETTINGS)
def test_torch(kind, twin, arguments, dtype, rng):
    model = ref.Linear(5, 3, rng=rng, dtype=dtype)
    tensors = {name: torch.from_numpy(a.copy()).requires_grad_() for name, a in model.params.items()}
    ours, theirs = kind(model, **arguments), twin(tensors.values(), **arguments)
    for _ in range(50):
        for name, tensor in tensors.items():
            model.grads[name] = rng.standard_normal(tensor.shape).astype(dtype)
            tensor.grad = torch.from_numpy(model.grads[name].copy())
        ours.step()
        theirs.step()
    for name, tensor in tensors.items():
        assert_close(model.params[name], tensor, name)


def test_more_than_one_block(rng, monkeypatch):
    whole, parts = ref.Linear(5, 3, rng=rng), ref.Linear(5, 3, rng=rng)
    parts.load_state_dict(whole.state_dict())
    for model, block in ((whole, 2**16), (parts, 4)):
        model.grads.update({name: a + 1 for name, a in model.params.items()})
        monkeypatch.setattr(optim, "BLOCK", block)
        ref.Adam(model).step()
    assert all((whole.params[name] == a).all() for name, a in parts.params.items())


@KINDS
def test_decay_of_matrices_only(kind, rng):
    model = ref.Linear(5, 3, rng=rng)
    model.grads.update({name: np.zeros_like(a) for name, a in model.params.items()})
    before = model.state_dict()
    kind(model, lr=1e-4, weight_decay=0.1, matrices_only=True).step()
    assert (model.params["bias"] == before["bias"]).all()
    assert (np.abs(model.params["weight"]) < np.abs(before["weight"])).all()


@KINDS
def test_the_gradient_is_left_alone(kind, rng):
    model = ref.Linear(5, 3, rng=rng)
    model.grads.update({name: rng.standard_normal(a.shape) for name, a in model.params.items()})
    before = {name: grad.copy() for name, grad in model.grads.items()}
    kind(model, weight_decay=0.1).step()
    assert all((model.grads[name] == grad).all() for name, grad in before.items())


@pytest.mark.parametrize("kind, _, arguments", SETTINGS)
def test_resumes_to_the_last_bit(kind, _, arguments, rng):
    gradients = rng.standard_normal((6, 3, 5))
    straight, stopped = (ref.Linear(5, 3, bias=False, rng=np.random.default_rng(1)) for _ in range(2))
    first, second = kind(straight, **arguments), kind(stopped, **arguments)
    for i, gradient in enumerate(gradients):
        straight.grads["weight"] = stopped.grads["weight"] = gradient
        first.step()
        if i == 3:
            state = second.state_dict()
            second = kind(stopped, **(arguments | {"lr": 123}))
            second.load_state_dict(state)
        second.step()
    assert (straight.params["weight"] == stopped.params["weight"]).all()


@KINDS
def test_a_gradient_of_another_shape_is_refused_and_no_step_counted(kind, rng):
    model = ref.Linear(5, 3, rng=rng)
    before, optimiser = model.state_dict(), kind(model)
    model.grads.update({"weight": np.ones((3, 5)), "bias": np.ones(1)})  # NumPy would stretch it
    words = r"expected the gradient of bias in shape \(3,\), got \(1,\)"
    with pytest.raises(ValueError, match=f"{kind.__name__}: {words}"):
        optimiser.step()
    assert optimiser.steps == 0 and all((model.params[name] == a).all() for name, a in before.items())


def test_states_of_others_are_refused(rng):
    state = ref.Adam(ref.Linear(5, 3, rng=rng)).state_dict()
    with pytest.raises(ValueError) as raised:
        ref.RMSprop(ref.Linear(4, 3, rng=rng)).load_state_dict(state)
    owner, problems = str(raised.value).split(" does not fit: ")
    assert owner.startswith("RMSprop: expected state ")
    assert problems.startswith("square.weight: expected shape (3, 4), got (3, 5); unexpected mean.bias")


def test_clipping(rng):
    model, twin = (
        ref.MLP((5, 3, 2), rng=rng),
        torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.Linear(3, 2)),
    )
    model(rng.standard_normal((7, 5)))
    model.backward(10 * rng.standard_normal((7, 2)))
    for (_, grad), parameter in zip(model.grads.items(), twin.double().parameters()):
        parameter.grad = torch.from_numpy(grad.copy())
    norm = ref.clip_grad_norm(model, 1e6)
    for limit in (1e6, 1.5 * norm, 1.0, 0.25):
        wanted = torch.nn.utils.clip_grad_norm_(twin.parameters(), limit)
        assert ref.clip_grad_norm(model, limit) == pytest.approx(wanted.item(), rel=1e-12)
        for grad, parameter in zip(model.grads.values(), twin.parameters()):
            assert error(grad, parameter.grad) < 1e-12
    model.grads["2.bias"][0] = np.nan
    with pytest.raises(ValueError, match="the gradient of 2.bias is not finite"):
        ref.clip_grad_norm(model, 1.0)


@KINDS
def test_bad_input(kind, rng):
    model = ref.Linear(5, 3, rng=rng)
    with pytest.raises(RuntimeError, match=f"{kind.__name__}: no gradient for weight: call backward first"):
        kind(model).step()
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected a finite lr ≥ 0, got -1"):
        kind(model, lr=-1)


@pytest.mark.parametrize("kind", [ref.Adam, ref.AdamW])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("beta", [-0.1, 1, 1.5])
def test_a_mean_that_would_not_forget_is_refused(kind, place, beta, rng):
    betas = [0.9, 0.999]
    betas[place] = beta
    words = rf"{kind.__name__}: expected 0 ≤ betas\[{place}\] < 1, got {beta}"
    with pytest.raises(ValueError, match=words):
        kind(ref.Linear(5, 3, rng=rng), betas=betas)


def test_a_norm_below_zero_is_refused(rng):
    model = ref.Linear(5, 3, rng=rng)
    with pytest.raises(ValueError, match="clip_grad_norm: expected a finite max_norm ≥ 0, got -1"):
        ref.clip_grad_norm(model, -1)
