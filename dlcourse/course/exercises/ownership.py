"""Exercises of 03_ownership: what is asked, which mistakes are known, and what to say about them."""

import json
import re

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Order, Predict


def text(value):
    """A Python text as a Rust literal; every character outside ASCII as an escape."""
    quoted = (c if c.isascii() and c not in '"\\\n\t' else f"\\u{{{ord(c):x}}}" for c in value)
    return '"' + "".join(quoted) + '"'


def vector(values):
    """A list of floats as a Rust Vec<f64>."""
    return f"Vec::<f64>::from([{', '.join(f'{float(v)!r}_f64' for v in values)}])"


def main_of(calls, **signatures):
    """A `main` that prints one JSON list; each call is a Rust expression for a text of JSON.

    Each call has a line of its own, which rustc can quote. The program compiles only if each function
    named in `signatures` has the type given there.
    """
    lines = "".join(f"        {call},\n" for call in calls)
    fixed = "".join(f"    let _signature: {form} = {name};\n" for name, form in signatures.items())
    return 'fn main() {\n    println!("[{}]", [\n' + lines + '    ].join(", "));\n' + fixed + "}\n"


# --- two names for one value -----------------------------------------------------------------------------


def best_of(weights, changes, losses, *, pick=None, before=False):
    """The weights after the step with the smallest loss; `pick` chooses another step."""
    path = weights + np.cumsum(changes, axis=0)
    step = int(np.argmin(losses)) if pick is None else pick(losses)
    return path[step] - changes[step] if before else path[step]


keep_best = Exercise(
    name="keep_best",
    difficulty=2,
    minutes=10,
    read="Two names for one value",
    hints=(
        "Two things must not be second names: the array you change, and the array you keep.",
        "`weights.copy()` before the loop protects the caller; `current.copy()` protects the best.",
        "Keep a new copy only where `loss < lowest`; with `<=` a later tie would win.",
    ),
    cases=lambda rng: [
        (np.array([1.0, 2.0]), np.array([[-0.5, -1.0], [-0.5, -0.5], [1.0, 1.0]]), [1.25, 0.25, 3.25]),
        (np.array([1.0]), np.array([[2.0]]), [0.5]),
        (np.array([0.0, 1.0]), np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), [0.4, 0.2, 0.2]),  # a tie
        (rng.normal(size=3), rng.normal(size=(7, 3)), rng.uniform(0.1, 1, 7).tolist()),
    ],
    expected=lambda case: best_of(*case),
    mistakes=(
        Mistake(
            name="alias",
            value=lambda case: best_of(*case, pick=lambda losses: -1),
            says="these are the last weights: you kept a second name for the array that changes; copy it",
        ),
        Mistake(
            name="never-moved",
            value=lambda case: case[0],
            says="these are the weights at the start: add each row of `changes`",
        ),
        Mistake(
            name="before-the-step",
            value=lambda case: best_of(*case, before=True),
            says="these are the weights before the best step: a loss belongs to the weights after its change",
        ),
        Mistake(
            name="one-change",
            value=lambda case: case[0] + case[1][int(np.argmin(case[2]))],
            says="these are the first weights plus one row: the rows before it have been added as well",
        ),
        Mistake(
            name="last-tie",
            value=lambda case: best_of(*case, pick=lambda v: len(v) - 1 - int(np.argmin(v[::-1]))),
            says="of equal losses the first counts: compare with <",
        ),
        Mistake(
            name="largest",
            value=lambda case: best_of(*case, pick=lambda losses: int(np.argmax(losses))),
            says="these weights have the largest loss: the smallest is wanted",
        ),
    ),
)

# --- one owner -------------------------------------------------------------------------------------------


