"""Exercises of 12_training_craft: what is asked, which mistakes are known, and what to say about them."""

import math

import numpy as np
from scipy import ndimage

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option

# --- Early stopping --------------------------------------------------------------------------------------


def stopped(case, *, late=0, ties=False, forget=False, last=False):
    losses, patience = case
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best] or (ties and loss == losses[best]):
            best = epoch
        if epoch - best >= patience + late:
            return epoch, epoch if last else best
    return len(losses) - 1, len(losses) - 1 if last else best


def stopped_by_rises(case):
    """Patience counted in rises from one epoch to the next."""
    losses, patience = case
    rises = 0
    for epoch in range(1, len(losses)):
        rises = rises + 1 if losses[epoch] >= losses[epoch - 1] else 0
        if rises >= patience:
            return epoch, int(np.argmin(losses[: epoch + 1]))
    return len(losses) - 1, int(np.argmin(losses))


early_stop = Exercise(
    name="early_stop",
    difficulty=1,
    minutes=10,
    read="Something to learn: 442 patients",
    hints=(
        "Keep the number of the best epoch; the loss there is losses[best].",
        "After each epoch ask how old the best one is: epoch - best.",
        "Return (epoch, best) as soon as epoch - best >= patience, else (len(losses) - 1, best).",
    ),
    cases=lambda rng: [
        ([3.0, 2.0, 1.0], 2),
        ([3.0, 1.0, 2.0, 2.0, 2.0, 0.5], 2),
        ([1.0, 1.0, 1.0, 1.0], 2),
        ([3.0, 2.0, 2.5, 2.2, 2.4, 2.1, 2.3, 1.0], 3),
        ((2 + rng.normal(size=30)).round(2).tolist(), 4),
    ],
    expected=stopped,
    mistakes=(
        Mistake(
            name="one-late",
            value=lambda case: stopped(case, late=1),
            says="you stop one epoch late: stop when the best loss is `patience` epochs old, with >=",
        ),
        Mistake(
            name="ties",
            value=lambda case: stopped(case, ties=True),
            says="an equal loss is not better: compare with <, or a flat curve never stops",
        ),
        Mistake(
            name="keeps-last",
            value=lambda case: stopped(case, last=True),
            says="you keep the weights of the last epoch: return the epoch with the best loss",
        ),
        Mistake(
            name="rises",
            value=stopped_by_rises,
            says="you compare with the epoch before: compare with the best so far, a curve may wiggle",
        ),
    ),
)

# --- One step of AdamW -----------------------------------------------------------------------------------


def adamw(case, *, l2=False, rate=True, correct=True, after=False, inside=False, skip=False):
    w, g, m, v, k, lr, beta1, beta2, eps, decay = case
    g = g + decay * w if l2 else g
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    mean, square = (m / (1 - beta1**k), v / (1 - beta2**k)) if correct else (m, v)
    move = lr * mean / (np.sqrt(square + eps) if inside else np.sqrt(square) + eps)
    keep = 1.0 if l2 or skip else 1 - (lr if rate else 1) * decay
    return ((w - move) * keep if after else w * keep - move), m, v


adamw_step = Exercise(
    name="adamw_step",
    difficulty=2,
    minutes=15,
    read="Why Adam with an L2 term is not AdamW",
    hints=(
        "The moments see g alone; nothing of the decay goes into them.",
        "Correct both means by 1 - beta**k before you use them, and return them uncorrected.",
        "w_new = (1 - lr·decay)·w - lr·m̂ / (√v̂ + eps).",
    ),
    cases=lambda rng: [
        (
            rng.normal(size=shape),
            rng.normal(size=shape),
            0.1 * rng.normal(size=shape),
            rng.random(shape),
            k,
            0.1,
            0.9,
            0.99,
            1e-3,
            0.5,
        )
        for shape, k in (((1,), 1), ((3,), 2), ((2, 2), 7))
    ],
    expected=adamw,
    mistakes=(
        Mistake(
            name="l2",
            value=lambda case: adamw(case, l2=True),
            says="you added decay·w to the gradient: that is Adam with L2; shrink w outside the moments",
        ),
        Mistake(
            name="no-rate",
            value=lambda case: adamw(case, rate=False),
            says="the decay lacks the learning rate: the factor is 1 - lr·decay",
        ),
        Mistake(
            name="uncorrected",
            value=lambda case: adamw(case, correct=False),
            says="the means are not corrected: divide by 1 - beta1**k and 1 - beta2**k",
        ),
        Mistake(
            name="after",
            value=lambda case: adamw(case, after=True),
            says="you shrink after the step and so shrink the step as well: first the decay, then Adam",
        ),
        Mistake(
            name="eps-inside",
            value=lambda case: adamw(case, inside=True),
            says="eps stands under the root: add it to the root",
        ),
        Mistake(
            name="no-decay",
            value=lambda case: adamw(case, skip=True),
            says="this is Adam: the decay is missing",
        ),
    ),
)

# --- Dropout ---------------------------------------------------------------------------------------------


def dropped(case, *, scale=None, swap=False, always=False, outside=False):
    x, u, p, training = case
    if not (training or always):
        return x * (1 - p) if outside else x
    keep = u < p if swap else u >= p
    return x * keep / (1 - p if scale is None else scale(p))


