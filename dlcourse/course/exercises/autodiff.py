"""Exercises of 09_autodiff: what is asked, which mistakes are known, and what to say about them."""

import math

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Order, Predict

# --- dual numbers ----------------------------------------------------------------------------------------

grad_cube = Exercise(
    name="grad_cube",
    difficulty=1,
    minutes=4,
    source="B2.1",
    read="Numbers that carry their slope",
    hints=(
        "Write x³ as a product of three factors and start with the dual number x + 1ε.",
        "(x + ε)² = x² + 2xε, because ε² = 0. Multiply once more by x + ε.",
        "The part with ε is 2x·x + x²: collect the terms.",
    ),
    cases=lambda rng: [(4.0,), (0.0,), (-1.5,), *((float(x),) for x in rng.normal(size=3))],
    expected=lambda case: 3 * case[0] ** 2,
    mistakes=(
        Mistake(
            name="value",
            value=lambda case: case[0] ** 3,
            says="this is the value x³: return the slope, the part that stands with ε",
        ),
        Mistake(
            name="no-factor",
            value=lambda case: case[0] ** 2,
            says="the exponent went down but is missing as a factor: three products contribute, one each",
        ),
        Mistake(
            name="two-factors",
            value=lambda case: 2 * case[0] ** 2,
            says="one of the three contributions is lost: ε appears once for every factor x",
        ),
        Mistake(
            name="exponent",
            value=lambda case: 3 * case[0],
            says="the exponent fell by two: of three factors x, two are left beside the ε",
        ),
    ),
)


def polynomial(x, dx):
    return 3 * x * x + 2 * x + 1, (6 * x + 2) * dx


poly_dual = Exercise(
    name="poly_dual",
    difficulty=1,
    minutes=6,
    source="B5.1",
    read="Numbers that carry their slope",
    hints=(
        "A pair (value, tangent) per intermediate result: first x², then 3x², then the sum.",
        "x·x has the tangent dx·x + x·dx. A constant has the tangent 0.",
        "The value is 3x² + 2x + 1, the tangent 6x·dx + 2·dx.",
    ),
    cases=lambda rng: [
        (3.0, 1.0),
        (0.0, 1.0),
        (3.0, 0.0),
        *((float(x), float(dx)) for x, dx in rng.normal(size=(3, 2))),
    ],
    expected=lambda case: polynomial(*case),
    mistakes=(
        Mistake(
            name="seed-ignored",
            value=lambda case: (polynomial(*case)[0], 6 * case[0] + 2),
            says="this is the slope for dx = 1: every term of the tangent carries the factor dx",
        ),
        Mistake(
            name="constant",
            value=lambda case: (polynomial(*case)[0], (6 * case[0] + 2) * case[1] + 1),
            says="the constant 1 was given a tangent: a constant does not move, its tangent is 0",
        ),
        Mistake(
            name="square",
            value=lambda case: (polynomial(*case)[0], (3 * case[0] + 2) * case[1]),
            says="x·x gave one term only: by the product rule both factors move, dx·x + x·dx",
        ),
        Mistake(
            name="epsilon-squared",
            value=lambda case: (polynomial(*case)[0], 3 * case[1] ** 2 + 2 * case[1]),
            says="you put dx through the polynomial itself: the tangent of x² is 2x·dx, not dx²",
        ),
        Mistake(
            name="one-term",
            value=lambda case: (polynomial(*case)[0], 6 * case[0] + 2 * case[1]),
            says="one term of the tangent lacks the factor dx: the tangent of 3x² is 6x·dx",
        ),
        Mistake(
            name="other-term",
            value=lambda case: (polynomial(*case)[0], 6 * case[0] * case[1] + 2),
            says="one term of the tangent lacks the factor dx: the tangent of 2x is 2·dx",
        ),
    ),
)

