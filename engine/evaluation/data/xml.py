"""Safe XML parsing: no entities, no network, no depths, and a line for every element.

Beyond line 65,535 libxml2 knows only where the text after a tag ends, which may be the line below.
"""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from engine.evaluation.data.raw import InvalidEntry, read_bytes


def root_of(path: Path) -> etree._Element:
    """The root element of an XML file.

    Raises:
        InvalidEntry: the file cannot be read, or is not XML; its line is where that shows.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(read_bytes(path), parser)
    except etree.XMLSyntaxError as error:
        raise InvalidEntry(
            f"The file is not XML that can be read: {error.msg}.", error.lineno
        ) from error


def tag_of(element: etree._Element) -> str:
    """An element's name."""
    return str(element.tag)


def text_in(element: etree._Element, path: str) -> str:
    """The text of a descendant, without space around it; empty where there is none."""
    return (element.findtext(path) or "").strip()
