"""Exercises of 06_losses_and_descent: what is asked, which mistakes are known, and what to say about them."""

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Predict

# --- slopes and activations ------------------------------------------------------------------------------

directional = Exercise(
    name="directional",
    difficulty=1,
    minutes=5,
    read="Which way is down?",
    hints=(
        "For a direction of length 1 the answer is a dot product.",
        "The direction of v is v divided by its length.",
        "`gradient @ v / np.linalg.norm(v)`.",
    ),
    cases=lambda rng: [
        (np.array([3.0, 4.0]), np.array([2.0, 0.0])),
        (np.array([1.0, -2.0]), np.array([3.0, 4.0])),  # leads down
        (rng.normal(size=5), 10 * rng.normal(size=5)),
    ],
    expected=lambda case: float(case[0] @ case[1] / np.linalg.norm(case[1])),
    mistakes=(
        Mistake(
            name="not-normalised",
            value=lambda case: float(case[0] @ case[1]),
            says="a longer v gives a larger result: divide by its length, for a slope per unit of distance",
        ),
        Mistake(
            name="squared-length",
            value=lambda case: float(case[0] @ case[1] / (case[1] @ case[1])),
            says="you divided by ‖v‖²: the direction is v/‖v‖",
        ),
        Mistake(
            name="cosine",
            value=lambda case: float(case[0] @ case[1] / np.linalg.norm(case[1]) / np.linalg.norm(case[0])),
            says="this is the cosine of the angle: the length of the gradient belongs to the slope",
        ),
        Mistake(
            name="steepest",
            value=lambda case: float(np.linalg.norm(case[0])),
            says="this is the steepest slope of all: the question is the slope in the direction of v",
        ),
        Mistake(
            name="downhill",
            value=lambda case: float(-case[0] @ case[1] / np.linalg.norm(case[1])),
            says="the sign is turned around: the slope is positive where the way leads up",
        ),
        Mistake(
            name="unsigned",
            value=lambda case: float(abs(case[0] @ case[1]) / np.linalg.norm(case[1])),
            says="the sign is lost: a slope is negative where the way leads down",
        ),
    ),
)


def drawn(answer, case):
    """The data of the first line on the axes that the answer returns."""
    import matplotlib.pyplot as plt

    axes = answer(*case)
    if axes is None:
        return None
    if not hasattr(axes, "get_lines"):
        raise TypeError(f"expected the axes to be returned, got an object of type {type(axes).__name__}")
    plt.close(axes.figure)  # the check needs the numbers, not a second picture
    if not axes.get_lines():
        raise ValueError("expected a line on the axes, got none: draw it with axes.plot")
    line = axes.get_lines()[0]
    return [np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)]


def curve(x, f=lambda x: np.maximum(x, 0)):
    return [x, f(x)]


relu_curve = Exercise(
    name="relu_curve",
    difficulty=1,
    minutes=5,
    source="B5.4",
    read="Functions that bend",
    call=drawn,
    hints=(
        "How many points are there from -5 to 5 in steps of 0.1, with both ends?",
        "`np.linspace(-5, 5, n)` takes the number of points, ends included.",
        "`_, axes = plt.subplots()`, then `axes.plot(x, np.maximum(x, 0))`, then return the axes.",
    ),
    cases=lambda rng: [()],
    expected=lambda case: curve(np.linspace(-5, 5, 101)),
    mistakes=(
        Mistake(
            name="end-missing",
            value=lambda case: curve(np.arange(-50, 50) / 10),
            says="the last point is missing: `np.arange` leaves its end out",
        ),
        Mistake(
            name="hundred-points",
            value=lambda case: curve(np.linspace(-5, 5, 100)),
            says="100 points make 99 steps: steps of 0.1 need 101 points",
        ),
        Mistake(
            name="identity",
            value=lambda case: curve(np.linspace(-5, 5, 101), lambda x: x),
            says="this is the straight line y = x: ReLU is 0 for negative x",
        ),
        Mistake(
            name="absolute",
            value=lambda case: curve(np.linspace(-5, 5, 101), np.abs),
            says="this is |x|: for negative x ReLU is 0, not -x",
        ),
        Mistake(
            name="step",
            value=lambda case: curve(np.linspace(-5, 5, 101), lambda x: (x > 0) * 1.0),
            says="this is the slope of ReLU: draw the function itself",
        ),
    ),
)


