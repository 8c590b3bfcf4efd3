"""Accounts: the sign-in file, which names the provider and says what its people may do.

`sign-in.toml` in the home folder. `[auth]` is what Streamlit's `st.login` reads; `[access]` is read
anew at every question, so that a role that is taken out of it is gone with the next click.
"""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.app.access import is_loopback
from engine.errors import LetheError, UnreadableFile
from engine.files.safe_read import content
from store.accounts.role import PEOPLE, Role

NAME = "sign-in.toml"
CALLBACK = "/oauth2callback"
_MOST_BYTES = 256 * 1024

Text = Annotated[str, Field(min_length=1)]


class UnusableSignIn(LetheError):
    """The sign-in file cannot be used, so nobody may do anything."""


class Provider(BaseModel):
    """`[auth]`: the OpenID provider, and this app as its client."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    redirect_uri: Text
    cookie_secret: Annotated[str, Field(min_length=32)]
    client_id: Text
    client_secret: Text
    server_metadata_url: Text

    @property
    def origin(self) -> str:
        """Where browsers reach the app."""
        return self.redirect_uri.removesuffix(CALLBACK)

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if not self.redirect_uri.endswith(CALLBACK) or urlsplit(self.origin).path:
            raise ValueError(f"redirect_uri is no https://host{CALLBACK}")
        for url in (self.redirect_uri, self.server_metadata_url):
            parts = urlsplit(url)
            if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
                raise ValueError("only addresses of this machine do without https")
        return self


class Access(BaseModel):
    """`[access]`: who has which roles, for how long, and which folders of the server are open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session_hours: Annotated[float, Field(gt=0, le=168, allow_inf_nan=False)] | None = None
    """After signing in; without it a session ends with the ID token."""
    roles_claim: Text | None = None
    """The claim that says what somebody is: a word, or a list of words."""
    claim_values: dict[Role, frozenset[str]] = {}
    """Words of that claim for each role; empty where they are the roles' own names."""
    emails: dict[Role, frozenset[str]] = {}
    """Addresses for each role; they count where the provider has verified them."""

    folders: tuple[Path, ...] = ()
    """Of the server, from which pictures may be taken; none unless they are named."""

    @model_validator(mode="after")
    def _names_people(self) -> Self:
        if not {*self.claim_values, *self.emails} <= PEOPLE:
            raise ValueError("no person has the role machine")
        if self.claim_values and self.roles_claim is None:
            raise ValueError("claim_values needs roles_claim")
        if self.roles_claim is None and not self.emails:
            raise ValueError("nobody has a role: give roles_claim or emails")
        if not all(folder.is_absolute() for folder in self.folders):
            raise ValueError("folders must be absolute paths")
        return self

    def roles(self, words: frozenset[str], email: str) -> frozenset[Role]:
        """The roles of somebody.

        Args:
            words: of the claim.
            email: verified and in lower case; empty without one.
        """
        values = self.claim_values or {role: frozenset({role.value}) for role in PEOPLE}
        by_claim = {role for role, accepted in values.items() if accepted & words}
        by_email = {
            role
            for role, addresses in self.emails.items()
            if email and email in {address.strip().lower() for address in addresses}
        }
        return frozenset(by_claim | by_email)


class SignIn(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    auth: Provider
    access: Access


def path(home: Path) -> Path:
    """Where the sign-in file of an installation lies."""
    return home / NAME


def read(home: Path) -> SignIn:
    """The sign-in file of this installation.

    Raises:
        UnusableSignIn: it is missing, open to other users, or was not accepted; says why, and never
            what the file holds.
    """
    file = path(home)
    try:
        others = stat.S_IMODE(file.stat().st_mode) & 0o077
        text = content(file, _MOST_BYTES).decode()
        if others:
            raise UnusableSignIn(
                f"{NAME} holds secrets and other users of this machine may open it; "
                f"`chmod 600 {NAME}` closes it."
            )
        return SignIn.model_validate(tomllib.loads(text))
    except OSError as error:
        raise UnusableSignIn(f"{NAME} cannot be read ({error.strerror}).") from error
    except UnreadableFile as error:
        raise UnusableSignIn(f"{NAME} {error}.") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise UnusableSignIn(f"{NAME} was not accepted: {where}: {first['msg']}.") from None
    except ValueError:  # TOML and UTF-8 say what they found
        raise UnusableSignIn(f"{NAME} is no TOML in UTF-8.") from None
