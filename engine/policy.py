"""Policy: thresholds, mask margins, fills, and what needs review.

A policy is a value: read once, checked completely, frozen, and named by its fingerprint in every
plan and receipt. Every number that a person might want to change lives here and is explained in
`policies/balanced.toml`. What a file leaves out has the value it has there, but for
`nothing_found`: who says nothing about it is asked. The defaults below are the same, and a test
keeps them so, but for what `make calibrate` writes into that file: thresholds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

import tomli_w
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)

from engine.category import DETECTABLE, Category, DetectableName
from engine.errors import InvalidPolicy
from engine.policies.text import DEFAULT, file_of, values_in, with_first_keys
from engine.wording import listed

DEFAULT_FILE = file_of(DEFAULT)

Share = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
"""Strict, here and below: `true` is no number and `"no"` no flag."""
Flag = Annotated[bool, Field(strict=True)]
Scales = Annotated[
    tuple[Annotated[int, Field(strict=True, ge=64, le=4096)], ...],
    Field(min_length=1, max_length=6),
]
Days = Annotated[int, Field(strict=True, ge=0, le=36_500)]
"""A hundred years at most, as in manifests."""
Growth = Annotated[float, Field(strict=True, ge=0.0, le=2.0)]


def _no_flag(value: object) -> object:
    """For choices of numbers, which would take `false` for 0."""
    if isinstance(value, bool):
        raise ValueError(f"it is {value}; it should be a number")
    return value


Rotation = Annotated[Literal[0, 90, 180, 270], BeforeValidator(_no_flag)]
FillName: TypeAlias = Literal["pushpull", "telea", "solid"]
"""What masked pixels are replaced by: two kinds of inpainting, then blurred, or black."""
Tile = Literal[0] | Annotated[int, Field(strict=True, ge=512, le=4096)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Grow(_Part):
    """How far a mask reaches beyond a box, per side, as a share of the box's width or height."""

    left: Growth = 0.1
    right: Growth = 0.1
    top: Growth = 0.1
    bottom: Growth = 0.1


class CategoryPolicy(_Part):
    """Thresholds on the probability of a detection, and the mask margins, of one category.

    The measured thresholds stand in `policies/`; these are for policies made in code.
    """

    detect: Flag = True
    auto_redact_at: Share = 0.50
    review_at: Share = 0.20
    grow: Grow = Grow()

    @model_validator(mode="after")
    def _ordered(self) -> CategoryPolicy:
        if self.review_at > self.auto_redact_at:
            raise ValueError(
                f"review_at ({self.review_at}) must not be above "
                f"auto_redact_at ({self.auto_redact_at})"
            )
        return self


class OtherPolicy(_Part):
    """The mask of what reviewers draw as `other`."""

    grow: Grow = Grow()


class _Categories(_Part):
    @model_validator(mode="after")
    def _not_blind(self) -> Self:
        if not any(getattr(self, category.value).detect for category in DETECTABLE):
            raise ValueError(f"at least one of {listed([*DETECTABLE])} must be looked for")
        return self


def _category_defaults(category: Category) -> CategoryPolicy | OtherPolicy:
    traits = category.traits
    grow = Grow(**dict(zip(Grow.model_fields, traits.margins, strict=True)))
    if not traits.is_detected:
        return OtherPolicy(grow=grow)
    return CategoryPolicy(grow=grow)


class DetectionPolicy(_Part):
    """Views of a picture that detectors are given (test-time augmentation)."""

    scales: Scales = (320, 640, 1280)
    rotations: Annotated[tuple[Rotation, ...], Field(min_length=1, max_length=4)] = (
        0,
        90,
        180,
        270,
    )
    tattoo_jewelry_scales: Scales = (320, 640)
    tile_px: Annotated[Tile, BeforeValidator(_no_flag)] = 1280
    scrfd: str = ""
    allow_noncommercial: Flag = False


class RemovalPolicy(_Part):
    """How regions are removed."""

    fill: FillName = "pushpull"
    min_grow_px: Annotated[int, Field(strict=True, ge=0, le=512)] = 8


class ReviewPolicy(_Part):
    """What goes to a person besides unsure detections."""

    audit_share: Share = 0.05
    second_review_share: Share = 0.0
    four_eyes: Flag = False
    most_removed: Share = 0.5
    nothing_found: Flag = True
    nothing_found_of: tuple[DetectableName, ...] = ()


class CodecPolicy(_Part):
    """Limits and rules for files."""

    max_megapixels: Annotated[float, Field(strict=True, gt=0, le=1000)] = 120
    leaky_source: Literal["review", "release"] = "review"
    double_compression_px: Annotated[int, Field(strict=True, ge=0, le=256)] = 24
    jpeg_quality: Annotated[int, Field(strict=True, ge=50, le=100)] = 92


class _ReleaseCheckPolicy(_Part):
    def ask_at(self, category: Category) -> float:
        """The score for a category that detectors look for."""
        return float(getattr(self, category.value))

    def is_enabled(self, category: Category) -> bool:
        """False where it is disabled."""
        return self.ask_at(category) < 1.0


if TYPE_CHECKING:  # both have a field for each row of the table of categories
    Categories = _Categories
    ReleaseCheckPolicy = _ReleaseCheckPolicy
else:
    Categories = create_model(
        "Categories",
        __base__=_Categories,
        __doc__="One entry per category; at least one is looked for.",
        **{
            category.value: (type(part), part)
            for category in Category
            for part in [_category_defaults(category)]
        },
    )
    ReleaseCheckPolicy = create_model(
        "ReleaseCheckPolicy",
        __base__=_ReleaseCheckPolicy,
        __doc__="""Minimum score of a residual detection that sends a finished picture to a person.

        From 1 on the release check does not count, and receipts do not name it for that category.
        """,
        **{kind.value: (Share, 0.5) for kind in DETECTABLE},
    )