def points_main(cases):
    """For each case the pairs, and whether the last x is exact."""
    calls = "".join(
        f"    let points: Vec<[f64; 2]> = relu_points({low!r}, {high!r}, {n})"
        ".iter().map(|p| [p.0, p.1]).collect();\n"
        f"    let exact = points.last().is_some_and(|p| p[0] == {high!r});\n"
        '    results.push(format!("[{points:?}, {exact}]"));\n'
        for low, high, n in cases
    )
    return (
        "fn main() {\n    let mut results: Vec<String> = Vec::new();\n"
        + calls
        + '    println!("[{}]", results.join(", "));\n}\n'
    )


def relu_pairs(case, xs=None, f=lambda x: max(x, 0.0)):
    low, high, n = case
    xs = [low * (1 - i / n) + high * (i / n) for i in range(n + 1)] if xs is None else xs
    return [[[x, f(x)] for x in xs], xs[-1] == high]


def added_up(case):
    low, high, n = case
    xs = [low]
    for _ in range(n):
        xs.append(xs[-1] + (high - low) / n)
    return xs


relu_points = Exercise(
    name="relu_points",
    difficulty=2,
    minutes=12,
    source="B5.4",
    read="Functions that bend",
    language="rust",
    program=points_main,
    hints=(
        "`(0..=n)` counts with both ends; `.map(|i| ...)` turns each count into a pair.",
        "`i as f64 / n as f64` runs from 0 to exactly 1: mix `low` and `high` with this share.",
        "`let x = low * (1.0 - share) + high * share; (x, x.max(0.0))`, then `.collect()`.",
    ),
    cases=lambda rng: [
        (-1.0, 2.0, 1),
        (-float(rng.integers(2, 9)), 5.0, 100),
        (0.0, 1.0, 10),
        (0.0, 1.0, 49),
    ],
    expected=relu_pairs,
    mistakes=(
        Mistake(
            name="end-missing",
            value=lambda case: relu_pairs(case, relu_xs(case)[:-1]),
            says="the last point is missing: n steps have n + 1 ends, so count with `0..=n`",
        ),
        Mistake(
            name="added-up",
            value=lambda case: relu_pairs(case, added_up(case)),
            says="the last x is not exactly `high`: adding the step again and again adds up rounding errors",
        ),
        Mistake(
            name="rounded-step",
            value=lambda case: relu_pairs(
                case, [case[0] + i * ((case[1] - case[0]) / case[2]) for i in range(case[2] + 1)]
            ),
            says="the last x is not always exactly `high`: the step itself is rounded; divide i by n instead",
        ),
        Mistake(
            name="whole-numbers",
            value=lambda case: relu_pairs(case, [case[0]] * case[2] + [case[1]]),
            says="`i / n` divides whole numbers and is 0 before the end: write `i as f64 / n as f64`",
        ),
        Mistake(
            name="identity",
            value=lambda case: relu_pairs(case, f=lambda x: x),
            says="the second number of each pair is x itself: ReLU is 0 for negative x",
        ),
    ),
)


def relu_xs(case):
    return [x for x, _ in relu_pairs(case)[0]]


dead_or_slow = Choice(
    name="dead_or_slow",
    difficulty=2,
    minutes=3,
    read="Where the slope dies",
    question="After an update, a ReLU unit outputs 0 for every example of the training data. "
    "What can make it useful again? Tick all.",
    options=(
        Option(
            text="More training with the same data.",
            says="Its slope is 0 for every example, so its weights get a gradient of exactly 0 for ever.",
        ),
        Option(
            text="A larger learning rate.",
            says="Zero times any rate is zero. Too large a rate is often what killed it.",
        ),
        Option(
            text="Replacing ReLU by leaky ReLU and training on.",
            says="Right. The leak gives a slope α on the negative side, and the unit climbs back.",
            right=True,
        ),
        Option(
            text="Updates of the layer below, which change the unit's inputs.",
            says="Right. Its own weights are stuck, but other units can move its inputs until it fires.",
            right=True,
        ),
    ),
)

# --- losses ----------------------------------------------------------------------------------------------


def huber_cases(rng):
    cases = [(np.array([1.0, 0.0, 3.0]), np.array([0.5, 0.5, 0.0]), 0.5)]  # |r| = δ twice, and beyond
    for n, delta in ((4, 2.0), (7, 0.3)):
        cases.append((3 * rng.normal(size=n), rng.normal(size=n), delta))
    return cases


def clipped(case):
    p, t, delta = case
    return np.clip(p - t, -delta, delta)


def clipped_above(case):
    p, t, delta = case
    return np.where(np.abs(p - t) <= delta, p - t, delta)


