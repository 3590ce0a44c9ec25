"""Exercises of 21_sum_mod: what is asked, which mistakes are known, and what to say about them."""

import cmath
import itertools
import math

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option, Order, Predict


def mistakes(function, table):
    """Mistakes that are one flag of `function(*case, **flags)` each: rows (name, flags, words)."""
    return tuple(
        Mistake(name=name, value=lambda case, flags=flags: function(*case, **flags), says=says)
        for name, flags, says in table
    )


# --- The task --------------------------------------------------------------------------------------------


def residues(digits, modulus, *, bits=None, last=False, exclusive=False, early=False, plain=False):
    found, total = [], 0
    for digit in digits:
        if exclusive:
            found.append(total % modulus)
        total += digit % modulus if early else digit
        if bits:
            total %= 2**bits
        if not exclusive:
            found.append(total if plain or early else total % modulus)
    return (found[-1:] or [0]) if last else found


def residue_cases(rng):
    return [
        ([], 5),
        ([7], 5),
        ([3, 9, 4], 5),
        (rng.integers(0, 10, 16).tolist(), 5),
        ([9] * 40, 7),
        (rng.integers(0, 10, 9).tolist(), 1),
        (rng.integers(200, 256, 300).tolist(), 251),
    ]


def residue_program(cases):
    lines = []
    for digits, modulus in cases:
        listed = ", ".join(map(str, digits))
        lines.append(f'shown.push(format!("{{:?}}", residues(&Vec::<u8>::from([{listed}]), {modulus})));')
    body = "\n    ".join(lines)
    return (
        "fn main() {\n    let mut shown: Vec<String> = Vec::new();\n    "
        + body
        + '\n    println!("[{}]", shown.join(", "));\n}\n'
    )


rust_residues = Exercise(
    name="rust_residues",
    language="rust",
    difficulty=1,
    minutes=10,
    read="A task for a for loop",
    program=residue_program,
    cases=residue_cases,
    expected=lambda case: residues(*case),
    describe=lambda case: f"{len(case[0])} digits, modulus {case[1]}",
    hints=(
        "Keep the residue of what has been read so far; each digit changes it.",
        "A `u8` ends at 255: add as `u16` or wider, take the remainder, and go back to `u8`.",
        "`scan(0u16, |r, &x| { *r = (*r + u16::from(x)) % u16::from(modulus); Some(*r as u8) })`.",
    ),
    mistakes=mistakes(
        residues,
        (
            (
                "last-only",
                {"last": True},
                "you returned the last residue alone: one for every prefix is asked",
            ),
            (
                "exclusive",
                {"exclusive": True},
                "each residue leaves its own digit out: prefix t includes digit t",
            ),
            ("wrapped", {"bits": 8}, "the sum has wrapped round at 256: add in a wider type than u8"),
            ("no-remainder", {"plain": True}, "these are sums: take the remainder of each"),
            (
                "early",
                {"early": True},
                "the digits are reduced, the sum is not: take the remainder of the sum",
            ),
        ),
    ),
)

mod_printed = Predict(
    name="mod_printed",
    difficulty=1,
    minutes=2,
    read="A task for a for loop",
    question="What does this print?",
    code="x = np.array([[7, 9, 5, 4]])\nprint(x.cumsum(axis=1) % 5)",
    answer="[[2 1 1 0]]",
    says="The sums are 7, 16, 21 and 25; their remainders by 5 are 2, 1, 1 and 0.",
    wrong={
        "[[2 4 0 4]]": "Those are the remainders of the single digits: `cumsum` adds first.",
        "[[7 16 21 25]]": "Those are the sums: the remainder is still to be taken.",
        "[[0]]": "`cumsum` keeps all partial sums, not the last one only.",
        "0": "`cumsum` keeps all partial sums, and the two axes stay.",
    },
)

# --- A flat loss -----------------------------------------------------------------------------------------


