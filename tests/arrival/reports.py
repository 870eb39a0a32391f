"""Reports of mail servers about a letter of ours, as the servers of this world write them. All of it is made here."""

from __future__ import annotations

import base64
from collections.abc import Callable
from email.message import Message

ASSOCIATE = "dana@clinic.test"
CLINIC = "clinic@clinic.test"


def returned(letter: Message, *, whole: bool = True) -> str:
    """The letter as it comes back: what its way added on top, its own headers, perhaps its text."""
    way = (
        "Return-Path: <clinic@clinic.test>\n"
        "Received: from desk.clinic.test (desk.clinic.test [192.0.2.7])\n"
        "\tby mx.clinic.test (Postfix 5.4.2) with ESMTPS id 4Xy4.4.1; Thu, 5 Nov 2026 14:00:01 -0500\n"
    )
    own = "".join(f"{name}: {value}\n" for name, value in letter.items() if name.lower() != "received")
    return f"{way}{own}\n" + ("Message the client now.\n" if whole else "")


def _head(sender: str, subject: str, kind: str, *fields: str) -> str:
    more = "".join(f"{field}\n" for field in fields)
    return (
        f"Return-Path: <>\nReceived: by mx.clinic.test; Thu, 5 Nov 2026 14:00:09 -0500\nFrom: {sender}\nTo: {CLINIC}\n"
        f"Subject: {subject}\nDate: Thu, 5 Nov 2026 14:00:09 -0500\nMessage-ID: <report@mx.test>\n{more}"
        f"MIME-Version: 1.0\nContent-Type: {kind}\n\n"
    )


def _report(human: str, status: str, back: str, *, kind: str = "text/plain", back_kind: str = "message/rfc822") -> str:
    return (
        f"--=_r\nContent-Description: Notification\nContent-Type: {kind}; charset=utf-8\n\n{human}\n"
        f"--=_r\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\n{status}\n"
        f"--=_r\nContent-Type: {back_kind}\n\n{back}\n--=_r--\n"
    )


_SUBJECT = "Undelivered Mail Returned to Sender"
_MULTIPART = 'multipart/report; report-type=delivery-status; boundary="=_r"'
_FAILED = (
    "Reporting-MTA: dns; mx.clinic.test\nX-Postfix-Queue-ID: 4Xy4.4.1\nArrival-Date: Thu, 5 Nov 2026 14:00:01 -0500\n\n"
    f"Final-Recipient: rfc822; {ASSOCIATE}\nOriginal-Recipient: rfc822;{ASSOCIATE}\nAction: failed\nStatus: 5.1.1\n"
    "Remote-MTA: dns; mx.elsewhere.test\nDiagnostic-Code: smtp; 550 5.1.1 No such user here\n"
)


def postfix(letter: Message) -> str:
    """Postfix: the whole letter."""
    human = (
        "This is the mail system at host mx.clinic.test.\n\nI'm sorry to have to inform you that your message could\n"
        f"not be delivered to one or more recipients. It's attached below.\n\n<{ASSOCIATE}>: host "
        "mx.elsewhere.test said:\n    550 5.1.1 No such user here (in reply to RCPT TO command)\n"
    )
    head = _head(
        "MAILER-DAEMON@mx.clinic.test (Mail Delivery System)", "Undelivered Mail Returned to Sender", _MULTIPART
    )
    return head.replace("MIME", "Auto-Submitted: auto-replied\nMIME") + _report(human, _FAILED, returned(letter))


def postfix_headers(letter: Message) -> str:
    """Postfix for a long mail, and Sendmail: the header block alone."""
    head = _head("Mail Delivery System <MAILER-DAEMON@mx.clinic.test>", "Undelivered Mail", _MULTIPART)
    return head + _report("See below.", _FAILED, returned(letter, whole=False), back_kind="text/rfc822-headers")


