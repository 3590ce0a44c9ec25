"""Exercises of 13_threads: what is asked, which mistakes are known, and what to say about them."""

import threading
import time
from math import comb, factorial, prod

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Order, Predict, Raises

# --- results of threads ----------------------------------------------------------------------------------


def tasks_of(kind, ended):
    """The tasks of one case of run_all; `ended` collects the numbers of those that came to their end."""
    meeting, second = threading.Barrier(3, timeout=0.5), threading.Event()
    crowd = threading.Barrier(40, timeout=1)

    def meet(i):
        meeting.wait()
        time.sleep(0.03 * i)  # and end in order
        return 10 * i

    def gather():
        crowd.wait()
        return 1

    def chain(i):  # 0 ends last
        if i == 1:
            second.set()
        elif i == 0:
            second.wait(0.5)
            time.sleep(0.05)
        return 10 * i

    def fail(error, wait, i):
        time.sleep(wait)
        raise error(f"task {i}")

    def slow(i):
        time.sleep(0.1 * i)
        ended.append(i)
        return 10 * i

    return {
        "none": [],
        "one": [lambda: 7],
        "meet": [lambda i=i: meet(i) for i in range(3)],
        "crowd": [gather] * 40,
        "chain": [lambda i=i: chain(i) for i in range(2)],
        "fails": [lambda: fail(KeyError, 0, 0), lambda: slow(1), lambda: slow(2)],
        "both fail": [lambda: fail(KeyError, 0.1, 0), lambda: fail(IndexError, 0, 1)],
    }[kind]


def answer_of_run_all(answer, case):
    ended = []
    try:
        result = answer(tasks_of(case[0], ended))
    except (LookupError, threading.BrokenBarrierError, ValueError) as error:
        result = f"raised {type(error).__name__}"
    return {"result": result, "ended": len(ended)}


RUN_ALL = {
    "none": ([], 0),
    "one": ([7], 0),
    "meet": ([0, 10, 20], 0),
    "crowd": ([1] * 40, 0),
    "chain": ([0, 10], 0),
    "fails": ("raised KeyError", 2),
    "both fail": ("raised KeyError", 0),
}
ALONE = ("raised BrokenBarrierError", 0)  # a task waited in vain for the others
RUN_ALL_SAYS = {
    "none": "no tasks",
    "one": "one task that returns 7",
    "meet": "three tasks that wait for each other and return 0, 10 and 20",
    "crowd": "40 tasks that wait for each other and return 1",
    "chain": "two tasks that return 0 and 10, of which the second ends first",
    "fails": "a task that raises KeyError at once, and two that take 0.1 and 0.2 s (`ended` counts these)",
    "both fail": "a task that raises KeyError after 0.1 s, and one that raises IndexError at once",
}


def run_all_case(case, **changed):
    result, ended = changed.get(case[0].replace(" ", "_"), RUN_ALL[case[0]])
    return {"result": result, "ended": ended}


run_all = Exercise(
    name="run_all",
    difficulty=2,
    minutes=15,
    read="A thread that fails",
    hints=(
        "Start all threads before you wait for any; a pool of `concurrent.futures` keeps the books.",
        "`pool.submit(task)` returns a future; the end of `with ThreadPoolExecutor(...)` waits for all.",
        "Then ask the futures in the order of the tasks: `future.result()` returns or raises.",
    ),
    cases=lambda rng: [(kind,) for kind in RUN_ALL],
    expected=run_all_case,
    call=answer_of_run_all,
    describe=lambda case: RUN_ALL_SAYS[case[0]],
    mistakes=(
        Mistake(
            name="one-after-the-other",
            value=lambda case: run_all_case(case, meet=ALONE, crowd=ALONE, fails=("raised KeyError", 0)),
            says="your tasks run one after the other: start all of them before you wait for the first",
        ),
        Mistake(
            name="one-worker",
            value=lambda case: run_all_case(case, meet=ALONE, crowd=ALONE),
            says="one worker takes the tasks one after the other: it needs as many workers as tasks",
        ),
        Mistake(
            name="joined-in-the-loop",
            value=lambda case: run_all_case(
                case, meet=([], 0), crowd=([], 0), fails=([10, 20], 2), both_fail=([], 0)
            ),
            says="you join each thread before you start the next, and lose its exception",
        ),
        Mistake(
            name="few-workers",
            value=lambda case: run_all_case(case, crowd=ALONE),
            says="a pool has few workers unless told otherwise: the tasks behind them never start",
        ),
        Mistake(
            name="appended",
            value=lambda case: run_all_case(case, chain=([10, 0], 0), fails=([10, 20], 2), both_fail=([], 0)),
            says="each thread appends when it ends: keep a place for each task, and its exception too",
        ),
        Mistake(
            name="late-binding",
            value=lambda case: run_all_case(
                case,
                meet=([None, None, 20], 0),
                crowd=([None] * 39 + [1], 0),
                chain=([None, 10], 0),
                fails=([None, None, 20], 3),
                both_fail=([None, None], 0),
            ),
            says="all threads run the last task: the function looks up the loop's variable when it runs",
        ),
        Mistake(
            name="cancelled",
            value=lambda case: run_all_case(case, fails=("raised KeyError", 1)),
            says="a task did not run to its end: `map` cancels the rest after a failure, `submit` does not",
        ),
        Mistake(
            name="order-of-completion",
            value=lambda case: run_all_case(case, chain=([10, 0], 0), both_fail=("raised IndexError", 0)),
            says="results come in the order of completion: put each in the place of its task",
        ),
        Mistake(
            name="swallowed",
            value=lambda case: run_all_case(case, fails=([None, 10, 20], 2), both_fail=([None, None], 0)),
            says="an exception got lost in its thread: keep it, and raise it in the caller",
        ),
        Mistake(
            name="first-in-time",
            value=lambda case: run_all_case(case, both_fail=("raised IndexError", 0)),
            says="you raise the failure that came first in time: raise the one that stands first in the list",
        ),
        Mistake(
            name="not-joined",
            value=lambda case: run_all_case(case, fails=("raised KeyError", 0)),
            says="you raise while other tasks still run: wait for all of them first",
        ),
        Mistake(
            name="no-tasks",
            value=lambda case: run_all_case(case, none=("raised ValueError", 0)),
            says="an empty list of tasks raises: a pool needs at least one worker, even to do nothing",
        ),
    ),
)

