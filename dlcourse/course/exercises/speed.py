"""Exercises of 05_speed: what is asked, which mistakes are known, and what to say about them."""

import math
import statistics

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option, Order, Predict


def listed(calls, before=""):
    """A `main` that prints one JSON list; each call is a Rust expression for a text of JSON."""
    lines = "".join(f"        {call},\n" for call in calls)
    return before + 'fn main() {\n    println!("[{}]", [\n' + lines + '    ].join(", "));\n}\n'


def pair_of(values, names):
    """The answer's values, if they are as many as the names."""
    if not isinstance(values, tuple | list) or len(values) != len(names):
        raise NotPlain(f"{type(values).__name__}, not the {len(names)} values {', '.join(names)}")
    return values


# --- overflow --------------------------------------------------------------------------------------------


def wrap(number):
    return (number + 2**31) % 2**32 - 2**31


def saturated(numbers):
    total = 0
    for x in numbers:
        total = min(max(total + x, -(2**31)), 2**31 - 1)
    return total


def checked(numbers):
    total = 0
    for x in numbers:
        total += x
        if total != wrap(total):
            return None
    return total


def restarted(numbers):
    """What is left if a sum that does not fit begins again at 0; None if the last one does not fit."""
    total = 0
    for x in numbers:
        total = (total or 0) + x
        total = total if total == wrap(total) else None
    return total


def until_overflow(numbers):
    total = 0
    for x in numbers:
        total += x
        if total != wrap(total):
            break
    return wrap(total)


checked_total = Exercise(
    name="checked_total",
    difficulty=2,
    minutes=10,
    read="What is the right answer?",
    language="rust",
    program=lambda cases: listed(
        [f"shown(totals(&[{', '.join(map(str, case[0]))}]))" for case in cases],
        before="fn shown(pair: (Option<i32>, i32)) -> String {\n"
        '    let checked = pair.0.map_or("null".to_string(), |n| n.to_string());\n'
        '    format!("[{checked}, {}]", pair.1)\n}\n\n',
    ),
    hints=(
        "Two accumulators: one is an Option<i32>, the other an i32.",
        "`sum.and_then(|s| s.checked_add(x))` stays None once it is None; so does `try_fold`.",
        "fold(0, |s: i32, &x| s.wrapping_add(x)) and try_fold(0, |s: i32, &x| s.checked_add(x)).",
    ),
    cases=lambda rng: [
        ([],),
        (rng.integers(1, 1000, 5).tolist(),),
        ([2**31 - 1, 1],),
        ([-(2**31), -1],),
        ([2_000_000_000, 2_000_000_000, -2_000_000_000],),
        ([2_000_000_000, -2_000_000_000, 2_000_000_000],),
    ],
    expected=lambda case: [checked(case[0]), wrap(sum(case[0]))],
    mistakes=(
        Mistake(
            name="only-the-end",
            value=lambda case: [
                sum(case[0]) if sum(case[0]) == wrap(sum(case[0])) else None,
                wrap(sum(case[0])),
            ],
            says="you checked the final sum only: a sum on the way that does not fit makes the total None",
        ),
        Mistake(
            name="saturating",
            value=lambda case: [checked(case[0]), saturated(case[0])],
            says="the second total stops at the largest number: wrapping_add continues modulo 2^32",
        ),
        Mistake(
            name="never-none",
            value=lambda case: [wrap(sum(case[0]))] * 2,
            says="the first total wraps as well: checked_add says None where the sum does not fit",
        ),
        Mistake(
            name="zero-for-none",
            value=lambda case: [checked(case[0]) or 0, wrap(sum(case[0]))],
            says="an overflow became the number 0: return None, so that nobody mistakes it for a total",
        ),
        Mistake(
            name="both-none",
            value=lambda case: [checked(case[0]), checked(case[0])],
            says="the second total must be a number in every case",
        ),
        Mistake(
            name="restarted",
            value=lambda case: [restarted(case[0]), wrap(sum(case[0]))],
            says="after an overflow the first total began again at 0: once None, it stays None",
        ),
        Mistake(
            name="stopped",
            value=lambda case: [checked(case[0]), until_overflow(case[0])],
            says="the second total stops at the first overflow: it goes on to the last number",
        ),
    ),
)

# --- the best of k ---------------------------------------------------------------------------------------


class Bench:
    """A function whose k-th call takes a given time on a clock that only it can move, and its result."""

    def __init__(self, durations, results):
        self.durations, self.results, self.calls, self.now = durations, results, 0, 1000.0

    def work(self):
        k = min(self.calls, len(self.durations) - 1)
        self.now += self.durations[k]
        self.calls += 1
        return self.results[k]

    def clock(self):
        return self.now


def best_of_answer(answer, case):
    durations, results = case
    bench = Bench(durations, results)
    time, kept = pair_of(answer(bench.work, len(durations), bench.clock), ("time", "result"))
    return [time, kept, bench.calls]


def timed(case, **changed):
    durations, results = case
    values = {"time": min(durations), "result": results[-1], "calls": len(durations)} | changed
    return list(values.values())


