"""/healthz and /metrics: what monitoring on the same machine sees of a clinic (contract section 6, [health])."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import daemon
from tests.conversation import Clinic
from tests.in_time import answers, happens, is_owed

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def listening(port: int) -> str:
    return f'[health]\nlisten = "127.0.0.1:{port}"\n'


async def ask(port: int, request: str = "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n") -> tuple[str, str]:
    """The status and the body of an answer; both empty when there is none."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.encode())
        raw = (await reader.read()).decode()
        writer.close()
    head, _, body = raw.partition("\r\n\r\n")
    return " ".join(head.split("\r\n")[0].split()[1:]), body


async def reasons(port: int) -> list[str]:
    """Why /healthz fails; empty when it does not."""
    status, body = await ask(port)
    said = json.loads(body)
    assert (status, said["status"]) in {("200 OK", "ok"), ("503 Service Unavailable", "failing")}
    assert bool(said["reasons"]) == (said["status"] == "failing")
    found: list[str] = said["reasons"]
    return found


async def metrics(port: int) -> dict[str, float]:
    """Every sample by its name and labels: ``promptly_reports_total kind=late``."""
    status, body = await ask(port, "GET /metrics HTTP/1.1\r\n\r\n")
    assert status == "200 OK"
    samples = [sample for family in text_string_to_metric_families(body) for sample in family.samples]
    assert all(sample.name.startswith("promptly_") for sample in samples)
    return {
        " ".join([sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))]): sample.value
        for sample in samples
    }


class TestHealthz:
    async def test_is_well_while_mailbox_outbox_and_timers_are(self, tmp_path: Path) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)):
            assert await ask(port) == ("200 OK", '{"status":"ok","reasons":[]}\n')

    async def test_fails_while_the_mailbox_is_away(self, tmp_path: Path) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)) as clinic:
            await clinic.server.down_imap()
            await happens(lambda: not clinic.service.watch.connected)
            (reason,) = await reasons(port)
            assert "mailbox" in reason
            await clinic.server.up_imap()
            await clinic.settled()
            assert await reasons(port) == []

    async def test_fails_while_no_letter_can_leave(self, tmp_path: Path) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)) as clinic:
            await clinic.server.down_smtp()
            await answers(clinic, "dana", "NOSHOW Sam")
            await is_owed(clinic, "draft")
            await happens(lambda: clinic.service.sender.outage.since is not None)
            (reason,) = await reasons(port)
            assert "SMTP" in reason
            await clinic.server.up_smtp()
            await clinic.settled()
            assert await reasons(port) == []
            await clinic.dana.gets("draft")
            await clinic.alex.gets("alert")

    @pytest.mark.slow
    async def test_fails_while_a_draft_is_refused_for_too_long(self, tmp_path: Path) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)) as clinic:
            clinic.server.refuse("dana@clinic.test", "451 4.7.1 Greylisted")
            await clinic.dana.writes("LATE 15 Sam")
            assert await reasons(port) == []
            clinic.clock.move(timedelta(minutes=2))
            await happens(lambda: bool(clinic.service.auditor.late))
            (reason,) = await reasons(port)
            assert reason == "Alerts or drafts not accepted for over two minutes: 1"
            clinic.server.accept("dana@clinic.test")
            await clinic.passes(minutes=2)
            await clinic.dana.gets("draft")
            for kind in ("alert", "notice"):
                await clinic.alex.gets(kind)

    async def test_fails_when_the_only_admin_cannot_be_told(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)) as clinic:
            clinic.server.refuse("admin@clinic.test", "550 5.1.1 No such user")
            await clinic.dana.writes("LATE 15 Sam")
            await clinic.dana.gets("draft")
            (reason,) = await reasons(port)
            assert "nobody could be told" in reason
            clinic.says_it_lives()
            assert await asyncio.to_thread(daemon.main, ["status", "--config", str(clinic.config_file)]) == 0
            assert reason in capsys.readouterr().out


