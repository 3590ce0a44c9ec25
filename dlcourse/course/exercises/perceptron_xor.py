"""Exercises of 07_perceptron_xor: what is asked, which mistakes are known, and what to say about them."""

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Mistake, NotPlain, Option, Order

CORNERS = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]


def step(z):
    return (np.asarray(z) >= 0).astype(int)


def unit(w, b, x):
    return step(np.asarray(x, float) @ np.asarray(w, float) + b)


def weights_of(answer, **shapes):
    """The answer's weights as float arrays of the given shapes; () stands for a single number."""
    values = answer()
    names = ", ".join(shapes)
    if not isinstance(values, tuple | list) or len(values) != len(shapes):
        raise NotPlain(f"{type(values).__name__}, not the {len(shapes)} values {names}")
    arrays = []
    for value, (name, shape) in zip(values, shapes.items()):
        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise NotPlain(f"something for {name} that is not an array of numbers") from None
        if shape == () and array.size == 1:
            array = array.reshape(())  # a number, however it is wrapped
        if array.shape != shape:
            raise NotPlain(f"{name} of shape {array.shape}: expected {shape or 'a number'}")
        arrays.append(array)
    return arrays


def describe_inputs(case):
    return f"the inputs ({case[0][0]:.0f}, {case[0][1]:.0f})"


# --- units by hand ---------------------------------------------------------------------------------------


def answer_of_unit(answer, case):
    w, b = weights_of(answer, w=(2,), b=())
    return int(unit(w, b, case[0]))


nand_unit = Exercise(
    name="nand_unit",
    difficulty=1,
    minutes=5,
    read="A unit that decides",
    hints=(
        "Compare the table of NAND with that of AND: every answer is turned around.",
        "What happens to the sign of the score when all weights and the bias change their sign?",
        "Both weights must be negative, so that only two inputs together push the score below zero.",
    ),
    cases=lambda rng: [(corner,) for corner in CORNERS],
    expected=lambda case: int(case[0] != (1.0, 1.0)),
    call=answer_of_unit,
    describe=describe_inputs,
    mistakes=(
        Mistake(
            name="and",
            value=lambda case: int(case[0] == (1.0, 1.0)),
            says="this unit computes AND: turn the signs of all weights and of the bias around",
        ),
        Mistake(
            name="nor",
            value=lambda case: int(case[0] == (0.0, 0.0)),
            says="this unit computes NOR, it is off as soon as one input is on: the bias is too small",
        ),
        Mistake(
            name="always-one",
            value=lambda case: 1,
            says="this unit always answers 1: the score of (1, 1) must be below zero",
        ),
        Mistake(
            name="always-zero",
            value=lambda case: 0,
            says="this unit always answers 0: the bias must lift the score of (0, 0) to zero or more",
        ),
    ),
)

majority = Exercise(
    name="majority",
    difficulty=1,
    minutes=5,
    read="The geometry of a decision",
    any_number=True,
    hints=(
        "Count the inputs that are on. Which counts mean yes?",
        "With all weights 1 the score without bias is the count; between which two counts is the threshold?",
        "The threshold 1.5 lies between one and two inputs, so the bias is -1.5.",
    ),
    cases=lambda rng: [
        (np.array([[1.0, 1, 0]]),),
        (np.array([[0.0, 0, 1], [1, 0, 1]]),),
        (np.array([[a, b, c] for a in (0.0, 1.0) for b in (0.0, 1.0) for c in (0.0, 1.0)]),),
        (rng.integers(0, 2, (7, 3)).astype(float),),
    ],
    expected=lambda case: step(case[0].sum(axis=1) - 1.5),
    mistakes=(
        Mistake(
            name="any",
            value=lambda case: step(case[0].sum(axis=1) - 0.5),
            says="this answers 1 when any input is on (OR): a single one is not a majority",
        ),
        Mistake(
            name="all",
            value=lambda case: step(case[0].sum(axis=1) - 2.5),
            says="this answers 1 only when all three are on (AND): two suffice",
        ),
        Mistake(
            name="parity",
            value=lambda case: (case[0].sum(axis=1) % 2).astype(int),
            says="this answers 1 for an odd number of inputs: the question is whether there are at least two",
        ),
        Mistake(
            name="two-inputs",
            value=lambda case: step(case[0][:, :2].sum(axis=1) - 1.5),
            says="this looks at the first two inputs only: the third has a weight as well",
        ),
    ),
)