def blind_loss(
    labels, classes, *, base=math.e, uniform=False, seen=False, accuracy=False, squared=False, nan=False
):
    counts = np.bincount(labels, minlength=classes)
    if nan and (counts == 0).any():
        return math.nan
    p = counts[counts > 0] / len(labels)
    if uniform:
        return math.log(len(p) if seen else classes)
    if accuracy:
        return float(-math.log(p.max()))
    if squared:
        return float(1 - (p**2).sum())
    return float((p * np.log(1 / p)).sum() / math.log(base))


blind = Exercise(
    name="blind_loss",
    difficulty=1,
    minutes=8,
    read="What a flat loss says",
    any_number=True,
    cases=lambda rng: [
        (np.array([0, 1, 2, 3, 4]), 5),
        (np.array([2, 2, 2]), 5),
        (np.array([0, 0, 0, 1]), 2),
        (np.array([0, 3, 3, 0, 1, 3]), 5),
        (rng.integers(0, 3, 50), 4),
    ],
    expected=lambda case: blind_loss(*case),
    hints=(
        "A model that ignores its input answers every example with the same probabilities q.",
        "The mean cross-entropy is -Σ p_c ln q_c with the labels' shares p; it is smallest for q = p.",
        "p = np.bincount(labels, minlength=classes) / len(labels); sum -p ln p over the classes with p > 0.",
    ),
    mistakes=mistakes(
        blind_loss,
        (
            ("ln-classes", {"uniform": True}, "ln(classes) is right for equally frequent labels only"),
            ("bits", {"base": 2}, "you took the logarithm to base 2: a loss is in natural units"),
            (
                "ln-seen",
                {"uniform": True, "seen": True},
                "you counted the labels that occur: how *often* each occurs matters as well",
            ),
            (
                "majority",
                {"accuracy": True},
                "this uses the commonest label alone: the loss is a mean over all labels",
            ),
            ("nan", {"nan": True}, "0 · ln 0 is NaN in NumPy: leave classes without labels out of the sum"),
            (
                "gini",
                {"squared": True},
                "1 - Σp² is another measure of mixedness: cross-entropy has logarithms",
            ),
        ),
    ),
)

plateau_reading = Choice(
    name="plateau_reading",
    difficulty=1,
    minutes=3,
    read="What a flat loss says",
    question="A classifier of four equally frequent classes has had a loss of 1.386 (ln 4) for 2,000 steps. "
    "Which conclusion is safe?",
    options=(
        Option(
            text="It does no better than a model that ignores its input.",
            says="Right: the best such model gives one quarter to every class, and its loss is ln 4.",
            right=True,
        ),
        Option(
            text="The network is too small for the task.",
            says="The loss does not tell: a network large enough may have found nothing to follow yet.",
        ),
        Option(
            text="It will leave the plateau if trained for longer.",
            says="It may or may not: the loss says that there is no signal now, not when there will be one.",
        ),
        Option(
            text="The learning rate is too high.",
            says="It could be one cause among several; then the loss usually jumps about above ln 4.",
        ),
    ),
)

# --- What digits say about a label -----------------------------------------------------------------------


def label_given(known, unknown, modulus, *, forget=False, once=False, flat=False, nine=False, shifted=False):
    p = np.zeros(modulus)
    p[0 if forget else sum(known) % modulus] = 1.0
    share = np.bincount(np.arange(9 if nine else 10) % modulus, minlength=modulus)
    share = share / share.sum()
    if flat and unknown:
        return np.full(modulus, 1 / modulus)
    for _ in range(min(unknown, 1) if once else unknown):
        old, p = p, np.zeros(modulus)
        for r in range(modulus):
            p += share[r] * np.roll(old, -r if shifted else r)
    return p