best_of = Exercise(
    name="best_of",
    difficulty=1,
    minutes=8,
    source="B4.1",
    read="Best of k",
    hints=(
        "Inside a loop over range(k): read the clock, call f, read the clock again.",
        "Keep the smallest difference so far, starting with float('inf'), and the result of the call.",
        "start = clock(); result = f(); best = min(best, clock() - start). After the loop return both.",
    ),
    cases=lambda rng: [
        ([2.0, 0.5, 1.0], rng.permutation(90)[:3].tolist()),
        ([0.25], [333_332_833_333_500_000]),
        ([0.5, 4.0, 2.0, 1.0], [5_000_000_050_000_000] * 4),
        ([8.0, 4.0, 2.0, 1.0, 0.5], [5, 4, 3, 2, -1]),
    ],
    expected=lambda case: timed(case),
    call=best_of_answer,
    describe=lambda case: (
        f"calls that take {', '.join(map(str, case[0]))} s and return {', '.join(map(str, case[1]))}: "
        "[time, result, calls]"
    ),
    mistakes=(
        Mistake(
            name="mean",
            value=lambda case: timed(case, time=statistics.fmean(case[0])),
            says="this is the mean: disturbances only add, so the shortest run is the one to report",
        ),
        Mistake(
            name="median",
            value=lambda case: timed(case, time=statistics.median(case[0])),
            says="this is the median: disturbances only add, so the shortest run is the one to report",
        ),
        Mistake(
            name="total",
            value=lambda case: timed(case, time=sum(case[0])),
            says="this is the time of all calls together: read the clock before and after each of them",
        ),
        Mistake(
            name="one-start",
            value=lambda case: timed(case, time=case[0][0]),
            says="this is the time of the first call: read the clock anew before every call, "
            "and keep the smallest difference",
        ),
        Mistake(
            name="last",
            value=lambda case: timed(case, time=case[0][-1]),
            says="this is the time of the last call: keep the smallest one",
        ),
        Mistake(
            name="longest",
            value=lambda case: timed(case, time=max(case[0])),
            says="this is the longest run: take the shortest",
        ),
        Mistake(
            name="swapped",
            value=lambda case: [case[1][-1], min(case[0]), len(case[0])],
            says="the time comes first, then the result",
        ),
        Mistake(
            name="result-lost",
            value=lambda case: timed(case, result=None),
            says="the result is lost: a result that nobody keeps is one that a compiler may skip",
        ),
        Mistake(
            name="result-of-the-shortest",
            value=lambda case: timed(case, result=case[1][case[0].index(min(case[0]))]),
            says="this is the result of the shortest run: return that of the last call",
        ),
        Mistake(
            name="result-of-the-first",
            value=lambda case: timed(case, result=case[1][0]),
            says="this is the result of the first call: return that of the last one",
        ),
        Mistake(
            name="one-call-more",
            value=lambda case: timed(case, time=min((case[0] + case[0][-1:])[1:]), calls=len(case[0]) + 1),
            says="you called f once more than k times: the first call counts here like the others, "
            "and the result comes from a call that was timed",
        ),
        Mistake(
            name="once",
            value=lambda case: [case[0][0], case[1][0], 1],
            says="you called f once: repeat it k times",
        ),
    ),
)

# --- Amdahl ----------------------------------------------------------------------------------------------

amdahl = Exercise(
    name="amdahl",
    difficulty=1,
    minutes=4,
    read="Amdahl's law",
    hints=(
        "Take the serial time as 1. How long does the part take that cannot be shared out?",
        "The time on n cores is (1 - p) + p / n; the speed-up is a quotient of two times.",
        "1 / ((1 - p) + p / n)",
    ),
    cases=lambda rng: [
        (0.5, 2),
        (1.0, 4),
        (0.0, 16),
        (0.9, 8),
        (float(rng.uniform(0.1, 0.9)), int(rng.integers(3, 50))),
    ],
    expected=lambda case: 1 / ((1 - case[0]) + case[0] / case[1]),
    mistakes=(
        Mistake(
            name="time",
            value=lambda case: (1 - case[0]) + case[0] / case[1],
            says="this is the time on n cores: the speed-up is the serial time, 1, divided by it",
        ),
        Mistake(
            name="swapped",
            value=lambda case: 1 / (case[0] + (1 - case[0]) / case[1]),
            says="you shared out the serial part: p is the fraction that is parallel",
        ),
        Mistake(
            name="gustafson",
            value=lambda case: (1 - case[0]) + case[0] * case[1],
            says="the problem does not grow with the cores here: divide the parallel time by n",
        ),
        Mistake(
            name="proportional",
            value=lambda case: case[0] * case[1],
            says="the serial part has vanished: its time 1 - p stays, whatever n is",
        ),
    ),
)


def report(serial, parallel, n, **changed):
    speedup = serial / parallel
    values = {"s": speedup, "e": speedup / n, "p": (1 - 1 / speedup) / (1 - 1 / n)} | changed
    return [values["s"], values["e"], values["p"]]


parallel_report = Exercise(
    name="parallel_report",
    difficulty=2,
    minutes=8,
    read="Amdahl's law",
    hints=(
        "The speed-up says how many times the parallel time fits into the serial one.",
        "Efficiency: how much of n times as fast has been reached.",
        "p = (1 - 1 / speedup) / (1 - 1 / n), the law solved for p.",
    ),
    cases=lambda rng: [
        (1.0, 0.5, 4),
        (3.0, 0.75, 4),
        (1.0, 2.0, 8),  # the threads did harm
        (float(rng.uniform(2, 5)), float(rng.uniform(0.6, 1.8)), int(rng.integers(2, 9))),
    ],
    expected=lambda case: report(*case),
    call=lambda answer, case: list(pair_of(answer(*case), ("speed-up", "efficiency", "fraction"))),
    mistakes=(
        Mistake(
            name="inverse",
            value=lambda case: report(case[1], case[0], case[2]),
            says="the speed-up is upside down: serial time over parallel time",
        ),
        Mistake(
            name="efficiency-not-divided",
            value=lambda case: report(*case, e=case[0] / case[1]),
            says="the efficiency is the speed-up divided by the number of cores",
        ),
        Mistake(
            name="serial-fraction",
            value=lambda case: report(*case, p=1 - report(*case)[2]),
            says="the third value is the serial fraction: the parallel one is asked for, 1 minus it",
        ),
        Mistake(
            name="order",
            value=lambda case: [report(*case)[k] for k in (0, 2, 1)],
            says="the order is speed-up, efficiency, parallel fraction",
        ),
        Mistake(
            name="clipped",
            value=lambda case: report(*case, p=min(max(report(*case)[2], 0.0), 1.0)),
            says="you clipped the fraction: a value below 0 tells that the threads did harm",
        ),
        Mistake(
            name="efficiency-as-fraction",
            value=lambda case: report(*case, p=report(*case)[1]),
            says="the third value is the efficiency again: solve Amdahl's law for p",
        ),
        Mistake(
            name="without-n",
            value=lambda case: report(*case, p=1 - case[1] / case[0]),
            says="1 - 1/S is the fraction for infinitely many cores: divide by 1 - 1/n",
        ),
    ),
)