huber_gradient = Exercise(
    name="huber_gradient",
    difficulty=2,
    minutes=8,
    read="Distances",
    hints=(
        "Differentiate both pieces: what is the slope for small residuals, what for large ones?",
        "For |r| ≤ δ the slope is r, beyond it is δ or -δ: the residual, held between -δ and δ.",
        "`np.clip(p - t, -delta, delta)`, and the mean brings a 1/N.",
    ),
    cases=huber_cases,
    expected=lambda case: clipped(case) / len(case[0]),
    mistakes=(
        Mistake(
            name="sum",
            value=clipped,
            says="this is the gradient of the sum: the loss is a mean, so divide by N",
        ),
        Mistake(
            name="sign",
            value=lambda case: -clipped(case) / len(case[0]),
            says="the sign is turned around: the residual is prediction minus target",
        ),
        Mistake(
            name="squared",
            value=lambda case: (case[0] - case[1]) / len(case[0]),
            says="large residuals pull without limit: beyond δ the slope stays at δ",
        ),
        Mistake(
            name="unit-clip",
            value=lambda case: np.clip(case[0] - case[1], -1, 1) / len(case[0]),
            says="you held the residual between -1 and 1: the limits are -δ and δ",
        ),
        Mistake(
            name="absolute",
            value=lambda case: case[2] * np.sign(case[0] - case[1]) / len(case[0]),
            says="small residuals pull as hard as large ones: for |r| ≤ δ the slope is r itself",
        ),
        Mistake(
            name="sign-lost",
            value=lambda case: clipped_above(case) / len(case[0]),
            says="far below the target the slope is -δ: multiply δ by the sign of the residual",
        ),
        Mistake(
            name="loss",
            value=lambda case: float(np.mean(clipped(case) * (case[0] - case[1] - clipped(case) / 2))),
            says="this is the loss itself, one number: the gradient has one entry per prediction",
        ),
        Mistake(
            name="factor-two",
            value=lambda case: 2 * clipped(case) / len(case[0]),
            says="there is a factor 2 too much: the square comes with ½, which cancels it",
        ),
    ),
)


def vae_parts(mu, log_variance):
    return (mu**2 + np.exp(log_variance) - 1 - log_variance) / 2


vae_kl = Exercise(
    name="vae_kl",
    difficulty=2,
    minutes=12,
    read="How far apart are two distributions?",
    hints=(
        "Put μ_Q = 0 and σ_Q = 1 into the formula for two normal distributions.",
        "ln(1/σ) = -½ ln σ², and σ² is the exponential of `log_variance`.",
        "½ (μ² + σ² - 1 - ln σ²), summed along axis 1.",
    ),
    cases=lambda rng: [
        (np.array([[1.0]]), np.array([[0.0]])),
        (np.zeros((2, 3)), np.zeros((2, 3))),
        (rng.normal(size=(4, 3)), rng.normal(size=(4, 3))),
        (rng.normal(size=(3, 5)), rng.normal(size=(3, 5)) - 1),
    ],
    expected=lambda case: vae_parts(*case).sum(axis=1),
    mistakes=(
        Mistake(
            name="mean",
            value=lambda case: vae_parts(*case).mean(axis=1),
            says="you took the mean over the components: divergences of independent components add up",
        ),
        Mistake(
            name="log-sigma",
            value=lambda case: vae_parts(case[0], 2 * case[1]).sum(axis=1),
            says="you read the second argument as ln σ: it is ln σ², the logarithm of the variance",
        ),
        Mistake(
            name="no-half",
            value=lambda case: 2 * vae_parts(*case).sum(axis=1),
            says="this is twice the divergence: every term of the formula carries a ½",
        ),
        Mistake(
            name="reversed",
            value=lambda case: ((1 + case[0] ** 2) * np.exp(-case[1]) - 1 + case[1]).sum(axis=1) / 2,
            says="this is KL(N(0, 1) ‖ N(μ, σ²)): the divergence is not symmetric, exchange the two",
        ),
        Mistake(
            name="sign",
            value=lambda case: -vae_parts(*case).sum(axis=1),
            says="the sign is turned around: a divergence is never negative",
        ),
        Mistake(
            name="over-rows",
            value=lambda case: float(vae_parts(*case).sum()),
            says="you summed over the rows as well: return one number per row",
        ),
    ),
)


def estimate(case, *, sign=1, error=lambda r: r.std() / np.sqrt(len(r))):
    ratios = sign * (case[0] - case[1])
    return float(ratios.mean()), float(error(ratios))


