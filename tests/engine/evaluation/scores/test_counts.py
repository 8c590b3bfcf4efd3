from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.scores.counts import Counts, Slice, comparable, count, size_class
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import score_all
from tests.engine.evaluation.made import FACE, PLAIN, TATTOO, label, masked, pairs, scored

BOX, FAR = (100, 100, 200, 200), (500, 500, 600, 600)


def faces(*pictures):
    return count(pictures).categories[FACE]


@given(pairs(), st.data())
def test_shards_in_any_order_add_up_to_the_whole(made, data):
    scores = score_all(made, PLAIN).scores
    shard_of = [data.draw(st.integers(0, 2)) for _ in scores]
    shards = [
        [one for one, where in zip(scores, shard_of, strict=True) if where == shard]
        for shard in data.draw(st.permutations(range(3)))
    ]

    added = sum((count(shard) for shard in shards), Counts())

    assert added == count(scores)
    assert list(added.categories[FACE].groups) == list(count(scores).categories[FACE].groups)
    assert list(added.categories[FACE].slices) == list(count(scores).categories[FACE].slices)


@given(pairs())
def test_the_parts_add_up(made):
    counts = count(score_all(made, PLAIN).scores)

    for one in counts.categories.values():
        missed = one.coverage.total - one.coverage.found
        assert sum(one.false_negative_causes.values()) == missed
        assert sum(one.false_positive_causes.values()) == one.false_positives
        assert sum(one.groups.values(), Proportion()) == one.coverage
        sizes = [proportion for part, proportion in one.slices.items() if part.by == "size"]
        assert sum(sizes, Proportion()) == one.coverage
        assert one.automatic.found <= one.coverage.found
        assert one.iou.total == one.automatic.total == one.coverage.total
        assert one.review_with.total + one.review_without.total == one.complete


def test_of_no_pictures_nothing_is_counted():
    assert count([]) == Counts()
    assert Counts().review_load == Proportion()


def test_three_recalls_are_counted_apart():
    one = faces(
        scored(
            [label(BOX), label(FAR), label((300, 300, 400, 400))],
            [masked(BOX, score=0.3), masked((500, 500, 560, 600))],
        )
    )

    assert (one.coverage, one.automatic, one.iou) == (
        Proportion(1, 3),
        Proportion(0, 3),
        Proportion(2, 3),
    )


class TestGroups:
    def test_pictures_of_one_group_are_one(self):
        one = faces(
            scored([label(BOX)], [masked(BOX)], name="1", group="wedding"),
            scored([label(BOX)], name="2", group="wedding"),
        )

        assert one.groups == {"wedding": Proportion(1, 2)}

    def test_a_picture_without_a_group_is_its_own(self):
        one = faces(scored([label(BOX)], [masked(BOX)], name="1"), scored([label(BOX)], name="2"))

        assert one.groups == {"1": Proportion(1, 1), "2": Proportion(0, 1)}

    def test_a_group_without_labels_of_a_category_is_none_of_it(self):
        assert faces(scored([label(BOX, TATTOO)], group="wedding")).groups == {}


class TestSlices:
    def test_labels_are_sliced_by_what_the_data_set_says(self):
        one = faces(
            scored(
                [label(BOX, skin_tone="V"), label(FAR, skin_tone="II")],
                [masked(BOX)],
                source="street",
                licence="CC",
            )
        )

        assert one.slices == {
            Slice("size", "64 to 127 px"): Proportion(1, 2),
            Slice("skin_tone", "II"): Proportion(0, 1),
            Slice("skin_tone", "V"): Proportion(1, 1),
            Slice("source", "street"): Proportion(1, 2),
        }

    def test_a_label_that_repeats_its_picture_counts_once(self):
        one = faces(scored([label(BOX, source="street")], source="street"))

        assert one.slices[Slice("source", "street")] == Proportion(0, 1)

    @pytest.mark.parametrize(
        ("values", "tells"), [(0, False), (1, False), (2, True), (12, True), (13, False)]
    )
    def test_only_a_few_classes_tell_something(self, values, tells):
        slices = {Slice("pose", str(value)): Proportion(1, 1) for value in range(values)}

        assert bool(comparable(slices)) is tells


@pytest.mark.parametrize(
    ("side", "name"),
    [
        (0.5, "under 16 px"),
        (15.99, "under 16 px"),
        (16, "16 to 31 px"),
        (31.5, "16 to 31 px"),
        (127.9, "64 to 127 px"),
        (128, "128 px and more"),
        (9000, "128 px and more"),
    ],
)
def test_sizes_go_by_the_shorter_side(side, name):
    assert size_class(side) == name


@pytest.mark.parametrize(
    ("labels", "found", "with_labels", "without"),
    [
        pytest.param([], [], Proportion(), Proportion(0, 1), id="nothing at all"),
        pytest.param(
            [label(BOX)], [masked(BOX)], Proportion(0, 1), Proportion(), id="removed unasked"
        ),
        pytest.param(
            [label(BOX)], [masked(BOX, score=0.3)], Proportion(1, 1), Proportion(), id="a doubt"
        ),
        pytest.param(
            [], [masked(BOX, score=0.3)], Proportion(), Proportion(1, 1), id="a doubt on nothing"
        ),
        pytest.param(
            [label(BOX, ignored=True)],
            [],
            Proportion(),
            Proportion(0, 1),
            id="an ignored label is none",
        ),
    ],
)
def test_the_review_load_is_told_apart_by_whether_there_is_a_label(
    labels, found, with_labels, without
):
    counts = count([scored(labels, found)])

    assert (counts.with_labels, counts.without_labels) == (with_labels, without)


def test_doubts_are_counted_on_complete_pictures_alone():
    review_region = [masked(BOX, score=0.3)]

    one = faces(
        scored([label(BOX)], review_region, name="1"),
        scored([], review_region, name="2"),
        scored([label(BOX)], review_region, name="3", complete=[], partial=[FACE]),
    )

    assert (one.review_with, one.review_without, one.complete) == (
        Proportion(1, 1),
        Proportion(1, 1),
        2,
    )
    assert one.coverage == Proportion(2, 2)