mse_grad = Exercise(
    name="mse_grad",
    difficulty=1,
    minutes=4,
    source="B5.2",
    read="Numbers that carry their slope",
    hints=(
        "Which of the two moves: the target y or the prediction?",
        "With e = y - prediction, the tangent of e for a moving prediction is -1.",
        "The tangent of e·e is 2·e·(-1).",
    ),
    cases=lambda rng: [
        (3.0, 2.0),
        (1.0, 1.0),
        *((float(y), float(p)) for y, p in rng.normal(size=(3, 2))),
    ],
    expected=lambda case: ((case[0] - case[1]) ** 2, -2 * (case[0] - case[1])),
    mistakes=(
        Mistake(
            name="target",
            value=lambda case: ((case[0] - case[1]) ** 2, 2 * (case[0] - case[1])),
            says="this is the slope with respect to y: the inner derivative of y - prediction is -1",
        ),
        Mistake(
            name="half",
            value=lambda case: ((case[0] - case[1]) ** 2, case[1] - case[0]),
            says="the factor 2 is missing: it cancels only for a loss that is defined with ½",
        ),
        Mistake(
            name="half-loss",
            value=lambda case: ((case[0] - case[1]) ** 2 / 2, case[1] - case[0]),
            says="this is the loss with a ½ in front: here it is (y - prediction)², without",
        ),
        Mistake(
            name="unsquared",
            value=lambda case: (case[0] - case[1], -1.0),
            says="this is the error and its slope: square it, and take the slope of the square",
        ),
    ),
)


def relu_neuron(w, b, x, *, alive=None, slope=None):
    z = float(w @ x + b)
    alive = z > 0 if alive is None else alive(z)
    return max(z, 0.0), np.where(alive, w if slope is None else slope, 0.0)  # no -0.0


def neuron_cases(rng):
    fixed = [
        (np.array([0.3, 0.6]), 0.1, np.array([2.0, -1.0])),
        (np.array([0.3, 0.6]), -0.5, np.array([2.0, -1.0])),  # dead
        (np.array([1.0, -1.0]), 0.0, np.array([2.0, 2.0])),  # on the kink
    ]
    drawn = [(rng.normal(size=3), float(rng.normal()), rng.normal(size=3)) for _ in range(5)]
    return fixed + drawn


neuron = Exercise(
    name="neuron",
    difficulty=2,
    minutes=8,
    source="B5.3",
    read="Branches and loops",
    hints=(
        "How does z = w·x + b change when x[0] grows by a little?",
        "ReLU passes the slope on where z is positive and stops it where z is zero or less.",
        "Return max(z, 0) and w * (z > 0).",
    ),
    cases=neuron_cases,
    expected=lambda case: relu_neuron(*case),
    mistakes=(
        Mistake(
            name="no-mask",
            value=lambda case: relu_neuron(*case, alive=lambda z: True),
            says="the dead side has slope 0: where z is zero or less, the output does not move with x",
        ),
        Mistake(
            name="kink",
            value=lambda case: relu_neuron(*case, alive=lambda z: z >= 0),
            says="the slope at z = 0 is taken to be 0 here: compare with >, not with >=",
        ),
        Mistake(
            name="weights",
            value=lambda case: relu_neuron(*case, slope=case[2]),
            says="this is the gradient with respect to the weights: the inputs move here, so w remains",
        ),
        Mistake(
            name="no-relu",
            value=lambda case: (float(case[0] @ case[2] + case[1]), case[0]),
            says="this is the score and its gradient: the unit applies ReLU to the score",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: relu_neuron(case[0], 0.0, case[2]),
            says="the bias is missing from the score",
        ),
    ),
)

# --- in Rust ---------------------------------------------------------------------------------------------


def rust_dual(pair):
    return f"Dual {{ value: {pair[0]!r}, slope: {pair[1]!r} }}"


def quotient_main(cases):
    lines = [f"    let q = quotient({rust_dual(u)}, {rust_dual(v)});\n    show(q);\n" for u, v in cases]
    return (
        "fn main() {\n    let mut results = Vec::new();\n"
        '    let mut show = |q: Dual| results.push(format!("[{:?}, {:?}]", q.value, q.slope));\n'
        + "".join(lines)
        + '    println!("[{}]", results.join(", ").replace("inf", "Infinity"));\n}\n'
    )


def part_by_part(case):
    (u, du), (v, dv) = case
    return [u / v, du / dv if dv else math.copysign(math.inf, du)]  # as floats divide in Rust