distances = Exercise(
    name="distances",
    difficulty=1,
    minutes=5,
    read="The geometry of a decision",
    hints=(
        "The numerator is the score of every row; one matrix product gives them all.",
        "The score counts in units of 1/‖w‖, so something has to be divided away.",
        "`np.linalg.norm(w)` is ‖w‖; the bias is not part of it.",
    ),
    cases=lambda rng: [
        (np.array([[3.0, 4.0]]), np.array([3.0, 4.0]), 5.0),
        (rng.normal(size=(5, 2)), rng.normal(size=2), float(rng.normal())),
        (rng.normal(size=(7, 2)), 10 * rng.normal(size=2), float(rng.normal())),
    ],
    expected=lambda case: (case[0] @ case[1] + case[2]) / np.linalg.norm(case[1]),
    mistakes=(
        Mistake(
            name="score",
            value=lambda case: case[0] @ case[1] + case[2],
            says="these are the scores: divide by the length of w to get distances",
        ),
        Mistake(
            name="squared-norm",
            value=lambda case: (case[0] @ case[1] + case[2]) / (case[1] @ case[1]),
            says="you divided by ‖w‖²: the distance needs ‖w‖, the square root of it",
        ),
        Mistake(
            name="unsigned",
            value=lambda case: np.abs(case[0] @ case[1] + case[2]) / np.linalg.norm(case[1]),
            says="the sign is lost: points on the side that is answered 0 have a negative distance",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: case[0] @ case[1] / np.linalg.norm(case[1]),
            says="the bias is missing: this measures from a line through the origin",
        ),
        Mistake(
            name="bias-outside",
            value=lambda case: case[0] @ case[1] / np.linalg.norm(case[1]) + case[2],
            says="the bias is part of the score: divide w·x + b as a whole by ‖w‖",
        ),
    ),
)

# --- the perceptron rule ---------------------------------------------------------------------------------


def rule(w, b, x, t, lr, answer):
    return w + lr * (t - answer) * x, float(b + lr * (t - answer))


def step_cases(rng):
    cases = [
        (np.array([1.0, -1.0]), 0.0, np.array([1.0, 1.0]), 0, 0.5),  # score exactly 0, wanted 0
        (np.array([1.0, -1.0]), 0.0, np.array([1.0, 1.0]), 1, 0.5),  # score exactly 0, wanted 1
    ]
    for target in (0, 1, 0, 1, 0, 1):
        w, x = rng.normal(size=(2, 3))
        cases.append((w, float(rng.normal()), x, target, 0.1))
    return cases


