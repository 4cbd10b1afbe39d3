"""What the data plane may refuse with; each error has a stable code and a sentence that says what to do."""

from __future__ import annotations

import errno
from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from portal.errors import PortalError


class TableError(PortalError):
    """Any refusal of the data plane."""

    code = "table"


class BadFile(TableError):
    """The file is not what it claims to be, or cannot be read as a table."""

    code = "bad_file"


class UnknownColumn(TableError):
    """A query names a column that the table does not have (``columns`` in the details)."""

    code = "unknown_column"


class BadFilter(TableError):
    """A row condition that cannot be read, or whose value does not fit the column."""

    code = "bad_filter"


class QueryTimeout(TableError):
    """The query took longer than allowed and was stopped."""

    code = "query_timeout"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = _("This query takes too long. Ask for fewer rows, or add conditions.")


class MissingVersion(TableError):
    """The files of a version are gone."""

    code = "missing_version"
    message = _("The data of this version is not there any more.")


class StorageFull(TableError):
    """There is no room left for what is written; nothing was changed."""

    code = "storage_full"
    message = _("There is no room left on the disk. Tell the system administrator, then try again.")

    @classmethod
    def explains(cls, error: BaseException) -> bool:
        """Whether an error means a full disk, the operating system's or the engine's."""
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        return "no space left" in str(error).lower()


class Cancelled(TableError):
    """The load was stopped on request; nothing was written."""

    code = "cancelled"
    message = _("The loading was cancelled. Nothing was written.")
