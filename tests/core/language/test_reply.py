"""When a word counts: contract section 3, line by line. A Doubt closes nothing; None is no word at all.

The tables read ``line -> what it is``: an outcome with its text (``rescheduled: Tue 3pm``), a word (``SENT``), a doubt
(``? question``; ``?? question`` when an outcome word stands in the line, so that an admin is asked, too), or ``none``.
Under a line, ``/`` begins the rest of the mail.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import time

from hypothesis import example, given
from hypothesis import strategies as st

from tests.cast import a_case, local
from tests.rows import each
from workflow.core.language import vocabulary
from workflow.core.language.reply import answer
from workflow.core.mail import Answer, Doubt, Mark, Reading, Report, Why, Word
from workflow.core.model import Case, Outcome, State
from workflow.core.people import Role
from workflow.core.rules import Kind

LATE_CASE = a_case(Kind.LATE, minutes=15)
NOSHOW_CASE = a_case(Kind.NOSHOW)
WAITING_CASE = a_case(Kind.WAITING)


def sent(case: Case) -> Case:
    return replace(case, sent_at=local("14:05"), told_at=local("14:05"))


def reading(line: str, rest: str = "", *, from_subject: bool = False, report: Report | None = None) -> Reading:
    return Reading(line=line, rest=rest, mark=Mark.PLAIN, from_subject=from_subject, report=report)


def shown(decided: Answer | Doubt | None) -> str:
    """An answer as the tables write it."""
    match decided:
        case None:
            return "none"
        case Doubt():
            return f"{'??' if decided.holds_outcome else '?'} {decided.reason}"
        case Answer():
            name = decided.outcome.value if decided.outcome else decided.word.value
            name += f" {decided.says}" if decided.says is not None and decided.says != name.lower() else ""
            report = decided.report or Report(Kind.LATE, decided.client, note=decided.text)
            extra = [str(report.minutes)] if report.minutes else []
            extra += [report.client] if report.client else []
            text = f"{name}{' ' if extra else ''}{' '.join(extra)}" + (f": {report.note}" if report.note else "")
            return text + (" +MAKEUP" if decided.makeup else "")


def table(text: str) -> list[tuple[str, str]]:
    rows = [line.rpartition("->") for line in text.strip().splitlines() if line.strip()]
    return [(line.strip(), expected.strip()) for line, _, expected in rows]


def said_about(case: Case, line: str, role: Role = Role.ASSOCIATE, *, from_subject: bool = False) -> str:
    line, _, rest = line.partition(" / ")
    return shown(answer(reading(line, rest.replace(" / ", "\n"), from_subject=from_subject), case, role))


ANY_KIND = """
SENT                                            -> SENT
Sent                                            -> SENT
SENT, apologised                                -> SENT: apologised
SENT at 2:10                                    -> SENT: at 2:10
SENT her the draft                              -> SENT
texted                                          -> SENT
texted her                                      -> SENT
texted Sam                                      -> SENT
Texted Sam P.                                   -> SENT
messaged him                                    -> SENT
called them twice                               -> SENT: twice
emailed her at 2:10                             -> SENT: at 2:10
told her that I am late                         -> SENT: that I am late
told her                                        -> SENT
texted just now                                 -> SENT: just now
texted 5 min ago                                -> SENT: 5 min ago
called. She is fine                             -> SENT: She is fine
texted her / She is fine.                       -> SENT: She is fine.
SENT SP the draft                               -> SENT: SP the draft
SENT - Dana                                     -> SENT: Dana
done                                            -> SENT
Done!                                           -> SENT
done, texted                                    -> SENT: texted
done with my notes                              -> ? unclear
DONE with my notes                              -> ? unclear
done today                                      -> ? unclear
SENT?                                           -> ? question
SENT? I think so                                -> ? question
SENT not yet                                    -> ? negation
SENT: no                                        -> ? negation
SENT later                                      -> ? negation
SENT by mistake                                 -> ? negation
SENT / not yet                                  -> ? negation
SENT / ?                                        -> ? negation
I have not sent it                              -> none
will send                                       -> none
texting her now                                 -> none
Sent from my iPhone                             -> none
Sent with Proton Mail                           -> none
called the front desk                           -> ? unclear
called about the invoice                        -> ? unclear
texted her mother                               -> ? unclear
emailed him the invoice                         -> ? unclear
texted Kim                                      -> ? another client
SENT Kim the draft                              -> ? another client
SENT ❌                                          -> ? negation
sent 👍                                          -> SENT
texted and called                               -> SENT: and called
texted & called                                 -> SENT: & called
SENT. Apologised to her                         -> SENT: Apologised to her
SENT. Gave Tue as a choice                      -> SENT: Gave Tue as a choice
SENT Kim                                        -> ? another client
SENT to Kim                                     -> ? another client
told her no                                     -> ? negation
told her I will call                            -> SENT: I will call
called will try again                           -> ? negation
called, can't get through                       -> ? negation
SENT but no answer                              -> ?? before sent
called, no answer                               -> ?? before sent
called and left a voicemail                     -> ?? before sent
SENT, rescheduled to Tue                        -> ?? two outcomes
SENT / RESCHEDULED Tue                          -> ?? two outcomes
no answer                                       -> ?? before sent
voicemail                                       -> ?? before sent
No answer.                                      -> ?? before sent
RESCHEDULED                                     -> rescheduled
Rescheduled                                     -> rescheduled
Rescheduled!                                    -> rescheduled
RESCHEDULED Tue 3pm                             -> rescheduled: Tue 3pm
rescheduled to Tue 3pm                          -> rescheduled: Tue 3pm
rescheduled for next week                       -> rescheduled: next week
rescheduled on the 14th                         -> rescheduled: the 14th
rescheduled at 3                                -> rescheduled: at 3
rebooked Thursday                               -> rescheduled: Thursday
rebooked 14h30                                  -> rescheduled: 14h30
resched 3pm tomorrow                            -> rescheduled: 3pm tomorrow
re-scheduled next Tue                           -> rescheduled: next Tue
rescheduled, Tue 3pm                            -> rescheduled: Tue 3pm
Rescheduled: Tue 3pm                            -> rescheduled: Tue 3pm
rescheduled (Tue 3pm)                           -> rescheduled: Tue 3pm
Rescheduled – Tue                               -> rescheduled: Tue
“RESCHEDULED”                                   -> ?? unclear
RESCHEDULED Tue 3pm MAKEUP                      -> rescheduled: Tue 3pm +MAKEUP
RESCHEDULED MAKEUP                              -> rescheduled +MAKEUP
rescheduled makeup                              -> rescheduled +MAKEUP
Rescheduled to Tue 3pm, make-up                 -> rescheduled: Tue 3pm +MAKEUP
RESCHEDULED Tue 3pm / MAKEUP                    -> rescheduled: Tue 3pm +MAKEUP
RESCHEDULED Tue 3pm / Thanks                    -> rescheduled: Tue 3pm / Thanks
RESCHEDULED Sam to Thu                          -> rescheduled: Sam to Thu
RESCHEDULED she is happy with Tue               -> rescheduled: she is happy with Tue
RESCHEDULED, called twice                       -> rescheduled: called twice
RESCHEDULED Zoom link sent                      -> rescheduled: Zoom link sent
RESCHEDULED / She was unable to make today      -> rescheduled: She was unable to make today
RESCHEDULED Kim to Thu                          -> ?? another client
RESCHEDULED KIM TO THU                          -> ?? another client
RESCHEDULED kim to thu                          -> ?? another client
RESCHEDULED kim thu 3pm                         -> ?? another client
RESCHEDULED Kim Nguyen for Thu                  -> ?? another client
RESCHEDULED for Kim, Thu                        -> ?? another client
RESCHEDULED Kim's Tue                           -> ?? another client
RESCHEDULED: Kim                                -> ?? another client
RESCHEDULED Kim and Ali                         -> ?? another client
rescheduled Kim to Thu                          -> ?? another client
rescheduled with her                            -> ?? unclear
rescheduled her                                 -> ?? unclear
rescheduled to be confirmed                     -> ?? negation
RESCHEDULED to be confirmed                     -> ?? negation
rescheduled on hold                             -> ?? negation
RESCHEDULED Sam's session to Tue                -> rescheduled: Sam's session to Tue
RESCHEDULED, MAKEUP offered                     -> rescheduled: MAKEUP offered +MAKEUP
rescheduled 3 sessions                          -> ?? unclear
rescheduled-ish                                 -> ?? unclear
rescheduled to Tue if she can                   -> ?? unclear
rescheduled, probably Tue                       -> ?? unclear
Rescheduled?                                    -> ?? question
Rescheduled? no                                 -> ?? question
RESCHEDULED Tue 3pm?                            -> ?? question
Rescheduled ❓                                   -> ?? question
RESCHEDULED no                                  -> ?? negation
rescheduled: no, she left                       -> ?? negation
RESCHEDULED no longer needed                    -> ?? negation
RESCHEDULED pending                             -> ?? negation
RESCHEDULED not yet                             -> ?? negation
RESCHEDULED, she isn't sure                     -> ?? negation
RESCHEDULED, she'll confirm                     -> ?? negation
RESCHEDULED she will confirm                    -> ?? negation
rescheduled dont know when                      -> ?? negation
RESCHEDULED by mistake                          -> ?? negation
RESCHEDULED / not yet                           -> ?? negation
RESCHEDULED Tue / In the end she was unreachable -> ?? two outcomes
RESCHEDULED Tue / Shall I tell Alex about it?   -> ?? question
SENT / I had no answer to it so far             -> ?? before sent
RESCHEDULED / ???                               -> ?? negation
RESCHEDULED no charge                           -> rescheduled: no charge
not rescheduled                                 -> ?? negation
Not rescheduled yet                             -> ?? negation
I will reschedule                               -> none
She has rescheduled to Tue                      -> ?? unclear
was it rescheduled?                             -> ?? question
RESCHEDULED or UNREACHABLE                      -> ?? two outcomes
RESCHEDULED / UNREACHABLE                       -> ?? two outcomes
Rescheduled, unable to reach before             -> ?? two outcomes
RESCHEDULED / MISTAKE                           -> ?? two outcomes
Please choose RESCHEDULED or OTHER              -> ?? unclear
"Rescheduled" is what she said                  -> ?? unclear
UNREACHABLE                                     -> unreachable
unreachable, called twice                       -> unreachable: called twice
UNREACHABLE. Tried at 2 and at 3                -> unreachable: Tried at 2 and at 3
UNREACHABLE Kim by phone                        -> ?? another client
UNREACHABLE. Kim by phone                       -> unreachable: Kim by phone
RESCHEDULED SHE IS FINE                         -> rescheduled: SHE IS FINE
UNREACHABLE no answer, left voicemail           -> unreachable: no answer, left voicemail
unable to reach                                 -> unreachable
Unable to reach her                             -> unreachable
Unable to reach Sam by phone                    -> unreachable: by phone
unable to reach Sam P., left a voicemail        -> unreachable: left a voicemail
couldn’t reach                                  -> unreachable
couldnt reach them                              -> unreachable
Couldn't reach her, she didn't pick up          -> ?? negation
unable                                          -> unreachable
unable to attend                                -> ?? unclear
UNABLE TO ATTEND                                -> ?? unclear
unable to reach her mother                      -> ?? unclear
unable to reach agreement                       -> ?? unclear
unable to reach Kim                             -> ?? another client
unable to reach her yet                         -> ?? unclear
couldn't reach you                              -> ?? unclear
unable to reach the client                      -> unreachable: the client
unable to reach the desk                        -> ?? unclear
unable to reach her so left a message           -> unreachable: so left a message
couldn't reach her at first, now ok             -> ?? unclear
couldn't reach her at 2, spoke at 3             -> ?? unclear
couldn't reach the                              -> ?? unclear
unreachable Sam                                 -> ?? unclear
unreachable at the moment                       -> ?? unclear
OTHER she stops therapy                         -> other: she stops therapy
OTHER Kim's mother answered.                    -> other: Kim's mother answered.
OTHER client cancelled                          -> other: client cancelled
other - she moved away                          -> other: she moved away
OTHER / She moved away                          -> other: She moved away
OTHER she moved / She was happy                 -> other: she moved / She was happy
OTHER she is in her trial period                -> other: she is in her trial period
OTHER                                           -> ?? few words
other.                                          -> ?? few words
OTHER?                                          -> ?? question
other than that fine                            -> ?? unclear
OTHER THAN THAT FINE                            -> ?? unclear
other things to do                              -> ?? unclear
OTHER rescheduled to Tue                        -> ?? two outcomes
OTHER she will think about it                   -> ?? negation
MAKEUP                                          -> MAKEUP
makeup                                          -> MAKEUP
make-up, free of charge                         -> MAKEUP: free of charge
MAKEUP offered                                  -> MAKEUP: offered
MAKEUP and RESCHEDULED                          -> ?? two outcomes
make up your mind                               -> ? unclear
UNDO                                            -> UNDO
undo, wrong case                                -> UNDO: wrong case
undo the last one                               -> ? unclear
UNDO?                                           -> ? question
MISTAKE                                         -> MISTAKE
mistake - it is tomorrow                        -> MISTAKE: it is tomorrow
MISTAKE Kim                                     -> ? another client
mistake on the invoice                          -> ? unclear
MISTAKE, RESCHEDULED                            -> ?? two outcomes
Cancel                                          -> ? cancel
Cancelled                                       -> ? cancel
CANCELLED by her                                -> ? cancel
canceled, rescheduled                           -> ?? cancel
client cancelled                                -> ? cancel
CLIENT Kim                                      -> CLIENT Kim
client: kim                                     -> CLIENT Kim
Client Kim                                      -> CLIENT Kim
CLIENT Will Smith, new                          -> CLIENT Will Smith: new
CLIENT Mrs Smith - new                          -> CLIENT Mrs Smith: new
CLIENT kim p.                                   -> CLIENT Kim P.
CLIENT                                          -> ? which client
CLIENT the usual one                            -> ? which client
CLIENT Kim?                                     -> ? unclear
client kim                                      -> ? unclear
client is late for her session today            -> ? unclear
CLIENT joined                                   -> ?? unclear
STATUS                                          -> STATUS
HELP                                            -> HELP
help me with this                               -> ? unclear
HELP me with this                               -> ? unclear
CONTACTED                                       -> ? unclear
NOTE she moved                                  -> ? unclear
CLOSE RESCHEDULED                               -> ?? unclear
SENT BOUNCED                                    -> ? negation
Sent - bounced                                  -> ? negation
Sent, it failed                                 -> ? negation
Sent: invoice                                   -> ? unclear
done, I think                                   -> ? unclear
called, busy                                    -> ? unclear
told her tomorrow                               -> ? unclear
emailed her at the wrong address                -> ? negation
texted her, no reply yet                        -> SENT: no reply yet
texted her, waiting to hear back                -> SENT: waiting to hear back
rescheduled to Tuesday or Wednesday             -> ?? unclear
rescheduled, I think                            -> ?? unclear
rescheduled, please                             -> ?? unclear
rescheduled - can you do it                     -> ?? unclear
rescheduled, awaiting confirmation              -> ?? negation
rescheduled, asked her for times                -> ?? negation
rescheduled, she needs to check                 -> ?? unclear
rescheduled tomorrow's session                  -> ?? unclear
rescheduled to do                               -> ?? negation
rescheduled to Tue 3pm, please update Jane      -> rescheduled: Tue 3pm, please update Jane
unable, driving                                 -> ?? unclear
Unable - in session                             -> ?? unclear
unreachable, trying again                       -> ?? unclear
MISTAKE in the invoice                          -> ? unclear
mistake, I meant Kim                            -> ? unclear
ok then                                         -> none
The client took a new time                      -> none
"""


@each(("line", "expected"), table(ANY_KIND))
@each("case", [LATE_CASE, NOSHOW_CASE, WAITING_CASE])
def test_an_associate_before_sent(case: Case, line: str, expected: str) -> None:
    assert said_about(case, line).replace("\n", " / ") == expected


BY_KIND = {
    Kind.LATE: """
