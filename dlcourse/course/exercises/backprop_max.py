"""Exercises of 10_backprop_max: what is asked, which mistakes are known, and what to say about them."""

from itertools import permutations

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option, Order


def relu(z):
    return np.maximum(z, 0)


def on(z):
    return (z > 0).astype(float)


# --- the backward pass -----------------------------------------------------------------------------------


def squared_error(prediction, target, *, share=None, delta_share=None, factor=2.0):
    """Loss and delta; the shares stand for 1/N, the factor for the 2."""
    error, share = prediction - target, 1 / len(target) if share is None else share
    delta_share = share if delta_share is None else delta_share
    return float(np.sum(error**2) * share), factor * error * delta_share


loss_delta = Exercise(
    name="loss_delta",
    difficulty=1,
    minutes=5,
    read="The backward pass",
    hints=(
        "With the error e = prediction - target, the loss is the mean of e².",
        "The derivative of e² in the prediction is 2e; the mean puts 1/N in front of every row.",
        "Return float(np.mean(e**2)) and 2 * e / len(e).",
    ),
    cases=lambda rng: [
        (np.array([[3.0]]), np.array([[5.0]])),
        (rng.normal(size=(4, 1)), rng.normal(size=(4, 1))),
        (rng.normal(size=(10, 1)), rng.normal(size=(10, 1))),
    ],
    expected=lambda case: squared_error(*case),
    mistakes=(
        Mistake(
            name="sum",
            value=lambda case: squared_error(*case, share=1.0),
            says="loss and delta belong to the sum of the squares: the mean is asked for, so divide by N",
        ),
        Mistake(
            name="delta-of-sum",
            value=lambda case: squared_error(*case, delta_share=1.0),
            says="the loss is the mean, but delta is the slope of the sum: delta needs the 1/N as well",
        ),
        Mistake(
            name="no-two",
            value=lambda case: squared_error(*case, factor=1.0),
            says="the 2 is missing from delta: the derivative of e² is 2e (only ½e² would have the slope e)",
        ),
        Mistake(
            name="sign",
            value=lambda case: squared_error(*case, factor=-2.0),
            says="delta has the wrong sign: the slope is positive where the prediction is too large",
        ),
        Mistake(
            name="half",
            value=lambda case: squared_error(*case, share=0.5 / len(case[1])),
            says="loss and delta are half as large as they should be: the loss is the mean of e², not of ½e²",
        ),
    ),
)


def to_input(x, weights, biases, delta, *, slope=on, last=False, below=False, stop=0, bend=relu):
    """dL/dx of a ReLU network; the options are ways to get it wrong."""
    a, zs = x, []
    for W, b in zip(weights, biases):
        zs.append(a @ W.T + b)
        a = bend(zs[-1])
    if last:
        delta = delta * on(zs[-1])
    for layer in reversed(range(stop, len(weights))):
        delta = delta @ weights[layer]
        if layer > 0:
            delta = delta * slope(zs[layer - 1])
    return delta * on(x) if below else delta


def network_cases(rng):
    cases = []
    for n, sizes in ((1, (2, 3)), (1, (3, 4, 2)), (3, (2, 5, 4, 1)), (5, (3, 7, 6, 2))):
        pairs = list(zip(sizes, sizes[1:]))
        weights, biases = [rng.normal(size=(o, i)) for i, o in pairs], [rng.normal(size=o) for _, o in pairs]
        x, delta = rng.normal(size=(n, sizes[0])), rng.normal(size=(n, sizes[-1]))
        cases.append((x, weights, biases, delta))
    return cases


