"""The one family of errors that domain functions raise; pages and API turn them into answers in one place."""

from http import HTTPStatus
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class PortalError(Exception):
    """An act that the rules do not allow or that its input does not permit; nothing was changed.

    ``code`` is stable and part of the API; ``status`` is the HTTP status that answers it; the message is translated
    and says what to do. ``details`` holds machine-readable particulars, for example the names of unknown fields.
    """

    code = "error"
    status = HTTPStatus.BAD_REQUEST
    message: str | Promise = _("This cannot be done.")

    def __init__(self, message: str | Promise | None = None, **details: Any) -> None:
        self.message = message or self.message
        self.details = details
        super().__init__(str(self.message))

    def __str__(self) -> str:
        return str(self.message)


class NotPermitted(PortalError):
    """The actor has no standing for this act on this object."""

    code = "not_permitted"
    status = HTTPStatus.FORBIDDEN
    message = _("You are not allowed to do this. Ask the clerk of your department which duty it needs.")


class WrongState(PortalError):
    """The object is not in a state in which this act is possible (any more)."""

    code = "wrong_state"
    status = HTTPStatus.CONFLICT
    message = _("This is no longer possible, because the state has changed in the meantime. Reload the page.")


class InvalidInput(PortalError):
    """The data given does not meet the rules; ``fields`` maps field names to lists of messages."""

    code = "invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = _("Some entries need to be corrected.")

    def __init__(
        self, message: str | Promise | None = None, *, fields: dict[str, list[Any]] | None = None, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.fields = fields or {}
