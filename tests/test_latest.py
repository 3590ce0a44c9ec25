"""`make test-latest`: which packages differ from the pins, for the Python that they are installed in."""

import subprocess

import pytest

from tools import latest, test

PINS = """# pins
numpy==2.4.6 ; python_full_version < '3.12'
numpy==2.5.5 ; python_full_version >= '3.12'
PyYAML==6.0.3
pywinpty==3.1.2 ; os_name == 'nowhere'
torch==2.13.0
"""


def markers(version):
    return {"python_version": version, "python_full_version": f"{version}.99"}


def test_versions_that_differ_and_packages_that_come_or_go_are_named():
    found = {"numpy": "2.5.5", "pyyaml": "6.1", "torch": "2.13.0+cu130", "new": "1", "dlcourse": "0.1"}
    assert latest.differences(found, PINS, markers("3.13")) == ["new: - → 1", "pyyaml: 6.0.3 → 6.1"]


def test_the_pins_of_that_python_count():
    found = {"numpy": "2.5.5", "PyYAML": "6.0.3"}
    assert latest.differences(found, PINS, markers("3.11")) == ["numpy: 2.4.6 → 2.5.5", "torch: 2.13.0 → -"]


def test_every_python_and_both_kinds_have_a_place_of_their_own():
    places = {latest.folder(version, pinned) for version in ("3.11", "3.13") for pinned in (True, False)}
    assert len(places) == 4 and not any(latest.ROOT in place.parents for place in places)


def test_the_other_interpreter_runs_make_test(monkeypatch, tmp_path):
    """So that crates are built before the notebooks, and not within the seconds that a cell has."""
    called = {}

    def run(command, env, **_):
        called.update(command=command, env=env)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(latest, "find", lambda wanted: ("python", "3.99"))
    monkeypatch.setattr(latest, "install", lambda *_: None)
    monkeypatch.setattr(latest, "installed", lambda place: {})
    monkeypatch.setattr(latest, "ROOT", tmp_path)
    (tmp_path / "requirements.txt").write_text("")
    monkeypatch.setattr(latest.subprocess, "run", run)
    monkeypatch.setattr("sys.argv", ["latest", "--", "tests/test_linear.py"])
    with pytest.raises(SystemExit) as ended:
        latest.main()
    program, *words = called["command"]
    assert "environment-latest-3.99" in str(program) and words[:3] == ["-m", "tools.test", "--report"]
    assert words[-2:] == ["--", "tests/test_linear.py"]
    assert called["env"]["DLCOURSE_ENV"] == "here" and ended.value.code == 3


@pytest.mark.parametrize(
    "words, crates, runs",
    [
        ([], 26, ["tests", "notebooks"]),
        (["tests/test_linear.py"], 0, ["chosen"]),
        (["notebooks"], 26, ["chosen"]),
        (["notebooks/02_rust_primer.ipynb::Cell 3"], 1, ["chosen"]),
    ],
)
def test_what_is_named_runs_with_its_crates_and_leaves_its_report(monkeypatch, words, crates, runs):
    built, started = [], []
    monkeypatch.setenv("CH", "")
    monkeypatch.setattr("sys.argv", ["test", "--report", "build/x", "--", *words])
    monkeypatch.setattr(test, "provide_programs", lambda: None)
    monkeypatch.setattr(test, "provide_crates", built.extend)
    monkeypatch.setattr(test, "side_by_side", lambda commands, _: started.extend(commands) or 0)
    assert test.main() == 0 and len(built) == crates
    assert [command[-1] for command in started] == [f"--junitxml=build/x-{name}.xml" for name in runs]
    assert all(word in command for command in started for word in words)


def test_slow_tests_are_not_named(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["test", "--slow", "tests/test_linear.py"])
    with pytest.raises(SystemExit):
        test.main()
    assert "expected --slow or names of tests, got both" in capsys.readouterr().err
