"""Claim boxes: the verdict follows from `holds`, and nothing else."""

import json

import numpy as np
import pytest

from dlcourse.course.claims import MIME, claim, significant
from tests.test_selfchecks import Reader


def box(**changes):
    fields = {
        "source": "B, section 4.5",
        "says": "7.64x faster",
        "measured": 1.9312,
        "holds": False,
        "why": "Two cores.",
    }
    return claim("B4.5-parallel", **(fields | changes))


@pytest.mark.parametrize(
    "holds, verdict",
    [
        (True, "holds"),
        (np.bool_(False), "does not hold"),
        ([True, True], "holds"),
        (np.array([False, False]), "does not hold"),
        ((True, np.False_), "depends"),
    ],
)
def test_the_verdict_follows_from_holds(holds, verdict):
    assert box(holds=holds).verdict == verdict


def test_html_text_and_json_say_the_same():
    bundle = box(measured={"2 threads": 1.9312, "4 threads": 2})._repr_mimebundle_()
    reader = Reader(bundle["text/html"])
    (root,) = [a for a in reader.all("div") if a["id"] == "claim-B4.5-parallel"]
    assert root["class"] == "claim claim-fails" and root["aria-label"] == "Claim B4.5-parallel: does not hold"
    for text in ("7.64x faster", "2 threads: 1.93; 4 threads: 2", "✗ does not hold", "Two cores."):
        assert text in "".join(reader.texts) and text in bundle["text/plain"]
    data = json.loads(json.dumps(bundle[MIME]))
    assert data["verdict"] == "does not hold" and data["measured"] == {"2 threads": "1.93", "4 threads": "2"}


def test_markup_in_a_claim_is_escaped():
    assert "<script>" not in box(says="<script>alert(1)</script>").html()


@pytest.mark.parametrize(
    "value, shown",
    [
        (1.9312, "1.93"),
        (0.00012345, "0.000123"),
        (123456.7, "123000"),
        (9.999, "10.0"),
        (10, "10"),
        (np.float32(0.5), "0.500"),
        (-2.0, "-2.00"),
        (1.5e-7, "1.50 × 10^-7"),
        (3.21e8, "3.21 × 10^8"),
        (0.0, "0"),
        (float("inf"), "inf"),
        ("10 of 10", "10 of 10"),
    ],
)
def test_numbers_have_three_significant_digits(value, shown):
    assert significant(value) == shown


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"says": "word " * 16}, ValueError, "at most 15 words, got 16"),
        ({"why": " "}, ValueError, "expected a text for why"),
        ({"holds": []}, ValueError, "at least one truth value"),
        ({"holds": 1}, TypeError, "expected holds to be True, False"),
        ({"holds": [True, "yes"]}, TypeError, "got 'yes'"),
    ],
)
def test_bad_claims_are_refused(changes, error, words):
    with pytest.raises(error, match=words):
        box(**changes)


def test_ids_can_stand_in_an_address():
    with pytest.raises(ValueError, match="expected an id of letters"):
        claim("B 4.5", source="s", says="s", measured=1, holds=True, why="w")
