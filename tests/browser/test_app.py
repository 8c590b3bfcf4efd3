"""The whole way, by mouse and keyboard: upload, review, release, and what lies in the download."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import piexif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, expect

from engine.category import Category
from engine.codec.allow_list import scan
from engine.geometry import Box, PixelRect, Size
from engine.images import SourceCodec
from engine.plan import Origin, Region
from engine.policy import default_policy
from engine.redact.masks import mask_of, rect_of
from tests.browser.conftest import App
from tests.browser.reviewing import SHOWN, Desk
from tests.scenes import shipped_rgb

pytestmark = pytest.mark.browser

PHOTO, PLAIN = "Müller beach 2024.jpg", "geheim ärztin.png"
Rgb = NDArray[np.uint8]


def gradient(width: int, height: int) -> Rgb:
    across = np.linspace(30, 220, width)[None, :, None]
    down = np.linspace(-20, 30, height)[:, None, None]
    tint = np.array([0, 10, -10])
    return np.clip(across + down + tint, 0, 255).astype(np.uint8)


def photo() -> tuple[bytes, Rgb]:
    """A JPEG as a phone writes it, turned and with its place; and how it looks upright."""
    upright = gradient(900, 1200)
    upright[300:812, 200:712] = shipped_rgb("skimage", "data/astronaut.png")
    stored = np.rot90(upright)  # orientation 6: to be turned clockwise for showing
    place = {
        piexif.GPSIFD.GPSLatitudeRef: b"N",
        piexif.GPSIFD.GPSLatitude: ((48, 1), (8, 1), (0, 1)),
    }
    made = {piexif.ImageIFD.Orientation: 6, piexif.ImageIFD.Make: b"Secretphone"}
    exif = piexif.dump({"0th": made, "GPS": place})
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(stored)).save(file, "JPEG", quality=93, exif=exif)
    return file.getvalue(), decoded(file.getvalue())


def plain() -> tuple[bytes, Rgb]:
    """A PNG without anybody in it."""
    rgb = gradient(800, 600)
    rgb[100:500:40] = (250, 40, 90)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue(), rgb


def decoded(data: bytes) -> Rgb:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def open_page(app: App, page: Page, name: str) -> None:
    page.goto(f"{app.address}/{name}")
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()


def quiet(page: Page) -> None:
    """Wait until the page has run to its end."""
    page.wait_for_timeout(350)
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()


def upload(app: App, page: Page, *files: tuple[str, str, bytes]) -> None:
    open_page(app, page, "Upload")
    payload = [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    page.locator("input[type=file]").first.set_input_files(payload)
    page.get_by_role("button", name="Start with").click()
    expect(page.get_by_text(f"{len(files)} of {len(files)} done")).to_be_visible()


def masked_for(box: Box, size: Size) -> PixelRect:
    """What goes for a face drawn there, in a PNG; one mouse pixel may be a block of the mask."""
    face = Region(box, Category.FACE, Origin.REVIEWER)
    return rect_of(face, SourceCodec("png", size), default_policy())


def download(app: App, page: Page, batch_files: int) -> dict[str, bytes]:
    open_page(app, page, "Release")
    expect(page.get_by_text(f"{batch_files} released").first).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download the released").click()
    path = coming.value.path()
    raw = Path(path).read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    return {"": raw, **content}


def test_a_drawn_region_is_gone_and_nothing_else_is_touched(app: App, page: Page):
    photo_bytes, photo_rgb = photo()
    plain_bytes, plain_rgb = plain()
    assert photo_rgb.shape == (1200, 900, 3)
    upload(app, page, (PHOTO, "image/jpeg", photo_bytes), (PLAIN, "image/png", plain_bytes))
    size = Size(800, 600)  # of the second
    start, end = (60.0, 80.0), (200.0, 190.0)

    desk = Desk(app, page).open()
    for _ in range(2):
        if page.get_by_text("Nothing waits for review.").is_visible():
            break  # the photograph shows one face for certain, and may pass on its own
        if desk.name == PLAIN:
            before = len(desk.lines())
            desk.drag(start, end)
            assert desk.lines()[before:] == [f"{before + 1} face"]
        desk.leave("a")
    expect(page.get_by_text("Nothing waits for review.")).to_be_visible()
    files = download(app, page, 2)

    raw = files.pop("")
    receipts = [json.loads(line) for line in files["receipts.jsonl"].splitlines()]
    assert {one["format"] for one in receipts} == {"png", "jpeg"}
    for receipt in receipts:
        suffix = {"png": ".png", "jpeg": ".jpg"}[receipt["format"]]
        data = files[f"released/{receipt['release']}{suffix}"]
        scan(data, receipt["format"])
        original = plain_rgb if receipt["format"] == "png" else photo_rgb
        rgb = decoded(data)
        assert rgb.shape == original.shape
        rects = [PixelRect(*region["masked"]) for region in receipt["regions"]]
        assert rects
        mask = mask_of(rects, Size(rgb.shape[1], rgb.shape[0]))
        apart = np.abs(rgb.astype(int) - original)
        if receipt["format"] == "png":
            np.testing.assert_array_equal(rgb[~mask], original[~mask])
            drawn = Box(*start, *end)
            (region,) = receipt["regions"]
            assert region["origin"] == "reviewer"
            assert region["masked"] == pytest.approx(masked_for(drawn, size), abs=16)
            inside = drawn.outward()
            assert mask[inside.rows, inside.columns].mean() > 0.97
            assert (apart[inside.rows, inside.columns].max(axis=2) > 0).mean() > 0.5
        else:
            assert apart[~mask].mean() < 1.5
            assert apart[mask].mean() > 8
            assert mask[340:460, 400:480].all()  # the astronaut's face, in upright pixels
    private = (PHOTO, PLAIN, "Müller", "geheim", "Secretphone")
    for part in (raw, *files.values()):
        for secret in (*(word.encode() for word in private), b"Exif\0", b"GPS"):
            assert secret not in part or (secret == b"GPS" and part is raw)


def test_a_box_that_was_moved_goes_where_it_lies(app: App, page: Page):
    upload(app, page, ("b.png", "image/png", plain()[0]))
    desk = Desk(app, page).open().go_to("b.png")
    desk.drag((100, 100), (200, 200)).saved()
    page.reload()  # the canvas is given the box now
    expect(page.locator(SHOWN)).to_be_visible()

    desk.click(150, 150).drag((150, 150), (450, 300)).saved()
    assert desk.lines() == ["1 face"]
    desk.leave("a")

    files = download(app, page, 1)
    (receipt,) = [json.loads(line) for line in files["receipts.jsonl"].splitlines()]
    (region,) = receipt["regions"]
    moved = Box(400, 250, 500, 350)
    assert region["masked"] == pytest.approx(masked_for(moved, Size(800, 600)), abs=16)


def test_a_verdict_right_after_drawing_takes_the_drawing_along(app: App, page: Page):
    upload(app, page, ("c.png", "image/png", plain()[0]))
    desk = Desk(app, page).open().go_to("c.png")

    desk.drag((100, 100), (220, 200)).leave("a")

    files = download(app, page, 1)
    (receipt,) = [json.loads(line) for line in files["receipts.jsonl"].splitlines()]
    assert [region["origin"] for region in receipt["regions"]] == ["reviewer"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_shown_in_light_and_dark(app: App, page: Page, scheme: str):
    page.emulate_media(color_scheme=scheme)
    upload_page_file = {"name": "d.png", "mimeType": "image/png", "buffer": plain()[0]}
    for name in ("", "Upload", "Review", "Release"):
        open_page(app, page, name)
        if name == "Upload":
            page.locator("input[type=file]").first.set_input_files(upload_page_file)
            page.get_by_role("button", name="Start with").wait_for()
        if name == "Review":
            Desk(app, page).open()
        page.wait_for_timeout(1200)
        page.screenshot(path=app.shots / f"{name or 'Home'}-{scheme}.png")
        wide = page.evaluate("document.scrollingElement.scrollWidth > window.innerWidth")
        assert not wide, f"{name} scrolls sideways"
    assert len(list(app.shots.glob(f"*-{scheme}.png"))) >= 4


def test_no_browser_asked_anybody_else_or_complained(app: App):
    assert not app.outside
    assert not app.complaints


def test_only_the_whole_address_opens_the_app(app: App, browser: Browser) -> None:
    context = browser.new_context()
    stranger = context.new_page()

    stranger.goto(app.address)
    expect(stranger.get_by_text("token included")).to_be_visible()
    stranger.goto(f"{app.address}/Irreversibility?token={app.token}")

    expect(stranger.get_by_role("heading", name="Irreversibility")).to_be_visible()
    assert app.token not in stranger.url
    context.close()