def quotient(case, *, first=1, second=1, power=2):
    (u, du), (v, dv) = case
    return [u / v, (first * du * v - second * u * dv) / v**power]


rust_quotient = Exercise(
    name="rust_quotient",
    difficulty=2,
    minutes=10,
    read="Numbers that carry their slope",
    language="rust",
    program=quotient_main,
    hints=(
        "Call the quotient q = q + q'ε. Then q times v is u; compare the parts with and without ε.",
        "From q·v = u follow q v = u for the values and q' v + q v' = u' for the slopes.",
        "The slope is (u.slope * v.value - u.value * v.slope) / (v.value * v.value).",
    ),
    cases=lambda rng: [
        ((1.0, 0.0), (2.0, 1.0)),
        ((6.0, 1.0), (3.0, 0.0)),
        *(
            ((float(a), float(b)), (float(1 + c * c), float(d)))
            for a, b, c, d in rng.normal(size=(4, 4)).round(3)
        ),
    ],
    expected=quotient,
    mistakes=(
        Mistake(
            name="sign",
            value=lambda case: quotient(case, second=-1),
            says="the two parts are added: a growing denominator makes the quotient smaller, so subtract",
        ),
        Mistake(
            name="turned",
            value=lambda case: quotient(case, first=-1, second=-1),
            says="the difference is turned around: u'v comes first, uv' is subtracted",
        ),
        Mistake(
            name="not-squared",
            value=lambda case: quotient(case, power=1),
            says="the slope is divided by v, but needs v²",
        ),
        Mistake(
            name="precedence",
            value=lambda case: quotient(case, power=0),
            says="the division by v² is lost: `a / v * v` is a, so write `a / (v * v)`",
        ),
        Mistake(
            name="part-by-part",
            value=part_by_part,
            says="the slopes were divided by each other: derive the rule from q·v = u",
        ),
        Mistake(
            name="numerator-only",
            value=lambda case: [case[0][0] / case[1][0], case[0][1] / case[1][0]],
            says="the denominator moves as well: its slope is missing",
        ),
    ),
)

# --- the tape --------------------------------------------------------------------------------------------


def sweep(tape, *, order=reversed, seed=1.0, overwrite=False, ignore_child=False):
    grads = [0.0] * len(tape)
    grads[-1] = seed
    for index in order(range(len(tape))):
        for parent, local in tape[index]:
            part = local if ignore_child else grads[index] * local
            grads[parent] = part if overwrite else grads[parent] + part
    return grads


def random_tape(rng, inputs, operations):
    tape = [[] for _ in range(inputs)]
    for index in range(inputs, inputs + operations):
        parents = rng.integers(0, index, 2).tolist()
        tape.append([(parent, round(float(rng.normal()), 2)) for parent in parents])
    return tape


tape_backward = Exercise(
    name="tape_backward",
    difficulty=2,
    minutes=12,
    read="The tape",
    hints=(
        "Start with a list of zeros and put 1.0 at the last place: the result changes with itself.",
        "Go through the entries from the last to the first; each passes grads[index] * local to its parents.",
        "A parent may be reached along several ways: add to what it has, do not replace it.",
    ),
    cases=lambda rng: [
        ([[]],),
        ([[], [(0, 3.0), (0, 3.0)]],),  # x * x at 3
        ([[], [], [(1, -0.5)], [(0, 0.9), (2, 1.0)], [(1, 4.0)], [(3, 1.0), (4, 1.0)]],),
        (random_tape(rng, 2, 4),),
        (random_tape(rng, 3, 8),),
    ],
    expected=lambda case: sweep(*case),
    mistakes=(
        Mistake(
            name="overwrites",
            value=lambda case: sweep(*case, overwrite=True),
            says="a parent that is used twice gets the sum of both parts: add, do not replace",
        ),
        Mistake(
            name="forwards",
            value=lambda case: sweep(*case, order=iter),
            says="only the last entry passed something on: walk from the last entry to the first",
        ),
        Mistake(
            name="no-seed",
            value=lambda case: sweep(*case, seed=0.0),
            says="everything is zero: the last entry starts with gradient 1",
        ),
        Mistake(
            name="locals-only",
            value=lambda case: sweep(*case, ignore_child=True),
            says="the local derivatives are not multiplied by the gradient of the entry they come from",
        ),
    ),
)


