"""Replies as mail programs write them, to our own letters, and what Promptly makes of them.

`python -m tests.arrival.replies` prints the figures by program that README shows. Each style of `clients` writes some
of the answers below about a late, a missed and a waited-for session; each mail takes the path of a real one, from
bytes to the decision. What is expected stands beside the answer: `ASKED` where a person could not be sure either.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache
from itertools import cycle, islice, product

from tests.arrival.clients import Original, Style, new_styles, styles
from tests.cast import ALEX, DANA, RULES, a_case, local, scene
from workflow.core.cases import Cases
from workflow.core.due import tick_case
from workflow.core.language import read
from workflow.core.model import Case, Letter, LetterKind, Outcome, State
from workflow.core.people import Standing
from workflow.core.routing import route
from workflow.core.rules import Kind
from workflow.core.situation import Situation
from workflow.mail.reading import message
from workflow.mail.writing.render import Letters

LETTERS = Letters(RULES, instance="a1b2c3")
ANSWERED = local("14:04")
ASKED, SILENCE, NOTE, SECOND = "asked", "silence", "a note", "a second case"

# --- what people answer -------------------------------------------------------------------------------

CLEAR = {
    Kind.NOSHOW: """
SENT                                             = SENT
Sent.                                            = SENT
sent!                                            = SENT
texted her                                       = SENT
Texted Sam                                       = SENT
Hi,//SENT                                        = SENT
SENT - she is fine                               = SENT
Called her just now                              = SENT
Done                                             = SENT
RESCHEDULED                                      = rescheduled
rescheduled                                      = rescheduled
Rescheduled to Tuesday at 3                      = rescheduled
RESCHEDULED Tue 3pm                              = rescheduled
RESCHEDULED Tue 3pm//She was very kind about it. = rescheduled
Hi Alex,//RESCHEDULED Thursday 10:30//Thanks,/Dana = rescheduled
Rebooked for next Thursday                       = rescheduled
Rescheduled – Tue 3pm 👍                         = rescheduled
UNREACHABLE                                      = unreachable
Unable to reach her                              = unreachable
Couldn’t reach Sam by phone                      = unreachable
OTHER she stops therapy                          = other
OTHER: she moved away and asked for her file to be passed on to the new clinic in Hamilton, I have told her how = other
MISTAKE                                          = cancelled
MAKEUP                                           = MAKEUP
Texted her, no reply yet                         = SENT
Texted her, waiting to hear back                 = SENT
Rescheduled to Tue 3pm, please update Jane       = rescheduled
Unable to reach Sam, left a voicemail            = unreachable
Sent/Dana                                        = SENT
""",
    Kind.LATE: """
CONNECTED                                        = connected
Connected.                                       = connected
connected now                                    = connected
Here                                             = connected
Started at 2:20                                  = connected
SENT                                             = SENT
Texted him                                       = SENT
LATE 25                                          = late 25
late 30 min                                      = late 30
NOSHOW                                           = noshow
RESCHEDULED Fri 9am                              = rescheduled
*CONNECTED*                                      = connected
Joined now, all good                             = connected
Unreachable, called twice                        = unreachable
Mistake - it is tomorrow                         = cancelled
""",
    Kind.WAITING: """
ARRIVED                                          = arrived
Arrived at 2:25                                  = arrived
here now                                         = arrived
ABSENT                                           = absent
no show                                          = absent
Didn’t come                                      = absent
No-show                                          = absent
OTHER she is ill                                 = other
""",
}
"""``/`` is a line's end."""

UNCLEAR = [
    "Rescheduled?",
    "not rescheduled yet",
    "RESCHEDULED or UNREACHABLE",
    "I think she will reschedule",
    "not sent yet",
    "She says she rescheduled",
    "SENT? I am not sure",
    "RESCHEDULED not confirmed",
    "cancel",
    "She cancelled",
    "no",
    "I will try again",
    "Rescheduled to be confirmed",
    "no answer yet",
    "ok, thanks",
    "What do I have to do?",
    "yes",
    "👍",
    "Please call me",
    "was it RESCHEDULED or UNREACHABLE?",
    "unable to open the link",
    "She may have been rescheduled by Alex/SENT",
    "can't send, no signal",
    "Here, see attached",
    "Joined, nobody here",
    "Rescheduled, awaiting confirmation",
    "resched, please",
    "Sent - bounced",
    "No answer. She called back",
    "rescheduled to Tuesday or Wednesday",
    "mistake in the invoice",
    "Rescheduled to Tuesday at three, she was kind about it and her mother was there too, but they are not sure yet",
    "SENT, at least I tried to do so twice from the train while it was standing, the phone says that it could not",
]

NOTHING = """
/Sent from my Huawei Mate 20/Sent with Spark/Sent from Proton Mail for iOS/Get BlueMail for Android/Dictated with Siri
/Sent from my phone, please excuse typos/Sent from Workspace ONE Boxer/-- ;Dana Lee, RSW/Kind regards,;Dana/
""".replace("\n", "").split("/")
"""What stands where somebody has written nothing; ``;`` is a line's end."""