perceptron_step = Exercise(
    name="perceptron_step",
    difficulty=2,
    minutes=8,
    read="Learning from mistakes",
    hints=(
        "First compute the unit's answer to x, as 0 or 1.",
        "t - answer is 0 when the answer is right, +1 or -1 when it is wrong: no `if` is needed.",
        "Return w + lr * (t - answer) * x and b + lr * (t - answer).",
    ),
    cases=step_cases,
    expected=lambda case: rule(*case, answer=int(case[0] @ case[2] + case[1] >= 0)),
    mistakes=(
        Mistake(
            name="sign",
            value=lambda case: rule(*case[:4], -case[4], answer=int(case[0] @ case[2] + case[1] >= 0)),
            says="the step goes the wrong way: it makes the mistake worse; check the sign of t - y",
        ),
        Mistake(
            name="always",
            value=lambda case: rule(*case, answer=1 - case[3]),
            says="you also move when the answer was right: then nothing should happen",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: (
                rule(*case, answer=int(case[0] @ case[2] + case[1] >= 0))[0],
                case[1],
            ),
            says="the bias is not learned: it is the weight of an input that is always 1, and moves too",
        ),
        Mistake(
            name="strict",
            value=lambda case: rule(*case, answer=int(case[0] @ case[2] + case[1] > 0)),
            says="a score of exactly 0 counts as 1 here: use >= for the unit's answer",
        ),
        Mistake(
            name="no-rate",
            value=lambda case: rule(*case[:4], 1.0, answer=int(case[0] @ case[2] + case[1] >= 0)),
            says="the learning rate is missing: both steps are scaled by lr",
        ),
        Mistake(
            name="bias-without-rate",
            value=lambda case: (
                rule(*case, answer=int(case[0] @ case[2] + case[1] >= 0))[0],
                rule(*case[:4], 1.0, answer=int(case[0] @ case[2] + case[1] >= 0))[1],
            ),
            says="the bias moves by the whole error: scale its step by lr as well",
        ),
        Mistake(
            name="score-not-answer",
            value=lambda case: rule(*case, answer=float(case[0] @ case[2] + case[1])),
            says="you compared the target with the score: compare it with the answer, 0 or 1",
        ),
    ),
)

mistake_bound = Exercise(
    name="mistake_bound",
    difficulty=3,
    minutes=15,
    read="Why it must stop",
    hints=(
        "Append a 1 to every point, and the bias to the weights; from here on there is no bias any more.",
        "The margin is the smallest signed score in the direction of a vector of length 1.",
        "With s = 2t - 1 and u the augmented weights divided by their length, γ = min(s * (augmented @ u)).",
    ),
    cases=lambda rng: [separated(rng, n, dimensions) for n, dimensions in ((2, 1), (5, 2), (11, 3))],
    expected=lambda case: bound(*case),
    rtol=1e-6,
    mistakes=(
        Mistake(
            name="not-normalised",
            value=lambda case: bound(*case, length=1.0),
            says="the margin belongs to a direction of length 1: divide (w, b) by its length",
        ),
        Mistake(
            name="only-w-normalised",
            value=lambda case: bound(*case, length=np.linalg.norm(case[2])),
            says="you divided by ‖w‖: the bias is part of the augmented direction and of its length",
        ),
        Mistake(
            name="not-augmented",
            value=lambda case: bound(*case, radius=np.linalg.norm(case[0], axis=1).max()),
            says="R is measured without the 1 that stands for the bias: augment the points first",
        ),
        Mistake(
            name="bias-ignored",
            value=lambda case: float((np.linalg.norm(case[0], axis=1).max() / geometric_margin(*case)) ** 2),
            says="nothing is augmented: append 1 to the points for R, and b to w before you take its length",
        ),
        Mistake(
            name="not-squared",
            value=lambda case: np.sqrt(bound(*case)),
            says="this is R/γ: the bound is its square",
        ),
        Mistake(
            name="mean-radius",
            value=lambda case: bound(*case, radius=np.linalg.norm(ones_added(case[0]), axis=1).mean()),
            says="R is the largest length, not the mean: the bound must hold for the worst point",
        ),
    ),
)


def ones_added(x):
    return np.column_stack([x, np.ones(len(x))])


def bound(x, t, w, b, length=None, radius=None):
    direction, rows = np.append(w, b), ones_added(x)
    margin = np.min((2 * t - 1) * (rows @ direction)) / (length or np.linalg.norm(direction))
    return float(((radius or np.linalg.norm(rows, axis=1).max()) / margin) ** 2)


def geometric_margin(x, t, w, b):
    return np.min((2 * t - 1) * (x @ w + b)) / np.linalg.norm(w)