class TestMetrics:
    async def test_count_what_was_done(self, tmp_path: Path) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)) as clinic:
            before = await metrics(port)
            assert before["promptly_reports_total kind=late"] == before["promptly_open_cases kind=late"] == 0
            await clinic.dana.writes("LATE 15 Sam")
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")
            await clinic.dana.writes("LATE 20 Sam")  # the same report, changed
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")
            clinic.server.refuse("ravi@clinic.test", "451 4.7.1 Greylisted", 1)
            await clinic.ravi.writes("NOSHOW Kim")
            await clinic.alex.gets("alert")
            found = await metrics(port)
            expected = {
                "promptly_live": 1,
                "promptly_mailbox_connected": 1,
                "promptly_smtp_reachable": 1,
                "promptly_timer_overdue_seconds": 0,
                "promptly_open_cases kind=late": 1,
                "promptly_open_cases kind=noshow": 1,
                "promptly_open_cases kind=waiting": 0,
                "promptly_owed_letters kind=draft": 1,
                "promptly_reports_total kind=late": 1,
                "promptly_reports_total kind=noshow": 1,
                "promptly_mails_total fate=handled": 3,
                "promptly_letters_total fate=sent kind=alert": 3,
                "promptly_letters_total fate=sent kind=draft": 2,
                "promptly_letters_total fate=delayed kind=draft": 1,
                "promptly_urgent_letter_seconds_count": 5,
                "promptly_urgent_letter_seconds_bucket le=+Inf": 5,
            }
            assert expected.items() <= found.items()
            assert found["promptly_mailbox_last_contact_timestamp_seconds"] == clinic.clock.now().timestamp()
            await clinic.passes(minutes=1)
            await clinic.ravi.gets("draft")

    async def test_name_nobody(self, tmp_path: Path) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)) as clinic:
            clinic.server.refuse("dana@clinic.test", "550 5.1.1 No such user: dana")
            await clinic.dana.writes("LATE 15 Sam", "a note about Sam")
            for kind in ("alert", "notice"):
                await clinic.alex.gets(kind)
            page = (await ask(port, "GET /metrics HTTP/1.1\r\n\r\n"))[1] + (await ask(port))[1]
            assert not [word for word in ("dana", "sam", "clinic.test", "riverside", "K7") if word in page.casefold()]

    async def test_of_two_clinics_in_one_process_stay_apart(self, tmp_path: Path) -> None:
        one, two = free_port(), free_port()
        async with Clinic(tmp_path / "1", more=listening(one)) as clinic, Clinic(tmp_path / "2", more=listening(two)):
            await clinic.dana.writes("LATE 15 Sam")
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")
            name = "promptly_reports_total kind=late"
            assert ((await metrics(one))[name], (await metrics(two))[name]) == (1, 0)


class TestTheServer:
    @pytest.mark.parametrize(
        ("request_line", "status"),
        [
            ("GET / HTTP/1.1", "404 Not Found"),
            ("GET /healthz?from=monitor HTTP/1.1", "200 OK"),
            ("HEAD /healthz HTTP/1.1", "200 OK"),
            ("POST /healthz HTTP/1.1", "405 Method Not Allowed"),
            ("nonsense", ""),
            ("GET /" + "x" * 20_000, ""),
        ],
    )
    async def test_answers_two_requests_and_nothing_else(self, tmp_path: Path, request_line: str, status: str) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)):
            assert (await ask(port, f"{request_line}\r\n\r\n"))[0] == status

    async def test_is_held_up_by_nobody_who_says_nothing(self, tmp_path: Path) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)) as clinic:
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
            assert await reasons(port) == []
            await clinic.dana.writes("LATE 15 Sam")
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")
            for _, writer in silent:
                writer.close()

    async def test_where_the_port_is_taken_the_clinic_is_served_all_the_same(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            async with Clinic(tmp_path, more=listening(taken.getsockname()[1])) as clinic:
                await clinic.dana.writes("LATE 15 Sam")
                await clinic.alex.gets("alert")
                await clinic.dana.gets("draft")

    async def test_goes_with_the_daemon(self, tmp_path: Path) -> None:
        port = free_port()
        async with Clinic(tmp_path, more=listening(port)):
            pass
        with pytest.raises(ConnectionRefusedError):
            await ask(port)
