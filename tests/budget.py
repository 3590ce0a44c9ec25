"""What the notebooks cost while nbval ran them, and what they may cost; `conftest.py` prints the table.

CPU seconds count the programs that the cells started, memory the kernel alone. Read from /proc when a kernel
ends, which costs nothing; on other systems there is no table.
"""

import os
import re
from pathlib import Path

FOUND = {}  # chapter -> (CPU seconds, bytes at the peak)
SECONDS = 20 * 60  # for all notebooks of the course, one after the other
BYTES = 2e9  # for any of them


def measure(pid, proc=Path("/proc")):
    """(CPU seconds of a process and its ended children, its peak of memory in bytes); None where unknown."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        status = (proc / str(pid) / "status").read_text()
    except OSError:
        return None
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if not peak:  # the process has ended
        return None
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK"), 1024 * int(peak[1])


def broken(found):
    """What is over the budget: a list of lines."""
    total = sum(seconds for seconds, _ in found.values())
    over = [f"{name}: {peak / 1e9:.1f} GB" for name, (_, peak) in found.items() if peak > BYTES]
    lines = [f"{line} at its peak, a notebook may use {BYTES / 1e9:.0f} GB" for line in over]
    if total > SECONDS:
        lines.append(f"all notebooks: {total / 60:.1f} minutes of CPU, they may use {SECONDS / 60:.0f}")
    return lines


def lines(found):
    """The table: CPU seconds and peak memory of each notebook, and of all."""
    rows = [f"{'':24}{'CPU seconds':>12}{'peak MB':>10}"]
    for name, (seconds, peak) in sorted(found.items()):
        rows.append(f"{name:24}{seconds:12.1f}{peak / 1e6:10.0f}")
    total, most = sum(seconds for seconds, _ in found.values()), max(peak for _, peak in found.values())
    return [*rows, f"{'all, and the largest':24}{total:12.1f}{most / 1e6:10.0f}"]