# --- threads ---------------------------------------------------------------------------------------------

WATCHED = """
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn watched(count: u64, workers: usize) -> String {
    let numbers: Vec<u64> = (1..=count).collect();
    let (seen, lengths) = (Mutex::new(HashSet::new()), Mutex::new(Vec::new()));
    let (started, alone) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let parts = (count as usize).div_ceil((count as usize).div_ceil(workers));
    let main = std::thread::current().id();
    let total = parallel_sum(&numbers, workers, &|part: &[u64]| {
        let me = std::thread::current().id();
        if me != main {
            seen.lock().unwrap().insert(me);
        }
        lengths.lock().unwrap().push(part.len());
        started.fetch_add(1, Ordering::SeqCst);
        let begin = Instant::now();
        while started.load(Ordering::SeqCst) < parts {
            if begin.elapsed() > Duration::from_secs(2) {
                alone.fetch_add(1, Ordering::SeqCst);
                break;
            }
            std::thread::yield_now();
        }
        part.iter().map(|x| x * x).sum()
    });
    let mut lengths = lengths.into_inner().unwrap();
    lengths.sort();
    lengths.reverse();
    let together = alone.load(Ordering::SeqCst) == 0;
    format!("[{total}, {}, {lengths:?}, {together}]", seen.lock().unwrap().len())
}

"""


def squares(count):
    return sum(x * x for x in range(1, count + 1))


