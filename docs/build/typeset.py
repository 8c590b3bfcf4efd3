"""Markdown to Typst: as much as the process document needs, and nothing passed over in silence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docs.build.errors import UnknownMarkdown

_SPECIAL = re.compile(r"([\\#$*_`<>@=\[\]/~'\"-])")
_UNBREAKABLE = re.compile(r"(?<=\bArt\.) (?=\d)|(?<=\bRecital) (?=\d)|(?<=\bno\.) (?=\d)")
"""Spaces at which a citation must not be torn apart."""
_INLINE = re.compile(
    r"\*\*(?P<bold>[^*]+)\*\*|\*(?P<italic>[^*]+)\*|`(?P<code>[^`]+)`"
    r"|\[(?P<words>[^\]]+)\]\((?P<link>[^)]+)\)"
)
_PAGE = "<!-- page -->"
_REFUSED = ("```", "> ", "![", "    ", "+ ", "* ", "---", "===")
_LINE_START = re.compile(r"#{1,6} |- |\d+\. |\|")
_KINDS = {"#": "heading", "|": "table"}


def typst(document: str) -> str:
    """The body of a Typst document.

    Raises:
        UnknownMarkdown: a construct that is not known here.
    """
    groups = re.split(r"\n\s*\n", _without_comments(document).strip())
    return "\n\n".join(_block(group.splitlines()) for group in groups) + "\n"


def _without_comments(document: str) -> str:
    return re.sub(r"<!--(?! page -->).*?-->", "", document, flags=re.DOTALL)


def _block(lines: Sequence[str]) -> str:
    """What stands between two empty lines: a heading, a table, a list or a paragraph."""
    kinds = {_kind(line) for line in lines}
    first = _kind(lines[0])
    if first == "list":
        kinds -= {"text"}  # an item that goes on
    if kinds != {first} or (first == "heading" and len(lines) > 1):
        raise UnknownMarkdown(f"a block that is of more than one kind: {lines[0]}")
    if first == "page":
        return "#pagebreak()"
    if first == "heading":
        return _heading(lines[0])
    if first == "table":
        return _table(lines)
    return _list(lines) if first == "list" else _inline(" ".join(map(str.strip, lines)))


def _kind(line: str) -> str:
    if line.startswith(_REFUSED):
        raise UnknownMarkdown(f"a line that the PDF would lose: {line}")
    if line == _PAGE:
        return "page"
    found = _LINE_START.match(line)
    return "text" if found is None else _KINDS.get(found[0][0], "list")


def _heading(line: str) -> str:
    marks, _, words = line.partition(" ")
    return f"{'=' * len(marks)} {_inline(words)}"


def _list(lines: Sequence[str]) -> str:
    items: list[str] = []
    is_numbered = not lines[0].startswith("- ")
    for line in lines:
        start = re.match(r"(- |\d+\. )", line)
        if start is None:
            items[-1] += " " + line.strip()
        elif (start[0] == "- ") == is_numbered:
            raise UnknownMarkdown(f"a list that changes its kind: {line}")
        else:
            items.append(line[len(start[0]) :])
    mark = "+" if is_numbered else "-"
    return "\n".join(f"{mark} {_inline(item)}" for item in items)


def _table(lines: Sequence[str]) -> str:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    head, rule, *body = rows
    if any(len(row) != len(head) for row in rows) or any(set(cell) - set(":-") for cell in rule):
        raise UnknownMarkdown(f"a table whose rows differ in length: {lines[0]}")
    aligns = ", ".join("right" if cell.endswith(":") else "left" for cell in rule)
    cells = [f"[{_inline(cell)}]" for row in body for cell in row]
    heads = ", ".join(f"[{_inline(cell)}]" for cell in head)
    return f"#grid-of(({aligns}), ({heads},), ({', '.join(cells)},))"


def _inline(text: str) -> str:
    pieces = []
    at = 0
    for found in _INLINE.finditer(text):
        pieces += [_escaped(text[at : found.start()]), _marked(found)]
        at = found.end()
    return "".join([*pieces, _escaped(text[at:])])


def _marked(found: re.Match[str]) -> str:
    if found["bold"]:
        return f"#strong[{_escaped(found['bold'])}]"
    if found["italic"]:
        return f"#emph[{_escaped(found['italic'])}]"
    if found["code"]:
        return f"#raw({_quoted(found['code'])})"
    return _escaped(found["words"])


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", _UNBREAKABLE.sub("\u00a0", text))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