CONNECTED                             -> connected
Connected.                            -> connected
connected now                         -> connected: now
connected at 2:20                     -> connected: at 2:20
connected 2:20 pm                     -> connected: 2:20 pm
connected, she is fine                -> connected: she is fine
CONNECTED she is fine                 -> connected: she is fine
here                                  -> connected
Here now                              -> connected: now
HERE with Sam                         -> connected: with Sam
joined                                -> connected
joined now                            -> connected: now
started 2:10                          -> connected: 2:10
started at 14h10                      -> connected: at 14h10
CONNECTED MAKEUP                      -> connected +MAKEUP
connected with her mother             -> ?? unclear
connected with Kim                    -> ?? another client
here is the invoice                   -> ?? unclear
HERE IS THE INVOICE                   -> ?? unclear
HERE WAITING FOR HER                  -> ?? other kind
HERE AT MY DESK                       -> ?? unclear
here now but she left                 -> ?? unclear
here now, sorry                       -> connected: now, sorry
connected at 2:20, all fine           -> connected: at 2:20, all fine
RESCHEDULED - waiting to hear back    -> ?? other kind
rescheduled, waiting to hear back     -> ?? other kind
RESCHEDULED, she was late, too        -> rescheduled: she was late, too
OTHER waiting for her reply           -> other: waiting for her reply
here at the office                    -> ?? unclear
here tomorrow                         -> ?? unclear
here-ish                              -> ?? unclear
here's the invoice                    -> none
started late                          -> ?? unclear
started Monday                        -> ?? unclear
joined the wrong link                 -> ?? unclear
CONNECTED, not happy                  -> ?? negation
connected but she left                -> ?? unclear
CONNECTED then RESCHEDULED            -> ?? two outcomes
CONNECTED, she came late              -> ?? two outcomes
arrived                               -> ?? other kind
came                                  -> ?? other kind
absent                                -> ?? other kind
didn't come                           -> ?? other kind
no show                               -> NOSHOW
NOSHOW                                -> NOSHOW
NO-SHOW                               -> NOSHOW
MISSED                                -> NOSHOW
missed, so sorry                      -> NOSHOW: so sorry
missed your call                      -> ?? unclear
no show fee                           -> ?? unclear
NOSHOW?                               -> ?? question
NOSHOW, rescheduled                   -> ?? two outcomes
CLOSE NOSHOW                          -> ?? other kind
WAITING                               -> WAITING
waiting, she is late                  -> WAITING: she is late
CLIENT NO SHOW                        -> WAITING
client late                           -> WAITING
waiting for your reply                -> ? unclear
WAITING for your reply                -> ? unclear
Here, see attached                    -> ?? unclear
here: the invoice                     -> ?? unclear
here, no client                       -> ?? negation
CONNECTED, nobody there               -> ?? negation
joined, nobody here                   -> ?? negation
connected, lost her                   -> ?? unclear
started, then she left                -> ?? unclear
LATE                                  -> LATE
LATE 20                               -> LATE 20
late 20 min                           -> LATE 20
LATE 20 / Traffic                     -> LATE 20: Traffic
LATE 200                              -> ? unclear
LATE 0                                -> ? unclear
LATE 20?                              -> ? unclear
late fee                              -> ? unclear
LATE fee                              -> ? unclear
""",
    Kind.NOSHOW: """
