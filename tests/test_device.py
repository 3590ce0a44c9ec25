"""The choice of a device, and its refusals."""

import pytest
import torch

from dlcourse.pytorch import device
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