# --- schedules -------------------------------------------------------------------------------------------


def follow(schedule, *, shared_register=False, whole=False, in_memory=False):
    """The counter after a schedule of read, add, write; the options are the known misunderstandings."""
    x, register, done = 0, {"A": 0, "B": 0}, {"A": 0, "B": 0}
    for who in schedule:
        own = "A" if shared_register else who
        phase = done[who] % 3
        if phase == 0:
            register[own] = x
        elif phase == 1:
            register[own] += 1
            x = register[own] if in_memory else x
        else:
            x = x + 1 if whole else register[own]
        done[who] += 1
    return x


final_value = Exercise(
    name="final_value",
    difficulty=1,
    minutes=10,
    read="A machine small enough to enumerate",
    hints=(
        "Keep for each thread a register and the number of steps it has done.",
        "A letter means: this thread's next step. Its first is a read, its second an add, its third a write.",
        "The read copies x into the register of that letter, the add changes only the register, "
        "the write copies the register into x.",
    ),
    cases=lambda rng: [
        (s,)
        for s in (
            "",
            "AAB",
            "AAABBB",
            "BBBAAA",
            "ABABAB",
            "AABBBA",
            "ABBBAA",
            "".join(rng.permutation(list("AAABBB"))),
            "AAABB",
            "BBBA",
        )
    ],
    expected=lambda case: follow(case[0]),
    mistakes=(
        Mistake(
            name="whole",
            value=lambda case: follow(case[0], whole=True),
            says="your write adds to the x of that moment: it stores the register, however old its value is",
        ),
        Mistake(
            name="shared-register",
            value=lambda case: follow(case[0], shared_register=True),
            says="your threads share one register: each has its own",
        ),
        Mistake(
            name="in-memory",
            value=lambda case: follow(case[0], in_memory=True),
            says="your add changes x: it changes the register, and x only with the write",
        ),
        Mistake(
            name="steps",
            value=lambda case: len(case[0]) // 3,
            says="you counted steps: what matters is which value each write stores",
        ),
    ),
)


def schedules(steps):
    return factorial(sum(steps)) // prod(map(factorial, steps))


count_schedules = Exercise(
    name="count_schedules",
    difficulty=2,
    minutes=10,
    read="How many schedules?",
    hints=(
        "A schedule is a string of letters. How many strings have n₁ letters A, n₂ letters B, ...?",
        "All orders of all steps are (n₁ + n₂ + ...)!; how many of them belong to the same schedule?",
        "Divide `factorial(sum(steps))` by the factorial of every entry, with `//`.",
    ),
    rtol=0,  # whole numbers, all digits
    cases=lambda rng: [
        ([3, 3],),
        ([],),
        ([4],),
        ([0, int(rng.integers(3, 9))],),
        ([2, 2, 2],),
        ([1, 2, 3, 4],),
        ([30, 31],),
    ],
    expected=lambda case: schedules(case[0]),
    mistakes=(
        Mistake(
            name="all-orders",
            value=lambda case: factorial(sum(case[0])),
            says="you count all orders of all steps: each thread's own steps stay in their order, so divide",
        ),
        Mistake(
            name="order-of-threads",
            value=lambda case: factorial(len(case[0])),
            says="you count orders of whole threads: they may be interrupted after every step",
        ),
        Mistake(
            name="any-letter",
            value=lambda case: len(case[0]) ** sum(case[0]),
            says="you let every step be anybody's: a thread has no more steps than its number says",
        ),
        Mistake(
            name="two-threads",
            value=lambda case: schedules(case[0][:2]),
            says="only the first two threads are counted: the list may be longer",
        ),
        Mistake(
            name="product",
            value=lambda case: prod(case[0]),
            says="you multiply the numbers of steps: count strings with so many letters of each thread",
        ),
        Mistake(
            name="divided-by-steps",
            value=lambda case: (
                Raises("ZeroDivisionError") if 0 in case[0] else factorial(sum(case[0])) // prod(case[0])
            ),
            says="you divide by the numbers of steps: n steps can be permuted in n! ways",
        ),
        Mistake(
            name="first-thread",
            value=lambda case: comb(sum(case[0]), case[0][0]) if case[0] else 1,
            says="you place the first thread's letters only: the others may be ordered in several ways too",
        ),
        Mistake(
            name="through-floats",
            value=lambda case: int(factorial(sum(case[0])) / prod(map(factorial, case[0]))),
            says="`/` rounds to 16 digits, and the number has more: divide whole numbers with `//`",
        ),
    ),
)


