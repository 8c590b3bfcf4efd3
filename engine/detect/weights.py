"""Model files: manifest entries with licence and SHA-256 in, verified bytes out.

The manifest, `models/manifest.toml`, says all of it; nothing is loaded that it does not name. A
file of the user's own has a manifest of the same form in its own folder. What a manifest leaves
open, above all the licence, is never guessed: the file is refused.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, TypeAlias

import tomli_w
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from engine.category import DETECTABLE, Category
from engine.errors import UnusableWeights

MODELS = Path(__file__).parents[2] / "models"
MANIFEST = "manifest.toml"

Use: TypeAlias = Literal["any", "research", "noncommercial"]
"""any: no limit that we know of; research: ours, but trained on pictures that came for research;
noncommercial: the licence forbids commercial use, so it loads only where the policy allows that."""

_OWN_WEIGHTS = (
    "The tattoo and jewelry detector that comes with Lethe was trained on research pictures; "
    "retrain it on pictures you hold a licence for before commercial use (docs/how-to/train.md)."
)


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures a model was trained on."""

    name: str
    licence: str


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file whose SHA-256 is the one in its manifest."""

    name: str
    sha256: str
    licence: str
    categories: frozenset[Category]
    data: bytes
    use: Use = "any"
    classes: tuple[Category, ...] = ()
    """The categories in the order of the model's outputs."""
    side: int | None = None
    """Longer side it was trained at, in pixels; None where the manifest does not say."""
    sources: tuple[Source, ...] = ()
    """What it was trained on; empty for files of others."""

    @property
    def label(self) -> str:
        """`name@sha256[:8]`, as written in detections and receipts."""
        return f"{self.name}@{self.sha256[:8]}"


def load_weights(name: str, models: Path = MODELS, *, allow_noncommercial: bool = False) -> Weights:
    """Read one model file and check it against `manifest.toml`.

    Args:
        name: a table of the manifest.
        models: the folder that holds the manifest and our own model files.
        allow_noncommercial: load a file whose licence forbids commercial use.

    Raises:
        UnusableWeights: not in the manifest, not there, not the file the manifest names, or not to
            be used for this.
    """
    manifest = _manifest(models)
    where = _shown(models)
    if name not in manifest:
        raise UnusableWeights(f"{where} has no entry {name!r}.")
    entry = _entry(name, manifest[name], where)
    return _loaded(name, entry, _content(entry, models), where, allowed=allow_noncommercial)


