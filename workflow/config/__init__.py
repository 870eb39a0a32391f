"""The configuration: `keys` declares each key, `faults` words what can be wrong, `file` reads it all."""

from workflow.config.faults import Faults
from workflow.config.file import load
from workflow.config.keys import Config

__all__ = ["Config", "Faults", "load"]
