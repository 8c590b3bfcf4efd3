"""One document as HTML and as Markdown: complete, closed to the outside, and safe to open."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from engine.category import Category
from engine.evaluation.report.document import (
    Command,
    Document,
    Figure,
    Items,
    Paragraph,
    Row,
    Section,
    Table,
    numbers,
    words,
)
from engine.evaluation.report.html import html
from engine.evaluation.report.markdown import markdown
from engine.evaluation.report.svg import drawing, marker, text

JPEG = b"\xff\xd8\xff\xe0 and so on"
NASTY = [
    "<b>|</b>",
    "a|b\n# c",
    "![x](http://evil/x.png)",
    "</title><script>alert(1)</script>",
    "`<i>` & [y](z) *s* _t_ ~u~ $v$",
    '" onload="x',
    "- 1. + #",
    "1. one",
    "back\\slash \\| end\\",
]
VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Checks that elements nest, and keeps them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def sample(word: str = "plain") -> Document:
    table = Table(
        word,
        words(word) + numbers("n", "share"),
        (Row((word, "1", word), Category.FACE), Row(("x", "2", "3"))),
    )
    parts = [text((1, 2), word), *(marker((5, 5), one) for one in list(Category)[:3])]
    figure = Figure("shape", word, word, drawing("shape", (20, 20), word, parts))
    blocks = (
        Paragraph(word),
        Paragraph(word, is_warning=True),
        Items((word, "two")),
        Command(word),
        table,
        figure,
    )
    return Document(word, word, (Section(word, blocks),))


@pytest.mark.parametrize("word", NASTY)
def test_html_shows_what_comes_from_data_as_it_is(word):
    plain, nasty = Page(html(sample())), Page(html(sample(word)))

    assert [tag for tag, _ in nasty.elements] == [tag for tag, _ in plain.elements]
    assert nasty.text.count(word) >= 9
    assert not nasty.open


@pytest.mark.parametrize("word", NASTY)
def test_markdown_shows_what_comes_from_data_as_it_is(word):
    def kinds(source: str) -> list[str]:
        parsed = MarkdownIt("commonmark").enable("table").parse(source)
        inner = [child.type for one in parsed for child in one.children or ()]
        return [one.type for one in parsed] + [one for one in inner if one != "text"]

    plain, nasty = markdown(sample()).text, markdown(sample(word)).text

    assert kinds(nasty) == kinds(plain)


def test_html_has_no_script_and_asks_for_nothing_outside():
    source = html(sample(), crops=[("a face", JPEG)])
    page = Page(source)

    assert not page.of("script") + page.of("link") + page.of("iframe") + page.of("object")
    outside = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "href", "xlink:href", "data", "action", "srcset", "poster"}
        or name.startswith("on")
    ]
    assert all(str(value).startswith("data:image/jpeg;base64,") for value in outside)
    assert "@import" not in source
    assert "url(" not in source
    assert "//" not in re.sub(r"base64,[^\"]*", "", source)


def test_html_is_accessible():
    page = Page(html(sample()))

    assert page.of("html") == [{"lang": "en"}]
    assert [one["scope"] for one in page.of("th")] == ["col", "col", "col", "row", "row"]
    assert len(page.of("caption")) == len(page.of("table")) == 1
    assert page.of("svg")[0]["role"] == "img"
    labels = str(page.of("svg")[0]["aria-labelledby"]).split()
    assert labels == [one["id"] for one in page.of("title") if "id" in one]
    assert len(page.of("desc")) == 1


def test_crops_come_with_a_warning_and_only_when_handed_over():
    without, given = html(sample()), html(sample(), crops=[("<face>", JPEG)])

    assert "data:image" not in without
    assert "shows people" not in without
    assert given.count("This report now shows people") == 2
    assert Page(given).of("img")[0]["alt"] == "<face>"


def test_a_crop_that_is_no_jpeg_is_refused():
    with pytest.raises(ValueError, match="must be a JPEG"):
        html(sample(), crops=[("x", b"<svg onload='x'>")])


def test_every_figure_that_markdown_links_is_there_and_stands_alone():
    made = markdown(sample("a < b"))

    links = re.findall(r"^!\[[^\n]*\]\(([^)]+)\)$", made.text, flags=re.MULTILINE)
    assert links == list(made.figures) == ["shape.svg"]
    root = ET.fromstring(made.figures["shape.svg"])  # noqa: S314 -- made above
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme" in made.figures["shape.svg"]


def test_a_prefix_keeps_the_figures_of_reports_in_one_folder_apart():
    made = markdown(sample(), prefix="spring-")

    assert list(made.figures) == ["spring-shape.svg"]
    assert "(spring-shape.svg)" in made.text


@pytest.mark.parametrize("word", NASTY)
def test_tables_keep_their_shape_in_markdown(word):
    lines = [line for line in markdown(sample(word)).text.splitlines() if line.startswith("|")]

    assert len(lines) == 4
    for line in lines:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 4


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="expected 2 cells, got 1"):
        Table("x", words("a", "b"), (Row(("1",)),))
