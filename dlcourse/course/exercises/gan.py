"""Exercises of 19_gan: what is asked, which mistakes are known, and what to say about them."""

import math

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option, Order, Predict

CENTRES = np.array([[-2.0, 0.0], [2.0, 0.0]])


def sigmoid(y):
    return 0.5 * (1 + np.tanh(np.asarray(y, float) / 2))


def softplus(y):
    return np.logaddexp(0.0, y)


# --- The game --------------------------------------------------------------------------------------------


def ratio(p, q, empty=0.5):
    total = p + q
    return np.divide(p, total, out=np.full(np.shape(total), float(empty)), where=total > 0)


def density_cases(rng):
    return [
        (np.array([0.2, 0.6]), np.array([0.2, 0.2])),
        (np.array([0.0, 0.5, 0.0]), np.array([0.5, 0.0, 0.0])),
        (rng.uniform(0.1, 3, 5), rng.uniform(0.1, 3, 5)),
        (rng.uniform(0.1, 3, (2, 3)), rng.uniform(0.1, 3, (2, 3))),
        (np.zeros(0), np.zeros(0)),
    ]


optimal_discriminator = Exercise(
    name="optimal_discriminator",
    difficulty=1,
    minutes=6,
    read="The best answer of the discriminator",
    hints=(
        "Which share of all points that arrive at x, real and generated in equal numbers, is real?",
        "Where p + q is 0 nothing is divided: start from an array full of 1/2.",
        "np.divide(p, p + q, out=np.full(p.shape, 0.5), where=p + q > 0).",
    ),
    cases=density_cases,
    rtol=1e-10,
    atol=1e-12,  # single precision is not enough
    expected=lambda case: ratio(*case),
    mistakes=(
        Mistake(
            name="swapped",
            value=lambda case: ratio(case[1], case[0]),
            says="this is the chance that the point is generated: D is the chance that it is real, p/(p + q)",
        ),
        Mistake(
            name="odds",
            value=lambda case: np.divide(
                case[0], case[1], out=np.full(case[0].shape, 0.5), where=case[1] > 0
            ),
            says="p/q are odds: a probability divides by the whole, p + q",
        ),
        Mistake(
            name="empty-as-zero",
            value=lambda case: ratio(*case, empty=0.0),
            says="where neither has a point, the exercise asks for 1/2, not for 0",
        ),
        Mistake(
            name="empty-as-nan",
            value=lambda case: ratio(*case, empty=np.nan),
            says="0/0 gives nan where neither has a point: answer 1/2 there",
        ),
        Mistake(
            name="half",
            value=lambda case: np.full(case[0].shape, 0.5),
            says="1/2 everywhere is the answer at the equilibrium only, where p = q",
        ),
        Mistake(
            name="logit",
            value=lambda case: np.log(np.maximum(case[0], 1e-300) / np.maximum(case[1], 1e-300)),
            says="ln(p/q) is the logit y: D itself is σ(y) = p/(p + q)",
        ),
    ),
)


def jensen_shannon(p, q, base=math.e):
    m = (p + q) / 2
    terms = [np.sum(a[a > 0] * np.log(a[a > 0] / m[a > 0])) for a in (p, q)]
    return float(sum(terms) / 2 / math.log(base))


def histogram_cases(rng):
    some, other = rng.dirichlet(np.ones(5), 2)
    return [
        (np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5])),
        (np.array([1.0, 0.0]), np.array([0.0, 1.0])),
        (np.array([0.25, 0.75]), np.array([0.25, 0.75])),
        (some, other),
    ]


def kl(p, q):
    return float(np.sum(p[p > 0] * np.log(p[p > 0] / np.maximum(q[p > 0], 1e-300))))


smallest_loss = Exercise(
    name="smallest_loss",
    difficulty=2,
    minutes=12,
    read="The best answer of the discriminator",
    hints=(
        "Put D = p/(p + q) into the loss: a sum over the bins of -p ln D and of -q ln(1 - D).",
        "0 ln 0 counts as 0: sum only where the factor in front of the logarithm is positive.",
        "-sum(p * ln(p/(p+q)) where p > 0) - sum(q * ln(q/(p+q)) where q > 0).",
    ),
    cases=histogram_cases,
    expected=lambda case: 2 * math.log(2) - 2 * jensen_shannon(*case),
    mistakes=(
        Mistake(
            name="divergence",
            value=lambda case: jensen_shannon(*case),
            says="this is the divergence: the loss is 2 ln 2 minus twice the divergence",
        ),
        Mistake(
            name="once",
            value=lambda case: 2 * math.log(2) - jensen_shannon(*case),
            says="the divergence counts twice: each of the two expectations brings one half of it, times 2",
        ),
        Mistake(
            name="sign",
            value=lambda case: 2 * math.log(2) + 2 * jensen_shannon(*case),
            says="the sign is turned around: the more the two differ, the lower the loss can be",
        ),
        Mistake(
            name="base-two",
            value=lambda case: 2 - 2 * jensen_shannon(*case, base=2),
            says="these are bits: the loss uses the natural logarithm",
        ),
        Mistake(
            name="value-of-the-game",
            value=lambda case: 2 * jensen_shannon(*case) - 2 * math.log(2),
            says="this is the value V of the game: the loss of the discriminator is -V",
        ),
        Mistake(
            name="nan",
            value=lambda case: (
                math.nan if (case[0] * case[1] == 0).any() else 2 * math.log(2) - 2 * jensen_shannon(*case)
            ),
            says="0 · ln 0 became nan: an empty bin adds nothing, so sum only where p (or q) is positive",
        ),
        Mistake(
            name="half-the-loss",
            value=lambda case: float(-np.sum(case[0] * np.log(np.maximum(ratio(*case), 1e-300)))),
            says="the generated points pay too: add the sum of -q ln(1 - D)",
        ),
        Mistake(
            name="mean",
            value=lambda case: (2 * math.log(2) - 2 * jensen_shannon(*case)) / len(case[0]),
            says="you took the mean over the bins: p and q are weights already, so sum",
        ),
        Mistake(
            name="mean-of-kinds",
            value=lambda case: math.log(2) - jensen_shannon(*case),
            says="the loss adds its two terms, real and generated: you have half of that",
        ),
    ),
)

