"""Command-line verbs: arguments in, exit status out."""
