"""RNN, LSTM and GRU: by hand, against torch at every step and length, by differences, and their mutants."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from dlcourse.reference.gradcheck import assert_gradients
from dlcourse.reference.gru import GRU
from dlcourse.reference.layer import Layer
from dlcourse.reference.lstm import LSTM
from dlcourse.reference.recurrent import Recurrent
from dlcourse.reference.rnn import RNN
from tests import tables
from tests.mutants import Case, check_mutants
from tests.parity import DTYPES, assert_close, error

CELLS = [RNN, LSTM, GRU]
I, H = 3, 5


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def one_unit(cls, rng, *rows):
    """A layer of one input and one unit; each gate gets (w_ih, w_hh, b_ih, b_hh)."""
    layer = cls(1, 1, rng=rng)
    w_ih, w_hh, b_ih, b_hh = np.array(rows, float).T
    weights = w_ih[:, None], w_hh[:, None], b_ih, b_hh
    layer.load_state_dict(dict(zip(layer.params, weights)))
    return layer


def test_rnn_by_hand(rng):
    y, h = one_unit(RNN, rng, (2, 3, 0.25, -0.5))(np.array([[[1.0], [-1.0]]]))
    first = np.tanh(2 + 0.25 - 0.5)
    assert_close(y[0, :, 0], [first, np.tanh(-2 + 3 * first - 0.25)])
    assert (h == y[:, -1]).all()


def test_lstm_by_hand(rng):
    layer = one_unit(LSTM, rng, (1, 2, 0, 0), (0, 0, 3, 0), (1, 0, 0, 0), (0, 0, 0, -1))
    y, (h, c) = layer(np.array([[[2.0]]]), (np.array([[0.5]]), np.array([[4.0]])))
    cell = sigma(3) * 4 + sigma(2 + 1) * np.tanh(2)
    assert_close(c, [[cell]])
    assert_close(y[:, 0], [[sigma(-1) * np.tanh(cell)]])
    assert_close(layer.activations["f"], [[[sigma(3)]]])


def test_gru_by_hand(rng):
    layer = one_unit(GRU, rng, (1, 0, 0, 0), (0, 0, 2, 0), (1, 3, 0, 7))
    y, _ = layer(np.array([[[2.0]]]), np.array([[0.5]]))
    n = np.tanh(2 + sigma(2) * (3 * 0.5 + 7))
    assert_close(y, [[[(1 - sigma(2)) * n + sigma(2) * 0.5]]])


class Twin:
    """torch's layer with our weights; `run` returns outputs, states, and the gradients of everything."""

    def __init__(self, layer, dtype):
        cls = getattr(torch.nn, type(layer).__name__)
        self.net = cls(layer.input_size, layer.hidden_size, batch_first=True, dtype=dtype)
        self.net.load_state_dict({name: torch.from_numpy(a) for name, a in layer.state_dict().items()})

    def run(self, x, states, lengths, dy, dstates):
        x, *states = (torch.from_numpy(a.copy()).requires_grad_() for a in (x, *states))
        packed = pack_padded_sequence(x, torch.from_numpy(lengths), batch_first=True, enforce_sorted=False)
        start = tuple(s[None] for s in states)
        y, end = self.net(packed, start if len(start) > 1 else start[0])
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
        ends = [s[0] for s in (end if isinstance(end, tuple) else (end,))]
        torch.autograd.backward([y, *ends], [torch.from_numpy(d) for d in (dy, *dstates)])
        weights = {name: p.grad for name, p in self.net.named_parameters()}
        return [y, *ends, x.grad, *(s.grad for s in states)], weights


def as_tuple(state):
    return state if isinstance(state, tuple) else (state,)


def assert_like_torch(cls, N, T, rng, dtype=np.float64, lengths=None):
    layer = cls(I, H, rng=rng, dtype=dtype)
    number = 2 if cls is LSTM else 1
    x, dy = (rng.standard_normal((size, T, N)).T.astype(dtype) for size in (I, H))  # not contiguous
    states, dstates = (list(rng.standard_normal((number, N, H)).astype(dtype)) for _ in range(2))
    pack = tuple if number > 1 else (lambda arrays: arrays[0])
    y, end = layer(x, pack(states), lengths)
    dx = layer.backward(dy, pack(dstates))
    full = np.full(N, T) if lengths is None else lengths
    wanted, weights = Twin(layer, torch.from_numpy(x.copy()).dtype).run(x, states, full, dy, dstates)
    pairs = list(zip([y, *as_tuple(end), dx, *as_tuple(layer.dstate)], wanted, strict=True))
    pairs += [(layer.grads[name], gradient) for name, gradient in weights.items()]
    for got, want in pairs:
        assert_close(got, want)
        tables.worst(cls.__name__, np.dtype(dtype).name, error(got, want))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cls", CELLS)
def test_torch(cls, dtype, rng):
    assert_like_torch(cls, 7, 11, rng, dtype)
    assert_like_torch(cls, 7, 11, rng, dtype, lengths=np.array([11, 1, 5, 2, 7, 11, 3]))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(CELLS), st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 2))
def test_any_lengths(cls, lengths, extra):
    """Also where no sequence is as long as the array."""
    assert_like_torch(
        cls, len(lengths), max(lengths) + extra, np.random.default_rng(0), lengths=np.array(lengths)
    )


@pytest.mark.parametrize("cls", CELLS)
def test_gradient_of_every_single_step(cls, rng):
    """A layer that returned only its last state would pass a test of the last step."""
    layer, x = cls(I, H, rng=rng), rng.standard_normal((2, 4, I))
    y, _ = layer(x)
    dy = rng.standard_normal(y.shape)
    parts = []
    for t in range(4):
        one = np.zeros_like(dy)
        one[:, t] = dy[:, t]
        parts.append(layer.backward(one))
        assert (parts[t][:, t + 1 :] == 0).all()  # nothing flows to later inputs ...
        assert (
            np.abs(parts[t][:, : t + 1]).max(axis=(0, 2)) > 0
        ).all()  # ... and something to all earlier ones
    assert_close(layer.backward(dy), sum(parts))


