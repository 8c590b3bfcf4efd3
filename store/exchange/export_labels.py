"""Export reviewers' standing decisions as a COCO data set, to measure with and to train on.

What a person settled is the best label there is of an organisation's own pictures: they looked at
the whole picture, deleted what was nothing and drew what was missing. A rejected picture is not
among them: nobody said what is in it. Neither names of files nor of people go out, but the pictures
do, opened and unredacted, for whoever trains must read them; so the folder is closed to everybody
else, and what becomes of it is for its owner to see to.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb

from engine.category import DETECTABLE, Category
from engine.codec.signatures import PICTURE_SUFFIXES
from engine.errors import UnusableFolder
from engine.files import atomic
from engine.files.real_path import real
from engine.plan import Plan, Region
from engine.runs.licences import Entry
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.batches import pictures
from store.batches.originals import digest
from store.database import Database
from store.errors import NothingToExport
from store.files import Files
from store.originals import item
from store.review import claims
from store.times import stored
from store.vault import private_text
from store.vault.context import Purpose
from store.vault.errors import BrokenSeal, MissingKey
from store.vault.private_text import PrivateText
from store.vault.vault import Vault

LABELS = "labels.json"
PICTURES = "images"
DESCRIPTION = "Reviewers' decisions, from Lethe. Originals: keep private."
"""By which an export is known again."""
SOURCE = "reviewed"
"""What `source` says of each picture, so that figures and model cards can tell them apart."""
_IDS = {category: number for number, category in enumerate(DETECTABLE, start=1)}


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into a data set."""

    pictures: int
    labels: int
    without_original: int
    """Settled pictures that were left out: their originals are gone, or nobody may see them any
    more, or have no digest to go by."""


@dataclass(frozen=True, slots=True)
class _Settled:
    """A picture as a person left it."""

    picture_id: str
    batch_id: str
    name: PrivateText
    original: str | None
    """Digest of the file that came in; None of a picture from before there were digests, and of one
    that nobody is to see any more."""
    manifest_line: PrivateText
    plan: Plan
    """The machine's own, for what was looked for."""
    regions: tuple[Region, ...]

    @property
    def file_name(self) -> str:
        """Of the exported file; of the name it came with, no more than which kind of file it is."""
        suffix = PurePosixPath(self.name.shown).suffix.lower()
        return f"{PICTURES}/{self.picture_id}{suffix if suffix in PICTURE_SUFFIXES else ''}"

    @property
    def labelled(self) -> tuple[Region, ...]:
        """The regions that are labels: not `other`, which nobody is asked to draw everywhere."""
        return tuple(region for region in self.regions if region.category in DETECTABLE)

    @property
    def labelled_for(self) -> tuple[Category, ...]:
        """What the policy looked for, so that the reviewer had to say all of it."""
        skipped = self.plan.not_looked_for
        return tuple(category for category in DETECTABLE if category not in skipped)

    @property
    def partial_for(self) -> tuple[Category, ...]:
        """What the reviewer drew though nobody looked for it."""
        drawn = {region.category for region in self.labelled}
        return tuple(category for category in self.plan.not_looked_for if category in drawn)


def export_labels(
    actor: Actor,
    database: Database,
    out: Path,
    *,
    since: datetime | None = None,
) -> Exported:
    """Write `labels.json` and the pictures it names, readable, into a new folder.

    A crash leaves nothing under that name, and what it leaves beside it goes with the next export
    to that name. Read it back with `engine.evaluation.data.datasets`.

    Args:
        actor: on whose behalf.
        database: the open database.
        out: the folder to make; it may exist if it is empty.
        since: decisions before this moment are left out; None for all.

    Raises:
        NothingToExport: no settled picture is left, or none that has its original.
        UnusableFolder: `out` holds something, is no place for it, or cannot be written.
        BrokenSeal: an original is not what was sealed, or not what came in.
        UnusableKeys: the vault cannot use its keys.
    """
    _check_place(out, database.files)
    partial = atomic.temporary_name(out)
    _discard(partial)
    with database.transaction(actor, Act.EXPORT_LABELS) as cursor:
        decided = _settled(database.vault, cursor, since)
        database.event.details["pictures"] = len(decided)
    settled = [row for row in decided if _is_there(database, row)]
    if not settled:
        raise NothingToExport(_nothing(len(decided)))
    coco = _coco(settled)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir(mode=atomic.PRIVATE_FOLDER)
        try:
            _open_into(partial, settled, database)
            atomic.write(partial / LABELS, json.dumps(coco).encode())
            partial.rename(out)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnusableFolder(f"The labels cannot be written to {out}: {reason}.") from error
    return Exported(len(settled), len(coco["annotations"]), len(decided) - len(settled))


