"""Exercises of 25_deploy: what is asked, which mistakes are known, and what to say about them."""

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
    Raises,
)


def checked(value, name):
    """The array and the name of its dtype; NotPlain where it is no array."""
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        raise NotPlain(f"{type(value).__name__} for {name}, not an array")
    array = np.asarray(value)
    return array, array.dtype.name


def one_array(answer, case):
    return checked(answer(*case), "the result")


def words(*pairs):
    """Mistakes of a judge that answers in one word."""
    return tuple(
        Mistake(name=word, value=lambda case, word=word: word, says=advice) for word, advice in pairs
    )


FINE = "all relations hold"


def whole(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def yes(value):
    """True, or NumPy's own True, as `(a == b).all()` gives it."""
    return isinstance(value, bool | np.bool_) and bool(value)


def number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


# --- Eight bits -------------------------------------------------------------------------------------------


def int8_of(case, *, top=127, turn=np.rint, signed=False, clip=True, zero=1.0):
    (w,) = case
    w = np.asarray(w, float)
    largest = (w if signed else np.abs(w)).max(initial=0.0)
    scale = largest / top if largest else zero
    with np.errstate(all="ignore"):
        q = turn(w / scale)
    if clip:
        q = np.clip(q, -128, 127)
    q = np.nan_to_num(q).astype(np.int64)
    return (q + 128) % 256 - 128, scale, "int8"


def int8_pair(answer, case):
    pair = answer(*case)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise NotPlain(f"{type(pair).__name__}, not the pair of integers and scale")
    q, dtype = checked(pair[0], "the integers")
    scale = pair[1].item() if getattr(pair[1], "shape", None) == () else pair[1]
    if not number(scale):
        raise NotPlain(f"{scale!r} for the scale, not a number")
    return q.astype(np.int64) if q.dtype.kind in "iu" else q, float(scale), dtype


def half_up(x):
    return np.floor(x + 0.5)


def away_from_zero(x):
    return np.sign(x) * np.floor(np.abs(x) + 0.5)


quantise_int8 = Exercise(
    name="quantise_int8",
    difficulty=2,
    minutes=15,
    source="V1.2",
    read="Fewer bits",
    hints=(
        "The largest absolute value becomes 127: what is one step worth?",
        "np.rint rounds to the nearest integer, ties to the even one; astype alone cuts.",
        "np.abs(w).max(initial=0.0) is 0 for an empty array and for zeros: then the scale is 1.0.",
    ),
    cases=lambda rng: [
        (np.array([[1.2, -2.0], [0.5, 0.0]]),),
        (np.array([-127.0, 0.5, 1.5, 2.5, -0.5, 100.0]),),
        (np.zeros((2, 3)),),
        (rng.normal(size=(4, 5)),),
        (rng.normal(size=7).astype(np.float32),),
        (np.zeros((0, 3)),),
        (np.array([3.0, 1.9, -0.9]),),
    ],
    call=int8_pair,
    expected=int8_of,
    rtol=1e-6,
    mistakes=(
        Mistake(
            name="cuts",
            value=lambda case: int8_of(case, turn=np.trunc),
            says="the fractions are cut off: the error is then up to a whole step; round with np.rint",
        ),
        Mistake(
            name="128",
            value=lambda case: int8_of(case, top=128),
            says="you divide by 128: the largest weight becomes 128, which int8 does not have",
        ),
        Mistake(
            name="signed-maximum",
            value=lambda case: int8_of(case, signed=True),
            says="the scale comes from the largest weight, signs included: a large negative one is cut off",
        ),
        Mistake(
            name="half-up",
            value=lambda case: int8_of(case, turn=half_up),
            says="ties go up: here they go to the even integer, as np.rint does it",
        ),
        Mistake(
            name="zero-scale",
            value=lambda case: int8_of(case) if np.any(case[0]) else (*int8_of(case)[:1], 0.0, "int8"),
            says="an array of zeros gets the scale 0, by which nothing can be divided: return 1.0",
        ),
        Mistake(
            name="unsigned",
            value=lambda case: (*int8_of(case)[:2], "uint8"),
            says="the integers are unsigned: weights have signs, use np.int8",
        ),
        Mistake(
            name="wide",
            value=lambda case: (*int8_of(case)[:2], "int64"),
            says="the integers are 64 bits wide: nothing is saved before .astype(np.int8)",
        ),
        Mistake(
            name="half-wide",
            value=lambda case: (*int8_of(case)[:2], "int32"),
            says="the integers are 32 bits wide, as a float32 is: nothing is saved before .astype(np.int8)",
        ),
        Mistake(
            name="away-from-zero",
            value=lambda case: int8_of(case, turn=away_from_zero),
            says="ties go away from zero: here they go to the even integer, as np.rint does it",
        ),
    ),
)


def rows_of(case, *, one=False, turn=np.rint, columns=False, top=127.0, zero=1.0, signed=False):
    values, width = case
    w = np.array(values, float).reshape(-1, width)
    w = w.T if columns else w
    largest = (w if signed else np.abs(w)).max(axis=1, initial=0.0)
    if one:
        largest = np.full(len(w), largest.max(initial=0.0))
    scale = np.where(largest > 0, largest / top, zero)
    q = turn(w / np.where(scale > 0, scale, 1.0)[:, None])
    q = np.clip(q, -128, 127)
    q = q.T if columns else q
    return [[int(v) for v in q.ravel()], scale.tolist()]


def rust_list(values):
    return f"[{', '.join(repr(float(v)) for v in values)}]"


def rows_main(cases):
    lines = [
        f"    let (q, scales) = quantise_rows(&{rust_list(v)}, {width});\n"
        '    results.push(format!("[{:?}, {:?}]", q as Vec<i8>, scales as Vec<f64>));\n'
        for v, width in cases
    ]
    return (
        "fn main() {\n    let mut results: Vec<String> = Vec::new();\n"
        + "".join(lines)
        + '    println!("[{}]", results.join(", "));\n}\n'
    )


rust_quantise_rows = Exercise(
    name="rust_quantise_rows",
    difficulty=2,
    minutes=20,
    read="One scale or one for each row",
    language="rust",
    program=rows_main,
    hints=(
        "weight.chunks_exact(columns) gives the rows, one slice each.",
        "row.iter().fold(0.0, |m: f64, w| m.max(w.abs())) is the largest size; 0.0 needs the scale 1.0.",
        "(w / scale).round_ties_even() as i8 is one integer; push the scale once a row.",
    ),
    cases=lambda rng: [
        ([1.2, -2.0, 100.0, 25.0], 2),
        ([127.0, 0.5, -1.5, 2.5], 4),
        ([0.0, 0.0, 3.0, 1.9], 2),
        (rng.normal(size=12).tolist(), 3),
        ([0.3], 1),
    ],
    expected=rows_of,
    mistakes=(
        Mistake(
            name="one-scale",
            value=lambda case: rows_of(case, one=True),
            says="all rows have the same scale: the largest size is taken over one row only",
        ),
        Mistake(
            name="columns",
            value=lambda case: rows_of(case, columns=True),
            says="the scales belong to columns: the weights lie row by row",
        ),
        Mistake(
            name="cuts",
            value=lambda case: rows_of(case, turn=np.trunc),
            says="`as i8` cuts: round before it",
        ),
        Mistake(
            name="ties",
            value=lambda case: rows_of(case, turn=away_from_zero),
            says="f64::round sends ties away from zero: use round_ties_even",
        ),
        Mistake(
            name="128",
            value=lambda case: rows_of(case, top=128.0),
            says="you divide by 128: the largest size should become 127",
        ),
        Mistake(
            name="zero-scale",
            value=lambda case: rows_of(case, zero=0.0),
            says="a row of zeros gets the scale 0: return 1.0",
        ),
        Mistake(
            name="signed-maximum",
            value=lambda case: rows_of(case, signed=True),
            says="the scale comes from the largest weight, signs included: take w.abs() first",
        ),
    ),
)

# --- Fewer weights ----------------------------------------------------------------------------------------


def pruned(case, *, by=np.abs, count=int, largest=False, stable=1):
    w, fraction = case
    keys = by(w).ravel()
    places = np.arange(w.size)
    order = sorted(places, key=lambda k: ((-1 if largest else 1) * keys[k], stable * k))
    result = np.array(w)
    result.flat[np.array(order[: count(fraction * w.size)], int)] = 0
    return result, w.dtype.name


def by_threshold(case):
    w, fraction = case
    count = int(fraction * w.size)
    result = np.array(w)
    if count:
        result[np.abs(w) <= np.sort(np.abs(w), axis=None)[count - 1]] = 0
    return result, w.dtype.name


prune = Exercise(
    name="prune",
    difficulty=2,
    minutes=12,
    source="V1.2",
    read="Fewer weights",
    hints=(
        "How many entries become zero? int(fraction * weight.size).",
        'np.argsort(np.abs(weight), axis=None, kind="stable") orders all entries, ties by their place.',
        "result = weight.copy(); result.flat[order[:count]] = 0 leaves the argument alone.",
    ),
    cases=lambda rng: [
        (np.array([[3.0, -0.1], [-2.0, 0.5]]), 0.5),
        (np.array([1.0, -1.0, 1.0, 2.0]), 0.5),
        (np.array([[1.0, -1.0], [1.0, 2.0]]), 0.5),
        (rng.normal(size=(3, 5)), 0.5),
        (rng.normal(size=(4, 4)).astype(np.float32), 0.75),
        (rng.normal(size=6), 0.0),
        (rng.normal(size=(2, 3)), 1.0),
        (np.array([[5.0, -4.0, 3.0]]), 0.6),
    ],
    call=one_array,
    expected=pruned,
    mistakes=(
        Mistake(
            name="signed",
            value=lambda case: pruned(case, by=lambda w: w),
            says="the most negative weights go first: compare absolute values",
        ),
        Mistake(
            name="largest",
            value=lambda case: pruned(case, largest=True),
            says="the largest weights become zero: the smallest should",
        ),
        Mistake(
            name="keeps-fraction",
            value=lambda case: pruned((case[0], 1 - case[1])),
            says="you keep this share of the weights: it is the share that becomes zero",
        ),
        Mistake(
            name="rounds-up",
            value=lambda case: pruned(case, count=math.ceil),
            says="one zero too many: int(fraction * weight.size) rounds down",
        ),
        Mistake(
            name="threshold",
            value=by_threshold,
            says="a threshold also removes weights that tie with the last one: take exactly that many",
        ),
        Mistake(
            name="last-ties",
            value=lambda case: pruned(case, stable=-1),
            says="of equal sizes the later ones go: the earlier should; a stable sort keeps their order",
        ),
        Mistake(
            name="columns",
            value=lambda case: (pruned((case[0].T, case[1]))[0].T, case[0].dtype.name),
            says="of equal sizes those that come first column by column go: the order is row by row",
        ),
        Mistake(
            name="mask",
            value=lambda case: ((pruned(case)[0] != 0).astype(case[0].dtype), case[0].dtype.name),
            says="this is a mask of ones and zeros: multiply the weights by it",
        ),
        Mistake(
            name="dtype",
            value=lambda case: (pruned(case)[0].astype(float), "float64"),
            says="the result has another dtype than the weights: copy them and write zeros",
        ),
    ),
)

# --- A teacher --------------------------------------------------------------------------------------------


def softmax(z, shift="rows"):
    top = {"rows": z.max(axis=1, keepdims=True), "all": z.max(), "none": 0.0}[shift]
    with np.errstate(all="ignore"):
        e = np.exp(z - top)
        return e / e.sum(axis=1, keepdims=True)


def soft_gradient(case, *, power=1, mean=True, cool="", reverse=False, sign=1, shift="rows", classes=False):
    student, teacher, heat = case
    q = softmax(student / (1 if "student" in cool else heat), shift)
    p = softmax(teacher / (1 if "teacher" in cool else heat), shift)
    if reverse:  # the gradient of KL(q || p)
        gap = np.log(q) - np.log(p)
        slope = q * (gap - (q * gap).sum(axis=1, keepdims=True))
    else:
        slope = q - p
    count = student.size if classes else len(student) if mean else 1
    return sign * heat**power * slope / count, "float64"


distil_gradient = Exercise(
    name="distil_gradient",
    difficulty=2,
    minutes=15,
    read="A teacher and a narrow student",
    hints=(
        "Both scores are divided by T before the softmax; p is the teacher's, q the student's.",
        "The derivative of the divergence by the student's scores is (q - p)/T; the loss has T**2 before it.",
        "T * (q - p) / N; subtract each row's maximum before np.exp.",
    ),
    cases=lambda rng: [
        (np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]), 1.0),
        (np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]), 4.0),
        (2 * rng.normal(size=(5, 3)), 2 * rng.normal(size=(5, 3)), 2.5),
        (np.array([[900.0, 0.0, -900.0]]), np.array([[0.0, 0.0, 0.0]]), 1.0),
        (np.ones((2, 4)), np.ones((2, 4)), 3.0),
        (np.array([[900.0, 0.0], [-950.0, -948.0]]), np.array([[1.0, 0.0], [-999.0, -997.0]]), 1.0),
    ],
    call=one_array,
    expected=soft_gradient,
    mistakes=(
        Mistake(
            name="no-factor",
            value=lambda case: soft_gradient(case, power=0),
            says="a factor T is missing: T**2 from the loss, 1/T from the scores",
        ),
        Mistake(
            name="squared",
            value=lambda case: soft_gradient(case, power=2),
            says="T**2 is left: the scores are divided by T, which takes one factor away",
        ),
        Mistake(
            name="not-averaged",
            value=lambda case: soft_gradient(case, mean=False),
            says="the loss is a mean over the rows: divide by N",
        ),
        Mistake(
            name="cool-teacher",
            value=lambda case: soft_gradient(case, cool="teacher"),
            says="the teacher's scores are not divided by T: both are",
        ),
        Mistake(
            name="cool-student",
            value=lambda case: soft_gradient(case, cool="student"),
            says="the student's scores are not divided by T: both are",
        ),
        Mistake(
            name="no-temperature",
            value=lambda case: soft_gradient(case, cool="student, teacher"),
            says="no score is divided by T: both networks' are, before the softmax",
        ),
        Mistake(
            name="loss-without-square",
            value=lambda case: soft_gradient(case, power=-1),
            says="this is the gradient of the divergence alone: the loss has T**2 before it",
        ),
        Mistake(
            name="mean-of-entries",
            value=lambda case: soft_gradient(case, classes=True),
            says="you divide by the number of entries: the mean is over the rows, divide by N",
        ),
        Mistake(
            name="sign",
            value=lambda case: soft_gradient(case, sign=-1),
            says="the sign is turned: this gradient leads away from the teacher",
        ),
        Mistake(
            name="overflow",
            value=lambda case: soft_gradient(case, shift="none"),
            says="large scores give NaN: subtract each row's maximum before np.exp",
        ),
        Mistake(
            name="one-maximum",
            value=lambda case: soft_gradient(case, shift="all"),
            says="one maximum for all rows: a row far below it gives 0/0; subtract each row's own",
        ),
    ),
)

