"""`python -m tests.browser.review_bench FILE`: run, print the document, and write it."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from components.app.palette import counted_outcome
from engine.errors import LetheError
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.labels import LabelledPicture
from engine.policy import default_policy
from store.batches.pictures import PictureState
from tests.browser.conftest import FLAGS, App, chromium, entered, serving
from tests.browser.review_bench.choice import chosen, source_of
from tests.browser.review_bench.outcome import outcome
from tests.browser.review_bench.report import Setting, as_json, markdown
from tests.browser.review_bench.reviewer import Reviewer

BATCH_MS = 1_800_000
"""As long as a slow machine may take to bring all pictures in."""
LOOK_MS = 15_000
"""Between two looks at how far the machine is."""
ROUNDS = 5
"""How often a picture may come back after the check of the finished picture."""


def main(arguments: Sequence[str]) -> int:
    """Run it; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        dataset = read_dataset(options.data)
        pictures = chosen(dataset.pictures, options.count, options.seed)
    except LetheError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    policy = default_policy().with_audit_share(0.0)
    by_name = {one.path.name: one for one in pictures}
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch) / "home"
        home.mkdir(parents=True, exist_ok=True)
        log = Path(scratch) / "server.txt"
        with serving(home, log, Path(scratch), policy.to_toml()) as app:
            reviewer = _reviewed(app, by_name)
            setting = Setting.of_machine(
                data=options.data.name,
                fingerprint=dataset.fingerprint,
                count=options.count,
                seed=options.seed,
                policy=policy.fingerprint,
                sources=len({source_of(one) for one in pictures}),
                day=f"{datetime.now(UTC):%Y-%m-%d}",
            )
        result = outcome(home, by_name, reviewer.visits, reviewer.seen)
    document = markdown(setting, result)
    sys.stdout.write(document)
    options.out.write_text(document, encoding="utf-8")
    numbers = json.dumps(as_json(setting, result), indent=1)
    options.out.with_suffix(".json").write_text(numbers + "\n", encoding="utf-8")
    return 0


def _reviewed(app: App, pictures: Mapping[str, LabelledPicture]) -> Reviewer:
    """Bring the pictures in, and review until nothing is left to do."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = entered(app, browser)
        _tell("the app is up")
        page.goto(f"{app.address}/Release")
        known = page.locator(".stMarkdownBadge")
        expect(known.first.or_(page.get_by_text("No batch has been started yet."))).to_be_visible()
        if not known.first.is_visible():
            _upload(app, page, [one.path for one in pictures.values()])
        reviewer = Reviewer.at(app, page, pictures, default_policy())
        for _ in range(ROUNDS):
            if not _to_review(app, page):
                break
            reviewer.work()
            _tell(f"{len(reviewer.visits)} reviewed")
        browser.close()
    return reviewer


def _upload(app: App, page: Page, paths: Sequence[Path]) -> None:
    page.goto(f"{app.address}/Upload")
    page.locator("input[type=file]").first.set_input_files(list(paths))
    start = page.get_by_role("button", name="Start with")
    expect(start).to_be_visible(timeout=BATCH_MS)
    _tell(f"{len(paths)} pictures are uploaded")
    start.click(timeout=BATCH_MS)
    expect(page.get_by_text(f"of {len(paths)} done")).to_be_visible()


def _tell(text: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")


def _to_review(app: App, page: Page) -> int:
    """Pictures that need review once nothing waits for the machine any more.

    Looks seldom: a page that follows the machine takes its time.
    """
    while True:
        page.goto(f"{app.address}/Release")
        expect(page.get_by_test_id("stDataFrame")).to_be_visible()  # it comes after the counts
        said = " ".join(page.locator(".stMarkdownBadge").all_inner_texts())
        _tell(said)
        if not _count(said, PictureState.WAITING):
            return _count(said, PictureState.REVIEW)
        page.goto("about:blank")
        page.wait_for_timeout(LOOK_MS)


def _count(said: str, state: PictureState) -> int:
    """The pictures of an outcome by its badge, which is left out where there are none."""
    words = {counted_outcome(state, count).partition(" ")[2] for count in (1, 2)}
    found = re.search(rf"(\d+) (?:{'|'.join(words)})", said)
    return int(found[1]) if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.browser.review_bench", description=__doc__
    )
    parser.add_argument("data", type=Path, help="labelled pictures, in any format `evaluate` reads")
    parser.add_argument("--count", type=int, default=40, help="pictures to bring in")
    parser.add_argument("--seed", type=int, default=1, help="of the choice")
    parser.add_argument("--out", type=Path, default=Path("docs/review-measured.md"))
    parser.add_argument(
        "--home", type=Path, help="a folder that is kept; go on in one that was left"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
