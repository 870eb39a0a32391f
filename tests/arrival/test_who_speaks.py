"""Who speaks: addresses of the roster exactly, and only where the mailbox's own server vouches for them.

First what a From and a server's verdict say, then forgeries, then what those who tried get (contract section 3).
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversation import MAILBOX, Clinic
from tests.conversations.steps import case_of, come, opens
from tests.mail.reading import mail, reading
from tests.mail.standing import LENIENT, ROSTER, STRICT, standing, verdict
from tests.rows import each
from workflow.core.people import Standing
from workflow.mail.reading.trust import judge

# --- one address, and one of the roster


@each(
    ("value", "sender"),
    [
        ("dana@clinic.test", "dana@clinic.test"),
        ("<dana@clinic.test>", "dana@clinic.test"),
        ('"Lee, Dana" <dana@clinic.test>', "dana@clinic.test"),
        ("Lee, Dana <dana@clinic.test>", "dana@clinic.test"),
        ("dana@clinic.test (Dana (at work))", "dana@clinic.test"),
        ('"Dana \\"D\\" Lee" <dana@clinic.test>', "dana@clinic.test"),
        ("=?utf-8?q?Dana_Lee?= <dana@clinic.test>", "dana@clinic.test"),
        ("=?utf-8?q?Dana:_at@work;?= <dana@clinic.test>", "dana@clinic.test"),
        ("=?utf-8?q?alice@clinic.com?= evil@x.com <alice@clinic.com>", None),
        ("=?utf-8?q? alice@clinic.com ?= <evil@x.com>", None),
        ("José <josé@clinic.test>", "josé@clinic.test"),
        ("alice@clinic.com)<evil@x.com>", None),
        ("alice@clinic.com) <evil@x.com> (", None),
        ("alice@clinic.com)", None),
        ("alice@clinic.com <evil@x.com>", None),
        ("alice@clinic.com, evil@x.com", None),
        ("a <alice@clinic.com>, <evil@x.com>", None),
        ("<alice@clinic.com> evil@x.com", None),
        ("<@a.test,@b.test:alice@clinic.com>", None),
        ("Friends: alice@clinic.com;", None),
        ("alice@clinic.com\x00", None),
        ('"x"alice@clinic.com', None),
        ("alice@strasse.test".replace("ss", "ß"), None),
        ("alice@clini\u212a.com", None),
        ("alice", None),
        ("", None),
        ("(", None),
        ('"alice@clinic.com', None),
        ("<alice@clinic.com", None),
        ("x" * 3000 + " <alice@clinic.com>", None),
    ],
)
def test_one_address_speaks_or_nobody(value: str, sender: str | None) -> None:
    assert mail(sender=value).sender == sender


def test_two_from_headers_are_nobody() -> None:
    assert mail("From: evil@x.test").sender is None
    assert mail("from : evil@x.test").sender is None
    assert mail("FROM:evil@x.test").sender is None
    assert mail("no field at all", "From: evil@x.test").sender is None


def test_no_from_header_is_nobody() -> None:
    assert reading(b"Sender: dana@clinic.test\n\nSENT").mail.sender is None


@each(
    ("sender", "known"),
    [
        ("dana@clinic.test", True),
        ("DANA@CLINIC.TEST", True),
        ("Dana.Lee@Mail.Test", True),
        ("admin@clinic.test", True),
        ("lead@clinic.test", True),
        ("dana+phone@clinic.test", False),
        ("ravi+clinic@clinic.test", True),
        ("dana.lee@clinic.test", False),
        ("d.ana@clinic.test", False),
        ("dana@mail.clinic.test", False),
        ("dana@clinic.test.evil.test", False),
        ("dana@clinic.tes", False),
        ("dana@clinic.test.", False),
        ("dana", False),
    ],
)
def test_an_address_is_one_of_the_roster_exactly_or_it_is_a_strangers(sender: str, known: bool) -> None:
    domain = sender.rpartition("@")[2]
    expected = Standing.KNOWN if known else Standing.STRANGER
    assert verdict(f"mx.clinic.test; dmarc=pass header.from={domain}", sender=sender) is expected


@each(
    "field",
    [
        "Reply-To: dana@clinic.test",
        "Sender: dana@clinic.test",
        "Return-Path: <dana@clinic.test>",
        "X-Original-From: dana@clinic.test",
        "Resent-From: dana@clinic.test",
        "X-Sender: dana@clinic.test",
        "Disposition-Notification-To: dana@clinic.test",
    ],
)
def test_no_other_field_lends_its_address(field: str) -> None:
    passed = "Authentication-Results: mx.clinic.test; dmarc=pass header.from=x.test"
    for sender in ("sam@x.test", '"Dana Lee" <sam@x.test>', '"dana@clinic.test" <sam@x.test>', "undisclosed:;"):
        assert standing(passed, field, sender=sender) is Standing.STRANGER


# --- what the server says


def test_of_several_verdicts_of_the_server_the_topmost_counts() -> None:
    """A server that checks twice, or an older hop of the same name: nothing below the topmost is looked at."""
    passed = "Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test"
    failed = "Authentication-Results: mx.clinic.test; dmarc=fail header.from=clinic.test"
    nothing = "Authentication-Results: mx.clinic.test; none"
    others = "Authentication-Results: filter.other.test; dmarc=fail header.from=clinic.test"
    assert standing(passed, failed) is Standing.KNOWN
    assert standing(others, passed) is Standing.KNOWN
    assert standing(failed, passed) is Standing.REFUSED
    assert standing(nothing, passed) is Standing.REFUSED
    assert standing(nothing, failed, trust=LENIENT) is Standing.KNOWN


def test_a_chain_of_custody_says_nothing() -> None:
    """ARC (RFC 8617) is what other servers saw before; whoever wants can write it."""
    arc = "mx.clinic.test; dmarc=pass header.from=clinic.test"
    fields = (
        f"ARC-Authentication-Results: i=1; {arc}",
        f"X-Original-Authentication-Results: {arc}",
        "ARC-Seal: i=1; cv=pass",
    )
    assert standing(*fields) is Standing.REFUSED
    failed = "Authentication-Results: mx.clinic.test; dmarc=fail header.from=clinic.test; arc=pass"
    assert standing(failed, *fields, trust=LENIENT) is Standing.REFUSED


# --- the four forgeries


FORGERIES = {
    "pass below a fail": (
        "Authentication-Results: mx.clinic.test; dmarc=fail header.from=clinic.test",
        "Received: from evil.test by mx.clinic.test; Mon, 23 Nov 2026 14:03:00 -0500",
        "Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test",
    ),
    "forged alone": ("Authentication-Results: mx.evil.test; dmarc=pass header.from=clinic.test",),
    "the attacker's own domain": (
        "Authentication-Results: mx.clinic.test; spf=pass smtp.mailfrom=evil.test; dkim=pass header.d=evil.test;"
        " dmarc=none",
    ),
    "the word in an echoed address": (
        "Authentication-Results: mx.clinic.test; spf=fail (domain of dmarc=pass@evil.test does not designate 192.0.2.1)"
        " smtp.mailfrom=dmarc=pass@evil.test",
    ),
    "quotes in an echoed address": (
        'Authentication-Results: mx.clinic.test; spf=pass (domain of "x); dmarc=pass header.from=clinic.test'
        ' (y"@evil.test) smtp.mailfrom=evil.test',
    ),
    "no verdict at all": (),
}


@each("name", FORGERIES)
def test_a_forgery_is_refused(name: str) -> None:
    assert standing(*FORGERIES[name]) is Standing.REFUSED
    if FORGERIES[name] and name != "forged alone":
        assert standing(*FORGERIES[name], trust=LENIENT) is Standing.REFUSED


@each(
    "sender",
    [
        "dana@clinic.test)<evil@evil.test>",
        "dana@clinic.test <evil@evil.test>",
        '"dana@clinic.test" <evil@evil.test>',
        "evil@evil.test (dana@clinic.test)",
        "=?utf-8?q?dana=40clinic=2Etest?= <evil@evil.test>",
        "dana@clinic.test, evil@evil.test",
        "<evil@evil.test> <dana@clinic.test>",
        "dana@\u212alinic.test",
        "dana@clinic.test\r\nFrom: evil@evil.test",
        "dana@clinic.test\r\nfrom : evil@evil.test",
    ],
)
def test_forgery_a_from_that_reads_two_ways(sender: str) -> None:
    result = "mx.clinic.test; dmarc=pass header.from=evil.test; spf=pass smtp.mailfrom=evil.test"
    assert verdict(result, sender=sender) is Standing.STRANGER


PASS = "mx.clinic.test; dmarc=pass header.from=clinic.test; dkim=pass header.d=clinic.test"
LIES = st.sampled_from(
    [
        "dmarc=pass", " header.from=clinic.test", "dkim=pass header.d=clinic.test", "smtp.mailfrom=clinic.test", "x",
        "@", "@clinic.test", "@evil.test", "(", ")", '"', "\\", ";", "; ", " ", "=", ",", ".", "\t", "/", "<",
    ]
)  # fmt: skip


@settings(max_examples=3 * settings().max_examples)
@given(st.lists(LIES, max_size=12).map("".join), st.booleans())
def test_no_envelope_sender_that_a_server_echoes_vouches_for_anybody(local: str, quoted: bool) -> None:
    """The server quotes what RFC 5321 has quoted, in the value; in its comment it is as careless as servers are."""
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    address = f'"{escaped}"@evil.test' if quoted or set(local) & set(' ();\\"\t<>,@') else f"{local}@evil.test"
    for result in ("pass", "fail"):
        said = f"mx.clinic.test; spf={result} (domain of {address}) smtp.mailfrom={address}; dmarc=none"
        assert verdict(said) is Standing.REFUSED
        assert verdict(said, LENIENT) is Standing.REFUSED


LINES = st.sampled_from(
    [
        f"Authentication-Results: {PASS}", f"authentication-results:{PASS}", "From: dana@clinic.test", "X: y", "",
        "From: evil@evil.test", f" {PASS}", "\tdmarc=pass", "Authentication-Results:", "no field",
        f"ARC-Authentication-Results: i=1; {PASS}", "X-MS-Exchange-Organization-AuthAs: Internal",
    ]
)  # fmt: skip


@settings(max_examples=3 * settings().max_examples)
@given(st.lists(LINES, max_size=8), st.sampled_from(["\r\n", "\n", "\r"]))
def test_nothing_below_the_servers_own_lines_vouches_for_anybody(fields: list[str], line_end: str) -> None:
    """Whatever the sender writes stands below what the server puts on top."""
    written = line_end.join(["From: Dana Lee <dana@clinic.test>", *fields, "Subject: NOSHOW Sam", "", ""])
    for result in ("dmarc=fail header.from=clinic.test", "spf=pass smtp.mailfrom=evil.test; dmarc=none"):
        top = f"Authentication-Results: mx.clinic.test; {result}\r\nReceived: from evil.test by mx.clinic.test; x\r\n"
        incoming = reading((top + written).encode())
        for trust in (STRICT, LENIENT):
            assert judge(incoming, ROSTER, trust, "clinic.test") is not Standing.KNOWN


# --- what comes of it


async def arrives(clinic: Clinic, *fields: str, sender: str = "Dana Lee <dana@clinic.test>", subject: str) -> None:
    """A mail as an attacker's server hands it in."""
    clinic.count += 1
    head = (
        *fields,
        f"From: {sender}",
        "To: clinic@clinic.test",
        f"Subject: {subject}",
        f"Message-ID: <{clinic.count}@x>",
    )
    await clinic.server.deliver(MAILBOX, "\r\n".join((*head, "", "")).encode(), arrived_at=clinic.clock.now())
    await clinic.settled()


