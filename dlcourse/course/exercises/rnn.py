"""Exercises of 17_rnn: what is asked, which mistakes are known, and what to say about them."""

import math

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Order, Predict

# --- forward ---------------------------------------------------------------------------------------------


def vectors(value):
    """Nested lists as Rust's vec! literals."""
    if isinstance(value, list):
        return f"vec![{', '.join(map(vectors, value))}]"
    return repr(float(value))


def step_main(cases):
    calls = []
    for w_ih, w_hh, b, x, h in cases:
        arguments = ", ".join(f"&{vectors(value)}" for value in (w_ih, w_hh, b, x, h))
        calls.append(f"    results.push(step({arguments}));\n")
    lines = "    let mut results: Vec<Vec<f64>> = Vec::new();\n" + "".join(calls)
    return "fn main() {\n" + lines + '    println!("{results:?}");\n}\n'


def step_cases(rng):
    cases = [([[0.5]], [[2.0]], [0.1], [1.0], [-0.25])]
    for inputs, hidden in ((2, 3), (4, 2)):
        shapes = ((hidden, inputs), (hidden, hidden), (hidden,), (inputs,), (hidden,))
        cases.append(tuple(rng.normal(size=shape).round(3).tolist() for shape in shapes))
    return cases


def one_step(case, *, state=1.0, inputs=1.0, bias=1.0, squash=np.tanh, turned=False, late=False):
    w_ih, w_hh, b, x, h = (np.array(value) for value in case)
    w_hh = w_hh.T if turned else w_hh
    a = inputs * (w_ih @ x) + state * (w_hh @ h)
    return (squash(a) + b if late else squash(a + bias * b)).tolist()


def one_step_in_place(case):
    """Every unit reads the new states of the units before it."""
    w_ih, w_hh, b, x, h = (np.array(value) for value in case)
    for i in range(len(b)):
        h[i] = np.tanh(w_ih[i] @ x + w_hh[i] @ h + b[i])
    return h.tolist()


rust_rnn_step = Exercise(
    name="rust_rnn_step",
    difficulty=2,
    minutes=10,
    read="One network, many steps",
    language="rust",
    program=step_main,
    hints=(
        "Unit i needs row i of both matrices: a dot product with x, and one with h.",
        "`row.iter().zip(v).map(|(w, v)| w * v).sum::<f64>()` is the dot product of a row and a slice.",
        "For each i in 0..b.len(): (dot(&w_ih[i], x) + dot(&w_hh[i], h) + b[i]).tanh(), collected.",
    ),
    cases=step_cases,
    expected=one_step,
    mistakes=(
        Mistake(
            name="no-state",
            value=lambda case: one_step(case, state=0.0),
            says="the old state is missing: without W_hh h this is an ordinary layer",
        ),
        Mistake(
            name="no-input",
            value=lambda case: one_step(case, inputs=0.0),
            says="the input is missing: add W_x x to the sum",
        ),
        Mistake(
            name="in-place",
            value=one_step_in_place,
            says="units read states that this step has already overwritten: all of them need the old h",
        ),
        Mistake(
            name="no-tanh",
            value=lambda case: one_step(case, squash=lambda a: a),
            says="this is the sum a: the state is tanh(a)",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: one_step(case, bias=0.0),
            says="the bias is missing from the sum",
        ),
        Mistake(
            name="late-bias",
            value=lambda case: one_step(case, late=True),
            says="the bias is added after the tanh: it belongs into the sum",
        ),
        Mistake(
            name="columns",
            value=lambda case: one_step(case, turned=True),
            says="you used columns of w_hh: unit i has row i, which starts at what unit i receives",
        ),
        Mistake(
            name="sigmoid",
            value=lambda case: one_step(case, squash=lambda a: 1 / (1 + np.exp(-a))),
            says="this is the logistic function: the exercise asks for tanh",
        ),
    ),
)


def states(x, w_ih, w_hh, b, squash=np.tanh):
    """h0 and all further states: (N, T + 1, H)."""
    h = [np.zeros((len(x), len(b)))]
    for t in range(x.shape[1]):
        h.append(squash(x[:, t] @ w_ih.T + h[-1] @ w_hh.T + b))
    return np.stack(h, axis=1)


def last_cases(rng):
    cases = []
    for n, t, i, hidden in ((1, 1, 1, 1), (3, 5, 2, 4), (4, 6, 3, 2)):
        lengths = np.array([t, *rng.integers(1, t, n - 1)]) if n > 1 else np.array([t])
        weights = (rng.normal(size=(hidden, i)), rng.normal(size=(hidden, hidden)), rng.normal(size=hidden))
        cases.append((rng.normal(size=(n, t, i)), lengths, *weights))
    x, lengths, *weights = cases[-1]
    padded = np.where(np.arange(x.shape[1])[:, None] < lengths[:, None, None], x, np.nan)
    return [*cases, (padded, lengths, *weights)]


