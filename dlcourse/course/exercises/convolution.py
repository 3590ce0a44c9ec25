"""Exercises of 15_convolution: what is asked, which mistakes are known, and what to say about them."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Predict, Raises


def correlation(image, kernel, stride=1):
    windows = sliding_window_view(np.asarray(image, float), np.shape(kernel))[::stride, ::stride]
    return (windows * np.asarray(kernel)).sum(axis=(2, 3))


# --- One dimension ---------------------------------------------------------------------------------------


def full_convolution(x, k, n):
    return float(sum(weight * x[n - m] for m, weight in enumerate(k) if 0 <= n - m < len(x)))


def wrapped(case):
    """What Python's negative indices make of it; beyond the end there is an error."""
    x, k, n = case
    if n >= len(x) or n - len(k) + 1 < -len(x):
        return Raises("IndexError")
    return float(sum(weight * x[n - m] for m, weight in enumerate(k)))


def half_guarded(case):
    """With a guard against the far end alone."""
    x, k, n = case
    if n - len(k) + 1 < -len(x):
        return Raises("IndexError")
    return float(sum(weight * x[n - m] for m, weight in enumerate(k) if n - m < len(x)))


def circular(case):
    x, k, n = case
    return float(sum(weight * x[(n - m) % len(x)] for m, weight in enumerate(k)))


def forwards(case):
    x, k, n = case
    return float(sum(weight * x[n + m] for m, weight in enumerate(k) if 0 <= n + m < len(x)))


def inside_only(case):
    x, k, n = case
    return full_convolution(x, k, n) if len(k) - 1 <= n < len(x) else 0.0


def unguarded(case):
    """The whole convolution, read at n without a thought about its ends."""
    x, k, n = case
    whole = np.convolve(x, k)
    return float(whole[n]) if -len(whole) <= n < len(whole) else Raises("IndexError")


def without_first(case):
    x, k, n = case
    return float(sum(weight * x[n - m] for m, weight in enumerate(k) if 0 < n - m < len(x)))


def point_cases(rng):
    short = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    x, k = rng.normal(size=6), rng.normal(size=3)
    return [(*short, 1), (*short, 0), (*short, 2), *((x, k, n) for n in (1, 4, 7, -1, 8, 30)), (k, x, 4)]


convolution_at = Exercise(
    name="convolution_at",
    difficulty=1,
    minutes=8,
    read="The other direction",
    hints=(
        "Loop over m, the places of the kernel. Which entry of x does k[m] meet?",
        "k[m] meets x[n - m], and only where 0 <= n - m < len(x): in Python, x[-1] is the last value.",
        "`sum(k[m] * x[n - m] for m in range(len(k)) if 0 <= n - m < len(x))`, made a float.",
    ),
    cases=point_cases,
    expected=lambda case: full_convolution(*case),
    mistakes=(
        Mistake(
            name="wrap",
            value=wrapped,
            says="x is read outside its ends (in Python, x[-1] is the last value): there it counts as zero",
        ),
        Mistake(
            name="half-guarded",
            value=half_guarded,
            says="the far end is guarded, the near one is not: in Python, x[-1] is the last value, not zero",
        ),
        Mistake(
            name="circular",
            value=circular,
            says="the ends are joined to a circle: outside of x there are zeros",
        ),
        Mistake(
            name="correlation",
            value=forwards,
            says="k[m] meets x[n + m] in your answer, a correlation: in a convolution it meets x[n - m]",
        ),
        Mistake(
            name="valid-only",
            value=inside_only,
            says="a kernel that hangs over the end still counts with what lies inside",
        ),
        Mistake(
            name="unguarded",
            value=unguarded,
            says="the values are right, but n may lie before or behind all of them: there the answer is 0",
        ),
        Mistake(
            name="without-first",
            value=without_first,
            says="x[0] is left out: the place n - m = 0 lies inside of x",
        ),
    ),
)


def rust(values):
    return f"[{', '.join(repr(float(v)) for v in values)}]"


def listing(calls):
    """A `main` that prints the results of the calls as one JSON list."""
    lines = "\n".join(f'    results.push(format!("{{:?}}", {call}));' for call in calls)
    return (
        "fn main() {\n    let mut results: Vec<String> = Vec::new();\n"
        f'{lines}\n    println!("[{{}}]", results.join(", "));\n}}\n'
    )


def correlate1d(x, k, stride):
    starts = range(0, len(x) - len(k) + 1, stride)
    return [float(np.dot(x[i : i + len(k)], k)) for i in starts]


def signal_cases(rng):
    sizes = ((7, 3, 2), (8, 3, 2), (5, 5, 3), (6, 2, 1), (4, 1, 3), (2, 3, 1), (0, 2, 1))
    drawn = [(rng.integers(-9, 10, n).tolist(), rng.integers(1, 5, k).tolist(), s) for n, k, s in sizes]
    return [([1.0, 2.0, 4.0, 8.0], [1.0, 1.0], 2), ([1.0, 2.0, 4.0], [1.0, 3.0], 1), *drawn]


