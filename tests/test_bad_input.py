"""Every layer and model refuses the same mistakes, each in words that say who refused what.

One row for each public class of dlcourse.reference that has a forward pass; what only one class can get
wrong stands in its own test file, what files and downloads can suffer in test_checkpoint, test_readers and
test_download.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dlcourse import reference as ref
from dlcourse.training import accuracy

RNG = np.random.default_rng(0)
IDS, MORE = np.zeros((2, 3), int), np.zeros((2, 4), int)


def floats(*shape):
    return np.random.default_rng(1).standard_normal(shape)


@dataclass(frozen=True)
class Row:
    make: Any
    good: tuple
    wrong_rank: tuple | None = None  # None: every rank will do
    wrong_size: tuple | None = None  # of channels, features or classes
    empty: tuple | None = None  # a sequence without a step


ANY = (floats(2, 3),)
TOKENS = {"good": (IDS,), "wrong_rank": (IDS[0],), "wrong_size": (IDS + 5,), "empty": (IDS[:, :0],)}
STEPS = {"good": (floats(2, 4, 3),), "wrong_rank": (floats(4, 3),), "wrong_size": (floats(2, 4, 5),)}
STEPS |= {"empty": (floats(2, 0, 3),)}
IMAGES = {
    "good": (floats(2, 3, 6, 6),),
    "wrong_rank": (floats(3, 6, 6),),
    "wrong_size": (floats(2, 4, 6, 6),),
}
ROWS = {
    **{name: Row(getattr(ref, name), ANY) for name in ("ReLU", "LeakyReLU", "Sigmoid", "Tanh", "Softplus")},
    **{name: Row(getattr(ref, name), ANY) for name in ("GELU", "Softmax", "LogSoftmax")},
    "Dropout": Row(lambda: ref.Dropout(0.5, rng=RNG), ANY),
    "Linear": Row(lambda: ref.Linear(3, 2, rng=RNG), ANY, (floats(),), (floats(2, 4),)),
    "Sequential": Row(lambda: ref.Sequential(ref.Linear(3, 2, rng=RNG)), ANY, (floats(),), (floats(2, 4),)),
    "MLP": Row(lambda: ref.MLP((3, 2), rng=RNG), ANY, (floats(),), (floats(2, 4),)),
    "Generator": Row(lambda: ref.Generator(3, rng=RNG), ANY, (floats(),), (floats(2, 4),)),
    "Discriminator": Row(lambda: ref.Discriminator(3, rng=RNG), ANY, (floats(),), (floats(2, 4),)),
    "LayerNorm": Row(lambda: ref.LayerNorm(3), ANY, (floats(),), (floats(2, 4),)),
    "BatchNorm1d": Row(lambda: ref.BatchNorm1d(3), ANY, (floats(3),), (floats(2, 4),)),
    "BatchNorm2d": Row(lambda: ref.BatchNorm2d(3), **IMAGES),
    "Conv2d": Row(lambda: ref.Conv2d(3, 2, 3, rng=RNG), **IMAGES),
    "Conv1d": Row(
        lambda: ref.Conv1d(3, 2, 3, rng=RNG), (floats(2, 3, 6),), (floats(3, 6),), (floats(2, 4, 6),)
    ),
    "MaxPool2d": Row(lambda: ref.MaxPool2d(2), IMAGES["good"], IMAGES["wrong_rank"]),
    "AvgPool2d": Row(lambda: ref.AvgPool2d(2), IMAGES["good"], IMAGES["wrong_rank"]),
    "CNN": Row(lambda: ref.CNN(3, 6, rng=RNG), **IMAGES),
    **{name: Row(lambda n=name: getattr(ref, n)(3, 5, rng=RNG), **STEPS) for name in ("RNN", "LSTM", "GRU")},
    "MultiheadAttention": Row(lambda: ref.MultiheadAttention(3, 1, rng=RNG), **STEPS),
    "SinusoidalPositions": Row(lambda: ref.SinusoidalPositions(3), **STEPS | {"empty": None}),
    "LearnedPositions": Row(lambda: ref.LearnedPositions(4, 3, rng=RNG), **STEPS | {"empty": None}),
    "Embedding": Row(lambda: ref.Embedding(5, 2, rng=RNG), (IDS,), wrong_size=(IDS + 5,)),
    "TransformerClassifier": Row(lambda: ref.TransformerClassifier(5, 3, 4, 2, 8, rng=RNG), **TOKENS),
    "CausalLM": Row(lambda: ref.CausalLM(5, 4, 4, 2, 8, 1, rng=RNG), **TOKENS),
    "Seq2Seq": Row(
        lambda: ref.Seq2Seq(5, 6, 3, 4, rng=RNG),
        (IDS, MORE),
        (IDS[0], MORE),
        (IDS, MORE + 6),
        (IDS[:, :0], MORE),
    ),
    "Transformer": Row(
        lambda: ref.Transformer(5, 6, 4, 2, 8, rng=RNG),
        (IDS, MORE),
        (IDS, MORE[0]),
        (IDS + 5, MORE),
        (IDS, MORE[:, :0]),
    ),
}
ALL = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
OTHERS = {"Layer", "Perceptron", "SGD", "Adam", "AdamW", "RMSprop"}  # no forward, or no backward: own tests


def refused(kind, call, *words):
    """The call raises `kind`, with the name of a class and all the words in the message."""
    with pytest.raises(kind) as raised:
        call()
    message = str(raised.value)
    assert message.partition("(")[0].partition(":")[0] in [*dir(ref), "scaled_dot_product_attention"], message
    assert all(word in message for word in words), message


def test_every_layer_has_a_row():
    layers = {n for n in ref.__all__ if isinstance(getattr(ref, n), type) and not n.endswith("Loss")}
    assert layers - OTHERS == set(ROWS)


@ALL
def test_wrong_rank(row):
    if row.wrong_rank:
        refused(ValueError, lambda: row.make()(*row.wrong_rank), "expected ", "got")


@ALL
def test_wrong_number_of_channels_features_or_classes(row):
    if row.wrong_size:
        refused(ValueError, lambda: row.make()(*row.wrong_size), "expected ", "got")


@ALL
def test_other_kind_of_number(row):
    other = [a.astype(int) if a.dtype.kind == "f" else a.astype(float) for a in row.good]
    kind = "a floating-point" if row.good[0].dtype.kind == "f" else "an integer"
    refused(TypeError, lambda: row.make()(*other), f"of {kind} dtype, got")


@ALL
def test_sequence_without_a_step(row):
    if row.empty:
        refused(ValueError, lambda: row.make()(*row.empty), "at least one step")


@ALL
def test_backward_before_forward(row):
    refused(RuntimeError, lambda: row.make().backward(floats(2, 3)), "backward needs a forward pass first")


@ALL
def test_upstream_gradient_of_another_shape(row):
    layer = row.make()
    y = layer(*row.good)
    y = y[0] if isinstance(y, tuple) else y
    name = "dy" if isinstance(layer, ref.RNN | ref.LSTM | ref.GRU) else "dout"
    for wrong in (y[:1], y[..., :-1], floats(*y.shape, 2)):
        refused(ValueError, lambda dout=wrong: layer.backward(dout), f"expected {name} of shape", "got")
    refused(TypeError, lambda: layer.backward(np.ones(y.shape, int)), "floating-point dtype, got int64")


@ALL
def test_state_of_another_model(row):
    layer = row.make()
    before = layer.state_dict()
    state = {name: np.zeros((*array.shape, 2)) for name, array in before.items()} | {"other": np.zeros(1)}
    mismatches = [f"{name}: expected shape {array.shape}, got" for name, array in before.items()]
    refused(ValueError, lambda: layer.load_state_dict(state), "unexpected other", *mismatches)
    if before:
        refused(ValueError, lambda: layer.load_state_dict({}), *(f"missing {name}" for name in before))
    assert all((array == before[name]).all() for name, array in layer.state_dict().items())


@pytest.mark.parametrize(
    "make, inputs",
    [
        (ROWS["Seq2Seq"].make, (IDS, MORE[:1])),
        (ROWS["Transformer"].make, (IDS, MORE[:1])),
        (ROWS["MultiheadAttention"].make, (floats(2, 4, 3), floats(1, 4, 3))),
        (lambda: ref.scaled_dot_product_attention, (floats(2, 4, 3), floats(2, 5, 3), floats(2, 4, 3))),
        (lambda: ref.scaled_dot_product_attention, (floats(2, 4, 3), floats(2, 0, 3), floats(2, 0, 3))),
    ],
)
def test_inputs_that_do_not_fit_each_other(make, inputs):
    refused(ValueError, lambda: make()(*inputs), "expected ", "got")


def test_rows_that_are_masked_whole():
    padding = np.array([[False] * 3, [True] * 3])
    for name in ("TransformerClassifier", "Transformer"):
        model, inputs = ROWS[name].make(), ROWS[name].good
        refused(
            ValueError,
            lambda m=model, i=inputs: m(*i, padding),
            "every key is masked for the query at index (1,",
        )
    refused(ValueError, lambda: ROWS["Seq2Seq"].make()(IDS, MORE, np.array([3, 0])), "lengths", "from 1 to 3")
    refused(
        ValueError,
        lambda: ref.CrossEntropyLoss()(floats(2, 3), np.full(2, -100)),
        "every target is ignore_index",
    )


def test_accuracy_of_shapes_that_do_not_fit():
    for scores, labels in (
        (floats(4, 3), np.zeros((4, 1))),
        (floats(4, 3), np.zeros(3)),
        (floats(4), np.zeros(4)),
    ):
        with pytest.raises(
            ValueError, match=r"accuracy: expected scores of shape \(N, C\) and labels of shape"
        ):
            accuracy(scores, labels)