def at_end(case, *, back=0, last=False, zeroed=False, multiplied=False, memory=1, turned=False, bias=1):
    x, lengths, w_ih, w_hh, b = case
    b = bias * b
    real = np.arange(x.shape[1])[:, None] < lengths[:, None, None]  # (N, T, 1)
    x = np.where(real, x, 0.0) if zeroed else x * real if multiplied else x
    h = states(x, w_ih, memory * (w_hh.T if turned else w_hh), b)
    ends = np.minimum(lengths - back, x.shape[1])
    return h[:, -1] if last or zeroed or multiplied else h[np.arange(len(x)), ends]


last_states = Exercise(
    name="last_states",
    difficulty=2,
    minutes=12,
    read="Three pieces of craft",
    hints=(
        "Run all rows to the end together; the question is only which state counts for which row.",
        "Either keep all states and pick h[n, lengths[n]], or stop updating a row once it has ended.",
        "`np.where((t < lengths)[:, None], new, h)` keeps the state of the rows that have ended.",
    ),
    cases=last_cases,
    expected=at_end,
    mistakes=(
        Mistake(
            name="reads-padding",
            value=lambda case: at_end(case, last=True),
            says="this is the state after the last column: shorter rows have read their padding",
        ),
        Mistake(
            name="zeroed-input",
            value=lambda case: at_end(case, zeroed=True),
            says="padding set to zero is still read: the state goes on changing; keep it instead",
        ),
        Mistake(
            name="multiplied",
            value=lambda case: at_end(case, multiplied=True),
            says="a mask by multiplication lets the state go on changing, and 0 times NaN is NaN",
        ),
        Mistake(
            name="one-early",
            value=lambda case: at_end(case, back=1),
            says="this is one step early: with the zero state in front, row n ends at index lengths[n]",
        ),
        Mistake(
            name="one-late",
            value=lambda case: at_end(case, back=-1),
            says="this is one step late: the shorter rows have read one padded place",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: at_end(case, bias=0),
            says="the bias b is missing from the sum",
        ),
        Mistake(
            name="no-memory",
            value=lambda case: at_end(case, memory=0),
            says="the state is not carried on: W_hh h is missing, or h is zero at every step",
        ),
        Mistake(
            name="transposed",
            value=lambda case: at_end(case, turned=True),
            says="w_hh acts as its transpose: for states in rows the product is h @ w_hh.T",
        ),
    ),
)

# --- backward --------------------------------------------------------------------------------------------


def slopes(
    case,
    *,
    immediate=1.0,
    carry=1.0,
    slope=True,
    start=1.0,
    early=False,
    in_w=False,
    outside=False,
    zero=False,
):
    w, u, x, h = case
    h = 0.0 if zero else h
    by_u, by_start = 0.0, start
    for value in x:
        before, h = h, math.tanh(w * h + u * value)
        d = 1 - (before if early else h) ** 2 if slope else 1.0
        use = before if in_w else value  # what the weight is multiplied by
        inherited = carry * w * by_u
        by_u = d * immediate * use + inherited if outside else d * (immediate * use + inherited)
        by_start = d * w * by_start
    return float(by_u), float(by_start)


unit_slopes = Exercise(
    name="unit_slopes",
    difficulty=2,
    minutes=12,
    read="A weight that acts at every step",
    hints=(
        "Carry three numbers through the loop: the state, its slope in u, and its slope in h0.",
        "At every step dh/du has an immediate part, x_t, and an inherited one, w times the old slope.",
        "Start with by_u = 0 and by_start = 1; both are multiplied by 1 - h², with the new h.",
    ),
    cases=lambda rng: [
        (0.5, 1.0, [0.3], 0.2),
        (0.0, 0.7, [1.0, -0.4], 0.5),
        *(
            (float(w), float(u), rng.normal(size=n).tolist(), float(h))
            for n, (w, u, h) in zip((2, 4, 7), rng.normal(size=(3, 3)))
        ),
    ],
    expected=slopes,
    rtol=1e-11,
    atol=1e-12,
    mistakes=(
        Mistake(
            name="no-immediate",
            value=lambda case: slopes(case, immediate=0.0),
            says="dh/du stays 0: the immediate term, x_t at every step, is missing",
        ),
        Mistake(
            name="no-inherited",
            value=lambda case: slopes(case, carry=0.0),
            says="this counts the last use of u only: add w times the slope of the state before",
        ),
        Mistake(
            name="linear",
            value=lambda case: slopes(case, slope=False),
            says="the slope of tanh is missing: every step multiplies by 1 - h²",
        ),
        Mistake(
            name="in-w",
            value=lambda case: slopes(case, in_w=True),
            says="your first slope is the one in w: u multiplies x_t, so x_t is the immediate term here",
        ),
        Mistake(
            name="inherited-unbraked",
            value=lambda case: slopes(case, outside=True),
            says="the inherited term passes through the tanh as well: 1 - h² multiplies both terms",
        ),
        Mistake(
            name="power",
            value=lambda case: (slopes(case)[0], float(case[0] ** len(case[2]))),
            says="dh_T/dh_0 is not a power of w alone: every step multiplies by w and by 1 - h²",
        ),
        Mistake(
            name="h0-ignored",
            value=lambda case: slopes(case, zero=True),
            says="you started from the state 0: the first state is h0",
        ),
        Mistake(
            name="old-slope",
            value=lambda case: slopes(case, early=True),
            says="1 - h² belongs to the new state of the step, not to the one before",
        ),
        Mistake(
            name="start-zero",
            value=lambda case: slopes(case, start=0.0),
            says="dh_0/dh_0 is 1: the second slope starts there, not at 0",
        ),
        Mistake(
            name="swapped",
            value=lambda case: slopes(case)[::-1],
            says="the two are swapped: first the slope in u, then the one in h0",
        ),
    ),
)


