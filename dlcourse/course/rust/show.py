"""What a Rust cell leaves in a notebook: text, explanations, pictures; the progress line goes again."""

import base64
import functools
import html
import os
import re
import subprocess

from dlcourse.course.rust.crates import target_folder
from dlcourse.course.rust.toolchain import WORKSPACE, toolchain

MOST_CHARACTERS = 64_000


# What a text may contain of this machine, and what the reader sees instead.
BRIGHT = re.compile(r"(\x1b\[(?:\d+;)*)9([0-7]m)")  # the book's highlighter knows no bright colours
LONG_TYPES = re.compile(r"^.*the full name for the type has been written to .*\n.*--verbose.*\n", re.M)
STANDARD_LIBRARY = re.compile(r"/rustc/[0-9a-f]{40}/")  # rustc's own name for it, without its sources


def presentable(output, folder):
    """Take out of a text the paths of this machine, and the shades of colour that the book cannot show."""
    output = STANDARD_LIBRARY.sub("", LONG_TYPES.sub("", BRIGHT.sub(r"\g<1>3\2", output)))
    cargo = os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo")
    sources = re.escape(os.path.join(cargo, "registry", "src")) + r"[/\\][^/\\]+[/\\]"
    output = re.sub(sources, "", output)  # what is left names the crate and its version
    library = toolchain().rustc.parents[1] / "lib" / "rustlib" / "src" / "rust"
    for path in (str(folder), os.path.realpath(folder), library, target_folder(), WORKSPACE):
        output = output.replace(f"{path}{os.sep}", "")
    return output


def text(output):
    """Print an output, the first 64 kB of it; on stdout always, since nbgrader punishes stderr."""
    if len(output) > MOST_CHARACTERS:
        shown = output[:MOST_CHARACTERS].rpartition("\n")[0] or output[:MOST_CHARACTERS]
        output = f"{shown}\n… the rest, beyond {MOST_CHARACTERS:,} characters, is not shown\n"
    print(output, end="" if output.endswith("\n") or not output else "\n")


def without_times(output):
    """Take the times out of a test run's report, which is otherwise the same every time."""
    return re.sub(r"; finished in [\d.]+s", "", output)


@functools.cache
def _explain(code, rustc):
    done = subprocess.run([rustc, "--explain", code], capture_output=True, text=True, encoding="utf-8")
    return done.stdout.strip()


def explanation(code):
    """Display, folded, what `rustc --explain CODE` says."""
    words = _explain(code, toolchain().rustc) if code else ""
    if words:
        summary = f"<summary><code>rustc --explain {code}</code></summary>"
        box = f"<details>{summary}<pre>{html.escape(words)}</pre></details>"
        _display({"text/html": box, "text/plain": f"rustc --explain {code}"})


def pictures(folder, alts):
    """Display the files *.svg and *.png of a folder in the order of their names."""
    found = sorted(file for file in folder.iterdir() if file.suffix in (".svg", ".png"))
    for number, file in enumerate(found):
        alt = alts[number] if number < len(alts) else file.stem
        if file.suffix == ".svg":
            start, _, rest = file.read_text("utf-8").partition("<svg")
            picture = f'{start}<svg role="img" aria-label="{html.escape(alt)}"{rest}'
            _display({"image/svg+xml": picture, "text/plain": alt})
        else:
            png = base64.b64encode(file.read_bytes()).decode()
            _display({"image/png": png, "text/plain": alt}, {"image/png": {"alt": alt}})


def _display(data, metadata=None):
    from IPython.display import display

    display(data, raw=True, metadata=metadata)


class Progress:
    """One line that changes while crates are built and leaves nothing behind in the notebook."""

    def __init__(self):
        self.handle = None

    def __enter__(self):
        return self

    def __call__(self, line):
        from IPython.display import display

        data = {"text/plain": line}
        if self.handle:
            self.handle.update(data, raw=True)
        else:
            self.handle = display(data, raw=True, display_id=True)

    def __exit__(self, *exception):
        if self.handle:
            from IPython.display import clear_output

            clear_output()
