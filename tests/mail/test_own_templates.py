"""A clinic's own templates: used one file at a time, told of by `check`, and replaced by ours when they fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conversation import Clinic
from tests.mail.letter_reading import LETTERS, SAMPLES, text_of
from tests.mail.letter_samples import NOW, RULES
from workflow.mail.writing.render import Letters
from workflow.mail.writing.templates import OURS

pytestmark = pytest.mark.slow


def own(folder: Path, **files: str) -> Letters:
    for name, content in files.items():
        (folder / f"{name}.txt").write_text(content, encoding="utf-8")
    return Letters(RULES, instance="i", templates=folder)


def test_a_clinics_own_file_replaces_ours(tmp_path: Path) -> None:
    letters = own(tmp_path, alert="{% block first %}Riverside says: {{ who }} is late.{% endblock %}")
    rendered = letters.render(SAMPLES["alert-late"], NOW)
    assert rendered.fell_back is None
    assert text_of(SAMPLES["alert-late"], letters).startswith("Riverside says: Dana Lee is late.")
    assert text_of(SAMPLES["draft-late"], letters) == text_of(SAMPLES["draft-late"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{% block first %}\n{{ nobody }}\n{% endblock %}", "alert.txt, line 2: UndefinedError"),
        ("{% block first %}\n{{ data.tex }}\n{% endblock %}", "alert.txt, line 2: UndefinedError"),
        ("{% block first %}\n{{ 1 / 0 }}\n{% endblock %}", "alert.txt, line 2: ZeroDivisionError"),
        ("{% block first %}\n{% if %}\n{% endblock %}", "alert.txt, line 2: TemplateSyntaxError"),
        ("{% block first %}{{ ''.__class__.__mro__ }}{% endblock %}", "alert.txt, line 1: SecurityError"),
        ("{% block first %}\n\n{% include 'gone.txt' %}{% endblock %}", "alert.txt, line 3: TemplateNotFound"),
        ("Riverside", "alert.txt: no first line"),
    ],
)
def test_when_a_clinics_file_fails_ours_is_used_and_the_place_is_told(
    tmp_path: Path, content: str, reason: str
) -> None:
    rendered = own(tmp_path, alert=content).render(SAMPLES["alert-late"], NOW)
    assert rendered.fell_back == reason
    assert rendered.raw == LETTERS.render(SAMPLES["alert-late"], NOW).raw.replace(
        b"X-Promptly-Loop: a1b2c3", b"X-Promptly-Loop: i"
    )


def test_a_file_that_is_not_text_falls_back(tmp_path: Path) -> None:
    (tmp_path / "alert.txt").write_bytes(b"\xff\xfe\x00")
    rendered = Letters(RULES, instance="i", templates=tmp_path).render(SAMPLES["alert-late"], NOW)
    assert rendered.fell_back is not None


def test_check_finds_every_line_that_fails_wherever_it_hides(tmp_path: Path) -> None:
    letters = own(
        tmp_path,
        alert="{% block first %}\n{% if %}",
        allert="Hello",
        digest="{% block first %}\n\n{% for line in data.faults %}{{ line.when() }}{% endfor %}x{% endblock %}",
        draft="{% block first %}Message {{ client }}{% endblock %}",
        receipt="{% block first %}x{% endblock %}{% block more %}\nRESCHEDULED, says {{ who }}.{% endblock %}",
        reminder="{% block first %}{% if kind == 'noshow' %}{{ nobody }}{% endif %}x{% endblock %}",
        update="{% block first %}x{% if makeup and outcome == 'other' %}\n{{ data.tex }}{% endif %}{% endblock %}",
    )
    assert letters.template_faults() == [
        "alert.txt, line 2: TemplateSyntaxError: Expected an expression, got 'end of statement block'",
        "allert.txt: replaces no file of ours",
        "draft.txt: the first line names the client, and shows on lock screens: write {{ initials }}",
        "reminder.txt, line 1: UndefinedError: 'nobody' is undefined",
        "update.txt, line 2: UndefinedError: 'dict object' has no attribute 'tex'",
        "receipt.txt: a line starts with RESCHEDULED: quoted, it could be taken for an answer",
        "digest.txt, line 3: UndefinedError: 'str object' has no attribute 'when'",
    ]


@pytest.mark.slow
def test_check_finds_nothing_wrong_with_ours(tmp_path: Path) -> None:
    assert LETTERS.template_faults() == []
    assert Letters(RULES, instance="i", templates=tmp_path / "gone").template_faults() == ["the folder does not exist"]
    shutil.copytree(OURS, tmp_path / "copy")
    assert Letters(RULES, instance="i", templates=tmp_path / "copy").template_faults() == []


def test_a_template_can_change_nothing(tmp_path: Path) -> None:
    """A list that grew in one attempt would be another letter in the next."""
    content = "{% block first %}{{ data.lines.append('x') }}{% endblock %}"
    rendered = own(tmp_path, status=content).render(SAMPLES["status"], NOW)
    assert rendered.fell_back == "status.txt, line 1: SecurityError"


async def test_a_letter_goes_out_though_a_clinics_file_fails_and_admin_is_told_once(tmp_path: Path) -> None:
    own_folder = tmp_path / "own"
    own_folder.mkdir()
    (own_folder / "draft.txt").write_text("{% block first %}\n{{ nobody }}{% endblock %}", encoding="utf-8")
    async with Clinic(tmp_path, more='[letters]\ntemplates = "own"') as clinic:
        for client in ("Sam", "Kim"):
            await clinic.dana.writes(f"LATE 15 {client}")
            draft = await clinic.dana.gets("draft")
            assert f"Hi {client} - I'm running behind" in draft.text
            await clinic.alex.gets("alert")
        notice = await clinic.alex.gets("notice")
        assert "draft.txt, line 2: UndefinedError" in notice.text
