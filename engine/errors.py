"""Every failure Lethe raises on purpose. `str(error)` is a sentence fit to show to a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


class LetheError(Exception):
    """Base of all expected failures."""


class UnreadableImage(LetheError):
    """The bytes are not a picture that can be decoded completely and faithfully."""


class UnsafeRelease(LetheError):
    """A check on a finished release failed, so the picture stays inside."""


class ReleaseContested(LetheError):
    """The release check detected something that was not removed or decided about (T7).

    `residual_detections` holds it, as regions with scores.
    """

    def __init__(self, residual_detections: Sequence[Any]) -> None:
        names = ", ".join(sorted({str(region.category) for region in residual_detections}))
        super().__init__(
            f"A second detector still sees something in the finished picture ({names}); it was "
            "not released, a person must look."
        )
        self.residual_detections = tuple(residual_detections)


class PlanNotReady(LetheError):
    """Release was asked for while regions or reasons for review remain."""


class InvalidPolicy(LetheError):
    """A policy file has an unknown key or a value out of range."""


class InvalidLicenceList(LetheError):
    """A licence manifest cannot be read."""


class InvalidDecision(LetheError):
    """A review decision does not fit the picture or the plan it speaks of."""


class UnusableWeights(LetheError):
    """A model file is missing or is not the one its manifest names."""


class UnusableFolder(LetheError):
    """An input or output folder cannot be used as asked."""


class StaleRevision(LetheError):
    """Somebody else changed the picture's plan, or the claim on it has passed on."""


class InvalidDataset(LetheError):
    """A labelled data set cannot be read, or holds nothing that can be measured."""


class UnusableKeys(LetheError):
    """A signing key or a public key cannot be used as asked."""


class InvalidSignature(LetheError):
    """A signed document is not what its signer wrote, or is no such document."""


class MissingPackage(LetheError):
    """A package that only some commands need is not installed."""


class UnreachableCluster(LetheError):
    """There is no cluster where one was said to be."""


class LostWork(LetheError):
    """Some of what a cluster was given gave no result."""


class UnreadableFile(LetheError):
    """A file that somebody handed in cannot be read safely; `str` says why, without its name."""


_NO_ROOM = re.compile(
    "bad_alloc|bad allocation|allocate memory|insufficient memory|AllocateRaw|"
    "start new thread|pthread_create",
    re.IGNORECASE,
)
"""How ONNX Runtime, OpenCV and Python say that there is no memory, or none for a thread."""


def is_want_of_memory(error: BaseException) -> bool:
    """Whether an exception is from lack of memory, so the machine's fault and no file's."""
    return isinstance(error, MemoryError) or _NO_ROOM.search(str(error)) is not None
