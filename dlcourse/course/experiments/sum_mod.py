"""Experiments of 21_sum_mod: where learning breaks, two ways out, and what each ingredient is worth."""

import itertools

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from dlcourse.course.recorded import experiment
from dlcourse.data.sequences import sum_mod
from dlcourse.pytorch.init import initialise
from dlcourse.pytorch.transformer import Block, TransformerClassifier, begin
from dlcourse.training import cosine

CHAPTER = "21_sum_mod"
LENGTH = 16
SNAPSHOTS = (100, 200, 400, 700, 1000, 1500, 2000, 3000)  # steps at which the positions are recorded
LENGTHS = (2, 4, 8, 12, 14, 15, *range(16, 25))


class PostBlock(Block):
    """The original order ("post-LN"): add first, then normalise the sum."""

    def forward(self, x, memory=None, padding=None):
        T = x.shape[1]
        hidden = torch.ones(T, T, dtype=torch.bool, device=x.device).triu(1) if self.causal else None
        x = self.norm_attention(x + self._look(self.attention, x, None, padding, hidden))
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x)))


class Convolutional(nn.Module):
    """A shallow CNN: embedding, one convolution over five neighbours, ReLU, mean over places, two layers."""

    def __init__(self, width=64, hidden=96, *, rng):
        super().__init__()
        self.embedding = nn.Embedding(10, width)
        self.convolution = nn.Conv1d(width, hidden, 5, padding=2)
        self.head = nn.Sequential(nn.Linear(hidden, 192), nn.ReLU(), nn.Linear(192, 5))
        initialise(self, rng)

    def forward(self, x):
        h = self.convolution(self.embedding(x).mT).relu()  # (N, O, T)
        return self.head(h.mean(dim=2))


def make(rng, *, width=64, heads=8, blocks=2, norm="pre", causal=False, dense=False, **options):
    """A TransformerClassifier of digits whose embedding begins N(0, 1); dense: it answers at every place."""
    pooling = None if dense else options.pop("pooling", "mean")
    sizes = {"embed_dim": width, "num_heads": heads, "hidden_dim": 4 * width, "num_layers": blocks}
    vocabulary = 11 if pooling == "first" else 10  # token 10 is the class token
    model = TransformerClassifier(vocabulary, 5, **sizes, causal=causal, pooling=pooling, rng=rng, **options)
    if norm == "post":
        model.blocks = nn.Sequential(
            *(PostBlock(width, heads, 4 * width, causal=causal) for _ in range(blocks))
        )
        begin(model, rng)
    with torch.no_grad():
        model.tokens.embedding.weight.mul_(width**0.5)
    return model


def batch(n, length, rng, *, dense=False):
    """Digits (n, T) and what they add up to, mod 5: (n,), or with dense=True of every prefix (n, T)."""
    x, sums = (torch.from_numpy(a) for a in sum_mod(n, length, rng=rng))
    return x, sums if dense else sums[:, -1]


def step(model, optimiser, x, y, *, clip=1.0):
    """One step of descent on the mean cross-entropy; return the loss and the share of right answers."""
    scores = model(x)
    if scores.dim() > y.dim() + 1:  # answers everywhere, a label for the last place only
        scores = scores[:, -1]
    loss = cross_entropy(scores.flatten(0, -2), y.flatten())
    optimiser.zero_grad()
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()
    return loss.item(), (scores.detach().argmax(-1) == y).float().mean().item()


@torch.no_grad()
def right(model, length, rng, n=20_000):
    """The share of fresh sequences whose sum is told right; a list of shares, where it answers everywhere."""
    total = 0.0
    model.eval()
    for _ in range(0, n, 1000):
        x, sums = batch(1000, length, rng, dense=True)
        answers = model(x).argmax(-1)
        total = total + (answers == (sums if answers.dim() == 2 else sums[:, -1])).double().sum(0).numpy()
    model.train()
    return (total / n).tolist()


# --- One length throughout -------------------------------------------------------------------------------


def fixed(model, length, steps, rng, *, lr=1e-3, size=64, rate=None, clip=None, dense=False, stop=2.0):
    """Train at one length; a (step, loss, running accuracy) after each step, until it exceeds `stop`.

    The running accuracy is a mean of the batches' accuracies with weights that fall by .95 a step.
    """
    optimiser, running = torch.optim.Adam(model.parameters(), lr, fused=True), 0.0
    for i in range(steps):
        if rate:
            optimiser.param_groups[0]["lr"] = rate(i)
        loss, share = step(model, optimiser, *batch(size, length, rng, dense=dense), clip=clip)
        running = 0.95 * running + 0.05 * share
        yield i + 1, loss, running
        if running > stop:
            return