def separated(rng, n, dimensions):
    w, b = rng.normal(size=dimensions), float(rng.normal())
    x = 2 * rng.normal(size=(n, dimensions))
    return x, (x @ w + b > 0).astype(float), w, b


# --- XOR -------------------------------------------------------------------------------------------------


def hidden_and_output(answer, case):
    w1, b1, w2, b2 = weights_of(answer, W1=(2, 2), b1=(2,), w2=(2,), b2=())
    hidden = step(w1 @ case[0] + b1)
    return [int(hidden[0]), int(unit(w2, b2, hidden))]


def gate_of(name, corner):
    tables = {"AND": "0001", "OR": "0111", "XOR": "0110", "XNOR": "1001"}
    return int(tables[name][CORNERS.index(tuple(corner))])


xor_network = Exercise(
    name="xor_network",
    difficulty=2,
    minutes=10,
    read="XOR from gates",
    hints=(
        "What must the second hidden unit say so that AND and it together tell the three cases apart?",
        "OR is on for one input and for two; AND is on for two. XOR is OR without AND.",
        "Give OR a positive weight at the output and AND a negative one that outweighs it.",
    ),
    cases=lambda rng: [(np.array(corner),) for corner in CORNERS],
    expected=lambda case: [gate_of("AND", case[0]), gate_of("XOR", case[0])],
    call=hidden_and_output,
    describe=lambda case: f"{describe_inputs(case)}: [first hidden unit, output]",
    mistakes=(
        Mistake(
            name="text-solution",
            value=lambda case: [gate_of("OR", case[0]), gate_of("XOR", case[0])],
            says="the output is XOR, but the first hidden unit is OR: the exercise asks for AND there",
        ),
        Mistake(
            name="xnor",
            value=lambda case: [gate_of("AND", case[0]), gate_of("XNOR", case[0])],
            says="the output is XNOR, the opposite: turn the signs at the output unit around",
        ),
        Mistake(
            name="or",
            value=lambda case: [gate_of("AND", case[0]), gate_of("OR", case[0])],
            says="the output stays on for (1, 1): AND must switch it off, with a larger negative weight",
        ),
        Mistake(
            name="silent",
            value=lambda case: [gate_of("AND", case[0]), 0],
            says="the output never fires: one input alone must lift its score to zero or more",
        ),
    ),
)


def sigmoid(z):
    return 0.5 * (1 + np.tanh(z / 2))


bce_gradient = Exercise(
    name="bce_gradient",
    difficulty=2,
    minutes=10,
    read="XOR, learned",
    hints=(
        "The derivative of log(1 + e^z) is the logistic function; the other term is linear in z.",
        "The loss is a mean over the N rows: where does that appear in the gradient?",
        "(σ(z) - t)/N; with σ(z) = (1 + tanh(z/2))/2 nothing can overflow.",
    ),
    cases=lambda rng: [
        (np.array([[0.0]]), np.array([[1.0]])),
        (rng.normal(size=(5, 1)), rng.integers(0, 2, (5, 1)).astype(float)),
        (np.array([[1000.0], [-1000.0], [0.5]]), np.array([[0.0], [1.0], [1.0]])),
    ],
    expected=lambda case: (sigmoid(case[0]) - case[1]) / len(case[0]),
    mistakes=(
        Mistake(
            name="sum",
            value=lambda case: sigmoid(case[0]) - case[1],
            says="this is the gradient of the sum: the loss is a mean, so divide by N",
        ),
        Mistake(
            name="sign",
            value=lambda case: (case[1] - sigmoid(case[0])) / len(case[0]),
            says="the sign is turned around: this is the direction of descent, the gradient is its opposite",
        ),
        Mistake(
            name="extra-sigmoid-slope",
            value=lambda case: (
                (sigmoid(case[0]) - case[1]) * sigmoid(case[0]) * (1 - sigmoid(case[0])) / len(case[0])
            ),
            says="the slope σ(1 - σ) is there once too often: it cancels against the loss's own derivative",
        ),
        Mistake(
            name="score-minus-target",
            value=lambda case: (case[0] - case[1]) / len(case[0]),
            says="you subtracted the target from the score: subtract it from the probability σ(z)",
        ),
    ),
)


