"""Which pictures teach, and how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.category import DETECTABLE, Category
from engine.errors import InvalidDataset
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.geometry import Box
from models.train.data.choosing import Choice, chosen, rarest_category, training_part
from tests.engine.evaluation.labelled_sets import WRITERS, paint, write_yolo
from tests.models.train.shapes import write_shapes

FACE, TATTOO, JEWELRY = DETECTABLE


def pictures(count, source, *categories, ignored=False):
    labels = tuple(Label(Box(0, 0, 9, 9), one, is_ignored=ignored) for one in categories)
    return [
        LabelledPicture(
            name=f"{source}/{number}",
            path=Path("none"),
            labels=labels,
            labelled_for=frozenset(Category),
            attributes=(("source", source),) if source else (),
        )
        for number in range(count)
    ]


def test_no_source_gives_more_than_its_share():
    offered = [*pictures(9, "large", FACE), *pictures(3, "small", FACE)]

    kept = chosen(offered, Choice(per_source=5))

    names = [one.name.split("/")[0] for one, _ in kept]
    assert (names.count("large"), names.count("small")) == (5, 3)


@pytest.mark.parametrize("per_source", [0, 12])
def test_a_share_of_nought_or_enough_takes_all(per_source):
    offered = [*pictures(9, "large", FACE), *pictures(3, "small", FACE)]

    assert len(chosen(offered, Choice(per_source=per_source))) == 12


def test_a_lone_source_is_taken_whole():
    assert len(chosen(pictures(9, "", FACE), Choice(per_source=5))) == 9


def test_the_draw_depends_on_the_seed_alone():
    offered = [*pictures(40, "large", FACE), *pictures(3, "small", FACE)]

    one, again, other = (
        chosen(given, Choice(per_source=5, seed=seed))
        for given, seed in ((offered, 1), (offered[::-1], 1), (offered, 2))
    )

    assert one == again
    assert one != other


def test_pictures_of_the_rarest_category_are_shown_more_often():
    offered = [*pictures(3, "a", FACE), *pictures(1, "b", TATTOO, FACE), *pictures(2, "c", JEWELRY)]

    times = {one.name: count for one, count in chosen(offered, Choice(repeat_rarest=4))}

    assert times == {"a/0": 1, "a/1": 1, "a/2": 1, "b/0": 4, "c/0": 1, "c/1": 1}


@pytest.mark.parametrize(
    "offered",
    [[], pictures(3, "a"), pictures(3, "a", FACE), pictures(2, "a", TATTOO, ignored=True)],
    ids=["nothing", "no boxes", "one category", "ignored boxes"],
)
def test_nothing_is_rare_where_nothing_can_be_compared(offered):
    assert rarest_category(offered) is None


def test_no_picture_is_refused():
    with pytest.raises(InvalidDataset, match="no picture"):
        chosen([], Choice())


@pytest.mark.parametrize("write", WRITERS.values(), ids=list(WRITERS))
def test_every_format_that_can_be_measured_can_teach(write, tmp_path):
    where = write(tmp_path)

    dataset = training_part(where)

    assert sorted(Path(one.name).name for one in dataset.pictures) == ["a.png", "b.png", "c.png"]


def test_of_a_yolo_set_the_training_part_is_read(tmp_path):
    write_yolo(tmp_path, split="train")
    paint(tmp_path / "test" / "images" / "never.png")
    (tmp_path / "data.yaml").write_text(
        "path: .\ntrain: train/images\nval: test/images\ntest: test/images\n"
        "names: [face, Tattoo, earring]\n"
    )

    datasets = [training_part(where) for where in (tmp_path, tmp_path / "data.yaml")]

    for dataset in datasets:
        assert {Path(one.name).name for one in dataset.pictures} == {"a.png", "b.png", "c.png"}


def test_of_a_folder_with_several_parts_train_is_read(tmp_path):
    where = write_shapes(tmp_path)
    where.rename(tmp_path / "train.json")
    (tmp_path / "benchmark.json").write_text("never read")

    assert len(training_part(tmp_path).pictures) == 9


def test_a_broken_description_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "data.yaml").write_text("train: [")

    with pytest.raises(InvalidDataset, match=r"data\.yaml"):
        training_part(tmp_path)
