"""Exercises of 00_setup: what is asked, which mistakes are known, and what to say about them."""

import tomllib

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Order

# --- the first ticks -------------------------------------------------------------------------------------

twice = Exercise(
    name="twice",
    difficulty=1,
    minutes=1,
    read="Your first tick",
    any_number=True,
    hints=(
        "Twice a number is the number and the number again.",
        "In Python the sign for a product is `*`.",
        "return 2 * n",
    ),
    cases=lambda rng: [(2,), (0,), (5,), (-7,), (int(rng.integers(100, 1000)),)],
    expected=lambda case: 2 * case[0],
    mistakes=(
        Mistake(
            name="square",
            value=lambda case: case[0] ** 2,
            says="this is the square: for 2 both agree, for 5 they do not",
        ),
        Mistake(
            name="plus-two",
            value=lambda case: case[0] + 2,
            says="you added 2: twice n is n + n",
        ),
        Mistake(name="once", value=lambda case: case[0], says="this is n itself: take it twice"),
        Mistake(
            name="text",
            value=lambda case: f"{case[0]}{case[0]}",
            says="this is a text, the digits written twice: compute with the number",
        ),
    ),
)


def printed(answer, case):
    """What `print(make_array())` would show, but a text keeps its quotes; None, a missing `return`, stays."""
    value = answer()
    if value is None:
        return None
    return repr(value) if isinstance(value, str) else str(value)


make_array = Exercise(
    name="make_array",
    difficulty=1,
    minutes=3,
    source="B2.2",
    read="One array, one tensor, one slope, one data set",
    hints=(
        "`np.array` makes an array of a list.",
        "Without decimal points NumPy takes whole numbers, and prints them without.",
        "return np.array([5, 10, 15])",
    ),
    cases=lambda rng: [()],
    expected=lambda case: "[ 5 10 15]",
    call=printed,
    describe=lambda case: "print(make_array())",
    mistakes=(
        Mistake(
            name="floats",
            value=lambda case: "[ 5. 10. 15.]",
            says="these are floats, as the points in the output show: write the numbers without a point",
        ),
        Mistake(
            name="list",
            value=lambda case: "[5, 10, 15]",
            says="this is a Python list, which prints commas: wrap it in np.array",
        ),
        Mistake(
            name="end-excluded",
            value=lambda case: "[ 5 10]",
            says="15 is missing: np.arange leaves its end out, so the end must lie beyond 15",
        ),
        Mistake(
            name="from-zero",
            value=lambda case: "[ 0  5 10]",
            says="this starts at 0: the first number is 5",
        ),
        Mistake(
            name="column",
            value=lambda case: "[[ 5]\n [10]\n [15]]",
            says="this is a column of shape (3, 1): one pair of brackets is enough",
        ),
        Mistake(
            name="row",
            value=lambda case: "[[ 5 10 15]]",
            says="this is a table with one row, of shape (1, 3): one pair of brackets is enough",
        ),
        Mistake(
            name="text",
            value=lambda case: "'[ 5 10 15]'",
            says="this is a text that looks like the array: return the array itself",
        ),
        Mistake(
            name="tensor",
            value=lambda case: "tensor([ 5, 10, 15])",
            says="this is a tensor of PyTorch: np.array makes one of NumPy's arrays",
        ),
    ),
)

rust_array = Exercise(
    name="rust_array",
    difficulty=1,
    minutes=5,
    source="B2.2",
    read="What the magic can do",
    language="rust",
    program=lambda cases: (
        """fn main() {
    let made: Vec<i32> = make_array();
    println!("[{:?}]", format!("{made:?}"));
}
"""
    ),
    hints=(
        "`vec!` with brackets makes a vector as brackets alone make a list in Python.",
        "The last expression of a function, without a semicolon, is its result.",
        "vec![5, 10, 15]",
    ),
    cases=lambda rng: [()],
    expected=lambda case: "[5, 10, 15]",
    describe=lambda case: 'println!("{:?}", make_array())',
    mistakes=(
        Mistake(
            name="from-zero",
            value=lambda case: "[0, 5, 10]",
            says="this starts at 0: 0..3 counts 0, 1, 2, as Python's range does",
        ),
        Mistake(
            name="end-excluded",
            value=lambda case: "[5, 10]",
            says="15 is missing: 1..3 leaves its end out, 1..=3 includes it",
        ),
        Mistake(
            name="doubled",
            value=lambda case: "[5, 10, 20]",
            says="you doubled each number: the steps are 5 wide",
        ),
        Mistake(
            name="empty",
            value=lambda case: "[]",
            says="the vector is empty: put the three numbers into it",
        ),
    ),
)

