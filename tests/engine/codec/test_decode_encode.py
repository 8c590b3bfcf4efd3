"""Decoding is whole or refused; encoding writes pixels and nothing else."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image, ImageCms

from engine.codec import hdr
from engine.codec.allow_list import scan
from engine.codec.decode import decode
from engine.codec.encode import encode, output_format
from engine.codec.hdr import Colours
from engine.errors import UnreadableImage
from engine.geometry import Size
from engine.images import Leakage, RedactedImage, RgbImage, SourceCodec
from engine.metadata.header import pre_check
from engine.metadata.inspect import findings
from tests import awkward
from tests.awkward import AWKWARD, MAX_MEGAPIXELS

DECODES = [name for name, case in AWKWARD.items() if case.outcome == "decodes"]
QUARANTINED = [name for name, case in AWKWARD.items() if case.outcome == "quarantined"]
FRAGILE = ["all metadata", "progressive jpeg", "jpeg with restarts", "rgba", "lzw tiff", "webp",
           "avif", "heic", "jpeg 2000", "gif", "bmp"]  # fmt: skip


def opened(data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS) -> RgbImage:
    return decode(data, "picture", max_megapixels=max_megapixels)


def difference(image: RgbImage, expected: np.ndarray) -> float:
    return float(np.abs(image.rgb.astype(int) - expected).mean())


@pytest.mark.slow
@pytest.mark.parametrize("name", DECODES)
def test_awkward_but_whole_files_decode_upright_and_read_only(name):
    case = AWKWARD[name]

    image = opened(case.data)

    assert image.id == "picture"
    assert not image.rgb.flags.writeable
    assert image.rgb.flags.c_contiguous
    assert case.format in (None, image.codec.format)
    assert case.leakage in (None, image.codec.leakage.value)
    if case.off_by is not None:
        assert difference(image, awkward.picture()) <= case.off_by


@pytest.mark.parametrize("name", QUARANTINED)
def test_files_that_are_not_one_whole_picture_are_refused_with_a_sentence(name):
    case = AWKWARD[name]

    with pytest.raises(UnreadableImage) as caught:
        opened(case.data)

    assert case.says in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "40 megapixels")) for name in DECODES],
)
@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_release_carries_nothing_of_its_source_but_pixels(name, kind):
    image = opened(AWKWARD[name].data)

    data = encode(RedactedImage(image.rgb), kind, jpeg_quality=92)

    scan(data, kind)
    assert findings(data) == ()
    assert opened(data).size == image.size


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF", "JPEG"])
def test_every_orientation_gives_the_same_upright_picture(number, kind):
    undo = [None, None, 0, 3, 1, 5, 2, 6, 4][number]
    upright = Image.fromarray(awkward.picture())
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}
    exif = Image.Exif()
    exif[0x0112] = number

    image = opened(awkward.saved(stored, kind, exif=exif, **lossless.get(kind, {})))

    assert image.size == Size(96, 64)
    assert difference(image, awkward.picture()) <= (0 if kind in ("PNG", "TIFF", "WEBP") else 3)
    if kind != "TIFF":
        assert image.codec.orientation == number
        assert image.codec.stored_size == Size(*stored.size)


@pytest.mark.parametrize("number", [1, 3, 6, 8])
def test_a_heic_is_turned_once(number):
    image = opened(awkward._heic(number))

    expected = {1: 0, 3: 2, 6: 3, 8: 1}[number]
    assert difference(image, np.rot90(awkward.picture(), expected)) < 8


def test_pixels_under_alpha_zero_have_no_influence():
    one, other = (opened(awkward.hidden_under_alpha(secret)) for secret in (1, 2))

    np.testing.assert_array_equal(one.rgb, other.rgb)
    assert (one.rgb[:, 48:] == 255).all()
    np.testing.assert_array_equal(one.rgb[:, :48], awkward.picture()[:, :48])


@pytest.mark.parametrize("extension", [".png", ".tiff"])
def test_16_bits_are_shifted_and_never_stretched(extension):
    dim = np.array([[256, 511, 512, 767]], np.uint16)
    image = opened(cv2.imencode(extension, dim)[1].tobytes())

    assert image.rgb[0, :, 0].tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("subsampling", "block"),
    [(0, Size(8, 8)), (1, Size(16, 8)), (2, Size(16, 16)), ("4:1:1", Size(32, 8))],
)
def test_a_jpeg_tells_its_mcu(subsampling, block):
    named = isinstance(subsampling, str)
    data = cv2_jpeg(0x411111) if named else awkward.jpeg(subsampling=subsampling)

    assert opened(data).codec.block == block


def cv2_jpeg(factor: int) -> bytes:
    rgb = awkward.picture()
    return cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor])[1].tobytes()


def test_a_wide_gamut_picture_is_converted_and_a_broken_profile_ignored():
    gamma_one = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = awkward.picture()

    assert difference(opened(awkward.saved(awkward.still(), "PNG", icc_profile=srgb)), plain) == 0
    assert (
        difference(opened(awkward.saved(awkward.still(), "PNG", icc_profile=b"junk")), plain) == 0
    )
    other = awkward.saved(awkward.still(), "PNG", icc_profile=linear_rgb_profile(srgb))
    assert difference(opened(other), plain) > 5
    assert (
        difference(opened(awkward.saved(awkward.still(), "PNG", icc_profile=gamma_one)), plain) == 0
    )


def linear_rgb_profile(srgb: bytes) -> bytes:
    """The sRGB profile with red and blue primaries exchanged: valid, and visibly different."""
    return srgb.replace(b"rXYZ", b"tmpX").replace(b"bXYZ", b"rXYZ").replace(b"tmpX", b"bXYZ")


@pytest.mark.parametrize("spare", [4, 6, 12, 40, 100])
def test_a_jpeg_short_of_a_few_bytes_is_refused_even_with_an_end_marker(spare):
    data = awkward.jpeg()

    with pytest.raises(UnreadableImage, match="missing"):
        opened(data[: -2 - spare] + b"\xff\xd9")


def test_a_large_jpeg_short_of_rows_is_refused_even_with_an_end_marker():
    data = awkward.saved(Image.fromarray(awkward.picture(1300, 900)), "JPEG")

    assert opened(data).size == Size(1300, 900)
    with pytest.raises(UnreadableImage, match="missing"):
        opened(awkward.cut(data, 0.97, glue=b"\xff\xd9"))


def test_a_png_with_frames_nobody_announced_is_refused():
    data = awkward.with_chunk(AWKWARD["rgba"].data, b"fdAT", b"\0" * 8)

    with pytest.raises(UnreadableImage, match="2 pages or frames"):
        opened(data)


def test_a_jpeg_without_one_restart_interval_is_refused():
    data = AWKWARD["jpeg with restarts"].data
    start, end = data.index(b"\xff\xd1"), data.index(b"\xff\xd2")

    with pytest.raises(UnreadableImage, match="restart"):
        opened(data[:start] + data[end:])


def test_the_limit_of_megapixels_is_inclusive():
    data = awkward.saved(Image.new("RGB", (100, 100)), "PNG")

    assert opened(data, max_megapixels=0.01).size == Size(100, 100)
    with pytest.raises(UnreadableImage, match="100 x 100"):
        opened(data, max_megapixels=0.0099)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", *(AWKWARD[n].data[:24] for n in FRAGILE)]))
def test_arbitrary_bytes_decode_or_are_refused(tail, head):
    decodes_or_is_refused(head + tail)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(FRAGILE))
def test_mutated_files_decode_or_are_refused(data, name):
    mutated = bytearray(AWKWARD[name].data)
    for _ in range(data.draw(st.integers(1, 6))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))

    decodes_or_is_refused(bytes(mutated))


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1), st.sampled_from([name for name in FRAGILE if name != "gif"]))
def test_a_file_cut_short_is_refused_unless_only_trailing_bytes_went(share, name):
    whole = AWKWARD[name].data

    try:
        image = opened(awkward.cut(whole, share))
    except UnreadableImage:
        return

    np.testing.assert_array_equal(image.rgb, opened(whole).rgb)


def decodes_or_is_refused(data: bytes) -> None:
    try:
        assert isinstance(opened(data, max_megapixels=1), RgbImage)
    except UnreadableImage:
        return


@settings(max_examples=50, deadline=None)
@given(npst.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_png_gives_back_exactly_the_pixels(rgb):
    data = encode(RedactedImage(rgb), "png", jpeg_quality=92)

    np.testing.assert_array_equal(opened(data).rgb, rgb)
    scan(data, "png")


def test_only_a_redacted_image_can_be_encoded():
    image = opened(AWKWARD["rgba"].data)

    for wrong in (image, image.rgb, None):
        with pytest.raises(TypeError, match="only a RedactedImage"):
            encode(wrong, "png", jpeg_quality=92)


@pytest.mark.parametrize(("kind", "quality"), [("gif", 92), ("jpeg", 0), ("jpeg", 101)])
def test_unknown_formats_and_qualities_are_refused(kind, quality):
    with pytest.raises(ValueError, match="must"):
        encode(RedactedImage(awkward.picture()), kind, jpeg_quality=quality)


@pytest.mark.parametrize(
    ("source", "asked", "given"),
    [("jpeg", "same", "jpeg"), ("png", "same", "png"), ("heif", "same", "png"),
     ("webp", "jpeg", "jpeg"), ("jpeg", "png", "png")],
)  # fmt: skip
def test_same_keeps_jpeg_and_makes_the_rest_png(source, asked, given):
    assert output_format(SourceCodec(source, Size(1, 1)), asked) == given


def resaved(rgb: np.ndarray, qualities: tuple[int, ...], crop: int = 0) -> bytes:
    image = Image.fromarray(rgb)
    for index, quality in enumerate(qualities):
        if index:
            image = image.crop((crop, crop, image.width, image.height))
        data = awkward.saved(image, "JPEG", quality=quality)
        image = Image.open(io.BytesIO(data))
    return data


@pytest.mark.parametrize(
    ("qualities", "crop", "leakage"),
    [((75,), 0, Leakage.BLOCK), ((90,), 0, Leakage.BLOCK), ((60, 90), 0, Leakage.TWICE),
     ((75, 95), 0, Leakage.TWICE), ((60, 90), 3, Leakage.TWICE)],
)  # fmt: skip
def test_a_second_finer_save_is_noticed(qualities, crop, leakage):
    rng = np.random.default_rng(1)
    rgb = awkward.picture(480, 360).astype(int) + rng.normal(0, 12, (360, 480, 1))
    textured = np.clip(rgb, 0, 255).astype(np.uint8)

    image = opened(resaved(textured, qualities, crop))

    assert image.codec.leakage is leakage


def bmp_with_alpha(alpha: int) -> bytes:
    """`picture()` as a BMP of four bytes a pixel, as screenshots are stored."""
    rgba = np.dstack([awkward.picture(), np.full(awkward.picture().shape[:2], alpha, np.uint8)])
    return cv2.imencode(".bmp", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))[1].tobytes()


def test_a_bmp_whose_alpha_is_nowhere_set_is_opaque():
    assert difference(opened(bmp_with_alpha(0)), awkward.picture()) == 0
    assert difference(opened(bmp_with_alpha(255)), awkward.picture()) == 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(
            awkward.jpeg()[:-2] + b"\xff\xd0\xff\xd9", "1 restart markers where it announces 0",
            id="restart",
        ),
        pytest.param(
            awkward.jpeg()[:20] + b"\0\0" + awkward.jpeg()[20:], "open it in another program",
            id="zeros between segments",
        ),
        pytest.param(
            awkward.saved(awkward.still("LAB"), "TIFF"), "colours as Lab", id="lab tiff"
        ),
        pytest.param(
            cv2.imencode(".tiff", awkward.picture().astype(np.float32))[1].tobytes(),
            "floating point", id="float rgb tiff",
        ),
    ],
)  # fmt: skip
def test_a_reason_says_what_is_the_matter_and_what_helps(data, says):
    with pytest.raises(UnreadableImage, match=says):
        opened(data)


WIDE = {"2020, pq": (9, 16), "2020, hlg": (9, 18), "p3": (12, 13), "2020": (9, 1)}


@pytest.mark.parametrize("codes", WIDE.values(), ids=list(WIDE))
def test_colours_by_code_points_are_shown_as_srgb(codes):
    """What was sRGB, written in other colours, comes back as it was."""
    colours = Colours(*codes)
    flat = np.repeat(np.array([[[180, 60, 40], [90, 90, 90], [20, 120, 200]]], np.uint8), 8, 0)
    coded = inverse(flat, colours)

    image = opened(awkward.with_chunk(png_of(coded), b"cICP", bytes([*codes, 0, 1])))

    assert np.abs(image.rgb.astype(int) - flat).max() <= 12  # 8 bits are coarse for PQ


def png_of(rgb: np.ndarray) -> bytes:
    return awkward.saved(Image.fromarray(rgb), "PNG")


def inverse(rgb: np.ndarray, colours: Colours) -> np.ndarray:
    """The code values that come nearest to a colour, looked for one channel at a time."""
    light = hdr._light(13)[rgb] @ np.linalg.inv(np.array(hdr._TO_SRGB[colours.primaries])).T
    values = hdr._light(colours.transfer)
    return np.abs(light[..., None] - values).argmin(-1).astype(np.uint8)


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_a_hdr_picture_of_a_camera_is_not_taken_for_srgb(kind):
    data = awkward.AWKWARD[kind].data
    at = data.find(b"colrnclx")
    assert at > 0
    as_pq = data[: at + 8] + b"\0\x09\0\x10" + data[at + 12 :]

    plain, converted = opened(data).rgb, opened(as_pq).rgb

    assert np.abs(plain.astype(int) - converted).mean() > 20


@pytest.mark.parametrize(
    ("transfer", "signal", "light"),
    [
        pytest.param(hdr.PQ, 0.581, 1.0, id="PQ, reference white (BT.2408: 58 %)"),
        pytest.param(hdr.PQ, 0.508, 100 / 203, id="PQ, 100 nits (ST 2084: 51 %)"),
        pytest.param(hdr.HLG, 0.75, 1.0, id="HLG, reference white (BT.2408: 75 %)"),
        pytest.param(hdr.HLG, 0.5, 1 / 12 / 0.265, id="HLG, where its two curves meet (BT.2100)"),
        pytest.param(hdr.HLG, 1.0, 1 / 0.265, id="HLG, its peak (BT.2100)"),
        pytest.param(hdr.LINEAR, 0.5, 0.5, id="linear"),
        pytest.param(13, 0.5, 0.214, id="sRGB (IEC 61966-2-1)"),
    ],
)
def test_light_of_a_signal_is_what_the_standards_say(transfer, signal, light):
    table = hdr._light(transfer)

    assert np.interp(signal * 255, np.arange(256), table) == pytest.approx(light, rel=0.02)


WORDS = b"Quendel, Zs. 4711; "
STARTS = {
    "nothing": b"",
    "bmp": b"BM",
    "gif": b"GIF89a",
    "jpeg": b"\xff\xd8\xff",
    "jpeg segment": b"\xff\xd8\xff\xe0\x00\x10",
    "png": b"\x89PNG\r\n\x1a\n",
    "tiff": b"II*\0\x08\0\0\0\x05\0",
    "big-endian tiff": b"MM\0*\0\0\0\x08\0\x05",
    "webp": b"RIFF\x10\0\0\0WEBP",
    "heif": b"\0\0\0\x18ftypheic",
    "avif": b"\0\0\0\x18ftypavif",
    "jpeg 2000": b"\0\0\0\x0cjP  ",
    "codestream": b"\xff\x4f\xff\x51",
}


@pytest.mark.parametrize("start", STARTS)
def test_no_reason_quotes_what_is_in_a_file(start):
    """Whoever links a file of the server's as a picture must not read it a few bytes at a time."""
    data = STARTS[start] + WORDS * 50
    pieces = {WORDS[at : at + 4] for at in range(len(WORDS) - 4)}
    with pytest.raises(UnreadableImage) as refused:
        opened(data)
    told = [str(refused.value), pre_check(data).problem]
    told += [str(finding) for finding in findings(data)]

    for piece in pieces:
        forms = {piece.decode(), piece.hex(), piece.hex(" "), repr(piece)[2:-1]}
        forms |= {str(int.from_bytes(piece, order)) for order in ("little", "big")}
        assert not any(form in text for form in forms for text in told), piece


def test_a_transparent_colour_of_16_bits_hides_no_other_one():
    """Pillow compares the upper bytes of samples with the lower ones of that colour."""
    samples = np.array([[[0x3412, 0x1256, 0x5678], [0x12FF, 0x0001, 0x0001]]], ">u2")
    colour = (b"tRNS", b"\x12\x34\x34\x12\x78\x56")
    data = awkward.png_of(2, 1, 16, 2, b"\0" + samples.tobytes(), colour)

    assert opened(data).rgb[0].tolist() == [[0x34, 0x12, 0x56], [0x12, 0, 0]]


def test_a_scan_of_a_colour_plane_that_is_not_announced_is_damage():
    whole = awkward.saved(Image.fromarray(awkward.picture()), "JPEG", progressive=True)
    alone = b"\xff\xda\x00\x08\x01"  # the header of a scan of one plane
    assert alone + b"\x01" in whole

    with pytest.raises(UnreadableImage, match="a colour plane that it does not announce"):
        opened(whole.replace(alone + b"\x01", alone + b"\x09"))
