"""The progress file: never half written, never lost, shared by several kernels."""

import json
import os
import random
import subprocess
import sys

import pytest

from dlcourse.course import progress

WRITER = """
import sys
from dlcourse.course import progress
print("ready", flush=True)
for i in range(int(sys.argv[2])):
    progress.record(f"{sys.argv[1]}-{i % 200}", True)
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def writer(name, count):
    command = [sys.executable, "-c", WRITER, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ.copy(), text=True)


def test_nothing_is_written_before_the_first_try(home):
    assert progress.load() == {} and not home.exists()


def test_solved_stays_solved_and_tries_are_counted(home):
    for passed in (False, True, False):
        progress.record("mean", passed)
    assert progress.load() == {"mean": {"tries": 3, "solved": True, "hints": 0}}
    assert progress.solved("mean") and not progress.solved("median")
    assert json.loads((home / "progress.json").read_text())["schema"] == progress.SCHEMA


def test_hints_are_counted_up_to_four():
    assert [progress.next_hint("mean") for _ in range(5)] == [1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"schema": 99, "exercises": {}}',
        '{"schema": 1, "exercises": {"a": 3}}',
        "\x00\x00",
    ],
)
def test_a_damaged_file_is_kept_aside_and_that_is_said(home, text, capsys):
    home.mkdir()
    for number in (1, 2):
        (home / "progress.json").write_text(text)
        progress.record("mean", True)
        assert (home / f"progress.damaged-{number}.json").read_text() == text
        out, err = capsys.readouterr()
        assert f"is kept as progress.damaged-{number}.json" in out and err == ""
    assert progress.solved("mean")


def test_bytes_that_are_no_text_count_as_damage(home, capsys):
    home.mkdir()
    (home / "progress.json").write_bytes(b"\xff\xfe\x00")
    assert progress.load() == {} and "damaged" in capsys.readouterr().out


def test_two_kernels_at_once_lose_nothing():
    first, second = writer("a", 60), writer("b", 60)
    assert first.wait(60) == second.wait(60) == 0
    done = progress.load()
    assert len(done) == 120 and all(row["solved"] and row["tries"] == 1 for row in done.values())


def test_a_lock_left_by_a_dead_process_is_taken_over(home, monkeypatch):
    home.mkdir()
    (home / "progress.lock").touch()
    monkeypatch.setattr(progress, "STALE", 0.05)
    progress.record("mean", True)
    assert progress.solved("mean") and not (home / "progress.lock").exists()


def test_killed_while_saving_the_file_stays_whole(home, capsys):
    before = 0
    for _ in range(5):
        process = writer("a", 100_000)
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(random.uniform(0.02, 0.2))
        process.kill()
        process.wait()
        after = sum(row["tries"] for row in progress.load().values())
        assert after >= before
        before = after
        (home / "progress.lock").unlink(missing_ok=True)  # the test above waits for it to grow old
        progress.record("later", True)
    assert before > 0 and capsys.readouterr().out == "" and not list(home.glob("*damaged*"))


@pytest.mark.parametrize(
    "platform, variables, tail",
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/dlcourse"),
        ("linux", {}, ".local/share/dlcourse"),
        ("darwin", {}, "Library/Application Support/dlcourse"),
        ("win32", {"APPDATA": "/roaming"}, "/roaming/dlcourse"),
    ],
)
def test_each_system_has_its_place(monkeypatch, platform, variables, tail):
    for name in ("DLCOURSE_HOME", "XDG_DATA_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert progress.home().as_posix().endswith(tail)
