"""The runs that the app takes in by itself when it starts, none of which may keep it from starting.

Folders under `inbox` were made by anybody, so whatever is wrong with one is told of that one and
the others go on. Nothing there is moved or deleted: it is somebody's, and once mended it is taken
in at the next start.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import LetheError
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.exchange.import_run import ingest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not taken in of one folder."""

    folder: str
    reason: str
    """A sentence, or some."""


def take_in(actor: Actor, database: Database, now: datetime) -> tuple[LeftOut, ...]:
    """Take in every run under `inbox`; gives what was left out, empty when nothing was.

    Such a folder is a run's output folder into which its input folder was put as `originals`. What
    was taken in before adds nothing.
    """
    database.admit(actor, Act.IMPORT_RUN)
    inbox = database.files.inbox
    try:
        folders = sorted(path for path in inbox.iterdir() if path.is_dir())
    except FileNotFoundError:
        return ()
    except OSError as error:
        return (LeftOut(inbox.name, f"It cannot be read ({error.strerror})."),)
    reasons = ((folder.name, _taken_in(actor, database, folder, now)) for folder in folders)
    return tuple(LeftOut(name, reason) for name, reason in reasons if reason)


def _taken_in(actor: Actor, database: Database, out: Path, now: datetime) -> str:
    """Why it was left out, in whole or in part; empty when it was not."""
    try:
        problems = ingest(actor, database, out, out / "originals", now).problems
    except LetheError as error:
        return str(error)
    except OSError as error:
        return f"A file in it cannot be read ({error.strerror or 'unknown cause'})."
    except Exception as error:  # noqa: BLE001 - somebody's folder must not stop the app
        kind = type(error).__name__
        log.error("a folder of the inbox was left out (%s)", kind)  # noqa: TRY400
        return f"A file in it is not as Lethe wrote it ({kind})."
    more = f" So were {len(problems) - 1} more." if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else ""