def kl_cases(rng):
    cases = [(np.array([-1.0, -2.0]), np.array([-2.0, -4.0]))]
    for count in (7, 500):
        x = rng.normal(size=count)
        cases.append((-(x**2) / 2 - 0.9, -((x - 1) ** 2) / 8 - 1.6))
    return cases


kl_estimate = Exercise(
    name="kl_estimate",
    difficulty=2,
    minutes=8,
    read="How far apart are two distributions?",
    hints=(
        "The divergence is the mean of ln p(x) - ln q(x) over x drawn from P.",
        "The numbers are already drawn from P: a plain mean is enough, nothing has to be weighted.",
        "With `r = log_p - log_q`: `r.mean()` and `r.std() / np.sqrt(len(r))`.",
    ),
    cases=kl_cases,
    expected=estimate,
    mistakes=(
        Mistake(
            name="reversed",
            value=lambda case: estimate(case, sign=-1),
            says="the sign is turned around: the mean is of ln p - ln q",
        ),
        Mistake(
            name="weighted",
            value=lambda case: (
                float(np.sum(np.exp(case[0]) * (case[0] - case[1]))),
                estimate(case)[1],
            ),
            says="you weighted with p: the draws come from P, so frequent values are already frequent",
        ),
        Mistake(
            name="spread",
            value=lambda case: estimate(case, error=np.std),
            says="the second number is the spread of the summands: the error of their mean is smaller by √K",
        ),
        Mistake(
            name="no-root",
            value=lambda case: estimate(case, error=lambda r: r.std() / len(r)),
            says="you divided by K: the standard error shrinks with √K only",
        ),
        Mistake(
            name="ddof",
            value=lambda case: estimate(case, error=lambda r: r.std(ddof=1) / np.sqrt(len(r))),
            says="close: the exercise asks for NumPy's default standard deviation, ddof=0",
        ),
    ),
)

which_loss = Match(
    name="which_loss",
    difficulty=2,
    minutes=3,
    read="What is a good answer?",
    question="Which loss fits which task?",
    pairs=(
        (
            "Predict a delivery time; a few records contain typing errors",
            "mean absolute error",
            "Its best constant is the median, which a few wild values do not move.",
        ),
        (
            "Predict the mean energy use of many households, extremes included",
            "mean squared error",
            "Its best answer is the mean, and the extremes belong to it.",
        ),
        (
            "Is this mail spam?",
            "binary cross-entropy",
            "One probability against a target of 0 or 1.",
        ),
        (
            "Which of ten digits is this?",
            "softmax with cross-entropy",
            "Ten scores become ten probabilities; the loss is the surprise at the right one.",
        ),
        (
            "Keep a normal distribution close to N(0, 1)",
            "KL divergence",
            "It compares two whole distributions, here in closed form.",
        ),
        (
            "Two texts of different lengths should count as similar",
            "1 − cosine similarity",
            "Only the directions of their vectors matter, not the lengths.",
        ),
    ),
)

# --- stable forms ----------------------------------------------------------------------------------------


def shares(z, shift):
    """exp(z - shift) over its sum in each row; NaN where the arithmetic gives one."""
    with np.errstate(all="ignore"):
        e = np.exp(z - shift)
        return e / e.sum(axis=1, keepdims=True)


def softmax_rows(case):
    return shares(case[0], case[0].max(axis=1, keepdims=True))


stable_softmax = Exercise(
    name="stable_softmax",
    difficulty=2,
    minutes=8,
    read="When the numbers run out",
    hints=(
        "Subtracting the same number from all scores of a row changes no probability.",
        "Which number makes the largest exponent of every row exactly 0?",
        "`z - z.max(axis=1, keepdims=True)`, exponentials, divided by their sum with the same axis.",
    ),
    cases=lambda rng: [
        (np.array([[0.0, 0.0]]),),
        (rng.normal(size=(3, 4)),),
        (np.array([[1000.0, 1001.0], [-1000.0, -999.0]]),),
        (np.array([[0.0, 2000.0, 0.0]]),),  # far apart within one row
    ],
    expected=softmax_rows,
    mistakes=(
        Mistake(
            name="naive",
            value=lambda case: shares(case[0], 0.0),
            says="exp overflows, and infinity divided by infinity is NaN: subtract each row's maximum first",
        ),
        Mistake(
            name="global-maximum",
            value=lambda case: shares(case[0], case[0].max()),
            says="a row far below the maximum of the batch becomes 0/0: subtract each row's own maximum",
        ),
        Mistake(
            name="not-the-maximum",
            value=lambda case: shares(case[0], case[0].min(axis=1, keepdims=True)),
            says="a score far above the number you subtract still overflows: subtract each row's maximum",
        ),
        Mistake(
            name="columns",
            value=lambda case: softmax_rows((case[0].T,)).T,
            says="your columns sum to 1: a row holds the scores of one example, so sum along axis 1",
        ),
        Mistake(
            name="whole-batch",
            value=lambda case: softmax_rows(case) / len(case[0]),
            says="all numbers together sum to 1: every row must do so on its own",
        ),
    ),
)


