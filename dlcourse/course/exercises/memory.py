"""Exercises of 04_memory: what is asked, which mistakes are known, and what to say about them."""

import contextlib
import ctypes
import json
import math

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, NotPlain, Option, Order, Predict


def main_of(calls, before=""):
    """A `main` that prints one JSON list; each call is a Rust expression for a text of JSON."""
    lines = "".join(f"        {call},\n" for call in calls)
    return before + 'fn main() {\n    println!("[{}]", [\n' + lines + '    ].join(", "));\n}\n'


# --- a trace of resident memory --------------------------------------------------------------------------


def resident():
    """The resident memory of this process in bytes, once the allocator has given back what is free.

    Without this a large array may be made from pages that an earlier one has left, and memory does not rise.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # glibc's alone
        ctypes.CDLL(None).malloc_trim(0)
    try:
        with open("/proc/self/status") as lines:
            for line in lines:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    import psutil

    return psutil.Process().memory_info().rss


def trace_shape(answer, case):
    """The rise and the fall in words; the bands are wide, since a process has other memory as well."""
    (size,) = case
    readings = answer(size, resident)
    if not isinstance(readings, list | tuple) or len(readings) != 3:
        raise NotPlain("something that is not a list of three readings")
    try:
        before, inside, after = (float(reading) for reading in readings)
    except (TypeError, ValueError):
        raise NotPlain("readings that are not numbers") from None
    rise, fall = (inside - before) / size, (inside - after) / size
    up = "nothing" if rise < 0.05 else "too little" if rise < 0.7 else "enough" if rise < 1.8 else "too much"
    down = "rises again" if fall < -0.5 else "falls" if fall > 0.6 * max(rise, 0.2) else "stays"
    return {"rise": up, "then": down}


rss_trace = Exercise(
    name="rss_trace",
    difficulty=2,
    minutes=12,
    source="B4.3",
    read="One hundred million bytes in a scope",
    hints=(
        "A function of its own is the scope: it makes the object, reads, and returns the reading alone.",
        "`np.zeros` and `bytes(n)` cost nothing until written; `np.ones(size, np.uint8)` is written.",
        "def scope(): data = np.ones(size, np.uint8); return read(). Then [before, scope(), read()].",
    ),
    cases=lambda rng: [(40_000_000,), (60_000_000,)],  # so large that each is given back on its own
    expected=lambda case: {"rise": "enough", "then": "falls"},
    call=trace_shape,
    describe=lambda case: f"size = {case[0]:,}",
    seconds=20,
    mistakes=(
        Mistake(
            name="untouched",
            value=lambda case: {"rise": "nothing", "then": "stays"},
            says="the second reading is no higher than the first: is the object still alive when you read, "
            "and has it been written? Zeros that nobody wrote occupy nothing",
        ),
        Mistake(
            name="kept",
            value=lambda case: {"rise": "enough", "then": "stays"},
            says="the third reading is as high as the second: the object is still referred to; "
            "make it in a function of its own, or delete the name",
        ),
        Mistake(
            name="order",
            value=lambda case: {"rise": "nothing", "then": "rises again"},
            says="the third reading is the highest: the order is before, inside, after",
        ),
        Mistake(
            name="too-much",
            value=lambda case: {"rise": "too much", "then": "falls"},
            says="the rise is far above `size`: size counts bytes, and an element may have 8 of them",
        ),
        Mistake(
            name="too-much-kept",
            value=lambda case: {"rise": "too much", "then": "stays"},
            says="the rise is far above `size` (count bytes, not elements), and the object is still "
            "referred to at the third reading",
        ),
        Mistake(
            name="too-little-kept",
            value=lambda case: {"rise": "too little", "then": "stays"},
            says="memory rises by much less than `size` (write to all of it), and the object is still "
            "referred to at the third reading",
        ),
        Mistake(
            name="too-little",
            value=lambda case: {"rise": "too little", "then": "falls"},
            says="memory rises by much less than `size`: count bytes, and write to all of them",
        ),
    ),
)

# --- last in, first out ----------------------------------------------------------------------------------

RELEASE = """
thread_local! {
    static LOG: std::cell::RefCell<Vec<usize>> = const { std::cell::RefCell::new(Vec::new()) };
}

struct Part(usize);

impl Drop for Part {
    fn drop(&mut self) {
        LOG.with_borrow_mut(|log| log.push(self.0));
    }
}

fn released(n: usize) -> String {
    let count = release((0..n).map(Part).collect::<Vec<_>>());
    let log = LOG.with_borrow_mut(std::mem::take);
    assert_eq!(release(vec![String::from("any type")]), release(vec![1.5]));
    format!("[{log:?}, {count}]")
}