def totals_by_search(m, n):
    """All final totals of m increments beside n, found by visiting every state."""
    found, seen, todo = set(), set(), [(0, 0, 0, 0, 0)]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        x, *rest = state
        if rest[0] == 3 * m and rest[1] == 3 * n:
            found.add(x)
        for who, last in ((0, 3 * m), (1, 3 * n)):
            if rest[who] < last:
                todo.append(advanced(x, rest, who))
    return sorted(found)


def advanced(x, rest, who):
    (done, registers), phase = (list(rest[:2]), list(rest[2:])), rest[who] % 3
    if phase == 0:
        registers[who] = x
    elif phase == 1:
        registers[who] += 1
    else:
        x = registers[who]
    done[who] += 1
    return (x, *done, *registers)


def totals_from_two(case):
    return list(range(2, sum(case) + 1)) if min(case) else [sum(case)]


possible_totals = Exercise(
    name="possible_totals",
    difficulty=3,
    minutes=20,
    read="How wrong can it get?",
    hints=(
        "The theorem covers m = n ≥ 2. Which cases are left: no increments, and a single one?",
        "With one increment, a thread can read 0 at the very start and write 1 at the very end.",
        "If one is 0, only the other counts. Otherwise all totals from 2 (1 if the smaller is 1) to m + n.",
    ),
    cases=lambda rng: [
        (m, n)
        for m, n in (
            (1, 1),
            (0, 0),
            (0, 3),
            (4, 0),
            (1, 4),
            (3, 1),
            (2, 2),
            (2, int(rng.integers(3, 7))),
            (4, 3),
        )
    ],
    expected=lambda case: totals_by_search(*case),
    mistakes=(
        Mistake(
            name="always-right",
            value=lambda case: [sum(case)],
            says="this is the total without any lost update: schedules may lose some",
        ),
        Mistake(
            name="from-one",
            value=lambda case: list(range(1, sum(case) + 1)) if min(case) else [sum(case)],
            says="a total of 1 needs a thread with one increment: with two, its last read finds at least 1",
        ),
        Mistake(
            name="one-each",
            value=lambda case: list(range(max(case), sum(case) + 1)),
            says="you let a stale write lose one update: it loses all that the other thread did meanwhile",
        ),
        Mistake(
            name="from-two",
            value=lambda case: totals_from_two(case),
            says="with a single increment a thread can write 1 at the very end: that total is missing",
        ),
        Mistake(
            name="theorem-only",
            value=lambda case: list(range(2, sum(case) + 1)),
            says="the theorem asks for at least two increments each: treat 0 and 1 apart",
        ),
        Mistake(
            name="from-one-always",
            value=lambda case: list(range(1, sum(case) + 1)),
            says="not all totals occur: with two increments each none is below 2, and beside 0 all count",
        ),
        Mistake(
            name="one-beside-one",
            value=lambda case: [1, 2] if case == (1, 1) else totals_from_two(case),
            says="a single increment can write 1 at the end beside any number of others, not only beside one",
        ),
        Mistake(
            name="zero-forgotten",
            value=lambda case: list(range(min(2, min(case)), sum(case) + 1)),
            says="a thread without increments disturbs nobody: then there is one total",
        ),
    ),
)

# --- critical sections -----------------------------------------------------------------------------------


class Log:
    """A store and a lock in one that note what is done, and whether the lock is held meanwhile.

    `fails` names the access that raises. The lock is busy when it is first tried without waiting.
    """

    def __init__(self, free, fails):
        self.free, self.fails = free, fails
        self.held, self.busy = False, True
        self.acquired = self.outside = 0

    def acquire(self, blocking=True, timeout=-1):
        if self.busy and not blocking:
            self.busy = False
            return False
        if self.held:
            raise RuntimeError("the lock is already held: this thread would wait for ever")
        self.held, self.acquired = True, self.acquired + 1
        return True

    def release(self):
        if not self.held:
            raise RuntimeError("release unlocked lock")
        self.held = False

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *error):
        self.release()

    def locked(self):
        return self.held

    def read(self):
        self.outside += not self.held
        if self.fails == "read":
            raise OSError("disk unreadable")
        return self.free

    def write(self, free):
        self.outside += not self.held
        if self.fails == "write":
            raise OSError("disk full")
        self.free = free


class LockOf:
    """The lock's face of a log: it has no store."""

    def __init__(self, log):
        self.acquire, self.release, self.locked = log.acquire, log.release, log.locked

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *error):
        self.release()


class StoreOf:
    """The store's face of a log."""

    def __init__(self, log):
        self.read, self.write = log.read, log.write