label_given_exercise = Exercise(
    name="label_given",
    difficulty=2,
    minutes=15,
    read="Fifteen digits say nothing",
    cases=lambda rng: [
        ([2], 1, 3),
        ([4, 3], 0, 5),
        ([4, 3], 1, 5),
        ([], 1, 3),
        ([9, 9, 9], 2, 4),
        (rng.integers(0, 10, 4).tolist(), 3, 7),
        ([1], 12, 9),
        ([5, 8], 1, 12),
    ],
    expected=lambda case: label_given(*case),
    hints=(
        "Start with certainty: without unknown digits the label is sum(known) mod m.",
        "One more digit moves probability: from residue r to (r + d) mod m, a tenth for each d from 0 to 9.",
        "Repeat `unknown` times: new[(r + d) % m] += p[r] / 10 for all r and d.",
    ),
    mistakes=mistakes(
        label_given,
        (
            ("known-ignored", {"forget": True}, "the known digits are not used: start at sum(known) mod m"),
            (
                "one-digit",
                {"once": True},
                "you let one unknown digit count: repeat the step for each of them",
            ),
            (
                "uniform",
                {"flat": True},
                "uniform is right only if m divides 10: some residues have more digits",
            ),
            ("nine", {"nine": True}, "a digit is 0 to 9, ten values: range(10)"),
            ("backwards", {"shifted": True}, "adding a digit moves the residue *up*: (r + d) mod m"),
        ),
    ),
)


def character_mean(u, length, k, *, conjugate=False, undivided=False, unrooted=False, summed=False):
    u = np.asarray(u, float)
    sign = -1 if conjugate else 1
    factor = np.exp(sign * 2j * np.pi * k * np.arange(10) / 5) * np.exp(u / (1 if undivided else length))
    each = complex(factor.sum() if summed else factor.mean())
    return each if unrooted else each**length


def brute_character(u, length, k):
    """The same by enumeration: the tests compare."""
    total = 0
    for x in itertools.product(range(10), repeat=length):
        total += cmath.exp(2j * math.pi * k * sum(x) / 5) * math.exp(sum(u[d] for d in x) / length)
    return total / 10**length


character_exercise = Exercise(
    name="character_mean",
    difficulty=3,
    minutes=20,
    read="How small the signal is",
    rtol=1e-6,
    atol=1e-13,
    any_number=True,
    cases=lambda rng: [
        (np.zeros(10), 1, 1),
        (np.zeros(10), 3, 0),
        (np.arange(10) / 10, 2, 1),
        (rng.normal(size=10), 1, 2),
        (3 * rng.normal(size=10), 3, 1),
        (5 * rng.normal(size=10), 4, 3),
        (20 * rng.normal(size=10), 16, 1),
    ],
    expected=lambda case: character_mean(*case),
    hints=(
        "The exponential of a sum is a product, and so is the character: write the mean over all sequences.",
        "The digits are independent, so the mean of the product is the product of the T equal means.",
        "(Σ_d exp(2πi k d / 5) exp(u[d] / T) / 10)**T.",
    ),
    mistakes=mistakes(
        character_mean,
        (
            (
                "conjugate",
                {"conjugate": True},
                "the sign in the exponent is wrong: the character is exp(+2πi…)",
            ),
            (
                "sum-pooled",
                {"undivided": True},
                "this is for the sum of the u: the pooled value is their *mean*",
            ),
            ("one-digit", {"unrooted": True}, "this is one digit's factor: there are T of them"),
            (
                "not-a-mean",
                {"summed": True},
                "you added over the ten digits: a mean divides by ten, for each place",
            ),
        ),
    ),
)


def batch_needed(signal, noise, size, ratio, *, power=2, floor=False, unsized=False, inverse=False, least=0):
    share = noise / signal * (1 / ratio if inverse else ratio)
    value = share**power * (1 if unsized else size)
    return max(math.floor(value) if floor else math.ceil(value - 1e-9), least and size)