# --- reading messages ------------------------------------------------------------------------------------

MESSAGE = """error[{code}]: {title}
 --> cell.rs:{line}:{column}
{bar} |
{line} |     {shown}
{bar} |     ^^^^
{more}
error: aborting due to 1 previous error

For more information about this error, try `rustc --explain {code}`.
"""
SECOND = "note: function defined here\n --> cell.rs:{line}:{column}\n"


def message(code, title, line, column, shown, more=""):
    bar = " " * len(str(line))
    return MESSAGE.format(code=code, title=title, line=line, column=column, shown=shown, bar=bar, more=more)


def message_cases(rng):
    line, column = (int(n) for n in rng.integers(20, 90, 2))
    return [
        (message("E0425", "cannot find value `value` in this scope", 3, 22, "value", ""),),
        (
            message(
                "E0308",
                "mismatched types",
                9,
                14,
                "mean(5)",
                SECOND.format(line=1, column=4),
            ),
        ),
        (message("E0384", "cannot assign twice to immutable variable", line, column, "x = 2;"),),
        (message("E0277", "cannot divide `f64` by `{integer}`", 12, 7, "a / 3", ""),),
    ]


def parts(text, place=0):
    """(code, line, column): the code of the first error, the place of the given number."""
    code = text.split("error[")[1].split("]")[0]
    found = [line.split(":") for line in text.splitlines() if line.startswith(" --> ")]
    return code, int(found[place][1]), int(found[place][2])


read_error = Exercise(
    name="read_error",
    difficulty=2,
    minutes=12,
    read="Reading a message",
    hints=(
        "The code stands in the first line, between `error[` and `]`.",
        "The place is in the first line that contains `-->`; `split(':')` takes it apart.",
        "`re.search(r'error\\[(\\w+)\\]', text)[1]` is the code; `r'--> .*?:(\\d+):(\\d+)'` finds the place.",
    ),
    cases=message_cases,
    expected=lambda case: parts(case[0]),
    describe=lambda case: f"the message of {parts(case[0])[0]}:\n    " + case[0].replace("\n", "\n    "),
    mistakes=(
        Mistake(
            name="exchanged",
            value=lambda case: (parts(case[0])[0], *parts(case[0])[:0:-1]),
            says="line and column are exchanged: rustc writes file:line:column",
        ),
        Mistake(
            name="last-place",
            value=lambda case: parts(case[0], -1),
            says="a message may name several places: the error itself is at the first one",
        ),
        Mistake(
            name="brackets",
            value=lambda case: (f"[{parts(case[0])[0]}]", *parts(case[0])[1:]),
            says="the brackets do not belong to the code",
        ),
        Mistake(
            name="number-only",
            value=lambda case: (parts(case[0])[0][1:], *parts(case[0])[1:]),
            says="the letter E belongs to the code: E0308, not 0308",
        ),
        Mistake(
            name="texts",
            value=lambda case: (parts(case[0])[0], *map(str, parts(case[0])[1:])),
            says="line and column are texts: turn them into numbers with int",
        ),
    ),
)

# --- tests -----------------------------------------------------------------------------------------------


def spread_main(cases):
    calls = ", ".join(f"spread(&[{', '.join(f'{v!r}f64' for v in values)}])" for (values,) in cases)
    return f"""fn main() {{
    let results: Vec<f64> = vec![{calls}];
    let shown: Vec<String> = results
        .iter()
        .map(|v| if v.is_finite() {{ format!("{{v:?}}") }} else {{ format!("{{:?}}", v.to_string()) }})
        .collect();
    println!("[{{}}]", shown.join(", "));
}}
"""


def spread_of(values, empty=0.0):
    return max(values) - min(values) if values else empty