def answer_of_booking(answer, case):
    log = Log(*case)
    try:
        booked = answer(StoreOf(log), LockOf(log))
    except OSError:
        booked = "the store's error"
    return booking(booked, log.free, log.acquired, log.outside, log.held)


def booking(booked, left, acquired, outside, held):
    return {
        "returned": booked,
        "seats left": left,
        "times the lock was acquired": acquired,
        "an access without the lock": outside > 0,
        "lock held at the end": held,
    }


def booking_case(case, *, acquired=1, outside=0, held=False, below=False, anyway=False, swallow=False):
    free, fails = case
    booked = free > 0 or below
    failed = fails == "read" or fails == "write" and (booked or anyway)
    left = free - 1 if booked and not failed else free
    if failed:
        booked = False if swallow else "the store's error"
    return booking(booked, left, acquired, outside, held)


def gets_to_write(case):
    free, fails = case
    return free > 0 and fails != "read"


book_seat = Exercise(
    name="book_seat",
    difficulty=2,
    minutes=10,
    read="A race condition in safe Rust",
    hints=(
        "Which accesses must no other thread come between? All of them must lie in one critical section.",
        "`with lock:` acquires the lock and releases it on every way out, by `return` or by an error.",
        "Put the read, the `if` and the write into one `with lock:` block.",
    ),
    cases=lambda rng: [(3, ""), (1, ""), (0, ""), (2, "write"), (0, "write"), (2, "read")],
    expected=booking_case,
    call=answer_of_booking,
    describe=lambda case: f"{case[0]} free seats" + (case[1] and f", and a store whose {case[1]} raises"),
    mistakes=(
        Mistake(
            name="no-lock",
            value=lambda case: booking_case(case, acquired=0, outside=1),
            says="the lock is never acquired: two threads may read the same number",
        ),
        Mistake(
            name="checked-outside",
            value=lambda case: booking_case(case, acquired=int(gets_to_write(case)), outside=1),
            says="you read before you lock: when you write, the number may be old (check, then act)",
        ),
        Mistake(
            name="two-sections",
            value=lambda case: booking_case(case, acquired=2 if gets_to_write(case) else 1),
            says="you release the lock between the read and the write: another thread may read in between",
        ),
        Mistake(
            name="written-outside",
            value=lambda case: booking_case(case, outside=gets_to_write(case)),
            says="you write after the lock is released: another thread may have read in between",
        ),
        Mistake(
            name="held-when-sold-out",
            value=lambda case: booking_case(case, held=case[0] == 0 or case[1] != ""),
            says="the lock stays held after an early return or an error: use `with`, or `try` and `finally`",
        ),
        Mistake(
            name="held-after-error",
            value=lambda case: booking_case(case, held=case[0] > 0 and case[1] != ""),
            says="the lock stays held when the store raises: use `with`, or release it in `finally`",
        ),
        Mistake(
            name="held-after-read",
            value=lambda case: booking_case(case, held=case[1] == "read"),
            says="the lock stays held when the read raises: all that follows the acquire belongs into `try`",
        ),
        Mistake(
            name="below-zero",
            value=lambda case: booking_case(case, below=True),
            says="you sell a seat that is not there: with 0 free seats return False and write nothing",
        ),
        Mistake(
            name="written-anyway",
            value=lambda case: booking_case(case, anyway=True),
            says="you write the number back although no seat is free: leave the store alone then",
        ),
        Mistake(
            name="swallowed",
            value=lambda case: booking_case(case, swallow=True),
            says="the store's error disappears: release the lock, and let the error pass",
        ),
        Mistake(
            name="not-waiting",
            value=lambda case: booking(False, case[0], 0, 0, False),
            says="you give up when the lock is busy: wait for it, since a seat may be free all the same",
        ),
    ),
)

# --- deadlock --------------------------------------------------------------------------------------------


def waiting_for(holder, waits, thread):
    return holder.get(waits.get(thread))


def chain_of(holder, waits, thread):
    """The threads one meets when following the arrows from a thread, until one repeats or the chain ends."""
    met = []
    while (thread := waiting_for(holder, waits, thread)) is not None and thread not in met:
        met.append(thread)
    return met


def on_cycles(holder, waits):
    return sorted(t for t in waits if t in chain_of(holder, waits, t))


def never_again(holder, waits):
    cycle = set(on_cycles(holder, waits))
    return sorted(t for t in waits if t in cycle or cycle & set(chain_of(holder, waits, t)))


def one_cycle(holder, waits):
    found = on_cycles(holder, waits)
    return sorted({found[0], *chain_of(holder, waits, found[0])}) if found else []


def pairs_only(holder, waits):
    def back(t):
        return waiting_for(holder, waits, waiting_for(holder, waits, t))

    return sorted(t for t in waits if back(t) == t)


WAITS = [
    ({"L": "A", "M": "B"}, {"A": "M", "B": "L", "C": "L"}),
    ({}, {}),
    ({"L": "A"}, {"B": "L"}),
    ({"L": "A", "M": "B"}, {"A": "M", "B": "N"}),  # N is free
    ({"L": "A"}, {"A": "L"}),  # waits for itself
    ({"L": "A", "M": "B", "N": "C"}, {"A": "M", "B": "N", "C": "L"}),
    ({"L": "A", "M": "B", "N": "C", "P": "D"}, {"A": "M", "B": "L", "C": "P", "D": "N"}),
    ({"L": "A", "M": "B", "N": "C", "P": "D"}, {"D": "N", "C": "M", "B": "L", "A": "M", "E": "P"}),
]