class ManifestPolicy(_Part):
    """What a licence manifest must say."""

    require_licence: Flag = False


class RetentionPolicy(_Part):
    """Days from arrival until something of a picture is destroyed; 0: nobody says when.

    The manifest may say of a picture that it is earlier.
    """

    originals_days: Days = 0
    previews_days: Days = 0
    names_days: Days = 0
    releases_days: Days = 0
    reviews_days: Days = 0


class Policy(_Part):
    """Everything above, together."""

    categories: Categories = Categories()
    detection: DetectionPolicy = DetectionPolicy()
    removal: RemovalPolicy = RemovalPolicy()
    review: ReviewPolicy = ReviewPolicy()
    release_check: ReleaseCheckPolicy = ReleaseCheckPolicy()
    codec: CodecPolicy = CodecPolicy()
    manifest: ManifestPolicy = ManifestPolicy()
    retention: RetentionPolicy = RetentionPolicy()

    @property
    def fingerprint(self) -> str:
        """12 hex digits that change whenever any value does.

        They stay when a key is renamed, and when one is added with the value that changes nothing.
        """
        values = with_first_keys(self.model_dump(mode="json"))
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    @property
    def looked_for(self) -> tuple[Category, ...]:
        """The categories this policy asks detectors for."""
        return tuple(category for category in DETECTABLE if self.thresholds(category).detect)

    @property
    def not_looked_for(self) -> tuple[Category, ...]:
        """The detectable categories left out; every receipt names them."""
        return tuple(category for category in DETECTABLE if not self.thresholds(category).detect)

    def to_toml(self) -> str:
        """The policy as a file that `read_policy` reads back to an equal one."""
        return tomli_w.dumps(self.model_dump(mode="json"))

    def thresholds(self, category: Category) -> CategoryPolicy:
        """The thresholds of a category that detectors look for.

        Raises:
            ValueError: for `other`, which is never detected.
        """
        if category not in DETECTABLE:
            raise ValueError(f"{category} is never detected and has no thresholds")
        part: CategoryPolicy = getattr(self.categories, category.value)
        return part

    def grow(self, category: Category) -> Grow:
        """How far this category's mask reaches beyond its box."""
        part: CategoryPolicy | OtherPolicy = getattr(self.categories, category.value)
        return part.grow

    def only(self, categories: Iterable[Category]) -> Policy:
        """The same policy, looking for `categories` alone."""
        wanted = set(categories)
        parts = {
            category.value: self.thresholds(category).model_copy(
                update={"detect": category in wanted}
            )
            for category in DETECTABLE
        }
        return self.model_copy(update={"categories": self.categories.model_copy(update=parts)})

    def with_thresholds(
        self, category: Category, *, review_at: float, auto_redact_at: float
    ) -> Policy:
        """The same policy with other thresholds for one category.

        Raises:
            InvalidPolicy: a threshold is out of range, or `review_at` is above `auto_redact_at`.
            ValueError: for `other`, which is never detected.
        """
        # model_copy() would take any value: it checks nothing.
        values = self.model_dump()
        part = self.thresholds(category).model_dump()
        values["categories"][category.value] = part | {
            "review_at": review_at,
            "auto_redact_at": auto_redact_at,
        }
        return _validated(values, name="The policy")

    def with_audit_share(self, share: float) -> Policy:
        """The same policy with another share of sample checks, 0..1."""
        review = self.review.model_copy(update={"audit_share": share})
        return self.model_copy(update={"review": review})

    def requiring_licence(self, *, required: bool) -> Policy:
        """The same policy with "no licence, no release" on or off."""
        return self.model_copy(update={"manifest": ManifestPolicy(require_licence=required)})


def default_policy() -> Policy:
    """The policy called balanced."""
    return read_policy(DEFAULT_FILE.read_text(encoding="utf-8"), name=DEFAULT_FILE.name)


def named_policy(name: str) -> Policy:
    """A policy of `engine.policies.text.NAMES`."""
    return read_policy(file_of(name).read_text(encoding="utf-8"), name=name)


def read_policy(text: str, *, name: str = "policy") -> Policy:
    """Check and freeze a policy written as TOML; what it leaves out: see above.

    Raises:
        InvalidPolicy: not TOML, an unknown key, or a value out of range; the message names each.
    """
    try:
        values = values_in(text)
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        raise InvalidPolicy(f"{name} is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise InvalidPolicy(f"{name} is nested too deeply to be a policy.") from error
    return _validated(values, name=name)


@dataclass(frozen=True, slots=True)
class Difference:
    """One value in which two policies differ."""

    key: str
    """As the file nests it: `categories.face.review_at`."""
    before: Any
    after: Any


def differences(old: Policy, new: Policy) -> tuple[Difference, ...]:
    """Every value that changes from one policy to the other, in the order of the file."""
    after = dict(_leaves(new))
    return tuple(
        Difference(key, before, after[key]) for key, before in _leaves(old) if before != after[key]
    )


def _leaves(part: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key in type(part).model_fields:
        value = getattr(part, key)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _validated(values: Mapping[str, Any], *, name: str) -> Policy:
    try:
        return Policy.model_validate(values)
    except ValidationError as error:
        problems = " ".join(_sentence(dict(problem)) for problem in error.errors())
        raise InvalidPolicy(f"{name} was not accepted. {problems}") from error


def _sentence(problem: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{key} is not a key Lethe knows."
    message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    if problem["type"] == "value_error":
        return f"{key}: {message}."
    return f"{key} is {problem['input']!r}; it {message}."