def dropped(program, *, reverse=True, moves=True, blocks=True, early=True, makers=True, last=True):
    """The order of the drops; each option switches one rule off."""
    owned, stack, order = {}, [[]], []

    def end():
        variables = stack.pop()
        for variable in reversed(variables) if reverse else variables:
            if variable in owned:
                value = owned.pop(variable)
                order.append(value if makers else variable)

    for kind, *names in program:
        if kind == "let":
            owned[names[0]] = names[0]
            stack[-1].append(names[0])
        elif kind == "move" and moves:
            owned[names[1]] = owned.pop(names[0])
            stack[-1].append(names[1])
        elif kind == "drop" and early:
            variable = names[0] if moves else maker(program, names[0])
            order.append(owned.pop(variable) if makers else names[0])
            owned.pop(variable, None)
        elif kind == "open" and blocks:
            stack.append([])
        elif kind == "close" and blocks:
            end()
    if last:
        end()
    return order


def maker(program, variable):
    """The name under which the value of a variable was made."""
    for kind, *names in reversed(program):
        if kind == "move" and names[1] == variable:
            variable = names[0]
    return variable


def random_program(rng, length=14):
    """A valid program of lets, moves, drops and blocks."""
    program, blocks, owners, fresh = [], 0, [], iter("abcdefghijklmnopqrstuvwxyz")
    scopes = [[]]
    for _ in range(length):
        kind = str(rng.choice(["let", "let", "move", "drop", "open", "close"]))
        if kind == "let":
            name = next(fresh)
            program.append(("let", name))
            owners.append(name), scopes[-1].append(name)
        elif kind == "move" and owners:
            old, new = owners.pop(int(rng.integers(len(owners)))), next(fresh)
            program.append(("move", old, new))
            owners.append(new), scopes[-1].append(new)
        elif kind == "drop" and len(owners) > 2:
            program.append(("drop", owners.pop(int(rng.integers(len(owners))))))
        elif kind == "open":
            program.append(("open",))
            scopes.append([])
            blocks += 1
        elif kind == "close" and blocks:
            program.append(("close",))
            ended = scopes.pop()
            owners = [name for name in owners if name not in ended]
            blocks -= 1
    return program + [("close",)] * blocks


drop_order = Exercise(
    name="drop_order",
    difficulty=3,
    minutes=20,
    read="When a value dies",
    hints=(
        "Keep two things: which variable owns which value, and, for each open block, its variables in order.",
        "A move changes the owner and declares a variable in the innermost block; the value keeps its name.",
        "At the end of a block go through its variables backwards and drop what each still owns.",
    ),
    cases=lambda rng: [
        ([],),
        ([("let", "a")],),
        ([("let", "a"), ("let", "b")],),
        ([("let", "a"), ("let", "b"), ("move", "a", "c")],),
        ([("let", "a"), ("open",), ("let", "b"), ("close",), ("let", "c")],),
        ([("let", "a"), ("let", "b"), ("drop", "a")],),
        ([("let", "a"), ("move", "a", "b"), ("let", "c"), ("drop", "b")],),
        ([("let", "a"), ("let", "b"), ("open",), ("move", "a", "c"), ("let", "d"), ("close",)],),
        *((random_program(rng),) for _ in range(4)),
    ],
    expected=lambda case: dropped(case[0]),
    mistakes=(
        Mistake(
            name="first-made-first",
            value=lambda case: dropped(case[0], reverse=False),
            says="a block drops its variables in reverse: the one declared last goes first",
        ),
        Mistake(
            name="moves-ignored",
            value=lambda case: dropped(case[0], moves=False),
            says="a value that was moved dies with its new owner, not where its first one stands",
        ),
        Mistake(
            name="blocks-ignored",
            value=lambda case: dropped(case[0], blocks=False),
            says="everything dies at the end of the program: a block drops its own variables when it closes",
        ),
        Mistake(
            name="drop-ignored",
            value=lambda case: dropped(case[0], early=False),
            says='`("drop", a)` has no effect in your version: the value dies there and then',
        ),
        Mistake(
            name="variables-not-values",
            value=lambda case: dropped(case[0], makers=False),
            says="a dropped value is listed under its variable's name: use the name of its `let`",
        ),
        Mistake(
            name="end-forgotten",
            value=lambda case: dropped(case[0], last=False),
            says="what lives until the end of the program is missing: the program is a block and ends too",
        ),
    ),
)

