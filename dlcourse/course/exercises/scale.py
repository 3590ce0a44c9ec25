"""Exercises of 24_scale: what is asked, which mistakes are known, and what to say about them."""

import gc
import math
import threading
import weakref

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option, Order


def typed(value, name):
    """The array and the name of its dtype; NotPlain where it is no array."""
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        raise NotPlain(f"{type(value).__name__} for {name}, not an array")
    return np.asarray(value), np.asarray(value).dtype.name


def one_array(answer, case):
    return typed(answer(*case), "the result")


# --- Profiles --------------------------------------------------------------------------------------------


def self_seconds(case, *, total=False, deep=False, overwrite=False):
    (events,) = case
    open_calls, found = [], {}
    for kind, name, time in events:
        if kind == "enter":
            open_calls.append([name, time, 0.0])
            continue
        name, start, inside = open_calls.pop()
        taken = time - start
        for outer in open_calls if deep else open_calls[-1:]:
            outer[2] += taken
        own = taken if total else taken - inside
        found[name] = own if overwrite else found.get(name, 0.0) + own
    return found


TRACE = [
    ("enter", "step", 0.0),
    ("enter", "load", 1.0),
    ("enter", "shift", 2.0),
    ("leave", "shift", 7.0),
    ("leave", "load", 8.0),
    ("enter", "net", 8.5),
    ("enter", "shift", 9.0),
    ("leave", "shift", 10.0),
    ("leave", "net", 12.0),
    ("leave", "step", 12.5),
]
EMPTY_HANDED = [  # `outer` does nothing itself
    ("enter", "outer", 0.0),
    ("enter", "inner", 0.0),
    ("leave", "inner", 2.0),
    ("leave", "outer", 2.0),
]
RECURSIVE = [
    ("enter", "walk", 0.0),
    ("enter", "walk", 1.0),
    ("leave", "walk", 3.0),
    ("leave", "walk", 4.0),
    ("enter", "walk", 6.0),
    ("leave", "walk", 6.5),
]
TWICE = TRACE[1:5] * 2


def as_dict(result):
    """A defaultdict or a Counter is a dict as well."""
    return dict(result) if isinstance(result, dict) else result


self_times = Exercise(
    name="self_times",
    difficulty=2,
    minutes=15,
    read="Two profilers",
    hints=(
        "Keep a stack of the calls that are open; a leave event closes the one on top.",
        "Each open call needs three things: its name, its start, and the time its own calls have taken.",
        "On leaving: taken = time - start; add taken - inside to the name, and taken to the caller's inside.",
    ),
    call=lambda answer, case: as_dict(answer(*case)),
    cases=lambda rng: [(t,) for t in (TRACE[:1] + TRACE[-1:], [], TRACE, RECURSIVE, EMPTY_HANDED, TWICE)],
    expected=self_seconds,
    mistakes=(
        Mistake(
            name="total",
            value=lambda case: self_seconds(case, total=True),
            says="these are total times: subtract what the function's own calls took",
        ),
        Mistake(
            name="deep",
            value=lambda case: self_seconds(case, deep=True),
            says="time is subtracted from every open call: only the direct caller gives it up",
        ),
        Mistake(
            name="last-call",
            value=lambda case: self_seconds(case, overwrite=True),
            says="a function that is called twice has its last time only: add up",
        ),
    ),
)

# --- V1.5: a net with planted bugs -----------------------------------------------------------------------

OLD = "earlier batches still alive"
DONE = "the threads come back"
COPY = "read returns a copy"
GUARDED = "read and apply wait for the lock"
WHOLE = "apply reads and writes under one hold of the lock"
PATIENCE = 1.0  # seconds after which a thread that has not come back counts as stuck


def in_time(work):
    """Run work in a thread; is it done within PATIENCE seconds?"""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return not thread.is_alive()


def tried_net(answer, case):
    """What a repaired class does: its gradient, what it keeps alive, whether its threads come back."""
    w, x, t, aspect = case
    net = answer(w.copy())
    if aspect == "gradient":
        net.forward(x[:1])  # another batch first: backward belongs to the last one
        forward = net.forward(x)
        array, dtype = typed(net.backward(t), "the gradient")
        return {"forward": forward, "gradient": array, "dtype": dtype}
    if aspect == "memory":
        batches = [x.copy() for _ in range(5)]
        alive = [weakref.ref(batch) for batch in batches]
        for batch in batches:
            net.forward(batch)
            net.backward(t)
        del batches, batch
        gc.collect()
        return {OLD: max(0, sum(ref() is not None for ref in alive) - 1)}
    total = np.zeros(w.shape)
    steps = [lambda: net.apply(total - 1.0), lambda: net.read()]
    done = in_time(lambda: [step() for _ in range(20) for step in steps])
    if not done:
        return {DONE: False}
    found = {DONE: True, "weights": net.read(), COPY: not np.shares_memory(net.read(), net.w)}
    guarded = waits(net)
    return found | {GUARDED: guarded, WHOLE: not guarded or keeps_others_steps(net)}


