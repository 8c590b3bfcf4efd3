"""What every command line of Lethe does alike: run a command, end with a status, speak a line.

It loads no decoder, so that the store's commands stay light.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO, TypeAlias

from engine.cli.exits import Exit, exits_of
from engine.errors import LetheError
from engine.files.home import home as home_folder
from engine.logs import keep_names_out

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
Run: TypeAlias = Callable[[argparse.Namespace], int]
"""Gets a command's options and gives its exit status."""


def parser_of(name: str, program: str, description: str | None = None) -> argparse.ArgumentParser:
    """A parser whose help ends with what the exit statuses mean.

    Args:
        name: of the command, or the start of several, as `engine.cli.exits` has it.
        program: how it is called.
        description: of what it does.
    """
    return argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=exits_of(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def commands_of(parser: argparse.ArgumentParser) -> Commands:
    """Room for the commands of a parser."""
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def add_command(
    commands: Commands,
    name: str,
    run: Run,
    *,
    short: str,
    description: str | None = None,
    when_stopped: str = "Stopped.",
) -> argparse.ArgumentParser:
    """Add a command.

    Args:
        commands: to add it to.
        name: as `engine.cli.exits` has it, such as `audit verify`; its last word is typed here.
        run: what it does.
        short: its line in the list of commands.
        description: of its help; that line where there is none.
        when_stopped: what to say after Ctrl-C.
    """
    command = commands.add_parser(
        name.rpartition(" ")[2],
        help=short,
        description=description or f"{short[0].upper()}{short[1:]}.",
        epilog=exits_of(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run, when_stopped=when_stopped)
    return command


def run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Run the command that the words name, and return its exit status; what fails is a sentence.

    Args:
        parser: whose commands set `run`, and may set `when_stopped`, as `add_command` does.
        arguments: the words after the program's name; None for those of this process.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if "" in words:  # a path would be the folder that one happens to be in
        parser.error("one of the arguments is empty; was a variable not set?")
    options = parser.parse_args(words)
    keep_names_out()
    _show_whatever_comes(sys.stdout)
    command: Run = options.run
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
    except MemoryError:
        complain("This machine has too little memory for that, or a file named is far too large.")
        return Exit.USAGE
    except KeyboardInterrupt:
        complain(getattr(options, "when_stopped", "Stopped."))
        return Exit.INTERRUPTED


def _show_whatever_comes(stream: TextIO) -> None:
    """Show as an escape what a terminal has no sign for, as Python does on standard error."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


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