# --- The generator's loss --------------------------------------------------------------------------------


def loss_and_pull(y, loss=None, pull=None):
    n = y.size
    value = softplus(-y).mean() if loss is None else loss(y)
    return float(value), (sigmoid(y) - 1) / n if pull is None else pull(y)


g_loss = Exercise(
    name="g_loss",
    difficulty=2,
    minutes=12,
    source="B8.1",
    read="What the generator is told",
    hints=(
        "-ln σ(y) = ln(1 + e^(-y)); `np.logaddexp(0, -y)` computes it without overflow.",
        "The derivative of ln(1 + e^(-y)) is σ(y) - 1: negative, so that descent raises y.",
        "return np.logaddexp(0, -y).mean(), (σ(y) - 1)/N, with σ(y) = (1 + np.tanh(y/2))/2.",
    ),
    cases=lambda rng: [
        (np.array([[0.0]]),),
        (rng.normal(size=(5, 1)),),
        (np.array([[1000.0], [-1000.0], [0.5]]),),
    ],
    expected=lambda case: loss_and_pull(*case),
    rtol=1e-10,
    atol=1e-12,  # single precision is not enough
    mistakes=(
        Mistake(
            name="saturating",
            value=lambda case: (float(-softplus(case[0]).mean()), -sigmoid(case[0]) / case[0].size),
            says="this is ln(1 - D), the saturating loss: the one asked for is -ln D",
        ),
        Mistake(
            name="discriminator",
            value=lambda case: (float(softplus(case[0]).mean()), sigmoid(case[0]) / case[0].size),
            says="this is the discriminator's loss on generated points: the generator wants y to rise",
        ),
        Mistake(
            name="sign",
            value=lambda case: loss_and_pull(case[0], pull=lambda y: (1 - sigmoid(y)) / y.size),
            says="the gradient has the wrong sign: the loss falls as y rises",
        ),
        Mistake(
            name="sum",
            value=lambda case: loss_and_pull(case[0], pull=lambda y: sigmoid(y) - 1),
            says="this is the gradient of the sum: the loss is a mean, so divide by N",
        ),
        Mistake(
            name="extra-slope",
            value=lambda case: loss_and_pull(
                case[0], pull=lambda y: (sigmoid(y) - 1) * sigmoid(y) * (1 - sigmoid(y)) / y.size
            ),
            says="the slope σ(1 - σ) is there once too often: with respect to the logit it cancels",
        ),
        Mistake(
            name="by-probability",
            value=lambda case: loss_and_pull(
                case[0], pull=lambda y: -1 / np.maximum(sigmoid(y), 1e-300) / y.size
            ),
            says="-1/D is the derivative with respect to D: the logit y is asked for",
        ),
        Mistake(
            name="sum-loss",
            value=lambda case: loss_and_pull(case[0], loss=lambda y: softplus(-y).sum()),
            says="the loss is a mean over the points, not a sum",
        ),
        Mistake(
            name="overflow",
            value=lambda case: loss_and_pull(
                case[0], loss=lambda y: softplus(-y).mean() if abs(y).max() < 700 else math.inf
            ),
            says="the loss overflows for logits such as -1000: use np.logaddexp(0, -y)",
        ),
        Mistake(
            name="epsilon",
            value=lambda case: loss_and_pull(case[0], loss=lambda y: -np.log(sigmoid(y) + 1e-12).mean()),
            says="a small number inside the logarithm caps the loss of a point: use np.logaddexp(0, -y)",
        ),
    ),
)


def rust_list(values):
    return "[" + ", ".join(repr(float(v)) for v in values) + "]"


def rust_points(points):
    return "[" + ", ".join(rust_list(p) for p in points) + "]"


def pull_main(cases):
    lines = []
    for (y,) in cases:
        lines.append(f"    let y: [f64; {len(y)}] = {rust_list(y)};\n    show.push(pull(&y));\n")
    return (
        "fn main() {\n    let mut show: Vec<Vec<f64>> = Vec::new();\n"
        + "".join(lines)
        + '    println!("{show:?}");\n}\n'
    )


