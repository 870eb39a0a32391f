"""What phones put between the letters, taken out again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.rows import each
from workflow.core.language.plain import clean, fold


@each(
    ("typed", "meant"),
    [
        ("  LATE   15\tSam ", "LATE 15 Sam"),
        ("LATE\u00a015\u2009Sam", "LATE 15 Sam"),
        ("LATE 15 \u2013 Sam\u2026", "LATE 15 - Sam"),
        ("LATE 15 Sam\u2014texted", "LATE 15 Sam - texted"),
        ("LATE 15 Sam--texted", "LATE 15 Sam - texted"),
        ("couldn`t reach", "couldn't reach"),
        ("Anne\u2011Marie", "Anne-Marie"),
        ("couldn\u2019t reach \u201cSam\u201d", 'couldn\'t reach "Sam"'),
        ("couldn`t reach O\u00b4Brien", "couldn't reach O'Brien"),
        ("S\u200bE\u200dN\u2060T\ufeff", "SENT"),
        ("\u202eSENT\u202c", "SENT"),
        ("SE\u00adNT", "SENT"),
        ("SENT \U0001f44d\U0001f3fd", "SENT"),
        ("\u2705 SENT \u2764\ufe0f", "SENT"),
        ("LATE 1\ufe0f\u20e35\ufe0f\u20e3", "LATE 15"),
        ("\uff2c\uff21\uff34\uff25\u3000\uff11\uff15\u3000\uff33\uff41\uff4d", "LATE 15 Sam"),
        ("LATE \u0661\u0665 Sam", "LATE 15 Sam"),
        ("LATE \u06f1\u06f5", "LATE 15"),
        ("\U0001d40b\U0001d400\U0001d413\U0001d404", "LATE"),
        ("\ufb01ne", "fine"),
        ("LATE 1\u00bd", "LATE 1\u00bd"),
        ("LATE 15\u00b2", "LATE 15\u00b2"),
        ("\u2116 5", "5"),
        ("Zoe\u0308 P.", "Zo\u00eb P"),
        ("SENT!!!", "SENT"),
        ("SENT ...;:,", "SENT"),
        ("Rescheduled?", "Rescheduled?"),
        ("Rescheduled?!.", "Rescheduled?"),
        ("Rescheduled\uff1f", "Rescheduled?"),
        ("Rescheduled \u2753", "Rescheduled ?"),
        ("Rescheduled\u061f", "Rescheduled?"),
        ("Rescheduled\u037e", "Rescheduled?"),
        ("SE\x00NT\ud800", "SENT"),
        ("SE\x07NT", "SENT"),
        ("one\ntwo", "one two"),
        ("", ""),
    ],
)
def test_a_line_is_read_as_it_was_meant(typed: str, meant: str) -> None:
    assert clean(typed) == meant


@each(
    ("one", "other"),
    [
        ("Zo\u00eb P.", "zoe p"),
        ("S. P.", "s p"),
        ("O\u2019Brien", "o'brien"),
        ("M\u00dcLLER", "muller"),
        ("Stra\u00dfe", "STRASSE"),
        ("Anne\u2010Marie", "anne-marie"),
    ],
)
def test_case_accents_and_full_stops_do_not_tell_names_apart(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_vowels_of_other_scripts_do() -> None:
    assert fold("\u092e\u0940\u0928\u093e") != fold("\u092e\u0947\u0928\u093e")


@given(st.text(st.characters()))
def test_a_clean_line_is_printable_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert clean(cleaned) == cleaned
    assert ("?" in text) <= ("?" in cleaned)


@given(st.text(st.characters()))
def test_folding_never_raises_and_leaves_no_full_stop(text: str) -> None:
    assert "." not in fold(text)
