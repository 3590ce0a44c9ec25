"""Exercises of 23_frameworks: what is asked, which mistakes are known, and what to say about them."""

import numbers

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option, Order, Raises

LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772


def checked(value, name):
    """The array and the name of its dtype; NotPlain where it is no array of NumPy's."""
    if not isinstance(value, np.ndarray):
        raise NotPlain(f"{type(value).__name__} for {name}, not a NumPy array")
    return value, value.dtype.name


# --- The gradient of a pool ------------------------------------------------------------------------------


def pooled_back(case, rule="first"):
    x, dout = case
    result = np.zeros(x.shape)
    for i, j in np.ndindex(dout.shape):
        window = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        mask = (window == window.max()).astype(float)
        if rule == "columns":
            place = window.T.argmax()
            mask = (np.arange(4) == place).reshape(2, 2).T.astype(float)
        elif rule in ("first", "last", "ones", "above-zero"):
            place = np.flatnonzero(mask)[-1 if rule == "last" else 0]
            place = 0 if rule == "above-zero" and window.max() <= 0 else place
            mask = (np.arange(4) == place).reshape(2, 2).astype(float)
        scale = {"share": 1 / mask.sum(), "candle": mask.mean(), "even": 0.25}.get(rule, 1.0)
        scale = scale / dout[i, j] if rule == "ones" else scale
        mask = np.ones((2, 2)) if rule == "even" else mask
        result[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = dout[i, j] * scale * mask
    return result


def one_array(answer, case):
    return checked(answer(*case), "the result")


pool_gradient = Exercise(
    name="pool_gradient",
    difficulty=2,
    minutes=15,
    read="Do they agree?",
    hints=(
        "Two loops over the windows are a good start: x[2*i : 2*i + 2, 2*j : 2*j + 2] is one of them.",
        "argmax of a flattened window is the place of its first maximal entry.",
        "divmod(place, 2) gives row and column within the window; write dout[i, j] there, zeros elsewhere.",
    ),
    cases=lambda rng: [
        (np.array([[1.0, 2.0], [4.0, 4.0]]), np.array([[3.0]])),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0]])),
        (np.array([[1.0, 4.0], [4.0, 4.0]]), np.array([[2.0]])),
        (np.zeros((2, 4)), np.array([[1.0, -2.0]])),
        (rng.normal(size=(4, 6)), rng.normal(size=(2, 3))),
        (-np.abs(rng.normal(size=(6, 2))), rng.normal(size=(3, 1))),
    ],
    call=one_array,
    expected=lambda case: (pooled_back(case), "float64"),
    mistakes=(
        Mistake(
            name="candle",
            value=lambda case: (pooled_back(case, "candle"), "float64"),
            says="you multiply by the share of maximal entries, like candle: one maximum receives a quarter",
        ),
        Mistake(
            name="all-maxima",
            value=lambda case: (pooled_back(case, "all"), "float64"),
            says="every maximal entry receives the whole gradient: only the first of them does",
        ),
        Mistake(
            name="shared",
            value=lambda case: (pooled_back(case, "share"), "float64"),
            says="equal entries share the gradient: here the first of them receives it all",
        ),
        Mistake(
            name="last",
            value=lambda case: (pooled_back(case, "last"), "float64"),
            says="the last of several maximal entries receives the gradient: it should be the first",
        ),
        Mistake(
            name="columns",
            value=lambda case: (pooled_back(case, "columns"), "float64"),
            says="you read the window column by column: the first maximal entry is meant row by row",
        ),
        Mistake(
            name="above-zero",
            value=lambda case: (pooled_back(case, "above-zero"), "float64"),
            says="in a window without positive entries the wrong one receives it: start from an entry, not 0",
        ),
        Mistake(
            name="ones",
            value=lambda case: (pooled_back(case, "ones"), "float64"),
            says="the maximal entry receives 1: by the chain rule it receives dout[i, j]",
        ),
        Mistake(
            name="average",
            value=lambda case: (pooled_back(case, "even"), "float64"),
            says="all four entries receive a quarter: that is the gradient of an average-pool",
        ),
    ),
)

# --- One model, two stacks -------------------------------------------------------------------------------


def places_of(state):
    """The numbers of the affine maps, in the order of the dict."""
    return [int(name.split(".")[0]) for name in state if "weight" in name]


def scores(case, *, bend_last=False, linear=False, no_bias=False):
    state, x = case
    places = sorted(places_of(state))
    h = x
    for k in places:
        h = h @ state[f"{k}.weight"].T + (0 if no_bias else state[f"{k}.bias"])
        if not linear and (bend_last or k != places[-1]):
            h = np.maximum(h, 0)
    return h


def twins(result):
    return result, result, "float32", "float32"


def out_of_order(case, order):
    """What becomes of the affine maps in another order: here the shapes never fit."""
    places = places_of(case[0])
    return twins(scores(case)) if order(places) == sorted(places) else Raises("ValueError")


