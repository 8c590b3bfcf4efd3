"""What the tests of the pages share: pictures to upload, and a page read and pressed."""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest

from components.app import services
from store.review import reviews
from store.review.claims import Claim
from tests.app import canvas
from tests.app.canvas import lines, press
from tests.app.conftest import Lethe, png
from tests.store.fakes import ACTOR

__all__ = [
    "PAGES",
    "UPRIGHT",
    "WIDE",
    "claim_of",
    "labels",
    "lines",
    "numbers",
    "offered",
    "press",
    "said",
]

PAGES = ["Home", "Upload", "Review", "Release", "Recall", "Irreversibility", "Audit"]
UPRIGHT = png(100, 120)  # sees one face: released
WIDE = png(120, 100)  # a doubt besides: to a person


def said(app: AppTest) -> str:
    """Every sentence on the page."""
    kinds = (app.title, app.caption, app.markdown, app.error, app.warning, app.info, app.success)
    texts = [element.value for kind in (*kinds, app.toast) for element in kind]
    return "\n".join([*(text.replace("\\", "") for text in texts), canvas.said(app)])


def offered(app: AppTest) -> dict[str, bool]:
    """Links that download, by their labels: whether they can be followed."""
    return {one.proto.label: not one.proto.disabled for one in app.get("link_button")}


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def numbers(app: AppTest) -> dict[str, int]:
    return {metric.label: int(metric.value) for metric in app.metric}


def outcomes(app: AppTest) -> dict[str, int]:
    """Numbers of pictures by outcome, as badges tell them."""
    texts = [element.value for element in app.markdown]
    found = re.findall(r"-badge\[:material/\w+: (\d+) ([^\]]+)\]", "\n".join(texts))
    return {outcome: int(count) for count, outcome in found}


def claim_of(lethe: Lethe, reviewer: str = "local") -> Claim:
    claim = reviews.claim(ACTOR, lethe.database, reviewer, services.now())
    assert claim is not None
    return claim
