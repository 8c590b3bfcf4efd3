from __future__ import annotations

import pytest

from engine.errors import InvalidLicenceList
from engine.runs.licences import Entry, LicenceList, read_licence_list

HEADER = "filename,source,licence,attribution_needed\n"


def test_every_column_is_read():
    manifest = read_licence_list(
        "filename,source,license,attribution_needed,allowed_use,consent,retain_days\n"
        "a/b.jpg,Ada,CC BY 4.0,yes,web,signed,30\n"
    )

    assert manifest.entry("a/b.jpg") == Entry("Ada", "CC BY 4.0", True, "web", "signed", 30)


@pytest.mark.parametrize(
    "text", ["", "\n", "filename,source\n"], ids=["empty", "blank", "no licence"]
)
def test_a_missing_column_is_named(text):
    with pytest.raises(InvalidLicenceList, match=r"no column .*licence"):
        read_licence_list(text)


def test_a_header_alone_is_an_empty_manifest():
    assert read_licence_list(HEADER) == LicenceList()


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + "a.jpg,Ada,CC0,no\n",
        HEADER.replace(",", ";") + "a.jpg;Ada;CC0;no\n",
        HEADER.upper() + " a.jpg , Ada , CC0 , NO \n",
        HEADER.replace("\n", "\r\n") + "a.jpg,Ada,CC0,\r\n",
        HEADER.replace("licence", "License") + '"a.jpg","Ada","CC0",0\n',
        (HEADER + "a.jpg,Ada,CC0,no\n").replace("\n", "\r"),
        HEADER + "a.jpg,Ada,CC0,no,,\n",
    ],
    ids=["byte order mark", "semicolons", "capitals and blanks", "windows lines", "quotes",
         "old mac lines", "empty values at the end"],
)  # fmt: skip
def test_what_spreadsheets_write_is_understood(text):
    assert read_licence_list(text).entry("a.jpg") == Entry("Ada", "CC0")


@pytest.mark.parametrize(
    ("asked", "licence"),
    [("in/a.jpg", "path"), ("in\\a.jpg", "path"), ("a.jpg", "name")],
)
def test_a_picture_is_looked_up_by_its_whole_path(asked, licence):
    manifest = read_licence_list(HEADER + "a.jpg,,name,\nin\\a.jpg,,path,\n")

    assert manifest.entry(asked).licence == licence


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("a.jpg,,CC0,maybe\n", "Line 2 .* attribution_needed is 'maybe'"),
        ("a.jpg,,CC0,\nb.jpg,,CC0,perhaps\n", "Line 3 .* 'perhaps'"),
        ("a.jpg,,CC0,\na.jpg,,CC BY,\n", "Line 3 .* contradicts"),
    ],
)
def test_a_mistake_is_named_with_its_line(rows, says):
    with pytest.raises(InvalidLicenceList, match=says):
        read_licence_list(HEADER + rows)


@pytest.mark.parametrize("days", ["-1", "soon", "1.5"])
def test_days_must_be_whole(days):
    with pytest.raises(InvalidLicenceList, match=f"retain_days is '{days}'"):
        read_licence_list(f"filename,licence,retain_days\na.jpg,CC0,{days}\n")


def test_an_unknown_column_is_named():
    with pytest.raises(InvalidLicenceList, match="does not know: colour"):
        read_licence_list("filename,licence,colour\na.jpg,CC0,red\n")


def test_the_same_line_twice_is_no_contradiction():
    manifest = read_licence_list(HEADER + "a.jpg,,CC0,\n" * 2)

    assert manifest.entry("a.jpg").licence == "CC0"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("a.jpg", None),
        ("b.jpg", "gives no licence for this picture"),
        ("c.jpg", "has no line for this picture"),
    ],
    ids=["licensed", "without a licence", "without a line"],
)
def test_no_licence_no_release_when_the_policy_says_so(source, says):
    manifest = read_licence_list(HEADER + "a.jpg,,CC0,\nb.jpg,,,\n")

    refusal = manifest.refusal(source, require_licence=True)

    assert refusal is None if says is None else says in refusal
    assert manifest.refusal(source, require_licence=False) is None


def test_a_bare_name_does_not_license_a_file_in_another_folder():
    manifest = read_licence_list(HEADER + "a.jpg,,CC0,\n")

    assert manifest.entry("secret/a.jpg") is None
    assert manifest.refusal("secret/a.jpg", require_licence=True)