def two_results(answer, case):
    pair = answer(*case)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise NotPlain(f"{type(pair).__name__}, not a pair of arrays")
    (a, a_type), (b, b_type) = (checked(v, w) for v, w in zip(pair, ("NumPy's scores", "torch's scores")))
    return a, b, a_type, b_type


def mlp_case(rng, sizes, rows, backwards=False):
    state = {}
    for k, (i, o) in enumerate(zip(sizes, sizes[1:])):
        state[f"{2 * k}.weight"] = rng.normal(size=(o, i)).astype(np.float32)
        state[f"{2 * k}.bias"] = rng.normal(size=o).astype(np.float32)
    if backwards:
        state = dict(reversed(state.items()))
    return state, rng.normal(size=(rows, sizes[0])).astype(np.float32)


two_twins = Exercise(
    name="two_twins",
    difficulty=2,
    minutes=20,
    source="V4.3",
    read="Two networks, one start",
    rtol=1e-4,
    atol=1e-5,
    hints=(
        "Collect the numbers before the dots, sort them as numbers: they are the order of the affine maps.",
        "NumPy: h @ weight.T + bias, np.maximum(h, 0) except after the last. torch: a list of layers.",
        "nn.Sequential(*layers).load_state_dict({n: torch.tensor(a) for n, a in state.items()}) fits.",
    ),
    cases=lambda rng: [
        mlp_case(rng, (3, 2), 1),
        mlp_case(rng, (4, 5, 3), 6),
        mlp_case(rng, (4, 5, 6, 3), 2, backwards=True),
        mlp_case(rng, (3, 4, 3, 4, 3, 4, 3, 2), 5, backwards=True),
    ],
    call=two_results,
    expected=lambda case: twins(scores(case)),
    mistakes=(
        Mistake(
            name="bend-last",
            value=lambda case: twins(scores(case, bend_last=True)),
            says="there is a ReLU after the last map: scores may be negative",
        ),
        Mistake(
            name="no-relu",
            value=lambda case: twins(scores(case, linear=True)),
            says="the ReLU between the maps is missing",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: twins(scores(case, no_bias=True)),
            says="the biases are missing",
        ),
        Mistake(
            name="order-of-the-dict",
            value=lambda case: out_of_order(case, list),
            says="the maps run in the order of the dict: sort them by the numbers before the dots",
        ),
        Mistake(
            name="order-of-text",
            value=lambda case: out_of_order(case, lambda places: sorted(places, key=str)),
            says='the numbers are sorted as text, where "10" stands before "2": sort them as numbers',
        ),
        Mistake(
            name="swapped-once",
            value=lambda case: (scores(case), scores(case, bend_last=True), "float32", "float32"),
            says="NumPy's scores are right and torch's have a ReLU after the last map",
        ),
    ),
)

# --- Weights for burn ------------------------------------------------------------------------------------


def laid_out(answer, case):
    (state,) = case
    result = answer(state)
    if not isinstance(result, dict):
        raise NotPlain(f"{type(result).__name__}, not a dict")
    pairs = {name: checked(a, name) for name, a in result.items()}
    arrays = [array for array, _ in pairs.values()]
    own = not any(np.shares_memory(a, b) for a in arrays for b in state.values())
    return {
        "names": list(pairs),
        "arrays": arrays,
        "dtypes": [dtype for _, dtype in pairs.values()],
        "contiguous": all(a.flags["C_CONTIGUOUS"] for a in arrays),
        "own memory": own,
    }


def affine(name, array):
    return name.endswith("weight") and array.ndim == 2


def for_burn(case, *, turn=affine, how=np.transpose, **changes):
    (state,) = case
    arrays = [np.array(how(a) if turn(name, a) else a, order="C") for name, a in state.items()]
    dtypes = [a.dtype.name for a in arrays]
    found = {"names": list(state), "arrays": arrays, "dtypes": dtypes, "contiguous": True, "own memory": True}
    return found | changes


def cnn_case(rng, dtype):
    shapes = {
        "features.0.weight": (2, 1, 3, 3),
        "features.0.bias": (2,),
        "classifier.0.weight": (3, 8),
        "classifier.0.bias": (3,),
    }
    return ({name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()},)


