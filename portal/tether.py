"""Run a program that ends with the process that started it, even by SIGKILL: ``python -m portal.tether program …``."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tether() -> None:
    """Ask Linux to send this process SIGTERM when its parent dies; elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before it could be asked for
        sys.exit(0)


if __name__ == "__main__":
    tether()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606