def test_two_licence_columns_are_refused():
    with pytest.raises(InvalidLicenceList, match="a column twice"):
        read_licence_list("filename,licence,license\na.jpg,CC0,\n")


@pytest.mark.parametrize("days", ["0", "36501", "1" + "0" * 30, "1" * 5000], ids=len)
def test_days_beyond_a_hundred_years_are_refused(days):
    with pytest.raises(InvalidLicenceList, match="write 1 to 36500"):
        read_licence_list(f"filename,licence,retain_days\na.jpg,CC0,{days}\n")


def test_a_control_character_is_refused():
    with pytest.raises(InvalidLicenceList, match=r"Line 2 .*control character"):
        read_licence_list(HEADER + "a.jpg,A\tB,CC0,\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER + 'a.jpg,"Ada,CC0,no\n', "from line 2 on: a quotation mark"),
        (HEADER + 'b.jpg,"Box,CC0,no\n' + "c.jpg,Box,CC0,no\n" * 10_000, "a quotation mark"),
        (HEADER + 'b.jpg,"Box,CC0,no\nc.jpg",Box,CC0,no\n', "goes over several lines"),
        (HEADER + '"a.jpg\nb.jpg",Box,CC0,no\n', "goes over several lines"),
        (HEADER + "a.jpg,Box, and friends,CC0,no\n", "Line 2 .* more values than"),
        ("filename,licence,,source\na.jpg,CC0,,Ada\n", "Column 3 .* has no name"),
        (HEADER.encode("utf-16"), "not UTF-8 text"),
    ],
    ids=["at the end", "a large file", "closed later", "in a name", "a stray separator",
         "a nameless column", "utf-16"],
)  # fmt: skip
def test_a_line_that_would_swallow_others_is_refused(text, says):
    with pytest.raises(InvalidLicenceList, match=says):
        read_licence_list(text)


@pytest.mark.parametrize(
    ("named", "asked"),
    [("./in/a.jpg", "in/a.jpg"), ("Mu\u0308ller.jpg", "M\u00fcller.jpg"),
     ("M\u00fcller.jpg", "Mu\u0308ller.jpg")],
)  # fmt: skip
def test_the_same_path_written_otherwise_is_the_same(named, asked):
    assert read_licence_list(f"{HEADER}{named},,CC0,\n").entry(asked).licence == "CC0"


def test_lines_that_name_no_picture_are_counted():
    manifest = read_licence_list(HEADER + "C:\\pics\\a.jpg,,CC0,\nb.jpg,,CC0,\n")

    assert manifest.unmatched(["a.jpg", "b.jpg"]) == 1


IN_FOLDER, WITH_BACKSLASH = "in/a.jpg", "in\\a.jpg"


@pytest.mark.parametrize(
    ("spelled", "picture", "is_licensed"),
    [
        (IN_FOLDER, IN_FOLDER, True),
        (WITH_BACKSLASH, IN_FOLDER, True),
        (WITH_BACKSLASH, WITH_BACKSLASH, True),
        (IN_FOLDER, WITH_BACKSLASH, False),
        (".\\in\\a.jpg", IN_FOLDER, True),
    ],
)
def test_a_line_may_be_spelled_either_way_and_a_picture_keeps_its_name(
    spelled, picture, is_licensed
):
    manifest = read_licence_list(f"{HEADER}{spelled},,CC0,\n").among([picture])

    assert (manifest.entry(picture) is not None) is is_licensed
    assert manifest.unmatched([picture]) == (0 if is_licensed else 1)
    assert (manifest.refusal(picture, require_licence=True) is None) is is_licensed


def test_a_line_that_may_mean_two_pictures_licenses_neither():
    lines = f"{HEADER}{WITH_BACKSLASH},,CC0,\nb.jpg,,CC0,\n"
    manifest = read_licence_list(lines).among([IN_FOLDER, WITH_BACKSLASH, "b.jpg"])

    for picture in (IN_FOLDER, WITH_BACKSLASH):
        assert manifest.entry(picture) is None
        assert "holds a backslash" in manifest.refusal(picture, require_licence=True)
    assert manifest.refusal("b.jpg", require_licence=True) is None


def test_a_line_with_forward_slashes_means_one_picture():
    manifest = read_licence_list(f"{HEADER}{IN_FOLDER},,CC0,\n").among([IN_FOLDER, WITH_BACKSLASH])

    assert manifest.entry(IN_FOLDER).licence == "CC0"
    assert manifest.entry(WITH_BACKSLASH) is None