@experiment(
    CHAPTER,
    "stall",
    [
        {"blocks": 2, "heads": 4, "dropout": 0.1, "size": 128, "steps": 300},
        {"blocks": 1, "heads": 4, "dropout": 0.0, "size": 64, "steps": 3000},
    ],
    seeds=5,
    band={"accuracy": 0.02, "loss": 0.02},
)
def stall(seed, *, blocks, heads, dropout, size, steps):
    """Accuracy at length 16 after training there, and the mean loss of the last 100 steps."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)  # dropout draws from torch's generator
    model = make(rng, blocks=blocks, heads=heads, dropout=dropout)
    losses = [loss for _, loss, _ in fixed(model, LENGTH, steps, rng, size=size)]
    return {"accuracy": right(model, LENGTH, rng), "loss": float(np.mean(losses[-100:]))}


@experiment(
    CHAPTER,
    "cliff",
    [{"length": n} for n in (1, 2, 3, 4, 5, 6, 8)],
    seeds=3,
    # near the wall the last bit decides when, and whether, a run leaves chance
    band={"steps": 4001, "accuracy": 0.85},
)
def cliff(seed, *, length, most=4000):
    """Steps until the running accuracy exceeds .95 (-1: not within 4,000), and the accuracy then."""
    rng = np.random.default_rng(seed)
    model = make(rng, blocks=1, heads=4)
    *_, (steps, _, running) = fixed(model, length, most, rng, stop=0.95)
    return {"steps": steps if running > 0.95 else -1, "accuracy": right(model, length, rng, 10_000)}


# --- How large the signal is -----------------------------------------------------------------------------


def flat(gradients):
    return torch.cat([g.flatten() for g in gradients])


def signal_of(model, length, chunk=2000):
    """The exact mean of the gradient's part that depends on the label, over all 10^T sequences.

    For a label drawn at random the gradient of the loss with respect to a score z_c has the mean p_c - 1/5,
    for the right one p_c - [y = c]. The difference, 1/5 - [y = c], is all that the labels have to say.
    """
    total, parameters = 0.0, list(model.parameters())
    sequences = torch.tensor(list(itertools.product(range(10), repeat=length)))
    for x in sequences.split(chunk):
        scores = model(x)
        told = 0.2 - nn.functional.one_hot(x.sum(1) % 5, 5)
        total = total + flat(torch.autograd.grad((told * scores).sum(), parameters))
    return total / len(sequences)


def noise_of(model, length, rng, batches=50, size=64):
    """The length of what chance alone puts into a batch's gradient: 1/5 - [y = c] with labels at random."""
    squares, parameters = [], list(model.parameters())
    for _ in range(batches):
        x = batch(size, length, rng)[0]
        told = 0.2 - nn.functional.one_hot(torch.from_numpy(rng.integers(0, 5, size)), 5)
        gradient = flat(torch.autograd.grad((told * model(x)).sum() / size, parameters))
        squares.append(gradient.square().sum().item())
    return float(np.sqrt(np.mean(squares)))


@experiment(
    CHAPTER,
    "signal",
    [{"length": n} for n in range(1, 6)],
    seeds=5,
    band={"log_signal": 0.05, "log_noise": 0.05},
)
def signal(seed, *, length):
    """log10 of the length of the labels' mean gradient at the start, and of its noise in a batch of 64."""
    rng = np.random.default_rng(seed)
    model = make(rng, blocks=1, heads=4, dtype=torch.float64)
    exact = signal_of(model, length).norm().item()
    return {"log_signal": float(np.log10(exact)), "log_noise": float(np.log10(noise_of(model, length, rng)))}


# --- Dense labels ----------------------------------------------------------------------------------------


def train_dense(model, rng, *, steps=3000, length=LENGTH, lr=3e-3, steady=False, dense=True):
    """Train on all prefix sums; steady: no warm-up, decay or clipping; dense=False: on the last sum only."""
    rate = None if steady else cosine(lr, steps, warmup=200, floor=0.02)
    settings = {"lr": lr, "rate": rate, "clip": None if steady else 1.0, "dense": dense}
    yield from fixed(model, length, steps, rng, **settings)


@experiment(
    CHAPTER,
    "dense",
    seeds=5,
    band={"accuracy": 0.015} | {f"at_{s}_{t}": 0.6 for s in SNAPSHOTS for t in range(1, LENGTH + 1)},
)
def dense(seed):
    """Accuracy at position 16, and at every position after some numbers of steps."""
    rng = np.random.default_rng(seed)
    fresh = np.random.default_rng(1000 + seed)
    model, result = make(rng, causal=True, dense=True), {}
    for i, _, _ in train_dense(model, rng):
        if i in SNAPSHOTS:
            shares = right(model, LENGTH, fresh, 2000)
            result |= {f"at_{i}_{t}": share for t, share in enumerate(shares, 1)}
    return {"accuracy": right(model, LENGTH, fresh)[-1]} | result


def changed_dense(seed, *, dense=True, causal=True, steady=False, **options):
    """Accuracy at position 16 with the recipe of `dense`, changed."""
    rng = np.random.default_rng(seed)
    model = make(rng, causal=causal, dense=True, **options)
    for _ in train_dense(model, rng, steady=steady, dense=dense):
        pass
    return {"accuracy": right(model, LENGTH, np.random.default_rng(1000 + seed))[-1]}


