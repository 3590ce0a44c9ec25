"""Checkpoints: what goes in comes out, damage is named, and a failed write leaves the old file alone."""

import errno
import os

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dlcourse import checkpoint
from dlcourse import pytorch as pt
from dlcourse import reference as ref


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_round_trip(path, rng):
    arrays = {
        "a.weight": rng.standard_normal((3, 5)).astype(np.float32),
        "fortran": np.asfortranarray(rng.standard_normal((3, 5))),
        "count": np.array(7),
        "empty": np.zeros((0, 3)),
    }
    checkpoint.save(path, arrays, sizes=[3, 5], chapter="11")
    loaded, notes = checkpoint.load(path)
    assert notes == {"sizes": [3, 5], "chapter": "11"}
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype and loaded[name].shape == array.shape
        assert (loaded[name] == array).all()


def test_numpy_to_torch_and_back(path, rng):
    model, x = ref.MLP((5, 7, 2), rng=rng, dtype=np.float32), rng.standard_normal((3, 5)).astype(np.float32)
    checkpoint.save(path, model.state_dict())
    twin = pt.MLP((5, 7, 2), rng=rng)
    twin.load_state_dict(load_file(path))
    assert np.abs(twin(torch.from_numpy(x)).detach().numpy() - model(x)).max() < 1e-6
    save_file(twin.state_dict(), path)
    back = ref.MLP((5, 7, 2), rng=rng)
    back.load_state_dict(checkpoint.load(path)[0])
    assert (back(x) == model(x)).all()


def test_every_truncation_is_named(path):
    checkpoint.save(path, {"weight": np.arange(12.0)}, note=1)
    whole = path.read_bytes()
    for length in (0, 4, 8, 30, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"model.safetensors is truncated or corrupted"):
            checkpoint.load(path)


def test_one_flipped_bit_is_noticed(path):
    checkpoint.save(path, {"weight": np.arange(12.0)})
    damaged = bytearray(path.read_bytes())
    damaged[-20] ^= 1  # a digit of a weight: the structure stays sound
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match="truncated or corrupted: the arrays do not match their digest"):
        checkpoint.load(path)


def test_other_files_are_refused(path, tmp_path):
    path.write_bytes(b"not a checkpoint at all, but text" * 9)
    with pytest.raises(ValueError, match="truncated or corrupted"):
        checkpoint.load(path)
    with pytest.raises(FileNotFoundError, match="checkpoint: no file .*nowhere"):
        checkpoint.load(tmp_path / "nowhere")


def test_a_full_disk_leaves_the_old_file(path, tmp_path, monkeypatch):
    checkpoint.save(path, {"weight": np.ones(3)})

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(path, {"weight": np.zeros(3)})
    assert (checkpoint.load(path)[0]["weight"] == 1).all()
    assert list(tmp_path.iterdir()) == [path]  # nothing half-written beside it


def test_an_interrupt_leaves_the_old_file(path, tmp_path, monkeypatch):
    checkpoint.save(path, {"weight": np.ones(3)})

    def interrupted(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(path, {"weight": np.zeros(3)})
    assert (checkpoint.load(path)[0]["weight"] == 1).all()
    assert list(tmp_path.iterdir()) == [path]


def test_resuming_another_model_is_refused(path, rng):
    model = ref.Linear(5, 3, rng=rng)
    checkpoint.save_training(path, model, ref.SGD(model), rng=rng, epoch=1)
    other = ref.Linear(5, 4, rng=rng)
    with pytest.raises(ValueError, match=r"Linear\(5, 4\): .* does not fit: bias: expected shape \(4,\)"):
        checkpoint.resume(path, other, ref.SGD(other), rng=rng)
    checkpoint.save(path, model.state_dict())
    with pytest.raises(ValueError, match="holds no training state of this model"):
        checkpoint.resume(path, model, ref.SGD(model), rng=rng)


def test_one_changed_note_is_noticed(path):
    checkpoint.save(path, {"weight": np.ones(3)}, epoch=3)
    path.write_bytes(path.read_bytes().replace(b'"epoch":"3"', b'"epoch":"7"'))
    with pytest.raises(ValueError, match="the arrays do not match their digest"):
        checkpoint.load(path)


def test_the_order_of_bytes_is_this_machines(path):
    checkpoint.save(path, {"weight": np.arange(3, dtype=">f4")})
    assert checkpoint.load(path)[0]["weight"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([None]), np.ones(2, complex), np.ones(2, "g")])
def test_what_the_format_cannot_hold_is_refused(path, array):
    with pytest.raises(TypeError, match="checkpoint: expected numbers of at most 8 bytes for 'a', got"):
        checkpoint.save(path, {"a": array})
    assert not path.exists()


def test_notes_that_json_cannot_hold_are_refused(path):
    with pytest.raises(TypeError, match="checkpoint: expected a note 'a' that JSON knows, got <object"):
        checkpoint.save(path, {}, a=object())
    with pytest.raises(TypeError, match="expected another name for a note, got 'sha256'"):
        checkpoint.save(path, {}, sha256="mine")


def test_a_refused_training_state_changes_neither_model_nor_generators(path, rng):
    model = ref.Sequential(ref.Linear(5, 3, rng=rng), ref.Dropout(0.5, rng=rng))
    checkpoint.save_training(path, model, ref.SGD(model, momentum=0.9), rng=rng, epoch=1)
    other = ref.Sequential(ref.Linear(5, 3, rng=rng), ref.Dropout(0.5, rng=rng))
    before, state = other.state_dict(), rng.bit_generator.state
    with pytest.raises(ValueError, match="does not fit: Adam: .* does not fit: missing mean.0.bias"):
        checkpoint.resume(path, other, ref.Adam(other), rng=rng)
    assert all((array == before[name]).all() for name, array in other.state_dict().items())
    assert rng.bit_generator.state == state