rust_pull = Exercise(
    name="rust_pull",
    difficulty=2,
    minutes=10,
    read="What the generator is told",
    language="rust",
    program=pull_main,
    hints=(
        "σ(y) - 1 = -1/(1 + e^y): one exponential, and no difference of nearly equal numbers.",
        "`y.exp()` of a large y is infinity, and -1/infinity is 0 (printed as -0.0): right by itself.",
        "`y.iter().map(|y| -1.0 / (1.0 + y.exp()) / y_count).collect()` with y_count = y.len() as f64.",
    ),
    cases=lambda rng: [
        ([0.0],),
        ([0.0, *(rng.integers(1, 12, 2) * [0.25, -0.25]).tolist()],),
        ([40.0, -40.0, 800.0, -800.0],),
        ([],),
    ],
    expected=lambda case: [(-1 / (1 + math.exp(min(y, 700.0)))) / len(case[0]) for y in case[0]],
    rtol=1e-10,  # single precision is not enough
    atol=1e-30,
    mistakes=(
        Mistake(
            name="saturating",
            value=lambda case: [-1 / (1 + math.exp(min(-y, 700.0))) / len(case[0]) for y in case[0]],
            says="this is the pull of the saturating loss, -σ(y)/N: the one asked for is (σ(y) - 1)/N",
        ),
        Mistake(
            name="sign",
            value=lambda case: [1 / (1 + math.exp(min(y, 700.0))) / len(case[0]) for y in case[0]],
            says="the sign is turned around: the loss falls as y rises, so its derivative is negative",
        ),
        Mistake(
            name="sum",
            value=lambda case: [-1 / (1 + math.exp(min(y, 700.0))) for y in case[0]],
            says="divide by the number of points: the loss is a mean",
        ),
        Mistake(
            name="cancelled",
            value=lambda case: [
                (1 / (1 + math.exp(-y)) - 1 if y > -700 else -1.0) / len(case[0]) for y in case[0]
            ],
            says="σ(40) rounds to 1, so σ(y) - 1 loses all its digits: write it as -1/(1 + e^y)",
        ),
        Mistake(
            name="nan",
            value=lambda case: [
                (math.nan if y > 700 else -1 / (1 + math.exp(y))) / len(case[0]) for y in case[0]
            ],
            says="inf/inf gave nan for a large logit: -1/(1 + e^y) has no such quotient",
        ),
        Mistake(
            name="nan-below",
            value=lambda case: [
                (math.nan if y < -700 else -1 / (1 + math.exp(min(y, 700.0)))) / len(case[0]) for y in case[0]
            ],
            says="inf/inf gave nan for a very negative logit: -1/(1 + e^y) has no such quotient",
        ),
    ),
)

# --- How good is a sample? -------------------------------------------------------------------------------


def shares(points, centres, std, sigmas=2.0, strict=True, squared=False, first=False, box=False, own=False):
    if len(points) == 0:
        return [0.0] * (len(centres) + 1)
    distance = np.linalg.norm(points[:, None] - centres, axis=-1)
    if squared:
        distance = distance**2
    if box:
        distance = np.abs(points[:, None] - centres).max(axis=-1)
    near = distance < sigmas * std if strict else distance <= sigmas * std
    nearest = distance.argmin(axis=1)
    held = [float((near[:, k] & (first | (nearest == k))).mean()) for k in range(len(centres))]
    if own:
        held = [h / max((nearest == k).mean(), 1e-300) for k, h in enumerate(held)]
    return [*held, float((~near.any(axis=1)).mean())]


def cloud_cases(rng):
    far = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    close = np.array([[0.0, 0.0], [1.0, 0.0]])
    return [
        (np.array([[-2.0, 0.0], [2.0, 0.5], [0.0, 0.0], [2.0, 1.4]]), CENTRES, 0.5),
        (np.array([[-1.0, 0.0], [3.0, 0.0], [2.0, 0.1]]), CENTRES, 0.5),  # two at exactly 2σ
        (rng.normal(size=(40, 2)) * 2 + [3, 3], far, 1.5),
        (rng.normal(size=(30, 2)), close, 0.7),  # the circles overlap
        (np.zeros((0, 2)), CENTRES, 0.5),
    ]


coverage = Exercise(
    name="coverage",
    difficulty=2,
    minutes=12,
    read="A number for the picture",
    hints=(
        "points[:, None] - centres has the shape (N, K, 2); the norm over its last axis is (N, K).",
        "Each point belongs to its nearest centre (argmin) and counts if that distance is below 2 std.",
        "near = distance.min(axis=1) < 2 * std; share k is the mean of near & (nearest == k).",
    ),
    cases=cloud_cases,
    expected=lambda case: shares(*case),
    mistakes=(
        Mistake(
            name="three-sigma",
            value=lambda case: shares(*case, sigmas=3.0),
            says="you count points within 3 standard deviations: 2 are asked for",
        ),
        Mistake(
            name="one-sigma",
            value=lambda case: shares(*case, sigmas=1.0),
            says="you count points within one standard deviation: 2 are asked for",
        ),
        Mistake(
            name="closed",
            value=lambda case: shares(*case, strict=False),
            says="a point at exactly 2 standard deviations does not count: closer than is <",
        ),
        Mistake(
            name="squared",
            value=lambda case: shares(*case, squared=True),
            says="you compared the squared distance with 2 std: take the root, or square the bound",
        ),
        Mistake(
            name="counted-twice",
            value=lambda case: shares(*case, first=True),
            says="where circles overlap a point counts twice: it belongs to its nearest centre alone",
        ),
        Mistake(
            name="box",
            value=lambda case: shares(*case, box=True),
            says="you compared the coordinates one by one, which is a square: use the distance",
        ),
        Mistake(
            name="of-its-own",
            value=lambda case: shares(*case, own=True),
            says="you divided by the points of each centre: divide by all N points",
        ),
        Mistake(
            name="counts",
            value=lambda case: [share * len(case[0]) for share in shares(*case)],
            says="these are numbers of points: return shares of all N points",
        ),
        Mistake(
            name="no-missed",
            value=lambda case: shares(*case)[:-1],
            says="the last number is missing: the share of points that are near no centre",
        ),
        Mistake(
            name="last-is-hit",
            value=lambda case: [*shares(*case)[:-1], sum(shares(*case)[:-1])],
            says="the last number is the share of points near no centre: yours counts those near one",
        ),
        Mistake(
            name="all-belong",
            value=lambda case: shares(*case, sigmas=math.inf),
            says="every point was counted for its nearest centre: it counts only if it is near, below 2 std",
        ),
        Mistake(
            name="fixed-std",
            value=lambda case: shares(*case[:2], 0.5),
            says="std is an argument: it is 0.5 for the target of this chapter only",
        ),
        Mistake(
            name="empty-is-missed",
            value=lambda case: shares(*case) if len(case[0]) else [*([0.0] * len(case[1])), 1.0],
            says="without any point nothing is missed either: return zeros",
        ),
        Mistake(
            name="nan",
            value=lambda case: shares(*case) if len(case[0]) else [math.nan] * (len(case[1]) + 1),
            says="without any point the mean is nan: return zeros",
        ),
    ),
)