input_gradient = Exercise(
    name="input_gradient",
    difficulty=2,
    minutes=15,
    read="Any depth",
    hints=(
        "You need all pre-activations: run forward first and keep them in a list.",
        "Walk from the last layer to the first: delta @ W goes below a layer, * (z > 0) goes below the ReLU.",
        "After the first layer there is no ReLU any more: its delta @ W is the answer.",
    ),
    cases=network_cases,
    expected=lambda case: to_input(*case),
    mistakes=(
        Mistake(
            name="no-slope",
            value=lambda case: to_input(*case, slope=np.ones_like),
            says="the slope of ReLU is missing: multiply by z > 0 between two layers",
        ),
        Mistake(
            name="slope-everywhere",
            value=lambda case: to_input(*case, below=True),
            says="you multiplied by x > 0 at the end: there is no ReLU at the input",
        ),
        Mistake(
            name="slope-at-output",
            value=lambda case: to_input(*case, last=True),
            says="you multiplied delta by z > 0 at the output: the last layer has no ReLU",
        ),
        Mistake(
            name="activation-as-slope",
            value=lambda case: to_input(*case, slope=relu),
            says="you multiplied by the activation: the slope of ReLU is 1 or 0, not its value",
        ),
        Mistake(
            name="stops-early",
            value=lambda case: to_input(*case, stop=1),
            says="this is delta of the first layer: one product with the first weight is still to come",
        ),
        Mistake(
            name="forward-without-relu",
            value=lambda case: to_input(*case, bend=lambda z: z),
            says="your forward pass has no ReLU: each layer receives relu(z) of the layer before, not z",
        ),
    ),
)

# --- in Rust ---------------------------------------------------------------------------------------------


def rust(values):
    """A list of floats as a Rust literal."""
    return f"[{', '.join(repr(float(value)) for value in values)}]"


def back_main(cases):
    calls = [f"back(&{rust(w)}, &{rust(d)}, &{rust(z)})" for w, d, z in cases]
    lines = "".join(f'    results.push(format!("{{:?}}", {call}));\n' for call in calls)
    head = "fn main() {\n    let mut results: Vec<String> = Vec::new();\n"
    return head + lines + '    println!("[{}]", results.join(", "));\n}\n'


def back(case, *, slope=on, transposed=False):
    w, delta, z = (np.array(part) for part in case)
    w = w.reshape(len(z), len(delta)).T if transposed else w.reshape(len(delta), len(z))
    return (delta @ w * slope(z) + 0.0).tolist()  # no -0.0 in a diagnosis


rust_back = Exercise(
    name="rust_back",
    difficulty=2,
    minutes=15,
    read="Any depth",
    language="rust",
    program=back_main,
    hints=(
        "The result has one number for each entry of z; `(0..z.len()).map(|j| …).collect()` builds it.",
        "Row i of the weight starts at i * z.len(): from unit j to unit i leads weights[i * z.len() + j].",
        "Sum delta[i] * weights[i * z.len() + j] over i where z[j] > 0.0; elsewhere the entry is 0.0.",
    ),
    cases=lambda rng: [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, -1.0], [1.0, -1.0, 2.0]),
        ([0.5, -1.0, 2.0, 1.5], [2.0], [0.25, 0.0, 3.0, -1.0]),  # one unit above, a score of exactly 0
        ([0.5, -1.0, 2.0, 1.5, 0.75, -0.5], [2.0, 1.0, -1.0], (rng.integers(1, 20, 2) / 4).tolist()),
    ],
    expected=back,
    mistakes=(
        Mistake(
            name="no-slope",
            value=lambda case: back(case, slope=np.ones_like),
            says="the slope of ReLU is missing: an entry is 0 where z is not positive",
        ),
        Mistake(
            name="transposed",
            value=lambda case: back(case, transposed=True),
            says="the weight is read as its transpose: it has one row per unit above, each as long as z",
        ),
        Mistake(
            name="zero-is-on",
            value=lambda case: back(case, slope=lambda z: (z >= 0).astype(float)),
            says="a score of exactly 0 counts as off here: compare with > 0.0",
        ),
        Mistake(
            name="activation-as-slope",
            value=lambda case: back(case, slope=relu),
            says="you multiplied by the activation: the slope of ReLU is 1 or 0, not its value",
        ),
    ),
)


def step_main(cases):
    lines = ""
    for w, delta, inputs, lr in cases:
        lines += f"    let mut w = {rust(w)};\n    step(&mut w, &{rust(delta)}, &{rust(inputs)}, {lr!r});\n"
        lines += '    results.push(format!("{w:?}"));\n'
    head = "fn main() {\n    let mut results: Vec<String> = Vec::new();\n"
    return head + lines + '    println!("[{}]", results.join(", "));\n}\n'


def stepped(case, *, keep=1.0, rate=None, transposed=False):
    w, delta, inputs, lr = (np.array(part) for part in case)
    gradient = np.outer(inputs, delta) if transposed else np.outer(delta, inputs)
    return (keep * w - (lr if rate is None else rate) * gradient.ravel()).tolist()


