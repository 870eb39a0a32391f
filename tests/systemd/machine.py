"""A Debian of its own with a real systemd as process 1, on which Promptly is installed as on a clinic's machine.

No container engine: mmdebstrap lays it out from the mirror that this machine's apt uses, `boot.sh` starts it in
namespaces.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.daemon_process import ROOT

_BOOT = ("setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "sh", str(Path(__file__).parent / "boot.sh"))
ABSENT = "mmdebstrap is not installed: apt-get install mmdebstrap"
NOT_ROOT = "a Debian with its own systemd can be started by root alone"
SOURCES = "/usr/local/src/promptly"
"""Where docs/install.md has the program unpacked."""
ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": f"{SOURCES}/build/wheels",
    "DPKG_DEB_COMPRESSOR_TYPE": "gzip",
    "DPKG_DEB_COMPRESSOR_LEVEL": "1",
}
"""What a command finds. It saves time: pip takes what was fetched once for all, and looks at its hashes as ever."""


def missing() -> str | None:
    """Why no Debian can be laid out here though it could be mended, or None."""
    if os.geteuid() != 0:
        return NOT_ROOT
    return None if shutil.which("mmdebstrap") else ABSENT


def forbidden() -> str | None:
    """Why none can be started here whatever is installed, or None: all that `boot.sh` does is tried."""
    tried = subprocess.run([*_BOOT, "/", "/bin/true"], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return None
    said = (tried.stderr.strip().splitlines() or ["nothing said why"])[-1]
    return f"this machine lets root have no namespaces, cgroup2 or overlay of its own: {said}"


def lay_out(release: str, folder: Path) -> Path:
    """A minimal Debian of this release in a new folder. RuntimeError with what mmdebstrap said."""
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", "Identifier: Packages", "Label: Debian"]
    mirrors = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    if not mirrors:
        raise RuntimeError("this machine's apt knows no mirror of Debian's")
    # The lists are kept, and only those: each machine looks whether they are the newest.
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=systemd-sysv", "--skip=cleanup/apt/lists"]
    command += ['--aptopt=Acquire::Languages "none"', release, str(folder), mirrors[0]]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {said.stderr[-2000:]}")
    (folder / SOURCES.lstrip("/")).mkdir(parents=True)
    (folder / "etc/hostname").write_text("clinic\n")
    (folder / "etc/hosts").write_text("127.0.0.1 localhost clinic\n")
    return folder


class Machine:
    """A machine that was just installed with Debian, while entered: booted, and gone afterwards."""

    def __init__(self, debian: Path) -> None:
        self._debian = debian
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the machine

    def __enter__(self) -> Self:
        self._boot = subprocess.Popen(
            [*_BOOT, str(self._debian)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log
        )
        try:
            assert self._boot.stdout is not None
            assert self._boot.stdout.readline() == b"up\n", self._said()
            self._init = _init_below(self._boot.pid)
            deadline = time.monotonic() + 30
            while self._execute("systemctl is-system-running --wait").stdout.strip() not in {"running", "degraded"}:
                assert self._boot.poll() is None, self._said()
                assert time.monotonic() < deadline, self._said()
                time.sleep(0.05)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._boot, self._log:
            self._boot.terminate()
            self._boot.wait(20)

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def run(self, commands: str, code: int = 0) -> str:
        """What these lines, typed by root, print. They end with this exit code, each but the last with 0."""
        ended = self._execute(commands)
        if ended.returncode != code:
            log = self._execute("journalctl --lines 30 --output cat").stdout
            raise AssertionError(f"{commands}\nexit {ended.returncode}\n{ended.stdout}\njournal:\n{log}")
        return ended.stdout

    def _execute(self, commands: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-ec", f"cd {SOURCES}\n{commands}"]
        return subprocess.run(
            ["nsenter", f"--target={self._init}", "--all", "--root", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=ENVIRONMENT,
            timeout=300,
            check=False,
        )

    def file(self, path: str) -> Path:
        """Where a file of the machine's lies for us. A link on the way must be a relative one."""
        return Path(f"/proc/{self._init}/root") / path.lstrip("/")

    def has(self, path: str) -> bool:
        return os.path.lexists(self.file(path))

    def edit(self, path: str, text: str, mode: int | None = None) -> None:
        """As with an editor: a file that is there keeps its mode."""
        file = self.file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if mode is not None:
            file.chmod(mode)

    def drop_in(self, *lines: str) -> None:
        """What ``systemctl edit promptly`` does with these lines."""
        self.edit("/etc/systemd/system/promptly.service.d/override.conf", "\n".join([*lines, ""]))
        self.run("systemctl daemon-reload")

    def unpack(self) -> None:
        """This checkout, where docs/install.md has the program unpacked; with the wheels of a `make deb`."""
        place = self.file(SOURCES)
        others = {"build", "tests", "state", "config.toml"}
        names = [path.name for path in ROOT.iterdir() if path.name[0] != "." and path.name not in others]
        pack = ["tar", "-c", "--exclude=__pycache__", *names, "build/wheels"]
        packed = subprocess.run(pack, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "-x", "--no-same-owner", "-C", str(place)], input=packed.stdout, check=True)


def _init_below(process: int) -> int:
    """The number by which we know the process 1 that a `boot.sh` started."""
    while True:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        (process,) = map(int, children)
        found = re.search(r"^NSpid:.*\t(\d+)$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
        if found is not None and found[1] == "1":
            return process
