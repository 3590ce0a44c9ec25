"""Write a text file in one step: whoever reads it, also after a crash, sees the old text or the new one."""

import os
import tempfile
from pathlib import Path


def write(path, text):
    """Write `text` to `path`; an earlier file stays whole until the new one is on disk, and keeps its mode.

    Raises OSError where the disk is full or the folder cannot be written; nothing has changed then.
    """
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:  # a full disk or an interrupt: nothing half-written stays behind
        Path(temporary).unlink(missing_ok=True)
        raise
