from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from engine.attacks.subjects.gathering import Request, gather
from engine.attacks.subjects.patches import UnusableSubjects
from engine.attacks.subjects.synthetic import synthetic
from engine.category import DETECTABLE, Category
from engine.errors import InvalidDataset

WISH = Request(n=12, spare=4, side_px=48, seed=0)
FACE = (Category.FACE,)


def write(folder, name, groups, *, side=60, turned=False):
    """A COCO file whose pictures show one labelled thing each, beside the pictures."""
    folder.mkdir(exist_ok=True)
    images, annotations = [], []
    for number, group in enumerate(groups):
        rgb = np.full((120, 160, 3), number * 5 + 20, np.uint8)
        cv2.imwrite(str(folder / f"{name}-{number}.png"), rgb)
        size = (120, 160) if turned else (160, 120)
        images.append(
            {"id": number, "file_name": f"{name}-{number}.png", "width": size[0],
             "height": size[1], "group": group}
        )  # fmt: skip
        box = [20, 20, side, side]
        annotations.append({"id": number, "image_id": number, "category_id": 1, "bbox": box})
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "face"}],
    }
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def shades(subjects):
    return {int(patch[24, 24, 0]) for patch in (*subjects.patches, *subjects.spare)}


def test_a_group_gives_one_subject(tmp_path):
    write(tmp_path, "labels", [f"g{number // 2}" for number in range(32)])

    (subjects,) = gather(tmp_path / "labels.json", FACE, WISH)

    assert len(subjects) == 12
    assert len(subjects.spare) == 4
    assert {(shade - 20) // 10 for shade in shades(subjects)} == set(range(16))


def test_surroundings_are_none_of_the_subjects_own(tmp_path):
    write(tmp_path, "labels", [f"g{number}" for number in range(20)])

    (subjects,) = gather(tmp_path / "labels.json", FACE, WISH)

    attacked = {int(patch[24, 24, 0]) for patch in subjects.patches}
    assert len(subjects.scenes)
    assert not attacked & {int(scene[0, 0, 0]) for scene in subjects.scenes}


def test_the_benchmark_is_never_taken_from_a_folder_of_parts(tmp_path):
    write(tmp_path, "calibration", [f"c{number}" for number in range(14)])
    write(tmp_path, "benchmark", [f"b{number}" for number in range(14)], side=90)

    (subjects,) = gather(tmp_path, FACE, WISH)

    assert "calibration" in subjects.source
    assert "benchmark" not in subjects.source
    assert len(subjects.patches) + len(subjects.spare) == 14


def test_small_labels_and_those_drawn_on_another_size_are_left_out(tmp_path):
    write(tmp_path, "small", [f"g{number}" for number in range(20)], side=30)
    write(tmp_path, "turned", [f"g{number}" for number in range(20)], turned=True)

    for name in ("small", "turned"):
        with pytest.raises(UnusableSubjects, match="Only 0 subjects of category face"):
            gather(tmp_path / f"{name}.json", FACE, WISH)


def test_a_category_that_nobody_labelled_is_named(tmp_path):
    write(tmp_path, "labels", [f"g{number}" for number in range(20)])

    with pytest.raises(UnusableSubjects, match="category tattoo"):
        gather(tmp_path / "labels.json", DETECTABLE, WISH)


def test_labels_that_cannot_be_read_are_not_taken_for_plain_pictures(tmp_path):
    write(tmp_path, "labels", [f"g{number}" for number in range(20)])
    (tmp_path / "labels.json").write_text("{", encoding="utf-8")

    with pytest.raises(InvalidDataset):
        gather(tmp_path, FACE, WISH)


def test_the_seed_draws_other_subjects(tmp_path):
    write(tmp_path, "labels", [f"g{number}" for number in range(40)])

    one, same, other = (
        gather(tmp_path / "labels.json", FACE, Request(12, 4, 48, seed))[0] for seed in (0, 0, 1)
    )

    np.testing.assert_array_equal(one.patches, same.patches)
    assert shades(one) != shades(other)


def test_made_up_subjects_differ_from_one_another_and_by_seed():
    for category in DETECTABLE:
        one, other = (synthetic(category, 12, side_px=48, seed=seed) for seed in (0, 1))

        small = one.patches.reshape(12, -1).astype(float)
        apart = np.abs(small[:, None] - small[None]).mean(axis=2) + 255 * np.eye(12)
        assert apart.min() > 3
        assert not np.array_equal(one.patches, other.patches)


def test_too_few_subjects_are_refused():
    with pytest.raises(UnusableSubjects, match="11 subjects of category face"):
        synthetic(Category.FACE, 11, side_px=48)
