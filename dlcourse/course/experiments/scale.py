"""Experiments of 24_scale: federated averaging, clipped and noisy gradients, a bandit."""

import numpy as np

from dlcourse.course.recorded import experiment
from dlcourse.data.digits import digits

CHAPTER = "24_scale"
REWARDS = np.array([0.2, 0.35, 0.5, 0.65, 0.8])  # the mean reward of each of the five arms
FEDERATED = [{"split": split, "local": local} for split in ("mixed", "by digit") for local in (1, 5, 20, 50)]
PRIVATE = [{"sigma": sigma} for sigma in (0, 2, 5, 10, 20, 40, 80)]
BANDITS = [{"shift": shift, "baseline": baseline} for shift in (0, 4) for baseline in (False, True)]


# --- Softmax regression on the digits -------------------------------------------------------------------


def rows(seed):
    """The digits with a column of ones for the bias: x (N, 65), labels (N,), and the same for the test."""
    x, y, x_test, y_test = digits(seed)
    return np.hstack([x, np.ones((len(x), 1))]), y, np.hstack([x_test, np.ones((len(x_test), 1))]), y_test


def errors(w, x, y):
    """Probabilities minus one-hot labels (N, C): the gradient of each example's loss by its scores."""
    z = x @ w.T
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(x)), y] -= 1
    return p


def right(w, x, y):
    return float(((x @ w.T).argmax(axis=1) == y).mean())


def parts_of(y, split, clients, rng):
    """The rows of each client: mixed, or sorted by digit so that each client has about two digits."""
    order = rng.permutation(len(y)) if split == "mixed" else np.argsort(y, kind="stable")
    return np.array_split(order, clients)


def federate(seed, *, split, local, rounds=20, lr=0.5, clients=5):
    """Federated averaging: the test accuracy after each round."""
    x, y, x_test, y_test = rows(seed)
    parts = parts_of(y, split, clients, np.random.default_rng(seed))
    w, accuracies = np.zeros((10, 65)), []
    for _ in range(rounds):
        mean = np.zeros_like(w)
        for mine in parts:
            own = w.copy()
            for _ in range(local):
                own -= lr * errors(own, x[mine], y[mine]).T @ x[mine] / len(mine)
            mean += len(mine) / len(x) * own
        w = mean
        accuracies.append(right(w, x_test, y_test))
    return accuracies


@experiment(CHAPTER, "federated", FEDERATED, seeds=5, band=dict.fromkeys(("r1", "r5", "r20"), 0.03))
def federated(seed, *, split, local):
    """Test accuracy after 1, 5 and 20 rounds."""
    found = federate(seed, split=split, local=local)
    return {f"r{k}": found[k - 1] for k in (1, 5, 20)}


def train_privately(seed, sigma, *, steps=60, clip=1.0, lr=4.0):
    """Descent on the whole batch with clipped examples and noise; return the weights (10, 65)."""
    x, y, *_ = rows(seed)
    rng = np.random.default_rng(seed)
    w, lengths = np.zeros((10, 65)), np.linalg.norm(x, axis=1)
    for _ in range(steps):
        delta = errors(w, x, y)  # the gradient of example i is the outer product of delta[i] and x[i]
        norms = np.linalg.norm(delta, axis=1) * lengths
        total = (delta * np.minimum(1, clip / norms)[:, None]).T @ x
        w -= lr * (total + sigma * clip * rng.normal(size=w.shape)) / len(x)
    return w


@experiment(CHAPTER, "private", PRIVATE, seeds=10, band={"accuracy": 0.03})
def private(seed, *, sigma):
    """Test accuracy after training with noise of this size."""
    *_, x_test, y_test = rows(seed)
    return {"accuracy": right(train_privately(seed, sigma), x_test, y_test)}


# --- The bandit -----------------------------------------------------------------------------------------


def play(seed, *, shift, baseline, steps=800, lr=0.1):
    """REINFORCE on five arms; return the expected reward (shift taken away) before each step."""
    rng, theta, mean, expected = np.random.default_rng(seed), np.zeros(5), 0.0, []
    for _ in range(steps):
        p = np.exp(theta - theta.max())
        p /= p.sum()
        expected.append(float(p @ REWARDS))
        action = min(int(np.searchsorted(np.cumsum(p), rng.random())), 4)
        reward = REWARDS[action] + shift + 0.3 * rng.normal()
        gain = reward - mean if baseline else reward
        theta += lr * gain * ((np.arange(5) == action) - p)
        mean += 0.05 * (reward - mean)
    return expected


@experiment(CHAPTER, "bandit", BANDITS, seeds=40, band=dict.fromkeys(("s100", "s400", "s800"), 0.05))
def bandit(seed, *, shift, baseline):
    """Expected reward after 100, 400 and 800 steps."""
    found = play(seed, shift=shift, baseline=baseline)
    return {f"s{k}": found[k - 1] for k in (100, 400, 800)}
