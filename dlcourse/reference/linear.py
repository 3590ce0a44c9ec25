"""The affine map that every network is made of."""

from dlcourse.checks import expect_counts, expect_floats
from dlcourse.reference import init
from dlcourse.reference.layer import Layer


class Linear(Layer):
    """Apply an affine map to the last axis: y = x Wᵀ + b.

    x       (..., I)  input; I = in_features
    weight  (O, I)    U(-1/√I, 1/√I) at the start, as in torch; O = out_features
    bias    (O,)      the same distribution; absent with bias=False
    y       (..., O)

    The first layer of a network need not say how its input should change: with `layer.needs_dx = False`,
    backward saves that product, a third of the work, and returns None.
    Raises ValueError for a wrong shape, TypeError for an integer input.
    Source: goodfellow2016, section 6.4. Chapter: 08_forward_pass.
    """

    needs_dx = True

    def __init__(self, in_features, out_features, bias=True, *, rng, dtype=float):
        expect_counts("Linear", in_features=in_features, out_features=out_features)
        bound = in_features**-0.5
        params = {"weight": init.uniform((out_features, in_features), -bound, bound, rng=rng, dtype=dtype)}
        if bias:
            params["bias"] = init.uniform((out_features,), -bound, bound, rng=rng, dtype=dtype)
        super().__init__(**params)
        self.in_features, self.out_features = in_features, out_features

    def __repr__(self):
        return f"Linear({self.in_features}, {self.out_features})"

    def forward(self, x):
        self.cache = x = expect_floats(self, "x", x, ..., self.in_features)  # (..., I)
        y = x @ self.params["weight"].T  # (..., I) @ (I, O) -> (..., O)
        if "bias" in self.params:
            y += self.params["bias"]
        return y

    def backward(self, dout):
        x = self.recall()
        dout = expect_floats(self, "dout", dout, *x.shape[:-1], self.out_features)  # (..., O)
        rows, drows = x.reshape(-1, self.in_features), dout.reshape(-1, self.out_features)
        self.grads["weight"] = drows.T @ rows  # (O, M) @ (M, I) -> (O, I)
        if "bias" in self.params:
            self.grads["bias"] = drows.sum(axis=0)
        return dout @ self.params["weight"] if self.needs_dx else None  # (..., O) @ (O, I) -> (..., I)
