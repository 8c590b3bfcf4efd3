"""`python -m docs.build`: docs/process.md with today's figures, its PDF, and docs/security.md."""

from __future__ import annotations

import hashlib

import typst

from docs.build import security
from docs.build.blocks import ROOT, blocks, fill
from docs.build.errors import StaleSource
from docs.build.typeset import typst as as_typst
from engine.policy import default_policy
from engine.signing.battery_report import shipped_report
from engine.signing.provenance import pipeline_version

DOCUMENT = ROOT / "docs" / "process.md"
EVALUATION = ROOT / "docs" / "evaluation.json"
PDF = ROOT / "docs" / "process.pdf"
SECURITY = ROOT / "docs" / "security.md"
STANDARD = ROOT / "docs" / "build" / "security.toml"
LOOKS = ROOT / "docs" / "build" / "process.typ"


def current(document: str) -> str:
    """The document with the figures of the reports that lie here now."""
    made = blocks(
        _evaluation(),
        shipped_report(),
        (ROOT / "models" / "cards" / "witness.md").read_text(encoding="utf-8"),
        pipeline=pipeline_version(),
        fill_name=default_policy().removal.fill,
        policy=default_policy().fingerprint,
    )
    return fill(document, made)


def _evaluation() -> str:
    try:
        return EVALUATION.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise StaleSource(
            "There is no docs/evaluation.json; `make evaluation` makes it."
        ) from error


def pdf_of(document: str) -> bytes:
    """The document as a PDF; the same bytes for the same text.

    No date is written, fonts are those inside the compiler, and the digest of the text stands among
    the keywords, so that anyone can see which text a PDF was made of.
    """
    digest = hashlib.sha256(document.encode()).hexdigest()
    head = (
        '#set document(title: "Lethe: process description", date: none, '
        f'keywords: ("sha256:{digest}",))\n'
    )
    source = head + LOOKS.read_text(encoding="utf-8") + "\n" + as_typst(document)
    made = typst.compile(source.encode(), ignore_system_fonts=True, format="pdf")
    if not isinstance(made, bytes):
        raise TypeError(f"expected one PDF, got {type(made).__name__}")
    return made


def main() -> None:
    """Write all three files."""
    answers = security.document(security.read(STANDARD.read_text(encoding="utf-8")))
    SECURITY.write_text(answers, encoding="utf-8")
    document = current(DOCUMENT.read_text(encoding="utf-8"))
    pdf = pdf_of(document)
    DOCUMENT.write_text(document, encoding="utf-8")
    PDF.write_bytes(pdf)


if __name__ == "__main__":
    main()
