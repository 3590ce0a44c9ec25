"""Which processor PyTorch computes on, and how precisely."""

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


def autocast(where, enabled=True):
    """Return a context in which products are computed in bfloat16: half the memory, on many devices faster.

        with autocast(where, enabled=half):
            loss = loss_fn(model(x), y)
        loss.backward()  # outside; gradients and weights stay float32

    where  a torch.device, as from `device()`

    bfloat16 keeps float32's range and about three decimal digits, so that small gradients do not vanish and
    need no scaling. Sums that need more, such as a softmax or a loss, torch computes in float32 all the same.
    Chapter: 24_scale.
    """
    return torch.autocast(where.type, torch.bfloat16, enabled=enabled)
