"""Report renderer: one self-contained HTML file without scripts, fonts or outside addresses.

Its content security policy forbids all loading; it prints on A4 and follows the reader's theme.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from engine.codec import signatures
from engine.evaluation.report.document import (
    Block,
    Column,
    Command,
    Document,
    Figure,
    Items,
    Paragraph,
    Row,
    Section,
    Table,
)
from engine.evaluation.report.svg import COLOURS, DARK_COLOURS, style

_WARNING = (
    "This report now shows people. Whoever has the file can see them, and no setting takes them "
    "out again: keep it as you keep the originals, and do not pass it on."
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LIGHT = (
    "--paper:#FFFFFF;--ink:#1F2933;--soft:#5B6770;--rule:#D5DBDF;--band:#F4F6F7;--accent:#0F6B6B;"
    "--warn:#8A4B00;--warn-band:#FFF4E2;"
)
_DARK = (
    "--paper:#171C20;--ink:#E6EAED;--soft:#A3AFB8;--rule:#3A444C;--band:#20272C;--accent:#5CC2BD;"
    "--warn:#FFC67A;--warn-band:#33270F;"
)
_CSS = """*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.5rem 4rem;max-width:54rem;
  background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,sans-serif}
h1{font-size:1.7rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1.2rem;margin:2.4rem 0 .6rem;padding-top:.7rem;border-top:2px solid var(--accent)}
p,ul{margin:.6rem 0;max-width:46rem}
.lead{color:var(--soft);margin-bottom:1.4rem}
.warning{border-left:4px solid var(--warn);background:var(--warn-band);padding:.6rem .9rem}
.warning b{color:var(--warn)}
.wide{overflow-x:auto;margin:1rem 0 1.3rem}
table{border-collapse:collapse;width:100%;font-size:.92em;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding-bottom:.4rem}
th,td{text-align:left;vertical-align:top;padding:.38rem .6rem;
  border-bottom:1px solid var(--rule);overflow-wrap:break-word}
thead th{border-bottom:2px solid var(--soft);vertical-align:bottom}
tbody th{font-weight:600}
.number{text-align:right}
.answer{font-size:1.05em}
.answer td,.answer th{padding:.6rem}
.answer td:last-child{font-weight:600}
.form td{height:3.2rem}
.form th,.form td{border:1px solid var(--rule)}
tr[class] th{border-left:5px solid transparent}
figure{margin:1.2rem 0}
figure svg{max-width:100%;height:auto;display:block}
figure img{max-width:20rem;height:auto;display:block}
figcaption{color:var(--soft);font-size:.87em;max-width:46rem;margin-top:.3rem}
pre{background:var(--band);border:1px solid var(--rule);padding:.8rem;
  white-space:pre-wrap;overflow-wrap:anywhere}
@page{size:A4;margin:16mm}
@media print{
  body{padding:0;max-width:none;font-size:10pt}
  h2,caption{break-after:avoid}
  tr,figure,.warning{break-inside:avoid}
  thead{display:table-header-group}
  .wide{overflow:visible}
  table.plain th,table.plain td{padding:.22rem .5rem}
}
"""


def html(document: Document, crops: Sequence[tuple[str, bytes]] = ()) -> str:
    """Render a document as an HTML page.

    Args:
        document: the report.
        crops: captions and JPEG files of parts of pictures. They show people, and the report says
            so; leave them out unless a person asked for them.

    Raises:
        ValueError: a crop is not a JPEG file.
    """
    warning = f'<p class="warning" role="note"><b>Warning.</b> {_WARNING}</p>\n' if crops else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(document.title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        f"<main>\n<header>\n<h1>{escape(document.title)}</h1>\n"
        f'<p class="lead">{escape(document.subtitle)}</p>\n{warning}</header>\n'
        f"{''.join(_section(section) for section in document.sections)}{_crops(crops)}"
        "</main>\n</body>\n</html>\n"
    )


def _style() -> str:
    light, dark = (
        "".join(f"tr.{name} th{{border-left-color:{colour}}}" for name, colour in colours.items())
        for colours in (COLOURS, DARK_COLOURS)
    )
    return (
        f":root{{color-scheme:light dark;{_LIGHT}}}\n{_CSS}{light}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_DARK}}}{dark}}}\n{style()}"
    )


def _section(section: Section) -> str:
    blocks = "".join(_block(block) for block in section.blocks)
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{blocks}</section>\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph(text, True):
            return f'<p class="warning" role="note">{escape(text)}</p>\n'
        case Paragraph(text):
            return f"<p>{escape(text)}</p>\n"
        case Items(entries):
            return f"<ul>{''.join(f'<li>{escape(entry)}</li>' for entry in entries)}</ul>\n"
        case Command(text):
            return f"<pre><code>{escape(text)}</code></pre>\n"
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)


def _table(table: Table) -> str:
    heads = "".join(
        f'<th scope="col"{_alignment(column)}>{escape(column.title)}</th>'
        for column in table.columns
    )
    rows = "".join(_row(row, table) for row in table.rows)
    # A table that is wider than a small screen scrolls, so the keyboard must reach it.
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{escape(table.caption)}">'
        f'<table class="{table.kind}"><caption>{escape(table.caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>\n"
    )


def _row(row: Row, table: Table) -> str:
    colour = f' class="{row.category.value}"' if row.category else ""
    cells = [
        f"<td{_alignment(column)}>{escape(cell)}</td>"
        for cell, column in zip(row.cells, table.columns, strict=True)
    ]
    if row.cells[0]:
        cells[0] = f'<th scope="row">{escape(row.cells[0])}</th>'
    return f"<tr{colour}>{''.join(cells)}</tr>"


def _alignment(column: Column) -> str:
    return ' class="number"' if column.is_number else ""


def _figure(figure: Figure) -> str:
    svg = figure.drawing.replace("</title>", f"</title><desc>{escape(figure.description)}</desc>")
    return f"<figure>{svg}<figcaption>{escape(figure.caption)}</figcaption></figure>\n"


def _crops(crops: Sequence[tuple[str, bytes]]) -> str:
    if not crops:
        return ""
    return (
        f'<section>\n<h2>Pictures</h2>\n<p class="warning" role="note"><b>Warning.</b> {_WARNING}'
        f"</p>\n{''.join(_crop(caption, data) for caption, data in crops)}</section>\n"
    )


def _crop(caption: str, data: bytes) -> str:
    if not data.startswith(signatures.JPEG):
        raise ValueError(f"a crop must be a JPEG file, got one that starts with {data[:3]!r}")
    payload, text = base64.b64encode(data).decode("ascii"), escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/jpeg;base64,{payload}">'
        f"<figcaption>{text}</figcaption></figure>\n"
    )
