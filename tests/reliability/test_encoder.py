"""The encoder breaks: what writes the finished file."""

from __future__ import annotations

import pytest

from engine import pipeline
from engine.codec.encode import encode
from tests.reliability.scenes import DOUBTFUL, NAMES, pictures
from tests.reliability.test_detector import DEFECT, NO_MEMORY
from tests.reliability.test_removal import HELD

OTHER_PIXELS = (
    "The finished file does not show the pixels that were checked (check T4); nothing was released."
)
_HOLD = "so it was not released. Keep the picture back and report this: it should not happen."
NOT_WHOLE = f"The finished PNG is no whole picture, {_HOLD}"
MORE = f"The finished PNG holds 16 bytes after its end, {_HOLD}"
ENCODE = encode


def original(redacted, file_format):
    """The file that the picture came as, whichever picture it is."""
    name = "two.jpg" if file_format == "jpeg" else "one.png"
    return pictures()[name]


def broken_encoder(answer):
    def encode(redacted, file_format, *, jpeg_quality):
        return answer(redacted, file_format)

    return encode


def cut(redacted, file_format):
    data = ENCODE(redacted, file_format, jpeg_quality=92)
    return data[: len(data) // 2]


def upside_down(redacted, file_format):
    flipped = redacted.rgb[::-1].copy()
    return ENCODE(type(redacted)(flipped), file_format, jpeg_quality=92)


def raising(error):
    def answer(redacted, file_format):
        raise error

    return answer


@pytest.mark.parametrize(
    ("fault", "answer", "said"),
    [
        ("writes another picture's pixels", upside_down, (OTHER_PIXELS,)),
        ("raises an error", raising(RuntimeError()), (DEFECT.format("RuntimeError"),)),
    ],
    ids=["other pixels", "raises"],
)
def test_what_it_writes_is_read_again_before_it_goes_out(
    line, broken, monkeypatch, fault, answer, said
):
    case = broken("encoder", fault, line)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "encode", broken_encoder(answer))
        line.work()

    case.ends(HELD, *said)
    case.goes_on(line.held_back)


@pytest.mark.parametrize(
    ("fault", "answer", "said"),
    [
        ("writes the original", original, OTHER_PIXELS),
        ("writes half a file", cut, NOT_WHOLE),
        ("writes nothing", lambda redacted, file_format: b"", NOT_WHOLE),
        ("adds a note", lambda *of: ENCODE(*of, jpeg_quality=92) + b"made by somebody", MORE),
    ],
    ids=["original", "half", "nothing", "more"],
)
def test_a_file_that_is_not_the_picture_alone_is_held_back(
    line, broken, monkeypatch, fault, answer, said
):
    case = broken("encoder", fault, line)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "encode", broken_encoder(answer))
        line.work()

    case.ends(HELD, said)
    case.goes_on(line.held_back)


def test_too_little_memory_makes_pictures_wait(line, broken, monkeypatch):
    case = broken("encoder", "finds too little memory", line)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "encode", broken_encoder(raising(MemoryError())))
        line.work()

    case.ends(dict.fromkeys(NAMES, "waiting") | {DOUBTFUL: "review"}, NO_MEMORY)
    case.goes_on(line.restarted)
