"""What the app takes from a provider: a genuine ID token of this sign-in, and nothing else."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from streamlit import auth_util

from tests.ports import free_port
from tests.server.conftest import PATIENCE_S, Server, answers, command

pytestmark = pytest.mark.slow

SECRET = secrets.token_hex()
CLIENT = "lethe"
IDENTITY = "_streamlit_user"


@dataclass
class Provider:
    """An OpenID provider that issues what it is told to."""

    port: int
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    claims: dict[str, object] = field(default_factory=dict)
    """In place of the true ones; None leaves one out."""
    signer: RSAKey | None = None
    """In place of its key."""
    algorithm: str = "RS256"
    """`HS256` takes the public key for a secret, `none` signs nothing."""
    nonce: str = ""
    is_moved: bool = False
    """Whether it sends whoever wants a token to another place."""
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self) -> str:
        now = int(time.time())
        true = {
            "iss": self.address, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300,
            "nonce": self.nonce, "email": "ana@example.org", "email_verified": True,
        }  # fmt: skip
        claims = {key: value for key, value in (true | self.claims).items() if value is not None}
        header = {"alg": self.algorithm, "kid": "one"}
        if self.algorithm == "RS256":
            return jwt.encode(header, claims, self.signer or self.key)
        text = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
        digest = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{part(digest) if self.algorithm == 'HS256' else ''}"

    def answer(self, path: str) -> object:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        return {"access_token": "a", "token_type": "Bearer", "id_token": self.token()}


def part(content: bytes) -> str:
    """A part of a compact token."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made: list[Provider] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            made[0].asked.append(self.path)
            if made[0].is_moved and self.path == "/token":
                self.send_response(307)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = json.dumps(made[0].answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        made.append(Provider(listening.server_port))
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield made[0]
        listening.shutdown()


@pytest.fixture(autouse=True)
def honest(provider):
    """Each test begins with a provider that tells the truth."""
    provider.claims, provider.signer, provider.algorithm = {}, None, "RS256"
    provider.is_moved = False


@pytest.fixture(scope="module")
def signing_in(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    port = free_port()
    lay(home, port, provider)
    running = Server(port, "", home / "log.txt", None)
    with running.log.open("wb") as log:
        process = subprocess.Popen(
            **command("--port", str(port), LETHE_HOME=str(home), LETHE_AUTH="oidc"),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not answers(running):
                assert process.poll() is None, running.log.read_text()
                assert time.monotonic() < deadline, "waited too long for the server"
                time.sleep(0.1)
            yield running
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def lay(home: Path, port: int, provider: Provider) -> None:
    """The sign-in file of an app at this port."""
    file = home / "sign-in.toml"
    file.touch(mode=0o600)
    file.write_text(
        f"""
        [auth]
        redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
        cookie_secret = "{SECRET}"
        client_id = "{CLIENT}"
        client_secret = "{secrets.token_hex()}"
        server_metadata_url = "{provider.address}/.well-known/openid-configuration"

        [access.emails]
        analyst = ["ana@example.org"]
        """
    )


def cookies(answer) -> dict[str, str]:
    """Cookies that an answer sets, those that it deletes left out."""
    pairs = (one.split(";")[0] for one in answer.headers.get_all("Set-Cookie") or ())
    split = (pair.partition("=") for pair in pairs)
    return {key: value for key, _, value in split if value != '""'}


@dataclass
class Begun:
    """A sign-in on its way to the provider, in one browser."""

    sent: dict[str, str]
    session: str


def begin(server: Server, provider: Provider, monkeypatch) -> Begun:
    monkeypatch.setattr(auth_util, "get_signing_secret", lambda: SECRET)
    answer = server.ask(f"/auth/login?provider={auth_util.encode_provider_token('default')}")
    assert answer.status == 302, answer.text
    sent = {key: value[0] for key, value in
            parse_qs(urlsplit(answer.headers["Location"]).query).items()}  # fmt: skip
    provider.nonce = sent["nonce"]
    return Begun(sent, "; ".join(f"{key}={value}" for key, value in cookies(answer).items()))


def come_back(server: Server, begun: Begun, **changed: str):
    state, session = changed.get("state", begun.sent["state"]), changed.get("session")
    return server.ask(
        f"/oauth2callback?code=x&state={state}",
        {"Cookie": begun.session if session is None else session},
    )


def is_let_in(server: Server, answer) -> bool:
    """Whether what came back opens what takes an identity; 401 says that it does not."""
    given = cookies(answer)
    header = "; ".join(f"{key}={value}" for key, value in given.items())
    is_known = server.ask("/media/x.jpg", {"Cookie": header}).status != 401
    assert is_known is (IDENTITY in given)
    return is_known


def test_a_genuine_token_of_this_sign_in_is_taken(signing_in, provider, monkeypatch):
    begun = begin(signing_in, provider, monkeypatch)

    answer = come_back(signing_in, begun)

    assert is_let_in(signing_in, answer)
    set_cookies = [one.lower() for one in answer.headers.get_all("Set-Cookie") if IDENTITY in one]
    assert all("httponly" in one and "samesite=lax" in one for one in set_cookies)


def test_the_way_out_carries_a_state_a_nonce_and_a_proof_key(signing_in, provider, monkeypatch):
    first, second = (begin(signing_in, provider, monkeypatch) for _ in range(2))

    for name in ("state", "nonce", "code_challenge"):
        assert len(first.sent[name]) >= 20
        assert first.sent[name] != second.sent[name]
    assert first.sent["code_challenge_method"] == "S256"
    assert first.sent["response_type"] == "code"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": None},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1},
        {"sub": None},
    ],
    ids=["replayed", "no nonce", "for another app", "for nobody", "of another issuer", "over",
         "of nobody"],
)  # fmt: skip
def test_a_token_of_something_else_is_refused(signing_in, provider, monkeypatch, claims):
    begun = begin(signing_in, provider, monkeypatch)
    provider.claims = claims

    assert not is_let_in(signing_in, come_back(signing_in, begun))


@pytest.mark.parametrize("algorithm", ["RS256", "HS256", "none"])
def test_a_token_that_the_provider_did_not_sign_is_refused(
    signing_in, provider, monkeypatch, algorithm
):
    """Another key, the public key taken for a shared secret, and no signature at all."""
    begun = begin(signing_in, provider, monkeypatch)
    provider.algorithm = algorithm
    provider.signer = RSAKey.generate_key(2048, {"kid": "one"})

    assert not is_let_in(signing_in, come_back(signing_in, begun))
    assert "OAuth token exchange failed" in signing_in.log.read_text()


@pytest.mark.parametrize("changed", [{"state": "another"}, {"session": ""}])
def test_an_answer_to_somebody_elses_sign_in_is_refused(signing_in, provider, monkeypatch, changed):
    begun = begin(signing_in, provider, monkeypatch)

    assert not is_let_in(signing_in, come_back(signing_in, begun, **changed))


def test_the_app_is_sent_nowhere_else_for_a_token(signing_in, provider, monkeypatch):
    begun = begin(signing_in, provider, monkeypatch)
    provider.is_moved = True

    assert not is_let_in(signing_in, come_back(signing_in, begun))
    assert "/token" in provider.asked
    assert "/elsewhere" not in provider.asked


def test_a_changed_identity_opens_nothing(signing_in, provider, monkeypatch):
    begun = begin(signing_in, provider, monkeypatch)
    given = cookies(come_back(signing_in, begun))[IDENTITY]
    payload, _, signature = given.partition(".")
    assert len(base64.urlsafe_b64decode(f"{signature.split('.')[-1]}==")) == 32  # SHA-256

    for value in (f"{payload[:-2]}AA.{signature}", f"{given[:-3]}AAA", f"{payload}.", payload):
        answer = signing_in.ask("/media/x.jpg", {"Cookie": f"{IDENTITY}={value}"})
        assert answer.status == 401
    assert signing_in.ask("/media/x.jpg", {"Cookie": f"{IDENTITY}={given}"}).status != 401
