"""What a file of a data folder holds, once opened."""

from pathlib import Path

from store.vault.context import Item, Purpose
from store.vault.vault import Vault, is_sealed


def opened(home: Path, path: Path) -> bytes:
    """The content of an original, sealed or not."""
    if not is_sealed(path):
        return path.read_bytes()
    batch = next(home.glob(f"keyring/*/{path.name}.key")).parent.name
    item = Item(batch, path.name, Purpose.ORIGINAL)
    return Vault.open(home, {}).source(item, path).read()