def leaky_cases(rng):
    h, c, w, dy = map(np.array, ([[1.0], [0.5]], [[0.0]], [[2.0]], [[1.0]]))
    cases = [(h, c, w, 0.5, dy)]
    for t, hidden, alpha in ((1, 1, 0.5), (4, 3, 0.25), (6, 2, 0.7), (3, 2, 1.0)):
        w, h = rng.normal(size=(hidden, hidden)), [rng.normal(size=hidden)]
        c = []
        for _ in range(t):
            c.append(np.tanh(w @ h[-1] + rng.normal(size=hidden)))
            h.append((1 - alpha) * h[-1] + alpha * c[-1])
        cases.append((np.array(h), np.array(c), w, alpha, rng.normal(size=(t, hidden))))
    return cases


def leaky(
    case,
    *,
    leak=True,
    scale=True,
    of_state=False,
    later=0,
    turned=False,
    carry=1,
    flipped=False,
    kept=1,
    slope=1,
    short=False,
):
    h, c, w, alpha, dy = case
    dw, dh = np.zeros_like(w), np.zeros_like(h[0])
    for t in reversed(range(len(c))):
        heard = dh = carry * dh + dy[t]
        value = h[t + 1] if of_state else c[t]
        da = (alpha if scale else 1.0) * dh * (1 - slope * value**2)
        outer = np.outer(da, h[t + later])
        dw = kept * dw + (outer.T if flipped else outer)
        dh = (1 - alpha) * leak * dh + (w @ da if turned else da @ w)
    return dw, heard if short else dh


leaky_backward = Exercise(
    name="leaky_backward",
    difficulty=3,
    minutes=20,
    read="The whole network, backwards",
    hints=(
        "The old state reaches the new one in two ways: past the tanh, times 1 - α, and through it.",
        "Through the tanh: da = α δ (1 - c²), and a = … + W_h h_{t-1}.",
        "Backwards: dh += dy[t]; da as above; dw += outer(da, h[t]); dh = (1 - α) dh + W_hᵀ da.",
    ),
    cases=leaky_cases,
    expected=leaky,
    mistakes=(
        Mistake(
            name="no-leak",
            value=lambda case: leaky(case, leak=False),
            says="the way past the tanh is missing: (1 - α) of the gradient goes straight to the old state",
        ),
        Mistake(
            name="no-alpha",
            value=lambda case: leaky(case, scale=False),
            says="the gradient that goes through the tanh must be scaled by α",
        ),
        Mistake(
            name="slope-of-state",
            value=lambda case: leaky(case, of_state=True),
            says="the slope of the tanh is 1 - c²: the state h is a mixture and not the tanh's value",
        ),
        Mistake(
            name="later-state",
            value=lambda case: leaky(case, later=1),
            says="W_h multiplies the old state: step t uses h[t], where h[0] is the start",
        ),
        Mistake(
            name="not-transposed",
            value=lambda case: leaky(case, turned=True),
            says="going back through W_h needs its transpose: W_hᵀ da, which is da @ w_hh",
        ),
        Mistake(
            name="no-carry",
            value=lambda case: leaky(case, carry=0),
            says="every step hears its own output only: add dy[t] to what the next step said",
        ),
        Mistake(
            name="overwritten",
            value=lambda case: leaky(case, kept=0),
            says="every step overwrites the weight gradient: all steps share W_h, so add their parts up",
        ),
        Mistake(
            name="first-state",
            value=lambda case: leaky(case, short=True),
            says="your second result is the gradient of h_1: go back through step 1 as well",
        ),
        Mistake(
            name="alpha-swapped",
            value=lambda case: leaky((*case[:3], 1 - case[3], case[4])),
            says="α and 1 - α are exchanged: α belongs to the way through the tanh",
        ),
        Mistake(
            name="no-slope",
            value=lambda case: leaky(case, slope=0),
            says="the slope of the tanh, 1 - c², is missing",
        ),
        Mistake(
            name="swapped",
            value=lambda case: leaky(case)[::-1],
            says="the two are swapped: first the gradient of W_h, then that of h_0",
        ),
        Mistake(
            name="weight-transposed",
            value=lambda case: leaky(case, flipped=True),
            says="the weight gradient is transposed: row i belongs to unit i, np.outer(da, h[t])",
        ),
    ),
)