@experiment(CHAPTER, "dense_controls", [{"dense": False}, {"causal": False}], seeds=3, band={"accuracy": 0.6})
def dense_controls(seed, **change):
    """The recipe of `dense`, with the last label only, and with attention that looks both ways."""
    return changed_dense(seed, **change)


@experiment(
    CHAPTER,
    "dense_ablation",
    [{"blocks": 1}, {"positions": None}, {"steady": True}],
    seeds=2,
    band={"accuracy": 0.6},
)
def dense_ablation(seed, **change):
    """The recipe of `dense` with one block, without positions, at a constant rate without clipping."""
    return changed_dense(seed, **change)


@experiment(
    CHAPTER,
    "norm_order",
    [{"norm": "post", "steady": steady} for steady in (False, True)],
    seeds=2,
    band={"accuracy": 0.85},
)
def norm_order(seed, **change):
    """The recipe of `dense` with post-LN; `dense` and `dense_ablation` hold the runs with pre-LN."""
    return changed_dense(seed, **change)


# --- A curriculum of lengths -----------------------------------------------------------------------------


def curriculum(model, stages, rng, *, lr=2e-3, goal=0.9, anneal=2000, patience=1500):
    """Train at growing lengths, then let the rate fall at the last; return the steps of each stage.

    The list ends early with a stage that was not passed within `patience` steps.
    """
    optimiser, spent, total = torch.optim.Adam(model.parameters(), lr, fused=True), [], 0
    for length in stages[:-1]:
        running, count = 0.0, 0
        while running < goal and count < patience:
            optimiser.param_groups[0]["lr"] = lr * min(1.0, (total + 1) / 100)  # warm-up
            _, share = step(model, optimiser, *batch(64, length, rng))
            running = 0.95 * running + 0.05 * share
            count, total = count + 1, total + 1
        spent.append(count)
        if running < goal:
            return spent
    rate = cosine(lr, anneal, floor=0.02)
    for i in range(anneal):
        optimiser.param_groups[0]["lr"] = rate(i)
        step(model, optimiser, *batch(64, stages[-1], rng))
    return [*spent, anneal]


@experiment(
    CHAPTER,
    "curriculum",
    seeds=5,
    band={"accuracy": 0.008, "steps": 1500} | {f"length_{n}": 0.6 for n in LENGTHS},
)
def grown(seed):
    """Accuracy at length 16 and the steps it took; accuracies at shorter and at never trained lengths."""
    rng = np.random.default_rng(seed)
    model = make(rng)
    spent = curriculum(model, range(2, LENGTH + 1), rng)
    fresh = np.random.default_rng(1000 + seed)
    result = {"accuracy": right(model, LENGTH, fresh), "steps": sum(spent)}
    return result | {f"length_{n}": right(model, n, fresh, 4000) for n in LENGTHS}


def train_unordered(model, shortest, rng, *, steps, lr=2e-3):
    """Train on batches of lengths drawn at random from the shortest to 16."""
    optimiser, rate = torch.optim.Adam(model.parameters(), fused=True), cosine(lr, steps, warmup=100)
    for i in range(steps):
        optimiser.param_groups[0]["lr"] = rate(i)
        length = int(rng.integers(shortest, LENGTH + 1))
        step(model, optimiser, *batch(64, length, rng))


@experiment(
    CHAPTER,
    "curriculum_controls",
    [{"stages": stages} for stages in ("16 only", "1 to 16 mixed", "2, 4, 8, 16")],
    seeds=3,
    band={"accuracy": 0.85, "reached": 14},
)
def curriculum_controls(seed, *, stages):
    """The network of `grown` at other lengths; `reached` is the length at which the training ended."""
    rng = np.random.default_rng(seed)
    model, reached = make(rng), LENGTH
    if stages == "2, 4, 8, 16":
        lengths = [2, 4, 8, 16]
        reached = lengths[len(curriculum(model, lengths, rng)) - 1]
    else:  # as many steps as a typical run of `grown`
        train_unordered(model, LENGTH if stages == "16 only" else 1, rng, steps=4300)
    return {"accuracy": right(model, LENGTH, np.random.default_rng(1000 + seed)), "reached": reached}


# --- Convolution beside attention ------------------------------------------------------------------------


@experiment(
    CHAPTER,
    "convolution",
    [{"network": network, "grows": grows} for network in ("cnn", "attention") for grows in (False, True)],
    seeds=3,
    band={"accuracy": 0.85, "reached": 14},
)
def convolution(seed, *, network, grows):
    """A shallow CNN and one block of attention of about its size: at length 16, or with a curriculum."""
    rng = np.random.default_rng(seed)
    model = Convolutional(rng=rng) if network == "cnn" else make(rng, blocks=1)
    stages = list(range(2, LENGTH + 1))
    if grows:
        reached = stages[len(curriculum(model, stages, rng)) - 1]
    else:
        reached = LENGTH
        train_unordered(model, LENGTH, rng, steps=3000)
    return {"accuracy": right(model, LENGTH, np.random.default_rng(1000 + seed)), "reached": reached}
