"""A folder of three releases as it is handed out, and the key that it was signed with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from engine.category import Category
from engine.geometry import PixelRect, Size
from engine.images import Leakage
from engine.plan import Origin
from engine.policy import Policy
from engine.receipt import Receipt, SignOff
from engine.runs.jobs import Released
from engine.runs.output_folder import OutputFolder
from engine.signing import envelope
from engine.signing.envelope import public_bytes
from engine.signing.keys import open_key_ring
from engine.signing.schema import ENDING
from engine.signing.signer import Signer, signer
from engine.signing.verification.findings import VerificationResult
from tests.scenes import region

DAY = "2026-11-23"
TATTOO = region((1, 1, 9, 9), Category.TATTOO)
FACE = region((40.25, 33.5, 60, 70))
RECEIPT = Receipt(
    release="0" * 32,
    image_id="1" * 32,
    format="png",
    size=Size(100, 90),
    regions=(
        FACE.with_rect(PixelRect(30, 14, 78, 90)),
        replace(TATTOO, origin=Origin.REVIEWER).with_rect(PixelRect(0, 0, 18, 18)),
    ),
    not_looked_for=(Category.JEWELRY,),
    sign_off=SignOff("Ada Lovelace"),
    policy="0123456789ab",
    weights=("second@00000002", "first@00000001"),
    checks={"T1": True, "T3": True, "T4": True},
    leakage=Leakage.TWICE,
    seconds={"detect": 0.123},
)


def release_id(number: int) -> str:
    return f"{number:032x}"


def released(number: int) -> Released:
    receipt = replace(RECEIPT, release=release_id(number))
    return Released(f"job {number}", receipt, b"pixels of picture %d" % number)


def hand_out(folder: Path, signer: Signer, numbers: tuple[int, ...] = (1, 2, 3)) -> Path:
    """Release pictures of these numbers into an output folder; gives `released` in it."""
    output_folder = OutputFolder.create(folder, Policy(), "same", signer, lambda: DAY)
    for number in numbers:
        output_folder.record(f"source {number}", f"picture {number}", released(number))
    output_folder.close()
    return folder / "released"


def signer_at(home: Path) -> Signer:
    return signer(home)


def public_key(home: Path) -> bytes:
    return public_bytes(open_key_ring(home).signing)


def picture(folder: Path, number: int) -> Path:
    return folder / f"{release_id(number)}.png"


def certificate(folder: Path, number: int) -> Path:
    return folder / f"{release_id(number)}{ENDING}"


def signed_anew(path: Path, home: Path, **changes: object) -> None:
    """Change a certificate or a manifest and sign it with another key, as a stranger could."""
    document = json.loads(path.read_bytes())
    kind = "manifest" if "manifest" in document else "certificate"
    keys = open_key_ring(home)
    body = {**document[kind], **changes, "key": keys.id}
    path.write_bytes(envelope.sign(kind, body, keys.signing))


def trusted(home):
    return frozenset([public_key(home)])


def wrong(verification):
    """Names of the files that are wrong."""
    return [one.file for one in verification.findings if one.result is VerificationResult.WRONG]


def words(verification, file):
    (finding,) = [one for one in verification.findings if one.file == file]
    return finding.words
