"""Make .venv and install what requirements/*.txt lock, only when that changed. Runs on any Python 3 without packages.

usage: prepare.py [--dev] [--port PORT]

--dev installs the development requirements too; --port ends early, in one line, when that port is taken.
"""

import argparse
import errno
import hashlib
import os
import shutil
import socket
import subprocess
import sys

OLDEST = (3, 11)
NAMES = ("python3.11", "python3.12", "python3.13", "python3.14", "python3")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed")


def main():
    """Do what the arguments ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("--port")
    wanted = parser.parse_args()
    if wanted.port:
        check_port(wanted.port)
    install(dev=wanted.dev)


def check_port(text):
    """End with one clear line when nothing can listen on the port."""
    host = os.environ.get("HOST") or "127.0.0.1"
    if not text.isdigit() or not 0 < int(text) < 65536:
        sys.exit("PORT must be a number from 1 to 65535, not %r." % text)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, int(text)))
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            note = read(os.path.join(os.environ.get("VAR_DIR") or os.path.join(ROOT, "var"), "serve.lock"))
            if ":%s/" % text in note:
                sys.exit("The portal already runs on port %s: %s" % (text, note))
            sys.exit(
                "Port %s is taken by another program. Choose another one: PORT=%d make run" % (text, int(text) + 1)
            )
        sys.exit("Nothing can listen on %s port %s (%s). Choose others with HOST and PORT." % (host, text, error))
    finally:
        listener.close()


def install(dev):
    """Bring .venv up to the lock file; quick when it is already there."""
    lock = os.path.join(ROOT, "requirements", "dev.txt" if dev else "base.txt")
    with open(lock, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    with_base = os.path.join(ROOT, "requirements", "base.txt")
    with open(with_base, "rb") as file:
        base = hashlib.sha256(file.read()).hexdigest()
    stamp = read(STAMP)
    if usable(PYTHON) and (digest in stamp or (not dev and base in stamp)):
        return
    make_venv()
    print("Installing the packages of %s ..." % os.path.relpath(lock, ROOT), flush=True)
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock]
    if subprocess.call([*command, "--only-binary", ":all:"]) and subprocess.call(command):
        sys.exit("The packages could not be installed; see above. Is the package index reachable?")
    with open(STAMP, "w") as file:
        file.write("%s\n%s\n" % (base, digest))


def make_venv():
    """Make .venv with a Python that is new enough, unless it is there and works."""
    if usable(PYTHON):
        return
    python = find_python()
    print("Making .venv with %s ..." % python, flush=True)
    if os.path.lexists(VENV):
        shutil.rmtree(VENV)
    made = subprocess.run([python, "-m", "venv", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode or subprocess.call([PYTHON, "-m", "pip", "--version"], stdout=subprocess.DEVNULL):
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            "%s cannot make a virtual environment: its modules venv and ensurepip are needed.\n"
            "On Debian and Ubuntu: apt-get install python3-venv. It said:\n%s"
            % (python, made.stdout.decode(errors="replace").strip())
        )


def find_python():
    """A Python of at least ``OLDEST``: $PYTHON, the one that runs this, or one on the path."""
    candidates = [os.environ.get("PYTHON"), sys.executable] + [shutil.which(name) for name in NAMES]
    for candidate in candidates:
        if candidate and usable(candidate):
            return candidate
    return sys.exit(
        "Python %d.%d or newer is needed; this one is %d.%d. Install it, or name it: PYTHON=/path/to/python3 make run"
        % (OLDEST + tuple(sys.version_info[:2]))
    )


def usable(python):
    """Whether ``python`` runs and is new enough."""
    check = "import sys; sys.exit(sys.version_info[:2] < %r)" % (OLDEST,)
    try:
        return subprocess.call([python, "-c", check], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def read(path):
    """The text of a file, or nothing."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
