"""A real installation: everything from the environment, and no start without a secret of its own."""

from portal.settings.base import *
from portal.settings.base import SECRET_KEY, check_secret

check_secret(SECRET_KEY, is_demo=False)
