"""Where foreign code runs: bubblewrap, a filter of system calls, limits, and a watch over the whole.

Inside there is no network, nothing of the machine but its programs, the Python environment, the course
without its answers, and the Rust toolchain, all read-only; a small scratch folder in memory is the only
place to write. The user is an ordinary one, also when root grades.
"""

import contextlib
import os
import platform
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import dlcourse
from dlcourse.course import rust
from dlcourse.course.grading import seccomp

PACKAGE = Path(dlcourse.__file__).parent
INSIDE = Path(__file__).parent / "inside"
USERS = range(61_000, 65_000)  # as root: a user for each submission at work, since limits count by user
TICK = 0.05  # seconds between two looks at what the sandbox uses
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "ssl/openssl.cnf")
HOW = {
    "bwrap": "bubblewrap is missing: `apt-get install bubblewrap` (or dnf, pacman) brings it",
    "setpriv": "setpriv and prlimit are missing: they belong to the package util-linux",
    "system": "the sandbox needs Linux on x86-64 or ARM64: grade there, in WSL 2, or in a virtual machine",
    "uid map": "this kernel lets ordinary users make no namespaces: set user.max_user_namespaces above 0, "
    "on Debian kernel.unprivileged_userns_clone=1, on Ubuntu an AppArmor profile for bwrap with `userns,`",
    "proc": "this container forbids a new /proc: start it with seccomp=unconfined and unmask=ALL "
    "(podman) or grade outside it",
}


class NoSandbox(RuntimeError):
    """No submission can be run safely on this machine; the message says why and what to do."""


class Stopped(Exception):
    """The sandbox was ended from outside; the message completes "your code"."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use, in bytes, processes and seconds."""

    memory: int = 2**30  # of each process, and of all together
    processes: int = 128  # with threads; half as many processes end the sandbox
    files: int = 100_000_000  # of each file, and of all together
    output: int = 64 * 2**20
    cpu: int = 900  # of each process

    @property
    def command(self):
        sizes = [f"--data={self.memory + 2**29}", f"--as={self.memory + 8 * 10**9}", f"--fsize={self.files}"]
        # --as is wide because torch maps 3 GB that it never touches; --data counts what can be written,
        # of which 0.7 GB are torch's before it does anything: the watch over the whole is the narrow one
        counts = [f"--nproc={self.processes}", f"--cpu={self.cpu}", "--core=0", "--nofile=256"]
        counts += [f"--stack={2**22}"]  # also of each thread
        return ["prlimit", *sizes, *counts]


def probe(limits=None):
    """Raise NoSandbox, with the way out, unless a program can be run in the sandbox."""
    if platform.system() != "Linux" or seccomp.program() is None:
        raise NoSandbox(HOW["system"])
    for program, words in (("bwrap", HOW["bwrap"]), ("setpriv", HOW["setpriv"]), ("prlimit", HOW["setpriv"])):
        if not shutil.which(program):
            raise NoSandbox(words)
    with Session(["/usr/bin/true"], limits=limits) as session:
        with contextlib.suppress(Stopped):
            session.line(30)
        if session.process.wait() == 0:
            return
        said = session.errors()
    key = "proc" if "mount proc" in said else "uid map" if "uid map" in said or "RTM" in said else None
    raise NoSandbox(f"bubblewrap does not start ({said.strip()[:200]})" + (f"; {HOW[key]}" if key else ""))


def user(slot):
    """The user for a slot of this process; two graders on one machine hardly ever share one."""
    return USERS[(16 * os.getpid() + slot) % len(USERS)]


def parents(paths):
    """The folders above the paths, outermost first, without the root."""
    return sorted({str(p) for path in paths for p in Path(path).parents if str(p) != "/"})


def system():
    """bwrap's words for the system: programs and libraries, and of /etc only what these need."""
    words = ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib64"):
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            words += ["--ro-bind", name, name]
    for name in ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return words


def rust_folders():
    """The toolchain, the workspace and the crates built for it; empty without Rust."""
    from dlcourse.course.rust import crates, toolchain

    try:
        found = [toolchain.toolchain().rustc.parents[1]]
    except rust.RustMissing:
        return []
    return [folder for folder in (*found, toolchain.WORKSPACE, crates.target_folder()) if folder.is_dir()]


def course():
    """bwrap's words for the package: all of it but the grader and the checks, which hold answers."""
    checks = PACKAGE / "course" / "exercises"
    words = ["--ro-bind", str(PACKAGE), str(PACKAGE)]
    words += ["--tmpfs", str(PACKAGE / "course" / "grading"), "--tmpfs", str(checks)]
    for file in sorted(checks.glob("_*.py")):
        words += ["--ro-bind", str(file), str(file)]
    return [*words, "--remount-ro", str(PACKAGE / "course" / "grading"), "--remount-ro", str(checks)]


