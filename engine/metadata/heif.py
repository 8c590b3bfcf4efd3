"""What a HEIC or AVIF carries: its items, and bytes that belong to none (ISO/IEC 23008-12)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Final

from engine.errors import UnreadableImage
from engine.metadata.alpha import under_alpha
from engine.metadata.bmff import Box, boxes, in_any, in_colour
from engine.metadata.finding import Finding, Kind, bounded, code, no_picture
from engine.metadata.heif_items import Item, items_of
from engine.metadata.packets import in_xmp
from engine.metadata.tiff_tags import in_exif

_TOP: Final = frozenset({b"ftyp", b"mdat", b"styp"})
_IN_META: Final = frozenset(
    {b"hdlr", b"pitm", b"iinf", b"iloc", b"iref", b"iprp", b"idat", b"dinf", b"grpl"}
)
_PROPERTIES: Final = frozenset(
    {b"ispe", b"pixi", b"colr", b"hvcC", b"av1C", b"avcC", b"auxC", b"irot", b"imir", b"clap"}
    | {b"pasp", b"clli", b"mdcv", b"rloc", b"lsel", b"a1op", b"a1lx", b"cclv", b"amve", b"j2kH"}
)
_TELLING: Final = {
    b"udes": Kind.TEXT, b"altt": Kind.TEXT, b"crtt": Kind.TIME, b"mdft": Kind.TIME,
}  # fmt: skip
_MOVIE: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf"})
_TRACKS: Final = frozenset(
    {b"mvhd", b"tkhd", b"mdhd", b"hdlr", b"vmhd", b"nmhd", b"tref", b"elst", b"dref", b"stsd"}
    | {b"stts", b"stsz", b"stsc", b"stco", b"co64", b"stss", b"ctts", b"sdtp", b"sbgp", b"sgpd"}
)
MOST_STORES: Final = 100
MOST_LOOKED_INTO: Final = 50
"""Items of EXIF or XMP."""
_AVIF_BRANDS: Final = (b"avif", b"avis")
_CODED: Final = frozenset({b"hvc1", b"av01", b"avc1", b"jpeg", b"grid", b"iovl", b"iden", b"j2k1"})
_AUXILIARY: Final = (
    ((b"depth", b":auxid:2", b"disparity"), Kind.DEPTH),
    ((b"gainmap",), Kind.GAIN),
)
_ALPHA: Final = (b"alpha", b":auxid:1")


def in_heif(data: bytes) -> Iterator[Finding]:
    """Everything beside the one picture and what is needed to show it.

    Raises:
        UnreadableImage: where it is damaged, after what came before.
    """
    end = _end(data)
    items: tuple[Item, ...] = ()
    top: list[Box] = []
    for box in boxes(data, 0, end):
        top.append(box)
        if box.name == b"meta" and not items:
            items = items_of(data, box)
            yield from _in_meta(data, box, items)
        else:
            yield from _in_top(data, box)
    if not items:
        raise no_picture("HEIC or AVIF")
    if end < len(data):
        yield Finding(Kind.TRAILING, "after the last box", end, len(data) - end)
    if not any(box.name == b"moov" for box in top):
        stores = [box for box in top if box.name == b"mdat"]
        if len(stores) > MOST_STORES:
            raise UnreadableImage(f"The file has more than {MOST_STORES} stores of pixel data.")
        yield from _between(data, stores, [piece for item in items for piece in item.extents])
    if any(mark in item.auxiliary for item in items for mark in _ALPHA):
        is_avif = any(brand in data[8:64] for brand in _AVIF_BRANDS)
        yield from under_alpha(data, "avif" if is_avif else "heif")


def _in_top(data: bytes, box: Box) -> Iterator[Finding]:
    if box.name == b"moov":
        yield box.finding(Kind.ANIMATION)
        yield from _in_movie(data, box)
    elif box.name == b"mpvd":
        yield box.finding(Kind.VIDEO)
    else:
        yield from in_any(data, box, _TOP)


def _end(data: bytes) -> int:
    """Where the last thing that can be a box ends; what follows has no box's name or length."""
    at = 0
    for _ in bounded(repeat(None)):
        if at + 8 > len(data):
            break
        name, size = data[at + 4 : at + 8], int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        is_box = name.isascii() and all(32 <= mark < 127 for mark in name)
        if not is_box or (size < 8 and size):
            return at
        if size == 0 or at + size > len(data):
            return len(data)
        at += size
    return at


