"""A chapter of small exercises, for the tests of the machinery that checks exercises."""

import numpy as np

from dlcourse.course.exercises import Choice, Exercise, Match, Mistake, Option, Order, Predict, Raises

HINTS = ("What is a mean?", "Add and divide.", "Divide by len(x).")


def vectors(rng):
    return [(rng.normal(size=7),), (np.array([1.0, 2.0, 6.0]),), (np.array([4.0]),)]


mean = Exercise(
    name="mean",
    difficulty=1,
    minutes=3,
    source="B5.3",
    read="Averages",
    hints=HINTS,
    cases=vectors,
    expected=lambda case: float(case[0].mean()),
    mistakes=(
        Mistake(name="sum", value=lambda case: float(case[0].sum()), says="this is the sum"),
        Mistake(name="median", value=lambda case: float(np.median(case[0])), says="this is the median"),
        Mistake(
            name="n-1",
            value=lambda case: (
                Raises("ZeroDivisionError") if len(case[0]) == 1 else case[0].sum() / (len(case[0]) - 1)
            ),
            says="you divide by N - 1",
        ),
    ),
    seconds=0.5,
)

double = Exercise(
    name="double",
    hints=HINTS,
    cases=lambda rng: [(rng.normal(size=(4, 3)),), (np.array([[1.0, 2.0]]),)],
    expected=lambda case: 2 * case[0],
    mistakes=(
        Mistake(name="square", value=lambda case: case[0] ** 2, says="this squares"),
        Mistake(name="half", value=lambda case: case[0] / 2, says="this halves"),
        Mistake(name="transposed", value=lambda case: 2 * case[0].T, says="this transposes"),
    ),
    seconds=0.5,
)

grow = Exercise(
    name="grow",
    language="rust",
    hints=HINTS,
    cases=lambda rng: [(1,), (20,)],
    expected=lambda case: case[0] + 1,
    program=lambda cases: 'fn main() { println!("[%s]"); }'.replace(
        "%s", ",".join("{}" for _ in cases)
    ).replace('");', '", ' + ", ".join(f"grow({n})" for (n,) in cases) + ");"),
    mistakes=(Mistake(name="same", value=lambda case: case[0], says="nothing has grown"),),
    seconds=2,
)

ENTRIES = (
    mean,
    double,
    grow,
    Choice(
        name="line",
        question="Can a line separate $x$?",
        options=(
            Option(text="Yes", says="Try `AND`.", right=True),
            Option(text="No & never", says="Only *XOR* resists."),
        ),
    ),
    Choice(
        name="several",
        question="Which gates?",
        options=(
            Option(text="AND", says="b = -1.5", right=True),
            Option(text="OR", says="b = -0.5", right=True),
            Option(text="XOR", says="No line."),
        ),
    ),
    Order(
        name="steps",
        question="One step of training",
        steps=(("forward", "First the loss."), ("backward", "Then gradients."), ("update", "Then the step.")),
    ),
    Match(
        name="gates",
        question="Which bias?",
        pairs=(("AND", "-1.5", "Both."), ("OR", "-0.5", "One."), ("NOT", "0.5", "None.")),
    ),
    Predict(
        name="prints",
        question="What does it print?",
        code="print(1 < 2, 3)",
        answer="True 3",
        says="print puts a space.",
        wrong={"True, 3": "No comma."},
    ),
)