def coverage_main(cases):
    lines = []
    for (points,) in cases:
        lines.append(
            f"    let p: [[f64; 2]; {len(points)}] = {rust_points(points)};\n    show.push(coverage(&p));\n"
        )
    return (
        "fn main() {\n    let mut show: Vec<[usize; 3]> = Vec::new();\n"
        + "".join(lines)
        + '    println!("{show:?}");\n}\n'
    )


def counts(points, radius=1.0, closed=False, box=False, right=2.0):
    left = seen = 0
    for x, y in points:
        ways = []
        for centre in (-2.0, right):
            d = max(abs(x - centre), abs(y)) if box else math.hypot(x - centre, y)
            ways.append(d <= radius if closed else d < radius)
        left += ways[0]
        seen += ways[1]
    return [left, seen, len(points) - left - seen]


rust_coverage = Exercise(
    name="rust_coverage",
    difficulty=2,
    minutes=12,
    read="A number for the picture",
    language="rust",
    program=coverage_main,
    hints=(
        "`for [x, y] in points` takes each point apart; `let mut counts = [0; 3];` holds the answer.",
        "`(x - 2.0).hypot(*y) < 1.0` says whether it is near the right centre; add 2.0 for the left.",
        "An if, an else if and an else add 1 to counts[0], counts[1] or counts[2].",
    ),
    cases=lambda rng: [
        ([[-2.0, 0.5], [2.0, -0.5], [2.5, 0.5], [0.0, 0.0]],),
        ([[-1.0, 0.0], [2.0, 1.0], [2.9, 0.9], [2.9, -0.9], [1.1, 0.9], [-2.9, -0.9], [-2.0, 0.9]],),
        ([[-0.7, 0.0], [3.4, 0.0], [-2.0, 1.3]],),
        ([],),
    ],
    expected=lambda case: counts(case[0]),
    mistakes=(
        Mistake(
            name="closed",
            value=lambda case: counts(case[0], closed=True),
            says="a point at distance exactly 1 does not count: closer than is <",
        ),
        Mistake(
            name="box",
            value=lambda case: counts(case[0], box=True),
            says="you compared x and y one by one, which is a square: use the distance",
        ),
        Mistake(
            name="three-sigma",
            value=lambda case: counts(case[0], radius=1.5),
            says="a radius of 1.5 is 3 standard deviations: 2 of 0.5 each make 1.0",
        ),
        Mistake(
            name="one-sigma",
            value=lambda case: counts(case[0], radius=0.5),
            says="a radius of 0.5 is one standard deviation: 2 of 0.5 each make 1.0",
        ),
        Mistake(
            name="x-only",
            value=lambda case: counts([[x, 0.0] for x, _ in case[0]]),
            says="only x is compared: the distance from a centre has both coordinates",
        ),
        Mistake(
            name="swapped",
            value=lambda case: [counts(case[0])[k] for k in (1, 0, 2)],
            says="left and right are swapped: the first number belongs to the centre (-2, 0)",
        ),
        Mistake(
            name="missed-all",
            value=lambda case: [*counts(case[0])[:2], len(case[0])],
            says="the third number counts points near no centre, not all points",
        ),
    ),
)


def sliced_by(a, b, angles, sort=True, absolute=True, power=1, axis="both", early=False, means=False):
    axes = np.stack([np.cos(angles), np.sin(angles)])
    if axis == "x":
        axes = np.stack([np.ones(len(angles)), np.zeros(len(angles))])
    if early:
        a, b, sort = np.sort(a, axis=0), np.sort(b, axis=0), False
    u, v = a @ axes, b @ axes
    if sort:
        u, v = np.sort(u, axis=0), np.sort(v, axis=0)
    gap = u.mean(axis=0) - v.mean(axis=0) if means else u - v
    return float((np.abs(gap) ** power if absolute else gap).mean())


def pair_cases(rng):
    some = rng.normal(size=(6, 2))
    return [
        (np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([0.0, np.pi / 2])),
        (some, some[::-1].copy(), np.array([0.3, 1.2])),
        (some, rng.normal(size=(6, 2)) + [2, -1], np.linspace(0, 3, 5)),
        (some, 4 * rng.normal(size=(6, 2)), np.linspace(0, 3, 5)),  # one cloud is much wider
    ]