async def test_forgeries_have_no_effect_and_reach_admin_and_whoever_they_name(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for number, fields in enumerate(FORGERIES.values()):
            await arrives(clinic, *fields, subject=f"LATE {number + 10} Sam")
            got = await come(clinic, alex="notice", **({} if number else {"dana": "help"}))
            if not number:
                assert "a mail in your name was not accepted" in got["dana"].text.lower()
                assert "if it was you, phone the desk" in got["dana"].text
        assert not await clinic.store.open_cases()
        stored = await clinic.server.stored(MAILBOX)
        assert [mail.flags for mail in stored] == [frozenset()] * len(FORGERIES), "each lies where it lay"
        await clinic.passes(minutes=61)
        await arrives(clinic, subject="NOSHOW Sam")
        got = await come(clinic, alex="notice", dana="help")
        await clinic.alex.taps(got["alex"], "NOSHOW Sam FOR Dana Lee")
        await come(clinic, alex="alert", dana="draft")


async def test_a_forged_answer_closes_nothing(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam, texted")
        before = await case_of(clinic, draft)
        for sender in ("Dana Lee <dana@clinic.test>", "dana.lee@clinic.test", "Alex <admin@clinic.test>"):
            await arrives(clinic, *FORGERIES["pass below a fail"], sender=sender, subject=draft.tap("RESCHEDULED"))
        assert await case_of(clinic, draft) == before
        got = await come(clinic, alex="notice notice notice help", dana="help")  # she is one person with two addresses
        assert got["alex"].kind == "help"
        await clinic.dana.taps(draft, "RESCHEDULED")
        await come(clinic, alex="update", dana="receipt")


async def test_who_only_looks_like_somebody_is_a_stranger(tmp_path: Path) -> None:
    """Well authenticated, as evil.test: admin reads of it, and nobody is answered."""
    passed = (
        "Authentication-Results: mx.clinic.test; dmarc=pass header.from=evil.test; spf=pass smtp.mailfrom=evil.test"
    )
    async with Clinic(tmp_path) as clinic:
        for number, sender in enumerate(
            ['"dana@clinic.test" <evil@evil.test>', "Dana Lee <dana+x@evil.test>", "x@evil.test"]
        ):
            fields = (passed, "Reply-To: dana@clinic.test", "Sender: dana@clinic.test")
            await arrives(clinic, *fields, sender=sender, subject=f"LATE {number + 10} Sam")
            await come(clinic, alex="notice")
        assert not await clinic.store.open_cases()


async def test_answers_go_to_the_rosters_first_address_whatever_the_mail_says(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        elsewhere = {
            "From": "Somebody <DANA.LEE@clinic.test>",
            "Reply-To": "evil@evil.test",
            "Sender": "evil@evil.test",
            "Return-Path": "<evil@evil.test>",
            "Cc": "evil@evil.test",
            "Disposition-Notification-To": "evil@evil.test",
        }
        await clinic.ravi.writes("NOSHOW Sam", **elsewhere)
        await come(clinic, dana="draft", alex="alert")
        await clinic.ravi.writes("STATUS", **(elsewhere | {"Cc": "admin@clinic.test"}))
        await come(clinic, dana="status")
        await clinic.ravi.writes("late Sam or Kim", **elsewhere)
        await come(clinic, alex="notice")  # others read it: no help
        await clinic.ravi.writes("late Sam or Kim", **(elsewhere | {"Cc": "admin@clinic.test"}))
        await come(clinic, dana="help")
        reached = {address for letter in clinic.server.passed for address in letter.recipients}
        assert reached == {"dana@clinic.test", "admin@clinic.test"}
