"""Upload, over the real store and the real line with made-up detectors."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.runtime.state import SafeSessionState

from components.app import server_folders, services, session
from components.app.access import User
from components.app.palette import plain
from components.app.server_folders import ClosedFolder
from components.upload.own_staging import own_staging
from components.upload.staging import Staging
from engine.files import atomic
from engine.policies.text import NAMES, summary_of
from engine.policy import Policy, named_policy, read_policy
from store.accounts.role import PEOPLE
from store.batches import batches, intake, pictures
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.batches.pictures import PictureState
from store.vault.vault import is_sealed
from tests.app.conftest import png
from tests.app.reading import UPRIGHT, WIDE, said
from tests.awkward import exif_block, jpeg
from tests.store.fakes import ACTOR

pytestmark = pytest.mark.slow


def test_upload_shows_problems_first_and_what_rides_along(lethe):
    lethe.staging.take_file("fine.png", WIDE)
    lethe.staging.take_file("broken.png", b"no picture")

    app = lethe.page("Upload")

    table = app.dataframe[0].value
    assert list(table["Name"]) == ["broken.png", "fine.png"]
    assert table["Problem"][0].startswith("The file is no picture format that Lethe reads")
    assert table["Pixels"][1] == "120 × 100"
    assert "1 file will probably be held back, each with its reason." in said(app)


@pytest.mark.parametrize(
    ("contents", "label"),
    [
        ((UPRIGHT, WIDE), "Start with 2 pictures"),
        ((UPRIGHT, b"a note", b""), "Start with 1 picture"),
        ((b"a note", b""), "Start with 2 files"),
    ],
    ids=["pictures alone", "some that are none", "no picture"],
)
def test_start_counts_what_can_be_a_picture_and_hands_in_everything(lethe, contents, label):
    for number, content in enumerate(contents):
        lethe.staging.take_file(f"{number}.png", content)
    app = lethe.page("Upload")
    assert app.button(key="upload_start").label == label

    app.button(key="upload_start").click().run()

    assert lethe.settle().total == len(contents)


def test_columns_without_a_word_take_no_room(lethe):
    lethe.staging.take_file("fine.png", WIDE)

    app = lethe.page("Upload")

    assert list(app.dataframe[0].proto.column_order) == ["Name", "Format", "Pixels", "Size"]


def test_the_optional_manifest_is_folded_until_it_is_wanted_and_says_that_it_is_kept(lethe):
    lethe.staging.take_file("a.png", UPRIGHT)
    (folded,) = [one for one in lethe.page("Upload").expander if "manifest" in one.label]
    assert folded.label == "Licence manifest, optional"
    assert not folded.proto.expanded
    assert [one.key for one in folded.file_uploader] == ["upload_manifest"]

    lethe.staging.keep_manifest(b"no column\n")

    app = lethe.page("Upload")
    (folded,) = [one for one in app.expander if "manifest" in one.label]
    assert folded.label == "Licence manifest, kept with these pictures"
    assert not folded.error
    assert any("The manifest has no column filename" in error.value for error in app.error)


def test_upload_says_what_the_files_carry_the_most_telling_first_and_that_it_stays_behind(lethe):
    lethe.staging.take_file("plain.png", WIDE)
    lethe.staging.take_file("a.jpg", jpeg(exif=exif_block(gps=True), comment=b"somebody"))
    lethe.staging.take_file("b.jpg", jpeg(exif=exif_block()))

    app = lethe.page("Upload")

    assert not app.exception
    assert app.expander[0].label == "What 2 pictures of 3 carry besides pixels"
    assert "all of this stays behind" in said(app)
    kinds, places = app.dataframe[1].value, app.dataframe[2].value
    assert list(kinds["Carries"]) == ["GPS position", "EXIF", "comment"]
    assert list(kinds["Pictures"]) == [1, 2, 1]
    assert list(places["Name"]) == ["a.jpg", "a.jpg", "b.jpg", "a.jpg"]
    assert places["Where"][3].startswith("COM, byte ")


def test_start_says_why_it_failed_and_can_be_pressed_again(lethe, monkeypatch):
    lethe.staging.take_file("a.png", UPRIGHT)
    app = lethe.page("Upload")

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(atomic, "link", full)
        app.button(key="upload_start").click().run()
    told = said(app)
    app.button(key="upload_start").click().run()

    assert not app.exception
    assert "could not be used (No space left on device)" in told
    assert lethe.settle().total == 1
    assert len(batches.newest(ACTOR, lethe.database)) == 1


def test_a_start_goes_through_when_somebody_clicks_elsewhere_meanwhile(lethe, monkeypatch):
    """Streamlit ends a run that a newer one replaces where it next looks into the session."""
    lethe.staging.take_file("a.png", UPRIGHT)
    app = lethe.page("Upload")
    add, is_replaced = intake.add, []

    def added(*arguments, **options):
        add(*arguments, **options)
        is_replaced.append(True)

    def ended_at(name):
        look = getattr(SafeSessionState, name)

        def ended(*arguments):
            if is_replaced:
                raise StopException
            return look(*arguments)

        return ended

    with monkeypatch.context() as patch:
        patch.setattr(intake, "add", added)
        for name in ("__getitem__", "__setitem__", "__contains__"):
            patch.setattr(SafeSessionState, name, ended_at(name))
        app.button(key="upload_start").click().run()

    (batch,) = batches.newest(ACTOR, lethe.database)
    assert batch.started_at is not None
    assert is_replaced


@pytest.mark.parametrize("failing", ["insert", "start"])
def test_after_a_start_that_failed_another_choice_of_files_can_be_started(
    lethe, monkeypatch, failing
):
    lethe.staging.take_file("a.png", UPRIGHT)
    lethe.staging.take_file("b.png", UPRIGHT)
    app = lethe.page("Upload")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr({"insert": intake, "start": batches}[failing], failing, full)
        app.button(key="upload_start").click().run()
    assert "No space left on device" in said(app)
    assert batches.newest(ACTOR, lethe.database) == ()
    assert not list(lethe.database.files.originals.iterdir())

    lethe.staging.take_file("c.png", UPRIGHT)
    lethe.staging.forget([lethe.staging.files()[0].id])
    app = lethe.page("Upload")
    app.button(key="upload_start").click().run()

    assert not app.exception
    (batch,) = batches.newest(ACTOR, lethe.database)
    lethe.settle()
    taken = pictures.of_batch(ACTOR, lethe.database, batch.id)
    assert [picture.source for picture in taken] == ["b.png", "c.png"]
    assert all(is_sealed(lethe.database.files.original(picture.id)) for picture in taken)


def test_pictures_that_carry_nothing_say_nothing_about_it(lethe):
    lethe.staging.take_file("plain.png", WIDE)
    lethe.staging.take_file("broken.png", b"no picture")

    app = lethe.page("Upload")

    assert [one.label for one in app.expander] == ["Advanced", "Licence manifest, optional"]


def test_a_dropped_file_is_on_disk_and_the_uploader_is_empty_again(lethe):
    app = lethe.page("Upload")

    app.file_uploader(key="upload_files_0").upload("Müller.png", WIDE, "image/png").run()

    assert not app.exception
    assert [file.name for file in lethe.staging.files()] == ["Müller.png"]
    assert app.file_uploader(key="upload_files_1").value in (None, [])


def test_a_broken_zip_is_said_in_a_sentence(lethe):
    app = lethe.page("Upload")

    app.file_uploader(key="upload_files_0").upload("a.zip", b"no zip", "application/zip").run()

    assert not app.exception
    assert "a.zip could not be unpacked; what came out before is kept. It is no zip" in said(app)


def test_a_file_that_is_refused_keeps_no_other_from_being_taken(lethe):
    app = lethe.page("Upload")

    files = [("a.zip", b"no zip", "application/zip"), ("b.png", WIDE, "image/png")]
    app.file_uploader(key="upload_files_0").set_value(files).run()

    assert [file.name for file in lethe.staging.files()] == ["b.png"]
    assert "a.zip could not be unpacked" in said(app)


def test_start_makes_a_batch_in_which_every_file_gets_an_outcome(lethe):
    lethe.staging.take_file("fine.png", UPRIGHT)
    lethe.staging.take_file("broken.png", b"no picture")
    app = lethe.page("Upload")

    app.button(key="upload_start").click().run()
    counts = lethe.settle()

    assert not app.exception
    assert counts.total == 2
    assert counts.quarantined == 1
    assert lethe.staging.files() == ()
    (batch,) = batches.newest(ACTOR, lethe.database)
    assert {row.source for row in pictures.of_batch(ACTOR, lethe.database, batch.id)} == {
        "fine.png",
        "broken.png",
    }


def test_what_waits_for_start_survives_a_page_change_a_reload_and_a_restart(lethe):
    lethe.staging.take_file("fine.png", UPRIGHT)
    app = lethe.page("Upload")

    app = lethe.turn(lethe.turn(app, "Release"), "Upload")
    assert "1 file, " in said(app)
    assert "1 file, " in said(lethe.page("Upload"))
    lethe.restart()
    assert "1 file, " in said(lethe.page("Upload"))


def test_clear_forgets_what_waits(lethe):
    lethe.staging.take_file("fine.png", UPRIGHT)
    app = lethe.page("Upload")

    app.button(key="upload_clear").click().run()

    assert not app.dataframe
    assert lethe.counts().total == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("name,licence\na,b\n", "The manifest has no column filename", id="column"),
        pytest.param("filename,licence,mood\na,b,c\n", "does not know: mood", id="unknown"),
        pytest.param(
            "filename,licence,attribution_needed\na,b,perhaps\n", "write yes or no", id="value"
        ),
        pytest.param("Müller".encode("latin-1"), "not UTF-8 text", id="encoding"),
        pytest.param(
            'filename,licence\nb.jpg,"CC0\n' + "a.jpg,CC0\n" * 20_000, "never closed", id="quote"
        ),
        pytest.param(
            "filename,licence,retain_days\na,b," + "9" * 5_000, "write 1 to 36500", id="days"
        ),
        pytest.param("", "The manifest has no column filename", id="empty"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_why_and_nothing_can_start(lethe, text, sentence):
    lethe.staging.take_file("fine.png", UPRIGHT)
    app = lethe.page("Upload")
    content = text if isinstance(text, bytes) else text.encode()

    app.file_uploader(key="upload_manifest").upload("m.csv", content, "text/csv").run()

    assert not app.exception
    assert sentence in said(app)
    assert app.button(key="upload_start").disabled


def test_a_line_of_a_manifest_that_may_mean_two_pictures_licenses_neither(lethe):
    for name in ("in/a.png", "in\\a.png"):
        lethe.staging.take_file(name, UPRIGHT)
    app = lethe.page("Upload")
    app.file_uploader(key="upload_manifest").upload(
        "m.csv", b"filename,licence\nin\\a.png,CC0\n", "text/csv"
    )
    app.toggle(key="upload_strict").set_value(True)

    app.button(key="upload_start").click().run()
    lethe.settle()

    (batch,) = batches.newest(ACTOR, lethe.database)
    rows = pictures.of_batch(ACTOR, lethe.database, batch.id)
    assert len(rows) == 2
    assert all("holds a backslash" in (row.reason or "") for row in rows)


def test_no_licence_no_release_holds_back_what_the_manifest_does_not_name(lethe):
    (lethe.home / "policy.toml").write_text("[review]\naudit_share = 0.0\n")
    lethe.staging.take_file("named.png", UPRIGHT)
    lethe.staging.take_file("nameless.png", UPRIGHT)
    app = lethe.page("Upload")
    app.file_uploader(key="upload_manifest").upload(
        "m.csv", b"filename,licence\nnamed.png,CC0\n", "text/csv"
    )
    app.toggle(key="upload_strict").set_value(True)

    app.button(key="upload_start").click().run()
    lethe.settle()

    assert not app.exception
    (batch,) = batches.newest(ACTOR, lethe.database)
    rows = {row.source: row for row in pictures.of_batch(ACTOR, lethe.database, batch.id)}
    assert rows["nameless.png"].state is PictureState.QUARANTINED
    assert "no licence, no release" in (rows["nameless.png"].reason or "")
    assert rows["named.png"].state is PictureState.RELEASED


def test_what_the_policy_demands_cannot_be_switched_off(lethe):
    lethe.staging.take_file("a.png", png())
    demand = Policy().requiring_licence(required=True)
    (lethe.home / "policy.toml").write_text(demand.to_toml(), encoding="utf-8")

    app = lethe.page("Upload")

    assert app.toggle(key="upload_strict").disabled
    assert app.toggle(key="upload_strict").value


def test_a_start_cut_short_after_the_batch_began_does_not_double_it(lethe):
    lethe.staging.take_file("a.png", WIDE)
    (waiting,) = lethe.staging.files()

    def begin_and_die():
        with lethe.staging.claimed([waiting.id]) as (token, _):
            request = Request("cut short", Policy().to_toml(), run=token)
            batch = batches.create(ACTOR, lethe.database, request, services.now())
            intake.add(ACTOR, lethe.database, batch.id, [Incoming("a.png", WIDE)], services.now())
            batches.start(ACTOR, lethe.database, batch.id, services.now())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin_and_die()

    app = lethe.page("Upload")

    assert not app.exception
    assert lethe.staging.files() == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_is_chosen_by_its_name(lethe, name):
    lethe.staging.take_file("a.png", png())
    app = lethe.page("Upload")

    app.segmented_control(key="upload_policy").set_value(name).run()
    assert plain(summary_of(name)) in [caption.value for caption in app.caption]
    app.button(key="upload_start").click().run()

    (batch,) = batches.newest(ACTOR, lethe.database)
    assert read_policy(batch.policy_toml) == named_policy(name)


def test_where_a_policy_was_put_in_force_no_other_can_be_chosen(lethe):
    lethe.staging.take_file("a.png", png())
    (lethe.home / "policy.toml").write_text(Policy().to_toml(), encoding="utf-8")

    app = lethe.page("Upload")

    assert not app.segmented_control
    assert "made for this installation" in said(app)


def test_what_comes_in_while_a_start_is_copying_stays_for_the_next(lethe, monkeypatch):
    lethe.staging.take_file("mine.png", UPRIGHT)
    app = lethe.page("Upload")
    link = atomic.link

    def link_while_another_window_uploads(source, target):
        busy.undo()
        link(source, target)
        lethe.staging.take_file("theirs.png", WIDE)

    with monkeypatch.context() as busy:
        busy.setattr(atomic, "link", link_while_another_window_uploads)
        app.button(key="upload_start").click().run()

    assert not app.exception
    assert lethe.settle().total == 1
    assert [file.name for file in lethe.staging.files()] == ["theirs.png"]


def test_start_takes_what_was_on_the_screen_and_not_what_came_in_before_the_click(lethe):
    lethe.staging.take_file("seen.png", UPRIGHT)
    app = lethe.page("Upload")
    lethe.staging.take_file("later.png", WIDE)

    app.button(key="upload_start").click().run()

    assert lethe.settle().total == 1
    assert [file.name for file in lethe.staging.files()] == ["later.png"]


def test_the_second_of_two_windows_that_start_the_same_is_told(lethe):
    lethe.staging.take_file("a.png", UPRIGHT)
    one, other = lethe.page("Upload"), lethe.page("Upload")
    lethe.staging.take_file("b.png", UPRIGHT)  # so that the other still has something to press

    one.button(key="upload_start").click().run()
    other.button(key="upload_start").click().run()

    assert not other.exception
    assert "started or cleared in another window" in said(other)
    assert lethe.settle().total == 1
    assert len(batches.newest(ACTOR, lethe.database)) == 1


def test_clear_drops_what_was_on_the_screen_and_nothing_else(lethe):
    lethe.staging.take_file("seen.png", UPRIGHT)
    app = lethe.page("Upload")
    lethe.staging.take_file("later.png", WIDE)

    app.button(key="upload_clear").click().run()

    assert [file.name for file in lethe.staging.files()] == ["later.png"]


def test_what_is_left_out_is_said(lethe, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", ".hidden.png", "notes.txt"):
        (tmp_path / "in" / name).write_bytes(WIDE if name == "a.png" else b"words")
    app = lethe.page("Upload")

    app.text_input(key="upload_folder").set_value(str(tmp_path / "in")).run()
    app.button(key="upload_list").click().run()

    assert not app.exception
    assert "hidden, or linked folders: 2." in said(app)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs Linux's /proc")
def test_a_folder_that_is_none_of_pictures_is_a_sentence(lethe):
    app = lethe.page("Upload")

    app.text_input(key="upload_folder").set_value("/proc").run()
    app.button(key="upload_list").click().run()

    assert not app.exception
    assert "belongs to the system" in said(app)


def test_a_home_that_is_gone_is_a_sentence(lethe, monkeypatch):
    app = lethe.page("Upload")

    def unmounted(*_, **__):
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr(Staging, "files", unmounted)
    app.run()

    assert not app.exception
    assert "Transport endpoint is not connected" in said(app)


def test_lines_of_a_manifest_that_name_nothing_are_counted(lethe):
    lethe.staging.take_file("a.png", UPRIGHT)
    app = lethe.page("Upload")

    content = b"filename,licence\nC:\\pics\\a.png,CC0\n"
    app.file_uploader(key="upload_manifest").upload("m.csv", content, "text/csv").run()

    assert not app.exception
    assert "1 line of the manifest name no picture here" in said(app)


def test_the_manifest_is_kept_with_its_pictures(lethe):
    lethe.staging.take_file("a.png", UPRIGHT)
    app = lethe.page("Upload")
    app.file_uploader(key="upload_manifest").upload("m.csv", b"filename,licence\na.png,CC0\n").run()

    lethe.turn(app, "Home")
    lethe.restart()
    app = lethe.page("Upload")

    assert list(app.dataframe[0].value["Licence"]) == ["CC0"]
    app.button(key="upload_start").click().run()
    lethe.settle()
    (batch,) = batches.newest(ACTOR, lethe.database)
    (row,) = pictures.of_batch(ACTOR, lethe.database, batch.id)
    assert row.licence
    assert row.licence.licence == "CC0"
    assert not (lethe.home / "staging").exists()


def test_a_manifest_goes_with_its_last_picture_or_alone(lethe):
    lethe.staging.take_file("a.png", UPRIGHT)
    lethe.staging.keep_manifest(b"filename,licence\na.png,CC0\n")
    app = lethe.page("Upload")

    app.button(key="upload_manifest_remove").click().run()
    assert list(app.dataframe[0].value["Licence"]) == [""]
    lethe.staging.keep_manifest(b"filename,licence\na.png,CC0\n")
    app.run().button(key="upload_clear").click().run()
    lethe.staging.take_file("a.png", UPRIGHT)

    assert lethe.staging.manifest() is None


def test_a_manifest_says_which_pictures_it_does_not_know_before_start(lethe):
    for number in range(11):
        lethe.staging.take_file(f"{number}.png", UPRIGHT)
    lethe.staging.keep_manifest(b"filename,licence\n0.png,CC0\n")

    app = lethe.page("Upload")

    text = said(app)
    assert "The manifest names 1 of 11 pictures. It does not know: 1.png, 2.png," in text
    assert "8.png and 2 more." in text


def test_start_stands_below_what_it_depends_on(lethe):
    lethe.staging.take_file("a.png", UPRIGHT)

    app = lethe.page("Upload")

    keys = [getattr(element, "key", None) for element in app.main]
    asked = ("upload_manifest", "upload_name", "upload_policy", "upload_format", "upload_strict")
    assert all(keys.index(key) < keys.index("upload_start") for key in asked)


def test_single_files_can_be_removed_also_one_of_two_with_the_same_name(lethe):
    for content in (UPRIGHT, WIDE):
        lethe.staging.take_file("a.png", content)
    lethe.staging.take_file("b.png", UPRIGHT)
    first, second, other = lethe.staging.files()
    app = lethe.page("Upload")
    assert app.multiselect(key="upload_unwanted").options == ["a.png", "a.png (2)", "b.png"]

    app.multiselect(key="upload_unwanted").set_value([second.id]).run()
    app.button(key="upload_remove").click().run()

    assert not app.exception
    assert [file.id for file in lethe.staging.files()] == [first.id, other.id]
    assert app.multiselect(key="upload_unwanted").value == []
    assert app.button(key="upload_start").label == "Start with 2 pictures"


def test_a_listed_file_is_asked_about_again_when_it_is_read(lethe, tmp_path, monkeypatch):
    folder = tmp_path / "listed"
    folder.mkdir()
    (folder / "a.png").write_bytes(UPRIGHT)
    lethe.staging.take_folder(str(folder))
    app = lethe.page("Upload")

    def closed(paths):
        assert list(paths) == [folder / "a.png"]
        raise ClosedFolder("Closed since.")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(server_folders, "refuse_closed", closed)
        app.button(key="upload_start").click().run()

    assert "Closed since." in said(app)
    assert len(lethe.staging.files()) == 1
    assert not list(lethe.home.glob("originals/*"))


def test_what_waits_is_an_accounts_whatever_it_is_called(lethe, monkeypatch):
    def waiting_of(user):
        monkeypatch.setattr(session, "user", lambda: user)
        return [file.name for file in own_staging().files()]

    before = User("ana@example.org", PEOPLE, account="issuer\01")
    renamed = User("ana.b@example.org", PEOPLE, account="issuer\01")
    another = User("ana@example.org", PEOPLE, account="issuer\02")
    assert waiting_of(before) == []
    own_staging().take_file("a.png", UPRIGHT)

    assert waiting_of(renamed) == ["a.png"]
    assert waiting_of(another) == []
