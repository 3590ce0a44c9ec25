"""`make sweep`: seeds are moved, asserts counted instead of raised, and what holds too seldom is named."""

import ast
import json
import os
import subprocess
import sys

import pytest

from dlcourse.course import sources
from tools import sweep

CELL = """
import numpy as np
drawn = []
def draw():
    drawn.append(1)
    return 3.0
assert draw() < 4
assert 1 < draw() <= 3
assert 1 < draw() < 3, "said"
assert draw() == 3 and drawn
assert np.array([1.0, 2.0]) < np.array([3.0])[0:0]
for i in range(3):
    assert i < 2
"""


def ledger_of(cell):
    ledger = sweep.Ledger()
    tree = sweep.Counted().visit(ast.parse(cell))
    names = {"_ledger_": ledger}
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - the cell above
    return {text: row for (_, text), row in ledger.rows.items()}, names


def test_asserts_are_entered_with_their_margin_and_evaluated_once():
    cell = CELL.replace("assert np.array([1.0, 2.0]) < np.array([3.0])[0:0]\n", "")
    rows, names = ledger_of(cell)
    assert rows == {
        "draw() < 4": [True, 0.25, [3.0, 4.0]],
        "1 < draw() <= 3": [True, 0.0, [1.0, 3.0, 3.0]],
        "1 < draw() < 3": [False, 0.0, [1.0, 3.0, 3.0]],
        "draw() == 3 and drawn": [True, None, None],
        "i < 2": [False, 0.0, [2.0, 2.0]],
    }
    assert len(names["drawn"]) == 4


def test_an_assert_that_asks_too_much_raises_as_it_would_in_the_chapter():
    with pytest.raises(ValueError):
        ledger_of("import numpy as np\nassert np.zeros(2) < np.ones(2)")


PROGRAM = """
import json, numpy as np, torch
from tools import sweep
draw = lambda: [
    np.random.default_rng(3).integers(2**40), np.random.default_rng([1, 2]).integers(2**40),
    torch.rand(1, generator=torch.Generator().manual_seed(3), dtype=torch.float64).item(),
    (torch.manual_seed(3), torch.rand(1, dtype=torch.float64).item())[1],
    np.random.default_rng(np.random.default_rng(1)) is not None,
]
before = draw()
sweep.move_seeds(1)
print(json.dumps([before, draw(), draw(), int(np.random.default_rng(2).integers(2**40))], default=float))
"""


def test_seeds_of_numpy_and_torch_are_moved_and_stay_reproducible():
    command = [sys.executable, "-c", PROGRAM]
    result = subprocess.run(command, cwd=sources.ROOT, capture_output=True, text=True, check=True)
    before, first, second, moved_from_two = json.loads(result.stdout)
    assert first == second and moved_from_two == before[0]
    assert all(old != new for old, new in zip(before[:4], first[:4]))


def runs(*values):
    """Runs of a chapter in which `loss < 1` was asserted of these losses."""
    rows = [
        [[4, "loss < 1", value < 1, (1 - value), [value, 1.0]], [5, "True", True, None, None]]
        for value in values
    ]
    return [{"asserts": row, "errors": []} for row in rows]


def test_only_what_depends_on_the_seed_has_a_row():
    judged = sweep.judge(runs(0.5, 0.6, 1.5))
    row = {"cell": 4, "assert": "loss < 1", "held": 2, "of": 3, "worst margin": -0.5, "median margin": 0.4}
    assert judged == {"steady": 1, "rows": [row]}
    assert sweep.judge(runs(0.5, 0.5)) == {"steady": 2, "rows": []}


def test_asserts_of_timing_cells_are_not_judged():
    judged = sweep.judge(runs(0.5, 1.5), without={4})
    assert judged == {"steady": 1, "rows": []}
    (cell,) = sweep.timed("09_autodiff")
    code = [cell for cell in sources.read("09_autodiff").cells if cell.cell_type == "code"]
    assert "timing" in sources.tags(code[cell])


def test_a_cell_that_breaks_at_one_seed_is_a_row_too():
    done = [*runs(0.5), {"asserts": [], "errors": [[7, "ValueError: no"]]}]
    assert sweep.judge(done)["rows"][-1] == {
        "cell": 7,
        "assert": "(no ValueError)",
        "held": 1,
        "of": 2,
    }


def test_what_holds_at_fewer_than_nine_tenths_is_named_unless_accepted(monkeypatch):
    chapters = {"01_a": sweep.judge(runs(*[0.5] * 8, 1.5, 1.6)), "02_b": sweep.judge(runs(*[0.5] * 9, 1.6))}
    monkeypatch.setattr(sweep, "accepted", dict)
    assert sweep.below(chapters) == ["01_a, cell 4: 8 of 10: assert loss < 1"]
    monkeypatch.setattr(sweep, "accepted", lambda: {"01_a": {"loss < 1": "it speaks about seed 0"}})
    assert sweep.below(chapters) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked processes: not on Windows")
def test_a_chapter_runs_and_its_asserts_are_counted():
    program = "from tools import sweep; import json; print(json.dumps(sweep.forked('08_forward_pass', 1)))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=sources.ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["seed"] == 1 and len(result["asserts"]) > 20 and result["errors"] == []


@pytest.mark.parametrize("losses, status", [([0.5], 0), ([1.5], 1)])
def test_with_its_own_seeds_a_chapter_must_hold(losses, status, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(sweep, "forked", lambda *arguments: asked.append(arguments) or runs(*losses)[0])
    assert sweep.own(["08_forward_pass"]) == status and asked == [("08_forward_pass", 0)]
    assert ("cell 4: assert loss < 1" in capsys.readouterr().out) == bool(status)


def test_a_cell_that_breaks_with_its_own_seeds_is_a_failure(monkeypatch):
    broken = {"asserts": [], "errors": [[7, "ValueError: no"]]}
    monkeypatch.setattr(sweep, "forked", lambda *_: broken)
    assert sweep.own(["08_forward_pass"]) == 1


# --- The results that are kept ---------------------------------------------------------------------------


@pytest.fixture
def kept():
    return json.loads(sweep.RESULT.read_text())


def test_no_kept_result_is_below_nine_tenths(kept):
    assert sweep.below(kept["chapters"]) == []


def test_what_was_not_swept_is_listed(kept):
    chapters = set(sources.chapters())
    assert set(kept["chapters"]) <= chapters
    assert set(kept["not run"]) <= chapters - set(kept["chapters"])


def test_every_exception_is_of_an_assert_that_fails_somewhere(kept):
    failing = {
        (slug, row["assert"])
        for slug, chapter in kept["chapters"].items()
        for row in chapter["rows"]
        if row["held"] < row["of"]
    }
    named = {(slug, text) for slug, texts in sweep.accepted().items() for text in texts}
    assert named <= failing
