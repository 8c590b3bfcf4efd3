"""The README's screenshots, of drawings alone: `make screenshots`, then look at each of them.

What the machine sees is made up as well, so that no number in them is anybody's recall.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from engine.attacks.subjects.synthetic import DRAWINGS
from engine.category import Category
from engine.evaluation.data.datasets import read_dataset
from engine.plan import Detection
from engine.policy import default_policy
from store.evaluations import evaluations
from tests.browser.conftest import FLAGS, ROOT, App, chromium, serving
from tests.browser.reviewing import Desk
from tests.browser.test_app import open_page, quiet
from tests.browser.test_irreversibility import choose
from tests.browser.waiting import lay, now, scene, until, working
from tests.scenes import seen
from tests.store.fakes import ACTOR

Corners = tuple[int, int, int, int]
Drawn = tuple[Category, Corners]
FACE, TATTOO, JEWELRY = Category.FACE, Category.TATTOO, Category.JEWELRY
LABELLED = 60
FOUND = {FACE: 0.95, TATTOO: 0.9, JEWELRY: 0.8}
"""The share that the machine sees at all in the labelled set; made up like the rest."""


def drawing(width: int, height: int, things: Sequence[Drawn], seed: int) -> bytes:
    """A PNG of pale colours with a square drawing of each thing where it is said to be."""
    rgb = scene(width, height, seed) // 3 + np.uint8(120)
    for number, (category, (left, top, right, bottom)) in enumerate(things):
        patch = np.empty((256, 256, 3), np.uint8)
        DRAWINGS[category](patch, np.random.default_rng((seed, number)))
        rgb[top:bottom, left:right] = cv2.resize(
            patch, (right - left, bottom - top), interpolation=cv2.INTER_AREA
        )
    return bytes(cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1])


def lay_batch(home: Path) -> None:
    """Four pictures: in one the machine is sure, three wait for a person."""
    left, right, low = (120, 130, 340, 350), (480, 90, 700, 310), (330, 400, 490, 560)
    things: dict[int, list[tuple[Drawn, float]]] = {
        800: [((FACE, left), 0.97), ((TATTOO, right), 0.42), ((JEWELRY, low), 0.33)],
        801: [((FACE, left), 0.96), ((FACE, right), 0.93)],
        802: [((JEWELRY, right), 0.38)],
        803: [((FACE, left), 0.98), ((TATTOO, low), 0.31)],
    }
    files = [
        (f"drawing {width - 799}.png", drawing(width, 600, [one for one, _ in drawn], width))
        for width, drawn in things.items()
    ]
    sees = {
        width: [seen(score, corners, category) for (category, corners), score in drawn]
        for width, drawn in things.items()
    }
    lay(home, files, sees, batch="Drawings")


def lay_evaluation(home: Path, folder: Path) -> None:
    """A finished evaluation of a small set in which some things are found and some are not."""
    rng = np.random.default_rng(20261129)
    sees = labelled_set(folder, rng)
    with working(home, sees) as database:
        policy = default_policy().with_audit_share(0.0).to_toml()
        request = evaluations.Request(
            "made-up drawings", str(folder), read_dataset(folder), policy, 0.99, "local"
        )
        made = evaluations.create(ACTOR, database, request, now()).id
        until(lambda: evaluations.evaluation(ACTOR, database, made).finished_at is not None)


def labelled_set(folder: Path, rng: np.random.Generator) -> dict[int, list[Detection]]:
    """Write pictures with their labels in COCO; gives what is seen in each, by its width."""
    folder.mkdir()
    places = {FACE: (20, 20, 90, 90), TATTOO: (120, 30, 190, 100), JEWELRY: (60, 110, 100, 150)}
    usual = {FACE: 0.85, TATTOO: 0.7, JEWELRY: 0.6}
    images, labels = [], []
    sees: dict[int, list[Detection]] = {}
    for number in range(LABELLED):
        width = 240 + number
        there = [category for category in places if rng.random() < usual[category]]
        file = folder / f"{number:02}.png"
        file.write_bytes(drawing(width, 180, [(one, places[one]) for one in there], number))
        images.append({"id": number, "file_name": file.name, "width": width, "height": 180})
        labels += [(number, category, places[category]) for category in there]
        sees[width] = [
            seen(float(rng.beta(4, 2)), places[category], category)
            for category in there
            if rng.random() < FOUND[category]
        ]
        if rng.random() < 0.4:
            sees[width].append(seen(float(rng.beta(2, 6)), (190, 120, 230, 160), TATTOO))
    numbers = {category: number for number, category in enumerate(places, start=1)}
    content = {
        "images": images,
        "annotations": [
            {"id": number, "image_id": image, "category_id": numbers[category],
             "bbox": [left, top, right - left, bottom - top]}
            for number, (image, category, (left, top, right, bottom)) in enumerate(labels)
        ],
        "categories": [{"id": id_, "name": one.value} for one, id_ in numbers.items()],
    }  # fmt: skip
    (folder / "annotations.json").write_text(json.dumps(content))
    return sees


def show_home(app: App, page: Page) -> None:
    open_page(app, page, "")
    expect(page.get_by_text("All gates work")).to_be_visible()


def show_review(app: App, page: Page) -> None:
    desk = Desk(app, page).open("Ada").go_to("drawing 1.png")
    desk.press("4").drag((560, 400), (700, 500)).saved()


def show_recall(app: App, page: Page) -> None:
    open_page(app, page, "Recall")
    page.get_by_role("radio", name="Thresholds").or_(
        page.get_by_role("button", name="Thresholds")
    ).first.click()


def show_irreversibility(app: App, page: Page) -> None:
    open_page(app, page, "Irreversibility")
    choose(page, "Picture", "One of mine")
    face = drawing(600, 450, [(FACE, (225, 150, 375, 300))], 7)
    page.locator("input[type=file]").first.set_input_files(
        [{"name": "drawing.png", "mimeType": "image/png", "buffer": face}]
    )
    expect(page.get_by_text("Nothing comes back.")).to_be_visible()


def take(page: Page, file: Path) -> None:
    """Write what the window shows, once it is still and the mouse points at nothing."""
    page.mouse.move(1279, 1)
    quiet(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_timeout(1500)
    page.screenshot(path=file, animations="disabled")


SHOTS = {
    "app.png": (show_home, 800),
    "review.png": (show_review, 800),
    "recall.png": (show_recall, 1500),
    "irreversibility.png": (show_irreversibility, 1320),
}
"""What to bring up, and the height of the window."""


def main(folder: Path) -> None:
    """Write every screenshot into a folder."""
    with tempfile.TemporaryDirectory() as made, sync_playwright() as driver:
        home = Path(made) / "home"
        home.mkdir()
        lay_batch(home)
        lay_evaluation(home, Path(made) / "set")
        browser = driver.chromium.launch(executable_path=chromium(), headless=True, args=FLAGS)
        with serving(home, Path(made) / "server.txt", folder) as app:
            for name, (show, height) in SHOTS.items():
                context = browser.new_context(viewport={"width": 1280, "height": height})
                key, value = app.cookie
                context.add_cookies([{"name": key, "value": value, "url": app.address}])
                page = context.new_page()
                app.watch(page)
                show(app, page)
                take(page, folder / name)
                context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs")