rust_spread = Exercise(
    name="rust_spread",
    difficulty=2,
    minutes=10,
    read="Tests in a cell",
    language="rust",
    program=spread_main,
    hints=(
        "Walk through the values once and keep the smallest and the largest so far.",
        "Begin with the first value, and treat the empty slice before that: `if values.is_empty()`.",
        "let mut low = values[0]; let mut high = values[0]; "
        "for &v in values { low = low.min(v); high = high.max(v); } high - low",
    ),
    cases=lambda rng: [
        ([],),
        ([3.0],),
        ([1.0, 4.0, 2.5],),
        ([-5.0, -2.0, -9.0],),
        ([float(v) for v in rng.uniform(-10, 10, 6).round(3)],),
    ],
    expected=lambda case: spread_of(case[0]),
    describe=lambda case: f"spread(&{case[0]})",
    mistakes=(
        Mistake(
            name="largest",
            value=lambda case: max(case[0], default=0.0),
            says="this is the largest value: subtract the smallest from it",
        ),
        Mistake(
            name="negative",
            value=lambda case: -spread_of(case[0]),
            says="the sign is wrong: largest minus smallest, not the other way round",
        ),
        Mistake(
            name="from-zero",
            value=lambda case: max([0.0, *case[0]]) - min([0.0, *case[0]]),
            says="you began the search at 0, so 0 counts as one of the values: begin with the first value",
        ),
        Mistake(
            name="high-from-zero",
            value=lambda case: max([0.0, *case[0]]) - min(case[0]) if case[0] else 0.0,
            says="you began the search for the largest at 0 or at f64::MIN_POSITIVE, a tiny positive number: "
            "where all values are negative nothing is larger; begin with the first value",
        ),
        Mistake(
            name="ends",
            value=lambda case: case[0][-1] - case[0][0] if case[0] else 0.0,
            says="this is last minus first: the slice need not be sorted",
        ),
        Mistake(
            name="empty-infinite",
            value=lambda case: spread_of(case[0], "-inf"),
            says="the empty slice gives minus infinity: its spread is asked to be 0",
        ),
    ),
)

# --- profiles --------------------------------------------------------------------------------------------

DEFAULTS = {"opt-level": 3, "lto": False, "codegen-units": 16}


def settings(text, profile="release", defaults=DEFAULTS):
    written = tomllib.loads(text).get("profile", {}).get(profile, {})
    return {key: written.get(key, default) for key, default in defaults.items()}


def manifests(rng):
    head = '[package]\nname = "hello"\nversion = "0.1.0"\n'
    units = int(rng.integers(2, 9))
    return [
        (head,),
        (f"{head}\n[profile.dev]\nopt-level = 1\n",),
        (f'{head}\n[profile.release]\nopt-level = "s"\nlto = "thin"\ncodegen-units = 1\n',),
        (f"{head}\n[profile.dev]\nlto = true\n\n[profile.release]\ncodegen-units = {units}\n",),
        (f"{head}\n[profile.release]\nlto = true\ndebug = true\n",),
        (f"{head}\n[profile.release]\nopt-level = 0\n",),
    ]


profile_dict = Exercise(
    name="profile_dict",
    difficulty=2,
    minutes=10,
    source="B2.3",
    read="Two profiles",
    hints=(
        "`tomllib.loads(text)` gives nested dictionaries; a table that is absent is an absent key.",
        '`.get("profile", {}).get("release", {})` is what the manifest says, or nothing.',
        'Start from {"opt-level": 3, "lto": False, "codegen-units": 16}, then overwrite what is written.',
    ),
    cases=manifests,
    expected=lambda case: settings(*case),
    describe=lambda case: "the manifest\n    " + case[0].replace("\n", "\n    "),
    mistakes=(
        Mistake(
            name="dev",
            value=lambda case: settings(*case, profile="dev"),
            says="you read [profile.dev]: the question is about [profile.release]",
        ),
        Mistake(
            name="no-defaults",
            value=lambda case: {
                key: value
                for key, value in tomllib.loads(case[0]).get("profile", {}).get("release", {}).items()
                if key in DEFAULTS
            },
            says="what is not written has a default: 3, False and 16",
        ),
        Mistake(
            name="more-keys",
            value=lambda case: DEFAULTS | tomllib.loads(case[0]).get("profile", {}).get("release", {}),
            says="other keys, such as debug, do not belong to the answer: return these three alone",
        ),
        Mistake(
            name="zero-lost",
            value=lambda case: {key: value or DEFAULTS[key] for key, value in settings(*case).items()},
            says="an opt-level of 0 is written, and counts: to `or`, 0 is as good as nothing",
        ),
        Mistake(
            name="dev-defaults",
            value=lambda case: settings(*case, defaults={"opt-level": 0, "lto": False, "codegen-units": 256}),
            says="these are the defaults of dev: release optimises, with opt-level 3 and 16 units",
        ),
    ),
)