def even_parts(count, workers):
    """The lengths of parts that begin at i * count // workers, the longest first."""
    starts = [i * count // workers for i in range(workers + 1)]
    return sorted((stop - start for start, stop in zip(starts, starts[1:])), reverse=True)


def without_rest(case):
    """Full parts only: what `chunks_exact` leaves, waiting in vain for the last part."""
    count, workers = case
    lengths = [n for n in parts(*case) if n == math.ceil(count / workers)]
    together = len(lengths) == len(parts(*case))
    return threaded(case, lengths=lengths, total=squares(sum(lengths)), together=together)


def parts(count, workers):
    size = math.ceil(count / workers)
    return [min(size, count - start) for start in range(0, count, size)]


def threaded(case, **changed):
    count, workers = case
    lengths = changed.get("lengths", parts(count, workers))
    total = changed.get("total", squares(count))
    return [total, changed.get("threads", len(lengths)), lengths, changed.get("together", True)]


scoped_sum = Exercise(
    name="scoped_sum",
    difficulty=3,
    minutes=15,
    read="What rayon hides",
    language="rust",
    seconds=30,
    program=lambda cases: listed([f"watched({n}, {w})" for n, w in cases], before=WATCHED),
    describe=lambda case: (
        f"the numbers 1 to {case[0]}, {case[1]} workers, `sum` adds the squares: "
        "[total, threads, lengths of the parts, all at the same time]"
    ),
    hints=(
        "`thread::scope(|scope| ...)` is the frame; `numbers.chunks(size)` are the parts.",
        "Start all threads first, keeping their handles in a Vec; only then join them.",
        "chunks(size).map(|part| scope.spawn(move || sum(part))).collect::<Vec<_>>(), then join and sum.",
    ),
    cases=lambda rng: [(1, 1), (3 * int(rng.integers(2, 30)) + 1, 3), (3, 3), (9, 2), (5, 4)],
    expected=threaded,
    mistakes=(
        Mistake(
            name="no-threads",
            value=lambda case: threaded(case, threads=0, together=len(parts(*case)) == 1),
            says="the parts were added in the main thread: let scope.spawn start a thread for each",
        ),
        Mistake(
            name="whole",
            value=lambda case: threaded(case, threads=0, lengths=[case[0]], together=len(parts(*case)) == 1),
            says="there is one part only: cut the numbers with chunks(size)",
        ),
        Mistake(
            name="joined-at-once",
            value=lambda case: threaded(case, together=len(parts(*case)) == 1),
            says="the threads ran one after the other: collect all handles in a Vec before the first join",
        ),
        Mistake(
            name="rest-dropped",
            value=without_rest,
            says="the numbers that are left over at the end were dropped: chunks, not chunks_exact",
        ),
        Mistake(
            name="main-helps",
            value=lambda case: threaded(case, threads=len(parts(*case)) - 1),
            says="one part was added in the main thread: every part gets a thread of its own",
        ),
        Mistake(
            name="even",
            value=lambda case: threaded(case, lengths=even_parts(*case)),
            says="the parts were cut at i * len / workers: all but the last have len.div_ceil(workers) items",
        ),
        Mistake(
            name="size-rounded-down",
            value=lambda case: threaded(
                case,
                lengths=[min(case[0] // case[1], case[0] - s) for s in range(0, case[0], case[0] // case[1])],
            ),
            says="the size of a part was rounded down, which makes one part too many: use div_ceil",
        ),
    ),
)

# --- chunks ----------------------------------------------------------------------------------------------


def cut(n, size):
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def merged(n, size):
    pieces = cut(n, size)
    return [*pieces[:-2], (pieces[-2][0], n)] if n % size and len(pieces) > 1 else cut(n - n % size, size)


def spread(n, size):
    lengths = [len(piece) for piece in np.array_split(np.arange(n), max(1, math.ceil(n / size)))]
    stops = np.cumsum(lengths).tolist()
    return [(stop - length, stop) for stop, length in zip(stops, lengths) if length]


chunks = Exercise(
    name="chunks",
    difficulty=1,
    minutes=6,
    read="How large a piece?",
    hints=(
        "The starts are 0, size, 2·size, …: range with a step.",
        "A piece ends at start + size, unless that lies beyond n.",
        "[(start, min(start + size, n)) for start in range(0, n, size)]",
    ),
    cases=lambda rng: [
        (10, 3),
        (9, 3),
        (0, 5),
        (4, 10),
        (int(rng.integers(20, 60)), int(rng.integers(3, 8))),
    ],
    expected=lambda case: cut(*case),
    mistakes=(
        Mistake(
            name="rest-dropped",
            value=lambda case: [(s, t) for s, t in cut(*case) if t - s == case[1]],
            says="the last, shorter piece is missing: every number must be in a piece",
        ),
        Mistake(
            name="overshoots",
            value=lambda case: [(s, s + case[1]) for s, _ in cut(*case)],
            says="the last piece ends beyond n: take the smaller of start + size and n",
        ),
        Mistake(
            name="inclusive",
            value=lambda case: [(s, t - 1) for s, t in cut(*case)],
            says="stop is not included, as in range: your pieces leave out their last numbers",
        ),
        Mistake(
            name="empty-piece",
            value=lambda case: [(s, min(s + case[1], case[0])) for s in range(0, case[0] + 1, case[1])],
            says="there is an empty piece at the end where size divides n: the starts lie below n",
        ),
        Mistake(
            name="lengths",
            value=lambda case: [(s, t - s) for s, t in cut(*case)],
            says="the second number is the length of the piece: it should be its stop",
        ),
        Mistake(
            name="last-merged",
            value=lambda case: merged(*case),
            says="the rest was added to the last full piece: it is a shorter piece of its own",
        ),
        Mistake(
            name="even",
            value=lambda case: spread(*case),
            says="the pieces were made as equal as possible: all but the last have `size` numbers",
        ),
        Mistake(
            name="number-of-pieces",
            value=lambda case: cut(case[0], max(1, math.ceil(case[0] / case[1]))),
            says="you made `size` pieces: size is the length of a piece",
        ),
    ),
)

# --- lanes -----------------------------------------------------------------------------------------------

BIG = 2.0**27  # adding 1 to it in f32 changes nothing


def in_lanes(x, y, lanes=16, rest=True, lane0=False, rest_in_lanes=False):
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    full = len(x) if rest_in_lanes else len(x) // lanes * lanes
    sums = np.zeros(lanes, np.float32)
    for i in range(full):
        sums[i % lanes] += x[i] * y[i]
    total = np.float32(0)
    for value in sums[:1] if lane0 else sums:
        total += value
    for i in range(full, len(x) if rest else full):
        total += x[i] * y[i]
    return float(total)


def segments(x, y):
    """Sixteen accumulators for sixteen stretches, one after the other."""
    if len(x) % 16:
        return in_lanes(x, y)
    order = np.arange(len(x)).reshape(16, -1).T.ravel()
    return in_lanes(np.asarray(x)[order], np.asarray(y)[order])


def lane_cases(rng):
    ones = [1.0] * 255
    cancel = [1.0] * 64
    cancel[0], cancel[16] = BIG, -BIG
    small = [float(v) for v in rng.integers(1, 9, 19)]
    return [
        ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]),
        (small, [1.0, 2.0] * 9 + [3.0]),
        ([BIG, *ones], [1.0] * 256),
        (cancel, [1.0] * 64),
        ([BIG, -BIG, *[0.0] * 14, 3.0], [1.0] * 17),
    ]


def floats(values):
    return ", ".join(f"{v!r}" for v in values)


lane_sum = Exercise(
    name="lane_sum",
    difficulty=2,
    minutes=12,
    read="What the compiler may, and what it may not",
    language="rust",
    program=lambda cases: listed(
        [f'format!("{{:?}}", f64::from(dot(&[{floats(x)}], &[{floats(y)}])))' for x, y in cases]
    ),
    rtol=1e-9,  # the results are exact, and f64 prints all their digits
    describe=lambda case: f"{len(case[0])} products, the first ones {[a * b for a, b in zip(*case)][:3]}",
    hints=(
        "`let mut lanes = [0.0_f32; 16];` and the product number i goes into lane i % 16.",
        "The last full group ends at x.len() / 16 * 16; what follows is added to the total directly.",
        "Loop over 0..full for the lanes, let total be the sum of the lanes, loop over full..x.len().",
    ),
    cases=lane_cases,
    expected=lambda case: in_lanes(*case),
    mistakes=(
        Mistake(
            name="one-sum",
            value=lambda case: in_lanes(*case, lanes=1),
            says="this is the plain sum, one addition after the other: there must be 16 accumulators",
        ),
        Mistake(
            name="eight",
            value=lambda case: in_lanes(*case, lanes=8),
            says="there are 8 accumulators: make it 16",
        ),
        Mistake(
            name="rest-dropped",
            value=lambda case: in_lanes(*case, rest=False),
            says="the products after the last full group of 16 are missing",
        ),
        Mistake(
            name="rest-in-lanes",
            value=lambda case: in_lanes(*case, rest_in_lanes=True),
            says="the products after the last full group went into the accumulators: add them to the total",
        ),
        Mistake(
            name="segments",
            value=lambda case: segments(*case),
            says="each accumulator takes a stretch of neighbours: number l should take l, l + 16, l + 32, …",
        ),
        Mistake(
            name="double",
            value=lambda case: float(np.float32(np.dot(case[0], case[1]))),
            says="this was added up in f64: the accumulators are f32",
        ),
        Mistake(
            name="first-lane",
            value=lambda case: in_lanes(*case, lane0=True),
            says="only the first accumulator is in the result: add up all 16",
        ),
    ),
)

# --- matrix products -------------------------------------------------------------------------------------


def cost(m, k, n, itemsize, operations=None, moved=None):
    operations = 2 * m * k * n if operations is None else operations
    moved = itemsize * (m * k + k * n + m * n) if moved is None else moved
    return [operations, operations / moved]


matmul_cost = Exercise(
    name="matmul_cost",
    difficulty=1,
    minutes=6,
    read="Six loops, and one library",
    hints=(
        "How many elements has the result, and how many terms are added up for each?",
        "Each term is a multiplication and an addition. The bytes: itemsize times the elements of all three.",
        "2·m·k·n operations, over itemsize·(m·k + k·n + m·n) bytes.",
    ),
    cases=lambda rng: [
        (2, 3, 4, 8),
        (100, 100, 100, 4),
        tuple(int(v) for v in rng.integers(2, 40, 3)) + (8,),
    ],
    expected=lambda case: cost(*case),
    call=lambda answer, case: list(pair_of(answer(*case), ("operations", "intensity"))),
    mistakes=(
        Mistake(
            name="no-additions",
            value=lambda case: cost(*case, operations=math.prod(case[:3])),
            says="you counted the multiplications only: every term is added as well",
        ),
        Mistake(
            name="one-addition-less",
            value=lambda case: cost(*case, operations=case[0] * case[2] * (2 * case[1] - 1)),
            says="the sums start at zero, so there are as many additions as multiplications",
        ),
        Mistake(
            name="without-result",
            value=lambda case: cost(*case, moved=case[3] * (case[0] * case[1] + case[1] * case[2])),
            says="the result is moved too: its m·n elements belong to the bytes",
        ),
        Mistake(
            name="numbers-not-bytes",
            value=lambda case: cost(*case[:3], 1),
            says="the intensity counts bytes: multiply the number of elements by itemsize",
        ),
        Mistake(
            name="bytes",
            value=lambda case: [
                cost(*case)[0],
                case[3] * (case[0] * case[1] + case[1] * case[2] + case[0] * case[2]),
            ],
            says="the second value is the number of bytes: divide the operations by it",
        ),
        Mistake(
            name="inverse",
            value=lambda case: [cost(*case)[0], 1 / cost(*case)[1]],
            says="the intensity is upside down: operations per byte",
        ),
    ),
)


def counted(answer, case):
    a, b, size = case
    calls = 0

    def multiply(x, y):
        nonlocal calls
        calls += 1
        if max(*x.shape, *y.shape) > size:
            raise ValueError(
                f"multiply is for blocks of at most {size} rows and columns, got {x.shape}, {y.shape}"
            )
        return x @ y

    return {"product": answer(a, b, size, multiply), "calls": calls}


def block_terms(a, b, size, terms):
    """Blocks of the product, each the sum of the given ones of its terms."""
    c = np.zeros((a.shape[0], b.shape[1]))
    calls = 0
    for i in range(0, a.shape[0], size):
        for j in range(0, b.shape[1], size):
            starts = range(0, a.shape[1], size)
            for k in terms(list(starts)):
                c[i : i + size, j : j + size] += a[i : i + size, k : k + size] @ b[k : k + size, j : j + size]
                calls += 1
    return {"product": c, "calls": calls}


def number_of_blocks(a, b, size):
    return math.prod(math.ceil(n / size) for n in (*a.shape, b.shape[1]))


def last_term(a, b, size):
    return block_terms(a, b, size, lambda starts: starts[-1:]) | {"calls": number_of_blocks(a, b, size)}


block_matmul = Exercise(
    name="block_matmul",
    difficulty=2,
    minutes=12,
    source="B4.2",
    read="A hundred by a hundred, in blocks",
    hints=(
        "Three loops over block corners: rows of a, columns of b, and the inner dimension between them.",
        "Slices may reach beyond the edge: `a[i:i + size, k:k + size]` is simply smaller there.",
        "c[i:i+size, j:j+size] += multiply(a[i:i+size, k:k+size], b[k:k+size, j:j+size]) for all i, j, k.",
    ),
    cases=lambda rng: [
        (rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), 2),
        (rng.normal(size=(100, 100)), rng.normal(size=(100, 100)), 50),
        (rng.normal(size=(5, 7)), rng.normal(size=(7, 4)), 3),
        (rng.normal(size=(2, 3)), rng.normal(size=(3, 2)), 10),
    ],
    expected=lambda case: {"product": case[0] @ case[1], "calls": number_of_blocks(*case)},
    call=counted,
    describe=lambda case: f"shapes {case[0].shape} and {case[1].shape}, blocks of {case[2]}",
    mistakes=(
        Mistake(
            name="four",
            value=lambda case: block_terms(*case, lambda starts: starts[:1]),
            says="each block of the result is a sum over k, and you took its first term only: "
            "four products are not enough",
        ),
        Mistake(
            name="overwritten",
            value=lambda case: last_term(*case),
            says="each term overwrites the one before: add the products up with +=",
        ),
        Mistake(
            name="not-counted",
            value=lambda case: {"product": case[0] @ case[1], "calls": 0},
            says="the product is right, but `multiply` was never called: use it for every pair of blocks",
        ),
        Mistake(
            name="twice",
            value=lambda case: {"product": 2 * (case[0] @ case[1]), "calls": 2 * number_of_blocks(*case)},
            says="every term is in the result twice",
        ),
        Mistake(
            name="edges",
            value=lambda case: edges_dropped(*case),
            says="the smaller blocks at the edges are missing: the loops must run up to the full shape",
        ),
    ),
)


