"""What waits on the disk is sealed, can be read anywhere, and ends when it is let go."""

from __future__ import annotations

import io

import pytest
from cryptography.exceptions import InvalidTag

from store.vault.errors import BrokenSeal
from store.vault.spool import CHUNK_BYTES, SealedSpool


def content(length):
    return bytes(number * 7 % 251 for number in range(length))


def spooled(path, data, piece=100_000):
    spool = SealedSpool(path)
    for start in range(0, len(data), piece):
        spool.write(data[start : start + piece])
    return spool


@pytest.mark.parametrize(
    "length",
    [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 5],
)
def test_what_was_written_is_read_whole_and_from_anywhere(tmp_path, length):
    data = content(length)

    spool = spooled(tmp_path / "spool", data)

    file = io.BufferedReader(spool)
    assert spool.size == length
    assert file.read() == data
    for start in (0, 3, CHUNK_BYTES - 2, length - 1):
        if 0 <= start < length:
            file.seek(start)
            assert file.read(7) == data[start : start + 7]
    assert file.seek(-min(length, 4), io.SEEK_END) == length - min(length, 4)
    assert file.read() == data[length - min(length, 4) :]


def test_nothing_of_it_lies_readable_and_a_short_one_not_at_all(tmp_path):
    data = b"secret " * CHUNK_BYTES

    spooled(tmp_path / "long", data)
    spooled(tmp_path / "short", b"secret")

    (path,) = tmp_path.iterdir()
    assert path.name == "long"
    assert path.stat().st_mode & 0o077 == 0
    assert b"secret" not in path.read_bytes()


@pytest.mark.parametrize("change", ["flip", "swap", "cut"])
def test_a_file_that_was_changed_is_refused(tmp_path, change):
    spool = spooled(tmp_path / "spool", content(3 * CHUNK_BYTES))
    sealed = (tmp_path / "spool").read_bytes()
    third = len(sealed) // 3
    changed = {
        "flip": sealed[:-1] + bytes([sealed[-1] ^ 1]),
        "swap": sealed[third : 2 * third] + sealed[:third] + sealed[2 * third :],
        "cut": sealed[:-third],
    }
    (tmp_path / "spool").write_bytes(changed[change])

    with pytest.raises(BrokenSeal):
        io.BufferedReader(spool).read()


def test_what_was_let_go_is_gone_and_opens_no_more(tmp_path):
    spool = spooled(tmp_path / "spool", content(2 * CHUNK_BYTES))
    sealed = (tmp_path / "spool").read_bytes()

    spool.discard()
    spool.discard()
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "spool").write_bytes(sealed)
    with pytest.raises(InvalidTag):
        spool._cipher.decrypt(bytes(12), sealed[: len(sealed) // 2], None)
    with pytest.raises(BrokenSeal):
        io.BufferedReader(spool).read()
    with pytest.raises(BrokenSeal):
        spool.reader()


def test_it_lasts_until_the_last_reader_is_done(tmp_path):
    data = content(2 * CHUNK_BYTES + 9)
    spool = spooled(tmp_path / "spool", data)
    first, second = spool.reader(), spool.reader()
    assert first.read(5) == data[:5]

    spool.discard()
    first.close()
    assert second.seek(-9, io.SEEK_END) == len(data) - 9
    assert second.read() == data[-9:]
    second.close()

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BrokenSeal):
        spool.read(1)
