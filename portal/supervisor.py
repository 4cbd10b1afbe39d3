"""Keep a few programs running: start them, start them again when they die, stop all of them together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

MAX_DEATHS = 5
WINDOW_S = 60
GRACE_S = 12


class KeepsDying(RuntimeError):
    """A program died so often that starting it again is no use."""


class Stopped(BaseException):
    """Ctrl-C or SIGTERM."""


@dataclass
class Program:
    """One program and its process group."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_DEATHS))

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only the supervisor."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "portal.tether", *self.command],
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and everything it started."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def revive(self) -> None:
        """Start it again after its death.

        Raises:
            KeepsDying: it died ``MAX_DEATHS`` times within ``WINDOW_S`` seconds.
        """
        self.deaths.append(time.monotonic())
        if len(self.deaths) == MAX_DEATHS and self.deaths[-1] - self.deaths[0] < WINDOW_S:
            raise KeepsDying(self.name)
        self.signal(signal.SIGKILL)
        time.sleep(min(len(self.deaths), 3) * 0.5)
        self.start()


class Supervisor:
    """Runs programs until it is told to stop; use it as a context manager."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.programs: list[Program] = []

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hurry)
        self.stop()

    def start(self, program: Program) -> None:
        """Start a program and watch it from now on."""
        self.programs.append(program)
        program.start()

    def watch(self) -> None:
        """Look once after every program, and start again those that died."""
        for program in self.programs:
            if not program.is_running():
                code = program.process.returncode if program.process else None
                self.say(f"{program.name} ended ({code}); starting it again.")
                program.revive()

    def stop(self) -> None:
        """Ask all to end, wait for them, and end those that do not."""
        for program in self.programs:
            if program.is_running():
                program.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and any(program.is_running() for program in self.programs):
            time.sleep(0.05)
        self._kill()

    def _kill(self) -> None:
        for program in self.programs:
            program.signal(signal.SIGKILL)
            if program.process:
                program.process.wait()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        raise Stopped

    def _hurry(self, _number: int, _frame: FrameType | None) -> None:
        for program in self.programs:
            program.signal(signal.SIGKILL)