dropout = Exercise(
    name="dropout",
    difficulty=1,
    minutes=8,
    read="Leaving units out",
    hints=(
        "`u >= p` is an array of True and False, and True counts as 1 in a product.",
        "A share of 1 - p survives; by which factor must the survivors grow to keep the mean?",
        "x * (u >= p) / (1 - p) in training, x otherwise.",
    ),
    cases=lambda rng: [
        (rng.normal(size=(3, 4)), rng.random((3, 4)), 0.3, True),
        (rng.normal(size=5), rng.random(5), 0.8, True),
        (rng.normal(size=(2, 3)), rng.random((2, 3)), 0.5, False),
        (rng.normal(size=4), np.array([0.25, 0.24, 0.26, 0.9]), 0.25, True),
    ],
    expected=dropped,
    mistakes=(
        Mistake(
            name="unscaled",
            value=lambda case: dropped(case, scale=lambda p: 1),
            says="the survivors are not scaled: the mean has fallen by 1 - p",
        ),
        Mistake(
            name="old-style",
            value=lambda case: dropped(case, scale=lambda p: 1, outside=True),
            says="this is the original form, scaled in evaluation: scale in training, leave evaluation alone",
        ),
        Mistake(
            name="by-p",
            value=lambda case: dropped(case, scale=lambda p: p),
            says="you divide by p: the survivors are a share of 1 - p",
        ),
        Mistake(
            name="swapped",
            value=lambda case: dropped(case, swap=True),
            says="you keep what should be dropped: an entry survives where u >= p",
        ),
        Mistake(
            name="always-on",
            value=lambda case: dropped(case, always=True),
            says="dropout is on in evaluation too: return x where training is False",
        ),
    ),
)

# --- Augmentation ----------------------------------------------------------------------------------------


