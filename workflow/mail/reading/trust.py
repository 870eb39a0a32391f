"""Who speaks: somebody of the roster, a stranger, or somebody who only says so (contract sections 3 and 6).

The mailbox's own server has checked SPF, DKIM and DMARC; this reads its verdict and checks nothing itself. Anybody can
write such a verdict into a mail, so only the topmost header of the configured server counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import authres

from workflow.config.keys import Trust
from workflow.core.people import Roster, Standing
from workflow.core.rules import Rules
from workflow.mail.reading.message import Incoming

RESULTS_MAX = 8 * 1024
"""Characters of an Authentication-Results that are parsed: five signatures and an ARC set take 2 KB. The parser copies
the rest of the text at each word, so length costs its square."""

NO_NAME = "exchange"
WITHOUT_ID = frozenset({NO_NAME, "mx.microsoft.com"})
"""Values of ``authserv_id`` for Microsoft 365, whose header begins with a result instead of a name:
``spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=x.test; dkim=pass ... header.d=x.test;dmarc=pass action=none
header.from=x.test;compauth=pass reason=100``. It calls itself mx.microsoft.com in its ARC headers alone."""

_FAILURES = frozenset({"fail", "softfail", "hardfail", "policy"})
_SERVER = re.compile(r"\s*(?:\([^()]*\)\s*)*([^\s;()=\"]+)(?=[;(\s]|$)")
_RESULT_FIRST = re.compile(r"\s*([a-z][a-z0-9-]*)\s*=", re.IGNORECASE)
_METHODS = frozenset({"dmarc", "dkim", "spf"})
"""What must be readable to be believed at all; a result of another method may say what it likes."""


class _Verdict(Enum):
    PASSED = 1
    ABSENT = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class _Result:
    method: str
    result: str
    properties: tuple[tuple[str, str], ...]

    def only(self, name: str) -> str | None:
        """The property of this name in lower case; None without. Given twice and differently it is nobody's: "?"."""
        values = {value.lower() for key, value in self.properties if key == name and value}
        return None if not values else values.pop() if len(values) == 1 else "?"

    def domain(self, *names: str) -> str | None:
        """The domain of the first property of these names that says one; None without."""
        value = next((value for name in names if (value := self.only(name)) is not None), None)
        return None if value is None else value.rpartition("@")[2].rstrip(".")


def judge(incoming: Incoming, roster: Roster, trust: Trust, own_domain: str) -> Standing:
    """Whether this mail is from somebody of the roster, and whether the mailbox's server vouches for it.

    ``own_domain`` is the domain of the mailbox's address. Contract section 6: dmarc=pass, or dkim or spf pass aligned
    with the From domain; or a login as the From address itself, which the server saw.
    """
    sender = incoming.mail.sender
    if sender is None or not (roster.associate(sender) or roster.admin(sender)):
        return Standing.STRANGER
    return Standing.KNOWN if is_vouched_for(incoming, sender, trust, own_domain) else Standing.REFUSED


def is_own_voice(incoming: Incoming, rules: Rules, trust: Trust) -> bool:
    """Whether somebody writes as the mailbox itself, is proven, and no list or group may have put its address there."""
    mail = incoming.mail
    if mail.sender is None or not rules.owns(mail.sender) or mail.robot is not None:
        return False
    no_other = all(map(rules.owns, mail.other_senders))
    return no_other and is_vouched_for(incoming, mail.sender, trust, rules.address.rpartition("@")[2])


def is_vouched_for(incoming: Incoming, sender: str, trust: Trust, own_domain: str) -> bool:
    """Whether the mailbox's server proves that a mail is this sender's, or need not."""
    domain = sender.rpartition("@")[2]
    if trust.internal == "exchange" and domain == own_domain.casefold():
        # Exchange removes this field from all mail that comes from outside (its "header firewall").
        stamp = incoming.headers.auth_as
        if stamp is not None and stamp.strip().lower() == "internal":
            return True
    verdict = _verdict(incoming.headers.auth_results, trust, sender)
    return verdict is _Verdict.PASSED or (verdict is _Verdict.ABSENT and not trust.require)


def written_by(field: str) -> str:
    """The authserv-id, which stands first (RFC 8601, 2.5), in lower case and without the number of the job that some
    servers put behind it (``mx.clinic.test/4F1A2B``); `NO_NAME` for Microsoft's form, else ""."""
    if _RESULT_FIRST.match(field):
        return NO_NAME
    server = _SERVER.match(field)
    return server[1].lower().partition("/")[0] if server else ""


