"""Time NumPy peers beside our layers: `python -m bench.peers [workload] [--rounds 7]`.

The peers are no requirement of the course: `pip install autograd micrograd` brings them, what is missing is
skipped with a line. autograd records NumPy calls on a tape (every workload but Adam), micrograd single
numbers (the MLP, one sample of the batch, multiplied). In each round all sides run, and their times are
divided by torch's; float32, one thread, as in bench.layers. A peer whose results differ from ours in float64
is marked, not hidden.
"""

import argparse
import importlib
from dataclasses import dataclass

import numpy as np
import torch

from bench.layers import RESULTS, machine, save, seconds, steps, without_pins
from bench.workloads import WORKLOADS

TOLERANCE = 1e-9  # of a peer against us in float64: it may be less careful, but not wrong


def load(name):
    """Return the module, or say in a line why not and return None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name}: skipped, not installed (pip install {name})")
    except Exception as error:  # an old package on a new Python
        print(f"{name}: skipped, it does not import here: {type(error).__name__}")
    return None


# --- autograd: a tape of NumPy calls ----------------------------------------------------------------------


def taped(autograd, function, inputs, dy=None):
    """A step: `function` of the inputs, then the gradients of all of them."""
    backward = autograd.make_vjp(function, tuple(range(len(inputs))))

    def step():
        vjp, y = backward(*inputs)
        return y, *vjp(np.ones_like(y) if dy is None else dy)

    return step


@dataclass(frozen=True)
class Autograd:
    """The workloads as one writes them for autograd: plain NumPy, forward only."""

    autograd: object
    anp: object
    convolve: object

    def cross_entropy(self, z, t):
        z = z - self.anp.max(z, axis=1, keepdims=True)
        log_p = z - self.anp.log(self.anp.sum(self.anp.exp(z), axis=1, keepdims=True))
        return -self.anp.mean(log_p[np.arange(len(t)), t])

    def mlp(self, x, t, *weights):
        def loss(w1, b1, w2, b2):
            h = self.anp.maximum(self.anp.dot(x, w1.T) + b1, 0)
            return self.cross_entropy(self.anp.dot(h, w2.T) + b2, t)

        return taped(self.autograd, loss, weights)

    def linear(self, x, w, b, dy):
        return taped(self.autograd, lambda x, w, b: self.anp.dot(x, w.T) + b, (x, w, b), dy)

    def conv(self, padding):
        def build(x, w, b, dy):
            def forward(x, w, b):
                edge = (padding, padding)
                x = self.anp.pad(x, ((0, 0), (0, 0), edge, edge), "constant")
                flipped = self.anp.transpose(w[:, :, ::-1, ::-1], (1, 0, 2, 3))
                y = self.convolve(x, flipped, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode="valid")
                return y + b[:, None, None]

            return taped(self.autograd, forward, (x, w, b), dy)

        return build

    def max_pool(self, x, dy):
        def forward(x):
            n, c, h, w = x.shape
            return self.anp.max(x.reshape(n, c, h // 2, 2, w // 2, 2), axis=(3, 5))

        return taped(self.autograd, forward, (x,), dy)

    def recurrent(self, cell):
        def build(x, *arrays):
            *weights, dy = arrays

            def forward(x, w_ih, w_hh, b_ih, b_hh):
                size = w_hh.shape[1]
                state = (np.zeros((len(x), size), x.dtype),) * 2
                outputs = []
                for t in range(x.shape[1]):
                    a = self.anp.dot(x[:, t], w_ih.T) + b_ih
                    state = cell(a, self.anp.dot(state[0], w_hh.T) + b_hh, *state)
                    outputs.append(state[0])
                return self.anp.stack(outputs, axis=1)

            return taped(self.autograd, forward, (x, *weights), dy)

        return build

    def sigmoid(self, z):
        return 0.5 * (self.anp.tanh(0.5 * z) + 1)

    def rnn(self, a, b, h, c):
        return self.anp.tanh(a + b), c

    def lstm(self, a, b, h, c):
        i, f, g, o = self.anp.split(a + b, 4, axis=1)
        c = self.sigmoid(f) * c + self.sigmoid(i) * self.anp.tanh(g)
        return self.sigmoid(o) * self.anp.tanh(c), c

    def gru(self, a, b, h, c):
        (ar, az, an), (br, bz, bn) = self.anp.split(a, 3, axis=1), self.anp.split(b, 3, axis=1)
        z = self.sigmoid(az + bz)
        n = self.anp.tanh(an + self.sigmoid(ar + br) * bn)
        return (1 - z) * n + z * h, c

    def layer_norm(self, x, g, b, dy):
        def forward(x, g, b):
            d = x - self.anp.mean(x, axis=1, keepdims=True)
            return d / self.anp.sqrt(self.anp.mean(d * d, axis=1, keepdims=True) + 1e-5) * g + b

        return taped(self.autograd, forward, (x, g, b), dy)

    def softmax_ce(self, x, t):
        return taped(self.autograd, lambda x: self.cross_entropy(x, t), (x,))

    def attention(self, x, *arrays):
        *weights, dy = arrays

        def forward(x, w_qkv, b_qkv, w_o, b_o):
            B, T, D = x.shape
            qkv = (self.anp.dot(x, w_qkv.T) + b_qkv).reshape(B, T, 3, 4, D // 4)
            q, k, v = self.anp.transpose(qkv, (2, 0, 3, 1, 4))
            scores = self.anp.matmul(q, self.anp.swapaxes(k, -1, -2)) * (D // 4) ** -0.5
            scores = scores + np.where(np.tri(T, dtype=bool), 0, -np.inf).astype(x.dtype)
            p = self.anp.exp(scores - self.anp.max(scores, axis=-1, keepdims=True))
            mixed = self.anp.matmul(p / self.anp.sum(p, axis=-1, keepdims=True), v)
            return self.anp.dot(self.anp.transpose(mixed, (0, 2, 1, 3)).reshape(B, T, D), w_o.T) + b_o

        return taped(self.autograd, forward, (x, *weights), dy)

    def embedding(self, i, w, dy):
        return taped(self.autograd, lambda w: w[i], (w,), dy)

    def workloads(self):
        return {
            "MLP step": self.mlp,
            "Linear": self.linear,
            "conv 1→8": self.conv(1),
            "conv 16→32": self.conv(1),
            "conv 32→64, k5": self.conv(2),
            "max-pool 2×2": self.max_pool,
            "LSTM": self.recurrent(self.lstm),
            "GRU": self.recurrent(self.gru),
            "RNN": self.recurrent(self.rnn),
            "LayerNorm 2048×512": self.layer_norm,
            "LayerNorm 64×128": self.layer_norm,
            "softmax-CE 64×10": self.softmax_ce,
            "softmax-CE 512×8000": self.softmax_ce,
            "causal attention": self.attention,
            "embedding gradient": self.embedding,
        }


# --- micrograd: a tape of single numbers -----------------------------------------------------------------


def micrograd_mlp(engine):
    def build(x, t, *weights):
        w1, b1, w2, b2 = (
            [[engine.Value(float(v)) for v in np.atleast_1d(row)] for row in w] for w in weights
        )

        def affine(rows, biases, inputs):
            return [sum((w * v for w, v in zip(row, inputs)), bias[0]) for row, bias in zip(rows, biases)]

        def step():  # micrograd has no exponential of a Value: the gradient of the loss enters by hand
            z = affine(w2, b2, [unit.relu() for unit in affine(w1, b1, x[0].tolist())])
            p = np.exp([v.data for v in z])
            p = p / p.sum() - (np.arange(len(p)) == t[0])
            sum(float(d) * v for d, v in zip(p, z)).backward()
            return (None,)

        return step

    return build


# --- The table ----------------------------------------------------------------------------------------------


def peers():
    """Yield (name, {workload: build}, factor by which a step falls short) for the peers that are here."""
    if autograd := load("autograd"):
        signal = importlib.import_module("autograd.scipy.signal")
        anp = importlib.import_module("autograd.numpy")
        yield "autograd", Autograd(autograd, anp, signal.convolve).workloads(), 1
    if load("micrograd"):
        yield "micrograd", {"MLP step": micrograd_mlp(importlib.import_module("micrograd.engine"))}, 64


def arrays(workload, dtype):
    drawn = workload.draw(np.random.default_rng(0))
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in drawn]


def difference(workload, build):
    """The largest relative difference of a peer's results from ours in float64; None if it returns none."""
    ours, theirs = steps(workload, np.float64)[0](), build(*arrays(workload, np.float64))()
    if theirs[0] is None:
        return None
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(theirs, ours, strict=True))