sliced = Exercise(
    name="sliced",
    difficulty=2,
    minutes=12,
    read="A number for the picture",
    hints=(
        "A coordinate along a direction is a dot product; one matrix product gives all, (N, K).",
        "The cheapest plan on a line moves the smallest to the smallest: sort each column of both.",
        "np.abs(np.sort(a @ axes, axis=0) - np.sort(b @ axes, axis=0)).mean() with axes = [cos; sin].",
    ),
    cases=pair_cases,
    expected=lambda case: sliced_by(*case),
    mistakes=(
        Mistake(
            name="unsorted",
            value=lambda case: sliced_by(*case, sort=False),
            says="the rows were compared in the order they came in: sort the coordinates of both clouds",
        ),
        Mistake(
            name="sorted-first",
            value=lambda case: sliced_by(*case, early=True),
            says="you sorted the coordinates before projecting, which makes other points: project, then sort",
        ),
        Mistake(
            name="signed",
            value=lambda case: sliced_by(*case, absolute=False),
            says="ways to the left cancelled ways to the right: take absolute values",
        ),
        Mistake(
            name="squared",
            value=lambda case: sliced_by(*case, power=2),
            says="you took squares: the distance asked for averages the ways themselves",
        ),
        Mistake(
            name="means",
            value=lambda case: sliced_by(*case, means=True),
            says="you compared the means of the clouds: a wide and a narrow one would be the same. Compare "
            "the sorted coordinates one by one",
        ),
        Mistake(
            name="degrees",
            value=lambda case: sliced_by(*case[:2], np.degrees(case[2])),
            says="the angles are in radians already: np.cos and np.sin take them as they are",
        ),
        Mistake(
            name="one-axis",
            value=lambda case: sliced_by(*case, axis="x"),
            says="only the first coordinate is compared: project on every direction (cos, sin)",
        ),
        Mistake(
            name="sum",
            value=lambda case: sliced_by(*case) * len(case[0]),
            says="you summed over the points: the distance is a mean over points and directions",
        ),
        Mistake(
            name="sum-of-angles",
            value=lambda case: sliced_by(*case) * len(case[2]),
            says="you summed over the directions: the distance is a mean over points and directions",
        ),
    ),
)

# --- Why players circle, and how to calm them ------------------------------------------------------------


def dirac(
    theta,
    psi,
    lr,
    strength,
    *,
    together=False,
    towards=1,
    down=1,
    stale=False,
    penalty=None,
    saturating=False,
):
    pull = theta * sigmoid(psi * theta) + (strength * psi if penalty is None else penalty(psi, strength))
    new_psi = psi - down * lr * pull
    used = psi if together else new_psi
    seen = psi if stale else used
    weight = sigmoid(seen * theta) if saturating else sigmoid(-seen * theta)
    return float(theta + towards * lr * used * weight), float(new_psi)


def linear_dirac(theta, psi, lr, strength):
    psi = psi - lr * (theta / 2 + strength * psi)
    return float(theta + lr * psi / 2), float(psi)


def generator_first(theta, psi, lr, strength):
    theta = theta + lr * psi * sigmoid(-psi * theta)
    return float(theta), float(psi - lr * (theta * sigmoid(psi * theta) + strength * psi))


dirac_step = Exercise(
    name="dirac_step",
    difficulty=2,
    minutes=15,
    read="Why two players circle",
    hints=(
        "The discriminator moves first: psi minus lr times its whole gradient, the penalty's included.",
        "The generator then sees the *new* psi, in both places where psi occurs in its gradient.",
        "psi = psi - lr * (theta * σ(psi*theta) + strength * psi); theta = theta + lr * psi * σ(-psi*theta).",
    ),
    cases=lambda rng: [
        (1.0, 0.0, 0.5, 0.0),
        (1.0, 1.0, 0.5, 0.0),
        (-0.5, 2.0, 0.1, 0.3),
        (float(rng.normal()), float(rng.normal()), 0.3, 1.0),
    ],
    expected=lambda case: dirac(*case),
    mistakes=(
        Mistake(
            name="together",
            value=lambda case: dirac(*case, together=True),
            says="the generator saw the old psi: it moves second and must answer the new one",
        ),
        Mistake(
            name="half-together",
            value=lambda case: dirac(*case, stale=True),
            says="the generator's σ still has the old psi: the new one belongs in both places",
        ),
        Mistake(
            name="uphill",
            value=lambda case: dirac(*case, down=-1),
            says="the discriminator went uphill: descent subtracts lr times its gradient",
        ),
        Mistake(
            name="linear",
            value=lambda case: linear_dirac(*case),
            says="you took 1/2 for σ, which it is near the equilibrium only: compute it",
        ),
        Mistake(
            name="generator-first",
            value=lambda case: generator_first(*case),
            says="the generator moved first: here the discriminator moves, and the generator answers",
        ),
        Mistake(
            name="generator-sign",
            value=lambda case: dirac(*case, towards=-1),
            says="the generator moved the wrong way: its gradient is -psi σ(-psi theta); subtract it",
        ),
        Mistake(
            name="no-penalty",
            value=lambda case: dirac(*case[:3], 0.0),
            says="the penalty is missing: strength/2 · psi² adds strength · psi to the gradient",
        ),
        Mistake(
            name="penalty-value",
            value=lambda case: dirac(*case, penalty=lambda psi, s: s / 2 * psi**2),
            says="you added the penalty itself: its derivative, strength · psi, belongs into the step",
        ),
        Mistake(
            name="half-penalty",
            value=lambda case: dirac(*case[:3], case[3] / 2),
            says="the derivative of strength/2 · psi² is strength · psi: the 2 cancels",
        ),
        Mistake(
            name="penalty-sign",
            value=lambda case: dirac(*case[:3], -case[3]),
            says="the penalty pushes psi away from 0: its gradient is subtracted like the rest",
        ),
        Mistake(
            name="saturating",
            value=lambda case: dirac(*case, saturating=True),
            says="σ(psi theta) is the weight of the saturating loss: -ln σ has the weight σ(-psi theta)",
        ),
        Mistake(
            name="swapped",
            value=lambda case: dirac(*case)[::-1],
            says="the two results are swapped: return (theta, psi)",
        ),
    ),
)


