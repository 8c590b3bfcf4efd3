"""An S3 of this machine, and a Ray of this machine with room for two actors."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from engine.cluster.bucket import Bucket
from engine.cluster.ray_data import connected


@pytest.fixture(scope="package")
def s3() -> Iterator[str]:
    """The address of an empty bucket; credentials and endpoint come from the environment."""
    server = pytest.importorskip("moto.server", reason="moto comes with requirements-dev.txt")
    pytest.importorskip("s3fs", reason="s3fs comes with requirements-cluster.txt")
    here = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    here.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{here.get_host_and_port()[1]}")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("pictures")
        yield "s3://pictures"
        s3fs.S3FileSystem.clear_instance_cache()
    here.stop()


@pytest.fixture(scope="package")
def ray_of_two(s3: str) -> Iterator[ModuleType]:
    """Actors inherit the environment that Ray was started in, the address of the S3 with it."""
    pytest.importorskip("ray", reason="Ray comes with requirements-cluster.txt")
    with connected(None, 2) as ray:
        yield ray


@pytest.fixture
def s3_bucket(s3: str) -> Bucket:
    return Bucket.at(f"{s3}/out")