# --- borrowing -------------------------------------------------------------------------------------------


def consume_text_main(cases):
    body = "let n = consume_text(&t); assert_eq!(n, consume_text(&t)); drop(t); n.to_string()"
    calls = [f"{{ let t = String::from({text(t)}); {body} }}" for (t,) in cases]
    return main_of(calls, consume_text="fn(&str) -> usize")


consume_text = Exercise(
    name="consume_text",
    difficulty=1,
    minutes=5,
    source="B3.1",
    read="Looking: `&T`",
    language="rust",
    program=consume_text_main,
    hints=(
        "Only the signature made the function take the text over; does the counting need to own anything?",
        "`split_whitespace` asks for no more than a `&str`.",
        "The body may stay as it was: text.split_whitespace().count()",
    ),
    cases=lambda rng: [
        ("Deep Learning in Rust",),
        ("",),
        ("  two   words ",),
        ("naïve 層\nnorm",),
        ("層\u3000norm",),  # the wide space of East Asian texts
        (" ".join(["word"] * int(rng.integers(5, 30))),),
    ],
    expected=lambda case: len(case[0].split()),
    mistakes=(
        Mistake(
            name="characters",
            value=lambda case: len(case[0]),
            says="this counts characters: words are asked for",
        ),
        Mistake(
            name="bytes",
            value=lambda case: len(case[0].encode()),
            says="this is the length in bytes: words are asked for",
        ),
        Mistake(
            name="single-spaces",
            value=lambda case: len(case[0].split(" ")),
            says="you split at every single space: two spaces in a row make no empty word",
        ),
        Mistake(
            name="ascii-spaces",
            value=lambda case: len(re.findall(r"[^ \t\n\f\r]+", case[0])),
            says="you separate at the spaces of ASCII alone: `split_whitespace` knows the others too",
        ),
        Mistake(
            name="lines",
            value=lambda case: len(case[0].splitlines()),
            says="this counts lines: words are asked for",
        ),
    ),
)


def increment_main(cases):
    body = "for _ in 0..{times} {{ increment(&mut n); }} n.to_string()"
    calls = [f"{{ let mut n = {start}_i32; {body.format(times=times)} }}" for start, times in cases]
    return main_of(calls, increment="fn(&mut i32)")


increment = Exercise(
    name="increment",
    difficulty=1,
    minutes=3,
    source="B3.2",
    read="Changing: `&mut T`",
    language="rust",
    program=increment_main,
    describe=lambda case: f"n = {case[0]}, after {case[1]} call{'s' if case[1] != 1 else ''}",
    hints=(
        "`n` is the reference; the number it points to is `*n`.",
        "Assign to the number: `*n = ...` or `*n += ...`.",
        "*n += 1;",
    ),
    cases=lambda rng: [(5, 1), (0, 1), (-1, 1), (2**31 - 3, 1), (7, 0), (int(rng.integers(-99, 99)), 4)],
    expected=lambda case: sum(case),
    mistakes=(
        Mistake(
            name="unchanged",
            value=lambda case: case[0],
            says="the caller's number has not changed: did you add to a copy? write to `*n`",
        ),
        Mistake(
            name="always-one",
            value=lambda case: 1 if case[1] else case[0],
            says="the number becomes 1: add 1 to what is there",
        ),
        Mistake(
            name="down",
            value=lambda case: case[0] - case[1],
            says="the number gets smaller by 1",
        ),
        Mistake(
            name="by-two",
            value=lambda case: case[0] + 2 * case[1],
            says="each call adds 2",
        ),
    ),
)

# --- readers or one writer -------------------------------------------------------------------------------


def outliers(
    values, limit, keep=lambda value, limit: value <= limit, count=lambda before, after: before - after
):
    kept = [value for value in values if keep(value, limit)]
    return [count(len(values), len(kept)), kept]