def bound(case, *, size=lambda w: np.linalg.norm(w, 2), slope=True, gamma=np.max, product=False):
    w, h, lag = case
    step = size(w) * (gamma(1 - h**2) if slope else 1.0)
    return float(step * lag if product else step**lag)


lag_bound = Exercise(
    name="lag_bound",
    difficulty=2,
    minutes=8,
    read="A product of Jacobians",
    hints=(
        "Two numbers multiply at every step: the most that W_h can stretch, and the largest slope.",
        "`np.linalg.norm(w, 2)` is the largest singular value of a matrix.",
        "(np.max(1 - h**2) * np.linalg.norm(w_hh, 2)) ** lag.",
    ),
    cases=lambda rng: [
        (np.array([[0.0, 4.0], [0.25, 0.0]]), np.array([[0.5, -0.6], [0.9, 0.8]]), 3),
        (rng.normal(size=(3, 3)) / 3, np.tanh(rng.normal(size=(5, 3))), 2),
        (rng.normal(size=(4, 4)), np.tanh(rng.normal(size=(6, 4))), 0),
        (rng.normal(size=(4, 4)) / 2, np.tanh(rng.normal(size=(6, 4))), 5),
    ],
    expected=bound,
    mistakes=(
        Mistake(
            name="radius",
            value=lambda case: bound(case, size=lambda w: np.abs(np.linalg.eigvals(w)).max()),
            says="this is the spectral radius: a single step can stretch by the largest singular value",
        ),
        Mistake(
            name="frobenius",
            value=lambda case: bound(case, size=np.linalg.norm),
            says="this is the Frobenius norm, NumPy's default: ask for the 2-norm, np.linalg.norm(w, 2)",
        ),
        Mistake(
            name="no-slope",
            value=lambda case: bound(case, slope=False),
            says="the slopes are missing: every step also multiplies by at most γ = max(1 - h²)",
        ),
        Mistake(
            name="mean-slope",
            value=lambda case: bound(case, gamma=np.mean),
            says="a bound must cover the worst case: γ is the largest slope, not the mean",
        ),
        Mistake(
            name="smallest-slope",
            value=lambda case: bound(case, gamma=np.min),
            says="this is the smallest slope, that of the largest |h|: γ is the largest",
        ),
        Mistake(
            name="signed",
            value=lambda case: bound((case[0], np.min(case[1]), case[2])),
            says="the largest slope is that of the state nearest to 0, not of the most negative one",
        ),
        Mistake(
            name="slope-once",
            value=lambda case: bound(case, slope=False) * float(np.max(1 - case[1] ** 2)),
            says="γ stands once: every one of the lag's steps multiplies by it, so it is raised as well",
        ),
        Mistake(
            name="squared",
            value=lambda case: bound(case, size=lambda w: np.linalg.norm(w, 2) ** 2),
            says="this is the eigenvalue of WᵀW: the singular value is its square root",
        ),
        Mistake(
            name="times-lag",
            value=lambda case: bound(case, product=True),
            says="the steps multiply: raise the factor to the power lag",
        ),
    ),
)

# --- sequence to sequence --------------------------------------------------------------------------------


def rows_of(case, *, front=True, end=True, fed_end=False, left=False, filler=None, filled=True, behind=False):
    rows, bos, eos, pad = case
    fed = [[bos] * front + list(row) + [eos] * fed_end for row in rows]
    wanted = [list(row) + [eos] * end for row in rows]
    width = max(len(row) for row in fed + wanted)
    filler = pad if filler is None else filler

    def fill(row):
        padding = [filler] * (width - len(row)) * filled
        return padding + row if left else row + padding

    if behind:
        wanted = [fill(row[:-1])[:-1] + [eos] for row in wanted]
    return [fill(row) for row in fed], [fill(row) for row in wanted]