def cropped(case, *, extra=1, same=False, swapped=False, centre=False, each=False):
    images, size, seed = case
    rng = np.random.default_rng(seed)
    n, height, width = images.shape
    if swapped:
        left, top = rng.integers(0, width - size + 1, n), rng.integers(0, height - size + 1, n)
    else:
        top = rng.integers(0, height - size + extra, n)
        left = rng.integers(0, width - size + extra, n)
    if each:
        rng = np.random.default_rng(seed)
        places = [(rng.integers(0, height - size + 1), rng.integers(0, width - size + 1)) for _ in images]
        top, left = np.array(places).T
    if same:
        top, left = np.full(n, top[0]), np.full(n, left[0])
    if centre:
        top, left = np.full(n, (height - size) // 2), np.full(n, (width - size) // 2)
    return np.array([i[r : r + size, c : c + size] for i, r, c in zip(images, top, left)])


def with_generator(answer, case):
    *arguments, seed = case
    return answer(*arguments, np.random.default_rng(seed))


random_crop = Exercise(
    name="random_crop",
    difficulty=2,
    minutes=15,
    source="V19.3",
    read="Examples that were never collected",
    hints=(
        "How many places are there for a window of `size` rows among H? One more than H - size.",
        "Draw all top rows first, then all left columns: two calls of rng.integers with N numbers each.",
        "image[r : r + size, c : c + size] for each image, stacked with np.array([...]).",
    ),
    cases=lambda rng: [
        (rng.random((4, 8, 8)), 6, 1),
        (rng.random((5, 7, 9)), 4, 2),
        (rng.random((3, 5, 5)), 2, int(rng.integers(1000))),
        (rng.random((30, 4, 6)), 3, 4),
    ],
    expected=cropped,
    call=with_generator,
    describe=lambda case: f"images of shape {case[0].shape}, size {case[1]}, default_rng({case[2]})",
    mistakes=(
        Mistake(
            name="one-less",
            value=lambda case: cropped(case, extra=0),
            says="the last place is never used: the upper limit of rng.integers is exclusive, hence the + 1",
        ),
        Mistake(
            name="same",
            value=lambda case: cropped(case, same=True),
            says="all images are cut at the same place: every image needs its own",
        ),
        Mistake(
            name="order",
            value=lambda case: cropped(case, swapped=True),
            says="you drew the columns first: draw the N top rows, then the N left columns",
        ),
        Mistake(
            name="one-by-one",
            value=lambda case: cropped(case, each=True),
            says="you drew row and column image by image: draw all N top rows, then all N left columns",
        ),
        Mistake(
            name="centre",
            value=lambda case: cropped(case, centre=True),
            says="you always cut out the centre: draw the places at random",
        ),
    ),
)


def turned(case, *, sign=1, order=1, mode="grid-constant", corner=False, half=0, radians=False):
    image, degrees = case
    angle = sign * (degrees if radians else math.radians(degrees))
    middle = np.array([0.0, 0.0] if corner else [(n - 1 + half) / 2 for n in image.shape])
    r, c = np.indices(image.shape) - middle[:, None, None]
    cos, sin = math.cos(angle), math.sin(angle)
    source = [r * cos + c * sin + middle[0], -r * sin + c * cos + middle[1]]
    return ndimage.map_coordinates(image, source, order=order, mode=mode)


rotated = Exercise(
    name="rotated",
    difficulty=3,
    minutes=20,
    source="V19.3",
    read="Examples that were never collected",
    atol=1e-7,
    hints=(
        "np.indices(image.shape) gives the row and the column of every pixel of the result.",
        "Subtract the centre, apply the two formulas, add the centre again.",
        "map_coordinates(image, [rows, columns], order=1, mode='grid-constant') does the interpolation.",
    ),
    cases=lambda rng: [
        (rng.random((5, 5)), 30.0),
        (rng.random((6, 6)), -75.0),
        (rng.random((4, 7)), 15.0),
        (rng.random((8, 8)), 90.001),
    ],
    expected=turned,
    mistakes=(
        Mistake(
            name="clockwise",
            value=lambda case: turned(case, sign=-1),
            says="the image turns clockwise: check the signs of the two sines",
        ),
        Mistake(
            name="corner",
            value=lambda case: turned(case, corner=True),
            says="the image turns about its corner: subtract the centre first and add it again",
        ),
        Mistake(
            name="radians",
            value=lambda case: turned(case, radians=True),
            says="np.cos and np.sin want radians: convert the degrees",
        ),
        Mistake(
            name="nearest",
            value=lambda case: turned(case, order=0),
            says="you take the nearest pixel (order=0): interpolate linearly, order=1",
        ),
        Mistake(
            name="border",
            value=lambda case: turned(case, mode="nearest"),
            says="the border is repeated outside the image: zeros belong there, mode='grid-constant'",
        ),
        Mistake(
            name="cut-off",
            value=lambda case: turned(case, mode="constant"),
            says="places just outside become 0 at once: mode='grid-constant' interpolates towards the zeros",
        ),
        Mistake(
            name="half-pixel",
            value=lambda case: turned(case, half=1),
            says="the centre lies half a pixel off: it is ((H - 1) / 2, (W - 1) / 2)",
        ),
    ),
)


def jittered(case, *, clip=True, mean="image", same=False, swapped=False, order=False):
    images, brightness, contrast, seed = case
    rng, n = np.random.default_rng(seed), len(images)
    if swapped:
        c, b = rng.uniform(1 - contrast, 1 + contrast, n), rng.uniform(-brightness, brightness, n)
    else:
        b, c = rng.uniform(-brightness, brightness, n), rng.uniform(1 - contrast, 1 + contrast, n)
    b, c = b[:, None, None], c[:, None, None]
    if same:
        b, c = b[:1], c[:1]
    m = {"image": images.mean(axis=(1, 2), keepdims=True), "batch": images.mean(), "zero": 0.0}[mean]
    result = c * (images - m) + m + b
    return np.clip(result, 0, 1) if clip else result


jitter = Exercise(
    name="jitter",
    difficulty=2,
    minutes=12,
    source="V19.3",
    read="Examples that were never collected",
    hints=(
        "Give b and c the shape (N, 1, 1), so that every image gets its own number.",
        "images.mean(axis=(1, 2), keepdims=True) is the mean of each image.",
        "np.clip(c * (images - m) + m + b, 0, 1).",
    ),
    cases=lambda rng: [
        (rng.random((4, 5, 5)), 0.3, 0.4, 3),
        (0.9 + 0.1 * rng.random((3, 4, 6)), 0.5, 0.5, 5),
        (rng.random((6, 3, 3)) ** 3, 0.1, 0.9, int(rng.integers(1000))),
    ],
    expected=jittered,
    call=with_generator,
    describe=lambda case: (
        f"images of shape {case[0].shape}, brightness {case[1]}, contrast {case[2]}, default_rng({case[3]})"
    ),
    mistakes=(
        Mistake(
            name="unclipped",
            value=lambda case: jittered(case, clip=False),
            says="pixels leave [0, 1]: clip the result",
        ),
        Mistake(
            name="batch-mean",
            value=lambda case: jittered(case, mean="batch"),
            says="the mean is that of the whole batch: every image has its own",
        ),
        Mistake(
            name="no-mean",
            value=lambda case: jittered(case, mean="zero"),
            says="contrast is applied about 0: it stretches about the image's mean",
        ),
        Mistake(
            name="same",
            value=lambda case: jittered(case, same=True),
            says="all images change alike: draw N numbers, one for each image",
        ),
        Mistake(
            name="order",
            value=lambda case: jittered(case, swapped=True),
            says="you drew the contrast first: draw the N values of b, then those of c",
        ),
    ),
)

# --- Optimisers ------------------------------------------------------------------------------------------

BEATS, TIES, WORSE, DIVERGES, STILL = (
    "beats plain descent",
    "about as good as plain descent",
    "worse than plain descent",
    "diverges",
    "does not move",
)


def race(answer, case):
    """What becomes of the answer on one quadratic, in words."""
    condition, seed, n, steps = case
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.normal(size=(n, n)))
    curvature = np.geomspace(1 / condition, 1, n)
    hessian, start = axes * curvature @ axes.T, axes @ np.ones(n)
    rates = np.linspace(0.01, 2, 400)[:, None]  # plain descent at each; past 2 it diverges
    plain = float((curvature * (1 - rates * curvature) ** (2 * steps)).sum(axis=1).min() / 2)
    optimiser, w = answer(n), start.copy()
    with np.errstate(all="ignore"):
        for _ in range(steps):
            before = w.copy()
            new = np.array(optimiser.step(w, hessian @ w), dtype=float)
            if not np.array_equal(w, before, equal_nan=True):
                raise NotPlain("the old weights, changed in place: expected a new array")
            w = new
            if w.shape != (n,):
                raise NotPlain(f"weights of shape {w.shape} from step: expected ({n},)")
        loss = float(w @ hessian @ w / 2)
    if not loss < float(curvature.sum() / 2) * 1.5:
        return DIVERGES
    if np.array_equal(w, start):
        return STILL
    return BEATS if loss < plain / 10 else TIES if loss < plain * 1.5 else WORSE