rust_step = Exercise(
    name="rust_step",
    difficulty=2,
    minutes=15,
    read="The textbook's run",
    language="rust",
    program=step_main,
    hints=(
        "The gradient of the weight in row i and column j is delta[i] * inputs[j].",
        "Two loops will do: `for (i, d) in delta.iter().enumerate()` and the same over the inputs.",
        "Subtract lr * d * a from weights[i * inputs.len() + j].",
    ),
    cases=lambda rng: [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, -2.0], [1.0, 0.5, 2.0], 0.5),
        ([0.5, -0.5], [4.0], (rng.integers(1, 20, 2) / 4).tolist(), 0.25),
        ([0.5, -0.5, 0.25], [4.0, 0.0, -1.0], [2.0], 0.125),
    ],
    expected=stepped,
    mistakes=(
        Mistake(
            name="ascent",
            value=lambda case: stepped(case, rate=-case[3]),
            says="the step goes uphill: subtract the gradient",
        ),
        Mistake(
            name="no-rate",
            value=lambda case: stepped(case, rate=1.0),
            says="the learning rate is missing",
        ),
        Mistake(
            name="transposed",
            value=lambda case: stepped(case, transposed=True),
            says="the gradient is transposed: row i belongs to delta[i], column j to inputs[j]",
        ),
        Mistake(
            name="untouched",
            value=lambda case: case[0],
            says="the caller's weights have not changed: write through the `&mut` borrow, not into a copy",
        ),
        Mistake(
            name="overwritten",
            value=lambda case: stepped(case, keep=0.0),
            says="the old weights are lost: the step is subtracted from them (-=), it does not replace them",
        ),
    ),
)

# --- parameters and updates ------------------------------------------------------------------------------


def parts(theta, inputs, hidden, order="C"):
    w1, b1, w2, b2 = np.split(theta, np.cumsum([hidden * inputs, hidden, hidden]))
    return w1.reshape((hidden, inputs), order=order), b1, w2.reshape(1, hidden), b2


def biases_last(theta, inputs, hidden):
    w1, w2, b1, b2 = np.split(theta, np.cumsum([hidden * inputs, hidden, hidden]))
    return w1.reshape(hidden, inputs), b1, w2.reshape(1, hidden), b2


unflatten = Exercise(
    name="unflatten",
    difficulty=1,
    minutes=8,
    read="Twenty-one numbers in a row",
    hints=(
        "How many numbers belong to each of the four arrays? For 3-4-1 they are 12, 4, 4 and 1.",
        "Cut theta[:hidden * inputs] off first; np.split cuts at several places at once.",
        "reshape(hidden, inputs) reads row by row, the way the numbers were written.",
    ),
    cases=lambda rng: [
        (np.arange(21.0), 3, 4),
        (np.arange(9.0), 2, 2),
        (rng.normal(size=5 * 7 + 1), 5, 5),
    ],
    expected=lambda case: parts(*case),
    mistakes=(
        Mistake(
            name="columns",
            value=lambda case: parts(*case, order="F"),
            says="W1 is filled column by column: the numbers stand row by row, unit after unit",
        ),
        Mistake(
            name="biases-last",
            value=lambda case: biases_last(*case),
            says="you took W2 before b1: the order is W1, b1, W2, b2",
        ),
        Mistake(
            name="transposed",
            value=lambda case: (parts(*case)[0].T, *parts(*case)[1:]),
            says="W1 has the wrong orientation: its shape is (hidden, inputs), one row for each hidden unit",
        ),
        Mistake(
            name="flat-output",
            value=lambda case: (*parts(*case)[:2], parts(*case)[2][0], parts(*case)[3]),
            says="W2 is a matrix of one row: its shape is (1, hidden), not (hidden,)",
        ),
    ),
)


def one_step(x, y, W1, b1, W2, b2, lr, *, factor=2.0, slope=on, late=False, biases=True, sign=1):
    """One update from one example; the options are ways to get it wrong."""
    z = W1 @ x + b1
    h = relu(z)
    delta = factor * (W2 @ h + b2 - y)
    new = W2 - sign * lr * np.outer(delta, h)
    epsilon = (new if late else W2).T @ delta * slope(z)
    moved = W1 - sign * lr * np.outer(epsilon, x)
    return moved, b1 - sign * lr * biases * epsilon, new, b2 - sign * lr * biases * delta