class Interrupted:
    """A lock; when it is given back for the first time, somebody else does some work at once."""

    def __init__(self, lock, work):
        self.lock, self.work, self.depth = lock, work, 0

    def acquire(self, *limits, **named):
        got = self.lock.acquire(*limits, **named)
        self.depth += got
        return got

    def release(self):
        self.depth -= 1
        self.lock.release()
        if self.depth == 0 and self.work:
            work, self.work = self.work, None
            work()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *error):
        self.release()


def keeps_others_steps(net):
    """Does a step survive that another thread takes as soon as apply lets go of the lock?"""
    before = net.w.copy()

    def other_step():
        net.w = net.w + 100.0

    net.lock = Interrupted(net.lock, other_step)
    net.apply(np.ones(before.shape))
    return bool(np.allclose(net.w, before + 99.0))


def waits(net):
    """Do apply and read wait while another thread holds the net's lock?"""
    if not hasattr(net, "lock"):
        return False
    held, done = threading.Event(), threading.Event()

    def hold():
        with net.lock:
            held.set()
            done.wait(PATIENCE)

    threads = [threading.Thread(target=hold, daemon=True)]
    threads[0].start()
    held.wait(PATIENCE)
    nothing = np.zeros(net.w.shape)
    threads += [threading.Thread(target=f, daemon=True) for f in (net.read, lambda: net.apply(nothing))]
    for thread in threads[1:]:
        thread.start()
        thread.join(0.1)
    waited = all(thread.is_alive() for thread in threads[1:])
    done.set()
    for thread in threads:
        thread.join(PATIENCE)
    return waited


def right_net(case, *, bug=""):
    w, x, t, aspect = case
    if aspect == "gradient":
        h = np.maximum(x @ w, 0)
        mask = {"no-mask": 1.0, "at-zero": (x @ w >= 0) * 1.0}.get(bug, (h > 0) * 1.0)
        scale = 2.0 if bug == "sum" else 2 / len(x)
        return {"forward": h, "gradient": x.T @ (scale * (h - t) * mask), "dtype": "float64"}
    if aspect == "memory":
        return {OLD: 4 if bug == "leak" else 0}
    if bug == "deadlock":
        return {DONE: False}
    return {
        DONE: True,
        "weights": w + 20,
        COPY: bug != "view",
        GUARDED: bug != "unguarded",
        WHOLE: True,
    }


repair_net = Exercise(
    name="repair_net",
    difficulty=3,
    minutes=40,
    source="V1.5",
    read="A thread that does not come back",
    wants="class",
    seconds=20,
    call=tried_net,
    describe=lambda case: f"what the check looked at: {case[3]}",
    hints=(
        "One bug at a time: central differences, a weak reference to a batch, a thread with a time limit.",
        "The loss is a mean of squares behind a ReLU: two factors are missing in the gradient.",
        "Keep the last input only; let `apply` do its work in the same `with`, and `read` return a copy.",
    ),
    cases=lambda rng: (
        [
            (rng.normal(size=3), rng.normal(size=(7, 3)), rng.normal(size=7), aspect)
            for aspect in ("gradient", "memory", "threads")
        ]
        + [(np.zeros(2), rng.normal(size=(4, 2)), rng.normal(size=4), "gradient")]
    ),
    expected=right_net,
    rtol=1e-6,
    mistakes=(
        Mistake(
            name="no-mask",
            value=lambda case: right_net(case, bug="no-mask"),
            says="the gradient ignores the ReLU: nothing flows where its output is zero",
        ),
        Mistake(
            name="sum",
            value=lambda case: right_net(case, bug="sum"),
            says="the gradient is that of a sum of squares: the loss is the mean over the N rows",
        ),
        Mistake(
            name="at-zero",
            value=lambda case: right_net(case, bug="at-zero"),
            says="the slope of the ReLU at 0 is taken as 1: with all weights 0 the gradient is 0 here",
        ),
        Mistake(
            name="leak",
            value=lambda case: right_net(case, bug="leak"),
            says="old batches stay alive: the net still keeps a list of all its inputs",
        ),
        Mistake(
            name="deadlock",
            value=lambda case: right_net(case, bug="deadlock"),
            says="a thread does not come back within a second: `apply` waits for a lock that it holds itself",
        ),
        Mistake(
            name="view",
            value=lambda case: right_net(case, bug="view"),
            says="`read` hands out the weights themselves: others could change them without the lock",
        ),
        Mistake(
            name="unguarded",
            value=lambda case: right_net(case, bug="unguarded"),
            says="`read` or `apply` does not wait while another thread holds `self.lock`",
        ),
    ),
)


class Project:
    """A small training program for V1.5+; `bugs` names what is broken in it."""

    def __init__(self, bugs=(), seed=0):
        rng = np.random.default_rng(seed)
        self.bugs = frozenset(bugs)
        self.w = rng.normal(size=4)
        self._history, self._lock = [], threading.Lock()

    def loss(self, x, t):
        return float(np.mean((np.maximum(x @ self.w, 0) - t) ** 2))

    def gradient(self, x, t):
        h = np.maximum(x @ self.w, 0)
        mask = 1.0 if "gradient" in self.bugs else (h > 0) * 1.0
        if "leak" in self.bugs:
            self._history.append(x)
        return x.T @ (2 / len(x) * (h - t) * mask)

    def train(self, x, t):
        with self._lock:
            self.w = self.w - 0.01 * self.gradient(x, t)
            if "deadlock" in self.bugs:
                self._lock.acquire(timeout=30)


