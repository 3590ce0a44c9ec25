"""`make release-zip`: the built site as build/dlcourse-html.zip, to read without a network."""

import os
import zipfile

from tools import book
from tools.environment import ROOT

TARGET = ROOT / "build" / "dlcourse-html.zip"
DAY = (1980, 1, 1, 0, 0, 0)  # the same site gives the same archive, byte for byte


def pack(site, target):
    """Write all files of the site into `target`, below one folder; it is replaced in one step."""
    new = target.with_suffix(".new")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in site.rglob("*") if p.is_file() and p.name != book.STAMP):
            entry = zipfile.ZipInfo(f"dlcourse/{path.relative_to(site).as_posix()}", DAY)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    os.replace(new, target)


def main():
    book.build("shown")
    pack(book.HTML, TARGET)
    print(f"{TARGET.stat().st_size / 1e6:.0f} MB → {TARGET}, begin with dlcourse/index.html")


if __name__ == "__main__":
    main()