rust_correlate = Exercise(
    name="rust_correlate",
    difficulty=2,
    minutes=12,
    read="The other direction",
    language="rust",
    program=lambda cases: listing([f"correlate(&{rust(x)}, &{rust(k)}, {s})" for x, k, s in cases]),
    hints=(
        "`x.windows(k.len())` yields every window that fits, and none where the signal is too short.",
        "`.step_by(stride)` keeps the first window and then every stride-th.",
        "Map each window to `window.iter().zip(k).map(|(x, k)| x * k).sum()` and collect.",
    ),
    cases=signal_cases,
    describe=lambda case: f"correlate(&{rust(case[0])}, &{rust(case[1])}, {case[2]})",
    expected=lambda case: correlate1d(*case),
    mistakes=(
        Mistake(
            name="no-stride",
            value=lambda case: correlate1d(*case[:2], 1),
            says="the window stops at every place: keep every stride-th window only",
        ),
        Mistake(
            name="turned",
            value=lambda case: correlate1d(case[0], case[1][::-1], case[2]),
            says="the kernel is turned around, as in a convolution: k[0] meets the first value of the window",
        ),
        Mistake(
            name="one-short",
            value=lambda case: correlate1d(case[0][:-1], case[1], case[2]),
            says="the last window is missing: the last start is x.len() - k.len(), included",
        ),
        Mistake(
            name="stride-inside",
            value=lambda case: [
                float(np.dot(case[0][i : i + case[2] * len(case[1]) : case[2]], case[1]))
                for i in range(len(case[0]) - case[2] * (len(case[1]) - 1))
            ],
            says="you stride within the window: the window is contiguous, its start moves by stride",
        ),
        Mistake(
            name="jumps-by-kernel",
            value=lambda case: correlate1d(*case[:2], len(case[1])),
            says="your windows do not overlap: move by stride, not by the kernel's length",
        ),
        Mistake(
            name="hangs-over",
            value=lambda case: [
                float(sum(a * b for a, b in zip(case[0][i:], case[1])))
                for i in range(0, len(case[0]), case[2])
            ],
            says="windows that hang over the end count in your answer: keep those that lie wholly inside",
        ),
    ),
)

# --- Sizes -----------------------------------------------------------------------------------------------


def size_of(n, k, stride=1, padding=0, sides=2):
    room = n + sides * padding - k
    return room // stride + 1 if room >= 0 else 0