def products(sizes):
    return sum(a * b for a, b in zip(sizes, sizes[1:]))


chain_cost = Exercise(
    name="chain_cost",
    difficulty=2,
    minutes=8,
    read="Which end to start from",
    any_number=True,
    hints=(
        "A matrix (m, n) times one vector takes m·n multiplications.",
        "Forwards, each of the n₀ inputs needs its own vector through all matrices; backwards, each output.",
        "With S the sum of the sizes of all matrices: forwards sizes[0] * S, backwards sizes[-1] * S.",
    ),
    cases=lambda rng: [
        ([2, 3],),
        ([4, 3, 1],),
        ([1, 5, 6],),
        ([784, 128, 64, 10],),
        (rng.integers(1, 30, 6).tolist(),),
    ],
    expected=lambda case: (case[0][0] * products(case[0]), case[0][-1] * products(case[0])),
    mistakes=(
        Mistake(
            name="swapped",
            value=lambda case: (case[0][-1] * products(case[0]), case[0][0] * products(case[0])),
            says="the two are exchanged: forward mode needs one pass for each input",
        ),
        Mistake(
            name="one-pass",
            value=lambda case: (products(case[0]), products(case[0])),
            says="this is the cost of a single pass: how many passes does each mode need?",
        ),
        Mistake(
            name="one-output",
            value=lambda case: (case[0][0] * products(case[0]), products(case[0])),
            says="the reverse cost is that of one output: each of the sizes[-1] outputs needs a pass",
        ),
        Mistake(
            name="without-seeding",
            value=lambda case: (
                case[0][0] * products(case[0][1:]),
                case[0][-1] * products(case[0][:-1]),
            ),
            says="the matrix next to the seeds was left out: it is multiplied as well",
        ),
        Mistake(
            name="entries",
            value=lambda case: (case[0][0] * sum(case[0][1:]), case[0][-1] * sum(case[0][:-1])),
            says="you counted the entries of the vectors: each entry takes a whole row of products",
        ),
    ),
)

# --- differences -----------------------------------------------------------------------------------------

best_step = Exercise(
    name="best_step",
    difficulty=2,
    minutes=8,
    read="The best step",
    hints=(
        "The bound has one part that grows with h and one that falls: where is its slope zero?",
        "Differentiate: h|f'''|/3 - u|f|/h² = 0.",
        "Solve for h³; the third root is `** (1 / 3)`, and both magnitudes are absolute values.",
    ),
    cases=lambda rng: [
        (4.9, 0.42, 1.1e-16),
        (-1.0, 2.0, 1.1e-16),
        (1.0, -3.0, 6.0e-8),
        *((float(a), float(b), 2.0**-53) for a, b in rng.normal(size=(3, 2))),
    ],
    expected=lambda case: (3 * case[2] * abs(case[0]) / abs(case[1])) ** (1 / 3),
    atol=0.0,
    mistakes=(
        Mistake(
            name="square-root",
            value=lambda case: (3 * case[2] * abs(case[0]) / abs(case[1])) ** 0.5,
            says="the truncation error is quadratic in h, so the slope's zero is a third root",
        ),
        Mistake(
            name="no-three",
            value=lambda case: (case[2] * abs(case[0]) / abs(case[1])) ** (1 / 3),
            says="a constant is missing: the slope of h²/6 is h/3, so a 3 goes to the other side",
        ),
        Mistake(
            name="equal-parts",
            value=lambda case: (6 * case[2] * abs(case[0]) / abs(case[1])) ** (1 / 3),
            says="here both parts of the bound are equal: the sum is smallest where its slope is zero",
        ),
        Mistake(
            name="turned",
            value=lambda case: (3 * case[2] * abs(case[1]) / abs(case[0])) ** (1 / 3),
            says="f and f''' are exchanged: a function that bends more wants a smaller step",
        ),
        Mistake(
            name="precedence",
            value=lambda case: case[2] * abs(case[0]) / abs(case[1]),
            says="Python reads `a**1 / 3` as (a**1) / 3: write the third root as `a ** (1 / 3)`",
        ),
        Mistake(
            name="one-sided",
            value=lambda case: 2 * (case[2] * abs(case[0]) / abs(case[1])) ** 0.5,
            says="this is the rule of the one-sided difference: here the truncation error is h²/6 |f'''|",
        ),
        Mistake(
            name="signed",
            value=lambda case: (3 * case[2] * case[0] / case[1]) ** (1 / 3),
            says="the root of a negative number is complex: take the absolute values of f and f'''",
        ),
    ),
)