def smoothed(y_real, y_fake, s, sign=1.0, mean=True, target=None, fake_target=0.0, alike=False, joint=False):
    wanted = 1 - s if target is None else target
    real, fake = sigmoid(y_real) - wanted, sigmoid(y_fake) - fake_target
    n, m = (len(y_real), len(y_real if alike else y_fake)) if mean else (1, 1)
    n, m = (n + m, n + m) if joint else (n, m)
    return sign * real / n, sign * fake / m


smoothed_pull = Exercise(
    name="smoothed_pull",
    difficulty=2,
    minutes=10,
    read="Four small repairs",
    hints=(
        "Cross-entropy with the label t has the derivative σ(y) - t with respect to the logit, for any t.",
        "The label of real points is 1 - smoothing; that of generated points stays 0 (one-sided).",
        "return (σ(y_real) - (1 - smoothing))/len(y_real), σ(y_fake)/len(y_fake).",
    ),
    cases=lambda rng: [
        (np.zeros((1, 1)), np.zeros((2, 1)), 0.1),
        (rng.normal(size=(4, 1)), rng.normal(size=(3, 1)), 0.1),
        (rng.normal(size=(2, 1)), rng.normal(size=(5, 1)), 0.0),
        (np.array([[1000.0], [-1000.0]]), np.array([[1000.0], [-1000.0]]), 0.25),
    ],
    expected=lambda case: smoothed(*case),
    rtol=1e-10,
    atol=1e-12,  # single precision is not enough
    mistakes=(
        Mistake(
            name="two-sided",
            value=lambda case: smoothed(*case, fake_target=case[2]),
            says="you smoothed the label of generated points too: one-sided leaves it at 0",
        ),
        Mistake(
            name="other-side",
            value=lambda case: smoothed(*case, target=1.0, fake_target=case[2]),
            says="you smoothed the generated points' label in place of the real points'",
        ),
        Mistake(
            name="generator",
            value=lambda case: smoothed(*case, fake_target=1.0),
            says="σ - 1 on generated points is what the generator wants: the discriminator's label is 0",
        ),
        Mistake(
            name="weighted",
            value=lambda case: ((1 - case[2]) * smoothed(*case, target=1.0)[0], smoothed(*case)[1]),
            says="1 - smoothing is a label, not a weight: there is a second term, smoothing · softplus(y)",
        ),
        Mistake(
            name="joint-mean",
            value=lambda case: smoothed(*case, joint=True),
            says="the loss adds two means, of N and of M points: you averaged over all N + M at once",
        ),
        Mistake(
            name="not-smoothed",
            value=lambda case: smoothed(*case, target=1.0),
            says="the label of real points is still 1: it should be 1 - smoothing",
        ),
        Mistake(
            name="smoothing-as-label",
            value=lambda case: smoothed(*case, target=case[2]),
            says="you used the smoothing as the label: the label is 1 minus the smoothing",
        ),
        Mistake(
            name="sign",
            value=lambda case: smoothed(*case, sign=-1.0),
            says="the signs are turned around: these are gradients, descent will subtract them",
        ),
        Mistake(
            name="one-count",
            value=lambda case: smoothed(*case, alike=True),
            says="there are M generated points: their mean divides by M, not by N",
        ),
        Mistake(
            name="sum",
            value=lambda case: smoothed(*case, mean=False),
            says="each part is a mean over its own points: divide by their number",
        ),
    ),
)


def r1(
    x,
    w1,
    b1,
    w2,
    slope,
    strength,
    *,
    square=True,
    half=True,
    relu=False,
    active=True,
    mean=True,
    tie=False,
    pooled=False,
    centre=0.0,
):
    a = x @ w1.T + b1
    s = np.where(a >= 0 if tie else a > 0, 1.0, 0.0 if relu else slope) if active else np.ones_like(a)
    gradient = (s * w2) @ w1
    if pooled:
        gradient = gradient.mean(axis=0, keepdims=True)
    size = np.sqrt((gradient**2).sum(axis=1)) - centre
    size = size**2 if square else size
    return float(strength * (0.5 if half else 1.0) * (size.mean() if mean else size.sum()))


