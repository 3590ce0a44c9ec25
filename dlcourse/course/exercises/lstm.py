"""Exercises of 18_lstm: what is asked, which mistakes are known, and what to say about them."""

import math
import numbers

import numpy as np

from dlcourse.course.exercises import (
    Choice,
    Exercise,
    Match,
    Mistake,
    NotPlain,
    Option,
    Order,
    Predict,
)
from dlcourse.data.series import NOISE, seasonal, windows


def sigmoid(z):
    return 0.5 * (1 + np.tanh(np.asarray(z) / 2))


# --- Counting --------------------------------------------------------------------------------------------

BLOCKS = {"rnn": 1, "gru": 3, "lstm": 4}


def parameters(kind, inputs, hidden, blocks=BLOCKS, biases=2, square=True):
    return blocks[kind] * hidden * (inputs + hidden * square + biases)


recurrent_parameters = Exercise(
    name="recurrent_parameters",
    difficulty=1,
    minutes=5,
    read="A cell that keeps",
    hints=(
        "Count for one block first: which matrix meets the input, which one the state, how many biases?",
        "A block has H rows: I + H weights and two biases in each.",
        "Multiply H (I + H + 2) by the number of blocks: 1, 3 or 4.",
    ),
    cases=lambda rng: [
        ("rnn", 1, 1),
        ("lstm", 2, 32),
        ("gru", 2, 32),
        ("lstm", *rng.permutation([4, 5, 7, 9])[:2].tolist()),
        ("gru", *rng.permutation([3, 5, 6, 8])[:2].tolist()),
        ("rnn", 3, 4),
    ],
    expected=lambda case: parameters(*case),
    any_number=True,
    mistakes=(
        Mistake(
            name="one-bias",
            value=lambda case: parameters(*case, biases=1),
            says="each block has two biases, bias_ih and bias_hh, as in torch",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: parameters(*case, biases=0),
            says="the biases are missing: two numbers for each row",
        ),
        Mistake(
            name="gru-four",
            value=lambda case: parameters(*case, blocks=BLOCKS | {"gru": 4}),
            says="the GRU has three blocks, r, z and n: it has no output gate and no second state",
        ),
        Mistake(
            name="lstm-three",
            value=lambda case: parameters(*case, blocks=BLOCKS | {"lstm": 3}),
            says="the LSTM has three gates and one candidate: four blocks of rows",
        ),
        Mistake(
            name="no-recurrence",
            value=lambda case: parameters(*case, square=False),
            says="the weights from the last state are missing: H of them in each row",
        ),
        Mistake(
            name="one-block",
            value=lambda case: parameters(*case, blocks=dict.fromkeys(BLOCKS, 1)),
            says="this is one block, a plain RNN: every gate and the candidate have weights of their own",
        ),
    ),
)

gate_settings = Match(
    name="gate_settings",
    difficulty=1,
    minutes=3,
    read="A cell that keeps",
    question="Which setting of the gates of an LSTM does what in one step?",
    pairs=(
        ("f = 1, i = 0", "The cell keeps its value.", "c = 1 · c + 0 · g."),
        ("f = 0, i = 1", "The cell is overwritten.", "c = 0 · c + 1 · g: the old value is gone."),
        (
            "f = 1, i = 1",
            "The cell counts or sums.",
            "c = c + g: of the five, only this setting takes the cell out of (-1, 1).",
        ),
        ("f = 0, i = 0", "The cell is cleared.", "c = 0, whatever the input."),
        ("o = 0", "The cell is hidden.", "h = 0 · tanh(c): the other gates see nothing of it."),
    ),
)

# --- One unit that adds ----------------------------------------------------------------------------------


def lstm_unit(answer, case):
    """Run the answer's unit, without recurrent weights, over x (T, 2)."""
    values = answer()
    if not isinstance(values, tuple | list) or len(values) != 3:
        raise NotPlain(f"{type(values).__name__}, not the three values w, b, scale")
    try:
        w, b, scale = (np.asarray(value, dtype=float) for value in values)
    except (TypeError, ValueError):
        raise NotPlain("something that is not an array of numbers") from None
    for name, array, shape in (("w", w, (4, 2)), ("b", b, (4,))):
        if array.shape != shape:
            raise NotPlain(f"{name} of shape {array.shape}: expected {shape}")
    if scale.size != 1:
        raise NotPlain(f"scale of shape {scale.shape}: expected a number")
    h = c = 0.0
    for x in case[0]:
        a = w @ x + b
        i, f, o = sigmoid(a[[0, 1, 3]])
        c = f * c + i * np.tanh(a[2])
        h = o * np.tanh(c)
    return scale.item() * h.item()


