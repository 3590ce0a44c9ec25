"""What all recurrent layers share: parameters, states, lengths, and the sums over time."""

import numpy as np

from dlcourse.checks import expect_counts, expect_floats, expect_shape
from dlcourse.reference import init
from dlcourse.reference.layer import Layer


def sigmoid_(z):
    """Replace z by σ(z) = (1 + tanh(z/2)) / 2, in place: it never overflows, and `tanh` is fast."""
    z *= 0.5
    np.tanh(z, out=z)
    z *= 0.5
    z += 0.5


class Recurrent(Layer):
    """Read a sequence step by step, keeping a state: h[t] = step(x[t], h[t - 1]), one layer, one direction.

    A subclass names its gates, one letter each in the order of the rows of the weights, and gives the two
    loops over time, `unroll` and `unroll_back`. Inside, time comes first: (T, N, ·).

    After `forward`, `activations` maps each gate to its values (N, T, H). After `backward`, `dstate` is the
    gradient of the initial state, which the encoder of a sequence-to-sequence model needs.
    """

    gates = ""
    states = 1  # the LSTM carries two

    def __init__(self, input_size, hidden_size, *, rng, dtype=float):
        expect_counts(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        rows, bound = len(self.gates) * hidden_size, hidden_size**-0.5
        shapes = {
            "weight_ih_l0": (rows, input_size),
            "weight_hh_l0": (rows, hidden_size),
            "bias_ih_l0": (rows,),
            "bias_hh_l0": (rows,),
        }
        super().__init__(
            **{
                name: init.uniform(shape, -bound, bound, rng=rng, dtype=dtype)
                for name, shape in shapes.items()
            }
        )
        self.input_size, self.hidden_size = input_size, hidden_size
        self.activations = self.dstate = None

    def __repr__(self):
        return f"{type(self).__name__}({self.input_size}, {self.hidden_size})"

    def by_gate(self, name):
        """Return a weight (G*H, K) as one matrix per gate, ready for x @ w: (G, K, H)."""
        if name not in self.params:
            raise ValueError(f"{self}: expected name in {sorted(self.params)}, got {name!r:.40}")
        weight = self.params[name]
        return np.ascontiguousarray(weight.reshape(len(self.gates), self.hidden_size, -1).transpose(0, 2, 1))

    def forward(self, x, state=None, lengths=None):
        x = expect_floats(self, "x", x, "N", "T", self.input_size)
        N, T = x.shape[:2]
        if 0 in (N, T):
            raise ValueError(f"{self}: expected a sequence of at least one step, got x of shape {x.shape}")
        padding, ends = self._expect_lengths(lengths, N, T)
        x = np.ascontiguousarray(x.transpose(1, 0, 2))  # (T, N, I)
        states, gates, memory = self.unroll(x, *self._expect_state("state", state, N, x.dtype))
        y = states[0][1:].transpose(1, 0, 2).copy()  # (N, T, H)
        y[padding] = 0
        self.activations = dict(zip(self.gates, gates.transpose(1, 2, 0, 3)))
        self.cache = x, states, gates, memory, padding, ends
        # A shorter sequence is computed to the end like the others; what follows its own end is never shown.
        return y, self._pack([s[1:][ends] for s in states])

    def backward(self, dy, dstate=None):
        x, states, gates, memory, padding, ends = self.recall()
        T, N, H = states[0][1:].shape
        dy = expect_floats(self, "dy", dy, N, T, H).copy()
        dy[padding] = 0
        douts = [dy.transpose(1, 0, 2), *(np.zeros_like(s[1:]) for s in states[1:])]  # (T, N, H) per state
        for dout, d in zip(douts, self._expect_state("dstate", dstate, N, dy.dtype)):
            dout[ends] += d
        da_ih, da_hh, dstates = self.unroll_back(douts, states, gates, memory)
        self._sum_over_time(da_ih.reshape(T * N, -1), da_hh.reshape(T * N, -1), x, states[0][:-1])
        self.dstate = self._pack(dstates)
        return (da_ih.reshape(T, N, -1) @ self.params["weight_ih_l0"]).transpose(1, 0, 2)

    def _sum_over_time(self, da_ih, da_hh, x, h):
        """The same weights act at every step, so their gradients add up: da (T*N, G*H)."""
        self.grads["weight_ih_l0"] = da_ih.T @ x.reshape(-1, self.input_size)
        self.grads["weight_hh_l0"] = da_hh.T @ h.reshape(-1, self.hidden_size)
        self.grads["bias_ih_l0"] = da_ih.sum(axis=0)
        self.grads["bias_hh_l0"] = da_hh.sum(axis=0)

    def _pack(self, arrays):
        return tuple(arrays) if self.states > 1 else arrays[0]

    def _expect_state(self, name, state, N, dtype):
        """Return the state as a list of arrays (N, H): zeros for None."""
        if state is None:
            return [np.zeros((N, self.hidden_size), dtype) for _ in range(self.states)]
        arrays = [state] if self.states == 1 else state
        if not hasattr(arrays, "__len__"):
            raise TypeError(f"{self}: expected {name} of {self.states} arrays, got {arrays!r:.40}")
        if len(arrays) != self.states:
            raise ValueError(f"{self}: expected {name} of {self.states} arrays, got {len(arrays)}")
        return [expect_floats(self, name, array, N, self.hidden_size) for array in arrays]

    def _expect_lengths(self, lengths, N, T):
        """Return the padding as a mask (N, T), and where each sequence ends as an index into (T, N, ·)."""
        lengths = expect_shape(self, "lengths", np.full(N, T) if lengths is None else lengths, N)
        if lengths.dtype.kind not in "iu" or lengths.min(initial=1) < 1 or lengths.max(initial=1) > T:
            raise ValueError(f"{self}: expected lengths to be whole numbers from 1 to {T}, got {lengths}")
        return np.arange(T) >= lengths[:, None], (lengths - 1, np.arange(N))