FIELDS = {"bug", "symptom", "tool", "cause", "fix"}


def judged_report(answer, case):
    bugs, seed = case
    report = answer(lambda: Project(bugs, seed))
    if not isinstance(report, list | tuple):
        raise NotPlain(f"{type(report).__name__}, not a list of dicts; without any bug the list is empty")
    if any(not isinstance(row, dict) or set(row) != FIELDS for row in report):
        return "form"
    if any(not isinstance(text, str) or not text.strip() for row in report for text in row.values()):
        return "empty"
    named = [row["bug"] for row in report]
    return sorted(named)


PLANTED = ((), ("gradient",), ("leak",), ("deadlock",), ("deadlock", "gradient", "leak"))

diagnose = Exercise(
    name="diagnose",
    difficulty=3,
    minutes=180,
    source="V1.5+",
    read="A thread that does not come back",
    seconds=30,
    call=judged_report,
    describe=lambda case: f"a project with {', '.join(case[0]) or 'no bug'}",
    hints=(
        "Three small functions, one for each kind of bug, each with a project of its own from make().",
        "Gradient: central differences at random points. Leak: a weak reference. Deadlock: join(timeout).",
        "Make the project anew for each test: one that hangs holds its lock for ever.",
    ),
    cases=lambda rng: [(bugs, seed) for seed, bugs in enumerate(PLANTED)],
    expected=lambda case: sorted(case[0]),
    mistakes=(
        Mistake(
            name="form",
            value=lambda case: "form" if case[0] else [],
            says="expected a list of dicts with exactly the keys bug, symptom, tool, cause and fix",
        ),
        Mistake(
            name="empty",
            value=lambda case: "empty" if case[0] else [],
            says="a field of the report is empty or no text",
        ),
        Mistake(
            name="nothing",
            value=lambda case: [],
            says="no bug is ever reported: each of the three kinds has to be found",
        ),
        Mistake(
            name="false-alarm",
            value=lambda case: ["deadlock", "gradient", "leak"],
            says="bugs are reported in a healthy project: report only what a test has shown",
        ),
        Mistake(
            name="first-only",
            value=lambda case: sorted(case[0])[:1],
            says="only one bug of several is reported: go on after the first",
        ),
        Mistake(
            name="no-deadlock",
            value=lambda case: sorted(set(case[0]) - {"deadlock"}),
            says="the deadlock is missing: call train in a thread and wait for it with a limit",
        ),
        Mistake(
            name="no-leak",
            value=lambda case: sorted(set(case[0]) - {"leak"}),
            says="the leak is missing: is a batch still alive when you have deleted yours?",
        ),
        Mistake(
            name="no-gradient",
            value=lambda case: sorted(set(case[0]) - {"gradient"}),
            says="the wrong gradient is missing: use central differences where some rows are below 0",
        ),
    ),
)

# --- Shards ----------------------------------------------------------------------------------------------


def factors(case, rule=lambda n, total, workers: n * workers / total):
    (sizes,) = case
    return [float(rule(n, sum(sizes), len(sizes))) for n in sizes]


ddp_factors = Exercise(
    name="ddp_factors",
    difficulty=2,
    minutes=10,
    read="Many processes, one gradient",
    hints=(
        "Write down what DDP computes: the plain mean over the W workers of the factors times the gradients.",
        "The mean over all N examples weighs worker s by n_s / N. Compare the two sums term by term.",
        "f_s / W = n_s / N, so f_s = W n_s / N.",
    ),
    cases=lambda rng: [([3],), ([4, 4],), ([30, 10, 20],), ([5, 0],), (rng.integers(1, 50, 6).tolist(),)],
    expected=factors,
    mistakes=(
        Mistake(
            name="share",
            value=lambda case: factors(case, lambda n, total, workers: n / total),
            says="these are the shares n_s / N: DDP divides by the number of workers once more",
        ),
        Mistake(
            name="inverse",
            value=lambda case: factors(case, lambda n, total, workers: total / (n * workers) if n else 0.0),
            says="the factors are turned around: a larger shard counts more",
        ),
        Mistake(
            name="size",
            value=lambda case: factors(case, lambda n, total, workers: n),
            says="these are the sizes: the loss on a shard is a mean already",
        ),
        Mistake(
            name="plain",
            value=lambda case: factors(case, lambda n, total, workers: 1.0),
            says="a factor of 1 is right for equal shards only",
        ),
    ),
)


def accumulated_by(case, rule="right"):
    w, x, t, most = case
    total, parts = np.zeros(w.shape), 0
    for start in range(0, len(x), most):
        rows = slice(start, start + most)
        if rule == "drop" and len(x[rows]) < most:
            continue
        part = 2 / len(x[rows]) * x[rows].T @ (x[rows] @ w - t[rows])
        weight = {"plain": 1.0, "sum": 1.0, "last": 0.0}.get(rule, len(x[rows]) / len(x))
        total = part if rule == "last" else total + weight * part
        parts += 1
    return total / parts if rule == "plain" else total