FUNCTIONS = {
    "z**3": lambda z: z**3,
    "np.exp(z) * np.sin(z)": lambda z: np.exp(z) * np.sin(z),
    "1 / (1 + z * z)": lambda z: 1 / (1 + z * z),
}
SLOPES = {
    "z**3": lambda x: 3 * x**2,
    "np.exp(z) * np.sin(z)": lambda x: np.exp(x) * (np.sin(x) + np.cos(x)),
    "1 / (1 + z * z)": lambda x: -2 * x / (1 + x * x) ** 2,
}


def call_once(answer, case):
    """The answer's slope, or a text in its place where it did not call f once."""
    points = []

    def f(z):
        points.append(z)
        return FUNCTIONS[case[0]](z)

    slope = answer(f, case[1])
    return slope if slope is None or len(points) == 1 else f"{len(points)} calls of f"


complex_step = Exercise(
    name="complex_step",
    difficulty=2,
    minutes=6,
    read="A step to the side",
    hints=(
        "Evaluate f once, at a complex number: Python writes the imaginary unit as 1j.",
        "f(x + ih) = f(x) + i h f'(x) + …: which part of the result holds the slope?",
        "Return f(x + 1j * h).imag / h.",
    ),
    cases=lambda rng: [("z**3", 2.0), *((name, float(x)) for name in FUNCTIONS for x in rng.normal(size=2))],
    expected=lambda case: float(SLOPES[case[0]](case[1])),
    rtol=1e-12,
    atol=1e-12,  # h = 1e-5 does not pass for 1e-30
    call=call_once,
    describe=lambda case: f"complex_step(lambda z: {case[0]}, {case[1]:.4g})",
    mistakes=(
        Mistake(
            name="not-divided",
            value=lambda case: float(1e-30 * SLOPES[case[0]](case[1])),
            says="the result is zero or nearly: step by 1j * h, not by h, and divide the imaginary part by h",
        ),
        Mistake(
            name="two-calls",
            value=lambda case: "2 calls of f",
            says="f was called twice: no difference is needed, one call at x + ih holds the slope",
        ),
        Mistake(
            name="without-h",
            value=lambda case: float(FUNCTIONS[case[0]](case[1] + 1j).imag),
            says="the step is 1j, so h is 1: step by 1j * h with a small h",
        ),
        Mistake(
            name="value",
            value=lambda case: float(FUNCTIONS[case[0]](case[1])),
            says="this is the value f(x), the real part: the slope is in the imaginary part",
        ),
        Mistake(
            name="sign",
            value=lambda case: float(-SLOPES[case[0]](case[1])),
            says="the sign is turned around: step to x + ih, not to x - ih",
        ),
        Mistake(
            name="real-part",
            value=lambda case: float(FUNCTIONS[case[0]](case[1])) / 1e-30,
            says="you divided the real part by h: take the imaginary part",
        ),
        Mistake(
            name="whole",
            value=lambda case: complex(FUNCTIONS[case[0]](case[1] + 1e-30j) / 1e-30),
            says="this is a complex number: the slope is its imaginary part alone",
        ),
    ),
)

FIELDS = {
    "np.sum(np.sin(x) + x**3)": lambda x: np.sum(np.sin(x) + x**3),
    "np.exp(np.sum(x))": lambda x: np.exp(np.sum(x)),
}


