"""Small labelled sets, and evaluations of them in the app under test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

from components.app import services
from engine.evaluation.data.datasets import read_dataset
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation, Request
from tests.app.conftest import Lethe, png
from tests.store.fakes import ACTOR

FOUND = [10, 10, 20, 20]
"""Where every picture has a face that is seen; x, y, width, height."""
OPEN = [60, 60, 20, 20]
"""Where nothing is ever seen in upright pictures."""


def labelled_set(folder: Path, pictures: int = 3, missed: int = 1) -> Path:
    """COCO of upright pictures with a face each; the first `missed` have another, never seen."""
    folder.mkdir(parents=True)
    images, annotations = [], []
    for number in range(pictures):
        name = f"picture {number}.png"
        (folder / name).write_bytes(png(100, 120, seed=number))
        images.append({"id": number, "file_name": name, "width": 100, "height": 120})
        for box in [FOUND, OPEN] if number < missed else [FOUND]:
            annotations.append(
                {"id": len(annotations), "image_id": number, "category_id": 1, "bbox": box}
            )
    names = ["face", "tattoo", "jewelry"]
    content: dict[str, Any] = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": id_, "name": name} for id_, name in enumerate(names, 1)],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def evaluated(lethe: Lethe, folder: Path, name: str = "little") -> Evaluation:
    """A finished evaluation of a set, made without the page."""
    request = Request(
        name,
        str(folder),
        read_dataset(folder),
        services.policy(ACTOR).to_toml(),
        0.99,
        "local",
    )
    run = evaluations.create(ACTOR, lethe.database, request, services.now())
    return finished(lethe, run.id)


def finished(lethe: Lethe, evaluation_id: str) -> Evaluation:
    lethe.until(
        lambda: evaluations.evaluation(ACTOR, lethe.database, evaluation_id).finished_at is not None
    )
    return evaluations.evaluation(ACTOR, lethe.database, evaluation_id)


def show(app: AppTest, view: str) -> AppTest:
    """Turn to one of the recall page's views."""
    app.segmented_control(key="recall_view").set_value(view).run()
    assert not app.exception
    return app


def table_with(app: AppTest, column: str) -> pd.DataFrame:
    """The table on the page that has this column."""
    return next(one.value for one in app.table if column in one.value)