FROM_ADMIN = """
CONTACTED                                        = CONTACTED
Contacted, she is fine                           = CONTACTED
CLOSE RESCHEDULED Tue 3pm                        = rescheduled
RESCHEDULED Tue 3pm                              = rescheduled
UNREACHABLE                                      = unreachable
She will call back at 3                          = a note
Please ring the desk                             = a note
Rescheduled?                                     = asked
has she been rescheduled                         = asked
ok, thanks                                       = silence
"""


FOLLOWED = """
Thanks, Dana                                     = goes on
All went well, no problem                        = goes on
She was very kind about it.                      = goes on
Sorry for the trouble                            = goes on
I will write my note tonight.                    = goes on
Please tell Alex.                                = goes on
Have a good evening                              = goes on
She will bring the forms next time               = goes on
no wait, that was the other client               = takes back
Sorry, not confirmed yet                         = takes back
Wait, wrong client                               = takes back
Hmm, mistake                                     = takes back
Is that right?                                   = takes back
not yet                                          = takes back
Oops, that was for Kim                           = takes back
"""
"""A sentence under the word."""

DICTATED = """
Sent period                                      = SENT
Rescheduled to Tuesday at three PM period        = rescheduled
Rescheduled comma Tuesday 3 PM                   = rescheduled
Unreachable period                               = unreachable
Texted her period                                = SENT
Rescheduled to Tuesday question mark             = asked
OK                                               = asked
On my way                                        = asked
Yes                                              = asked
I'll call you later                              = asked
Thanks!                                          = asked
No                                               = asked
"""
"""What is dictated with its signs in words, and what a watch offers to answer with."""


@dataclass(frozen=True)
class Reply:
    """A reply, and what is to come of it."""

    style: Style
    case: Case
    letter: Letter
    answer: str
    expected: str

    @property
    def clear(self) -> bool:
        return self.expected not in {ASKED, SILENCE}


def _rows(text: str) -> list[tuple[str, str]]:
    rows = [line.rpartition("=") for line in text.strip().splitlines()]
    return [(said.strip().replace("/", "\n"), expected.strip()) for said, _, expected in rows]


@cache
def _cases(kind: Kind) -> tuple[tuple[Case, Letter], ...]:
    """Cases of a kind, each with a letter of it that may be answered: the draft, and a reminder."""
    case = a_case(kind, minutes=15 if kind is Kind.LATE else None)
    reminded = tick_case(scene(local("14:05")), case)
    return tuple((one, one.letters[-1]) for one in (_with_last(case, LetterKind.DRAFT), reminded))


def _with_last(case: Case, kind: LetterKind) -> Case:
    last = next(letter for letter in case.letters if letter.kind is kind)
    return replace(case, letters=(*(letter for letter in case.letters if letter is not last), last))


def replies() -> Iterator[Reply]:
    """The corpus: each style with a turn of every list, so that each answer is written by many programs."""
    clear = {kind: cycle(_rows(text)) for kind, text in CLEAR.items()}
    unclear, nothing = cycle(UNCLEAR), cycle(NOTHING)
    admin = cycle(_rows(FROM_ADMIN))
    kinds = cycle([Kind.NOSHOW, Kind.LATE, Kind.NOSHOW, Kind.WAITING])
    alert = _with_last(a_case(Kind.NOSHOW), LetterKind.ALERT)
    for number, style in enumerate(styles()):
        for kind in islice(kinds, 4):
            case, letter = _cases(kind)[number % 2]
            yield Reply(style, case, letter, *next(clear[kind]))
        case, letter = _cases(next(kinds))[number % 2]
        for answer in islice(unclear, 2):
            yield Reply(style, case, letter, answer, ASKED)
        yield Reply(style, case, letter, next(nothing).replace(";", "\n"), ASKED)
        yield Reply(style, alert, alert.letters[-1], *next(admin))


def more_replies() -> Iterator[Reply]:
    """What programs put around an answer besides, what is dictated, and what is written under the word."""
    new, old = list(new_styles()), list(styles())
    clear = cycle([(kind, said, expected) for kind, text in CLEAR.items() for said, expected in _rows(text)])
    unclear = cycle(UNCLEAR)
    for number, style in enumerate(new):
        for kind, said, expected in islice(clear, 3):
            case, letter = _cases(kind)[number % 2]
            yield Reply(style, case, letter, said, expected)
        yield Reply(style, *_cases(Kind.NOSHOW)[number % 2], next(unclear), ASKED)
    every = cycle(old)
    for (kind, said, expected), (below, what) in product(
        [
            (Kind.NOSHOW, "RESCHEDULED Tue 3pm", "rescheduled"),
            (Kind.NOSHOW, "Unable to reach her", "unreachable"),
            (Kind.LATE, "CONNECTED", "connected"),
            (Kind.WAITING, "no show", "absent"),
            (Kind.NOSHOW, "SENT", "SENT"),
        ],
        _rows(FOLLOWED),
    ):
        for gap in ("\n", "\n\n"):
            style = replace(next(every), client="a sentence under it")
            yield Reply(style, *_cases(kind)[0], f"{said}{gap}{below}", ASKED if what == "takes back" else expected)
    for said, expected in _rows(DICTATED):
        for style in islice(every, 3):
            yield Reply(replace(style, client="watches, dictation"), *_cases(Kind.NOSHOW)[0], said, expected)


