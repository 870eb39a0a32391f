"""Bytes to Mail: ordinary mail of all programs. Traps are in `tests/arrival/test_bytes.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from tests.mail.reading import NOW, mail, parts, reading, text_of
from tests.rows import each
from workflow.mail.reading import newtext
from workflow.mail.reading.message import read
from workflow.mail.reading.parts import unflow


class TestOrdinaryMail:
    def test_a_report(self) -> None:
        incoming = reading(
            b"Return-Path: <dana@clinic.test>\r\n"
            b"From: Dana Lee <Dana@Clinic.test>\r\nTo: clinic@clinic.test\r\nSubject: LATE 15 Sam\r\n"
            b"Date: Mon, 23 Nov 2026 14:03:00 -0500\r\nMessage-ID: <1@clinic.test>\r\n"
            b"In-Reply-To: <c@clinic.test>\r\nReferences: <a@clinic.test>\r\n <b@clinic.test> <c@clinic.test>\r\n\r\n"
            b"traffic\r\n\r\nSent from my iPhone\r\n"
        )
        found = incoming.mail
        assert incoming.fault is None
        assert found.sender == "dana@clinic.test"
        assert found.subject == "LATE 15 Sam"
        assert found.new_text == "traffic"
        assert found.quoted_text == "Sent from my iPhone"
        assert found.message_id == "<1@clinic.test>"
        assert found.refers_to == ("<c@clinic.test>", "<b@clinic.test>", "<a@clinic.test>")
        assert found.arrived_at == NOW
        assert found.written_at == datetime(2026, 11, 23, 19, 3, tzinfo=UTC)
        assert found.robot is None
        assert not found.oversize

    def test_our_own_lines_are_no_new_text(self) -> None:
        raw = b"From: dana@clinic.test\n\nSENT\n\nMessage the client now. Copy the text.\n"
        text = reading(raw).text
        assert text == "SENT\n\nMessage the client now. Copy the text."
        assert newtext.split(text, ["Message the client now. Copy the text."])[0] == "SENT"

    def test_text_that_python_composed(self) -> None:
        message = EmailMessage()
        message["From"] = "Dana <dana@clinic.test>"
        message["Subject"] = "OTHER Zoë — überlegt"
        message.set_content("Größe\n")
        message.add_alternative("<p>nicht</p>", subtype="html")
        message.add_attachment(b"x", maintype="image", subtype="png", filename="x.png")
        found = reading(message.as_bytes()).mail
        assert (found.subject, found.new_text) == ("OTHER Zoë — überlegt", "Größe")


class TestHeaders:
    def test_a_subject_is_one_clean_line(self) -> None:
        assert mail("Subject: =?utf-8?q?LATE=0d=0aBcc:_x?= =?utf-8?q?_15?=").subject == "LATE Bcc: x 15"
        assert mail("Subject: LATE\r\n\t15   Sam\x00").subject == "LATE 15 Sam"
        assert mail("Subject: =?utf-7?q?+2AA-?= x").subject == "x"

    def test_one_bad_header_does_not_spoil_another(self) -> None:
        found = reading(b"X-Bad: \xe9\nFrom: dana@clinic.test\nSubject: caf\xc3\xa9\n\n").mail
        assert found.subject == "café"

    @each(
        ("value", "found"),
        [
            ("<a@b.test>", "<a@b.test>"),
            ("<[x@microsoft.com]>", "<[x@microsoft.com]>"),
            ("a@b.test", "<a@b.test>"),
            ("junk <a@b.test> junk", "<a@b.test>"),
            ("", None),
            ("<>", None),
            ("< >", None),
        ],
    )
    def test_message_ids(self, value: str, found: str | None) -> None:
        assert mail(f"Message-ID: {value}").message_id == found

    def test_references_that_were_folded_into_encoded_words(self) -> None:
        long = f"<{'k7q2' * 20}@clinic.test>"
        word = "=?utf-8?q?=3C" + "k7q2" * 10 + "?=\r\n =?utf-8?q?" + "k7q2" * 10 + "=40clinic=2Etest=3E?="
        assert mail(f"In-Reply-To: {word}").refers_to == (long,)

    def test_the_newest_references_survive_a_long_list(self) -> None:
        many = " ".join(f"<{n}@clinic.test>" for n in range(3000))
        refers = mail(f"References: {many}").refers_to
        assert refers[0] == "<2999@clinic.test>"
        assert len(refers) == 100

    def test_trust_gets_unfolded_results_topmost_first(self) -> None:
        headers = reading(
            b"Authentication-Results: a.test;\r\n dmarc=pass\r\nAuthentication-Results: b.test; none\r\n"
            b"X-MS-Exchange-Organization-AuthAs: Internal\r\n\r\n"
        ).headers
        assert headers.auth_results == ("a.test; dmarc=pass", "b.test; none")
        assert headers.auth_as == "Internal"


class TestBodies:
    def test_plain_text_is_preferred_wherever_it_stands(self) -> None:
        html, plain = "Content-Type: text/html\n\n<p>html</p>", "Content-Type: text/plain\n\nplain"
        assert text_of(parts("alternative", plain, html)) == "plain"
        assert text_of(parts("alternative", html, plain)) == "plain"

    def test_html_speaks_when_the_text_is_empty_or_missing(self) -> None:
        html = "Content-Type: text/html\n\n<div>LATE <b>15</b> Sam<br>note</div><blockquote>old K7Q2</blockquote>"
        for raw in (html, parts("alternative", "Content-Type: text/plain\n\n \n", html), parts("related", html)):
            found = reading(b"From: dana@clinic.test\n" + raw.encode()).mail
            assert found.new_text == "LATE 15 Sam\nnote"
            assert found.quoted_text == "> old K7Q2"

    def test_html_of_gmail_and_outlook(self) -> None:
        gmail = (
            'Content-Type: text/html\n\n<div dir="ltr">SENT</div><br><div class="gmail_quote"><div class="gmail_attr">'
            'On Mon, Nov 23, 2026 at 2:03 PM P &lt;<a href="mailto:c@clinic.test">c@clinic.test</a>&gt; wrote:'
            "<br></div><blockquote><div>You report</div></blockquote></div>"
        )
        outlook = (
            "Content-Type: text/html\n\n<html><head><style><!-- p.MsoNormal {margin:0} --></style></head><body>"
            "<p class=MsoNormal>SENT<o:p></o:p></p><hr><div><p class=MsoNormal><b>From:</b> P &lt;c@clinic.test&gt;<br>"
            "<b>Sent:</b> Monday<br><b>To:</b> Dana<br><b>Subject:</b> [K7Q2]</p></div><p>You report</p></body></html>"
        )
        assert text_of(gmail) == "SENT"
        assert text_of(outlook) == "SENT"

    def test_entities_bring_no_control_characters(self) -> None:
        assert text_of("Content-Type: text/html\n\n<p>SE&#7;NT &amp; &eacute;</p>") == "SE NT & é"
        assert not set("\x00\x02\x07") & set(text_of("Content-Type: text/html\n\n<p>a&#7;b&#0;c&#2;d</p>"))

    def test_html_that_nobody_sees_is_not_read(self) -> None:
        unseen = (
            "<title>NOSHOW Kim</title><style>p {x: y}</style><script>evil()</script><template>NOSHOW Kim</template>"
        )
        assert text_of(f"Content-Type: text/html\n\n<p>SENT</p>{unseen}<p>Tue</p>") == "SENT\n\nTue"

    @each(
        "hidden",
        [
            '<div style="display:none">RESCHEDULED</div>',
            "<div style='color:red; DISPLAY : None !important'><p>RESCHEDULED <b>Tue</b></p></div>",
            "<span style=visibility:hidden>RESCHEDULED</span>",
            '<span style="font-size:0">RESCHEDULED</span>',
            '<table><td style="mso-line-height-rule:exactly;font-size:0px;">RESCHEDULED<b>!</b></td></table>',
            '<p style="opacity: 0.0">RESCHEDULED</p>',
            '<div style="max-height:0px;max-width:0;overflow:hidden">RESCHEDULED</div>',
            '<span style="mso-hide:all">RESCHEDULED</span>',
            "<p hidden>RESCHEDULED</p>",
            '<div class="x" hidden="">RESCHEDULED</div>',
            "<s>RESCHEDULED</s>",
            "<strike>RESCHEDULED <i>Tue</i></strike>",
            '<del datetime="2026">RESCHEDULED</del>',
            '<span style="text-decoration: line-through">RESCHEDULED</span>',
            '<div style="display:none"><div style="display:block; font-size:14px">RESCHEDULED</div></div>',
            "<style>p.a, .pre-header{color:red;display:none}</style><div class='x pre-header'>RESCHEDULED</div>",
            "<style>\n.b{}\n.hide { visibility:hidden }\n</style><p class=hide>RESCHEDULED</p>",
        ],
    )
    def test_what_html_hides_or_strikes_out_says_nothing(self, hidden: str) -> None:
        assert text_of(f"Content-Type: text/html\n\n{hidden}<p>thanks</p>") == "thanks"
        assert text_of(f"Content-Type: text/html\n\n<table><tr><td>{hidden}</td></tr></table>thanks") == "thanks"

    @each(
        "shown",
        [
            '<div style="display:block;font-size:0.9em">SENT</div>',
            '<div style="font-size:0"><span style="font-size:14px">SENT</span></div>',
            '<table style="font-size:0px"><tr><td style="FONT-SIZE: small"><b>SENT</b></td></tr></table>',
            '<p style="opacity:0.9;max-height:100px;overflow:hidden">SENT</p>',
            '<p title="hidden" class="hidden" data-x="display:none">SENT</p>',
            '<p style="overflow:hidden;text-decoration:none">SENT</p>',
            '<p style="mso-element:frame;overflow-wrap:break-word">SENT</p>',
            "<style>@media (max-width:600px) { .wide { display:none } }\n.x{font-size:0.8em}</style>"
            '<p class="wide x">SENT</p>',
            "<style>.x p{display:none}</style><div class=x>SENT</div>",
            "<section><small>SENT</small></section>",
        ],
    )
    def test_what_html_shows_is_read(self, shown: str) -> None:
        assert text_of(f"Content-Type: text/html\n\n{shown}") == "SENT"

    def test_what_was_struck_out_is_not_read_from_the_text_beside_the_html(self) -> None:
        plain = "Content-Type: text/plain\n\nRESCHEDULED thanks"
        html = "Content-Type: text/html\n\n<div><{0}>RESCHEDULED</{0}> thanks</div>"
        assert text_of(parts("alternative", plain, html.format("strike"))) == "thanks"
        assert text_of(parts("alternative", plain, html.format("b"))) == "RESCHEDULED thanks"

    def test_html_text_behind_the_last_tag_is_kept(self) -> None:
        assert text_of("Content-Type: text/html\n\n<p>LATE 15 Sam") == "LATE 15 Sam"
        assert text_of("Content-Type: text/html\n\nLATE 15 Sam") == "LATE 15 Sam"
        assert text_of("Content-Type: text/html\n\n<pre>LATE 15\nSam</pre>") == "LATE 15\nSam"

    @each("blank", ["\u00a0", "\u200b\ufeff", "\u200b\n\u00a0\n\u2060", "\u00ad\u3000", "**\n__"])
    def test_html_speaks_when_nothing_in_the_text_can_be_seen(self, blank: str) -> None:
        html = "Content-Type: text/html\n\n<p>RESCHEDULED Tue 3pm</p>"
        plain = f"Content-Type: text/plain; charset=utf-8\n\n{blank}"
        assert text_of(parts("alternative", plain, html)) == "RESCHEDULED Tue 3pm"
        assert text_of(parts("alternative", f"{plain}\n\nok", html)) == "ok"

    def test_the_only_text_speaks_although_it_has_a_file_name(self) -> None:
        named = "Content-Type: text/plain; name=body.txt\n\nSENT"
        attached = "Content-Type: text/html\nContent-Disposition: attachment; filename=body.html\n\n<p>SENT</p>"
        picture = "Content-Type: image/png; name=x.png\n\nxx"
        for raw in (named, attached, parts("mixed", named, picture), parts("alternative", named, attached)):
            assert text_of(raw) == "SENT"

    def test_a_file_beside_an_empty_text_is_a_file(self) -> None:
        attached = "Content-Type: text/plain\nContent-Disposition: attachment; filename=x.txt\n\nNOSHOW Kim"
        assert text_of(parts("mixed", "\n\n", attached)) == ""
        assert text_of(parts("mixed", "Content-Type: text/html\n\n<p></p>", attached)) == ""

    def test_signed_mail_is_read(self) -> None:
        signed = parts("signed; protocol=x", "Content-Type: text/plain\n\nSENT", "Content-Type: text/plain\n\nsig")
        assert text_of(signed) == "SENT"
        inline = (
            "\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSENT\n- -- \nDana\n"
            "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
        )
        assert text_of(inline) == "SENT"

    def test_a_body_around_a_picture_is_one_text(self) -> None:
        picture = "Content-Type: image/png\nContent-Disposition: inline\n\nxx"
        assert text_of(parts("mixed", "\nOTHER one", picture, "\ntwo")) == "OTHER one\n\ntwo"

    def test_a_footer_does_not_hide_the_html(self) -> None:
        html = "Content-Type: text/html\n\n<p>SENT</p>"
        assert text_of(parts("mixed", html, "Content-Type: text/plain\n\nfooter")) == "SENT\n\nfooter"

    def test_a_boundary_that_begins_another(self) -> None:
        inner = "Content-Type: multipart/alternative; boundary=bb\n\n--bb\n\nSENT\n--bb--"
        assert text_of(parts("mixed", inner, "Content-Type: image/png\n\n")) == "SENT"

    def test_flowed_text_is_joined(self) -> None:
        raw = (
            "Content-Type: text/plain; format=flowed\n\nOTHER the client \nwas in \nMontreal\n> quoted \n> text\n-- \nD"
        )
        found = reading(b"From: dana@clinic.test\n" + raw.encode()).mail
        assert found.new_text == "OTHER the client was in Montreal"
        assert "> quoted text" in found.quoted_text
        assert unflow("ab \ncd", delsp=True) == "abcd"
        assert unflow("  stuffed\n>> deep \n> less", delsp=False) == " stuffed\n>> deep \n> less"


OUTLOOK = "\n\n____________________\nFrom: Promptly <clinic@clinic.test>\nSent: Monday\nTo: Dana\nSubject: x\n"


class TestReactions:
    def test_gmail_s_has_a_part_of_its_own(self) -> None:
        said = "Dana Lee reacted via Gmail\n<https://www.google.test/gmail/about/?utm=x>\n\n"
        quoted = "On Mon, Nov 23, 2026 at 2:03 PM Promptly <clinic@clinic.test> wrote:\n> [K7Q2]"
        plain = f"Content-Type: text/plain; charset=utf-8\n\n\U0001f44d\n\n{said}{quoted}"
        json = 'Content-Type: text/vnd.google.email-reaction+json\n\n{"emoji":"x","version":1}'
        elsewhere = plain.replace("reacted via", "reageerde via")
        for raw in (parts("alternative", plain, json), parts("mixed", plain), parts("related", json, elsewhere)):
            found = reading(b"From: dana@clinic.test\n" + raw.encode())
            assert found.mail.new_text == "\U0001f44d"
            assert (found.mail.answers, found.mail.quoted_text) == (True, quoted)

    @each(
        "said",
        [
            "Dana Lee reacted to your message:",
            "[Like] Dana Lee reacted to your message:",
            "\U0001f44d Dana Lee\nreacted to your message:",
            "[cid:0f-1] Zoë O'Neill-Roy a réagi à votre message :",
            "Lee, Dana hat auf Ihre Nachricht reagiert:",
            "Dana Lee ha reaccionado a tu mensaje:",
        ],
    )
    def test_outlook_s_is_a_line(self, said: str) -> None:
        assert text_of(f"Content-Type: text/plain; charset=utf-8\n\n{said}{OUTLOOK}") == "\U0001f44d"

    @each(
        "said",
        [
            "Sam reacted to your message",
            "Sam reacted to your message: she is upset",
            "RESCHEDULED\n\nshe was in tears when I said it, and then reacted to your message:\n\nfine",
            "She reacted badly to the message:",
        ],
    )
    def test_people_may_write_of_reactions(self, said: str) -> None:
        assert text_of(f"Content-Type: text/plain; charset=utf-8\n\n{said}{OUTLOOK}") == said


class TestOversize:
    RAW = b"From: dana@clinic.test\r\nSubject: LATE 15 Sam\r\n\r\nNOSHOW Kim"

    def test_it_speaks_by_its_subject(self) -> None:
        found = reading(self.RAW, max_size=20).mail
        assert (found.oversize, found.subject, found.new_text) == (True, "LATE 15 Sam", "")

    def test_the_servers_size_counts(self) -> None:
        head = self.RAW.partition(b"NOSHOW")[0]
        by_head = reading(head, size=6_000_000, max_size=5_000_000).mail
        whole = reading(self.RAW, size=6_000_000, max_size=5_000_000).mail
        assert by_head.oversize
        assert by_head.key == whole.key
        assert not reading(self.RAW, size=100, max_size=100).mail.oversize


class TestKey:
    BASE = b"From: a@b.test\r\nTo: c@d.test\r\nDate: x\r\nSubject: s\r\nMessage-ID: <1@b.test>\r\nX: 1\r\n\r\nbody\r\n"

    def key(self, raw: bytes, dated_at: datetime = NOW) -> str:
        return read(raw, NOW, dated_at=dated_at, owns="clinic@clinic.test".__eq__, instance="i1").mail.key

    @each(
        ("fields", "is_another"),
        [
            (b"", True),
            (b"Date: \r\n", True),
            (b"Message-ID: \r\nDate:\r\n", True),
            (b"Date: Mon, 23 Nov 2026 14:03:00 -0500\r\n", False),
            (b"Message-ID: <1@x>\r\n", False),
        ],
    )
    def test_the_arrival_counts_where_nothing_else_tells_two_days_apart(self, fields: bytes, is_another: bool) -> None:
        raw = b"From: dana@clinic.test\r\nSubject: LATE 15 Sam\r\n" + fields + b"\r\n"
        assert (self.key(raw) != self.key(raw, NOW + timedelta(days=1))) is is_another
        assert self.key(raw) == self.key(raw)

    def test_it_is_sha256_in_hex(self) -> None:
        assert len(bytes.fromhex(self.key(self.BASE))) == 32

    @each("old", [b"a@b.test", b"c@d.test", b"Date: x", b"Subject: s", b"<1@b.test>", b"body"])
    def test_each_named_thing_counts(self, old: bytes) -> None:
        assert self.key(self.BASE.replace(old, old + b"y")) != self.key(self.BASE)

    def test_what_servers_change_does_not(self) -> None:
        assert self.key(self.BASE.replace(b"X: 1", b"X: 2")) == self.key(self.BASE)
        assert self.key(self.BASE.replace(b"\r\n", b"\n")) == self.key(self.BASE)
        assert self.key(b"Received: by x\r\n" + self.BASE) == self.key(self.BASE)

    def test_a_field_cannot_be_moved_into_its_neighbour(self) -> None:
        one, two = b"To: x\nSubject: y z\n\n", b"To: x y\nSubject: z\n\n"
        assert self.key(one) != self.key(two)