def timings(rng):
    """Cases: what a stand-in for `timed` answers, call by call, for debug and for release."""

    def rows(build, run, n):
        return [
            (round(float(b), 3), round(float(r), 3))
            for b, r in zip(build * rng.uniform(1, 1.6, n), run * rng.uniform(1, 1.6, n))
        ]

    fixed = ([(0.2, 0.8), (0.1, 1.0), (0.3, 0.5)], [(0.4, 0.2), (0.25, 0.1), (0.3, 0.4)], 3)
    return [fixed, *((rows(0.1, 1.0, n), rows(0.3, 0.2, n), n) for n in (2, 4))]


def run_profile_table(answer, case):
    debug, release, repeats = case
    queues = {False: list(debug), True: list(release)}

    def timed(release):
        queue = queues[bool(release)]
        queue.append(queue.pop(0))
        return queue[-1]

    return answer(timed, repeats)


def table_of(case, best=min, exchanged=False, one_run=False, inverse=False, swapped=False, whole=False):
    debug, release, _ = case
    names = ("release", "debug") if exchanged else ("debug", "release")
    table = {}
    for name, rows in zip(names, (debug, release)):
        pair = min(rows, key=sum) if one_run else [best(column) for column in zip(*rows)]
        table[name] = {"build": pair[swapped], "run": pair[not swapped]}
    debug, release = (
        sum(table[name].values()) if whole else table[name]["run"] for name in ("debug", "release")
    )
    ratio = debug / release
    return table | {"speedup": 1 / ratio if inverse else ratio}


profile_table = Exercise(
    name="profile_table",
    difficulty=2,
    minutes=12,
    source="B2.3",
    read="Two profiles",
    hints=(
        "For each profile collect `repeats` pairs; the two columns of the list are build and run times.",
        "`min` of each column on its own: the fastest build need not belong to the fastest run.",
        "rows = [timed(release) for _ in range(repeats)]; "
        'table[name] = {"build": min(b for b, _ in rows), "run": min(r for _, r in rows)}',
    ),
    cases=timings,
    expected=table_of,
    call=run_profile_table,
    describe=lambda case: f"{case[2]} calls, debug {case[0]}, release {case[1]}",
    mistakes=(
        Mistake(
            name="mean",
            value=lambda case: table_of(case, best=lambda column: sum(column) / len(column)),
            says="you took means: one interruption by another program spoils a mean, take the smallest",
        ),
        Mistake(
            name="first-only",
            value=lambda case: table_of(case, best=lambda column: column[0]),
            says="you measured once: call timed `repeats` times and keep the smallest",
        ),
        Mistake(
            name="largest",
            value=lambda case: table_of(case, best=max),
            says="you kept the slowest: the smallest time is the one that was disturbed least",
        ),
        Mistake(
            name="exchanged",
            value=lambda case: table_of(case, exchanged=True),
            says="debug and release are exchanged: timed(True) measures release",
        ),
        Mistake(
            name="inverse",
            value=lambda case: table_of(case, inverse=True),
            says="the speed-up is upside down: divide the time of debug by that of release",
        ),
        Mistake(
            name="fastest-pair",
            value=lambda case: table_of(case, one_run=True),
            says="you kept one pair as a whole: take the smallest build and the smallest run separately",
        ),
        Mistake(
            name="swapped",
            value=lambda case: table_of(case, swapped=True),
            says="build and run are exchanged: timed returns the seconds of the build first",
        ),
        Mistake(
            name="with-build",
            value=lambda case: table_of(case, whole=True),
            says="your speed-up divides build and run together: it compares the run times alone",
        ),
    ),
)

# --- versions --------------------------------------------------------------------------------------------


def numbers(version):
    return [int(part) for part in version.split(".")]


def bumped(parts, place):
    """The smallest version after all those that begin with parts[: place + 1]."""
    return (parts[:place] + [parts[place] + 1] + [0, 0, 0])[:3]


def leftmost(parts):
    """The place of the number that must stay the same."""
    return next((i for i, part in enumerate(parts) if part), len(parts) - 1)


def excluded(requirement):
    parts = numbers(requirement)
    return bumped(parts, leftmost(parts))


def not_reset(requirement):
    parts = numbers(requirement)
    place = leftmost(parts)
    return (parts[:place] + [parts[place] + 1] + parts[place + 1 :] + [0, 0])[:3]