def measure(workload, build, factor, rounds):
    """One row: medians of our time and the peer's over torch's, in the same rounds."""
    distance = difference(workload, build)
    ours, torchs = steps(workload, np.float32)
    theirs = build(*arrays(workload, np.float32))
    ours(), torchs(), theirs()
    times = np.array([[seconds(step) for step in (torchs, ours, theirs)] for _ in range(rounds)])
    own, peer = np.median(times[:, 1] / times[:, 0]), factor * np.median(times[:, 2] / times[:, 0])
    return {"workload": workload.name, "ours": own, "ratio": peer, "difference": distance, "factor": factor}


def show(row):
    if row["factor"] > 1:
        note = f"not compared; one sample, times {row['factor']}"
    else:
        note = f"{row['difference']:.0e}" + ("" if row["difference"] <= TOLERANCE else ": another result")
    times = f"{row['ours']:8.2f}{row['ratio']:12.2f}{row['ratio'] / row['ours']:9.1f}"
    print(f"{row['workload']:24}{times}   {note}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", nargs="?", default="", help="only workloads whose name contains this")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name, builds, factor in peers():
        print(f"{'time ÷ torch':24}{'ours':>8}{name:>12}{'÷ ours':>9}   difference")
        for workload in WORKLOADS:
            if workload.name in builds and options.workload.lower() in workload.name.lower():
                row = measure(workload, builds[workload.name], factor, options.rounds)
                rows.append({"peer": name} | row)
                show(row)
    if rows and not options.workload:
        save({"machine": machine(), "rounds": options.rounds, "rows": rows}, RESULTS.with_name("peers.json"))


if __name__ == "__main__":
    without_pins("bench.peers")
    main()