def marked(case):
    return case[0][:, 0] * case[0][:, 1]


def adding_cases(rng):
    cases = [np.array([[0.5, 1.0], [0.75, 0.0], [0.25, 1.0]])]
    for length, marks in ((2, (0, 1)), (6, (1, 3)), (50, (3, 40))):
        x = np.column_stack([rng.uniform(0, 1, length), np.zeros(length)])
        x[list(marks), 1] = 1
        cases.append(x)
    return [(x,) for x in cases]


adding_unit = Exercise(
    name="adding_unit",
    difficulty=3,
    minutes=25,
    read="Gates set by hand",
    hints=(
        "The gates f and o can stay open: a large bias does that. Only i has to follow the mark.",
        "i = σ(40 m - 20) is nearly 1 at a mark and nearly 0 elsewhere, whatever the value.",
        "tanh bends, but hardly near 0: take g = tanh(0.01 v), and repair the size with scale = 100.",
    ),
    cases=adding_cases,
    expected=lambda case: float(marked(case).sum()),
    call=lstm_unit,
    rtol=0,
    atol=0.01,
    describe=lambda case: f"a sequence of {len(case[0])} steps",
    mistakes=(
        Mistake(
            name="sums-all",
            value=lambda case: float(case[0][:, 0].sum()),
            says="this sums all values: the input gate must be closed where the mark is 0",
        ),
        Mistake(
            name="sums-all-bent",
            value=lambda case: 100 * float(np.tanh(np.tanh(case[0][:, 0] / 100).sum())),
            says="this sums all values (and many of them bend the tanh): close the input gate where m = 0",
        ),
        Mistake(
            name="forgets",
            value=lambda case: float(marked(case)[-1]),
            says="the cell holds the last step only: the forget gate must be near 1, so give it a large bias",
        ),
        Mistake(
            name="fades",
            value=lambda case: float(marked(case) @ 0.5 ** np.arange(len(case[0]))[::-1]),
            says="the forget gate stands at one half (its score is 0): the first value fades; raise its bias",
        ),
        Mistake(
            name="counts",
            value=lambda case: float(case[0][:, 1].sum()),
            says="this counts the marks: the candidate g has to carry the value",
        ),
        Mistake(
            name="tiny",
            value=lambda case: 0.005 * float(marked(case).sum()),  # or 0, or 0.01 sum
            says="your answer is nearly 0 for every sequence: open i at a mark, let scale undo a small g",
        ),
        Mistake(
            name="bends",
            value=lambda case: float(np.tanh(np.tanh(marked(case)).sum())),
            says="both tanh bend the sum: make g small, say tanh(0.01 v), and undo that with scale",
        ),
        Mistake(
            name="half-open",
            value=lambda case: 0.5 * float(marked(case).sum()),
            says="you get half the sum: a gate with score 0 stands at one half; open it with a bias",
        ),
    ),
)

# --- Backward --------------------------------------------------------------------------------------------


def later(f):
    """The product of all later rows, for each row."""
    return np.concatenate([np.cumprod(f[::-1], axis=0)[::-1][1:], np.ones((1, f.shape[1]))])


