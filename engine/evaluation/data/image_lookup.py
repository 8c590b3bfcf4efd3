"""Image lookup: the file of the picture that an annotation names, inside the data set's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from engine.codec import exif, raw, signatures, tiff
from engine.codec.decoder_errors import UNDECODABLE
from engine.errors import UnreadableImage
from engine.evaluation.data.raw import InvalidEntry, printable, quoted
from engine.evaluation.data.spelling import is_there, last_parts, spellings
from engine.files.real_path import real
from engine.geometry import Size, upright_size


@dataclass(frozen=True, slots=True)
class ImageLookup:
    """Folders that pictures are looked for in."""

    within: Path
    """No picture outside it is touched. Resolved."""
    folders: tuple[Path, ...]
    """In the order they are tried; all inside `within`."""
    also_by_last_part: bool = False
    """Whether `a/b.jpg` may be `b.jpg`, for pictures that were put into one folder."""

    def find(self, name: str, subfolder: str = "") -> Path:
        """The resolved path of a picture.

        Args:
            name: as the data set writes it.
            subfolder: where it is looked for first, in each folder.

        Raises:
            InvalidEntry: no such file, or `name` leads outside `within`.
        """
        return real(self.locate(name, subfolder))

    def locate(self, name: str, subfolder: str = "") -> Path:
        """The path of a picture with its links, as `find` resolves it.

        Raises:
            InvalidEntry: as for `find`.
        """
        try:
            return self._locate(name, subfolder)
        except (OSError, ValueError) as error:  # no text
            reason = type(error).__name__
            raise InvalidEntry(
                f"The picture {quoted(name)} cannot be looked up ({reason})."
            ) from error

    def _locate(self, name: str, subfolder: str) -> Path:
        parts = list(spellings(name))
        if subfolder:
            parts[:0] = [f"{subfolder}/{part}" for part in parts]
        if self.also_by_last_part:
            parts += last_parts(name)
        is_outside = False
        for part in parts:
            for folder in self.folders:
                path = folder / part
                if not real(path).is_relative_to(self.within):
                    is_outside = True
                    break  # from another folder it would be another picture
                if is_there(path) and path.is_file():
                    return path
        if is_outside:
            raise InvalidEntry(
                f"The picture {quoted(name)} lies outside the folder of pictures, so it was "
                "not opened. Name the folder of pictures, or put it there."
            )
        raise InvalidEntry(f"There is no picture file {quoted(name)}.")

    def resolve(self, root: Path, part: str) -> Path | None:
        """The file or folder inside that `part` leads to from `root`; None where none is."""
        for spelling in spellings(part):
            try:
                path = real(root / spelling)
                if path.is_relative_to(self.within) and is_there(path):
                    return path
            except ValueError:
                continue  # no text: nothing is there
        return None

    def name_of(self, path: Path) -> str:
        """A path inside `within`, relative to it, with forward slashes."""
        return printable(path.relative_to(self.within))


def header_size(path: Path) -> Size:
    """The upright size of a picture, from its header alone.

    Raises:
        InvalidEntry: there is no header that can be read.
    """
    try:
        with path.open("rb") as file:
            is_tiff = file.read(4) in signatures.TIFF
        if is_tiff:
            data = path.read_bytes()
            block = tiff.Block(data)
            if tiff.is_raw(block, tiff.pictures(block)):
                return raw.size_of(data)
        with Image.open(path) as image:
            size, block = Size(*image.size), image.info.get("exif", b"")
    except (UnreadableImage, *UNDECODABLE) as error:
        reason = type(error).__name__
        raise InvalidEntry(
            f"The picture's header cannot be read ({reason}), so its boxes have no size."
        ) from error
    return upright_size(size, exif.orientation(block))