teacher_rows = Exercise(
    name="teacher_rows",
    difficulty=1,
    minutes=8,
    read="Three pieces of craft",
    hints=(
        "Both rows are one token longer than the target, fed at the front and wanted at the end.",
        "The common length is that of the longest row, plus one.",
        "[bos, *row] and [*row, eos], each followed by [pad] * (width - its length).",
    ),
    cases=lambda rng: [
        ([[7, 8], []], 1, 2, 0),
        ([[5, 6, 7]], 1, 2, 0),
        ([[]], 1, 2, 0),
        ([[4], [5, 6, 4], [6, 6]], 10, 11, 9),
        ([rng.integers(4, 9, n).tolist() for n in (3, 1, 5)], 1, 2, 0),
    ],
    expected=rows_of,
    mistakes=(
        Mistake(
            name="no-bos",
            value=lambda case: rows_of(case, front=False),
            says="the fed rows lack <bos>: then the decoder would see each token that it has to say",
        ),
        Mistake(
            name="no-eos",
            value=lambda case: rows_of(case, end=False),
            says="the wanted rows lack <eos>: the decoder would never learn to stop",
        ),
        Mistake(
            name="fed-eos",
            value=lambda case: rows_of(case, fed_end=True),
            says="<eos> is never fed: after it nothing more is to be said",
        ),
        Mistake(
            name="left",
            value=lambda case: rows_of(case, left=True),
            says="the rows are filled up on the left: padding belongs on the right",
        ),
        Mistake(
            name="eos-behind",
            value=lambda case: rows_of(case, behind=True),
            says="<eos> stands behind the padding: it follows the row's own last token",
        ),
        Mistake(
            name="zeros",
            value=lambda case: rows_of(case, filler=0),
            says="you filled up with 0: use the token `pad`, which may be another number",
        ),
        Mistake(
            name="ragged",
            value=lambda case: rows_of(case, filled=False),
            says="the rows differ in length: fill all of them up to one common length",
        ),
        Mistake(
            name="swapped",
            value=lambda case: rows_of(case)[::-1],
            says="the two are swapped: first what is fed, then what is wanted",
        ),
    ),
)


def loss_of(case, *, padding=None, everywhere=False, rows=False, mean=True, base=1.0, stable=True, axis=-1):
    scores, wanted, pad = case
    with np.errstate(all="ignore"):
        shifted = scores - scores.max(axis=axis, keepdims=True) if stable else scores
        losses = np.log(np.exp(shifted).sum(axis=axis, keepdims=True)) - shifted  # (N, T, V)
        losses = np.take_along_axis(losses, wanted[..., None], axis=-1)[..., 0] / base
    real = wanted != (pad if padding is None else padding)
    if rows:
        return float(np.mean([losses[n][real[n]].mean() for n in range(len(wanted))]))
    if not mean:
        return float(losses[real].sum())
    return float(losses[real].sum() / (wanted.size if everywhere else real.sum()))


def loss_cases(rng):
    cases = []
    for n, t, v, pad in ((1, 3, 4, 0), (3, 5, 6, 0), (2, 4, 5, 3)):
        wanted = np.where(rng.random((n, t)) < 0.4, 1, 2)
        wanted[0, -1] = wanted[0, 1] = 4 if pad else 3
        for row in range(n):
            if row or n == 1:
                wanted[row, t - 1 - row % 2 :] = pad
        if pad:
            wanted[0, 0] = 0  # here 0 is a token like any other
        cases.append((rng.normal(size=(n, t, v)), wanted, pad))
    scores, wanted, pad = cases[1]
    return [*cases, (1000 * scores.round(1), wanted, pad)]


masked_loss = Exercise(
    name="masked_loss",
    difficulty=2,
    minutes=12,
    read="Three pieces of craft",
    hints=(
        "The loss of one place is log Σ exp(scores) minus the score of the wanted token.",
        "Subtract each place's largest score first; `np.take_along_axis` picks the wanted scores.",
        "With losses (N, T) and real = wanted != pad, the answer is losses[real].mean().",
    ),
    cases=loss_cases,
    expected=loss_of,
    mistakes=(
        Mistake(
            name="all-places",
            value=lambda case: loss_of(case, padding=-1),
            says="the padded places are counted: leave out those whose wanted token is pad",
        ),
        Mistake(
            name="divided-by-all",
            value=lambda case: loss_of(case, everywhere=True),
            says="the sum is right, but divided by all places: divide by the number of real ones",
        ),
        Mistake(
            name="rows-first",
            value=lambda case: loss_of(case, rows=True),
            says="you took the mean of the rows' means: every token counts the same, whatever its row",
        ),
        Mistake(
            name="sum",
            value=lambda case: loss_of(case, mean=False),
            says="this is the sum over the real places: return their mean",
        ),
        Mistake(
            name="by-rows",
            value=lambda case: loss_of(case, mean=False) / len(case[0]),
            says="you divided by the number of rows: divide by the number of real places",
        ),
        Mistake(
            name="sign",
            value=lambda case: -loss_of(case),
            says="the sign is wrong: the loss is minus the log of a probability, so never negative",
        ),
        Mistake(
            name="over-steps",
            value=lambda case: loss_of(case, axis=1),
            says="your softmax runs over the steps: each place's probabilities run over the last axis, V",
        ),
        Mistake(
            name="zero-is-padding",
            value=lambda case: loss_of(case, padding=0),
            says="you left out the token 0: leave out `pad`, which may be another number",
        ),
        Mistake(
            name="bits",
            value=lambda case: loss_of(case, base=math.log(2)),
            says="this is in bits: use the natural logarithm",
        ),
        Mistake(
            name="overflow",
            value=lambda case: loss_of(case, stable=False),
            says="exp overflows for large scores: subtract the largest score of each place first",
        ),
    ),
)


