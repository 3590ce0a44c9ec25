"""Run a program that nobody vouches for: bounded in time and in what it may print."""

import contextlib
import os
import re
import signal
import subprocess
import threading
from dataclasses import dataclass

MOST_BYTES = 8 * 2**20  # a program that prints more is stopped


@dataclass(frozen=True)
class Result:
    """What came of a program; `compiled` is False where rustc refused it (its messages are in stderr)."""

    returncode: int
    stdout: str
    stderr: str
    compiled: bool = True
    stopped: str = ""  # why it was stopped from outside, as the end of a sentence: "the program …"
    codes: tuple = ()  # rustc's error codes, where it was not compiled


def run(command, *, folder, stdin="", timeout=10, environment=None):
    """Run `command` in `folder` and return its Result; it is stopped after `timeout` s or 8 MB."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {}), "RUST_BACKTRACE": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # its children too can be stopped; the kernel's interrupt is ours alone
    )
    outputs = [_Collector(process.stdout, process), _Collector(process.stderr, process)]
    threads = [threading.Thread(target=output.read, daemon=True) for output in outputs]
    threads.append(threading.Thread(target=_write, args=(process.stdin, stdin), daemon=True))
    for thread in threads:
        thread.start()
    stopped = ""
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        stopped = f"did not finish within {timeout:g} s and was stopped"
    finally:  # also when the reader interrupts the kernel
        _kill(process)
    for thread in threads:
        thread.join()
    if any(output.overflowed for output in outputs):
        stopped = f"printed more than {MOST_BYTES // 2**20} MB and was stopped"
    stdout, stderr = (_stable(output.text()) for output in outputs)
    return Result(process.returncode, stdout, stderr, stopped=stopped)


class _Collector:
    """Read one pipe to its end, keep the first 8 MB, kill the writer if there is more."""

    def __init__(self, pipe, process):
        self.pipe, self.process = pipe, process
        self.kept, self.overflowed = bytearray(), False

    def read(self):
        while chunk := self.pipe.read1(2**16):
            if len(self.kept) + len(chunk) > MOST_BYTES:
                self.overflowed = True
                _kill(self.process)
                break
            self.kept += chunk
        self.pipe.close()

    def text(self):
        return self.kept.decode("utf-8", "replace").replace("\r\n", "\n")


def _write(pipe, text):
    with contextlib.suppress(OSError):  # a program need not read what it is given
        pipe.write(text.encode())
    with contextlib.suppress(OSError):
        pipe.close()


def _kill(process):
    """End the program and whatever it started; a program that has ended already is fine."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL) if os.name == "posix" else process.kill()
    process.wait()


def _stable(output):
    """Drop from panics what differs from run to run (the thread's number) or helps nobody here."""
    output = re.sub(r"^(thread '.*?') \(\d+\) panicked", r"\1 panicked", output, flags=re.M)
    return re.sub(r"^note: run with `RUST_BACKTRACE=1`.*\n", "", output, flags=re.M)
