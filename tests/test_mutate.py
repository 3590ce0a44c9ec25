"""`make mutate`: how a mutant is named and judged; and the result that is kept: who survived, and why."""

import ast
import json

import pytest
import yaml

from dlcourse.course import sources
from tools import mutate

KEPT = json.loads(mutate.RESULT.read_text())
SURVIVORS = {row["name"] for row in KEPT["survivors"]}
CODE = "A = 1\n\nclass B:\n    def f(self):\n        return A\n\ndef g():\n    return 2\n"


@pytest.mark.parametrize("line, name", [(1, "(module)"), (3, "B"), (5, "B.f"), (8, "g")])
def test_a_mutant_is_named_after_the_function_around_it(line, name):
    assert mutate.function_at(ast.parse(CODE), line) == name


def test_the_first_line_that_differs_is_shown():
    assert mutate.changed_line("a = 1\n  b = 2\n", "a = 1\n  b = None\n") == (2, "b = 2", "b = None")


def test_a_failing_or_endless_test_kills_and_anything_else_is_no_verdict(monkeypatch):
    verdicts = [mutate.judge(status) for status in (0, 1, 2, "timeout")]
    assert verdicts == ["survived", "killed", "killed", "timeout"]
    monkeypatch.setattr(mutate, "output", lambda: "no tests ran")
    with pytest.raises(SystemExit, match="pytest ended with 5:\nno tests ran"):
        mutate.judge(5)


def test_the_tests_of_every_concept_exist():
    assert set(mutate.TESTS) < set(mutate.concepts())
    for concept in mutate.concepts():
        assert all((sources.ROOT / path).exists() for path in mutate.tests(concept)), concept


def test_a_result_counts_and_can_be_read_line_by_line():
    mutants = [mutate.Mutant("gru", index, 1, f"gru.f: a → {index}") for index in range(4)]
    verdicts = list(zip(mutants, ["killed", "timeout", "survived", "killed"]))
    result = mutate.summary(verdicts, 24)
    assert result["concepts"] == {"gru": {"tried": 4, "killed": 2, "timeout": 1, "survived": 1}}
    assert (result["made"], result["tried"], result["killed"], result["rate"]) == (24, 4, 3, 0.75)
    assert json.loads(mutate.lines(result)) == json.loads(json.dumps(result))


# --- The result that is kept -----------------------------------------------------------------------------


def test_at_least_400_mutants_were_tried_and_nine_tenths_of_them_killed():
    assert KEPT["tried"] >= 400 and KEPT["killed"] >= 0.9 * KEPT["tried"]
    assert KEPT["tried"] == KEPT["killed"] + len(SURVIVORS)
    assert set(KEPT["concepts"]) == set(mutate.concepts())


def test_every_survivor_is_explained_and_nobody_else():
    reasons = yaml.safe_load((sources.ROOT / "tests" / "survivors.yml").read_text())
    explained = [name for group in reasons for name in group["mutants"]]
    assert sorted(explained) == sorted(SURVIVORS)
    assert all(len(group["why"]) > 20 for group in reasons)
