"""What SMTP servers do to a burst of letters while the whole service runs: each goes once it can, under its one id.

How the outbox alone takes each of these is in tests/mail/test_outbox.py; outages by the clock are in
tests/test_outages.py, greylisting and refused recipients in tests/test_bad_input.py.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conversation import MAILBOX, Clinic
from tests.in_time import answers, happens, header, is_owed
from workflow import sender
from workflow.verbs.embedded import EmbeddedServer


class ClinicWithLogin(Clinic):
    """A clinic whose SMTP server wants a login."""

    async def starts(self, *, wait: bool = True) -> None:
        config = self.config_file.read_text()
        if 'password_file = "smtp-password"' not in config:
            login = f'[smtp]\nusername = "{MAILBOX}"\npassword_file = "smtp-password"\n'
            self.config_file.write_text(config.replace("[smtp]\n", login))
            self.password = self.folder / "smtp-password"
            self.password.write_text("secret")
            self.password.chmod(0o600)
        await super().starts(wait=wait)


def ids_by_kind(server: EmbeddedServer) -> dict[str, Counter[str]]:
    """For each kind of letter, how often each Message-ID was accepted."""
    found: dict[str, Counter[str]] = {}
    for passed in server.passed:
        kind = header(passed.raw, "X-Promptly-Letter")
        found.setdefault(kind, Counter())[header(passed.raw, "Message-ID")] += 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
async def test_421_in_the_middle_of_a_burst_delays_and_loses_nothing(tmp_path: Path, stage: str) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        clinic.server.hang_smtp()
        for client in ("Sam", "Kim", "Jo", "Robin"):
            await answers(clinic, "dana", f"NOSHOW {client}")
        await happens(lambda: len(clinic.service.sender._ready) == 10)  # of 12, two are in hand
        for address in (MAILBOX, "admin@clinic.test") if stage == "MAIL" else ("admin@clinic.test",):
            clinic.server.refuse(address, "421 4.3.2 Closing", 3, stage=stage)  # type: ignore[arg-type]  # a Stage
        clinic.server.resume_smtp()
        await clinic.settled()
        for _ in range(4):
            await clinic.passes(minutes=1)
        assert {kind: sorted(ids.values()) for kind, ids in ids_by_kind(clinic.server).items() if kind != "notice"} == {
            "alert": [1] * 8,
            "draft": [1] * 4,
        }
        await clinic.collect()
        for person in (clinic.dana, clinic.alex, clinic.pat):
            person.inbox.clear()


@pytest.mark.slow
async def test_a_hang_after_data_is_given_up_and_the_letter_goes_again_under_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Clinic(tmp_path) as clinic:
        outbox = clinic.service.sender.outbox
        outbox._settings = replace(outbox._settings, timeout=0.2)
        taken = clinic.server.handle_DATA
        hung = 0

        async def hangs(*arguments: object) -> str:
            nonlocal hung
            said = await taken(*arguments)  # type: ignore[arg-type]  # passed on as they came
            hung += 1
            if hung <= 2:
                await asyncio.sleep(60)  # until the client hangs up
            return said

        monkeypatch.setattr(clinic.server, "handle_DATA", hangs)
        await clinic.dana.writes("NOSHOW Sam")
        assert {kind: list(ids.values()) for kind, ids in ids_by_kind(clinic.server).items()} == {
            "alert": [2],
            "draft": [2],
        }
        assert not await clinic.store.owed()
        await clinic.collect()
        clinic.dana.inbox.clear()
        clinic.alex.inbox.clear()


@pytest.mark.slow
async def test_a_password_changed_under_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "LOGIN_WAITS", (0.02,))
    async with ClinicWithLogin(tmp_path) as clinic:
        await clinic.server.down_smtp()
        clinic.server._accounts[MAILBOX] = "changed"
        await clinic.server.up_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await is_owed(clinic, "draft")
        await happens(lambda: clinic.service.sender._refusals >= 3)
        clinic.clock.move(timedelta(minutes=3))
        await is_owed(clinic, "notice")
        clinic.password.write_text("changed")  # read anew at each login: no restart
        await clinic.settled()
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        notice = await clinic.alex.gets("notice")
        assert "The SMTP server has refused the login since 14:00: check the password." in notice.text
