"""`lethe fetch`: a run at an address as a folder that the app takes in."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.cli import command_line, terminal
from engine.cli.exits import Exit
from engine.cluster.fetched_run import ORIGINALS, fetch_run
from engine.files.home import home
from engine.signing.keys import open_key_ring
from engine.wording import counted

_FETCH = f"""\
Bring a run from an address: its lists, and the pictures that wait for a person as
FOLDER/{ORIGINALS}, which are originals and so private. Releases stay where they are. Then

    lethe store ingest FOLDER --originals FOLDER/{ORIGINALS}

puts what waits into the app's queue; or put FOLDER into the app's inbox. From then on what waits is
decided in the app: release at OUT refuses. Run it with the keys of the installation that ran
redact, and while no run writes to OUT.
"""


def add_to(verbs: terminal.Commands) -> None:
    """Add the verb."""
    verb = terminal.add_command(
        verbs,
        "fetch",
        _fetch,
        description=_FETCH,
        short="bring a run from an address, for review in the app",
        when_stopped="Stopped; no folder was made. The same command begins anew.",
    )
    verb.add_argument("url", metavar="OUT", help="the run's output, such as s3://bucket/out")
    verb.add_argument("folder", metavar="FOLDER", type=Path, help="a new folder; private")
    verb.add_argument(
        "--originals", metavar="IN", required=True, help="the run's input, such as s3://bucket/in"
    )
    command_line.add_take_over(verb)


def _fetch(options: argparse.Namespace) -> int:
    fetched = fetch_run(
        options.url,
        options.originals,
        options.folder,
        open_key_ring(home()),
        takes_over=options.take_over,
    )
    for name in fetched.missing:
        terminal.complain(f"The original {name!r} is gone, or no file can be called so here.")
    terminal.say(f"{counted(fetched.waiting, 'picture')} for review, in {options.folder}.")
    return Exit.FOUND if fetched.missing else Exit.DONE
