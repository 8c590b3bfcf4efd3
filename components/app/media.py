"""Deletion of downloads from Streamlit's media store, soon after they were made.

Streamlit keeps what a deferred download gave at `/media/…`, in memory, until two later runs of any
page have ended: where nobody clicks again, for as long as the program runs. A report may show
people, so it goes by itself.
"""

from __future__ import annotations

import threading

from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager

PAUSE_S = 30.0
"""Twice this is what a browser has for asking for its file; it asks at once."""
_PASSES = 2
"""Streamlit marks what nobody shows in one pass and deletes in the next what is marked."""


def delete_soon() -> None:
    """Delete what is being handed out, once the browser has had it."""
    if runtime.exists():
        delete_later(runtime.get_instance().media_file_mgr, PAUSE_S)


def delete_later(files: MediaFileManager, pause_s: float) -> threading.Thread:
    """Start the thread that deletes whatever no session shows.

    Args:
        files: Streamlit's.
        pause_s: seconds before each of two passes; a file that was there at the first is gone
            after the second.
    """
    waiting = threading.Event()

    def delete() -> None:
        for _ in range(_PASSES):
            waiting.wait(pause_s)
            files.remove_orphaned_files()

    thread = threading.Thread(target=delete, name="media", daemon=True)
    thread.start()
    return thread
