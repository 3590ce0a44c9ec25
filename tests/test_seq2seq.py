"""Encoder and decoder: against torch with every cell, lengths and attention, by differences, and learning."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.pytorch.seq2seq import Seq2Seq as Twin
from dlcourse.reference.gradcheck import assert_gradients
from dlcourse.reference.losses import CrossEntropyLoss
from dlcourse.reference.optim import Adam
from dlcourse.reference.seq2seq import Seq2Seq
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_close, assert_like_torch

CELLS = ["rnn", "lstm", "gru"]
SIZES = 7, 5, 3, 4  # source, target, embedding, hidden


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tokens(rng):
    return rng.integers(0, 7, (3, 6)), rng.integers(0, 5, (3, 4)), np.array([6, 1, 4])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_torch(rng, cell, attention, dtype):
    model = Seq2Seq(*SIZES, cell, attention, rng=np.random.default_rng(1))
    twin = Twin(*SIZES, cell, attention, rng=np.random.default_rng(1), dtype=torch.float64)
    for name, parameter in twin.state_dict().items():
        assert_close(model.params[name], parameter, name)  # twins begin alike
    source, target, lengths = tokens(rng)
    assert_like_torch(model, twin, source, target, rng=rng, dtype=dtype)
    twin.zero_grad()
    assert_like_torch(model, twin, source, target, lengths, rng=rng, dtype=dtype)
    if attention:
        assert_close(model.weights, twin.weights)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(CELLS), st.booleans(), *[st.sampled_from([1, 2, 5])] * 3)
def test_any_size(cell, attention, N, S, T):
    rng = np.random.default_rng(0)
    model, twin = (cls(*SIZES, cell, attention, rng=rng) for cls in (Seq2Seq, Twin))
    source, target = rng.integers(0, 7, (S, N)).T, rng.integers(0, 5, (T, N)).T
    assert_like_torch(model, twin, source, target, rng=rng)


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients(rng, cell, attention):
    assert_gradients(Seq2Seq(*SIZES, cell, attention, rng=rng), *tokens(rng), rng=rng)


def test_mutants():
    def make(cls, rng):
        return cls(*SIZES, "lstm", True, rng=rng), cls(*SIZES, "gru", False, rng=rng)

    check_mutants(Case(Seq2Seq, make, lambda rng: tokens(rng)))


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_greedy_like_torch(rng, cell, attention):
    """Also that writing token by token agrees with being fed the whole answer."""
    model, twin = (cls(*SIZES, cell, attention, rng=rng) for cls in (Seq2Seq, Twin))
    twin.double().load_state_dict({name: torch.from_numpy(a) for name, a in model.state_dict().items()})
    source, _, lengths = tokens(rng)
    written = model.greedy(source, 0, 1, 9, lengths)
    assert (
        written == twin.greedy(*map(torch.from_numpy, (source,)), 0, 1, 9, torch.from_numpy(lengths)).numpy()
    ).all()
    weights = model.weights
    fed = np.concatenate([np.zeros((3, 1), int), written[:, :-1]], axis=1)
    y = model.forward(source, fed, lengths)
    open_ = np.cumsum(fed == 1, axis=1) == 0  # before the row has ended
    assert open_.any()
    assert (y.argmax(axis=-1) == written)[open_].all()
    if attention:
        assert_close(weights, model.weights)


@pytest.mark.parametrize("attention", [False, True])
def test_learns_to_copy(attention):
    """Copy two tokens; 0 is <bos>, 1 is <eos>."""
    rng = np.random.default_rng(0)
    model, loss = Seq2Seq(6, 6, 8, 16, "gru", attention, rng=rng), CrossEntropyLoss()
    optimiser = Adam(model, lr=0.02)
    every = np.stack(np.meshgrid(range(2, 6), range(2, 6)), axis=-1).reshape(-1, 2)
    zeros, ones = np.zeros((16, 1), int), np.ones((16, 1), int)
    answer = np.concatenate([every, ones], axis=1)
    for _ in range(120):
        y = model(every, np.concatenate([zeros, every], axis=1))
        loss.forward(y.reshape(-1, 6), answer.ravel())
        model.backward(loss.backward().reshape(y.shape))
        optimiser.step()
    assert (model.greedy(every, 0, 1, 5) == answer).all()  # and stops as soon as every row has ended


def test_greedy_stops_at_max_length(rng):
    model = Seq2Seq(*SIZES, rng=rng)
    model.output.params["bias"][1] = -100  # never ends
    assert model.greedy(tokens(rng)[0], 0, 1, 8).shape == (3, 8)


def test_bad_input(rng):
    with pytest.raises(ValueError, match=r"Seq2Seq: expected cell in \['gru', 'lstm', 'rnn'\], got 'cnn'"):
        Seq2Seq(*SIZES, "cnn", rng=rng)
    model = Seq2Seq(*SIZES, rng=rng)
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        model.backward(np.zeros((3, 4, 5)))
    with pytest.raises(ValueError, match="expected lengths to be whole numbers from 1 to 6, got"):
        model(*tokens(rng)[:2], np.array([7, 1, 1]))
