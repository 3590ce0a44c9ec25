"""Experiments of 19_gan: the textbook's pair of players, and the repaired one."""

import copy
import math

import numpy as np
import torch
from torch.nn.functional import softplus

from dlcourse.course.recorded import experiment
from dlcourse.data.mixture import CENTRES, STD, quality, sliced_distance, two_gaussians
from dlcourse.pytorch.gan import Discriminator, Generator, r1_penalty
from dlcourse.training import cosine

CHAPTER = "19_gan"
BOOK = {"width": 64, "lr": 2e-4, "loss": "non-saturating"}
REPAIR = {"layers": 2, "bit": True, "smoothing": 0.1, "penalty": 0.3} | {
    "lr": 1e-3,
    "floor": 0.02,  # of the learning rate, after half a cosine
    "average": 0.995,
}
NO_HELP = {"bit": False, "smoothing": 0.0, "penalty": 0.0, "floor": 1.0, "average": 0.0}
CALM = {"floor": 0.02, "average": 0.995}


def measures(points, seed):
    """What the chapter reports of points (n, 2): shares, the extreme standard deviations, a distance."""
    found = quality(points)
    distance = np.linalg.norm(points[:, None] - CENTRES, axis=-1).min(axis=1)
    truth = two_gaussians(len(points), rng=np.random.default_rng(2000 + seed))
    return {
        "within_2_sigma": float((distance < 2 * STD).mean()),
        "within_3_sigma": found["within_3_sigma"],
        "between": float((np.abs(points[:, 0]) < 1).mean()),
        "right": found["right"],
        "std_low": float(found["stds"].min()),
        "std_high": float(found["stds"].max()),
        "distance": sliced_distance(points, truth, rng=np.random.default_rng(3000 + seed)),
    }


def g_loss(y, kind):
    """The generator's loss from the logits (N, 1) of its points."""
    return softplus(-y).mean() if kind == "non-saturating" else -softplus(y).mean()


# --- The textbook's pair ---------------------------------------------------------------------------------


def tch_start(model, rng):
    """Redraw the weights from U(±√(6 / fan_in)) as tch does; the biases, U(±1 / √fan_in), stay."""
    for p in model.parameters():
        if p.dim() == 2:
            bound = math.sqrt(6 / p.shape[1])
            p.data = torch.from_numpy(rng.uniform(-bound, bound, p.shape)).float()
    return model


def train_book(seed, *, width, lr, loss, steps):
    """Train with the textbook's settings; yield (generator, L_D, L_G) after every step."""
    rng = np.random.default_rng(seed)
    torch_rng = torch.Generator().manual_seed(seed)
    g = tch_start(Generator(8, (width,), rng=rng), rng)
    d = tch_start(Discriminator(2, (width,), rng=rng), rng)
    g_step, d_step = (torch.optim.Adam(m.parameters(), lr, fused=True) for m in (g, d))
    for _ in range(steps):
        real = torch.from_numpy(two_gaussians(128, rng=rng, halves=True)).float()
        fake = g(torch.randn(128, 8, generator=torch_rng))
        d_loss = softplus(-d(real)).mean() + softplus(d(fake.detach())).mean()
        d_step.zero_grad(set_to_none=True)
        d_loss.backward()
        d_step.step()

        g_now = g_loss(d(g(torch.randn(128, 8, generator=torch_rng))), loss)
        g_step.zero_grad(set_to_none=True)
        g_now.backward()
        g_step.step()
        yield g, d_loss.item(), g_now.item()


@torch.no_grad()
def book_points(g, n, seed):
    """n points (n, 2) of the generator, always from the same noise."""
    z = torch.randn(n, 8, generator=torch.Generator().manual_seed(1000 + seed))
    return g(z).double().numpy()


@experiment(
    CHAPTER,
    "book",
    [
        BOOK,
        BOOK | {"width": 256},
        BOOK | {"lr": 5e-5},
        BOOK | {"loss": "saturating"},
    ],
    seeds=3,
    band={
        name: band
        for prefix in ("at_2000_", "at_4000_")
        for name, band in {
            f"{prefix}within_2_sigma": 0.2,
            f"{prefix}within_3_sigma": 0.2,
            f"{prefix}between": 0.2,
            f"{prefix}right": 0.25,
            f"{prefix}std_low": 0.4,
            f"{prefix}std_high": 0.8,
            f"{prefix}distance": 0.4,
        }.items()
    }
    | {"wobble": 0.2, "travel": 0.3, "d_loss": 0.5, "g_loss": 0.8},
)
def book(seed, *, width, lr, loss):
    """The textbook's pair after its 2,000 steps and after 4,000, and how restless its last 1,000 are.

    wobble: standard deviation of L_D; travel: how far a point moves in 100 steps, on average.
    """
    result, losses, places = {}, [], []
    for step, (g, *pair) in enumerate(train_book(seed, width=width, lr=lr, loss=loss, steps=4000), 1):
        losses.append(pair)
        if step in (2000, 4000):
            found = measures(book_points(g, 10_000, seed), seed)
            result |= {f"at_{step}_{name}": value for name, value in found.items()}
        if step >= 3000 and step % 100 == 0:
            places.append(book_points(g, 500, seed))
    last = np.array(losses[-1000:])
    result["wobble"] = last[:, 0].std()
    result["travel"] = np.linalg.norm(np.diff(places, axis=0), axis=-1).mean()
    result["d_loss"], result["g_loss"] = last.mean(axis=0)
    return result