def tried_accumulate(answer, case):
    w, x, t, most = case
    seen, given = [], []

    def gradient(rows, targets):
        if not 1 <= len(rows) <= most:
            raise NotPlain(f"a micro-batch of {len(rows)} rows where 1 to {most} are allowed")
        seen.append(rows.copy())
        given.append(2 / len(rows) * rows.T @ (rows @ w - targets))
        return given[-1]

    array, dtype = typed(answer(gradient, x, t, most), "the gradient")
    rows = np.concatenate(seen) if seen else x[:0]
    return {
        "gradient": array,
        "dtype": dtype,
        "sizes of the pieces": [len(part) for part in seen],
        "rows in order": bool(np.array_equal(rows, x[: len(rows)])),
        "an array of its own": not any(np.shares_memory(array, one) for one in given),
    }


def accumulation(case, rule="right"):
    w, x, t, most = case
    rows = len(x) // most * most if rule == "drop" else len(x)
    return {
        "gradient": accumulated_by(case, rule),
        "dtype": "float64",
        "sizes of the pieces": [min(most, rows - start) for start in range(0, rows, most)],
        "rows in order": True,
        "an array of its own": True,
    }


accumulate = Exercise(
    name="accumulate",
    difficulty=2,
    minutes=12,
    read="One batch in four pieces",
    call=tried_accumulate,
    describe=lambda case: f"{len(case[1])} rows, micro-batches of at most {case[3]}",
    hints=(
        "range(0, len(x), most) are the starts of the micro-batches.",
        "Each gradient is that of a mean over its own rows: which share of all rows are they?",
        "total += len(part) / len(x) * gradient(part, t_part), starting from zeros.",
    ),
    cases=lambda rng: [
        (rng.normal(size=3), rng.normal(size=(n, 3)), rng.normal(size=n), most)
        for n, most in ((4, 2), (5, 5), (7, 3), (3, 8), (10, 4))
    ],
    expected=accumulation,
    mistakes=(
        Mistake(
            name="sum",
            value=lambda case: accumulation(case, "sum"),
            says="the gradients are added up without weights: each is that of a mean over its own rows",
        ),
        Mistake(
            name="plain",
            value=lambda case: accumulation(case, "plain"),
            says="the plain mean is right for equal micro-batches only: the last may be smaller",
        ),
        Mistake(
            name="drop",
            value=lambda case: accumulation(case, "drop"),
            says="the incomplete last micro-batch is left out",
        ),
        Mistake(
            name="last",
            value=lambda case: accumulation(case, "last"),
            says="each gradient overwrites the one before: add",
        ),
    ),
)

# --- The ring --------------------------------------------------------------------------------------------


def well_formed(schedule):
    """Raise NotPlain unless this is a list of lists of moves."""
    if not isinstance(schedule, list | tuple):
        raise NotPlain(f"{type(schedule).__name__}, not a list of rounds; for n = 1 the list is empty")
    for moves in schedule:
        if not isinstance(moves, list | tuple) or any(isinstance(move, str | int) for move in moves):
            raise NotPlain(f"{moves!r} as a round: a round is a list of moves")
        for move in moves:
            if not isinstance(move, list | tuple) or len(move) != 4:
                raise NotPlain(f"{move!r} as a move: expected (kind, source, target, chunk)")


def played(schedule, n):
    """Play a schedule with numbers 1, 10, 100, ...: the full sums, the rounds, the busiest worker."""
    well_formed(schedule)
    values = [[10.0**k] * n for k in range(n)]
    busiest, neighbours = 0, True
    for moves in schedule:
        sent, got, before = [0] * n, [0] * n, [list(row) for row in values]
        for kind, source, target, chunk in moves:
            if kind not in ("add", "copy"):
                raise NotPlain(f"a move of kind {kind!r}: expected 'add' or 'copy'")
            if not all(0 <= number < n for number in (source, target, chunk)):
                raise NotPlain(
                    f"the move {(kind, source, target, chunk)}: numbers from 0 to {n - 1} are there"
                )
            sent[source] += 1
            got[target] += 1
            neighbours &= target == (source + 1) % n
            old = values[target][chunk] if kind == "add" else 0.0
            values[target][chunk] = old + before[source][chunk]
        busiest = max(busiest, *sent, *got)
    full = sum(10.0**k for k in range(n))
    right = sum(v == full for row in values for v in row)
    return {
        "chunks with the full sum": right,
        "rounds": len(schedule),
        "most chunks at once": busiest,
        "only to the next worker": bool(neighbours),
        "largest sum": max(max(row) for row in values),
    }


def ring(n, *, gather=True, kind="copy", late=0):
    reduce = [[("add", k, (k + 1) % n, (k - s) % n) for k in range(n)] for s in range(n - 1)]
    back = [[(kind, k, (k + 1) % n, (k + 1 - s - late) % n) for k in range(n)] for s in range(n - 1)]
    return reduce + (back if gather else [])


def star(n):
    collect = [[("add", k, 0, c) for k in range(1, n) for c in range(n)]] if n > 1 else []
    return collect + ([[("copy", 0, k, c) for k in range(1, n) for c in range(n)]] if n > 1 else [])


