"""The structure of a JPEG, read marker by marker without decoding a pixel.

libjpeg repairs what it can: a picture cut short comes back half grey with only a warning. Lethe
must not release such a picture, nor review one, so everything that can be checked from the markers
is checked here: that the primary picture reaches its end marker, that every coefficient of every
component is there, and that no restart interval is missing. Markers are those of ITU-T T.81.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from engine.codec import signatures
from engine.errors import UnreadableImage
from engine.geometry import Size

SOI, EOI, SOS, DQT, DHT, DRI, DNL, COM, APP0 = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xDC, 0xFE, 0xE0
FRAMES = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, 0xCC}
"""Every start-of-frame marker; 0xC8 is reserved and 0xCC sets up arithmetic coding."""
PROGRESSIVE = 0xC2
READABLE_FRAMES = frozenset({0xC0, 0xC1, PROGRESSIVE})
"""Huffman-coded baseline, extended and progressive. Lossless, hierarchical and arithmetic frames
are refused: what is missing from those cannot be found from outside."""

MOST_SCANS = 100
"""Encoders write 14 at most; thousands would keep a decoder busy for hours."""
BLOCK_PX = 8
COEFFICIENTS = 64

_NOISE = bytes((index * 73 + 41) % 251 for index in range(256))
"""Free of 0xFF, and varied enough to change the mean of some block it is taken for."""
_STUFFED_OR_RESTART = rb"\x00\xd0-\xd7"
_SCAN_END = re.compile(rb"\xff+[^\xff" + _STUFFED_OR_RESTART + rb"]")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")


class Segment(NamedTuple):
    """One marker with what belongs to it; entropy-coded data belongs to its SOS."""

    marker: int
    """The byte after 0xFF."""
    start: int
    """Offset of the marker's first 0xFF, fill bytes included."""
    body: bytes
    """Payload without the two length bytes; empty for SOI and EOI."""
    body_end: int
    """Offset just past the payload: where a scan's coded data begins."""
    end: int
    """Offset just past the payload and any coded data."""


class Component(NamedTuple):
    """One colour plane."""

    id: int
    horizontal: int
    vertical: int
    table: int
    """Number of its quantisation table."""


class Scan(NamedTuple):
    """A scan header and where its coded data lies."""

    components: tuple[int, ...]
    first: int
    last: int
    shift: int
    """Bits of each coefficient still to come (Al); 0 when they are final."""
    interval: int
    """MCUs between restart markers; 0 for none."""
    coded: tuple[int, int]
    """Start and end offset."""


@dataclass(frozen=True, slots=True)
class JpegStructure:
    """What the markers of a complete 8-bit Huffman-coded JPEG say."""

    size: Size
    """As stored, before EXIF orientation."""
    mcu: Size
    """Extent of one MCU in stored pixels: 8, 16, 24 or 32 a side."""
    components: tuple[Component, ...]
    luma_table: tuple[int, ...]
    """64 quantisation steps of the first component, in zigzag order."""
    is_progressive: bool
    scans: tuple[Scan, ...]
    end: int
    """Offset just past the primary picture's end marker; later bytes are no part of it."""


def segments(data: bytes) -> Iterator[Segment]:
    """Every segment of the primary picture, SOI to EOI; fill bytes are stepped over.

    Raises:
        UnreadableImage: the bytes are not a JPEG, end before EOI, or hold something between two
            segments that is no marker. Raised when the walk gets there, after what was whole.
    """
    if not data.startswith(signatures.SOI):
        raise UnreadableImage("The file does not start like a JPEG, so it was not opened.")
    yield Segment(SOI, 0, b"", 2, 2)
    at = 2
    while True:
        segment = _segment(data, at)
        yield segment
        if segment.marker == EOI:
            return
        at = segment.end