CARETS = ("0.15", "1.2.3", "0.15.4", "2", "0.0.3", "0", "0.0", "0.0.0", "1.0", "10.9.1")

first_excluded = Exercise(
    name="first_excluded",
    difficulty=2,
    minutes=12,
    source="B2.4",
    read="What a requirement lets in",
    hints=(
        "Which number counts as the major one? The leftmost that is not zero.",
        "Raise that number by one and set everything to its right to zero; add zeros up to three numbers.",
        "Are all written numbers zero, raise the last one that is written: 0.0 ends at 0.1.0.",
    ),
    cases=lambda rng: [(text,) for text in CARETS],
    expected=lambda case: excluded(*case),
    mistakes=(
        Mistake(
            name="next-major",
            value=lambda case: bumped(numbers(*case), 0),
            says="before 1.0 the first number says nothing: there the leftmost one that is not zero counts",
        ),
        Mistake(
            name="last-written",
            value=lambda case: bumped(numbers(*case), len(numbers(*case)) - 1),
            says="you raised the last written number: raise the leftmost one that is not zero",
        ),
        Mistake(
            name="not-reset",
            value=lambda case: not_reset(*case),
            says="the numbers to the right of the raised one become zero: after 0.15.4 comes 0.16.0",
        ),
        Mistake(
            name="second-number",
            value=lambda case: bumped((numbers(*case) + [0])[:3], 1),
            says="you always raised the second number: from 1.0 on the first one counts",
        ),
        Mistake(
            name="zero-lost",
            value=lambda case: excluded(*case) if any(numbers(*case)) else [1, 0, 0],
            says="0.0 has no number that is not zero: there, raise the last one written, which gives 0.1.0",
        ),
        Mistake(
            name="padded-first",
            value=lambda case: excluded(*case) if any(numbers(*case)) else [0, 0, 1],
            says="0 ends at 1.0.0 and 0.0 at 0.1.0: raise the last number *written*, before you append zeros",
        ),
        Mistake(
            name="two-places",
            value=lambda case: bumped((numbers(*case) + [0])[:3], 0 if numbers(*case)[0] else 1),
            says="you look at two places only: in 0.0.3 the third number is the leftmost that is not zero",
        ),
    ),
)


def fits(requirement, version, upper=excluded, lower=True, inclusive=False, pins=True):
    got = numbers(version)
    if requirement[0] == "=" and pins:
        wanted = numbers(requirement[1:])
        return got[: len(wanted)] == wanted
    wanted = requirement.lstrip("^=")
    low, high = (numbers(wanted) + [0, 0])[:3], upper(wanted)
    return (low <= got or not lower) and (got <= high if inclusive else got < high)


def as_texts(requirement, version):
    wanted = requirement.lstrip("^=")
    if requirement[0] == "=":
        return version == wanted or version.startswith(f"{wanted}.")
    return wanted <= version < ".".join(map(str, excluded(wanted)))


def all_as_pins(requirement, version):
    return fits(f"={requirement.lstrip('^=')}", version)


def number_by_number(requirement, version):
    if requirement[0] == "=":
        return fits(requirement, version)
    wanted, got = numbers(requirement.lstrip("^")), numbers(version)
    return all(g >= w for g, w in zip(got, wanted)) and got < excluded(requirement.lstrip("^"))


def pin_begins(requirement, version):
    return version.startswith(requirement[1:]) if requirement[0] == "=" else fits(requirement, version)


def pin_whole(requirement, version):
    return version == requirement[1:] if requirement[0] == "=" else fits(requirement, version)


PAIRS = (
    ("0.15", "0.15.0"), ("0.15", "0.15.10"), ("0.15", "0.16.0"), ("0.15", "0.14.9"), ("^0.15.4", "0.15.3"),
    ("^0.15.4", "0.15.10"), ("=0.15.4", "0.15.4"), ("=0.15.4", "0.15.5"), ("=0.15.4", "0.15.40"),
    ("=0.15", "0.15.7"), ("=0.15", "0.16.0"), ("1.2", "1.3.0"), ("1.2", "1.10.0"), ("1.2", "2.0.0"),
    ("1.2.3", "1.10.0"), ("1.9", "1.10.0"), ("1.2", "1.1.9"), ("0.0.3", "0.0.4"), ("^2", "2.99.0"),
    ("=1", "1.7.2"), ("0", "0.9.3"), ("1.2", "3.0.0"), ("0", "1.0.0"), ("0.0", "0.0.9"), ("0.0", "0.1.0"),
    ("0.0.3", "0.0.3"),
)  # fmt: skip

