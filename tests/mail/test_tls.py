"""The authorities that connections trust: read once for all of them, and anew when they are replaced on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates import certify
from workflow.mail.tls import verified


def test_one_context_serves_all_until_its_file_is_replaced(tmp_path: Path) -> None:
    certify(tmp_path)
    ca_file = tmp_path / "ca.pem"
    first = verified(ca_file)
    assert verified(ca_file) is first
    again = tmp_path / "again.pem"
    again.write_bytes(ca_file.read_bytes())
    again.replace(ca_file)
    second = verified(ca_file)
    assert second is not first
    assert verified(ca_file) is second
    assert verified(None) is verified(None)


def test_a_file_that_is_gone_is_not_trusted_from_memory(tmp_path: Path) -> None:
    certify(tmp_path)
    ca_file = tmp_path / "ca.pem"
    verified(ca_file)
    ca_file.unlink()
    with pytest.raises(OSError, match="No such file"):
        verified(ca_file)