def step_cases(rng):
    hand = (
        np.array([1.0, 2.0]),
        1.0,
        np.array([[1.0, 1.0], [1.0, -1.0]]),
        np.zeros(2),
        np.array([[1.0, 1.0]]),
        np.zeros(1),
        0.1,
    )
    cases = [hand]
    for inputs, hidden in ((3, 4), (2, 5), (3, 4)):
        w1, b1, w2 = rng.normal(size=(hidden, inputs)), rng.normal(size=hidden), rng.normal(size=(1, hidden))
        cases.append((rng.normal(size=inputs), float(rng.normal()), w1, b1, w2, rng.normal(size=1), 0.1))
    return cases


sample_step = Exercise(
    name="sample_step",
    difficulty=2,
    minutes=15,
    read="The textbook's run",
    hints=(
        "Go forward and keep z and h; then delta = 2 (prediction - y), an array of shape (1,).",
        "epsilon = W2.T @ delta * (z > 0) must be computed with the weights that made the prediction.",
        "Both weight gradients are outer products: np.outer(delta, h) and np.outer(epsilon, x).",
    ),
    cases=step_cases,
    expected=lambda case: one_step(*case),
    mistakes=(
        Mistake(
            name="late",
            value=lambda case: one_step(*case, late=True),
            says="you sent delta back through the new W2: take all gradients first, then update",
        ),
        Mistake(
            name="no-slope",
            value=lambda case: one_step(*case, slope=np.ones_like),
            says="units that are off learn as well: the slope of ReLU, z > 0, is missing",
        ),
        Mistake(
            name="no-two",
            value=lambda case: one_step(*case, factor=1.0),
            says="the steps are half as long as they should be: the slope of e² is 2e",
        ),
        Mistake(
            name="sign",
            value=lambda case: one_step(*case, sign=-1),
            says="the step goes uphill: subtract the gradient, and check the sign of prediction - y",
        ),
        Mistake(
            name="no-biases",
            value=lambda case: one_step(*case, biases=False),
            says="the biases are not learned: their gradients are delta and epsilon",
        ),
        Mistake(
            name="no-rate",
            value=lambda case: one_step(*case[:-1], 1.0),
            says="the learning rate is missing: subtract lr times the gradient",
        ),
        Mistake(
            name="activation-as-slope",
            value=lambda case: one_step(*case, slope=relu),
            says="you multiplied by the activation: the slope of ReLU is 1 or 0, not its value",
        ),
    ),
)

# --- baselines and disguises -----------------------------------------------------------------------------


def residual(x, y, columns):
    fitted = columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    return float(np.sum((y - fitted) ** 2))


def with_one(x):
    return np.column_stack([x, np.ones(len(x))])


affine_sse = Exercise(
    name="affine_sse",
    difficulty=1,
    minutes=8,
    read="Is that good?",
    hints=(
        "Append a column of ones to x: its coefficient is the constant d.",
        "np.linalg.lstsq(columns, y, rcond=None)[0] are the best coefficients.",
        "Return the sum of the squared differences between columns @ coefficients and y.",
    ),
    cases=lambda rng: [
        (np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 1.0, 3.0])),
        (rng.normal(size=(8, 3)), 5 + rng.normal(size=8)),
        (rng.normal(size=(12, 2)), rng.normal(size=12) - 2),
    ],
    expected=lambda case: residual(*case, with_one(case[0])),
    mistakes=(
        Mistake(
            name="no-constant",
            value=lambda case: residual(*case, case[0]),
            says="the constant d is missing: append a column of ones to x before you fit",
        ),
        Mistake(
            name="mean",
            value=lambda case: residual(*case, with_one(case[0])) / len(case[1]),
            says="this is the mean squared error: the exercise asks for the sum",
        ),
        Mistake(
            name="constant-only",
            value=lambda case: residual(*case, np.ones((len(case[1]), 1))),
            says="this is the error of the best constant: let the inputs take part in the fit",
        ),
        Mistake(
            name="root",
            value=lambda case: residual(*case, with_one(case[0])) ** 0.5,
            says="this is the root of the sum: leave the squares as they are",
        ),
    ),
)