"""

release = Exercise(
    name="release",
    difficulty=1,
    minutes=6,
    read="Who gives it back: RAII",
    language="rust",
    program=lambda cases: main_of([f"released({n})" for (n,) in cases], RELEASE),
    describe=lambda case: f"{case[0]} parts, numbered from 0: [drops in their order, count]",
    hints=(
        "Which method of a vector hands out its last element, and what does it return when there is none?",
        "`pop()` returns an Option; the part it hands out is dropped at the end of the turn.",
        "let count = parts.len(); while let Some(part) = parts.pop() { drop(part); } count",
    ),
    cases=lambda rng: [(3,), (1,), (0,), (int(rng.integers(5, 12)),)],
    expected=lambda case: [list(range(case[0]))[::-1], case[0]],
    mistakes=(
        Mistake(
            name="forwards",
            value=lambda case: [list(range(case[0])), case[0]],
            says="the first part is dropped first, as a vector does by itself: begin with the last",
        ),
        Mistake(
            name="leaked",
            value=lambda case: [[], case[0]],
            says="nothing was dropped: `forget` (or a `ManuallyDrop`) lets go without dropping",
        ),
        Mistake(
            name="last-alone",
            value=lambda case: [list(range(case[0]))[-1:], case[0]],
            says="one part alone was dropped: repeat until there is none",
        ),
        Mistake(
            name="counted-late",
            value=lambda case: [list(range(case[0]))[::-1], 0],
            says="the number is 0: take the length before the parts are gone",
        ),
    ),
)

# --- a pool of buffers -----------------------------------------------------------------------------------


def pooled(
    operations,
    *,
    reuse=True,
    clean=True,
    fits=True,
    last=True,
    shorten=True,
    remove=True,
    length=False,
    top=False,
):
    """[length, sum, fresh] after each take, and the number of free buffers at the end."""
    free, taken, fresh, rows = [], [], 0, []  # a buffer: [capacity, its numbers]
    for kind, number in operations:
        if kind == "give":
            capacity, numbers = taken[number]
            free.append([capacity, [7.0] * len(numbers)])  # whoever had it has written to it
            continue
        room = [len(numbers) if length else capacity for capacity, numbers in free]
        found = [i for i, has in enumerate(room) if has >= number or not fits]
        if top:  # no other than the one given back last is looked at
            found = [i for i in found if i == len(free) - 1]
        if found and reuse:
            place = found[-1 if last else 0]
            capacity, numbers = free.pop(place) if remove else free[place]
            # what is there already stays, the rest is filled with zeros
            numbers = [0.0] * number if clean else (numbers + [0.0] * number)[:number]
            if not shorten:
                numbers = numbers + [0.0] * (capacity - number)
            capacity = max(capacity, number)
        else:
            capacity, numbers, fresh = number, [0.0] * number, fresh + 1
        taken.append([capacity, numbers])
        rows.append([len(numbers), sum(numbers), fresh])
    return [rows, len(free)]


def pool_main(cases):
    calls = []
    for (operations,) in cases:
        body = ["let mut pool = Pool::default()", "let mut rows: Vec<String> = Vec::new()"]
        body.append("let mut taken: Vec<Option<Vec<f64>>> = Vec::new()")
        for kind, number in operations:
            if kind == "take":
                body.append(f"let b: Vec<f64> = pool.take({number})")
                row = 'format!("[{}, {:?}, {}]", b.len(), b.iter().sum::<f64>().abs(), pool.fresh)'
                body += [f"rows.push({row})", "taken.push(Some(b))"]
            else:
                body.append(f"let mut b = taken[{number}].take().unwrap()")
                body += ["b.fill(7.0)", "pool.give(b)"]
        body.append('format!("[[{}], {}]", rows.join(", "), pool.free.len())')
        calls.append("{ " + "; ".join(body) + " }")
    return main_of(calls)


def pool_cases(rng):
    simple = [("take", 4), ("give", 0), ("take", 4), ("give", 1), ("take", 2), ("give", 2), ("take", 8)]
    two = [("take", 3), ("take", 9), ("give", 1), ("give", 0), ("take", 2), ("take", 6), ("take", 1)]
    other = [("take", 9), ("take", 3), ("give", 0), ("give", 1), ("take", 2), ("take", 8), ("take", 5)]
    wide = [("take", int(rng.integers(20, 40))), ("give", 0), ("take", 10), ("take", 10)]
    short = [("take", 8), ("give", 0), ("take", 2), ("give", 1), ("take", 8)]  # length 2, capacity 8
    below = [("take", 9), ("take", 3), ("give", 0), ("give", 1), ("take", 8)]  # the last one does not fit
    loop = [("take", 6), ("give", 0)]
    for step in range(1, 5):
        loop += [("take", 6), ("give", step)]
    return [(simple,), (two,), (other,), (wide,), (loop,), (short,), (below,), ([("take", 5)],)]


def described(operations):
    return ", ".join(f"take({n})" if kind == "take" else f"give(buffer {n})" for kind, n in operations)


buffer_pool = Exercise(
    name="buffer_pool",
    difficulty=3,
    minutes=20,
    read="When the allocator keeps the pages",
    language="rust",
    program=pool_main,
    describe=lambda case: f"{described(case[0])}: [[length, sum, fresh] of each take, free at the end]",
    hints=(
        "First look for a free buffer whose capacity suffices; only if there is none make a new one.",
        "A buffer that comes from `free` has old numbers in it and perhaps another length: "
        "`clear()` and `resize(n, 0.0)` repair both.",
        "match self.free.iter().rposition(|b| b.capacity() >= n) { Some(i) => self.free.remove(i), "
        "None => { self.fresh += 1; Vec::with_capacity(n) } }",
    ),
    cases=pool_cases,
    expected=lambda case: pooled(case[0]),
    mistakes=(
        Mistake(
            name="never-reused",
            value=lambda case: pooled(case[0], reuse=False),
            says="every buffer is a new one: look into `free` first",
        ),
        Mistake(
            name="old-numbers",
            value=lambda case: pooled(case[0], clean=False),
            says="a buffer that is used again still has its old numbers: `clear()` before `resize`",
        ),
        Mistake(
            name="too-small",
            value=lambda case: pooled(case[0], fits=False),
            says="a buffer with too small a capacity was taken, and had to be allocated again: compare first",
        ),
        Mistake(
            name="length",
            value=lambda case: pooled(case[0], length=True),
            says="a buffer whose capacity suffices was passed over: compare `capacity()`, not `len()`",
        ),
        Mistake(
            name="last-alone",
            value=lambda case: pooled(case[0], top=True),
            says="the buffer given back last does not fit, but another free one does: search all of them",
        ),
        Mistake(
            name="oldest",
            value=lambda case: pooled(case[0], last=False),
            says="of several that fit, the one given back last is wanted: `rposition` searches from the end",
        ),
        Mistake(
            name="too-long",
            value=lambda case: pooled(case[0], shorten=False),
            says="a larger buffer comes back with its full length: it must have n numbers",
        ),
        Mistake(
            name="still-free",
            value=lambda case: pooled(case[0], remove=False),
            says="the buffer is handed out and stays in `free` (as a copy?): take it out with `remove`",
        ),
    ),
)

# --- what arrays keep alive ------------------------------------------------------------------------------


def arrays_of(plan, passed):
    """The arrays of a plan: ("own", rows, columns, dtype) or ("view", which array, first row, last row)."""
    arrays = []
    for kind, *values in plan:
        if kind == "own":
            rows, columns, dtype = values
            arrays.append(np.empty((rows, columns), dtype))
        else:
            which, first, last = values
            arrays.append(arrays[which][first:last])
    return [arrays[i] for i in passed]


def kept(case, *, sizes="owner", once=True):
    chosen = arrays_of(*case)
    owners = [a if a.base is None else a.base for a in chosen]
    if sizes == "own":
        return sum(a.nbytes for a in chosen)
    if sizes == "no views":
        return sum(a.nbytes for a in chosen if a.base is None)
    if sizes == "elements":
        return sum({id(o): o.size for o in owners}.values())
    if sizes == "bases":
        return sum({id(a.base): a.base.nbytes for a in chosen if a.base is not None}.values())
    if sizes == "different":
        return sum({o.nbytes for o in owners})
    if sizes == "eight":
        return sum({id(o): 8 * o.size for o in owners}.values())
    if sizes == "both":
        extra = sum(a.nbytes for a in chosen if a.base is not None)
        return sum({id(o): o.nbytes for o in owners}.values()) + extra
    return sum({id(o): o.nbytes for o in owners}.values()) if once else sum(o.nbytes for o in owners)


bytes_kept = Exercise(
    name="bytes_kept",
    difficulty=2,
    minutes=10,
    read="Python counts, always",
    hints=(
        "For each array find the one that owns the data: itself, or its base.",
        "Two views of one owner must not count twice: remember the owners by `id`.",
        "A dictionary {id(owner): owner.nbytes} counts each once; add up its values.",
    ),
    cases=lambda rng: [
        ([("own", 100, 10, "f8"), ("view", 0, 3, 4)], [1]),  # a row of a matrix
        ([("own", 100, 10, "f8"), ("view", 0, 0, 50), ("view", 0, 50, 100)], [1, 2]),
        ([("own", 8, 4, "f4"), ("own", 5, 5, "f8")], [0, 1]),
        ([("own", 9, 2, "u1"), ("view", 0, 1, 8), ("view", 1, 2, 4)], [0, 2]),  # a view of a view
        ([], []),
        ([("own", 6, 5, "f8"), ("own", 6, 5, "f8"), ("view", 1, 0, 2)], [0, 2]),  # two owners of one size
        ([("own", int(rng.integers(20, 90)), 7, "f4"), ("view", 0, 5, 9), ("own", 3, 3, "f8")], [1, 2, 0]),
    ],
    expected=kept,
    call=lambda answer, case: answer(arrays_of(*case)),
    describe=lambda case: f"arrays made by {json.dumps(case[0])}, of which those at {case[1]} are passed",
    any_number=True,
    mistakes=(
        Mistake(
            name="own-sizes",
            value=lambda case: kept(case, sizes="own"),
            says="this adds up the arrays' own nbytes: a view keeps all the data of its base",
        ),
        Mistake(
            name="counted-twice",
            value=lambda case: kept(case, once=False),
            says="an owner with several views is counted more than once",
        ),
        Mistake(
            name="views-free",
            value=lambda case: kept(case, sizes="no views"),
            says="views count nothing here: each keeps its base alive",
        ),
        Mistake(
            name="elements",
            value=lambda case: kept(case, sizes="elements"),
            says="this is the number of elements: bytes are asked for, `nbytes`",
        ),
        Mistake(
            name="bases-alone",
            value=lambda case: kept(case, sizes="bases"),
            says="an array whose base is None owns its data, and they count as well",
        ),
        Mistake(
            name="same-size",
            value=lambda case: kept(case, sizes="different"),
            says="two owners that happen to have the same size are two: tell them apart by `id`",
        ),
        Mistake(
            name="eight-bytes",
            value=lambda case: kept(case, sizes="eight"),
            says="an element need not have 8 bytes: `nbytes` knows",
        ),
        Mistake(
            name="view-added",
            value=lambda case: kept(case, sizes="both"),
            says="a view has no data of its own: count its base, and not the view as well",
        ),
    ),
)

# --- counting references ---------------------------------------------------------------------------------


def freed(
    program,
    *,
    cascade=True,
    names=True,
    holds=True,
    breadth=False,
    tracing=False,
    exits=False,
    turn=False,
    once=False,
):
    """The objects in the order in which counting frees them; each option changes one rule."""
    variables, count, held, order = {}, {}, {}, []
    step = -1 if turn else 1

    def release(thing):
        waiting = [thing]
        while waiting:
            thing = waiting.pop(0)
            count[thing] -= 1
            if count[thing] == 0:
                order.append(thing)
                if cascade:
                    waiting = waiting + held[thing] if breadth else held[thing][::step] + waiting

    def sweep():
        found, waiting = set(), list(variables.values())
        while waiting:
            thing = waiting.pop()
            if thing not in found:
                found.add(thing)
                waiting += held[thing]
        for thing in count:
            if thing not in found and thing not in order:
                order.append(thing)

    for kind, *words in program:
        if kind == "new":
            variables[words[0]], count[words[0]], held[words[0]] = words[0], 1, []
        elif kind == "name":
            thing = variables[words[0]] = variables[words[1]]
            count[thing] += names
        elif kind == "hold":
            holder, other = variables[words[0]], variables[words[1]]
            if once and other in held[holder]:
                continue
            held[holder].append(other)
            count[other] += holds
        else:
            thing = variables.pop(words[0])
            if count[thing] > 0:
                release(thing)
            if tracing:
                sweep()
    if exits:
        for thing in list(variables.values()):
            release(thing)
    return order


def freed_cases(rng):
    new = [("new", "a"), ("new", "b"), ("new", "c"), ("new", "d")]
    chain = [*new, ("hold", "a", "b"), ("hold", "b", "c"), ("del", "b"), ("del", "c"), ("del", "a")]
    two_names = [("new", "a"), ("name", "b", "a"), ("new", "c"), *(("del", name) for name in "acb")]
    held = [("new", "a"), ("new", "b"), ("hold", "a", "b"), ("del", "b"), ("del", "a")]
    cycle = [*new, ("hold", "a", "b"), ("hold", "b", "a"), ("hold", "b", "d")]
    cycle += [("del", "a"), ("del", "b"), ("del", "d"), ("del", "c")]
    depth = [*new, ("new", "e"), *(("hold", *pair) for pair in ("ab", "ac", "bd", "be"))]
    depth += [("del", name) for name in ("b", "c", "d", "e", "a")]
    twice = [("new", "a"), ("new", "b"), ("hold", "a", "b"), ("hold", "a", "b"), ("del", "b"), ("del", "a")]
    again = [*new[:3], ("hold", "a", "b"), ("hold", "a", "c"), ("hold", "a", "b")]
    again += [("del", name) for name in "bca"]  # b has to wait for its second reference
    names = [str(name) for name in rng.permutation(list("pqrst"))]
    mixed = [("new", name) for name in names]
    mixed += [("hold", names[i], names[j]) for i, j in ((0, 1), (1, 2), (0, 3), (3, 4))]
    mixed += [("del", name) for name in names[1:]] + [("del", names[0])]
    return [(program,) for program in (two_names, held, chain, cycle, depth, twice, again, mixed)]


count_freed = Exercise(
    name="count_freed",
    difficulty=3,
    minutes=20,
    read="Python counts, always",
    hints=(
        "Keep three dictionaries: variable -> object, object -> count, object -> what it holds.",
        "One function takes 1 from a count; at zero it notes the object and calls itself for what it held.",
        "`new`: count 1. `name` and `hold`: 1 more. `del`: pop the variable and release its object.",
    ),
    cases=freed_cases,
    expected=lambda case: freed(case[0]),
    mistakes=(
        Mistake(
            name="no-cascade",
            value=lambda case: freed(case[0], cascade=False),
            says="an object that is freed lets go of what it holds, and that may be freed as well",
        ),
        Mistake(
            name="names-ignored",
            value=lambda case: freed(case[0], names=False),
            says="a second name counts: `del` of one name does not free an object that has another",
        ),
        Mistake(
            name="holds-ignored",
            value=lambda case: freed(case[0], holds=False),
            says="what an object holds is a reference too: it keeps the other one alive",
        ),
        Mistake(
            name="level-by-level",
            value=lambda case: freed(case[0], breadth=True),
            says="the order is not right: what hangs on the first reference goes before the second one goes",
        ),
        Mistake(
            name="backwards",
            value=lambda case: freed(case[0], turn=True),
            says="an object's references go in the order in which it got them: yours go last to first",
        ),
        Mistake(
            name="held-once",
            value=lambda case: freed(case[0], once=True),
            says="an object that holds another one twice holds two references: both count, and both must go",
        ),
        Mistake(
            name="cycles-collected",
            value=lambda case: freed(case[0], tracing=True),
            says="this frees cycles as well: counting alone does not",
        ),
        Mistake(
            name="all-at-the-end",
            value=lambda case: freed(case[0], exits=True),
            says="variables that are left at the end are not deleted",
        ),
    ),
)

# --- threads ---------------------------------------------------------------------------------------------


def strided(data, threads, *, blocks=False, remainder=True, order=1, whole=False, alone=True):
    size = math.ceil(len(data) / threads)
    if whole:
        sums = [sum(data)] * threads
    elif blocks:
        sums = [sum(data[t * size : (t + 1) * size]) for t in range(threads)]
    else:
        used = data if remainder else data[: len(data) - len(data) % threads]
        sums = [sum(used[t::threads]) for t in range(threads)]
    return [sums[::order], alone]


def shared_main(cases):
    calls = []
    for data, threads in cases:
        values = ", ".join(f"{v}_i64" for v in data)
        calls.append(
            f"{{ let data = std::sync::Arc::new(Vec::<i64>::from([{values}])); "
            f"let sums: Vec<i64> = shared_sums(&data, {threads}); "
            'format!("[{sums:?}, {}]", std::sync::Arc::strong_count(&data) == 1) }'
        )
    return main_of(calls)


shared_sums = Exercise(
    name="shared_sums",
    difficulty=2,
    minutes=15,
    read="`Arc`: across threads",
    language="rust",
    program=shared_main,
    describe=lambda case: f"data {list(case[0])}, {case[1]} threads: [sums, the caller is the only owner]",
    hints=(
        "Clone the Arc before `thread::spawn`, and let the closure take the clone over with `move`.",
        "Keep the handles in a vector; `handle.join().unwrap()` waits and gives you the thread's result.",
        "mine.iter().skip(t).step_by(threads).sum() in each; collect the handles first, join them then.",
    ),
    cases=lambda rng: [
        ([1, 2, 3, 4, 5, 6, 7], 3),
        ([5], 1),
        ([1, 10], 4),  # more threads than elements
        ([], 2),
        (rng.integers(-50, 50, 23).tolist(), 5),
    ],
    expected=lambda case: strided(*case),
    mistakes=(
        Mistake(
            name="blocks",
            value=lambda case: strided(*case, blocks=True),
            says="each thread adds up a block of neighbours: elements t, t + T, t + 2T are asked for",
        ),
        Mistake(
            name="remainder",
            value=lambda case: strided(*case, remainder=False),
            says="the last elements are missing where the length is no multiple of the number of threads",
        ),
        Mistake(
            name="reversed",
            value=lambda case: strided(*case, order=-1),
            says="the sums are in reverse order: join the threads in the order in which you started them",
        ),
        Mistake(
            name="whole",
            value=lambda case: strided(*case, whole=True),
            says="every thread adds up all of the data: give each its own share",
        ),
        Mistake(
            name="not-joined",
            value=lambda case: strided(*case, alone=False),
            says="somebody still owns the data afterwards: join every thread, and forget no Arc",
        ),
    ),
)

# --- the collector's subtraction -------------------------------------------------------------------------


def rubbish(
    counts, arrows, *, rescue=True, subtract=True, once=False, invert=False, cycles=False, near=False
):
    outside = dict(counts)
    for targets in arrows.values():
        for target in set(targets) if once else targets:
            outside[target] -= subtract
    alive = {name for name, number in outside.items() if number > 0}
    waiting = list(alive) if rescue else []
    while waiting:
        for target in arrows[waiting.pop()]:
            if target not in alive:
                alive.add(target)
                if not near:
                    waiting.append(target)
    if cycles:  # on a cycle, whoever else may refer to it
        return sorted(name for name in counts if name in reached(arrows, name))
    return sorted(alive if invert else set(counts) - alive)


def reached(arrows, start):
    """What can be reached from the start by at least one arrow."""
    found, waiting = set(), list(arrows[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += arrows[name]
    return found


def garbage_cases(rng):
    def counted(arrows, roots):
        counts = {name: roots.count(name) for name in arrows}
        for targets in arrows.values():
            for target in targets:
                counts[target] += 1
        return counts, arrows

    names = list("abcdefg")
    chance = {name: [str(t) for t in rng.choice(names, int(rng.integers(0, 3)))] for name in names}
    return [
        counted({"a": ["b"], "b": ["a"]}, []),
        counted({"a": ["b"], "b": ["a"]}, ["b"]),  # the same, but somebody looks at it
        counted({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["d"]}, ["a"]),
        counted({"a": ["b", "b"], "b": ["a"], "c": []}, ["c"]),  # two arrows from one to the other
        counted({"a": ["a", "b"], "b": ["c"], "c": []}, []),  # c hangs on a cycle
        counted({"x": ["y"], "y": []}, ["x", "x"]),
        counted(chance, ["a"]),
    ]


garbage = Exercise(
    name="garbage",
    difficulty=3,
    minutes=20,
    read="The collector waits, and for what",
    hints=(
        "Copy the counts, and take 1 from the target of every arrow.",
        "Whoever has a positive number left is referred to from outside: start from these.",
        "Mark what can be reached from them along the arrows; all the others are garbage.",
    ),
    cases=garbage_cases,
    expected=lambda case: rubbish(*case),
    mistakes=(
        Mistake(
            name="no-rescue",
            value=lambda case: rubbish(*case, rescue=False),
            says="what can be reached from an object with references from outside is alive too",
        ),
        Mistake(
            name="one-step",
            value=lambda case: rubbish(*case, near=True),
            says="you follow one arrow from the objects with references from outside: follow the arrows "
            "on and on",
        ),
        Mistake(
            name="not-subtracted",
            value=lambda case: rubbish(*case, subtract=False),
            says="nothing is found: counts may come from inside the set; subtract those arrows first",
        ),
        Mistake(
            name="double-arrows",
            value=lambda case: rubbish(*case, once=True),
            says="two arrows between the same objects count twice",
        ),
        Mistake(
            name="the-living",
            value=lambda case: rubbish(*case, invert=True),
            says="these are the ones that are alive: return the others",
        ),
        Mistake(
            name="all-cycles",
            value=lambda case: rubbish(*case, cycles=True),
            says="you return what lies on a cycle: a cycle that is referred to from outside is no garbage, "
            "and what hangs on a dead cycle is",
        ),
    ),
)

# --- a tree that lets go ---------------------------------------------------------------------------------


def tree(
    names, parents, *, linked=True, owned=True, first=False, turn=False, no_root=False, slash=False, sep="/"
):
    """[paths of all parts, names of each one's children, owners of root and last, path without root, left]"""
    full, children = [[names[0]]], [[] for _ in names]
    for name, parent in zip(names[1:], parents):
        full.append([*(full[parent] if linked else []), name])
        if owned:
            children[parent].insert(0 if first else len(children[parent]), name)

    def written(parts):
        parts = parts[1:] if no_root and len(parts) > 1 else parts
        return "/" * slash + sep.join(parts[::-1] if turn else parts)

    paths = [written(parts) for parts in full]
    # a part below the root, kept while the root goes
    orphan = written([names[1]])
    return [paths, children, [1, 2 if owned else 1], orphan, 0]


TREE = """
fn tree(names: &[&str], parents: &[usize]) -> String {
    let mut parts = vec![root(names[0])];
    for (name, &parent) in names[1..].iter().zip(parents) {
        let child = add_child(&parts[parent], name);
        parts.push(child);
    }
    let paths: Vec<String> = parts.iter().map(path).collect();
    let below = |p: &Rc<Part>| {
        p.children.borrow().iter().map(|c| c.name.clone()).collect::<Vec<_>>()
    };
    let children: Vec<Vec<String>> = parts.iter().map(below).collect();
    let last = parts.len() - 1;
    let owners = [Rc::strong_count(&parts[0]), Rc::strong_count(&parts[last])];
    let watch: Vec<Weak<Part>> = parts.iter().map(Rc::downgrade).collect();
    let orphan = Rc::clone(&parts[1]);
    drop(parts);
    let alone = path(&orphan);
    drop(orphan);
    let left = watch.iter().filter(|w| w.strong_count() > 0).count();
    format!("[{paths:?}, {children:?}, {owners:?}, {alone:?}, {left}]")
}

"""


def tree_main(cases):
    calls = []
    for names, parents in cases:
        quoted = ", ".join(f'"{name}"' for name in names)
        calls.append(f"tree(&[{quoted}], &{list(parents)})")
    return main_of(calls, TREE)


part_tree = Exercise(
    name="part_tree",
    difficulty=3,
    minutes=20,
    read="`Weak`: to refer without owning",
    language="rust",
    program=tree_main,
    describe=lambda case: (
        f"the parts {list(case[0])}, each below number {list(case[1])}: [paths, children, "
        "owners of the root and of the last part, path of part 1 without its root, parts not dropped]"
    ),
    hints=(
        "`root(name)` makes a node without relations; two things are then to be entered, one on each side.",
        "The child gets `Rc::downgrade(parent)`, the parent's list gets `Rc::clone(&child)`.",
        'path: match part.parent.borrow().upgrade() { Some(p) => format!("{}/{}", path(&p), part.name), .. }',
    ),
    cases=lambda rng: [
        (["net", "encoder", "norm"], [0, 1]),
        (["net", "one", "two", "three"], [0, 0, 0]),
        (["a", "b", "c", "d", "e"], [0, 1, 1, 0]),
        (["net", "layer"], [0]),
    ],
    expected=lambda case: tree(*case),
    mistakes=(
        Mistake(
            name="no-parent",
            value=lambda case: tree(*case, linked=False),
            says="a path is the part's own name alone: the child does not know its parent (or is not asked)",
        ),
        Mistake(
            name="not-owned",
            value=lambda case: tree(*case, owned=False),
            says="the parent has no children: push a clone of the Rc to its list",
        ),
        Mistake(
            name="pushed-in-front",
            value=lambda case: tree(*case, first=True),
            says="a new child is the first of its parent's children: it should be the last",
        ),
        Mistake(
            name="upwards",
            value=lambda case: tree(*case, turn=True),
            says="the path runs from the part up to the root: it begins with the root",
        ),
        Mistake(
            name="no-root",
            value=lambda case: tree(*case, no_root=True),
            says="the root's name is missing in the path",
        ),
        Mistake(
            name="leading-slash",
            value=lambda case: tree(*case, slash=True),
            says="the path begins with a slash: slashes stand between names only",
        ),
    ),
)

# --- a cache that does not hold on -----------------------------------------------------------------------


class Loaded:
    """What the cache stores in the check: an object with a number."""

    def __init__(self, number):
        self.number = number


def use_cache(answer, case):
    """[number of the object, how often something was made] for each get, and what alive() says."""
    cache, holding, made, rows = answer(), {}, 0, []

    def make():
        nonlocal made
        made += 1
        return Loaded(made)

    for kind, *key in case[0]:
        if kind == "get":
            got = cache.get(key[0], make)
            if not isinstance(got, Loaded):
                raise NotPlain(f"{type(got).__name__} from get, not the object that make() returned")
            rows.append([got.number, made])
            holding[key[0]] = got
            del got
        elif kind == "drop":
            del holding[key[0]]
        else:
            rows.append([int(cache.alive()), made])
    return rows


def cached(case, *, weak=True, stores=True, by_key=True, eager=False, count_dead=False):
    """The same by a model of the cache; each option is one mistake."""
    holding, stored, made, rows, entered = {}, {}, 0, [], set()

    def exists(number):
        return not weak or number in holding.values()

    for kind, *key in case[0]:
        if kind == "get":
            name = key[0] if by_key else "the only one"
            number = stored.get(name)
            missing = number is None or not exists(number) or not stores
            if missing or eager:
                made += 1
            if missing:
                number = made
                stored[name] = number
                entered.add(name)
            holding[key[0]] = number
            rows.append([number, made])
        elif kind == "drop":
            del holding[key[0]]
        else:
            alive = sum(exists(number) for number in stored.values())
            rows.append([len(entered) if count_dead else alive, made])
    return rows


def cache_cases(rng):
    again = [("get", "a"), ("get", "a"), ("alive",)]
    gone = [("get", "a"), ("drop", "a"), ("alive",), ("get", "a"), ("alive",)]
    two = [("get", "a"), ("get", "b"), ("get", "a"), ("drop", "b"), ("alive",), ("get", "b"), ("get", "b")]
    empty = [("alive",)]
    return [(again,), (gone,), (two,), (empty,)]


def said(case):
    return ", ".join(" ".join(step) for step in case[0])


WeakCache = Exercise(
    name="WeakCache",
    difficulty=2,
    minutes=12,
    read="`Weak`: to refer without owning",
    wants="class",
    call=use_cache,
    describe=lambda case: f"{said(case)}: [number of the object (or of the living), objects made so far]",
    hints=(
        "The module `weakref` has a dictionary whose values do not count as references.",
        "`weakref.WeakValueDictionary()`: an entry disappears with its object; `.get(key)` may return None.",
        "Hold what make() returned in a variable while you store it, or it is gone before you return it.",
    ),
    cases=cache_cases,
    expected=cached,
    mistakes=(
        Mistake(
            name="strong",
            value=lambda case: cached(case, weak=False),
            says="an object that nobody else uses any more is still there: the cache itself holds it",
        ),
        Mistake(
            name="forgets",
            value=lambda case: cached(case, stores=False),
            says="make() is called although the object still exists: look it up first",
        ),
        Mistake(
            name="one-key",
            value=lambda case: cached(case, by_key=False),
            says="different keys must give different objects",
        ),
        Mistake(
            name="eager",
            value=lambda case: cached(case, eager=True),
            says="make() is called even where its result is not needed (setdefault does that)",
        ),
        Mistake(
            name="setdefault",
            value=lambda case: cached(case, weak=False, eager=True),
            says="this holds every object, and calls make() even where it is not needed: a plain dictionary "
            "with setdefault does both",
        ),
        Mistake(
            name="counts-the-dead",
            value=lambda case: cached(case, count_dead=True),
            says="alive() also counts objects that are gone: a dead weak reference returns None when called",
        ),
    ),
)

# --- bytes of a training step ----------------------------------------------------------------------------


def step_bytes(
    case,
    *,
    bias=True,
    batch=True,
    which="inputs",
    moments=2,
    size=True,
    one_gradient=True,
    turn=False,
    plain=False,
):
    widths, rows, number = case
    number = number if size else 1
    pairs = zip(widths[1:], widths) if turn else zip(widths, widths[1:])
    parameters = number * sum((a + bias) * b for a, b in pairs)
    values = {"inputs": widths[:-1], "outputs": widths[1:], "all": widths, "hidden": widths[1:-1]}[which]
    gradients = parameters if one_gradient else parameters * rows
    kept = (1 if plain else number) * (rows if batch else 1) * sum(values)
    return parameters, gradients, moments * parameters, kept


training_bytes = Exercise(
    name="training_bytes",
    difficulty=1,
    minutes=8,
    read="What a step keeps",
    hints=(
        "`zip(widths, widths[1:])` gives the pairs (inputs, outputs) of the layers.",
        "A layer has (inputs + 1) * outputs parameters; the + 1 is the bias of each output.",
        "Activations: the inputs of all layers, sum(widths[:-1]) numbers for each row of the batch.",
    ),
    cases=lambda rng: [
        ([64, 128, 10], 32, 4),
        ([2, 1], 1, 8),
        ([5, 4, 3, 2], 7, 2),
        (rng.integers(3, 200, 4).tolist(), int(rng.integers(2, 100)), 4),
    ],
    expected=lambda case: step_bytes(case),
    any_number=True,
    mistakes=(
        Mistake(
            name="no-bias",
            value=lambda case: step_bytes(case, bias=False),
            says="the biases are missing: a layer has one for each of its outputs",
        ),
        Mistake(
            name="bias-of-inputs",
            value=lambda case: step_bytes(case, turn=True),
            says="a bias belongs to an output: (inputs + 1) * outputs, not inputs * (outputs + 1)",
        ),
        Mistake(
            name="activation-numbers",
            value=lambda case: step_bytes(case, plain=True),
            says="the activations are counted in numbers: they too are asked for in bytes",
        ),
        Mistake(
            name="no-batch",
            value=lambda case: step_bytes(case, batch=False),
            says="the activations are those of one row: multiply by the batch",
        ),
        Mistake(
            name="outputs",
            value=lambda case: step_bytes(case, which="outputs"),
            says="you counted the layers' outputs: the backward pass needs their inputs",
        ),
        Mistake(
            name="all-widths",
            value=lambda case: step_bytes(case, which="all"),
            says="the last layer's output is not the input of any layer: leave its width out",
        ),
        Mistake(
            name="hidden-only",
            value=lambda case: step_bytes(case, which="hidden"),
            says="the first layer needs its input too, the batch itself",
        ),
        Mistake(
            name="one-moment",
            value=lambda case: step_bytes(case, moments=1),
            says="Adam keeps two running means for each parameter",
        ),
        Mistake(
            name="numbers",
            value=lambda case: step_bytes(case, size=False),
            says="this counts numbers: bytes are asked for",
        ),
        Mistake(
            name="gradient-per-row",
            value=lambda case: step_bytes(case, one_gradient=False),
            says="the gradient is summed over the batch: it is as large as the parameters",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

rss_reading = Choice(
    name="rss_reading",
    difficulty=2,
    minutes=3,
    read="One hundred million bytes in a scope",
    question="`x = np.zeros((10_000, 10_000))` asks for 800 million bytes. Then `x[0] = 1.0` is executed. "
    "By about how much has the resident memory risen?",
    options=(
        Option(
            text="800 million bytes: the array has been made.",
            says="It has been handed out. Pages come only when they are written.",
        ),
        Option(
            text="80,000 bytes, 20 pages or so.",
            says="Right. The first row has 10,000 numbers of 8 bytes, and they lie side by side.",
            right=True,
        ),
        Option(
            text="40 million bytes, 10,000 pages.",
            says="That would be the first *column*, `x[:, 0] = 1.0`: rows of 80,000 bytes, a page in each.",
        ),
        Option(
            text="Nothing, until all of the array is written.",
            says="Pages are supplied one by one, each at the first write to it.",
        ),
    ),
)

scope_exit = Order(
    name="scope_exit",
    difficulty=2,
    minutes=5,
    source="B1.2",
    read="Who gives it back: RAII",
    question="A Rust block holds `let model = Box::new(Model { layer });`, then `let log = ...;`, and ends. "
    "`Model` and `Layer` have a `drop` of their own. Order the events, and add what Java would do last.",
    steps=(
        ("`log` is dropped.", "Variables are dropped in reverse order; `log` was declared last."),
        ("`Model`'s own `drop` runs.", "A value's own drop runs first, while its fields are still whole."),
        ("The field `layer` is dropped: `Layer`'s `drop` runs.", "The fields follow, as they were declared."),
        ("The box's block goes back to the allocator.", "The content ends, then its place is given up."),
        ("The frame is given up, and the caller goes on.", "All drops are done by then."),
        (
            "In Java, at some later time: a collector finds that the objects cannot be reached.",
            "The frame with the references is gone at once, the objects wait for the next collection.",
        ),
    ),
)

refcount_story = Predict(
    name="refcount_story",
    difficulty=2,
    minutes=4,
    source="B4.3",
    read="Python counts, always",
    question="What does CPython print? The function adds one reference of its own, which is taken off.",
    code="""import sys

class Batch:
    pass

def owners(batch_list):
    return sys.getrefcount(batch_list[0]) - 1

a = Batch()
box = [a]
print(owners(box))
b = a
box.append(b)
print(owners(box))
del a
print(owners(box))
box = [box[0]]
print(owners(box))""",
    answer="2\n4\n3\n2",
    says="The variable a and the list: 2. With b and a second place in the list: 4. Without a: 3. "
    "The new list holds it once and the old one is freed: b and one place, 2.",
    wrong={
        "2 3 2 1": "`b = a` and `append` are two more references, not one.",
        "2 4 3 3": "The old list loses its last name and is freed; its two references go with it.",
        "2 4 0 0": "`del a` deletes a name. Three references are left.",
        "1 3 2 1": "The variable counts as well as the place in the list.",
    },
)

strong_or_weak = Match(
    name="strong_or_weak",
    difficulty=2,
    minutes=4,
    read="`Weak`: to refer without owning",
    question="Which pointer fits?",
    pairs=(
        ("the link from a list's node to the next node", "`Box`", "One owner, one block, a fixed size."),
        (
            "two layers that share one matrix, in one thread",
            "`Rc`",
            "Several owners, and a plain counter is enough.",
        ),
        (
            "eight worker threads that read one data set",
            "`Arc`",
            "Several owners in several threads: the counter must be atomic.",
        ),
        (
            "a layer back to the network that owns it",
            "`Weak`",
            "It must find its owner and not own it, or there is a cycle.",
        ),
        (
            "a function that reads a matrix and returns",
            "`&`",
            "Nothing is kept, so nothing needs to be owned.",
        ),
    ),
)

who_frees = Match(
    name="who_frees",
    difficulty=2,
    minutes=4,
    read="What counting cannot see",
    question="When is the value freed?",
    pairs=(
        ("a Rust `Vec` whose variable goes out of scope", "there, by a call in the program", "RAII."),
        ("a Python list that loses its last name", "there, by the counter", "Also with the collector off."),
        (
            "two Python objects that refer to each other",
            "when CPython's collector comes",
            "Their counters stay at 1.",
        ),
        ("two `Rc`s that own each other", "when the program ends", "Rust has no collector."),
        (
            "a Java object whose last reference went with its frame",
            "at some collection, cycle or not",
            "Tracing finds everything that is not reachable, and nothing sooner.",
        ),
    ),
)

ENTRIES = (
    rss_reading,
    rss_trace,
    scope_exit,
    release,
    buffer_pool,
    refcount_story,
    bytes_kept,
    count_freed,
    shared_sums,
    garbage,
    strong_or_weak,
    part_tree,
    WeakCache,
    who_frees,
    training_bytes,
)