def skipping(values, limit):
    """What a loop leaves that goes on by position after a removal."""
    kept, i = list(values), 0
    while i < len(kept):
        if kept[i] > limit:
            del kept[i]
        i += 1
    return [len(values) - len(kept), kept]


def drop_outliers_main(cases):
    body = 'let n = drop_outliers(&mut v, {limit}_f64); format!("[{{n}}, {{v:?}}]")'
    calls = [
        f"{{ let mut v = {vector(values)}; {body.format(limit=float(limit))} }}" for values, limit in cases
    ]
    return main_of(calls)


drop_outliers = Exercise(
    name="drop_outliers",
    difficulty=1,
    minutes=6,
    read="Experiment: removing while walking",
    language="rust",
    program=drop_outliers_main,
    hints=(
        "Lengths before and after tell how many went; a loop to the old length runs past the end of the new.",
        "`values.retain(|value| ...)`: the closure gets a reference to each value, so compare `*value`.",
        "let before = values.len(); values.retain(|value| *value <= limit); before - values.len()",
    ),
    cases=lambda rng: [
        ([0.6, 99.0, 99.0, 0.4], 90.0),
        ([], 1.0),
        ([5.0], 1.0),
        ([1.0, 2.0, 3.0], 2.0),  # equal to the limit
        ([0.1, 0.2], 1.0),
        (rng.uniform(0, 1, 11).round(3).tolist(), 0.4),
    ],
    expected=lambda case: outliers(*case),
    mistakes=(
        Mistake(
            name="neighbour-skipped",
            value=lambda case: skipping(*case),
            says="after a removal the next value was skipped: two outliers in a row leave one behind",
        ),
        Mistake(
            name="limit-too",
            value=lambda case: outliers(*case, keep=lambda value, limit: value < limit),
            says="a value equal to the limit stays: keep with <=",
        ),
        Mistake(
            name="turned",
            value=lambda case: outliers(*case, keep=lambda value, limit: value > limit),
            says="you kept the outliers: `retain` keeps where the closure is true",
        ),
        Mistake(
            name="kept-counted",
            value=lambda case: outliers(*case, count=lambda before, after: after),
            says="the list is right, but the number is how many are left: how many were removed?",
        ),
        Mistake(
            name="nothing-removed",
            value=lambda case: [outliers(*case)[0], list(case[0])],
            says="the number is right, but the caller's list still has its outliers: change `values` itself",
        ),
        Mistake(
            name="sorted",
            value=lambda case: outliers(sorted(case[0]), case[1]),
            says="the values are sorted now: keep them in their order",
        ),
    ),
)


def row_added(grid, source, target, *, replace=False, same=True, subtract=False):
    rows = [list(row) for row in grid]
    if source == target and not same:
        return rows
    sign = -1 if subtract else 1
    rows[target] = [b if replace else a + sign * b for a, b in zip(grid[target], grid[source])]
    return rows


def add_row_main(cases):
    calls = []
    for grid, source, target in cases:
        rows = ", ".join(vector(row) for row in grid)
        calls.append(
            f'{{ let mut g = vec![{rows}]; add_row(&mut g, {source}, {target}); format!("{{g:?}}") }}'
        )
    return main_of(calls)