burn_layout = Exercise(
    name="burn_layout",
    difficulty=1,
    minutes=8,
    read="The same in burn",
    hints=(
        "A dict comprehension over state.items(); which entries have two axes and end in weight?",
        "array.T is a view of the same memory, with other strides: a copy is needed, in both cases.",
        'np.array(array.T, order="C") copies and makes the rows contiguous.',
    ),
    cases=lambda rng: [
        ({"0.weight": np.arange(6.0).reshape(2, 3), "0.bias": np.zeros(2)},),
        cnn_case(rng, np.float32),
        ({"embedding.table": rng.normal(size=(4, 3)), "out.weight": rng.normal(size=(3, 3))},),
    ],
    call=laid_out,
    expected=for_burn,
    mistakes=(
        Mistake(
            name="view",
            value=lambda case: for_burn(case, contiguous=False, **{"own memory": False}),
            says="array.T is only a view: copy it into contiguous memory",
        ),
        Mistake(
            name="not-copied",
            value=lambda case: for_burn(case, **{"own memory": False}),
            says="some arrays still share their memory with the state: copy those that stay as well",
        ),
        Mistake(
            name="order-lost",
            value=lambda case: for_burn(case, contiguous=False),
            says='a turned array is not contiguous: turn first, then copy, np.array(array.T, order="C")',
        ),
        Mistake(
            name="reshaped",
            value=lambda case: for_burn(case, how=lambda a: a.reshape(a.shape[::-1])),
            says="reshape keeps the order of the numbers and gives them other places: transpose instead",
        ),
        Mistake(
            name="kernels",
            value=lambda case: for_burn(case, turn=lambda name, a: name.endswith("weight")),
            says="the kernels of convolutions are turned as well: only arrays with two axes are",
        ),
        Mistake(
            name="everything",
            value=lambda case: for_burn(case, turn=lambda name, a: True),
            says="every array is turned: kernels of convolutions, and what is no weight, keep their shape",
        ),
        Mistake(
            name="untouched",
            value=lambda case: for_burn(case, turn=lambda name, a: False),
            says="nothing is turned: the weights of affine maps become (in, out)",
        ),
        Mistake(
            name="by-axes",
            value=lambda case: for_burn(case, turn=lambda name, a: a.ndim == 2),
            says="arrays with two axes that are not called weight are turned as well: look at the name, too",
        ),
    ),
)

# --- Choosing and weighing -------------------------------------------------------------------------------


def chosen(
    case, *, strict=False, worst_first=False, missing=False, any_limit=False, by_name=True, unranked=False
):
    table, limits, by = case

    def fits(row):
        unknown = {kind for kind in (by, *limits) if kind not in row}
        if unknown - {by if missing == "by" and by not in limits else None} and missing is not True:
            return False
        tests = [row.get(k, 0) < m if strict else row.get(k, 0) <= m for k, m in limits.items()]
        return any(tests) if any_limit and tests else all(tests)

    good = [name for name in (sorted(table) if by_name else table) if fits(table[name])]
    if unranked:
        return good
    last = np.inf if missing == "by" else 0
    return sorted(good, key=lambda name: (-1 if worst_first else 1) * table[name].get(by, last))


TABLE = {
    "torch": {"memory": 200.0, "start": 2.0, "epoch": 1.0},
    "tch": {"memory": 120.0, "start": 0.3, "epoch": 0.8},
    "candle": {"memory": 9.0, "start": 0.02, "epoch": 2.0},
    "burn": {"memory": 9.0, "start": 0.03, "epoch": 1.2},
    "other": {"memory": 5.0, "epoch": 1.2},
}

choose_stack = Exercise(
    name="choose_stack",
    difficulty=2,
    minutes=12,
    read="What it costs",
    hints=(
        "First decide for one row: are all kinds that are needed there, and are all limits kept?",
        "all(row[kind] <= most for kind, most in limits.items()) is True for no limits, which is right.",
        "sorted(names, key=lambda name: (table[name][by], name)) breaks ties by the alphabet.",
    ),
    cases=lambda rng: [
        (TABLE, {"memory": 9.0}, "start"),
        (TABLE, {}, "epoch"),
        (TABLE, {"memory": 100.0, "epoch": 1.5}, "epoch"),
        (TABLE, {"memory": 1.0}, "epoch"),
        ({}, {"memory": 1.0}, "epoch"),
        (dict(reversed(TABLE.items())), {"epoch": 1.2}, "memory"),
        ({"b": {"size": 1, "n": 2}, "a": {"size": 1, "n": 1}}, {"n": 2}, "size"),
    ],
    expected=chosen,
    mistakes=(
        Mistake(
            name="strict",
            value=lambda case: chosen(case, strict=True),
            says="a cost equal to its limit is allowed: use <=",
        ),
        Mistake(
            name="worst-first",
            value=lambda case: chosen(case, worst_first=True),
            says="the dearest comes first: the cheapest should",
        ),
        Mistake(
            name="missing-as-zero",
            value=lambda case: chosen(case, missing=True),
            says="a stack whose cost was not measured counts as free: leave it out",
        ),
        Mistake(
            name="missing-by",
            value=lambda case: chosen(case, missing="by"),
            says="a stack for which `by` itself was not measured stays in the list: leave it out",
        ),
        Mistake(
            name="alphabet",
            value=lambda case: chosen(case, unranked=True),
            says="the names are in alphabetical order: the cheapest in `by` comes first, names break ties",
        ),
        Mistake(
            name="any-limit",
            value=lambda case: chosen(case, any_limit=True),
            says="one kept limit is enough for you: all have to be kept",
        ),
        Mistake(
            name="ties",
            value=lambda case: chosen(case, by_name=False),
            says="stacks of equal cost stand in the order of the table: sort them by name",
        ),
    ),
)