def environment():
    """All that foreign code learns of this machine's environment."""
    from dlcourse.course.rust import crates, toolchain

    paths, values = [f"{sys.prefix}/bin", "/usr/bin", "/bin"], {}
    with contextlib.suppress(rust.RustMissing):
        found = toolchain.toolchain()
        values = {"RUSTC": str(found.rustc), "CARGO_TARGET_DIR": str(crates.target_folder())}
        paths.insert(1, str(found.rustc.parent))
    values |= {name: "/scratch" for name in ("HOME", "TMPDIR", "DLCOURSE_HOME", "DLCOURSE_CACHE")}
    values |= {"IPYTHONDIR": "/scratch/ipython", "MPLCONFIGDIR": "/scratch/matplotlib", "MPLBACKEND": "agg"}
    values |= {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    values |= {"PATH": ":".join(paths), "LANG": "C.UTF-8", "USER": "student", "PYTHONHASHSEED": "0"}
    return values | {"PYTHONPATH": str(PACKAGE.parent), "DLCOURSE_DEVICE": "cpu", "COLUMNS": "80"}


def walls(limits, user, filter_descriptor):
    """The command that puts a program into the sandbox: bwrap, then fewer rights, then the limits."""
    folders = [Path(sys.base_prefix), Path(sys.prefix), *rust_folders()]
    folders = [folder for folder in dict.fromkeys(folders) if Path("/usr") not in (folder, *folder.parents)]
    words = ["bwrap"]
    for folder in parents([*folders, PACKAGE, "/grader/x", "/etc/x", "/scratch/x", "/dev/x"]):
        words += ["--perms", "0755", "--dir", folder]  # else root's bwrap makes them readable to root alone
    words += system()
    for folder in folders:
        words += ["--ro-bind", str(folder), str(folder)]
    words += [*course(), "--ro-bind", str(INSIDE), "/grader", "--proc", "/proc", "--dev", "/dev"]
    for folder in ("/scratch", "/dev/shm"):
        words += ["--perms", "1777", "--size", str(limits.files), "--tmpfs", folder]
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--clearenv"]
    for name, value in environment().items():
        words += ["--setenv", name, value]
    words += ["--chdir", "/scratch", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    words += ["--die-with-parent", "--new-session", "--seccomp", str(filter_descriptor)]
    drop = []
    if os.geteuid() == 0:
        for name in ("SETUID", "SETGID", "SETPCAP"):
            words += ["--cap-add", f"CAP_{name}"]
        drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all"]
        drop += ["--bounding-set=-all"]
    return [*words, *drop, *limits.command, "--"]


class Session:
    """One program at work in the sandbox: bytes in, lines out; `with` ends it and all it has started."""

    def __init__(self, command, data=b"", *, limits=None, slot=0, unsafe=False):
        self.limits, self.pending, self.received = limits or Limits(), b"", 0
        self.unsafe = unsafe
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        with tempfile.TemporaryFile() as rules:
            rules.write(seccomp.program() or b"")
            rules.seek(0)
            outer = [] if unsafe else walls(self.limits, user(slot), rules.fileno())
            self.folder = tempfile.TemporaryDirectory() if unsafe else None
            self.process = subprocess.Popen(
                [*outer, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.said,
                pass_fds=() if unsafe else (rules.fileno(),),
                cwd=self.folder and self.folder.name,
                start_new_session=True,
            )
        self.writer = threading.Thread(target=self._write, args=(data,), daemon=True)
        self.writer.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()
        self.writer.join()
        self.process.stdout.close()
        self.said.close()
        if self.folder:
            self.folder.cleanup()

    def _write(self, data):
        with contextlib.suppress(OSError):  # the program need not read it all
            self.process.stdin.write(data)
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def stop(self):
        """End the program; with bwrap die all processes of its namespace."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        pipe, deadline = self.process.stdout, time.monotonic() + 10
        while time.monotonic() < deadline and select.select([pipe], [], [], 1)[0]:
            if not os.read(pipe.fileno(), 2**20):
                break  # the last process that could write is gone

    def errors(self):
        self.said.seek(0)
        return self.said.read(4000).decode("utf-8", "replace")

    def line(self, seconds):
        """The next line the program writes, without its end; None where there is no more.

        Raises Stopped after so many seconds, or when it uses too much.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], TICK)
            if ready:
                chunk = os.read(self.process.stdout.fileno(), 2**20)
                if not chunk:
                    return None
                self.received += len(chunk)
                self.pending += chunk
            self._watch(deadline)
        line, _, self.pending = self.pending.partition(b"\n")
        return line

    def _watch(self, deadline):
        reason = ""
        memory, processes = usage(self.process.pid)
        if memory > self.limits.memory:
            reason = f"used more than {self.limits.memory // 2**20:,} MB of memory"
        elif processes > self.limits.processes // 2:
            reason = f"started more than {self.limits.processes // 2} processes"
        elif self.received > self.limits.output:
            reason = f"returned more than {self.limits.output // 2**20} MB"
        elif time.monotonic() > deadline:
            reason = "took too long"
        if reason:
            self.stop()
            raise Stopped(reason)


def usage(root):
    """Bytes of memory and number of processes of a process and all its descendants, shared files apart."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = Path("/proc", entry, "stat").read_text("utf-8", "replace")
                children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    family, memory = [root], 0
    for process in family:  # grows
        family += children.get(process, [])
        with contextlib.suppress(OSError):
            for line in Path("/proc", str(process), "status").read_text("utf-8", "replace").splitlines():
                if line.startswith(("RssAnon:", "RssShmem:")):
                    memory += 1024 * int(line.split()[1])
    return memory, len(family)
