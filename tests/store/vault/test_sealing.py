"""Sealed contents: whatever is not exactly what was sealed does not come back."""

from __future__ import annotations

import io
import secrets
import tracemalloc

import pytest

from store.vault import sealing
from store.vault.errors import BrokenSeal
from store.vault.sealing import HEADER_BYTES, open_bytes, opened, seal_bytes, sealed

KEY, CONTEXT = bytes(range(32)), b"context"
TAG = 16
KNOWN = (
    "4c5448530144931eb023bd9ea8b4dc23836f9c4712eb5cabf60a9a601687d44f13"
    "336aaae0b25614f6953881b466298e5586208bbb8f8a1c458a71e060e6ba1dc9b5"
)
LENGTHS = (0, 1, 63, 64, 65, 128, 200)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("piece", [1, 7, 64, 1000])
def test_what_was_sealed_comes_back_however_it_came_in(small_chunks, length, piece):
    content = secrets.token_bytes(length)
    pieces = [content[at : at + piece] for at in range(0, length, piece)]

    whole = b"".join(sealed(KEY, CONTEXT, pieces))

    assert open_bytes(KEY, CONTEXT, whole) == content
    chunks = max(1, -(-length // small_chunks))
    assert len(whole) == HEADER_BYTES + length + chunks * TAG


def test_no_changed_byte_comes_back(small_chunks):
    whole = seal_bytes(KEY, CONTEXT, bytes(200))

    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises(BrokenSeal):
            open_bytes(KEY, CONTEXT, bytes(changed))


def test_no_content_that_was_cut_comes_back_not_even_between_chunks(small_chunks):
    whole = seal_bytes(KEY, CONTEXT, bytes(200))

    for length in range(len(whole)):
        with pytest.raises(BrokenSeal):
            open_bytes(KEY, CONTEXT, whole[:length])


@pytest.mark.parametrize(
    "order",
    [(1, 0, 2, 3), (0, 2, 1, 3), (0, 1, 1, 2, 3), (0, 2, 3), (0, 1, 3), (3,), (0, 1, 2, 3, 3)],
    ids=lambda order: "".join(map(str, order)),
)
def test_chunks_that_are_moved_doubled_or_left_out_do_not_come_back(small_chunks, order):
    whole = seal_bytes(KEY, CONTEXT, bytes(4 * small_chunks))
    step = small_chunks + TAG
    chunks = [whole[at : at + step] for at in range(HEADER_BYTES, len(whole), step)]
    assert len(chunks) == 4

    moved = whole[:HEADER_BYTES] + b"".join(chunks[number] for number in order)

    with pytest.raises(BrokenSeal):
        open_bytes(KEY, CONTEXT, moved)


def test_chunks_of_another_content_of_the_same_key_do_not_come_back(small_chunks):
    one, other = (seal_bytes(KEY, CONTEXT, bytes(200)) for _ in range(2))

    with pytest.raises(BrokenSeal):
        open_bytes(KEY, CONTEXT, one[: HEADER_BYTES + 80] + other[HEADER_BYTES + 80 :])


@pytest.mark.parametrize(("key", "context"), [(bytes(32), CONTEXT), (KEY, b"another")])
def test_another_key_or_context_opens_nothing(key, context):
    whole = seal_bytes(KEY, CONTEXT, b"content")

    with pytest.raises(BrokenSeal, match="changed, cut or swapped"):
        open_bytes(key, context, whole)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "first bytes are others"),
        (b"\xff\xd8\xff\xe0 a plain picture", "first bytes are others"),
        (b"LTHS\x02" + bytes(100), "newer Lethe"),
        (b"LTHS\x00" + bytes(100), "changed"),
        (b"LTHS\x01" + bytes(10), "changed"),
    ],
    ids=["nothing", "plain", "newer", "older", "torn header"],
)
def test_what_is_no_seal_is_told_apart(content, words):
    with pytest.raises(BrokenSeal, match=words):
        open_bytes(KEY, CONTEXT, content)


def test_the_same_content_is_never_sealed_to_the_same_bytes():
    one, other = (seal_bytes(KEY, CONTEXT, bytes(1000)) for _ in range(2))

    assert one[HEADER_BYTES:] != other[HEADER_BYTES:]


def test_a_known_seal_opens_in_every_later_version():
    """Made once; what lies on disks must stay readable."""
    known = bytes.fromhex(KNOWN)

    assert open_bytes(KEY, CONTEXT, known) == b"a face"


def test_a_large_content_is_never_in_memory_as_a_whole(tmp_path):
    size, piece = 24, bytes(1024 * 1024)
    path = tmp_path / "large"

    tracemalloc.start()
    with path.open("wb") as file:
        file.writelines(sealed(KEY, CONTEXT, (piece for _ in range(size))))
    with path.open("rb") as file:
        opened_bytes = sum(len(chunk) for chunk in opened(KEY, CONTEXT, file))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert opened_bytes == size * len(piece)
    assert most < 8 * len(piece)


def test_a_read_that_fails_is_no_broken_seal():
    class Failing(io.BytesIO):
        def read(self, *_):
            raise OSError("the disk is away")

    with pytest.raises(OSError, match="away"):
        list(sealing.opened(KEY, CONTEXT, Failing()))
