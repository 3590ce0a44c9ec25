"""The site as one archive: the same bytes again, and it works where it is unpacked."""

import zipfile

import pytest

pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")

from tools import release_zip

PAGES = ("index.html", "book/index.html", "notebooks/07_perceptron_xor.html")


def test_the_archive_works_elsewhere_and_is_the_same_again(browser, site, tmp_path):
    for name in ("one.zip", "two.zip"):
        release_zip.pack(site, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    browser.view()
    for page in PAGES:
        report = browser.open((tmp_path / "elsewhere" / "dlcourse" / page).as_uri())
        assert report.problems == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in report.urls)