def stepper(table):
    """A decoder whose state is a counter: the scores are table[state, token]."""

    def step(token, state):
        return table[state % len(table), token].copy(), state + 1

    return step


def walk(case, *, limit=0, feed=True, carry=True, keep_eos=False, keep_bos=False, stop=True, pick=np.argmax):
    table, bos, eos, longest = case
    token, state, written = bos, 0, []
    while len(written) < longest + limit:
        token = int(pick(table[state % len(table), token if feed else bos]))
        state += carry
        if token == eos and stop:
            return [bos] * keep_bos + written + [eos] * keep_eos
        written.append(token)
    return [bos] * keep_bos + written


def greedy_cases(rng):
    """One case that ends by itself after some tokens, one that meets the limit, and limits of 1 and 0."""
    ends, runs = None, None
    while ends is None or runs is None:
        case = rng.normal(size=(5, 6, 6)), 1, 2, 8
        case[0][..., 1] -= 10  # <bos> is never the likeliest
        length = len(walk(case))
        apart = [walk(case, feed=False), walk(case, carry=False), walk(case, pick=np.argmin)]
        if walk(case) in apart:
            continue
        ends = case if 2 <= length <= 4 else ends
        runs = (*case[:3], 5) if length == 8 else runs
    return [ends, runs, (*runs[:3], 1), (*ends[:3], 0)]


greedy_tokens = Exercise(
    name="greedy_tokens",
    difficulty=2,
    minutes=10,
    read="Three pieces of craft",
    any_number=True,
    call=lambda answer, case: answer(stepper(case[0]), 0, *case[1:]),
    describe=lambda case: f"a decoder over 6 tokens, bos={case[1]}, eos={case[2]}, longest={case[3]}",
    hints=(
        "Keep the last token, the state and the list of what was written; begin with bos and an empty list.",
        "Each turn: scores, state = step(token, state), then the position of the largest score.",
        "Leave the loop at eos, before appending it, or when the list has `longest` tokens.",
    ),
    cases=greedy_cases,
    expected=walk,
    mistakes=(
        Mistake(
            name="keeps-eos",
            value=lambda case: walk(case, keep_eos=True),
            says="<eos> is in the answer: it says where to stop and is not part of the text",
        ),
        Mistake(
            name="keeps-bos",
            value=lambda case: walk(case, keep_bos=True),
            says="<bos> is in the answer: it is fed first and never written",
        ),
        Mistake(
            name="no-feedback",
            value=lambda case: walk(case, feed=False),
            says="the decoder is fed <bos> every time: feed back the token that was written last",
        ),
        Mistake(
            name="state-lost",
            value=lambda case: walk(case, carry=False),
            says="the state is not carried on: pass on the one that step returned",
        ),
        Mistake(
            name="one-too-many",
            value=lambda case: walk(case, limit=1),
            says="there is one token too many: stop as soon as `longest` tokens are written",
        ),
        Mistake(
            name="one-too-few",
            value=lambda case: walk(case, limit=-1),
            says="there is one token too few: the limit counts the written tokens, not <bos> or <eos>",
        ),
        Mistake(
            name="no-stop",
            value=lambda case: walk(case, stop=False),
            says="the writing goes on after <eos>: stop there",
        ),
        Mistake(
            name="lowest",
            value=lambda case: walk(case, pick=np.argmin),
            says="this takes the lowest score: greedy decoding takes the highest",
        ),
    ),
)

# --- forecasts and text ----------------------------------------------------------------------------------


def naive(case, *, period=None, test=None, late=0, root=True, absolute=False, repeat=False):
    series, own_period, own_test = case
    period = own_period if period is None else period
    test = own_test if test is None else test(case)
    start, period = len(series) - test, period + late
    forecast = series[start - period : len(series) - period]
    if repeat:  # the last season before the test part, again and again
        season = series[len(series) - own_test - own_period : len(series) - own_test]
        forecast = np.resize(season, test)
    errors = series[start:] - forecast
    if absolute:
        return float(np.abs(errors).mean())
    return float(np.sqrt(np.mean(errors**2)) if root else np.mean(errors**2))