def through_hidden(x, h, w2, delta, slope=None, scale=1.0, bias_scale=None):
    epsilon = delta @ w2 * (1 - h**2 if slope is None else slope)
    return epsilon.T @ x * scale, epsilon.sum(axis=0) * (scale if bias_scale is None else bias_scale)


hidden_gradient = Exercise(
    name="hidden_gradient",
    difficulty=3,
    minutes=15,
    read="XOR, learned",
    hints=(
        "First bring delta back through the output weights: what shape must the result have?",
        "Multiply by the slope of tanh, which the activations already contain: 1 - h².",
        "With epsilon (N, H), the gradients are epsilon.T @ x and the sum of epsilon over its rows.",
    ),
    cases=lambda rng: [
        (
            rng.normal(size=(n, i)),
            np.tanh(rng.normal(size=(n, h))),
            rng.normal(size=(1, h)),
            rng.normal(size=(n, 1)),
        )
        for n, i, h in ((1, 2, 1), (4, 2, 3), (7, 5, 2))
    ],
    expected=lambda case: through_hidden(*case),
    mistakes=(
        Mistake(
            name="no-slope",
            value=lambda case: through_hidden(*case, slope=1.0),
            says="the slope of tanh is missing: multiply by 1 - h²",
        ),
        Mistake(
            name="sigmoid-slope",
            value=lambda case: through_hidden(*case, slope=case[1] * (1 - case[1])),
            says="h(1 - h) is the slope of the logistic function: for tanh it is 1 - h²",
        ),
        Mistake(
            name="mean-twice",
            value=lambda case: through_hidden(*case, scale=1 / len(case[0])),
            says="you divided by N: delta already contains the 1/N",
        ),
        Mistake(
            name="no-output-weights",
            value=lambda case: through_hidden(*case[:2], np.ones_like(case[2]), case[3]),
            says="the output weights are missing: each hidden unit feels delta through its own weight",
        ),
        Mistake(
            name="bias-mean",
            value=lambda case: through_hidden(*case, bias_scale=1 / len(case[0])),
            says="the bias gradient is a sum over the rows, like the other: delta already contains the 1/N",
        ),
        Mistake(
            name="transposed",
            value=lambda case: (through_hidden(*case)[0].T, through_hidden(*case)[1]),
            says="the weight gradient is transposed: it must have the shape of W1, (H, I)",
        ),
    ),
)

# --- in Rust ---------------------------------------------------------------------------------------------


