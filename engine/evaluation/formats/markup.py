"""XML from strangers: no entities, no network, no depths, and a line for every element.

Beyond line 65,535 libxml2 gives an element the line where its content begins.
"""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from engine.evaluation.formats.written import Unfit


def root_of(path: Path) -> etree._Element:
    """The root element of an XML file.

    Raises:
        Unfit: the file cannot be read, or is not XML; an `UnreadableMarkup`.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(path.read_bytes(), parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableMarkup(
            f"The file is not XML that can be read: {error.msg}.", error.lineno
        ) from error
    except OSError as error:
        raise UnreadableMarkup(f"The file cannot be read: {error.strerror}.", None) from error


class UnreadableMarkup(Unfit):
    """A file that is no XML, and the line where that shows; None for the whole file."""

    def __init__(self, text: str, line: int | None) -> None:
        super().__init__(text)
        self.line = line or None


def line_of(element: etree._Element) -> int | None:
    """Where an element begins."""
    return element.sourceline


def tag_of(element: etree._Element) -> str:
    """An element's name."""
    return str(element.tag)


def text_in(element: etree._Element, path: str) -> str:
    """The text of a descendant, without space around it; empty where there is none."""
    return (element.findtext(path) or "").strip()
