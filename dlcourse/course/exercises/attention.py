"""Exercises of 20_attention: what is asked, which mistakes are known, and what to say about them."""

import math
import numbers

import numpy as np

from dlcourse.course.exercises import (
    Choice,
    Exercise,
    Match,
    Mistake,
    Option,
    Order,
    Predict,
)


def mistakes(function, table):
    """Mistakes that are one flag of `function(*case, **flags)` each: rows (name, flags, words)."""
    return tuple(
        Mistake(name=name, value=lambda case, flags=flags: function(*case, **flags), says=says)
        for name, flags, says in table
    )


# --- A soft look-up --------------------------------------------------------------------------------------


def softmax(z, axis=-1):
    z = z - z.max(axis=axis, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=axis, keepdims=True)


def attend(
    q,
    k,
    v,
    *,
    power=0.5,
    axis=-1,
    size=None,
    stable=True,
    average=False,
    hard=False,
    late=False,
    lone=False,
    most=None,
):
    width = size(q, k, v) if size else q.shape[-1]
    z = q @ k.T / (1 if late else width**power)
    if most is not None:
        z = np.clip(z, -most, most)
    if stable:
        weights = softmax(z, axis)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            weights = np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)
    if lone:
        with np.errstate(invalid="ignore"):
            weights = np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=axis, keepdims=True)
    if late:
        weights = weights / width**power
    if average:
        weights = z / len(k)
    if hard:
        weights = (z == z.max(axis=axis, keepdims=True)).astype(float)
    return weights @ v, weights