ring_schedule = Exercise(
    name="ring_schedule",
    difficulty=3,
    minutes=30,
    read="A ring of workers",
    call=lambda answer, case: played(answer(*case), *case),
    describe=lambda case: f"{case[0]} workers: chunks that hold the full sum, rounds, traffic",
    hints=(
        "In round s of the first half worker k sends chunk (k - s) mod n to worker k + 1, who adds it.",
        "After n - 1 rounds worker k holds the full sum of chunk (k + 1) mod n.",
        "In round s of the second half worker k sends chunk (k + 1 - s) mod n, and it is copied.",
    ),
    cases=lambda rng: [(n,) for n in (2, 1, 3, 4, 7)],
    expected=lambda case: played(ring(*case), *case),
    mistakes=(
        Mistake(
            name="no-gather",
            value=lambda case: played(ring(*case, gather=False), *case),
            says="each chunk is complete at one worker only: the second half, which copies, is missing",
        ),
        Mistake(
            name="adds-twice",
            value=lambda case: played(ring(*case, kind="add"), *case),
            says="the second half adds what is complete already: copy there",
        ),
        Mistake(
            name="off-by-one",
            value=lambda case: played(ring(*case, late=1), *case),
            says="the second half begins with the wrong chunk: worker k has completed chunk k + 1",
        ),
        Mistake(
            name="star",
            value=lambda case: played(star(*case), *case),
            says="one worker receives everything: each may send and receive one chunk a round, in the ring",
        ),
    ),
)


def model_seconds(n, rows, compute, numbers, latency, rate):
    exchange = 2 * (n - 1) * latency + 2 * (n - 1) / n * numbers / rate
    return math.ceil(rows / n) * compute + exchange


def fastest(case, *, exchange=True, per_worker=False, last=False, whole=True):
    rows, compute, numbers, latency, rate, most = case
    times = {}
    for n in range(1, most + 1):
        time = model_seconds(n, rows, compute, numbers, latency, rate)
        if not exchange:
            time = math.ceil(rows / n) * compute
        if not whole:
            time += rows / n * compute - math.ceil(rows / n) * compute
        times[n] = time * n if per_worker else time
    best = min(times.values())
    ties = [n for n, time in times.items() if time == best]
    return [ties[-1] if last else ties[0], times[1] / best]


best_workers = Exercise(
    name="best_workers",
    difficulty=2,
    minutes=12,
    read="What synchronisation costs",
    hints=(
        "Write the time of one step as a function of n first, and look at n = 1: nothing is exchanged.",
        "The largest shard decides: math.ceil(rows / n) rows.",
        "min(range(1, most + 1), key=seconds) takes the first of equal ones.",
    ),
    cases=lambda rng: [
        (64, 0.001, 1e6, 0.0, 1e9, 8),
        (64, 0.001, 1e6, 0.002, 1e8, 16),
        (10, 0.5, 0.0, 0.0, 1.0, 16),
        (8, 0.01, 1e9, 0.5, 1e9, 4),
        (100, 0.01, 1e6, 1e-3, 1e8, 64),
    ],
    expected=fastest,
    rtol=1e-9,
    mistakes=(
        Mistake(
            name="free",
            value=lambda case: fastest(case, exchange=False),
            says="the exchange is free in your model: add the rounds and the numbers sent",
        ),
        Mistake(
            name="worker-seconds",
            value=lambda case: fastest(case, per_worker=True),
            says="you minimised the time of all workers together: it is the time of the step",
        ),
        Mistake(
            name="last-of-equals",
            value=lambda case: fastest(case, last=True),
            says="of several equally fast numbers of workers the smallest is asked for",
        ),
        Mistake(
            name="fractions",
            value=lambda case: fastest(case, whole=False),
            says="rows / n is no whole number: the worker with the largest shard is the last to finish",
        ),
    ),
)

# --- Federated and private -------------------------------------------------------------------------------


def averaged_states(case, rule="right"):
    states, counts = case
    total = sum(counts)
    used = [(s, n) for s, n in zip(states, counts) if n > 0]
    result = {}
    for name, first in used[0][0].items():
        shares = [1 / len(used) if rule == "plain" else n / total for _, n in used]
        shares = [float(n) for _, n in used] if rule == "sum" else shares
        mean = sum(share * s[name].astype(float) for share, (s, _) in zip(shares, used))
        result[name] = mean.astype(first.dtype if rule != "double" else float)
    return result


def tried_average(answer, case):
    states, counts = case
    result = as_dict(answer(states, counts))
    if not isinstance(result, dict):
        raise NotPlain(f"{type(result).__name__}, not a dict")
    own = [np.shares_memory(typed(result[n], n)[0], s[n]) for s in states for n in s if n in result]
    return {
        "state": {name: typed(a, name) for name, a in sorted(result.items())},
        "new arrays": not any(own),
    }


def average_result(case, rule="right"):
    state = averaged_states(case, rule)
    return {
        "state": {name: (a, a.dtype.name) for name, a in sorted(state.items())},
        "new arrays": True,
    }