def twin_cases(rng):
    cases = [(np.ones((2, 3)), np.zeros(2), np.array([[1.0, 3.0]]))]
    for hidden, inputs in ((4, 3), (3, 2), (5, 3)):
        row, bias = rng.normal(size=inputs), float(rng.normal())
        cases.append((np.tile(row, (hidden, 1)), np.full(hidden, bias), rng.normal(size=(1, hidden))))
    return cases


merge_twins = Exercise(
    name="merge_twins",
    difficulty=1,
    minutes=8,
    read="Four units that are one",
    hints=(
        "All units have the same activation h, so the output receives the sum of W2[0, j] · h.",
        "Take h out of the sum: what is left is the outgoing weight of the one unit.",
        "Return W1[0], b1[0] and W2.sum(): the row and the bias stay as they are.",
    ),
    cases=twin_cases,
    expected=lambda case: (case[0][0], float(case[1][0]), float(case[2].sum())),
    mistakes=(
        Mistake(
            name="first",
            value=lambda case: (case[0][0], float(case[1][0]), float(case[2][0, 0])),
            says="you kept the outgoing weight of one unit: all of them contribute to the output",
        ),
        Mistake(
            name="mean",
            value=lambda case: (case[0][0], float(case[1][0]), float(case[2].mean())),
            says="the outgoing weights add up: take their sum, not their mean",
        ),
        Mistake(
            name="everything-summed",
            value=lambda case: (case[0].sum(axis=0), float(case[1].sum()), float(case[2].sum())),
            says="you summed row and bias too: every unit has the score w·x + b; only what goes out adds up",
        ),
        Mistake(
            name="bias-summed",
            value=lambda case: (case[0][0], float(case[1].sum()), float(case[2].sum())),
            says="the bias is inside the ReLU of each unit: it must not be summed",
        ),
        Mistake(
            name="row-summed",
            value=lambda case: (case[0].sum(axis=0), float(case[1][0]), float(case[2].sum())),
            says="the row is inside the ReLU of each unit: it must not be summed",
        ),
        Mistake(
            name="times-first",
            value=lambda case: (case[0][0], float(case[1][0]), float(case[2].size * case[2][0, 0])),
            says="you took the first outgoing weight H times: they may differ, so add them up",
        ),
    ),
)

# --- more data, more layers ------------------------------------------------------------------------------

SIX = tuple(permutations(range(3)))


def rows_sorted(x, y):
    table = np.column_stack([x, y])
    return table[np.lexsort(table.T[::-1])]


def in_orders(x, y, orders=SIX, targets=None, by_row=False):
    many = [x[:, list(order)] for order in orders]
    many = np.stack(many, axis=1).reshape(-1, 3) if by_row else np.concatenate(many)
    return rows_sorted(many, np.tile(y, len(orders)) if targets is None else targets)


def call_orders(answer, case):
    values = answer(*case)
    if not isinstance(values, tuple | list) or len(values) != 2:
        raise NotPlain(f"{type(values).__name__}, not the two arrays x and y")
    try:
        x, y = (np.asarray(value, dtype=float) for value in values)
    except (TypeError, ValueError):
        raise NotPlain("something that is not two arrays of numbers") from None
    if x.ndim != 2 or x.shape[1] != 3 or y.shape != (len(x),):
        raise NotPlain(f"arrays of shapes {x.shape} and {y.shape}: expected (6N, 3) and (6N,)")
    return rows_sorted(x, y)


