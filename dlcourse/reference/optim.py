"""Optimisers: how a gradient becomes a step. In order of increasing complexity.

They take the model itself and change its parameters in place. Names and defaults are torch's.
Chapters: 06_losses_and_descent, 12_training_craft.
"""

import math

import numpy as np

from dlcourse.checks import expect_counts, expect_number, expect_state

BLOCK = 2**16  # numbers that are updated at a time: parameter, gradient and moments stay in the cache


class Optimiser:
    """What all have in common: the model, the rate lr, a count of steps, and one set of arrays per parameter.

    matrices_only  let weight decay leave biases and normalisation alone, which have one axis
    """

    moments = ()  # names of the arrays that are kept for every parameter

    def __init__(self, model, lr, weight_decay=0.0, *, matrices_only=False):
        expect_rates(self, lr=lr, weight_decay=weight_decay)
        self.model, self.lr, self.weight_decay, self.matrices_only = model, lr, weight_decay, matrices_only
        self.steps = 0
        self.state = {f"{m}.{n}": np.zeros_like(p) for m in self.moments for n, p in model.params.items()}

    def step(self):
        """Update every parameter; RuntimeError if one has no gradient yet, ValueError for another shape."""
        params, grads = self.model.params, self.model.grads
        for name, param in params.items():
            if name not in grads:
                raise RuntimeError(f"{type(self).__name__}: no gradient for {name}: call backward first")
            if grads[name].shape != param.shape:  # a smaller one would be broadcast
                got = f"{param.shape}, got {grads[name].shape}"
                raise ValueError(f"{type(self).__name__}: expected the gradient of {name} in shape {got}")
        self.steps += 1
        for name, param in params.items():
            decay = 0.0 if self.matrices_only and param.ndim < 2 else self.weight_decay
            kept = [param, *(self.state[f"{moment}.{name}"] for moment in self.moments)]
            p, *moments = [array.reshape(-1, copy=False) for array in kept]  # views: written in place
            arrays = [p, grads[name].reshape(-1), *moments]
            for start in range(0, param.size, BLOCK):
                self._update(decay, *(array[start : start + BLOCK] for array in arrays))

    def state_dict(self):
        """Copies of everything that the next step depends on, except the model."""
        arrays = {name: array.copy() for name, array in self.state.items()}
        return arrays | {"steps": np.array(self.steps), "lr": np.array(float(self.lr))}

    def load_state_dict(self, state):
        """Take over such a state; ValueError lists every mismatch, changing nothing."""
        name = type(self).__name__
        state = expect_state(name, self.state_dict(), state)
        expect_counts(name, 0, **{"steps in the state": int(state["steps"])})
        expect_rates(self, lr=float(state["lr"]))
        self.steps, self.lr = int(state["steps"]), float(state["lr"])
        self.state = {name: np.array(state[name], order="C") for name in self.state}


def expect_rates(owner, below=None, /, **rates):
    """ValueError for a rate below 0, or not below `below`."""
    for name, rate in rates.items():
        expect_number(type(owner).__name__, name, rate, 0, below)


class SGD(Optimiser):
    """u ← momentum · u + g + weight_decay · p;  p ← p - lr · u.

    p  a parameter     g  its gradient     u  its velocity, zero at the start

    Source: goodfellow2016, section 8.3.
    """

    def __init__(self, model, lr=1e-3, momentum=0.0, weight_decay=0.0, *, matrices_only=False):
        expect_rates(self, momentum=momentum)
        self.momentum = momentum
        self.moments = ("velocity",) if momentum else ()
        super().__init__(model, lr, weight_decay, matrices_only=matrices_only)

    def _update(self, decay, p, g, u=None):
        if decay:
            g = g + decay * p
        if u is not None:
            u *= self.momentum
            u += g
            g = u
        p -= self.lr * g


class RMSprop(Optimiser):
    """s ← α s + (1 - α) g²;  p ← p - lr · g / (√s + eps), with g including weight_decay · p.

    s  a running mean of g², so that every parameter moves at its own scale

    Source: hinton2012.
    """

    moments = ("square",)

    def __init__(self, model, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, *, matrices_only=False):
        expect_rates(self, alpha=alpha, eps=eps)
        self.alpha, self.eps = alpha, eps
        super().__init__(model, lr, weight_decay, matrices_only=matrices_only)

    def _update(self, decay, p, g, s):
        if decay:
            g = g + decay * p
        s *= self.alpha
        s += (1 - self.alpha) * g * g
        p -= self.lr * g / (np.sqrt(s) + self.eps)


class Adam(Optimiser):
    """m ← β₁ m + (1 - β₁) g;  v ← β₂ v + (1 - β₂) g²;  p ← p - lr · m̂ / (√v̂ + eps).

    m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ): the means start at zero, and the division makes up for it at step t.
    g includes weight_decay · p.

    Source: kingma2015.
    """

    moments = ("mean", "square")

    def __init__(
        self, model, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, *, matrices_only=False
    ):
        expect_rates(self, eps=eps)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ValueError(f"{type(self).__name__}: expected betas as two numbers, got {betas!r}")
        expect_rates(self, 1, **{"betas[0]": betas[0], "betas[1]": betas[1]})
        self.betas, self.eps = betas, eps
        super().__init__(model, lr, weight_decay, matrices_only=matrices_only)

    def _update(self, decay, p, g, m, v):
        if decay:
            g = g + decay * p
        self._move(p, g, m, v)

    def _move(self, p, g, m, v):
        """m̂ / (√v̂ + eps) = c / (1 - β₁ᵗ) · m / (√v + c eps), c = √(1 - β₂ᵗ): corrected by two numbers."""
        beta1, beta2 = self.betas
        c = math.sqrt(1 - beta2**self.steps)
        scratch = np.multiply(g, 1 - beta1)
        m *= beta1
        m += scratch
        np.multiply(g, g, out=scratch)
        scratch *= 1 - beta2
        v *= beta2
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += self.eps * c
        np.divide(m, scratch, out=scratch)
        scratch *= self.lr * c / (1 - beta1**self.steps)
        p -= scratch


class AdamW(Adam):
    """p ← (1 - lr · weight_decay) p, then Adam's step with g alone: decay does not pass through the moments.

    Source: loshchilov2019.
    """

    def __init__(
        self, model, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, *, matrices_only=False
    ):
        super().__init__(model, lr, betas, eps, weight_decay, matrices_only=matrices_only)

    def _update(self, decay, p, g, m, v):
        if decay:
            p *= 1 - self.lr * decay
        self._move(p, g, m, v)


def clip_grad_norm(model, max_norm):
    """Shrink all gradients together so that their common norm is at most max_norm; return the norm they had.

    norm = √(Σ g²) over all parameters;  g ← g · min(1, max_norm / (norm + 1e-6)).

    Raises ValueError, naming the parameter, for a NaN or infinite gradient.
    Source: pascanu2013. Chapter: 17_rnn.
    """
    expect_number("clip_grad_norm", "max_norm", max_norm, 0)
    grads = model.grads
    squares = {name: float(np.vdot(grad, grad)) for name, grad in grads.items()}
    norm = math.sqrt(sum(squares.values()))
    if not math.isfinite(norm):
        name = next(name for name, square in squares.items() if not math.isfinite(square))
        raise ValueError(f"clip_grad_norm: the gradient of {name} is not finite")
    if (factor := max_norm / (norm + 1e-6)) < 1:
        for grad in grads.values():
            grad *= factor
    return norm