seasonal_rmse = Exercise(
    name="seasonal_rmse",
    difficulty=1,
    minutes=6,
    read="Forecasting",
    hints=(
        "The forecasts are the same series, moved by `period`: two slices of the same length.",
        "The test part starts at len(series) - test, its forecasts `period` earlier.",
        "series[start:] - series[start - period : len(series) - period], squared, mean, root.",
    ),
    cases=lambda rng: [
        (np.array([1.0, 2.0, 4.0, 1.5, 3.0, 7.0, 0.0]), 3, 2),
        (rng.normal(size=20).cumsum(), 4, 9),
        (rng.normal(size=15).cumsum(), 6, 3),
        (rng.normal(size=30).cumsum(), 7, 20),
    ],
    expected=naive,
    mistakes=(
        Mistake(
            name="last-value",
            value=lambda case: naive(case, period=1),
            says="this repeats the last value: the forecast is the value one period earlier",
        ),
        Mistake(
            name="off-by-one",
            value=lambda case: naive(case, late=1),
            says="the forecasts are one step too early: move the slice by exactly `period`",
        ),
        Mistake(
            name="late",
            value=lambda case: naive(case, late=-1),
            says="the forecasts are one step too late: move the slice by exactly `period`",
        ),
        Mistake(
            name="whole-series",
            value=lambda case: naive(case, test=lambda case: len(case[0]) - case[1]),
            says="this is the error on the whole series: only the last `test` values count",
        ),
        Mistake(
            name="repeated-season",
            value=lambda case: naive(case, repeat=True),
            says="you repeat the last season before the test part: use the value one period earlier",
        ),
        Mistake(
            name="mse",
            value=lambda case: naive(case, root=False),
            says="this is the mean squared error: take the root",
        ),
        Mistake(
            name="mae",
            value=lambda case: naive(case, absolute=True),
            says="this is the mean absolute error: square before the mean, and take the root after it",
        ),
    ),
)


def bigram(
    case,
    *,
    base=2,
    divisor=None,
    turned=False,
    joint=False,
    columns=False,
    alone=False,
    once=False,
    distinct=False,
    last=False,
    source=None,
):
    train, test, size, add = case
    counts = np.full((size, size), float(add))
    text = train if source is None else source(case)
    pairs = list(zip(text, text[1:]))
    for a, b in set(pairs) if distinct else pairs:
        counts[(b, a) if turned else (a, b)] += 1
    if alone:  # how often each token occurs, whatever stood before it
        counts = np.broadcast_to(np.bincount(train, minlength=size) + float(add), (size, size))
    total = counts.sum() if joint else counts.sum(axis=0 if columns else 1, keepdims=True)
    if last:  # the text's last token is counted although nothing follows it
        total = total + (np.arange(size) == train[-1])[:, None]
    p = counts / (total - (size - 1) * add if once else total)
    losses = [-math.log(p[a, b]) / math.log(base) for a, b in zip(test, test[1:])]
    return float(sum(losses) / (len(losses) if divisor is None else divisor(case)))