def client_cases(rng):
    def states(n, dtype):
        return [{k: rng.normal(size=s).astype(dtype) for k, s in SHAPES.items()} for _ in range(n)]

    def without(k, clients):
        clients[k] = {name: np.full_like(a, np.nan) for name, a in clients[k].items()}
        return clients

    diverged = states(2, float)
    diverged[1]["0.bias"][0] = np.nan  # a client that counts: its NaN must show
    return [
        (states(1, float), [5]),
        (states(3, np.float32), [10, 30, 60]),
        (states(2, float), [7, 7]),
        (without(1, states(3, float)), [4, 0, 12]),
        (without(0, states(3, np.float32)), [0, 1, 3]),
        (diverged, [2, 6]),
    ]


SHAPES = {"0.weight": (2, 3), "0.bias": (2,)}

federated_average = Exercise(
    name="federated_average",
    difficulty=2,
    minutes=12,
    read="Federated averaging",
    rtol=1e-5,
    call=tried_average,
    describe=lambda case: f"{len(case[0])} clients with {case[1]} examples",
    hints=(
        "The shares are the counts divided by their sum.",
        "Leave out clients without examples before you multiply: 0 times NaN is NaN.",
        "Build each sum, then .astype(first.dtype) of the clients' own arrays.",
    ),
    cases=client_cases,
    expected=average_result,
    mistakes=(
        Mistake(
            name="plain",
            value=lambda case: average_result(case, "plain"),
            says="all clients count the same: weigh each by its number of examples",
        ),
        Mistake(
            name="sum",
            value=lambda case: average_result(case, "sum"),
            says="the sum is not divided by the number of all examples",
        ),
        Mistake(
            name="double",
            value=lambda case: average_result(case, "double"),
            says="the dtype has changed: float32 weights stay float32",
        ),
        Mistake(
            name="view",
            value=lambda case: average_result(case) | {"new arrays": len(case[0]) > 1},
            says="for one client the result shares its memory: return new arrays",
        ),
        Mistake(
            name="nan",
            value=lambda case: (
                average_result(case)
                if 0 not in case[1]
                else {
                    "state": {
                        k: (np.full(SHAPES[k], np.nan), case[0][0][k].dtype.name) for k in sorted(SHAPES)
                    },
                    "new arrays": True,
                }
            ),
            says="a client without examples spoils the mean: 0 times NaN is NaN, so leave it out",
        ),
    ),
)


