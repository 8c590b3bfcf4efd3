"""The app in this process, without worker processes: `Lethe` opens pages and makes batches."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from components.app import access, frame, services
from components.app.access import LOCAL
from components.review.canvas import component
from components.review.reviewer import Reviewer
from components.upload.staging import Staging
from engine.category import Category
from engine.detect.ensemble import Ensemble
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy
from store.accounts.actor import Actor
from store.batches import batches, intake, progress
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.batches.progress import Counts
from store.database import Database
from tests.app import canvas
from tests.engine.in_process import InProcess
from tests.homes import prepare
from tests.scenes import FakeDetector, seen
from tests.store.fakes import ACTOR

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
PAGES = ("Upload", "Review", "Release", "Recall", "Irreversibility", "Audit")
"""In the order of their numbers."""
FACE = seen(0.9, (10, 10, 30, 30))
UNSURE = seen(0.41, (60, 40, 90, 80), Category.TATTOO)


def png(width: int = 120, height: int = 100, seed: int = 1) -> bytes:
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".png", rgb)[1])


class Eyes(FakeDetector):
    """Sees a face in every picture, and a doubtful tattoo in wide ones: those go to a person."""

    def detect(
        self, image: RgbImage, policy: Policy, *, floor: float | None = None
    ) -> tuple[Detection, ...]:
        return (FACE, UNSURE) if image.size.width > image.size.height else (FACE,)


class Lethe:
    """The app under test."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.endings: list[str] = []
        """One entry for each time the app wanted to end its program, which is this one."""

    @property
    def database(self) -> Database:
        return services.database()

    @property
    def staging(self) -> Staging:
        return Staging(self.home / "staging", LOCAL.name, self.database.vault)

    def page(self, name: str = "Home") -> AppTest:
        """A page in a browser session of its own, as after a reload."""
        app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=PATIENCE_S)
        app.session_state["reviewer"] = Reviewer(LOCAL.name, "test")
        if name == "Home":
            return app.run()
        return self.turn(app.run(), name)

    def turn(self, app: AppTest, name: str) -> AppTest:
        """The same session on another page."""
        numbers = {name: number for number, name in enumerate(PAGES, start=1)}
        file = f"pages/{numbers[name]}_{name}.py" if name in numbers else "Home.py"
        return app.switch_page(file).run()

    def batch(
        self,
        *contents: bytes,
        policy: Policy | None = None,
        audit_share: float = 0.0,
        actor: Actor = ACTOR,
    ) -> str:
        """Pictures called `picture 0.png`, ... taken as far as the machine gets."""
        settings = (policy or Policy()).with_audit_share(audit_share)
        request = Request("holiday", settings.to_toml())
        batch = batches.create(actor, self.database, request, services.now())
        incoming = [
            Incoming(f"picture {index}.png", content) for index, content in enumerate(contents)
        ]
        intake.add(actor, self.database, batch.id, incoming, services.now())
        batches.start(actor, self.database, batch.id, services.now())
        self.settle()
        return batch.id

    def counts(self) -> Counts:
        return progress.totals(ACTOR, self.database)

    def settle(self) -> Counts:
        """Wait until the machine has nothing to do."""
        self.until(lambda: self.counts().remaining == 0)
        return self.counts()

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.02)

    def restart(self) -> None:
        """What ending the process and starting another does to the app."""
        self.close()

    def close(self) -> None:
        if (self.home / "lethe.duckdb").exists():
            running = services.services()
            running.dispatcher.stop(patience_s=5.0)
            running.database.close()
        services.services.clear()


@pytest.fixture(scope="session", autouse=True)
def scanned_once() -> Iterator[None]:
    """Let Streamlit read once what packages say of components, not in each session of a test.

    It parses the metadata of everything that is installed, for a fifth of a second.
    """
    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture
def detectors() -> Sequence[FakeDetector]:
    return [Eyes()]


@pytest.fixture
def lethe(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    detectors: Sequence[FakeDetector],
) -> Iterator[Lethe]:
    home = tmp_path / "home"
    prepare(home)
    monkeypatch.setenv("LETHE_HOME", str(home))
    monkeypatch.setattr(services, "ProcessPool", lambda workers: InProcess(Ensemble(detectors)))
    monkeypatch.setattr(services.atexit, "register", lambda *arguments: None)
    monkeypatch.setattr(access, "_guard", threading.Event())
    access.stand_guard()
    before = config.get_option("server.address")
    config.set_option("server.address", "127.0.0.1")
    monkeypatch.setattr(component, "mount", canvas.mount)
    monkeypatch.setattr(component, "sent", canvas.sent)
    services.services.clear()
    services.named_keys.clear()
    app = Lethe(home)
    monkeypatch.setattr(frame, "end_soon", lambda: app.endings.append("asked"))
    yield app
    app.close()
    config.set_option("server.address", before)
