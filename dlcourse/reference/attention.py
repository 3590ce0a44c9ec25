"""Attention: every position asks all others, and averages their answers by how well they fit."""

import numpy as np

from dlcourse.checks import expect_array, expect_counts, expect_dtype, expect_floats, expect_shape
from dlcourse.reference import init
from dlcourse.reference.layer import Layer


def scaled_dot_product_attention(query, key, value, mask=None):
    """Mix the values by how well their keys fit each query: y = softmax(query keyᵀ / √d) value.

    query    (..., Tq, d)   what is asked
    key      (..., Tk, d)   what each position offers
    value    (..., Tk, dv)  what it answers
    mask     (..., Tq, Tk)  True where the query may look, everywhere unless given; broadcasts
    y        (..., Tq, dv)
    weights  (..., Tq, Tk)  the softmax: every row sums to 1; returned together with y

    Raises ValueError if a query may look nowhere, or for shapes that do not fit.
    Source: vaswani2017, section 3.2.1. Chapter: 20_attention.
    """
    name = "scaled_dot_product_attention"
    query = expect_floats(name, "query", query, ..., "Tq", "d")
    key = expect_floats(name, "key", key, *query.shape[:-2], "Tk", query.shape[-1])
    value = expect_floats(name, "value", value, *key.shape[:-1], "dv")
    if 0 in key.shape[-2:]:
        raise ValueError(f"{name}: expected at least one key of a number, got key of shape {key.shape}")
    # Scores are laid out (Tk, Tq): NumPy reduces over the last axis but one much faster than over the last.
    weights = key @ (query * query.shape[-1] ** -0.5).mT
    if mask is not None:
        mask = _expect_mask(name, mask, (*weights.shape[:-2], query.shape[-2], key.shape[-2]))
        weights += np.where(mask, 0, -np.inf).astype(weights.dtype).mT
    weights -= weights.max(axis=-2, keepdims=True)
    np.exp(weights, out=weights)
    weights /= weights.sum(axis=-2, keepdims=True)
    weights = weights.mT  # (..., Tq, Tk)
    return weights @ value, weights


def scaled_dot_product_attention_backward(dout, query, key, value, y, weights):
    """Return the gradients of query, key and value, given that of y and what forward took and gave."""
    dvalue = weights.mT @ dout  # (..., Tk, dv)
    dscores = value @ dout.mT  # (..., Tk, Tq)
    # The softmax takes off each query's mean gradient Σ_k weights · dweights, which is also Σ dout · y.
    dscores -= (dout * y).sum(axis=-1)[..., None, :]
    dscores *= weights.mT
    dscores *= query.shape[-1] ** -0.5
    return dscores.mT @ key, dscores @ query, dvalue


def _expect_mask(name, mask, shape):
    """Return the mask with the rank of the scores (..., Tq, Tk), sure that every query sees a key."""
    mask = expect_array(name, "mask", mask)
    if mask.dtype != bool:
        raise TypeError(f"{name}: expected a mask of booleans, got {mask.dtype}")
    if mask.ndim > len(shape) or any(m not in (1, n) for m, n in zip(mask.shape[::-1], shape[::-1])):
        raise ValueError(f"{name}: expected a mask that broadcasts to {shape}, got {mask.shape}")
    mask = mask.reshape((1,) * (len(shape) - mask.ndim) + mask.shape)
    blind = np.argwhere(~mask.any(axis=-1))
    if len(blind):
        got = f"every key is masked for the query at index {tuple(blind[0].tolist())}"
        raise ValueError(f"{name}: expected a mask that leaves a key, got one where {got}")
    return mask


def causal_mask(T):
    """Let position t look at positions 0 to t: True on and below the diagonal, (T, T)."""
    expect_counts("causal_mask", 0, T=T)
    return np.tri(T, dtype=bool)


