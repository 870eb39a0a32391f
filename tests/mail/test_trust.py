"""What verdicts of mail servers are worth, in all their forms. Forgeries are in `tests/arrival/test_who_speaks.py`."""

from __future__ import annotations

import time

from tests.mail.standing import EXCHANGE, LENIENT, MICROSOFT, ROSTER, STRICT, mail, standing, verdict
from tests.rows import each
from workflow.config.keys import Trust
from workflow.core.people import Standing
from workflow.mail.reading.trust import judge


@each(
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
        # As Yahoo, Fastmail and Google write it.
        "mx.clinic.test; dkim=pass header.i=@clinic.test header.s=s1; dmarc=pass(p=REJECT) header.from=clinic.test;",
        "mx.clinic.test; arc=none (no signatures found); iprev=pass smtp.remote-ip=2001:db8::1 (mail.test); "
        "dmarc=pass policy.published-domain-policy=none (p=none,d=none) header.from=clinic.test; x-tls=pass a/b=c:d",
        "mx.clinic.test; arc=pass (i=1 spf=pass spfdomain=clinic.test); spf=pass (google.com: domain of "
        "dana@clinic.test designates 192.0.2.1 as permitted sender) smtp.mailfrom=dana@clinic.test; dara=neutral",
        'mx.clinic.test;\r\n\tdkim=fail reason="fail (message has been altered)" header.d=clinic.test;\r\n'
        "\tspf=pass smtp.mailfrom=clinic.test",
    ],
)
def test_what_the_server_vouches_for_is_known(result: str) -> None:
    assert verdict(result) is Standing.KNOWN


@each(
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


@each(
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
        "mx.clinic.test; x=y:z; dmarc=fail:x; spf=pass smtp.mailfrom=clinic.test",
        "mx.clinic.test; spf=pass smtp.mailfrom=clinic.test; x=y (; dmarc=fail",
        'mx.clinic.test; x=y z.a="a\\"; dmarc=pass header.from=clinic.test; x"@evil.test; spf=fail z.b="c"',
        "mx.clinic.test; x=\\; dmarc=fail; spf=pass smtp.mailfrom=clinic.test",
        'mx.clinic.test; spf=fail smtp.mailfrom="a\\"; dmarc=pass header.from=clinic.test; x=\\""@evil.test',
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


@each(
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


# --- several servers, and logins


NUMBERED = Trust(authserv_id=("mx.clinic.test", "*.hosts.test"))


@each(
    ("server", "believed"),
    [
        ("mx.clinic.test", True),
        ("mxa.hosts.test", True),
        ("MX-17.Hosts.Test", True),
        ("mx17.east.hosts.test", True),
        ("mx17.hosts.test/4F1A2B", True),
        ("mx.clinic.test/4F1A2B 1", True),
        ("mx.clinic.test/worker@7:4F1A2B", True),
        ("hosts.test", False),
        (".hosts.test", False),
        ("mxhosts.test", False),
        ("mx.hosts.test.evil.test", False),
        ("mx.clinic.tests", False),
        ("mx2.clinic.test", False),
        ("evil.test/mx.hosts.test", False),
        ("mx.clinic.test/4F1A2B 2", False),
    ],
)
def test_several_servers_and_numbered_hosts(server: str, believed: bool) -> None:
    expected = Standing.KNOWN if believed else Standing.REFUSED
    assert verdict(f"{server}; dmarc=pass header.from=clinic.test", NUMBERED) is expected


def test_of_several_servers_the_topmost_header_counts() -> None:
    passed, failed = "dmarc=pass header.from=clinic.test", "dmarc=fail header.from=clinic.test"
    for first, second in (("mx.clinic.test", "mx1.hosts.test"), ("mx2.hosts.test", "mx.clinic.test")):
        fields = (f"Authentication-Results: {first}; {failed}", f"Authentication-Results: {second}; {passed}")
        assert standing(*fields, trust=NUMBERED) is Standing.REFUSED
        assert standing(*reversed(fields), trust=NUMBERED) is Standing.KNOWN


@each(
    ("results", "believed"),
    [
        ("auth=pass smtp.auth=dana@clinic.test", True),
        ("auth=pass (plain) smtp.auth=Dana@Clinic.Test smtp.mailfrom=x@y.test; spf=none", True),
        ("spf=fail smtp.mailfrom=clinic.test; auth=pass smtp.auth=dana@clinic.test; dmarc=none", True),
        ("auth=pass smtp.auth=dana@clinic.test; dmarc=fail header.from=clinic.test", False),
        ("auth=pass smtp.auth=ravi@clinic.test", False),
        ("auth=pass smtp.auth=dana", False),
        ("auth=pass smtp.auth=dana@clinic.test.evil.test", False),
        ("auth=pass smtp.mailfrom=dana@clinic.test", False),
        ("auth=pass", False),
        ("auth=fail smtp.auth=dana@clinic.test", False),
        ("auth=none smtp.auth=dana@clinic.test", False),
        ("auth=pass smtp.auth=dana@clinic.test smtp.auth=ravi@clinic.test", False),
        ("auth=pass smtp.auth=dana@clinic.test; auth=fail smtp.auth=dana@clinic.test", False),
        ("x-auth=pass smtp.auth=dana@clinic.test", False),
        ("auth=pass smtp.auth=dana@clinic.test; dmarc=pass header.from=evil.test", False),
    ],
)
def test_a_login_as_the_sender_is_a_proof(results: str, believed: bool) -> None:
    assert verdict(f"mx.clinic.test; {results}") is (Standing.KNOWN if believed else Standing.REFUSED)


def test_a_long_verdict_costs_little() -> None:
    verdict("mx.clinic.test; dmarc=pass")
    start = time.process_time()
    verdict("mx.clinic.test; " + "a=b c.d=e " * 6000)
    verdict("mx.clinic.test; " + "dkim=pass header.d=x.test; " * 290)
    verdict("exchange;" * 6000 + "(" * 6000, MICROSOFT)
    assert time.process_time() - start < 1.0