compatible = Exercise(
    name="compatible",
    difficulty=3,
    minutes=20,
    source="B2.4",
    read="What a requirement lets in",
    hints=(
        "Turn versions into lists of whole numbers: lists compare number by number, texts letter by letter.",
        "For `=`: the written numbers must agree, and the version may go on as it likes.",
        "Else: low <= version < high; low is the requirement with zeros, high the first one excluded.",
    ),
    cases=lambda rng: list(PAIRS),
    expected=lambda case: fits(*case),
    mistakes=(
        Mistake(
            name="texts",
            value=lambda case: as_texts(*case),
            says='you compared texts: "0.15.10" comes before "0.15.4" in the alphabet; compare numbers',
        ),
        Mistake(
            name="only-major",
            value=lambda case: fits(*case, upper=lambda wanted: bumped(numbers(wanted), 0)),
            says="0.16.0 is let in by 0.15: before 1.0 the second number is the one that must not change",
        ),
        Mistake(
            name="no-lower-bound",
            value=lambda case: fits(*case, lower=False),
            says="versions older than the requirement are let in: it is a lower bound as well",
        ),
        Mistake(
            name="end-included",
            value=lambda case: fits(*case, inclusive=True),
            says="the end of the range is let in: 0.16.0 is the first version that 0.15 excludes",
        ),
        Mistake(
            name="pin-as-range",
            value=lambda case: fits(*case, pins=False),
            says="`=` is treated as a range: =0.15.4 lets in 0.15.4 and nothing else",
        ),
        Mistake(
            name="no-upper-bound",
            value=lambda case: fits(*case, upper=lambda wanted: [10**6]),
            says="any newer version is let in: the range ends where changes may break your program",
        ),
        Mistake(
            name="all-as-pins",
            value=lambda case: all_as_pins(*case),
            says="that is the rule for `=`: without it the requirement is a range, and 1.2 lets in 1.10.0",
        ),
        Mistake(
            name="number-by-number",
            value=lambda case: number_by_number(*case),
            says="you ask every number to be large enough: 1.10.0 is newer than 1.2.3 although 0 < 3; "
            "compare whole lists",
        ),
        Mistake(
            name="pin-begins",
            value=lambda case: pin_begins(*case),
            says='the text "0.15.40" begins with "0.15.4", and is another release: compare numbers',
        ),
        Mistake(
            name="pin-whole",
            value=lambda case: pin_whole(*case),
            says="=0.15 leaves the third number open: only the written numbers have to agree",
        ),
    ),
)


def updates(rng):
    return [
        ([0, 15, 0], [0, 16, 0], ["0.15.9", "0.15.10", "0.16.0", "0.14.0"]),
        ([1, 2, 0], [2, 0, 0], ["2.0.0", "1.2.0", "1.9.3", "1.10.0", "1.1.0"]),
        ([3, 0, 0], [4, 0, 0], ["2.9.9", "4.0.0"]),
        ([1, 0, 0], [2, 0, 0], ["1.0.1", "1.0.0", "0.9.0", "3.0.0"]),
        ([1, 2, 3], [2, 0, 0], ["1.2.3", "1.2.0", "2.0.0"]),
        ([1, 2, 3], [2, 0, 0], ["1.2.4", "1.10.0", "1.3.1"]),
    ]


def picked(low, high, available, key=numbers, best=max, inclusive=False, floor=True, strict=False):
    allowed = [v for v in available if numbers(v) < high or inclusive and numbers(v) == high]
    allowed = [v for v in allowed if numbers(v) >= low or not floor]
    allowed = [v for v in allowed if numbers(v) != low or not strict]
    return best(allowed, key=key) if allowed else None