def direction(case, difference="central", *, scale=max, signed=False, width=None):
    name, x, g, v, h = case
    f = FIELDS[name]
    above, below = f(x + h * v), f(x - h * v) if difference == "central" else f(x)
    measured = (above - below) / (width or (2 * h if difference == "central" else h))
    error = g @ v - measured if signed else abs(g @ v - measured)
    return float(error / scale(abs(g @ v), abs(measured)))


def direction_cases(rng):
    cases = []
    for name in FIELDS:
        for size, noise in ((1, 0.3), (3, 0.0), (4, 0.5)):
            x, v = 0.5 * rng.normal(size=(2, size))
            g = np.cos(x) + 3 * x**2 if "sin" in name else np.exp(x.sum()) * np.ones(size)
            cases.append((name, x, g + noise * rng.normal(size=size), v, 0.05))
    return cases


direction_error = Exercise(
    name="direction_error",
    difficulty=2,
    minutes=10,
    read="Checking a gradient",
    hints=(
        "g·v is the slope that the gradient promises along v; two values of f measure it.",
        "The measured slope is (f(x + h v) - f(x - h v)) / (2h).",
        "Divide the absolute difference by the larger of the two absolute slopes.",
    ),
    cases=direction_cases,
    expected=direction,
    call=lambda answer, case: answer(FIELDS[case[0]], *case[1:]),
    describe=lambda case: (
        f"f = lambda x: {case[0]}\n    x = {case[1].round(3)}, g = {case[2].round(3)}, "
        f"v = {case[3].round(3)}, h = {case[4]}"
    ),
    mistakes=(
        Mistake(
            name="one-sided",
            value=lambda case: direction(case, "forward"),
            says="this is a one-sided difference: step to x + h v and to x - h v",
        ),
        Mistake(
            name="not-halved",
            value=lambda case: direction(case, width=case[4]),
            says="the two points are 2h apart: divide by 2h",
        ),
        Mistake(
            name="absolute",
            value=lambda case: direction(case, scale=lambda promised, measured: 1.0),
            says="this is the absolute error: divide by the larger of the two slopes' magnitudes",
        ),
        Mistake(
            name="promised",
            value=lambda case: direction(case, scale=lambda promised, measured: promised),
            says="you divided by |g·v|, which a wrong gradient makes small: divide by the larger magnitude",
        ),
        Mistake(
            name="measured",
            value=lambda case: direction(case, scale=lambda promised, measured: measured),
            says="you divided by the measured slope alone: divide by the larger magnitude",
        ),
        Mistake(
            name="precedence",
            value=lambda case: direction(case, width=2 / case[4]),
            says="Python reads `d / 2 * h` as (d / 2) * h: write `d / (2 * h)`",
        ),
        Mistake(
            name="signed",
            value=lambda case: direction(case, signed=True),
            says="the error has a sign: take the absolute value",
        ),
    ),
)

# --- second derivatives ----------------------------------------------------------------------------------


def triple(case, *, middle=2.0, first=1.0, outer=1.0):
    (u, du, ddu), (v, dv, ddv) = case
    return u * v, first * (du * v + u * dv), outer * (ddu * v + u * ddv) + middle * du * dv