OwnOptimiser = Exercise(
    name="OwnOptimiser",
    difficulty=2,
    minutes=20,
    source="V19.2",
    read="An optimiser is a part you can swap",
    wants="class",
    hints=(
        "Plain descent is slow along the flat direction: what could remember that it always points there?",
        "Keep a velocity: u = mu * u + g, and move by -lr * u; np.zeros(n) at the start.",
        "Curvatures are at most 1, so mu = 0.9 and lr = 1 are stable, and ten times faster when it is flat.",
    ),
    cases=lambda rng: [(100, 0, 4, 300), (1000, 1, 6, 300), (1000, int(rng.integers(100)), 3, 300)],
    expected=lambda case: BEATS,
    call=race,
    describe=lambda case: f"a quadratic with curvatures from 1/{case[0]} to 1, {case[2]} weights",
    mistakes=(
        Mistake(
            name="plain",
            value=lambda case: TIES,
            says="no better than plain descent: remember earlier gradients, for example in a velocity",
        ),
        Mistake(
            name="slow",
            value=lambda case: WORSE,
            says="slower than plain descent at its best rate: the steps are too short or swing to and fro",
        ),
        Mistake(
            name="diverges",
            value=lambda case: DIVERGES,
            says="the loss grows: lower the rate, or check the sign of the step",
        ),
        Mistake(
            name="still",
            value=lambda case: STILL,
            says="the weights never change: `step` returns the new weights",
        ),
    ),
)

# --- Batch normalisation ---------------------------------------------------------------------------------


def norm_back(case, *, centre=True, stretch=True, gamma=True, scale=True, mean=False, sums=False):
    delta, xhat, weight, v, eps = case
    bar = np.sum if sums else np.mean
    inner = delta - centre * bar(delta, axis=0) - stretch * xhat * bar(delta * xhat, axis=0)
    dx = (weight if gamma else 1) / (np.sqrt(v + eps) if scale else 1) * inner
    reduce = np.mean if mean else np.sum
    return dx, reduce(delta * xhat, axis=0), reduce(delta, axis=0)


def norm_cases(rng):
    cases = []
    for shape in ((4, 1), (6, 3), (5, 2)):
        x = rng.normal(size=shape) * 2 + 1
        v = x.var(axis=0)
        xhat = (x - x.mean(axis=0)) / np.sqrt(v + 1e-3)
        cases.append((rng.normal(size=shape), xhat, 0.5 + rng.random(shape[1]), v, 1e-3))
    return cases


batchnorm_backward = Exercise(
    name="batchnorm_backward",
    difficulty=3,
    minutes=20,
    read="Backward, derived",
    hints=(
        "gamma and beta are simple: two sums over the rows.",
        "Two components leave delta: its mean, and its component along xhat.",
        "dx = gamma / √(v + eps) · (delta - mean(delta) - xhat · mean(delta · xhat)), means over axis 0.",
    ),
    cases=norm_cases,
    expected=norm_back,
    mistakes=(
        Mistake(
            name="constant-statistics",
            value=lambda case: norm_back(case, centre=False, stretch=False),
            says="mean and variance are treated as constants: that is the backward pass of evaluation mode",
        ),
        Mistake(
            name="no-variance",
            value=lambda case: norm_back(case, stretch=False),
            says="the path through the variance is missing: subtract xhat · mean(delta · xhat)",
        ),
        Mistake(
            name="no-mean",
            value=lambda case: norm_back(case, centre=False),
            says="the path through the mean is missing: subtract mean(delta)",
        ),
        Mistake(
            name="no-gamma",
            value=lambda case: norm_back(case, gamma=False),
            says="dx lacks gamma: the gradient passes through the scale first",
        ),
        Mistake(
            name="no-scale",
            value=lambda case: norm_back(case, scale=False),
            says="dx is not divided by √(v + eps)",
        ),
        Mistake(
            name="means",
            value=lambda case: norm_back(case, mean=True),
            says="dgamma and dbeta are sums over the batch, not means",
        ),
        Mistake(
            name="sums",
            value=lambda case: norm_back(case, sums=True),
            says="in dx stand means over the batch where you have sums",
        ),
    ),
)


