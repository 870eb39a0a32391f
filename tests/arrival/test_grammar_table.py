"""What people type, dictate and autocorrect, line by line: `grammar.txt` says how each line is read, and this runs it.

Beside the table: what stands around a line changes nothing (contract section 3). That no text raises or hangs is
`tests/core/language/test_reading.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.language.readings import table, told
from tests.rows import each
from workflow.core.language.plain import clean
from workflow.core.language.read import read
from workflow.core.mail import Reading

_TABLE = Path(__file__).with_name("grammar.txt").read_text("utf-8")
ROWS = table("\n".join(line for line in _TABLE.splitlines() if "=>" in line))
LINES = [line for line, _ in ROWS]


def test_the_table_is_long_and_says_nothing_twice() -> None:
    assert len(LINES) == len(set(LINES))
    assert len(LINES) >= 250


@each(("line", "expected"), ROWS)
def test_a_line_is_read_as(line: str, expected: str) -> None:
    assert told(read(line, "", "")) == expected
    assert told(read("", line, "")) == expected, "the text's first line is read as the subject is"


@pytest.mark.slow
@each(("line", "expected"), ROWS)
def test_what_is_offered_opens_when_it_is_tapped(line: str, expected: str) -> None:
    for asked in (read(line, "", ""), read(f"{line}?", "", "")):
        if asked.unclear is not None and asked.unclear.reading is not None:
            assert read(asked.unclear.reading, "", "").report is not None


# --- decoration ---------------------------------------------------------------------------------------

_SMART = str.maketrans({"'": "\u2019", '"': "\u201d", "-": "\u2013"})
_ARABIC = str.maketrans("0123456789", "".join(chr(0x0660 + digit) for digit in range(10)))
_WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
_CAPITALS_WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x41, 0x5B)})


def _translated(signs: dict[int, str] | dict[int, int], line: str) -> str:
    return line.translate(signs)


def _zero_width(line: str) -> str:
    return "\u200b".join(line)


def _bidi(line: str) -> str:
    return f"\u202a{line}\u202c\u200e"


def _selectors(line: str) -> str:
    return "".join(f"{char}\ufe0f\u20e3" if char.isascii() and char.isdigit() else char for char in line)


BEFORE = ["", "[EXTERNAL] ", "[External] [SPAM] ", "{EXT} ", "***SPAM*** ", "(External) ", "CAUTION: ", "- ", "\u2022 "]
BEFORE += ["  ", "\ufeff", "\U0001f697 "]
BEHIND = ["", "!!", ".", " ...", "\u2026", "\u2764\ufe0f", " \U0001f64f\U0001f3fd", "  ", " [EXTERNAL]"]
WITHIN: list[Callable[[str], str]] = [str, _zero_width, _bidi, _selectors, lambda line: line.replace(" ", "\u00a0")]
WITHIN += [partial(_translated, signs) for signs in (_SMART, _ARABIC, _WIDE, _CAPITALS_WIDE)]


def _said(reading: Reading) -> str:
    """The reading, but for what an ornament may change: signs in a note, and the full stop of a last initial.

    A note is kept to the letter, ornaments and all.
    """
    head, _, note = told(reading).partition(" | ")
    words = (word.strip("!.,") for word in clean(note).split())
    return f"{head.rstrip('.')} | {' '.join(word for word in words if any(map(str.isalnum, word)))}"


@settings(max_examples=4 * settings().max_examples)
@given(st.sampled_from(LINES), st.sampled_from(BEFORE), st.sampled_from(WITHIN), st.sampled_from(BEHIND))
def test_decoration_changes_nothing(line: str, before: str, within: Callable[[str], str], behind: str) -> None:
    plain, decorated = _said(read(line, "", "")), f"{before}{within(line)}{behind}"
    assert _said(read(decorated, "", "")) == plain
    assert _said(read("", decorated, "")) == plain


_NOT_WHOLE = {"|", "?", "unclear", "nothing"}
WHOLE = [line for line, said in ROWS if _NOT_WHOLE.isdisjoint(said.split()) and not {"to", "K7Q2"} & set(line.split())]
"""Reports of a client and nothing more. "to sam" could be two names, To and Sam; an id is one in capitals alone."""


@given(st.sampled_from(WHOLE), st.sampled_from([str.lower, str.upper, str.title]))
def test_capitals_change_nothing_in_a_whole_report(line: str, cased: Callable[[str], str]) -> None:
    assert told(read(cased(line), "", "")).casefold() == told(read(line, "", "")).casefold()


PREFIXES = [
    "Re: ",
    "RE: ",
    "AW: ",
    "SV : ",
    "Antw: ",
    "Re[2]: ",
    "RE : ",
    "\u56de\u590d\uff1a",
    "Fwd: ",
    "WG: ",
    "TR : ",
]


@given(st.sampled_from(LINES), st.lists(st.sampled_from([*PREFIXES, *BEFORE]), max_size=6))
def test_a_chain_of_prefixes_says_no_more_than_its_first(line: str, chain: list[str]) -> None:
    first = next((prefix for prefix in chain if prefix in PREFIXES), "")
    title = "[K7Q2] LATE: Dana L. - S.P."
    long, short = (read(f"{start}{title}", line, "") for start in ("".join(chain), first))
    assert (long.mark, long.line, _said(long)) == (short.mark, short.line, _said(short))
