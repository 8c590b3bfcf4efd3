"""Pictures that wait for review, with boxes where a test wants them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.detect.ensemble import Ensemble
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy
from store.batches import batches, intake, progress
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.worker.dispatcher import Dispatcher
from tests.engine.in_process import InProcess
from tests.scenes import FakeDetector
from tests.store.fakes import ACTOR

PATIENCE_S = 60.0


class Sees(FakeDetector):
    """Sees in each picture what was said of pictures of its width."""

    def __init__(self, by_width: dict[int, Sequence[Detection]]) -> None:
        super().__init__()
        self._by_width = by_width

    def detect(
        self, image: RgbImage, policy: Policy, *, floor: float | None = None
    ) -> tuple[Detection, ...]:
        return tuple(self._by_width.get(image.size.width, ()))


def scene(width: int, height: int, seed: int = 1) -> NDArray[np.uint8]:
    """Soft blobs with some edges: nothing that anybody's model would call a face."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (6, 8, 3), dtype=np.uint8)
    rgb = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    rgb[:: max(height // 12, 2)] = (230, 230, 225)
    return np.asarray(rgb, dtype=np.uint8)


def png(width: int, height: int, seed: int = 1) -> bytes:
    return bytes(cv2.imencode(".png", scene(width, height, seed))[1])


def jpeg(width: int, height: int, seed: int = 1) -> bytes:
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92]
    return bytes(cv2.imencode(".jpg", scene(width, height, seed), quality)[1])


@contextmanager
def working(home: Path, by_width: dict[int, Sequence[Detection]]) -> Iterator[Database]:
    """The home folder's database, with a machine at work that sees what is said by width."""
    database = Database.open(home, now())
    dispatcher = Dispatcher(database, InProcess(Ensemble([Sees(by_width)])), now)
    dispatcher.start()
    try:
        yield database
    finally:
        dispatcher.stop(patience_s=5.0)
        database.close()


def now() -> datetime:
    return datetime.now(UTC)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited too long for the pictures"
        time.sleep(0.02)


def lay(
    home: Path,
    files: Sequence[tuple[str, bytes]],
    by_width: dict[int, Sequence[Detection]],
    *,
    batch: str = "holiday",
    policy: Policy | None = None,
) -> None:
    """Put a batch into the home folder's database, prepared as far as the machine gets."""
    with working(home, by_width) as database:
        settings = (policy or Policy()).with_audit_share(0.0)
        made = batches.create(ACTOR, database, Request(batch, settings.to_toml()), now())
        incoming = [Incoming(name, content) for name, content in files]
        intake.add(ACTOR, database, made.id, incoming, now())
        batches.start(ACTOR, database, made.id, now())
        until(lambda: progress.totals(ACTOR, database).remaining == 0)