def attend_cases(rng):
    def draw(T, S, E, D):
        return rng.normal(size=(T, E)), rng.normal(size=(S, E)), rng.normal(size=(S, D))

    large = draw(3, 4, 2, 3)
    return [
        (np.array([[1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0], [0.0]])),
        draw(2, 3, 5, 2),
        draw(4, 1, 3, 2),
        (np.array([[900.0], [-900.0]]), np.array([[1.0], [2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])),
        (3000 * large[0], *large[1:]),
        draw(7, 5, 3, 4),
    ]


attend_exercise = Exercise(
    name="attend_rows",
    difficulty=1,
    minutes=10,
    read="A soft look-up",
    cases=attend_cases,
    expected=lambda case: attend(*case),
    hints=(
        "All scores at once are one matrix product: row t, column s is the product of query t and key s.",
        "Divide by √E, subtract each row's largest score, take exp, divide each row by its sum.",
        "weights = softmax(q @ k.T / np.sqrt(q.shape[1])) along axis 1, and y = weights @ v.",
    ),
    mistakes=mistakes(
        attend,
        (
            ("no-scale", {"power": 0}, "the scores are not divided by √E, the root of the queries' width"),
            ("scale-e", {"power": 1}, "you divided by E: it is its square root"),
            (
                "scale-s",
                {"size": lambda q, k, v: len(k)},
                "you divided by the root of the number of keys: it is the *width* of a query that counts",
            ),
            (
                "scale-t",
                {"size": lambda q, k, v: len(q)},
                "you divided by the root of the number of queries: it is the *width* of a query that counts",
            ),
            (
                "scale-v",
                {"size": lambda q, k, v: v.shape[1]},
                "you divided by the root of the values' width: the width of queries and keys counts",
            ),
            ("late-scale", {"late": True}, "divide the *scores* by √E, before the softmax, not the weights"),
            (
                "one-largest",
                {"lone": True},
                "one largest score for all rows lets other rows underflow to 0/0: take each row's",
            ),
            (
                "wrong-axis",
                {"axis": 0},
                "your columns add up to 1: each *query* shares out one unit of attention, so the rows must",
            ),
            (
                "whole-table",
                {"axis": None},
                "all weights together add up to 1: each *query* has one unit of attention, so each row must",
            ),
            (
                "overflow",
                {"stable": False},
                "exp overflows for large scores: subtract the largest score of each row first",
            ),
            (
                "clipped",
                {"most": 700.0},
                "clipping makes large scores equal: subtract the largest score of each row instead",
            ),
            ("no-softmax", {"average": True}, "these are scores over S, no softmax: weights are positive"),
            ("hard", {"hard": True}, "you took the best key alone: the softmax gives every key a share"),
        ),
    ),
)

equal_keys = Predict(
    name="equal_keys",
    difficulty=1,
    minutes=2,
    read="A soft look-up",
    question="Three keys are equal, the values are not. What does this print?",
    code=(
        "scores = np.array([2.0, 2.0, 2.0])\n"
        "weights = np.exp(scores) / np.exp(scores).sum()\n"
        "print(round(weights @ np.array([1.0, 2.0, 6.0]), 1))"
    ),
    answer="3.0",
    says="Equal scores, however large, give equal weights: a third each, and the mean of 1, 2 and 6 is 3.",
    wrong={
        "6.0": "The largest *value* has no advantage: the weights come from queries and keys alone.",
        "9.0": "The weights add up to 1, so the result is a mean, not a sum.",
        "2.0": "That is the middle value; the result is the weighted mean.",
    },
)

# --- Why the root ----------------------------------------------------------------------------------------


def product_scale(
    width,
    var_q,
    var_k,
    *,
    power=0.5,
    squared=False,
    added=False,
    plain=False,
    flip=False,
    half=False,
    wide=False,
):
    spread = var_q + var_k if added else var_q**2 * var_k**2 if squared else var_q * (1 if half else var_k)
    value = (width ** (2 if wide else 1) * (1.0 if plain else spread)) ** power
    return value if flip else 1 / value


scale_exercise = Exercise(
    name="product_scale",
    difficulty=2,
    minutes=8,
    read="Why the root of the width",
    any_number=True,
    cases=lambda rng: [(4, 1.0, 1.0), (64, 1.0, 4.0), (9, 0.25, 2.0), (1, 3.0, 3.0), (50, 0.01, 0.3)],
    expected=lambda case: product_scale(*case),
    hints=(
        "What is the variance of one product of two independent numbers with mean 0?",
        "It is var_q * var_k, and the variances of `width` independent products add up.",
        "Multiplying by s multiplies the variance by s²: so s = 1 / sqrt(width * var_q * var_k).",
    ),
    mistakes=mistakes(
        product_scale,
        (
            ("variance", {"power": 1}, "this makes the variance 1/variance: s enters squared, take the root"),
            ("width-only", {"plain": True}, "right for variances of 1 only: var_q and var_k count as well"),
            ("half", {"half": True}, "the variance of the key's entries is missing"),
            ("sum", {"added": True}, "the variance of a *product* is the product of the variances here"),
            ("squared", {"squared": True}, "var_q and var_k are variances already: do not square them"),
            ("wide", {"wide": True}, "the width stands outside your root: it is a part of the variance"),
            ("inverse", {"flip": True}, "this is what to divide by: return the factor"),
        ),
    ),
)

# --- Backward --------------------------------------------------------------------------------------------


def attend_back(
    dy,
    q,
    k,
    v,
    weights,
    *,
    mean=True,
    power=0.5,
    swapped=False,
    global_mean=False,
    raw=False,
    jacobian=True,
    axis=1,
    own=False,
    sign=1,
    values=False,
    one_scale=False,
    averaged=False,
    weightless=False,
):
    s = sign * (v if values else q).shape[-1] ** -power
    dp = dy @ v.T
    taken = (dp * weights).sum(axis=axis, keepdims=True) if mean else 0.0
    if global_mean:
        taken = dp.mean(axis=1, keepdims=True)
    if own:
        taken = weights * dp
    if averaged:
        taken = taken / len(k)
    dz = (1 if weightless else weights) * (dp - taken) if jacobian else dp
    dq, dk = s * dz @ k, (sign if one_scale else s) * dz.T @ q
    if swapped and dq.shape == dk.shape:
        dq, dk = dk, dq
    dv = v * dy.sum() if raw else weights.T @ dy
    return dq, dk, dv


def back_cases(rng):
    cases = []
    for T, S, E, D in ((1, 2, 2, 1), (3, 4, 2, 5), (4, 4, 3, 2), (5, 2, 7, 3)):
        q, k, v, dy = (rng.normal(size=s) for s in ((T, E), (S, E), (S, D), (T, D)))
        cases.append((dy, q, k, v, attend(q, k, v)[1]))
    return cases


back_exercise = Exercise(
    name="attend_back",
    difficulty=3,
    minutes=25,
    read="The way back",
    cases=back_cases,
    expected=lambda case: attend_back(*case),
    describe=lambda case: f"T = {len(case[1])}, S = {len(case[2])}, E = {case[1].shape[1]}",
    hints=(
        "Go backwards through y = P v, P = softmax(z), z = q kᵀ / √E, one at a time.",
        "For the softmax: dz = P * (dP - the sum of P * dP over each row), with dP = dy @ v.T.",
        "dq = dz @ k / √E, dk = dz.T @ q / √E, dv = P.T @ dy.",
    ),
    mistakes=mistakes(
        attend_back,
        (
            ("no-mean", {"mean": False}, "the softmax also takes off each row's mean gradient, Σ P·dP"),
            ("plain-mean", {"global_mean": True}, "the mean that is taken off is weighted by P"),
            (
                "no-softmax",
                {"jacobian": False},
                "you went past the softmax: z and P have different gradients",
            ),
            (
                "averaged",
                {"averaged": True},
                "Σ P·dP is a weighted mean already, for the weights add up to 1: sum, do not average",
            ),
            (
                "weightless",
                {"weightless": True},
                "each score's gradient carries the factor P: dz = P * (dP - mean)",
            ),
            ("columns", {"axis": 0}, "the mean that is taken off is that of a *row*: sum over the keys"),
            (
                "diagonal",
                {"own": True},
                "p(1 - p) is the diagonal alone: each score changes the other weights, too",
            ),
            ("sign", {"sign": -1}, "the gradients of q and k have the wrong sign: dP minus the mean"),
            ("scale-twice", {"power": 1}, "you divided by √E twice: each of dq and dk has the factor once"),
            ("one-scale", {"one_scale": True}, "dk lacks the factor 1/√E: q and k both have it"),
            ("scale-v", {"values": True}, "E is the width of queries and keys, not that of the values"),
            ("no-scale", {"power": 0}, "dq and dk lack the factor 1/√E, by which z was divided"),
            ("swapped", {"swapped": True}, "dq and dk stand in the wrong order"),
            ("value", {"raw": True}, "dv is Pᵀ dy: each value gets back what it gave to each query"),
        ),
    ),
)

backward_order = Order(
    name="attention_order",
    difficulty=1,
    minutes=3,
    read="The way back",
    question="The backward pass of attention, in order:",
    steps=(
        ("dy arrives from above.", "Everything starts from the gradient of the output."),
        ("dv = Pᵀ dy and dP = dy vᵀ.", "Output is the product of weights and values: both get a share."),
        ("dz = P ⊙ (dP − row sums of P ⊙ dP).", "Through the softmax, row by row; it needs dP."),
        ("dq = dz k/√E and dk = dzᵀ q/√E.", "Scores are a scaled product, so they come after dz."),
        (
            "The three are sent through their affine maps and added.",
            "In self-attention one x has fed all three: its gradients add up.",
        ),
    ),
)


def rust(value):
    """A Python value as a Rust literal: float, or a list of them."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return f"[{', '.join(map(rust, value))}]" if isinstance(value, list) else repr(float(value))


def rust_main(cases):
    blocks = []
    for q, k, v in cases:
        rows = ", ".join(f"vec!{rust(row)}" for row in k), ", ".join(f"vec!{rust(row)}" for row in v)
        blocks.append(
            f"{{ let (k, v): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (vec![{rows[0]}], vec![{rows[1]}]); "
            f'results.push(format!("{{:?}}", attend(&{rust(q)}, &k, &v))); }}'
        )
    # NaN is no JSON: it is told as null
    return (
        "fn main() {\n    let mut results: Vec<String> = Vec::new();\n    "
        + "\n    ".join(blocks)
        + '\n    println!("[{}]", results.join(", ").replace("NaN", "null").replace("inf", "null"));\n}'
    )


def rust_cases(rng):
    cases = [(np.array([1.0, 0.0]), np.array([[1.0, 0], [0, 1], [1, 0]]), np.array([[1.0], [5], [3]]))]
    for S, E, D in ((2, 3, 4), (5, 4, 2), (1, 2, 3)):
        cases.append((rng.normal(size=E), rng.normal(size=(S, E)), rng.normal(size=(S, D))))
    q, k, v = rng.normal(size=2), rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    return [*cases, (5000 * q, k, v), (np.array([-900.0, -900.0]), np.ones((2, 2)), np.eye(2))]


def rust_attend(q, k, v, **flags):
    y = attend(q[None], k, v, **flags)[0][0]
    return [float(value) if math.isfinite(value) else None for value in y]


def unnormalised(q, k, v):
    z = k @ q / math.sqrt(len(q))
    return (np.exp(z - z.max()) @ v).tolist()


rust_exercise = Exercise(
    name="rust_attend",
    language="rust",
    difficulty=2,
    minutes=20,
    read="The way back",
    program=rust_main,
    cases=rust_cases,
    expected=lambda case: rust_attend(*case),
    describe=lambda case: f"a query of width {len(case[0])} and {len(case[1])} keys",
    hints=(
        "First all scores: `keys.iter().map(|key| ...)`, each a sum over `query.iter().zip(key)`.",
        "`scores.iter().copied().fold(f64::NEG_INFINITY, f64::max)` is the largest; subtract it before exp.",
        "Start with `vec![0.0; values[0].len()]` and add weight / total times each row of the values.",
    ),
    mistakes=(
        *mistakes(
            rust_attend,
            (
                ("no-scale", {"power": 0}, "the scores are not divided by √E"),
                ("scale-e", {"power": 1}, "you divided by E: it is its square root"),
                (
                    "scale-s",
                    {"size": lambda q, k, v: len(k)},
                    "divide by the root of the width, not of how many keys",
                ),
                ("overflow", {"stable": False}, "0/0 or ∞/∞: subtract the largest score before exp"),
                ("hard", {"hard": True}, "you took the best key alone: every key gets a share"),
            ),
        ),
        Mistake(
            name="unnormalised",
            value=lambda case: unnormalised(*case),
            says="the weights do not add up to 1: divide by their sum",
        ),
        Mistake(
            name="start-at-zero",
            value=lambda case: rust_attend(*case) if case[0][0] != -900 else [None, None],
            says="scores may all be far below 0: begin the search for the largest at f64::NEG_INFINITY",
        ),
    ),
)

# --- Masks -----------------------------------------------------------------------------------------------


def look_mask(
    lengths,
    T,
    causal,
    *,
    inverted=False,
    strict=False,
    ignore=None,
    queries=False,
    late=0,
    upper=False,
    union=False,
    both=False,
    longest=False,
):
    lengths = np.asarray(lengths)
    lengths = np.full_like(lengths, lengths.max()) if longest else lengths
    real = np.arange(T) < lengths[:, None] + late  # (N, T)
    mask = np.repeat(real[:, :, None] if queries else real[:, None, :], T, axis=2 if queries else 1)
    if both:
        mask = mask & real[:, :, None]
    if ignore == "padding":
        mask = np.ones_like(mask)
    if ignore == "flag" or (causal and ignore != "causal"):
        past = np.tri(T, k=-1 if strict else 0, dtype=bool)
        past = past.T if upper else past
        mask = mask | past if union else mask & past
    return ~mask if inverted else mask


mask_exercise = Exercise(
    name="look_mask",
    difficulty=2,
    minutes=12,
    read="Who may look where",
    cases=lambda rng: [
        (np.array([2]), 3, False),
        (np.array([3]), 3, True),
        (np.array([1, 4, 2]), 4, True),
        (np.array([5, 3]), 5, False),
        (np.array([1]), 1, True),
    ],
    expected=lambda case: look_mask(*case),
    hints=(
        "Padding concerns keys: `np.arange(T) < lengths[:, None]` says which are real, (N, T).",
        "Give the real keys a middle axis, so that every query of row n sees the same ones.",
        "`np.tri(T, dtype=bool)` is True on and below the diagonal; combine both with `&`.",
    ),
    mistakes=mistakes(
        look_mask,
        (
            ("inverted", {"inverted": True}, "here True means *may look*: yours is turned around"),
            ("strict", {"strict": True}, "position t may look at itself: the diagonal belongs to the mask"),
            ("no-padding", {"ignore": "padding"}, "keys from lengths[n] on are padding: nobody looks there"),
            ("always", {"ignore": "flag"}, "with causal=False a query sees later keys as well"),
            (
                "upper",
                {"upper": True},
                "yours looks at the future: query t, the row, sees keys s ≤ t, the columns",
            ),
            ("or", {"union": True}, "a key must be real *and* not later: combine both with &, not |"),
            ("no-causal", {"ignore": "causal"}, "with causal=True position t sees positions 0 to t only"),
            ("queries", {"queries": True}, "you masked the padded *queries*: it is keys that are hidden"),
            ("both", {"both": True}, "rows of padded queries stay as they are: hide padded *keys* only"),
            ("late", {"late": 1}, "one place too many: the real ones are 0 to lengths[n] - 1"),
            ("early", {"late": -1}, "one place too few: key lengths[n] - 1 is the last real one"),
            (
                "longest",
                {"longest": True},
                "each sequence has a length of its own: yours has the largest one",
            ),
        ),
    ),
)

mask_conventions = Match(
    name="mask_conventions",
    difficulty=2,
    minutes=3,
    read="Who may look where",
    question="What does True mean in each boolean mask?",
    pairs=(
        (
            "`key_padding_mask` of `MultiheadAttention`",
            "this key is padding, hide it from all",
            "The layer's masks say what to leave out; one row for each sequence.",
        ),
        (
            "`attn_mask` of `torch.nn.MultiheadAttention`",
            "this query must not look at this key",
            "Also a mask of what to leave out, one entry for each pair.",
        ),
        (
            "`attn_mask` of `scaled_dot_product_attention`",
            "this query may look at this key",
            "The function uses the opposite convention; so does the one of this chapter.",
        ),
    ),
)

# --- Self and cross, heads -------------------------------------------------------------------------------


NO_PAIR, NO_FIT, NOT_FINITE = "no pair", "shapes do not fit", "not finite"


def weights_of(answer, case):
    """Where the attention looks that the answer's queries and keys produce; -1: nowhere with 0.99."""
    (T,) = case
    pair = answer(T)
    if pair is None:
        return None
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        return NO_PAIR
    q, k = (np.asarray(part, float) for part in pair)
    if q.ndim != 2 or len(q) != T or q.shape[1] == 0 or q.shape != k.shape:
        return NO_FIT
    if not (np.isfinite(q).all() and np.isfinite(k).all()):
        return NOT_FINITE
    weights = softmax(q @ k.T / np.sqrt(q.shape[1]))
    return [int(s) if row[s] >= 0.99 else -1 for row, s in zip(weights, weights.argmax(axis=1))]


def keys_for_queries(T):
    """Where one looks after exchanging q and k of the solution: nothing is unique at both ends."""
    return [-1, *range(2, T), -1] if T > 1 else [0]


previous_exercise = Exercise(
    name="previous_token",
    difficulty=2,
    minutes=15,
    read="Several heads",
    cases=lambda rng: [(2,), (5,), (12,), (1,)],
    expected=lambda case: [max(t - 1, 0) for t in range(case[0])],
    call=weights_of,
    describe=lambda case: f"T = {case[0]}: the place where each position looks with at least 0.99, or -1",
    hints=(
        "Give every place its own direction: let the keys be the rows of the identity matrix.",
        "Then the query of place t has to be a multiple of row t - 1 of that matrix; row 0 stays row 0.",
        "Scores are divided by √T, and all other keys score 0: a multiple of 20 √T is more than enough.",
    ),
    mistakes=(
        Mistake(
            name="itself",
            value=lambda case: list(range(case[0])),
            says="each position looks at itself: the query of t must fit the key of t - 1",
        ),
        Mistake(
            name="next",
            value=lambda case: [min(t + 1, case[0] - 1) for t in range(case[0])],
            says="each position looks at the next one: shift the queries the other way",
        ),
        Mistake(
            name="next-round",
            value=lambda case: [(t + 1) % case[0] for t in range(case[0])],
            says="each position looks at the next one, the last at the first: shift the other way, not round",
        ),
        Mistake(
            name="next-lost",
            value=lambda case: [*range(1, case[0]), -1] if case[0] > 1 else [0],
            says="each position looks at the next one: shift the queries the other way, and mind place 0",
        ),
        Mistake(
            name="round",
            value=lambda case: [(t - 1) % case[0] for t in range(case[0])],
            says="place 0 looks at the last one: it has no predecessor and must look at itself",
        ),
        Mistake(
            name="lost",
            value=lambda case: [-1, *range(case[0] - 1)] if case[0] > 1 else [0],
            says="place 0 looks nowhere in particular: it has no predecessor and must look at itself",
        ),
        Mistake(
            name="exchanged",
            value=lambda case: keys_for_queries(*case),
            says="q and k seem to be exchanged: each query is compared with all keys, return (q, k)",
        ),
        Mistake(
            name="no-pair",
            value=lambda case: NO_PAIR,
            says="return two arrays, (q, k): the softmax of their product is made by the check",
        ),
        Mistake(
            name="shapes",
            value=lambda case: NO_FIT,
            says="q and k must both have the shape (T, E): a row for each place, and equal widths",
        ),
        Mistake(
            name="infinite",
            value=lambda case: NOT_FINITE,
            says="q or k holds an infinity or NaN: a large finite factor is enough",
        ),
        Mistake(
            name="soft",
            value=lambda case: [0 if case[0] == 1 else -1] * case[0],
            says="the looks are not sharp, no weight reaches 0.99: multiply the queries by a large number",
        ),
    ),
)

head_cost = Choice(
    name="head_cost",
    difficulty=1,
    minutes=3,
    read="Several heads",
    question="A layer of width 64 is changed from 1 head to 8 heads. What happens? Tick all that is true.",
    options=(
        Option(
            text="It has eight times as many parameters.",
            says="W_q, W_k, W_v and W_o stay 64 × 64: the heads share their rows out.",
        ),
        Option(
            text="The products for scores and mixing cost the same.",
            says="Right: 8 products of width 8 instead of one of width 64.",
            right=True,
        ),
        Option(
            text="Eight times as many attention weights are computed and stored.",
            says="Right: each head has a T × T matrix of its own.",
            right=True,
        ),
        Option(
            text="The scores are divided by √8 instead of √64.",
            says="Right: the scale belongs to the width of a head.",
            right=True,
        ),
    ),
)

# --- Order and places ------------------------------------------------------------------------------------


def permuted(weights, order, *, rows=True, columns=True, inverse=False, pairs=False):
    order = np.argsort(order) if inverse else np.asarray(order)
    if pairs:
        return weights[order, order]
    weights = weights[order] if rows else weights
    return weights[:, order] if columns else weights


def permuted_cases(rng):
    first = np.array([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [0.6, 0.3, 0.1]])
    cases = [(first, np.array([1, 2, 0]))]
    for T in (2, 4, 6):
        order = np.roll(rng.permutation(T), 1)
        cases.append((softmax(rng.normal(size=(T, T))), order))
    return [*cases, (softmax(rng.normal(size=(5, 5))), np.array([3, 0, 4, 1, 2]))]


permuted_exercise = Exercise(
    name="permuted_weights",
    difficulty=2,
    minutes=10,
    read="A sequence is a bag",
    cases=permuted_cases,
    expected=lambda case: permuted(*case),
    hints=(
        "Position i of the new sequence is position order[i] of the old one, as a query and as a key.",
        "So entry (i, j) of the new matrix is entry (order[i], order[j]) of the old one.",
        "Index the rows with `order`, then the columns: weights[order][:, order].",
    ),
    mistakes=mistakes(
        permuted,
        (
            ("rows", {"columns": False}, "you moved the queries only: the keys have moved as well"),
            ("columns", {"rows": False}, "you moved the keys only: the queries have moved as well"),
            ("inverse", {"inverse": True}, "that is the inverse: new place i holds what stood at order[i]"),
            (
                "pairs",
                {"pairs": True},
                "weights[order, order] picks T single entries: index rows, then columns",
            ),
            ("unchanged", {"rows": False, "columns": False}, "the weights do move: they are not invariant"),
        ),
    ),
)

order_blind = Choice(
    name="order_blind",
    difficulty=2,
    minutes=3,
    read="A sequence is a bag",
    question=(
        "A network without positions: embedding, three blocks of self-attention, mean over all places, "
        "a linear layer. Which changes would let it tell *dog bites man* from *man bites dog*?"
    ),
    options=(
        Option(
            text="Train it longer on both orders.",
            says="The outputs are equal for *every* choice of weights, so for trained ones too.",
        ),
        Option(
            text="More heads or more blocks.",
            says="Each is equivariant on its own, and so is every stack of them.",
        ),
        Option(
            text="Add a vector to each embedding that depends on its place.",
            says="Right: then exchanging two words is no longer exchanging two rows.",
            right=True,
        ),
        Option(
            text="A causal mask.",
            says="Right: the first word sees itself only, the last sees all: place enters by the mask.",
            right=True,
        ),
    ),
)


def sinusoids(T, D, *, halves=False, swap=False, exponent=2.0, first=0, base=10000.0, unit=False, ends=False):
    p = np.arange(first, T + first)[:, None]
    angles = p / base ** (exponent * np.arange(D // 2) / (max(D - 2, 1) if ends else D))
    sine, cosine = np.sin(angles), np.cos(angles)
    if swap:
        sine, cosine = cosine, sine
    if halves:
        return np.concatenate([sine, cosine], axis=1)
    table = np.empty((T, D))
    table[:, 0::2], table[:, 1::2] = sine, cosine
    return table / np.sqrt(D / 2) if unit else table


def every_column(T, D, exponent=2):
    """The mistake of taking the column itself for i: the cosines get frequencies of their own."""
    j = np.arange(D)
    angles = np.arange(T)[:, None] / 10000.0 ** (exponent * j / D)
    return np.where(j % 2 == 0, np.sin(angles), np.cos(angles))


sinusoids_exercise = Exercise(
    name="sinusoids",
    difficulty=2,
    minutes=12,
    read="Places as rotations",
    cases=lambda rng: [(3, 2), (4, 6), (9, 4), (1, 8), (50, 16)],
    expected=lambda case: sinusoids(*case),
    hints=(
        "There are D/2 frequencies; each gives one sine column and the cosine column right of it.",
        "angles = np.arange(T)[:, None] / 10000 ** (2 * np.arange(D // 2) / D), of shape (T, D/2).",
        "Fill an array: table[:, 0::2] = np.sin(angles), table[:, 1::2] = np.cos(angles).",
    ),
    mistakes=(
        *mistakes(
            sinusoids,
            (
                ("halves", {"halves": True}, "all sines first, then all cosines: they must alternate"),
                ("swap", {"swap": True}, "even columns hold the sine, odd ones the cosine"),
                ("exponent", {"exponent": 1}, "the exponent is 2i/D with i = 0 ... D/2 - 1: yours is i/D"),
                (
                    "half-width",
                    {"exponent": 4},
                    "the exponent is 2i/D: yours is 2i/(D/2), or counts i in twos",
                ),
                ("rising", {"exponent": -2}, "the frequencies fall with i: mind the sign of the exponent"),
                ("unit", {"unit": True}, "sine and cosine as they are: do not divide by their length"),
                ("from-one", {"first": 1}, "places are counted from 0: row 0 is 0, 1, 0, 1, ..."),
                ("base", {"base": 1000.0}, "the base is 10000"),
                ("ends", {"ends": True}, "the exponent is 2i/D: yours reaches 1 at the last i, 2i/(D - 2)"),
            ),
        ),
        Mistake(
            name="columns",
            value=lambda case: every_column(*case),
            says="columns 2i and 2i + 1 share one frequency: do not use the column number as i",
        ),
        Mistake(
            name="own-cosines",
            value=lambda case: every_column(*case, exponent=1),
            says="columns 2i and 2i + 1 share one frequency: your cosines have frequencies of their own",
        ),
    ),
)


def shift_matrix(k, D, *, sign=1, halves=False, one=False, symmetric=False, exponent=2, length=False):
    matrix = np.zeros((D, D))
    k = abs(k) if length else k
    for i in range(D // 2):
        w = 1.0 if one else 10000.0 ** (-exponent * i / D)
        c, s = math.cos(w * k), sign * math.sin(w * k)
        a, b = (i, i + D // 2) if halves else (2 * i, 2 * i + 1)
        matrix[a, a] = matrix[b, b] = c
        matrix[a, b], matrix[b, a] = s, (s if symmetric else -s)
    return matrix


shift_exercise = Exercise(
    name="shift_matrix",
    difficulty=3,
    minutes=15,
    read="Places as rotations",
    cases=lambda rng: [(1, 2), (3, 4), (-2, 6), (40, 8)],
    expected=lambda case: shift_matrix(*case),
    hints=(
        "The matrix consists of D/2 blocks of 2 × 2 along the diagonal, one for each frequency.",
        "Use sin(a + b) = sin a cos b + cos a sin b and cos(a + b) = cos a cos b - sin a sin b.",
        "Block i is [[cos ωk, sin ωk], [-sin ωk, cos ωk]] with ω = 10000 ** (-2 * i / D).",
    ),
    mistakes=mistakes(
        shift_matrix,
        (
            ("backwards", {"sign": -1}, "this moves by -k: check the signs of the two sines"),
            ("halves", {"halves": True}, "the blocks stand on neighbouring columns 2i and 2i + 1"),
            ("one-frequency", {"one": True}, "each pair turns at its own frequency 10000^(-2i/D)"),
            ("exponent", {"exponent": 4}, "the frequency of pair i is 10000^(-2i/D): do not count i in twos"),
            (
                "exponent-i",
                {"exponent": 1},
                "the frequency of pair i is 10000^(-2i/D): yours is 10000^(-i/D)",
            ),
            ("forwards", {"length": True}, "k may be negative, and R then moves back"),
            ("symmetric", {"symmetric": True}, "a rotation has sines of opposite signs"),
        ),
    ),
)

# --- The block: V4.2 -------------------------------------------------------------------------------------

GELU = math.sqrt(2 / math.pi)
REFUSED = "ValueError"


def normalise(x, weight, bias, ddof=0, outside=False, axis=-1):
    variance = x.var(axis=axis, keepdims=True, ddof=ddof)
    spread = np.sqrt(variance) + 1e-5 if outside else np.sqrt(variance + 1e-5)
    return (x - x.mean(axis=axis, keepdims=True)) / spread * weight + bias


def heads_of(x, h, interleaved=False):
    N, T, D = x.shape
    if interleaved:
        return x.reshape(N, T, D // h, h).transpose(0, 3, 1, 2)
    return x.reshape(N, T, h, D // h).transpose(0, 2, 1, 3)


def self_attention(
    x, w, h, *, interleaved=False, power=0.5, wide=False, straight=False, causal=False, axis=-1, order="qkv"
):
    N, T, D = x.shape
    projected = x @ w["attention.in_proj_weight"].T + w["attention.in_proj_bias"]
    parts = dict(zip(order, np.split(projected, 3, axis=2)))
    q, k, v = (heads_of(parts[name], h, interleaved) for name in "qkv")
    z = q @ k.swapaxes(2, 3) / (D if wide else D // h) ** power
    if causal:
        z = np.where(np.tri(T, dtype=bool), z, -np.inf)
    mixed = softmax(z, axis) @ v  # (N, A, T, E)
    if straight:
        joined = mixed.reshape(N, T, D)
    elif interleaved:
        joined = mixed.transpose(0, 2, 3, 1).reshape(N, T, D)
    else:
        joined = mixed.swapaxes(1, 2).reshape(N, T, D)
    return joined @ w["attention.out_proj.weight"].T + w["attention.out_proj.bias"]


ACTIVATIONS = {
    "tanh": lambda z: 0.5 * z * (1 + np.tanh(GELU * (z + 0.044715 * z**3))),
    "exact": lambda z: 0.5 * z * (1 + np.vectorize(math.erf)(z / math.sqrt(2))),
    "relu": lambda z: np.maximum(z, 0),
}


def feed_forward(x, w, activation="tanh"):
    z = x @ w["feed_forward.0.weight"].T + w["feed_forward.0.bias"]
    hidden = ACTIVATIONS[activation](z)
    return hidden @ w["feed_forward.2.weight"].T + w["feed_forward.2.bias"]


def block(
    d,
    h,
    x,
    w,
    *,
    post=False,
    bare=False,
    parallel=False,
    gelu="tanh",
    ddof=0,
    accept=False,
    carried=False,
    once=False,
    outside=False,
    places=False,
    **attention,
):
    if d % h:
        return "accepted" if accept else REFUSED

    def norm(name, x):
        axis = 1 if places else -1
        return normalise(x, w[f"norm_{name}.weight"], w[f"norm_{name}.bias"], ddof, outside, axis)

    if post:
        x = norm("attention", x + self_attention(x, w, h, **attention))
        return norm("feed_forward", x + feed_forward(x, w, gelu))
    if carried:
        n = norm("attention", x)
        n = norm("feed_forward", n + self_attention(n, w, h, **attention))
        return n + feed_forward(n, w, gelu)
    keep = 0 if bare else 1
    u = keep * x + self_attention(norm("attention", x), w, h, **attention)
    second = u if once else norm("feed_forward", x if parallel else u)
    return keep * u + feed_forward(second, w, gelu)


def block_weights(d, hidden, rng):
    shapes = {
        "norm_attention.weight": (d,),
        "norm_attention.bias": (d,),
        "attention.in_proj_weight": (3 * d, d),
        "attention.in_proj_bias": (3 * d,),
        "attention.out_proj.weight": (d, d),
        "attention.out_proj.bias": (d,),
        "norm_feed_forward.weight": (d,),
        "norm_feed_forward.bias": (d,),
        "feed_forward.0.weight": (hidden, d),
        "feed_forward.0.bias": (hidden,),
        "feed_forward.2.weight": (d, hidden),
        "feed_forward.2.bias": (d,),
    }
    return {name: rng.normal(0, 0.6, shape) for name, shape in shapes.items()}


def block_cases(rng):
    cases = []
    for N, T, d, h, hidden in ((1, 3, 4, 2, 5), (2, 5, 6, 3, 7), (1, 1, 2, 1, 3), (2, 4, 8, 4, 6)):
        cases.append((d, h, rng.normal(size=(N, T, d)), block_weights(d, hidden, rng)))
    return [*cases, (6, 4, rng.normal(size=(1, 2, 6)), block_weights(6, 4, rng))]


def call_block(answer, case):
    d, h, x, w = case
    try:
        built = answer(d, h)
    except Exception as error:
        if d % h == 0:
            raise
        return type(error).__name__
    return built.forward(x, w) if d % h == 0 else "accepted"


block_exercise = Exercise(
    name="Block",
    difficulty=3,
    minutes=45,
    source="V4.2",
    read="The block",
    wants="class",
    cases=block_cases,
    expected=lambda case: block(*case),
    call=call_block,
    describe=lambda case: f"Block({case[0]}, {case[1]}) on x of shape {case[2].shape}",
    hints=(
        "Write three small functions: normalise, attention, feed_forward; forward is then two sums.",
        "(N, T, d) → reshape (N, T, h, d // h) → transpose (0, 2, 1, 3) gives the heads (N, h, T, d // h).",
        "Back: transpose (0, 2, 1, 3) first, then reshape to (N, T, d); the scale is √(d // h).",
    ),
    mistakes=mistakes(
        block,
        (
            ("post", {"post": True}, "you normalise after each sum (post-LN): here it comes before"),
            ("no-residual", {"bare": True}, "the residual paths are missing: x + ..., u + ..."),
            (
                "parallel",
                {"parallel": True},
                "the feed-forward part reads U, which attention has changed, not X",
            ),
            (
                "carried",
                {"carried": True},
                "the residual path carries X and U themselves, not what the normalisation makes of them",
            ),
            ("one-norm", {"once": True}, "the feed-forward part reads U through a normalisation of its own"),
            (
                "places",
                {"places": True},
                "normalise over the last axis, each place alone, not over the places",
            ),
            ("epsilon", {"outside": True}, "the 1e-5 belongs under the root, added to the variance"),
            ("no-scale", {"power": 0}, "the scores of a head are not divided by √(d / h)"),
            ("queries", {"axis": -2}, "the softmax runs over the keys, the last axis of the scores"),
            (
                "order",
                {"order": "kqv"},
                "the first third of the projected columns are queries, then keys, values",
            ),
            ("width", {"wide": True}, "scores are divided by √d: in a head the width is d / h"),
            ("interleaved", {"interleaved": True}, "a head owns d / h *neighbouring* columns"),
            (
                "straight",
                {"straight": True},
                "transpose before you join the heads: (N, h, T, E) is no (N, T, d)",
            ),
            ("causal", {"causal": True}, "this block looks both ways: there is no causal mask"),
            ("exact", {"gelu": "exact"}, "this is the GELU with erf: here it is asked for in its tanh form"),
            ("relu", {"gelu": "relu"}, "the feed-forward part uses GELU in its tanh form, not ReLU"),
            ("sample-variance", {"ddof": 1}, "layer normalisation divides by d, not by d - 1"),
            ("no-refusal", {"accept": True}, "raise ValueError in __init__ where h does not divide d"),
        ),
    ),
)

# --- Project: V4.2+ --------------------------------------------------------------------------------------

FINE = "complete"
KEYS = {"task", "change", "seed", "accuracy"}


def judge_tasks(rows):
    if not isinstance(rows, list) or not all(isinstance(row, dict) and set(row) == KEYS for row in rows):
        return "form"
    tasks, seeds = {row["task"] for row in rows}, {row["seed"] for row in rows}
    if not all(isinstance(a, numbers.Real) and 0 <= a <= 1 for a in (row["accuracy"] for row in rows)):
        return "accuracy"
    wanted = {(t, c, s) for t in tasks for c in ("before", "after") for s in seeds}
    found = [(row["task"], row["change"], row["seed"]) for row in rows]
    if len(tasks) != 2 or len(seeds) < 3 or len(found) != len(set(found)) or set(found) != wanted:
        return "incomplete"
    groups = {
        key: {row["accuracy"] for row in rows if (row["task"], row["change"]) == key}
        for key in {(t, c) for t, c, _ in wanted}
    }
    if all(len(group) == 1 for group in groups.values()):
        return "same seed"
    before, after = ([r["accuracy"] for r in rows if r["change"] == c] for c in ("before", "after"))
    return "no change" if sorted(before) == sorted(after) else FINE


PROBLEMS = {
    "form": "expected a list of dicts with exactly the keys task, change, seed and accuracy",
    "accuracy": "an accuracy is a share between 0 and 1",
    "incomplete": "expected two tasks, each before and after, with the same three seeds or more, each once",
    "same seed": "all seeds give the same accuracies: does the seed reach the weights and the batches?",
    "no change": "before and after are the same numbers: the change does not reach the training",
}

project_exercise = Exercise(
    name="two_task_table",
    difficulty=3,
    minutes=180,
    source="V4.2+",
    read="Project: a change, and a second task",
    cases=lambda rng: [("the table",)],
    expected=lambda case: FINE,
    call=lambda answer, case: judge_tasks(answer()),
    describe=lambda case: "the table",
    seconds=120,
    hints=(
        "Two tasks, two values of `change`, three seeds: twelve rows from three nested loops.",
        "lab.train(heads, seed, task, steps, optimiser, lr) takes any torch.optim.Optimizer class.",
        "Subclass torch.optim.Optimizer; step() goes through self.param_groups, state in self.state[p].",
    ),
    mistakes=[
        Mistake(name=name.replace(" ", "-"), value=lambda case, name=name: name, says=says)
        for name, says in PROBLEMS.items()
    ],
)

ENTRIES = (
    attend_exercise,
    equal_keys,
    scale_exercise,
    back_exercise,
    backward_order,
    rust_exercise,
    mask_exercise,
    mask_conventions,
    previous_exercise,
    head_cost,
    permuted_exercise,
    order_blind,
    sinusoids_exercise,
    shift_exercise,
    block_exercise,
    project_exercise,
)