def bce_main(cases):
    calls = ", ".join(f"stable_bce({z!r}, {t!r})" for z, t in cases)
    return (
        "fn main() {\n"
        f"    let results: Vec<f64> = vec![{calls}];\n"
        '    println!("{}", format!("{results:?}").replace("inf", "Infinity"));\n'
        "}\n"
    )


def bce(case):
    s = case[0] if case[1] == 1 else -case[0]
    return float(max(-s, 0) + np.log1p(np.exp(-abs(s))))


def bce_of_probability(case, low=0.0, high=1.0, floor=-np.inf):
    """The formula as it stands in the books, with the usual ways of cutting off."""
    z, t = np.float64(case[0]), case[1]
    with np.errstate(all="ignore"):
        p = np.clip(1 / (1 + np.exp(-z)), low, high)
        return float(-(t * np.maximum(np.log(p), floor) + (1 - t) * np.maximum(np.log(1 - p), floor)))


def bce_one_sided(case):
    with np.errstate(all="ignore"):
        return float(np.log1p(np.exp(np.float64(case[0] * (1 - 2 * case[1])))))


def bce_for_positive(case):
    z, t = np.float64(case[0]), case[1]
    with np.errstate(over="ignore"):
        return float(np.log1p(np.exp(-z)) + (1 - t) * z)


stable_bce = Exercise(
    name="stable_bce",
    difficulty=3,
    minutes=15,
    read="When the numbers run out",
    language="rust",
    program=bce_main,
    rtol=1e-9,
    atol=0.0,
    hints=(
        "Do not form σ(z): insert it into the logarithms and simplify first.",
        "With s = z for t = 1 and s = -z for t = 0 the loss is ln(1 + e^(-s)). When does this overflow?",
        "`(-s).max(0.0) + (-s.abs()).exp().ln_1p()`: the exponent is never positive.",
    ),
    cases=lambda rng: [
        (z, t)
        for z in (
            0.0,
            float(rng.integers(2, 12)) / 4,
            -float(rng.integers(5, 16)) / 4,
            40.0,
            -40.0,
            1000.0,
            -1000.0,
        )
        for t in (0.0, 1.0)
    ],
    expected=bce,
    mistakes=(
        Mistake(
            name="naive",
            value=bce_of_probability,
            says="σ(z) rounds to 0 or 1 and its logarithm is lost: simplify the formula, then program it",
        ),
        Mistake(
            name="clipped",
            value=lambda case: bce_of_probability(case, 1e-12, 1 - 1e-12),
            says="a clipped probability gives finite numbers, but wrong ones: at z = -1000, t = 1 it is 1000",
        ),
        Mistake(
            name="cut-off",
            value=lambda case: bce_of_probability(case, floor=-100),
            says="a logarithm cut off at -100 gives finite numbers, but wrong ones: at z = -1000 it is 1000",
        ),
        Mistake(
            name="overflow",
            value=bce_one_sided,
            says="exp overflows for a score that is wrong by 1000: pull the large part out of the logarithm",
        ),
        Mistake(
            name="small-lost",
            value=lambda case: float(max(case[0] * (1 - 2 * case[1]), 0) + np.log(1 + np.exp(-abs(case[0])))),
            says="small losses are rounded to 0: use `ln_1p`, which does not add 1 to a tiny number first",
        ),
        Mistake(
            name="one-case",
            value=bce_for_positive,
            says="for negative z the term e^(-z) is huge: there write ln(1 + e^(-z)) as -z + ln(1 + e^z)",
        ),
        Mistake(
            name="target-turned",
            value=lambda case: bce((case[0], 1 - case[1])),
            says="the two targets are exchanged: for t = 1 a large score is right and costs little",
        ),
    ),
)

# --- descent ---------------------------------------------------------------------------------------------


def round_bowl(x):
    """The gradient of ‖x‖² / 2."""
    return 1.0 * x


