"""What a Rust cell leaves in a notebook: text, explanations, pictures, and a progress line that goes again."""

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
LIBRARIES = re.compile(
    r"""/rustc/[0-9a-f]{40}/                                # the standard library, without its sources
      | [^\s'"`(]*[/\\]lib[/\\]rustlib[/\\]src[/\\]rust[/\\]  # and with them
      | [^\s'"`(]*[/\\]registry[/\\]src[/\\][^/\\]+[/\\]     # a crate's sources
    """,
    re.X,
)


def presentable(output, folder):
    """Take out of a text the paths of this machine, and the shades of colour that the book cannot show."""
    output = LIBRARIES.sub("", LONG_TYPES.sub("", BRIGHT.sub(r"\g<1>3\2", output)))
    for path in (str(folder), os.path.realpath(folder), str(target_folder()), str(WORKSPACE)):
        output = output.replace(path + os.sep, "")
    return output


def text(output):
    """Print an output, the first 64 kB of it; on stdout always, since nbgrader punishes stderr."""
    if len(output) > MOST_CHARACTERS:
        shown = output[:MOST_CHARACTERS].rpartition("\n")[0] or output[:MOST_CHARACTERS]
        output = f"{shown}\n… {len(output) - len(shown):,} more characters are not shown\n"
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
            label = f'<svg role="img" aria-label="{html.escape(alt)}" '
            picture = re.sub(r"<svg\s", lambda _: label, file.read_text("utf-8"), count=1)
            _display({"image/svg+xml": picture, "text/plain": alt})
        else:
            _display({"image/png": file.read_bytes(), "text/plain": alt}, {"image/png": {"alt": alt}})


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
