"""The keys of the installation are gone, closed, broken, or others."""

from __future__ import annotations

import shutil

import pytest

from engine.errors import LetheError
from engine.signing.keys import open_key_ring
from tests.reliability.conftest import FINISHED
from tests.reliability.scenes import DOUBTFUL, NAMES

WAITING = dict.fromkeys(NAMES, "waiting")
PUT_BACK = "the keys put back from a copy"
_ON = (
    "Nothing was changed. Put the folder keys back from a copy. Without one, remove "
    "lethe.generation beside it: Lethe goes on with other keys then, does not know what the old "
    "ones signed, and pictures that are not finished have to be added again."
)


def gone(keys):
    shutil.rmtree(keys)


def others(keys):
    shutil.rmtree(keys)
    open_key_ring(keys.parent)


def other_signing_key(keys):
    stranger = keys.parent / "stranger"
    open_key_ring(stranger)
    shutil.copy(stranger / "keys" / "signing.pem", keys / "signing.pem")
    shutil.rmtree(stranger)


def without_secret(keys):
    (keys / "pseudonym").unlink()


def rubbish(keys):
    (keys / "signing.pem").write_bytes(b"no key")


def readable_by_all(keys):
    (keys / "signing.pem").chmod(0o644)


SAME_FOR_BOTH = [
    (
        "the signing key is another one",
        other_signing_key,
        (
            "$LETHE_HOME/keys/signing.pem belongs to none of the keys in $LETHE_HOME/keys/public,"
            " so what it signs would be unknown here; nothing was signed. Put it back from a "
            "copy."
        ),
    ),
    (
        "the secret behind pseudonyms is gone",
        without_secret,
        (
            "$LETHE_HOME/keys/pseudonym is missing or broken; nothing was signed. Put it back "
            "from a copy, or move $LETHE_HOME/keys away to begin with new keys: what the old ones"
            " signed is then unknown here."
        ),
    ),
    (
        "the signing key cannot be read",
        rubbish,
        (
            "$LETHE_HOME/keys/signing.pem is missing or broken; nothing was signed. Put it back "
            "from a copy, or move $LETHE_HOME/keys away to begin with new keys: what the old ones"
            " signed is then unknown here."
        ),
    ),
    (
        "others can read the signing key",
        readable_by_all,
        (
            "$LETHE_HOME/keys/signing.pem can be reached by others, so its keys were not used. "
            "Close it (chmod -R go= $LETHE_HOME/keys); if somebody may have read it, then trust "
            "it no more: lethe keys distrust ID, and lethe keys show for "
            "the ID. What it signed fails from then on."
        ),
    ),
]


@pytest.fixture
def halfway(line):
    """Everything is done but for what a person decided, which waits to be removed."""
    line.work()
    line.decide()
    line.close()
    shutil.copytree(line.home / "keys", line.folder / "copy")
    return line


def broken_keys(line, breaks):
    keys = line.home / "keys"
    breaks(keys)

    def put_back():
        shutil.rmtree(keys, ignore_errors=True)
        shutil.copytree(line.folder / "copy", keys)

    return put_back


def refused(line):
    """What the line says instead of working."""
    if line.where == "shell":
        line.work(stops=True)
    else:
        with pytest.raises(LetheError) as error:
            line.work()
        line.told = [str(error.value)]


@pytest.mark.parametrize(
    ("fault", "breaks", "said"), SAME_FOR_BOTH, ids=[fault for fault, _, _ in SAME_FOR_BOTH]
)
def test_keys_that_cannot_be_used_stop_the_line(halfway, broken, fault, breaks, said):
    case = broken("key", fault, halfway)

    put_back = broken_keys(halfway, breaks)
    refused(halfway)
    told = halfway.told
    put_back()
    halfway.told = told

    case.ends({**FINISHED, DOUBTFUL: halfway.decided_fate}, said)
    halfway.work()
    case.all_released(PUT_BACK)


@pytest.mark.parametrize(
    ("fault", "breaks", "app_says"),
    [
        (
            "they are gone",
            gone,
            f"$LETHE_HOME/keys is gone, with the keys of this installation. {_ON}",
        ),
        (
            "they are those of another installation",
            others,
            f"The keys in $LETHE_HOME/keys are not those of this installation. {_ON}",
        ),
    ],
    ids=["gone", "others"],
)
def test_an_installation_that_lost_its_keys_says_so_and_blames_no_picture(
    halfway, broken, fault, breaks, app_says
):
    case = broken("key", fault, halfway)
    shell_says = (
        "OUT was not written by this installation, or its keys are others now; nothing was "
        "changed. Put the keys back from a copy, choose a new output folder, or review what waits "
        "in the app: lethe store ingest."
    )

    put_back = broken_keys(halfway, breaks)
    refused(halfway)
    told = halfway.told
    put_back()
    halfway.told = told

    case.ends(
        {**FINISHED, DOUBTFUL: halfway.decided_fate},
        shell_says if halfway.where == "shell" else app_says,
    )
    halfway.work()
    case.all_released(PUT_BACK)
