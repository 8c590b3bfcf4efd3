"""What every command line of Lethe does alike: run a command, end with a status, speak a line.

It loads no decoder, so that the store's commands stay light.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.cli.exits import Exit
from engine.errors import LetheError
from engine.files.home import home as home_folder
from engine.logs import keep_names_out


def run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Run the command that the words name, and return its exit status; what fails is a sentence.

    Args:
        parser: whose commands set `run`, which gets the options and returns an exit status, and may
            set `when_stopped`, what to say after Ctrl-C.
        arguments: the words after the program's name; None for those of this process.
    """
    options = parser.parse_args(arguments)
    keep_names_out()
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        return command(options)
    except LetheError as error:
        complain(str(error))
        return Exit.USAGE
    except OSError as error:
        where = "" if error.filename is None else f" {os.fsdecode(error.filename)}"
        what = error.strerror or type(error).__name__
        complain(f"The disk or a folder refused{where}: {what}.")
        return Exit.USAGE
    except KeyboardInterrupt:
        complain(getattr(options, "when_stopped", "Stopped."))
        return Exit.INTERRUPTED


def add_home(parser: argparse.ArgumentParser) -> None:
    """Offer `--home`."""
    parser.add_argument(
        "--home",
        type=Path,
        default=home_folder(),
        help="folder of Lethe's data (default: $LETHE_HOME, else ./var)",
    )


def say(text: str) -> None:
    """A line for whoever reads the result."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """A line for the person who typed the command."""
    sys.stderr.write(text + "\n")