def _check_place(out: Path, home: Files) -> None:
    where = real(out)
    if where.is_relative_to(real(home.originals)) or where.is_relative_to(real(home.releases)):
        raise UnusableFolder(f"{out} is where Lethe keeps its own files; name another folder.")
    if out.is_symlink() or (out.exists() and not (out.is_dir() and not any(out.iterdir()))):
        raise UnusableFolder(f"{out} is there already and nothing was changed; name a new folder.")


def _discard(partial: Path) -> None:
    """Remove what a killed export left: readable originals."""
    try:
        shutil.rmtree(partial)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UnusableFolder(
            f"{partial}, left by an export that was killed, cannot be removed: {error.strerror}. "
            "It may hold readable originals; delete it yourself."
        ) from error


def _settled(
    vault: Vault, cursor: duckdb.DuckDBPyConnection, since: datetime | None
) -> list[_Settled]:
    """Pictures with a standing decision, in the order of decisions."""
    rows = cursor.execute(
        """
        SELECT p.id, p.batch_id, p.sealed_source, p.source, p.sealed_licence, p.licence,
            CASE
                WHEN p.id NOT IN (
                    SELECT picture_id
                    FROM shreddings
                    WHERE holding IN ('original', 'preview')
                ) THEN p.original
            END,
            m.plan, d.regions
        FROM standing_decisions AS d
        JOIN pictures AS p ON p.id = d.picture_id
        JOIN plans AS m ON m.picture_id = p.id AND m.revision = 0
        WHERE d.decision = 'settled'
          AND (?::TIMESTAMP IS NULL OR d.decided_at >= ?::TIMESTAMP)
        ORDER BY d.number
        """,
        [None if since is None else stored(since)] * 2,
    ).fetchall()
    return [_from_row(vault, row) for row in rows]


def _from_row(vault: Vault, row: tuple[Any, ...]) -> _Settled:
    picture_id, batch_id, *texts, original, plan, regions = row
    return _Settled(
        picture_id=picture_id,
        batch_id=batch_id,
        name=private_text.of_picture(vault, batch_id, picture_id, Purpose.NAME, *texts[:2]),
        original=original,
        manifest_line=private_text.of_picture(
            vault, batch_id, picture_id, Purpose.LICENCE, *texts[2:]
        ),
        plan=Plan.from_json(json.loads(plan)),
        regions=claims.regions_from(regions),
    )


def _nothing(settled: int) -> str:
    if settled:
        return (
            f"The originals of all settled pictures ({settled}) are gone, and labels are of no use "
            "without pictures."
        )
    return "No picture was settled in review, so there are no labels."


def _is_there(database: Database, row: _Settled) -> bool:
    """Whether there is an original, a key that opens it, and a digest to know it by."""
    if row.original is None:
        return False
    try:
        database.originals.source(item(row.batch_id, row.picture_id))
    except (FileNotFoundError, MissingKey):
        return False
    return True


def _open_into(folder: Path, settled: Iterable[_Settled], database: Database) -> None:
    (folder / PICTURES).mkdir(mode=0o700)
    for row in settled:
        source = database.originals.source(item(row.batch_id, row.picture_id))
        data = source.read()
        if digest(database.signer.keys, data) != row.original:
            raise BrokenSeal(
                f"The original of picture {row.picture_id} is not the file that came in any more, "
                "so nothing was exported. Put it back from a copy."
            )
        atomic.write(folder / row.file_name, data)


def _coco(settled: Iterable[_Settled]) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for row in settled:
        images.append({"id": len(images) + 1, "file_name": row.file_name, **_image(row)})
        for region in row.labelled:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": len(images),
                    **_annotation(region, row.plan),
                }
            )
    return {
        "info": {"description": DESCRIPTION},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": category.value} for category, number in _IDS.items()],
    }


def _image(settled: _Settled) -> dict[str, Any]:
    """What is said of a picture, whose boxes are drawn on it upright.

    Where the licence manifest says nothing, nothing is said: training asks for the licence then.
    """
    width, height = settled.plan.size
    entry = asdict(pictures.entry(settled.manifest_line) or Entry())
    stated = {key: entry[key] for key in ("licence", "allowed_use", "consent") if entry[key]}
    return {
        "width": width,
        "height": height,
        "labelled_for": [category.value for category in settled.labelled_for],
        "partial_for": [category.value for category in settled.partial_for],
        "group": settled.batch_id,
        "source": SOURCE,
        **stated,
    }


def _annotation(region: Region, plan: Plan) -> dict[str, Any]:
    box = region.box.clipped(plan.size)
    return {
        "category_id": _IDS[region.category],
        "bbox": [box.x0, box.y0, box.width, box.height],
        "area": box.area,
        "iscrowd": 0,
        "attributes": {"label_origin": region.origin.value},
    }
