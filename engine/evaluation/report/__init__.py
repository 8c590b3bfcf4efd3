"""The evaluation report: sections as a document tree, shown as HTML, Markdown and on screen."""
