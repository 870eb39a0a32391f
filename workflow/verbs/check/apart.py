"""Mails read in a process of their own: one that kills its reader, or never lets it go, is passed over alone."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection

from workflow.mail.reading.message import Incoming

READ_MOST = 5.0
"""Seconds for one mail: an ordinary header block takes a millisecond."""

Read = Callable[[bytes], Incoming]


def read_apart(raws: Sequence[bytes], read: Read) -> Iterator[Incoming | None]:
    """Each mail as read, in order; None for one that could not be. Blocks for `READ_MOST` a mail at most."""
    # Forked: what reads is loaded, and nothing of the program is begun anew.
    fork = multiprocessing.get_context("fork")
    at = 0
    while at < len(raws):
        ours, theirs = fork.Pipe(duplex=False)
        child = fork.Process(target=_read_all, args=(raws[at:], read, theirs), daemon=True)
        child.start()
        theirs.close()
        try:
            while at < len(raws) and ours.poll(READ_MOST):
                yield ours.recv()
                at += 1
        except EOFError:
            pass
        finally:
            child.kill()
            child.join()
            ours.close()
        if at < len(raws):
            yield None
            at += 1


def _read_all(raws: Sequence[bytes], read: Read, told: Connection) -> None:
    for raw in raws:
        try:
            incoming = read(raw)
        except Exception:  # whatever it is, it is this mail's
            told.send(None)
        else:
            told.send(incoming)
