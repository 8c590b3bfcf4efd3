from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from engine.category import DETECTABLE, Category
from engine.errors import InvalidPolicy
from engine.policies.text import NAMES, summary_of
from engine.policy import (
    DEFAULT_FILE,
    Difference,
    Grow,
    Policy,
    default_policy,
    differences,
    named_policy,
    read_policy,
)

OTHER_VALUES: dict[type, Any] = {
    bool: lambda value: not value,
    int: lambda value: value + 1,
    float: lambda value: round(value / 2 + 0.01, 4),
}
OTHER_TEXTS = {"pushpull": "telea", "review": "release", "": "/srv/models/scrfd.onnx"}


def leaves(part: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of a policy with the keys that lead to it."""
    for key in type(part).model_fields:
        value = getattr(part, key)
        if isinstance(value, BaseModel):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def changed(path: tuple[str, ...], value: Any) -> Policy:
    values = Policy().model_dump()
    part = values
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return Policy.model_validate(values)


def another(value: Any) -> Any:
    if isinstance(value, str):
        return OTHER_TEXTS[value]
    if isinstance(value, tuple):
        return value[:1] or ("face",)
    return OTHER_VALUES[type(value)](value)


LEAVES = list(leaves(Policy()))


def but_for_what_is_calibrated(policy):
    for category in DETECTABLE:
        policy = policy.with_thresholds(category, review_at=0.2, auto_redact_at=0.5)
    review = policy.review.model_copy(update={"nothing_found_of": (), "nothing_found": True})
    return policy.model_copy(update={"review": review, "release_check": Policy().release_check})


def test_the_shipped_file_and_the_defaults_are_the_same_but_for_what_is_calibrated():
    assert but_for_what_is_calibrated(default_policy()) == Policy()


@pytest.mark.parametrize("path", [path for path, _ in LEAVES], ids=".".join)
def test_the_shipped_file_names_every_key(path):
    assert f"{path[-1]} =" in DEFAULT_FILE.read_text(encoding="utf-8")


def asking(policy):
    """The same, asking about pictures in which nothing is found."""
    review = policy.review.model_copy(update={"nothing_found": True})
    return policy.model_copy(update={"review": review})


def test_an_empty_file_is_the_default_policy_that_asks_where_nothing_is_found():
    assert read_policy("") == asking(default_policy())
    assert not default_policy().review.nothing_found


@pytest.mark.parametrize("name", NAMES)
def test_a_named_policy_has_a_summary_that_is_in_no_fingerprint(name):
    policy = named_policy(name)

    assert summary_of(name).endswith(".")
    assert read_policy(policy.to_toml()).fingerprint == policy.fingerprint
    assert policy.review.nothing_found is (name == "cautious")
    assert policy.review.nothing_found_of == ()


def test_a_summary_is_a_sentence_and_nothing_else():
    assert read_policy('summary = "x"') == read_policy("")
    with pytest.raises(InvalidPolicy, match="summary is not a key"):
        read_policy("summary = 3")


def test_what_a_file_leaves_out_is_as_shipped_at_every_depth():
    read = read_policy("[categories.face]\ngrow = { left = 0.9 }\n[review]\naudit_share = 1.0")

    shipped = asking(default_policy())
    assert read.grow(Category.FACE) == shipped.grow(Category.FACE).model_copy(update={"left": 0.9})
    assert read.thresholds(Category.FACE).review_at == shipped.thresholds(Category.FACE).review_at
    assert read.review == shipped.review.model_copy(update={"audit_share": 1.0})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("typo = 1", "typo is not a key", id="unknown table"),
        pytest.param("[detection]\ntile_px = 128", "detection.tile_px", id="tiles too small"),
        pytest.param("[removal]\nbluur = 3", "removal.bluur is not a key", id="unknown key"),
        pytest.param(
            "[categories.car]\nlook = true", "categories.car is not a key", id="unknown category"
        ),
        pytest.param(
            "[categories.other]\nauto_redact_at = 0.5",
            "categories.other.auto_redact_at",
            id="not for other",
        ),
        pytest.param(
            "[categories.face]\nauto_redact_at = 1.5",
            "categories.face.auto_redact_at is 1.5",
            id="above",
        ),
        pytest.param(
            "[categories.face]\nreview_at = -0.1", "categories.face.review_at is -0.1", id="below"
        ),
        pytest.param(
            "[categories.face]\nauto_redact_at = nan",
            "categories.face.auto_redact_at",
            id="not a number",
        ),
        pytest.param(
            "[categories.tattoo]\nauto_redact_at = 0.2\nreview_at = 0.3",
            "categories.tattoo: review_at (0.3) must not be above auto_redact_at (0.2)",
            id="doubt above accept",
        ),
        pytest.param(
            "[categories.face.grow]\nleft = -0.1", "categories.face.grow.left", id="shrinking"
        ),
        pytest.param("[removal]\nfill = 'blur'", "removal.fill is 'blur'", id="plain blur"),
        pytest.param("[removal]\nmin_grow_px = -1", "removal.min_grow_px is -1", id="negative"),
        pytest.param("[detection]\nscales = []", "detection.scales", id="no scale"),
        pytest.param("[detection]\nscales = [10]", "detection.scales.0 is 10", id="tiny scale"),
        pytest.param("[detection]\nrotations = [45]", "detection.rotations.0 is 45", id="odd turn"),
        pytest.param("[detection]\nrotations = []", "detection.rotations", id="no turn"),
        pytest.param("[codec]\nmax_megapixels = 0", "codec.max_megapixels is 0", id="no pixels"),
        pytest.param("[codec]\njpeg_quality = 101", "codec.jpeg_quality is 101", id="quality"),
        pytest.param("[codec]\nleaky_source = 'ok'", "codec.leaky_source is 'ok'", id="no choice"),
        pytest.param("[review]\naudit_share = 2", "review.audit_share is 2", id="share"),
        pytest.param(
            "[review]\nsecond_review_share = 1.1",
            "review.second_review_share is 1.1",
            id="second reviews",
        ),
        pytest.param("[removal", "is not valid TOML", id="bad TOML"),
        pytest.param("removal = 3", "removal is 3", id="a table that is none"),
    ],
)
def test_a_mistake_is_refused_with_a_sentence_that_names_the_key(text, names):
    with pytest.raises(InvalidPolicy) as caught:
        read_policy(text, name="mine.toml")

    sentence = str(caught.value)
    assert sentence.startswith("mine.toml ")
    assert names in sentence
    assert sentence.endswith(".")


def test_all_mistakes_are_named_at_once():
    with pytest.raises(InvalidPolicy) as caught:
        read_policy("typo = 1\n[removal]\nfill = 'blur'")

    assert "typo" in str(caught.value)
    assert "removal.fill" in str(caught.value)


def test_equal_thresholds_are_allowed():
    policy = read_policy("[categories.face]\nauto_redact_at = 0.3\nreview_at = 0.3")

    assert policy.thresholds(Category.FACE).review_at == 0.3


@pytest.mark.parametrize(("path", "value"), LEAVES, ids=[".".join(path) for path, _ in LEAVES])
def test_every_value_survives_the_file_and_changes_the_fingerprint(path, value):
    policy = changed(path, another(value))

    assert read_policy(policy.to_toml()) == policy
    assert policy.fingerprint != Policy().fingerprint
    assert read_policy(policy.to_toml()).fingerprint == policy.fingerprint


def test_the_fingerprint_is_twelve_hex_digits():
    assert len(bytes.fromhex(Policy().fingerprint)) == 6


@pytest.mark.parametrize(
    "wanted",
    [(), (Category.FACE,), (Category.TATTOO, Category.JEWELRY), DETECTABLE],
    ids=["none", "one", "two", "all"],
)
def test_only_looks_for_these_and_says_what_is_left_out(wanted):
    policy = Policy().only(wanted)

    assert policy.looked_for == wanted
    assert policy.not_looked_for == tuple(one for one in DETECTABLE if one not in wanted)
    assert (policy == Policy()) is (wanted == DETECTABLE)


def test_other_has_a_mask_and_no_thresholds():
    assert Policy().grow(Category.OTHER).left == 0.1
    with pytest.raises(ValueError, match="never detected"):
        Policy().thresholds(Category.OTHER)


def test_a_policy_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Policy().removal.fill = "solid"


def test_a_policy_that_looks_for_nothing_is_refused():
    blind = "".join(
        f"[categories.{name}]\nlook = false\n" for name in ("face", "tattoo", "jewelry")
    )

    with pytest.raises(InvalidPolicy, match="at least one"):
        read_policy(blind)


def test_thresholds_change_for_one_category_and_nothing_else_does():
    policy = Policy().with_thresholds(Category.TATTOO, review_at=0.1, auto_redact_at=0.7)

    assert differences(Policy(), policy) == (
        Difference("categories.tattoo.auto_redact_at", 0.5, 0.7),
        Difference("categories.tattoo.review_at", 0.2, 0.1),
    )


@pytest.mark.parametrize(
    ("review_at", "auto_redact_at", "names"),
    [
        pytest.param(
            0.5, 0.2, "review_at (0.5) must not be above auto_redact_at (0.2)", id="crossed"
        ),
        pytest.param(-0.1, 0.5, "categories.face.review_at is -0.1", id="below"),
        pytest.param(0.1, 1.1, "categories.face.auto_redact_at is 1.1", id="above"),
        pytest.param(0.1, float("nan"), "categories.face.auto_redact_at", id="not a number"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(review_at, auto_redact_at, names):
    with pytest.raises(InvalidPolicy) as caught:
        Policy().with_thresholds(Category.FACE, review_at=review_at, auto_redact_at=auto_redact_at)

    assert names in str(caught.value)
    assert str(caught.value).startswith("The policy was not accepted.")


def test_other_cannot_be_given_thresholds():
    with pytest.raises(ValueError, match="never detected"):
        Policy().with_thresholds(Category.OTHER, review_at=0.1, auto_redact_at=0.2)


def test_a_policy_does_not_differ_from_itself():
    assert differences(default_policy(), default_policy()) == ()


@pytest.mark.parametrize(("path", "value"), LEAVES, ids=[".".join(path) for path, _ in LEAVES])
def test_every_value_that_changes_is_named_with_before_and_after(path, value):
    policy = changed(path, another(value))

    assert differences(Policy(), policy) == (Difference(".".join(path), value, another(value)),)
    assert differences(policy, Policy()) == (Difference(".".join(path), another(value), value),)


NO_FLAGS = (0, 1, "no", "true", 1.0)
NO_NUMBERS = (True, False, "0.5", "1")


@pytest.mark.parametrize(("path", "value"), LEAVES, ids=[".".join(path) for path, _ in LEAVES])
def test_no_value_is_taken_for_one_of_another_kind(path, value):
    key = ".".join(path)
    if isinstance(value, tuple):
        wrong = tuple([one] for one in NO_NUMBERS)
    else:
        wrong = {bool: NO_FLAGS, str: (True, 0)}.get(type(value), NO_NUMBERS)

    for one in wrong:
        with pytest.raises(InvalidPolicy, match=re.escape(key)) as caught:
            read_policy(f"{key} = {json.dumps(one)}")
        assert str(caught.value).endswith(".")


def test_whole_numbers_are_shares_too():
    assert read_policy("[witness]\nface = 1").release_check.face == 1.0


@pytest.mark.parametrize(
    "text", ["a=" + "[" * 5000, "removal.fill." + "a." * 5000 + "a=1"], ids=["lists", "keys"]
)
def test_nesting_without_end_is_refused_with_a_sentence(text):
    with pytest.raises(InvalidPolicy, match="nested too deeply"):
        read_policy(text)


def test_a_byte_order_mark_is_passed_over():
    assert read_policy("\ufeff[witness]\nface = 1").release_check.face == 1.0


FIRST_NAMES = """
[categories.face]
look = true
accept_at = 0.9
doubt_at = 0.3
[detection]
turns = [0, 180]
adornment_scales = [640]
[witness]
face = 0.7
"""
NAMES_NOW = """
[categories.face]
detect = true
auto_redact_at = 0.9
review_at = 0.3
[detection]
rotations = [0, 180]
tattoo_jewelry_scales = [640]
[release_check]
face = 0.7
"""


def test_a_file_with_the_names_that_keys_had_first_says_the_same():
    assert read_policy(FIRST_NAMES) == read_policy(NAMES_NOW)


def test_renaming_a_key_changes_no_fingerprint():
    """Plans, receipts and databases name a policy by it: this one was made before any renaming."""
    margins_then = {"face": (0.2, 0.2, 0.3, 0.15), "jewelry": (0.25, 0.25, 0.25, 0.25)}
    values = Policy().model_dump()
    for category, margins in margins_then.items():
        values["categories"][category]["grow"] = dict(zip(Grow.model_fields, margins, strict=True))

    assert Policy.model_validate(values).fingerprint == "b2be979b3ef4"


def test_a_key_that_was_added_changes_no_fingerprint_until_it_does_something():
    assert default_policy().fingerprint == "05a7a9680af2"
    read = read_policy("[review]\nsecond_review_share = 0")
    assert read.fingerprint == read_policy("").fingerprint
    asking = read_policy("[review]\nsecond_review_share = 0.1")
    assert asking.fingerprint != read_policy("").fingerprint