cell_path = Exercise(
    name="cell_path",
    difficulty=2,
    minutes=10,
    read="The way back through the cell",
    hints=(
        "From c[t] to the last cell the path passes the forget gates of the *later* steps.",
        "The last row is 1: nothing lies between the last cell and itself. Walk backwards from there.",
        "np.cumprod of the reversed rows, reversed again, and shifted by one row.",
    ),
    cases=lambda rng: [
        (np.array([[0.5, 0.25], [0.5, 1.0], [0.75, 0.5]]),),
        (rng.uniform(0.2, 1, (1, 3)),),
        (rng.uniform(0.2, 1, (7, 2)),),
        (np.array([[0.5], [0.0], [0.25]]),),  # a closed gate: nothing may be divided by it
    ],
    expected=lambda case: later(case[0]),
    mistakes=(
        Mistake(
            name="own-gate",
            value=lambda case: np.cumprod(case[0][::-1], axis=0)[::-1],
            says="row t contains its own gate: f[t] lies before c[t], not between c[t] and the end",
        ),
        Mistake(
            name="forwards",
            value=lambda case: np.cumprod(case[0], axis=0),
            says="this multiplies the gates of the earlier steps: gradients come from the end",
        ),
        Mistake(
            name="not-turned",
            value=lambda case: later(case[0])[::-1],
            says="your rows run from the last step to the first: turn them round again",
        ),
        Mistake(
            name="next-gate-only",
            value=lambda case: np.concatenate([case[0][1:], np.ones((1, case[0].shape[1]))]),
            says="you took the next gate alone: the path passes all later ones",
        ),
        Mistake(
            name="one-number",
            value=lambda case: np.prod(case[0], axis=0),
            says="this is one factor for the whole sequence: each step t has its own, shape (T, H)",
        ),
        Mistake(
            name="other-axis",
            value=lambda case: np.cumprod(case[0][:, ::-1], axis=1)[:, ::-1],
            says="you multiplied over the units: time is the first axis",
        ),
    ),
)


def coupled(
    case,
    *,
    inner=True,
    slope=True,
    both=True,
    after=False,
    order="fgo",
    keep=True,
    hidden=True,
    swap=False,
    gate=True,
):
    """The gradients of the coupled cell, with the mistakes that are made."""
    f, g, o, c, c_new, dh, dc = case
    tanh_c = np.tanh(c_new)
    total = dc + dh * o * (1 - tanh_c**2 if inner else 1) * hidden
    da = {
        "f": total * ((c_new if after else c) - g * both) * f * (1 - f),
        "g": total * (f if swap else 1 - f) * ((1 - g**2) if slope else g * (1 - g)),
        "o": dh * tanh_c * o * (1 - o),
    }
    return np.concatenate([da[name] for name in order], axis=1), (total if keep else dc) * (f if gate else 1)


def coupled_cases(rng):
    cases = []
    for n, h in ((1, 1), (2, 3), (5, 2)):
        f, o = rng.uniform(0.1, 0.9, (2, n, h))
        g, c = np.tanh(rng.normal(size=(n, h))), rng.normal(size=(n, h))
        dh, dc = rng.normal(size=(2, n, h))
        cases.append((f, g, o, c, f * c + (1 - f) * g, dh, dc))
    return cases


COUPLED_MISTAKES = (
    ("old-only", {"both": False}, "f appears twice: it raises the share of c and lowers that of g, so c - g"),
    ("no-tanh-slope", {"inner": False}, "dh reaches the cell through tanh: its slope 1 - tanh² is missing"),
    (
        "cell-only",
        {"hidden": False},
        "the part of dh that reaches the cell through h' = o tanh(c') is missing",
    ),
    ("candidate-slope", {"slope": False}, "g is a tanh: its slope is 1 - g², not g (1 - g)"),
    ("kept-share", {"swap": True}, "g comes in with the share 1 - f, not f"),
    ("new-cell", {"after": True}, "the forget gate multiplies the cell before the step: use c, not c_new"),
    ("order", {"order": "gfo"}, "the blocks are in another order: f, g, o are asked for"),
    (
        "carries-dc-alone",
        {"keep": False},
        "what goes on to c is the *complete* gradient of c' times f, not the incoming dc times f",
    ),
    ("gate-ignored", {"gate": False}, "on its way from c' to c the gradient passes the forget gate: times f"),
)

coupled_gradients = Exercise(
    name="coupled_gradients",
    difficulty=3,
    minutes=20,
    read="The way back through the cell",
    hints=(
        "First collect what reaches c': dc from the next step, and dh through h' = o tanh(c').",
        "f stands in two places of c' = f c + (1 - f) g; add both derivatives.",
        "da_f = total (c - g) f (1 - f), da_g = total (1 - f)(1 - g²), da_o = dh tanh(c') o (1 - o).",
    ),
    cases=coupled_cases,
    expected=coupled,
    mistakes=tuple(
        Mistake(name=name, value=lambda case, flags=flags: coupled(case, **flags), says=says)
        for name, flags, says in COUPLED_MISTAKES
    ),
)

