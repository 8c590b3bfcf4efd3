"""Logging without private text: type and place of an exception, never its message.

The text of an error may hold a path, a picture's name or a part of its content, and a log is read
by others than the pictures. Each program of Lethe calls `keep_names_out` once; that reaches every
logger, also those of libraries, since it is done where records are made.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any

SHORTEST_TEXT = 4
"""An error's text of fewer characters is no name, and would be found in all kinds of words."""

log = logging.getLogger(__name__)


def keep_names_out() -> None:
    """Strip exception messages from all log records and thread failures of this process."""
    logging.setLogRecordFactory(_record)
    threading.excepthook = _thread_died
    sys.unraisablehook = _unraisable


def trace(error: BaseException) -> str:
    """Traceback of an exception and its causes, without messages."""
    parts = []
    for link in reversed(list(_chain(error))):
        parts += traceback.format_tb(link.__traceback__)
        parts.append(f"{type(link).__qualname__}\n")
    return "".join(parts).rstrip("\n")


def _record(*args: Any, **more: Any) -> logging.LogRecord:  # noqa: ANN401 -- as LogRecord
    record = logging.LogRecord(*args, **more)
    error = record.exc_info[1] if record.exc_info else None
    errors = [value for value in _arguments(record) if isinstance(value, BaseException)]
    if error is not None:
        errors.append(error)
        record.exc_text, record.exc_info = trace(error), None  # formatters print the text as it is
    if errors:
        record.msg, record.args = _without(_message(record), errors), None
    return record


def _arguments(record: logging.LogRecord) -> tuple[object, ...]:
    args = record.args or ()
    return tuple(args.values()) if isinstance(args, dict) else tuple(args)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 -- as `logging` itself: a bad call must not end the program
        return str(record.msg)


def _without(message: str, errors: list[BaseException]) -> str:
    for error in errors:
        for link in _chain(error):
            for text in (repr(link), str(link)):
                if len(text) >= SHORTEST_TEXT:
                    message = message.replace(text, type(link).__name__)
    return message


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and its causes, the last first."""
    visited: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in visited:
        visited.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _thread_died(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread else "a thread"
        log.error("%s died", name, exc_info=args.exc_value)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        log.error("an error could not be raised", exc_info=args.exc_value)
