"""The recall page in a real browser: from a folder to the headline and a report to take away."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.browser.test_app import open_page, quiet
from tests.scenes import shipped_picture

pytestmark = pytest.mark.browser


def labelled_astronaut(folder: Path) -> Path:
    """COCO of one picture with its face, and a second label where there is none."""
    folder.mkdir()
    shutil.copy(shipped_picture("skimage", "data/astronaut.png"), folder / "astronaut.png")
    boxes = [[170, 60, 110, 150], [10, 400, 60, 60]]
    content = {
        "images": [{"id": 1, "file_name": "astronaut.png", "width": 512, "height": 512}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, "bbox": box}
            for number, box in enumerate(boxes)
        ],
        "categories": [{"id": 1, "name": "face"}],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def test_a_folder_becomes_a_headline_a_miss_and_a_report(app: App, page: Page, tmp_path: Path):
    folder = labelled_astronaut(tmp_path / "set")
    open_page(app, page, "Recall")
    expect(page.get_by_text("Bring a labelled set")).to_be_visible()

    page.get_by_role("textbox", name="Folder or annotation file").fill(str(folder))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Read it").click()
    page.get_by_role("button", name="Start with 1 picture").click()

    expect(page.get_by_role("cell", name="50.0 %").first).to_be_visible()
    quiet(page)
    miss = page.get_by_role("img", name=re.compile(r"^Face: .+, in astronaut\.png$"))
    expect(miss).to_be_visible()  # why it was missed depends on the models
    with page.expect_download() as given:
        page.get_by_role("link", name="Report (HTML)").click()
    report = Path(given.value.path()).read_text(encoding="utf-8")
    assert "How much Lethe finds" in report
    assert "astronaut" not in report
    assert app.outside == []
    assert app.complaints == []