def gmail(letter: Message) -> str:
    """Gmail: "Address not found"."""
    human = (
        "\n** Address not found **\n\nYour message wasn't delivered to dana@clinic.test because the address couldn't "
        "be found, or is unable to receive mail.\n\nThe response from the remote server was:\n550 5.1.1 The email "
        "account that you tried to reach does not exist.\n"
    )
    status = (
        "Reporting-MTA: dns; googlemail.com\nReceived-From-MTA: dns; clinic@clinic.test\nArrival-Date: Thu, 05 Nov 2026"
        f"\nX-Original-Message-ID: {letter['Message-ID']}\n\nFinal-Recipient: rfc822; {ASSOCIATE}\nAction: failed\n"
        "Status: 5.1.1\nDiagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.\n"
        "Last-Attempt-Date: Thu, 05 Nov 2026 11:00:09 -0800 (PST)\n"
    )
    head = _head(
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Failure)",
        _MULTIPART,
        f"X-Failed-Recipients: {ASSOCIATE}",
        "Auto-Submitted: auto-replied",
        f"In-Reply-To: {letter['Message-ID']}",
    )
    return head + _report(human, status, returned(letter))


def exchange(letter: Message) -> str:
    """Exchange: its page is HTML, and its sender has a name like a person's."""
    human = (
        "<html><body><p><b>Your message to dana@clinic.test couldn't be delivered.</b></p><p>dana wasn't found at "
        "clinic.test.</p><p>Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound'</p></body></html>"
    )
    status = (
        "Reporting-MTA: dns;YQBPR01.prod.outlook.test\nReceived-From-MTA: dns;desk.clinic.test\n\n"
        f"Final-Recipient: rfc822;{ASSOCIATE}\nAction: failed\nStatus: 5.1.10\n"
        "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found\n"
    )
    head = _head(
        '"Microsoft Outlook" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@clinic.test>',
        f"Undeliverable: {letter['Subject']}",
        _MULTIPART,
        "X-MS-Exchange-Message-Is-Ndr:",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
    )
    return head + _report(human, status, returned(letter), kind="text/html")


def exchange_page(letter: Message) -> str:
    """Exchange with nothing returned: the headers stand in the page, for administrators."""
    headers = returned(letter, whole=False).replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>\n")
    page = (
        "<html><body><p>Delivery has failed to these recipients or groups:</p><p><a href=3D'x'>dana@clinic.test</a></p>"
        "<p>The e-mail address you entered couldn't be found.</p><p>Diagnostic information for administrators:</p>"
        f"<p>#550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found ##</p><p>Original message headers:</p><p>{headers}</p>"
        "</body></html>"
    )
    encoded = base64.encodebytes(page.encode()).decode()
    head = _head(
        "Microsoft Outlook <MicrosoftExchange329e@clinic.test>",
        f"Undeliverable: {letter['Subject']}",
        "text/html; charset=utf-8",
        "Content-Transfer-Encoding: base64",
    )
    return head + encoded


def qmail(letter: Message) -> str:
    """qmail: one page of text, no code in it."""
    return (
        _head("MAILER-DAEMON@mx.clinic.test", "failure notice", "text/plain")
        + "Hi. This is the qmail-send program at mx.clinic.test.\nI'm afraid I wasn't able to deliver your message to "
        "the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f"<{ASSOCIATE}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        f"--- Below this line is a copy of the message.\n\n{returned(letter)}"
    )


def exim(letter: Message) -> str:
    """Exim of old: text, and a header that names the recipient."""
    return (
        _head(
            "Mail Delivery System <Mailer-Daemon@mx.clinic.test>",
            "Mail delivery failed: returning message to sender",
            "text/plain",
            f"X-Failed-Recipients: {ASSOCIATE}",
            "Auto-Submitted: auto-replied",
        )
        + "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        f"delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        f"  {ASSOCIATE}\n    all relevant MX records point to non-existent hosts\n\n"
        f"------ This is a copy of the message, including all the headers. ------\n\n{returned(letter)}"
    )


def unheard_of(letter: Message) -> str:
    """A server that nobody knows: its own name, a sentence, the headers."""
    return (
        _head("The post room <post-room@mx.elsewhere.test>", "Your mail", "text/plain")
        + f"The server said 554 5.7.1 to your mail for {ASSOCIATE}.\n\n{returned(letter, whole=False)}"
    )


