"""What people write to each other with the clinic's mailbox among the readers: no case is moved by it (section 3).

From bytes to decision, without a store.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.cast import ALEX, DANA, LEE, RULES, a_case, local, scene
from tests.mail.reading import mail
from tests.rows import each
from workflow.core.cases import Cases
from workflow.core.language import read, vocabulary
from workflow.core.mail import Mail
from workflow.core.model import Case, Decision
from workflow.core.people import Person, Standing
from workflow.core.routing import route
from workflow.core.rules import Kind
from workflow.core.situation import Situation

NOW = local("14:10")
CASES = [a_case(kind, local("14:00") - number * timedelta(minutes=10)) for number, kind in enumerate(Kind)]

ANSWERS = [
    ("Re: October invoice", ["In-Reply-To: <a@colleague.test>"], ""),
    ("RE[2]: Sam", [], ""),
    ("", ["References: <a@colleague.test>", "To: clinic@clinic.test"], ""),
    ("", ["In-Reply-To: your mail of Monday"], ""),
    ("", [], "\n\n> Did you?\n"),
    ("", [], "\n\nOn Thu, 5 Nov 2026 at 13:50, Kim <kim@x.test> wrote:\nDid you?\n"),
    ("", [], "\n\n-----Original Message-----\nFrom: Kim <kim@x.test>\nSubject: Sam\n\nDid you?\n"),
]
OUTSIDE = ["To: Kim <kim@x.test>", "Cc: clinic@clinic.test, KIM@x.test", "To: kim@x.test (Kim", "Cc: Friends:;"]
SIGNED = ["", "\n\n-- \nDana Lee\ndana@clinic.test", "\n\nSent from my iPhone", "\n\nRegards,\nDana"]


def heard(written: Mail, case: Case | None) -> Situation:
    sender = written.sender or ""
    return Situation(
        scene=scene(NOW),
        mail=written,
        reading=read.read(written.subject, written.new_text, written.quoted_text),
        standing=Standing.KNOWN,
        associate=RULES.roster.associate(sender),
        admin=RULES.roster.admin(sender),
        cases=Cases([case] if case is not None else []),
    )


def decided(written: Mail, case: Case | None) -> Decision:
    return route(heard(replace(written, arrived_at=NOW), case))[-1]


lines = st.builds(
    lambda word, case, tail: f"{case(word)}{tail}",
    st.sampled_from(
        [*vocabulary.HEADWORDS, *vocabulary.ALSO, "texted her", "close rescheduled", "late 20", "i've sent it"]
    ),
    st.sampled_from([str, str.upper, str.capitalize]),
    st.sampled_from(["", ".", " Tue 3pm", " to Tuesday 3pm.", " Sam", " Sam P.", ", she is fine", "!", " Kim to Thu"])
    | st.text(" SamKi,.?-0123", max_size=12),
)


@given(
    line=lines,
    between=st.tuples(st.sampled_from(ANSWERS), st.just(""))
    | st.tuples(st.just(("", [], "")), st.sampled_from(OUTSIDE)),
    signed=st.sampled_from(SIGNED),
    in_subject=st.booleans(),
    sender=st.sampled_from([DANA, ALEX, LEE]),
    case=st.sampled_from(CASES),
)
def test_a_word_moves_no_case(
    line: str,
    between: tuple[tuple[str, list[str], str], str],
    signed: str,
    in_subject: bool,
    sender: Person,
    case: Case,
) -> None:
    (subject, fields, quoted), outside = between
    subject = line if in_subject and not subject else subject
    text = f"{'' if subject == line else line}{signed}{quoted}"
    to = [outside] if outside else [] if any(field.startswith("To") for field in fields) else ["To: clinic@clinic.test"]
    written = mail(f"Subject: {subject}", *to, *fields, body=text, sender=sender.email)
    reading = read.read(written.subject, written.new_text, written.quoted_text)
    assume(not reading.ids)
    decision = decided(written, case)
    assert decision.case is None or reading.report is not None
    if reading.report is None and reading.unclear is None:
        assert (decision.reason, decision.letters) == ("untagged", ())


@given(line=st.sampled_from(["sent", "texted Sam", "LATE 20", "rescheduled Tue 3pm"]), signed=st.sampled_from(SIGNED))
def test_alone_in_a_mail_to_the_clinic_it_does(line: str, signed: str) -> None:
    """The other half: what is signed, copied to colleagues or written to another address of theirs answers nobody."""
    to = ["To: Clinic <CLINIC@clinic.test>", 'Cc: "Roy, Pat" <pat@clinic.test>, Lee, Dana <dana.lee@clinic.test> (me)']
    case = CASES[0]
    for fields in (to[:1], to):
        after = decided(mail("Subject: Hello", *fields, body=f"{line}{signed}"), case).case
        assert after is not None
        assert after.id == case.id


@each(
    ("fields", "recipients"),
    [
        (["To: clinic@clinic.test"], ("clinic@clinic.test",)),
        (
            ["To: A <a@x.test>, B@X.test", "Cc: <c@x.test>", "To: d@x.test"],
            ("a@x.test", "b@x.test", "d@x.test", "c@x.test"),
        ),
        (['To: "kim@y.test, Kim" <a@x.test>'], ("a@x.test",)),
        (["To: =?utf-8?q?kim@y.test=2C?= <a@x.test>"], ("a@x.test",)),
        (["To: a@x.test (not kim@y.test)"], ("a@x.test",)),
        (["To: a@x.test (kim@y.test"], ("a@x.test", "(kim@y.test")),
        (["To: Team: a@x.test;b@x.test;, c@x.test"], ("a@x.test", "b@x.test", "c@x.test")),
        (['To: "a b"@x.test'], ('"@x.test',)),
        (["To: undisclosed-recipients:;"], ("",)),
        ([], ("",)),
    ],
)
def test_whoever_may_be_named_in_to_and_cc_is_a_reader(fields: list[str], recipients: tuple[str, ...]) -> None:
    assert mail(*fields).recipients == recipients
