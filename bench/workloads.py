"""What `bench.layers` times: for each workload its arrays, and one step of it in our NumPy and in PyTorch.

Every step is a whole forward and backward pass and returns all its results: outputs, then gradients.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from dlcourse import reference as ref


@dataclass(frozen=True)
class Workload:
    name: str
    goal: float  # time ÷ torch's time, at most
    draw: Callable  # rng -> the arrays, in float64 and int64
    ours: Callable  # the arrays -> step, a function that returns NumPy results
    theirs: Callable  # the tensors -> step, a function that returns torch's results in the same order


def layer_step(layer, state, x, dy):
    """Forward and backward through one of our layers, which takes over the given parameters."""
    layer.load_state_dict(state)

    def step():
        y = layer.forward(x)
        dx = layer.backward(dy)
        return y[0] if isinstance(y, tuple) else y, dx, *(layer.grads[name] for name in state)

    return step


def torch_step(function, inputs, dy=None):
    """The same in torch: `function` of the inputs, then their gradients."""
    inputs = [tensor.requires_grad_() for tensor in inputs]

    def step():
        y = function(*inputs)
        return y.detach(), *torch.autograd.grad(y, inputs, dy)

    return step


def linear():
    def draw(rng):
        shapes = (256, 1024), (1024, 1024), (1024,), (256, 1024)
        x, w, b, dy = (rng.standard_normal(shape) for shape in shapes)
        return x, w / 32, b, dy

    def ours(x, w, b, dy):
        return layer_step(
            ref.Linear(1024, 1024, rng=np.random.default_rng(0)), {"weight": w, "bias": b}, x, dy
        )

    return draw, ours, lambda x, w, b, dy: torch_step(F.linear, (x, w, b), dy)


def mlp():
    def draw(rng):
        x, t = rng.random((64, 784)), rng.integers(0, 10, 64)
        w1, b1 = rng.normal(0, np.sqrt(2 / 784), (128, 784)), rng.normal(0, 0.1, 128)
        w2, b2 = rng.normal(0, np.sqrt(1 / 128), (10, 128)), rng.normal(0, 0.1, 10)
        return x, t, w1, b1, w2, b2

    def ours(x, t, *weights):
        rng = np.random.default_rng(0)
        model = ref.Sequential(ref.Linear(784, 128, rng=rng), ref.ReLU(), ref.Linear(128, 10, rng=rng))
        model[0].needs_dx = False  # torch, too, computes the gradients of the weights only
        names = "0.weight", "0.bias", "2.weight", "2.bias"
        model.load_state_dict(dict(zip(names, weights)))
        loss = ref.CrossEntropyLoss()

        def step():
            value = loss.forward(model.forward(x), t)
            model.backward(loss.backward())
            grads = model.grads
            return value, *(grads[name] for name in names)

        return step

    def theirs(x, t, *weights):
        def loss(w1, b1, w2, b2):
            return F.cross_entropy(F.linear(F.relu(F.linear(x, w1, b1)), w2, b2), t)

        return torch_step(loss, weights)

    return draw, ours, theirs


def convolution(N, C, O, k, H, padding):
    def draw(rng):
        shapes = (N, C, H, H), (O, C, k, k), (O,), (N, O, H, H)
        x, w, b, dy = (rng.standard_normal(shape) for shape in shapes)
        return x, w / np.sqrt(C * k * k), b, dy

    def ours(x, w, b, dy):
        layer = ref.Conv2d(C, O, k, padding=padding, rng=np.random.default_rng(0))
        return layer_step(layer, {"weight": w, "bias": b}, x, dy)

    def theirs(x, w, b, dy):
        return torch_step(lambda x, w, b: F.conv2d(x, w, b, padding=padding), (x, w, b), dy)

    return draw, ours, theirs


def max_pool():
    def draw(rng):
        return np.maximum(rng.standard_normal((32, 8, 28, 28)), 0), rng.standard_normal((32, 8, 14, 14))

    def ours(x, dy):
        return layer_step(ref.MaxPool2d(2), {}, x, dy)

    return draw, ours, lambda x, dy: torch_step(lambda x: F.max_pool2d(x, 2), (x,), dy)


def recurrent(name, gates):
    B, T, I, H = 32, 50, 64, 128
    names = "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"

    def draw(rng):
        x, bound = rng.standard_normal((B, T, I)), H**-0.5
        shapes = (gates * H, I), (gates * H, H), (gates * H,), (gates * H,)
        weights = [rng.uniform(-bound, bound, shape) for shape in shapes]
        return x, *weights, rng.standard_normal((B, T, H))

    def ours(x, *weights, dy):
        layer = getattr(ref, name)(I, H, rng=np.random.default_rng(0))
        return layer_step(layer, dict(zip(names, weights)), x, dy)

    def theirs(x, *weights, dy):
        layer = getattr(torch.nn, name)(I, H, batch_first=True, dtype=x.dtype)
        layer.load_state_dict(dict(zip(names, weights)))
        parameters = [getattr(layer, name) for name in names]
        return torch_step(lambda x, *_: layer(x)[0], (x, *parameters), dy)

    return draw, lambda *a: ours(*a[:-1], dy=a[-1]), lambda *a: theirs(*a[:-1], dy=a[-1])


def layer_norm(rows, features):
    def draw(rng):
        x = rng.standard_normal((rows, features)) + 0.5
        g, b = 1 + 0.1 * rng.standard_normal(features), 0.1 * rng.standard_normal(features)
        return x, g, b, rng.standard_normal((rows, features))

    def ours(x, g, b, dy):
        return layer_step(ref.LayerNorm(features), {"weight": g, "bias": b}, x, dy)

    def theirs(x, g, b, dy):
        return torch_step(lambda x, g, b: F.layer_norm(x, (features,), g, b), (x, g, b), dy)

    return draw, ours, theirs


def cross_entropy(rows, classes):
    def draw(rng):
        return 3 * rng.standard_normal((rows, classes)), rng.integers(0, classes, rows)

    def ours(x, t):
        loss = ref.CrossEntropyLoss()
        return lambda: (loss.forward(x, t), loss.backward())

    return draw, ours, lambda x, t: torch_step(lambda x: F.cross_entropy(x, t), (x,))


def attention():
    B, T, D, heads = 16, 64, 128, 4
    names = "in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"

    def draw(rng):
        shapes = (B, T, D), (3 * D, D), (3 * D,), (D, D), (D,), (B, T, D)
        x, w_qkv, b_qkv, w_o, b_o, dy = (rng.standard_normal(shape) for shape in shapes)
        return x, w_qkv / np.sqrt(D), 0.1 * b_qkv, w_o / np.sqrt(D), 0.1 * b_o, dy

    def ours(x, *weights):
        layer = ref.MultiheadAttention(D, heads, rng=np.random.default_rng(0))
        layer.load_state_dict(dict(zip(names, weights)))
        dy = weights[-1]

        def step():
            y = layer.forward(x, is_causal=True)
            dx = layer.backward(dy)
            return y, dx, *(layer.grads[name] for name in names)

        return step

    def theirs(x, *weights):
        def attend(x, w_qkv, b_qkv, w_o, b_o):
            q, k, v = F.linear(x, w_qkv, b_qkv).reshape(B, T, 3, heads, D // heads).permute(2, 0, 3, 1, 4)
            heads_out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return F.linear(heads_out.transpose(1, 2).reshape(B, T, D), w_o, b_o)

        return torch_step(attend, (x, *weights[:-1]), weights[-1])

    return draw, ours, theirs


def embedding():
    def draw(rng):
        indices = np.minimum((3 * rng.pareto(1.1, (32, 64))).astype(np.int64), 9999)
        return indices, rng.standard_normal((10000, 128)), rng.standard_normal((32, 64, 128))

    def ours(indices, w, dy):
        layer = ref.Embedding(10000, 128, rng=np.random.default_rng(0))
        layer.load_state_dict({"weight": w})

        def step():
            y = layer.forward(indices)
            layer.backward(dy)
            return y, layer.grads["weight"]

        return step

    return draw, ours, lambda i, w, dy: torch_step(lambda w: F.embedding(i, w), (w,), dy)


def adam():
    def draw(rng):
        n = 1_000_000
        p, g, m = rng.standard_normal(n), 0.1 * rng.standard_normal(n), 0.1 * rng.standard_normal(n)
        return p, g, m, 0.01 * rng.random(n)

    def ours(p, g, m, v):
        model = ref.Layer(p=p)
        model.grads["p"] = g
        optimiser = ref.Adam(model)
        optimiser.load_state_dict({"mean.p": m, "square.p": v, "steps": np.array(9), "lr": np.array(1e-3)})

        def step():
            optimiser.steps = 9  # what follows is step 10
            optimiser.step()
            return model.params["p"], *optimiser.state.values()

        return step

    def theirs(p, g, m, v):
        p.grad = g
        optimiser = torch.optim.Adam([p], fused=True)
        state = {"step": torch.tensor(9.0), "exp_avg": m, "exp_avg_sq": v}
        optimiser.state[p] = state

        def step():
            state["step"].fill_(9)
            optimiser.step()
            return p, m, v

        return step

    return draw, ours, theirs


WORKLOADS = (
    Workload("MLP step", 1.0, *mlp()),
    Workload("Linear", 1.2, *linear()),
    Workload("conv 1→8", 0.5, *convolution(32, 1, 8, 3, 28, 1)),
    Workload("conv 16→32", 1.6, *convolution(32, 16, 32, 3, 14, 1)),
    Workload("conv 32→64, k5", 2.5, *convolution(64, 32, 64, 5, 14, 2)),
    Workload("max-pool 2×2", 0.5, *max_pool()),
    Workload("LSTM", 1.75, *recurrent("LSTM", 4)),
    Workload("GRU", 1.1, *recurrent("GRU", 3)),
    Workload("RNN", 0.7, *recurrent("RNN", 1)),
    Workload("LayerNorm 2048×512", 3.0, *layer_norm(2048, 512)),
    Workload("LayerNorm 64×128", 1.3, *layer_norm(64, 128)),
    Workload("softmax-CE 64×10", 0.6, *cross_entropy(64, 10)),
    Workload("softmax-CE 512×8000", 1.0, *cross_entropy(512, 8000)),
    Workload("causal attention", 1.25, *attention()),
    Workload("embedding gradient", 1.75, *embedding()),
    Workload("Adam, 1M, against fused", 3.0, *adam()),
)