# --- A project: a network made smaller and faster ---------------------------------------------------------


def judge_optimised(table):
    """What is wrong with the table, in one word; FINE where nothing is."""
    if not isinstance(table, dict) or set(table) != {"profile", "difference", "devices", "sizes"}:
        return "form"
    profile, devices, sizes = table["profile"], table["devices"], table["sizes"]
    if not isinstance(profile, dict) or set(profile) != {"before", "after"}:
        return "form"
    if not all(isinstance(rows, list | tuple) for rows in (devices, sizes)):
        return "form"
    for shares in profile.values():
        if not isinstance(shares, dict) or len(shares) < 2:
            return "profile"
        if not all(number(v) and v >= 0 for v in shares.values()) or abs(sum(shares.values()) - 1) > 0.01:
            return "profile"
    if not number(table["difference"]) or not 0 <= table["difference"] <= 1e-5:
        return "difference"
    if not devices or not all(isinstance(d, dict) and {"device", "plain", "fast"} <= set(d) for d in devices):
        return "devices"
    if not all(isinstance(d["device"], str) for d in devices):
        return "devices"
    for row in devices:
        absent = row["plain"] is None and row["fast"] is None and bool(row.get("why"))
        times = number(row["plain"]) and number(row["fast"]) and min(row["plain"], row["fast"]) > 0
        if not (absent or times):
            return "devices"
    if not any(d["plain"] is not None for d in devices) or len({d["device"] for d in devices}) < 2:
        return "devices"
    return judge_sizes(sizes)


