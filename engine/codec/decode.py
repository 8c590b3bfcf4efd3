"""Decoding: the bytes of a file in, one upright sRGB picture out.

It is fail-closed: a picture that is not whole, or not single, is refused.

The format is read from the bytes; a file name never decides. Pillow's plugins are called one by
one rather than through `Image.open`, whose size limit is global state and whose order of guesses
would decide. A file with several pages or frames is refused: releasing the first without a word
would lose the others, and those were not searched.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from engine.codec import avif, double_compression, exif, hdr, jpeg, png, raw, signatures, tiff
from engine.codec.colour import array_to_srgb, to_rgb
from engine.codec.decoder_errors import DAMAGE
from engine.errors import UnreadableImage, is_want_of_memory
from engine.geometry import Size
from engine.images import Leakage, RgbImage, SourceCodec

LONGEST_SIDE_PX: Final = 65_500
"""libjpeg writes no longer side (JPEG_MAX_DIMENSION)."""
FULL_COMPARISON_PX: Final = 1_000_000
"""Above it, looking for missing scan data at full scale would take as long as decoding."""

_PLUGINS: Final[dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "avif": AvifImagePlugin.AvifImageFile,
    "jpeg2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}
_STARTS: Final[dict[str, bytes | tuple[bytes, ...]]] = {
    "jpeg": signatures.JPEG,
    "png": signatures.PNG,
    "gif": signatures.GIF,
    "tiff": signatures.TIFF,
    "jpeg2000": (signatures.JP2 + b"\r\n\x87\n", signatures.JP2_CODESTREAM),
}
_LOSSLESS_TIFF: Final = frozenset(
    {"raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "group3", "group4",
     "tiff_ccitt", "lzma", "zstd"}
)  # fmt: skip
_PIXELWISE_MODES: Final = frozenset({"1", "L", "LA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK"})
_COLOUR_BOX: Final = b"colrnclx"
_HEIF_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
_SEQUENCE_BRANDS: Final = frozenset({b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"})


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFile:
    """One decoded picture, before its orientation is applied."""

    rgb: NDArray[np.uint8]
    """(H, W, 3) sRGB in stored orientation."""
    codec: SourceCodec


def decode(data: bytes, image_id: str, *, max_megapixels: float) -> RgbImage:
    """The one picture in `data`, upright.

    Colours are converted to 8-bit sRGB, transparent pixels show white, metadata stay behind.

    Args:
        data: a whole file; its format is read from the bytes.
        image_id: becomes `RgbImage.id`.
        max_megapixels: what a header may announce at most, in millions of pixels.

    Raises:
        UnreadableImage: the bytes are not one whole picture that Lethe can decode faithfully.
    """
    stored = _stored(data, max_megapixels)
    return RgbImage(image_id, upright(stored.rgb, stored.codec.orientation), stored.codec)


def opened(data: bytes, kind: str) -> ImageFile.ImageFile:
    """A file of a format that Pillow has a plugin for, with nothing read but its header.

    Raises:
        UNDECODABLE: the header is broken.
    """
    return _PLUGINS[kind](io.BytesIO(data))


def _stored(data: bytes, max_megapixels: float) -> DecodedFile:
    kind = format_of(data)
    with _friendly(kind):
        decoded = _read(data, kind, max_megapixels)
        if decoded.rgb.shape[:2] != decoded.codec.stored_size[::-1]:
            raise ValueError(f"decoded {decoded.rgb.shape}, announced {decoded.codec.stored_size}")
        return decoded


def _read(data: bytes, kind: str, max_megapixels: float) -> DecodedFile:
    if kind == "jpeg":
        return _read_jpeg(data, max_megapixels)
    if kind == "heif":
        return _read_heif(data, max_megapixels)
    if kind == "tiff":
        return _read_tiff(data, max_megapixels)
    return _read_other(data, kind, max_megapixels)


@contextmanager
def _friendly(kind: str) -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError as error:
        raise UnreadableImage(
            f"This {kind.upper()} announces more pixels than can be decoded safely: scale it down, "
            "or cut it into parts."
        ) from error
    except DAMAGE as error:
        if is_want_of_memory(error):
            raise
        raise UnreadableImage(
            f"This {kind.upper()} could not be decoded completely: it is damaged or cut short, or "
            "its pixels are of another size than it announces. Copy the file again from where it "
            "came from, or export it as JPEG or PNG."
        ) from error


def format_of(data: bytes) -> str:
    """The format of a file by its first bytes, such as `png`.

    Raises:
        UnreadableImage: none that Lethe reads.
    """
    if not data:
        raise UnreadableImage("The file is empty (0 bytes): copy it again from where it came from.")
    for kind, starts in _STARTS.items():
        if data.startswith(starts):
            return kind
    if data.startswith(signatures.BMP) and len(data) > 26:
        return "bmp"
    if data.startswith(b"RIFF") and data.startswith(signatures.WEBP, signatures.WEBP_AT):
        return "webp"
    return _boxed_format_of(data)


def _boxed_format_of(data: bytes) -> str:
    if data.startswith(signatures.FTYP, signatures.FTYP_AT):
        length = int.from_bytes(data[:4], "big")
        brands = {data[8:12]} | {data[at : at + 4] for at in range(16, min(length, 256), 4)}
        if data[8:12] in _SEQUENCE_BRANDS:
            raise UnreadableImage(
                "The file is an HEIC sequence of many frames: save one frame as a still picture."
            )
        if brands & {b"avif", b"avis"}:
            return "avif"
        if brands & _HEIF_BRANDS:
            return "heif"
    raise UnreadableImage(
        "The file is no picture format that Lethe reads: save it as JPEG, PNG, TIFF, WebP, AVIF or "
        "HEIC."
    )


def _check_size(size: Size, max_megapixels: float) -> None:
    megapixels = size.width * size.height / 1e6
    if megapixels > max_megapixels:
        raise UnreadableImage(
            f"The picture announces {size.width} x {size.height} pixels ({megapixels:.1f} "
            f"megapixels); the limit is {max_megapixels:g}. Scale it down, or raise the limit."
        )
    if max(size) > LONGEST_SIDE_PX:
        raise UnreadableImage(
            f"The picture announces {size.width} x {size.height} pixels; no side may be longer "
            f"than {LONGEST_SIDE_PX}. Cut it into parts."
        )
    if min(size) < 1:
        raise UnreadableImage(f"The picture announces {size.width} x {size.height} pixels: none.")


def _check_single(count: int) -> None:
    if count != 1:
        raise UnreadableImage(
            f"The file holds {count} pages or frames and Lethe releases single pictures: save each "
            "one you need as a file of its own."
        )


def _read_jpeg(data: bytes, max_megapixels: float) -> DecodedFile:
    walk = jpeg.structure(data)
    _check_size(walk.size, max_megapixels)
    # A second picture after the end marker (a depth map, an MPO's other views) is left out.
    data = data[: walk.end]
    _check_scans_reach_the_end(data, walk)
    header = opened(data, "jpeg")
    profile = header.info.get("icc_profile")
    if len(walk.components) in (1, 3):
        # Same pixels as Pillow's in 60 % of its time, and already in an array of ours.
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        rgb = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), flags), np.uint8)
        rgb.flags.writeable = False
        rgb = array_to_srgb(rgb, profile) if len(walk.components) == 3 else rgb
    else:
        rgb = to_rgb(header, profile)
    twice = double_compression.is_double_compressed(rgb, walk.luma_table)
    codec = SourceCodec(
        format="jpeg",
        stored_size=walk.size,
        orientation=exif.orientation(header.info.get("exif", b"")),
        block=walk.mcu,
        leakage=Leakage.TWICE if twice else Leakage.BLOCK,
    )
    return DecodedFile(rgb, codec)


def _check_scans_reach_the_end(data: bytes, walk: jpeg.JpegStructure) -> None:
    """Refuse a JPEG whose data stop early, found by decoding it with injected noise.

    Past the end of its data libjpeg goes on with zeros. So when noise put before each marker
    changes the picture, the decoder was still hungry there; a scan that is whole leaves the noise
    unread. Large pictures are compared at 1/8 scale, where only a loss of the last block's detail
    goes unseen; progressive scans refine detail, so those are compared in full.
    """
    plain, noisy = (_preview(variant, walk) for variant in (data, jpeg.with_noise(data, walk)))
    if not np.array_equal(plain, noisy):
        raise UnreadableImage(
            "This JPEG has an end marker, but its data stop before the picture is complete: part "
            "of it is missing. Copy the file again from where it came from."
        )


def _preview(data: bytes, walk: jpeg.JpegStructure) -> NDArray[np.uint8]:
    image = opened(data, "jpeg")
    is_large = image.width * image.height > FULL_COMPARISON_PX
    if is_large and not walk.is_progressive:
        image.draft(None, (image.width // jpeg.BLOCK_PX, image.height // jpeg.BLOCK_PX))
    return np.asarray(image)


def _read_heif(data: bytes, max_megapixels: float) -> DecodedFile:
    heif = pillow_heif.open_heif(io.BytesIO(data))
    _check_single(len(heif))
    _check_size(Size(*heif.size), max_megapixels)
    # libheif has turned the picture already, whatever its EXIF says.
    profile = heif.info.get("icc_profile")
    rgb = to_rgb(heif[0].to_pillow(), profile)
    if profile is None:
        rgb = hdr.to_srgb(rgb, _boxed_colours(data))
    return DecodedFile(rgb, SourceCodec("heif", Size(*heif.size), leakage=Leakage.UNBOUNDED))


def _read_other(data: bytes, kind: str, max_megapixels: float) -> DecodedFile:
    if kind == "png":
        data = _whole_png(data, max_megapixels)
    if kind == "jpeg2000" and b"\xff\xd9" not in data:
        # No packet may contain a marker above FF8F, so this is the end of the codestream or absent.
        raise UnreadableImage(
            "This JPEG 2000 has no end marker: it was cut short. Copy it again from where it came "
            "from."
        )
    image: Image.Image = opened(data, kind)
    _check_size(Size(*image.size), max_megapixels)
    _check_single(getattr(image, "n_frames", 1))
    if kind == "avif":
        avif.check_extents(data)
    leakage = _leakage(image, kind)
    if kind == "bmp" and image.mode == "RGBA" and not np.asarray(image)[..., 3].any():
        # programs leave the fourth byte at zero and mean no transparency, as browsers know
        image = image.convert("RGB")
    if kind == "png" and image.mode == "RGB" and png.bits(data) > 8:
        # Pillow compares the upper bytes of samples with the lower ones of the transparent colour
        image.info.pop("transparency", None)
    profile = image.info.get("icc_profile")
    orientation = exif.orientation(image.info.get("exif", b""))
    size = Size(*image.size)
    colours = _colours(data, kind, profile)
    gamma = png.gamma(data) if kind == "png" else 0.0
    rgb = to_rgb(image, None if colours else profile, gamma=gamma)
    rgb = hdr.to_srgb(rgb, colours or hdr.Colours(1, 13))
    return DecodedFile(rgb, SourceCodec(kind, size, orientation, leakage=leakage))


def _colours(data: bytes, kind: str, profile: bytes | None) -> hdr.Colours | None:
    """The colours by code points, where those count more than a profile; None without any."""
    if kind == "avif" and profile is None:
        return _boxed_colours(data)
    if kind == "png":  # third edition, 11.3.2: cICP before iCCP
        body = next((chunk.body for chunk in png.chunks(data) if chunk.name == b"cICP"), b"")
        return hdr.Colours(body[0], body[1]) if len(body) == 4 else None
    return None


def _boxed_colours(data: bytes) -> hdr.Colours:
    """What the first colour box of a HEIC or AVIF says; sRGB where there is none."""
    at = data.find(_COLOUR_BOX)
    body = data[at + len(_COLOUR_BOX) :][:4] if at >= 0 else b""
    if len(body) < 4:
        return hdr.Colours(1, 13)
    return hdr.Colours(int.from_bytes(body[:2], "big"), int.from_bytes(body[2:], "big"))


def _read_tiff(data: bytes, max_megapixels: float) -> DecodedFile:
    try:
        block = tiff.Block(data)
        pictures = tiff.pictures(block)
    except UnreadableImage as error:
        raise UnreadableImage(f"This TIFF is damaged or cut short. {error}") from error
    if tiff.is_raw(block, pictures):
        return _read_raw(data, pictures, max_megapixels)
    picture = tiff.full_picture(pictures)
    _check_size(picture.size, max_megapixels)
    tiff.check_numbers(block, picture)
    try:
        image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    except SyntaxError as error:  # its directories were whole
        raise UnreadableImage(
            "This TIFF stores its pixels in a way that Lethe does not read: export it as an "
            "ordinary TIFF, JPEG or PNG."
        ) from error
    _check_size(Size(*image.size), max_megapixels)
    leakage = _leakage(image, "tiff")
    grey_bits = int(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0])
    inverted = image.mode.startswith("I;16") and (
        image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
    )
    rgb = to_rgb(image, image.info.get("icc_profile"), grey_bits=grey_bits)
    # Pillow turns a TIFF while loading it, so orientation is spent.
    height, width = rgb.shape[:2]
    if inverted:
        rgb = np.invert(rgb)
    return DecodedFile(rgb, SourceCodec("tiff", Size(width, height), leakage=leakage))


def _read_raw(
    data: bytes, pictures: tuple[tiff.Picture, ...], max_megapixels: float
) -> DecodedFile:
    _check_size(raw.size_of(data), max_megapixels)
    rgb = raw.developed(data)
    height, width = rgb.shape[:2]
    size = Size(width, height)
    raw.check_is_full(size, pictures)
    return DecodedFile(rgb, SourceCodec("raw", size, leakage=Leakage.UNBOUNDED))


def _whole_png(data: bytes, max_megapixels: float) -> bytes:
    """The PNG up to IEND, once every pixel is there: Pillow fills gaps with black."""
    pieces = []
    frames = 1
    end = 0
    header = None
    for chunk in png.chunks(data):
        end = chunk.end
        if chunk.name == b"IHDR" and header is None:
            header = png.header(chunk.body)
            _check_size(header.size, max_megapixels)
        elif chunk.name == b"IDAT":
            pieces.append(chunk.body)
        elif chunk.name == b"acTL":
            frames = max(int.from_bytes(chunk.body[:4], "big"), 1)
        elif chunk.name == b"fdAT":
            frames = max(frames, 2)
    _check_single(frames)
    if header is None:
        raise UnreadableImage("This PNG has no header: copy it again from where it came from.")
    count = len(zlib.decompressobj().decompress(b"".join(pieces), header.inflated_bytes))
    if count < header.inflated_bytes:
        raise UnreadableImage(
            f"This PNG holds {count} of {header.inflated_bytes} bytes of pixels: part of the "
            "picture is missing. Copy it again from where it came from."
        )
    return data[:end]


def _leakage(image: Image.Image, kind: str) -> Leakage:
    grey = image.mode.startswith("I;16")
    lossless = kind in ("png", "bmp") or (
        kind == "tiff" and image.info.get("compression", "raw") in _LOSSLESS_TIFF
    )
    if lossless and (grey or image.mode in _PIXELWISE_MODES):
        return Leakage.NONE
    return Leakage.UNBOUNDED


def upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Pixels turned as EXIF `orientation`, 1..8, says (Exif 2.32, tag 0x0112); read-only."""
    if orientation == 1:
        return rgb
    if orientation in (5, 6, 7, 8):
        rgb = cv2.transpose(rgb).astype(np.uint8, copy=False)
    flips = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
    if orientation in flips:
        rgb = cv2.flip(rgb, flips[orientation]).astype(np.uint8, copy=False)
    rgb.flags.writeable = False
    return rgb