def running_of(case, *, keep=False, ddof=1, start=1.0, plain=False):
    batches, momentum = case
    new = 1 - momentum if keep else momentum
    mean, var = np.zeros(batches[0].shape[1]), np.full(batches[0].shape[1], start)
    if plain:
        return np.mean([b.mean(axis=0) for b in batches], 0), np.mean(
            [b.var(axis=0, ddof=1) for b in batches], 0
        )
    for batch in batches:
        mean = (1 - new) * mean + new * batch.mean(axis=0)
        var = (1 - new) * var + new * batch.var(axis=0, ddof=ddof)
    return mean, var


running = Exercise(
    name="running",
    difficulty=2,
    minutes=10,
    read="Batch normalisation, forward",
    hints=(
        "Two arrays of length C: zeros for the mean, ones for the variance.",
        "Here `momentum` is the weight of the *new* value, as in torch.",
        "The unbiased variance is batch.var(axis=0, ddof=1).",
    ),
    cases=lambda rng: [
        ([rng.normal(size=(4, 2))], 0.1),
        ([2 + rng.normal(size=(3, 3)) for _ in range(5)], 0.1),
        ([rng.normal(size=(n, 1)) * 3 for n in (2, 5, 3)], 0.3),
    ],
    expected=running_of,
    mistakes=(
        Mistake(
            name="reversed",
            value=lambda case: running_of(case, keep=True),
            says="the weights are swapped: here `momentum` is the share of the new batch",
        ),
        Mistake(
            name="biased",
            value=lambda case: running_of(case, ddof=0),
            says="the running variance takes the unbiased variance of the batch: ddof=1",
        ),
        Mistake(
            name="start-zero",
            value=lambda case: running_of(case, start=0.0),
            says="the running variance starts at 1",
        ),
        Mistake(
            name="average",
            value=lambda case: running_of(case, plain=True),
            says="this is the plain average over the batches: the running value forgets step by step",
        ),
    ),
)

# --- Swish -----------------------------------------------------------------------------------------------


def logistic(x):
    return 0.5 * (1 + np.tanh(x / 2))


def swish_of(x, slope=None):
    s = logistic(x)
    return x * s, s * (1 + x * (1 - s)) if slope is None else slope(x, s)


swish = Exercise(
    name="swish",
    difficulty=1,
    minutes=10,
    source="V4.1",
    read="A part of your own",
    hints=(
        "Product rule: (x · s)' = s + x · s', and s' = s (1 - s).",
        "Write s as 0.5 · (1 + tanh(x / 2)), which cannot overflow.",
        "Return x * s and s * (1 + x * (1 - s)).",
    ),
    cases=lambda rng: [
        (np.array([0.0, 1.0, -1.0]),),
        (3 * rng.normal(size=(2, 3)),),
        (np.array([-1000.0, 1000.0, 0.5]),),
    ],
    expected=lambda case: swish_of(case[0]),
    mistakes=(
        Mistake(
            name="only-logistic",
            value=lambda case: swish_of(case[0], lambda x, s: s * (1 - s)),
            says="the slope is that of the logistic function alone: Swish is a product, use the product rule",
        ),
        Mistake(
            name="half-product",
            value=lambda case: swish_of(case[0], lambda x, s: x * s * (1 - s)),
            says="the slope lacks the term s: (x · s)' = s + x · s'",
        ),
        Mistake(
            name="no-x",
            value=lambda case: swish_of(case[0], lambda x, s: s + s * (1 - s)),
            says="the second term of the slope lacks the factor x",
        ),
        Mistake(
            name="overflow",
            value=lambda case: tuple(np.where(case[0] > 700, np.nan, part) for part in swish_of(case[0])),
            says="exp(x) overflows for large x and inf / inf is NaN: write the logistic function with tanh",
        ),
    ),
)

# --- In Rust ---------------------------------------------------------------------------------------------


def rust(values):
    return f"[{', '.join(repr(float(v)) for v in values)}]"


def nesterov_main(cases):
    blocks = []
    for w, gradients, lr, mu in cases:
        steps = "".join(f"    o.step(&mut w, &{rust(g)});\n" for g in gradients)
        blocks.append(
            f"    let mut w = {rust(w)};\n"
            f"    let mut o = Nesterov {{ lr: {lr!r}, mu: {mu!r}, velocity: vec![0.0; w.len()] }};\n{steps}"
            '    results.push(format!("[{:?}, {:?}]", w, o.velocity));\n'
        )
    body = "    let mut results = Vec::new();\n" + "".join(blocks)
    return "fn main() {\n" + body + '    println!("[{}]", results.join(", "));\n}\n'


def nesterov(case, *, heavy=False, bare=False, damped=False, forget=False, plus=1):
    w, gradients, lr, mu = case
    w, u = np.array(w), np.zeros(len(w))
    for g in map(np.array, gradients):
        u = g if forget else mu * u + (1 - mu if damped else 1) * g
        move = u if heavy else mu * u if bare else g + mu * u
        w = w - plus * lr * move
    return [w.tolist(), u.tolist()]