bigram_bits = Exercise(
    name="bigram_bits",
    difficulty=2,
    minutes=12,
    read="Writing text, character by character",
    hints=(
        "Count the pairs of neighbours in `train` in a table with a row for the first of each pair.",
        "Start the table at `add` instead of 0, and divide each row by its sum.",
        "The mean of -np.log2(p[a, b]) over zip(test, test[1:]).",
    ),
    cases=lambda rng: [
        ([0, 1, 0, 1, 1], [1, 0, 1], 2, 0.5),
        ([0, 1, 2, 0, 1, 2, 2], [2, 2, 0, 3], 4, 0.1),
        (rng.integers(0, 5, 40).tolist(), rng.integers(0, 5, 12).tolist(), 5, 1.0),
    ],
    expected=bigram,
    mistakes=(
        Mistake(
            name="nats",
            value=lambda case: bigram(case, base=math.e),
            says="this is in units of the natural logarithm: bits need log2",
        ),
        Mistake(
            name="total",
            value=lambda case: bigram(case, divisor=lambda case: 1),
            says="this is the total: return the mean over the pairs",
        ),
        Mistake(
            name="per-character",
            value=lambda case: bigram(case, divisor=lambda case: len(case[1])),
            says="you divided by len(test): the first character is not predicted, so there is one pair less",
        ),
        Mistake(
            name="turned",
            value=lambda case: bigram(case, turned=True),
            says="rows and columns are swapped: count (a, b) where b comes after a",
        ),
        Mistake(
            name="joint",
            value=lambda case: bigram(case, joint=True),
            says="this is the probability of the pair: divide each row by its own sum",
        ),
        Mistake(
            name="columns",
            value=lambda case: bigram(case, columns=True),
            says="you divided by the sums of the columns: the row of the earlier token must add up to 1",
        ),
        Mistake(
            name="distinct",
            value=lambda case: bigram(case, distinct=True),
            says="repeated pairs count once: `counts[a, b] += 1` with arrays does that; loop, or np.add.at",
        ),
        Mistake(
            name="last-token",
            value=lambda case: bigram(case, last=True),
            says="you counted the last token of `train` as well: nothing follows it, so it begins no pair",
        ),
        Mistake(
            name="sign",
            value=lambda case: -bigram(case),
            says="the sign is wrong: bits are minus the logarithm",
        ),
        Mistake(
            name="unigram",
            value=lambda case: bigram(case, alone=True),
            says="this ignores what stood before: the counts must depend on the previous character",
        ),
        Mistake(
            name="add-once",
            value=lambda case: bigram(case, once=True),
            says="`add` goes to each of the row's counts, so the row's sum grows by size · add",
        ),
        Mistake(
            name="from-test",
            value=lambda case: bigram(case, source=lambda case: case[1]),
            says="you counted in `test`: the model may know the training text only",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

sequence_patterns = Match(
    name="sequence_patterns",
    difficulty=1,
    minutes=3,
    read="One network, many steps",
    question="Which pattern fits which task?",
    pairs=(
        ("is this film review positive?", "many to one", "All is read, and one answer is given at the end."),
        ("describe a picture in words", "one to many", "One input starts the state; then words are written."),
        ("mark the verbs of a sentence", "many to many, in step", "Every word gets its own answer."),
        (
            "translate a sentence",
            "encoder-decoder",
            "The translation may be longer or shorter, and its first word may hang on the last one read.",
        ),
    ),
)

printed_states = Predict(
    name="printed_states",
    difficulty=1,
    minutes=3,
    read="One network, many steps",
    question="A recurrent unit without tanh and bias. What does this print?",
    code="h = 0\nfor x in [1, 0, 0, 2]:\n    h = 2 * h + x\nprint(h)",
    answer="10",
    says="The states are 1, 2, 4 and 2 · 4 + 2 = 10: the first input has been doubled three times.",
    wrong={
        "3": "This is the plain sum of the inputs: the old state is doubled at every step.",
        "2": "This is the last input alone: the old state counts as well.",
        "20": "Here x was added before the doubling: it is added to the state that is already doubled.",
        "18": "The first input is doubled three times, not four: at its own step it is added as it is.",
    },
)

bptt_order = Order(
    name="bptt_order",
    difficulty=2,
    minutes=3,
    read="The whole network, backwards",
    question="One turn of the backward loop, at step t: bring the lines into order.",
    steps=(
        ("dh = dh + dy[t]", "First collect: what the next step said, and now what this step's output says."),
        ("da = dh * (1 - h[t + 1] ** 2)", "Then through the tanh, with the slope at this step's new state."),
        (
            "dw_hh = dw_hh + outer(da, h[t])",
            "This step's share of the weights' gradient needs da; it is added to the shares of the others.",
        ),
        ("dh = w_hh.T @ da", "Last, what this step tells the one before it; this overwrites dh."),
    ),
)

memory_needed = Choice(
    name="memory_needed",
    difficulty=2,
    minutes=3,
    read="A test of memory that needs none",
    question="Tokens are drawn independently and uniformly. Which of these tasks need a memory? Tick all.",
    options=(
        Option(
            text="At each step, say (3 · current token + 1) mod 7.",
            says="A table with seven rows does it: the answer depends on the current token alone.",
        ),
        Option(
            text="At each step, say whether the current token equals the one before.",
            says="Right. One token has to be kept for one step.",
            right=True,
        ),
        Option(
            text="After the last step, name the most frequent token.",
            says="Right. The counts of all tokens have to be carried to the end.",
            right=True,
        ),
        Option(
            text="At each step, say the next token of the sequence.",
            says="The tokens are independent: no memory makes the guess any better than chance.",
        ),
    ),
)

orthogonal_start = Choice(
    name="orthogonal_start",
    difficulty=2,
    minutes=3,
    read="Measured",
    question="At T = 20 recall fails from the uniform start and works from the orthogonal one. What follows? "
    "Tick all.",
    options=(
        Option(
            text="The plain recurrent network can represent a memory of 20 steps.",
            says="Right. The second run is such a network, so the failure of the first is one of training.",
            right=True,
        ),
        Option(
            text="The faded gradient at the start was an obstacle on this task.",
            says="Right. The starts were chosen to differ in that; nothing else in the recipe was changed.",
            right=True,
        ),
        Option(
            text="With an orthogonal start, gradients no longer vanish.",
            says="They still do, more slowly: the slopes 1 - h² multiply at every step, and W_h will move.",
        ),
        Option(
            text="An orthogonal start makes every long task learnable.",
            says="One task cannot show that, and the adding problem of chapter 18 is a counter-example.",
        ),
    ),
)

ENTRIES = (
    sequence_patterns,
    printed_states,
    rust_rnn_step,
    unit_slopes,
    bptt_order,
    leaky_backward,
    memory_needed,
    lag_bound,
    orthogonal_start,
    last_states,
    teacher_rows,
    masked_loss,
    greedy_tokens,
    seasonal_rmse,
    bigram_bits,
)