lstm_back = Order(
    name="lstm_back",
    difficulty=2,
    minutes=3,
    read="The way back through the cell",
    question="One step back through an LSTM: bring the parts into an order in which they can be computed.",
    steps=(
        (
            "Add the gradient from the output y[t] to the dh that the next step sent.",
            "h[t] is used twice, as output and by the next step; gradients add.",
        ),
        (
            "Add dh · o · (1 - tanh²(c)) to the dc that the next step sent.",
            "c[t] is used twice as well: by h[t] and by c[t + 1]. This needs the complete dh.",
        ),
        (
            "Multiply the total dc by g, c[t - 1] and i, and dh by tanh(c): the gradients of i, f, g and o.",
            "The product rule in c = f c + i g and in h = o tanh(c); it needs both complete gradients.",
        ),
        (
            "Multiply by the slopes of σ and tanh.",
            "Now the gradients are at the weighted sums.",
        ),
        (
            "Multiply by the recurrent weights: the dh for the step before.",
            "All four blocks contribute to h[t - 1], so all four must be ready.",
        ),
    ),
)

# --- GRU -------------------------------------------------------------------------------------------------


def gru(
    x, h, w_ih, w_hh, b_ih, b_hh, *, swap=False, early=False, outside=False, order="rzn", reset=1, bias=1
):
    """One step for rows x (N, I), h (N, H), with the mistakes that are made."""
    a, m = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh * bias
    n_size = h.shape[1]

    def part(values, name):
        k = order.index(name)
        return values[..., k * n_size : (k + 1) * n_size]

    r, z = (sigmoid(part(a, name) + part(m, name)) for name in "rz")
    inner = part(m, "n") * (r if reset else 1)
    if early:  # the reset gate before the product
        inner = (r * h) @ w_hh[2 * n_size :].T + b_hh[2 * n_size :]
    if outside:
        inner = r * (h @ w_hh[2 * n_size :].T) + b_hh[2 * n_size :]
    n = np.tanh(part(a, "n") * (r if reset > 1 else 1) + inner)
    return z * n + (1 - z) * h if swap else (1 - z) * n + z * h


def gru_cases(rng):
    cases = []
    for rows, i, h in ((1, 1, 1), (2, 3, 2), (5, 2, 3)):
        cases.append(
            (
                rng.normal(size=(rows, i)),
                rng.normal(size=(rows, h)),
                rng.normal(size=(3 * h, i)),
                rng.normal(size=(3 * h, h)),
                rng.normal(size=3 * h),
                rng.normal(size=3 * h),
            )
        )
    return cases


GRU_MISTAKES = (
    ("swapped", {"swap": True}, "your gate z lets the *new* value in: here z is the share of the old state"),
    (
        "reset-early",
        {"early": True},
        "r multiplies h before the product with U_n: that is the original form; torch's r comes after",
    ),
    (
        "bias-outside",
        {"outside": True},
        "the bias of U_n h stands inside r * (...): it is reset together with the product",
    ),
    ("no-reset", {"reset": 0}, "the reset gate has no effect: multiply U_n h + b' by r"),
    ("reset-all", {"reset": 2}, "r acts on the part of the old state alone, U_n h + b', not on W_n x + b"),
    ("one-bias", {"bias": 0}, "the biases beside the recurrent weights are missing in your sums"),
    ("order", {"order": "zrn"}, "the first block of rows is r and the second z: you took them the other way"),
)


def call_cell(answer, case):
    x, h, *weights = case
    return answer(*weights).forward(x, h)


