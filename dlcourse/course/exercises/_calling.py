"""Call the student's answer on every case, guarded, and write down what came of it."""

import contextlib
import copy
import io
import linecache
import signal
import threading
import types
import warnings
from dataclasses import asdict, dataclass
from typing import Any

from numpy import mean, ufunc

from dlcourse.course.exercises._values import NotPlain, decode, encode, plain, same

MOST_PRINTED = 2000
LIBRARIES = {"dlcourse", "numpy", "scipy", "torch", "sklearn", "builtins", "math"}
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type(mean))
# The problems an outcome can have. MISFIT: there is nothing that could be called at all.
UNSOLVED, TIME, RAISED, TYPE, MISFIT, OTHER = "unsolved", "time", "raised", "type", "misfit", "other"


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a plain value, or a problem (its kind and the words for it)."""

    value: Any = None
    problem: str = ""
    says: str = ""
    error: str = ""  # the name of the exception's class
    printed: str = ""
    mutated: bool = False


def to_json(outcomes):
    """Outcomes as JSON-ready data, to be judged in another process."""
    return [asdict(o) | {"value": encode(o.value)} for o in outcomes]


def from_json(data):
    """The outcomes that `to_json` wrote."""
    return [Outcome(**(row | {"value": decode(row["value"])})) for row in data]


class TimeUp(BaseException):
    """Not an Exception, so that an answer's own `except Exception` does not swallow it."""


@contextlib.contextmanager
def time_limit(seconds):
    """Raise TimeUp in the body after so many seconds; without effect off the main thread and on Windows."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    running = True

    def stop(*_):
        if running:
            raise TimeUp

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)  # and again: a bare `except:` swallows the first
    try:
        yield
    finally:
        while running:
            with contextlib.suppress(TimeUp):  # the next alarm may come before this one is switched off
                signal.setitimer(signal.ITIMER_REAL, 0)
                running = False
        signal.signal(signal.SIGALRM, previous)


class Printed(io.TextIOBase):
    """Keeps the beginning of what is printed and forgets the rest."""

    def __init__(self):
        self.text = ""

    def writable(self):
        return True

    def write(self, text):
        self.text += text[: MOST_PRINTED - len(self.text)]
        return len(text)


@contextlib.contextmanager
def quiet():
    """Collect what the answer prints; nothing of it, nor any warning, reaches stdout or stderr."""
    printed = Printed()
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        warnings.simplefilter("ignore")
        yield printed


def misfit(exercise, answer):
    """Say why this object cannot be the answer at all; None where it can."""
    if exercise.wants == "value":
        return None
    is_class = isinstance(answer, type)
    if exercise.wants == "class":
        got = type(answer).__name__
        return None if is_class else f"expected a class, got an object of type {got}: pass the class itself"
    if is_class:
        return f"expected a function, got the class {answer.__name__}: pass a function"
    if not callable(answer):
        got = type(answer).__name__
        return f"expected a function, got an object of type {got}: pass the function itself, not its result"
    home = _home(answer)
    return f"this function comes from {home}: the exercise asks for your own" if home in LIBRARIES else None


def _home(answer):
    """The library a function belongs to; wrappers such as np.vectorize(mine) and partial(mine) have none."""
    if isinstance(answer, ufunc):
        return "numpy"
    return str(answer.__module__).partition(".")[0] if isinstance(answer, FUNCTIONS) else ""


def outcomes(exercise, answer, cases):
    """Call the answer on every case, stopping early where going on would teach nothing."""
    found = []
    for case in cases:
        found.append(_outcome(exercise, answer, case))
        if found[-1].problem in (UNSOLVED, TIME):
            break
    return found


def _outcome(exercise, answer, case):
    own = copy.deepcopy(case)  # what the answer does to its arguments must not reach the judge
    with quiet() as printed:
        try:
            with time_limit(exercise.seconds):
                value = plain(exercise.call(answer, own))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an answer may raise anything, SystemExit included
            return Outcome(**_problem(exercise, error), printed=printed.text)
    mutated = not exercise.mutates and not same(case, own)
    return Outcome(value=value, printed=printed.text, mutated=mutated)


def _problem(exercise, error):
    if isinstance(error, TimeUp):
        says = f"no result after {exercise.seconds:g} s: is there a loop that never ends?"
        return {"problem": TIME, "says": says}
    if isinstance(error, NotImplementedError):
        return {"problem": UNSOLVED}
    if isinstance(error, NotPlain):
        return {"problem": TYPE, "says": f"your answer returned {error}"}
    name = type(error).__name__
    says = f"your code raised {name}: {_message(error)}{_place(error)}"
    return {"problem": RAISED, "error": name, "says": says}


def _message(error):
    try:
        lines = str(error).strip().splitlines() or ["(no message)"]
    except Exception:  # an exception class of the student's own, with a broken __str__
        lines = ["(its message cannot be shown)"]
    return lines[0][:200]


def _place(error):
    """The last line of the student's own on the way to the error: the notebook is the module __main__."""
    place, frame = "", error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_globals.get("__name__") == "__main__":
            text = linecache.getline(frame.tb_frame.f_code.co_filename, frame.tb_lineno).strip()[:100]
            place = f"\n  in line {frame.tb_lineno} of your cell" + (f": {text}" if text else "")
        frame = frame.tb_next
    return place