rust_nesterov = Exercise(
    name="rust_nesterov",
    difficulty=2,
    minutes=15,
    read="An optimiser is a part you can swap",
    language="rust",
    program=nesterov_main,
    hints=(
        "zip walks through weights.iter_mut(), gradient and &mut self.velocity together.",
        "Through a mutable reference u, write *u = ...; self.mu and self.lr are plain numbers.",
        "*u = self.mu * *u + g; then *w -= self.lr * (g + self.mu * *u).",
    ),
    cases=lambda rng: [
        ([1.0, -2.0], [[0.5, 1.0]], 0.1, 0.9),
        ([1.0, -2.0, 0.5], [[0.5, 1.0, -1.0], [0.25, -1.0, 2.0], [1.0, 0.0, 0.5]], 0.1, 0.9),
        ([0.0], (rng.integers(1, 12, (3, 1)) / 4).tolist(), 0.5, 0.5),
    ],
    expected=nesterov,
    mistakes=(
        Mistake(
            name="heavy-ball",
            value=lambda case: nesterov(case, heavy=True),
            says="this is plain momentum, as is g + mu·u with the old u: take g + mu·u with the new u",
        ),
        Mistake(
            name="no-gradient",
            value=lambda case: nesterov(case, bare=True),
            says="the step lacks the gradient: it is g + mu·u, not mu·u alone",
        ),
        Mistake(
            name="damped",
            value=lambda case: nesterov(case, damped=True),
            says="the gradient enters the velocity with 1 - mu: it enters whole",
        ),
        Mistake(
            name="forgets",
            value=lambda case: nesterov(case, forget=True),
            says="the velocity forgets everything: u becomes mu·u + g",
        ),
        Mistake(
            name="uphill",
            value=lambda case: nesterov(case, plus=-1),
            says="the step goes uphill: subtract it",
        ),
    ),
)


def schedule_main(cases):
    calls = ", ".join(
        f"rate({step}, {float(peak)!r}, {warmup}, {total})" for step, peak, warmup, total in cases
    )
    return f'fn main() {{\n    println!("{{:?}}", [{calls}]);\n}}\n'


def scheduled(case, *, first=1, offset=True, half=True, clamp=True, linear=False):
    step, peak, warmup, total = case
    if step < warmup:
        return peak * (step + first) / warmup
    done = (step - warmup) / (total - warmup) if offset else step / total
    done = min(done, 1.0) if clamp else done
    if linear:
        return peak * (1 - done)
    return peak * (1 + math.cos(math.pi * done * (1 if half else 2))) / 2


rust_schedule = Exercise(
    name="rust_schedule",
    difficulty=2,
    minutes=15,
    read="Schedules",
    language="rust",
    program=schedule_main,
    hints=(
        "Two cases: step < warmup, and the rest. Convert with `as f64` before dividing.",
        "After the warm-up the fraction done is (step - warmup) / (total - warmup), at most 1.",
        "peak * (1.0 + (PI * done).cos()) / 2.0, with std::f64::consts::PI.",
    ),
    cases=lambda rng: [
        (0, 0.5, 4, 20),
        (3, 0.5, 4, 20),
        (4, 0.5, 4, 20),
        (int(rng.integers(6, 19)), 0.5, 4, 20),
        (20, 0.5, 4, 20),
        (27, 0.5, 4, 20),
        (0, 2.0, 0, 10),
        (7, 2.0, 0, 10),
    ],
    expected=scheduled,
    mistakes=(
        Mistake(
            name="from-zero",
            value=lambda case: scheduled(case, first=0),
            says="the first step has rate 0 and is wasted: peak * (step + 1) / warmup",
        ),
        Mistake(
            name="no-offset",
            value=lambda case: scheduled(case, offset=False),
            says="the cosine starts at step 0: it starts at the peak, when step == warmup",
        ),
        Mistake(
            name="whole-cosine",
            value=lambda case: scheduled(case, half=False),
            says="the rate comes up again: half a cosine goes from 0 to π",
        ),
        Mistake(
            name="no-end",
            value=lambda case: scheduled(case, clamp=False),
            says="after `total` the cosine rises again: the fraction done is at most 1",
        ),
        Mistake(
            name="linear",
            value=lambda case: scheduled(case, linear=True),
            says="the rate falls in a straight line: it follows half a cosine",
        ),
    ),
)


def heun_main(cases):
    blocks = [
        f"    let f = |h: &[f64]| -> Vec<f64> {{ {code} }};\n"
        f"    results.push(heun(f, &{rust(h)}, {float(dt)!r}));\n"
        for code, h, dt in cases
    ]
    body = "    let mut results = Vec::new();\n" + "".join(blocks)
    return "fn main() {\n" + body + '    println!("{:?}", results);\n}\n'


SLOPES = {
    "h.iter().map(|h| h * (1.0 - h)).collect()": lambda h: h * (1 - h),
    "vec![h[1], -h[0]]": lambda h: np.array([h[1], -h[0]]),
}


def heun_step(case, kind="heun"):
    code, h, dt = case
    f, h = SLOPES[code], np.array(h, float)
    first = f(h)
    second = f(h + dt * first)
    moves = {
        "heun": (first + second) / 2,
        "euler": first,
        "sum": first + second,
        "corrector": second,
        "midpoint": f(h + dt / 2 * first),
    }
    return (h + dt * moves[kind]).tolist()


