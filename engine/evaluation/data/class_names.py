"""Class names of data sets, mapped to our categories.

A name either *spells* a category (`Tattoos`, `jewellery`) or names a *kind* of it (`earring`). The
kind is kept beside the label. Names that are close but not the same stay unknown: a head is no
face, and a face mask is cloth.
"""

from __future__ import annotations

from typing import Final

from engine.category import DETECTABLE, Category

_SPELLINGS: Final = {
    **{category: category.value for category in DETECTABLE},
    Category.TATTOO: "tattoo tatoo",
    Category.JEWELRY: "jewelry jewellery jewelery",
}
_KINDS: Final = {
    Category.FACE: "humanface personface frontalface profileface",
    Category.TATTOO: "bodytattoo tattooart inkedtattoo",
    Category.JEWELRY: (
        "jewel anklet armlet bangle bracelet brooch chain charm choker crown cufflink diadem "
        "earcuff earring earstud fingerring locket medallion necklace nosering nosestud pendant "
        "piercing bodypiercing nosepiercing earpiercing lippiercing ring smartwatch tiara "
        "toering watch wristwatch weddingring"
    ),
}
_BY_SPELLING: Final = {
    word: category for category, words in _SPELLINGS.items() for word in words.split()
}
_BY_KIND: Final = {word: category for category, words in _KINDS.items() for word in words.split()}
KNOWN_NAMES: Final = (
    f"{', '.join(DETECTABLE)}, and kinds of jewelry such as earring, necklace, ring and watch"
)
"""For sentences that say what would have been understood."""


def category_of(name: str) -> Category | None:
    """Map a class name to a category; None when it stands for none of ours.

    Upper and lower case, singular and plural, spaces, hyphens and underscores make no difference.
    """
    return spelled_category(name) or _lookup(name, _BY_KIND)


def spelled_category(name: str) -> Category | None:
    """The category that a name means as a whole: `jewellery` does, `earring` does not."""
    return _lookup(name, _BY_SPELLING)


def _lookup(name: str, table: dict[str, Category]) -> Category | None:
    bare = "".join(letter for letter in name.casefold() if letter.isalnum())
    y_singular = bare.removesuffix("ies") + "y"
    singulars = (bare, bare.removesuffix("s"), bare.removesuffix("es"), y_singular)
    return next((table[word] for word in singulars if word in table), None)
