"""The plain recurrent network: one tanh of the input and of its own last answer."""

import numpy as np

from dlcourse.reference.recurrent import Recurrent


class RNN(Recurrent):
    """Read a sequence with a tanh unit: h[t] = tanh(W_ih x[t] + b_ih + W_hh h[t - 1] + b_hh), y[t] = h[t].

    x             (N, T, I)  input; I = input_size
    state         (N, H)     h before the first step, zeros unless given; H = hidden_size
    lengths       (N,)       steps of each sequence, T unless given; after them y is 0, without gradient
    weight_ih_l0  (H, I)     W_ih, all parameters from U(-1/√H, 1/√H), as in torch
    weight_hh_l0  (H, H)     W_hh
    bias_ih_l0    (H,)       b_ih
    bias_hh_l0    (H,)       b_hh
    y             (N, T, H)  every h; forward returns it together with the last h (N, H)

    Raises ValueError for a wrong shape, no steps or a length outside 1..T, TypeError for an integer input.
    Source: goodfellow2016, section 10.2. Chapter: 17_rnn.
    """

    gates = "h"

    def unroll(self, x, h0):
        T, N, H = *x.shape[:2], self.hidden_size
        w_hh = self.by_gate("weight_hh_l0")[0]
        a = x @ self.by_gate("weight_ih_l0")[0]  # (T, N, I) @ (I, H): all steps at once
        a += self.params["bias_ih_l0"] + self.params["bias_hh_l0"]
        h = np.empty((T + 1, N, H), a.dtype)
        h[0] = h0
        for t in range(T):
            np.matmul(h[t], w_hh, out=h[t + 1])
            h[t + 1] += a[t]
            np.tanh(h[t + 1], out=h[t + 1])
        return [h], h[1:, None], None

    def unroll_back(self, douts, states, gates, memory):
        (dy,), (h,) = douts, states
        w_hh = self.params["weight_hh_l0"]
        da = 1 - h[1:] ** 2  # tanh' at every step
        dh = np.zeros_like(h[0])
        for t in reversed(range(len(da))):
            dh += dy[t]  # what the output says, on top of what the next step said
            da[t] *= dh
            np.matmul(da[t], w_hh, out=dh)
        return da, da, [dh]
