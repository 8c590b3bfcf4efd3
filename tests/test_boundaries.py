"""The architecture as rules that the syntax trees must obey."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MUST_NOT_IMPORT = {
    "engine": "streamlit duckdb plotly components models store pages ultralytics torch",
    "store": "streamlit plotly components models pages cv2 onnxruntime ultralytics torch",
    "components": "duckdb onnxruntime models pages ultralytics torch",
    "pages": "duckdb cv2 onnxruntime models numpy ultralytics torch",
    "models": "streamlit duckdb plotly components store pages",
    "lethe": "streamlit duckdb plotly models pages cv2 onnxruntime ultralytics torch",
}
MAY_IMPORT = {
    "engine/attacks/algorithms/network.py": {"torch"},  # docs/decisions/0009-battery.md
}
CLOCKS_AND_CHANCE = {"time", "datetime", "random", "secrets", "uuid"}
MAY_ASK_CLOCK_OR_CHANCE = {
    "engine/runs/pool.py",  # workers look once a second whether their parent lives
    "engine/cli/bench/commands.py",  # measures
    "engine/cli/bench/line.py",  # measures
    "engine/cli/redact.py",  # times its run
    "engine/cli/release.py",  # times its run
    "engine/cli/running.py",  # draws seeds and names
    "engine/cli/command_line.py",  # the day, for whatever is dated
    "engine/signing/keys.py",  # draws the secret behind pseudonyms
    "engine/runs/output_folder.py",  # a new folder's key
    "engine/cluster/bucket.py",  # draws a name for a file until it is whole
    "engine/cluster/lease.py",  # draws the token of whoever writes
    "engine/files/atomic.py",  # a day that it is given as a file's time
    "engine/pipeline.py",  # the stopwatch, whose clock is an argument
}
DRAWS = {"secrets.randbits"}


def modules(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def product() -> list[Path]:
    return [*ROOT.glob("*.py"), *(path for name in MUST_NOT_IMPORT for path in modules(name))]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(module: ast.Module) -> Iterator[str]:
    """Dotted names of everything imported anywhere in a module, `from` imports included."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and dotted(node.func) in {
            "__import__", "import_module", "importlib.import_module",
        }:  # fmt: skip
            yield from (
                part.value
                for part in node.args
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression that is one, else what of it can be named."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def named(module: ast.Module) -> Iterator[str]:
    """Every name and attribute that a module mentions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute | ast.Name):
            yield dotted(node)
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def forbidden_in(module: ast.Module, packages: str) -> set[str]:
    return {name.split(".")[0] for name in imported(module)} & set(packages.split())


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "packages"), MUST_NOT_IMPORT.items(), ids=list(MUST_NOT_IMPORT))
def test_a_folder_imports_nothing_from_above_or_beside_it(folder, packages):
    offences = {
        name_of(path): found
        for path in modules(folder)
        if (found := forbidden_in(tree(path), packages) - MAY_IMPORT.get(name_of(path), set()))
    }

    assert not offences


def outermost(module: ast.Module) -> Iterator[str]:
    """Dotted names of what importing a module imports, so without what functions import later."""
    for node in module.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not guarded(node):
            yield from imported(ast.Module([node], []))


def guarded(node: ast.stmt) -> bool:
    """Whether a statement is there for type checkers alone."""
    return isinstance(node, ast.If) and dotted(node.test) == "TYPE_CHECKING"


@pytest.mark.parametrize(("name", "packages"), MAY_IMPORT.items(), ids=list(MAY_IMPORT))
def test_an_exception_is_used_and_only_inside_functions(name, packages):
    module = tree(ROOT / name)

    assert packages <= {one.split(".")[0] for one in imported(module)}
    assert not packages & {one.split(".")[0] for one in outermost(module)}


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "class Net:\n    import torch",
        "if True:\n    import torch",
        "try:\n    from torch import nn\nexcept ImportError:\n    nn = None",
    ],
)
def test_the_search_for_outermost_imports_sees_them(source):
    assert "torch" in {name.split(".")[0] for name in outermost(ast.parse(source))}


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "import torch.nn as layers",
        "from torch import nn",
        "def later():\n    from torch.nn import Linear",
        "import importlib\nimportlib.import_module('torch.nn')",
        "__import__('torch')",
    ],
)
def test_the_table_sees_every_way_to_import(source):
    assert forbidden_in(ast.parse(source), MUST_NOT_IMPORT["engine"]) == {"torch"}


def test_nobody_imports_a_relative_name():
    offences = [
        name_of(path)
        for path in product()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert not offences


def makers(module: ast.Module, maker: str) -> int:
    """How often a module calls `maker`, or hands it on so that somebody else may."""
    calls = {id(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)}
    called = [
        node
        for node in ast.walk(module)
        if id(node) in calls and isinstance(node, ast.expr) and dotted(node).endswith(maker)
    ]
    renamed = [
        alias
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == maker and alias.asname
    ]
    assigned = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and dotted(node.value).endswith(maker)
    ]
    return len(called) + len(renamed) + len(assigned)


@pytest.mark.slow
def test_only_removal_makes_a_redacted_image():
    found = {name_of(path) for path in product() if makers(tree(path), "RedactedImage")}

    assert found == {"engine/redact/removal.py"}


@pytest.mark.parametrize(
    "source",
    [
        "RedactedImage(rgb)",
        "images.RedactedImage(rgb)",
        "from engine.images import RedactedImage as Picture",
        "Picture = images.RedactedImage",
    ],
)
def test_the_search_for_makers_sees_through_names(source):
    assert makers(ast.parse(source), "RedactedImage") == 1


def test_redacted_images_are_not_made_by_going_around_their_class():
    around = {"object.__new__", "RedactedImage.__new__", "pickle.loads", "dataclasses.replace"}
    offences = {
        name_of(path)
        for path in product()
        if "RedactedImage" in set(named(tree(path))) and around & set(named(tree(path)))
    }

    assert not offences


def encoders(module: ast.Module) -> set[str]:
    """Calls that write a picture's pixels to bytes or a file."""
    writing = ("imencode", "imwrite", "imencodemulti", "imwritemulti", "encode_jpeg", "tofile")
    found = {
        name
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and (name := dotted(node.func))
        and (name.rsplit(".", 1)[-1] in writing or name.rsplit(".", 1)[-1] == "save")
    }
    return {name for name in found if not name.startswith("np.")}


def test_only_codec_encodes_pictures():
    found = {name_of(path): calls for path in modules("engine") if (calls := encoders(tree(path)))}

    # templates: T6 needs originals as JPEG files, which are made up and never leave the process;
    # photographs: originals to measure speed on, in a folder that goes with the measurement
    assert set(found) == {
        "engine/codec/encode.py",
        "engine/attacks/battery/templates.py",
        "engine/cli/bench/photographs.py",
    }


@pytest.mark.parametrize(
    "source", ["cv2.imencode('.png', rgb)", "imwrite('x.png', rgb)", "Image.fromarray(rgb).save(x)"]
)
def test_the_search_for_encoders_sees_calls(source):
    assert encoders(ast.parse(source))


def test_only_the_session_names_streamlits_state():
    found = {
        name_of(path)
        for path in product()
        if any(name.split(".")[-1] == "session_state" for name in named(tree(path)))
    }

    assert found <= {"components/app/session.py"}


RELEASED_FILES = {
    ("components/upload/batch_card.py", "release_thumbnail"),
    ("components/release/page.py", "str(receipt.path)"),
}


def pictures_at_an_address(module: ast.Module) -> set[str]:
    """What is shown as a picture and not `inline`: Streamlit serves it to all who know where."""
    shown = [
        node.args[0]
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and dotted(node.func).endswith(".image") and node.args
    ]
    return {
        ast.unparse(one)
        for one in shown
        if not (isinstance(one, ast.Call) and dotted(one.func) == "inline")
    }


def test_only_releases_are_served_at_an_address():
    found = {
        (name_of(path), argument)
        for folder in ("components", "pages")
        for path in modules(folder)
        for argument in pictures_at_an_address(tree(path))
    }

    assert found == RELEASED_FILES


@pytest.mark.parametrize(
    "source",
    ["st.image(original)", "column.image(crop_jpeg(rgb))", "with x: st.image(data, alt='')"],
)
def test_the_search_for_pictures_at_an_address_sees_calls(source):
    assert pictures_at_an_address(ast.parse(source))


CSV_WRITERS = {"to_csv", "writer", "DictWriter"}


def test_who_writes_cells_makes_them_inert():
    """A name or a licence that begins with a formula's sign would be computed by spreadsheets."""
    writing = {
        path: module
        for path in product()
        for module in [tree(path)]
        if any(
            isinstance(node, ast.Call) and dotted(node.func).rsplit(".", 1)[-1] in CSV_WRITERS
            for node in ast.walk(module)
        )
    }

    assert {name_of(path) for path in writing} >= {
        "engine/runs/name_map.py",
        "components/release/bundle.py",
    }
    assert not [
        name_of(path)
        for path, module in writing.items()
        if "engine.files.cells.inert" not in set(imported(module))
    ]


EVALUATE = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.loads",
            "pickle.load", "marshal.loads", "yaml.load"}  # fmt: skip


