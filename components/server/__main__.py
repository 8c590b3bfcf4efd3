"""`lethe app`: the app, for whoever has the address that this prints."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from components.app import accounts
from components.app.access import is_loopback
from components.app.accounts import SignIn, UnusableSignIn
from components.server.origins import Origins, UnusableAddress, read_origins
from engine.cli.exits import Exit, exits_of
from engine.errors import LetheError
from engine.files.home import home
from engine.logs import keep_names_out

TOKEN_BYTES, LEAST_TOKEN = 32, 32
"""Drawn bytes of a token, and the fewest characters of one that is given."""

if TYPE_CHECKING:
    from components.server.serving import Serving

_MODES = ("single", "oidc")

_DESCRIPTION = """\
Serve the app on this machine. The address that is printed holds a token: whoever has it can use the
app. With LETHE_AUTH=oidc people sign in instead (docs/how-to/sign-in.md). How to make it reachable
for others, docs/how-to/reverse-proxy.md says.
"""
_READY = """
  Lethe is ready at

      {url}

  {whose}. Ctrl-C ends the program.
"""
_KEEP_IT = "This address is the key to it: keep it to yourself"
_SIGN_IN = "Whoever opens it is asked to sign in"


def main(
    arguments: Sequence[str],
    environment: Mapping[str, str] = os.environ,
    *,
    program: str = "python -m components.server",
) -> int:
    """Serve the app, and return the exit status; `program` is how it is called."""
    options = _parser(program).parse_args(arguments)
    try:
        if not is_loopback(options.address):
            raise UnusableAddress(
                f"Lethe is served on this machine only, not on "
                f"{options.address or 'every address'}. Leave out --address; how others reach it "
                "through a reverse proxy, docs/how-to/reverse-proxy.md says."
            )
        origins = read_origins(environment.get("LETHE_PUBLIC_ADDRESS"))
        sign_in = _sign_in(environment.get("LETHE_AUTH") or "single", origins)
        token = None if sign_in else _token(environment.get("LETHE_TOKEN"))
        metrics_port = options.metrics_port or _metrics_port(environment.get("LETHE_METRICS_PORT"))
        if metrics_port == options.port:
            raise UnusableAddress(f"Port {metrics_port} is the app's; give figures another.")
    except LetheError as error:
        sys.stderr.write(f"{error}\n")
        return Exit.USAGE
    keep_names_out()
    # Streamlit takes a second: not before a refusal
    from components.server.serving import Serving, serve

    try:
        serve(
            Serving(options.address, options.port, origins, token, sign_in, metrics_port), _announce
        )
    except LetheError as error:
        sys.stderr.write(f"{error}\n")
        return Exit.USAGE
    return Exit.DONE


def _announce(serving: Serving) -> None:
    whose = _KEEP_IT if serving.token else _SIGN_IN
    sys.stdout.write(_READY.format(url=serving.url, whose=whose))
    sys.stdout.flush()


def _sign_in(mode: str, origins: Origins) -> SignIn | None:
    """How people sign in; None where one local person does without.

    Raises:
        UnusableSignIn: there is no such mode, or the sign-in file cannot be used.
    """
    if mode not in _MODES:
        raise UnusableSignIn(f"LETHE_AUTH is {mode!r}; it must be {' or '.join(_MODES)}.")
    if mode == "single":
        return None
    sign_in = accounts.read(home())
    origin = sign_in.auth.origin
    is_elsewhere = origins.public is not None and origin != origins.public.geturl()
    if is_elsewhere or not origins.allow(urlsplit(origin).netloc, origin):
        raise UnusableSignIn(
            f"The provider sends people back to {origin}, which is no address of this app; set "
            "LETHE_PUBLIC_ADDRESS to it."
        )
    return sign_in


def _token(given: str | None) -> str:
    """The token of this start: the one that was given, or a new one.

    Raises:
        UnusableAddress: the one that was given could be guessed, or fits into no address.
    """
    if not given:
        return secrets.token_urlsafe(TOKEN_BYTES)
    if len(given) < LEAST_TOKEN or not given.replace("-", "").replace("_", "").isalnum() \
            or not given.isascii():  # fmt: skip
        raise UnusableAddress(
            f"LETHE_TOKEN must be {LEAST_TOKEN} or more letters, digits, - and _, such as "
            "`openssl rand -hex 32` prints; leave it out to have one drawn at each start."
        )
    return given


def _metrics_port(given: str | None) -> int | None:
    """The port of figures that the environment names, if it does.

    Raises:
        UnusableAddress: it is none.
    """
    try:
        return _port(given) if given else None
    except argparse.ArgumentTypeError as error:
        raise UnusableAddress(f"LETHE_METRICS_PORT {error}.") from error


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="environment: LETHE_HOME, LETHE_AUTH, LETHE_TOKEN, LETHE_PUBLIC_ADDRESS,\n"
        f"LETHE_METRICS_PORT\n{exits_of('app')}",
    )
    parser.add_argument("--port", type=_port, default=8501, metavar="N", help="default: 8501")
    parser.add_argument(
        "--metrics-port",
        type=_port,
        metavar="N",
        help="figures for monitoring, on this machine alone (default: none)",
    )
    parser.add_argument(
        "--address", default="127.0.0.1", help="of this machine alone (default: 127.0.0.1)"
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in range(1, 65_536):
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