batch_exercise = Exercise(
    name="batch_needed",
    difficulty=1,
    minutes=8,
    read="How small the signal is",
    any_number=True,
    cases=lambda rng: [
        (1.0, 1.0, 64, 1.0),
        (0.5, 1.0, 64, 1.0),
        (0.01, 0.9, 64, 2.0),
        (3.0, 2.0, 32, 0.5),
        (2e-4, 1.1, 128, 1.0),
        (0.3, 0.1, 10, 1.0),
    ],
    expected=lambda case: batch_needed(*case),
    hints=(
        "The signal does not depend on the batch; how does the noise of a mean over N examples fall with N?",
        "noise(N) = noise · √(size / N); set signal = ratio · noise(N) and solve for N.",
        "N = size · (ratio · noise / signal)², rounded up.",
    ),
    mistakes=mistakes(
        batch_needed,
        (
            (
                "not-squared",
                {"power": 1},
                "noise falls with the *root* of the batch: the ratio enters squared",
            ),
            ("rounded-down", {"floor": True}, "rounded down the batch is a little too small: round up"),
            (
                "size-forgotten",
                {"unsized": True},
                "the noise was given for a batch of `size`, not for one example",
            ),
            (
                "never-smaller",
                {"least": 1},
                "the batch may be *smaller* than `size`: the signal can be large",
            ),
            ("ratio-inverted", {"inverse": True}, "a larger wanted ratio needs a *larger* batch"),
        ),
    ),
)

# --- Enough room -----------------------------------------------------------------------------------------


def mod_values(answer, case):
    """What the answer's ReLU network computes at 0 … top."""
    top = case[0]
    got = answer(*case)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise NotPlain(f"{type(got).__name__}, not the two arrays b and v")
    try:
        b, v = (np.asarray(part, dtype=float) for part in got)
    except (TypeError, ValueError):
        raise NotPlain("something that is not two arrays of numbers") from None
    if b.ndim != 1 or b.shape != v.shape:
        raise NotPlain(f"b of shape {b.shape} and v of shape {v.shape}: expected two equal shapes (H,)")
    if len(b) > top + 1:
        raise NotPlain(f"{len(b)} hidden units: at most top + 1 = {top + 1} are allowed")
    s = np.arange(top + 1)
    return np.round(np.maximum(s[:, None] - b, 0) @ v, 6)


def mod_wrong(top, modulus, *, kind):
    s = np.arange(top + 1)
    return {
        "identity": s.astype(float),
        "shifted": ((s + 1) % modulus).astype(float),
        "late": np.where(s < modulus, s, s - modulus).astype(float),
        "triangle": np.abs((s + modulus) % (2 * modulus) - modulus).astype(float),
        "no-slope": np.array([(k % modulus > 0) * 1.0 for k in s]),
    }[kind]


mod_network = Exercise(
    name="mod_network",
    difficulty=3,
    minutes=25,
    read="Is there room?",
    rtol=1e-6,
    atol=1e-5,
    any_number=True,
    cases=lambda rng: [(3, 2), (12, 5), (0, 5), (40, 7), (144, 5), (9, 10)],
    expected=lambda case: (np.arange(case[0] + 1) % case[1]).astype(float),
    call=mod_values,
    describe=lambda case: f"top = {case[0]}, modulus = {case[1]}: the values at 0, 1, …, top",
    hints=(
        "Between two neighbouring integers the function may be a straight line: up by 1, or down by m - 1.",
        "A unit relu(s - b) with output weight v adds v to the slope from b on: put kinks at integers.",
        "b = 0, 1, …, top - 1; v[0] is the first slope, v[j] the slope after j minus the slope before it.",
    ),
    mistakes=(
        Mistake(
            name="identity",
            value=lambda case: mod_wrong(*case, kind="identity"),
            says="this is s itself: at each multiple of m the line must come back down to 0",
        ),
        Mistake(
            name="shifted",
            value=lambda case: mod_wrong(*case, kind="shifted"),
            says="this is (s + 1) mod m: the kinks stand one place too far to the left",
        ),
        Mistake(
            name="one-drop",
            value=lambda case: mod_wrong(*case, kind="late"),
            says="the line comes down once: it has to at every multiple of m",
        ),
        Mistake(
            name="triangle",
            value=lambda case: mod_wrong(*case, kind="triangle"),
            says="this goes down as slowly as it went up: the way down must take one step only",
        ),
        Mistake(
            name="flat",
            value=lambda case: mod_wrong(*case, kind="no-slope"),
            says="after the first step the line stays flat: it must rise by 1 until the next multiple",
        ),
    ),
)