def test_links_in_a_circle_are_no_error_anywhere():
    """`Path.resolve` raises RuntimeError over them."""
    callers = {
        name_of(path)
        for path in product()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "resolve"
        if dotted(node.value) is not None or isinstance(node.value, ast.Call | ast.BinOp)
        if not (isinstance(node.value, ast.Call) and "__file__" in ast.unparse(node.value))
    }

    assert callers == {
        "engine/evaluation/data/datasets.py",  # of what must be there, and says so of circles
        "engine/evaluation/data/yolo.py",  # a method of ours
    }


def test_no_text_becomes_code_and_no_program_runs_through_a_shell():
    assert {"eval"} == set(becomes_code(ast.parse("eval(text)")))
    assert {"shell"} == set(becomes_code(ast.parse("run(text, shell=True)")))

    served = [path for path in product() if not name_of(path).startswith("models/")]
    assert {(name_of(path), found) for path in served for found in becomes_code(tree(path))} == {
        ("engine/evaluation/data/yolo.py", "yaml.load")
    }  # with a loader that makes no objects


def becomes_code(module: ast.Module) -> Iterator[str]:
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        if dotted(call.func) in EVALUATE:
            yield dotted(call.func)
        if any(one.arg == "shell" for one in call.keywords):
            yield "shell"


