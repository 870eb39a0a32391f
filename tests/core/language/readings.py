"""How the tables of the tests write a reading: ``line => reading``.

``late 15 Sam at 14:30 yesterday for Dana | note`` is a report: ``-`` no minutes, ``?`` no client; ``am/pm`` where
the time may be either, ``day 11-28`` (of weekdays, Monday is 0) where it is of another day.
``unclear LATE 15 Sam !`` opens nothing: the likely readings, ``-`` none; ``!`` where admin gets a notice.
``nothing`` is neither.
"""

from __future__ import annotations

from workflow.core.mail import Reading
from workflow.core.rules import Kind


def told(reading: Reading) -> str:
    """A reading as the tables write it."""
    report, unclear = reading.report, reading.unclear
    if unclear is not None:
        return f"unclear {' or '.join(unclear.readings) or '-'}{' !' if unclear.notice else ''}"
    if report is None:
        return "nothing"
    parts = [report.kind.value]
    if report.kind is Kind.LATE:
        parts.append("-" if report.minutes is None else str(report.minutes))
    parts.append(report.client or "?")
    parts += [f"at {report.at:%H:%M}"] if report.at else []
    parts += ["am/pm"] if report.either else []
    parts += ["yesterday"] if report.yesterday else []
    parts += [f"day {report.day}"] if report.day else []
    parts += [f"for {report.for_associate}"] if report.for_associate else []
    parts += [f"| {report.note}"] if report.note else []
    return " ".join(parts)


def table(text: str) -> list[tuple[str, str]]:
    rows = [line.split("=>") for line in text.strip().splitlines()]
    return [(line.strip(), expected.strip()) for line, expected in rows]
