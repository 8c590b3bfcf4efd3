"""Unused JPEG tables: bytes of tables and headers that no scan needs (ITU-T T.81, annex B).

A table that is defined again before a scan used it, or that no scan uses, is as good a hiding place
as a comment: decoders read it and throw it away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from engine.codec import jpeg
from engine.metadata.finding import Finding, Kind

DAC: Final = 0xCC
"""Conditioning of arithmetic coding."""
MARKERS: Final = frozenset({jpeg.DQT, jpeg.DHT, DAC, jpeg.DRI, jpeg.DNL, jpeg.SOS}) | jpeg.FRAMES
"""Of the segments that are looked at here."""

_EXTRA: Final = "bytes beyond what the header announces"
_UNUSED: Final = "a table that no part of the picture uses"
_ARITHMETIC: Final = frozenset(range(0xC9, 0xD0)) - {DAC}
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_LOSSLESS: Final = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_DC, _AC = 0, 1
_MOST_SYMBOLS: Final = 256
_MOST_TABLES: Final = 4
"""Of one kind; arithmetic conditioning has as many."""

_Slot: TypeAlias = tuple[int, int, int]
"""Marker, class (DC or AC), number: what a definition replaces and a scan refers to."""


class Tables:
    """The tables as they stand at one place of the file."""

    def __init__(self) -> None:
        """At the start: none."""
        self._waiting: dict[_Slot, tuple[int, int]] = {}
        """Offset and length of what nothing has used yet."""
        self._quantisers: dict[int, int] = {}
        """Quantisation table by component, up to its first scan: decoders keep that table."""
        self._frame: int | None = None
        self._lacks_height = False
        self._has_scan = False

    def read(self, segment: jpeg.Segment) -> Iterator[Finding]:
        """What of the segment, or of tables that it replaces, no scan needs."""
        marker, body = segment.marker, segment.body
        at = segment.body_end - len(body)
        needed = 0
        if marker in jpeg.FRAMES:
            needed = self._take_frame(marker, body)
        elif marker == jpeg.SOS:
            needed = self._take_scan(body)
        elif marker == jpeg.DNL:
            needed = 2 if self._lacks_height and self._has_scan else 0
            self._lacks_height &= not needed
        else:
            for slot, length in _tables(marker, body):
                yield from self._unused(slot)
                self._waiting[slot] = at + needed, length
                needed += length
        if len(body) > needed:
            where = f"segment FF{marker:02X}"
            yield Finding(Kind.UNUSED, where, at + needed, len(body) - needed, _EXTRA)

    def unused(self) -> Iterator[Finding]:
        """The tables that nothing has used up to here."""
        for slot in tuple(self._waiting):
            yield from self._unused(slot)

    def _unused(self, slot: _Slot) -> Iterator[Finding]:
        if slot in self._waiting:
            is_foreign = slot[0] == DAC and self._frame not in _ARITHMETIC
            kind = Kind.UNKNOWN if is_foreign else Kind.UNUSED
            yield Finding(kind, f"segment FF{slot[0]:02X}", *self._waiting.pop(slot), _UNUSED)

    def _take_frame(self, marker: int, body: bytes) -> int:
        """Take in the frame header; gives the bytes it needs: none if there was one before."""
        if self._frame is not None or len(body) < 6:
            return 0
        self._frame = marker
        self._lacks_height = body[1:3] == b"\0\0"
        needed = 6 + 3 * body[5]
        self._quantisers = dict(zip(body[6:needed:3], body[8:needed:3], strict=False))
        return needed

    def _take_scan(self, body: bytes) -> int:
        """Count as used what a scan refers to; gives the bytes that its header needs."""
        needed = 4 + 2 * body[0] if body else 0
        if needed == 0 or len(body) < needed:
            return needed
        self._has_scan = True
        self._waiting.pop((jpeg.DRI, 0, 0), None)
        entropy = DAC if self._frame in _ARITHMETIC else jpeg.DHT
        classes = self._classes(first=body[needed - 3], earlier=body[needed - 1] >> 4)
        for component, tables in zip(
            body[1 : needed - 3 : 2], body[2 : needed - 3 : 2], strict=True
        ):
            if component in self._quantisers:
                self._waiting.pop((jpeg.DQT, 0, self._quantisers.pop(component)), None)
            for which in classes:
                number = tables >> 4 if which == _DC else tables & 15
                self._waiting.pop((entropy, which, number), None)
        return needed

    def _classes(self, first: int, earlier: int) -> tuple[int, ...]:
        """Of the tables that a scan decodes with (T.81, G.1.1.1.1 and H.1)."""
        if self._frame in _LOSSLESS:
            return (_DC,)
        if self._frame not in _PROGRESSIVE:
            return _DC, _AC
        if first:
            return (_AC,)
        return () if earlier else (_DC,)  # a DC bit that is added is not coded


def _tables(marker: int, body: bytes) -> Iterator[tuple[_Slot, int]]:
    """The definitions in a segment with their lengths, up to the first that is none."""
    at = 0
    while at < len(body):
        kind, number = body[at] >> 4, body[at] & 15
        length = {
            jpeg.DRI: 2,
            DAC: 2,
            jpeg.DQT: 65 + 64 * kind,
            jpeg.DHT: 17 + sum(body[at + 1 : at + 17]),
        }[marker]
        if marker == jpeg.DRI:
            kind = number = 0
        is_whole = at + length <= len(body) and length <= 17 + _MOST_SYMBOLS
        if not is_whole or kind > 1 or number >= _MOST_TABLES:
            return
        yield (marker, 0 if marker == jpeg.DQT else kind, number), length
        at += length
        if marker == jpeg.DRI:
            return