r1_value = Exercise(
    name="r1_value",
    difficulty=3,
    minutes=20,
    read="Four small repairs",
    hints=(
        "Between its kinks y is linear in x: ∂y/∂x = w2 S w1, with the units' slopes on the diagonal of S.",
        "slopes = np.where(x @ w1.T + b1 > 0, 1, slope) is (N, H); times w2 (1, H), then @ w1 (H, 2).",
        "gradient = (slopes * w2) @ w1; return strength / 2 * (gradient**2).sum(axis=1).mean().",
    ),
    cases=lambda rng: [
        (
            np.array([[1.0, 0.0], [-1.0, 0.0]]),
            np.array([[3.0, 4.0]]),
            np.zeros(1),
            np.array([[2.0]]),
            0.5,
            0.3,
        ),
        (np.zeros((1, 2)), np.array([[3.0, 4.0]]), np.zeros(1), np.array([[2.0]]), 0.5, 0.3),
        (
            rng.normal(size=(5, 2)),
            rng.normal(size=(4, 2)),
            rng.normal(size=4),
            rng.normal(size=(1, 4)),
            0.2,
            1.0,
        ),
        (
            rng.normal(size=(3, 2)),
            rng.normal(size=(2, 2)),
            rng.normal(size=2),
            rng.normal(size=(1, 2)),
            0.01,
            0.3,
        ),
    ],
    expected=lambda case: r1(*case),
    rtol=1e-10,
    atol=1e-12,  # single precision is not enough
    mistakes=(
        Mistake(
            name="not-squared",
            value=lambda case: r1(*case, square=False),
            says="the length enters squared: ‖∂y/∂x‖²",
        ),
        Mistake(
            name="tie",
            value=lambda case: r1(*case, tie=True),
            says="a unit whose sum is exactly 0 is not positive: it has the slope `slope`",
        ),
        Mistake(
            name="mean-of-coordinates",
            value=lambda case: r1(*case) / 2,
            says="sum over the two coordinates of the gradient, and average over the points alone",
        ),
        Mistake(
            name="no-half",
            value=lambda case: r1(*case, half=False),
            says="the factor is strength / 2",
        ),
        Mistake(
            name="relu",
            value=lambda case: r1(*case, relu=True),
            says="a unit below zero still passes `slope` of the gradient: the activation is leaky",
        ),
        Mistake(
            name="no-activation",
            value=lambda case: r1(*case, active=False),
            says="the slopes of the hidden units are missing: multiply by 1 or `slope` before going on to w1",
        ),
        Mistake(
            name="sum",
            value=lambda case: r1(*case, mean=False),
            says="average over the points of the batch instead of summing",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: r1(case[0], case[1], 0 * case[2], *case[3:]),
            says="the bias is missing from the pre-activation: it decides which units are on",
        ),
        Mistake(
            name="mean-first",
            value=lambda case: r1(*case, pooled=True),
            says="you averaged the gradients before squaring: square the length of each point's own first",
        ),
        Mistake(
            name="no-w2",
            value=lambda case: r1(*case[:3], np.ones_like(case[3]), *case[4:]),
            says="the second layer's weights w2 are missing: the chain from y to x needs both layers",
        ),
        Mistake(
            name="towards-one",
            value=lambda case: r1(*case, centre=1.0),
            says="(‖∂y/∂x‖ - 1)² is another penalty: R1 draws the slope to 0",
        ),
    ),
)


def averaged(average, params, step, decay, keep=None, new=None):
    keep = min(decay, (step + 1) / (step + 10)) if keep is None else keep
    new = 1 - keep if new is None else new
    return {name: keep * average[name] + new * params[name] for name in average}


def average_cases(rng):
    def two():
        return tuple({"weight": rng.normal(size=(2, 3)), "bias": rng.normal(size=2)} for _ in range(2))

    return [
        ({"weight": np.array([1.0])}, {"weight": np.array([0.0])}, 0, 0.995),
        (*two(), 30, 0.995),
        (*two(), 5000, 0.995),
        (*two(), 5000, 0.9),
        ("training",),
    ]


def trained(stabilise, steps=2000):
    """Train a small pair for 2,000 steps and judge the stabilised generator: is it near both centres?"""
    from dlcourse import reference as ref
    from dlcourse.data.mixture import quality, two_gaussians
    from dlcourse.reference.gan import Discriminator, Generator

    rng = np.random.default_rng(0)
    g, d = Generator(3, (32, 32), rng=rng), Discriminator(2, (32, 32), 0.2, rng=rng)
    optimisers = [ref.Adam(model, 1e-3, betas=(0.5, 0.999)) for model in (g, d)]
    mean = g.state_dict()

    def noise(n):
        return np.column_stack([rng.standard_normal((n, 2)), rng.choice([-1.0, 1.0], n)])

    for step in range(steps):
        y = d.forward(np.concatenate([two_gaussians(64, rng=rng), g.forward(noise(64))]))
        d.backward((sigmoid(y) - np.repeat([[0.9], [0.0]], 64, axis=0)) / 64)
        optimisers[1].step()
        y = d.forward(g.forward(noise(64)))
        g.backward(d.backward((sigmoid(y) - 1) / 64))
        optimisers[0].step()
        mean = stabilise(mean, g.state_dict(), step, 0.995)
        if not isinstance(mean, dict):
            raise NotPlain(f"{type(mean).__name__}, not a dict of arrays")
    g.load_state_dict({name: np.asarray(a, float) for name, a in mean.items()})
    return quality(g.forward(noise(2000)))


def call_stabilise(answer, case):
    if case[0] != "training":
        return answer(*case)
    found = trained(answer)
    return {"covered": found["within_3_sigma"] >= 0.9, "both": 0.4 <= found["right"] <= 0.6}


GOOD = {"covered": True, "both": True}

