"""Experiments of 18_lstm: cells under equal conditions, and what one vector can carry."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from dlcourse.course.recorded import experiment
from dlcourse.data.dates import date_pairs, split_days
from dlcourse.data.sequences import adding, recall, reversal, shift
from dlcourse.data.tokens import BOS, EOS, PAD, Vocabulary, pad, teacher_forcing
from dlcourse.pytorch.init import initialise
from dlcourse.pytorch.seq2seq import Seq2Seq
from dlcourse.training import cosine

CHAPTER = "18_lstm"
CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
LAGS = (0, 10, 20, 30, 40, 49)  # the steps at which gradient profiles are recorded
LENGTHS = range(2, 13)


class Reader(nn.Module):
    """A recurrent layer and a linear readout of every step: x (N, T, I) -> (N, T, O)."""

    def __init__(self, cell, inputs, hidden, outputs, *, rng, keep=0.0):
        super().__init__()
        self.cell = CELLS[cell](inputs, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, outputs)
        initialise(self, rng)
        with torch.no_grad():  # rows H to 2H: the forget gate of the LSTM, the gate z of the GRU
            self.cell.bias_ih_l0[hidden : 2 * hidden] += keep

    def forward(self, x):
        return self.readout(self.cell(x)[0])


def fit(model, optimiser, loss, clip=1.0):
    """One step of descent."""
    optimiser.zero_grad()
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()


# --- The shift task --------------------------------------------------------------------------------------


def shift_batch(n, rng):
    """Tokens x one-hot (n, 8, 6), and (x + 1) mod 6 as classes (n, 8)."""
    x, y = (torch.from_numpy(a) for a in shift(n, rng=rng))
    return one_hot(x, 6).float(), y


def tch_start(model, rng):
    """Redraw the weights from U(±√(6 / fan_in)) as tch does, the biases of affine maps from U(±1 / √fan_in).

    An LSTM's biases begin at 0 there; a plain cell is built of two affine maps.
    """
    plain = isinstance(model.cell, nn.RNN)
    for name, p in model.named_parameters():
        fan_in = model.cell.input_size if "ih" in name else model.cell.hidden_size
        if p.dim() == 2:
            bound = math.sqrt(6 / fan_in)
        else:
            bound = 1 / math.sqrt(fan_in) if plain or name == "readout.bias" else 0.0
        p.data = torch.from_numpy(rng.uniform(-bound, bound, p.shape)).float()


def train_shift(cell, lr, *, epochs, seed, start="torch"):
    """Train on a fresh batch of 32 per epoch; a row (loss, accuracy on 2,048 fresh tokens) for each epoch."""
    rng = np.random.default_rng(seed)
    fresh = shift_batch(256, np.random.default_rng(1000 + seed))
    model = Reader(cell, 6, 16, 6, rng=rng)
    if start == "tch":
        tch_start(model, rng)
    optimiser, rows = torch.optim.Adam(model.parameters(), lr), []
    for _ in range(epochs):
        x, y = shift_batch(32, rng)
        loss = cross_entropy(model(x).flatten(0, 1), y.flatten())
        fit(model, optimiser, loss, clip=None)
        with torch.no_grad():
            right = (model(fresh[0]).argmax(-1) == fresh[1]).double().mean()
        rows.append((loss.item(), right.item()))
    return rows


@experiment(
    CHAPTER,
    "shift",
    [
        {"cell": cell, "lr": lr, "start": start}
        for start in ("torch", "tch")
        for lr in (3e-3, 1e-3)
        for cell in ("rnn", "lstm")
    ],
    seeds=5,
    band={"epochs": 10, "at_120": 0.02},
)
def shift_task(seed, *, cell, lr, start):
    """The first epoch at which all 2,048 tokens are right, and the accuracy after 120 epochs."""
    rows = train_shift(cell, lr, epochs=400, seed=seed, start=start)
    perfect = [epoch for epoch, (_, right) in enumerate(rows, 1) if right == 1]
    return {"epochs": perfect[0] if perfect else -1, "at_120": rows[119][1]}


# --- Recall ----------------------------------------------------------------------------------------------


@experiment(
    CHAPTER,
    "recall",
    [{"cell": "rnn", "keep": 0.0}]
    + [{"cell": "lstm", "keep": keep} for keep in (0.0, 1.0, 2.0, 3.0)]
    + [{"cell": "gru", "keep": keep} for keep in (0.0, 1.0, 3.0)],
    seeds=5,
    band={"accuracy": 0.85},
)
def recall_task(seed, *, cell, keep, length=20, steps=1500):
    """Name the first of 20 tokens at the end; accuracy on 1,000 fresh sequences (chance: a sixth).

    Whether a run leaves chance within its steps hangs on the last bit, hence the wide band.
    """
    rng = np.random.default_rng(seed)
    model = Reader(cell, 6, 16, 6, rng=rng, keep=keep)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(steps):
        x, y = (torch.from_numpy(a) for a in recall(64, length, rng=rng))
        fit(model, optimiser, cross_entropy(model(one_hot(x, 6).float())[:, -1], y))
    x, y = (torch.from_numpy(a) for a in recall(1000, length, rng=np.random.default_rng(1000 + seed)))
    with torch.no_grad():
        answers = model(one_hot(x, 6).float())[:, -1].argmax(-1)
    return {"accuracy": (answers == y).double().mean().item()}


# --- The adding problem ----------------------------------------------------------------------------------


def adding_batch(n, rng, length=50):
    """Values beside marks (n, T, 2), and the sums of the marked values (n,)."""
    x, y = adding(n, length, rng=rng)
    return torch.from_numpy(x).float(), torch.from_numpy(y).float()


def train_adding(cell, *, seed, steps=1000, goal=0.005):
    """Train until the test error is below the goal; return the model and the errors, one every 50 steps."""
    rng = np.random.default_rng(seed)
    x_test, y_test = adding_batch(1000, np.random.default_rng(1000 + seed))
    model = Reader(cell, 2, 32, 1, rng=rng)
    optimiser, errors = torch.optim.Adam(model.parameters(), 1e-2), []
    for step in range(1, steps + 1):
        x, y = adding_batch(64, rng)
        fit(model, optimiser, mse_loss(model(x)[:, -1, 0], y))
        if step % 50 == 0:
            with torch.no_grad():
                errors.append(mse_loss(model(x_test)[:, -1, 0], y_test).item())
            if errors[-1] < goal:
                break
    return model, errors


def profile(model, seed):
    """The mean norm of ∂output/∂x[t] over 200 sequences, for every step t: (T,)."""
    model = model.double()
    x = adding_batch(200, np.random.default_rng(2000 + seed))[0].double().requires_grad_()
    model(x)[:, -1].sum().backward()
    return x.grad.norm(dim=2).mean(dim=0).numpy()


@experiment(
    CHAPTER,
    "adding",
    [{"cell": cell} for cell in CELLS],
    seeds=5,
    band={"mse": 0.05, "steps": 300} | {f"{when}_{t}": 2.0 for when in ("start", "end") for t in LAGS},
)
def adding_task(seed, *, cell):
    """Test error and steps (-1: goal missed), and log10 of the gradient profile before and after training."""
    start = profile(Reader(cell, 2, 32, 1, rng=np.random.default_rng(seed)), seed)
    model, errors = train_adding(cell, seed=seed)
    end = profile(model, seed)
    result = {"mse": errors[-1], "steps": 50 * len(errors) if errors[-1] < 0.005 else -1}
    for when, norms in (("start", start), ("end", end)):
        result |= {f"{when}_{t}": round(math.log10(norms[t]), 3) for t in LAGS}
    return result


# --- Sequence to sequence --------------------------------------------------------------------------------


LETTERS = Vocabulary(["abcdefghij"])
DATE_SIDES = (
    Vocabulary(["0123456789-/ abcdefghijlmnoprstuvy"]),
    Vocabulary(["0123456789 abcdefghijlmnoprstuvy"]),
)


def train_pairs(model, draw, sides, *, steps, lr=3e-3, batch=64):
    """Teacher forcing on fresh pairs: the decoder reads <bos> and the answer, and writes answer and <eos>."""
    optimiser, rate = torch.optim.Adam(model.parameters(), fused=True), cosine(lr, steps)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate(step)
        sources, targets = zip(*draw(batch))
        source, lengths = pad([sides[0].encode(text) for text in sources])
        fed, wanted = teacher_forcing([sides[1].encode(text) for text in targets])
        scores = model(*map(torch.from_numpy, (source, fed, lengths)))
        wanted = torch.from_numpy(wanted).flatten()
        fit(model, optimiser, cross_entropy(scores.flatten(0, 1), wanted, ignore_index=PAD))


def answers(model, sources, sides, most=20):
    """What the model writes for each source, at most that many characters."""
    source, lengths = map(torch.from_numpy, pad([sides[0].encode(text) for text in sources]))
    return ["".join(sides[1].decode(row)) for row in model.greedy(source, BOS, EOS, most, lengths)]


def exact(model, pairs, sides):
    """The share of pairs whose whole answer is written without a slip."""
    sources, targets = zip(*pairs)
    return sum(w == "".join(t) for w, t in zip(answers(model, sources, sides), targets)) / len(pairs)


@experiment(
    CHAPTER,
    "reversal",
    [{"cell": cell} for cell in CELLS],
    seeds=3,
    band={"trained": 0.02} | {f"length_{n}": 0.3 for n in LENGTHS},
)
def reversal_task(seed, *, cell, steps=3000):
    """Reverse 2 to 8 letters; exact answers at the trained lengths, and at each length up to 12."""
    rng = np.random.default_rng(seed)
    sides = LETTERS, LETTERS
    model = Seq2Seq(len(LETTERS), len(LETTERS), 32, 96, cell, rng=rng)
    train_pairs(model, lambda n: reversal(n, rng=rng), sides, steps=steps)
    test = np.random.default_rng(1000 + seed)
    result = {"trained": exact(model, reversal(2000, rng=test), sides)}
    for n in LENGTHS:
        result[f"length_{n}"] = exact(model, reversal(500, n, n, rng=test), sides)
    return result


def train_dates(seed, *, attention, hidden, steps):
    """Train on all days that are not held out; return the model and the held-out pairs."""
    rng = np.random.default_rng(seed)
    train, held_out = split_days(rng=rng)
    train = np.array(train)
    model = Seq2Seq(*map(len, DATE_SIDES), 32, hidden, "gru", attention, rng=rng)
    train_pairs(model, lambda n: date_pairs(rng.choice(train, n), rng=rng), DATE_SIDES, steps=steps)
    return model, date_pairs(held_out, rng=rng)


@experiment(
    CHAPTER,
    "dates",
    [
        {"attention": True, "hidden": 64, "steps": 1000},
        {"attention": False, "hidden": 64, "steps": 1000},
        {"attention": False, "hidden": 128, "steps": 4000},
    ],
    seeds=3,
    # without attention the last bit decides how far a run gets
    band={"exact": 0.75, "day": 0.05, "month": 0.3, "year": 0.75},
)
def dates_task(seed, *, attention, hidden, steps):
    """The shares of 2,000 held-out dates that are rewritten without a slip, and of right parts."""
    model, pairs = train_dates(seed, attention=attention, hidden=hidden, steps=steps)
    sources, targets = zip(*pairs)
    written = [text.split(" ") for text in answers(model, sources, DATE_SIDES)]
    wanted = [text.split(" ") for text in targets]
    result = {"exact": sum(w == t for w, t in zip(written, wanted)) / len(pairs)}
    for k, part in enumerate(("day", "month", "year")):
        result[part] = sum(w[k : k + 1] == t[k : k + 1] for w, t in zip(written, wanted)) / len(pairs)
    return result