def _in_meta(data: bytes, meta: Box, items: tuple[Item, ...]) -> Iterator[Finding]:
    for box in boxes(data, meta.body + 4, meta.end):
        if box.name == b"iprp":
            yield from _in_properties(data, box)
        else:
            yield from in_any(data, box, _IN_META)
    pictures = [item for item in items if item.kind in _CODED and not item.serves]
    for item in pictures[1:]:
        yield _of_item(item, Kind.PICTURES)
    if sum(item.kind in (b"Exif", b"mime") for item in items) > MOST_LOOKED_INTO:
        raise UnreadableImage(f"The file has more than {MOST_LOOKED_INTO} items of metadata.")
    for item in items:
        yield from _in_item(data, item)


def _in_properties(data: bytes, properties: Box) -> Iterator[Finding]:
    for container in boxes(data, properties.body, properties.end):
        if container.name != b"ipco":
            continue
        for box in boxes(data, container.body, container.end):
            if box.name == b"colr":
                yield from in_colour(data, box)
            elif box.name in _TELLING:
                yield box.finding(_TELLING[box.name])
            else:
                yield from in_any(data, box, _PROPERTIES)


def _in_item(data: bytes, item: Item) -> Iterator[Finding]:
    where = f"{code(item.kind)} item"
    if item.is_thumbnail:
        yield _of_item(item, Kind.THUMBNAIL)
    if item.auxiliary and not any(mark in item.auxiliary for mark in _ALPHA):
        kinds = (kind for marks, kind in _AUXILIARY if any(m in item.auxiliary for m in marks))
        yield _of_item(item, next(kinds, Kind.AUXILIARY))
    if item.kind == b"tmap":
        yield _of_item(item, Kind.GAIN)
    elif item.kind == b"Exif":
        content = item.content(data)
        # a 4-byte offset to the TIFF header comes first
        skipped = 4 + int.from_bytes(content[:4], "big")
        skipped = skipped if content[skipped : skipped + 2] in (b"II", b"MM") else 4
        yield from in_exif(content[skipped:], item.start + skipped, where)
    elif item.kind == b"mime" and b"rdf+xml" in item.mime:
        yield from in_xmp(item.content(data), item.start, where)
    elif item.kind not in _CODED:
        yield _of_item(item, Kind.UNKNOWN)


def _of_item(item: Item, kind: Kind) -> Finding:
    return Finding(kind, f"{code(item.kind)} item", item.start, item.size)


def _in_movie(data: bytes, movie: Box) -> Iterator[Finding]:
    """Words and unknown boxes among a sequence's tracks."""
    waiting = [movie]
    while waiting:
        for box in boxes(data, waiting[0].body, waiting[0].end):
            if box.name in _MOVIE:
                waiting.append(box)
            elif box.name in (b"udta", b"meta"):
                yield box.finding(Kind.TEXT)
            else:
                yield from in_any(data, box, _TRACKS)
        waiting.pop(0)


def _between(data: bytes, stores: list[Box], spans: list[tuple[int, int]]) -> Iterator[Finding]:
    """Bytes in the store of pixel data that belong to no item; zeros hide nothing."""
    ordered = sorted(spans)
    for store in stores:
        here = store.body
        for start, end in [*ordered, (store.end, store.end)]:
            stop = min(max(start, here), store.end)
            if data[here:stop].strip(b"\0"):
                yield Finding(Kind.UNUSED, "mdat box, in no item", here, stop - here)
            here = max(here, min(end, store.end), store.body)
    if any(end > len(data) for _, end in spans):
        raise UnreadableImage("The file is cut short: an item lies beyond its end.")