stabilise = Exercise(
    name="stabilise",
    difficulty=3,
    minutes=20,
    source="B8.1",
    read="Four small repairs",
    call=call_stabilise,
    seconds=60.0,
    describe=lambda case: (
        "2,000 steps of training, judged by coverage"
        if case[0] == "training"
        else f"step {case[2]}, decay {case[3]}"
    ),
    hints=(
        "First find how much of the old average is kept: the smaller of decay and (step + 1)/(step + 10).",
        "Make a new dict, entry by entry; the two that came in belong to the caller.",
        "{name: keep * average[name] + (1 - keep) * params[name] for name in average}.",
    ),
    cases=average_cases,
    rtol=1e-10,
    atol=1e-12,  # single precision is not enough
    expected=lambda case: GOOD if case[0] == "training" else averaged(*case),
    mistakes=(
        Mistake(
            name="no-average",
            value=lambda case: GOOD if case[0] == "training" else averaged(*case, keep=0.0),
            says="these are the newest parameters: nothing is averaged",
        ),
        Mistake(
            name="frozen",
            value=lambda case: GOOD if case[0] == "training" else averaged(*case, keep=1.0),
            says="the average never moves: give the new parameters the weight 1 - keep",
        ),
        Mistake(
            name="swapped",
            value=lambda case: GOOD if case[0] == "training" else averaged(case[1], case[0], *case[2:]),
            says="the weights are swapped: keep belongs to the average, 1 - keep to the new parameters",
        ),
        Mistake(
            name="maximum",
            value=lambda case: (
                GOOD
                if case[0] == "training"
                else averaged(*case, keep=max(case[3], (case[2] + 1) / (case[2] + 10)))
            ),
            says="keep the smaller of the two shares, not the larger: early on that is the fraction",
        ),
        Mistake(
            name="no-warm-up",
            value=lambda case: GOOD if case[0] == "training" else averaged(*case, keep=case[3]),
            says="early on the average must forget its random start: keep min(decay, (step + 1)/(step + 10))",
        ),
        Mistake(
            name="no-limit",
            value=lambda case: (
                GOOD if case[0] == "training" else averaged(*case, keep=(case[2] + 1) / (case[2] + 10))
            ),
            says="late in training the share that is kept must not exceed decay: take the minimum",
        ),
        Mistake(
            name="fixed-decay",
            value=lambda case: GOOD if case[0] == "training" else averaged(*case[:3], 0.995),
            says="decay is an argument: 0.995 is the value of this chapter only",
        ),
        Mistake(
            name="shifted",
            value=lambda case: GOOD if case[0] == "training" else averaged(*case[:2], case[2] - 1, case[3]),
            says="the step is counted from 0: the first one keeps 1/10 of the average, not 0",
        ),
        Mistake(
            name="sum",
            value=lambda case: GOOD if case[0] == "training" else averaged(*case, new=1.0),
            says="the two weights must add up to 1: keep and 1 - keep",
        ),
    ),
)

# --- Self-checks -----------------------------------------------------------------------------------------

gan_equilibrium = Choice(
    name="gan_equilibrium",
    difficulty=2,
    minutes=3,
    read="Reading the losses",
    question="A log shows the losses 1.386 (discriminator) and 0.693 (generator). What follows? Tick all.",
    options=(
        Option(
            text="The discriminator could be answering 1/2 to every point.",
            says="Right: then both terms are ln 2, and their sum is 1.386.",
            right=True,
        ),
        Option(
            text="The generator's points are distributed like the data.",
            says="Not from this: a weak or lazy discriminator says 1/2 to bad points as well.",
        ),
        Option(
            text="If this discriminator were the best possible one, the two distributions would be equal.",
            says="Right: the smallest loss is 2 ln 2 - 2 JSD, and that is 2 ln 2 only for JSD = 0.",
            right=True,
        ),
        Option(
            text="Training has stopped making progress.",
            says="The losses measure the balance of two moving players; both may improve at equal losses.",
        ),
    ),
)

gan_step = Order(
    name="gan_step",
    difficulty=1,
    minutes=3,
    read="Both players by hand",
    question="Bring one step of training into order.",
    steps=(
        (
            "Draw real points and noise, and generate points.",
            "The discriminator needs both kinds.",
        ),
        (
            "Compute the discriminator's logits of both, and its loss.",
            "The generator is not differentiated here: its points count as data.",
        ),
        (
            "Move the discriminator's parameters.",
            "It moves first: the generator meets it up to date.",
        ),
        (
            "Draw new noise, generate points, and compute their logits with the new discriminator.",
            "Its parameters are only read from now on.",
        ),
        (
            "Bring the gradient of the generator's loss back through the discriminator to the points.",
            "This is all the generator ever learns about the data.",
        ),
        (
            "Bring it on through the generator, and move the generator's parameters.",
            "The discriminator's gradients of this pass are thrown away.",
        ),
    ),
)

gan_remedies = Match(
    name="gan_remedies",
    difficulty=2,
    minutes=4,
    read="Four small repairs",
    question="Which remedy is meant for which trouble?",
    pairs=(
        (
            "a fair ±1 bit in the noise",
            "points that bridge two separate clouds",
            "A continuous map of connected noise has a connected image; the bit cuts the noise in two.",
        ),
        (
            "the gradient penalty R1",
            "players that orbit around the equilibrium",
            "It damps the discriminator where the data are: the circle becomes a spiral to the centre.",
        ),
        (
            "label 0.9 for real points",
            "a discriminator that is far too sure",
            "Its best logit on purely real ground is then ln 9 instead of infinity.",
        ),
        (
            "an average of the generator's weights",
            "a last step that happens to be a bad one",
            "The mean of an orbit lies inside it.",
        ),
    ),
)

gan_saturated = Predict(
    name="gan_saturated",
    difficulty=2,
    minutes=4,
    read="What the generator is told",
    question="The discriminator gives the logit -4.6 to a generated point, that is D = 0.01. "
    "How large are the slopes of the two losses there, saturating first?",
    code="D = 0.01\nprint(D, 1 - D)",
    answer="0.01 0.99",
    says="The saturating loss pulls with D, the other with 1 - D: here 99 times as hard.",
    wrong={
        "0.99 0.01": "That is the wrong way round: ln(1 - D) hardly changes where D is near 0.",
        "0.01 0.01": "Only the first slope is small; 1 - D is printed second.",
    },
)

ENTRIES = (
    optimal_discriminator,
    smallest_loss,
    g_loss,
    gan_saturated,
    rust_pull,
    gan_step,
    coverage,
    rust_coverage,
    sliced,
    gan_equilibrium,
    dirac_step,
    smoothed_pull,
    r1_value,
    stabilise,
    gan_remedies,
)