PUT_INTO_STATEMENTS = {"rows.table", "rows.owner", "rows.owners", "table", "unstarted",
                       "clauses", "key", "name", "place"}  # fmt: skip
"""Names of our own tables, columns and files; conditions of a filter, of constants."""


def test_statements_are_made_of_constants_and_values_go_beside_them():
    found = {part for path in modules("store") for part in put_into_statements(tree(path))}

    assert {"CONDITION", "COLUMNS"} <= found
    assert not {one for one in found if not one.rsplit(".", 1)[-1].isupper()} - PUT_INTO_STATEMENTS
    assert list(put_into_statements(ast.parse('c.execute(f"SELECT {name}")'))) == ["name"]
    assert list(put_into_statements(ast.parse('c.execute("SELECT " + name)'))) == ["name"]


def put_into_statements(module: ast.Module) -> Iterator[str]:
    """What is put into the text of statements rather than handed over beside it."""
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        if dotted(call.func).rsplit(".", 1)[-1] in {"execute", "executemany", "sql"} and call.args:
            text = call.args[0]
            for node in ast.walk(text):
                if isinstance(node, ast.FormattedValue):
                    yield ast.unparse(node.value)
                if isinstance(node, ast.BinOp):
                    yield from (
                        ast.unparse(side)
                        for side in (node.left, node.right)
                        if not isinstance(side, ast.Constant | ast.BinOp | ast.JoinedStr)
                    )


CRYPTOGRAPHY = {"AESGCM", "Ed25519PrivateKey", "Ed25519PublicKey", "HKDF", "SHA256", "Scrypt"}
BROKEN = {"md5", "sha1", "new", "ECB", "CBC", "ARC4", "TripleDES", "PKCS1v15", "random"}


def test_cryptography_is_of_the_kinds_that_are_listed():
    """docs/safeguards.md lists them."""
    taken, hashed = set(), set()
    for path in (one for folder in ("engine", "store", "components") for one in modules(folder)):
        for name in imported(tree(path)):
            if name.startswith("cryptography.hazmat"):
                taken.add(name.rsplit(".", 1)[-1])
        hashed |= {
            node.attr
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Attribute) and dotted(node).startswith("hashlib.")
        }

    assert {name for name in taken if name[0].isupper()} == CRYPTOGRAPHY
    assert taken.isdisjoint(BROKEN)
    assert hashed == {"sha256", "file_digest", "_Hash"}  # the second is given one of them
    listed = (ROOT / "docs" / "safeguards.md").read_text(encoding="utf-8")
    for name in ("AES-256-GCM", "Ed25519", "HKDF", "scrypt", "SHA-256", "HMAC-SHA-256"):
        assert name in listed


