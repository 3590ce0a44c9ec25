"""The sandbox: what a program can do in it, what it cannot, and what is said where there is none."""

import functools
import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlcourse.course.grading import sandbox, seccomp
from dlcourse.course.grading.sandbox import Limits, NoSandbox, Session, Stopped

ROOT = Path(__file__).parents[1]


def available():
    try:
        sandbox.probe()
    except NoSandbox:
        return False
    return True


needs_sandbox = pytest.mark.skipif(not available(), reason="missing tool: bubblewrap")


def ran(code, limits=None, seconds=60, **options):
    """What a Python program prints in the sandbox, line by line, and its exit status."""
    lines = []
    with Session([sys.executable, "-c", code], limits=limits, **options) as session:
        while (line := session.line(seconds)) is not None:
            lines.append(line.decode())
        return lines, session.process.wait()


TRY = """
import os, socket, sys
def tried(what):
    try:
        return repr(what())
    except BaseException as error:
        return f'refused: {type(error).__name__}'
"""


@needs_sandbox
def test_who_and_where_a_program_is():
    code = "import os; print(os.getuid(), os.getgroups()); print(sorted(os.environ)); print(os.getcwd())"
    (user, names, place), _ = ran(code)
    assert user != "0 []" and "0" not in user.split("[")[1]
    assert place == "/scratch" and "SECRET" not in names and "SSH" not in names


@needs_sandbox
def test_a_program_has_no_rights():
    lines, _ = ran("print(open('/proc/self/status').read())")
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0 or os.geteuid() != 0
    assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


REFUSED = {
    "network": "socket.create_connection(('127.0.0.1', 22), 1)",
    "name": "socket.create_connection(('localhost', 1), 1)",
    "the course's sources": f"open({str(ROOT / 'notebooks' / '07_perceptron_xor.md')!r})",
    "the grader": "__import__('dlcourse.course.grading.plan')",
    "the checks": "__import__('dlcourse.course.exercises.perceptron_xor')",
    "passwords": "open('/etc/passwd')",
    "home": f"os.listdir({str(Path.home() / '.cargo')!r})",
    "writing to /": "open('/x', 'w')",
    "writing to the package": f"open({str(ROOT / 'dlcourse' / 'x.py')!r}, 'w')",
    "writing to the environment": "open(sys.prefix + '/x', 'w')",
    "writing to /dev": "open('/dev/x', 'w')",
    "memory of nobody": "os.memfd_create('x')",
    "a file over the limit": "open('/scratch/x', 'wb').write(b'1' * 30_000_000)",
    "files over the limit": "[open(f'/scratch/{i}', 'wb').write(b'1' * 15_000_000) for i in range(2)]",
    "shared memory over the limit": "[open(f'/dev/shm/{i}', 'wb').write(b'1' * 12**7) for i in range(2)]",
    "much memory": "len(bytearray(2 * 2**30))",
    "more rights": "os.setuid(0) if os.getuid() else 1 / 0",
    "higher limits": "__import__('resource').setrlimit(7, (10**6, 10**6))",
}


@needs_sandbox
@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(code):
    lines, _ = ran(f"{TRY}\nprint(tried(lambda: {code}))", Limits(memory=2**28, files=20_000_000))
    assert len(lines) == 1 and lines[0].startswith("refused"), lines


@needs_sandbox
def test_the_grader_is_not_among_the_processes():
    lines, _ = ran("import os; print([p for p in os.listdir('/proc') if p.isdigit()])")
    assert len(eval(lines[0])) <= 3  # noqa: S307 - a list of numbers


@needs_sandbox
def test_new_namespaces_and_tracing_are_refused():
    call = "import ctypes; l = ctypes.CDLL(None); print(l.unshare(0x10000000), l.ptrace(0, 0, 0, 0))"
    assert ran(call)[0] == ["-1 -1"]