# --- what comes of them -------------------------------------------------------------------------------


_ORIGINALS: dict[str, Original] = {}


def _original(letter: Letter) -> Original:
    """Our letter as it goes out, read as a mail program reads it; once each."""
    if letter.message_id not in _ORIGINALS:
        _ORIGINALS[letter.message_id] = _read_original(letter)
    return _ORIGINALS[letter.message_id]


def _read_original(letter: Letter) -> Original:
    raw = LETTERS.render(letter, ANSWERED).raw
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    body = str(html.get_content()).partition("<body")[2].partition(">")[2].partition("</body>")[0]
    plain = str(text.get_content()).replace("\r\n", "\n")
    return Original(str(mail["Subject"]), plain, body.replace("\r\n", "\n"), letter.message_id)


def raw_of(reply: Reply) -> bytes:
    """The bytes that the mail program sends."""
    return reply.style.write(reply.answer, _original(reply.letter)).as_bytes()


def heard_as(reply: Reply, *, known: bool = True) -> str:
    """What the rules make of these bytes, as the lists write it; `known`: its ids lead to our letter, as they should.

    The path is `engine`'s, without a store.
    """
    incoming = message.read(raw_of(reply), ANSWERED, owns=RULES.owns, instance="a1b2c3")
    mail = incoming.answering([LETTERS.text(reply.letter, ANSWERED)] if known else [])
    mail = replace(mail, sender=reply.letter.to.email)
    by_admin = reply.letter.to.email == ALEX.email
    situation = Situation(
        scene=scene(ANSWERED),
        mail=mail,
        reading=read.read(mail.subject, mail.new_text, mail.quoted_text),
        standing=Standing.KNOWN,
        associate=None if by_admin else DANA,
        admin=ALEX if by_admin else None,
        cases=Cases([reply.case]),
        thread=(reply.case.id,) if known else (),
    )
    assert mail.robot is None, f"taken for a robot: {reply.style.name}"
    decision = route(situation)[-1]
    asked = any(letter.kind is LetterKind.ASK for letter in decision.letters)
    return _changed(reply.case, decision.case) if decision.case is not None else ASKED if asked else "left alone"


def _changed(before: Case, after: Case) -> str:
    if after.id != before.id:
        return SECOND
    new = [letter for letter in after.letters if letter.id not in {one.id for one in before.letters}]
    if after.state is State.CANCELLED:
        return State.CANCELLED.value
    if after.outcome is not None:
        return after.outcome.value
    if after.sent_at is not None:
        return "SENT"
    if after.reached_at is not None:
        return "CONTACTED"
    if after.makeup:
        return "MAKEUP"
    if (after.kind, after.minutes) != (before.kind, before.minutes):
        return f"{after.kind.value} {after.minutes}" if after.kind is Kind.LATE else after.kind.value
    if any(letter.kind is LetterKind.ASK for letter in new):
        return ASKED
    return NOTE if new else SILENCE


CLOSING = {outcome.value for outcome in Outcome} | {State.CANCELLED.value}


def is_wrong_close(expected: str, got: str) -> bool:
    """Whether a case was closed, taken for contacted or opened that should not have been, or not so."""
    return got != expected and (got in CLOSING or got in {"SENT", "CONTACTED", SECOND})


def main() -> None:
    """The figures by mail program."""
    total: Counter[tuple[str, str]] = Counter()
    for reply in (*replies(), *more_replies()):
        got = heard_as(reply)
        what = "clear" if reply.clear else "unclear"
        total[reply.style.client, what] += 1
        total[reply.style.client, f"{what} right"] += got == reply.expected
        total[reply.style.client, "wrong"] += is_wrong_close(reply.expected, got)
        if got != reply.expected:
            sys.stdout.write(f"{reply.style.name}: {reply.answer!r} is {reply.expected}, was {got}\n")
    columns = ("clear", "clear right", "unclear", "unclear right", "wrong")
    sys.stdout.write("| mail program | clear answers | read right | unclear, or none | asked back | wrong closes |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for name in dict.fromkeys(reply.style.client for reply in (*replies(), *more_replies())):
        sys.stdout.write(f"| {name} | " + " | ".join(str(total[name, column]) for column in columns) + " |\n")
    sums = [sum(count for (_, what), count in total.items() if what == column) for column in columns]
    sys.stdout.write("| **all** | " + " | ".join(map(str, sums)) + " |\n")


if __name__ == "__main__":
    main()
