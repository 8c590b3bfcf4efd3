r"""The name of a zip's member as its maker meant it.

Names without the mark for UTF-8 are read as the IBM PC's characters (cp437) by the zip format's own
rule. macOS writes UTF-8 without the mark, and some Windows programs write `\` between folders.
"""

from __future__ import annotations

import zipfile

_IS_UTF8 = 0x800
"""Bit 11 of a member's general purpose flags (APPNOTE.TXT, 4.4.4)."""


def member_name(member: zipfile.ZipInfo) -> str:
    """The path inside the zip, with forward slashes; it may still lead anywhere."""
    name = member.filename
    if not member.flag_bits & _IS_UTF8:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = member.filename  # cp437 indeed, or one of a hundred others: nobody can tell
    return name.replace("\\", "/")