# --- A curriculum ----------------------------------------------------------------------------------------


def lengths_of(
    shares, goal, last, *, strict=True, carried=False, plain=False, skip=False, endless=False, early=False
):
    length, running, lengths = 2, 0.0, []
    for share in shares:
        lengths.append(length)
        running = share if plain else 0.95 * running + 0.05 * share
        passed = running > goal if strict else running >= goal
        if passed and (endless or length < last):
            length, running = length + (2 if skip else 1), running if carried else 0.0
            lengths[-1] = length if early else lengths[-1]
    return lengths


def length_cases(rng):
    return [
        (np.ones(3), 0.05, 4),
        (np.zeros(4), 0.9, 16),
        (np.ones(60), 0.9, 3),
        (np.array([1.0] * 20 + [0.0] * 5 + [1.0] * 15), 0.5, 16),
        (np.ones(8), 0.06, 3),
        (rng.uniform(0.3, 1, 120), 0.5, 9),
        (np.array([]), 0.9, 16),
        (np.array([1.0, 0.0, 1.0, 1.0]), 0.5, 16),
        (np.array([0.0, 1.0]), 0.0, 16),
    ]


lengths_exercise = Exercise(
    name="curriculum_lengths",
    difficulty=2,
    minutes=15,
    read="Way one: shorter questions first",
    cases=length_cases,
    expected=lambda case: lengths_of(*case),
    hints=(
        "Keep two variables, the length and the running mean, and go through the shares in order.",
        "First note the length of this batch, then update the mean, then decide about the next batch.",
        "After a step up the mean starts again at 0; at `last` the length stays.",
    ),
    mistakes=mistakes(
        lengths_of,
        (
            ("at-goal", {"strict": False}, "a running mean *equal* to the goal has not exceeded it"),
            (
                "carried",
                {"carried": True},
                "the mean must start again at 0: it belonged to the shorter length",
            ),
            (
                "no-mean",
                {"plain": True},
                "one lucky batch is no proof: compare the *running mean* with the goal",
            ),
            ("early", {"early": True}, "a batch is trained *before* it is judged: note its length first"),
            ("two-up", {"skip": True}, "the length grows by one at a time"),
            ("past-last", {"endless": True}, "the length went past `last`: it stays there"),
        ),
    ),
)


def offset_of(
    answers,
    labels,
    modulus,
    *,
    negative=False,
    swapped=False,
    raw=False,
    counts=False,
    five=False,
    late=False,
):
    if five:
        modulus = 5
    shift = (labels - answers) % modulus
    table = np.bincount(shift, minlength=modulus)
    best = modulus - 1 - int(table[::-1].argmax()) if late else int(table.argmax())
    share = float(table[best] / len(labels))
    if raw:
        share = float(table[0] / len(labels))
    if counts:
        share = int(table[best])
    if negative:
        best = (-best) % modulus
    return (share, best) if swapped else (best, share)


def offset_cases(rng):
    labels = rng.integers(0, 5, 40)
    mixed = np.where(rng.random(40) < 0.8, (labels + 3) % 5, rng.integers(0, 5, 40))
    return [
        (np.array([0, 1]), np.array([1, 2]), 5),
        (np.array([4, 0, 1]), np.array([1, 2, 3]), 5),
        (labels.copy(), labels, 5),
        (mixed, labels, 5),
        (np.array([6, 0, 1, 3]), np.array([0, 1, 2, 0]), 7),
        (np.array([0, 1, 2, 0, 1]), np.array([1, 0, 2, 2, 1]), 3),
    ]


