"""The gated recurrent unit: a state that moves towards its new value as far as one gate lets it."""

import numpy as np

from dlcourse.reference.recurrent import Recurrent, sigmoid_


class GRU(Recurrent):
    """Read a sequence with a gated state.

        r, z = σ(W_ih x[t] + b_ih + W_hh h[t - 1] + b_hh), each with its own rows
        n = tanh(W_in x[t] + b_in + r * (W_hn h[t - 1] + b_hn))
        h[t] = (1 - z) * n + z * h[t - 1], y[t] = h[t]

    x             (N, T, I)  input; I = input_size
    state         (N, H)     h before the first step, zeros unless given; H = hidden_size
    lengths       (N,)       steps of each sequence, T unless given; after them y is 0, without gradient
    weight_ih_l0  (3H, I)    rows in the order r, z, n; all parameters from U(-1/√H, 1/√H), as in torch
    weight_hh_l0  (3H, H)
    bias_ih_l0    (3H,)
    bias_hh_l0    (3H,)      that of n stands inside r * (...)
    y             (N, T, H)  every h; forward returns it together with the last h (N, H)

    Raises ValueError for a wrong shape, no steps or a length outside 1..T, TypeError for an integer input.
    Source: cho2014, in the form that torch computes. Chapter: 18_lstm.
    """

    gates = "rzn"

    def unroll(self, x, h0):
        T, N, H = *x.shape[:2], self.hidden_size
        w_hh, b_hh = self.by_gate("weight_hh_l0"), self.params["bias_hh_l0"].reshape(3, 1, H)
        gates = x[:, None] @ self.by_gate("weight_ih_l0")  # (T, 1, N, I) @ (3, I, H) -> (T, 3, N, H)
        gates += self.params["bias_ih_l0"].reshape(3, 1, H)
        r, z, n = gates.transpose(1, 0, 2, 3)  # views (T, N, H)
        h, recurrent = np.empty((T + 1, N, H), gates.dtype), np.empty_like(gates)
        h[0] = h0
        for t in range(T):
            np.matmul(h[t], w_hh, out=recurrent[t])  # (N, H) @ (3, H, H)
            recurrent[t] += b_hh
            gates[t, :2] += recurrent[t, :2]
            sigmoid_(gates[t, :2])
            n[t] += r[t] * recurrent[t, 2]
            np.tanh(n[t], out=n[t])
            np.subtract(h[t], n[t], out=h[t + 1])
            h[t + 1] *= z[t]
            h[t + 1] += n[t]  # n + z (h - n)
        return [h], gates, recurrent[:, 2]

    def unroll_back(self, douts, states, gates, recurrent_n):
        (dy,), (h,) = douts, states
        (T, _, N, H), w_hh = gates.shape, self.params["weight_hh_l0"]
        r, z, n = gates.transpose(1, 0, 2, 3)
        da_ih, da_hh = np.empty((2, T, N, 3, H), gates.dtype)  # at the input sums and at the recurrent ones
        da_ih[:, :, 2] = (1 - z) * (1 - n * n)  # first all that does not depend on later steps ...
        da_ih[:, :, 1] = (h[:-1] - n) * z * (1 - z)
        da_ih[:, :, 0] = da_ih[:, :, 2] * recurrent_n * r * (1 - r)
        da_hh[:, :, :2] = da_ih[:, :, :2]
        da_hh[:, :, 2] = da_ih[:, :, 2] * r  # W_hn h + b_hn is seen through r
        dh = np.zeros((N, H), gates.dtype)
        for t in reversed(range(T)):  # ... then what comes down from them
            dh += dy[t]
            da_ih[t] *= dh[:, None]
            da_hh[t] *= dh[:, None]
            dh *= z[t]
            dh += da_hh[t].reshape(N, 3 * H) @ w_hh
        return da_ih, da_hh, [dh]
