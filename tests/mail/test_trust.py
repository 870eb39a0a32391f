"""Who speaks: what the mailbox's server vouches for, and forgeries of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from workflow.core.model import Person, Roster, Standing
from workflow.mail.read import Incoming, read
from workflow.mail.trust import TrustSettings, judge

NOW = datetime(2026, 11, 23, 19, 3, tzinfo=UTC)
ROSTER = Roster(
    associates=(
        Person("Dana Lee", ("dana@clinic.test", "dana.lee@mail.test")),
        Person("Ravi Patel", ("ravi@clinic.test",)),
    ),
    admins=(Person("Front Desk", ("admin@clinic.test",)),),
    lead=Person("Lee", ("lead@clinic.test",)),
)
STRICT = TrustSettings(authserv_id="mx.clinic.test", require=True, internal="")
LENIENT = TrustSettings(authserv_id="mx.clinic.test", require=False, internal="")
EXCHANGE = TrustSettings(authserv_id="", require=True, internal="exchange")
MICROSOFT = TrustSettings(authserv_id="exchange", require=True, internal="")


def mail(*fields: str, sender: str = "Dana Lee <dana@clinic.test>") -> Incoming:
    raw = "".join(f"{field}\r\n" for field in (*fields, f"From: {sender}", "Subject: LATE 15 Sam"))
    return read(f"{raw}\r\n".encode(), NOW, ours=(), own_address="clinic@clinic.test", instance="i1")


def verdict(result: str, trust: TrustSettings = STRICT, sender: str = "Dana Lee <dana@clinic.test>") -> Standing:
    return judge(mail(f"Authentication-Results: {result}", sender=sender), ROSTER, trust, "clinic.test")


@pytest.mark.parametrize(
    "result",
    [
        "mx.clinic.test; dmarc=pass header.from=clinic.test",
        "mx.clinic.test; dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=clinic.test",
        "mx.clinic.test; dkim=pass header.d=clinic.test",
        "mx.clinic.test; dkim=pass (2048-bit key; unprotected) header.d=clinic.test header.i=@clinic.test "
        'header.b="mj+deT/Q"; dkim-atps=neutral',
        "mx.clinic.test; dkim=pass header.i=@clinic.test header.s=s1 header.b=TWJ2lYx3",
        "mx.clinic.test; dkim=pass header.d=mail.clinic.test",
        "mx.clinic.test; dkim=fail header.d=list.test; dkim=pass header.d=clinic.test; spf=fail smtp.mailfrom=x.test",
        "mx.clinic.test; spf=pass smtp.mailfrom=dana@clinic.test",
        "mx.clinic.test; spf=pass (mx.clinic.test: domain of dana@clinic.test designates 192.0.2.1 as permitted) "
        "smtp.mailfrom=dana@clinic.test; dkim=none; dmarc=none",
        "MX.Clinic.Test 1; spf=pass smtp.mailfrom=clinic.test",
        "mx.clinic.test (a comment); dmarc=pass",
        'mx.clinic.test;\r\n\tdkim=fail reason="fail (message has been altered)" header.d=clinic.test;\r\n'
        "\tspf=pass smtp.mailfrom=clinic.test",
    ],
)
def test_what_the_server_vouches_for_is_known(result: str) -> None:
    assert verdict(result) is Standing.KNOWN


@pytest.mark.parametrize(
    "result",
    [
        "mx.clinic.test; none",
        "mx.clinic.test; dmarc=none; spf=none; dkim=none",
        "mx.clinic.test; dmarc=temperror; spf=neutral smtp.mailfrom=clinic.test",
        "other.test; dmarc=pass header.from=clinic.test",
        "mx.clinic.test.evil.test; dmarc=pass header.from=clinic.test",
        "evil.mx.clinic.test; dmarc=pass header.from=clinic.test",
        "mx.clinic.test; spf=pass smtp.helo=clinic.test",
    ],
)
def test_without_a_result_it_depends_on_require(result: str) -> None:
    assert verdict(result) is Standing.REFUSED
    assert verdict(result, LENIENT) is Standing.KNOWN


def test_no_header_at_all_depends_on_require() -> None:
    assert judge(mail(), ROSTER, STRICT, "clinic.test") is Standing.REFUSED
    assert judge(mail(), ROSTER, LENIENT, "clinic.test") is Standing.KNOWN


@pytest.mark.parametrize(
    "result",
    [
        "mx.clinic.test; dmarc=fail (p=NONE) header.from=clinic.test",
        "mx.clinic.test; dmarc=fail header.from=clinic.test; spf=pass smtp.mailfrom=clinic.test",
        "mx.clinic.test; spf=fail smtp.mailfrom=clinic.test; dkim=none",
        "mx.clinic.test; spf=softfail smtp.mailfrom=clinic.test",
        "mx.clinic.test; dkim=fail header.d=clinic.test",
        # Alignment: another domain's pass proves that the mail is another domain's.
        "mx.clinic.test; spf=pass smtp.mailfrom=evil.test; dkim=pass header.d=evil.test; dmarc=none",
        "mx.clinic.test; dkim=pass header.d=notclinic.test",
        "mx.clinic.test; dkim=pass header.d=clinic.test.evil.test",
        "mx.clinic.test; dkim=pass header.d=test",
        "mx.clinic.test; spf=pass smtp.mailfrom=dana@clinic.test@evil.test",
        'mx.clinic.test; spf=pass smtp.mailfrom="dana@clinic.test"@evil.test',
        "mx.clinic.test; dkim=pass header.d=evil.test header.i=@clinic.test",
        "mx.clinic.test; dmarc=pass header.from=evil.test",
        # Contradictions.
        "mx.clinic.test; dmarc=pass header.from=clinic.test; dmarc=fail header.from=clinic.test",
        "mx.clinic.test; spf=pass smtp.mailfrom=evil.test smtp.mailfrom=clinic.test",
        "mx.clinic.test; dmarc=pass header.from=clinic.test header.from=evil.test",
        # An envelope sender such as "x) dmarc=pass (y"@evil.test, copied into a comment.
        'mx.clinic.test; spf=pass (domain of "x); dmarc=pass header.from=clinic.test (y"@evil.test) smtp.mailfrom=x',
        # Nothing that can be read with certainty.
        "mx.clinic.test; dmarc",
        "mx.clinic.test; (dmarc=pass",
        "mx.clinic.test; dmarc=pass \x80",
        "mx.clinic.test; " + "(" * 3000 + ")" * 3000 + " dmarc=pass",
        "mx.clinic.test; " + "x=y; " * 5000 + "dmarc=pass",
        "mx.clinic.test 2; dmarc=pass",
    ],
)
def test_a_failed_check_is_refused_even_where_none_is_required(result: str) -> None:
    assert verdict(result) is Standing.REFUSED
    assert verdict(result, LENIENT) is Standing.REFUSED


def test_forgery_a_verdict_written_by_the_sender_lies_below_the_servers() -> None:
    forged = mail(
        "Authentication-Results: mx.clinic.test; dmarc=fail header.from=clinic.test",
        "Received: from evil.test by mx.clinic.test; Mon, 23 Nov 2026 14:03:00 -0500",
        "Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test",
    )
    assert judge(forged, ROSTER, STRICT, "clinic.test") is Standing.REFUSED
    assert judge(forged, ROSTER, LENIENT, "clinic.test") is Standing.REFUSED


def test_forgery_another_servers_verdict() -> None:
    assert verdict("mx.evil.test; dmarc=pass header.from=clinic.test") is Standing.REFUSED


@pytest.mark.parametrize(
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


def test_forgery_a_domain_that_authenticates_itself() -> None:
    result = "mx.clinic.test; spf=pass smtp.mailfrom=evil.test; dkim=pass header.d=evil.test; dmarc=none"
    assert verdict(result, LENIENT) is Standing.REFUSED


@pytest.mark.parametrize("sender", ["dana@clinic.test", "DANA.LEE@mail.test", "admin@clinic.test", "lead@clinic.test"])
def test_everybody_of_the_roster_is_known(sender: str) -> None:
    domain = sender.partition("@")[2]
    assert verdict(f"mx.clinic.test; dmarc=pass header.from={domain}", sender=sender) is Standing.KNOWN


def test_others_are_strangers_however_well_they_prove_who_they_are() -> None:
    assert verdict("mx.clinic.test; dmarc=pass header.from=x.test", sender="sam@x.test") is Standing.STRANGER
    assert verdict("mx.clinic.test; dmarc=pass", sender="undisclosed:;") is Standing.STRANGER


def test_mail_within_an_exchange_tenant_bears_its_stamp() -> None:
    stamp = "X-MS-Exchange-Organization-AuthAs: Internal"
    none = "Authentication-Results: dkim=none (message not signed) header.d=none;dmarc=none header.from=clinic.test;"
    assert judge(mail(stamp, none), ROSTER, EXCHANGE, "Clinic.Test") is Standing.KNOWN
    assert judge(mail(stamp), ROSTER, STRICT, "clinic.test") is Standing.REFUSED
    assert (
        judge(mail("X-MS-Exchange-Organization-AuthAs: Anonymous"), ROSTER, EXCHANGE, "clinic.test") is Standing.REFUSED
    )
    assert judge(mail(stamp, stamp), ROSTER, EXCHANGE, "clinic.test") is Standing.REFUSED
    foreign = mail(stamp, sender="dana.lee@mail.test")
    assert judge(foreign, ROSTER, EXCHANGE, "clinic.test") is Standing.REFUSED
    assert judge(mail(none), ROSTER, EXCHANGE, "clinic.test") is Standing.REFUSED


@pytest.mark.parametrize(
    ("result", "standing"),
    [
        (
            "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=clinic.test; dkim=pass (signature was verified) "
            "header.d=clinic.test;dmarc=pass action=none header.from=clinic.test;compauth=pass reason=100",
            Standing.KNOWN,
        ),
        # The older form names the receiving domain between the results.
        (
            "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=clinic.test; clinic.test; dkim=none (message not signed) "
            "header.d=none;clinic.test; dmarc=bestguesspass action=none header.from=clinic.test;",
            Standing.KNOWN,
        ),
        (
            "spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=evil.test; dkim=none (message not signed) header.d=none;"
            "dmarc=fail action=oreject header.from=clinic.test;compauth=fail reason=000",
            Standing.REFUSED,
        ),
        (
            "spf=temperror (sender IP is 192.0.2.1) smtp.helo=x.test; clinic.test; dkim=none (message not signed) "
            "header.d=none;clinic.test; dmarc=none action=none header.from=;",
            Standing.REFUSED,
        ),
        ("mx.evil.test; dmarc=pass header.from=clinic.test", Standing.REFUSED),
    ],
)
def test_microsoft_365_names_no_server(result: str, standing: Standing) -> None:
    assert verdict(result, MICROSOFT) is standing


def test_a_verdict_without_a_name_is_nobodys_elsewhere() -> None:
    assert verdict("spf=pass smtp.mailfrom=clinic.test; dmarc=pass header.from=clinic.test") is Standing.REFUSED


def test_a_long_verdict_costs_little() -> None:
    verdict("mx.clinic.test; dmarc=pass")
    start = time.process_time()
    verdict("mx.clinic.test; " + "a=b c.d=e " * 6000)
    verdict("mx.clinic.test; " + "dkim=pass header.d=x.test; " * 290)
    verdict("exchange;" * 6000 + "(" * 6000, MICROSOFT)
    assert time.process_time() - start < 1.0