def structure(data: bytes) -> JpegStructure:
    """What the markers of the primary picture say, once they are complete.

    Raises:
        UnreadableImage: the picture is cut short, lacks scans or restart intervals, or uses a
            coding process other than 8-bit Huffman.
    """
    walk = tuple(segments(data))
    try:
        return _structure(walk, data)
    except (struct.error, IndexError, KeyError) as error:
        raise UnreadableImage(
            "A header of this JPEG is too short for what it announces: export the picture again."
        ) from error


def with_noise(data: bytes, walk: JpegStructure) -> bytes:
    """The primary picture with noise put before every marker that ends coded data.

    A decoder that has all its data steps over the noise; one that has not takes it for pixels.
    """
    pieces = []
    at = 0
    for scan in walk.scans:
        start, end = scan.coded
        coded = _RESTART.sub(lambda marker: _NOISE + marker[0], data[start:end])
        pieces += [data[at:start], coded, _NOISE]
        at = end
    return b"".join([*pieces, data[at : walk.end]])


def _structure(walk: tuple[Segment, ...], data: bytes) -> JpegStructure:
    frames = [segment for segment in walk if segment.marker in FRAMES]
    if len(frames) != 1:
        raise UnreadableImage(
            f"This JPEG has {len(frames)} picture headers where one is expected: export it again."
        )
    size, components = _frame(frames[0])
    tables = _quantisation(walk)
    scans = _scans(walk)
    _check_coefficients(components, scans)
    mcu = _mcu(components)
    for scan in scans:
        _check_restarts(data, scan, _mcu_count(scan, size, components))
    return JpegStructure(
        size=size,
        mcu=mcu,
        components=components,
        luma_table=tables[components[0].table],
        is_progressive=frames[0].marker == PROGRESSIVE,
        scans=scans,
        end=walk[-1].end,
    )


def _segment(data: bytes, at: int) -> Segment:
    start = at
    if data[at : at + 1] not in (b"\xff", b""):
        raise UnreadableImage(
            f"This JPEG is damaged at byte {at}: no marker where one must be. If a new copy has "
            "the same fault, open it in another program and export it again."
        )
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data):
        raise _cut_short(data)
    marker = data[at]
    if marker == EOI:
        return Segment(EOI, start, b"", at + 1, at + 1)
    if marker in (0x00, 0x01, SOI) or 0xD0 <= marker <= 0xD7:
        raise UnreadableImage(
            f"This JPEG is damaged at byte {at}: marker {marker:02X} is misplaced. If a new copy "
            "has the same fault, open it in another program and export it again."
        )
    length = int.from_bytes(data[at + 1 : at + 3], "big")
    body_end = at + 1 + length
    if body_end > len(data) or at + 3 > len(data):
        raise _cut_short(data)
    if length < 2:
        raise UnreadableImage(f"This JPEG is damaged at byte {at}: a header of {length} bytes.")
    end = _coded_end(data, body_end) if marker == SOS else body_end
    return Segment(marker, start, data[at + 3 : body_end], body_end, end)


def _coded_end(data: bytes, start: int) -> int:
    match = _SCAN_END.search(data, start)
    if match is None:
        raise _cut_short(data)
    return match.start()


def _cut_short(data: bytes) -> UnreadableImage:
    return UnreadableImage(
        f"This JPEG stops after {len(data)} bytes, before its end marker: it was cut short. "
        "Copy the file again from where it came from."
    )


def _frame(segment: Segment) -> tuple[Size, tuple[Component, ...]]:
    precision, height, width, count = struct.unpack_from(">BHHB", segment.body)
    if segment.marker not in READABLE_FRAMES or precision != BLOCK_PX:
        raise UnreadableImage(
            f"This JPEG uses a rare coding (process {segment.marker - 0xC0}, {precision} bits) "
            "that cannot be checked for completeness: save it as an ordinary JPEG or as PNG."
        )
    if width == 0 or height == 0:
        raise UnreadableImage(f"This JPEG announces {width} x {height} pixels: export it again.")
    components = []
    for index in range(count):
        number, sampling, table = struct.unpack_from(">BBB", segment.body, 6 + 3 * index)
        components.append(Component(number, sampling >> 4, sampling & 15, table))
    if not components or any(
        not (1 <= c.horizontal <= 4 and 1 <= c.vertical <= 4) for c in components
    ):
        raise UnreadableImage("This JPEG's colour planes are described wrongly: export it again.")
    return Size(width, height), tuple(components)


