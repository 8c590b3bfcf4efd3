"""nginx with the example of docs/how-to/reverse-proxy.md, in places of a test's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "reverse-proxy.md"
NAME = "lethe.example.org"
PATIENCE_S = 30


@dataclass(frozen=True)
class Proxy:
    port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"https://{self.host}"

    @property
    def host(self) -> str:
        return f"{NAME}:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.folder / "lethe" / "fullchain.pem"

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*log*"))


def binary() -> str:
    """Where nginx is; without it the test is skipped, but fails where it has to run."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        says = "there is no nginx; install it (apt-get install nginx-light)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(says)
    return str(found)


def example() -> str:
    """The one example in the document."""
    (text,) = re.findall(r"```nginx\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)


def moved(text: str, places: dict[str, tuple[int, str]]) -> str:
    """The example elsewhere; each place must stand in it as often as is said."""
    for place, (count, other) in places.items():
        assert text.count(place) == count, place
        text = text.replace(place, other)
    return text


@contextmanager
def running(folder: Path, port: int, app_port: int) -> Iterator[Proxy]:
    """nginx in front of an app; it cannot write temporary files."""
    command = binary()
    (folder / "lethe").mkdir()
    _certify(folder / "lethe")
    (folder / "lethe.conf").write_text(
        moved(
            example(),
            {
                "listen 443 ssl": (2, f"listen 127.0.0.1:{port} ssl"),
                "127.0.0.1:8501": (1, f"127.0.0.1:{app_port}"),
                "/etc/nginx/": (2, f"{folder}/"),
                "/var/log/nginx/": (1, f"{folder}/"),
            },
        )
    )
    (folder / "nginx.conf").write_text(_around(folder))
    (folder / "temporary").mkdir()
    process = subprocess.Popen(
        [command, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", f"{folder}/start.log"]
    )
    proxy = Proxy(port, folder)
    try:
        _until_up(process, proxy)
        shutil.rmtree(folder / "temporary")  # whatever it buffers in a file fails from now on
        yield proxy
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _around(folder: Path) -> str:
    """What a distribution's own file says around the example."""
    temporary = "".join(
        f"{kind}_temp_path {folder}/temporary/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    return (
        f"daemon off; pid {folder}/nginx.pid; {user}\nworker_processes 1;\nevents {{}}\n"
        f"http {{\n{temporary}include {folder}/lethe.conf;\n}}\n"
    )


def _until_up(process: subprocess.Popen[bytes], proxy: Proxy) -> None:
    from tests.browser.conftest import wait_for

    def is_up() -> bool:
        assert process.poll() is None, proxy.logs()
        return (proxy.folder / "nginx.pid").exists()

    wait_for(is_up, "nginx")


def _certify(folder: Path) -> None:
    """A certificate that is thrown away."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