def edges_dropped(a, b, size):
    m, k, n = (d // size * size for d in (*a.shape, b.shape[1]))
    c = np.zeros((a.shape[0], b.shape[1]))
    c[:m, :n] = a[:m, :k] @ b[:k, :n]
    return {"product": c, "calls": (m // size) * (k // size) * (n // size)}


COUNTED = """
fn counted(a: &[f64], b: &[f64], n: usize, size: usize) -> String {
    let calls = std::cell::Cell::new(0);
    let multiply = |x: &[f64], y: &[f64]| -> Vec<f64> {
        calls.set(calls.get() + 1);
        assert!(
            x.len() == size * size && y.len() == size * size,
            "multiply expects two blocks of size * size numbers"
        );
        let mut c = vec![0.0; size * size];
        for i in 0..size {
            for k in 0..size {
                for j in 0..size {
                    c[i * size + j] += x[i * size + k] * y[k * size + j];
                }
            }
        }
        c
    };
    let product = block_matmul(a, b, n, size, &multiply);
    format!("[{product:?}, {}]", calls.get())
}

"""


def rust_block_cases(rng):
    def matrix(n):
        return rng.integers(-4, 5, (n, n)).astype(float)

    return [(matrix(n), matrix(n), size) for n, size in ((2, 1), (4, 2), (6, 2), (3, 3))]


def rust_blocks(result):
    return [result["product"].ravel().tolist(), result["calls"]]


def run_of_numbers(a, b, size):
    """The product if a block is taken to be size * size neighbours of the stored numbers."""
    n, length, per_row = len(a), size * size, len(a) // size
    c = np.zeros(n * n)

    def block(m, row, column):
        return m.ravel()[(row * per_row + column) * length :][:length].reshape(size, size)

    for i in range(per_row):
        for j in range(per_row):
            total = sum(block(a, i, k) @ block(b, k, j) for k in range(per_row))
            c[(i * per_row + j) * length :][:length] = total.ravel()
    return {"product": c.reshape(n, n), "calls": number_of_blocks(a, b, size)}


rust_block_matmul = Exercise(
    name="rust_block_matmul",
    difficulty=3,
    minutes=20,
    source="B4.2",
    read="A hundred by a hundred, in blocks",
    language="rust",
    program=lambda cases: listed(
        [
            f"counted(&[{floats(a.ravel().tolist())}], &[{floats(b.ravel().tolist())}], {len(a)}, {size})"
            for a, b, size in cases
        ],
        before=COUNTED,
    ),
    describe=lambda case: f"n = {len(case[0])}, size = {case[2]}: [product, calls of multiply]",
    hints=(
        "A helper that copies the block with corner (row, column) into a Vec makes the rest short.",
        "Row r of that block starts at (row + r) * n + column and has `size` numbers.",
        "For all corners i, j, k: part = multiply(block(a, i, k), block(b, k, j)); "
        "add part[r * size + s] to c[(i + r) * n + j + s].",
    ),
    cases=rust_block_cases,
    expected=lambda case: rust_blocks({"product": case[0] @ case[1], "calls": number_of_blocks(*case)}),
    mistakes=(
        Mistake(
            name="four",
            value=lambda case: rust_blocks(block_terms(*case, lambda starts: starts[:1])),
            says="each block of the result is a sum over k, and you took its first term only",
        ),
        Mistake(
            name="overwritten",
            value=lambda case: rust_blocks(last_term(*case)),
            says="each term overwrites the one before: add the products up with +=",
        ),
        Mistake(
            name="order",
            value=lambda case: rust_blocks({"product": case[1] @ case[0], "calls": number_of_blocks(*case)}),
            says="this is B A: the first block comes from a at (i, k), the second from b at (k, j)",
        ),
        Mistake(
            name="transposed",
            value=lambda case: rust_blocks(
                {"product": (case[0] @ case[1]).T, "calls": number_of_blocks(*case)}
            ),
            says="the result is transposed: the element (i, j) lies at i * n + j",
        ),
        Mistake(
            name="run-of-numbers",
            value=lambda case: rust_blocks(run_of_numbers(*case)),
            says="a block is no run of size * size neighbours: its rows lie n numbers apart",
        ),
        Mistake(
            name="not-counted",
            value=lambda case: rust_blocks({"product": case[0] @ case[1], "calls": 0}),
            says="the product is right, but `multiply` was never called: use it for every pair of blocks",
        ),
    ),
)

# --- one pass --------------------------------------------------------------------------------------------


def moments(values, step="right", ddof=0):
    n, mean, m = 0, 0.0, 0.0
    for x in values:
        n += 1
        before = x - mean
        mean += before / n
        m += before * {"right": x - mean, "old": before}[step] if step != "new" else (x - mean) ** 2
    return mean, m / (n - ddof) if n > ddof else 0.0


def naive_variance(values):
    n = total = squares = 0.0
    for x in values:
        n, total, squares = n + 1, total + x, squares + x * x
    return squares / n - (total / n) ** 2


def rooted(mean, variance):
    return [mean, max(variance, 0.0) ** 0.5]


one_pass = Exercise(
    name="one_pass",
    difficulty=2,
    minutes=10,
    read="Mean and variance in one pass",
    rtol=1e-7,
    hints=(
        "Keep three numbers: the count, the mean so far, and the sum of squared deviations so far.",
        "Take the difference d = x - mean before you update the mean; afterwards x - mean is another number.",
        "n += 1; d = x - mean; mean += d / n; m += d * (x - mean). In the end (m / n) ** 0.5.",
    ),
    cases=lambda rng: [
        ([3.0],),
        ([1.0, 2.0, 4.0],),
        (rng.normal(5, 3, 20).tolist(),),
        ((1e9 + rng.uniform(0, 100, 50)).tolist(),),
    ],
    expected=lambda case: rooted(*moments(case[0])),
    call=lambda answer, case: list(pair_of(answer(iter(case[0])), ("mean", "standard deviation"))),
    mistakes=(
        Mistake(
            name="cancellation",
            value=lambda case: rooted(moments(case[0])[0], naive_variance(case[0])),
            says="mean of squares minus square of the mean loses all digits around 1e9: use Welford's update",
        ),
        Mistake(
            name="sample",
            value=lambda case: rooted(*moments(case[0], ddof=1)),
            says="you divided by n - 1: divide by n here",
        ),
        Mistake(
            name="variance",
            value=lambda case: list(moments(case[0])),
            says="this is the variance: the standard deviation is its square root",
        ),
        Mistake(
            name="old-twice",
            value=lambda case: rooted(*moments(case[0], step="old")),
            says="you squared the deviation from the old mean: multiply it by the one from the new mean",
        ),
        Mistake(
            name="new-twice",
            value=lambda case: rooted(*moments(case[0], step="new")),
            says="you squared the deviation from the new mean: one of the two factors is from the old one",
        ),
        Mistake(
            name="not-divided",
            value=lambda case: rooted(moments(case[0])[0], moments(case[0])[1] * len(case[0])),
            says="the sum of squared deviations has to be divided by n",
        ),
    ),
)

SCALED = """
fn scaled(values: &[f64], queries: &[f64]) -> String {
    let mut scaler = Scaler::default();
    for &x in values {
        scaler.push(x);
    }
    let shown = |z: f64| if z.is_finite() { format!("{z:?}") } else { "null".to_string() };
    let scores: Vec<String> = queries.iter().map(|&x| shown(scaler.z(x))).collect();
    format!("[{}]", scores.join(", "))
}

"""


def scores(case, mean=None, spread=None, when_flat=0.0, subtract=True):
    values, queries = case
    right_mean, variance = moments(values) if values else (0.0, 0.0)
    mean = right_mean if mean is None else mean
    spread = math.sqrt(variance) if spread is None else spread
    return [(x - mean * subtract) / spread if spread else when_flat for x in queries]


def spread_of(case, **options):
    return math.sqrt(moments(case[0], **options)[1]) if case[0] else 0.0


rust_scaler = Exercise(
    name="rust_scaler",
    difficulty=2,
    minutes=12,
    read="Mean and variance in one pass",
    language="rust",
    rtol=1e-6,
    program=lambda cases: listed(
        [f"scaled(&[{floats(values)}], &[{floats(queries)}])" for values, queries in cases], before=SCALED
    ),
    describe=lambda case: f"pushed {len(case[0])} values, the first {case[0][:3]}; z of {case[1]}",
    hints=(
        "The update is the same as in Python; `f64::from(self.n)` converts the count.",
        "In z: the standard deviation is the root of m / n. When is it zero?",
        "if self.m == 0.0 { return 0.0; } (x - self.mean) / (self.m / f64::from(self.n)).sqrt()",
    ),
    cases=lambda rng: [
        ([1.0, 2.0, 3.0, 4.0], [2.5, 4.0, 10.0]),
        ([], [3.0]),
        ([7.0, 7.0, 7.0], [7.0, 9.0]),
        ([round(float(v), 3) for v in rng.normal(10, 4, 12)], [0.0, 12.5]),
        ([1e9 + float(v) for v in range(20)], [1e9, 1e9 + 30]),
    ],
    expected=lambda case: scores(case),
    mistakes=(
        Mistake(
            name="not-a-number",
            value=lambda case: scores(case, when_flat=None),
            says="a standard deviation of zero gives 0/0 or infinity: return 0.0 in that case",
        ),
        Mistake(
            name="flat-not-guarded",
            value=lambda case: scores(case, when_flat=None if case[0] else 0.0),
            says="equal values have a standard deviation of zero, which gives 0/0 or infinity: return 0.0",
        ),
        Mistake(
            name="cancellation",
            value=lambda case: scores(
                case, spread=max(naive_variance(case[0]), 0.0) ** 0.5 if case[0] else 0.0
            ),
            says="mean of squares minus square of the mean loses all digits around 1e9: use Welford's update",
        ),
        Mistake(
            name="new-twice",
            value=lambda case: scores(case, spread=spread_of(case, step="new")),
            says="you squared the deviation from the new mean: one of the two factors is from the old one",
        ),
        Mistake(
            name="sample",
            value=lambda case: scores(case, spread=spread_of(case, ddof=1)),
            says="you divided by n - 1: divide by n here",
        ),
        Mistake(
            name="variance",
            value=lambda case: scores(case, spread=spread_of(case) ** 2),
            says="you divided by the variance: take its square root first",
        ),
        Mistake(
            name="mean-kept",
            value=lambda case: scores(case, subtract=False),
            says="the mean has not been subtracted",
        ),
        Mistake(
            name="old-twice",
            value=lambda case: scores(case, spread=spread_of(case, step="old")),
            says="you squared the deviation from the old mean: multiply it by the one from the new mean",
        ),
        Mistake(
            name="sum-not-divided",
            value=lambda case: scores(case, spread=spread_of(case) * math.sqrt(max(len(case[0]), 1))),
            says="m is a sum: divide it by n before you take the root",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

fair_order = Order(
    name="fair_order",
    difficulty=1,
    minutes=3,
    read="Best of k",
    question="Bring the steps of a fair comparison of two programs into order.",
    steps=(
        ("Write down the question, and compute the right answer by other means.", "Else nobody can check."),
        (
            "Let both programs print their results, and compare them with it.",
            "A fast wrong program is no competitor.",
        ),
        (
            "In the session that counts, run each once without counting: caches fill, a JIT compiles.",
            "The first run is special.",
        ),
        ("Measure both in turns, k times each.", "A busy moment should hit both."),
        ("Take the shortest run of each, and their ratio.", "Disturbances only add."),
        (
            "Measure again with twice the work, and look whether the shortest times follow.",
            "It shows that the work was done.",
        ),
    ),
)

folded_loops = Choice(
    name="folded_loops",
    difficulty=2,
    minutes=3,
    source="B4.1",
    read="A loop that is not there",
    question="An optimised loop that sums 1 to 100,000,000 takes 40 ns. What is right? Tick all.",
    options=(
        Option(
            text="The processor did 100 million additions in 40 ns.",
            says="That would be 2.5 million additions a nanosecond. No core comes near one thousandth of it.",
        ),
        Option(
            text="If the result is used, the compiler may have replaced the loop by n(n + 1)/2.",
            says="Right. The result is the same, and that is all it has to preserve.",
            right=True,
        ),
        Option(
            text="If the result is not used, the loop may be gone altogether.",
            says="Right. Nobody could tell the difference, except by a clock.",
            right=True,
        ),
        Option(
            text="A black_box around n brings the loop back.",
            says="The formula holds for every n, so hiding its value does not help. Hide each number.",
        ),
        Option(
            text="Timing ten times as many numbers would have exposed it.",
            says="Right. The time would not have changed.",
            right=True,
        ),
    ),
)

why_600 = Choice(
    name="why_600",
    difficulty=2,
    minutes=3,
    read="What a process costs",
    question="One process for every number takes hours. Which cause is the right one?",
    options=(
        Option(
            text="The global interpreter lock lets one process run at a time.",
            says="Each process has an interpreter and a lock of its own.",
        ),
        Option(
            text="Making a process takes milliseconds, squaring a number well below a microsecond.",
            says="Right. Nearly all the time is spent on making processes; the same holds in any language.",
            right=True,
        ),
        Option(
            text="Python's whole numbers are objects, and so a hundred times too slow.",
            says="They are slow, but the plain loop with the same numbers takes a twentieth of a second.",
        ),
        Option(
            text="Two cores are too few for a million processes.",
            says="With a million cores the parent would still have to start them one after the other.",
        ),
    ),
)

slow_causes = Match(
    name="slow_causes",
    difficulty=2,
    minutes=4,
    read="The fair table",
    question="Match what is seen with its most likely cause.",
    pairs=(
        (
            "A hundred times the work takes the same time.",
            "The loop has been deleted or folded.",
            "Time that does not grow with the work is not the time of the work.",
        ),
        (
            "Iterators are slower than index loops.",
            "A debug build.",
            "Optimised, both are equally fast: no call is left in the loop.",
        ),
        (
            "Two threads keep one core busy.",
            "The global interpreter lock.",
            "CPU time over wall time stays near 1.",
        ),
        (
            "A pool is slow, and fast with larger chunks.",
            "Messages cost more than the work in them.",
            "The cost of a message is shared by all items in it.",
        ),
        (
            "The first call takes hundreds of times as long as the second.",
            "A just-in-time compiler.",
            "numba compiles at the first call for the types that it sees.",
        ),
    ),
)

float_sum = Predict(
    name="float_sum",
    difficulty=1,
    minutes=2,
    read="What the compiler may, and what it may not",
    question="What does this print?",
    code="big = 1e16\nprint((big + 1.0 + 1.0 - big, big - big + 1.0 + 1.0))",
    answer="(0.0, 2.0)",
    says="At 1e16 neighbouring floats are 2 apart: each 1.0 alone is rounded away. In the other order "
    "nothing is lost.",
    wrong={
        "(2.0, 2.0)": "So it would be with real numbers. big + 1.0 must be rounded, and is big again.",
        "(0, 2)": "Right in value; but these are floats, and print shows them with a decimal point.",
        "(1.0, 2.0)": "Each of the two additions is rounded on its own, and each of them is lost.",
    },
)

ENTRIES = (
    checked_total,
    best_of,
    fair_order,
    folded_loops,
    amdahl,
    parallel_report,
    scoped_sum,
    why_600,
    chunks,
    slow_causes,
    float_sum,
    lane_sum,
    matmul_cost,
    block_matmul,
    rust_block_matmul,
    one_pass,
    rust_scaler,
)