update = Exercise(
    name="update",
    difficulty=2,
    minutes=10,
    source="B2.4",
    read="The lock file",
    hints=(
        "First keep what lies in the range, then take the newest of these.",
        "`[int(part) for part in version.split('.')]` makes a list that compares as versions should.",
        "max(allowed, key=...) picks the newest; `max(..., default=None)` answers None for an empty list.",
    ),
    cases=updates,
    expected=lambda case: picked(*case),
    mistakes=(
        Mistake(
            name="text-order",
            value=lambda case: picked(*case, key=str),
            says='you compared texts, in which "0.15.9" comes after "0.15.10": compare lists of numbers',
        ),
        Mistake(
            name="newest-of-all",
            value=lambda case: max(case[2], key=numbers),
            says="you took the newest of all: what lies outside the range is not allowed",
        ),
        Mistake(
            name="oldest",
            value=lambda case: picked(*case, best=min),
            says="you took the oldest that fits: an update takes the newest",
        ),
        Mistake(
            name="end-included",
            value=lambda case: picked(*case, inclusive=True),
            says="the end of the range itself is excluded: compare with <",
        ),
        Mistake(
            name="no-floor",
            value=lambda case: picked(*case, floor=False),
            says="a version older than the range was taken: an update never goes below `low`",
        ),
        Mistake(
            name="start-excluded",
            value=lambda case: picked(*case, strict=True),
            says="`low` itself is allowed: compare with <=",
        ),
        Mistake(
            name="last-listed",
            value=lambda case: picked(*case, best=lambda allowed, key: allowed[-1]),
            says="you took the last one that fits: the list is in no particular order",
        ),
        Mistake(
            name="number-by-number",
            value=lambda case: picked(
                *case[:2], [v for v in case[2] if all(n >= m for n, m in zip(numbers(v), case[0]))]
            ),
            says="1.10.0 lies above 1.2.3 although 0 < 3: compare whole lists, not number with number",
        ),
        Mistake(
            name="nothing-fits",
            value=lambda case: picked(*case) or max(case[2], key=numbers),
            says="where nothing fits you return a version all the same: return None",
        ),
    ),
)


def lock_text(packages):
    head = "version = 4\n"
    return head + "".join(f'\n[[package]]\nname = "{name}"\nversion = "{v}"\n' for name, v in packages)


def locks(rng):
    small = [("hello", "0.1.0"), ("ndarray", "0.9.1"), ("rand", "0.10.2")]
    drifted = [
        ("ndarray", "0.16.1"),
        ("ndarray", "0.9.1"),
        ("ndarray", "0.17.2"),
        ("ndarray-rand", "0.15.0"),
        ("rand", "0.10.2"),
    ]
    return [
        (lock_text(small), "rand"),
        (lock_text(drifted), "ndarray"),
        (lock_text(drifted), "serde"),
        (lock_text(drifted + [("my-ndarray", "1.0.0")]), "ndarray"),
    ]


def in_lock(text, name, key=numbers, same=str.__eq__):
    found = [p["version"] for p in tomllib.loads(text)["package"] if same(p["name"], name)]
    return sorted(found, key=key) if key else found


