"""Recorded results: refused when they do not belong to the code, and right when a seed is run again."""

import json
import linecache
import os
import random
import sys
import textwrap

import numpy as np
import pytest

from dlcourse.course import recorded, sources
from tools import record

CHAPTER = "99_toy"
CODE = """
from dlcourse.course.recorded import experiment

def helper(seed):
    return seed{offset}

@experiment("99_toy", "curve", [{{"n": 1}}, {{"n": 2}}], seeds=3, band={{"loss": {band}}})
def curve(seed, *, n):
    # a comment{comment}
    return {{"loss": 0.5 * helper(seed) + n, "solved": seed > 0}}
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Writes the module of a chapter's experiments anew, as an editor would."""
    from dlcourse.course import experiments

    monkeypatch.setattr(recorded, "FOLDER", tmp_path / "recorded")
    monkeypatch.setattr(recorded, "EXPERIMENTS", {})
    monkeypatch.setattr(experiments, "__path__", [str(tmp_path)])

    def write(offset="", comment="", band=0.01):
        code = CODE.format(offset=offset, comment=comment, band=band)
        (tmp_path / "toy.py").write_text(textwrap.dedent(code))
        sys.modules.pop("dlcourse.course.experiments.toy", None)
        linecache.clearcache()
        for cached in tmp_path.glob("__pycache__/*"):
            cached.unlink()

    write()
    yield write
    sys.modules.pop("dlcourse.course.experiments.toy", None)


def test_a_record_is_made_once_and_read(toy, capsys):
    assert record.bring_up_to_date(CHAPTER) == ["curve"]
    assert record.bring_up_to_date(CHAPTER) == []
    assert record.bring_up_to_date(CHAPTER, force=True) == ["curve"]
    assert "99_toy, curve: 6 runs" in capsys.readouterr().out
    rows = recorded.recorded(CHAPTER, "curve")
    assert [(row["settings"]["n"], row["seed"]) for row in rows] == [(n, s) for n in (1, 2) for s in range(3)]
    assert rows[1]["result"] == {"loss": 1.5, "solved": True}
    stored = json.loads((recorded.FOLDER / "99_toy.json").read_text())["experiments"]["curve"]
    assert stored["versions"].keys() >= {"python", "numpy"} and stored["seeds"] == 3


def test_what_is_not_recorded_is_refused(toy):
    with pytest.raises(recorded.StaleRecord, match="nothing is recorded yet; run `make record`"):
        recorded.recorded(CHAPTER, "curve")
    with pytest.raises(recorded.StaleRecord, match=r"an experiment of 99_toy \(curve\), got 'other'"):
        recorded.recorded(CHAPTER, "other")


def test_a_comment_changes_nothing_but_code_does(toy):
    record.bring_up_to_date(CHAPTER)
    toy(comment=" that says more")
    assert recorded.recorded(CHAPTER, "curve")
    toy(offset=" + 1")
    with pytest.raises(recorded.StaleRecord, match="99_toy, curve: the code has changed"):
        recorded.recorded(CHAPTER, "curve")


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda data: data["experiments"]["curve"]["settings"].pop(), "the settings or the number of seeds"),
        (lambda data: data["experiments"]["curve"].update(seeds=9), "the settings or the number of seeds"),
        (lambda data: data["experiments"]["curve"]["rows"].pop(), "the record is incomplete"),
        (lambda data: data.update(schema=9), "expected schema 1, got 9"),
    ],
)
def test_a_record_that_was_tampered_with_is_refused(toy, change, words):
    record.bring_up_to_date(CHAPTER)
    path = recorded.FOLDER / "99_toy.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(recorded.StaleRecord, match=words):
        recorded.recorded(CHAPTER, "curve")


def test_a_damaged_file_is_said_to_be_damaged(toy):
    record.bring_up_to_date(CHAPTER)
    (recorded.FOLDER / "99_toy.json").write_text("{")
    with pytest.raises(recorded.StaleRecord, match="99_toy.json is damaged"):
        recorded.recorded(CHAPTER, "curve")


def test_a_result_outside_its_band_is_noticed(toy):
    record.bring_up_to_date(CHAPTER)
    experiment, row = recorded.experiments(CHAPTER)["curve"], recorded.recorded(CHAPTER, "curve")[1]
    assert experiment.departures(row, experiment.run(1, {"n": 1})) == []
    close, far = ({"result": row["result"] | {"loss": loss}} for loss in (1.505, 1.52))
    assert experiment.departures(row, close) == []
    assert experiment.departures(row, far) == ["loss: expected 1.5 ± 0.01, got 1.52"]
    assert experiment.departures(row, {"result": {"loss": 1.5}}) == ["solved: expected True ± 0, got None"]
    nan = {"result": row["result"] | {"loss": float("nan")}}
    assert experiment.departures(row, nan) == ["loss: expected 1.5 ± 0.01, got nan"]


def test_results_are_plain_numbers(toy):
    experiment = recorded.experiments(CHAPTER)["curve"]
    assert recorded._number(experiment, "loss", np.float32(0.5)) == 0.5
    with pytest.raises(TypeError, match="curve: expected a number for 'loss', got list"):
        recorded._number(experiment, "loss", [1])


REAL = [(slug, name) for slug in sources.chapters() for name in recorded.experiments(slug)]


def again(chapter, name, rng):
    """Run one row of a record, chosen at random, once more; the experiment says what counts as equal."""
    experiment = recorded.experiments(chapter)[name]
    chosen = rng.choice(recorded.recorded(chapter, name))
    found = experiment.run(chosen["seed"], chosen["settings"])
    assert experiment.departures(chosen, found) == [], f"{name}, seed {chosen['seed']}, {chosen['settings']}"


@pytest.mark.parametrize("chapter", sorted({slug for slug, _ in REAL}))
def test_one_recorded_seed_of_a_chapter_comes_out_again(chapter):
    rng = random.Random(os.urandom(8))
    again(chapter, rng.choice([name for slug, name in REAL if slug == chapter]), rng)


@pytest.mark.slow
@pytest.mark.parametrize("chapter, name", REAL)
def test_one_recorded_seed_of_every_experiment_comes_out_again(chapter, name):
    again(chapter, name, random.Random(os.urandom(8)))


def test_every_file_belongs_to_a_chapter():
    assert REAL
    assert {path.stem for path in recorded.FOLDER.glob("*.json")} == {slug for slug, _ in REAL}