taylor_product = Exercise(
    name="taylor_product",
    difficulty=2,
    minutes=8,
    read="The slope of a slope",
    hints=(
        "The first two entries are those of a dual number.",
        "Differentiate u'v + uv' once more: how many terms appear?",
        "(uv)'' = u''v + 2u'v' + uv''.",
    ),
    cases=lambda rng: [
        ((3.0, 1.0, 0.0), (3.0, 1.0, 0.0)),
        ((2.0, 0.0, 0.0), (5.0, 1.0, 4.0)),
        *((tuple(u), tuple(v)) for u, v in rng.normal(size=(3, 2, 3)).round(2).tolist()),
    ],
    expected=triple,
    mistakes=(
        Mistake(
            name="middle-once",
            value=lambda case: triple(case, middle=1.0),
            says="the mixed term u'v' appears twice: once from u'v and once from uv'",
        ),
        Mistake(
            name="no-middle",
            value=lambda case: triple(case, middle=0.0),
            says="the mixed term is missing: differentiate both u'v and uv' by the product rule",
        ),
        Mistake(
            name="entry-by-entry",
            value=lambda case: tuple(a * b for a, b in zip(*case)),
            says="you multiplied entry by entry: slopes follow the product rule",
        ),
        Mistake(
            name="halved",
            value=lambda case: triple(case, middle=1.0, outer=0.5),
            says="this is half the second derivative, the Taylor coefficient: the triple holds u'' itself",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

which_mode = Match(
    name="which_mode",
    difficulty=2,
    minutes=3,
    read="Which end to start from",
    question="Which way of differentiating suits which task?",
    pairs=(
        (
            "the gradient of a network's loss in its million weights",
            "one reverse sweep",
            "One number comes out, so one sweep gives all derivatives.",
        ),
        (
            "500 sensor readings as functions of one temperature",
            "one forward pass",
            "One number goes in: seed it with 1 and read off 500 tangents.",
        ),
        (
            "a program of which only the compiled binary is at hand",
            "central differences",
            "Both modes need the operations; differences need only values.",
        ),
        (
            "the Hessian of that loss times one vector",
            "forward mode through a reverse sweep",
            "Tangents carried through the tape give H v at a constant multiple of the loss.",
        ),
    ),
)

sweep_order = Order(
    name="sweep_order",
    difficulty=1,
    minutes=3,
    read="The tape",
    question="f = v₀ · sin(v₁) + v₁², recorded in the order sine, product, square, sum: "
    "bring the steps of the reverse mode into order.",
    steps=(
        (
            "Evaluate f and record every operation with its local derivatives.",
            "The walk back needs the record.",
        ),
        ("Set all gradients to 0 and that of the last entry to 1.", "f changes with itself at rate 1."),
        (
            "The sum passes its gradient to the product and to the square.",
            "It is the last entry of the tape.",
        ),
        (
            "The square adds 2v₁ to the gradient of v₁.",
            "The square was recorded after the product, so it comes first on the way back.",
        ),
        (
            "The product passes sin(v₁) to v₀ and v₀ to the sine.",
            "The sine has to wait for the product, its only user.",
        ),
        ("The sine adds v₀·cos(v₁) to the gradient of v₁.", "Now v₁ has both its parts."),
    ),
)

kink_slope = Predict(
    name="kink_slope",
    difficulty=2,
    minutes=2,
    read="Branches and loops",
    question="relu(z) - relu(-z) equals z for every z. With relu's slope at 0 taken as 0, "
    "what does forward mode print for the slope at 0? The pair is (value, slope).",
    code="def relu(z, dz):\n    return (z, dz) if z > 0 else (0, 0)\n\n"
    "a, da = relu(0, 1)\nb, db = relu(-0, -1)\nprint(da - db)",
    answer="0",
    says="Both branches end on the flat side, so both slopes are 0, although the function is z with slope 1.",
    wrong={
        "1": "That is the slope of the function. The program takes the flat branch twice.",
        "2": "Neither branch is the sloped one at 0: the comparison is strict.",
        "0.5": "No mean of both sides is taken: the program follows one branch.",
    },
)

step_choice = Choice(
    name="step_choice",
    difficulty=2,
    minutes=3,
    read="The best step",
    question="A gradient check in float64 with central differences reports a relative error of 1e-3 "
    "for h = 1e-13. What should be tried first?",
    options=(
        Option(
            text="An even smaller h, because the difference is an approximation.",
            says="Rounding already dominates: a smaller step makes it worse.",
        ),
        Option(
            text="h around 1e-5, where rounding and truncation balance.",
            says="Right. At 1e-13 only some three digits of the difference survive.",
            right=True,
        ),
        Option(
            text="float32, which is what training uses.",
            says="Its rounding error is half a billion times larger; check in float64.",
        ),
        Option(
            text="Nothing: the backward pass is wrong.",
            says="Perhaps, but this check cannot tell; an error of 1e-3 is what rounding alone makes here.",
        ),
    ),
)

ENTRIES = (
    grad_cube,
    poly_dual,
    mse_grad,
    rust_quotient,
    neuron,
    kink_slope,
    chain_cost,
    tape_backward,
    sweep_order,
    which_mode,
    best_step,
    step_choice,
    complex_step,
    direction_error,
    taylor_product,
)
