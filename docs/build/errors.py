"""What keeps the document from being made."""


class StaleSource(Exception):
    """A report has another shape than the build knows; the document is not made from guesses."""


class UnknownMarkdown(Exception):
    """A construct that the PDF would lose or garble."""
