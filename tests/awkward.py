"""Files that pictures really arrive as, made in code: what is whole must come out right, and what
is not must be quarantined with a plain reason.

`AWKWARD` names them all, so that any test can run the whole list through whatever it tests. The
bytes are made on first use and kept; nothing happens at import.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Literal

import cv2
import numpy as np
import piexif
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

MAX_MEGAPIXELS = 50.0
NAMES_IN_ANY_SCRIPT = (
    "Ünïcödé.jpg",
    "顔写真.jpg",
    "صورة.jpg",
    "फ़ोटो.jpg",
    "📷 1.jpg",
    "a b'c\";.jpg",
)


@dataclass(frozen=True)
class Case:
    """One awkward file."""

    make: Callable[[], bytes] = field(repr=False)
    outcome: Literal["decodes", "quarantined"] = "decodes"
    suffix: str = ".jpg"
    format: str | None = None
    """What `SourceCodec.format` must say."""
    leakage: str | None = None
    """What `SourceCodec.leakage` must say."""
    off_by: float | None = None
    """Largest mean difference from `picture()`; None where it is another picture."""
    says: str = ""
    """Words the reason must hold."""

    @cached_property
    def data(self) -> bytes:
        """The file."""
        return self.make()


@cache
def picture(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """Smooth seeded colours, no symmetry; (height, width, 3)."""
    seeds = np.random.default_rng(7).integers(20, 236, (4, 6, 3), np.uint8)
    rgb = cv2.resize(seeds, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    rgb.flags.writeable = False
    return rgb


def still(mode: str = "RGB") -> Image.Image:
    """`picture()` as a Pillow image."""
    return Image.fromarray(picture()).convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def jpeg(**options: Any) -> bytes:
    """`picture()` as a JPEG of quality 92, 4:4:4 unless told otherwise."""
    return saved(still(), "JPEG", **{"quality": 92, "subsampling": 0} | options)


def thumbnail() -> bytes:
    """A small JPEG, as cameras put into EXIF."""
    return saved(Image.fromarray(picture(32, 24)), "JPEG")


def exif_block(orientation: int = 1, *, gps: bool = False, thumb: bool = False) -> bytes:
    """An `Exif` block."""
    tags: dict[str, Any] = {"0th": {0x0112: orientation, 0x010F: b"Maker"}}
    if gps:
        tags["GPS"] = {1: b"N", 2: ((52, 1), (31, 1), (0, 1))}
    if thumb:
        tags |= {"1st": {0x0103: 6}, "thumbnail": thumbnail()}
    return piexif.dump(tags)


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segment(data: bytes, marker: int, body: bytes, *, at: int = 2) -> bytes:
    """A JPEG with one more segment, right after SOI unless told otherwise."""
    return data[:at] + segment(marker, body) + data[at:]


def chunk(name: bytes, body: bytes) -> bytes:
    """A PNG chunk with the right checksum."""
    checksum = zlib.crc32(body, zlib.crc32(name))
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def with_chunk(data: bytes, name: bytes, body: bytes) -> bytes:
    """A PNG with one more chunk right after IHDR."""
    return data[:33] + chunk(name, body) + data[33:]


def png_of(
    width: int, height: int, bits: int, colour_type: int, rows: bytes, *extra: tuple[bytes, bytes]
) -> bytes:
    """A PNG from raw filtered rows."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    middle = b"".join(chunk(name, body) for name, body in extra)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle
    return start + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def hidden_under_alpha(secret: int) -> bytes:
    """RGBA whose right half has alpha 0 over a pattern drawn from seed `secret`."""
    rgba = np.dstack([picture(), np.full(picture().shape[:2], 255, np.uint8)])
    half = rgba[:, 48:]
    half[..., :3] = np.random.default_rng(secret).integers(0, 256, half[..., :3].shape)
    half[..., 3] = 0
    return saved(Image.fromarray(rgba), "PNG")


def cut(data: bytes, share: float, *, glue: bytes = b"") -> bytes:
    """The first `share` of a file, with `glue` at the end."""
    return data[: int(len(data) * share)] + glue


def _heic(orientation: int = 1) -> bytes:
    heif = pillow_heif.from_pillow(still())
    heif[0].info["exif"] = exif_block(orientation)
    stream = io.BytesIO()
    heif.save(stream, quality=90)
    return stream.getvalue()


def _heic_of_two() -> bytes:
    heif = pillow_heif.from_pillow(still())
    heif.add_from_pillow(still().transpose(Image.Transpose.ROTATE_180))
    stream = io.BytesIO()
    heif.save(stream)
    return stream.getvalue()


def _deep(extension: str, *, grey: bool = False) -> bytes:
    rgb = picture().astype(np.uint16) * 256 + 77
    pixels = np.ascontiguousarray(rgb[..., 0] if grey else rgb[..., ::-1])
    return cv2.imencode(extension, pixels)[1].tobytes()