def long_bowl(x):
    """The gradient of (x₁² + 4 x₂² + 9 x₃² ...) / 2."""
    return np.arange(1, len(x) + 1) ** 2 * x


def descended(case, *, done=lambda g, step, tol: np.linalg.norm(g) <= tol, sign=-1, first=0, extra=0):
    gradient, x, lr, tol, most = case
    steps = 0
    while steps < most + extra and (
        steps < first or not done(gradient(x), lr * np.linalg.norm(gradient(x)), tol)
    ):
        x = x + sign * lr * gradient(x)
        steps += 1
    return x, steps


def stepped(case):
    """The usual rule: stop after a step that is at most tol long."""
    gradient, x, lr, tol, most = case
    for steps in range(1, most + 1):
        x, before = x - lr * gradient(x), x
        if np.linalg.norm(x - before) <= tol:
            return x, steps
    return x, most


descend_until = Exercise(
    name="descend_until",
    difficulty=2,
    minutes=12,
    read="When to stop",
    hints=(
        "A `while` loop with two conditions: the gradient is still long, and there are steps left.",
        "Test the gradient before the step, so that a start at the minimum takes none.",
        "`while steps < most and np.linalg.norm(gradient(x)) > tol:`, then `x = x - lr * gradient(x)`.",
    ),
    cases=lambda rng: [
        (round_bowl, np.array([0.0]), 0.5, 0.1, 10),  # already there
        (round_bowl, np.array([4.0]), 0.5, 0.3, 100),
        (round_bowl, np.array([4.0]), 0.5, 1e-3, 3),  # not enough steps
        (round_bowl, np.array([4.0]), 0.5, 0.5, 100),  # reaches tol exactly: "at most"
        (round_bowl, np.array([1.0, 1.0]), 0.5, 0.6, 10),  # each entry is short before the length is
        (long_bowl, np.array([3.0, 1.0]), 0.05, 0.2, 500),
        (long_bowl, rng.normal(size=3), 0.1, 0.05, 500),
    ],
    expected=descended,
    mistakes=(
        Mistake(
            name="step-length",
            value=lambda case: descended(case, done=lambda g, step, tol: step <= tol),
            says="you tested the step: with a small rate it is short anywhere; test the gradient's length",
        ),
        Mistake(
            name="step-length-after",
            value=stepped,
            says="you tested the step: with a small rate it is short anywhere; test the gradient's length",
        ),
        Mistake(
            name="strict",
            value=lambda case: descended(case, done=lambda g, step, tol: np.linalg.norm(g) < tol),
            says="a gradient of exactly length `tol` is short enough: at most includes equality",
        ),
        Mistake(
            name="always-one",
            value=lambda case: descended(case, first=1),
            says="you take a step before the first test: at a start that is flat enough none is needed",
        ),
        Mistake(
            name="uphill",
            value=lambda case: descended(case, sign=1),
            says="the steps go uphill: subtract the gradient",
        ),
        Mistake(
            name="one-too-many",
            value=lambda case: descended(case, extra=1),
            says="you take one step more than `most` allows",
        ),
        Mistake(
            name="largest-entry",
            value=lambda case: descended(case, done=lambda g, step, tol: np.abs(g).max() <= tol),
            says="you tested the largest entry of the gradient: its length is `np.linalg.norm`",
        ),
        Mistake(
            name="squared",
            value=lambda case: descended(case, done=lambda g, step, tol: g @ g <= tol),
            says="you tested the square of the length: compare the length itself with `tol`",
        ),
    ),
)

rate_regimes = Match(
    name="rate_regimes",
    difficulty=2,
    minutes=3,
    read="Down a parabola",
    question="Gradient descent on f(x) = 5x², started at 1. What does each learning rate do?",
    pairs=(
        ("0.05", "approaches 0 from one side", "λ = 10, so the factor 1 − 10η is 0.5: positive and below 1."),
        ("0.1", "arrives in one step", "η = 1/λ makes the factor 0."),
        ("0.15", "approaches 0, jumping from side to side", "The factor is −0.5."),
        ("0.2", "jumps between 1 and −1 for ever", "η = 2/λ makes the factor −1."),
        ("0.25", "diverges", "The factor is −1.5: every step makes things worse."),
    ),
)


def positive(rng, size):
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.2 * np.eye(size)


def eigenvalues(case):
    return np.linalg.eigvalsh(case[0])