rust_heun = Exercise(
    name="rust_heun",
    difficulty=3,
    minutes=20,
    read="Blocks that add",
    language="rust",
    program=heun_main,
    hints=(
        "Call f twice: at h, and at the predicted state.",
        "The predictor is h + dt * slope, entry by entry, collected into a Vec<f64>.",
        "Zip h with both slopes and collect h + dt / 2.0 * (a + b).",
    ),
    cases=lambda rng: [
        ("h.iter().map(|h| h * (1.0 - h)).collect()", [0.25, 0.5, 2.0], 0.5),
        ("vec![h[1], -h[0]]", [1.0, 0.5], 0.1),
        ("h.iter().map(|h| h * (1.0 - h)).collect()", [0.1], 1.0),
    ],
    expected=heun_step,
    mistakes=(
        Mistake(
            name="euler",
            value=lambda case: heun_step(case, "euler"),
            says="this is Euler's step: average with the slope at the predicted state",
        ),
        Mistake(
            name="sum",
            value=lambda case: heun_step(case, "sum"),
            says="you add both slopes: take their mean, hence dt / 2",
        ),
        Mistake(
            name="corrector-only",
            value=lambda case: heun_step(case, "corrector"),
            says="you go with the second slope alone: take the mean of both",
        ),
        Mistake(
            name="midpoint",
            value=lambda case: heun_step(case, "midpoint"),
            says="this is the midpoint method: Heun predicts with the whole step dt",
        ),
    ),
)

# --- Projects: the form of the table, and relations that hold on every machine ---------------------------

FINE = "the table has the right form and its relations hold"


def judged(problems):
    """The first problem that is there; FINE if none is."""
    return next((words for wrong, words in problems if wrong), FINE)


def project(name, number, judge, problems, **entry):
    return Exercise(
        name=name,
        difficulty=3,
        minutes=180,
        source=number,
        read="Three projects",
        cases=lambda rng: [("the table",)],
        expected=lambda case: FINE,
        call=lambda answer, case: judge(answer()),
        describe=lambda case: "the table",
        seconds=60,
        mistakes=[
            Mistake(name=key, value=lambda case, words=words: words, says=advice)
            for key, words, advice in problems
        ],
        **entry,
    )


LAYER_KEYS = {"size", "own_seconds", "builtin_seconds", "own_bytes", "difference"}


def judge_layers(rows):
    if not isinstance(rows, list) or len(rows) < 4 or any(set(row) != LAYER_KEYS for row in rows):
        return "form"
    first, last = rows[0], rows[-1]
    sizes = [row["size"] for row in rows]
    return judged(
        [
            (sizes != sorted(set(sizes)) or sizes[-1] < 1000 * sizes[0], "sizes"),
            (not all(row["difference"] <= 1e-9 for row in rows), "outputs"),
            (any(last[key] <= first[key] for key in ("own_seconds", "builtin_seconds")), "time"),
            (last["own_bytes"] <= first["own_bytes"], "memory"),
        ]
    )


layer_table = project(
    "layer_table",
    "V4.1+",
    judge_layers,
    (
        (
            "form",
            "form",
            "expected a list of at least four dicts with exactly the five keys of the statement",
        ),
        ("sizes", "sizes", "the sizes must rise, the largest being at least 1,000 times the smallest"),
        ("outputs", "outputs", "own and built-in outputs differ by more than 1e-9: compare in float64"),
        ("time", "time", "the largest size is not slower than the smallest: repeat and take the median"),
        (
            "memory",
            "memory",
            "peak memory does not grow with the size: measure the call, not what came before",
        ),
    ),
    hints=(
        "Time a call several times with time.perf_counter and take the median.",
        "tracemalloc.start(), the call, tracemalloc.get_traced_memory()[1], tracemalloc.stop().",
        "One dict per size, appended to a list; torch.nn.functional.silu is Swish.",
    ),
)


def judge_rates(table):
    if not isinstance(table, dict) or set(table) != {"start", "end"}:
        return "form"
    start, end = table["start"], table["end"]
    if len(end) < 3 or set(start) != set(end) or any(len(row) < 5 for row in end.values()):
        return "form"
    if any(loss != loss for row in end.values() for loss in row.values()):  # NaN: inf is asked for
        return "form"
    best = {name: min(row, key=row.get) for name, row in end.items()}
    return judged(
        [
            (not all(abs(a - b) <= 1e-9 for a in start.values() for b in start.values()), "start"),
            (any(best[name] in (min(row), max(row)) for name, row in end.items()), "edge"),
            (any(row[best[name]] >= start[name] for name, row in end.items()), "no descent"),
        ]
    )


rate_table = project(
    "rate_table",
    "V19.2+",
    judge_rates,
    (
        ("form", "form", "expected {'start': ..., 'end': ...}, three rules or more, five rates each, no NaN"),
        ("start", "start", "the rules do not start at the same loss: give all the same first weights"),
        ("edge", "edge", "the best rate of a rule is its smallest or largest: widen its range"),
        ("no-descent", "no descent", "a rule ends no lower than it started, even at its best rate"),
    ),
    hints=(
        "np.geomspace gives evenly spaced rates on a logarithmic axis.",
        "Build the network anew, from the same seed, for every rule and every rate.",
        "If the best rate is at the edge, add smaller or larger ones until the loss rises on both sides.",
    ),
)

