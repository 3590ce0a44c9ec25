"""`make test-latest`: which packages differ from the pins, for the Python that they are installed in."""

from tools import latest

PINS = """# pins
numpy==2.4.6 ; python_full_version < '3.12'
numpy==2.5.5 ; python_full_version >= '3.12'
PyYAML==6.0.3
pywinpty==3.1.2 ; os_name == 'nowhere'
torch==2.13.0
"""


def markers(version):
    return {"python_version": version, "python_full_version": f"{version}.99"}


def test_versions_that_differ_and_packages_that_come_or_go_are_named():
    found = {"numpy": "2.5.5", "pyyaml": "6.1", "torch": "2.13.0+cu130", "new": "1", "dlcourse": "0.1"}
    assert latest.differences(found, PINS, markers("3.13")) == ["new: - → 1", "pyyaml: 6.0.3 → 6.1"]


def test_the_pins_of_that_python_count():
    found = {"numpy": "2.5.5", "PyYAML": "6.0.3"}
    assert latest.differences(found, PINS, markers("3.11")) == ["numpy: 2.4.6 → 2.5.5", "torch: 2.13.0 → -"]


def test_every_python_and_both_kinds_have_a_place_of_their_own():
    places = {latest.folder(version, pinned) for version in ("3.11", "3.13") for pinned in (True, False)}
    assert len(places) == 4 and not any(latest.ROOT in place.parents for place in places)
