"""Exercises of 02_rust_primer: what is asked, which mistakes are known, and what to say about them."""

import math

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Order, Predict


def text(value):
    """A Python text as a Rust literal; every character outside ASCII as an escape."""
    return '"' + "".join(c if c.isascii() and c not in '"\\' else f"\\u{{{ord(c):x}}}" for c in value) + '"'


def f64(value):
    if math.isfinite(value):
        return f"{float(value)!r}_f64"
    return "f64::NAN" if math.isnan(value) else "f64::INFINITY" if value > 0 else "f64::NEG_INFINITY"


def main_of(calls, helper=""):
    """A `main` that prints one JSON list; each call is a Rust expression for a text of JSON."""
    return helper + 'fn main() {\n    println!("[{}]", [' + ", ".join(calls) + '].join(", "));\n}\n'


# --- whole numbers ---------------------------------------------------------------------------------------


def pattern(value, bits):
    return f"{value % 2**bits:0{bits}b}"


def fits(value, bits):
    return -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def pattern_or_raise(answer, case):
    """Let the ValueError of a value that does not fit count as an answer: the text "ValueError"."""
    try:
        return answer(*case)
    except ValueError:
        return "ValueError"


def sign_and_size(value, bits):
    return f"{int(value < 0)}{abs(value):0{bits - 1}b}"


twos_complement = Exercise(
    name="twos_complement",
    difficulty=2,
    minutes=10,
    read="Two's complement",
    hints=(
        "For which values is there a pattern at all? Check that first.",
        "The two readings of a pattern agree modulo 2**bits, and Python's `%` is never negative.",
        '`f"{value % 2**bits:0{bits}b}"` writes the number in binary with leading zeros.',
    ),
    cases=lambda rng: [
        (-13, 8),
        (13, 8),
        (0, 4),
        (-1, 4),
        (-8, 4),  # the smallest
        (7, 4),  # the largest
        (8, 4),
        (-9, 4),
        *((int(value), 16) for value in rng.integers(-(2**15), 2**15, 3)),
    ],
    expected=lambda case: pattern(*case) if fits(*case) else "ValueError",
    call=pattern_or_raise,
    mistakes=(
        Mistake(
            name="sign-and-size",
            value=lambda case: sign_and_size(*case) if fits(*case) else "ValueError",
            says="this writes a sign and the size of the number: here the top bit is worth -2^(n-1)",
        ),
        Mistake(
            name="ones-complement",
            value=lambda case: pattern(case[0] - (case[0] < 0), case[1]) if fits(*case) else "ValueError",
            says="you flipped the bits of a negative number and stopped there: add one",
        ),
        Mistake(
            name="no-leading-zeros",
            value=lambda case: f"{case[0] % 2 ** case[1]:b}" if fits(*case) else "ValueError",
            says="leading zeros are missing: the pattern always has `bits` characters",
        ),
        Mistake(
            name="no-range-check",
            value=lambda case: pattern(*case),
            says="a value that does not fit was wrapped around: it should raise a ValueError",
        ),
        Mistake(
            name="unsigned-range",
            value=lambda case: pattern(*case) if 0 <= case[0] < 2 ** case[1] else "ValueError",
            says="you accept 0 to 2^n - 1, the unsigned range: the signed one is -2^(n-1) to 2^(n-1) - 1",
        ),
        Mistake(
            name="lowest-bit-first",
            value=lambda case: pattern(*case)[::-1] if fits(*case) else "ValueError",
            says="the lowest bit comes first: the top bit should",
        ),
    ),
)


def wrap(a, b):
    wrapped = (a + b + 128) % 256 - 128
    return wrapped, wrapped != a + b