def wrapped(letter: Message) -> str:
    """A gateway has put its footer under Exchange's report."""
    inner = _report("See below.", _FAILED, returned(letter))
    return (
        _head(
            "Microsoft Outlook <MicrosoftExchange329e@clinic.test>", "Undeliverable", 'multipart/mixed; boundary="=_w"'
        )
        + f"--=_w\nContent-Type: {_MULTIPART}\n\n{inner}\n--=_w\nContent-Type: text/plain\n\nScanned.\n--=_w--\n"
    )


def delayed(letter: Message) -> str:
    """Postfix: still trying."""
    status = _FAILED.replace("failed", "delayed").replace("5.1.1", "4.4.1").replace("550", "451")
    human = "YOUR MESSAGE IS DELAYED.\nYou do not need to resend it.\n"
    head = _head("MAILER-DAEMON@mx.clinic.test", "Delayed Mail (still being retried)", _MULTIPART)
    return head + _report(human, status, returned(letter, whole=False), back_kind="text/rfc822-headers")


def exim_warning(letter: Message) -> str:
    """Exim of old: still trying."""
    return (
        _head("Mail Delivery System <Mailer-Daemon@mx.clinic.test>", "Warning: message delayed 24 hours", "text/plain")
        + "A message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 "
        f"hours.\n\n  {ASSOCIATE}\n    Delay reason: 550-ish greylisting\n\nNo action is required on your part.\n\n"
        f"{returned(letter, whole=False)}"
    )


def busy(letter: Message) -> str:
    """A page of text with nothing but a code that says "for now"."""
    return (
        _head("postmaster@mx.elsewhere.test", "Your mail", "text/plain")
        + f"<{ASSOCIATE}>: 452 4.2.2 Over quota\n\n{returned(letter, whole=False)}"
    )


def delivered(letter: Message) -> str:
    """Good news."""
    status = _FAILED.replace("failed", "relayed").replace("5.1.1", "2.0.0").replace("550", "250")
    head = _head("MAILER-DAEMON@mx.clinic.test", "Successful Mail Delivery Report", _MULTIPART)
    return head + _report("Delivered.", status, returned(letter, whole=False), back_kind="text/rfc822-headers")


def returns_nothing(letter: Message) -> str:
    """Nothing came back, and an id in a reference proves nothing."""
    head = _head(
        "MAILER-DAEMON@mx.clinic.test",
        f"Undelivered: {letter['Subject']}",
        _MULTIPART,
        f"In-Reply-To: {letter['Message-ID']}",
        f"References: {letter['Message-ID']}",
    )
    return head + _report(f"About {letter['Message-ID']}.", _FAILED, "")


def forged(letter: Message) -> str:
    """Somebody guesses an id."""
    return postfix(letter).replace(str(letter["Message-ID"]), f"<{letter['X-Promptly-Case']}.2.0000@clinic.test>")


def from_another_promptly(letter: Message) -> str:
    """The same id, of another instance."""
    return postfix(letter).replace(f"X-Promptly-Loop: {letter['X-Promptly-Loop']}", "X-Promptly-Loop: 0123456789abcdef")


def of_a_colleague_s_answer(letter: Message) -> str:
    """A person's mail from the shared mailbox came back, which quotes our letter, headers and all."""
    theirs = f"From: {CLINIC}\nMessage-ID: <human@clinic.test>\nIn-Reply-To: {letter['Message-ID']}\nSubject: Re: x\n\n"
    quoted = "".join(f"> {line}\n" for line in returned(letter).split("\n"))
    head = _head("MAILER-DAEMON@mx.clinic.test", "Undelivered Mail Returned to Sender", _MULTIPART)
    return head + _report("See below.", _FAILED, f"{theirs}{quoted}{returned(letter)}")


FOR_GOOD: tuple[Callable[[Message], str], ...] = (
    postfix,
    postfix_headers,
    gmail,
    exchange,
    exchange_page,
    qmail,
    exim,
    unheard_of,
    wrapped,
)
FOR_NOW: tuple[Callable[[Message], str], ...] = (delayed, exim_warning, busy)
OF_NO_LETTER: tuple[Callable[[Message], str], ...] = (
    delivered,
    returns_nothing,
    forged,
    from_another_promptly,
    of_a_colleague_s_answer,
)