offset_exercise = Exercise(
    name="best_offset",
    difficulty=2,
    minutes=10,
    read="Longer than ever trained",
    cases=offset_cases,
    expected=lambda case: offset_of(*case),
    hints=(
        "For each example there is exactly one k that would make the answer right.",
        "It is (label - answer) mod m; count how often each k occurs.",
        "np.bincount((labels - answers) % m, minlength=m): argmax is k, its largest value over N the share.",
    ),
    mistakes=mistakes(
        offset_of,
        (
            ("sign", {"negative": True}, "the sign is turned: k is added to the *answer* to get the label"),
            ("order", {"swapped": True}, "first k, then the share"),
            ("uncorrected", {"raw": True}, "this is the accuracy without correction: count after adding k"),
            ("five", {"five": True}, "the modulus is an argument, not always 5"),
            ("largest-k", {"late": True}, "of several k that do equally well, the smallest is asked"),
            ("count", {"counts": True}, "this is a number of examples: divide by how many there are"),
        ),
    ),
)

# --- Dense labels ----------------------------------------------------------------------------------------


def prefix_loss(scores, x, modulus, *, last=False, total=False, digits=False, shifted=False, stable=True):
    y = x % modulus if digits else x.cumsum(axis=1) % modulus
    if shifted:
        y = np.roll(y, -1, axis=1)
    if stable:
        z = scores - scores.max(axis=2, keepdims=True)
        logs = z - np.log(np.exp(z).sum(axis=2, keepdims=True))
    else:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            logs = np.log(np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True))
    picked = -np.take_along_axis(logs, y[:, :, None], axis=2)[:, :, 0]  # (N, T)
    if last:
        return float(picked[:, -1].mean())
    return float(picked.sum(axis=1).mean() if total else picked.mean())


def prefix_cases(rng):
    def draw(N, T, m, scale=1.0):
        return scale * rng.normal(size=(N, T, m)), rng.integers(0, 10, (N, T)), m

    return [
        (np.zeros((1, 2, 5)), np.array([[3, 4]]), 5),
        draw(1, 2, 3),
        draw(4, 6, 5),
        draw(3, 1, 2),
        draw(2, 3, 5, 2000.0),
    ]


prefix_exercise = Exercise(
    name="prefix_loss",
    difficulty=2,
    minutes=15,
    read="Way two: an answer at every place",
    any_number=True,
    cases=prefix_cases,
    expected=lambda case: prefix_loss(*case),
    hints=(
        "The labels are the prefix sums of each row mod m: `np.cumsum` along the right axis.",
        "ln softmax = z - max - ln Σ exp(z - max) over the classes; pick the label's entry at every place.",
        "np.take_along_axis(log_p, y[:, :, None], axis=2) picks them; the loss is minus their mean.",
    ),
    mistakes=mistakes(
        prefix_loss,
        (
            ("last-only", {"last": True}, "this is the loss of the last place alone: all T places count"),
            (
                "sum-over-places",
                {"total": True},
                "you added over the places: it is the mean over all N·T answers",
            ),
            (
                "digits",
                {"digits": True},
                "the label of place t is the *sum* of digits 0 to t, not digit t alone",
            ),
            (
                "shifted",
                {"shifted": True},
                "your labels are one place off: place t is told the sum up to t itself",
            ),
            (
                "overflow",
                {"stable": False},
                "exp overflows for large scores: subtract each row's largest score before it",
            ),
        ),
    ),
)

dense_causal = Choice(
    name="dense_causal",
    difficulty=2,
    minutes=3,
    read="Way two: an answer at every place",
    question="Labels at all places, but attention looks both ways. Why is place 2 then harder to learn?",
    options=(
        Option(
            text="The labels of later places contradict that of place 2.",
            says="Each place has its own output; labels of other places say nothing against it.",
        ),
        Option(
            text="It must first learn to ignore the digits that follow, which are noise for its answer.",
            says="Right: with a causal mask the sum of two digits is a question about two digits.",
            right=True,
        ),
        Option(
            text="It could read its answer from the future and would learn nothing.",
            says="The future digits do not hold the answer: nothing leaks here, unlike in a language model.",
        ),
        Option(
            text="The gradient of place 2 does not reach the first layer.",
            says="It does: gradients flow wherever attention looks.",
        ),
    ),
)

