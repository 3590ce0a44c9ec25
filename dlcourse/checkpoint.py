"""Save and load models and whole training states, as safetensors: arrays by name, and notes beside them.

The format is the same for NumPy, PyTorch, tch and candle, and holds nothing that could be executed.
A file appears complete or not at all. Chapters: 11_mlp_project, 25_deploy.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as encode

DIGEST = "sha256"


def save(path, arrays, **notes):
    """Write arrays (or CPU tensors) by name to `path`, and notes (anything that JSON knows) beside them.

    Raises OSError, leaving an earlier file as it was, if the disk is full or the folder cannot be written.
    """
    arrays = {name: np.array(array, order="C") for name, array in arrays.items()}
    notes = {name: json.dumps(note) for name, note in notes.items()}
    data = encode(arrays, notes | {DIGEST: _digest(arrays)})
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # a full disk or an interrupt: nothing half-written stays behind
        Path(temporary).unlink(missing_ok=True)
        raise


def _digest(arrays):
    """SHA-256 of all names and numbers."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def load(path):
    """Return (arrays, notes) as `save` took them; ValueError for a damaged file or another format.

    Files that other programs wrote carry no digest, so that only damage to their structure shows.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"checkpoint: no file {path}")
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
            notes = dict(file.metadata() or {})
        if notes.pop(DIGEST, None) not in (None, _digest(arrays)):
            raise ValueError("the arrays do not match their digest")
        notes = {name: json.loads(note) for name, note in notes.items()}
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"checkpoint: {path} is truncated or corrupted: {error}") from error
    return arrays, notes


def save_training(path, model, optimiser, *, rng, epoch, history=None):
    """Write all that the next epoch depends on: model, optimiser, generators, the number of the next epoch.

    model, optimiser  of dlcourse.reference, or of torch
    rng               the generator that shuffles; those of dropout layers are found in the model
    history           numbers so far, by name
    """
    arrays = {f"model.{name}": array for name, array in model.state_dict().items()}
    if _is_torch(optimiser):
        import torch

        state = optimiser.state_dict()
        for index, moments in state["state"].items():
            arrays |= {f"optimiser.{index}.{name}": moment for name, moment in moments.items()}
        arrays["generator"] = torch.get_rng_state()
        groups = state["param_groups"]
    else:
        arrays |= {f"optimiser.{name}": array for name, array in optimiser.state_dict().items()}
        groups = None
    states = [generator.bit_generator.state for generator in _generators(model, rng)]
    arrays = {name: _array(array) for name, array in arrays.items()}
    save(path, arrays, epoch=epoch, generators=states, groups=groups, history=dict(history or {}))


def resume(path, model, optimiser, *, rng):
    """Restore what `save_training` wrote, in place; return (epoch, history) as they were.

    Raises ValueError if the file is damaged or belongs to another model or optimiser.
    """
    arrays, notes = load(path)
    parts = {"model": {}, "optimiser": {}}
    for name, array in arrays.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = array
    generators = _generators(model, rng)
    if len(generators) != len(notes.get("generators", ())):
        raise ValueError(f"checkpoint: {path} holds no training state of this model")
    if _is_torch(optimiser):
        _resume_torch(model, optimiser, parts, notes["groups"])
    else:
        model.load_state_dict(parts["model"])
        optimiser.load_state_dict(parts["optimiser"])
    for generator, state in zip(generators, notes["generators"]):
        generator.bit_generator.state = state
    return notes["epoch"], notes["history"]


def _resume_torch(model, optimiser, parts, groups):
    import torch

    model.load_state_dict({name: torch.from_numpy(array) for name, array in parts["model"].items()})
    moments = {}
    for name, array in parts["optimiser"].items():
        index, _, moment = name.partition(".")
        moments.setdefault(int(index), {})[moment] = torch.from_numpy(array)
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
    torch.set_rng_state(torch.from_numpy(parts["generator"][""]))


def _is_torch(optimiser):
    return hasattr(optimiser, "param_groups")


def _array(value):
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _generators(model, rng):
    """The shuffling generator and those inside the layers, each once, in a fixed order."""
    found, waiting = [rng], [model] if hasattr(model, "cache") else []  # torch's layers hold none
    while waiting:
        layer = waiting.pop()
        own = getattr(layer, "rng", None)
        if own is not None and not any(own is generator for generator in found):
            found.append(own)
        waiting += layer.children().values()
    return found
