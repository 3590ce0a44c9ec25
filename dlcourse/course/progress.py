"""What the learner has done: one JSON file under DLCOURSE_HOME, safe for several kernels at once.

Its content: {"schema": 1, "exercises": {"conv2d": {"tries": 3, "solved": true, "hints": 1}}}
"""

import contextlib
import json
import os
import sys
import time
from pathlib import Path

from dlcourse.course import atomic

SCHEMA = 1
STALE = 10.0  # seconds after which a lock was left by a process that died


def home():
    """The folder of the progress file: DLCOURSE_HOME, else the platform's place for a user's data."""
    if chosen := os.environ.get("DLCOURSE_HOME"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")
    return Path(base) / "dlcourse"


def path():
    return home() / "progress.json"


def load():
    """The record {name: {"tries", "solved", "hints"}}; a damaged file is put aside, and that is said."""
    try:
        data = path().read_bytes()
    except FileNotFoundError:
        return {}
    try:
        return _valid(json.loads(data.decode()))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        print(f"The progress file was damaged ({error}); it is kept as {_put_aside().name}.")
        return {}


def _valid(data):
    if data["schema"] != SCHEMA:
        raise ValueError(f"expected schema {SCHEMA}, got {data['schema']!r}")
    return {
        str(name): {"tries": int(row["tries"]), "solved": bool(row["solved"]), "hints": int(row["hints"])}
        for name, row in data["exercises"].items()
    }


def _put_aside():
    """Rename the damaged file to progress.damaged-N.json with the first free N."""
    number = 1
    while (aside := home() / f"progress.damaged-{number}.json").exists():
        number += 1
    os.replace(path(), aside)
    return aside


def save(exercises):
    """Write the whole record in one step."""
    text = json.dumps({"schema": SCHEMA, "exercises": exercises}, indent=1, sort_keys=True)
    atomic.write(path(), text + "\n")


@contextlib.contextmanager
def _lock():
    """A file that only one process can create: the others wait; an old one is taken for abandoned."""
    home().mkdir(parents=True, exist_ok=True)
    lock = home() / "progress.lock"
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            with contextlib.suppress(FileNotFoundError):  # released in this moment
                if time.time() - lock.stat().st_mtime > STALE:
                    lock.unlink()
            time.sleep(0.01)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            lock.unlink()


@contextlib.contextmanager
def _change(name):
    with _lock():
        exercises = load()
        row = exercises.setdefault(name, {"tries": 0, "solved": False, "hints": 0})
        yield row
        save(exercises)


def record(name, passed):
    """Count a try; an exercise once solved stays solved."""
    with _change(name) as row:
        row["tries"] += 1
        row["solved"] = row["solved"] or bool(passed)


def next_hint(name):
    """Count a hint and return its number: 1, 2, 3, and 4 once all three were shown."""
    with _change(name) as row:
        row["hints"] = number = min(row["hints"] + 1, 4)
    return number


def solved(name):
    return load().get(name, {}).get("solved", False)