all_orders = Exercise(
    name="all_orders",
    difficulty=1,
    minutes=8,
    read="Data that are missing",
    hints=(
        "itertools.permutations(range(3)) yields the six orders of three columns.",
        "x[:, list(order)] has the columns in another order; its targets are still y.",
        "np.concatenate puts the six arrays below each other; np.tile(y, 6) repeats y as a whole.",
    ),
    cases=lambda rng: [
        (np.array([[1.0, 2.0, 3.0]]), np.array([3.0])),
        (np.array([[1.0, 2.0, 3.0], [9.0, 8.0, 7.0]]), np.array([3.0, 9.0])),
        (np.array([[4.0, 4.0, 1.0], [2.0, 2.0, 2.0]]), np.array([4.0, 2.0])),  # fewer than six different rows
        (rng.integers(0, 10, (4, 3)).astype(float), rng.normal(size=4)),
    ],
    expected=lambda case: in_orders(*case),
    call=call_orders,
    describe=lambda case: f"all_orders for {len(case[0])} rows; rows [x₁, x₂, x₃, y], sorted",
    mistakes=(
        Mistake(
            name="cyclic",
            value=lambda case: in_orders(*case, orders=((0, 1, 2), (1, 2, 0), (2, 0, 1))),
            says="these are the three rotations: three numbers have six orders",
        ),
        Mistake(
            name="repeat",
            value=lambda case: in_orders(*case, targets=np.repeat(case[1], 6)),
            says="the targets do not stand beside their rows: repeat y as a whole, not entry by entry",
        ),
        Mistake(
            name="without-original",
            value=lambda case: in_orders(*case, orders=SIX[1:]),
            says="the rows in their given order are missing: that is one of the six orders",
        ),
        Mistake(
            name="reversed",
            value=lambda case: in_orders(*case, orders=((0, 1, 2), (2, 1, 0))),
            says="this adds the reversed rows only: three numbers have six orders",
        ),
        Mistake(
            name="tile",
            value=lambda case: in_orders(*case, targets=np.tile(case[1], 6), by_row=True),
            says="the targets are not beside their rows: your rows come six by six, so repeat each target",
        ),
        Mistake(
            name="distinct",
            value=lambda case: np.unique(in_orders(*case), axis=0),
            says="rows that occur more than once were dropped: keep all six orders also where some coincide",
        ),
    ),
)


def run_layers(answer, case):
    layers = answer()
    if not isinstance(layers, tuple | list) or len(layers) != 3:
        raise NotPlain("something other than a list of three pairs (W, b), two hidden layers and the output")
    a = case[0]
    for number, layer in enumerate(layers, start=1):
        if not isinstance(layer, tuple | list) or len(layer) != 2:
            raise NotPlain(f"a layer {number} that is not a pair (W, b)")
        try:
            W, b = (np.asarray(part, dtype=float) for part in layer)
        except (TypeError, ValueError):
            raise NotPlain(f"something in layer {number} that is not an array of numbers") from None
        if W.ndim != 2 or W.shape[1] != len(a) or b.shape != (len(W),):
            raise NotPlain(f"in layer {number} W {W.shape} and b {b.shape}, where {len(a)} numbers come in")
        a = W @ a + b
        a = a if number == 3 else relu(a)
    if len(a) != 1:
        raise NotPlain(f"{len(a)} outputs, not one")
    return float(a[0])


def pairwise(x, *, first=True, second=True):
    """The tournament of four; without `first` or `second` the term relu(-b) is missing in that layer."""
    m, n = (relu(p - q) + (q if first else relu(q)) for p, q in (x[:2], x[2:]))
    return float(relu(m - n) + (n if second else relu(n)))