add_i8 = Exercise(
    name="add_i8",
    difficulty=2,
    minutes=8,
    read="Overflow",
    hints=(
        "The right answer agrees with a + b modulo 256 and lies between -128 and 127.",
        "`%` yields 0 to 255. Shift the sum so that this range becomes the one you want, and shift back.",
        "`(a + b + 128) % 256 - 128`; it overflowed if that is not a + b.",
    ),
    cases=lambda rng: [
        (100, 100),
        (1, 2),
        (127, 1),
        (-128, -1),
        (-128, -128),
        (-100, 100),
        *((int(a), int(b)) for a, b in rng.integers(-128, 128, (8, 2))),
    ],
    expected=lambda case: wrap(*case),
    mistakes=(
        Mistake(
            name="unsigned",
            value=lambda case: (sum(case) % 256, sum(case) % 256 != sum(case)),
            says="your results run from 0 to 255: from 128 on, subtract 256",
        ),
        Mistake(
            name="saturate",
            value=lambda case: (max(-128, min(127, sum(case))), not -128 <= sum(case) <= 127),
            says="this stops at the limits (saturating): the machine's adder goes round",
        ),
        Mistake(
            name="exact",
            value=lambda case: (sum(case), not -128 <= sum(case) <= 127),
            says="the flag is right, but the sum is the exact one: it has to fit into 8 bits",
        ),
        Mistake(
            name="flag-turned",
            value=lambda case: (wrap(*case)[0], not wrap(*case)[1]),
            says="the flag is turned around: True means that the result differs from the exact sum",
        ),
        Mistake(
            name="jump-to-zero",
            value=lambda case: (
                (sum(case), False) if -128 <= sum(case) <= 127 else (int(math.fmod(sum(case), 128)), True)
            ),
            says="you wrapped at 128: there are 256 patterns, so going round once changes the value by 256",
        ),
    ),
)

# --- text ------------------------------------------------------------------------------------------------