output_size = Exercise(
    name="output_size",
    difficulty=1,
    minutes=6,
    read="How large is the result?",
    hints=(
        "With padding the axis has n + 2 * padding places. Where may the last window start?",
        "The last start is the largest multiple of stride that is at most n + 2 * padding - k.",
        "If that room is negative the answer is 0; otherwise room // stride + 1.",
    ),
    cases=lambda rng: [
        (7, 3),
        (7, 3, 2),
        (2 * int(rng.integers(4, 20)), 3, 2),
        (8, 3, 3, 1),
        (9, 2, 4, 1),
        (5, 5),
        (3, 5),
        (2, 8, 3, 1),
        (3, 5, 1, 1),
        (1, 1, 4),
        (6, 1, 2, 2),
        (8, 3, 3),
        (4, 5, 3),
    ],
    expected=lambda case: size_of(*case),
    mistakes=(
        Mistake(
            name="one-short",
            value=lambda case: max(0, size_of(*case) - 1),
            says="one too few: the window at place 0 counts as well",
        ),
        Mistake(
            name="rounded-up",
            value=lambda case: max(0, math.ceil(room_of(case) / stride_of(case)) + 1),
            says="you rounded up: a window that fits only in part does not count",
        ),
        Mistake(
            name="padding-once",
            value=lambda case: size_of(*case, sides=1),
            says="the padding is added once: it stands at both ends",
        ),
        Mistake(
            name="no-limit",
            value=lambda case: room_of(case) // stride_of(case) + 1,
            says="where the window does not fit at all, the answer is 0, not a negative or accidental number",
        ),
        Mistake(
            name="float",
            value=lambda case: max(0.0, room_of(case) / stride_of(case) + 1),
            says="a number of windows is whole: divide with //",
        ),
        Mistake(
            name="nearest",
            value=lambda case: max(0, round(room_of(case) / stride_of(case)) + 1),
            says="you rounded to the nearest number: a window that fits only in part does not count",
        ),
        Mistake(
            name="towards-zero",
            value=lambda case: max(0, int(room_of(case) / stride_of(case)) + 1),
            says="int() rounds towards zero: where the room is negative, not one window fits",
        ),
        Mistake(
            name="one-inside",
            value=lambda case: max(0, (room_of(case) + 1) // stride_of(case)),
            says="the + 1 stands behind the division: the room over the stride, and then the first window",
        ),
        Mistake(
            name="strict",
            value=lambda case: size_of(*case) if room_of(case) > 0 else 0,
            says="a window exactly as long as the padded axis fits once: room 0 is enough",
        ),
        Mistake(
            name="fit-before-padding",
            value=lambda case: size_of(*case) if case[0] >= case[1] else 0,
            says="whether the window fits depends on the padding too: compare k with n + 2 * padding",
        ),
        Mistake(
            name="no-padding",
            value=lambda case: size_of(case[0], case[1], stride_of(case)),
            says="the padding is missing: the axis has n + 2 * padding places",
        ),
        Mistake(
            name="no-stride",
            value=lambda case: max(0, room_of(case) + 1),
            says="the stride is missing: this counts the windows at every place",
        ),
    ),
)


def room_of(case):
    padding = case[3] if len(case) > 3 else 0
    return case[0] + 2 * padding - case[1]


def stride_of(case):
    return case[2] if len(case) > 2 else 1


def smallest_padding(n, k, stride, out):
    fitting = (p for p in range(out * stride + k + 1) if size_of(n, k, stride, p) == out)
    return next(fitting, None)


def largest_padding(n, k, stride, out):
    fitting = (p for p in range(out * stride + k + 1) if size_of(n, k, stride, p) == out)
    return max(fitting, default=None)


padding_for = Exercise(
    name="padding_for",
    difficulty=2,
    minutes=12,
    read="How large is the result?",
    hints=(
        "Trying p = 0, 1, 2, ... is a full answer: compute the size of the output and stop in time.",
        "out windows cover (out - 1) * stride + k places, so 2 * p must make up for what n lacks.",
        "p is half of what is missing, rounded up, at least 0; then test whether it makes `out` outputs.",
    ),
    cases=lambda rng: [
        (8, 3, 1, 8),
        (8, 2, 1, 8),
        (7, 3, 2, 4),
        (6, 5, 2, 3),
        (5, 3, 1, 3),
        (9, 3, 3, 2),
        (8, 4, 4, 4),
        (1, 5, 1, 1),
        (2, 1, 3, 3),
        (5, 2, 3, 4),
        (9, 1, 1, 9),
        (10, 3, 4, 2),
        (3, 4, 3, 1),
        (3, 2, 5, 7),
    ],
    expected=lambda case: smallest_padding(*case),
    mistakes=(
        Mistake(
            name="same",
            value=lambda case: (case[1] - 1) // 2,
            says="(k - 1) / 2 is right only for an odd kernel, stride 1 and an output as long as the input",
        ),
        Mistake(
            name="largest",
            value=lambda case: largest_padding(*case),
            says="this padding works but is not the smallest: with a stride, several may do",
        ),
        Mistake(
            name="untested",
            value=lambda case: max(0, -(-((case[3] - 1) * case[2] + case[1] - case[0]) // 2)),
            says="test the padding you found: where it makes another number of outputs, the answer is None",
        ),
        Mistake(
            name="no-floor",
            value=lambda case: without_floor(*case),
            says="the last window need not end at the last place: the formula has a floor",
        ),
        Mistake(
            name="both-sides",
            value=lambda case: twice(smallest_padding(*case)),
            says="this is the padding of both ends together: p is that of one end",
        ),
        Mistake(
            name="rounded-down",
            value=lambda case: made_with(max(0, missing(*case) // 2), *case),
            says="half of what is missing is rounded down, so that the last window does not fit: round up",
        ),
        Mistake(
            name="negative",
            value=lambda case: made_with(-(-missing(*case) // 2), *case),
            says="a padding is at least 0: zeros can be added, but no input taken away",
        ),
        Mistake(
            name="bounded",
            value=lambda case: next((p for p in range(case[1]) if size_of(*case[:3], p) == case[3]), None),
            says="you stopped at the kernel's length: with a large stride the padding may be larger",
        ),
        Mistake(
            name="towards-zero",
            value=lambda case: next(p for p in [*range(40), None] if p is None or towards_zero(*case, p)),
            says="your size counts a window where none fits: int(negative / stride) is rounded towards zero",
        ),
    ),
)


def missing(n, k, stride, out):
    """How many places the axis lacks for `out` windows."""
    return (out - 1) * stride + k - n


def made_with(padding, n, k, stride, out):
    return padding if (n + 2 * padding - k) // stride + 1 == out else None


def towards_zero(n, k, stride, out, padding):
    return int((n + 2 * padding - k) / stride) + 1 == out


def without_floor(n, k, stride, out):
    lacking = missing(n, k, stride, out)
    return lacking // 2 if lacking >= 0 and lacking % 2 == 0 else None


def twice(padding):
    return None if padding is None else 2 * padding


# --- Two dimensions --------------------------------------------------------------------------------------


def strided(image, kernel, stride, padding):
    return correlation(np.pad(image, padding), kernel, stride)


def image_cases(rng):
    sizes = (((4, 5), (2, 2), 1, 0), ((5, 6), (3, 2), 2, 1), ((7, 4), (2, 3), 3, 2), ((1, 1), (3, 3), 1, 1))
    return [(rng.normal(size=image), rng.normal(size=kernel), s, p) for image, kernel, s, p in sizes]


def other_stride(case, rows, columns):
    image, kernel, s, p = case
    return correlation(np.pad(image, p), kernel)[:: s if rows else 1, :: s if columns else 1]


strided_correlation = Exercise(
    name="strided_correlation",
    difficulty=2,
    minutes=15,
    read="How large is the result?",
    hints=(
        "`np.pad(image, padding)` returns a new, larger image; from then on there is no padding any more.",
        "The window of output (i, j) starts at (stride * i, stride * j); its size is the kernel's.",
        "y[i, j] is the sum of kernel * x[a : a + kh, b : b + kw], with a = stride * i and b = stride * j.",
    ),
    cases=image_cases,
    expected=lambda case: strided(*case),
    mistakes=(
        Mistake(
            name="turned",
            value=lambda case: strided(case[0], case[1][::-1, ::-1], *case[2:]),
            says="your kernel is turned around: that is true convolution, this asks for the correlation",
        ),
        Mistake(
            name="no-stride",
            value=lambda case: strided(*case[:2], 1, case[3]),
            says="the stride is missing: your window stops at every place",
        ),
        Mistake(
            name="stride-down-only",
            value=lambda case: other_stride(case, True, False),
            says="the window strides down, but not across: use the stride along both axes",
        ),
        Mistake(
            name="stride-first",
            value=lambda case: stride_first(case),
            says="you took every stride-th pixel: the windows stride, the pixels in them are neighbours",
        ),
        Mistake(
            name="corner-padding",
            value=lambda case: correlation(np.pad(case[0], [(0, 2 * case[3])] * 2), *case[1:3]),
            says="the zeros stand at the far ends only: put `padding` of them on each of the four sides",
        ),
        Mistake(
            name="reflected",
            value=lambda case: correlation(np.pad(case[0], case[3], mode="edge"), *case[1:3]),
            says="the frame repeats the border's pixels: pad with zeros",
        ),
        Mistake(
            name="no-padding",
            value=lambda case: unpadded(case),
            says="the padding is missing: correlate the image with its frame of zeros",
        ),
        Mistake(
            name="mirrored",
            value=lambda case: strided(case[0], case[1][:, ::-1], *case[2:]),
            says="your kernel is mirrored: K[m, n] meets pixel (si + m, sj + n)",
        ),
        Mistake(
            name="transposed",
            value=lambda case: strided(case[0], case[1].T, *case[2:]),
            says="your kernel is transposed: its first index goes down, its second across",
        ),
    ),
)


def stride_first(case):
    image, kernel, s, p = case
    thinned = np.pad(image, p)[::s, ::s]
    if any(n < k for n, k in zip(thinned.shape, kernel.shape)):
        return Raises("ValueError")
    return correlation(thinned, kernel)


def unpadded(case):
    image, kernel, s, _ = case
    fits = image.shape[0] >= kernel.shape[0] and image.shape[1] >= kernel.shape[1]
    return correlation(image, kernel, s) if fits else Raises("ValueError")


SOBEL = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
PREWITT = np.array([[-1.0, 0.0, 1.0]] * 3)


def edges(image, kernel=SOBEL):
    return np.hypot(correlation(image, kernel), correlation(image, kernel.T))


edge_strength = Exercise(
    name="edge_strength",
    difficulty=2,
    minutes=10,
    read="What a kernel sees",
    hints=(
        "Two correlations, then one formula for every place. First make the image floats.",
        "`sliding_window_view(image.astype(float), (3, 3))` has shape (H - 2, W - 2, 3, 3).",
        "gx = (windows * sobel).sum(axis=(2, 3)), gy likewise with sobel.T; return np.hypot(gx, gy).",
    ),
    cases=lambda rng: [
        (np.array([[0.0, 0.0, 1.0]] * 3),),
        (rng.normal(size=(4, 6)),),
        (rng.integers(0, 256, (5, 4)).astype(np.uint8),),
        (np.triu(np.full((4, 4), 255), 1).astype(np.uint8),),
    ],
    expected=lambda case: edges(case[0]),
    rtol=1e-5,  # float32 is precise enough
    atol=1e-5,
    mistakes=(
        Mistake(
            name="sum-of-sizes",
            value=lambda case: np.abs(correlation(case[0], SOBEL)) + np.abs(correlation(case[0], SOBEL.T)),
            says="you added the absolute values: the length is the root of the sum of squares",
        ),
        Mistake(
            name="no-root",
            value=lambda case: edges(case[0]) ** 2,
            says="this is the square of the length: the root is missing",
        ),
        Mistake(
            name="one-direction",
            value=lambda case: np.abs(correlation(case[0], SOBEL)),
            says="only the change across counts in your answer: edges that lie flat are missed",
        ),
        Mistake(
            name="prewitt",
            value=lambda case: edges(case[0], PREWITT),
            says="the middle row and column of Sobel's kernels weigh 2, not 1",
        ),
        Mistake(
            name="bytes",
            value=lambda case: edges_in_bytes(case[0]),
            says="the bytes wrapped around at 256: convert the image to floats first",
        ),
        Mistake(
            name="bytes-to-the-end",
            value=lambda case: edges_in_bytes(case[0], np.asarray),
            says="the bytes wrapped around at 256: convert the image to floats first",
        ),
        Mistake(
            name="whole-numbers",
            value=lambda case: edges(case[0].astype(int)),
            says="the fractions are cut off: convert the image to floats, not to whole numbers",
        ),
        Mistake(
            name="padded",
            value=lambda case: edges(np.pad(case[0].astype(float), 1)),
            says="you padded the image: only places where a whole window fits count",
        ),
    ),
)


def edges_in_bytes(image, then=np.float64):
    """What comes of it where both sums are made in the image's own type, and the length then or as well."""
    kernel = SOBEL.astype(int).astype(image.dtype)
    windows = sliding_window_view(image, (3, 3))
    gx, gy = (then((windows * k).sum(axis=(2, 3), dtype=image.dtype)) for k in (kernel, kernel.T))
    return np.hypot(gx, gy)


# --- Layouts ---------------------------------------------------------------------------------------------


def columns(image, kh, kw, stride, order="C"):
    windows = sliding_window_view(image, (kh, kw))[::stride, ::stride].reshape(-1, kh, kw)
    read = windows if order == "C" else windows.transpose(0, 2, 1)
    return read.reshape(-1, kh * kw).T


def columns_down_first(case):
    image, kh, kw, stride = case
    windows = sliding_window_view(image, (kh, kw))[::stride, ::stride]
    return windows.transpose(1, 0, 2, 3).reshape(-1, kh * kw).T


def columns_one_short(case):
    """Windows that start in the last possible row and column are left out."""
    image, kh, kw, stride = case
    rows, across = (range(0, n - k, stride) for n, k in zip(image.shape, (kh, kw)))
    return np.array([image[a : a + kh, b : b + kw].ravel() for a in rows for b in across]).T


im2col = Exercise(
    name="im2col",
    difficulty=2,
    minutes=12,
    read="im2col: convolution as one matrix product",
    hints=(
        "`sliding_window_view(image, (kh, kw))[::stride, ::stride]` has shape (Ho, Wo, kh, kw).",
        "A reshape makes each window a row. Which shape do you need for that?",
        "`.reshape(-1, kh * kw).T`: the windows, first as rows, then as columns.",
    ),
    cases=lambda rng: [
        (np.arange(1.0, 17.0).reshape(4, 4), 2, 2, 2),
        (rng.normal(size=(4, 5)), 3, 2, 1),
        (rng.normal(size=(6, 7)), 2, 3, 3),
        (rng.normal(size=(2, 3)), 2, 3, 1),
    ],
    expected=lambda case: columns(*case),
    mistakes=(
        Mistake(
            name="rows",
            value=lambda case: columns(*case).T,
            says="each window is a row of your result: it should be a column",
        ),
        Mistake(
            name="no-stride",
            value=lambda case: columns(*case[:3], 1),
            says="the stride is missing: your windows start at every pixel",
        ),
        Mistake(
            name="window-by-columns",
            value=lambda case: columns(*case, order="F"),
            says="each window is read column after column: read it row by row",
        ),
        Mistake(
            name="places-by-columns",
            value=columns_down_first,
            says="the windows go down first: place (i, j) is column i * Wo + j",
        ),
        Mistake(
            name="reshaped",
            value=lambda case: columns(*case).T.reshape(case[1] * case[2], -1),
            says="the shape is right but the numbers are mixed: a reshape does not transpose; use .T",
        ),
        Mistake(
            name="one-short",
            value=columns_one_short,
            says="the last windows are missing: the last start is H - kh, included, and W - kw across",
        ),
    ),
)


def flat_cases(rng):
    sizes = ((3, 4, 2, 2), (5, 3, 3, 2), (4, 6, 1, 3), (2, 2, 2, 2), (4, 4, 3, 3))
    cases = []
    for h, w, kh, kw in sizes:
        x, k = rng.integers(-9, 10, h * w), rng.integers(-4, 5, kh * kw)
        cases.append((x.tolist(), w, k.tolist(), kw))
    return cases


def flat(case, *, turned=False, order="C"):
    x, w, k, kw = case
    kernel = np.reshape(k, (-1, kw), order=order)
    return correlation(np.reshape(x, (-1, w)), kernel[::-1, ::-1] if turned else kernel)


def flat_missing(case):
    """Windows that start in the last row and column are left out."""
    y = flat(case)[:-1, :-1]
    return y.ravel().tolist()


rust_flat_correlate = Exercise(
    name="rust_flat_correlate",
    difficulty=3,
    minutes=20,
    read="Two dimensions",
    language="rust",
    program=lambda cases: listing(
        [f"correlate2d(&{rust(x)}, {w}, &{rust(k)}, {kw})" for x, w, k, kw in cases]
    ),
    hints=(
        "The heights are x.len() / width and k.len() / kw. Over which i and j do the windows start?",
        "i in 0..=height - kh and j in 0..=width - kw; push one sum for each, so no index of y is needed.",
        "Inside: sum += k[m * kw + n] * x[(i + m) * width + j + n] for all m and n.",
    ),
    cases=flat_cases,
    describe=lambda case: f"correlate2d(&{rust(case[0])}, {case[1]}, &{rust(case[2])}, {case[3]})",
    expected=lambda case: flat(case).ravel().tolist(),
    mistakes=(
        Mistake(
            name="turned",
            value=lambda case: flat(case, turned=True).ravel().tolist(),
            says="your kernel is turned around: that is true convolution, this asks for the correlation",
        ),
        Mistake(
            name="one-short",
            value=flat_missing,
            says="the last row and column of windows are missing: include height - kh and width - kw",
        ),
        Mistake(
            name="kernel-by-columns",
            value=lambda case: flat(case, order="F").ravel().tolist(),
            says="the kernel is read column after column: weight (m, n) stands at m * kw + n",
        ),
        Mistake(
            name="result-by-columns",
            value=lambda case: flat(case).T.ravel().tolist(),
            says="the numbers are right, but written column after column: the outer loop goes over the rows",
        ),
        Mistake(
            name="padded-rows",
            value=lambda case: in_wide_rows(case),
            says="your result has rows as long as the image's: its own are width - kw + 1 long",
        ),
        Mistake(
            name="over-the-edge",
            value=lambda case: over_the_edge(*case),
            says="some of your windows run over the right edge into the next row: j ends at width - kw",
        ),
    ),
)


def in_wide_rows(case):
    y = flat(case)
    wide = np.zeros((len(y), case[1]))
    wide[:, : y.shape[1]] = y
    return wide.ravel().tolist()


def over_the_edge(x, width, k, kw):
    """Windows that start at every place of the buffer."""
    kernel = np.reshape(k, (-1, kw))
    places = range(len(x) - (len(kernel) - 1) * width - kw + 1)
    pixels = [[a + m * width + n for (m, n), _ in np.ndenumerate(kernel)] for a in places]
    return [float(np.dot(np.take(x, p), kernel.ravel())) for p in pixels]


# --- Gradients -------------------------------------------------------------------------------------------


def kernel_gradient(x, dout, kh, kw, stride):
    windows = sliding_window_view(x, (kh, kw))[::stride, ::stride]
    return np.einsum("ij,ijmn->mn", dout, windows)


def gradient_cases(rng):
    cases = []
    for (h, w), (kh, kw), s in (
        ((3, 4), (2, 3), 1),
        ((6, 5), (3, 2), 2),
        ((8, 9), (2, 3), 3),
        ((4, 4), (2, 2), 1),
    ):
        Ho, Wo = size_of(h, kh, s), size_of(w, kw, s)
        cases.append((rng.normal(size=(h, w)), rng.normal(size=(Ho, Wo)), kh, kw, s))
    return cases


conv_kernel_gradient = Exercise(
    name="conv_kernel_gradient",
    difficulty=3,
    minutes=20,
    read="The gradients",
    hints=(
        "Weight (m, n) meets pixel (si + m, sj + n) in output (i, j): which part of x does it see in all?",
        "It sees x[m :: stride, n :: stride], cut to the shape of dout. Its gradient is one number.",
        "For each (m, n): the sum of dout times that part; nothing is divided.",
    ),
    cases=gradient_cases,
    expected=lambda case: kernel_gradient(*case),
    mistakes=(
        Mistake(
            name="mean",
            value=lambda case: kernel_gradient(*case) / case[1].size,
            says="you averaged over the places: the weight is used at each, and the gradients add up",
        ),
        Mistake(
            name="turned",
            value=lambda case: kernel_gradient(*case)[::-1, ::-1],
            says="the gradient is turned around: weight (m, n) meets pixel (si + m, sj + n)",
        ),
        Mistake(
            name="no-stride",
            value=lambda case: kernel_gradient(
                case[0][: sum_rows(case)[0], : sum_rows(case)[1]], *case[1:4], 1
            ),
            says="neighbouring outputs saw windows `stride` apart: read x with that step",
        ),
        Mistake(
            name="dout-turned",
            value=lambda case: kernel_gradient(case[0], case[1][::-1, ::-1], *case[2:]),
            says="dout is turned around: output (i, j) stays with the window at (i, j)",
        ),
        Mistake(
            name="assigned",
            value=lambda case: last_place(*case),
            says="only the last place is kept: add up over all outputs with +=",
        ),
        Mistake(
            name="plain",
            value=lambda case: correlation(*case[:2]),
            says="correlating x with dout is right at stride 1 only: outputs saw windows `stride` apart",
        ),
        Mistake(
            name="plain-thinned",
            value=lambda case: correlation(*case[:2], case[4]),
            says="it is x that is read in steps of stride, under each weight: not the result, thinned out",
        ),
    ),
)


def sum_rows(case):
    _, dout, kh, kw, _ = case
    return dout.shape[0] + kh - 1, dout.shape[1] + kw - 1


def last_place(x, dout, kh, kw, stride):
    windows = sliding_window_view(x, (kh, kw))[::stride, ::stride]
    return dout[-1, -1] * windows[-1, -1]


def image_gradient(dout, kernel, shape, stride, *, add=True):
    dx = np.zeros(shape)
    kh, kw = kernel.shape
    for i, j in np.ndindex(*dout.shape):
        part = dx[stride * i : stride * i + kh, stride * j : stride * j + kw]
        part[:] = (part if add else 0) + dout[i, j] * kernel
    return dx


def stamped(case):
    x, dout, kh, kw, s = case
    return dout, x[:kh, :kw], x.shape, s


def cropped(case):
    """Without the rows and columns that no window covers."""
    dout, kernel, _, s = case
    Ho, Wo = dout.shape
    shape = s * (Ho - 1) + kernel.shape[0], s * (Wo - 1) + kernel.shape[1]
    return image_gradient(dout, kernel, shape, s)


conv_image_gradient = Exercise(
    name="conv_image_gradient",
    difficulty=3,
    minutes=20,
    read="The gradients",
    hints=(
        "Which pixels did output (i, j) read, and with which weights?",
        "dout[i, j] goes back to each pixel of its window, times the weight that lay on it: a stamp.",
        "dx[a : a + kh, b : b + kw] += dout[i, j] * kernel, with a = stride * i and b = stride * j.",
    ),
    cases=lambda rng: [stamped(case) for case in gradient_cases(rng)],
    expected=lambda case: image_gradient(*case),
    mistakes=(
        Mistake(
            name="turned",
            value=lambda case: image_gradient(case[0], case[1][::-1, ::-1], *case[2:]),
            says="your kernel is turned: a stamp is the kernel as it stands; the turning happens by itself",
        ),
        Mistake(
            name="assigned",
            value=lambda case: image_gradient(*case, add=False),
            says="windows overlap, and a later one overwrote an earlier: add with +=",
        ),
        Mistake(
            name="no-stride",
            value=lambda case: image_gradient(*case[:3], 1),
            says="the stamps lie one pixel apart: they should lie `stride` apart",
        ),
        Mistake(
            name="cropped",
            value=cropped,
            says="pixels that no window covered are missing: their gradient is 0, the shape is the image's",
        ),
        Mistake(
            name="no-kernel",
            value=lambda case: image_gradient(case[0], np.ones_like(case[1]), *case[2:]),
            says="the weights are missing: each pixel feels dout through the weight that lay on it",
        ),
        Mistake(
            name="full",
            value=lambda case: image_gradient(*case[:2], np.add(case[0].shape, case[1].shape) - 1, 1),
            says="the full convolution is right at stride 1 only: the stamps lie `stride` apart",
        ),
    ),
)


def band(k, n, stride):
    matrix = np.zeros((size_of(n, len(k), stride), n))
    for i, row in enumerate(matrix):
        row[stride * i : stride * i + len(k)] = k
    return matrix


def wrapped_band(case):
    k, n, stride = case
    row = np.append(np.asarray(k, float), np.zeros(n - len(k)))
    return np.stack([np.roll(row, stride * i) for i in range(-(-n // stride))])


def cut_off(k, n, stride):
    return band(k, n + len(k), stride)[: -(-n // stride), :n]


convolution_matrix = Exercise(
    name="convolution_matrix",
    difficulty=2,
    minutes=12,
    read="The transposed convolution",
    hints=(
        "Row i says how output i is made of the n inputs: the kernel somewhere, zeros elsewhere.",
        "In row i the kernel begins at column stride * i.",
        "Zeros of shape (o, n); then matrix[i, stride * i : stride * i + len(k)] = k for each row.",
    ),
    cases=lambda rng: [
        (np.array([1.0, 2.0]), 4, 1),
        (rng.normal(size=3), 8, 2),
        (rng.normal(size=2), 9, 3),
        (np.array([1, 2, 3]), 6, 1),
        (rng.normal(size=4), 4, 1),
    ],
    expected=lambda case: band(*case),
    mistakes=(
        Mistake(
            name="turned",
            value=lambda case: band(case[0][::-1], *case[1:]),
            says="the kernel is turned around: this is the matrix of the true convolution",
        ),
        Mistake(
            name="transposed",
            value=lambda case: band(*case).T,
            says="this is the transpose, the matrix of the backward pass: one row for each output",
        ),
        Mistake(
            name="no-stride",
            value=lambda case: band(*case[:2], 1),
            says="the stride is missing: each row's kernel lies `stride` places further right",
        ),
        Mistake(
            name="circular",
            value=wrapped_band,
            says="the kernel runs over the end and comes in again at the front: keep only windows that fit",
        ),
        Mistake(
            name="cut-off",
            value=lambda case: cut_off(*case),
            says="in your last rows the kernel is cut off at the end: keep only windows that fit",
        ),
        Mistake(
            name="integers",
            value=lambda case: band(*case).astype(case[0].dtype),
            says="the matrix holds whole numbers: start from np.zeros, which are floats",
        ),
    ),
)

# --- Self-checks -----------------------------------------------------------------------------------------

impulse_response = Choice(
    name="impulse_response",
    difficulty=1,
    minutes=3,
    read="The other direction",
    question=(
        "A black box is linear and treats all days alike. Fed with a single 1 on day 0 and zeros otherwise, "
        "it answers 4 on day 0, 2 on day 1, 1 on day 2, then zeros. What does it answer on day 1 if the "
        "input is 10 on day 0 and 100 on day 1?"
    ),
    options=(
        Option(
            text="420",
            says="Right. The 10 is one day old and counts 2, the 100 is new and counts 4: 20 + 400.",
            right=True,
        ),
        Option(
            text="240",
            says="You gave the older value the first weight, as a correlation does: 4 · 10 + 2 · 100.",
        ),
        Option(
            text="400",
            says="The value of day 0 still has an effect one day later, with the weight 2.",
        ),
        Option(
            text="It cannot be known from one impulse.",
            says="It can: every input is a sum of shifted impulses, and the box is linear.",
        ),
    ),
)

kernel_effects = Match(
    name="kernel_effects",
    difficulty=1,
    minutes=4,
    read="What a kernel sees",
    question="Which 3 × 3 kernel (row by row) does what to a photograph?",
    pairs=(
        (
            "1 1 1 / 1 1 1 / 1 1 1, divided by 9",
            "It blurs.",
            "Every pixel becomes the mean of its neighbourhood; flat areas stay: the weights add up to 1.",
        ),
        (
            "0 -1 0 / -1 5 -1 / 0 -1 0",
            "It sharpens.",
            "The pixel plus its difference from its neighbours: identity minus Laplacian; they add up to 1.",
        ),
        (
            "-1 0 1 / -2 0 2 / -1 0 1",
            "It answers where brightness changes from left to right.",
            "Right column minus left column, smoothed along the column; flat areas give 0.",
        ),
        (
            "0 0 0 / 1 0 0 / 0 0 0",
            "It moves the picture one pixel to the right.",
            "Each output takes the pixel on its left, so what was at j appears at j + 1.",
        ),
        (
            "0 1 0 / 1 -4 1 / 0 1 0",
            "It answers spots and outlines, whatever their direction.",
            "The Laplacian compares a pixel with its four neighbours; a slope of constant steepness gives 0.",
        ),
    ),
)

strides_printed = Predict(
    name="strides_printed",
    difficulty=2,
    minutes=3,
    read="Windows without copying",
    question="A float takes 8 bytes. What does this print?",
    code=(
        "x = np.zeros((5, 6))\n"
        "windows = sliding_window_view(x, (3, 3))[::2, ::2]\n"
        "print(windows.shape, windows.strides)"
    ),
    answer="(2, 2, 3, 3) (96, 16, 48, 8)",
    says=(
        "Rows are 6 · 8 = 48 bytes apart. Windows start at every second row (96) and column (16); within a "
        "window, pixels are neighbours (48 and 8)."
    ),
    wrong={
        "(2, 2, 3, 3) (48, 8, 48, 8)": "The step [::2] doubles the first two strides.",
        "(3, 4, 3, 3) (48, 8, 48, 8)": "That is the view before [::2].",
        "(2, 2, 3, 3) (96, 16, 96, 16)": "Within a window, pixels are still neighbours.",
        "(2, 2, 3, 3) (12, 2, 6, 1)": "NumPy counts strides in bytes, not in elements.",
    },
)

pool_shift = Choice(
    name="pool_shift",
    difficulty=2,
    minutes=3,
    read="When the picture moves",
    question="The input of a 2 × 2 max pooling moves by two pixels to the right. Tick all that holds.",
    options=(
        Option(
            text="The pooled map stays the same.",
            says="Not in general: every block's content has moved to the next block.",
        ),
        Option(
            text="The pooled map moves by one place to the right (but for the border).",
            says="Right. Two pixels are one block: pooling is equivariant to shifts by whole strides.",
            right=True,
        ),
        Option(
            text="The largest value of the whole pooled map stays the same, if nothing leaves the image.",
            says="Right. That is global max pooling, and it does not depend on where the largest value lies.",
            right=True,
        ),
        Option(
            text="Had it moved by one pixel, the pooled map would be as before or moved by one place.",
            says="Only for a single spot. Elsewhere, values that shared a block are in different ones after.",
        ),
    ),
)

forward_backward_pairs = Match(
    name="forward_backward_pairs",
    difficulty=2,
    minutes=4,
    read="The transposed convolution",
    question="The forward pass is the correlation of x with k, stride 1, no padding. What is what?",
    pairs=(
        (
            "the forward pass y",
            "correlation of x with k, valid",
            "y[i] = Σ k[m] x[i + m], at the places where the window fits.",
        ),
        (
            "the gradient of k",
            "correlation of x with dout, valid",
            "dk[m] = Σ dout[i] x[i + m]: the same operation, with dout in the place of the kernel.",
        ),
        (
            "the gradient of x",
            "convolution of dout with k, full",
            "dx[a] = Σ dout[i] k[a - i]: the index runs backwards, and the result is longer than dout.",
        ),
        (
            "the gradient of a bias",
            "the sum of dout",
            "The bias enters every output with the factor 1.",
        ),
    ),
)

ENTRIES = (
    impulse_response,
    convolution_at,
    rust_correlate,
    output_size,
    padding_for,
    strided_correlation,
    kernel_effects,
    edge_strength,
    pool_shift,
    strides_printed,
    im2col,
    rust_flat_correlate,
    conv_kernel_gradient,
    conv_image_gradient,
    forward_backward_pairs,
    convolution_matrix,
)
