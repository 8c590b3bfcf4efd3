"""The signer: makes and signs documents with the key ring of this installation.

Signing happens in the process that records outcomes; workers never see a key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.detect.weights import own_weights_notice
from engine.errors import InvalidSignature
from engine.plan import Plan
from engine.receipt import Receipt
from engine.signing.battery_report import battery_summary
from engine.signing.certificate import Supplement, certificate, manifest
from engine.signing.envelope import Kind, read_document, sign
from engine.signing.keys import KeyRing, open_key_ring
from engine.signing.provenance import pipeline_version
from engine.signing.revocations import revocations
from engine.signing.schema import Battery, TrailHead


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes signed files; the caller tells the day (UTC, as 2026-11-23)."""

    keys: KeyRing
    pipeline: str
    battery: Battery | None
    notice: str | None

    def certificate(self, receipt: Receipt, data: bytes, day: str) -> bytes:
        """Make and sign the certificate of a release with these bytes."""
        supplement = Supplement(
            day,
            self.pipeline,
            self.battery,
            self.notice,
            self._reviewer(receipt.sign_off.reviewer),
            self.keys.id,
            self._reviewer(receipt.sign_off.second_reviewer),
        )
        return self._signed("certificate", certificate(receipt, data, supplement))

    def seal(self, plan: Plan) -> str:
        """Authenticate a plan with its masked rectangles, by an HMAC of this installation's."""
        rects = [list(region.rect) if region.has_rect else None for region in plan.proposed]
        return self.keys.pseudonym("plan", f"{plan.digest} {json.dumps(rects)}")

    def manifest(
        self,
        batch: str,
        releases: Mapping[str, str | None],
        day: str,
        beside: Mapping[str, bytes] | None = None,
        *,
        trail: TrailHead | None = None,
    ) -> bytes:
        """Make and sign the manifest of a batch.

        Args:
            batch: its inner id, which stays inside; the manifest names a pseudonym.
            releases: as for `engine.signing.certificate.manifest`.
            day: of signing.
            beside: as for `engine.signing.certificate.manifest`.
            trail: as for `engine.signing.certificate.manifest`.
        """
        public = self.keys.pseudonym("batch", batch)
        body = manifest(public, releases, day=day, key=self.keys.id, beside=beside, trail=trail)
        return self._signed("manifest", body)

    def head(self, number: int, digest: str, at: str) -> bytes:
        """Sign how far the audit trail has come: its last event's number and hash, in one line."""
        body = {"number": number, "hash": digest, "at": at, "key": self.keys.id}
        return self._signed("head", body)

    def revocations(self, entries: Iterable[tuple[str, str]], at: str) -> bytes:
        """Make and sign the list of revoked releases, as `engine.signing.revocations` takes it."""
        return self._signed("revocations", revocations(entries, at=at, key=self.keys.id))

    def _reviewer(self, name: str | None) -> str | None:
        return None if name is None else self.keys.pseudonym("reviewer", name)

    def _signed(self, kind: Kind, body: dict[str, Any]) -> bytes:
        """Sign a body, and read the file back as whoever verifies it would.

        Raises:
            InvalidSignature: it does not verify, or not with a key of this installation.
        """
        file = sign(kind, body, self.keys.signing)
        try:
            if read_document(kind, file).public_key not in self.keys.public_keys:
                raise InvalidSignature("its key is none of this installation")
        except InvalidSignature as error:
            raise InvalidSignature(
                f"A {kind} does not verify right after it was signed ({error}), so nothing goes "
                "out with it; please report it."
            ) from error
        return file


def signer(home: Path) -> Signer:
    """Make the signer of this installation, with new keys when there are none.

    Raises:
        UnusableKeys: the keys cannot be used.
        UnusableWeights: the manifest of the models cannot be read.
    """
    return Signer(open_key_ring(home), pipeline_version(), battery_summary(), own_weights_notice())