def positions(value, encoding="utf-8", unit=1):
    found = [0]
    for character in value:
        found.append(found[-1] + len(character.encode(encoding)) // unit)
    return found


cuts = Exercise(
    name="cuts",
    difficulty=1,
    minutes=6,
    read="Text is bytes",
    hints=(
        "How many bytes does each character occupy? `character.encode('utf-8')` shows them.",
        "Start at 0 and add up the lengths; each sum is a place where the text may be cut.",
        "The list begins with 0 and ends with the length in bytes, so it has one entry more than characters.",
    ),
    cases=lambda rng: [
        ("",),
        ("model",),
        ("naïve",),
        ("層 norm",),
        ("🦀🦀",),
        ("".join(rng.choice(list("aéß層🦀"), 7)),),
    ],
    expected=lambda case: positions(case[0]),
    mistakes=(
        Mistake(
            name="characters",
            value=lambda case: list(range(len(case[0]) + 1)),
            says="these are positions of characters: the bytes are asked for",
        ),
        Mistake(
            name="every-byte",
            value=lambda case: list(range(len(case[0].encode()) + 1)),
            says="you list every byte: inside a character the text may not be cut",
        ),
        Mistake(
            name="no-end",
            value=lambda case: positions(case[0])[:-1],
            says="the end of the text is missing: one may cut there too",
        ),
        Mistake(
            name="no-start",
            value=lambda case: positions(case[0])[1:],
            says="position 0 is missing: one may cut before the first character",
        ),
        Mistake(
            name="utf-16",
            value=lambda case: positions(case[0], "utf-16-le", 2),
            says="these positions count the units of UTF-16: Rust's texts are UTF-8",
        ),
    ),
)

# --- flow ------------------------------------------------------------------------------------------------


def sign_word(n):
    return "zero" if n == 0 else "positive" if n > 0 else "negative"


describe_number = Exercise(
    name="describe_number",
    difficulty=1,
    minutes=5,
    source="B3.3",
    read="Choosing",
    language="rust",
    program=lambda cases: main_of([f'format!("{{:?}}", describe_number({n}))' for (n,) in cases]),
    hints=(
        "A `match` has three arms here, and together they must cover every i32.",
        "`0` is a pattern, and so is the open-ended range `1..`, which means 1 and everything above.",
        'match n { 0 => "zero", 1.. => "positive", _ => "negative" }',
    ),
    cases=lambda rng: [
        (n,) for n in (0, 1, -1, 7, -250, 2**31 - 1, -(2**31), *map(int, rng.integers(-99, 99, 3)))
    ],
    expected=lambda case: sign_word(case[0]),
    mistakes=(
        Mistake(
            name="zero-positive",
            value=lambda case: "negative" if case[0] < 0 else "positive",
            says="0 gets the wrong word: it is neither positive nor negative",
        ),
        Mistake(
            name="turned",
            value=lambda case: sign_word(-case[0]),
            says="positive and negative are exchanged",
        ),
        Mistake(
            name="one-forgotten",
            value=lambda case: "negative" if case[0] == 1 else sign_word(case[0]),
            says="1 falls through to the last arm: the positive numbers begin at 1, `1..`",
        ),
        Mistake(
            name="largest-forgotten",
            value=lambda case: "negative" if case[0] == 2**31 - 1 else sign_word(case[0]),
            says="i32::MAX gets the word of another arm: the range must reach it, as `1..` does",
        ),
    ),
)


def count_halvings(rate, floor, strict=False):
    count = 0
    while rate / 2 > floor if strict else rate / 2 >= floor:
        rate, count = rate / 2, count + 1
    return count


halvings = Exercise(
    name="halvings",
    difficulty=1,
    minutes=6,
    read="Repeating",
    language="rust",
    program=lambda cases: main_of([f"halvings({f64(r)}, {f64(f)}).to_string()" for r, f in cases]),
    hints=(
        "You need two variables that change: the rate and a count. Arguments may be shadowed with `let mut`.",
        "Before each halving ask whether its result would still be at or above the floor.",
        "while rate / 2.0 >= floor { rate /= 2.0; count += 1; }",
    ),
    cases=lambda rng: [
        (1.0, 0.25),
        (1.0, 0.3),
        (0.1, 1.0),
        (1.0, 1.0),
        (8.0, 1.0),
        *((float(r), float(f)) for r, f in zip(rng.uniform(0.5, 2, 4), rng.uniform(1e-6, 0.1, 4))),
    ],
    expected=lambda case: count_halvings(*case),
    mistakes=(
        Mistake(
            name="strict",
            value=lambda case: count_halvings(*case, strict=True),
            says="a result equal to the floor is still allowed: compare with >=",
        ),
        Mistake(
            name="one-too-many",
            value=lambda case: count_halvings(case[0] * 2, case[1]),
            says="one halving too many: it is the halved rate that must not be below the floor",
        ),
        Mistake(
            name="at-least-one",
            value=lambda case: max(1, count_halvings(*case)),
            says="a loop that halves before it looks always counts one: the answer may be 0",
        ),
        Mistake(
            name="tenths",
            value=lambda case: max(0, math.floor(math.log10(case[0] / case[1]))),
            says="you divided by 10: the rate is halved",
        ),
    ),
)

# --- functions and data ----------------------------------------------------------------------------------


def squares_main(cases):
    calls = []
    for (numbers,) in cases:
        body = f"let v: Vec<i32> = vec!{numbers}; let s = squares(&v); assert_eq!(v, vec!{numbers}); "
        calls.append("{ " + body.replace("vec![]", "Vec::<i32>::new()") + 'format!("{s:?}") }')
    return main_of(calls)


squares = Exercise(
    name="squares",
    difficulty=1,
    minutes=5,
    source="B3.5",
    read="Functions without a name",
    language="rust",
    program=squares_main,
    hints=(
        "`iter()` looks at the elements and leaves them where they are.",
        "`map` takes a closure that says what becomes of each number.",
        "`collect()` gathers the results; the type it makes is known from the function's result.",
    ),
    cases=lambda rng: [
        ([1, 2, 3, 4],),
        ([],),
        ([-3],),
        ([0, 5, -5],),
        (list(map(int, rng.integers(-100, 100, 7))),),
    ],
    expected=lambda case: [n * n for n in case[0]],
    mistakes=(
        Mistake(
            name="doubled",
            value=lambda case: [2 * n for n in case[0]],
            says="you doubled the numbers: n * n is asked for",
        ),
        Mistake(
            name="unchanged",
            value=lambda case: list(case[0]),
            says="the numbers came back as they were: the closure in `map` has to square them",
        ),
        Mistake(
            name="cubes",
            value=lambda case: [n**3 for n in case[0]],
            says="these are the third powers",
        ),
        Mistake(
            name="absolute",
            value=lambda case: [n * abs(n) for n in case[0]],
            says="a square is never negative: multiply n by itself",
        ),
        Mistake(
            name="first-lost",
            value=lambda case: [n * n for n in case[0][1:]],
            says="the first number is missing: did you call `next` or `skip`?",
        ),
    ),
)


def running_mean_main(cases):
    calls = []
    for (values,) in cases:
        updates = " ".join(f"m.update({f64(v)}); all.push(m.mean());" for v in values)
        calls.append(
            "{ let mut m = RunningMean::new(); let mut all = vec![m.mean()]; " + updates + " json(&all) }"
        )
    helper = """fn json(all: &[Option<f64>]) -> String {
    let number = |v: f64| format!("{v:?}").replace("NaN", "\\"NaN\\"");
    let shown: Vec<String> = all.iter().map(|m| m.map_or("null".to_string(), number)).collect();
    format!("[{}]", shown.join(", "))
}
"""
    return main_of(calls, helper)


def means(values, *, empty=None, ahead=0, keep=False):
    """What `mean` says before the first and after each value."""
    found = [empty]
    for n in range(1, len(values) + 1):
        found.append(float(values[0]) if keep else sum(values[:n]) / (n + ahead))
    return found


def halfway(values):
    found = [None]
    for value in values:
        found.append(float(value) if found[-1] is None else (found[-1] + value) / 2)
    return found


running_mean = Exercise(
    name="running_mean",
    difficulty=2,
    minutes=10,
    read="Structs: data with a shape",
    language="rust",
    program=running_mean_main,
    hints=(
        "`new` returns a RunningMean with both fields zero: `RunningMean { count: 0, sum: 0.0 }`.",
        "`update` changes the fields through `self`: self.count and self.sum.",
        "`mean` returns None while the count is 0, otherwise Some(self.sum / f64::from(self.count)).",
    ),
    cases=lambda rng: [
        ([],),
        ([2.0],),
        ([1.0, 3.0, 8.0],),
        ([-1.0, 1.0],),
        (rng.normal(size=6).round(3).tolist(),),
    ],
    expected=lambda case: means(case[0]),
    mistakes=(
        Mistake(
            name="zero-when-empty",
            value=lambda case: means(case[0], empty=0.0),
            says="without any value you answer 0.0: that looks like a mean; answer None",
        ),
        Mistake(
            name="nan-when-empty",
            value=lambda case: means(case[0], empty="NaN"),
            says="without any value you divide 0 by 0, which is NaN: answer None",
        ),
        Mistake(
            name="count-ahead",
            value=lambda case: means(case[0], ahead=1),
            says="you divide by one too many: the count starts at 0 and grows by one for each value",
        ),
        Mistake(
            name="halfway",
            value=lambda case: halfway(case[0]),
            says="each new value counts half: keep the sum and the count, and divide them",
        ),
        Mistake(
            name="sum",
            value=lambda case: [None] + [float(sum(case[0][: n + 1])) for n in range(len(case[0]))],
            says="this is the sum: divide it by the count",
        ),
    ),
)


def shape(kind, *sizes):
    if kind == "circle":
        return f"Shape::Circle({f64(sizes[0])})"
    return f"Shape::Rectangle {{ width: {f64(sizes[0])}, height: {f64(sizes[1])} }}"


def measure(case, circle, rectangle=lambda width, height: width * height):
    kind, *sizes = case
    return float((circle if kind == "circle" else rectangle)(*sizes))


area = Exercise(
    name="area",
    difficulty=1,
    minutes=8,
    source="B3.4",
    read="Enums: one of several",
    language="rust",
    program=lambda cases: main_of([f'format!("{{:?}}", area(&{shape(*case)}))' for case in cases]),
    hints=(
        "One arm for each variant; the patterns give names to what the variants carry.",
        "`Shape::Circle(radius) => ...` and `Shape::Rectangle { width, height } => ...`",
        "The area of a circle is PI * radius * radius; references to numbers can be multiplied as they are.",
    ),
    cases=lambda rng: [
        ("circle", 3.0),
        ("rectangle", 5.0, 2.0),
        ("circle", 0.0),
        ("rectangle", 1.5, 4.0),
        ("circle", float(rng.uniform(0.5, 9))),
        ("rectangle", *map(float, rng.uniform(0.5, 9, 2))),
    ],
    expected=lambda case: measure(case, lambda r: math.pi * r * r),
    mistakes=(
        Mistake(
            name="circumference",
            value=lambda case: measure(case, lambda r: 2 * math.pi * r),
            says="the circle's value is its circumference: the area is PI times the radius squared",
        ),
        Mistake(
            name="rough-pi",
            value=lambda case: measure(case, lambda r: 3.14 * r * r),
            says="3.14 is too rough: use std::f64::consts::PI",
        ),
        Mistake(
            name="diameter",
            value=lambda case: measure(case, lambda r: math.pi * r * r / 4),
            says="you took the radius for the diameter",
        ),
        Mistake(
            name="perimeter",
            value=lambda case: measure(case, lambda r: math.pi * r * r, lambda w, h: 2 * (w + h)),
            says="the rectangle's value is its perimeter: the area is width times height",
        ),
        Mistake(
            name="squared-after",
            value=lambda case: measure(case, lambda r: (math.pi * r) ** 2),
            says="you squared PI as well: only the radius is squared",
        ),
    ),
)

# --- absence and failure ---------------------------------------------------------------------------------


def quotient(a, b, *, zero="division by zero", other="not finite"):
    """What `safe_div` gives; `zero` and `other` stand for the two failures (None: the float itself)."""
    if b == 0 and zero is not None:
        return zero
    value = float_division(a, b)
    if other is None or all(map(math.isfinite, (a, b, value))):
        return value if math.isfinite(value) else str(value)
    return other


def float_division(a, b):
    if b:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def safe_div_main(cases):
    helper = """fn json(result: Result<f64, String>) -> String {
    match result {
        Ok(v) if v.is_finite() => format!("{v:?}"),
        Ok(v) => format!("{:?}", format!("{v}").to_lowercase()),
        Err(reason) => format!("{reason:?}"),
    }
}
"""
    return main_of([f"json(safe_div({f64(a)}, {f64(b)}))" for a, b in cases], helper)


safe_div = Exercise(
    name="safe_div",
    difficulty=2,
    minutes=10,
    read="Failure, and why it failed",
    language="rust",
    program=safe_div_main,
    hints=(
        "Three outcomes: a zero divisor, something that is not finite, and a quotient. Test in this order.",
        "`x.is_finite()` is false for both infinities and for NaN; `-0.0 == 0.0` is true.",
        'Return Err("division by zero".to_string()) first; then look at a, b and a / b.',
    ),
    cases=lambda rng: [
        (10.0, 4.0),
        (10.0, 0.0),
        (0.0, 5.0),
        (-1.0, -0.0),
        (0.0, 0.0),
        (math.inf, 0.0),
        (math.inf, 2.0),
        (1.0, math.inf),
        (math.nan, 1.0),
        (1e300, 1e-300),  # the quotient overflows
        (float(rng.normal()), float(rng.normal())),
    ],
    expected=lambda case: quotient(*case),
    mistakes=(
        Mistake(
            name="no-check",
            value=lambda case: quotient(*case, zero=None, other=None),
            says="nothing ever fails: a float division by zero gives infinity, so test the divisor yourself",
        ),
        Mistake(
            name="only-zero",
            value=lambda case: quotient(*case, other=None),
            says="only the zero divisor is an error so far: infinities and NaN must be reported too",
        ),
        Mistake(
            name="only-finite",
            value=lambda case: quotient(*case, zero=None),
            says='a zero divisor is reported as "not finite": test for it first',
        ),
        Mistake(
            name="arguments-only",
            value=lambda case: str(math.inf) if case == (1e300, 1e-300) else quotient(*case),
            says="two finite numbers can have a quotient that overflows: test the quotient as well",
        ),
        Mistake(
            name="quotient-only",
            value=lambda case: 0.0 if case == (1.0, math.inf) else quotient(*case),
            says="1 divided by infinity is 0, a finite number, but the argument was not: test it too",
        ),
        Mistake(
            name="finite-first",
            value=lambda case: "not finite" if case == (math.inf, 0.0) else quotient(*case),
            says="a zero divisor comes first: test it before you look for infinities",
        ),
        Mistake(
            name="nan-compared",
            value=lambda case: "nan" if math.isnan(case[0]) else quotient(*case),
            says="NaN equals nothing, not even itself: ask `is_nan` or `is_finite`",
        ),
        Mistake(
            name="zero-as-default",
            value=lambda case: 0.0 if isinstance(quotient(*case), str) else quotient(*case),
            says="a failure comes back as 0.0, which looks like an answer: return Err",
        ),
    ),
)


def whole(value):
    try:
        return int(value)
    except ValueError:
        return None


def text_sum(a, b, *, limit=2**31, strip=True, last=False, cleaned=False, large="too large"):
    texts = (b, a) if last else (a, b)
    for value in texts:
        if whole(value) is None or (not strip and value != value.strip()):
            return f"not a number: {value.strip() if cleaned else value}"
    total = int(a) + int(b)
    if -limit <= total < limit:
        return total
    return large if isinstance(large, str) else large(total)


def add_texts_main(cases):
    helper = """fn json(result: Result<i32, AddError>) -> String {
    match result {
        Ok(sum) => sum.to_string(),
        Err(AddError::NotANumber(text)) => format!("{:?}", format!("not a number: {text}")),
        Err(AddError::TooLarge) => "\\"too large\\"".to_string(),
    }
}
"""
    return main_of([f"json(add_texts({text(a)}, {text(b)}))" for a, b in cases], helper)


add_texts = Exercise(
    name="add_texts",
    difficulty=3,
    minutes=15,
    read="Passing failures on",
    language="rust",
    program=add_texts_main,
    hints=(
        "A small function that turns one text into a Result<i32, AddError> saves writing it twice.",
        "`parsed.map_err(|_| AddError::NotANumber(text.to_string()))` replaces the library's error.",
        "After `?` on both, `checked_add` gives an Option; `.ok_or(AddError::TooLarge)` makes it a Result.",
    ),
    cases=lambda rng: [
        ("42", "1"),
        ("42", "x"),
        (" 7 ", "-10"),
        ("x", "y"),
        (" x ", "1"),
        ("", "1"),
        ("2147483647", "1"),
        ("-2147483648", "-1"),
        ("2147483647", "0"),
        *((str(a), str(b)) for a, b in rng.integers(-(10**6), 10**6, (3, 2))),
    ],
    expected=lambda case: text_sum(*case),
    mistakes=(
        Mistake(
            name="no-trim",
            value=lambda case: text_sum(*case, strip=False),
            says="spaces around a number are allowed: `trim()` before `parse()`",
        ),
        Mistake(
            name="second-first",
            value=lambda case: text_sum(*case, last=True),
            says="if both texts are bad, the error should name the first",
        ),
        Mistake(
            name="trimmed-text",
            value=lambda case: text_sum(*case, cleaned=True),
            says="the error holds the trimmed text: it should hold the text as it was passed",
        ),
        Mistake(
            name="wraps",
            value=lambda case: text_sum(*case, large=lambda n: (n + 2**31) % 2**32 - 2**31),
            says="a sum that is too large wraps around: use `checked_add`",
        ),
        Mistake(
            name="saturates",
            value=lambda case: text_sum(*case, large=lambda n: max(-(2**31), min(2**31 - 1, n))),
            says="a sum that is too large stops at the limit: return TooLarge",
        ),
        Mistake(
            name="bad-text-as-zero",
            value=lambda case: text_sum(*(value if whole(value) is not None else "0" for value in case)),
            says="a text that is no number counts as 0: that hides the mistake; return NotANumber",
        ),
    ),
)

# --- the balance -----------------------------------------------------------------------------------------


def share(case, *, minus=0, equal=True, empty=None, whole_only=False, short=False):
    predictions, targets = case
    if not predictions or (len(predictions) != len(targets) and not short):
        return empty
    hits = sum((p == t) == equal for p, t in zip(predictions, targets))
    return float(hits // len(predictions)) if whole_only else hits / (len(predictions) - minus)


def share_right_main(cases):
    helper = """fn json(share: Option<f64>) -> String {
    share.map_or("null".to_string(), |v| if v.is_finite() { format!("{v:?}") } else { format!("\\"{v}\\"") })
}
"""
    calls = [f"json(share_right(&{p}, &{t}))" for p, t in cases]
    return main_of(calls, helper)


share_right = Exercise(
    name="share_right",
    difficulty=2,
    minutes=15,
    read="The balance",
    language="rust",
    program=share_right_main,
    hints=(
        "rustc shows the next message once the last is repaired: division, a lost `None`, a missing `mut`.",
        "What no compiler sees: the range `0..=len` goes one too far, and the lengths are never compared.",
        "Return None early for bad input; at the end `Some(f64::from(hits) / predictions.len() as f64)`.",
    ),
    cases=lambda rng: [
        ([1, 0, 1, 1], [1, 1, 1, 0]),
        ([], []),
        ([3], [3]),
        ([1, 2], [1, 2, 3]),
        ([1, 2, 3], [1, 2]),
        ([], [1]),
        tuple(rng.integers(0, 3, (2, 11)).tolist()),
    ],
    expected=share,
    mistakes=(
        Mistake(
            name="whole-division",
            value=lambda case: share(case, whole_only=True),
            says="you divided whole numbers before converting: everything below 1 became 0",
        ),
        Mistake(
            name="errors",
            value=lambda case: share(case, equal=False),
            says="this is the share of wrong predictions",
        ),
        Mistake(
            name="zero-when-empty",
            value=lambda case: share(case, empty=0.0),
            says="where there is nothing to compare you answer 0.0: answer None",
        ),
        Mistake(
            name="nan-when-empty",
            value=lambda case: share(case) if any(case) else "NaN",
            says="two empty lists make you divide 0 by 0, which is NaN: answer None",
        ),
        Mistake(
            name="lengths-not-compared",
            value=lambda case: share(case, short=True),
            says="lists of different lengths were compared as far as `zip` goes: answer None",
        ),
    ),
)

# --- self-checks -----------------------------------------------------------------------------------------

shadow_block = Predict(
    name="shadow_block",
    difficulty=1,
    minutes=2,
    read="Shadowing, and what it lets through",
    question="What does this program print? One line for each `println!`.",
    language="rust",
    code="""fn main() {
    let x = 5;
    let x = x + 1;
    {
        let x = x * 2;
        println!("{x}");
    }
    println!("{x}");
}""",
    answer="12\n6",
    says="The second x is 6. The block makes a third one, 12, which ends with the block.",
    wrong={
        "12 12": "The `let` inside the block makes a new variable and leaves the outer one alone.",
        "10 6": "Inside the block, x on the right is the latest one outside, 6 and not 5.",
        "12 5": "The second `let` shadows the first for the rest of main, not only for a moment.",
    },
)

lonely_minimum = Choice(
    name="lonely_minimum",
    difficulty=2,
    minutes=2,
    read="Two's complement",
    question="Flip all bits and add one: which i8 but 0 comes back, and what is its `checked_neg()`?",
    options=(
        Option(
            text="−128, and `None`.",
            says="Right. 10000000 flips to 01111111, plus one is 10000000 again: +128 has no place in an i8.",
            right=True,
        ),
        Option(
            text="−128, and `Some(-128)`.",
            says="The value is right, but `checked_neg` gives `None` where the exact result does not fit.",
        ),
        Option(
            text="127, and `Some(127)`.",
            says="01111111 flips to 10000000, plus one is 10000001, which is -127, as it should be.",
        ),
        Option(
            text="None does: every number has its negative.",
            says="There are 256 values, and 0 is its own partner. One of the other 255 is left without.",
        ),
    ),
)

moved_or_copied = Match(
    name="moved_or_copied",
    difficulty=2,
    minutes=3,
    read="Moved or copied?",
    question="After each line, is the name `a` still usable?",
    pairs=(
        ("a: f64; let b = a;", "yes: the value is copied", "All numbers are Copy."),
        ("a: Vec<f64>; let b = a;", "no: the value has moved", "A Vec owns memory, so it is not Copy."),
        ("a: Vec<f64>; let b = &a;", "yes: b only borrows", "With & nothing is handed over."),
        (
            "a: Vec<f64>; let b = a.clone();",
            "yes: b is a second value",
            "clone makes an independent value and only looks at a.",
        ),
    ),
)

question_mark = Order(
    name="question_mark",
    difficulty=1,
    minutes=3,
    read="Passing failures on",
    question='What happens in `add_texts("42", "x")`? Bring the steps into order.',
    steps=(
        ('`"42".parse()` returns `Ok(42)`.', "The first line of the body runs first."),
        ("The first `?` takes 42 out, and the function goes on.", "For an Ok, ? is the value inside."),
        ('`"x".parse()` returns an `Err`.', "The second text is not a number."),
        ("The second `?` returns this `Err` from `add_texts` at once.", "For an Err, ? leaves the function."),
        ("The caller's `match` takes the arm for `Err`.", "The sum was never computed."),
    ),
)

codes = Match(
    name="codes",
    difficulty=2,
    minutes=4,
    read="The balance",
    question="Which code names which kind of contradiction?",
    pairs=(
        ("E0308", "expected one type, found another", "Mismatched types: the plainest code."),
        (
            "E0277",
            "the type lacks an ability",
            "A trait is missing: multiplying, indexing, passing on with ?.",
        ),
        ("E0384", "assigned twice without mut", "A variable made by let alone keeps its value."),
        ("E0382", "used after it was moved", "The value has a new owner; the old name is dead."),
        ("E0004", "a match leaves a case open", "A match has to be exhaustive."),
        ("E0425", "a name that nothing introduced", "Often a slip of the finger."),
        ("E0599", "no such method for this type", "As f64 and checked_div."),
    ),
)

ENTRIES = (
    shadow_block,
    twos_complement,
    lonely_minimum,
    add_i8,
    cuts,
    describe_number,
    halvings,
    squares,
    moved_or_copied,
    running_mean,
    area,
    safe_div,
    question_mark,
    add_texts,
    codes,
    share_right,
)
