"""A certificate tells what was done, and nothing that follows the hidden pixels or a person."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import Category
from engine.errors import InvalidSignature
from engine.geometry import Box, PixelRect, Size
from engine.images import Leakage
from engine.receipt import SignOff
from engine.signing.certificate import Supplement, certificate, manifest, quantised
from engine.signing.schema import (
    Battery,
    Certificate,
    TrailHead,
    read_certificate,
    read_signed_manifest,
)
from engine.signing.sentences import sentences
from tests.engine.signing.handed_out import DAY, RECEIPT, signer_at

HEADLINE = Battery(
    report="b" * 8, verdict="pass", pipeline="0.1.0+00000000", words="No attack beat its null."
)
TERMS = Supplement(DAY, "0.1.0+00000000", HEADLINE, None, "a" * 16, "c" * 16)


def made(receipt=RECEIPT, data=b"pixels", terms=TERMS):
    return certificate(receipt, data, terms)


def said(receipt=RECEIPT, terms=TERMS):
    return "\n".join(sentences(read_certificate(made(receipt, terms=terms))))


def without_person(receipt=RECEIPT):
    return replace(receipt, sign_off=SignOff()), replace(TERMS, reviewer=None)


def looked():
    release_checked = {Category.FACE: True, Category.TATTOO: False}
    return replace(RECEIPT, checks={**RECEIPT.checks, "T7": True}, release_checked=release_checked)


def test_it_tells_the_file_the_regions_and_the_checks():
    body = made()

    assert body["release"] == RECEIPT.release
    assert body["output"] == {
        "sha256": hashlib.sha256(b"pixels").hexdigest(),
        "format": "png", "bytes": 6, "width": 100, "height": 90,
    }  # fmt: skip
    assert body["regions"] == [
        {"category": "face", "box": [16, 0, 80, 90], "origin": "model"},
        {"category": "tattoo", "box": [0, 0, 32, 32], "origin": "reviewer"},
    ]
    assert body["checks"] == {"T1": "passed", "T3": "passed", "T4": "passed", "T7": "not run"}
    assert body["source"] == {"codec": "jpeg", "leakage": "twice"}
    assert body["not_looked_for"] == ["jewelry"]
    assert body["models"] == ["first@00000001", "second@00000002"]
    assert body["day"] == DAY


def test_whoever_did_not_look_again_is_said_not_to_have_looked():
    assert made()["release_check"] == dict.fromkeys(["face", "tattoo", "jewelry"], "did not look")
    assert made(looked())["release_check"] == {
        "face": "independent",
        "tattoo": "not independent",
        "jewelry": "did not look",
    }
    assert made(looked())["checks"]["T7"] == "passed"


@pytest.mark.parametrize(
    ("leakage", "codec"),
    [(Leakage.NONE, "lossless"), (Leakage.BLOCK, "jpeg"), (Leakage.TWICE, "jpeg"),
     (Leakage.UNBOUNDED, "other")],
)  # fmt: skip
def test_of_the_source_only_its_kind_is_told(leakage, codec):
    assert made(replace(RECEIPT, leakage=leakage))["source"] == {
        "codec": codec, "leakage": leakage.value,
    }  # fmt: skip


def test_no_report_of_attacks_is_said_to_be_none():
    assert made(terms=replace(TERMS, battery=None))["battery"] == "none"
    assert made()["battery"]["words"] == "No attack beat its null."


def test_equal_masks_give_equal_certificates_whatever_lay_under_them():
    region, other = RECEIPT.regions
    moved = replace(region, box=Box(41.0, 30.25, 61.5, 69.0), score=0.31).with_rect(region.rect)
    hidden = replace(
        RECEIPT,
        regions=(other, moved),
        weights=RECEIPT.weights[::-1],
        image_id="2" * 32,
        seconds={"detect": 9.9},
    )

    assert made(hidden) == made()


def test_the_order_of_regions_does_not_tell_how_they_were_found():
    rects = [PixelRect(16 * place, 0, 16 * place + 16, 16) for place in (4, 1, 5, 0, 3, 2)]
    several = replace(RECEIPT, regions=tuple(map(RECEIPT.regions[0].with_rect, rects)))

    boxes = [region["box"] for region in made(several)["regions"]]

    assert boxes == sorted(boxes)
    assert len(boxes) == 6


def test_a_region_outside_the_picture_removed_nothing_and_is_left_out():
    face, tattoo = RECEIPT.regions
    outside = replace(RECEIPT, regions=(face.with_rect(PixelRect(0, 0, 0, 0)), tattoo))

    assert [region["category"] for region in made(outside)["regions"]] == ["tattoo"]


@given(
    x=st.integers(0, 99), y=st.integers(0, 89), width=st.integers(1, 100), height=st.integers(1, 90)
)
def test_a_public_box_covers_the_mask_and_lies_on_the_grid_or_the_border(x, y, width, height):
    size = Size(100, 90)
    rect = PixelRect(x, y, x + width, y + height).clipped(size)

    box = quantised(rect, size)

    assert box.x0 <= rect.x0
    assert box.y0 <= rect.y0
    assert box.x1 >= rect.x1
    assert box.y1 >= rect.y1
    assert box.x0 % 16 == box.y0 % 16 == 0
    assert box.x1 % 16 == 0 or box.x1 == 100
    assert box.y1 % 16 == 0 or box.y1 == 90
    assert rect.x0 - box.x0 < 16
    assert box.x1 - rect.x1 < 16


def test_a_person_is_a_pseudonym_and_nobody_is_nobody(tmp_path):
    signer = signer_at(tmp_path)

    signed = signer.certificate(RECEIPT, b"pixels", DAY)

    assert b"Ada" not in signed
    assert b"Lovelace" not in signed
    assert signer.keys.pseudonym("reviewer", "Ada Lovelace").encode() in signed
    receipt, terms = without_person()
    assert made(receipt, terms=terms)["reviewer"] is None


def of_two(name="Bo"):
    sign_off = SignOff("Ada Lovelace", name)
    return replace(RECEIPT, sign_off=sign_off), replace(TERMS, second_reviewer="b" * 16)


def test_two_people_are_two_pseudonyms_and_one_is_told_as_before(tmp_path):
    signer = signer_at(tmp_path)
    receipt, terms = of_two()

    signed = signer.certificate(receipt, b"pixels", DAY)

    assert b"Bo" not in signed
    for name in ("Ada Lovelace", "Bo"):
        assert signer.keys.pseudonym("reviewer", name).encode() in signed
    assert made(receipt, terms=terms)["version"] == 3
    assert "Two people decided" in said(receipt, terms=terms)
    assert made()["version"] == 2
    assert "second_reviewer" not in made()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"version": 2}, id="of an earlier version"),
        pytest.param({"second_reviewer": None}, id="nobody"),
        pytest.param({"second_reviewer": "a" * 16}, id="the same person"),
        pytest.param({"reviewer": None}, id="no first"),
    ],
)
def test_a_second_reviewer_is_somebody_else_and_stands_in_its_version_alone(change):
    receipt, terms = of_two()

    with pytest.raises(InvalidSignature):
        read_certificate({**made(receipt, terms=terms), **change})
    with pytest.raises(InvalidSignature):
        read_certificate({**made(), "version": 3})


def test_a_second_reviewer_without_a_pseudonym_is_refused():
    with pytest.raises(ValueError, match="pseudonym"):
        certificate(of_two()[0], b"", TERMS)


@pytest.mark.parametrize("is_authenticated", [True, False])
def test_a_decision_from_a_file_says_whether_somebody_stands_for_it(is_authenticated):
    body = made(replace(RECEIPT, sign_off=SignOff("Ada", is_authenticated=is_authenticated)))

    assert (body["version"], body["reviewer_authenticated"]) == (4, is_authenticated)
    assert read_certificate(body).reviewer_authenticated is is_authenticated
    for change in ({"version": 3}, {"version": 2}, {"reviewer": None}, {"version": 5},
                   {"reviewer_authenticated": None}, {"second_reviewer": "b" * 16}):  # fmt: skip
        with pytest.raises(InvalidSignature):
            read_certificate({**body, **change})
    with pytest.raises(InvalidSignature):
        read_certificate({**made(), "version": 4})


def test_two_people_do_not_decide_in_a_file():
    receipt, terms = of_two()
    sign_off = replace(receipt.sign_off, is_authenticated=False)

    with pytest.raises(ValueError, match="one person"):
        certificate(replace(receipt, sign_off=sign_off), b"", terms)


@pytest.mark.parametrize("receipt", [RECEIPT, without_person()[0]], ids=["person", "nobody"])
def test_a_pseudonym_without_a_person_or_a_person_without_one_is_refused(receipt):
    terms = replace(TERMS, reviewer=None if receipt.sign_off.reviewer else "a" * 16)

    with pytest.raises(ValueError, match="pseudonym"):
        certificate(receipt, b"", terms)


def test_what_was_made_is_read_back():
    assert isinstance(read_certificate(made(looked())), Certificate)


@pytest.mark.parametrize(
    "change",
    [
        {"checks": {}},
        {"checks": {"T1": "passed", "T3": "passed", "T4": "passed"}},
        {"release_check": {}},
        {"release_check": {"face": "independent", "jewelry": "looked"}},
        {
            "release_check": {
                "face": "independent",
                "jewelry": "did not look",
                "A hat": "independent",
            }
        },
        {"release_check": {"face": "independent", "tattoo": "independent"}},
        {"regions": [{"category": "<b>", "box": [0, 0, 16, 16], "origin": "model"}]},
        {"checks": dict.fromkeys(["T1", "T3", "T4", "T7"], "passed")},
        {"regions": [{"category": "face", "box": [64, 0, 64, 32], "origin": "model"}]},
        {"regions": [{"category": "face", "box": [0, 0, 112, 32], "origin": "model"}]},
    ],
    ids=[
        "no check",
        "a check less",
        "no release check",
        "no testimony",
        "no name of a category",
        "not of what nobody looked for",
        "no name of a region",
        "T7 of nobody",
        "empty",
        "outside",
    ],
)
def test_what_lacks_something_or_contradicts_itself_is_not_read(change):
    with pytest.raises(InvalidSignature):
        read_certificate({**made(), **change})


def test_one_of_a_newer_version_asks_for_a_newer_lethe():
    with pytest.raises(InvalidSignature, match="version 5: a newer Lethe is needed to read it"):
        read_certificate({**made(), "version": 5})


def test_a_category_that_this_lethe_does_not_know_is_read_and_named():
    body = made(looked())
    region = {"category": "licence-plate", "box": [0, 0, 16, 16], "origin": "model"}
    body["regions"].append(region)
    body["release_check"]["licence-plate"] = "independent"

    text = "\n".join(sentences(read_certificate(body)))

    assert "licence-plate in 1 place" in text
    assert "took no part in finding for: face, licence-plate." in text


def test_only_categories_that_its_lethe_could_look_for_are_said_to_have_been_looked_for():
    body = {**made(), "not_looked_for": [], "release_check": {"face": "did not look"}}

    assert "Faces were looked for;" in "\n".join(sentences(read_certificate(body)))


@pytest.mark.parametrize("version", [1, 2])
def test_the_fields_of_the_other_version_are_not_read(version):
    body = made() | {"version": version}
    if version == 2:
        body["witness"] = body.pop("release_check")

    with pytest.raises(InvalidSignature, match="not a certificate as this Lethe knows them"):
        read_certificate(body)


class TestWords:
    def test_what_was_and_was_not_done_is_said(self):
        text = said()

        assert "Removed: face in 1 place, tattoo in 1 place." in text
        # of the boxes that anybody has; what was removed lies within them
        assert "rounded outwards to a grid of 16 px, are 70\u00a0% of the picture." in text
        assert "Checked: the removed pixels have no influence on the file (T1)." in text
        assert "Checked: nothing outside the masks changed (T3)." in text
        assert "Not shown that the release check saw nothing left in the finished picture" in text
        assert "(T7: not run)." in text
        assert "Nobody looked for: jewelry." in text
        assert "saved twice" in text
        assert "No attack beat its null." in text
        assert "run on another pipeline" not in text

    def test_places_are_counted_since_several_things_may_share_one(self):
        face, tattoo = RECEIPT.regions
        x0, y0, x1, y1 = face.rect
        rects = (face.rect, PixelRect(x0 + 1, y0 + 1, x1, y1), tattoo.rect)
        crowd = replace(RECEIPT, regions=tuple(map(face.with_rect, rects)))

        assert "Removed: face in 2 places." in said(crowd)

    def test_what_a_person_chose_to_leave_is_not_said_to_be_unseen(self):
        line = next(line for line in said(looked()).splitlines() if "(T7" in line)

        assert "but what a person chose to leave" in line

    def test_who_looked_again_is_said_for_each_category(self):
        text = said(looked())

        assert "The detector of the release check took no part in finding for: face." in text
        assert "The detector of the release check also searched for: tattoo." in text
        assert "Nobody looked at the finished picture again for: jewelry." in text

    def test_a_report_about_other_code_is_said_to_be_that(self):
        other = HEADLINE.model_copy(update={"pipeline": "0.0.9+11111111"})

        assert "on another pipeline, 0.0.9+11111111" in said(terms=replace(TERMS, battery=other))

    def test_nothing_removed_and_nobody_asked_is_said(self):
        receipt, terms = without_person(replace(RECEIPT, regions=()))

        text = said(receipt, terms)

        assert "Nothing was removed." in text
        assert "No person looked at it." in text


def test_a_manifest_is_sorted_and_counts_those_without_a_certificate():
    body = manifest("d" * 16, {"c" * 32: None, "b" * 32: "1" * 64, "a" * 32: "2" * 64},
                    day=DAY, key="e" * 16)  # fmt: skip

    assert [one["release"] for one in body["releases"]] == ["a" * 32, "b" * 32]
    assert body["without_certificate"] == ["c" * 32]
    assert body["count"] == 3
    assert Category.FACE.value not in str(body)


TRAIL = TrailHead(number=7, hash="ab" * 32)


def test_a_manifest_with_the_trails_end_is_of_version_3_and_one_without_of_version_2():
    bare = manifest("00" * 8, {}, day=DAY, key="00" * 8)
    with_trail = manifest("00" * 8, {}, day=DAY, key="00" * 8, trail=TRAIL)

    assert (bare["version"], "trail" in bare) == (2, False)
    assert (with_trail["version"], with_trail["trail"]["number"]) == (3, 7)
    assert read_signed_manifest(bare).trail is None
    assert read_signed_manifest(with_trail).trail == TRAIL


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"version": 2}, id="of an earlier version"),
        pytest.param({"trail": None}, id="none"),
        pytest.param({"trail": {"number": 0, "hash": "ab" * 32}}, id="no event"),
        pytest.param({"trail": {"number": 7, "hash": "ab"}}, id="no hash"),
        pytest.param({"trail": {"number": 7, "hash": "ab" * 32, "at": "now"}}, id="more"),
    ],
)
def test_a_manifest_that_tells_of_a_trail_otherwise_is_refused(change):
    body = manifest("00" * 8, {}, day=DAY, key="00" * 8, trail=TRAIL)

    with pytest.raises(InvalidSignature):
        read_signed_manifest(body | change)
