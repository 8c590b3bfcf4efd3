"""Building blocks of the command line: options that several verbs share.

`engine/__main__.py` lists the verbs; a verb with a package of its own adds itself from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from engine.category import DETECTABLE, Category
from engine.errors import LetheError
from engine.policies.text import DEFAULT, NAMES
from engine.policy import Policy, default_policy, named_policy, read_policy
from engine.processes import Mapped
from engine.runs.jobs import Executor
from engine.runs.pool import default_workers

KEPT = "Stopped. What was finished is kept; the same command goes on from there."
NOTHING_WRITTEN = "Stopped; nothing was written."


def policy_of(options: argparse.Namespace) -> Policy:
    """The policy that `add_policy`'s options name.

    Raises:
        LetheError: it cannot be read or is not accepted.
    """
    if options.policy is None:
        policy = default_policy()
    elif options.policy in NAMES:
        policy = named_policy(options.policy)
    elif not Path(options.policy).exists():
        raise LetheError(
            f"There is no policy and no file called {options.policy}; the policies are "
            f"{', '.join(NAMES)}."
        )
    else:
        policy = read_policy(text_of(Path(options.policy)), name=Path(options.policy).name)
    return policy if options.only is None else policy.only(options.only)


def text_of(path: Path) -> str:
    """A text file that the user named.

    Raises:
        LetheError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LetheError(f"{path} could not be read as text: {error}.") from error


def categories_of(text: str) -> tuple[Category, ...]:
    """For argparse: `face,tattoo` as categories."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in DETECTABLE]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown category {unknown[0]!r}; choose from {', '.join(DETECTABLE)}"
        )
    return tuple(Category(name) for name in names)


def positive(text: str) -> int:
    """For argparse: a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def count(text: str) -> int:
    """For argparse: a whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, not {text!r}")
    return int(text)


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Offer `--policy` and `--only`."""
    parser.add_argument(
        "--policy",
        metavar="NAME|FILE",
        help=f"thresholds and rules: {', '.join(NAMES)}, or a file (default: {DEFAULT})",
    )
    parser.add_argument(
        "--only",
        type=categories_of,
        metavar="CATEGORIES",
        help="look for these alone, e.g. face or face,tattoo; receipts say so",
    )


def add_running(parser: argparse.ArgumentParser) -> None:
    """Offer `--workers`."""
    parser.add_argument(
        "--workers",
        type=positive,
        default=default_workers(),
        metavar="N",
        help="processes (default: one per core)",
    )


def add_executor(parser: argparse.ArgumentParser) -> None:
    """Offer `--executor` and `--address`."""
    parser.add_argument(
        "--executor",
        choices=("local", "ray"),
        default="local",
        help="where pictures are worked on: processes of this machine, or Ray, of which --workers "
        "are actors; docs/how-to/cluster.md",
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of a Ray cluster, such as auto or ray://head:10001 (default: one of this machine)",
    )


def add_take_over(parser: argparse.ArgumentParser) -> None:
    """Offer `--take-over`."""
    parser.add_argument(
        "--take-over",
        action="store_true",
        help="of OUT at an address: write there although a run seems to, which was killed",
    )


def executor_of(options: argparse.Namespace) -> Callable[[int], Executor] | None:
    """What makes the executor that `add_executor`'s options name; None for local processes.

    Raises:
        LetheError: Ray is not installed, or an address was given without it.
    """
    if not _is_on_ray(options):
        return None
    from engine.cluster.executor import RayExecutor

    return partial(RayExecutor, address=options.address)


def mapped_of(options: argparse.Namespace) -> Mapped | None:
    """What applies a function to items where `add_executor`'s options say; None: local processes.

    Raises:
        LetheError: as `executor_of`.
    """
    if not _is_on_ray(options):
        return None
    from engine.cluster.mapping import mapped_by_ray

    return partial(mapped_by_ray, address=options.address)


def _is_on_ray(options: argparse.Namespace) -> bool:
    if options.executor == "local":
        if options.address is not None:
            raise LetheError("--address is of a Ray cluster: add --executor ray, or leave it out.")
        return False
    from engine.cluster.ray_data import ray_data

    ray_data()
    return True


def add_json(parser: argparse.ArgumentParser) -> None:
    """Offer `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def today() -> str:
    """The day in UTC, as 2026-11-23."""
    return datetime.now(UTC).date().isoformat()