FINE = "all relations hold"
ROW = {"stack", "seconds", "megabytes", "lines", "repeats"}


def whole(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def finite(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and np.isfinite(value)


def judge_resources(table):
    """What is wrong with the table, in one word; FINE where nothing is."""
    if not isinstance(table, dict) or set(table) != {"difference", "rows"}:
        return "form"
    rows = table["rows"]
    if not isinstance(rows, list | tuple) or len(rows) != 2:
        return "form"
    if any(not isinstance(row, dict) or set(row) != ROW for row in rows):
        return "form"
    if not finite(table["difference"]) or not 0 <= table["difference"] <= 1e-5:
        return "difference"
    if not all(isinstance(row["stack"], str) and row["stack"].strip() for row in rows):
        return "stacks"
    if rows[0]["stack"] == rows[1]["stack"]:
        return "stacks"
    if not all(finite(row[kind]) and row[kind] > 0 for row in rows for kind in ("seconds", "megabytes")):
        return "costs"
    if not all(whole(row["lines"]) and row["lines"] >= 1 for row in rows):
        return "lines"
    return FINE if all(whole(row["repeats"]) and row["repeats"] >= 3 for row in rows) else "repeats"


resource_table = Exercise(
    name="resource_table",
    difficulty=3,
    minutes=180,
    source="V4.3+",
    read="What it costs",
    seconds=60,
    cases=lambda rng: [("the table",)],
    expected=lambda case: FINE,
    call=lambda answer, case: judge_resources(answer()),
    describe=lambda case: "the table",
    hints=(
        "First the parity: give both stacks the same weights and take the largest absolute difference.",
        "Time a hundred calls together, at least three times, and keep the least.",
        "tracemalloc sees NumPy's arrays; for whole processes read VmHWM in /proc/self/status.",
    ),
    mistakes=tuple(
        Mistake(name=word, value=lambda case, word=word: word, says=advice)
        for word, advice in (
            ("form", "expected {'difference': ..., 'rows': [two dicts with exactly the five keys]}"),
            (
                "difference",
                "difference is no number between 0 and 1e-5: same weights, same order, float32 or better?",
            ),
            ("stacks", "the two rows name the same stack, or a name is no text or empty"),
            ("costs", "a time or a memory is no finite number above zero: measure more calls together"),
            ("lines", "lines are whole numbers, at least 1"),
            ("repeats", "a time needs at least three runs: repeat, and say how often"),
        )
    ),
)

# --- Parts of your own -----------------------------------------------------------------------------------


def selu_of(x, *, scale=LAMBDA, above=1.0, at_zero="below", slope="right"):
    below = np.exp(np.minimum(x, 0))
    value = scale * np.where(x > 0, above * x, ALPHA * (below - 1))
    lower = {"right": ALPHA * below, "no-alpha": below, "value": ALPHA * (below - 1)}[slope]
    upper = x >= 0 if at_zero == "above" else x > 0
    slopes = scale * np.where(upper, above, lower)
    slopes = slopes + scale * (x == 0) if at_zero == "both" else slopes
    return value, slopes, "float64", "float64"


def selu_cases(rng):
    return [
        (np.array([0.0, 1.0, -1.0]),),
        (3 * rng.normal(size=(2, 3)),),
        (np.array([-1000.0, 1000.0, 0.5]),),
        (rng.normal(size=(2, 2, 2)),),
    ]


def pair_of_arrays(answer, case):
    pair = answer(*case)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise NotPlain(f"{type(pair).__name__}, not the pair of value and derivative")
    value, slope = (checked(part, name) for part, name in zip(pair, ("the value", "the derivative")))
    return value[0], slope[0], value[1], slope[1]


selu = Exercise(
    name="selu",
    difficulty=2,
    minutes=12,
    read="Parts of your own",
    hints=(
        "Below zero the value is λα(e^x - 1); what is its derivative? Above, the slope is λ.",
        "np.where computes both sides for every entry: keep exp from large arguments.",
        "below = np.exp(np.minimum(x, 0)); then np.where(x > 0, ...) for value and slope.",
    ),
    cases=selu_cases,
    call=pair_of_arrays,
    expected=lambda case: selu_of(case[0]),
    mistakes=(
        Mistake(
            name="elu",
            value=lambda case: selu_of(case[0], scale=1.0),
            says="λ is missing: it scales both branches, values and slopes",
        ),
        Mistake(
            name="alpha",
            value=lambda case: selu_of(case[0], slope="no-alpha"),
            says="the lower slope lacks α: the derivative of λα(e^x - 1) is λα e^x",
        ),
        Mistake(
            name="slope-is-value",
            value=lambda case: selu_of(case[0], slope="value"),
            says="the lower slope is the lower value: the derivative of e^x - 1 is e^x",
        ),
        Mistake(
            name="at-zero",
            value=lambda case: selu_of(case[0], at_zero="above"),
            says="at 0 the slope of the lower branch is asked for, λα: compare with x > 0",
        ),
        Mistake(
            name="both-at-zero",
            value=lambda case: selu_of(case[0], at_zero="both"),
            says="at 0 both branches count and the slope is λ(1 + α): each x belongs to one branch",
        ),
        Mistake(
            name="lower-only",
            value=lambda case: selu_of(case[0], above=1 / LAMBDA),
            says="λ scales the lower branch alone: it belongs to the upper one as well",
        ),
        Mistake(
            name="overflow",
            value=lambda case: (
                *(np.where(case[0] > 700, np.nan, part) for part in selu_of(case[0])[:2]),
                "float64",
                "float64",
            ),
            says="large inputs give NaN: the branch that is not taken overflows",
        ),
    ),
)


@np.errstate(divide="ignore", invalid="ignore")
def adamax_of(
    case,
    *,
    correct=True,
    fade=0.999,
    second=False,
    mean=False,
    adam=False,
    plus=1,
    moved=True,
    first=1,
    size=np.abs,
    eps=1e-8,
):
    w, gradients, lr = case
    w, m, u = np.array(w, float), np.zeros(len(w)), np.zeros(len(w))
    for t, g in enumerate(np.array(gradients, float).reshape(-1, len(w)), start=first):
        m = 0.9 * m + 0.1 * g
        if adam:
            u = 0.999 * u + 0.001 * g**2
            scale = np.sqrt(u / (1 - 0.999**t)) + 1e-8
        elif mean:
            scale = u = 0.999 * u + 0.001 * (np.abs(g) + 1e-8)
        else:
            scale = u = np.maximum(fade * u, size(g) + eps)
        if second:
            scale = scale / (1 - 0.999**t)
        rate = plus * lr / np.float64(1 - 0.9**t if correct else 1)
        w = w - rate * m / scale if moved else w - plus * lr * g / scale
    return w


def adamax_cases(rng):
    return [
        (np.array([1.0, -2.0]), [np.array([0.5, -4.0])], 0.1),
        (rng.normal(size=3), [rng.normal(size=3) for _ in range(4)], 0.05),
        (rng.normal(size=2), [rng.normal(size=2) / (k + 1) for k in range(10)], 0.01),
        (np.array([1.0, 2.0]), [np.array([1.0, 0.0]), np.array([0.0, 0.0])], 0.1),
        (np.array([0.5]), [], 0.1),
    ]


ADAMAX_MISTAKES = (
    (
        "no-correction",
        {"correct": False},
        "the first steps are too short: divide the rate by 1 - 0.9**t, with t = 1 at the first",
    ),
    ("no-fading", {"fade": 1.0}, "the maximum never fades: compare |g| with 0.999 times the old u"),
    (
        "corrected-u",
        {"second": True},
        "u is divided by 1 - 0.999**t as in Adam: a maximum needs no correction",
    ),
    ("mean", {"mean": True}, "u is a running mean: AdaMax takes the maximum"),
    ("adam", {"adam": True}, "this is Adam: replace the root of the mean square by the fading maximum"),
    ("uphill", {"plus": -1}, "the step goes uphill: subtract it"),
    ("no-mean", {"moved": False}, "the step divides g itself: it should divide the running mean m"),
    ("counts-from-0", {"first": 0}, "the first step divides by 1 - 0.9**0 = 0: count it before you use t"),
    ("counts-from-2", {"first": 2}, "the first step is too short: there t is 1, not 2"),
    ("no-abs", {"size": lambda g: g}, "u takes the sign of g along: compare with the absolute value |g|"),
    ("no-epsilon", {"eps": 0.0}, "a gradient of zero gives 0/0: add 1e-8 to |g|"),
)


def adamax_mistakes(convert):
    return tuple(
        Mistake(name=name, value=lambda case, o=options: convert(adamax_of(case, **o)), says=says)
        for name, options, says in ADAMAX_MISTAKES
    )


def one_new_array(answer, case):
    w, gradients, _ = case
    array, dtype = checked(answer(*case), "the result")
    return array, dtype, bool(gradients) or not np.shares_memory(array, w)


adamax = Exercise(
    name="adamax",
    difficulty=2,
    minutes=15,
    source="V4.4",
    read="Parts of your own",
    hints=(
        "Two arrays of zeros, m and u, and a loop that counts from 1.",
        "m is a running mean of g; u = np.maximum(0.999 * u, np.abs(g) + 1e-8).",
        "w = w - lr / (1 - 0.9**t) * m / u makes a new array, so the argument stays as it was.",
    ),
    cases=adamax_cases,
    call=one_new_array,
    expected=lambda case: (adamax_of(case), "float64", True),
    mistakes=adamax_mistakes(lambda w: (w, "float64", True))
    + (
        Mistake(
            name="not-new",
            value=lambda case: (adamax_of(case), "float64", bool(case[1])),
            says="without gradients you return `w` itself: return a copy",
        ),
    ),
)


def rust(values):
    return f"[{', '.join(repr(float(v)) for v in values)}]"


def adamax_main(cases):
    blocks = []
    for w, gradients, lr in cases:
        steps = "".join(f"    o.step(&mut w, &{rust(g)});\n" for g in gradients)
        blocks.append(
            f"    let mut w: Vec<f64> = vec!{rust(w)};\n"
            f"    let (m, u) = (vec![0.0; w.len()], vec![0.0; w.len()]);\n"
            f"    let mut o = Adamax {{ lr: {lr!r}, steps: 0, m, u }};\n{steps}"
            '    results.push(format!("[{:?}, {}]", w, o.steps));\n'
        )
    body = "    let mut results: Vec<String> = Vec::new();\n" + "".join(blocks)
    return (
        "#[allow(unused_mut, unused_variables)]\nfn main() {\n"
        + body
        + '    println!("[{}]", results.join(", ").replace("inf", "Infinity"));\n}\n'
    )


def rust_adamax_cases(rng):
    return [(w.tolist(), [g.tolist() for g in gs], lr) for w, gs, lr in adamax_cases(rng)]


rust_adamax = Exercise(
    name="rust_adamax",
    difficulty=2,
    minutes=20,
    source="V4.4",
    read="Parts of your own",
    language="rust",
    program=adamax_main,
    hints=(
        "Count the step first; the rate of this step is lr / (1 - 0.9 to the power of the steps).",
        "Zip weights.iter_mut(), gradient, self.m.iter_mut() and &mut self.u; work through the references.",
        "*m = 0.9 * *m + 0.1 * g; *u = (0.999 * *u).max(g.abs() + 1e-8); *w -= rate * *m / *u.",
    ),
    cases=rust_adamax_cases,
    expected=lambda case: [adamax_of(case).tolist(), len(case[1])],
    mistakes=tuple(
        Mistake(
            name=name,
            value=lambda case, o=options: [adamax_of(case, **o).tolist(), len(case[1])],
            says=says,
        )
        for name, options, says in ADAMAX_MISTAKES
    )
    + (
        Mistake(
            name="unchanged",
            value=lambda case: [list(case[0]), len(case[1])],
            says="the weights are what they were: write through `weights`, not into a copy of it",
        ),
        Mistake(
            name="no-count",
            value=lambda case: [adamax_of(case).tolist(), 0],
            says="the weights are right, but `steps` does not count: a resumed run would be wrong",
        ),
    ),
)


def chained(case, *, order=1, only=None, apart=False):
    layers, x = case
    layers = layers[::order]
    layers = layers if only is None else layers[only:][:1]
    x = np.array(x, float)
    y = x
    for kind, value in layers:
        before = x if apart else y
        y = before + value if kind == "Shift" else before * value
    return y.tolist()


def chain_main(cases):
    rows = []
    for layers, x in cases:
        boxes = ", ".join(f"Box::new({kind}({value!r}))" for kind, value in layers)
        rows.append(
            f"    let chain = Chain {{ layers: vec![{boxes}] }};\n"
            f'    results.push(format!("{{:?}}", chain.forward(vec!{rust(x)})));\n'
        )
    body = "    let mut results: Vec<String> = Vec::new();\n" + "".join(rows)
    return "fn main() {\n" + body + '    println!("[{}]", results.join(", "));\n}\n'


rust_chain = Exercise(
    name="rust_chain",
    difficulty=2,
    minutes=12,
    read="The same in candle",
    language="rust",
    program=chain_main,
    hints=(
        "A loop over &self.layers with a `let mut x = x;` before it will do.",
        "Each layer consumes x and returns the next one: x = layer.forward(x).",
        "As a fold: self.layers.iter().fold(x, |x, layer| layer.forward(x)).",
    ),
    cases=lambda rng: [
        ([("Shift", 1.0), ("Scale", 3.0)], [1.0, 2.0]),
        ([], [4.0, 5.0]),
        ([("Scale", 2.0), ("Shift", -1.0), ("Scale", 0.5)], [1.0, 0.0, -2.0]),
        ([("Scale", -1.0)], [2.5]),
    ],
    expected=chained,
    mistakes=(
        Mistake(
            name="reversed",
            value=lambda case: chained(case, order=-1),
            says="the layers are applied from the last to the first",
        ),
        Mistake(
            name="only-first",
            value=lambda case: chained(case, only=0),
            says="only the first layer is applied",
        ),
        Mistake(
            name="unchained",
            value=lambda case: chained(case, apart=True),
            says="every layer receives the first input: it should receive what the one before returned",
        ),
        Mistake(
            name="identity",
            value=lambda case: list(case[1]),
            says="the input comes back unchanged: pass it through the layers",
        ),
    ),
)

# --- Resuming --------------------------------------------------------------------------------------------


class Right:
    """AdaMax that can be resumed; `slip` names what a wrong one does."""

    def __init__(self, lr, slip=""):
        self.lr, self.slip, self.steps, self.m, self.u = lr, slip, 0, None, None

    def step(self, w, g):
        if self.m is None:
            self.m, self.u = np.zeros(w.shape), np.zeros(w.shape)
        self.steps += 1
        self.m[...] = 0.9 * self.m + 0.1 * g
        self.u[...] = np.maximum(0.999 * self.u, np.abs(g) + 1e-8)
        rate = self.lr if self.slip == "uncorrected" else self.lr / (1 - 0.9**self.steps)
        return w - rate * self.m / self.u

    def state(self):
        if self.m is None:
            return {"steps": 0}
        shared = self.slip in ("shared", "state-shares")
        m, u = (self.m, self.u) if shared else (self.m.copy(), self.u.copy())
        kept = {"steps": self.steps, "m": m, "u": u}
        return {k: v for k, v in kept.items() if k != self.slip}

    def load(self, state):
        self.steps = state.get("steps", 0)
        m, u = state.get("m"), state.get("u")
        like = m if m is not None else u
        if like is not None:
            m, u = (np.zeros(like.shape) if a is None else a for a in (m, u))
            copy = self.slip not in ("shared", "load-shares")
            self.m, self.u = (np.array(a) if copy else a for a in (m, u))


def resume(make, case):
    """The weights of a run, and of one resumed in its middle while the first went on."""
    w, gradients, lr, cut = case
    first, early = make(lr), make(lr)
    early.load(make(lr).state())
    states, weights = [], [np.array(w)]
    for k, g in enumerate(gradients):
        if k == cut:
            states.append(first.state())
        weights.append(first.step(weights[-1].copy(), g.copy()))
    second = make(lr)
    second.load(states[0])
    again = weights[cut]
    for g in gradients[cut:]:
        again = second.step(again.copy(), g.copy())
    third = make(lr)
    third.load(states[0])  # a state may be loaded twice
    once_more = third.step(weights[cut].copy(), gradients[cut].copy())
    fresh = early.step(np.array(w), gradients[0].copy())
    return {
        "run": weights[-1],
        "resumed": again,
        "resumed twice": once_more,
        "from an empty state": fresh,
        "dtype": np.asarray(again).dtype.name,
    }


def resumed(answer, case):
    w, gradients, _, cut = case
    kept = [w.copy(), *(g.copy() for g in gradients)]
    probe = answer(0.1)
    given = w.copy(), gradients[0].copy()
    checked(probe.step(*given), "the new weights")
    found = resume(answer, case)
    found["arguments kept"] = bool(np.array_equal(given[0], kept[0]) and np.array_equal(given[1], kept[1]))
    return found


def resume_value(case, slip="", **changes):
    return resume(lambda lr: Right(lr, slip), case) | {"arguments kept": True} | changes


resumable = Exercise(
    name="resumable",
    difficulty=3,
    minutes=25,
    source="V4.4+",
    read="Giving something back",
    wants="class",
    rtol=0.0,
    atol=1e-12,
    hints=(
        "What does the next step depend on, apart from w and g? Two arrays and a number.",
        "Before the first step the arrays do not exist: let state() say so, and load() accept it.",
        "Copy in state() and again in load(): otherwise two optimisers write into one array.",
    ),
    cases=lambda rng: [
        (np.array([1.0, -2.0]), [np.array([0.5, -4.0]), np.array([1.0, 1.0])], 0.1, 1),
        (rng.normal(size=3), [rng.normal(size=3) for _ in range(6)], 0.05, 3),
        (rng.normal(size=(2, 2)), [rng.normal(size=(2, 2)) for _ in range(5)], 0.02, 4),
    ],
    call=resumed,
    expected=resume_value,
    describe=lambda case: (
        f"{len(case[1])} steps on weights of shape {case[0].shape}, resumed after {case[3]}"
    ),
    mistakes=(
        Mistake(
            name="no-count",
            value=lambda case: resume_value(case, "steps"),
            says="the count of steps is not part of the state: the resumed rate is that of a first step",
        ),
        Mistake(
            name="no-mean",
            value=lambda case: resume_value(case, "m"),
            says="m is lost on the way: the state needs it",
        ),
        Mistake(
            name="no-maximum",
            value=lambda case: resume_value(case, "u"),
            says="u is lost on the way: the state needs it",
        ),
        Mistake(
            name="shared",
            value=lambda case: resume_value(case, "shared"),
            says="two optimisers share their arrays through the state: copy in state() and in load()",
        ),
        Mistake(
            name="state-shares",
            value=lambda case: resume_value(case, "state-shares"),
            says="the original goes on writing into the dict that state() has handed out: copy in state()",
        ),
        Mistake(
            name="load-shares",
            value=lambda case: resume_value(case, "load-shares"),
            says="the resumed run writes into the dict, so a second load finds it changed: copy in load()",
        ),
        Mistake(
            name="no-correction",
            value=lambda case: resume_value(case, "uncorrected"),
            says="the first steps are too short: divide the rate by 1 - 0.9**t, with t = 1 at the first",
        ),
        Mistake(
            name="mutates",
            value=lambda case: resume_value(case, **{"arguments kept": False}),
            says="step changes its arguments: return new weights, leave w and g alone",
        ),
    ),
)

# --- Self-checks -----------------------------------------------------------------------------------------

frameworks_owners = Match(
    name="frameworks_owners",
    minutes=3,
    read="Five ways down to the processor",
    question="Who owns the weights of a network that is being trained?",
    pairs=(
        ("PyTorch", "the module; the optimiser holds references", "net.parameters() lists them."),
        ("tch", "a VarStore, under path names", "Layers hold handles into LibTorch."),
        ("candle", "a VarMap; cloning a Var shares it", "A VarBuilder hands out entries by prefix."),
        (
            "burn",
            "the module, a Rust value that the optimiser consumes",
            "`net = adam.step(lr, net, grads)` returns the next one.",
        ),
    ),
)

frameworks_tradeoffs = Choice(
    name="frameworks_tradeoffs",
    minutes=3,
    difficulty=2,
    source="V4.3",
    read="What it costs",
    question="Which statements follow from the measurements of this chapter?",
    options=(
        Option(
            text="tch starts faster than PyTorch but still loads LibTorch.",
            says="Its start-up and memory lie between PyTorch's and the native stacks'.",
            right=True,
        ),
        Option(
            text="candle and burn need little memory because Rust has no garbage collector.",
            says="NumPy, under Python, is nearly as light: what weighs is the library that is loaded.",
        ),
        Option(
            text="On a small MLP a stack can win time that it loses on a convolution.",
            says="On the MLP the calls between kernels count, on the CNN the kernels themselves.",
            right=True,
        ),
        Option(
            text="A stack that reaches the same accuracy has the right gradients.",
            says="candle's CNN reached it with a quarter of the gradient in its convolutions.",
        ),
    ),
)

frameworks_moments = Match(
    name="frameworks_moments",
    minutes=2,
    read="Errors at three moments",
    question="When does a product of matrices that do not fit come to light?",
    pairs=(
        (
            "burn: a matrix times a vector type",
            "when the program is compiled",
            "The rank is in the type: E0308.",
        ),
        ("candle: `a.matmul(&b)?`", "when it runs, as a value of type Result", "`?` hands the error on."),
        ("tch: `a.matmul(&b)`", "when it runs, as a panic", "`f_matmul` is the form that returns a Result."),
    ),
)

frameworks_trace = Choice(
    name="frameworks_trace",
    minutes=2,
    read="TorchScript, and why not",
    question="A network with dropout is traced in training mode. What does the saved trace do in service?",
    options=(
        Option(
            text="It drops units at random: the operation was recorded with training switched on.",
            says="A trace holds what happened. Call eval() before tracing.",
            right=True,
        ),
        Option(
            text="It drops exactly the units that were dropped during the trace.",
            says="The operation is recorded, not its random numbers.",
        ),
        Option(
            text="Nothing is dropped: loading switches to evaluation.",
            says="A module in Python has that switch; the recorded operation carries the mode as a constant.",
        ),
    ),
)

frameworks_pull_request = Order(
    name="frameworks_pull_request",
    minutes=3,
    source="V4.4",
    read="Giving something back",
    question="A gradient looks wrong. Bring the way to a pull request into order.",
    steps=(
        ("Reduce it to the smallest program that shows the error.", "It separates your mistake from theirs."),
        ("Search issues and the main branch.", "It may be known, or mended already."),
        ("Write a test that fails.", "It proves the error and will guard the repair."),
        ("Change the code until the test passes.", "One thing, in the style of its neighbours."),
        ("Run the whole test suite, the formatter and the lints.", "The repair may break something else."),
        ("Open the pull request, with reason, test and change note.", "Now a maintainer can judge it."),
    ),
)

ENTRIES = (
    pool_gradient,
    two_twins,
    burn_layout,
    choose_stack,
    resource_table,
    selu,
    adamax,
    rust_adamax,
    rust_chain,
    resumable,
    frameworks_owners,
    frameworks_tradeoffs,
    frameworks_moments,
    frameworks_trace,
    frameworks_pull_request,
)