deadlocked = Exercise(
    name="deadlocked",
    difficulty=3,
    minutes=20,
    read="Four conditions, and a picture",
    hints=(
        "From a waiting thread there is one way: to the lock it waits for, and on to that lock's holder.",
        "Follow the way from each thread; it is on a cycle if the way comes back to it.",
        "Take at most len(waits) steps of `other = holder.get(waits.get(other))`, starting from the thread.",
    ),
    cases=lambda rng: WAITS,
    expected=lambda case: on_cycles(*case),
    mistakes=(
        Mistake(
            name="all-waiting",
            value=lambda case: sorted(case[1]),
            says="you return everybody who waits: only a cycle waits for ever",
        ),
        Mistake(
            name="all-blocked",
            value=lambda case: sorted(t for t, lock in case[1].items() if lock in case[0]),
            says="you return everybody whose lock is held: its holder may go on and give it back",
        ),
        Mistake(
            name="hold-and-wait",
            value=lambda case: sorted(t for t in case[1] if t in case[0].values()),
            says="you return those who hold one lock and wait for another: that need not make a cycle",
        ),
        Mistake(
            name="blocked-behind",
            value=lambda case: never_again(*case),
            says="you also return threads that wait for a member of a cycle: they are not on it themselves",
        ),
        Mistake(
            name="pairs-only",
            value=lambda case: pairs_only(*case),
            says="you find cycles of two (and of one): a ring may be longer",
        ),
        Mistake(
            name="one-cycle",
            value=lambda case: one_cycle(*case),
            says="you stop at the first cycle: there may be several",
        ),
        Mistake(
            name="no-self",
            value=lambda case: [t for t in on_cycles(*case) if waiting_for(*case, t) != t],
            says="a thread that waits for a lock it holds itself is a cycle of one",
        ),
    ),
)


def edges(programs):
    """(before, after) for locks that a thread takes in this order."""
    return {
        (lock, other) for program in programs for i, lock in enumerate(program) for other in program[i + 1 :]
    }


def acyclic(pairs):
    locks = {lock for pair in pairs for lock in pair}
    while locks:
        free = locks - {after for before, after in pairs if before in locks}
        if not free:
            return False
        locks -= free
    return True


def by_appearance(programs):
    """Whether the order in which the locks are first named fits every thread."""
    order = list(dict.fromkeys(lock for program in programs for lock in program))
    return all(order.index(before) < order.index(after) for before, after in edges(programs))


def neighbours(programs):
    return {pair for program in programs for pair in zip(program, program[1:])}


def same_order_of(pairs):
    return not any((after, before) in pairs for before, after in pairs)


def no_ring_of_three(pairs):
    """Whether there is no ring of one, two or three locks."""
    longer = any((b, c) in pairs and (c, a) in pairs for a, b in pairs for _, c in pairs)
    return same_order_of(pairs) and not longer


ORDERS = [
    ([["L", "M"], ["M", "N"], ["N", "L"]],),
    ([],),
    ([[], ["L"]],),
    ([["L", "M"], ["L", "M"]],),
    ([["L", "M"], ["M", "L"]],),
    ([["L", "M"], ["L", "N"], ["N", "M"]],),
    ([["L", "M", "N"], ["N", "L"]],),
    ([["L", "L"]],),
    ([["P", "N"], ["N", "M"], ["M", "L"]],),
    ([["L", "M"], ["L", "N", "M"], ["L", "M", "N"]],),
    ([["A", "B"], ["B", "C"], ["C", "D"], ["D", "B"]],),
    ([["A", "B"], ["B", "C"], ["C", "D"], ["D", "A"]],),
]

has_lock_order = Exercise(
    name="has_lock_order",
    difficulty=3,
    minutes=20,
    read="One order for all",
    hints=(
        "Each thread gives arrows from a lock to those it takes later. When do arrows fit a numbering?",
        "There is a numbering exactly if no way along the arrows comes back to its start.",
        "Again and again, number next a lock that stands behind no other one, and strike it out; "
        "if there is none while locks are left, the answer is False.",
    ),
    cases=lambda rng: ORDERS,
    expected=lambda case: acyclic(edges(case[0])),
    mistakes=(
        Mistake(
            name="pairs",
            value=lambda case: same_order_of(edges(case[0])),
            says="you compare two locks at a time: three threads can form a ring although no two disagree",
        ),
        Mistake(
            name="neighbours",
            value=lambda case: same_order_of(neighbours(case[0])),
            says="you compare neighbours only: who takes L, M, N also takes L before N, and rings are longer",
        ),
        Mistake(
            name="up-to-three",
            value=lambda case: no_ring_of_three(edges(case[0])),
            says="you look for rings of two and three locks: a ring may have any number of them",
        ),
        Mistake(
            name="first-lock",
            value=lambda case: len({program[0] for program in case[0] if program}) <= 1,
            says="you compare the first locks: threads may begin with different ones and still fit one order",
        ),
        Mistake(
            name="alphabet",
            value=lambda case: all(p == sorted(set(p)) for p in case[0]),
            says="you ask for the order of the alphabet: any numbering of the locks will do",
        ),
        Mistake(
            name="alphabet-and-twice",
            value=lambda case: all(p == sorted(p) for p in case[0]),
            says="you ask for the order of the alphabet (any numbering will do), and allow a lock twice",
        ),
        Mistake(
            name="by-appearance",
            value=lambda case: by_appearance(case[0]),
            says="you number the locks as they first appear: where this one fails, another may fit",
        ),
        Mistake(
            name="twice",
            value=lambda case: acyclic({(a, b) for a, b in edges(case[0]) if a != b}),
            says="a thread that takes the same lock twice waits for itself: no order helps",
        ),
        Mistake(
            name="always",
            value=lambda case: True,
            says="you never say False: two threads that take two locks in opposite orders fit no numbering",
        ),
    ),
)