def load_local(path: Path, *, allow_noncommercial: bool) -> Weights:
    """Read a model file of the user's own and check it against the manifest beside it.

    Args:
        path: the file; `manifest.toml` in its folder has an entry whose `file` is the file's name.
        allow_noncommercial: load a file whose licence forbids commercial use.

    Raises:
        UnusableWeights: the file or its entry is missing or the entry is not accepted, with the
            entry to write; or as for `load_weights`.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise UnusableWeights(
            f"The model file {path} cannot be read ({reason}). The policy names it as "
            "detection.scrfd; leave that empty to do without."
        ) from error
    where = str(path.parent / MANIFEST)
    entries = _entries_for(path) if (path.parent / MANIFEST).exists() else {}
    if len(entries) != 1:
        problem = f"has {len(entries)} entries for" if entries else "has no entry for"
        raise UnusableWeights(f"{where} {problem} {path.name}. {_template(path, data)}")
    ((name, written),) = entries.items()
    try:
        entry = _entry(name, written, where)
    except UnusableWeights as error:
        raise UnusableWeights(f"{error} {_template(path, data)}") from error
    return _loaded(name, entry, data, where, allowed=allow_noncommercial)


def joint_label(*parts: Weights) -> str:
    """Label of a network that is made of several files: theirs, joined by +."""
    return "+".join(part.label for part in parts)


def own_weights_notice(models: Path = MODELS) -> str | None:
    """Notice on commercial use of the shipped models; None when they are free for any use.

    Raises:
        UnusableWeights: the manifest cannot be read.
    """
    entries = _manifest(models).values()
    is_research = any(
        isinstance(entry, dict) and entry.get("use") == "research" for entry in entries
    )
    return _OWN_WEIGHTS if is_research else None


def _each_once(classes: tuple[Category, ...]) -> tuple[Category, ...]:
    if len(set(classes)) != len(classes):
        raise ValueError("names a category twice")
    if not set(classes) <= set(DETECTABLE):
        raise ValueError(f"may name {', '.join(DETECTABLE)} alone")
    return classes


def _inside(file: str) -> str:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\0" in file:
        raise ValueError("must lie in the folder of the manifest")
    return file


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Source(_Part):
    name: _Text
    licence: _Text


class _Entry(_Part):
    """A table of a manifest, as far as loading depends on it."""

    file: Annotated[_Text, AfterValidator(_inside)]
    package: _Text | None = None
    sha256: Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{64}$")]
    licence: _Text
    use: Use
    categories: Annotated[tuple[Category, ...], AfterValidator(_each_once)]
    side: Annotated[int, Field(ge=32, le=8192, strict=True)] | None = None
    sources: tuple[_Source, ...] = ()


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnusableWeights(f"{_shown(folder)} cannot be read: {reason}.") from error
    except (ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        raise UnusableWeights(f"{_shown(folder)} is not valid TOML: {error}.") from error


def _shown(folder: Path) -> str:
    return f"models/{MANIFEST}" if folder == MODELS else str(folder / MANIFEST)


def _entries_for(path: Path) -> dict[str, Any]:
    return {
        name: entry
        for name, entry in _manifest(path.parent).items()
        if isinstance(entry, dict) and entry.get("file") == path.name and "package" not in entry
    }


def _entry(name: str, written: object, where: str) -> _Entry:
    try:
        return _Entry.model_validate(written)
    except ValidationError as error:
        problems = " ".join(dict.fromkeys(_sentences(error.errors())))
        raise UnusableWeights(
            f"The entry {name!r} of {where} was not accepted. {problems}"
        ) from error


def _sentences(problems: Iterable[Any]) -> Iterable[str]:
    for problem in problems:
        key = ".".join(str(part) for part in problem["loc"]) or "the entry"
        message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ")
        if problem["type"] == "missing":
            yield f"{key} is missing."
        elif problem["type"] == "value_error":
            yield f"{key} {message}."
        else:
            yield f"{key} is {problem['input']!r}; it {message}."


def _loaded(name: str, entry: _Entry, data: bytes, where: str, *, allowed: bool) -> Weights:
    if entry.use == "noncommercial" and not allowed:
        raise UnusableWeights(
            f"The licence of {name!r} ({entry.licence}) forbids commercial use; it was not loaded. "
            "Where that is allowed, set allow_noncommercial = true under [detection] in the policy."
        )
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry.sha256:
        raise UnusableWeights(
            f"The model file of {name!r} has SHA-256 {digest[:12]}…, but {where} "
            f"expects {entry.sha256[:12]}…; it was not loaded. {_remedy(entry, where)}"
        )
    return Weights(
        name=name,
        sha256=digest,
        licence=entry.licence,
        categories=frozenset(entry.categories),
        data=data,
        use=entry.use,
        classes=entry.categories,
        side=entry.side,
        sources=tuple(Source(source.name, source.licence) for source in entry.sources),
    )


def _remedy(entry: _Entry, where: str) -> str:
    if entry.package or where == _shown(MODELS):
        return "Install the pinned requirements."
    return "Put the right file there, or check the new one and correct its entry."


def _content(entry: _Entry, models: Path) -> bytes:
    try:
        folder = resources.files(entry.package) if entry.package else models
        return bytes((folder / entry.file).read_bytes())
    except (OSError, ImportError, TypeError, ValueError) as error:
        raise UnusableWeights(
            f"The model file {entry.file} is missing; install the pinned requirements."
        ) from error


def _template(path: Path, data: bytes) -> str:
    """Manifest entry for a user's own model file, with the licence left to fill in."""
    values = {
        "file": path.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "licence": "",
        "use": "noncommercial",
        "role": "finder",
    }
    written = tomli_w.dumps({path.stem: values}) + 'categories = ["face"]\ncolour = "rgb"\n'
    return (
        f"Write this into it, with the file's licence; use is one of any, research and "
        f"noncommercial:\n\n{written}"
    )
