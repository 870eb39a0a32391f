"""Mail that a list or group handed on, and mail that bears the mailbox's own address: whose it is (section 3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversation import MAILBOX, Clinic
from tests.conversations.steps import case_of, come, opens

GOOGLE = {
    "List-ID": "<reports.clinic.test>",
    "Precedence": "list",
    "Mailing-list": "list reports@clinic.test; contact reports+owners@clinic.test",
    "List-Unsubscribe": "<mailto:googlegroups-manage+7+unsubscribe@googlegroups.test>",
    "X-Google-Group-Id": "737",
    "X-Original-Sender": "dana@clinic.test",
    "To": "reports@clinic.test",
}
MAILMAN = {
    "List-Id": "Reports <reports.lists.clinic.test>",
    "List-Post": "<mailto:reports@lists.clinic.test>",
    "X-BeenThere": "reports@lists.clinic.test",
    "X-Mailman-Version": "3.3.8",
    "Sender": "Reports <reports-bounces@lists.clinic.test>",
    "To": "reports@lists.clinic.test",
}
GROUPS_IO = {
    "Precedence": "Bulk",
    "List-Id": "<main.clinic.groups.test>",
    "Delivered-To": "mailing list main@clinic.groups.test",
    "In-Reply-To": "<welcome@clinic.groups.test>",
}
EXCHANGE = {
    "Return-Path": "<>",
    "To": "Reports <reports@clinic.test>",
    "X-Auto-Response-Suppress": "DR, OOF, AutoReply",
}
HANDED_ON = {"google": GOOGLE, "mailman": MAILMAN, "groups.io": GROUPS_IO, "exchange": EXCHANGE}

FOOTER = (
    "stuck in traffic\n\n_______________________________________________\nReports mailing list -- "
    "reports@lists.clinic.test\nTo unsubscribe send an email to reports-leave@lists.clinic.test\n"
)


async def test_what_a_group_hands_on_as_it_was_is_its_writer_s(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for name, headers in HANDED_ON.items():
            draft = await opens(clinic, f"[Reports] LATE 15 {name.partition('.')[0].title()}", FOOTER, **headers)
            case = await case_of(clinic, draft)
            assert (case.client, case.notes) == (name.partition(".")[0].title(), ("stuck in traffic",))
        await clinic.dana.writes(draft.tap("SENT"), **GOOGLE)
        await come(clinic, dana="receipt", alex="update")


async def test_what_it_hands_on_with_a_broken_proof_is_told(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        broken = {"Authentication-Results": "mx.clinic.test; dkim=fail header.d=clinic.test; dmarc=fail"}
        await clinic.dana.writes("LATE 15 Sam", **(MAILMAN | broken))
        got = await come(clinic, alex="notice", dana="help")
        assert got["alex"].tap("LATE 15 Sam FOR Dana Lee")
        assert not await clinic.store.open_cases()


REWRITTEN = [
    {"From": f"'Dana Lee' via Reports <{MAILBOX}>", "X-Original-From": "Dana Lee <dana@clinic.test>", **GOOGLE},
    {"From": f"Dana Lee via Reports <{MAILBOX}>", "Reply-To": "Dana Lee <dana@clinic.test>", **MAILMAN},
    {"From": "Dana Lee via Reports <desk@clinic.test>", "Reply-To": "dana@clinic.test", **MAILMAN},
    {"From": "Dana Lee via Reports <reports@lists.clinic.test>", "Reply-To": "Dana Lee <dana@clinic.test>", **MAILMAN},
    {"From": f"reports <{MAILBOX}>", **GOOGLE},
]


@pytest.mark.parametrize("own_voice", ["notice", "admin"])
async def test_what_it_hands_on_under_its_own_address_is_a_stranger_s(tmp_path: Path, own_voice: str) -> None:
    keys = {"aliases": ["desk@clinic.test"], "own_voice": own_voice}
    async with Clinic(tmp_path, mailbox=keys) as clinic:
        for number, headers in enumerate(REWRITTEN):
            await clinic.ravi.writes(f"LATE {number + 10} Sam FOR Ravi", **headers)
            await come(clinic, alex="notice")
            await clinic.ravi.writes(f"LATE {number + 10} Sam", **headers)
            notice = (await come(clinic, alex="notice"))["alex"]
            assert f"LATE {number + 10} Sam" in notice.text
            assert str(headers["From"]) in " ".join(notice.text.split())
            choices = [line for line in notice.text.splitlines() if "FOR Dana Lee" in line or "FOR Ravi Patel" in line]
            assert "Dana Lee" in choices[0], "whoever wrote it stands first"
        assert not await clinic.store.open_cases()
        await clinic.alex.taps(notice, "LATE 14 Sam FOR Dana Lee")
        await come(clinic, dana="draft", alex="alert")


NOBODY_S = {
    "a newsletter": {"From": "News <news@shop.test>", "List-Unsubscribe": "<https://shop.test/u>"},
    "another's list": {"From": "Kim <kim@x.test>", "List-Id": "<talk.x.test>", "Reply-To": "talk@x.test"},
    "a machine on the list": {"List-Id": "<reports.clinic.test>", "Auto-Submitted": "auto-generated"},
    "an absence on the list": {"List-Id": "<reports.clinic.test>", "Auto-Submitted": "auto-replied"},
    "a campaign": {"Precedence": "bulk"},
    "an old vacation program": {"Return-Path": "<>", "In-Reply-To": "<1@clinic.test>", "To": "kim@x.test"},
    "a machine without a group": {"Return-Path": "<>"},
    "our own by way of a group": {"From": f"Promptly <{MAILBOX}>", "List-Id": "<x>", "X-Promptly-Loop": "i1"},
}


@pytest.mark.slow
async def test_a_robot_in_a_group_is_a_robot(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for headers in NOBODY_S.values():
            await clinic.dana.writes("LATE 15 Sam", **headers)
        told = (await come(clinic, alex="notice"))["alex"]  # of a second Promptly, perhaps
        assert told.first_line.startswith("Make sure that one Promptly alone")
        assert not await clinic.store.open_cases()


# --- the mailbox's own address


SENT_AS = {"From": f"Clinic <{MAILBOX}>", "Sender": "Alex <admin@clinic.test>"}


@pytest.mark.slow
async def test_who_writes_as_the_mailbox_is_told_to_admin(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 40 Sam")
        await clinic.alex.writes(f"[{draft.case}] CONTACTED", **SENT_AS)
        notice = (await come(clinic, alex="notice"))["alex"]
        assert notice.first_line.startswith("Look at a mail that bears the clinic's own address")
        assert (await case_of(clinic, draft)).reached_at is None
        await clinic.alex.taps(notice, "CONTACTED")
        await come(clinic, alex="receipt", dana="update")
        await clinic.alex.writes("NOSHOW Kim FOR Ravi Patel", **SENT_AS)
        notice = (await come(clinic, alex="notice"))["alex"]
        await clinic.alex.taps(notice, "NOSHOW Kim FOR Ravi Patel")
        await come(clinic, alex="alert", ravi="draft")
        for nothing in ("Lunch?", "SENT", "late for Kim", "STATUS", "HELP"):
            await clinic.alex.writes(nothing, **SENT_AS)
        await clinic.alex.writes("LATE 15 Kim", **(SENT_AS | {"X-Promptly-Loop": "0123"}))
        await clinic.alex.writes("LATE 15 Kim", **(SENT_AS | {"Auto-Submitted": "auto-generated"}))
        told = (await come(clinic, alex="notice"))["alex"]
        assert told.first_line.startswith("Make sure that one Promptly alone")


@pytest.mark.slow
async def test_or_heard_as_the_first_admin(tmp_path: Path) -> None:
    keys = {"own_voice": "admin", "aliases": ["desk@clinic.test"]}
    async with Clinic(tmp_path, mailbox=keys, admins=("alex", "pat")) as clinic:
        await clinic.dana.writes("LATE 40 Sam")
        draft = (await come(clinic, dana="draft", alex="alert", pat="alert"))["dana"]
        await clinic.pat.writes(f"[{draft.case}] CONTACTED", **SENT_AS)
        await come(clinic, alex="receipt", pat="update", dana="update")
        await clinic.pat.writes("LATE 15 Kim", **SENT_AS)
        got = await come(clinic, alex="ask")
        await clinic.pat.writes(got["alex"].tap("LATE 15 Kim FOR Ravi Patel"), From="desk@clinic.test")
        await come(clinic, ravi="draft", alex="alert", pat="alert")
        await clinic.pat.writes("Lunch?", **SENT_AS)
        await come(clinic)


UNPROVEN = {
    "no results": {"Authentication-Results": "mx.elsewhere.test; dmarc=pass header.from=clinic.test"},
    "failed": {"Authentication-Results": "mx.clinic.test; dmarc=fail header.from=clinic.test"},
    "answers go elsewhere": {"Reply-To": "kim@x.test"},
    "answers go to two": {"Reply-To": f"{MAILBOX}, dana@clinic.test"},
    "a list": {"List-Help": "<mailto:x@clinic.test>"},
    "a group": {"X-Original-From": "Dana <dana@clinic.test>"},
    "a group's own": {"X-Original-Sender": MAILBOX},
}


@pytest.mark.slow
async def test_but_only_with_a_proof_and_no_trace_of_a_group(tmp_path: Path) -> None:
    async with Clinic(tmp_path, mailbox={"own_voice": "admin"}) as clinic:
        draft = await opens(clinic, "LATE 40 Sam")
        for headers in UNPROVEN.values():
            await clinic.alex.writes(f"[{draft.case}] CONTACTED", **(SENT_AS | headers))
            await come(clinic, alex="notice")
        assert (await case_of(clinic, draft)).reached_at is None
        await clinic.alex.writes(f"[{draft.case}] CONTACTED", **(SENT_AS | {"Reply-To": MAILBOX}))
        await come(clinic, alex="receipt", dana="update")


@pytest.mark.slow
async def test_an_admin_who_is_an_associate_speaks_there_as_admin_alone(tmp_path: Path) -> None:
    more = '[[associates]]\nname = "Alex"\nemails = ["admin@clinic.test"]'
    async with Clinic(tmp_path, mailbox={"own_voice": "admin"}, more=more) as clinic:
        await clinic.alex.writes("LATE 15 Kim", **SENT_AS)
        await come(clinic, alex="ask")
        assert not await clinic.store.open_cases()


# --- the mailbox's other addresses


@pytest.mark.slow
async def test_an_alias_is_nobody_else(tmp_path: Path) -> None:
    async with Clinic(tmp_path, mailbox={"aliases": ["Reports@clinic.test", "desk@clinic.test"]}) as clinic:
        await opens(clinic, "LATE 15 Sam", To="reports@clinic.test")
        await clinic.dana.writes("SENT", To="DESK@clinic.test", Cc=MAILBOX)
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.writes("SENT", To="reports@clinic.test, kim@x.test")
        await come(clinic)
        await clinic.alex.writes("LATE 15 Kim FOR Dana", From="desk@clinic.test")
        await come(clinic, alex="notice")