GRUCell = Exercise(
    name="GRUCell",
    difficulty=2,
    minutes=20,
    source="V19.4",
    read="Fewer gates: the GRU",
    wants="class",
    hints=(
        "Compute both sums for all three blocks at once: x @ w_ih.T + b_ih and h @ w_hh.T + b_hh.",
        "np.split(sums, 3, axis=1) gives the parts of r, z and n; r and z are σ of the sum of both parts.",
        "n = tanh(the first part + r * the second), and h' = (1 - z) * n + z * h.",
    ),
    cases=gru_cases,
    expected=lambda case: gru(*case),
    call=call_cell,
    describe=lambda case: f"x of shape {case[0].shape}, h of shape {case[1].shape}",
    mistakes=tuple(
        Mistake(name=name, value=lambda case, flags=flags: gru(*case, **flags), says=says)
        for name, flags, says in GRU_MISTAKES
    ),
)


def rust(value):
    """A Python value as a Rust literal: float, or a list of them."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return f"[{', '.join(map(rust, value))}]" if isinstance(value, list) else repr(float(value))


def gru_main(cases):
    blocks = []
    for x, h, w_ih, w_hh, b_ih, b_hh in cases:
        size = h.shape[1]
        fields = ", ".join(
            f"{name}: {rust(array.reshape(3, size, *array.shape[1:]))}"
            for name, array in (("w", w_ih), ("u", w_hh), ("b", b_ih), ("b_h", b_hh))
        )
        blocks.append(
            f"    let gru = Gru {{ {fields} }};\n"
            f"    let h = gru_step(&gru, {rust(x[0])}, {rust(h[0])});\n"
            '    results.push(format!("{h:?}"));\n'
        )
    body = "    let mut results: Vec<String> = Vec::new();\n" + "".join(blocks)
    return "fn main() {\n" + body + '    println!("[{}]", results.join(", "));\n}\n'


rust_gru_step = Exercise(
    name="rust_gru_step",
    difficulty=3,
    minutes=25,
    source="V19.4",
    read="Fewer gates: the GRU",
    language="rust",
    program=gru_main,
    hints=(
        "Six sums: `affine(&gru.w[k], &x, &gru.b[k])`, and the same with `u`, `h`, `b_h`; k = 0, 1, 2.",
        "`std::array::from_fn(|k| ...)` builds an array entry by entry; use it for the new state.",
        "r = sigmoid(a0[k] + m0[k]), z likewise with 1, n = (a2[k] + r * m2[k]).tanh().",
    ),
    cases=lambda rng: [(case[0][:1], case[1][:1], *case[2:]) for case in gru_cases(rng)],
    expected=lambda case: gru(*case)[0],
    describe=lambda case: f"I = {case[0].shape[1]}, H = {case[1].shape[1]}",
    mistakes=tuple(
        Mistake(name=name, value=lambda case, flags=flags: gru(*case, **flags)[0], says=says)
        for name, flags, says in GRU_MISTAKES
    ),
)

gru_share = Predict(
    name="gru_share",
    difficulty=1,
    minutes=2,
    read="Fewer gates: the GRU",
    question="A GRU in torch's form. What does this print?",
    code="z, h, n = 0.75, 4.0, 0.0\nprint((1 - z) * n + z * h)",
    answer="3.0",
    says="Three quarters of the old state stay: z is the share that is kept.",
    wrong={
        "1.0": "That would be right if z were the share of the new value, as in some texts.",
        "4.0": "Only z = 1 keeps all of it.",
    },
)

# --- How long a gate keeps -------------------------------------------------------------------------------


def bias_for(lag, share):
    kept = share ** (1 / lag)
    return math.log(kept / (1 - kept))


keep_bias = Exercise(
    name="keep_bias",
    difficulty=2,
    minutes=10,
    read="How long does a gate keep?",
    hints=(
        "Which value must the gate have, so that its power with exponent `lag` is `share`?",
        "The gate is f = share ** (1 / lag); the bias is the score at which σ gives f.",
        "The inverse of σ is log(f / (1 - f)).",
    ),
    cases=lambda rng: [(1, 0.5), (1, 0.75), (20, 0.5), (50, 0.9), (int(rng.integers(100, 900)), 0.3)],
    expected=lambda case: bias_for(*case),
    rtol=1e-6,
    mistakes=(
        Mistake(
            name="gate",
            value=lambda case: case[1] ** (1 / case[0]),
            says="this is the gate's value: the bias is the score at which σ gives it",
        ),
        Mistake(
            name="no-lag",
            value=lambda case: math.log(case[1] / (1 - case[1])),
            says="this keeps the share for one step only: take the lag's root of it first",
        ),
        Mistake(
            name="divided",
            value=lambda case: math.log(case[1] / case[0] / (1 - case[1] / case[0])),
            says="you divided the share by the lag: factors multiply, so it is a root",
        ),
        Mistake(
            name="power",
            value=lambda case: case[0] * math.log(case[1]) - math.log1p(-(case[1] ** case[0])),
            says="you raised the share to the power of the lag: the gate is its *root*, share ** (1 / lag)",
        ),
        Mistake(
            name="sign",
            value=lambda case: -bias_for(*case),
            says="the sign is turned around: a gate that keeps has a positive bias",
        ),
        Mistake(
            name="approximate",
            value=lambda case: -math.log(-math.log(case[1]) / case[0]),
            says="this uses the approximation 1 - e^(-b) for the gate: solve with σ itself",
        ),
        Mistake(
            name="rule-of-thumb",
            value=lambda case: math.log(case[0]),
            says="log(lag) is the rule of thumb; it leaves about 1/e. Here the share is given: solve for it",
        ),
    ),
)

# --- Equal conditions ------------------------------------------------------------------------------------


def pretended(cell, lr, *, epochs, seed):
    """Stands for a training: rows that depend on every argument."""
    rng = np.random.default_rng([seed, epochs, round(lr * 1e6), {"rnn": 1, "lstm": 2}[cell]])
    accuracy = rng.choice([0.5, 0.75, 0.996, 1.0], size=epochs, p=[0.3, 0.3, 0.3, 0.1])
    if seed == 1:
        accuracy = np.minimum(accuracy, 0.996)  # never perfect
    accuracy[-1] = 0.625 if cell == "rnn" else 0.6875
    return [(float(loss), float(a)) for loss, a in zip(rng.uniform(0.1, 2, epochs), accuracy)]


def report(
    case,
    *,
    rates=(1, 1),
    seeds=(0, 0),
    first=1,
    best=False,
    last=False,
    goal=1,
    never=None,
    names=("rnn", "lstm"),
):
    lr, epochs, seed = case
    found = {}
    for name, cell, factor, shift in zip(names, ("rnn", "lstm"), rates, seeds):
        rows = pretended(cell, lr * factor, epochs=epochs, seed=seed + shift)
        perfect = [epoch for epoch, (_, accuracy) in enumerate(rows, first) if accuracy >= goal]
        found[name] = {
            "loss": rows[-1][0],
            "accuracy": max(a for _, a in rows) if best else rows[-1][1],
            "perfect": (perfect[-1] if last else perfect[0]) if perfect else never,
        }
    return found


compare = Exercise(
    name="compare",
    difficulty=2,
    minutes=20,
    source="B7.2",
    read="Equal conditions",
    hints=(
        "Two calls of `train` that differ in their first argument and in nothing else.",
        "`enumerate(rows, 1)` counts the epochs from 1; `next((...), None)` finds the first that fits.",
        "The last row is rows[-1]: its loss and its accuracy are the result, not the best ones on the way.",
    ),
    cases=lambda rng: [(3e-3, 50, 0), (1e-3, 50, 1), (1e-2, 50, 2), (3e-3, 30, 7)],
    expected=report,
    call=lambda answer, case: answer(pretended, *case),
    describe=lambda case: f"a pretended `train`, lr={case[0]}, epochs={case[1]}, seed={case[2]}",
    mistakes=(
        Mistake(
            name="book-rates",
            value=lambda case: report(case, rates=(1, 1 / 3)),
            says="the LSTM got a third of the learning rate: then two things differ, not one",
        ),
        Mistake(
            name="other-seed",
            value=lambda case: report(case, seeds=(0, 1)),
            says="the two cells saw different data: pass the same seed to both",
        ),
        Mistake(
            name="from-zero",
            value=lambda case: report(case, first=0),
            says="epochs are counted from 1, as in the textbook",
        ),
        Mistake(
            name="best",
            value=lambda case: report(case, best=True),
            says="you reported the best accuracy on the way: the question is where the training ends",
        ),
        Mistake(
            name="last-perfect",
            value=lambda case: report(case, last=True),
            says='"perfect" is the first epoch with accuracy 1, not the last',
        ),
        Mistake(
            name="nearly",
            value=lambda case: report(case, goal=0.99),
            says='"perfect" asks for an accuracy of exactly 1: 0.996 is not perfect',
        ),
        Mistake(
            name="number-for-none",
            value=lambda case: report(case, never=-1),
            says='"perfect" is None where no epoch has accuracy 1, and no number that stands for it',
        ),
        Mistake(
            name="swapped",
            value=lambda case: report(case, names=("lstm", "rnn")),
            says="the two reports carry each other's name",
        ),
    ),
)

same_rate = Choice(
    name="same_rate",
    difficulty=2,
    minutes=3,
    source="B7.2",
    read="Equal conditions",
    question="At 50 epochs and rate 3e-3, RNN and LSTM end at about the same accuracy on the shift task. "
    "What follows? Tick all.",
    options=(
        Option(
            text="The LSTM has no advantage over the RNN.",
            says="Not from this task: its answer depends on the present input alone, so no memory is tested.",
        ),
        Option(
            text="The task cannot tell the two apart; one that needs memory might.",
            says="Right: recall and the adding problem do.",
            right=True,
        ),
        Option(
            text="At another rate, or with a rate of its own for each, one of them could come out ahead.",
            says="Right. That is why the rate must be equal, or tuned for each cell with equal effort.",
            right=True,
        ),
        Option(
            text="One seed more would settle it.",
            says="More seeds narrow the interval; they do not make the task ask for memory.",
        ),
    ),
)

cell_choice = Match(
    name="cell_choice",
    difficulty=1,
    minutes=3,
    source="B7.3",
    read="Which network for which data?",
    question="Which network would you try first?",
    pairs=(
        (
            "Handwritten digits, 28 × 28 pixels",
            "A convolutional network",
            "Neighbouring pixels belong together, and a stroke means the same wherever it stands.",
        ),
        (
            "The next word on a phone's keyboard",
            "A recurrent network with gates, its state carried along",
            "Words arrive one by one, the relevant one may lie far back, and each step must cost little.",
        ),
        (
            "A faulty pump, from 30 sensors every second",
            "A recurrent forecaster; an alarm when its error is large",
            "Faults are rare and unlabelled, so one learns the normal course and watches the surprise.",
        ),
    ),
)

# --- Looking back ----------------------------------------------------------------------------------------


def look(h, memory, lengths, *, mask=True, hidden=-np.inf, scale=0.5, stable=True, mean=False):
    scores = np.einsum("nh,nsh->ns", h, memory) / h.shape[1] ** scale
    padding = np.arange(memory.shape[1]) >= lengths[:, None]
    if mask:
        scores = np.where(padding, hidden, scores)
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp(scores - scores.max(axis=1, keepdims=True) * stable)
        weights /= weights.sum(axis=1, keepdims=True)
    context = memory.mean(axis=1) if mean else np.einsum("ns,nsh->nh", weights, memory)
    return context, weights


def zeroed(case):
    """The softmax over everything, and only then zeros at the padding."""
    h, memory, lengths = case
    weights = look(h, memory, lengths, mask=False)[1] * (np.arange(memory.shape[1]) < lengths[:, None])
    return np.einsum("ns,nsh->nh", weights, memory), weights


def look_cases(rng):
    cases = []
    for n, s, h, lengths in ((1, 1, 2, [1]), (2, 3, 4, [3, 1]), (3, 5, 2, [2, 5, 4])):
        cases.append((rng.normal(size=(n, h)), rng.normal(size=(n, s, h)), np.array(lengths)))
    return [*cases, (100 * cases[1][0], 100 * cases[1][1], cases[1][2])]


look_back = Exercise(
    name="look_back",
    difficulty=3,
    minutes=20,
    read="Looking back: attention",
    hints=(
        "One score for each of the S places: the dot product of h with that place's vector, divided by √H.",
        "Padding gets the score -inf *before* the softmax; subtract each row's maximum before exp.",
        "With weights (N, S) the context is (weights[:, :, None] * memory).sum(axis=1).",
    ),
    cases=look_cases,
    expected=lambda case: look(*case),
    mistakes=(
        Mistake(
            name="no-mask",
            value=lambda case: look(*case, mask=False),
            says="the padding gets a share: its score must be -inf before the softmax",
        ),
        Mistake(
            name="one-too-many",
            value=lambda case: look(case[0], case[1], case[2] + 1),
            says="one place too many counts: the places 0 to lengths - 1 do, so padding starts at lengths",
        ),
        Mistake(
            name="zero-score",
            value=lambda case: look(*case, hidden=0),
            says="you set the scores of the padding to 0: exp(0) is 1, so it keeps a share; it must be -inf",
        ),
        Mistake(
            name="mask-late",
            value=zeroed,
            says="you removed the padding after the softmax: the rest no longer adds up to 1",
        ),
        Mistake(
            name="no-scale",
            value=lambda case: look(*case, scale=0),
            says="the scores are not divided by √H",
        ),
        Mistake(
            name="scale-h",
            value=lambda case: look(*case, scale=1),
            says="you divided by H: it is its square root",
        ),
        Mistake(
            name="mean",
            value=lambda case: look(*case, mean=True),
            says="the context is a *weighted* mean of the places: use the weights",
        ),
        Mistake(
            name="overflow",
            value=lambda case: look(*case, stable=False),
            says="exp overflows for large scores: subtract the largest score of each row first",
        ),
    ),
)

# --- Project ---------------------------------------------------------------------------------------------

FINE = "complete"
WIDTH, TEST = 48, 240


def baselines():
    x, y = (part[-TEST:] for part in windows(seasonal(rng=np.random.default_rng(0)), WIDTH))
    return {name: float(np.sqrt(np.mean((x[:, -k] - y) ** 2))) for name, k in (("last", 1), ("seasonal", 24))}


def judge_forecast(table):
    right = baselines()
    if not isinstance(table, dict) or not {"last", "seasonal", "floor"} < set(table):
        return "form"
    if not all(isinstance(value, numbers.Real) and math.isfinite(value) for value in table.values()):
        return "form"
    if any(abs(table[name] - right[name]) > 1e-6 for name in right):
        return "windows"
    if abs(table["floor"] - NOISE) > 1e-9:
        return "floor"
    cells = [value for name, value in table.items() if name not in ("last", "seasonal", "floor")]
    if min(cells) < NOISE * (1 - 3 / math.sqrt(2 * TEST)):
        return "too good"
    return FINE if max(cells) < min(right.values()) else "not learnt"


PROBLEMS = {
    "form": "expected a dict with `last`, `seasonal`, `floor` and at least one network, all finite numbers",
    "windows": "your two baselines are not those of the last 240 windows of seed 0: use the same windows",
    "floor": "the floor is the standard deviation of the newest shock, dlcourse.data.series.NOISE",
    "too good": "an error this far below the noise cannot be: the network has seen the values it forecasts",
    "not learnt": "a network is no better than the last value, which costs nothing: train longer",
}

forecast_table = Exercise(
    name="forecast_table",
    difficulty=3,
    minutes=180,
    source="V19.4+",
    read="Project: a forecast in Rust",
    cases=lambda rng: [("the table",)],
    expected=lambda case: FINE,
    call=lambda answer, case: judge_forecast(answer()),
    describe=lambda case: "the table",
    seconds=60,
    hints=(
        "x, y = windows(seasonal(rng=np.random.default_rng(0)), 48); the last 240 rows are the test.",
        "The naive forecasts are x[:, -1] and x[:, -24]; let the network forecast the change from x[:, -1].",
        "Train `lab.CELLS['gru'](1, 16)` with a linear readout of its last output on the first 912 windows.",
    ),
    mistakes=[
        Mistake(name=name.replace(" ", "-"), value=lambda case, name=name: name, says=says)
        for name, says in PROBLEMS.items()
    ],
)

ENTRIES = (
    recurrent_parameters,
    gate_settings,
    adding_unit,
    lstm_back,
    cell_path,
    coupled_gradients,
    GRUCell,
    rust_gru_step,
    gru_share,
    keep_bias,
    compare,
    same_rate,
    look_back,
    cell_choice,
    forecast_table,
)
