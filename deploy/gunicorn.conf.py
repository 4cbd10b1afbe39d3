"""Gunicorn, as ``manage.py serve`` and the service files start it; every value can be set in the environment."""

import os
from pathlib import Path

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 120
graceful_timeout = 10
keepalive = 5
# Workers show that they live by touching a file: in memory, for a busy disk would make them look dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
loglevel = os.environ.get("LOG_LEVEL", "warning").lower()
accesslog = None  # addresses of people stay out of the log; the proxy logs what operations need
control_socket_disable = True