connected                             -> ?? other kind
here                                  -> ?? other kind
arrived                               -> ?? other kind
joined now                            -> ?? other kind
absent                                -> ?? other kind
didn't come                           -> ?? other kind
no show                               -> NOSHOW
NOSHOW                                -> NOSHOW
MISSED                                -> NOSHOW
WAITING                               -> WAITING
CLIENT NOSHOW                         -> WAITING
LATE 20                               -> LATE 20
RESCHEDULED Tue, absent today         -> ?? two outcomes
""",
    Kind.WAITING: """
ARRIVED                               -> arrived
arrived at 2:20                       -> arrived: at 2:20
arrived now                           -> arrived: now
here                                  -> arrived
came                                  -> arrived
came back to it                       -> ?? unclear
arrived at the office                 -> ?? unclear
ABSENT                                -> absent
absent today                          -> ?? unclear
didn't come                           -> absent
Didn’t come.                          -> absent
didnt come today                      -> absent: today
no show                               -> absent
no-show today                         -> absent: today
NOSHOW                                -> absent
NO SHOW Sam                           -> absent: Sam
no show Sam                           -> absent: Sam
NOSHOW Kim                            -> ?? another client
no show fee                           -> ?? unclear
no show?                              -> ?? question
MISSED                                -> absent
missed her call                       -> ?? unclear
ABSENT, she didn't come               -> absent: she didn't come
ABSENT no answer                      -> ?? two outcomes
ABSENT, came at 3                     -> ?? two outcomes
ARRIVED, no show                      -> ?? two outcomes
never came                            -> ?? negation
no show, waiting 5 more               -> ?? unclear
no show - scratch that                -> ?? unclear
absent, says he is coming             -> ?? unclear
came, then went                       -> ?? unclear
no show tomorrow                      -> ?? unclear
NOSHOW - tomorrow                     -> ?? unclear
ABSENT next week                      -> ?? unclear
ARRIVED tmrw                          -> ?? unclear
no show, next week is fine            -> absent: next week is fine
CLIENT NO SHOW                        -> absent
client noshow                         -> absent
client no show: flu                   -> absent: flu
client no show yet                    -> ?? unclear
client no show?                       -> ?? question
CLIENT NOSHOW Kim                     -> ?? another client
CLOSE CLIENT NOSHOW                   -> ?? unclear
no show - flu                         -> absent: flu
no show yet                           -> ?? unclear
RESCHEDULED, client no show           -> ?? two outcomes
CLIENT LATE                           -> WAITING
connected                             -> ?? other kind
started 2:10                          -> ?? other kind
joined                                -> ?? other kind
LATE 20                               -> LATE 20
WAITING                               -> WAITING
""",
}


@each(("kind", "line", "expected"), [(kind, *row) for kind, text in BY_KIND.items() for row in table(text)])
def test_what_belongs_to_one_kind(kind: Kind, line: str, expected: str) -> None:
    assert said_about(a_case(kind, minutes=15 if kind is Kind.LATE else None), line) == expected


SENT_AS_WRITTEN = """
I told her I'd be late                          -> SENT: I'd be late
texted her but she can't do later               -> SENT: but she can't do later
Called and told her                             -> SENT
texted her, number is disconnected              -> ? negation
SENT / it says not delivered                    -> ? negation
SENT / It didn't go through                     -> ? negation
SENT / She couldn't get to the phone            -> SENT: She couldn't get to the phone
sent it                                         -> SENT
sent a text                                     -> SENT
Sent to both                                    -> SENT
I texted her                                    -> SENT
I've just messaged Sam                          -> SENT
have sent them a quick message                  -> SENT
I sent the draft to him                         -> SENT
message sent                                    -> SENT
Text sent to both.                              -> SENT
told the client I am late                       -> SENT: I am late
sent already                                    -> SENT: already
sent but late                                   -> SENT: but late
SENT. She doesn't mind                          -> SENT: She doesn't mind
sent, she isn't free until 3                    -> SENT: she isn't free until 3
texted her, she hasn't answered yet             -> SENT: she hasn't answered yet
SENT, no worries                                -> SENT: no worries
sent, I'll call her at 3                        -> SENT: I'll call her at 3
SENT / She can't talk now                       -> SENT: She can't talk now
SENT, she will wait                             -> SENT waits
Sent, she'll wait                               -> SENT waits
texted her, she will wait                       -> SENT waits
I called the client and she is happy to wait till 3 -> SENT waits: till 3
SENT / She'll wait / Please tell the desk       -> SENT waits: Please tell the desk
SENT. He would rather rebook, please find him a time -> SENT rebook: please find him a time
sent, can't wait, wants another appointment     -> SENT rebook
SENT she can't wait, wants another appointment  -> SENT rebook
sent will do later                              -> ? negation
SENT, she didn't get it                         -> ? negation
sent, it did not go through                     -> ? negation
sent but bounced                                -> ? negation
text sent? not sure                             -> ? question
sent, no answer                                 -> ?? before sent
SENT, she rescheduled                           -> ?? two outcomes
called you                                      -> ? unclear
called in sick                                  -> ? unclear
CALLED IN SICK                                  -> ? unclear
I called in sick                                -> none
I told Alex                                     -> none
told Alex                                       -> ? another client
sent it to Kim                                  -> ? another client
SENT to her mother                              -> ? unclear
SENT her mother a text                          -> ? unclear
SENT HER AGENT A TEXT                           -> ? unclear
SENT his mother a text                          -> ? unclear
SENT Sam's mother a text                        -> ? unclear
told them at the front desk                     -> ? unclear
TOLD HER AT RECEPTION                           -> ? unclear
called her at home                              -> SENT: at home
texted her at work                              -> SENT: at work
SENT tomorrow                                   -> ? unclear
SENT, tomorrow works for her                    -> SENT: tomorrow works for her
texted her tonight                              -> SENT: tonight
I sent her mother a text                        -> ? unclear
sent you an email                               -> ? unclear
SENT the invoice                                -> ? unclear
sent it to the office                           -> ? unclear
"""


@each(("line", "expected"), table(SENT_AS_WRITTEN))
def test_sent_as_people_write_it(line: str, expected: str) -> None:
    assert said_about(LATE_CASE, line) == expected


CLIENT_SAYS = """
WAITS                                 -> WAITS
waits                                 -> WAITS
WAITS she is on the bus               -> WAITS: she is on the bus
can wait                              -> WAITS
Will wait until 3                     -> WAITS: until 3
she'll wait                           -> WAITS
She is fine to wait                   -> WAITS
Sam's happy to wait 10 minutes        -> WAITS: 10 minutes
the client is ok with waiting         -> WAITS
They don't mind waiting               -> WAITS
She says she can wait, please tell Alex -> WAITS: please tell Alex
REBOOK                                -> REBOOK
Client wants to reschedule            -> REBOOK
wants a new time                      -> REBOOK
she'd rather rebook on Tuesday        -> REBOOK: on Tuesday
He asked to reschedule                -> REBOOK
Sam prefers to re-book                -> REBOOK
She can't wait, would like to be rescheduled -> REBOOK
WAITS?                                -> ? question
she'll wait?                          -> ? question
WAITS not sure                        -> ? negation
WAITS maybe                           -> ? unclear
she can wait or rebook                -> ? unclear
she can wait if it is under 20 minutes -> ? unclear
will wait for your call               -> ? unclear
Rebook her please                     -> ? unclear
She can wait, rescheduled             -> ?? two outcomes
WAITS / No, wrong client              -> ? negation
she may wait                          -> none
she can't wait                        -> none
she doesn't want to reschedule        -> none
can she wait                          -> none
That can wait                         -> none
ok to wait until tomorrow for the invoice -> ? unclear
I would like to reschedule            -> none
"""


@each(("line", "expected"), table(CLIENT_SAYS))
@each("role", [Role.ASSOCIATE, Role.ADMIN])
def test_what_the_client_answered(role: Role, line: str, expected: str) -> None:
    assert said_about(LATE_CASE, line, role) == expected
    if "WAITS" in expected:
        assert said_about(NOSHOW_CASE, line, role) == "? other kind"
    elif "REBOOK" in expected:
        assert said_about(NOSHOW_CASE, line, role) == said_about(WAITING_CASE, line, role) == expected


def test_admin_reached_a_client_who_answered() -> None:
    assert said_about(LATE_CASE, "CONTACTED he will wait", Role.ADMIN) == "CONTACTED waits"
    assert said_about(NOSHOW_CASE, "spoke to Sam, wants a new time", Role.ADMIN) == "CONTACTED rebook"
    assert said_about(NOSHOW_CASE, "reached her", Role.ADMIN) == "CONTACTED"
    assert said_about(LATE_CASE, "SENT, he will wait", Role.ADMIN) == "SENT waits"
    assert said_about(LATE_CASE, "reached her") == "? unclear"


AFTER_SENT = """
no answer                             -> unreachable
No answer, left a voicemail           -> unreachable: left a voicemail
no answer at 3pm                      -> unreachable: at 3pm
no answer yet                         -> ?? unclear
no answer from you                    -> ?? unclear
no answer from Sam                    -> unreachable: from Sam
no answer. She called back            -> ?? unclear
voicemail - she called back           -> ?? unclear
voicemail, she wants to reschedule    -> ?? unclear
no answer to phone or text            -> unreachable: to phone or text
voicemail                             -> unreachable
voicemail left                        -> ?? unclear
called, no answer                     -> ?? two outcomes
SENT but no answer                    -> ?? two outcomes
done                                  -> ? unclear
texted her                            -> SENT
"""


@each(("line", "expected"), table(AFTER_SENT))
def test_an_associate_after_sent(line: str, expected: str) -> None:
    assert said_about(sent(NOSHOW_CASE), line) == expected


FROM_ADMIN = """
CONTACTED                             -> CONTACTED
Contacted, she is fine                -> CONTACTED: she is fine
CONTACTED Sam by phone                -> CONTACTED: Sam by phone
CONTACTED he will wait                -> CONTACTED: he will wait
CONTACTED, she will come at 3         -> CONTACTED: she will come at 3
CONTACTED she can't come today        -> CONTACTED: she can't come today
Contacted, he won't mind              -> CONTACTED: he won't mind
CONTACTED - she isn't well, if I heard right -> CONTACTED: she isn't well, if I heard right
called her, she will wait             -> CONTACTED: she will wait
CONTACTED couldn't get through        -> ? negation
CONTACTED will try again              -> ? negation
CONTACTED, wrong number               -> ? negation
CONTACTED nobody answers              -> ? negation
CONTACTED, she is here                -> ?? two outcomes
contacted her                         -> CONTACTED
contacted her mother                  -> ? unclear
CONTACTED her mom                     -> ? unclear
CONTACTED Sam's mother by phone       -> ? unclear
CONTACTED the front desk              -> ? unclear
reached Sam's wife                    -> ? unclear
CONTACTED her at work                 -> CONTACTED: her at work
CONTACTED her, mother answered        -> CONTACTED: her, mother answered
I contacted Sam, he can do Tuesday    -> CONTACTED: he can do Tuesday
spoke to her husband                  -> ? unclear
called her twice, no luck             -> ? negation
CONTACTED?                            -> ? question
CONTACTED not yet                     -> ? negation
CONTACTED, no answer                  -> ?? two outcomes
texted her                            -> CONTACTED
called, she is fine                   -> CONTACTED: she is fine
SENT                                  -> SENT
CLOSE RESCHEDULED Tue 3pm             -> rescheduled: Tue 3pm
close rescheduled                     -> rescheduled
CLOSE OTHER she moved                 -> other: she moved
CLOSE OTHER                           -> ?? few words
CLOSE                                 -> ?? unclear
Close!                                -> ?? unclear
close to the deadline                 -> none
CLOSE ABSENT                          -> ?? other kind
RESCHEDULED Tue                       -> rescheduled: Tue
no answer                             -> ?? before sent
NOTE she will call back, rescheduled? -> NOTE: she will call back, rescheduled?
note: she moved                       -> NOTE: she moved
NOTE / She moved                      -> NOTE: She moved
NOTE                                  -> ? unclear
note that she moved                   -> ? unclear
She will call back at 3               -> none
She has rescheduled                   -> ?? unclear
Are you here?                         -> ?? question
She is fine / We rebooked her         -> ?? unclear
the other therapist is free           -> none
she missed her bus                    -> none
MISTAKE                               -> MISTAKE
Cancelled the invoice                 -> ? cancel
called about the fee / She rebooked   -> ?? unclear
"""


@each(("line", "expected"), table(FROM_ADMIN))
@each("role", [Role.ADMIN, Role.LEAD])
def test_an_admin(role: Role, line: str, expected: str) -> None:
    assert said_about(NOSHOW_CASE, line, role) == expected


SECOND_THOUGHTS = """
no wait, that was the other client
Sorry, not confirmed yet
Sorry! Not confirmed yet.
not yet
wait, wrong client
Hmm, no
hmm wait
Oops, mistake
No.
NOT CONFIRMED
mistake
Wrong one, sorry
Is that right?
She has not yet agreed
Whoops, that was for Kim
that was the wrong client
Oh no, wrong thread
Nope
Scratch that
Never mind, it was Kim
I meant Kim
My bad, other client
please ignore
I spoke too soon
That is not right
forget that
That was Kim
Oops, that went to Kim
For Kim, not Sam
MAYBE NOT. WAIT
""".strip().splitlines()
GOES_ON = """
Thanks, Dana
Thanks!
all went well, no problem
She was very kind about it.
She will bring the forms.
See you Monday
I told her not to worry.
She's happy with that, no hard feelings
Sorry for the trouble
Sorry for the delay!
Sorry about that, all good now
She could not find parking at first
No-one else was there
Thank you for your help. Do I need to do anything else?
please tell Alex
Waiting for the next one
That was easy
If you need me, call my cell
For the record, she was fine
It was Sam's idea
""".strip().splitlines()
"""What people write under their word. Nothing of it takes the word back."""


@each("line", SECOND_THOUGHTS[:-1])
@each(
    "word", ["RESCHEDULED Tue 3pm", "Rescheduled to Tue 3pm", "UNREACHABLE", "SENT", "texted her", "MAKEUP", "NOSHOW"]
)
def test_the_sentence_right_under_a_word_takes_it_back(word: str, line: str) -> None:
    for below in (line, f"\n{line}", f"{line}\nDana"):
        assert said_about(NOSHOW_CASE, f"{word} / {below}").startswith("?"), line
    assert said_about(WAITING_CASE, f"NO SHOW / {line}").startswith("?")
    assert said_about(LATE_CASE, f"CONNECTED / {line}").startswith("?")
    assert said_about(NOSHOW_CASE, f"CONTACTED / {line}", Role.ADMIN).startswith("?")


@each("line", GOES_ON)
def test_what_goes_on_under_a_word_takes_nothing_back(line: str) -> None:
    for word, case, expected in (
        ("CONNECTED", LATE_CASE, "connected"),
        ("RESCHEDULED Tue 3pm", NOSHOW_CASE, "rescheduled"),
        ("Unable to reach her", NOSHOW_CASE, "unreachable"),
        ("no show", WAITING_CASE, "absent"),
        ("SENT", NOSHOW_CASE, "SENT"),
    ):
        assert said_about(case, f"{word} / {line}").startswith(expected), word


@each("line", [*SECOND_THOUGHTS[:10], "wrong client", "not today, it is tomorrow"])
def test_other_and_what_takes_back_itself_stand(line: str) -> None:
    if "?" not in line:
        assert said_about(NOSHOW_CASE, f"OTHER she moved / {line}").startswith("other")
        assert said_about(NOSHOW_CASE, f"MISTAKE / {line}").startswith("MISTAKE")
        assert said_about(NOSHOW_CASE, f"UNDO / {line}").startswith("UNDO")


LEFT_OPEN = """
RESCHEDULED MAYBE
RESCHEDULED Tue 3pm maybe
RESCHEDULED to Tue 3pm, probably
RESCHEDULED IF SHE AGREES
RESCHEDULED WAS THE PLAN
RESCHEDULED may be
RESCHEDULED Tue tbc
UNREACHABLE perhaps
SENT maybe
SENT TO THE WRONG SAM
Sent to the wrong client
SENT, if the phone says so
NOSHOW yet
NOSHOW YET
MISSED maybe
Rescheduled unless she calls
"""


@each("line", LEFT_OPEN.strip().splitlines())
@each("case", [LATE_CASE, NOSHOW_CASE, WAITING_CASE])
def test_a_word_before_what_leaves_it_open_does_not_count(case: Case, line: str) -> None:
    assert said_about(case, line).startswith("?")
    assert said_about(case, line.lower()).startswith("?")
    assert said_about(case, line.upper()).startswith("?")


@each(
    ("case", "line"),
    [
        (WAITING_CASE, "no show at the moment"),
        (WAITING_CASE, "NOSHOW for now"),
        (NOSHOW_CASE, "UNREACHABLE so far"),
        (NOSHOW_CASE, "UNREACHABLE / She just called back"),
        (NOSHOW_CASE, "UNREACHABLE / Update: they finally answered"),
        (NOSHOW_CASE, "RESCHEDULED Tue. To be confirmed."),
        (NOSHOW_CASE, "RESCHEDULED Tue 3pm / Waiting for her OK"),
        (NOSHOW_CASE, "RESCHEDULED Tue 3pm / Let me double check"),
        (NOSHOW_CASE, "RESCHEDULED Tue 3pm / (if that's ok with the room)"),
        (NOSHOW_CASE, "RESCHEDULED Tue 3pm - provisional"),
        (LATE_CASE, "CONNECTED, scratch that"),
        (LATE_CASE, "CONNECTED sorry wrong client"),
        (WAITING_CASE, "No show: Kim Lee"),
    ],
)
def test_what_is_not_settled_closes_nothing(case: Case, line: str) -> None:
    assert said_about(sent(case), line).startswith("?")


def test_what_is_settled_closes() -> None:
    assert said_about(NOSHOW_CASE, "UNREACHABLE / She never called back") == "unreachable: She never called back"
    assert said_about(WAITING_CASE, "no show, Dr. Lee") == "absent: Dr. Lee"


def test_may_is_a_month_all_the_same() -> None:
    assert said_about(NOSHOW_CASE, "RESCHEDULED may 5") == "rescheduled: may 5"
    assert said_about(NOSHOW_CASE, "OTHER maybe she stops") == "other: maybe she stops"


FROM_SUBJECT = """
RESCHEDULED / Tue 3pm                          -> rescheduled: Tue 3pm
RESCHEDULED / We rebooked her for Tue          -> rescheduled: We rebooked her for Tue
RESCHEDULED / unable to reach her              -> ?? two outcomes
RESCHEDULED / She came at 3 after all          -> ?? two outcomes
RESCHEDULED / Sorry, no: no answer             -> ?? two outcomes
RESCHEDULED / she was unable to make today     -> rescheduled: she was unable to make today
RESCHEDULED / Unable to make today             -> ?? two outcomes
OTHER / She started somewhere else             -> other: She started somewhere else
SENT / She was here all the time               -> ?? two outcomes
RESCHEDULED / no                               -> ?? negation
"""


@each(("line", "expected"), table(FROM_SUBJECT))
def test_two_outcomes_in_subject_and_text(line: str, expected: str) -> None:
    assert said_about(NOSHOW_CASE, line, from_subject=True) == expected


def test_no_new_text_closes_nothing() -> None:
    assert answer(replace(reading("RESCHEDULED"), empty=True), LATE_CASE, Role.ASSOCIATE) == Doubt(Why.EMPTY)


def test_courtesy_is_no_word() -> None:
    assert answer(replace(reading("ok, thanks"), courtesy=True), LATE_CASE, Role.ASSOCIATE) is None


def test_without_a_known_client_any_name_may_be_it() -> None:
    nameless = replace(NOSHOW_CASE, client=None)
    assert said_about(nameless, "RESCHEDULED Kim to Thu") == "rescheduled: Kim to Thu"
    assert said_about(nameless, "texted Kim") == "? unclear"


def test_a_client_called_will() -> None:
    will = replace(NOSHOW_CASE, client="Will K.")
    assert said_about(will, "texted Will") == "SENT"
    assert said_about(will, "unable to reach Will") == "unreachable"
    assert said_about(will, "RESCHEDULED will confirm") == "?? negation"


def test_a_client_called_son() -> None:
    son = replace(NOSHOW_CASE, client="Son Nguyen")
    assert said_about(son, "CONTACTED Son by phone", Role.ADMIN) == "CONTACTED: Son by phone"
    assert said_about(son, "CONTACTED her daughter", Role.ADMIN) == "? unclear"


def test_done_about_a_closed_case_is_no_sent() -> None:
    closed = replace(NOSHOW_CASE, state=State.CLOSED, outcome=Outcome.OTHER)
    assert said_about(closed, "done") == "? unclear"
    assert said_about(closed, "SENT") == "SENT"


def test_an_endless_line_is_doubted() -> None:
    assert said_about(NOSHOW_CASE, "RESCHEDULED " + "so " * vocabulary.LONGEST_LINE) == "?? unclear"


class TestReportsAboutACase:
    """What `read` read as a whole report is taken as it read it."""

    def test_late_with_all_it_says(self) -> None:
        report = Report(Kind.LATE, "Sam", minutes=20, at=time(14), note="bus, sorry")
        decided = answer(reading("LATE twenty Sam 2pm, bus, sorry", report=report), LATE_CASE, Role.ASSOCIATE)
        assert decided == Answer(Word.LATE, report=report)

    def test_minutes_before_the_tag(self) -> None:
        report = Report(Kind.LATE, "Sam", minutes=20)
        decided = answer(reading("I'll be 20 late Sam", report=report), LATE_CASE, Role.ASSOCIATE)
        assert decided == Answer(Word.LATE, report=report)

    def test_a_note_with_an_outcome_is_doubted(self) -> None:
        report = Report(Kind.LATE, "Sam", minutes=20, note="rescheduled")
        for line in ("LATE 20 Sam, rescheduled", "20 late Sam, rescheduled"):
            decided = answer(reading(line, report=report), LATE_CASE, Role.ASSOCIATE)
            assert isinstance(decided, Doubt)
            assert decided.holds_outcome

    def test_noshow_on_a_waiting_case_is_absent(self) -> None:
        report = Report(Kind.NOSHOW, "Sam", capitals=True)
        decided = answer(reading("NOSHOW Sam", report=report), WAITING_CASE, Role.ASSOCIATE)
        assert shown(decided) == "absent"
        report = Report(Kind.NOSHOW, "Sam", note="charged the fee")
        decided = answer(reading("missed Sam, charged the fee", report=report), WAITING_CASE, Role.ASSOCIATE)
        assert shown(decided) == "absent: charged the fee"

    def test_noshow_and_waiting_change_the_kind(self) -> None:
        for kind, line in ((Kind.NOSHOW, "noshow Sam"), (Kind.WAITING, "waiting Sam")):
            decided = answer(reading(line, report=Report(kind, "Sam")), LATE_CASE, Role.ASSOCIATE)
            assert isinstance(decided, Answer)
            assert (decided.word.value, decided.report) == (kind.name, Report(kind, "Sam"))


CASES = [*(LATE_CASE, NOSHOW_CASE, WAITING_CASE), *(sent(LATE_CASE), sent(NOSHOW_CASE), sent(WAITING_CASE))]
_TABLE = [*vocabulary.HEADWORDS, *vocabulary.ALSO, *map(str.upper, vocabulary.HEADWORDS)]
_BETWEEN = [
    "Kim",
    "Sam",
    "her",
    "not",
    "will",
    "cannot",
    "isn't",
    "?",
    ",",
    "to",
    "Tue",
    "3pm",
    "CLOSE",
    "no",
    "\u200b",
]
_WORDS = st.sampled_from(_TABLE) | st.sampled_from(_BETWEEN)
_LINES = st.lists(_WORDS | st.text(max_size=5), max_size=6).map(" ".join)


@given(_LINES, _LINES, st.booleans(), st.sampled_from(CASES), st.sampled_from(Role))
@example("RESCHEDULED", "?", True, NOSHOW_CASE, Role.ASSOCIATE)
def test_nothing_is_closed_by_a_question_or_a_negation(
    line: str, rest: str, from_subject: bool, case: Case, role: Role
) -> None:
    decided = answer(reading(line, rest, from_subject=from_subject), case, role)
    if not isinstance(decided, Answer) or decided.word not in {Word.OUTCOME, Word.SENT, Word.MISTAKE}:
        return
    assert "?" not in line
    if decided.word is Word.SENT:
        return  # it closes nothing: what follows may be about the client
    spoken = [piece.folded for piece in vocabulary.pieces(line) if piece.meaning is None]
    assert not {"not", "will", "cannot", "isn't"}.intersection(spoken)


@given(_LINES, st.sampled_from(CASES))
def test_two_different_outcomes_never_close(line: str, case: Case) -> None:
    decided = answer(reading(line), case, Role.ASSOCIATE)
    held = [piece.meaning.outcomes for piece in vocabulary.pieces(line) if piece.meaning and piece.said.isupper()]
    if isinstance(decided, Answer) and decided.outcome is not None:
        assert all(decided.outcome in outcomes for outcomes in held if outcomes)