repair_order = Order(
    name="stall_order",
    difficulty=2,
    minutes=3,
    read="What each ingredient is worth",
    question="Training has been flat at ln(classes) for long. Order what to do, the cheapest first:",
    steps=(
        (
            "Check that labels belong to their inputs, by hand on three examples.",
            "Seconds, and it would explain everything.",
        ),
        (
            "Let the network overfit one small batch.",
            "A minute: if that fails, model, loss or optimiser is broken.",
        ),
        (
            "Shrink the task (a shorter length) until it is learned, and find where it breaks.",
            "Now we know that the parts work and what makes the task hard.",
        ),
        (
            "Change the data: grow the length, or label the steps in between.",
            "The cause is known by now, so the change can address it.",
        ),
        (
            "Only then search over size, rate and number of steps.",
            "The dearest experiments, and blind as long as there is no signal.",
        ),
    ),
)

# --- Cost ------------------------------------------------------------------------------------------------


def attn_flops(T, d, *, single=False, half=False, exchanged=False, maps=4, linear=False):
    factor = 1 if single else 2
    quadratic = factor * T * T * d * (1 if half else 2)
    affine = factor * maps * T * d * (1 if linear else d)
    return (affine, quadratic) if exchanged else (quadratic, affine)


attn_exercise = Exercise(
    name="attn_flops",
    difficulty=1,
    minutes=8,
    source="B8.2",
    read="Attention or convolution?",
    cases=lambda rng: [(1, 1), (16, 64), (32, 64), (7, 3), (1000, 512), (100_000, 768)],
    expected=lambda case: attn_flops(*case),
    hints=(
        "Count pairs of factors: T queries times T keys, each a product of d numbers, all heads together.",
        "Mixing the values costs as much as the scores; a multiplication and an addition are two operations.",
        "Quadratic part: 2 · 2 · T · T · d; the four affine maps: 4 · 2 · T · d · d.",
    ),
    mistakes=mistakes(
        attn_flops,
        (
            ("products-only", {"single": True}, "you counted multiplications: the additions count as well"),
            (
                "scores-only",
                {"half": True},
                "the scores are half of it: mixing the values costs as much again",
            ),
            ("order", {"exchanged": True}, "first the quadratic part, then the affine maps"),
            ("three-maps", {"maps": 3}, "there are four affine maps: queries, keys, values and the output"),
            ("linear-in-d", {"linear": True}, "an affine map takes each place's d numbers to d numbers: d²"),
        ),
    ),
)

flop_scaling = Match(
    name="flop_scaling",
    difficulty=2,
    minutes=4,
    source="B8.2",
    read="Attention or convolution?",
    question="The length T is doubled and the width d stays. By what does each cost grow?",
    pairs=(
        ("scores and mixing of attention", "4", "T queries meet T keys: quadratic in T."),
        (
            "a convolution over five neighbours",
            "2",
            "Each place looks at five others, however long the sequence.",
        ),
        (
            "layers of that convolution until one place has seen all",
            "about 2",
            "Each layer adds four places to the view, so (T - 1)/4 layers are needed.",
        ),
        (
            "layers of attention until one place has seen all",
            "1",
            "One layer sees everything, at any length: that is what the quadratic cost buys.",
        ),
    ),
)

ENTRIES = (
    rust_residues,
    mod_printed,
    blind,
    plateau_reading,
    label_given_exercise,
    character_exercise,
    batch_exercise,
    mod_network,
    lengths_exercise,
    offset_exercise,
    prefix_exercise,
    dense_causal,
    repair_order,
    attn_exercise,
    flop_scaling,
)