locked = Exercise(
    name="locked",
    difficulty=2,
    minutes=8,
    source="B2.4",
    read="The lock file",
    hints=(
        'A lock file is TOML: `tomllib.loads(text)["package"]` is a list of dictionaries.',
        "Compare names with ==: another crate's name may begin in the same way.",
        "sorted(versions, key=lambda v: [int(n) for n in v.split('.')]) puts 0.9.1 before 0.16.1.",
    ),
    cases=locks,
    expected=lambda case: in_lock(*case),
    describe=lambda case: f"the versions of {case[1]} in\n    " + case[0].replace("\n", "\n    "),
    mistakes=(
        Mistake(
            name="text-order",
            value=lambda case: in_lock(*case, key=str),
            says='the order is that of texts, in which "0.16.1" comes before "0.9.1": sort by numbers',
        ),
        Mistake(
            name="prefix",
            value=lambda case: in_lock(*case, same=str.startswith),
            says="ndarray-rand is another crate than ndarray: compare whole names",
        ),
        Mistake(
            name="part-of-name",
            value=lambda case: in_lock(*case, same=str.__contains__),
            says="my-ndarray and ndarray-rand are other crates than ndarray: compare whole names with ==",
        ),
        Mistake(
            name="none-for-none",
            value=lambda case: in_lock(*case) or None,
            says="a crate that is not in the file has no versions: return an empty list, not None",
        ),
        Mistake(
            name="unsorted",
            value=lambda case: in_lock(*case, key=None),
            says="the versions are in the file's order: sort them, oldest first",
        ),
        Mistake(
            name="newest-first",
            value=lambda case: in_lock(*case)[::-1],
            says="the newest comes first: the oldest should",
        ),
        Mistake(
            name="one-only",
            value=lambda case: in_lock(*case)[-1:],
            says="a lock file may hold several versions of a crate: return them all",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

message_parts = Match(
    name="message_parts",
    difficulty=1,
    minutes=3,
    read="Reading a message",
    question="Which part of rustc's message answers which question?",
    pairs=(
        (
            "What kind of contradiction is this?",
            "`error[E0425]` and its line",
            "Code and summary come first.",
        ),
        ("Where is it?", "`--> cell.rs:3:22`", "File, line, column, counted from 1."),
        ("Which characters exactly?", "`^^^^^`", "The carets stand under the place of the error."),
        ("What else belongs to it?", "`-----`", "Dashes mark a second place that explains the first."),
        ("What could I try?", "`help:` with `+`", "A proposal; whether it is what you meant, you decide."),
    ),
)

first_build = Order(
    name="first_build",
    difficulty=1,
    minutes=3,
    read="What is paid once",
    question="A cell with `--crates arrays` runs for the first time on a new machine. In which order?",
    steps=(
        ("Cargo reads the lock file.", "It says which release of each crate is to be used."),
        ("The sources of these crates are downloaded.", "Once; afterwards no network is needed."),
        ("The crates are compiled.", "This takes minutes, and its result is kept."),
        ("rustc compiles the cell and links it with them.", "A cell can use a crate only when it is there."),
        ("The program runs.", "A compiled program is needed first."),
    ),
)

release_flag = Choice(
    name="release_flag",
    difficulty=1,
    minutes=1,
    source="B2.3",
    read="Two profiles",
    question="Which command builds a project with the profile `release`?",
    options=(
        Option(text="`cargo build`", says="Without a flag Cargo takes the profile `dev`."),
        Option(text="`cargo build --release`", says="The result lies in `target/release`.", right=True),
        Option(text="`cargo build --optimise`", says="There is no such flag; Cargo would refuse it."),
        Option(
            text="`cargo release`", says="Cargo itself has no such command; an add-on of this name publishes."
        ),
    ),
)

cargo_tasks = Match(
    name="cargo_tasks",
    difficulty=1,
    minutes=3,
    source="B2.4",
    read="The lock file",
    question="In the folder `rust/` of this course: which command does what?",
    pairs=(
        ("show what an update would change, and change nothing", "`cargo update --dry-run`", "A rehearsal."),
        (
            "move every crate to the newest release in its range",
            "`cargo update`",
            "It rewrites `Cargo.lock`.",
        ),
        ("show who depends on whom", "`cargo tree`", "The lock file, as a tree."),
        ("show who depends on ndarray 0.16", "`cargo tree -i ndarray@0.16.1`", "-i turns the tree around."),
        (
            "show crates of which several releases are locked",
            "`cargo tree --duplicates`",
            "Or `-d` for short.",
        ),
        ("fail rather than change the lock file", "`cargo build --locked`", "What a test server should use."),
    ),
)

who_owns = Match(
    name="who_owns",
    difficulty=2,
    minutes=3,
    read="Who does what",
    question="Which command serves which wish?",
    pairs=(
        ("read the standard library's documentation", "`rustup doc`", "It comes with the toolchain."),
        ("make pages from my own project's comments", "`cargo doc`", "It runs over your sources."),
        ("install a newer compiler", "`rustup update`", "rustup manages toolchains."),
        ("take newer releases of my crates", "`cargo update`", "Cargo manages dependencies."),
        ("use release 1.95 in this folder only", "`rustup override set 1.95.0`", "Or a toolchain file."),
        ("read about error E0308", "`rustc --explain E0308`", "The compiler knows its own codes."),
    ),
)

before_one = Choice(
    name="before_one",
    difficulty=2,
    minutes=2,
    source="B2.4",
    read="What a requirement lets in",
    question='A manifest says `linfa = "0.4"`. Which of these releases may Cargo choose?',
    options=(
        Option(text="0.4.0", says="The smallest release in the range.", right=True),
        Option(text="0.4.12", says="Before 1.0 the third number may grow.", right=True),
        Option(text="0.7.0", says="Before 1.0 a new second number may break programs: it is outside."),
        Option(text="0.3.9", says="The requirement is a lower bound as well."),
        Option(text="1.0.0", says="A new first number is always outside."),
    ),
)

ENTRIES = (
    twice,
    make_array,
    rust_array,
    read_error,
    rust_spread,
    profile_dict,
    profile_table,
    first_excluded,
    compatible,
    update,
    locked,
    message_parts,
    first_build,
    release_flag,
    cargo_tasks,
    who_owns,
    before_one,
)