STOPPED = {
    "forks": ("import os\nwhile True:\n try: os.fork()\n except OSError: pass", "started more than 16 proc"),
    "memory of many": (
        "import os\n[os.fork() for _ in range(3)]\nx = b'1' * 2**27\nimport time; time.sleep(60)",
        "used more than 256 MB",
    ),
    "output": ("while True: print('x' * 1000)", "returned more than 1 MB"),
    "time": ("while True: pass", "took too long"),
}


@needs_sandbox
@pytest.mark.parametrize("code, words", STOPPED.values(), ids=STOPPED.keys())
def test_what_ends_a_program(code, words):
    limits = Limits(memory=2**28, processes=32, output=2**20)
    start = time.monotonic()
    with pytest.raises(Stopped, match=words):
        ran(code, limits, seconds=3 if words == "took too long" else 60)
    assert time.monotonic() - start < 60


@needs_sandbox
def test_nothing_stays_behind():
    code = (
        "import os, subprocess, sys\nfor _ in range(3):\n subprocess.Popen(['sleep', '98765'])\nprint('up')"
    )
    assert ran(code)[0] == ["up"]
    time.sleep(0.3)
    lines = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
    assert not any(b"98765" in line for line in lines)


@needs_sandbox
@pytest.mark.skipif(not shutil.which("rustc"), reason="missing tool: rustc, from https://rustup.rs")
def test_rust_compiles_and_runs_inside():
    code = "from dlcourse.course import rust\n"
    code += "print(rust.compile_and_run('fn main() { println!(\"{}\", 6 * 7); }').stdout)"
    assert ran(code)[0][0] == "42"


@needs_sandbox
@pytest.mark.skipif(not shutil.which("cargo"), reason="missing tool: cargo, from https://rustup.rs")
def test_crates_come_from_what_was_built_before():
    from dlcourse.course import rust

    rust.prepare("arrays")
    code = "from dlcourse.course import rust\n"
    source = 'fn main() { println!("{}", ndarray::array![1, 2].sum()); }'
    code += f"print(rust.compile_and_run({source!r}, member='arrays').stdout)"
    assert ran(code)[0][0] == "3"


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root has tried it in every other test")
@needs_sandbox
def test_an_ordinary_user_grades_as_well(monkeypatch):
    """The same walls, built by the user nobody, with the system's Python: root's own may be out of reach."""
    nobody = pwd.getpwnam("nobody").pw_uid
    monkeypatch.setattr(sandbox.os, "geteuid", lambda: nobody)
    monkeypatch.setattr(sandbox.sys, "prefix", "/usr")
    monkeypatch.setattr(sandbox.sys, "base_prefix", "/usr")
    monkeypatch.setattr(sandbox, "rust_folders", list)
    start = functools.partial(subprocess.Popen, user=nobody, group=nobody, extra_groups=[])
    monkeypatch.setattr(sandbox.subprocess, "Popen", start)
    code = (
        "import os; print(os.getuid(), os.listdir('/grader') != []); open('/dev/shm/x', 'w'); open('/x', 'w')"
    )
    with Session(["/usr/bin/python3", "-c", code]) as session:
        assert session.line(30) == f"{nobody} True".encode(), session.errors()
        session.process.wait()
        assert "Read-only file system: '/x'" in session.errors()


def test_without_a_sandbox_the_way_out_is_named(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(NoSandbox, match="apt-get install bubblewrap"):
        sandbox.probe()
    monkeypatch.setattr(sandbox.platform, "system", lambda: "Darwin")
    with pytest.raises(NoSandbox, match="WSL 2"):
        sandbox.probe()


@needs_sandbox
def test_a_sandbox_that_does_not_start_is_refused(monkeypatch):
    monkeypatch.setattr(
        sandbox, "walls", lambda *_: ["sh", "-c", "echo setting up uid map: no >&2; exit 1", "x"]
    )
    with pytest.raises(NoSandbox, match="uid map.*AppArmor"):
        sandbox.probe()


def test_the_filter_knows_two_machines_and_no_other():
    for machine in ("x86_64", "aarch64"):
        program = seccomp.program(machine)
        assert program and len(program) % 8 == 0
    assert seccomp.program("riscv64") is None
