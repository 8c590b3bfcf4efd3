"""The signer breaks: what makes certificates and manifests."""

from __future__ import annotations

from engine.signing import signer
from engine.signing.envelope import sign
from tests.reliability.scenes import DOUBTFUL, NAMES
from tests.reliability.test_detector import DEFECT
from tests.reliability.test_removal import HELD

WAITING = dict.fromkeys(NAMES, "waiting")
UNVERIFIED = (
    "A certificate does not verify right after it was signed (it was changed after it was signed, "
    "or its key was: the signature does not fit), so nothing goes out with it; please report it."
)
AGAIN = "Work is interrupted and will be tried again. "


def failing_on(kind, answer):
    return lambda asked, body, key: (
        answer(asked, body, key) if asked == kind else sign(asked, body, key)
    )


def raising(kind, body, key):
    raise ValueError("expected whole numbers")


def of_another(kind, body, key):
    """The signature of another body, as from a signer that mixes up two threads."""
    other = sign(kind, {**body, "day": "2001-01-01"}, key)
    mine = sign(kind, body, key)
    (signature,) = [part for part in other.split(b'"') if len(part) == 88]
    (own,) = [part for part in mine.split(b'"') if len(part) == 88]
    return mine.replace(own, signature)


def test_a_certificate_that_does_not_verify_goes_out_with_nothing(line, broken, monkeypatch):
    case = broken("signer", "signs what does not verify", line)

    with monkeypatch.context() as patch:
        patch.setattr(signer, "sign", failing_on("certificate", of_another))
        line.work(stops=True)

    # the shell takes pictures by name, and the first of them goes to a person
    ends = WAITING | ({DOUBTFUL: "review"} if line.where == "shell" else {})
    case.ends(ends, UNVERIFIED if line.where == "shell" else AGAIN + UNVERIFIED)
    case.goes_on(line.restarted)


def test_a_defect_holds_back_each_picture_in_the_shell(shell, broken, monkeypatch):
    case = broken("signer", "raises an error", shell)

    with monkeypatch.context() as patch:
        patch.setattr(signer, "sign", failing_on("certificate", raising))
        shell.work()

    case.ends(HELD, DEFECT.format("ValueError"))
    case.goes_on(shell.held_back)


def test_a_defect_holds_back_each_picture_in_the_app_after_many_tries(app, broken, monkeypatch):
    case = broken("signer", "raises an error", app)

    with monkeypatch.context() as patch:
        patch.setattr(signer, "sign", failing_on("certificate", raising))
        app.work()

    case.ends(HELD, "Held back because work on it was cut short 3 times.")
    case.goes_on(app.held_back)


def test_a_manifest_that_cannot_be_signed_leaves_releases_without_one(shell, broken, monkeypatch):
    case = broken("signer", "signs a manifest that does not verify", shell)
    shell.work()

    with monkeypatch.context() as patch:
        patch.setattr(signer, "sign", failing_on("manifest", of_another))
        (shell.out / "released" / "manifest.json").unlink()
        shell.work(stops=True)

    case.ends(
        {**dict.fromkeys(NAMES, "released"), DOUBTFUL: "review"},
        UNVERIFIED.replace("certificate", "manifest"),
    )
    case.goes_on(shell.restarted)