max_four = Exercise(
    name="max_four",
    difficulty=3,
    minutes=25,
    read="What one layer cannot do",
    rtol=1e-9,
    hints=(
        "A tournament: the first hidden layer prepares two maxima, the second the maximum of these two.",
        "max(a, b) = relu(a - b) + relu(b) - relu(-b): three units, summed by the next layer's weights.",
        "With m = h₁ + h₂ - h₃ and n = h₄ + h₅ - h₆, the second layer holds relu(m - n), relu(n), relu(-n).",
    ),
    cases=lambda rng: [
        (np.array([1.0, 2.0, 3.0, 4.0]),),
        (np.array([-1.0, -2.0, -3.0, -4.0]),),
        (np.array([-4.0, -3.0, -2.0, -1.0]),),
        (np.array([5.0, -3.0, 2.0, 2.0]),),
        (np.array([-3e8, -1e8, -4e8, -2e8]),),  # no bias lifts these above 0 and leaves the small ones exact
        (np.array([-2e8, -4e8, -1e8, -3e8]),),
        *((rng.normal(size=4),) for _ in range(8)),
    ],
    expected=lambda case: float(case[0].max()),
    call=run_layers,
    describe=lambda case: f"your network at x = {np.round(case[0], 3).tolist()}",
    mistakes=(
        Mistake(
            name="clipped",
            value=lambda case: pairwise(case[0], first=False),
            says="the first layer loses negative numbers: carry b through the ReLU as relu(b) - relu(-b)",
        ),
        Mistake(
            name="clipped-late",
            value=lambda case: pairwise(case[0], second=False),
            says="the second layer loses a negative maximum: carry n through the ReLU as relu(n) - relu(-n)",
        ),
        Mistake(
            name="three",
            value=lambda case: float(case[0][:3].max()),
            says="this is the maximum of the first three: the fourth number has to take part",
        ),
        Mistake(
            name="minimum",
            value=lambda case: float(case[0].min()),
            says="this is the minimum: min(a, b) = b - relu(b - a), max(a, b) = b + relu(a - b)",
        ),
        Mistake(
            name="sum",
            value=lambda case: float(case[0][:2].max() + case[0][2:].max()),
            says="the two maxima are added: the second hidden layer must compare them",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

gradient_shapes = Match(
    name="gradient_shapes",
    difficulty=1,
    minutes=3,
    read="Any depth",
    question="A 3-16-1 network sees a batch of 32 rows. Which shape has which array?",
    pairs=(
        ("the delta of the hidden layer", "(32, 16)", "One row per example, one column per hidden unit."),
        ("the gradient of the first weight", "(16, 3)", "The shape of the weight; the batch is summed away."),
        ("the gradient of the first bias", "(16,)", "The hidden delta summed over the 32 rows."),
        ("the gradient of the second weight", "(1, 16)", "One output, sixteen hidden units."),
        ("the gradient of the input", "(32, 3)", "Every example has its own, as large as its row."),
    ),
)

update_order = Order(
    name="update_order",
    difficulty=1,
    minutes=3,
    read="The textbook's run",
    question="Bring the steps of one update from one example into order.",
    steps=(
        ("Compute z, h and the prediction, and keep z and h.", "The backward pass needs what forward met."),
        (
            "Compute the output's delta from prediction and target.",
            "It starts the recursion.",
        ),
        (
            "Send delta back through W₂ and multiply by z > 0.",
            "W₂ must still be the matrix that made the prediction.",
        ),
        (
            "Form the outer products: the gradients of both weights.",
            "Each is the delta above the weight times the activation below it.",
        ),
        (
            "Subtract the rate times the gradients from all weights.",
            "Only now may anything be overwritten.",
        ),
    ),
)

same_for_ever = Choice(
    name="same_for_ever",
    difficulty=2,
    minutes=3,
    read="Four units that are one",
    question="From which starts do the hidden units of a 3-4-1 network stay equal for ever? Tick all.",
    options=(
        Option(
            text="All weights 0.1, biases 0, examples shown in random order.",
            says="Right. The induction holds for every single update, whatever example it uses.",
            right=True,
        ),
        Option(
            text="All weights 0.1 and every bias 0.7, trained with Adam.",
            says="Right. Adam treats equal gradients equally: the units stay equal on another path.",
            right=True,
        ),
        Option(
            text="Equal rows in W₁, outgoing weights drawn at random.",
            says="The outgoing weight scales a unit's gradient, so different ones part the rows at once.",
        ),
        Option(
            text="W₁ drawn at random, outgoing weights all 0.1, biases 0.",
            says="The rows differ from the start, and equal outgoing weights do not make them equal.",
        ),
    ),
)

stuck_affine = Choice(
    name="stuck_affine",
    difficulty=2,
    minutes=3,
    read="Different is not enough",
    question="The start 0.1 plus a tiny random number ends like the equal start. Why?",
    options=(
        Option(
            text="The differences are lost to rounding.",
            says="They are not: after training they are as large as before, far above the rounding.",
        ),
        Option(
            text="All four units stay on for all ten triples, so the network is affine where it is measured.",
            says="Right. While no kink lies between the data, different units add up to one affine function.",
            right=True,
        ),
        Option(
            text="The gradients of the four units are exactly equal.",
            says="Their outgoing weights differ a little, so their gradients do as well.",
        ),
        Option(
            text="1,000 epochs are too few; the loss would go on falling below the affine fit.",
            says="Without a kink between the data the loss cannot fall below the best affine fit.",
        ),
    ),
)

ENTRIES = (
    loss_delta,
    input_gradient,
    rust_back,
    gradient_shapes,
    unflatten,
    sample_step,
    rust_step,
    update_order,
    affine_sse,
    merge_twins,
    same_for_ever,
    stuck_affine,
    all_orders,
    max_four,
)
