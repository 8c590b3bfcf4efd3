"""Damage to texts as people, programs and attackers do it, for hypothesis to choose from."""

from __future__ import annotations

from hypothesis import strategies as st

TOKENS = (
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-1", b"0", b"1.0", b'"1"', b"01"),
    *(b"9" * 400, b"1e308", b"-1e308", b"0.1e-320", b"[]", b"{}", b'""', b'"\\ud800"', b"\\u0000"),
    *(b"[" * 2000, b'{"a":' * 2000, b"<a>" * 300, b"- " * 2000, b"&a [*a]", b"!!python/name:os"),
    *(b"../..", b"/etc/passwd", b"C:\\x\\a.png", b"images\\a.png", b"a.png", b"\0", b"\xff\xfe"),
    *(b"\xef\xbb\xbf", b"\r\n", b"\n\n", b"\x85", b"\xe2\x80\xa8", b"e\xcc\x81.png", b"x" * 5000),
    *(b'"face"', b"tattoo", b"nan", b"inf", b"rotation", b"difficult", b"iscrowd", b"ignore"),
    *(b"&lt;", b"&#0;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<![CDATA[", b"-->", b"xmlns:a='b'"),
)
"""What stands in damaged and hostile files."""

cuts = st.tuples(
    st.sampled_from(("replace", "insert", "remove", "repeat", "cut off")),
    st.floats(0, 1),
    st.integers(0, 60),
    st.sampled_from(TOKENS) | st.binary(max_size=4),
)
"""What is done, where as a share of the text, over how many bytes, and what is put there."""


def damaged(content: bytes, how: tuple[str, float, int, bytes]) -> bytes:
    """A text after one cut, at the edge of a token or in the middle of it."""
    kind, share, length, token = how
    at = int(share * len(content))
    end = min(at + length, len(content))
    return {
        "replace": content[:at] + token + content[end:],
        "insert": content[:at] + token + content[at:],
        "remove": content[:at] + content[end:],
        "repeat": content[:end] + content[at:end] * 3 + content[end:],
        "cut off": content[:at],
    }[kind]
