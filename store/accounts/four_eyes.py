"""Four eyes: two people, of whom a provider vouches that they are two."""

from __future__ import annotations

from engine.errors import InvalidPolicy
from engine.policy import Policy
from store.accounts.actor import Actor


def refuse_alone(actor: Actor, policy: Policy) -> None:
    """Refuse a policy that asks for a second person where nobody signs in.

    Raises:
        InvalidPolicy: it does, and there is one local person alone.
    """
    if policy.review.four_eyes and not actor.is_signed_in:
        raise InvalidPolicy(
            "four_eyes under [review] asks for a second person before a download, and here nobody "
            "signs in: one local person would wait for ever. Nothing was changed; switch it off, "
            "or have people sign in (docs/how-to/sign-in.md)."
        )
