"""The size that an AVIF announces, against the size that its pictures are coded in.

The two are equal (AV1 Image File Format, image spatial extents property). Where they are not,
libavif scales the picture to what is announced and says nothing, so Pillow cannot tell. The other
decoders refuse such files by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from engine.errors import UnreadableImage
from engine.geometry import Size

_FILM: Final = b"avis"
_SEQUENCE_HEADER: Final = 1
_PROFILE_BITS: Final = 3
_HEAD_BYTES: Final = 4096
"""Of an item's data; its sequence header comes first."""
_TIERED_LEVEL: Final = 7
"""From the level above on, a bit for the tier follows."""


class _Box(NamedTuple):
    name: bytes
    body: int
    end: int


class _Bits:
    """Unsigned numbers out of bytes, the highest bit first."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def number(self, bits: int) -> int:
        first, self._at = self._at, self._at + bits
        if self._at > 8 * len(self._content):
            raise _damaged()
        covering = self._content[first // 8 : (self._at + 7) // 8]
        return int.from_bytes(covering, "big") >> -self._at % 8 & ((1 << bits) - 1)

    def has(self) -> bool:
        return bool(self.number(1))


def check_extents(data: bytes) -> None:
    """Refuse an AVIF that would be scaled while it is decoded.

    Raises:
        UnreadableImage: a picture or tile in it is coded in another size than is announced for it,
            it is a film of one frame, or the file is damaged there.
    """
    if data[8:12] == _FILM:
        raise UnreadableImage(
            "This AVIF is kept as a film of one frame, whose size cannot be checked: save the "
            "frame as a still picture."
        )
    meta = next((box for box in _boxes(data, 0, len(data)) if box.name == b"meta"), None)
    if meta is None:
        return
    inside = {box.name: box for box in _boxes(data, meta.body + 4, meta.end)}
    if not {b"iprp", b"iloc"} <= inside.keys():
        return
    locations = _locations(data, inside)
    for item, announced in _announced(data, inside[b"iprp"]):
        start, end = locations.get(item, (0, 0))
        coded = _coded(data[start : min(end, start + _HEAD_BYTES)])
        if coded != announced:
            raise UnreadableImage(
                f"This AVIF announces a picture of {announced.width} x {announced.height} pixels, "
                f"and {coded.width} x {coded.height} are in it: what it should look like is not "
                "certain. Export it again as JPEG or PNG."
            )


def _announced(data: bytes, properties: _Box) -> Iterator[tuple[int, Size]]:
    """The announced size of every item that is coded as AV1, by its number."""
    lists = tuple(_boxes(data, properties.body, properties.end))
    known = [box for one in lists if one.name == b"ipco" for box in _boxes(data, one.body, one.end)]
    for one in lists:
        if one.name != b"ipma":
            continue
        for item, indices in _associations(_Bits(data[one.body : one.end])):
            own = {
                known[at - 1].name: known[at - 1] for at in indices[::-1] if 0 < at <= len(known)
            }
            if {b"av1C", b"ispe"} <= own.keys():
                extent = _Bits(data[own[b"ispe"].body + 4 : own[b"ispe"].end])
                yield item, Size(extent.number(32), extent.number(32))


def _associations(bits: _Bits) -> Iterator[tuple[int, list[int]]]:
    version, flags = bits.number(8), bits.number(24)
    index_bits = 15 if flags & 1 else 7
    for _ in range(bits.number(32)):
        item = bits.number(32 if version else 16)
        indices = []
        for _ in range(bits.number(8)):
            bits.number(1)  # whether it is essential
            indices.append(bits.number(index_bits))
        yield item, indices


def _locations(data: bytes, inside: dict[bytes, _Box]) -> dict[int, tuple[int, int]]:
    """Start and end of the first piece of every item, where its sequence header lies."""
    store = inside[b"idat"].body if b"idat" in inside else 0
    bits = _Bits(data[inside[b"iloc"].body : inside[b"iloc"].end])
    version = bits.number(8)
    bits.number(24)
    offset, length, base, index = (8 * bits.number(4) for _ in range(4))
    index = index if version else 0
    wide = 32 if version == 2 else 16
    found: dict[int, tuple[int, int]] = {}
    for _ in range(bits.number(wide)):
        item = bits.number(wide)
        method = bits.number(16) & 15 if version else 0
        bits.number(16)
        origin = bits.number(base) + (store if method == 1 else 0)
        pieces = bits.number(16)
        if pieces:
            bits.number(index)
            start = origin + bits.number(offset)
            found[item] = start, start + (bits.number(length) or len(data))
            bits.number((pieces - 1) * (index + offset + length))
    return found


def _coded(units: bytes) -> Size:
    """The largest frame that the sequence header in an item's data allows: a still's own size."""
    at = 0
    while at < len(units):
        head = units[at]
        at += 2 if head & 4 else 1
        size, at = _leb128(units, at) if head & 2 else (len(units) - at, at)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            return _frame(_Bits(units[at : at + size]))
        at += size
    raise _damaged()


def _leb128(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(content[at : at + 8]):
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return value, at + place + 1
    raise _damaged()


def _frame(bits: _Bits) -> Size:
    """Size in a sequence header (AV1 Bitstream and Decoding Process Specification, 5.5.1)."""
    bits.number(_PROFILE_BITS + 1)
    if bits.has():  # a reduced header, of stills alone
        bits.number(5)
    else:
        _skip_operating_points(bits)
    wide, high = bits.number(4) + 1, bits.number(4) + 1
    return Size(bits.number(wide) + 1, bits.number(high) + 1)


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = _skip_timing(bits) if bits.has() else 0
    has_display_delay = bits.has()
    for _ in range(bits.number(5) + 1):
        bits.number(12)
        if bits.number(5) > _TIERED_LEVEL:
            bits.number(1)
        if delay_bits and bits.has():
            bits.number(2 * delay_bits + 1)
        if has_display_delay and bits.has():
            bits.number(4)


def _skip_timing(bits: _Bits) -> int:
    """Skip the timing; gives the length of a delay in bits, 0 without a decoder model."""
    bits.number(64)
    if bits.has():
        zeros = 0
        while not bits.has():
            zeros += 1
        bits.number(zeros)
    if not bits.has():
        return 0
    delay_bits = bits.number(5) + 1
    bits.number(32 + 5 + 5)
    return delay_bits


def _boxes(data: bytes, at: int, end: int) -> Iterator[_Box]:
    """The boxes that lie side by side (ISO/IEC 14496-12, section 4.2)."""
    while at + 8 <= end:
        size, body = int.from_bytes(data[at : at + 4], "big"), at + 8
        if size == 1:
            size, body = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        after = at + size if size else end
        if after > end or after < body:
            return  # the decoder says what is the matter, or passes over what follows the picture
        yield _Box(data[at + 4 : at + 8], body, after)
        at = after


def _damaged() -> UnreadableImage:
    return UnreadableImage(
        "This AVIF is damaged or cut short where it says how large it is. Copy the file again from "
        "where it came from, or export it as JPEG or PNG."
    )