# --- The repaired pair -----------------------------------------------------------------------------------


def noise(n, bit, rng):
    """Noise (n, 3): two normal numbers and a fair ±1 bit; (n, 2) without the bit."""
    z = rng.standard_normal((n, 2))
    if bit:
        z = np.column_stack([z, rng.choice([-1.0, 1.0], n)])
    return torch.from_numpy(z).float()


def train_repaired(seed, *, layers, bit, smoothing, penalty, lr, floor, average, steps=6000):
    """Train the repaired pair; yield (averaged generator, L_D, L_G) after every step."""
    rng = np.random.default_rng(seed)
    g = Generator(3 if bit else 2, layers * (64,), rng=rng)
    d = Discriminator(2, layers * (64,), 0.2, rng=rng)
    mean_g = copy.deepcopy(g)
    g_step, d_step = (torch.optim.Adam(m.parameters(), lr, (0.5, 0.999), fused=True) for m in (g, d))
    rate = cosine(lr, steps, floor=floor)
    for step in range(steps):
        for group in g_step.param_groups + d_step.param_groups:
            group["lr"] = rate(step)
        real = torch.from_numpy(two_gaussians(256, rng=rng)).float()
        y_real, y_fake = d(real), d(g(noise(256, bit, rng)).detach())
        # softplus(-y) + s y is the cross-entropy with the label 1 - s
        d_loss = (softplus(-y_real) + smoothing * y_real).mean() + softplus(y_fake).mean()
        d_step.zero_grad(set_to_none=True)
        (d_loss + r1_penalty(d, real, penalty) if penalty else d_loss).backward()
        d_step.step()

        g_now = g_loss(d(g(noise(256, bit, rng))), "non-saturating")
        g_step.zero_grad(set_to_none=True)
        g_now.backward()
        g_step.step()
        keep = min(average, (step + 1) / (step + 10))
        with torch.no_grad():
            for kept, new in zip(mean_g.parameters(), g.parameters()):
                kept.lerp_(new, 1 - keep)
        yield mean_g, d_loss.item(), g_now.item()


@torch.no_grad()
def repaired_points(g, n, seed, bit=True):
    """n points (n, 2) of the generator, always from the same noise."""
    return g(noise(n, bit, np.random.default_rng(1000 + seed))).double().numpy()


def end_of(seed, settings):
    *_, (g, _, _) = train_repaired(seed, **settings)
    return measures(repaired_points(g, 10_000, seed, settings["bit"]), seed)


BAND = {
    "within_2_sigma": 0.06,
    "within_3_sigma": 0.03,
    "between": 0.03,
    "right": 0.05,
    "std_low": 0.15,
    "std_high": 0.15,
    "distance": 0.1,
}


@experiment(CHAPTER, "repair", REPAIR, seeds=10, band=BAND)
def repair(seed, **settings):
    """The repaired pair after its 6,000 steps."""
    return end_of(seed, settings)


CHANGES = (
    {"bit": False},
    {"smoothing": 0.0},
    {"penalty": 0.0},
    {"average": 0.0},
    {"average": 0.0, "floor": 1.0},
    {"layers": 1},
    {"lr": 2e-4},
    NO_HELP | {"layers": 1, "lr": 2e-4},
    NO_HELP,
    NO_HELP | CALM,
    NO_HELP | CALM | {"penalty": 0.3},
)


@experiment(
    CHAPTER,
    "without",
    [REPAIR | change for change in CHANGES],
    seeds=3,
    band={name: 0.3 for name in BAND} | {"std_high": 1.0, "std_low": 0.5, "distance": 0.6},
)
def without(seed, **settings):
    """The repaired pair with parts taken away."""
    return end_of(seed, settings)


# --- More of the same ------------------------------------------------------------------------------------

MARKS = (1000, 2000, 5000, 10_000, 20_000)


@experiment(
    CHAPTER,
    "patience",
    BOOK,
    seeds=3,
    band={
        f"at_{mark}_{name}": band
        for mark in MARKS
        for name, band in {
            "within_2_sigma": 0.4,
            "within_3_sigma": 0.4,
            "between": 0.3,
            "right": 0.35,
            "std_low": 0.5,
            "std_high": 1.5,
            "distance": 0.6,
            "d_loss": 0.3,
            "g_loss": 0.6,
        }.items()
    },
)
def patience(seed, **settings):
    """The textbook's pair, ten times as long; the losses are means of the last 100 steps."""
    result, losses = {}, []
    for step, (g, *pair) in enumerate(train_book(seed, **settings, steps=MARKS[-1]), 1):
        losses.append(pair)
        if step in MARKS:
            found = measures(book_points(g, 10_000, seed), seed)
            found["d_loss"], found["g_loss"] = np.mean(losses[-100:], axis=0)
            result |= {f"at_{step}_{name}": value for name, value in found.items()}
    return result
