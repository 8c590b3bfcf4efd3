"""Pictures for a first try: people and things that ship with the installed packages."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

_SAMPLES = (
    ("skimage", "data/astronaut.png"),
    ("insightface", "data/images/t1.jpg"),
    ("skimage", "data/coffee.png"),
    ("skimage", "data/rocket.jpg"),
)


def sample_pictures() -> Iterator[tuple[str, bytes]]:
    """Name and content of the samples that are installed here; a missing one is left out."""
    for package, path in _SAMPLES:
        try:
            content = resources.files(package).joinpath(path).read_bytes()
        except (OSError, ModuleNotFoundError):
            continue
        yield path.rsplit("/", 1)[-1], content
