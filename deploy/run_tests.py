"""``make test``: what the tests need from the system, the compiled messages, then every test.

Chromium, a Chinese font, Pango and MariaDB are installed with apt-get where this runs as root. Where they cannot be
installed, the journeys through the browser, the PDF files and the pulls from MariaDB are left out, everything else
runs, and the end says so and fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SERVER_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

MARKS = {"chromium": "journey", "fonts-noto-cjk": "journey", "mariadb-server": "mariadb", "libpangoft2-1.0-0": "pdf"}
"""The tests that need a package."""


def missing_packages() -> list[str]:
    """The system packages that some tests need and that are not there."""
    missing = []
    if not any(shutil.which(name) for name in BROWSERS):
        missing.append("chromium")
    fonts = (
        subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, check=False)
        if shutil.which("fc-list")
        else None
    )
    if fonts is None or not fonts.stdout.strip():
        missing.append("fonts-noto-cjk")
    if not shutil.which("mariadbd", path=SERVER_PATH):
        missing.append("mariadb-server")
    if not find_library("pangoft2-1.0"):
        missing.append("libpangoft2-1.0-0")
    return missing


def install(packages: list[str]) -> None:
    """Install them with apt-get, where that is possible."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"Installing {' '.join(packages)} …", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL, "env": environment, "check": False}
    command = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *packages]
    if subprocess.run(command, **quiet).returncode:  # type: ignore[call-overload]
        subprocess.run(["apt-get", "update", "-qq"], **quiet)  # type: ignore[call-overload]
        subprocess.run(command, **quiet)  # type: ignore[call-overload]


def main(arguments: list[str]) -> int:
    """Run the tests; the exit status is pytest's, or 1 when something could not be tested."""
    from portal import messages

    if missing := missing_packages():
        install(missing)
        missing = missing_packages()
    messages.compile_catalog()
    left_out = ["-m", " and ".join(f"not {MARKS[name]}" for name in missing)] if missing else []
    status = subprocess.run([sys.executable, "-m", "pytest", *left_out, *arguments], cwd=ROOT, check=False).returncode
    if missing:
        print(
            f"\nSome tests were not run: {' and '.join(missing)} is missing and could not be installed here.\n"
            f"On Debian and Ubuntu: sudo apt-get install {' '.join(missing)}",
            file=sys.stderr,
        )
        return status or 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