def add_row_cases(rng):
    grid = [[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]
    wide = rng.normal(size=(4, 5)).round(3).tolist()
    return [(grid, 0, 2), (grid, 2, 0), (grid, 1, 1), ([[3.0]], 0, 0), (wide, 3, 1), (wide, 0, 1)]


add_row = Exercise(
    name="add_row",
    difficulty=2,
    minutes=12,
    read="Experiment: two rows that are one",
    language="rust",
    program=add_row_main,
    hints=(
        "Two borrows of one grid, one of them for writing, cannot live together: end one before the other.",
        "`let source = grid[from].clone();` is a value of its own, and the borrow of the grid is over.",
        "for (value, addend) in grid[to].iter_mut().zip(source) { *value += addend; }",
    ),
    cases=add_row_cases,
    expected=lambda case: row_added(*case),
    mistakes=(
        Mistake(
            name="other-way",
            value=lambda case: row_added(case[0], case[2], case[1]),
            says="you added row `to` to row `from`: it is row `to` that changes",
        ),
        Mistake(
            name="replaced",
            value=lambda case: row_added(*case, replace=True),
            says="row `to` was replaced: add to what is there",
        ),
        Mistake(
            name="same-row",
            value=lambda case: row_added(*case, same=False),
            says="where `from` and `to` are the same row nothing happens: that row should be doubled",
        ),
        Mistake(
            name="subtracted",
            value=lambda case: row_added(*case, subtract=True),
            says="you subtracted the row",
        ),
        Mistake(
            name="unchanged",
            value=lambda case: [list(row) for row in case[0]],
            says="the grid has not changed: did you add to a copy of row `to`?",
        ),
    ),
)

# --- a borrow checker ------------------------------------------------------------------------------------

READS, WRITES = ("read", "share"), ("write", "mut")


def conflict(
    program, *, lexical=False, readers=True, exclusive=True, making=True, reborn=True, first=False, end=None
):
    """The first statement that conflicts; each option changes one rule of the checker."""
    used = [(name[0], i) for i, (kind, *name) in enumerate(program) if kind == "use"]
    uses = dict(reversed(used) if first else used)  # the entry that comes last stays
    made = {}
    for i, (kind, *name) in enumerate(program):
        alive = [made[r] for r in made if lexical or uses.get(r, -1) > i]
        checked = kind in ("read", "write") or making
        if checked and kind in WRITES and (alive if readers else "mut" in alive):
            return i
        if checked and kind in READS and ("mut" in alive if exclusive else False):
            return i
        if kind in READS and not reborn and alive:
            return i
        if kind in ("share", "mut"):
            made[name[0]] = kind
    return end


def conflict_at_use(program):
    """A checker that speaks up only where the spoilt reference is used."""
    found = conflict(program)
    if found is None:
        return None
    later = [i for i, (kind, *_) in enumerate(program) if kind == "use" and i > found]
    return later[0]


def random_borrows(rng, length=8):
    """A program whose references are made before they are used."""
    program, names = [], iter("pqrstuvw")
    made = []
    for _ in range(length):
        kind = str(rng.choice(["share", "mut", "use", "use", "read", "write"]))
        if kind in ("share", "mut"):
            made.append(next(names))
            program.append((kind, made[-1]))
        elif kind == "use" and made:
            program.append(("use", str(rng.choice(made))))
        elif kind != "use":
            program.append((kind,))
    return program


first_conflict = Exercise(
    name="first_conflict",
    difficulty=3,
    minutes=20,
    read="Where a borrow ends",
    hints=(
        "First find, for every reference, the position of its last use.",
        "At statement i a reference is alive if it was made earlier and its last use is later than i.",
        'A "mut" counts as a write of x and a "share" as a read, at the place where the reference is made.',
    ),
    cases=lambda rng: [
        ([],),
        ([("share", "r"), ("use", "r"), ("write",)],),
        ([("share", "r"), ("write",), ("use", "r")],),
        ([("share", "r"), ("read",), ("use", "r")],),
        ([("mut", "r"), ("read",), ("use", "r")],),
        ([("mut", "r"), ("read",)],),  # never used: never in the way
        ([("share", "r"), ("share", "s"), ("use", "r"), ("use", "s")],),
        ([("mut", "r"), ("mut", "s"), ("use", "r")],),
        ([("mut", "r"), ("share", "s"), ("use", "s"), ("use", "r")],),
        ([("share", "r"), ("use", "r"), ("read",), ("write",), ("use", "r")],),  # used again later
        *((random_borrows(rng),) for _ in range(12)),
    ],
    expected=lambda case: conflict(case[0]),
    mistakes=(
        Mistake(
            name="lexical",
            value=lambda case: conflict(case[0], lexical=True),
            says="your references live to the end of the program: they end at their last use",
        ),
        Mistake(
            name="readers-forgotten",
            value=lambda case: conflict(case[0], readers=False),
            says="a write is accepted while a shared reference is alive: any living reference forbids it",
        ),
        Mistake(
            name="not-exclusive",
            value=lambda case: conflict(case[0], exclusive=False),
            says="reading is accepted while a `mut` reference is alive: nobody may look while it can write",
        ),
        Mistake(
            name="making-is-free",
            value=lambda case: conflict(case[0], making=False),
            says="making a reference is not checked: `mut` counts as a write, `share` as a read",
        ),
        Mistake(
            name="readers-exclude",
            value=lambda case: conflict(case[0], reborn=False),
            says="reading x is refused while a shared reference is alive: any number of readers may look",
        ),
        Mistake(
            name="first-use",
            value=lambda case: conflict(case[0], first=True),
            says="your references end at their first use: they live until the last one",
        ),
        Mistake(
            name="at-the-use",
            value=lambda case: conflict_at_use(case[0]),
            says="you name the use of the reference: the conflict is at the statement that reads or writes x",
        ),
        Mistake(
            name="minus-one",
            value=lambda case: conflict(case[0], end=-1),
            says="for a program without a conflict return None",
        ),
    ),
)

# --- lifetimes -------------------------------------------------------------------------------------------


def prefix(a, b, *, change=0):
    """The common prefix, and a few characters more or fewer of `a`."""
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return a[: max(0, n + change)]


def common_prefix_main(cases):
    calls = []
    for a, b in cases:
        body = f"let p: &str = {{ let b = String::from({text(b)}); common_prefix(&a, &b) }};"
        calls.append(f'{{ let a = String::from({text(a)}); {body} format!("{{p:?}}") }}')
    return main_of(calls)


common_prefix = Exercise(
    name="common_prefix",
    difficulty=2,
    minutes=12,
    read="Lifetimes",
    language="rust",
    program=common_prefix_main,
    hints=(
        "The result is a slice `&a[..n]`; what is needed is n, a number of bytes of `a`.",
        "Walk over `a.chars().zip(b.chars())` for as long as the two characters are equal.",
        "Add up `len_utf8()` of these characters: that is n.",
    ),
    cases=lambda rng: [
        ("Deep Learning", "Deep Rust"),
        ("", "Rust"),
        ("Rust", ""),
        ("Rust", "Rust"),
        ("layer", "layer norm"),
        ("layer norm", "layer"),
        ("naïve", "naîf"),  # the first byte of the two letters is the same
        ("層norm", "層nice"),
        ("abc", "xbc"),
        ("".join(rng.choice(list("aé"), 9)), "".join(rng.choice(list("aé"), 9))),
    ],
    expected=lambda case: prefix(*case),
    mistakes=(
        Mistake(
            name="one-too-many",
            value=lambda case: prefix(*case, change=1),
            says="the first character that differs is included: stop before it",
        ),
        Mistake(
            name="one-too-few",
            value=lambda case: prefix(*case, change=-1),
            says="the last common character is missing",
        ),
        Mistake(
            name="whole",
            value=lambda case: case[0],
            says="this is the whole of `a`: cut it where `b` begins to differ",
        ),
        Mistake(
            name="b-ends-first",
            value=lambda case: case[0] if case[0].startswith(case[1]) else prefix(*case),
            says="where `b` ends first you return all of `a`: the common part ends with `b`",
        ),
        Mistake(
            name="scattered",
            value=lambda case: case[0][: sum(x == y for x, y in zip(*case))],
            says="you counted equal characters after the first difference too: stop there (`take_while`)",
        ),
        Mistake(
            name="longer-of-both",
            value=lambda case: max(case, key=len),
            says="this is the longer text: the part that both begin with is asked for",
        ),
    ),
)

# --- five repairs ----------------------------------------------------------------------------------------


def five(values, words, *, count=None, first=None, ends=True, factor=2.0, lower=True, all_words=False):
    """What the five functions give; each option breaks one of them."""
    repeated = [*values, values[0] if first is None else first]
    swapped = [values[-1], *values[1:-1], values[0]] if len(values) > 1 and ends else list(values)
    word = " ".join(words.split()) if all_words else words.split()[0]
    return [
        [float(sum(values)), len(values) if count is None else count],
        repeated,
        swapped,
        [factor * v for v in values],
        word.lower() if lower else word,
    ]


def five_repairs_main(cases):
    calls = []
    for values, words in cases:
        body = f"let v = {vector(values)}; let mut r = v.clone(); repeat_first(&mut r); "
        body += "let mut s = v.clone(); swap_ends(&mut s); let d = doubled(&v); "
        body += f"let w = first_word({text(words)}); let (t, n) = total_and_count(v); "
        body += 'format!("[[{t:?}, {n}], {r:?}, {s:?}, {d:?}, {w:?}]")'
        calls.append(f"{{ {body} }}")
    return main_of(
        calls,
        total_and_count="fn(Vec<f64>) -> (f64, usize)",
        repeat_first="fn(&mut Vec<f64>)",
        swap_ends="fn(&mut [f64])",
        doubled="fn(&[f64]) -> Vec<f64>",
        first_word="fn(&str) -> String",
    )


five_repairs = Exercise(
    name="five_repairs",
    difficulty=2,
    minutes=20,
    read="Readers or one writer",
    language="rust",
    program=five_repairs_main,
    describe=lambda case: f"the list {json.dumps(case[0])} and the text {case[1]!r}",
    hints=(
        "Ask of each function: does it need to own, to look or to change, and until when?",
        "`iter()` instead of `into_iter()`; a copied number instead of `&values[0]`; `let mut`.",
        "`values.swap(0, last)` borrows once; `to_string()` inside the block makes a word that stays.",
    ),
    cases=lambda rng: [
        ([1.0, 2.0, 4.0], "Deep Learning"),
        ([3.0], "Rust"),
        ([0.5, -0.5], "  Two  WORDS "),
        (rng.integers(-9, 9, 7).astype(float).tolist(), "Éclair au chocolat"),
    ],
    expected=lambda case: five(*case),
    mistakes=(
        Mistake(
            name="count-lost",
            value=lambda case: five(*case, count=0),
            says="`total_and_count` returns the number 0: take the length of the list that has the values",
        ),
        Mistake(
            name="zero-appended",
            value=lambda case: five(*case, first=0.0),
            says="`repeat_first` appends 0.0: the copy of the first value never arrived",
        ),
        Mistake(
            name="not-swapped",
            value=lambda case: five(*case, ends=False),
            says="`swap_ends` leaves the list as it was: did you exchange two copies?",
        ),
        Mistake(
            name="not-doubled",
            value=lambda case: five(*case, factor=1.0),
            says="`doubled` returns the values unchanged: did you double a copy?",
        ),
        Mistake(
            name="upper-case",
            value=lambda case: five(*case, lower=False),
            says="`first_word` returns the word as written: it should be in lower case",
        ),
        Mistake(
            name="all-words",
            value=lambda case: five(*case, all_words=True),
            says="`first_word` returns more than the first word",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

drop_trace = Predict(
    name="drop_trace",
    difficulty=2,
    minutes=4,
    read="When a value dies",
    question="What does this program print? One line for each drop.",
    language="rust",
    code="""struct Part {
    name: char,
}

impl Drop for Part {
    fn drop(&mut self) {
        println!("{}", self.name);
    }
}

fn keep(part: Part) -> Part {
    part
}

fn main() {
    let a = Part { name: 'a' };
    let _b = Part { name: 'b' };
    {
        let _c = keep(a);
    }
    let _d = Part { name: 'd' };
}""",
    answer="a\nd\nb",
    says="`a` goes through keep into _c and dies with the block. At the end of main: _d, then _b.",
    wrong={
        "a b d": "Two variables of one block are dropped in reverse order: _d before _b.",
        "d b a": "`a` was handed on to _c, and _c dies at the end of the inner block.",
        "a a d b": "A move leaves nothing behind to drop: each value is dropped once.",
        "d a b": "The inner block ends before d is made.",
    },
)

parameter_form = Match(
    name="parameter_form",
    difficulty=1,
    minutes=3,
    read="Changing: `&mut T`",
    question="Which form should the argument have?",
    pairs=(
        ("compute a loss from predictions", "`&[f64]`", "It only looks, and a slice is all it needs."),
        (
            "apply an optimiser's step to the weights",
            "`&mut [f64]`",
            "It changes them, and the caller goes on.",
        ),
        (
            "append one loss to a history",
            "`&mut Vec<f64>`",
            "A slice cannot grow: the Vec itself must change.",
        ),
        (
            "send a finished batch to another thread",
            "`Vec<f64>`",
            "It is given away for good: the thread becomes its owner.",
        ),
        ("compare a learning rate with a limit", "`f64`", "A number is Copy: pass it as it is."),
    ),
)

borrow_ends = Choice(
    name="borrow_ends",
    difficulty=2,
    minutes=3,
    read="Where a borrow ends",
    question="After `let mut v = vec![1, 2]; let r = &mut v;`, which continuation compiles?",
    options=(
        Option(
            text="`v.push(3); r.push(4);`",
            says="r is still to be used, so it is alive while v.push asks for a second writer: E0499.",
        ),
        Option(
            text="`r.push(3); v.push(4);`",
            says="Right. The last use of r is over before v is borrowed again, in the same block.",
            right=True,
        ),
        Option(
            text='`println!("{}", v.len()); r.push(3);`',
            says="Even reading v is forbidden while r can still write: E0502.",
        ),
        Option(
            text="`drop(v); r.push(3);`",
            says="v may not be moved while r, borrowed from it, is still to be used: E0505.",
        ),
    ),
)

growth_steps = Order(
    name="growth_steps",
    difficulty=1,
    minutes=3,
    read="The same bug in C++",
    question="What happens when the C++ program appends to its full vector?",
    steps=(
        ("`first` is set to the address of element 0.", "The reference is made before anything changes."),
        ("`push_back` finds that the capacity is used up.", "Three elements, room for three."),
        ("A larger place is taken and the elements are moved there.", "They have to lie side by side."),
        ("The old place is given back.", "From here on `first` dangles; nobody tells it."),
        ("Reading `first` yields whatever lies at the old place.", "The use after free."),
    ),
)

which_code = Match(
    name="which_code",
    difficulty=3,
    minutes=6,
    read="Readers or one writer",
    question="Predict the error: `v` is a `Vec<f64>`, made with `let mut` unless the line says otherwise.",
    pairs=(
        ("`let w = v; v.len();`", "E0382, used after a move", "w owns the vector; v is dead."),
        (
            "`let r = &v; v.push(1.0); r.len();`",
            "E0502, a writer beside a reader",
            "push needs &mut while r lives.",
        ),
        (
            "`let a = &mut v; let b = &mut v; a.pop(); b.pop();`",
            "E0499, two writers",
            "a is alive when b is made.",
        ),
        (
            "`let r = &v; drop(v); r.len();`",
            "E0505, moved while borrowed",
            "drop takes v over; r is still to be used.",
        ),
        (
            "`let r = &v; v = vec![]; r.len();`",
            "E0506, assigned while borrowed",
            "The assignment would drop what r looks at.",
        ),
        (
            "`let v = vec![1.0]; v.push(2.0);`",
            "E0596, no permission to write",
            "Without mut the owner itself may not change.",
        ),
        (
            "`let r; { let u = vec![1.0]; r = &u; } r.len();`",
            "E0597, does not live long enough",
            "u dies with the inner block.",
        ),
    ),
)

ENTRIES = (
    keep_best,
    drop_trace,
    drop_order,
    consume_text,
    increment,
    parameter_form,
    drop_outliers,
    add_row,
    borrow_ends,
    first_conflict,
    growth_steps,
    common_prefix,
    which_code,
    five_repairs,
)
