"""Exercises of 14_concurrent_training: what is asked, the known mistakes, and what to say about them."""

import itertools
import math
import sys
import threading
import time

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option, Order, Predict

WAIT = 1.0  # seconds that a watched call waits for its partners before it reports that they did not come


def listed(calls, before=""):
    """A `main` that prints one JSON list; each call is a Rust expression for a text of JSON."""
    lines = "".join(f"        {call},\n" for call in calls)
    return before + 'fn main() {\n    println!("[{}]", [\n' + lines + '    ].join(", "));\n}\n'


class Meeting:
    """A place where `count` calls wait for each other; `together` stays True if they all come in time."""

    def __init__(self, count):
        self.count, self.come, self.together = count, 0, True
        self.lock, self.all_here = threading.Lock(), threading.Event()

    def wait(self):
        with self.lock:
            self.come += 1
            if self.come >= self.count:
                self.all_here.set()
        if self.together and not self.all_here.wait(WAIT):
            self.together = False  # the others need not wait any more


# --- the pipeline's formula ------------------------------------------------------------------------------


def gain(n, t_load, t_train, pipelined=None):
    pipelined = t_load + (n - 1) * max(t_load, t_train) + t_train if pipelined is None else pipelined
    return n * (t_load + t_train) / pipelined


pipeline_gain = Exercise(
    name="pipeline_gain",
    difficulty=1,
    minutes=4,
    read="Two times and a formula",
    any_number=True,
    hints=(
        "The gain is a quotient of two times: which is above, which below?",
        "One after the other: n times the sum of both. The other time stands in the text.",
        "n * (t_load + t_train) / (t_load + (n - 1) * max(t_load, t_train) + t_train)",
    ),
    cases=lambda rng: [
        (1, 3.0, 2.0),
        (5, 20, 20),
        (8, 5.0, 1.0),
        (8, 1.0, 5.0),
        (int(rng.integers(10, 50)), float(rng.uniform(1, 4)), float(rng.uniform(5, 9))),
    ],
    expected=lambda case: gain(*case),
    mistakes=(
        Mistake(
            name="inverse",
            value=lambda case: 1 / gain(*case),
            says="the gain is upside down: the serial time stands above",
        ),
        Mistake(
            name="rule",
            value=lambda case: gain(*case, case[1] + case[0] * max(case[1:])),
            says="this is the rule t_l + n max(t_l, t_t): it is too long where loading is slower",
        ),
        Mistake(
            name="slower-stage",
            value=lambda case: gain(*case, case[0] * max(case[1:])),
            says="the first load and the last training are missing: nothing hides them "
            "(without them it is the gain of endless training)",
        ),
        Mistake(
            name="n-times",
            value=lambda case: gain(*case, case[1] + case[0] * max(case[1:]) + case[2]),
            says="the slower stage counts n - 1 times between the first load and the last training",
        ),
        Mistake(
            name="time",
            value=lambda case: case[1] + (case[0] - 1) * max(case[1:]) + case[2],
            says="this is the time with a loader: divide the serial time by it",
        ),
        Mistake(
            name="faster-stage",
            value=lambda case: gain(*case, sum(case[1:]) + (case[0] - 1) * min(case[1:])),
            says="the slower stage sets the pace: max, not min",
        ),
        Mistake(
            name="whole",
            value=lambda case: math.floor(gain(*case)),
            says="you rounded down to a whole number: divide with /, not with //",
        ),
        Mistake(
            name="share-saved",
            value=lambda case: 1 - 1 / gain(*case),
            says="this is the share of the time that is saved: how many times as fast is asked for",
        ),
    ),
)


def clock(load, train, size):
    """(load from, ready, in the queue, train from, to) of each batch."""
    rows = []
    for i, (loading, training) in enumerate(zip(load, train)):
        begun, free = (rows[-1][2], rows[-1][4]) if rows else (0, 0)
        ready = begun + loading
        place = free if size == 0 else rows[int(i - size)][3] if i >= size else 0
        put = max(ready, place)
        start = max(put, free)
        rows.append((begun, ready, put, start, start + training))
    return rows


def column(case, k, size=None):
    load, train, places = case
    return [row[k] for row in clock(load, train, places if size is None else size)]


def serial_starts(load, train, size):
    starts, now = [], 0
    for loading, training in zip(load, train):
        starts.append(now + loading)
        now += loading + training
    return starts


def hand_to_hand(load, train, size):
    """With no places the loader rests until the training ends; otherwise right."""
    return serial_starts(load, train, size) if size == 0 else column((load, train, size), 3)


def clock_cases(rng):
    load = [int(v) for v in rng.integers(1, 12, 12)]
    train = [int(v) for v in rng.integers(1, 12, 12)]
    slow = [1, 1, 1, 1, 9, 1, 1, 9, 1]
    return [
        ([], [], 1),
        ([2], [3], 2),
        ([1, 1, 1], [4, 4, 4], 1),
        ([1, 1, 1, 6], [4, 1, 1, 1], 0),
        *((slow, [3] * 9, size) for size in (0, 1, 2, 3)),
        *((load, train, size) for size in (0, 1, 2, 5)),
    ]


train_starts = Exercise(
    name="train_starts",
    difficulty=3,
    minutes=20,
    source="B6.1",
    read="Two times and a formula",
    any_number=True,
    hints=(
        "Keep two times: when the last batch was put into the queue, and when the trainer is free again.",
        "Batch i finds a place when batch i - size has been taken out, that is, when its training began.",
        "put = max(put + load[i], starts[i - size]) for i >= size; start = max(put, free). With size 0: "
        "put = max(put + load[i], free).",
    ),
    cases=clock_cases,
    expected=lambda case: column(case, 3),
    mistakes=(
        Mistake(
            name="unlimited",
            value=lambda case: column(case, 3, math.inf),
            says="your queue takes any number of batches: the loader must wait while all places are taken",
        ),
        Mistake(
            name="zero-unlimited",
            value=lambda case: column(case, 3, case[2] or math.inf),
            says="0 places means no queue at all: the loader keeps a batch until the trainer is free",
        ),
        Mistake(
            name="zero-as-one",
            value=lambda case: column(case, 3, case[2] or 1),
            says="with 0 places the loader cannot put a batch down: it waits with the batch in its hand",
        ),
        Mistake(
            name="one-place-more",
            value=lambda case: column(case, 3, case[2] + 1),
            says="your queue has one place more than `size`",
        ),
        Mistake(
            name="one-place-less",
            value=lambda case: column(case, 3, max(case[2] - 1, 0)),
            says="your queue has one place less than `size`: batch i waits for the start of batch i - size",
        ),
        Mistake(
            name="ends",
            value=lambda case: column(case, 4),
            says="these are the ends of the trainings: their starts are asked for",
        ),
        Mistake(
            name="ready",
            value=lambda case: column(case, 1),
            says="these are the times at which the batches are loaded: the trainer may still be busy",
        ),
        Mistake(
            name="serial",
            value=lambda case: serial_starts(*case),
            says="the loader waits for the training to end: it may load the next batch meanwhile",
        ),
        Mistake(
            name="zero-as-serial",
            value=lambda case: hand_to_hand(*case),
            says="with 0 places the loader is free once its batch is taken: it loads during the training",
        ),
    ),
)

# --- loaders ---------------------------------------------------------------------------------------------


