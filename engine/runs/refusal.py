"""Whose fault it is when a picture could not be worked on: its own, or this machine's.

Only the first holds a picture back for good. The second postpones it, for the same picture may be
fine on a disk with room.
"""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

from engine.errors import (
    LetheError,
    UnreadableImage,
    UnsafeRelease,
    UnusableKeys,
    UnusableWeights,
    is_want_of_memory,
)
from engine.logs import trace
from engine.runs.jobs import HeldFor, Postponed, Quarantined, Unread

_OF_LINUX = ("EREMOTEIO", "ENOMEDIUM", "ENOKEY", "EKEYEXPIRED", "EKEYREVOKED")
_OF_MACHINE = {
    errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.ENXIO,
    errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT,
    errno.EAGAIN, errno.EBUSY, errno.ENOLCK, errno.ENETDOWN, errno.ENETUNREACH,
    errno.ENETRESET, errno.ECONNRESET, errno.ECONNABORTED, errno.ESHUTDOWN,
    *(getattr(errno, name) for name in _OF_LINUX if hasattr(errno, name)),
}  # fmt: skip
_UNREACHED = "A file could not be reached ({}); is its disk there, and has it room?"
_INCOMPLETE = "A part of Lethe could not be loaded; install it again."
_NO_MEMORY = "This machine had too little memory for it."

log = logging.getLogger(__name__)


def refusal(job_id: str, path: Path, error: Exception) -> Quarantined:
    """Why there is no result: the picture's fault, or this machine's."""
    if isinstance(error, UnusableWeights | UnusableKeys):
        return Postponed(job_id, str(error))
    if isinstance(error, LetheError):
        return Quarantined(job_id, str(error), _kind(error))
    if isinstance(error, OSError) and _is_of_machine(error, path):
        return Postponed(job_id, _UNREACHED.format(error.strerror or "unknown cause"))
    if isinstance(error, OSError):
        reason = error.strerror or "unknown cause"
        return Unread(job_id, f"The file could not be read ({reason}).")
    if isinstance(error, ImportError):
        return Postponed(job_id, _INCOMPLETE)
    if is_want_of_memory(error):
        return Postponed(job_id, _NO_MEMORY)
    log.error("job %s failed at\n%s", job_id, trace(error))
    return failed(job_id, error)


def _is_of_machine(error: OSError, path: Path) -> bool:
    """Whether the same picture may be read once this machine, its disks or its net are mended."""
    named = error.filename
    if isinstance(named, str | bytes) and Path(os.fsdecode(named)) != path:
        return True  # a file of Lethe's own
    if isinstance(error, FileNotFoundError):
        return not path.parent.is_dir()  # a drive that is away; else the file alone is gone
    return error.errno in _OF_MACHINE


def failed(job_id: str, error: BaseException) -> Quarantined:
    """The outcome of a defect of ours, told without what the error says."""
    kind = type(error).__name__
    reason = f"Lethe failed on this picture ({kind}); please report it."
    return Quarantined(job_id, reason, HeldFor.DEFECT)


def _kind(error: LetheError) -> HeldFor:
    if isinstance(error, UnreadableImage):
        return HeldFor.UNREADABLE
    return HeldFor.CHECK if isinstance(error, UnsafeRelease) else HeldFor.OTHER
