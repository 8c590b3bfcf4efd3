"""The verbs of the command line: words in, exit statuses out. What they do lies elsewhere."""