def watched_pipeline(answer, case):
    n, size = case
    lock, caller, far = threading.Lock(), threading.get_ident(), min(n, size + 2)
    second_begun, far_begun = threading.Event(), threading.Event()
    loads, trained, most, loaders, trainers, overlap = [], [], [0], set(), set(), [True]

    def load(i):
        with lock:
            loads.append(i)
            loaders.add(threading.get_ident())
            most[0] = max(most[0], len(loads) - len(trained))
        if len(loads) > 1:
            second_begun.set()
        if len(loads) >= far:
            far_begun.set()
        return 3 * i  # batch 0 is falsy

    def train(batch):
        trainers.add(threading.get_ident())
        if not trained and n > 1:
            overlap[0] = second_begun.wait(WAIT)
            if overlap[0]:
                far_begun.wait(WAIT)
            time.sleep(0.05)  # a loader without the right limit uses it
        with lock:
            trained.append(batch)
        return 10 * batch

    results = answer(n, load, train, size)
    return {
        "results": results,
        "loads": list(loads),
        "loader threads": len(loaders - {caller}),
        "trained by the caller": trainers <= {caller},
        "overlap": overlap[0],
        "furthest ahead": most[0],
    }


def pipelined(case, **changed):
    n, size = case
    right = {
        "results": [30 * i for i in range(n)],
        "loads": list(range(n)),
        "loader threads": int(n > 0),
        "trained by the caller": True,
        "overlap": True,
        "furthest ahead": min(n, size + 2),
    }
    return right | {key.replace("_", " "): value for key, value in changed.items()}


pipeline = Exercise(
    name="pipeline",
    difficulty=2,
    minutes=15,
    source="B6.1",
    read="A loader and a channel",
    seconds=10,
    hints=(
        "queue.Queue(maxsize=size) waits by itself, in `put` when it is full and in `get` when it is empty.",
        "The thread runs a small function: for i in range(n): channel.put(load(i)).",
        "Start the thread, then [train(channel.get()) for _ in range(n)], then join.",
    ),
    cases=lambda rng: [(0, 2), (1, 1), (5, 1), (int(rng.integers(8, 16)), 3)],
    expected=pipelined,
    call=watched_pipeline,
    describe=lambda case: f"{case[0]} batches, {case[1]} places in the queue",
    mistakes=(
        Mistake(
            name="serial",
            value=lambda case: pipelined(
                case, loader_threads=0, overlap=case[0] < 2, furthest_ahead=min(case[0], 1)
            ),
            says="there is no second thread: batch 1 is loaded only after the training on batch 0",
        ),
        Mistake(
            name="unlimited",
            value=lambda case: pipelined(case, furthest_ahead=case[0]),
            says="the loader runs away: the queue needs a limit, maxsize=size",
        ),
        Mistake(
            name="one-place-more",
            value=lambda case: pipelined(case, furthest_ahead=min(case[0], case[1] + 3)),
            says="the loader gets one batch too far: `size` batches in the queue, one in its hand",
        ),
        Mistake(
            name="one-place-less",
            value=lambda case: pipelined(case, furthest_ahead=min(case[0], case[1] + 1)),
            says="the loader stops one batch too early: besides `size` in the queue it has one in its hand",
        ),
        Mistake(
            name="one-place",
            value=lambda case: pipelined(case, furthest_ahead=min(case[0], 3)),
            says="your queue has one place, whatever `size` says",
        ),
        Mistake(
            name="all-first",
            value=lambda case: pipelined(case, loader_threads=0, furthest_ahead=case[0]),
            says="all batches are loaded before the first training, and by the caller: start a thread for it",
        ),
        Mistake(
            name="trained-elsewhere",
            value=lambda case: pipelined(case, trained_by_the_caller=case[0] == 0),
            says="the training runs in the extra thread too: the caller trains, the thread loads",
        ),
        Mistake(
            name="last-missing",
            value=lambda case: pipelined(case, results=pipelined(case)["results"][:-1]),
            says="the last batch has not been trained on: n batches are loaded, so n must be taken out",
        ),
        Mistake(
            name="batches",
            value=lambda case: pipelined(case, results=[3 * i for i in range(case[0])]),
            says="you return the batches: return what train(batch) returned",
        ),
        Mistake(
            name="reversed",
            value=lambda case: pipelined(case, results=pipelined(case)["results"][::-1]),
            says="the order is turned around: a queue hands out first what was put in first",
        ),
    ),
)

PIPELINE = """
fn watched(n: u64) -> String {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::{Duration, Instant};
    let caller = std::thread::current().id();
    let (loads, threads) = (Mutex::new(Vec::new()), Mutex::new(std::collections::HashSet::new()));
    let (begun, done, most) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let (mut overlap, mut here) = (true, true);
    let results = pipeline(
        n,
        |i| {
            loads.lock().unwrap().push(i);
            let me = std::thread::current().id();
            if me != caller {
                threads.lock().unwrap().insert(me);
            }
            let ahead = begun.fetch_add(1, SeqCst) + 1 - done.load(SeqCst);
            most.fetch_max(ahead, SeqCst);
            3 * i
        },
        |batch| {
            here = here && std::thread::current().id() == caller;
            if done.load(SeqCst) == 0 && n > 1 {
                let start = Instant::now();
                while begun.load(SeqCst) < n.min(3) as usize && start.elapsed() < Duration::from_secs(1) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                overlap = begun.load(SeqCst) >= 2;
                std::thread::sleep(Duration::from_millis(50));
            }
            done.fetch_add(1, SeqCst);
            10 * batch
        },
    );
    let loads = loads.into_inner().unwrap();
    let threads = threads.into_inner().unwrap().len();
    let most = most.load(SeqCst);
    format!("[{results:?}, {loads:?}, {threads}, {here}, {overlap}, {most}]")
}

"""


def in_rust(case, **changed):
    return list(pipelined((case[0], 1), **changed).values())


rust_pipeline = Exercise(
    name="rust_pipeline",
    difficulty=3,
    minutes=20,
    source="B6.1",
    read="A loader and a channel",
    language="rust",
    seconds=20,
    program=lambda cases: listed([f"watched({n})" for (n,) in cases], before=PIPELINE),
    describe=lambda case: (
        f"{case[0]} batches: [results, loads, loader threads, the caller trains, overlap, furthest ahead]"
    ),
    hints=(
        "`std::sync::mpsc::sync_channel(1)` makes the channel, `std::thread::scope` the frame.",
        "`scope.spawn(move || ...)` moves the sender and `load` into the thread; the loop over the receiver "
        "ends when the sender is dropped.",
        "In the thread: for i in 0..n { send.send(load(i)).unwrap(); }. After it, still in the scope: "
        "receive.into_iter().map(train).collect()",
    ),
    cases=lambda rng: [(0,), (1,), (int(rng.integers(6, 12)),)],
    expected=in_rust,
    mistakes=(
        Mistake(
            name="serial",
            value=lambda case: in_rust(
                case, loader_threads=0, overlap=case[0] < 2, furthest_ahead=min(case[0], 1)
            ),
            says="there is no second thread: batch 1 is loaded only after the training on batch 0",
        ),
        Mistake(
            name="unlimited",
            value=lambda case: in_rust(case, furthest_ahead=case[0]),
            says="the loader runs away: `channel()` has no limit, `sync_channel(1)` has one place",
        ),
        Mistake(
            name="rendezvous",
            value=lambda case: in_rust(case, furthest_ahead=min(case[0], 2)),
            says="your channel has no place at all: `sync_channel(0)` waits until the batch is taken",
        ),
        Mistake(
            name="two-places",
            value=lambda case: in_rust(case, furthest_ahead=min(case[0], 4)),
            says="the loader gets one batch too far: the channel has one place",
        ),
        Mistake(
            name="all-first",
            value=lambda case: in_rust(case, loader_threads=0, furthest_ahead=case[0]),
            says="all batches are loaded before the first training, and by the caller: spawn a thread for it",
        ),
        Mistake(
            name="last-missing",
            value=lambda case: in_rust(case, results=pipelined((case[0], 1))["results"][:-1]),
            says="the last batch has not been trained on",
        ),
        Mistake(
            name="batches",
            value=lambda case: in_rust(case, results=[3 * i for i in range(case[0])]),
            says="you return the batches: return what train(batch) returned",
        ),
    ),
)