def rust(value):
    """A Python value as a Rust literal: bool, float, or a list of them."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(rust, value))}]" if isinstance(value, list) else repr(float(value))


def unit_main(cases):
    calls = [f"unit(&{rust(w)}, {rust(b)}, &{rust(x)})" for w, b, x in cases]
    return 'fn main() {\n    println!("{:?}", [' + ", ".join(calls) + "]);\n}\n"


def score(case):
    weights, bias, inputs = case
    return sum(w for w, on in zip(weights, inputs) if on) + bias


rust_unit = Exercise(
    name="rust_unit",
    difficulty=2,
    minutes=10,
    read="What the types check, and what they do not",
    language="rust",
    program=unit_main,
    hints=(
        "`weights.iter().zip(inputs)` walks through both slices together.",
        "A bit is worth 1.0 or 0.0: `f64::from(on)` converts a bool, or skip the weights whose input is off.",
        "Sum the weights whose input is on, add the bias, and compare with `>= 0.0`.",
    ),
    cases=lambda rng: [
        ([1.0, 1.0], -1.5, [True, False]),
        ([1.0, 1.0], -1.5, [True, True]),
        ([1.0, -1.0], 0.0, [True, True]),  # a tie
        ([-1.0, 2.0, 0.5], 0.75, [True, False, False]),
        ([-1.0, -2.0], 1.5, [False, True]),
        ((rng.integers(-8, 9, 3) / 4).tolist(), float(rng.integers(-8, 9)) / 4, [False, True, True]),
        ([-1.0, 0.5], -1.5, [True, False]),
        ([1.0, 1.0, 1.0], -1.5, [True, False, True]),
    ],
    expected=lambda case: score(case) >= 0,
    mistakes=(
        Mistake(
            name="strict",
            value=lambda case: score(case) > 0,
            says="a score of exactly 0 counts as yes: use >= 0.0",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: score(case) - case[1] >= 0,
            says="the bias is missing from the score",
        ),
        Mistake(
            name="all-weights",
            value=lambda case: sum(case[0]) + case[1] >= 0,
            says="you summed all weights: those whose input is off do not count",
        ),
        Mistake(
            name="two-inputs",
            value=lambda case: score((case[0][:2], case[1], case[2])) >= 0,
            says="you used two inputs only: the slices may have any length, so loop over them",
        ),
        Mistake(
            name="bias-as-threshold",
            value=lambda case: score(case) - case[1] >= case[1],
            says="you compared the sum with the bias: add the bias and compare with 0",
        ),
    ),
)


def epoch_main(cases):
    blocks = []
    for weights, rows, lr in cases:
        data = ", ".join(f"({rust(x)}, {rust(target)})" for x, target in rows)
        blocks.append(
            f"    let mut w = {rust(weights)};\n"
            f"    let m = epoch(&mut w, &[{data}], {rust(lr)});\n"
            '    results.push(format!("[{:?}, {:?}, {:?}, {m}]", w[0], w[1], w[2]));\n'
        )
    body = "    let mut results = Vec::new();\n" + "".join(blocks)
    return "fn main() {\n" + body + '    println!("[{}]", results.join(", "));\n}\n'


def epoch(case, *, strict=False, always=False, bias=True, sign=1, keep=False, count_all=False, batch=False):
    (w1, w2, b), rows, lr = case
    start, mistakes = (w1, w2, b), 0
    for (x1, x2), target in rows:
        u1, u2, u0 = start if batch else (w1, w2, b)
        z = u1 * x1 + u2 * x2 + u0
        answer = z > 0 if strict else z >= 0
        wrong = answer != target
        mistakes += wrong or count_all
        if wrong or always:
            move = sign * (lr if target else -lr)
            w1, w2, b = w1 + move * x1, w2 + move * x2, b + move * bias
    return [*(start if keep else (w1, w2, b)), int(mistakes)]


AND_ROWS = [([0.0, 0.0], False), ([0.0, 1.0], False), ([1.0, 0.0], False), ([1.0, 1.0], True)]

rust_epoch = Exercise(
    name="rust_epoch",
    difficulty=3,
    minutes=20,
    read="Learning from mistakes",
    language="rust",
    program=epoch_main,
    hints=(
        "`for &(x, target) in rows` takes each row apart; weights[0] reads and writes through the borrow.",
        "Compare the bool `z >= 0.0` with `target`; only where they differ is there something to do.",
        "The step is +lr when the target is true and -lr when it is false, times x[0], x[1] and 1.",
    ),
    cases=lambda rng: [
        ([0.0, 0.0, 0.0], AND_ROWS, 1.0),
        ((rng.integers(-4, 5, 3) / 4).tolist(), [*AND_ROWS, ([2.0, -1.0], True), ([-1.0, 0.5], False)], 0.5),
        ([1.0, 1.0, -1.5], AND_ROWS, 0.25),  # nothing to learn
    ],
    expected=epoch,
    mistakes=(
        Mistake(
            name="always",
            value=lambda case: epoch(case, always=True),
            says="the weights move although the answer was right: update only after a mistake",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: epoch(case, bias=False),
            says="weights[2], the bias, is not learned: it moves by the step itself",
        ),
        Mistake(
            name="sign",
            value=lambda case: epoch(case, sign=-1),
            says="the step goes the wrong way: a missed `true` has to raise the score",
        ),
        Mistake(
            name="strict",
            value=lambda case: epoch(case, strict=True),
            says="a score of exactly 0 counts as true: use >= 0.0",
        ),
        Mistake(
            name="batch",
            value=lambda case: epoch(case, batch=True),
            says="you judged every row with the weights of the start: use them as they are by then",
        ),
        Mistake(
            name="copied",
            value=lambda case: epoch(case, keep=True),
            says="the caller's weights have not changed: write through the `&mut` borrow, not into a copy",
        ),
        Mistake(
            name="counts-rows",
            value=lambda case: epoch(case, count_all=True),
            says="you counted every row: return the number of mistakes",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

bias_shift = Choice(
    name="bias_shift",
    difficulty=1,
    minutes=2,
    read="The geometry of a decision",
    question="A unit's bias is increased while its weights stay as they are. What happens to its line?",
    options=(
        Option(
            text="It turns.",
            says="The direction of the line is set by w alone, to which it stands at right angles.",
        ),
        Option(
            text="It shifts without turning, so that more inputs are answered 1.",
            says="Right. All scores rise by the same amount, so inputs just short of the line cross it.",
            right=True,
        ),
        Option(
            text="It shifts without turning, so that fewer inputs are answered 1.",
            says="The shift is right, its direction is not: a larger bias raises every score.",
        ),
        Option(
            text="Nothing: only the ratio of the weights matters.",
            says="Nothing would change if weights and bias were scaled together; here the bias moves alone.",
        ),
    ),
)

xor_proof = Order(
    name="xor_proof",
    difficulty=2,
    minutes=4,
    read="Four points that no line can part",
    question="Bring the steps of the proof that no unit computes XOR into order.",
    steps=(
        (
            "Suppose a unit with w₁, w₂ and b computes XOR.",
            "A proof by contradiction starts from the opposite of what it wants to show.",
        ),
        (
            "The four rows of the table give b < 0, w₂ + b ≥ 0, w₁ + b ≥ 0 and w₁ + w₂ + b < 0.",
            "Each row of the table is one inequality for the score.",
        ),
        (
            "Add the second and the third: w₁ + w₂ + 2b ≥ 0.",
            "The two inputs that want 1 are the ones whose sum can be compared with (1, 1).",
        ),
        (
            "Move one b to the right: w₁ + w₂ + b ≥ -b.",
            "Now the left side is the score of (1, 1).",
        ),
        (
            "By the first inequality -b is positive, so the score of (1, 1) is positive.",
            "Here the row (0, 0) enters.",
        ),
        (
            "That contradicts the fourth inequality: there is no such unit.",
            "The table wants the score of (1, 1) below zero.",
        ),
    ),
)

width_two = Choice(
    name="width_two",
    difficulty=2,
    minutes=3,
    read="How many hidden units?",
    question="A network with two tanh units sometimes fails to learn XOR. What follows? Tick all.",
    options=(
        Option(
            text="Two hidden units cannot represent XOR.",
            says="They can: other seeds of the same width succeed, and we built one by hand.",
        ),
        Option(
            text="From some starting weights, descent does not reach a solution.",
            says="Right. Such runs creep along an almost flat valley that does not lead to one.",
            right=True,
        ),
        Option(
            text="A single run says little about an architecture; report several seeds.",
            says="Right. One lucky or unlucky seed would have given the opposite impression.",
            right=True,
        ),
        Option(
            text="The learning rate must have been too small.",
            says="Nothing here shows that; the same rate works from other starts.",
        ),
    ),
)

ENTRIES = (
    nand_unit,
    rust_unit,
    bias_shift,
    distances,
    majority,
    perceptron_step,
    rust_epoch,
    mistake_bound,
    xor_proof,
    xor_network,
    bce_gradient,
    hidden_gradient,
    width_two,
)