def _frames(kind: str) -> bytes:
    frames = [still(), still().transpose(Image.Transpose.ROTATE_180), still("L").convert("RGB")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


def _with_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "somebody")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    return saved(still(), "PNG", pnginfo=text, exif=exif_block(gps=True))


def _everything() -> bytes:
    data = jpeg(exif=exif_block(gps=True, thumb=True), comment=b"somebody")
    data = with_segment(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")
    iptc = b"\x1c\x02\x50\x00\x08somebody"
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc
    data = with_segment(data, 0xED, b"Photoshop 3.0\0" + block)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return with_segment(data, 0xE2, b"ICC_PROFILE\0\1\1" + profile) + b"trailing"


def _forty_megapixels() -> bytes:
    rgb = np.full((5000, 8000, 3), 128, np.uint8)
    rgb[2000:2064, 3000:3096] = picture()
    return saved(Image.fromarray(rgb), "JPEG", quality=90)


def _bomb_jpeg() -> bytes:
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    return bytes(data)


def _bomb_webp() -> bytes:
    """A canvas of the largest size there is, over a small picture."""
    canvas = bytes(4) + (16_383).to_bytes(3, "little") * 2
    chunks = b"VP8X" + struct.pack("<I", len(canvas)) + canvas
    chunks += saved(still(), "WEBP", lossless=True)[12:]
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def _endless_tiff() -> bytes:
    """Directory after directory; counting them by opening each from the start takes for ever."""
    links = (struct.pack("<HI", 0, 14 + 6 * index) for index in range(50_000))
    return b"II*\0" + struct.pack("<I", 8) + b"".join(links)


def _bad_checksum() -> bytes:
    data = bytearray(saved(still(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


def _gappy_png() -> bytes:
    return png_of(10, 10, 8, 2, (b"\0" + b"\x80" * 30) * 3)


def _made(mode: str, kind: str, **options: Any) -> Callable[[], bytes]:
    return lambda: saved(still(mode), kind, **options)


def _spoiled_exif() -> bytes:
    return jpeg(exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 40)


_BAD = "quarantined"

AWKWARD: dict[str, Case] = {
    "all metadata": Case(_everything, format="jpeg", off_by=2),
    "exif thumbnail": Case(lambda: jpeg(exif=exif_block(thumb=True)), format="jpeg", off_by=2),
    "broken exif": Case(_spoiled_exif, format="jpeg", off_by=2),
    "second jpeg after the end": Case(lambda: jpeg() + thumbnail(), format="jpeg", off_by=2),
    "mpo": Case(
        lambda: saved(still(), "MPO", save_all=True, append_images=[still("L").convert("RGB")]),
        format="jpeg",
        off_by=5,
    ),
    "png text": Case(_with_text, suffix=".png", format="png", leakage="none", off_by=0),
    "png trailing bytes": Case(
        lambda: saved(still(), "PNG") + b"acropalypse", suffix=".png", format="png", off_by=0
    ),
    **{
        f"orientation {number}": Case(
            lambda number=number: jpeg(exif=exif_block(number)), format="jpeg"
        )
        for number in range(1, 9)
    },
    "hidden under alpha": Case(lambda: hidden_under_alpha(1), suffix=".png", leakage="none"),
    "rgba": Case(_made("RGBA", "PNG"), suffix=".png", leakage="none", off_by=0),
    "la": Case(_made("LA", "PNG"), suffix=".png", leakage="none"),
    "palette": Case(_made("P", "PNG"), suffix=".png", leakage="unbounded", off_by=40),
    "1-bit": Case(_made("1", "PNG"), suffix=".png", leakage="none"),
    "8-bit grey": Case(_made("L", "PNG"), suffix=".png", leakage="none"),
    "8-bit grey jpeg": Case(_made("L", "JPEG"), format="jpeg", leakage="block"),
    "16-bit rgb png": Case(lambda: _deep(".png"), suffix=".png", leakage="none", off_by=0),
    "16-bit grey png": Case(lambda: _deep(".png", grey=True), suffix=".png", leakage="none"),
    "16-bit rgb tiff": Case(lambda: _deep(".tiff"), suffix=".tif", leakage="none", off_by=0),
    "16-bit grey tiff": Case(lambda: _deep(".tiff", grey=True), suffix=".tif", leakage="none"),
    "cmyk jpeg": Case(_made("CMYK", "JPEG", quality=95), format="jpeg", off_by=3),
    "cmyk tiff": Case(_made("CMYK", "TIFF"), suffix=".tif", leakage="none", off_by=0),
    "lzw tiff": Case(
        _made("RGB", "TIFF", compression="tiff_lzw"), suffix=".tif", leakage="none", off_by=0
    ),
    "jpeg in tiff": Case(
        _made("RGB", "TIFF", compression="jpeg"), suffix=".tif", leakage="unbounded", off_by=5
    ),
    "tiff with gps": Case(
        _made("RGB", "TIFF", exif=exif_block(gps=True)), suffix=".tif", leakage="none", off_by=0
    ),
    "progressive jpeg": Case(lambda: jpeg(progressive=True), format="jpeg", off_by=2),
    "4:2:0 jpeg": Case(lambda: jpeg(subsampling=2), format="jpeg", off_by=5),
    "jpeg with restarts": Case(lambda: jpeg(restart_marker_blocks=3), format="jpeg", off_by=2),
    "webp": Case(_made("RGB", "WEBP"), suffix=".webp", leakage="unbounded", off_by=8),
    "lossless webp": Case(
        _made("RGB", "WEBP", lossless=True), suffix=".webp", leakage="unbounded", off_by=0
    ),
    "avif": Case(_made("RGB", "AVIF"), suffix=".avif", leakage="unbounded", off_by=8),
    "heic": Case(_heic, suffix=".heic", format="heif", leakage="unbounded", off_by=8),
    "jpeg 2000": Case(_made("RGB", "JPEG2000"), suffix=".jp2", leakage="unbounded", off_by=1),
    "bmp": Case(_made("RGB", "BMP"), suffix=".bmp", leakage="none", off_by=0),
    "gif": Case(_made("RGB", "GIF"), suffix=".gif", leakage="unbounded", off_by=40),
    "png named jpg": Case(_made("RGB", "PNG"), format="png", leakage="none", off_by=0),
    "8 x 8": Case(lambda: saved(Image.fromarray(picture(8, 8)), "JPEG"), format="jpeg"),
    "1 x 1": Case(lambda: saved(Image.new("RGB", (1, 1)), "PNG"), suffix=".png", format="png"),
    "1 x 1 jpeg": Case(lambda: saved(Image.new("RGB", (1, 1)), "JPEG"), format="jpeg"),
    "40 megapixels": Case(_forty_megapixels, format="jpeg"),
    "empty": Case(lambda: b"", _BAD, says="empty"),
    "text named jpg": Case(lambda: b"this is no picture\n", _BAD, says="no picture format"),
    "jpeg start only": Case(lambda: b"\xff\xd8\xff", _BAD, says="cut short"),
    "truncated jpeg": Case(lambda: cut(jpeg(), 0.6), _BAD, says="cut short"),
    "truncated jpeg with an end": Case(
        lambda: cut(jpeg(), 0.8, glue=b"\xff\xd9"), _BAD, says="missing"
    ),
    "truncated progressive jpeg with an end": Case(
        lambda: cut(jpeg(progressive=True), 0.9, glue=b"\xff\xd9"), _BAD, says="missing"
    ),
    "truncated png": Case(lambda: cut(_with_text(), 0.7), _BAD, ".png", says="cut short"),
    "png with a bad checksum": Case(_bad_checksum, _BAD, ".png", says="checksum"),
    "png with missing rows": Case(_gappy_png, _BAD, ".png", says="93 of 310"),
    "truncated webp": Case(lambda: cut(_made("RGB", "WEBP")(), 0.7), _BAD, ".webp"),
    "truncated tiff": Case(lambda: cut(_made("RGB", "TIFF")(), 0.7), _BAD, ".tif"),
    "truncated heic": Case(lambda: cut(_heic(), 0.8), _BAD, ".heic"),
    "animated gif": Case(lambda: _frames("GIF"), _BAD, ".gif", says="3 pages or frames"),
    "animated webp": Case(lambda: _frames("WEBP"), _BAD, ".webp", says="3 pages or frames"),
    "animated png": Case(lambda: _frames("PNG"), _BAD, ".png", says="3 pages or frames"),
    "animated avif": Case(lambda: _frames("AVIF"), _BAD, ".avif", says="3 pages or frames"),
    "multipage tiff": Case(lambda: _frames("TIFF"), _BAD, ".tif", says="3 pages or frames"),
    "heic of two": Case(_heic_of_two, _BAD, ".heic", says="2 pages or frames"),
    "float tiff": Case(_made("F", "TIFF"), _BAD, ".tif", says="32-bit"),
    "32-bit tiff": Case(_made("I", "TIFF"), _BAD, ".tif", says="32-bit"),
    "decompression bomb png": Case(
        lambda: png_of(60_000, 60_000, 8, 2, b""), _BAD, ".png", says="3600.0 megapixels"
    ),
    "decompression bomb jpeg": Case(_bomb_jpeg, _BAD, says="3600.0 megapixels"),
    "decompression bomb webp": Case(
        _bomb_webp, _BAD, ".webp", says="more pixels than can be decoded"
    ),
    "tiff of endless directories": Case(_endless_tiff, _BAD, ".tif", says="too many"),
    "very long side": Case(
        lambda: png_of(70_000, 1, 8, 0, b"\0" * 70_001), _BAD, ".png", says="65500"
    ),
}