largest_rate = Exercise(
    name="largest_rate",
    difficulty=2,
    minutes=8,
    read="Down a valley",
    hints=(
        "Every eigenvector of the matrix is a parabola of its own. Which one is the steepest?",
        "On a parabola of curvature λ the limit is 2/λ; the eigenvalues are the curvatures.",
        "`np.linalg.eigvalsh(a)` gives the eigenvalues of a symmetric matrix.",
    ),
    cases=lambda rng: [
        (np.array([[4.0]]),),
        (np.diag([1.0, 10.0]),),
        (positive(rng, 2),),
        (positive(rng, 5),),
    ],
    expected=lambda case: float(2 / eigenvalues(case).max()),
    mistakes=(
        Mistake(
            name="ideal",
            value=lambda case: float(1 / eigenvalues(case).max()),
            says="this is the rate that is ideal for the steepest direction: the limit is twice that",
        ),
        Mistake(
            name="flattest",
            value=lambda case: float(2 / eigenvalues(case).min()),
            says="you used the smallest eigenvalue: the steepest direction is the one that diverges first",
        ),
        Mistake(
            name="compromise",
            value=lambda case: float(2 / (eigenvalues(case).min() + eigenvalues(case).max())),
            says="this is the rate that converges fastest: the question is the largest that still converges",
        ),
        Mistake(
            name="trace",
            value=lambda case: float(2 / np.trace(case[0])),
            says="you used the trace, the sum of all curvatures: the largest single one counts",
        ),
        Mistake(
            name="diagonal",
            value=lambda case: float(2 / np.diag(case[0]).max()),
            says="the diagonal holds the curvatures along the axes: the steepest direction is an eigenvector",
        ),
        Mistake(
            name="frobenius",
            value=lambda case: float(2 / np.linalg.norm(case[0])),
            says="`np.linalg.norm(a)` is the Frobenius norm: the limit needs the largest eigenvalue",
        ),
        Mistake(
            name="factor",
            value=lambda case: float(1 / (2 * eigenvalues(case).max())),
            says="the factors 2 are mixed up: with the ½ in f the gradient is Ax, and the limit 2/λ",
        ),
    ),
)

# --- running means and Adam ------------------------------------------------------------------------------


def averaged(case, *, start=0.0, corrected=True, first=1, feedback=False, swap=False):
    values, beta = case
    keep, take = (1 - beta, beta) if swap else (beta, 1 - beta)
    m, means = start, []
    for k, value in enumerate(values, start=first):
        m = keep * m + take * value
        with np.errstate(divide="ignore"):  # the mistake of counting from 0
            mean = m / (1 - beta**k) if corrected else m
        means.append(mean)
        m = mean if feedback else m
    return np.array(means)


corrected_mean = Exercise(
    name="corrected_mean",
    difficulty=2,
    minutes=10,
    read="Reading a noisy curve",
    hints=(
        "One loop over the values, one number m that is carried along.",
        "`enumerate(values, start=1)` counts k from 1, as the correction needs it.",
        "Keep m as it is for the next round, and append m / (1 - beta**k) to the results.",
    ),
    cases=lambda rng: [
        (np.array([3.0]), 0.9),
        (np.array([1.0, 2.0, 4.0]), 0.5),
        (rng.normal(size=10), 0.9),
        (1 + rng.uniform(size=20), 0.75),
    ],
    expected=averaged,
    mistakes=(
        Mistake(
            name="uncorrected",
            value=lambda case: averaged(case, corrected=False),
            says="the first means are too small: divide by 1 - beta**k, the sum of the weights so far",
        ),
        Mistake(
            name="swapped",
            value=lambda case: averaged(case, swap=True),
            says="beta and 1 - beta are exchanged: beta weighs the past",
        ),
        Mistake(
            name="fed-back",
            value=lambda case: averaged(case, feedback=True),
            says="you carry the corrected mean on: correct a copy for the result, and keep m as it is",
        ),
        Mistake(
            name="first-value",
            value=lambda case: averaged(case, start=case[0][0], corrected=False),
            says="you started from the first value, which gives it too much weight: start at 0 and correct",
        ),
        Mistake(
            name="from-zero",
            value=lambda case: averaged(case, first=0),
            says="you count k from 0, so the first correction divides by 0: use `enumerate(values, start=1)`",
        ),
        Mistake(
            name="plain-mean",
            value=lambda case: np.cumsum(case[0]) / np.arange(1, len(case[0]) + 1),
            says="this is the mean of everything so far: a running mean forgets, with the factor beta",
        ),
    ),
)


