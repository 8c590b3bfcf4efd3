"""The right to write to an output at an address: one run at a time, from whatever machine.

A lock of this machine is seen on no other one, and a bucket has none. So a run writes an object
that must not be there yet and removes it when it ends. One that is killed leaves it, and somebody
who knows that it was has to say so.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from engine.cluster.bucket import Bucket
from engine.errors import UnusableFolder

LEASE = ".lethe/lease"


@dataclass(frozen=True, slots=True)
class Lease:
    """A right that was taken, until `end`."""

    bucket: Bucket
    _token: bytes

    @classmethod
    def taken(cls, bucket: Bucket, *, takes_over: bool) -> Lease:
        """Take the right to write.

        Args:
            bucket: where.
            takes_over: whether whoever has it is known to have been killed.

        Raises:
            UnusableFolder: another run has it, or the store would not tell of one.
        """
        token = secrets.token_hex(16).encode()
        if takes_over:
            bucket.write({LEASE: token})
            return cls(bucket, token)
        try:
            bucket.create(LEASE, token)
        except FileExistsError as error:
            raise UnusableFolder(
                f"Another run is writing to {bucket.url}, or was killed over it. If you know that "
                "none is left, on no machine, add --take-over."
            ) from error
        lease = cls(bucket, token)
        lease._refuse_overwriting()
        return lease

    def _refuse_overwriting(self) -> None:
        """Refuse a store that writes over what is there: some servers ignore conditional writes."""
        try:
            self.bucket.create(LEASE, self._token)
        except FileExistsError:
            return
        self.end()
        raise UnusableFolder(
            f"{self.bucket.url} writes over what is there already (its server ignores conditional "
            "writes), so that two runs could write to it at once. Use another; or make sure that "
            "no other run writes there, from any machine, and add --take-over."
        )

    def end(self) -> None:
        """Give it back, unless another run has taken it over."""
        if self.bucket.read(LEASE) == self._token:
            self.bucket.remove(LEASE)
