"""Experiments of 07_perceptron_xor."""

import numpy as np

from dlcourse import reference as ref
from dlcourse.course.recorded import experiment
from dlcourse.data.gates import gate


@experiment("07_perceptron_xor", "width", [{"hidden": n} for n in (1, 2, 3, 4, 6, 8, 16)], seeds=50)
def width(seed, *, hidden, steps=5000, lr=0.5):
    """Train 2-hidden-1, tanh, on XOR with all four samples in every step; is each answer right?"""
    rng = np.random.default_rng(seed)
    x, t = gate("XOR")
    t = t[:, None]
    net = ref.MLP([2, hidden, 1], activation="tanh", rng=rng)
    net.load_state_dict(
        {
            "0.weight": rng.normal(size=(hidden, 2)),
            "0.bias": np.zeros(hidden),
            "2.weight": rng.normal(size=(1, hidden)),
            "2.bias": np.zeros(1),
        }
    )
    loss, optimiser = ref.BCEWithLogitsLoss(), ref.SGD(net, lr=lr)
    for _ in range(steps):
        loss(net(x), t)
        net.backward(loss.backward())
        optimiser.step()
    return {"solved": bool(np.array_equal(net(x) >= 0, t == 1))}
