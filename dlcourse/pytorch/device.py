"""Which processor PyTorch computes on."""

import os

import torch

AVAILABLE = {
    "cpu": lambda: True,
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
}


def device(name=None):
    """Return the torch.device "cpu", "cuda" or "mps", or with "auto" the first of cuda, mps, cpu at hand.

    Without a name the environment variable DLCOURSE_DEVICE decides; without that, "auto".

    Raises ValueError for another name, RuntimeError if this machine (or build of torch) has no such device.
    """
    name = name or os.environ.get("DLCOURSE_DEVICE") or "auto"
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if AVAILABLE[kind]()))
    if name not in AVAILABLE:
        raise ValueError(f"DLCOURSE_DEVICE: expected auto, cpu, cuda or mps, got {name!r}")
    if not AVAILABLE[name]():
        raise RuntimeError(f"DLCOURSE_DEVICE={name}: torch {torch.__version__} finds none; use auto or cpu")
    return torch.device(name)