class MultiheadAttention(Layer):
    """Let several attentions of width D / num_heads look at the same sequence, each in its own projection.

        q, k, v = query W_qᵀ + b_q, key W_kᵀ + b_k, key W_vᵀ + b_v, split into heads along D
        y = concatenated softmax(q kᵀ / √(D / num_heads)) v, times W_oᵀ, + b_o

    query             (N, Tq, D)  who asks; D = embed_dim
    key               (N, Tk, D)  who answers (keys and values); the query itself unless given
    key_padding_mask  (N, Tk)     True where the key is padding, which nobody looks at
    is_causal         bool        whether position t looks at positions 0 to t only
    in_proj_weight    (3D, D)     W_q, W_k, W_v on top of each other, Xavier uniform as in torch
    in_proj_bias      (3D,)       zeros at the start
    out_proj.weight   (D, D)      W_o, U(-1/√D, 1/√D)
    out_proj.bias     (D,)        zeros
    y                 (N, Tq, D)

    After `forward`, `weights` (N, num_heads, Tq, Tk) shows who looked where. `backward` returns dquery, for
    cross-attention (dquery, dkey).
    Raises ValueError for a wrong shape, num_heads that does not divide D, or a query that may look nowhere.
    Source: vaswani2017, section 3.2.2. Chapter: 20_attention.
    """

    def __init__(self, embed_dim, num_heads, *, rng, dtype=float):
        expect_counts("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads)
        dtype = expect_dtype("MultiheadAttention", dtype)
        if embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: expected num_heads to divide {embed_dim}, got {num_heads}")
        bound = embed_dim**-0.5
        out = init.uniform((embed_dim, embed_dim), -bound, bound, rng=rng, dtype=dtype)
        params = {
            "in_proj_weight": init.xavier_uniform((3 * embed_dim, embed_dim), rng=rng, dtype=dtype),
            "in_proj_bias": np.zeros(3 * embed_dim, dtype),
            "out_proj.weight": out,
            "out_proj.bias": np.zeros(embed_dim, dtype),
        }
        super().__init__(**params)
        self.embed_dim, self.num_heads, self.weights = embed_dim, num_heads, None

    def __repr__(self):
        return f"MultiheadAttention({self.embed_dim}, {self.num_heads})"

    def forward(self, query, key=None, key_padding_mask=None, is_causal=False):
        query = expect_floats(self, "query", query, "N", "Tq", self.embed_dim)
        crossing = key is not None
        key = expect_floats(self, "key", key, len(query), "Tk", self.embed_dim) if crossing else query
        if query.size == 0 or key.size == 0:
            shapes = f"query of shape {query.shape} and key of shape {key.shape}"
            raise ValueError(f"{self}: expected sequences of at least one step, got {shapes}")
        D, weight, bias = self.embed_dim, self.params["in_proj_weight"], self.params["in_proj_bias"]
        q = self._split(query @ weight[:D].T + bias[:D])
        kv = self._split(key @ weight[D:].T + bias[D:])
        heads = *q, *kv  # three times (N, h, T, d)
        mixed, self.weights = scaled_dot_product_attention(
            *heads, self._mask(query, key, key_padding_mask, is_causal)
        )
        joined = self._join(mixed)
        self.cache = query, key, heads, mixed, joined, crossing
        return joined @ self.params["out_proj.weight"].T + self.params["out_proj.bias"]

    def backward(self, dout):
        query, key, heads, mixed, joined, crossing = self.recall()
        dout = expect_floats(self, "dout", dout, *query.shape)
        rows = dout.reshape(-1, self.embed_dim)
        self.grads["out_proj.weight"] = rows.T @ joined.reshape(rows.shape)
        self.grads["out_proj.bias"] = rows.sum(axis=0)
        (dmixed,) = self._split(dout @ self.params["out_proj.weight"])
        dq, dk, dv = scaled_dot_product_attention_backward(dmixed, *heads, mixed, self.weights)
        dquery, dkey = self._project_back((query, self._join(dq)), (key, self._join(dk, dv)))
        return (dquery, dkey) if crossing else dquery + dkey

    def _project_back(self, *sides):
        """Given (input, gradient of its projection) for query and key, return the gradients of the inputs."""
        projected = [d.reshape(-1, d.shape[-1]) for _, d in sides]
        products = [d.T @ x.reshape(-1, self.embed_dim) for d, (x, _) in zip(projected, sides)]
        self.grads["in_proj_weight"] = np.concatenate(products)  # (D, D) on (2D, D)
        self.grads["in_proj_bias"] = np.concatenate([d.sum(axis=0) for d in projected])
        weights = np.split(self.params["in_proj_weight"], [self.embed_dim])
        return [d @ weight for (_, d), weight in zip(sides, weights)]

    def _split(self, x):
        """Cut (N, T, m*D) into m arrays of heads (N, h, T, d), contiguous for the sake of fast products."""
        N, T, _ = x.shape
        heads = x.reshape(N, T, -1, self.num_heads, self.embed_dim // self.num_heads).transpose(2, 0, 3, 1, 4)
        return np.ascontiguousarray(heads)

    def _join(self, *heads):
        """The inverse of `_split`."""
        N, h, T, d = heads[0].shape
        return np.stack([head.swapaxes(1, 2) for head in heads], axis=2).reshape(N, T, -1)

    def _mask(self, query, key, key_padding_mask, is_causal):
        """Turn the layer's two masks into the one of the function, True where a query may look."""
        if is_causal and key.shape != query.shape:
            raise ValueError(
                f"{self}: a causal mask needs as many keys as queries, got key of shape {key.shape}"
            )
        mask = np.ones((1, 1, 1, 1), bool)
        if key_padding_mask is not None:
            padding = expect_shape(self, "key_padding_mask", key_padding_mask, *key.shape[:2])
            if padding.dtype != bool:
                raise TypeError(f"{self}: expected key_padding_mask of booleans, got {padding.dtype}")
            mask = mask & ~padding[:, None, None, :]  # (N, 1, 1, Tk)
        return mask & causal_mask(key.shape[1]) if is_causal else mask
