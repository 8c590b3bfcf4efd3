"""A process whose table of categories has one more row; prints what came of it, as JSON.

Run by `test_category.py` as `python -m tests.engine.made_up_category FOLDER`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

_ROW = """    Category.PLATE: Traits(
        plural="plates", colour="#117733", dark_colour="#44AA66",
        mark="triangle-up", margins=(0.3, 0.3, 0.4, 0.4),
    ),
    Category.OTHER:"""


def add_plate() -> None:
    import engine

    path = Path(engine.__file__).parent / "category.py"
    source = path.read_text(encoding="utf-8")
    source = source.replace("    OTHER =", '    PLATE = "plate"\n    OTHER =')
    source = source.replace("    Category.OTHER:", _ROW)
    module = ModuleType("engine.category")
    module.__file__ = str(path)
    sys.modules[module.__name__] = engine.category = module
    exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102 - our own source


def main(folder: Path) -> dict[str, object]:
    import numpy as np
    from PIL import Image

    from components.app.palette import COLOURS, MARKS
    from engine.__main__ import main as lethe
    from engine.category import DETECTABLE, DETECTABLE_WORDS, Category
    from engine.cli import running
    from engine.cli.command_line import categories_of
    from engine.detect.ensemble import Ensemble
    from engine.evaluation import run
    from engine.policy import Policy, default_policy, read_policy
    from engine.signing.envelope import public_bytes
    from engine.signing.keys import open_key_ring
    from engine.signing.sentences import sentences
    from engine.signing.verification.delivery import verify_folder
    from engine.signing.verification.findings import read_certificate_file
    from tests.engine.in_process import InProcess
    from tests.scenes import FakeDetector, seen

    plate = Category.PLATE
    policy = read_policy(
        "[categories.plate]\nauto_redact_at = 0.3\nreview_at = 0.1\n[release_check]\nplate = 0.4\n"
        "[review]\nnothing_found_of = ['plate']\naudit_share = 0.0\nnothing_found = false"
    )
    facts: dict[str, object] = {
        "detectable": DETECTABLE,
        "words": DETECTABLE_WORDS,
        "only": categories_of("plate,face"),
        "defaults": Policy().thresholds(plate).model_dump(),
        "shipped": default_policy().thresholds(plate).model_dump(),
        "read": [policy.thresholds(plate).review_at, policy.release_check.ask_at(plate)],
        "is_read_back": read_policy(policy.to_toml()) == policy,
        "palette": [COLOURS[plate], MARKS[plate]],
    }

    (folder / "policy.toml").write_text(policy.to_toml(), encoding="utf-8")
    (folder / "in").mkdir()
    rgb = np.random.default_rng(1).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(folder / "in" / "a.png")
    words = ["--policy", str(folder / "policy.toml")]

    def seeing(score: float) -> InProcess:
        return InProcess(Ensemble([FakeDetector([seen(score, (20, 20, 60, 40), plate)])]))

    for name, score in (("sure", 0.9), ("unsure", 0.2)):
        running.started_pool = lambda workers, score=score: seeing(score)
        status = lethe(["redact", str(folder / "in"), str(folder / name), *words])
        facts[name] = status
    released = folder / "sure" / "released"
    document = next(released.glob("*.certificate.json"))
    body = json.loads(document.read_bytes())["certificate"]
    trusted = frozenset([public_bytes(open_key_ring(folder / "home").signing)])
    facts["certificate"] = [body["regions"], body["release_check"]["plate"]]
    facts["verified"] = verify_folder(released, trusted).result
    facts["sentences"] = sentences(read_certificate_file(document).certificate)
    review = (folder / "unsure" / "review.jsonl").read_text(encoding="utf-8")
    facts["review"] = [one["category"] for one in json.loads(review)["doubts"]]

    coco = {
        "images": [{"id": 1, "file_name": "in/a.png", "width": 100, "height": 100}],
        "categories": [{"id": 1, "name": "Plates"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [20, 20, 40, 20]},
            {"id": 2, "image_id": 1, "category_id": 1, "bbox": [70, 70, 20, 20]},
        ],
    }
    (folder / "labels.json").write_text(json.dumps(coco), encoding="utf-8")
    run.ProcessPool = lambda workers: seeing(0.9)
    outputs = ["--json", str(folder / "f.json"), "--report", str(folder / "r.html")]
    lethe(["evaluate", str(folder / "labels.json"), *words, *outputs])
    measured = json.loads((folder / "f.json").read_text(encoding="utf-8"))["categories"]["plate"]
    facts["evaluation"] = [measured["labels"], measured["iou"]["found"]]
    facts["report"] = "Plates" in (folder / "r.html").read_text(encoding="utf-8")
    return facts


if __name__ == "__main__":
    add_plate()
    facts = main(Path(sys.argv[1]))
    Path(sys.argv[1], "facts.json").write_text(json.dumps(facts), encoding="utf-8")
