"""Where settings come from: the environment, and the folders of this installation."""

from pathlib import Path

import environ

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent

VAR_DIR = Path(env("VAR_DIR", default=str(BASE_DIR / "var")))
"""Everything the portal writes on the local disk: embedded database, tables, uploads, collected static files."""
