"""`make growth`: measure, print exponents, and write docs/growth.md with its figure."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.growth import line, pictures, report, reviewers

DOCUMENT = Path(__file__).parents[2] / "docs" / "growth.md"
REASONS: dict[str, str] = {}
"""Why what grows faster than its size does so."""


def main(arguments: Sequence[str]) -> int:
    """Measure everything; the exit status."""
    options = _parser().parse_args(arguments)
    megapixels = [one for one in line.MEGAPIXELS if one <= options.most_megapixels]
    sizes = [one for one in pictures.SIZES if one <= options.most_pictures]
    measured = []
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        for measure in (
            lambda: reviewers.measure(Path(scratch)),
            line.by_regions,
            lambda: pictures.measure(Path(scratch), sizes),
            lambda: line.by_pixels(megapixels, most_detected=options.most_detected),
        ):
            found = measure()
            measured += found
            sys.stdout.write("\n".join(report.rows(found)) + "\n")
            sys.stdout.flush()
    if options.write:
        DOCUMENT.write_text(report.markdown(measured, REASONS), encoding="utf-8")
        DOCUMENT.with_name(report.FIGURE).write_text(report.figure(measured), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.growth", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/growth.md and its figure")
    parser.add_argument("--scratch", help="where stores are made; 2 GB for 100,000 pictures")
    parser.add_argument("--most-pictures", type=int, default=pictures.SIZES[-1])
    parser.add_argument("--most-megapixels", type=int, default=line.MEGAPIXELS[-1])
    parser.add_argument(
        "--most-detected",
        type=int,
        default=line.MEGAPIXELS[-1],
        help="megapixels up to which detectors look, which takes minutes",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