def watched_loads(answer, case):
    n, workers = case
    lock, caller, calls, now, most = threading.Lock(), threading.get_ident(), [], [0], [0]
    meeting, in_caller = Meeting(min(n, workers)), [False]

    def load(i):
        with lock:
            calls.append(i)
            now[0] += 1
            most[0] = max(most[0], now[0])
            in_caller[0] |= threading.get_ident() == caller
            early = len(calls) <= meeting.count
        if early:
            meeting.wait()
        time.sleep(0.05 if i == 0 else 0.005)  # the first is the last to be ready
        with lock:
            now[0] -= 1
        return 7 * i + 2

    items, right = answer(load, n, workers), [7 * i + 2 for i in range(n)]
    permuted = isinstance(items, list | tuple) and sorted(items, key=repr) == sorted(right, key=repr)
    return {
        "items": right if permuted else items,
        "in order": not permuted or list(items) == right,
        "calls": sorted(calls),
        "in threads": not in_caller[0],
        "together": meeting.together,
        "at most workers": most[0] <= workers,
    }


def loaded(case, **changed):
    n, _ = case
    right = {
        "items": [7 * i + 2 for i in range(n)],
        "in order": True,
        "calls": list(range(n)),
        "in threads": True,
        "together": True,
        "at most workers": True,
    }
    return right | {key.replace("_", " "): value for key, value in changed.items()}


load_parallel = Exercise(
    name="load_parallel",
    difficulty=2,
    minutes=10,
    source="V19.5",
    read="The same weights",
    seconds=10,
    hints=(
        "A ThreadPoolExecutor(workers) has as many threads as may load at the same time.",
        "`as_completed` hands out results as they come; which method of the pool keeps the order?",
        "with ThreadPoolExecutor(workers) as pool: return list(pool.map(load, range(n)))",
    ),
    cases=lambda rng: [(0, 2), (1, 1), (2, 4), (int(rng.integers(5, 9)), 3)],
    expected=loaded,
    call=watched_loads,
    describe=lambda case: f"{case[0]} items, {case[1]} workers",
    mistakes=(
        Mistake(
            name="as-they-come",
            value=lambda case: loaded(case, in_order=case[0] < 2),
            says="the items stand in the order in which they were ready: return them in the order 0, 1, ...",
        ),
        Mistake(
            name="serial",
            value=lambda case: loaded(case, in_threads=case[0] == 0, together=min(case) < 2),
            says="the items are loaded one after the other by the caller: hand them to a pool of threads",
        ),
        Mistake(
            name="one-at-a-time",
            value=lambda case: loaded(case, together=min(case) < 2),
            says="there is never more than one under way: submit all items before you wait for the first",
        ),
        Mistake(
            name="thread-each",
            value=lambda case: loaded(case, at_most_workers=case[0] <= case[1]),
            says="more than `workers` items are under way at a time: take a pool of `workers` threads",
        ),
        Mistake(
            name="nothing",
            value=lambda case: loaded(case, items=[None] * case[0]),
            says="the results are lost: return what load returned",
        ),
        Mistake(
            name="twice",
            value=lambda case: loaded(case, calls=sorted([*range(case[0]), *range(case[0])])),
            says="every item was loaded twice",
        ),
        Mistake(
            name="numbers",
            value=lambda case: loaded(case, items=list(range(case[0]))),
            says="you return the numbers of the items: return what load(i) returned",
        ),
    ),
)

# --- the evaluator ---------------------------------------------------------------------------------------


