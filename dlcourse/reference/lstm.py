"""Long short-term memory: a cell that changes only as far as its gates let it."""

import numpy as np

from dlcourse.reference.recurrent import Recurrent, sigmoid_


class LSTM(Recurrent):
    """Read a sequence with a gated cell.

        i, f, o = σ(W_ih x[t] + b_ih + W_hh h[t - 1] + b_hh), g = tanh(the same), each with its own rows
        c[t] = f * c[t - 1] + i * g
        h[t] = o * tanh(c[t]), y[t] = h[t]

    x             (N, T, I)       input; I = input_size
    state         (N, H), (N, H)  h and c before the first step, zeros unless given; H = hidden_size
    lengths       (N,)            steps of each sequence, T unless given; after them y is 0, without gradient
    weight_ih_l0  (4H, I)         rows in the order i, f, g, o; all from U(-1/√H, 1/√H), as in torch
    weight_hh_l0  (4H, H)
    bias_ih_l0    (4H,)
    bias_hh_l0    (4H,)
    y             (N, T, H)       every h; forward returns it together with the last (h, c)

    Raises ValueError for a wrong shape, no steps or a length outside 1..T, TypeError for an integer input.
    Source: hochreiter1997 and, for the forget gate f, gers2000. Chapter: 18_lstm.
    """

    gates = "ifgo"
    states = 2

    def unroll(self, x, h0, c0):
        T, N, H = *x.shape[:2], self.hidden_size
        w_hh = self.by_gate("weight_hh_l0")
        gates = x[:, None] @ self.by_gate("weight_ih_l0")  # (T, 1, N, I) @ (4, I, H) -> (T, 4, N, H)
        gates += (self.params["bias_ih_l0"] + self.params["bias_hh_l0"]).reshape(4, 1, H)
        i, f, g, o = gates.transpose(1, 0, 2, 3)  # views (T, N, H)
        h, c = np.empty((2, T + 1, N, H), gates.dtype)
        h[0], c[0] = h0, c0
        tanh_c, product = np.empty_like(g), np.empty_like(gates[0])
        for t in range(T):
            gates[t] += np.matmul(h[t], w_hh, out=product)  # (N, H) @ (4, H, H)
            sigmoid_(gates[t, :2])
            np.tanh(g[t], out=g[t])
            sigmoid_(o[t])
            np.multiply(f[t], c[t], out=c[t + 1])
            c[t + 1] += i[t] * g[t]
            np.tanh(c[t + 1], out=tanh_c[t])
            np.multiply(o[t], tanh_c[t], out=h[t + 1])
        return [h, c], gates, tanh_c

    def unroll_back(self, douts, states, gates, tanh_c):
        (dy, dc_end), (_, c) = douts, states
        (T, _, N, H), w_hh = gates.shape, self.params["weight_hh_l0"]
        i, f, g, o = gates.transpose(1, 0, 2, 3)
        da = np.empty((T, N, 4, H), gates.dtype)  # first all that does not depend on later steps ...
        da[:, :, 0] = g * i * (1 - i)
        da[:, :, 1] = c[:-1] * f * (1 - f)
        da[:, :, 2] = i * (1 - g * g)
        da[:, :, 3] = tanh_c * o * (1 - o)
        dc_dh = o * (1 - tanh_c * tanh_c)
        dh, dc = np.zeros((2, N, H), gates.dtype)
        for t in reversed(range(T)):  # ... then what comes down from them
            dh += dy[t]
            dc += dc_end[t]
            dc += dh * dc_dh[t]
            da[t, :, :3] *= dc[:, None]
            da[t, :, 3] *= dh
            dh = da[t].reshape(N, 4 * H) @ w_hh
            dc *= f[t]
        return da, da, [dh, dc]