def believes(trust: Trust, server: str) -> bool:
    """Whether this is a server whose results count, by the name that `written_by` gives it."""
    return any(
        server == wanted
        or (server == NO_NAME and wanted in WITHOUT_ID)
        or (wanted.startswith("*.") and server.endswith(wanted[1:]))
        for wanted in trust.authserv_id
    )


def _verdict(fields: tuple[str, ...], trust: Trust, sender: str) -> _Verdict:
    for field in fields:
        server = written_by(field)
        if believes(trust, server):
            idless = server == NO_NAME
            return _weigh(_parse(f"{server}; {field}" if idless else field, idless=idless), sender)
    return _Verdict.ABSENT


@lru_cache(maxsize=256)  # a server says the same of nearly every mail from the clinic's own domain
def _parse(field: str, *, idless: bool = False) -> list[_Result] | None:
    """The results of one field; None when those that count cannot be read with certainty.

    Each is parsed alone: servers end the field with a semicolon, or say of other checks what is no RFC 8601
    (``iprev=pass smtp.remote-ip=2001:db8::1``), and must be believed all the same.
    ``idless``: Microsoft's older form also names the receiving domain there: ``spf=pass ...; x.test; dkim=none``.
    """
    server, *pieces = _pieces(field) or [""]
    if name := _SERVER.match(server):  # without its job, which the grammar does not know
        server = name[1].partition("/")[0] + server[name.end(1) :]
    if not pieces:
        return None
    features = authres.all_features()
    results: list[_Result] = []
    for piece in pieces:
        found = _RESULT_FIRST.match(piece)
        if not piece.strip() or (idless and not found):
            continue
        try:
            parsed = features.parse_value(f"{server};{piece}").results
        except Exception:  # authres raises its own errors, and RecursionError, ValueError, TypeError on odd input
            if found and found[1].lower() not in _METHODS:
                continue
            return None
        for result in parsed:
            properties = ((f"{item.type}.{item.name}", str(item.value or "")) for item in result.properties)
            results.append(_Result(result.method, result.result, tuple(properties)))
    return results


def _pieces(field: str) -> list[str] | None:
    """The field cut at the semicolons that are in no comment and no quoted string; None when that is not certain.

    Servers copy the envelope sender into comments and values. A sender with quotes could close such a comment and go
    on with results of its own, so a quote in a comment makes the field worthless, and so does a backslash anywhere.
    """
    if len(field) > RESULTS_MAX:
        return None
    pieces, start = [], 0
    depth, quoted = 0, False
    for at, letter in enumerate(field):
        if letter == "\\":
            return None
        if letter == '"':
            if depth:
                return None
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
            if depth < 0:
                return None
            if letter == ";" and not depth:
                pieces.append(field[start:at])
                start = at + 1
    return None if depth or quoted else [*pieces, field[start:]]


def _weigh(results: list[_Result] | None, sender: str) -> _Verdict:
    """What the results say of this From address; a verdict that cannot be read is a failed one."""
    if results is None:
        return _Verdict.FAILED
    domain = sender.rpartition("@")[2]
    dmarc = [result for result in results if result.method == "dmarc"]
    if any(result.result == "fail" for result in dmarc):
        # Also when SPF or DKIM passed: then the domain's owner asked for more (strict alignment).
        return _Verdict.FAILED
    if dmarc and all(result.result == "pass" for result in dmarc):
        named = [result.domain("header.from") or domain for result in dmarc]
        return _Verdict.PASSED if all(_aligned(name, domain) for name in named) else _Verdict.FAILED
    logins = [result for result in results if result.method == "auth"]
    if logins and all(result.result == "pass" and result.only("smtp.auth") == sender for result in logins):
        return _Verdict.PASSED
    checks = [result for result in results if result.method in ("dkim", "spf")]
    proofs = [proof for result in checks if result.result == "pass" and (proof := _proven(result)) is not None]
    if any(_aligned(proof, domain) for proof in proofs):
        return _Verdict.PASSED
    # Somebody else's pass is no absence: the mail proves that it comes from another domain.
    failed = any(result.result in _FAILURES for result in checks)
    return _Verdict.FAILED if failed or proofs else _Verdict.ABSENT


def _proven(result: _Result) -> str | None:
    """For which domain a pass of DKIM or SPF speaks. SPF of the HELO name speaks for no sender."""
    return result.domain("header.d", "header.i") if result.method == "dkim" else result.domain("smtp.mailfrom")


def _aligned(one: str, other: str) -> bool:
    """Relaxed alignment (RFC 7489, 3.1), with "same organisation" taken as equal or one below the other.

    Stricter than the RFC, which knows the public suffixes: cousins are not aligned, and nobody is with a single label.
    """
    above, below = sorted((one.lower(), other.lower()), key=len)
    return above == below or ("." in above and below.endswith("." + above))