@pytest.mark.parametrize("cls", CELLS)
def test_padding_is_neither_read_nor_shown(cls, rng):
    layer, x = cls(I, H, rng=rng), rng.standard_normal((2, 6, I))
    lengths, dy = np.array([6, 2]), rng.standard_normal((2, 6, H))
    y, end = layer.forward(x, lengths=lengths)
    dx = layer.backward(dy)
    x[1, 2:] = 100
    again, end_again = layer.forward(x, lengths=lengths)
    assert (again == y).all()
    assert (y[1, 2:] == 0).all()
    assert all((a == b).all() for a, b in zip(as_tuple(end), as_tuple(end_again)))
    assert (layer.backward(dy) == dx).all()
    assert (dx[1, 2:] == 0).all()


@pytest.mark.parametrize("cls", CELLS)
def test_a_sequence_may_be_read_in_two_pieces(cls, rng):
    layer, x, dy = cls(I, H, rng=rng), rng.standard_normal((2, 7, I)), rng.standard_normal((2, 7, H))
    y, end = layer(x)
    dx = layer.backward(dy)
    start, middle = layer(x[:, :3])
    rest, last = layer(x[:, 3:], middle)
    assert_close(np.concatenate([start, rest], axis=1), y)
    assert_close(as_tuple(last)[-1], as_tuple(end)[-1])
    late = layer.backward(dy[:, 3:])
    dmiddle = layer.dstate
    layer(x[:, :3])
    assert_close(np.concatenate([layer.backward(dy[:, :3], dmiddle), late], axis=1), dx)


class States(Layer):
    """A recurrent layer as one function of sequence and initial states to outputs and final states."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, *states):
        y, end = self.layer(x, states if len(states) > 1 else states[0], np.array([1, 4]))
        return np.concatenate([y, *(s[:, None] for s in as_tuple(end))], axis=1)

    def backward(self, dout):
        dy, *dend = np.split(dout, range(4, dout.shape[1]), axis=1)
        dend = tuple(d[:, 0] for d in dend)
        return self.layer.backward(dy, dend if len(dend) > 1 else dend[0]), *as_tuple(self.layer.dstate)


def inputs(number):
    return lambda rng: (rng.standard_normal((2, 4, 2)), *rng.standard_normal((number, 2, 3)))


@pytest.mark.parametrize("cls", CELLS)
def test_gradients(cls, rng):
    assert_gradients(cls(2, 3, rng=rng), rng.standard_normal((2, 5, 2)), rng=rng)
    assert_gradients(States(cls(2, 3, rng=rng)), *inputs(cls.states)(rng), rng=rng)


@pytest.mark.parametrize("cls", CELLS)
def test_mutants_of_the_loop(cls):
    check_mutants(
        Case(cls, lambda cls, rng: States(cls(2, 3, rng=rng)), inputs(cls.states), ("unroll_back",))
    )


def test_mutants_of_the_frame():
    def make(frame, rng):
        """The LSTM upon a mutated base."""
        return States(type("LSTM", (frame,), dict(vars(LSTM)))(2, 3, rng=rng))

    check_mutants(Case(Recurrent, make, inputs(2), ("backward", "_sum_over_time")))


@pytest.mark.parametrize("cls", CELLS)
def test_starts_within_torch_bounds(cls, rng):
    layer = cls(50, 100, rng=rng)
    for name, array in layer.params.items():
        assert 0.09 < np.abs(array).max() <= 0.1, name


@pytest.mark.parametrize("cls", CELLS)
def test_bad_input(cls, rng):
    layer, x = cls(I, H, rng=rng), np.zeros((2, 4, I))
    with pytest.raises(
        ValueError, match=rf"{cls.__name__}\(3, 5\): expected x of shape \(N, T, 3\), got \(4, 3\)"
    ):
        layer(x[0])
    with pytest.raises(ValueError, match=r"at least one step, got x of shape \(2, 0, 3\)"):
        layer(x[:, :0])
    with pytest.raises(TypeError, match="expected x of a floating-point dtype, got int64"):
        layer(x.astype(int))
    for lengths in (np.array([0, 4]), np.array([5, 4]), np.array([1.0, 4.0])):
        with pytest.raises(ValueError, match="expected lengths to be whole numbers from 1 to 4, got"):
            layer.forward(x, lengths=lengths)
    with pytest.raises(ValueError, match=r"expected lengths of shape \(2,\), got \(3,\)"):
        layer.forward(x, lengths=np.array([1, 1, 1]))
    wrong = np.zeros((3, H)) if cls is not LSTM else (np.zeros((2, H)), np.zeros((3, H)))
    with pytest.raises(ValueError, match=r"expected state of shape \(2, 5\), got \(3, 5\)"):
        layer(x, wrong)
    with pytest.raises(RuntimeError, match="backward needs a forward pass first"):
        layer.backward(np.zeros((2, 4, H)))
    layer(x)
    with pytest.raises(ValueError, match=r"expected dy of shape \(2, 4, 5\), got \(2, 3, 5\)"):
        layer.backward(np.zeros((2, 3, H)))


def test_lstm_wants_two_states(rng):
    with pytest.raises(ValueError, match=r"LSTM\(3, 5\): expected state of 2 arrays, got 1"):
        LSTM(I, H, rng=rng)(np.zeros((2, 4, I)), (np.zeros((2, H)),))
