"""Choosing what is to be hidden: a picture, an area of it, and its category.

A picture of one's own is decoded in memory and kept for this session alone. Above 256 KiB its file
waits beside as every upload does: on the disk, sealed under a key that lies in memory alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

import streamlit as st

from components.app import session, uploads
from components.app.palette import COLOURS, plain
from components.home.samples import sample_pictures
from components.irreversibility import area
from components.irreversibility.views import overview_png, overview_size
from engine.attacks.demonstration import Excerpt, excerpt
from engine.category import Category
from engine.codec.decode import decode
from engine.geometry import Box, Size
from engine.images import Leakage, RgbImage
from engine.plan import Origin, Region
from engine.policy import Policy
from engine.redact.masks import rect_of

OWN = "One of mine"
LARGEST_MB = 50
_SMALLEST_PX = 8
_OWN_SHARE = 0.3
"""Of the shorter side: how large the area is at first in a picture nobody has looked at."""


@dataclass(frozen=True, slots=True)
class Start:
    """A sample's name, and what is hidden in it at first."""

    title: str
    box: Box
    category: Category


_STARTS = {
    "astronaut.png": Start("Astronaut", Box(180, 60, 270, 190), Category.FACE),
    "t1.jpg": Start("Card players", Box(750, 300, 870, 485), Category.FACE),
    "coffee.png": Start("Cup and spoon", Box(322, 232, 408, 326), Category.JEWELRY),
    "rocket.jpg": Start("Rocket", Box(306, 126, 338, 190), Category.OTHER),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was chosen."""

    key: str
    """Says which picture this is, without its name."""
    image: RgbImage
    start: Start
    is_own: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be hidden, and what it depends on."""

    key: tuple[str, ...]
    shown: Excerpt
    is_own: bool


def choose(policy: Policy) -> Chosen | None:
    """The controls for picture, area and category; None until there is a picture.

    Raises:
        LetheError: the picture cannot be read, or the area lies outside it.
    """
    picture = _picture(policy)
    if picture is None:
        return None
    with st.popover("Area and category", icon=":material/crop_free:", width="stretch"):
        region = _region(picture, policy)
    piece = excerpt(picture.image, region, policy)
    _say_of(picture, piece)
    key = (picture.key, str(region.box.corners), region.category.value, policy.fingerprint)
    return Chosen(key, piece, picture.is_own)


def forget_own() -> bool:
    """Drop the picture of one's own from memory; True when there was one."""
    was_there = session.kept("irreversibility_own", lambda: None) is not None
    session.forget("irreversibility_own")
    return was_there


def _picture(policy: Policy) -> Picture | None:
    contents = {name: content for name, content in sample_pictures() if name in _STARTS}
    source = st.selectbox(
        "Picture",
        [*contents, OWN],
        format_func=lambda source: _STARTS[source].title if source in _STARTS else source,
        key="irreversibility_picture",
    )
    if source == OWN:
        return _own(policy)
    image = _sample(source, contents[source], policy.codec.max_megapixels)
    return Picture(source, image, _STARTS[source], is_own=False)


@st.cache_resource(max_entries=len(_STARTS), show_spinner=False)
def _sample(source: str, _content: bytes, max_megapixels: float) -> RgbImage:
    return decode(_content, source, max_megapixels=max_megapixels)


def _own(policy: Policy) -> Picture | None:
    file = st.file_uploader(
        "A picture of mine",
        key="irreversibility_file",
        max_upload_size=LARGEST_MB,
        help="Held for this page alone, and no batch gets it.",
    )
    st.caption(
        "In memory, or sealed under a key that is, until you take it away or close this tab."
        " Nothing of it stays."
    )
    if file is None:
        return None
    content = uploads.content(file)
    key = hashlib.sha256(content).hexdigest()[:16]
    picture: Picture | None = session.kept("irreversibility_own", lambda: None)
    if picture is None or picture.key != key:
        session.forget("irreversibility_own")
        image = decode(content, "own", max_megapixels=policy.codec.max_megapixels)
        picture = Picture(key, image, _start_of(image.size), is_own=True)
        session.keep("irreversibility_own", picture)
    return picture


def _start_of(size: Size) -> Start:
    """The middle of the picture."""
    side = max(_OWN_SHARE * min(size), 1.0)
    box = Box.from_xywh((size.width - side) / 2, (size.height - side) / 2, side, side)
    return Start(OWN, box, Category.FACE)


def _region(picture: Picture, policy: Policy) -> Region:
    """Sliders beside the picture with its mask, on which the area can be drawn."""
    sliders, view = st.columns([0.45, 0.55], vertical_alignment="center")
    with sliders:
        categories = list(Category)
        category = st.selectbox(
            "Category",
            categories,
            index=categories.index(picture.start.category),
            format_func=lambda option: option.value.capitalize(),
            key=f"irreversibility_category_{picture.key}",
            help="Decides how far the mask reaches beyond the area.",
        )
        box = _box(picture)
    region = Region(box, category, Origin.REVIEWER, None)
    rect = rect_of(region, picture.image.codec, policy)
    size = picture.image.size
    with view:
        area.draw_area(
            overview_png(picture.image.rgb, box, rect, category),
            overview_size(size),
            size,
            partial(_take, picture),
            key=picture.key,
            colour=COLOURS[category],
        )
        st.caption(
            "The area, and around it the mask: what is removed. Draw another, or use the sliders."
        )
    return region


def _box(picture: Picture) -> Box:
    size, start = picture.image.size, picture.start.box
    left = _slider("Left", 0, size.width - 1, start.x0, picture.key)
    top = _slider("Top", 0, size.height - 1, start.y0, picture.key)
    width = _slider("Width", _SMALLEST_PX, size.width, start.width, picture.key)
    height = _slider("Height", _SMALLEST_PX, size.height, start.height, picture.key)
    return Box.from_xywh(left, top, width, height).clipped(size)


def _take(picture: Picture, box: Box) -> None:
    """Set the sliders to what was drawn."""
    width, height = max(box.width, _SMALLEST_PX), max(box.height, _SMALLEST_PX)
    values = {"left": box.x0, "top": box.y0, "width": width, "height": height}
    for label, value in values.items():
        session.keep(f"irreversibility_{label}_{picture.key}", round(value))


def _slider(label: str, least: int, most: int, start: float, key: str) -> int:
    most = max(most, least + 1)
    name = f"irreversibility_{label.lower()}_{key}"
    # kept, not given as a start: a drawn area sets it, and Streamlit objects to both
    session.keep(name, min(max(session.kept(name, lambda: round(start)), least), most))
    return st.slider(f"{label}, px", least, most, key=name)


def _say_of(picture: Picture, piece: Excerpt) -> None:
    if piece.scale < 1:
        st.caption(f"Tried at {piece.scale:.0%} of its size, so that it stays quick.")
    if picture.is_own and picture.image.codec.leakage is Leakage.UNBOUNDED:
        st.caption(
            f"Lethe would send this {plain(picture.image.codec.format.upper())} file to a person "
            "first: its format may have spread what is hidden beyond any mask before it got here."
        )