def judge_sizes(sizes):
    good = len(sizes) >= 3 and all(
        isinstance(row, dict) and {"sparsity", "bytes", "accuracy"} <= set(row) for row in sizes
    )
    if not good or not all(number(row["accuracy"]) and 0 <= row["accuracy"] <= 1 for row in sizes):
        return "sizes"
    if not all(number(row["sparsity"]) and 0 <= row["sparsity"] <= 1 for row in sizes):
        return "sizes"
    if not all(whole(row["bytes"]) and row["bytes"] > 0 for row in sizes):
        return "sizes"
    pairs = list(zip(sizes, sizes[1:]))
    if not all(a["sparsity"] < b["sparsity"] for a, b in pairs):
        return "order"
    return FINE if all(a["bytes"] > b["bytes"] for a, b in pairs) else "shrink"


optimised_table = Exercise(
    name="optimised_table",
    difficulty=3,
    minutes=240,
    source="V1.2+",
    read="The frontier",
    seconds=90,
    cases=lambda rng: [("the table",)],
    expected=lambda case: FINE,
    call=lambda answer, case: judge_optimised(answer()),
    describe=lambda case: "the table",
    hints=(
        "First a plain version with loops whose output you trust; then the fast one, compared with it.",
        "A profile is a dict of shares that add up to 1: time each stage, divide by the sum.",
        "A sparse file grows smaller only if zeros are not written: keep a bit mask and the rest.",
    ),
    mistakes=words(
        ("form", "expected a dict with exactly profile (before, after), difference, devices and sizes"),
        ("profile", "each profile is a dict of at least two stages whose shares add up to 1"),
        ("difference", "the fast version's output differs by more than 1e-5 from the plain one's"),
        ("devices", "two devices at least: times above zero, or None for both and the reason under 'why'"),
        ("sizes", "at least three rows of sparsity (0 to 1), bytes (a whole number) and accuracy (0 to 1)"),
        ("order", "the rows of sizes should stand in the order of growing sparsity"),
        ("shrink", "more zeros, but not fewer bytes: count what a file would hold"),
    ),
)

# --- Saved weights ----------------------------------------------------------------------------------------