def _mcu(components: tuple[Component, ...]) -> Size:
    if len(components) == 1:
        # A lone component is never interleaved: T.81 A.2.2 makes its MCU one block.
        return Size(BLOCK_PX, BLOCK_PX)
    return Size(
        BLOCK_PX * max(component.horizontal for component in components),
        BLOCK_PX * max(component.vertical for component in components),
    )


def _quantisation(walk: tuple[Segment, ...]) -> dict[int, tuple[int, ...]]:
    tables: dict[int, tuple[int, ...]] = {}
    for body in (segment.body for segment in walk if segment.marker == DQT):
        at = 0
        while at < len(body):
            layout = ">64H" if body[at] >> 4 else ">64B"
            tables[body[at] & 15] = struct.unpack_from(layout, body, at + 1)
            at += 1 + struct.calcsize(layout)
    return tables


def _scans(walk: tuple[Segment, ...]) -> tuple[Scan, ...]:
    scans = []
    interval = 0
    for segment in walk:
        if segment.marker == DRI:
            (interval,) = struct.unpack_from(">H", segment.body)
        if segment.marker == SOS:
            count = segment.body[0]
            numbers = tuple(segment.body[1 + 2 * index] for index in range(count))
            first, last, bits = struct.unpack_from(">BBB", segment.body, 1 + 2 * count)
            coded = (segment.body_end, segment.end)
            scans.append(Scan(numbers, first, last, bits & 15, interval, coded))
    return tuple(scans)


def _check_coefficients(components: tuple[Component, ...], scans: tuple[Scan, ...]) -> None:
    remaining = {component.id: [1] * COEFFICIENTS for component in components}
    for scan in scans:
        if not remaining.keys() >= set(scan.components):
            raise UnreadableImage(
                "This JPEG has a scan of a colour plane that it does not announce: it is damaged. "
                "Copy it again from where it came from."
            )
        for number in scan.components:
            for index in range(scan.first, min(scan.last, COEFFICIENTS - 1) + 1):
                remaining[number][index] = scan.shift
    if len(scans) > MOST_SCANS or any(any(bits) for bits in remaining.values()):
        raise UnreadableImage(
            f"This JPEG has {len(scans)} scans and they do not make up one picture: it was cut "
            "short or built wrongly. Copy the file again from where it came from."
        )


def _mcu_count(scan: Scan, size: Size, components: tuple[Component, ...]) -> int:
    widest = max(component.horizontal for component in components)
    tallest = max(component.vertical for component in components)
    if len(scan.components) > 1:
        return ceil(size.width / (BLOCK_PX * widest)) * ceil(size.height / (BLOCK_PX * tallest))
    component = next(component for component in components if component.id == scan.components[0])
    width = ceil(size.width * component.horizontal / widest)
    height = ceil(size.height * component.vertical / tallest)
    return ceil(width / BLOCK_PX) * ceil(height / BLOCK_PX)


def _check_restarts(data: bytes, scan: Scan, mcu_count: int) -> None:
    numbers = [match[1][0] - 0xD0 for match in _RESTART.finditer(data, *scan.coded)]
    count = len(numbers)
    expected = (mcu_count - 1) // scan.interval if scan.interval else 0
    if count > expected:
        raise UnreadableImage(
            f"This JPEG has {count} restart markers where it announces {expected}, so nobody "
            "can tell whether it is whole. Some scanners and old phones write such files: open it "
            "in another program and export it again."
        )
    if count != expected or numbers != [index % 8 for index in range(count)]:
        raise UnreadableImage(
            f"This JPEG has {count} of {expected} restart markers, or has them out of order: "
            "part of the picture is missing. Copy the file again from where it came from."
        )
