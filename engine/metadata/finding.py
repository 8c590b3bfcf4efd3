"""Metadata findings: kind, place, and what each can disclose.

A finding says where and what kind, never the content: whoever reads a log must not learn from it
what the picture would have told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from engine.errors import UnreadableImage

MOST_PARTS: Final = 1_000_000
"""Chunks, segments or boxes of one file; the largest files that are looked into have fewer."""
T = TypeVar("T")


class Kind(StrEnum):
    """Kind of finding, the most sensitive first; the values are those that `--allow` takes."""

    UNREADABLE = "unreadable"
    FORMAT = "unknown-format"
    GPS = "gps"
    OWNER = "owner"
    SERIAL = "serial-number"
    HIDDEN = "hidden-pixels"
    THUMBNAIL = "thumbnail"
    PICTURES = "further-pictures"
    VIDEO = "video"
    DEPTH = "depth-map"
    GAIN = "gain-map"
    AUXILIARY = "auxiliary-picture"
    ANIMATION = "animation"
    TRAILING = "trailing-bytes"
    UNUSED = "unused-bytes"
    UNKNOWN = "unknown-data"
    MAKER_NOTE = "maker-note"
    EXIF = "exif"
    XMP = "xmp"
    IPTC = "iptc"
    PHOTOSHOP = "photoshop"
    CREDENTIALS = "content-credentials"
    APPLICATION = "application-data"
    COMMENT = "comment"
    TEXT = "text"
    TIME = "time-stamp"
    ICC = "icc"
    ADOBE = "adobe-mark"
    UNCHECKED = "unchecked"

    @property
    def rank(self) -> int:
        """Place in the order above; 0 is the most telling."""
        return list(Kind).index(self)

    @property
    def label(self) -> str:
        """The name for a person."""
        return _ABOUT[self][0]

    @property
    def tells(self) -> str:
        """What this kind can give away, in plain words."""
        return _ABOUT[self][1]


_ABOUT: Final = {
    Kind.UNREADABLE: ("unreadable", "nobody can say what is in it"),
    Kind.FORMAT: ("unknown format", "nobody can say what is in it"),
    Kind.GPS: ("GPS position", "where the picture was taken"),
    Kind.OWNER: ("owner's name", "who took the picture or owns the camera"),
    Kind.SERIAL: ("serial number", "which single camera took the picture, and its other pictures"),
    Kind.HIDDEN: ("hidden pixels under alpha", "parts of the picture that viewers do not show"),
    Kind.THUMBNAIL: ("thumbnail", "a small copy, often of the picture before it was changed"),
    Kind.PICTURES: ("further pictures", "pictures that most viewers do not show"),
    Kind.VIDEO: ("video", "the seconds around the picture, often with sound"),
    Kind.DEPTH: ("depth map", "the shape of faces and bodies"),
    Kind.GAIN: ("gain map", "a second rendering of the picture, outlines of people included"),
    Kind.AUXILIARY: ("auxiliary picture", "a second picture, such as the outline of a person"),
    Kind.ANIMATION: ("animation", "frames that most viewers show only in turn"),
    Kind.TRAILING: ("trailing bytes", "anything, such as the rest of an earlier, longer file"),
    Kind.UNUSED: ("unused bytes", "anything, such as what an editor meant to delete"),
    Kind.UNKNOWN: ("unknown data", "anything: showing the picture does not need it"),
    Kind.MAKER_NOTE: ("maker note", "serial numbers, names of faces, position: makers decide"),
    Kind.EXIF: ("EXIF", "how and when the picture was made"),
    Kind.XMP: ("XMP", "names, places, edits and where the file lay"),
    Kind.IPTC: ("IPTC", "names, places and captions"),
    Kind.PHOTOSHOP: ("Photoshop data", "edits, captions and small copies"),
    Kind.CREDENTIALS: ("content credentials", "who made and changed the picture, and small copies"),
    Kind.APPLICATION: ("application data", "whatever a program wrote for itself"),
    Kind.COMMENT: ("comment", "words that somebody or some program wrote"),
    Kind.TEXT: ("text", "words that somebody or some program wrote"),
    Kind.TIME: ("time stamp", "when the picture was made or changed"),
    Kind.ICC: ("ICC profile", "which camera, screen or program made the picture"),
    Kind.ADOBE: ("Adobe colour mark", "that a program of a certain family wrote the file"),
    Kind.UNCHECKED: ("not checked", "nobody can say what is in it"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of metadata in a file."""

    kind: Kind
    where: str
    """Segment, chunk, box or tag."""
    offset: int
    """Its first byte, counted from the start of the file."""
    size: int
    """Bytes; the sum where `count` things of one name were found; 0 for the file as a whole."""
    note: str = ""
    """More exactly than the kind, what it is or can give away."""
    count: int = 1

    @property
    def tells(self) -> str:
        """What it can give away, in plain words."""
        return self.note or self.kind.tells

    @property
    def detail(self) -> str:
        """Where it is and what it can give away, as one line."""
        if not self.size:
            return f"{self.where}: {self.tells}"
        times = f" ({self.count} times)" if self.count > 1 else ""
        size = "1 byte" if self.size == 1 else f"{self.size} bytes"
        return f"{self.where}{times}, {size} at byte {self.offset}: {self.tells}"

    def to_json(self) -> dict[str, Any]:
        """The finding for machines; `detail` is the line that people read."""
        return {
            "kind": self.kind.value, "where": self.where, "offset": self.offset,
            "size": self.size, "count": self.count, "tells": self.tells, "detail": self.detail,
        }  # fmt: skip


def from_json(values: dict[str, Any]) -> Finding:
    """The finding that `to_json` was asked of."""
    kind = Kind(values["kind"])
    note = "" if values["tells"] == kind.tells else values["tells"]
    return Finding(kind, values["where"], values["offset"], values["size"], note, values["count"])


def bounded(parts: Iterable[T]) -> Iterator[T]:
    """The same, as long as there are not absurdly many.

    Raises:
        UnreadableImage: there are, so that looking at each would keep a machine busy for hours.
    """
    for index, part in enumerate(parts):
        if index >= MOST_PARTS:
            raise UnreadableImage(f"The file has more than {MOST_PARTS:,} parts.")
        yield part


def no_picture(kind: str) -> UnreadableImage:
    """For a file of a known format whose structure holds no pixels."""
    return UnreadableImage(f"This {kind} holds no picture.")


def code(name: bytes) -> str:
    """The four-letter code of a chunk, box or item: ASCII letters and marks; the rest as `?`."""
    text = name[:4].decode("latin-1")
    return "".join(mark if mark.isascii() and mark.isprintable() else "?" for mark in text).strip()


def safe_name(name: bytes, names: Iterable[bytes]) -> str:
    """A name out of a file, if it is one of those that programs are known to write.

    Whoever made the file chose it, so any other may be the very words that must not be printed.
    """
    return name.decode("ascii") if name in names else "a name that is not known"