def adam(
    case,
    *,
    corrected=True,
    inside=False,
    late=0,
    square=True,
    rooted=True,
    returned=False,
    sign=1,
    betas=(0.9, 0.999),
):
    x, g, m, v, k, lr = case
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * (g**2 if square else g)
    c1, c2 = (1 - beta1 ** (k + late), 1 - beta2 ** (k + late)) if corrected else (1.0, 1.0)
    with np.errstate(invalid="ignore"):
        root = np.sqrt(v / c2 + 1e-8) if inside else (np.sqrt(v / c2) if rooted else v / c2) + 1e-8
    moments = (m / c1, v / c2) if returned else (m, v)
    return (x - sign * lr * (m / c1) / root, *moments)


def adam_cases(rng):
    zero = np.zeros(2)
    cases = [
        (np.array([1.0, -1.0]), np.array([2.0, -1e-4]), zero, zero, 1, 0.1),  # one tiny gradient
        (np.array([1.0, 1.0]), zero, zero, zero, 1, 0.1),  # nothing to do, and no division by zero
    ]
    for k in (2, 10):
        x, g, m = rng.normal(size=(3, 4))
        cases.append((x, g, m, rng.uniform(0.5, 1, size=4), k, 0.01))
    return cases


adam_step = Exercise(
    name="adam_step",
    difficulty=3,
    minutes=15,
    read="Memory and scale",
    hints=(
        "Four lines: the new m, the new v, their corrected versions, the new x.",
        "Give the corrected versions other names (m_hat, v_hat): the next step needs m and v as they are.",
        "`m_hat = m / (1 - 0.9**k)`, v_hat likewise, `x - lr * m_hat / (np.sqrt(v_hat) + 1e-8)`.",
    ),
    cases=adam_cases,
    expected=adam,
    mistakes=(
        Mistake(
            name="uncorrected",
            value=lambda case: adam(case, corrected=False),
            says="the corrections are missing: divide m by 1 - 0.9**k and v by 1 - 0.999**k for the step",
        ),
        Mistake(
            name="returns-corrected",
            value=lambda case: adam(case, returned=True),
            says="x is right, but you returned the corrected m and v: the next step needs the plain ones",
        ),
        Mistake(
            name="epsilon-inside",
            value=lambda case: adam(case, inside=True),
            says="ε is under the root: it is added to the root, which matters for tiny gradients",
        ),
        Mistake(
            name="late",
            value=lambda case: adam(case, late=1),
            says="the corrections count from k + 1: the first step has k = 1 and uses the power 1",
        ),
        Mistake(
            name="betas-swapped",
            value=lambda case: adam(case, betas=(0.999, 0.9)),
            says="the two β are exchanged: 0.9 belongs to m, 0.999 to v",
        ),
        Mistake(
            name="uphill",
            value=lambda case: adam(case, sign=-1),
            says="the step goes uphill: subtract it from x",
        ),
        Mistake(
            name="no-root",
            value=lambda case: adam(case, rooted=False),
            says="you divided by v itself: divide by its root, which has the size of the gradient",
        ),
        Mistake(
            name="not-squared",
            value=lambda case: adam(case, square=False),
            says="v is a running mean of the squared gradient: g**2, entry by entry",
        ),
    ),
)

adam_first_step = Predict(
    name="adam_first_step",
    difficulty=2,
    minutes=3,
    read="What the corrections are for",
    question="Adam's first step with rate 0.01, for two very different slopes. What is printed?",
    code=(
        "g = np.array([0.002, -50.0])\n"
        "m, v = 0.1 * g, 0.001 * g**2\n"
        "step = 0.01 * (m / 0.1) / (np.sqrt(v / 0.001) + 1e-8)\n"
        "print(step.round(4))"
    ),
    answer="[ 0.01 -0.01]",
    says="After the corrections the quotient is g/|g|: every entry of the first step is as long as the rate.",
    wrong={
        "[ 0. -0.5]": "That is the rate times the gradient: plain descent, without the division.",
        "[ 0.0316 -0.0316]": "That is the step without the corrections.",
        "[0.01 0.01]": "The lengths are right, but the sign of the gradient stays.",
    },
)

ENTRIES = (
    directional,
    relu_curve,
    relu_points,
    dead_or_slow,
    huber_gradient,
    vae_kl,
    kl_estimate,
    which_loss,
    stable_softmax,
    stable_bce,
    descend_until,
    rate_regimes,
    largest_rate,
    corrected_mean,
    adam_step,
    adam_first_step,
)