def privately(case, rule="right"):
    grads, clip, sigma, draw = case
    norms = np.linalg.norm(grads, axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(norms > 0, np.minimum(1, clip / norms), 1.0)
        if rule == "normalised":
            scale = np.where(norms > 0, clip / norms, 1.0)
    kept = grads * (1.0 if rule in ("unclipped", "mean-clip") else scale)
    if rule == "entries":
        kept = np.clip(grads, -clip, clip)
    mean = kept.mean(axis=0)
    if rule == "mean-clip":
        mean = mean * min(1, clip / max(np.linalg.norm(mean), 1e-300))
    width = sigma * (1.0 if rule == "noise-without-clip" else clip)
    return mean + width * draw / (1 if rule == "noise-on-mean" else len(grads)), "float64"


private_gradient = Exercise(
    name="private_gradient",
    difficulty=2,
    minutes=15,
    read="Clipped and noisy",
    call=one_array,
    describe=lambda case: f"{len(case[0])} gradients, clip {case[1]}, sigma {case[2]}",
    hints=(
        "One length for each row: np.linalg.norm(grads, axis=1, keepdims=True).",
        "A row shorter than clip stays as it is; a row of zeros must not be divided by its length.",
        "Clip, add up, add sigma * clip * draw once, and divide the whole by the number of rows.",
    ),
    cases=lambda rng: [
        (np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0, 0.0, np.zeros(2)),
        (rng.normal(size=(5, 3)), 0.5, 2.0, rng.normal(size=3)),
        (np.vstack([np.zeros(4), rng.normal(size=(2, 4))]), 2.0, 0.7, rng.normal(size=4)),
        (rng.normal(size=(1, 2)), 3.0, 1.0, rng.normal(size=2)),
    ],
    expected=privately,
    mistakes=(
        Mistake(
            name="unclipped",
            value=lambda case: privately(case, "unclipped"),
            says="nothing is clipped: one example could move the sum as far as it likes",
        ),
        Mistake(
            name="mean-clip",
            value=lambda case: privately(case, "mean-clip"),
            says="the mean is clipped: it has to be each example's gradient, before they are added",
        ),
        Mistake(
            name="entries",
            value=lambda case: privately(case, "entries"),
            says="single entries are clipped: it is the length of each row that is limited",
        ),
        Mistake(
            name="normalised",
            value=lambda case: privately(case, "normalised"),
            says="short gradients are stretched to the length clip: they stay as they are",
        ),
        Mistake(
            name="noise-on-mean",
            value=lambda case: privately(case, "noise-on-mean"),
            says="the noise is added to the mean: it belongs to the sum, and is divided with it",
        ),
        Mistake(
            name="noise-without-clip",
            value=lambda case: privately(case, "noise-without-clip"),
            says="the noise does not scale with clip: what one example can change is clip",
        ),
    ),
)

# --- The bandit ------------------------------------------------------------------------------------------


def tried_step(answer, case):
    result = answer(*case)
    if result is case[0]:
        raise NotPlain("theta itself: return a new array, also where nothing changes")
    return typed(result, "the result")


def stepped(case, rule="right"):
    theta, action, reward, baseline, lr = case
    z = np.exp(theta - theta.max())
    p = z / z.sum()
    hot = (np.arange(len(theta)) == action) * 1.0
    gain = reward if rule == "no-baseline" else reward - baseline
    direction = {"one-hot": hot, "descent": p - hot, "value": p[action] * (hot - p)}.get(rule, hot - p)
    return theta + lr * gain * direction, "float64"


bandit_step = Exercise(
    name="bandit_step",
    difficulty=2,
    minutes=12,
    read="Learning from a reward",
    call=tried_step,
    hints=(
        "First the softmax of theta, with its maximum taken away.",
        "The gradient of log π(action) is the one-hot vector of the action minus π.",
        "theta + lr * (reward - baseline) * (one_hot - p), as a new array.",
    ),
    cases=lambda rng: [
        (np.zeros(2), 0, 1.0, 0.0, 0.5),
        (rng.normal(size=5), 3, 0.2, 0.6, 0.1),
        (np.array([1000.0, 999.0, 0.0]), 1, 2.0, -1.0, 1.0),
        (rng.normal(size=4), 0, 1.0, 1.0, 0.1),
    ],
    expected=stepped,
    mistakes=(
        Mistake(
            name="descent",
            value=lambda case: stepped(case, "descent"),
            says="the step goes down: a reward above the baseline should make the action likelier",
        ),
        Mistake(
            name="no-baseline",
            value=lambda case: stepped(case, "no-baseline"),
            says="the baseline is missing: the factor is reward - baseline",
        ),
        Mistake(
            name="one-hot",
            value=lambda case: stepped(case, "one-hot"),
            says="only the chosen action moves: log π also contains the normalisation, hence - π",
        ),
        Mistake(
            name="value",
            value=lambda case: stepped(case, "value"),
            says="this is the gradient of π, not of log π: the factor π(action) does not belong here",
        ),
    ),
)

# --- In Rust ---------------------------------------------------------------------------------------------


def bits_of(case, rule="even"):
    """The bfloat16 of the float32 with the given bits."""
    (bits,) = case
    if bits & 0x7FFFFFFF > 0x7F800000 and rule != "no-nan":
        return 0x7FC0
    if rule == "truncate":
        return bits >> 16
    if rule == "up":
        return (bits + 0x8000) >> 16 & 0xFFFF
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF


def bits_in_words(case):
    number = np.uint32(case[0]).view(np.float32)
    return f"bf16({number}), whose bits are 0x{case[0]:08X}; expected in hexadecimal: 0x{bits_of(case):04X}"


def bf16_main(cases):
    calls = ", ".join(f"bf16(f32::from_bits({bits:#010x}))" for (bits,) in cases)
    return f'fn main() {{\n    println!("{{:?}}", [{calls}]);\n}}\n'


NUMBERS = (
    0x3F800000,  # 1
    0x3F808000,  # halfway, even below: rounds down
    0x3F818000,  # halfway, odd below: rounds up
    0xC02DF854,  # -e
    0x3DCCCCCD,  # 0.1
    0x7FC00000,  # NaN
    0x7F800001,  # a NaN whose payload lies in the lower half
    0xFFC00000,  # a NaN with a sign
    0x7F800000,  # infinity
    0xFF800000,  # and minus infinity
    0x80000000,  # -0
    0x7F7F7FFF,  # rounds down to the largest finite number
    0x7F7FFFFF,  # the largest float32: rounds up to infinity
    0x00000001,  # the smallest float32: rounds to 0
)

rust_bf16 = Exercise(
    name="rust_bf16",
    difficulty=2,
    minutes=20,
    read="Half the bits",
    language="rust",
    program=bf16_main,
    hints=(
        "x.to_bits() is a u32 whose upper half is the bfloat16, before rounding.",
        "Add 0x7FFF and shift right by 16: everything above the halfway point carries into the upper half.",
        "Add one more if the lowest bit of the upper half is set: then ties go to the even neighbour.",
    ),
    describe=bits_in_words,
    cases=lambda rng: [(bits,) for bits in (*NUMBERS, int(np.float32(rng.normal()).view(np.uint32)))],
    expected=bits_of,
    mistakes=(
        Mistake(
            name="truncate",
            value=lambda case: bits_of(case, "truncate"),
            says="the lower bits are cut off: round to the nearest",
        ),
        Mistake(
            name="ties-up",
            value=lambda case: bits_of(case, "up"),
            says="numbers halfway between two are always rounded away from zero: ties go to the even one",
        ),
        Mistake(
            name="no-nan",
            value=lambda case: bits_of(case, "no-nan"),
            says="a NaN loses its payload and becomes infinite, or keeps its sign: every NaN is 0x7FC0",
        ),
    ),
)


def rust_rows(rows):
    return "&[" + ", ".join(f"({x!r}, {t!r})" for x, t in rows) + "]"


def slope_main(cases):
    calls = ", ".join(f"slope({w!r}, {rust_rows(rows)}, {workers})" for w, rows, workers in cases)
    return f'fn main() {{\n    let found: Vec<f64> = vec![{calls}];\n    println!("{{found:?}}");\n}}\n'


def slope_of(case, rule="right"):
    w, rows, workers = case
    size = -(-len(rows) // workers)
    shards = [rows[k : k + size] for k in range(0, len(rows), size)]
    parts = [sum(2 * (w * x - t) * x for x, t in shard) for shard in shards]
    if rule == "plain":
        return sum(p / len(s) for p, s in zip(parts, shards)) / len(shards)
    if rule == "sum":
        return sum(parts)
    if rule == "all-workers":
        return sum(p / len(s) for p, s in zip(parts, shards)) / workers
    if rule == "drop":
        kept = rows[: len(rows) // workers * workers]
        return sum(2 * (w * x - t) * x for x, t in kept) / len(rows)
    return sum(parts) / len(rows) / (2 if rule == "half" else 1)


rust_slope = Exercise(
    name="rust_slope",
    difficulty=2,
    minutes=20,
    read="Two threads, then two processes",
    language="rust",
    program=slope_main,
    hints=(
        "rows.chunks(size) with size = rows.len().div_ceil(workers) gives at most `workers` shards.",
        "Let each thread return the sum over its shard; thread::scope lets it borrow rows.",
        "Join all handles, add the sums and divide once by rows.len() as f64.",
    ),
    cases=lambda rng: [
        (1.0, [(1.0, 0.0), (2.0, 1.0)], 2),
        (0.5, [(1.0, 2.0), (-3.0, 1.0), (0.5, 0.25)], 2),
        (-1.0, [(2.0, 1.0)], 4),
        (0.25, [(float(x), float(t)) for x, t in rng.integers(-4, 5, (7, 2))], 3),
    ],
    expected=slope_of,
    mistakes=(
        Mistake(
            name="plain",
            value=lambda case: slope_of(case, "plain"),
            says="the mean of the shards' means: a smaller last shard counts too much",
        ),
        Mistake(
            name="sum",
            value=lambda case: slope_of(case, "sum"),
            says="the sum is not divided by the number of rows",
        ),
        Mistake(
            name="drop",
            value=lambda case: slope_of(case, "drop"),
            says="rows that do not fill a shard are left out",
        ),
        Mistake(
            name="half",
            value=lambda case: slope_of(case, "half"),
            says="the factor 2 of the square's derivative is missing",
        ),
    ),
)

# --- Self-checks -----------------------------------------------------------------------------------------

scale_tools = Match(
    name="scale_tools",
    difficulty=1,
    minutes=3,
    read="A thread that does not come back",
    question="Which tool answers which question first?",
    pairs=(
        ("How often was each function called?", "cProfile", "It is told of every call and adds up times."),
        ("Where is a running process, now?", "py-spy", "It reads the stacks from outside, at any time."),
        ("Which line holds the memory?", "tracemalloc", "It notes for every block the line that asked."),
        ("Who called the function that panicked?", "gdb", "A back-trace lists the open calls."),
        ("Which block was never freed?", "valgrind", "It follows every block to the end of the program."),
    ),
)

ddp_order = Order(
    name="ddp_order",
    difficulty=1,
    minutes=3,
    read="Many processes, one gradient",
    question="One step of data-parallel training, in order:",
    steps=(
        ("every worker takes its shard of the batch", "Without rows there is no loss."),
        ("forward on its own copy of the weights", "The copies are equal at this moment."),
        ("backward: a gradient of its shard", "The local gradients differ."),
        ("all-reduce: every worker holds the mean", "This is the only exchange of the step."),
        ("every optimiser takes the same step", "Equal gradients and equal states keep the copies equal."),
    ),
)

epsilon_means = Choice(
    name="epsilon_means",
    difficulty=2,
    minutes=4,
    read="Clipped and noisy",
    question="A model was trained with (ε, δ) = (5, 10⁻⁵), each example counting as one person. "
    "Which statements follow? Tick all.",
    options=(
        Option(
            text="Apart from δ, an outcome is at most e⁵ times as likely with a person's example as without.",
            says="Right. That is the definition, and e⁵ is about 148.",
            right=True,
        ),
        Option(
            text="The guarantee holds whatever else an attacker knows about the others.",
            says="Right. It compares two neighbouring data sets and assumes nothing of the attacker.",
            right=True,
        ),
        Option(
            text="At most 5 % of the examples can be reconstructed.",
            says="ε is no percentage and does not count reconstructed examples.",
        ),
        Option(
            text="Nothing that is true of the whole group can be learned from the model.",
            says="It can: what holds with and without any one person is what the model is for.",
        ),
        Option(
            text="A person with forty examples in the data is protected to the same ε.",
            says="No: the bound is for one example; for a group of k the exponent grows up to k-fold.",
        ),
    ),
)

ENTRIES = (
    self_times,
    scale_tools,
    repair_net,
    diagnose,
    rust_slope,
    ddp_order,
    ddp_factors,
    ring_schedule,
    best_workers,
    accumulate,
    rust_bf16,
    federated_average,
    private_gradient,
    epsilon_means,
    bandit_step,
)
