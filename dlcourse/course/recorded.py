"""Results over several seeds: computed by `make record`, read by the chapters, spot-checked by the tests.

dlcourse/data/recorded/<chapter>.json holds for each experiment its settings, the versions it ran with,
a hash of its code, and one row per settings and seed. A record that no longer fits its code is refused.
"""

import hashlib
import importlib.util
import inspect
import json
import platform
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dlcourse.course import atomic

FOLDER = Path(__file__).resolve().parents[1] / "data" / "recorded"
SCHEMA = 1
EXPERIMENTS = {}  # (chapter, name) -> Experiment, filled by the decorator


class StaleRecord(RuntimeError):
    """There is no record of this experiment, or its code or settings have changed since."""


@dataclass(frozen=True)
class Experiment:
    """A function of a seed and settings; `band`: how far a repeated result may lie from the recorded one."""

    chapter: str
    name: str
    settings: tuple[dict, ...]
    seeds: int
    band: dict[str, float]
    function: Callable[..., dict]

    def run(self, seed, settings):
        """One row of the record: what came out for one seed and one of the settings, as plain numbers."""
        result = self.function(seed, **settings)
        numbers = {key: _number(self, key, value) for key, value in result.items()}
        return {"seed": seed, "settings": settings, "result": numbers}

    def code(self):
        """The hash of the function's text and of the functions of its module that it uses, comments apart."""
        texts = sorted(_texts(self.function, {}).values())
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]

    def departures(self, row, again):
        """Where a repeated row leaves the band around the recorded one: a list of lines."""
        lines, old, new = [], row["result"], again["result"]
        for key in old.keys() | new.keys():
            band = self.band.get(key, 0)
            if key not in old or key not in new or not abs(new[key] - old[key]) <= band:  # NaN too
                lines.append(f"{key}: expected {old.get(key)} ± {band}, got {new.get(key)}")
        return sorted(lines)


def experiment(chapter, name, settings=({},), *, seeds=5, band=None):
    """Register `function(seed, **settings) -> {name: number}` as an experiment of a chapter.

    settings  one dict or a list of them; seeds: the function is run with 0, 1, ..., seeds - 1
    band      {name of a number: how far another machine's result may lie from the recorded one}, else 0
    """
    settings = (settings,) if isinstance(settings, dict) else tuple(settings)

    def register(function):
        EXPERIMENTS[chapter, name] = Experiment(chapter, name, settings, seeds, dict(band or {}), function)
        return function

    return register


def experiments(chapter):
    """The experiments of one chapter: {name: Experiment}; none where it has no module."""
    module = f"dlcourse.course.experiments.{chapter.partition('_')[2]}"
    if importlib.util.find_spec(module):
        importlib.import_module(module)
    return {name: found for (slug, name), found in EXPERIMENTS.items() if slug == chapter}


def recorded(chapter, name):
    """The rows of a recorded experiment: [{"seed": 0, "settings": {...}, "result": {...}}, ...].

    Raises StaleRecord where there is no record, or where it does not belong to the present code and settings.
    """
    try:
        known = experiments(chapter)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "torch":
            raise
        return load(chapter)[name]["rows"]  # without torch the code cannot be compared; the tests do it
    if name not in known:
        names = ", ".join(known) or "it has none"
        raise StaleRecord(f"expected an experiment of {chapter} ({names}), got {name!r}")
    stored = load(chapter).get(name)
    if reason := stale(known[name], stored):
        raise StaleRecord(f"{chapter}, {name}: {reason}; run `make record` again")
    return stored["rows"]


def stale(experiment, stored):
    """Why a stored record does not belong to the experiment as it stands; empty where it does."""
    if stored is None:
        return "nothing is recorded yet"
    if stored["code"] != experiment.code():
        return "the code has changed since the results were recorded"
    if stored["settings"] != list(experiment.settings) or stored["seeds"] != experiment.seeds:
        return "the settings or the number of seeds have changed since the results were recorded"
    points = [(row["settings"], row["seed"]) for row in stored["rows"]]
    if points != [(s, seed) for s in experiment.settings for seed in range(experiment.seeds)]:
        return "the record is incomplete"
    return ""


def load(chapter):
    """All records of a chapter: {name: {"code", "settings", "seeds", "versions", "rows"}}."""
    try:
        data = json.loads((FOLDER / f"{chapter}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StaleRecord(f"{chapter}.json is damaged ({error}); run `make record` again") from None
    if data.get("schema") != SCHEMA:
        raise StaleRecord(f"{chapter}.json: expected schema {SCHEMA}, got {data.get('schema')!r}")
    return data["experiments"]


def record(experiment):
    """Run the experiment for all settings and seeds: a new record."""
    code = experiment.code()  # of what runs now: the file may be edited meanwhile
    rows = [experiment.run(seed, s) for s in experiment.settings for seed in range(experiment.seeds)]
    return {
        "code": code,
        "settings": list(experiment.settings),
        "seeds": experiment.seeds,
        "versions": _versions(),
        "rows": rows,
    }


def save(chapter, records):
    """Write a chapter's records, one row a line, in one step."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    parts = []
    for name, stored in sorted(records.items()):
        head = json.dumps({key: value for key, value in stored.items() if key != "rows"}, sort_keys=True)
        rows = ",\n".join(json.dumps(row, sort_keys=True) for row in stored["rows"])
        parts.append(f'{json.dumps(name)}: {head[:-1]}, "rows": [\n{rows}]}}')
    start = f'{{"schema": {SCHEMA}, "chapter": {json.dumps(chapter)}, "experiments": {{'
    text = start + "\n" + ",\n".join(parts) + "}}\n"
    atomic.write(FOLDER / f"{chapter}.json", text)


def _number(experiment, key, value):
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, bool | int | float):
        raise TypeError(f"{experiment.name}: expected a number for {key!r}, got {type(value).__name__}")
    return value


def _texts(function, found):
    """The texts of a function and of its module's functions that it names, without comment lines."""
    lines = (line.rstrip() for line in inspect.getsource(function).splitlines())
    found[function.__name__] = "\n".join(s for s in lines if s and not s.lstrip().startswith("#"))
    for name in _names(function.__code__):
        other = function.__globals__.get(name)
        mine = isinstance(other, types.FunctionType) and other.__module__ == function.__module__
        if mine and other.__name__ not in found:
            _texts(other, found)
    return found


def _names(code):
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return {*code.co_names, *(name for part in inner for name in _names(part))}


def _versions():
    packages = [name for name in ("numpy", "torch") if name in sys.modules]
    found = {name: metadata.version(name).partition("+")[0] for name in packages}
    return {"python": platform.python_version(), "machine": platform.machine()} | found