TESTS = {"clean", "shifted", "rotated", "noisy"}


def judge_robustness(table):
    if not isinstance(table, dict) or set(table) != {"without", "with"}:
        return "form"
    if any(set(row) != TESTS or not all(0 <= v <= 1 for v in row.values()) for row in table.values()):
        return "form"
    plain, trained, disturbed = table["without"], table["with"], sorted(TESTS - {"clean"})
    return judged(
        [
            (min(plain["clean"], trained["clean"]) <= 0.8, "clean"),
            (any(plain[test] >= plain["clean"] for test in disturbed), "too mild"),
            (sum(trained[test] > plain[test] for test in disturbed) < 2, "no gain"),
        ]
    )


robustness_table = project(
    "robustness_table",
    "V19.3+",
    judge_robustness,
    (
        (
            "form",
            "form",
            "expected 'without' and 'with', each with the four tests and shares between 0 and 1",
        ),
        ("clean", "clean", "a model is not above 0.8 on clean images: train longer, or augment less"),
        ("mild", "too mild", "a disturbance costs the plain model nothing: make it stronger"),
        ("no-gain", "no gain", "augmentation helps on fewer than two disturbed tests: train on such changes"),
    ),
    hints=(
        "Disturb the test images once, with a seed of their own, and use them for both models.",
        "Train the second model on freshly disturbed images in every epoch, with clean ones now and then.",
        "ndimage.rotate(image, angle, reshape=False, order=1), shifted and noisy from dlcourse.data.augment.",
    ),
)

# --- Self-checks -----------------------------------------------------------------------------------------

noise_or_signal = Choice(
    name="noise_or_signal",
    difficulty=2,
    minutes=3,
    read="Learning from noise",
    question="Targets have mean 0 and variance 4 and do not depend on the inputs. A trained network has "
    "training MSE 0.5, and its answers on fresh inputs have mean square 1. What is its fresh MSE?",
    options=(
        Option(text="About 0.5.", says="That is the training error, on targets that it has memorised."),
        Option(text="About 3.", says="The network's answers do not explain any part of the fresh variance."),
        Option(
            text="About 4.", says="That is the error of the answer 0; the network's own noise comes on top."
        ),
        Option(
            text="About 5.",
            says="Right: the variance of the targets plus the mean square of the answers.",
            right=True,
        ),
    ),
)

decay_divided = Choice(
    name="decay_divided",
    difficulty=2,
    minutes=3,
    read="Why Adam with an L2 term is not AdamW",
    question="Two weights have gradients of the scales 1 and 10. Adam is used with an L2 term. "
    "How fast does the term shrink the second weight, compared with the first?",
    options=(
        Option(
            text="Equally fast.", says="That is AdamW, where the decay does not pass through the moments."
        ),
        Option(
            text="Ten times more slowly.",
            says="Right: the step is divided by the scale of the gradient, and the L2 term with it.",
            right=True,
        ),
        Option(text="Ten times faster.", says="The scale stands in the denominator."),
        Option(
            text="A hundred times more slowly.",
            says="Adam divides by the root of the mean square, not by the mean square.",
        ),
    ),
)

batch_noise = Choice(
    name="batch_noise",
    difficulty=2,
    minutes=3,
    read="A lab on batch size",
    question="You double the batch size and the learning rate. Which of these follow from the formula of "
    "the noise floor, for small rates? Tick all.",
    options=(
        Option(
            text="The noise floor stays nearly the same.",
            says="Right: for small rates it depends on the quotient of rate and batch size.",
            right=True,
        ),
        Option(
            text="The number of steps per epoch is halved.",
            says="Right, and each step is twice as long, so the distance per epoch stays.",
            right=True,
        ),
        Option(
            text="The limit of stability doubles too.",
            says="The limit 2/h comes from the curvature, which does not know the batch size.",
        ),
        Option(
            text="The gradient noise is quartered.",
            says="Its variance is divided by 2, its standard deviation by the root of 2.",
        ),
    ),
)

train_or_eval = Match(
    name="train_or_eval",
    difficulty=2,
    minutes=3,
    read="The trap",
    question="What does each layer do in evaluation mode?",
    pairs=(
        ("Dropout", "returns its input", "Nothing is dropped, and nothing needs scaling."),
        (
            "Batch normalisation",
            "uses its running statistics",
            "So that an answer does not depend on the batch.",
        ),
        ("Layer normalisation", "the same as in training", "Its statistics come from the one example alone."),
        (
            "A linear layer",
            "the same affine map as ever",
            "It has no mode: weights and biases are all it uses.",
        ),
    ),
)

ENTRIES = (
    noise_or_signal,
    early_stop,
    adamw_step,
    decay_divided,
    dropout,
    random_crop,
    rotated,
    jitter,
    rust_nesterov,
    OwnOptimiser,
    rust_schedule,
    batch_noise,
    batchnorm_backward,
    running,
    train_or_eval,
    rust_heun,
    swish,
    layer_table,
    rate_table,
    robustness_table,
)