def seen(epoch, period, epochs, end=None, count=lambda t, epoch: t // epoch):
    end = epoch * epochs if end is None else end
    return [count(t, epoch) for t in range(period, end + 1, period)]


evaluated = Exercise(
    name="evaluated",
    difficulty=1,
    minutes=5,
    read="Which weights?",
    hints=(
        "Training ends at epochs * epoch_ms; list the times of the looks up to and including it.",
        "How many epochs are finished at time t? Whole-number division says it, ties included.",
        "[t // epoch_ms for t in range(period_ms, epochs * epoch_ms + 1, period_ms)]",
    ),
    cases=lambda rng: [
        (2000, 5000, 10),
        (3000, 2000, 4),
        (100, 1000, 3),  # over before the first look
        (10, 10, 3),
        (int(rng.integers(20, 60)), int(rng.integers(70, 130)), 9),
    ],
    expected=lambda case: seen(*case),
    mistakes=(
        Mistake(
            name="under-way",
            value=lambda case: seen(*case, count=lambda t, epoch: t // epoch + 1),
            says="this is the number of the epoch under way: the finished ones are one less",
        ),
        Mistake(
            name="under-way-at-most-all",
            value=lambda case: [min(number + 1, case[2]) for number in seen(*case)],
            says="this is the number of the epoch under way: how many were finished?",
        ),
        Mistake(
            name="no-repeats",
            value=lambda case: sorted(set(seen(*case))),
            says="a look that finds no new epoch counts too: one number for each look",
        ),
        Mistake(
            name="nothing-finished-left-out",
            value=lambda case: [number for number in seen(*case) if number > 0],
            says="a look before the end of the first epoch counts too, with 0 finished epochs",
        ),
        Mistake(
            name="rounded",
            value=lambda case: seen(*case, count=lambda t, epoch: (2 * t + epoch) // (2 * epoch)),
            says="you rounded to the nearest: an epoch that is half done is not finished",
        ),
        Mistake(
            name="rounded-up",
            value=lambda case: seen(*case, count=lambda t, epoch: -(-t // epoch)),
            says="you rounded up: an epoch counts once it is finished",
        ),
        Mistake(
            name="tie-not-finished",
            value=lambda case: seen(*case, count=lambda t, epoch: (t - 1) // epoch),
            says="at a tie the epoch counts as finished",
        ),
        Mistake(
            name="no-look-at-the-end",
            value=lambda case: seen(*case, end=case[0] * case[2] - 1),
            says="a look at the very end of the training counts: include the end",
        ),
        Mistake(
            name="look-at-zero",
            value=lambda case: [0, *seen(*case)],
            says="the first look is after one period, not at time 0",
        ),
    ),
)


def read_copy(pair):
    if pair is None:
        return None
    if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[1], dict):
        raise NotPlain(f"{type(pair).__name__} from read(), not the pair (step, weights)")
    for name, w in pair[1].items():
        if not isinstance(w, np.ndarray):
            raise NotPlain(f"{type(w).__name__} from read() under the name {name!r}, not an array")
    return [pair[0], {name: np.copy(w) for name, w in pair[1].items()}]


def interleaved(method, arguments, meddle):
    """Call the student's method; before each of its steps another thread gets the time to run `meddle`."""
    code = getattr(method, "__code__", None)  # None: not written in Python, nothing to step through
    helpers, before = [], sys.gettrace()

    def step(frame, event, _):
        if code is None or frame.f_code.co_filename != code.co_filename:
            return None
        frame.f_trace_opcodes = True
        if helpers and helpers[-1].is_alive():  # it waits for a lock, which may be free by now
            helpers[-1].join(0.01)
        else:
            helpers.append(threading.Thread(target=meddle, daemon=True))
            helpers[-1].start()
            helpers[-1].join(0.05)
        return step

    sys.settrace(step)
    try:
        return method(*arguments)
    finally:
        sys.settrace(before)
        for helper in helpers:
            helper.join(WAIT)


def never_torn(store):
    """Whether step and weights belong together, whenever a reader looks and whenever a trainer publishes."""
    pairs, steps = [], itertools.count(3)

    def weights(step):
        return {"w": np.full(2, float(step)), "b": np.full(3, float(step))}

    def publish_next():
        step = next(steps)
        store.publish(step, weights(step))

    store.publish(1, weights(1))
    interleaved(store.publish, (2, weights(2)), lambda: pairs.append(read_copy(store.read())))
    pairs.append(read_copy(interleaved(store.read, (), publish_next)))
    whole = [pair for pair in pairs if pair is not None]
    return all(bool((w == step).all()) for step, arrays in whole for w in arrays.values())


def use_store(answer, case):
    first, second, race = case
    store, found = answer(), {}
    found["before"] = read_copy(store.read())
    mine = {"w": first.copy()}
    store.publish(1, mine)
    mine["w"][:] = -1.0  # the trainer goes on
    got = store.read()
    found["trainer went on"] = read_copy(got)
    if got is not None and "w" in got[1]:
        got[1]["w"][:] = 99.0  # a reader scribbles on what it got
    found["reader scribbled"] = read_copy(store.read())
    store.publish(2, {"v": second.copy()})  # another name: nothing of the first may be left
    found["next"] = read_copy(store.read())
    found["whole"] = never_torn(answer()) if race else True
    return found


def stored(case, **changed):
    first, second, _ = case
    right = {
        "before": None,
        "trainer went on": [1, {"w": first}],
        "reader scribbled": [1, {"w": first}],
        "next": [2, {"v": second}],
        "whole": True,
    }
    return right | {key.replace("_", " "): value for key, value in changed.items()}


def filled(case, value):
    return [1, {"w": np.full_like(case[0], value)}]


Published = Exercise(
    name="Published",
    difficulty=3,
    minutes=20,
    wants="class",
    read="A torn snapshot",
    seconds=10,
    hints=(
        "Where are copies needed? Once on the way in, once on the way out.",
        "Make the pair (step, copies) complete first; then one assignment, under a lock, publishes it.",
        "publish: mine = (step, {k: w.copy() ...}); with self._lock: self._latest = mine. read: take the "
        "pair under the lock, return its step and copies of its arrays.",
    ),
    cases=lambda rng: [
        (np.array([1.0, 2.0]), np.array([3.0, 4.0]), False),
        (rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), True),
    ],
    expected=stored,
    call=use_store,
    describe=lambda case: f"publish(1, ...) with w = {case[0].ravel()[:2]}..., then publish(2, ...)",
    mistakes=(
        Mistake(
            name="aliased-in",
            value=lambda case: stored(
                case, trainer_went_on=filled(case, -1.0), reader_scribbled=filled(case, -1.0)
            ),
            says="what the trainer does after publish() shows in read(): copy the arrays in publish",
        ),
        Mistake(
            name="aliased-out",
            value=lambda case: stored(case, reader_scribbled=filled(case, 99.0)),
            says="what one reader writes shows to the next: copy the arrays in read as well",
        ),
        Mistake(
            name="aliased-both",
            value=lambda case: stored(
                case, trainer_went_on=filled(case, -1.0), reader_scribbled=filled(case, 99.0)
            ),
            says="trainer and readers share the arrays: copy on the way in and on the way out",
        ),
        Mistake(
            name="first-kept",
            value=lambda case: stored(case, next=[1, {"w": case[0]}]),
            says="the second publish() has no effect: read returns what was published last",
        ),
        Mistake(
            name="merged",
            value=lambda case: stored(case, next=[2, {"w": case[0], "v": case[1]}]),
            says="arrays of an earlier publish() are left over: read returns what the last one got, no more",
        ),
        Mistake(
            name="taken-away",
            value=lambda case: stored(case, reader_scribbled=None),
            says="read() takes the pair away: the next reader wants it as well",
        ),
        Mistake(
            name="torn",
            value=lambda case: stored(case, whole=not case[2]),
            says="a reader got the step of one publish() and the weights of another: store both at once",
        ),
        Mistake(
            name="step-zero",
            value=lambda case: stored(case, before=[0, {}]),
            says="before the first publish() there is nothing to read: return None",
        ),
    ),
)

# --- phases and stages -----------------------------------------------------------------------------------


def smallest(stages, efficiency, reached=lambda m, k, e: m >= e * (m + k - 1)):
    return next(m for m in itertools.count(1) if reached(m, stages, efficiency))


micro_batches = Exercise(
    name="micro_batches",
    difficulty=1,
    minutes=5,
    read="Dependent layers",
    any_number=True,
    hints=(
        "Try m = 1, 2, 3, … until the efficiency is reached, or solve the inequality for m.",
        "m / (m + k - 1) >= e is the same as m >= e (m + k - 1): no division is needed.",
        "m = 1; while m < efficiency * (m + stages - 1): m += 1; return m",
    ),
    cases=lambda rng: [(1, 0.75), (4, 0.0), (4, 0.5), (3, 0.7), (8, 0.875), (6, 0.93)],
    expected=lambda case: smallest(*case),
    mistakes=(
        Mistake(
            name="more-than",
            value=lambda case: smallest(*case, lambda m, k, e: m > e * (m + k - 1)),
            says="an efficiency that is exactly reached is enough: at least, not more than",
        ),
        Mistake(
            name="stages-not-minus-one",
            value=lambda case: smallest(*case, lambda m, k, e: m >= e * (m + k)),
            says="m micro-batches take m + k - 1 steps, not m + k",
        ),
        Mistake(
            name="rounded-down",
            value=lambda case: max(1, int(case[1] * (case[0] - 1) / (1 - case[1]))),
            says="you rounded down, so the efficiency is just missed: round up",
        ),
        Mistake(
            name="rounded",
            value=lambda case: max(1, round(case[1] * (case[0] - 1) / (1 - case[1]))),
            says="you rounded to the nearest, so the efficiency may be missed: round up",
        ),
        Mistake(
            name="speed-up",
            value=lambda case: smallest(*case, lambda m, k, e: m * k / (m + k - 1) >= e),
            says="this asks for a speed-up: the efficiency is the speed-up divided by the stages",
        ),
        Mistake(
            name="zero",
            value=lambda case: math.ceil(case[1] * (case[0] - 1) / (1 - case[1])),
            says="there is always at least one micro-batch",
        ),
    ),
)

PHASES = """
fn watched(layers: usize, phases: usize) -> String {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
    use std::time::{Duration, Instant};
    let counts = || (0..phases).map(|_| AtomicUsize::new(0)).collect::<Vec<_>>();
    let (begun, ended) = (counts(), counts());
    let (ordered, together) = (AtomicBool::new(true), AtomicBool::new(true));
    let known = AtomicBool::new(true);
    run_phases(layers, phases, &|phase: usize, layer: usize| {
        if phase >= phases || layer >= layers {
            known.store(false, SeqCst);
            return;
        }
        if phase > 0 && ended[phase - 1].load(SeqCst) < layers {
            ordered.store(false, SeqCst);
        }
        begun[phase].fetch_add(1, SeqCst);
        let start = Instant::now();
        while together.load(SeqCst) && begun[phase].load(SeqCst) < layers {
            if start.elapsed() > Duration::from_secs(1) {
                together.store(false, SeqCst);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        if layer == 0 {
            std::thread::sleep(Duration::from_millis(40));
        }
        ended[phase].fetch_add(1, SeqCst);
    });
    if !known.load(SeqCst) {
        return "[]".to_string();
    }
    let ended: Vec<_> = ended.iter().map(|count| count.load(SeqCst)).collect();
    format!("[{ended:?}, {}, {}]", ordered.load(SeqCst), together.load(SeqCst))
}

"""


def phased(case, ended=None, ordered=True, together=True):
    layers, phases = case
    return [[layers] * phases if ended is None else ended, ordered, together]


rust_phases = Exercise(
    name="rust_phases",
    difficulty=2,
    minutes=15,
    source="B6.2",
    read="Nobody goes on before the last has arrived",
    language="rust",
    seconds=20,
    program=lambda cases: listed([f"watched({layers}, {phases})" for layers, phases in cases], before=PHASES),
    describe=lambda case: (
        f"{case[0]} layers, {case[1]} phases: [calls ended in each phase, phases in order, layers together]"
    ),
    hints=(
        "`std::sync::Barrier::new(layers)`: `wait()` lets nobody pass until `layers` threads have called it.",
        "Borrow the barrier before the `move` closure: `let barrier = &barrier;`.",
        "scope.spawn(move || for phase in 0..phases { work(phase, layer); barrier.wait(); })",
    ),
    cases=lambda rng: [(1, 3), (3, 1), (int(rng.integers(4, 7)), 2), (2, 3)],
    expected=phased,
    mistakes=(
        Mistake(
            name="no-barrier",
            value=lambda case: phased(case, ordered=min(case) < 2),
            says="a thread began a phase before the last had ended the one before: wait at a barrier",
        ),
        Mistake(
            name="one-thread",
            value=lambda case: phased(case, together=case[0] < 2),
            says="the layers of a phase run one after the other: give each a thread of its own",
        ),
        Mistake(
            name="joined-at-once",
            value=lambda case: phased(case, ordered=min(case) < 2, together=case[0] < 2),
            says="each layer runs through all its phases alone: start all threads before you join one",
        ),
        Mistake(
            name="arguments",
            value=lambda case: [],
            says="work was called for a phase or layer that does not exist: the order is work(phase, layer)",
        ),
        Mistake(
            name="first-phase-only",
            value=lambda case: phased(case, ended=[case[0]] + [0] * (case[1] - 1)),
            says="only the first phase was done: each thread loops over all phases",
        ),
        Mistake(
            name="one-layer-less",
            value=lambda case: phased(case, ended=[case[0] - 1] * case[1], together=case[0] < 2),
            says="one layer is missing: the layers are 0..layers",
        ),
    ),
)

# --- shards ----------------------------------------------------------------------------------------------


def sizes(n, workers):
    return [n // workers + (w < n % workers) for w in range(workers)]


def pairs(lengths):
    stops = list(itertools.accumulate(lengths))
    return list(zip([0, *stops[:-1]], stops))


def blocks(n, workers):
    size = math.ceil(n / workers)
    return [(min(w * size, n), min((w + 1) * size, n)) for w in range(workers)]


def last_takes_rest(n, workers):
    return pairs([n // workers] * (workers - 1) + [n - n // workers * (workers - 1)])


shard = Exercise(
    name="shard",
    difficulty=1,
    minutes=8,
    source="V19.5",
    read="The gradient in shards",
    hints=(
        "divmod(n, workers) gives the smaller size and how many pieces are one larger.",
        "List the sizes first; the stops are their running sums, and each start is the stop before.",
        "Stop of worker w: (w + 1) * size + min(w + 1, larger), with size, larger = divmod(n, workers).",
    ),
    cases=lambda rng: [
        (7, 3),
        (6, 3),
        (0, 2),
        (2, 4),
        (10, 4),
        (int(rng.integers(30, 90)), int(rng.integers(4, 9))),
    ],
    expected=lambda case: pairs(sizes(*case)),
    mistakes=(
        Mistake(
            name="rest-dropped",
            value=lambda case: pairs([case[0] // case[1]] * case[1]),
            says="the numbers that are left over belong to no piece: every example must be used once",
        ),
        Mistake(
            name="rest-to-last",
            value=lambda case: last_takes_rest(*case),
            says="the last piece takes all that is left over: sizes may differ by at most one",
        ),
        Mistake(
            name="rounded-up",
            value=lambda case: blocks(*case),
            says="every piece has n / workers rounded up: sizes may differ by at most one, so mix two sizes",
        ),
        Mistake(
            name="larger-last",
            value=lambda case: pairs(sizes(*case)[::-1]),
            says="the larger pieces come first",
        ),
        Mistake(
            name="larger-spread",
            value=lambda case: [
                (w * case[0] // case[1], (w + 1) * case[0] // case[1]) for w in range(case[1])
            ],
            says="the sizes are right, but the larger pieces come first",
        ),
        Mistake(
            name="beyond-the-end",
            value=lambda case: [
                (w * math.ceil(case[0] / case[1]), (w + 1) * math.ceil(case[0] / case[1]))
                for w in range(case[1])
            ],
            says="a stop lies beyond n: rounding n / workers up makes all pieces the same, so mix two sizes",
        ),
        Mistake(
            name="empty-at-zero",
            value=lambda case: [(a, b) if a < b else (0, 0) for a, b in pairs(sizes(*case))],
            says="an empty piece at the end is (n, n), not (0, 0)",
        ),
        Mistake(
            name="inclusive",
            value=lambda case: [(a, b - 1) for a, b in pairs(sizes(*case))],
            says="stop is not included, as in range",
        ),
        Mistake(
            name="lengths",
            value=lambda case: [(a, b - a) for a, b in pairs(sizes(*case))],
            says="the second number is the length of the piece: it should be its stop",
        ),
        Mistake(
            name="empty-left-out",
            value=lambda case: [(a, b) for a, b in pairs(sizes(*case)) if a < b],
            says="there must be `workers` pairs: idle workers get (n, n)",
        ),
    ),
)

WEIGHT = np.array([0.5, -1.0])


def squared_error_gradient(x, t):
    return 2 / len(x) * x.T @ (x @ WEIGHT - t)


def watched_gradient(answer, case):
    x, t, workers = case
    lock, calls, meeting = threading.Lock(), [], Meeting(min(workers, len(x)))
    caller, in_threads = threading.get_ident(), [True]

    def gradient(x_part, t_part):
        if len(x_part) == 0 or len(x_part) != len(t_part):
            raise ValueError(f"gradient: expected rows and as many targets, got {len(x_part)}, {len(t_part)}")
        rows = [int(np.flatnonzero((x == row).all(axis=1))[0]) for row in x_part]
        with lock:
            calls.append(rows)
            in_threads[0] &= threading.get_ident() != caller
        meeting.wait()
        return squared_error_gradient(x_part, t_part)

    return {
        "gradient": np.asarray(answer(gradient, x, t, workers)),
        "rows": sorted(calls),
        "together": meeting.together and (in_threads[0] or meeting.count < 2),
    }


def neighbours(lengths):
    """The rows of consecutive shards of these lengths."""
    return [list(range(a, b)) for a, b in pairs(lengths)]


def assembled(case, how="weighted", shards=None, **changed):
    x, t, workers = case
    shards = neighbours([n for n in sizes(len(x), workers) if n]) if shards is None else shards
    parts, everything = [squared_error_gradient(x[rows], t[rows]) for rows in shards], sum(map(len, shards))
    share = {
        "weighted": lambda n: n / everything,
        "mean": lambda n: 1 / len(parts),
        "sum": lambda n: 1.0,
        "counts": lambda n: n,
        "over-workers": lambda n: 1 / workers,
    }[how]
    total = sum(share(len(rows)) * part for rows, part in zip(shards, parts))
    return {"gradient": total, "rows": sorted(shards), "together": True} | changed


def even_lengths(case):
    """What n // workers rows a shard make, where that is not nothing."""
    x, _, workers = case
    return [max(1, len(x) // workers)] * min(workers, len(x))


parallel_grad = Exercise(
    name="parallel_grad",
    difficulty=3,
    minutes=20,
    source="V1.3",
    read="The gradient in shards",
    seconds=10,
    hints=(
        "First the sizes of the shards, without empty ones; their running sums are the stops.",
        "Each gradient is that of a mean over n_s rows; in the mean over N rows it weighs n_s / N.",
        "With ThreadPoolExecutor(len(sizes)), map over sizes and stops; add up "
        "n / len(x) * gradient(x[stop - n : stop], t[stop - n : stop]).",
    ),
    cases=lambda rng: [
        (rng.normal(size=(n, 2)), rng.normal(size=n), workers)
        for n, workers in ((6, 3), (5, 1), (2, 4), (7, 3), (11, 4))
    ],
    expected=assembled,
    call=watched_gradient,
    describe=lambda case: f"{len(case[0])} rows, {case[2]} workers",
    mistakes=(
        Mistake(
            name="plain-mean",
            value=lambda case: assembled(case, "mean"),
            says="you took the plain mean of the shards: each weighs by its number of rows",
        ),
        Mistake(
            name="over-workers",
            value=lambda case: assembled(case, "over-workers"),
            says="you divided by the number of workers: each shard weighs by its number of rows",
        ),
        Mistake(
            name="sum",
            value=lambda case: assembled(case, "sum"),
            says="you added the gradients up: they belong to means, so each weighs n_s / N",
        ),
        Mistake(
            name="not-divided",
            value=lambda case: assembled(case, "counts"),
            says="the weights n_s must be divided by N, the number of all rows",
        ),
        Mistake(
            name="serial",
            value=lambda case: assembled(case, together=min(case[2], len(case[0])) < 2),
            says="the shards are done one after the other: start all of them before you wait for one",
        ),
        Mistake(
            name="whole",
            value=lambda case: assembled(
                case, shards=neighbours([len(case[0])]), together=min(case[2], len(case[0])) < 2
            ),
            says="gradient was called once, for all rows: call it once for each shard",
        ),
        Mistake(
            name="rest-dropped",
            value=lambda case: assembled(case, shards=neighbours(even_lengths(case))),
            says="the rows that are left over at the end were not used",
        ),
        Mistake(
            name="rounded-up",
            value=lambda case: assembled(
                case,
                shards=[list(range(*pair)) for pair in blocks(len(case[0]), case[2]) if pair[0] < pair[1]],
            ),
            says="the shards are N / workers rounded up: sizes may differ by at most one",
        ),
        Mistake(
            name="larger-last",
            value=lambda case: assembled(
                case, shards=neighbours([n for n in sizes(len(case[0]), case[2])[::-1] if n])
            ),
            says="the larger shards come first",
        ),
        Mistake(
            name="striped",
            value=lambda case: assembled(
                case,
                shards=[list(range(k, len(case[0]), case[2])) for k in range(min(case[2], len(case[0])))],
            ),
            says="each shard has every so many-th row: shards are consecutive rows",
        ),
    ),
)


def combined(case, how="weighted"):
    parts = case[0]
    counted = parts if how in ("with-empty", "mean-of-all") else [p for p in parts if p[0]]
    everything = sum(n for n, _ in counted)
    share = {
        "weighted": lambda n: n / everything,
        "with-empty": lambda n: n / everything,
        "mean": lambda n: 1 / len(counted),
        "mean-of-all": lambda n: 1 / len(counted),
        "mean-over-all": lambda n: 1 / len(parts),
        "whole": lambda n: n // everything,
        "sum": lambda n: 1.0,
        "counts": lambda n: float(n),
    }[how]
    rows = [[share(n) * g for g in gradient] for n, gradient in counted]
    return [json_number(sum(column)) for column in zip(*rows)]


def json_number(value):
    return value if math.isfinite(value) else None


def rust_floats(values):
    names = {"nan": "f64::NAN", "inf": "f64::INFINITY"}
    return ", ".join(names.get(repr(float(v)), repr(float(v))) for v in values)


COMBINE = """
fn shown(gradient: Vec<f64>) -> String {
    let one = |g: &f64| if g.is_finite() { format!("{g:?}") } else { "null".to_string() };
    format!("[{}]", gradient.iter().map(one).collect::<Vec<_>>().join(", "))
}

"""


def combine_call(case):
    parts = ", ".join(f"({n}, vec![{rust_floats(gradient)}])" for n, gradient in case[0])
    return f"shown(combine(&[{parts}]))"


rust_combine = Exercise(
    name="rust_combine",
    difficulty=2,
    minutes=10,
    source="V1.3",
    read="The gradient in shards",
    language="rust",
    program=lambda cases: listed([combine_call(case) for case in cases], before=COMBINE),
    describe=lambda case: f"parts {case[0]}",
    hints=(
        "First add up the counts; a share is `*count as f64 / all as f64`.",
        "Start with vec![0.0; length] and add share times gradient, entry by entry.",
        "0.0 * NaN is NaN: skip parts with count 0, for example with filter(|part| part.0 > 0).",
    ),
    cases=lambda rng: [
        ([(4, [1.0, -2.0])],),
        ([(2, [1.0, 2.0]), (2, [3.0, 6.0])],),
        ([(3, [1.0]), (1, [5.0])],),
        ([(5, [1.5, 0.0, -1.0]), (0, [math.nan, math.inf, math.nan]), (3, [0.5, 8.0, 1.0])],),
        ([(2, [math.nan, 1.0]), (2, [0.0, 3.0])],),
        ([(38, [round(float(v), 3) for v in rng.normal(size=2)]), (37, [2.0, -1.0]), (0, [0.0, 0.0])],),
    ],
    expected=combined,
    mistakes=(
        Mistake(
            name="mean",
            value=lambda case: combined(case, "mean"),
            says="this is the plain mean of the shards: each weighs by its number of examples",
        ),
        Mistake(
            name="mean-of-all",
            value=lambda case: combined(case, "mean-of-all"),
            says="this is the plain mean of all parts, empty ones included: weigh each by its examples",
        ),
        Mistake(
            name="sum",
            value=lambda case: combined(case, "sum"),
            says="you added the gradients up: they belong to means, so each weighs count / all",
        ),
        Mistake(
            name="not-divided",
            value=lambda case: combined(case, "counts"),
            says="divide the weights by the number of all examples",
        ),
        Mistake(
            name="mean-over-all",
            value=lambda case: combined(case, "mean-over-all"),
            says="you divided by the number of parts: each weighs by its number of examples",
        ),
        Mistake(
            name="whole",
            value=lambda case: combined(case, "whole"),
            says="count / all of two whole numbers is 0: turn both into f64 first",
        ),
        Mistake(
            name="not-a-number",
            value=lambda case: combined(case, "with-empty"),
            says="a shard without examples has spoilt the result: 0 times NaN is NaN, so leave it out",
        ),
    ),
)


def dealt(costs, workers, order):
    loads, owner = [0] * workers, [0] * len(costs)
    for i in order:
        owner[i] = loads.index(min(loads))
        loads[owner[i]] += costs[i]
    return owner


def falling(costs, tie=1):
    return sorted(range(len(costs)), key=lambda i: (-costs[i], tie * i))


def last_of_equals(costs, workers):
    loads, owner = [0] * workers, [0] * len(costs)
    for i in falling(costs):
        owner[i] = max(w for w in range(workers) if loads[w] == min(loads))
        loads[owner[i]] += costs[i]
    return owner


def fewest_items(costs, workers):
    owner = [0] * len(costs)
    for place, i in enumerate(falling(costs)):
        owner[i] = place % workers
    return owner


balance = Exercise(
    name="balance",
    difficulty=2,
    minutes=12,
    source="V1.3",
    read="Dealing out unequal work",
    hints=(
        "sorted(range(len(costs)), key=...) gives the items in the order in which to deal them out.",
        "Keep a list of the loads; loads.index(min(loads)) is the first worker with the smallest one.",
        "for i in sorted(range(len(costs)), key=lambda i: -costs[i]): owner[i] = loads.index(min(loads)); "
        "loads[owner[i]] += costs[i]",
    ),
    cases=lambda rng: [
        ([], 3),
        ([4], 2),
        ([1, 5, 2, 2], 2),
        ([3, 3, 2, 2, 2], 2),
        ([2, 3, 1, 4, 3, 9, 8, 2, 5, 2], 3),
        ([int(v) for v in rng.integers(1, 9, 14)], 4),
    ],
    expected=lambda case: dealt(*case, falling(case[0])),
    mistakes=(
        Mistake(
            name="as-they-come",
            value=lambda case: dealt(*case, range(len(case[0]))),
            says="you dealt the items out in the given order: begin with the largest",
        ),
        Mistake(
            name="shortest-first",
            value=lambda case: dealt(*case, falling(case[0])[::-1]),
            says="you began with the smallest item: sort by falling cost",
        ),
        Mistake(
            name="equals-reversed",
            value=lambda case: dealt(*case, falling(case[0], tie=-1)),
            says="items of equal cost keep the order of their numbers",
        ),
        Mistake(
            name="last-worker",
            value=lambda case: last_of_equals(*case),
            says="among workers with equal loads take the one with the smallest number",
        ),
        Mistake(
            name="in-turns",
            value=lambda case: fewest_items(*case),
            says="you dealt the items out in turns: look at the loads, not at the number of items",
        ),
        Mistake(
            name="loads",
            value=lambda case: [
                sum(c for c, w in zip(case[0], dealt(*case, falling(case[0]))) if w == k)
                for k in range(case[1])
            ],
            says="these are the loads of the workers: return the worker of each item",
        ),
        Mistake(
            name="in-order-of-dealing",
            value=lambda case: [dealt(*case, falling(case[0]))[i] for i in falling(case[0])],
            says="the workers stand in the order of dealing: place i of the list belongs to item i",
        ),
        Mistake(
            name="from-one",
            value=lambda case: [worker + 1 for worker in dealt(*case, falling(case[0]))],
            says="the workers are numbered from 0",
        ),
    ),
)

# --- projects --------------------------------------------------------------------------------------------

COSTS = (40, 5, 5, 5, 20, 5, 5, 5, 10, 5, 5, 10)


def judged_balance(answer, case):
    table = answer()
    if not isinstance(table, dict):
        raise NotPlain(f"{type(table).__name__}, not a dict with the keys static, queue and async")
    ways, fields = ("static", "queue", "async"), {"items", "makespan", "error"}
    found = {"keys": set(table) == set(ways) and all(set(table[way]) == fields for way in table)}
    if not found["keys"]:
        return found
    times = {way: 1000 * float(table[way]["makespan"]) + 1 for way in ways}  # with a millisecond's tolerance
    items = list(table["static"]["items"])
    halves = [i for i in items if i < 6], [i for i in items if i >= 6]
    return found | {
        "every item once": all(sorted(table[way]["items"]) == list(range(12)) for way in ways),
        "errors": all(0 <= table[way]["error"] < 1e-12 for way in ways),
        "largest item": all(times[way] >= max(COSTS) for way in ways),
        "half of all": all(times[way] >= sum(COSTS) / 2 for way in ("static", "queue")),
        "static's larger half": times["static"] >= max(sum(COSTS[:6]), sum(COSTS[6:])),
        "async overlaps": times["async"] < sum(COSTS),
        "static's halves": all(half == sorted(half) for half in halves),
        "seconds": max(times.values()) < 5000,
    }


def flags(names, **wrong):
    return dict.fromkeys(names, True) | {name: False for name in wrong.values()}


BALANCE = (
    "keys",
    "every item once",
    "errors",
    "largest item",
    "half of all",
    "static's larger half",
    "async overlaps",
    "static's halves",
    "seconds",
)

balance_table = Exercise(
    name="balance_table",
    difficulty=3,
    minutes=150,
    source="V1.3+",
    read="Threads, rayon or async?",
    seconds=30,
    hints=(
        "Write one function that finishes an item (its gradient into a dict, under its number), and three "
        "that decide who waits for which item when.",
        "A shared iterator under a lock is a queue: `with lock: i = next(waiting, None)`.",
        "asyncio.gather(*(item(i) for i in range(12))) runs all tasks on one thread; start it in a thread "
        "of its own with ThreadPoolExecutor(1).submit(asyncio.run, main()).result().",
    ),
    cases=lambda rng: [()],
    expected=lambda case: flags(BALANCE),
    call=judged_balance,
    describe=lambda case: "the relations of your table",
    mistakes=(
        Mistake(
            name="keys",
            value=lambda case: {"keys": False},
            says="the table needs the keys static, queue and async, each with items, makespan and error",
        ),
        Mistake(
            name="items",
            value=lambda case: flags(BALANCE, a="every item once"),
            says="in some way an item is missing, or was done twice",
        ),
        Mistake(
            name="errors",
            value=lambda case: flags(BALANCE, a="errors"),
            says="the mean of the twelve gradients differs from the gradient over all rows",
        ),
        Mistake(
            name="no-pause",
            value=lambda case: flags(BALANCE, a="largest item", b="half of all", c="static's larger half"),
            says="a makespan is below the largest item: does every item wait, and is the time in seconds?",
        ),
        Mistake(
            name="more-threads",
            value=lambda case: flags(BALANCE, a="half of all", b="static's larger half"),
            says="two threads cannot be faster than half of all costs: are there more of them?",
        ),
        Mistake(
            name="static-shared",
            value=lambda case: flags(BALANCE, a="static's larger half"),
            says="the static way is too fast: its first thread alone has items 0 to 5, 80 ms",
        ),
        Mistake(
            name="static-other-halves",
            value=lambda case: flags(BALANCE, a="static's halves"),
            says="the static way: one thread does items 0 to 5, the other 6 to 11, each in this order",
        ),
        Mistake(
            name="milliseconds",
            value=lambda case: flags(BALANCE, a="async overlaps", b="seconds"),
            says="the makespans are in milliseconds: seconds are asked for",
        ),
        Mistake(
            name="async-serial",
            value=lambda case: flags(BALANCE, a="async overlaps"),
            says="the async tasks wait one after the other: await asyncio.sleep and gather the tasks",
        ),
    ),
)

STRATEGY = ("rows", "every example once", "errors", "gain of data", "gain of pipeline")


def model_gain(row):
    n, parts = row["batch"], row["parts"]
    if row["strategy"] == "pipeline":
        return 2 * parts / (parts + 1)
    return n / (math.ceil(n / parts) + (0 if parts == 1 else 2))


def judged_strategies(answer, case):
    table = answer()
    fields = {"strategy", "batch", "parts", "seen", "error", "gain"}
    if not isinstance(table, list) or not all(isinstance(row, dict) and set(row) == fields for row in table):
        raise NotPlain(f"{type(table).__name__}, not a list of dicts with the keys {sorted(fields)}")
    wanted = set(itertools.product(("data", "pipeline"), (12, 60), (1, 2, 5)))
    rows = [(row["strategy"], row["batch"], row["parts"]) for row in table]
    if len(rows) != len(wanted) or set(rows) != wanted:
        return flags(STRATEGY, a="rows")
    close = [math.isclose(row["gain"], model_gain(row), rel_tol=1e-6) for row in table]
    return {
        "rows": True,
        "every example once": all(list(row["seen"]) == list(range(row["batch"])) for row in table),
        "errors": all(0 <= row["error"] < 1e-10 for row in table),
        "gain of data": all(c for c, row in zip(close, table) if row["strategy"] == "data"),
        "gain of pipeline": all(c for c, row in zip(close, table) if row["strategy"] == "pipeline"),
    }


strategy_table = Exercise(
    name="strategy_table",
    difficulty=3,
    minutes=150,
    source="V19.5+",
    read="Two strategies for one step",
    seconds=30,
    hints=(
        "Let every shard compute its part of the gradients of the mean over all N; the parts are then added.",
        "delta = 2 / N * (h @ B.T - t) starts the way back; dB = delta.T @ h, dA = (delta @ B).T @ x.",
        "Pipeline: the second stage is a thread with an inbox for h; it puts delta @ B into a queue, and the "
        "first stage takes it from there.",
    ),
    cases=lambda rng: [()],
    expected=lambda case: flags(STRATEGY),
    call=judged_strategies,
    describe=lambda case: "the relations of your table",
    mistakes=(
        Mistake(
            name="rows",
            value=lambda case: flags(STRATEGY, a="rows"),
            says="the table needs one row for each strategy, batch (12, 60) and parts (1, 2, 5): twelve rows",
        ),
        Mistake(
            name="examples",
            value=lambda case: flags(STRATEGY, a="every example once"),
            says="some example is missing or used twice, or `seen` is not sorted",
        ),
        Mistake(
            name="errors",
            value=lambda case: flags(STRATEGY, a="errors"),
            says="some gradient differs from the serial one: with 5 parts the shards of 12 are unequal",
        ),
        Mistake(
            name="data-gain",
            value=lambda case: flags(STRATEGY, a="gain of data"),
            says="the data gain is N / (ceil(N / w) + c), with c = 0 for one part and 2 otherwise",
        ),
        Mistake(
            name="pipeline-gain",
            value=lambda case: flags(STRATEGY, a="gain of pipeline"),
            says="the pipeline gain is 2m / (m + 1), whatever the batch size",
        ),
        Mistake(
            name="both-gains",
            value=lambda case: flags(STRATEGY, a="gain of data", b="gain of pipeline"),
            says="neither gain is that of the model: read the two formulas again",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

channel_end = Choice(
    name="channel_end",
    difficulty=1,
    minutes=3,
    read="A loader and a channel",
    question="In Rust, when does `for batch in receive` end? Tick all that are right.",
    options=(
        Option(
            text="When the queue is empty for the first time.",
            says="Then it waits: the loader may be slow.",
        ),
        Option(
            text="When all senders are dropped and the queue is empty.",
            says="Right. What was sent before is still handed out.",
            right=True,
        ),
        Option(
            text="When the loader panics and it owned the last sender.",
            says="Right: unwinding drops the sender. The loop ends early and in silence; join tells why.",
            right=True,
        ),
        Option(
            text="When the thread that made the first sender is joined.",
            says="Joining matters only in so far as the thread drops its sender at its end.",
        ),
        Option(
            text="When the loader sends a sentinel.",
            says="That is Python's way. To a Rust channel a sentinel is a batch like any other.",
        ),
    ),
)

queue_zero = Predict(
    name="queue_zero",
    difficulty=1,
    minutes=2,
    read="Back-pressure",
    question="What does this print?",
    code="import queue\n\nchannel = queue.Queue(maxsize=0)\nfor i in range(3):\n    channel.put_nowait(i)\n"
    "print(channel.qsize(), channel.full())",
    answer="3 False",
    says="In Python maxsize=0 means no limit: never full. Rust's sync_channel(0) has no place at all.",
    wrong={
        "0 True": "That would be a rendezvous, as Rust's sync_channel(0). Python's 0 means: no limit.",
        "3 True": "All three are in, but a queue without a limit is never full.",
        "queue.Full": "put_nowait would raise Full for a full queue; with maxsize=0 none ever is.",
        "1 True": "maxsize=0 is not rounded up to one place: it means no limit.",
    },
)

barrier_why = Choice(
    name="barrier_why",
    difficulty=2,
    minutes=3,
    source="B6.2",
    read="Nobody goes on before the last has arrived",
    question="Four threads play four layers and meet at a barrier after each phase. What is right? Tick all.",
    options=(
        Option(
            text="No thread begins phase 2 before the fourth has ended phase 1.",
            says="Right: the barrier opens with the fourth call of wait, and each calls it after its work.",
            right=True,
        ),
        Option(
            text="Within a phase the threads always finish in the same order.",
            says="Within a phase any order may occur. The barrier orders phases.",
        ),
        Option(
            text="If one of the four threads panics in phase 1, the others wait for ever.",
            says="Right: the fourth call never comes. A barrier does not know about panics.",
            right=True,
        ),
        Option(
            text="With the barrier, layer 2 gets the output of layer 1 within the same phase.",
            says="In a phase all of them start together: layer 2 sees what layer 1 left in the one before.",
        ),
        Option(
            text="A phase takes as long as its slowest thread.",
            says="Right, and the others wait: unequal layers waste time at every barrier.",
            right=True,
        ),
    ),
)

shutdown_order = Order(
    name="shutdown_order",
    difficulty=2,
    minutes=3,
    read="The logger",
    question="Bring the end of a Rust program with a logger thread into an order that loses no line.",
    steps=(
        ("The workers send their last lines.", "Only what has been sent can be written."),
        ("The workers end; their clones of the sender are dropped.", "Each clone keeps the channel open."),
        (
            "The main thread, which has waited for the workers, drops the sender that it kept.",
            "As long as it lives, the logger waits for more.",
        ),
        (
            "The logger finds the channel closed and empty and leaves its loop.",
            "This is how it stops.",
        ),
        ("The main thread's join on the logger returns.", "Joining before the drop would be a deadlock."),
        ("`main` returns, and the process ends.", "Whatever still ran now would be cut off."),
    ),
)

async_or_threads = Choice(
    name="async_or_threads",
    difficulty=2,
    minutes=3,
    read="Threads, rayon or async?",
    question="An async program on one thread loads 100 files from a network and, in the same task, decodes "
    "each one (20 ms of arithmetic). What is right? Tick all.",
    options=(
        Option(
            text="The 100 waits for the network can overlap.",
            says="Right: at each await the thread takes another task.",
            right=True,
        ),
        Option(
            text="The 100 decodings overlap as well.",
            says="There is one thread, and no await in the arithmetic: they take 2 s one after the other.",
        ),
        Option(
            text="While one image is decoded, no other task makes progress.",
            says="Right: the computation blocks the executor's only thread.",
            right=True,
        ),
        Option(
            text="Handing the decoding to a pool (`spawn_blocking`, rayon) frees the thread for the network.",
            says="Right, and on several cores the decodings then overlap.",
            right=True,
        ),
        Option(
            text="More async tasks would decode faster.",
            says="Tasks are not threads: their number does not change how much arithmetic a core can do.",
        ),
    ),
)

four_jobs = Match(
    name="four_jobs",
    difficulty=1,
    minutes=3,
    read="What you should now be able to explain",
    question="Which tool for which job?",
    pairs=(
        (
            "The next batches should be ready in time, and memory must not grow.",
            "A channel with a few places.",
            "Back-pressure limits how far the loader runs ahead.",
        ),
        (
            "A slow evaluation needs the weights of the end of an epoch.",
            "A copy, sent with its label.",
            "Label and weights come from one moment, and the trainer goes on.",
        ),
        (
            "Several readers look at a table that is seldom changed.",
            "A read-write lock.",
            "Readers do not exclude each other; a writer excludes all.",
        ),
        (
            "No thread may begin step 2 before all have done step 1.",
            "A barrier.",
            "It opens when the last one has arrived.",
        ),
        (
            "Ten thousand connections wait for data.",
            "Async tasks.",
            "A waiting task needs no thread of its own.",
        ),
        (
            "One large sum over an array, on eight cores.",
            "A pool with work stealing.",
            "As many threads as cores, and the work is cut to fit.",
        ),
    ),
)

ENTRIES = (
    channel_end,
    pipeline_gain,
    train_starts,
    pipeline,
    rust_pipeline,
    queue_zero,
    load_parallel,
    evaluated,
    Published,
    micro_batches,
    rust_phases,
    barrier_why,
    shutdown_order,
    shard,
    parallel_grad,
    rust_combine,
    balance,
    async_or_threads,
    four_jobs,
    balance_table,
    strategy_table,
)
