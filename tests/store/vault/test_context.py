"""Associated data: no two things that are sealed have the same."""

from __future__ import annotations

from itertools import product

from store.vault import context
from store.vault.context import Item, Purpose

IDS = ("ca" * 16, "cb" * 16, "ca" * 8)


def test_every_field_and_every_kind_gives_other_bytes():
    contents = [
        context.of_content(installation, Item(IDS[0], picture, purpose))
        for installation, picture, purpose in product(IDS, IDS, Purpose)
    ]
    batches = [context.of_batch_key(*fields) for fields in product(IDS, IDS)]
    pictures = [context.of_picture_key(*fields) for fields in product(IDS, IDS, IDS)]
    lookups = [context.of_lookup_key(one) for one in IDS] + [*map(context.of_lookup, Purpose)]

    everything = [*contents, *batches, *pictures, *lookups]

    assert len(set(everything)) == len(everything)


def test_fields_that_read_the_same_one_after_another_are_told_apart():
    one, other = "ca" * 8 + "cb" * 8, "ca" * 8

    assert context.of_batch_key(one, other) != context.of_batch_key(other, "cb" * 8 + other)
    assert context.of_picture_key("ca" * 16, "ca" * 8, "ca" * 16) != context.of_picture_key(
        "ca" * 8, "ca" * 16, "ca" * 16
    )


def test_the_batch_is_bound_by_the_wrap_and_not_by_the_content():
    """So Start wraps a key anew, and the bytes stay as they are."""
    one, other = (Item(batch, IDS[0], Purpose.NAME) for batch in IDS[:2])

    assert context.of_content(IDS[2], one) == context.of_content(IDS[2], other)