def test_the_engine_asks_neither_clock_nor_chance():
    found = {
        name_of(path)
        for path in modules("engine")
        if CLOCKS_AND_CHANCE & {name.split(".")[0] for name in imported(tree(path))}
    }

    assert found == MAY_ASK_CLOCK_OR_CHANCE


def test_the_engine_draws_from_seeded_generators_only():
    unseeded = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules("engine")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ".random." in dotted(node.func)
        and not (dotted(node.func).endswith("default_rng") and node.args)
    ]

    assert not unseeded


def drawn(call: ast.Call, argument: str) -> bool:
    """Whether an argument of a call is drawn from the machine's own chance on the spot."""
    return any(
        isinstance(one.value, ast.Call) and dotted(one.value.func) in DRAWS
        for one in call.keywords
        if one.arg == argument
    )


def jobs(module: ast.Module) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and dotted(node.func).rsplit(".", 1)[-1] == "Job"
    ]


def test_every_job_has_a_seed_that_nobody_can_know():
    """One derived from the file would let whoever has the file make the fill again, unnoticed."""
    found = {name_of(path): calls for path in product() if (calls := jobs(tree(path)))}

    assert set(found) == {"engine/cli/running.py", "store/worker/dispatcher.py"}
    for calls in found.values():
        assert all(drawn(call, "seed") for call in calls)


@pytest.mark.parametrize(
    ("source", "is_drawn"),
    [
        ("Job(seed=secrets.randbits(63))", True),
        ("Job(seed=int.from_bytes(digest))", False),
        ("Job(seed=seed)", False),
        ("outcome.Job(id=secrets.token_hex(16))", False),
        ("Job(seed=hash(secrets.randbits(64) * 0 + size))", False),
    ],
)
def test_the_search_for_seeds_sees_where_they_come_from(source, is_drawn):
    (call,) = jobs(ast.parse(source))

    assert drawn(call, "seed") is is_drawn


def test_no_assertion_guards_the_product():
    offences = [
        f"{name_of(path)}:{node.lineno}"
        for path in product()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assert)
    ]

    assert not offences


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [
        "engine.runs.jobs",
        "engine.pipeline",
        "engine.runs.pool",
        "engine.cli.redact",
        "engine.cli.release",
        "engine.cli.evaluate",
        "engine.cli.attack",
        "engine.attacks.battery.run",
        "engine.__main__",
    ],
)
def test_a_fresh_interpreter_that_imports_the_engine_stays_free_of_the_rest(module):
    program = (
        f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert "engine" in loaded
    assert not loaded & set(MUST_NOT_IMPORT["engine"].split())


@pytest.mark.slow
def test_the_store_loads_no_decoder():
    """Its commands start at once, and a damaged picture cannot reach it."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules("store")]
    program = f"import sys, {', '.join(names)}; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert "store.worker.dispatcher" in loaded
    assert not loaded & {"cv2", "PIL", "pillow_heif", "onnxruntime", "engine.codec.decode"}


@pytest.mark.parametrize(
    "name", ["engine/runs/refusal.py", *(name_of(path) for path in modules("store"))]
)
def test_what_the_store_imports_it_imports_at_the_top(name):
    """A function that imports a decoder later would pass the test above."""
    later = [
        node.lineno
        for function in ast.walk(tree(ROOT / name))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert not later


DELETING = {"rmtree", "unlink", "rmdir", "remove"}
FILE_TIMES = {"st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns", "st_atime", "getmtime"}


def last_names(module: ast.Module) -> set[str]:
    return {name.rsplit(".", 1)[-1] for name in named(module)}


def test_nothing_is_deleted_for_its_age():
    """A clock that was set forward makes every file old."""
    deleting = [path for path in product() if DELETING & last_names(tree(path))]

    assert ROOT / "components/recall/archive.py" in deleting
    assert not [name_of(path) for path in deleting if FILE_TIMES & last_names(tree(path))]