def damaged(data):
    """The file in eight states in which it should be refused."""
    half, turned = len(data) // 2, bytes([data[-1] ^ 1]) if data else b""
    states = [b"", data[:half], data[:-1], data + b"\0", data[:-1] + turned, b"no file of ours" * 20]
    for place in (len(data) // 3, 0):
        states.append(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
    return states


def refuses(load, data):
    try:
        load(data)
    except ValueError:
        return "refused"
    except Exception as error:  # the wrong kind is told by its name
        return type(error).__name__
    return "accepted"


def stored(answer, case):
    (arrays,) = case
    data = answer.save({name: a.copy(order="K") for name, a in arrays.items()})
    if type(data) is not bytes:
        raise NotPlain(f"{type(data).__name__} from save, not bytes")
    back = answer.load(data)
    if not isinstance(back, dict):
        raise NotPlain(f"{type(back).__name__} from load, not a dict")
    found = {str(name): checked(a, name)[0] for name, a in back.items()}
    return found_state(found) | {"damaged": fate([refuses(answer.load, state) for state in damaged(data)])}


def fate(found):
    """What became of the damaged files, in words: of their eight fates the one to mend first."""
    raised = [word for word in found if word not in ("refused", "accepted")]
    if raised:
        return f"{raised[0]} raised"
    groups = {
        "cut short or not ours": (0, 1, 2, 5),
        "with a changed bit": (4, 6, 7),
        "with a byte added": (3,),
    }
    for name, places in groups.items():
        if any(found[k] == "accepted" for k in places):
            return f"one {name} accepted"
    return "refused"


def found_state(arrays):
    return {
        "names": sorted(arrays),
        "dtypes": {name: arrays[name].dtype.name for name in sorted(arrays)},
        "shapes": {name: list(arrays[name].shape) for name in sorted(arrays)},
        "bytes": {name: arrays[name].tobytes().hex() for name in sorted(arrays)},
    }


def store_value(case, change=None, damage="refused"):
    (arrays,) = case
    arrays = {name: change(a) if change else a for name, a in arrays.items()}
    return found_state(arrays) | {"damaged": damage}


def store_cases(rng):
    odd = np.array([np.nan, -0.0, np.inf, 1e-40, 0.1], np.float32)
    return [
        ({"w": np.array([[1.0, 2.0], [3.0, 4.0]])},),
        ({"w": rng.normal(size=(3, 4)).T, "q": rng.integers(-128, 128, 5).astype(np.int8)},),
        ({"odd": odd, "scalar": np.array(2.5), "empty": np.zeros((0, 3), np.float32)},),
    ]


weights_store = Exercise(
    name="weights_store",
    difficulty=2,
    minutes=25,
    source="V4.5",
    read="The same bits in three languages",
    wants="class",
    hints=(
        "safetensors.numpy.save and load do the format; contiguous copies first: np.array(a, order='C').",
        "A changed number still is a number: put hashlib.sha256(data).digest() before the data.",
        "Compare the 32 bytes first; turn SafetensorError into ValueError with `raise ... from error`.",
    ),
    cases=store_cases,
    call=stored,
    expected=store_value,
    describe=lambda case: (
        "arrays " + ", ".join(f"{n} {a.dtype} {a.shape}" for n, a in case[0].items()) + ", saved and loaded"
    ),
    mistakes=(
        Mistake(
            name="no-digest",
            value=lambda case: store_value(case, damage="one with a changed bit accepted"),
            says="a file with a changed bit is accepted: store a digest of all the data and compare",
        ),
        Mistake(
            name="longer",
            value=lambda case: store_value(case, damage="one with a byte added accepted"),
            says="a file with a byte added at its end is accepted: a digest of all that was written tells",
        ),
        Mistake(
            name="wrong-error",
            value=lambda case: store_value(case, damage="SafetensorError raised"),
            says="a damaged file raises SafetensorError: promise ValueError and translate",
        ),
        Mistake(
            name="assertion",
            value=lambda case: store_value(case, damage="AssertionError raised"),
            says="a damaged file raises AssertionError: an assert is for your own mistakes, raise ValueError",
        ),
        Mistake(
            name="single",
            value=lambda case: store_value(case, lambda a: a.astype(np.float32)),
            says="all arrays come back as float32: keep each dtype",
        ),
        Mistake(
            name="double",
            value=lambda case: store_value(case, lambda a: a.astype(np.float64)),
            says="all arrays come back as float64: keep each dtype",
        ),
        Mistake(
            name="one-axis",
            value=lambda case: store_value(case, np.ravel),
            says="the shapes are lost: they belong into the file",
        ),
        Mistake(
            name="no-axes",
            value=lambda case: store_value(case, np.atleast_1d),
            says="an array without axes comes back with one: np.ascontiguousarray does that; use np.array",
        ),
        Mistake(
            name="memory-order",
            value=lambda case: store_value(case, lambda a: np.ravel(a, order="K").reshape(a.shape)),
            says="a transposed array comes back with its entries in memory's order: copy to C order first",
        ),
    ),
)

# --- The border -------------------------------------------------------------------------------------------

POINTERS = ("x", "weight", "bias", "classes")
UNTOUCHED = 99


def predicted(
    case, *, last=False, bias=True, turned=False, nulls=True, zero=True, nan="3", early=False, late=False
):
    x, weight, b, n, i, o, null = case
    blank = [UNTOUCHED] * n
    if null and not (late and i * o == 0):
        return [1 if nulls else 0, blank]
    if i == 0 or o == 0:
        return [2, blank] if zero else [0, [0] * n]
    xs, w = np.array(x, float).reshape(n, i), np.array(weight, float)
    w = w.reshape(i, o).T if turned else w.reshape(o, i)
    scores = xs @ w.T + (np.array(b) if bias else 0)
    if np.isnan(scores).any():
        if nan == "3":
            written = blank
            if early:
                done = int(np.isnan(scores).any(axis=1).argmax())  # rows before the first NaN
                written = [int(k) for k in scores[:done].argmax(axis=1)] + blank[done:]
            return [3, written]
        scores = np.nan_to_num(scores, nan=-np.inf)
    if last:
        return [0, [int(o - 1 - np.argmax(s[::-1])) for s in scores]]
    return [0, [int(k) for k in scores.argmax(axis=1)]]


def rust_value(value):
    return "f64::NAN" if math.isnan(value) else repr(float(value))


def predict_main(cases):
    blocks = []
    for x, weight, b, n, i, o, null in cases:
        arrays = zip(("x", "weight", "bias"), (x, weight, b))
        lets = "".join(
            f"        let {name}: Vec<f64> = vec![{', '.join(map(rust_value, a))}];\n" for name, a in arrays
        )
        given = ", ".join(
            ("null_mut()" if name == "classes" else "null()")
            if name == null
            else f"{name}.{'as_mut_ptr' if name == 'classes' else 'as_ptr'}()"
            for name in POINTERS
        )
        blocks.append(
            "    {\n" + lets + f"        let mut classes: Vec<u32> = vec![{UNTOUCHED}; {n}];\n"
            f"        let status = unsafe {{ call({given}, {n}, {i}, {o}) }};\n"
            '        results.push(format!("[{status}, {classes:?}]"));\n    }\n'
        )
    pointer = "*const f64, *const f64, *const f64, *mut u32, usize, usize, usize"
    return (
        "#[allow(unused_imports, unused_mut, unused_variables)]\nfn main() {\n"
        "    use std::ptr::{null, null_mut};\n"
        f'    let call: unsafe extern "C" fn({pointer}) -> i32 = predict;\n'
        "    let mut results: Vec<String> = Vec::new();\n"
        + "".join(blocks)
        + '    println!("[{}]", results.join(", "));\n}\n'
    )


def predict_cases(rng):
    x, w, b = [1.0, 2.0, -1.0, 0.5], [1.0, 0.0, 0.0, 1.0, 1.0, 1.0], [0.0, 0.5, -2.0]
    some = rng.normal(size=12).tolist(), rng.normal(size=8).tolist(), (3 * rng.normal(size=2)).tolist()
    one = [1.0], [1.0], [0.0], 1, 1, 1
    return [
        (x, w, b, 2, 2, 3, ""),
        (*some, 3, 4, 2, ""),
        ([1.0, 1.0], [2.0, 2.0], [0.0, 0.0], 2, 1, 2, ""),
        *((*one, name) for name in POINTERS),
        ([], [], [0.0], 1, 0, 1, ""),
        ([1.0], [], [], 1, 1, 0, ""),
        ([], [], [0.0], 1, 0, 1, "bias"),
        ([1.0, math.nan, 2.0], [1.0, -1.0], [0.0, 0.5], 3, 1, 2, ""),
        ([-3.0, -1.0], [2.0, 1.0], [-10.0, -10.0], 2, 1, 2, ""),
    ]


def describe_predict(case):
    x, weight, bias, n, i, o, null = case
    numbers = f", x = {x}, weight = {weight}, bias = {bias}" if len(x) <= 4 else ""
    end = f"; {null} is a null pointer" if null else ""
    return f"predict with n = {n}, i = {i}, o = {o}{numbers}{end}"


rust_predict = Exercise(
    name="rust_predict",
    difficulty=3,
    minutes=30,
    source="V1.4",
    read="What may cross a border",
    language="rust",
    program=predict_main,
    hints=(
        "First all refusals: is_null() for each pointer, then i == 0 || o == 0, before any slice is made.",
        "std::slice::from_raw_parts(x, n * i) in an unsafe block, with a comment on why it is sound.",
        "Collect the classes in a Vec; only when all rows are done, copy them into the caller's memory.",
    ),
    cases=predict_cases,
    expected=predicted,
    describe=describe_predict,
    mistakes=(
        Mistake(
            name="null-is-fine",
            value=lambda case: predicted(case, nulls=False),
            says="a null pointer is answered with 0: the caller believes that there is a result",
        ),
        Mistake(
            name="no-size",
            value=lambda case: predicted(case, zero=False),
            says="i = 0 or o = 0 should be refused with 2",
        ),
        Mistake(
            name="size-first",
            value=lambda case: predicted(case, late=True),
            says="null pointers and i = 0 together give 2: the pointers are asked first, so 1",
        ),
        Mistake(
            name="last-of-equal",
            value=lambda case: predicted(case, last=True),
            says="of equal scores the last wins: the first should",
        ),
        Mistake(
            name="no-bias",
            value=lambda case: predicted(case, bias=False),
            says="the biases are missing",
        ),
        Mistake(
            name="turned",
            value=lambda case: predicted(case, turned=True),
            says="the weight is read as (i, o): it is (o, i), row by row",
        ),
        Mistake(
            name="nan-ignored",
            value=lambda case: predicted(case, nan="0"),
            says="a score that is NaN counts as the smallest: refuse the whole call with 3",
        ),
        Mistake(
            name="half-written",
            value=lambda case: predicted(case, early=True),
            says="some classes were written although the status is not 0: write when all rows are done",
        ),
    ),
)


def judge_border(table):
    """What is wrong with the table, in one word; FINE where nothing is."""
    if not isinstance(table, dict) or set(table) != {"difference", "round_trip", "refused", "calls_after"}:
        return "form"
    if not number(table["difference"]) or not 0 <= table["difference"] <= 1e-6:
        return "difference"
    if not yes(table["round_trip"]):
        return "round-trip"
    refused = table["refused"]
    if not isinstance(refused, dict) or not {"null", "shape"} <= set(refused):
        return "refused"
    known = {name for name, kind in vars(__import__("builtins")).items() if isinstance(kind, type)}
    if not all(isinstance(name, str) and name.endswith("Error") for name in refused.values()):
        return "refused"
    if refused["shape"] not in known:
        return "python-error"
    return FINE if whole(table["calls_after"]) and table["calls_after"] >= 100 else "calls"


border_table = Exercise(
    name="border_table",
    difficulty=3,
    minutes=240,
    source="V1.4+",
    read="Two roads from Python to Rust",
    seconds=60,
    cases=lambda rng: [("the table",)],
    expected=lambda case: FINE,
    call=lambda answer, case: judge_border(answer()),
    describe=lambda case: "the table",
    hints=(
        "Keep the C functions dumb: pointers, sizes, a status. A Python class around them checks and raises.",
        "native.shared_library(source) compiles a text of Rust; argtypes make ctypes convert sizes rightly.",
        "type(error).__name__ inside `except` names what was raised; then call a hundred times more.",
    ),
    mistakes=words(
        ("form", "expected a dict with exactly difference, round_trip, refused and calls_after"),
        ("difference", "Rust and Python differ by more than 1e-6: same weights, same preprocessing?"),
        (
            "round-trip",
            "round_trip is not True: weights that came back should have the same bits",
        ),
        ("refused", "name under refused what 'null' and 'shape' raised in Python, each by its class"),
        ("python-error", "a wrong shape should raise one of Python's own exceptions, such as ValueError"),
        ("calls", "after the refusals at least 100 right calls show that nothing was damaged"),
    ),
)

# --- Serving ----------------------------------------------------------------------------------------------


def nearest_rank(case, *, rule="rank"):
    times, percent = case
    n, ordered = len(times), sorted(times)
    rank = -(-percent * n // 100)  # rounded up, in whole numbers
    if rule == "unsorted":
        ordered = list(times)
    if rule == "floor":
        rank = max(percent * n // 100, 1)
    if rule == "float":
        rank = math.ceil(percent / 100 * n)
    if rule == "next":
        rank = min(percent * n // 100 + 1, n)
    if rule == "falling":
        ordered = ordered[::-1]
    if rule == "distinct":
        ordered = sorted(set(times))
        rank = -(-percent * len(ordered) // 100)
    if rule == "between":
        return float(np.percentile(times, percent))
    return float(ordered[rank - 1])


percentile = Exercise(
    name="percentile",
    difficulty=1,
    minutes=8,
    read="What a tail is",
    hints=(
        "Sort first, into a new list. Which place is that of the value asked for?",
        "At least percent · n / 100 values must not exceed it: round this number up.",
        "In whole numbers: rank = -(-percent * n // 100); the value is sorted(times)[rank - 1].",
    ),
    cases=lambda rng: [
        ([4.0, 1.0, 3.0, 2.0], 50),
        ([4.0, 1.0, 3.0, 2.0], 51),
        ([7.5], 1),
        (rng.exponential(size=20).tolist(), 95),
        (rng.exponential(size=100).tolist(), 7),
        (rng.exponential(size=30).tolist(), 99),
        ([2.0, 2.0, 1.0, 5.0], 100),
        ([1.0, 5.0, 1.0, 1.0], 75),
    ],
    expected=nearest_rank,
    mistakes=tuple(
        Mistake(name=rule, value=lambda case, rule=rule: nearest_rank(case, rule=rule), says=says)
        for rule, says in (
            ("between", "you interpolate, as np.percentile does: return a time that was measured"),
            ("floor", "the rank is rounded down: then too few of the times are covered"),
            ("float", "0.07 * 100 is a little above 7 for a computer: take the rank in whole numbers"),
            ("next", "one place too far where percent · n / 100 is whole: round up, do not add one"),
            ("unsorted", "the times are taken as they came: sort them"),
            ("distinct", "equal times are counted once: each is an answer that somebody waited for"),
            ("falling", "sorted from the slowest: the percentile counts from the fastest"),
        )
    ),
)


def waits(case, *, floor=True, own=False, total=False, idle=False, begin=False):
    arrivals, services = (np.asarray(a, float) for a in case)
    waiting, free = np.zeros(len(arrivals)), -math.inf
    for k, (come, need) in enumerate(zip(arrivals, services)):
        wait = free - come if k else 0.0
        waiting[k] = max(wait, 0.0) if floor else wait
        start = come + waiting[k]
        free = start + (services[k + 1] if own and k + 1 < len(services) else need)
        if idle:  # only the request before is looked at, not what that one had waited
            free = come + need
    return waiting + services if total else waiting + arrivals if begin else waiting, "float64"


waiting_times = Exercise(
    name="waiting_times",
    difficulty=2,
    minutes=15,
    read="Why the tail grows",
    hints=(
        "Keep one number: the moment at which the server will be free.",
        "A request starts at the later of its arrival and that moment.",
        "start = max(arrival, free); its wait is start - arrival; then free = start + service.",
    ),
    cases=lambda rng: [
        (np.array([0.0, 1.0, 2.0]), np.array([2.0, 2.0, 2.0])),
        (np.array([0.0, 5.0, 5.5]), np.array([1.0, 2.0, 0.5])),
        (np.cumsum(rng.exponential(size=12)), rng.exponential(size=12)),
        (np.array([3.0]), np.array([1.0])),
        (np.array([0.0, 0.0, 0.0]), np.array([1.0, 2.0, 3.0])),
        (np.zeros(0), np.zeros(0)),
    ],
    call=one_array,
    expected=waits,
    mistakes=(
        Mistake(
            name="negative",
            value=lambda case: waits(case, floor=False),
            says="a wait is negative: an idle server does not start before the request is there",
        ),
        Mistake(
            name="own-service",
            value=lambda case: waits(case, own=True),
            says="you add the request's own service: it waits for those before it",
        ),
        Mistake(
            name="latency",
            value=lambda case: waits(case, total=True),
            says="this is wait plus service: return the wait alone",
        ),
        Mistake(
            name="start",
            value=lambda case: waits(case, begin=True),
            says="these are the moments at which requests start: subtract their arrivals",
        ),
        Mistake(
            name="forgets",
            value=lambda case: waits(case, idle=True),
            says="the request before had waited, too: the server is free when *it* is done",
        ),
        Mistake(
            name="whole",
            value=lambda case: (np.trunc(waits(case)[0]), "int64"),
            says="the waits are whole numbers: use an array of floats",
        ),
    ),
)


HUGE = 10**309  # a whole number beyond the floats
TOO_LARGE = {"rows": [[HUGE, 2.0]]}


def is_row(row, features, booleans=False, finite=True):
    if not isinstance(row, list) or len(row) != features:
        return False
    kinds = (int, float, bool) if booleans else (int, float)
    return all(type(v) in kinds and (not finite or (v != HUGE and math.isfinite(v))) for v in row)


def parsed(case, **options):
    message, features = case
    rows = message.get("rows") if isinstance(message, dict) else None
    if not isinstance(rows, list) or not rows:
        return None
    if not all(is_row(row, features, **options) for row in rows):
        return None
    return np.array(rows, float)


def parse_call(answer, case):
    try:
        result = answer(*case)
    except NotImplementedError:  # not solved yet
        raise
    except ValueError:  # or a kind of it
        return raised("ValueError")
    except Exception as error:  # another kind is the server's fault, not the client's
        return raised(type(error).__name__)
    if result is None:
        return raised("nothing")
    return accepted(*checked(result, "the result"))


def raised(name):
    return {"raised": name, "rows": None, "dtype": ""}


def accepted(rows, dtype="float64"):
    return {"raised": "nothing", "rows": rows, "dtype": dtype}


def parse_value(case):
    found = parsed(case)
    return raised("ValueError") if found is None else accepted(found)


def careless(case, **options):
    """As parse_value, by somebody who has not thought of whole numbers beyond the floats."""
    message, _ = case
    if message == TOO_LARGE:
        return raised("OverflowError")
    found = parsed(case, **options)
    return raised("ValueError") if found is None else accepted(found)


def empty_passes(case):
    message, _ = case
    if isinstance(message, dict) and message.get("rows") == []:
        return accepted(np.zeros(0))
    return careless(case)


def other_error(case, *, key="ValueError", kind="ValueError"):
    """Another exception for a dict without "rows", and for what is no dict."""
    message, _ = case
    if not isinstance(message, dict):
        return raised(kind)
    return careless(case) if "rows" in message else raised(key)


def columns_free(case):
    message, features = case
    rows = message.get("rows") if isinstance(message, dict) else None
    width = len(rows[0]) if isinstance(rows, list) and rows and isinstance(rows[0], list) else features
    return careless((message, width))


parse_rows = Exercise(
    name="parse_rows",
    difficulty=2,
    minutes=20,
    source="V4.5",
    read="What a server owes",
    hints=(
        "Go from outside to inside: a dict? with rows? a list, not empty? each row a list of that length?",
        "isinstance(True, int) is True: compare type(value) with int and float.",
        "math.isfinite refuses NaN and infinity; it raises OverflowError for 10**400: catch that, too.",
    ),
    cases=lambda rng: [
        ({"rows": [[1, 2.5], [0, -1]]}, 2),
        ({"rows": [[1, 2], [0, -1]]}, 2),
        (TOO_LARGE, 2),
        ({"rows": rng.normal(size=(3, 4)).tolist()}, 4),
        ({"rows": [[1.0, 2.0, 3.0]]}, 2),
        ({"rows": [[1.0, 2.0], [3.0]]}, 2),
        ({"rows": [[True, 2.0]]}, 2),
        ({"rows": [[math.nan, 2.0]]}, 2),
        ({"rows": [[math.inf, 2.0]]}, 2),
        ({"rows": [["1", 2.0]]}, 2),
        ({"rows": []}, 2),
        ({"row": [[1.0, 2.0]]}, 2),
        ([[1.0, 2.0]], 2),
        ({"rows": [1.0, 2.0]}, 2),
        ({"rows": [[None, 2.0]]}, 2),
    ],
    call=parse_call,
    expected=parse_value,
    mistakes=(
        Mistake(
            name="true-is-one",
            value=lambda case: careless(case, booleans=True),
            says="true passes as 1: isinstance(True, int) is True, compare the type itself",
        ),
        Mistake(
            name="nan-passes",
            value=lambda case: careless(case, finite=False),
            says="NaN or infinity pass: whatever they meet becomes NaN, refuse them",
        ),
        Mistake(
            name="empty-passes",
            value=empty_passes,
            says="an empty list of rows passes: there is nothing to answer, refuse it",
        ),
        Mistake(
            name="key-error",
            value=lambda case: other_error(case, key="KeyError"),
            says='a message without "rows" raises KeyError: that would look like a fault of the server',
        ),
        Mistake(
            name="type-error",
            value=lambda case: other_error(case, kind="TypeError"),
            says="a message that is no dict raises TypeError: refuse it with ValueError",
        ),
        Mistake(
            name="key-and-type-error",
            value=lambda case: other_error(case, key="KeyError", kind="TypeError"),
            says='message["rows"] raises KeyError or TypeError for some messages: look before you take it',
        ),
        Mistake(
            name="attribute-error",
            value=lambda case: other_error(case, kind="AttributeError"),
            says="a message that is no dict has no .get: AttributeError; ask isinstance first",
        ),
        Mistake(
            name="overflow",
            value=careless,
            says="a whole number beyond the floats raises OverflowError: catch it and raise ValueError",
        ),
        Mistake(
            name="none",
            value=lambda case: parse_value(case) if parsed(case) is not None else raised("nothing"),
            says="you return None for a bad message: the caller would go on with it; raise ValueError",
        ),
        Mistake(
            name="any-width",
            value=columns_free,
            says="rows of another length pass as long as they agree: compare with `features`",
        ),
    ),
)


def clock_of(ticks):
    """A clock that gives one moment after the other."""
    moments = iter(ticks)

    def clock():
        try:
            return next(moments)
        except StopIteration:
            raise RuntimeError("the clock was read more than twice a request") from None

    return clock


def scored(x):
    """The model of the cases: scores (N, 3) of rows (N, 2); it fails for a first number of 13."""
    if x.ndim != 2:
        raise ValueError(f"expected rows of 2 numbers, got {x.shape}")
    if x.shape[1] != 2:  # a model is no judge of its input: it has some answer
        return np.zeros((len(x), 3))
    if (x[:, 0] == 13).any():
        raise ZeroDivisionError("unlucky")
    return x @ np.array([[1.0, -1.0, 0.0], [0.0, 0.5, 1.0]])


def serve_call(answer, case):
    batch, ticks = case
    result = answer(scored, batch, clock_of(ticks))
    if not isinstance(result, dict):
        raise NotPlain(f"{type(result).__name__}, not a dict")
    return {
        key: [v if v is None or isinstance(v, str) else int(v) for v in value]
        if key == "answers" and isinstance(value, list)
        else value
        for key, value in result.items()
    }


def served(case, *, stop=False, skip=False, all_times=False, between=False, label=None, **options):
    batch, ticks = case
    answers, times, errors = [], [], 0
    for row, before, after in zip(batch, ticks[::2], ticks[1::2]):
        fails = not is_row(row, 2, **options) or row[0] == 13
        if fails:
            errors += 1
            if stop:
                break
            if not skip:
                answers.append(label)
            if all_times:
                times.append(after - before)
            continue
        answers.append(int(scored(np.array([row], float)).argmax()))
        times.append(after - before)
    p95 = None
    if times:
        p95 = float(np.percentile(times, 95)) if between else nearest_rank((times, 95))
    return {"answers": answers, "errors": errors, "p95": p95}


def serve_cases(rng):
    def ticks(n):
        return np.cumsum(rng.uniform(0.5, 2.0, 2 * n)).tolist()

    rows = (2 * rng.normal(size=(25, 2))).tolist()
    return [
        ([[1.0, 0.0], [0.0, 1.0]], [0.0, 1.0, 5.0, 7.0]),
        ([[1.0, 0.0], [1.0], [0.0, 1.0]], [0.0, 1.0, 2.0, 9.0, 10.0, 10.5]),
        ([[13.0, 0.0], [-1.0, 0.0]], [0.0, 4.0, 5.0, 6.0]),
        (rows, ticks(25)),
        ([], []),
        (["text", None, [math.nan, 1.0], [True, 1.0]], ticks(4)),
    ]


serve = Exercise(
    name="serve",
    difficulty=2,
    minutes=25,
    source="V4.5",
    read="What a server owes",
    hints=(
        "A loop: read the clock, try, read the clock. Whatever fails gives None and counts one error.",
        "Validate before the model sees the row: two finite numbers, no booleans, a list.",
        "sorted(times)[-(-95 * n // 100) - 1] is the 95th percentile of n > 0 times; None without any.",
    ),
    cases=serve_cases,
    call=serve_call,
    expected=served,
    describe=lambda case: f"a batch of {len(case[0])}: {case[0][:3]!r}"[:200],
    mistakes=(
        Mistake(
            name="stops",
            value=lambda case: served(case, stop=True),
            says="the first bad request ends the batch: those after it are lost",
        ),
        Mistake(
            name="skips",
            value=lambda case: served(case, skip=True),
            says="a bad request leaves no answer behind: then the answers belong to other requests; put None",
        ),
        Mistake(
            name="times-of-errors",
            value=lambda case: served(case, all_times=True),
            says="p95 contains the times of refusals: take those of answered requests",
        ),
        Mistake(
            name="interpolates",
            value=lambda case: served(case, between=True),
            says="p95 is interpolated: use the nearest rank, rounded up",
        ),
        Mistake(
            name="minus-one",
            value=lambda case: served(case, label=-1),
            says="a failed request is answered with -1, which could pass for a class: None is asked for",
        ),
        Mistake(
            name="raises",
            value=lambda case: Raises("ZeroDivisionError") if [13.0, 0.0] in case[0] else served(case),
            says="an exception of the model leaves the function: catch it, count it, go on",
        ),
        Mistake(
            name="true-is-one",
            value=lambda case: served(case, booleans=True),
            says="true passes as 1: isinstance(True, int) is True, compare the type itself",
        ),
        Mistake(
            name="nan-passes",
            value=lambda case: served(case, finite=False),
            says="NaN reaches the model, and argmax answers all the same: refuse it before",
        ),
    ),
)


def judge_load(table):
    """What is wrong with the table, in one word; FINE where nothing is."""
    keys = {"round_trip", "sent", "bad", "status", "p50", "p95", "p99"}
    if not isinstance(table, dict) or set(table) != keys or not isinstance(table["status"], dict):
        return "form"
    if not yes(table["round_trip"]):
        return "round-trip"
    status = {str(code): count for code, count in table["status"].items()}
    if not all(whole(count) and count >= 0 for count in status.values()):
        return "form"
    if not (whole(table["sent"]) and table["sent"] >= 100 and whole(table["bad"]) and table["bad"] >= 10):
        return "load"
    if sum(status.values()) != table["sent"]:
        return "lost"
    refused = sum(count for code, count in status.items() if code.startswith("4"))
    if refused != table["bad"]:
        return "refusals"
    if any(not code.startswith(("2", "4")) and code != "503" for code in status):
        return "server-errors"
    if not any(count for code, count in status.items() if code.startswith("2")):
        return "nobody"
    times = [table[name] for name in ("p50", "p95", "p99")]
    return FINE if all(map(number, times)) and 0 < times[0] <= times[1] <= times[2] else "tail"


load_table = Exercise(
    name="load_table",
    difficulty=3,
    minutes=240,
    source="V4.5+",
    read="Under load",
    seconds=60,
    cases=lambda rng: [("the table",)],
    expected=lambda case: FINE,
    call=lambda answer, case: judge_load(answer()),
    describe=lambda case: "the table",
    hints=(
        "ThreadingHTTPServer from the standard library, port 0, in a thread; clients are threads, too.",
        "Each client notes status and time of everything it sent; concatenate the notes at the end.",
        "server.shutdown() ends serve_forever(); join the thread, then server_close().",
    ),
    mistakes=words(
        ("form", "expected exactly round_trip, sent, bad, status (a dict of counts), p50, p95 and p99"),
        ("round-trip", "round_trip is not True: the weights you serve should have the bits you trained"),
        ("load", "at least 100 requests, at least 10 of them bad on purpose"),
        ("lost", "the counts by status do not add up to what was sent: an answer was lost"),
        ("refusals", "every bad request, and no other, should be answered with a status from 400 to 499"),
        ("server-errors", "a status that is neither 2xx nor 4xx nor 503: what became of that request?"),
        ("nobody", "no status from 200 to 299: not one good request was answered"),
        ("tail", "percentiles are positive and do not fall: p50 <= p95 <= p99"),
    ),
)

# --- Self-checks ------------------------------------------------------------------------------------------

deploy_zeros = Choice(
    name="deploy_zeros",
    minutes=2,
    read="What a zero is worth",
    question="Half of a dense float32 matrix becomes zero. What becomes smaller, with nothing else changed?",
    options=(
        Option(
            text="The file compressed by zlib.",
            says="Yes: zeros in any place carry little information, and a compressor finds them.",
            right=True,
        ),
        Option(
            text="The array in memory.",
            says="A zero of type float32 has four bytes, like every other number.",
        ),
        Option(
            text="The time of a matrix product.",
            says="A dense product multiplies by zero as it does by anything else.",
        ),
        Option(
            text="The safetensors file.",
            says="It holds the array's bytes one after another, zeros included.",
        ),
    ),
)

deploy_panic = Choice(
    name="deploy_panic",
    minutes=2,
    read="A panic at the border",
    question='A panic reaches the end of an `extern "C"` function that Python called. What happens?',
    options=(
        Option(
            text="The whole process ends.",
            says='Yes: since Rust 1.81 a panic that would leave an `extern "C"` function aborts.',
            right=True,
        ),
        Option(
            text="Python raises an exception.",
            says="C has no exceptions: there is nothing that ctypes could turn into one.",
        ),
        Option(
            text="The function returns zeros.",
            says="Nothing was written that could be returned, and no rule of the language says so.",
        ),
        Option(
            text="The panic is a memory error that may be exploited.",
            says="That was the danger of unwinding into foreign frames; the abort prevents it.",
        ),
    ),
)

deploy_status = Match(
    name="deploy_status",
    minutes=3,
    read="What a server owes",
    question="Which status tells the client what it should do next?",
    pairs=(
        ("The body is no JSON.", "400: mend the request", "The same bytes will never succeed."),
        ("The body has 5 megabytes.", "413: send less", "The content may be right; its size is not."),
        ("32 requests are under way.", "503: try again later", "The request may be right; now is not."),
        ("The model divided by zero.", "500: tell the operator", "No change by the client would help."),
        ("Half a body, then silence.", "408: send faster, or again", "The server waited long enough."),
    ),
)

deploy_stop = Order(
    name="deploy_stop",
    minutes=3,
    read="A stop that loses nothing",
    question="A server is told to stop. In which order?",
    steps=(
        ("Close the listening socket.", "First of all no new connections: a balancer asks another server."),
        ("Answer what is under way, with Connection: close.", "Clients learn not to send more here."),
        ("Wait until nothing is in flight, at most so long.", "A slow client must not hold the end up."),
        ("Close the idle connections.", "Now nobody loses an answer by it."),
        ("Write the counts and exit.", "The log is complete only after the last answer."),
    ),
)

deploy_tail = Predict(
    name="deploy_tail",
    minutes=2,
    read="What a tail is",
    question="A page asks 100 servers at once and waits for all. Each is slow once in 100 times. Printed?",
    code="slow = 0.01\nprint(round(1 - (1 - slow) ** 100, 2))",
    answer="0.63",
    says="The page is fast only if all 100 are: 0.99 to the power of 100 is about 1/e.",
    wrong={
        "0.01": "That is one server's probability; here the slowest of 100 decides.",
        "1.0": "100 times 0.01 is the expected number of slow servers, not the probability of one.",
        "0.37": "That is the probability that none is slow.",
    },
)

ENTRIES = (
    quantise_int8,
    rust_quantise_rows,
    prune,
    distil_gradient,
    optimised_table,
    weights_store,
    rust_predict,
    border_table,
    percentile,
    waiting_times,
    parse_rows,
    serve,
    load_table,
    deploy_zeros,
    deploy_panic,
    deploy_status,
    deploy_stop,
    deploy_tail,
)
