"""What an exercise or a self-check is: plain data, written once, used by checks, hints, book and grader."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

WANTS = {"function": "a function", "class": "a class", "value": "a value"}
NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
LANGUAGES = ("python", "rust")
DIFFICULTY = {1: "●○○ warm-up", 2: "●●○ solid", 3: "●●● demanding"}


def call_with_case(answer, case):
    """How most exercises call the student's answer: the case is the tuple of its arguments."""
    return answer(*case)


@dataclass(frozen=True)
class Raises:
    """The "value" of a mistake that raises: `Mistake(..., value=lambda case: Raises("ValueError"))`."""

    error: str


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One known wrong answer: what it would return for a case, and what to say to whoever wrote it."""

    name: str
    value: Callable[[Any], Any]
    says: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What every exercise and self-check has."""

    name: str
    difficulty: int = 1  # 1 to 3
    minutes: int = 1
    source: str = "ours"  # the textbook's number, e.g. "B5.3"
    read: str = ""  # where to read: the label of a section

    def __post_init__(self):
        if not NAME.fullmatch(self.name):
            raise ValueError(f"expected a name of letters, digits, - and _, got {self.name!r}")
        if self.difficulty not in DIFFICULTY:
            raise ValueError(f"{self.name}: expected difficulty 1, 2 or 3, got {self.difficulty!r}")
        if self.minutes <= 0:
            raise ValueError(f"{self.name}: expected minutes above 0, got {self.minutes!r}")

    @property
    def facts(self):
        """How hard, how long, and which exercise of a textbook: "●●○ solid · 12 minutes"."""
        words = [DIFFICULTY[self.difficulty], f"{self.minutes} minute{'s' * (self.minutes != 1)}"]
        return " · ".join(words + ([f"textbook exercise {self.source}"] if self.source != "ours" else []))


@dataclass(frozen=True, kw_only=True)
class Exercise(Entry):
    """A function, class or value that the student writes, and how it is judged.

    cases      rng -> list of cases; a case is the tuple of the answer's arguments
    expected   case -> the right value: None, bool, number, str, array, or list, tuple, dict of these
    call       (answer, case) -> value, where `answer(*case)` is not enough
    mistakes   known wrong answers; their values must differ from each other and from the right ones
    program    Rust only: cases -> the source of a `main` that prints one JSON list of the results
    describe   case -> words for it, where the answer is not called with the case itself
    """

    hints: Sequence[str]
    cases: Callable[[Any], list]
    expected: Callable[[Any], Any]
    mistakes: Sequence[Mistake]
    call: Callable[[Any, Any], Any] = call_with_case
    rtol: float = 1e-7
    atol: float = 1e-9
    wants: str = "function"  # or "class", "value": what the student hands to `check`
    any_number: bool = False  # True: 1, 1.0 and True are the same answer
    mutates: bool = False  # True: the answer is meant to change its arguments
    seconds: float = 5.0  # the limit of one call; of the whole program in Rust
    language: str = "python"
    program: Callable[[list], str] | None = None
    describe: Callable[[Any], str] | None = None

    def __post_init__(self):
        super().__post_init__()
        if len(self.hints) != 3 or not all(self.hints):
            raise ValueError(f"{self.name}: expected 3 hints, got {len(self.hints)}")
        if self.wants not in WANTS:
            raise ValueError(f"{self.name}: expected wants in {list(WANTS)}, got {self.wants!r}")
        if self.language not in LANGUAGES:
            raise ValueError(f"{self.name}: expected language in {list(LANGUAGES)}, got {self.language!r}")
        if (self.language == "rust") != (self.program is not None):
            raise ValueError(f"{self.name}: expected a program for a Rust exercise and for no other")
        if self.language == "rust" and not self.name.isidentifier():
            raise ValueError(f"expected a Rust exercise's name to be an identifier, got {self.name!r}")

    @property
    def function(self):
        """The name as code: what the answer is called in messages."""
        return self.name.replace("-", "_")


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer of a Choice: `says` explains why it is right or wrong."""

    text: str
    says: str
    right: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice(Entry):
    """A question with one right option, or several (then every right one has to be ticked)."""

    question: str
    options: Sequence[Option]

    def __post_init__(self):
        super().__post_init__()
        if len(self.options) < 2 or not any(option.right for option in self.options):
            raise ValueError(f"{self.name}: expected at least 2 options, one of them right")


@dataclass(frozen=True, kw_only=True)
class Order(Entry):
    """Steps to bring into order: given here in the right one, as (step, why it stands there)."""

    question: str
    steps: Sequence[tuple[str, str]]

    def __post_init__(self):
        super().__post_init__()
        if len(self.steps) < 3:
            raise ValueError(f"{self.name}: expected at least 3 steps, got {len(self.steps)}")


@dataclass(frozen=True, kw_only=True)
class Match(Entry):
    """Pairs to be found: (left, right, why they belong together)."""

    question: str
    pairs: Sequence[tuple[str, str, str]]

    def __post_init__(self):
        super().__post_init__()
        if len(self.pairs) < 2:
            raise ValueError(f"{self.name}: expected at least 2 pairs, got {len(self.pairs)}")


@dataclass(frozen=True, kw_only=True)
class Predict(Entry):
    """What does this code print? Spaces do not count; `wrong` maps likely slips to an explanation."""

    question: str
    code: str
    answer: str
    says: str
    wrong: dict[str, str]
    language: str = "python"
