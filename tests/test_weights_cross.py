"""Weights cross from NumPy to PyTorch and back, by state_dict and by safetensors, for every model."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dlcourse import checkpoint
from dlcourse import pytorch as pt
from dlcourse import reference as ref
from tests.parity import assert_close

RNG = np.random.default_rng(0)
LENGTHS = np.array([7, 4, 1])
PADDING = np.arange(7) >= LENGTHS[:, None]
SOURCE, TARGET = RNG.integers(0, 11, (3, 7)), RNG.integers(0, 13, (3, 5))
POINTS, IMAGES = RNG.standard_normal((3, 5)), RNG.standard_normal((3, 2, 6, 6))

CLASSIFIER = "TransformerClassifier", (11, 3, 8, 2, 12)
MODELS = [  # name, arguments, options, inputs
    ("Perceptron", (5,), {}, (POINTS,)),
    ("MLP", ((5, 7, 3),), {}, (POINTS,)),
    ("MLP", ((5, 7, 6, 3), "gelu"), {}, (POINTS,)),
    ("CNN", (2, 6, 4, (3, 5), 7), {}, (IMAGES,)),
    ("Generator", (5, (7, 6), 2), {}, (POINTS,)),
    ("Discriminator", (5, (7, 6), 0.2), {}, (POINTS,)),
    *(
        ("Seq2Seq", (11, 13, 4, 6), {"cell": cell, "attention": attention}, (SOURCE, TARGET, LENGTHS))
        for cell in ("rnn", "gru", "lstm")
        for attention in (False, True)
    ),
    *(
        (*CLASSIFIER, {"pooling": pooling, "positions": positions, "num_layers": 2}, (SOURCE, PADDING))
        for pooling in ("mean", "first")
        for positions in ("sinusoidal", "learned")
    ),
    (*CLASSIFIER, {"pooling": None, "causal": True}, (SOURCE,)),
    ("CausalLM", (11, 9, 8, 2, 12, 2), {}, (SOURCE,)),
    ("Transformer", (11, 13, 8, 2, 12, 2), {}, (SOURCE, TARGET, PADDING)),
]


def name(case):
    return "-".join([case[0], *(str(value) for value in case[2].values())])


def build(module, case, seed, dtype):
    model_name, arguments, options, _ = case
    return getattr(module, model_name)(*arguments, **options, rng=np.random.default_rng(seed), dtype=dtype)


@torch.no_grad()
def output(model, inputs):
    tensors = isinstance(model, torch.nn.Module)
    return model.eval()(*(torch.from_numpy(a) if tensors else a for a in inputs))


def by_state_dict(source, target, _):
    state = source.state_dict()
    if isinstance(target, torch.nn.Module):
        state = {key: torch.from_numpy(array) for key, array in state.items()}
    target.load_state_dict(state)


def by_safetensors(source, target, path):
    """Each side reads and writes with its own library: ours, and the one that torch's users take."""
    if isinstance(target, torch.nn.Module):
        checkpoint.save(path, source.state_dict())
        target.load_state_dict(load_file(path))
    else:
        save_file({key: tensor.contiguous() for key, tensor in source.state_dict().items()}, path)
        target.load_state_dict(checkpoint.load(path)[0])


@pytest.mark.parametrize("carry", [by_state_dict, by_safetensors])
@pytest.mark.parametrize(
    "dtypes", [(np.float64, torch.float64), (np.float32, torch.float32)], ids=["64", "32"]
)
@pytest.mark.parametrize("case", MODELS, ids=name)
def test_there_and_back(case, dtypes, carry, tmp_path):
    inputs = [a.astype(dtypes[0]) if a.dtype.kind == "f" else a for a in case[3]]
    first, back = build(ref, case, 1, dtypes[0]), build(ref, case, 3, dtypes[0])
    twin = build(pt, case, 2, dtypes[1])
    assert list(first.state_dict()) == list(twin.state_dict())  # the same names, in the same order
    y = output(first, inputs)
    carry(first, twin, tmp_path / "weights.safetensors")
    assert_close(output(twin, inputs), y)
    carry(twin, back, tmp_path / "back.safetensors")
    for key, array in first.state_dict().items():
        assert back.state_dict()[key].dtype == array.dtype and (back.state_dict()[key] == array).all(), key
    assert (output(back, inputs) == y).all()


def test_no_model_is_forgotten():
    both = set(ref.__all__) & set(pt.__all__)
    assert {case[0] for case in MODELS} == both and len(both) == 9