# --- in Rust ---------------------------------------------------------------------------------------------


def total_main(cases):
    calls = []
    for numbers, threads in cases:
        values = ", ".join(f"{n}_i64" for n in numbers)
        calls.append(f"shared_total(&Vec::<i64>::from([{values}]), {threads})")
    return 'fn main() {\n    println!("{:?}", [' + ", ".join(calls) + "]);\n}\n"


def total_of(case, *, tail=True, first=False, last=False):
    numbers, threads = case
    size = max(1, -(-len(numbers) // threads))
    if not tail:
        return sum(numbers[: len(numbers) // threads * threads])
    if first:
        return sum(numbers[:size])
    if last:
        return sum(numbers[(len(numbers) - 1) // size * size :]) if numbers else 0
    return sum(numbers)


shared_total = Exercise(
    name="shared_total",
    difficulty=2,
    minutes=15,
    source="B1.3",
    read="A borrow that may outlive its owner: E0373",
    language="rust",
    program=total_main,
    hints=(
        "Let each thread return its sum instead of writing into a variable that all share.",
        "`scope.spawn(move || part.iter().sum::<i64>())` gives a handle; collect them, then join.",
        "`chunks` must not get 0: `numbers.len().div_ceil(threads).max(1)` covers every length.",
    ),
    cases=lambda rng: [
        ([1, 2, 3, 4], 2),
        ([1, 2, 3, 4, 50], 2),
        ([], 3),
        ([5, -7], 8),
        ([9], 1),
        (rng.integers(-100, 100, 37).tolist(), 5),
    ],
    expected=total_of,
    mistakes=(
        Mistake(
            name="tail",
            value=lambda case: total_of(case, tail=False),
            says="numbers left over, where the length is no multiple of threads, are never added: round up",
        ),
        Mistake(
            name="tail-of-long",
            value=lambda case: total_of(case, tail=len(case[0]) < case[1]),
            says="you round the size of the parts down and drop what is left over: round up",
        ),
        Mistake(
            name="first-part",
            value=lambda case: total_of(case, first=True),
            says="this is the sum of the first part: join all threads and add their results",
        ),
        Mistake(
            name="last-part",
            value=lambda case: total_of(case, last=True),
            says="this is the sum of the last part: each thread's result overwrites those before",
        ),
        Mistake(
            name="nothing",
            value=lambda case: 0,
            says="the total is always 0: a `move` closure adds to a copy, so let the threads return sums",
        ),
    ),
)

TRANSFER_MAIN = """
fn transfer_case(
    balances: &[i64],
    from: usize,
    to: usize,
    amount: i64,
    held: Option<usize>,
) -> String {
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;
    let all: Vec<Mutex<i64>> = balances.iter().map(|&b| Mutex::new(b)).collect();
    let accounts: &'static [Mutex<i64>] = Box::leak(all.into_boxed_slice());
    let guard = held.map(|i| accounts[i].lock().unwrap());
    let (done, answer) = mpsc::channel();
    std::thread::spawn(move || done.send(transfer(accounts, from, to, amount)));
    let mut free = true;
    if let Some(i) = held {
        std::thread::sleep(Duration::from_millis(60)); // now it waits for the held lock
        free = accounts[from + to - i].try_lock().is_ok();
    }
    drop(guard);
    match answer.recv_timeout(Duration::from_secs(1)) {
        Ok(moved) => {
            let now: Vec<Option<i64>> = accounts.iter().map(|a| a.try_lock().ok().map(|b| *b)).collect();
            let now: Vec<String> =
                now.iter().map(|b| b.map_or("null".to_string(), |b| b.to_string())).collect();
            format!("[{moved}, [{}], {free}]", now.join(", "))
        }
        Err(mpsc::RecvTimeoutError::Timeout) => "\\"waits for ever\\"".to_string(),
        Err(_) => panic!("the call of transfer panicked"),
    }
}
"""


def transfer_main(cases):
    calls = []
    for balances, source, target, amount, held in cases:
        lock = "None" if held is None else f"Some({held})"
        calls.append(f"transfer_case(&{balances}, {source}, {target}, {amount}, {lock})")
    main = 'fn main() {\n    println!("[{}]", [' + ", ".join(calls) + '].join(", "));\n}\n'
    return TRANSFER_MAIN + main


def transferred(case, *, order=min, self_safe=True, least=0, checks=True, adds=True):
    """What transfer does in a case; `order` picks the lock that it has to wait for first, if that is held."""
    balances, source, target, amount, held = case
    if source == target and not self_safe:
        return "waits for ever"
    moved = balances[source] - amount >= least or not checks
    after = list(balances)
    if moved:
        after[source] -= amount
        after[target] += amount if adds or source == target else 0
    free = held is None or order(source, target) == held
    return [moved, after, free]


def first_of(source, target):
    return source


def second_of(source, target):
    return target


def alone(case):
    """What transfer does if it holds one lock at a time: the other account is always free."""
    moved, after, _ = transferred(case)
    return [moved, after, True]


def looked_first(case):
    """What transfer does if it reads the source's balance under a lock of its own, and then takes both."""
    moved, after, free = transferred(case)
    return [moved, after, free or case[4] == case[1]]


def low_to_high(case):
    balances, source, target, amount, held = case
    return transferred((balances, min(source, target), max(source, target), amount, held))


def to_itself(case, answer):
    moved, after, free = transferred(case)
    return [answer if case[1] == case[2] else moved, after, free]


transfer = Exercise(
    name="transfer",
    difficulty=3,
    minutes=20,
    read="One order for all",
    language="rust",
    program=transfer_main,
    describe=lambda case: (
        f"balances {case[0]}, move {case[3]} from {case[1]} to {case[2]}"
        + ("" if case[4] is None else f", while another thread holds account {case[4]}")
        + ": [moved, balances, the other account is free meanwhile]"
    ),
    hints=(
        "Treat `from == to` first: there is one lock, and no money moves.",
        "Lock `accounts[from.min(to)]`, then `accounts[from.max(to)]`, whichever way the money goes.",
        "With both guards in hand decide which of them is the source; compare, subtract, add.",
    ),
    cases=lambda rng: [
        ([100, 50], 0, 1, int(rng.integers(1, 50)), None),
        ([100, 50, 7], 2, 0, 7, None),  # all that is there
        ([100, 50], 1, 0, 51, None),
        ([100, 50], 1, 1, 20, None),
        ([100, 50], 1, 1, 70, None),
        ([100, 50], 1, 0, 20, 0),
        ([100, 50], 0, 1, 20, 0),
        ([100, 50], 1, 0, 20, 1),
        ([100, 50], 0, 1, 20, 1),
    ],
    expected=transferred,
    mistakes=(
        Mistake(
            name="source-first",
            value=lambda case: transferred(case, order=first_of),
            says="you lock the source first: two opposite transfers can then wait for each other for ever",
        ),
        Mistake(
            name="target-first",
            value=lambda case: transferred(case, order=second_of),
            says="you lock the target first: two opposite transfers can then wait for each other for ever",
        ),
        Mistake(
            name="source-first-and-twice",
            value=lambda case: transferred(case, order=first_of, self_safe=False),
            says="you lock source, then target: opposite transfers deadlock, and so does one to oneself",
        ),
        Mistake(
            name="larger-first",
            value=lambda case: transferred(case, order=max),
            says="you take the larger index first: also an order, but the exercise asks for the smaller one",
        ),
        Mistake(
            name="twice",
            value=lambda case: transferred(case, self_safe=False),
            says="with from == to you lock the same mutex twice, and wait for yourself",
        ),
        Mistake(
            name="overdrawn",
            value=lambda case: transferred(case, checks=False),
            says="you move more than there is: compare first, and return false",
        ),
        Mistake(
            name="strict",
            value=lambda case: transferred(case, least=1),
            says="moving exactly what is there is allowed",
        ),
        Mistake(
            name="one-at-a-time",
            value=alone,
            says="you hold one lock at a time: in between, others see the money twice or not at all",
        ),
        Mistake(
            name="looked-first",
            value=looked_first,
            says="you compare before you hold both locks: the balance may have changed (check, then act)",
        ),
        Mistake(
            name="copies",
            value=lambda case: [alone(case)[0], case[0], True],
            says="no balance changes: `*lock().unwrap()` in a `let` copies the number and drops the guard",
        ),
        Mistake(
            name="not-added",
            value=lambda case: transferred(case, adds=False),
            says="the amount leaves the source and does not arrive: add it to the target",
        ),
        Mistake(
            name="low-to-high",
            value=low_to_high,
            says="the money always leaves the smaller index: that is locked first, but is not always `from`",
        ),
        Mistake(
            name="itself-always",
            value=lambda case: to_itself(case, True),
            says="from == to: the answer is still false if the account holds less than the amount",
        ),
        Mistake(
            name="itself-never",
            value=lambda case: to_itself(case, False),
            says="from == to: the answer is true if the account holds the amount",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

lost_update_steps = Order(
    name="lost_update_steps",
    difficulty=2,
    minutes=3,
    read="How wrong can it get?",
    question="Two threads increment 1,000 times each. Order the steps of a schedule that ends with 2.",
    steps=(
        ("A reads 0.", "This value must become as old as possible."),
        ("B does 999 whole increments.", "All of them will be lost to A's stale write."),
        ("A writes 1.", "The counter falls from 999 to 1."),
        ("B reads 1 for its last increment.", "Now B holds the stale value."),
        ("A does its other 999 increments.", "All of them will be lost to B's last write."),
        ("B writes 2.", "The last write decides the total."),
    ),
)

gil_protects = Choice(
    name="gil_protects",
    difficulty=2,
    minutes=3,
    read="What Python's lock protects",
    question="CPython with its GIL. Which of these may two threads do without another lock? Tick all.",
    options=(
        Option(
            text="`items.append(value)` on a shared list",
            says="One operation of a built-in type: the list stays sound and no element is lost.",
            right=True,
        ),
        Option(
            text="`total += value` on a shared number",
            says="Load, add and store are separate instructions; the lock may change hands in between.",
        ),
        Option(
            text="`if key not in cache: cache[key] = load(key)`",
            says="Check, then act: both threads may find the key missing, and both load.",
        ),
        Option(
            text="Reading a tuple that nobody changes",
            says="Right. Without a writer there is no race, with or without a GIL.",
            right=True,
        ),
        Option(
            text="`for key in table:` while the other thread adds keys",
            says="The loop spans many instructions; Python raises RuntimeError when it notices.",
        ),
    ),
)

six_snippets = Choice(
    name="six_snippets",
    difficulty=2,
    minutes=5,
    source="B1.3",
    read="What Rust refuses",
    question="Which of these compile? Tick all.",
    options=(
        Option(
            text='(1) `let v = vec![1, 2]; thread::spawn(|| println!("{v:?}")).join().unwrap();`',
            says="E0373: the closure borrows v, and spawn must assume that the thread outlives it; "
            "that join follows at once does not count.",
        ),
        Option(
            text='(2) `let v = vec![1, 2]; thread::spawn(move || println!("{v:?}")).join().unwrap();`',
            says="The closure owns the vector and takes it along.",
            right=True,
        ),
        Option(
            text='(3) `let r = Rc::new(1); thread::spawn(move || println!("{r}")).join().unwrap();`',
            says="E0277: Rc is not Send, even if it has one owner only; the type decides, not the case.",
        ),
        Option(
            text="(4) `let v = vec![1, 2]; thread::scope(|s| { s.spawn(|| v.len()); s.spawn(|| v[0]); });`",
            says="Two readers, and the scope joins both before v is dropped.",
            right=True,
        ),
        Option(
            text="(5) `let mut n = 0; thread::scope(|s| { s.spawn(|| n += 1); s.spawn(|| n += 1); });`",
            says="E0499: two mutable borrows at the same time.",
        ),
        Option(
            text="(6) `let n = Mutex::new(0); thread::scope(|s| { s.spawn(|| { let old = *n.lock().unwrap(); "
            "*n.lock().unwrap() = old + 1; }); });`",
            says="It compiles. A second such thread may lose an update: no data race, but a race condition.",
            right=True,
        ),
    ),
)

concurrency_words = Match(
    name="concurrency_words",
    difficulty=2,
    minutes=4,
    read="Livelock and starvation",
    question="Which word belongs to which description?",
    pairs=(
        (
            "data race",
            "two accesses to the same memory, one a write, without an order between them",
            "A statement about accesses; safe Rust rules it out.",
        ),
        (
            "race condition",
            "some schedules give a wrong result",
            "A statement about the purpose of the program; no type knows it.",
        ),
        ("deadlock", "a cycle of threads that wait for each other", "Nobody in the cycle can do a step."),
        (
            "livelock",
            "steps without end and without progress",
            "All can go, and a schedule returns to its start.",
        ),
        (
            "starvation",
            "others make progress, one thread never",
            "The scheduler or the lock is not fair to it.",
        ),
    ),
)

thread_output = Predict(
    name="thread_output",
    difficulty=2,
    minutes=3,
    read="A borrow that may outlive its owner: E0373",
    question="What does this Python program print?",
    code="import threading\n\n"
    "results = []\n"
    "factor = 1\n"
    "threads = []\n"
    "for i in range(3):\n"
    "    threads.append(threading.Thread(target=lambda n: results.append(n * factor), args=(i,)))\n"
    "factor = 10\n"
    "for t in threads:\n"
    "    t.start()\n"
    "    t.join()\n"
    "print(results)",
    answer="[0, 10, 20]",
    says="`args=(i,)` is evaluated in the loop, `factor` when the thread runs; each thread is joined before "
    "the next one starts, so the order is fixed.",
    wrong={
        "[0, 1, 2]": "The lambda captures the variable factor, which holds 10 by the time the threads run.",
        "[20, 20, 20]": "i is handed over by value in args; only factor is looked up late.",
        "[2, 2, 2]": "That is the fault of a lambda that uses i; here i is an argument, and factor is 10.",
    },
)

ENTRIES = (
    run_all,
    final_value,
    count_schedules,
    possible_totals,
    lost_update_steps,
    gil_protects,
    shared_total,
    six_snippets,
    book_seat,
    deadlocked,
    has_lock_order,
    transfer,
    concurrency_words,
    thread_output,
)
