"""Save and load models and whole training states, as safetensors: arrays by name, and notes beside them.

The format is the same for NumPy, PyTorch, tch and candle, and holds nothing that could be executed.
A file appears complete or not at all. Chapters: 11_mlp_project, 25_deploy.
"""

import copy
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

    Raises OSError, leaving an earlier file as it was, if the disk is full or the folder cannot be written;
    TypeError for what is no array of numbers, and for a note that JSON does not know.
    """
    arrays = {name: _native(name, array) for name, array in arrays.items()}
    notes = {name: _text(name, note) for name, note in notes.items()}
    data = encode(arrays, notes | {DIGEST: _digest(arrays, notes)})
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


def _native(name, array):
    """The array row by row, in this machine's order of bytes; TypeError for what is no number of 8 bytes."""
    array = np.asarray(array)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(f"checkpoint: expected numbers of at most 8 bytes for {name!r}, got {array.dtype}")
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def _text(name, note):
    if name == DIGEST:
        raise TypeError(f"checkpoint: expected another name for a note, got {name!r}: it is the file's own")
    try:
        return json.dumps(note)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"checkpoint: expected a note {name!r} that JSON knows, got {note!r:.40}") from error


def _digest(arrays, notes):
    """SHA-256 of all names, numbers and notes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}\n".encode())
        digest.update(arrays[name].tobytes())
    digest.update(json.dumps(notes, sort_keys=True).encode())
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
        if notes.pop(DIGEST, None) not in (None, _digest(arrays, notes)):
            raise ValueError("the arrays do not match their digest")  # nor, perhaps, the notes
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

    Raises ValueError, with model and generators as they were, if the file is damaged or belongs to another
    model or optimiser.
    """
    arrays, notes = load(path)
    parts = {"model": {}, "optimiser": {}}
    for name, array in arrays.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = array
    generators = _generators(model, rng)
    states = notes.get("generators")
    if not isinstance(states, list) or len(generators) != len(states):
        raise ValueError(f"checkpoint: {path} holds no training state of this model")
    before = copy.deepcopy((model.state_dict(), [g.bit_generator.state for g in generators]))
    try:
        for generator, state in zip(generators, states):
            generator.bit_generator.state = state
        if _is_torch(optimiser):
            _resume_torch(model, optimiser, parts, notes["groups"])
        else:
            model.load_state_dict(parts["model"])
            optimiser.load_state_dict(parts["optimiser"])
        return int(notes["epoch"]), dict(notes["history"])
    except Exception as error:  # the notes of another program may hold anything
        model.load_state_dict(before[0])
        for generator, state in zip(generators, before[1]):
            generator.bit_generator.state = state
        raise ValueError(f"checkpoint: {path} does not fit: {error}") from error


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
