"""The choice of a device, its refusals, and half precision."""

import numpy as np
import pytest
import torch

from dlcourse.pytorch import MLP, autocast, device
from dlcourse.pytorch.device import AVAILABLE


@pytest.fixture(autouse=True)
def nothing_but_cpu(monkeypatch):
    monkeypatch.delenv("DLCOURSE_DEVICE", raising=False)
    for kind in ("cuda", "mps"):
        monkeypatch.setitem(AVAILABLE, kind, lambda: False)


def test_auto_takes_the_fastest(monkeypatch):
    assert device() == torch.device("cpu")
    monkeypatch.setitem(AVAILABLE, "mps", lambda: True)
    assert device() == device("auto") == torch.device("mps")
    monkeypatch.setitem(AVAILABLE, "cuda", lambda: True)
    assert device() == torch.device("cuda")
    assert device("cpu") == torch.device("cpu")


def test_environment_decides(monkeypatch):
    monkeypatch.setitem(AVAILABLE, "cuda", lambda: True)
    monkeypatch.setenv("DLCOURSE_DEVICE", "cpu")
    assert device() == torch.device("cpu")


def test_refusals(monkeypatch):
    monkeypatch.setenv("DLCOURSE_DEVICE", "gpu")
    with pytest.raises(ValueError, match="DLCOURSE_DEVICE: expected auto, cpu, cuda or mps, got 'gpu'"):
        device()
    monkeypatch.setenv("DLCOURSE_DEVICE", "cuda")
    with pytest.raises(RuntimeError, match="DLCOURSE_DEVICE=cuda: torch .* finds none; use auto or cpu"):
        device()


def loss_and_gradients(half):
    """One step of a small network from the same weights; also the type of its output."""
    rng = np.random.default_rng(0)
    model = MLP((20, 50, 3), "tanh", rng=rng)  # no kink to fall to the other side of
    x, t = (
        torch.from_numpy(rng.standard_normal((64, 20), dtype=np.float32)),
        torch.from_numpy(rng.integers(0, 3, 64)),
    )
    with autocast(device("cpu"), enabled=half):
        y = model(x)
        loss = torch.nn.functional.cross_entropy(y, t)
    loss.backward()
    return y.dtype, loss.item(), {name: p.grad for name, p in model.named_parameters()}


def test_autocast_on_the_cpu():
    exact, loss, gradients = loss_and_gradients(half=False)
    rough, rough_loss, rough_gradients = loss_and_gradients(half=True)
    assert exact == torch.float32 and rough == torch.bfloat16
    assert 0 < abs(rough_loss - loss) < 0.01 * loss
    for name, gradient in rough_gradients.items():
        assert gradient.dtype == torch.float32  # weights and their gradients keep their precision
        assert 0 < (gradient - gradients[name]).norm() < 0.02 * gradients[name].norm()


def test_training_in_half_precision():
    rng = np.random.default_rng(0)
    model, x = MLP((5, 20, 3), rng=rng), rng.standard_normal((200, 5), dtype=np.float32)
    x, t = torch.from_numpy(x), torch.from_numpy((x @ rng.standard_normal((5, 3))).argmax(axis=1))
    optimiser = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(100):
        optimiser.zero_grad()
        with autocast(device("cpu")):
            loss = torch.nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimiser.step()
    assert (model(x).argmax(dim=1) == t).float().mean() > 0.97
