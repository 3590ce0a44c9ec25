"""Experiments of 20_attention: do heads divide the work, when a position needs two others?"""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from dlcourse.course.recorded import experiment
from dlcourse.pytorch.init import initialise
from dlcourse.pytorch.transformer import SinusoidalPositions

CHAPTER = "20_attention"
V, T, D = 8, 12, 32  # tokens, steps, width


def two_back(n, rng):
    """Tokens x (n, T), and for each position the tokens one and two steps back (n, T, 2); -1: none there."""
    x = rng.integers(0, V, (n, T))
    y = np.full((n, T, 2), -1)
    y[:, 1:, 0], y[:, 2:, 1] = x[:, :-1], x[:, :-2]
    return torch.from_numpy(x), torch.from_numpy(y)


def mirror(n, rng):
    """Tokens x (n, T), and for each place the token at the mirrored place and, cyclically, its successor."""
    x = rng.integers(0, V, (n, T))
    y = np.stack([x[:, ::-1], np.roll(x[:, ::-1], 1, axis=1)], axis=2)
    return torch.from_numpy(x), torch.from_numpy(y)


TASKS = {"two back": two_back, "mirror": mirror}


class Looker(nn.Module):
    """One layer of attention and nothing else: tokens (N, T) to scores of two tokens (N, T, 2, V)."""

    def __init__(self, heads, *, rng):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(V, D), SinusoidalPositions()
        self.attention = nn.MultiheadAttention(D, heads, batch_first=True)
        self.readout = nn.Linear(D, 2 * V)
        initialise(self, rng)
        bound = (6 / (4 * D)) ** 0.5  # torch's spread; `initialise` leaves these weights alone
        self.attention.in_proj_weight.data = torch.from_numpy(rng.uniform(-bound, bound, (3 * D, D)))
        self.double()
        self.weights = None

    def forward(self, tokens):
        x = self.positions(self.embedding(tokens))
        seen, self.weights = self.attention(x, x, x, average_attn_weights=False)
        return self.readout(seen).unflatten(2, (2, V))


def train(heads, seed, task="two back", steps=800, optimiser=torch.optim.Adam, lr=1e-2):
    """A trained `Looker`; batches of 64, and a rate that falls to zero along a cosine."""
    rng = np.random.default_rng(seed)
    model = Looker(heads, rng=rng)
    optimiser = optimiser(model.parameters(), lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        x, y = TASKS[task](64, rng)
        loss = cross_entropy(model(x).reshape(-1, V), y.reshape(-1), ignore_index=-1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model


@torch.no_grad()
def accuracy(model, seed, task="two back", best=1):
    """How often the right token is among the `best` likeliest, on 512 fresh sequences: both answers, (2,)."""
    x, y = TASKS[task](512, np.random.default_rng(1000 + seed))
    likeliest = model(x).topk(best, dim=3).indices  # (N, T, 2, best)
    right, asked = (likeliest == y[..., None]).any(dim=3), y >= 0
    return (right.sum(dim=(0, 1)) / asked.sum(dim=(0, 1))).numpy()


def masses(model):
    """The mean weight of the step before and the one before that in each head's last look: (2, heads)."""
    w = model.weights[:, :, 2:].numpy()  # (N, heads, T - 2, T), rows t = 2, 3, ...
    t = np.arange(2, T)
    return np.stack([w[:, :, t - 2, t - k].mean(axis=(0, 2)) for k in (1, 2)])


@torch.no_grad()
def damage(model, seed):
    """How much accuracy each of the two answers loses when one head is silenced: (heads, 2)."""
    whole, size, rows = accuracy(model, seed), D // model.attention.num_heads, []
    weight = model.attention.out_proj.weight
    for head in range(model.attention.num_heads):
        kept = weight.clone()
        weight[:, head * size : (head + 1) * size] = 0  # nothing of this head gets through W_o
        rows.append(whole - accuracy(model, seed))
        weight.copy_(kept)
    accuracy(model, seed)  # `model.weights` are those of the whole model again
    return np.array(rows)


@experiment(
    CHAPTER,
    "heads",
    [{"heads": heads} for heads in (1, 2, 4, 8)],
    seeds=5,
    band={"better": 0.05, "worse": 0.15, "worse_two": 0.1, "one_sided": 0.3, "spare": 4},
)
def heads_at_work(seed, heads):
    """better, worse: accuracy of the two answers; worse_two: how often two guesses contain the right token.

    spare: heads whose silence costs less than 0.02 of either answer; one_sided: the share of a head's damage
    that falls on one answer, averaged over the heads that count.
    """
    model = train(heads, seed)
    right, lost = accuracy(model, seed), np.maximum(damage(model, seed), 0)
    counts = lost.max(axis=1) >= 0.02
    shares = lost[counts].max(axis=1) / lost[counts].sum(axis=1)
    return {
        "better": float(right.max()),
        "worse": float(right.min()),
        "worse_two": float(accuracy(model, seed, best=2)[right.argmin()]),
        "one_sided": float(shares.mean()),
        "spare": int((~counts).sum()),
    }
