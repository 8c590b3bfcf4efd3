"""Who signs: the key ring, with what is the same for every certificate of a process.

Signing happens in the process that records outcomes; workers never see a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.detect.weights import own_weights_notice
from engine.errors import InvalidSignature
from engine.plan import Plan
from engine.receipt import Receipt
from engine.signing.battery_report import headline
from engine.signing.certificate import Supplement, certificate, manifest
from engine.signing.envelope import Kind, opened, sign
from engine.signing.keys import KeyRing, ring
from engine.signing.provenance import pipeline_version
from engine.signing.schema import Battery


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes signed files; the caller tells the day (UTC, as 2026-11-23)."""

    keys: KeyRing
    pipeline: str
    battery: Battery | None
    notice: str | None

    def certificate(self, receipt: Receipt, data: bytes, day: str) -> bytes:
        """The certificate's file for the release with these bytes."""
        reviewer = receipt.reviewer
        pseudonym = None if reviewer is None else self.keys.pseudonym("reviewer", reviewer)
        supplement = Supplement(
            day, self.pipeline, self.battery, self.notice, pseudonym, self.keys.id
        )
        return self._signed("certificate", certificate(receipt, data, supplement))

    def seal(self, plan: Plan) -> str:
        """What marks a plan as made by this installation; only its secret makes it."""
        return self.keys.pseudonym("plan", plan.digest)

    def manifest(
        self,
        batch: str,
        releases: Mapping[str, str | None],
        day: str,
        beside: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """The manifest's file of a batch.

        Args:
            batch: its inner id, which stays inside; the manifest names a pseudonym.
            releases: as for `engine.signing.certificate.manifest`.
            day: of signing.
            beside: as for `engine.signing.certificate.manifest`.
        """
        public = self.keys.pseudonym("batch", batch)
        body = manifest(public, releases, day=day, key=self.keys.id, beside=beside)
        return self._signed("manifest", body)

    def _signed(self, kind: Kind, body: dict[str, Any]) -> bytes:
        """The signed file, read back as whoever verifies it would.

        Raises:
            InvalidSignature: it does not verify, or not with a key of this installation.
        """
        file = sign(kind, body, self.keys.signing)
        try:
            if opened(kind, file).public_key not in self.keys.own:
                raise InvalidSignature("its key is none of this installation")
        except InvalidSignature as error:
            raise InvalidSignature(
                f"A {kind} does not verify right after it was signed ({error}), so nothing goes "
                "out with it; please report it."
            ) from error
        return file


def signer(home: Path) -> Signer:
    """The one of this installation, its keys made when there are none.

    Raises:
        UnusableKeys: the keys cannot be used.
        UnusableWeights: the manifest of the models cannot be read.
    """
    return Signer(ring(home), pipeline_version(), headline(), own_weights_notice())
