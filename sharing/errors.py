"""What the commands on requests and grants may refuse with."""

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from portal.errors import InvalidInput, NotPermitted, PortalError, WrongState


class StaleStep(WrongState):
    """Somebody decided on the step since it was read; nothing was changed."""

    code = "stale_step"
    message = _("Somebody decided on this in the meantime. Nothing was changed: reload and look again.")


class UnknownColumns(InvalidInput):
    """A request or a call names data items that the dataset or the grant does not have."""

    code = "unknown_column"
    status = HTTPStatus.BAD_REQUEST


class GrantNotInForce(NotPermitted):
    """The grant is expired, suspended or revoked."""

    code = "grant_not_in_force"
    message = _("This grant is not in force: it has expired, or was suspended or revoked.")


class BadCredential(PortalError):
    """No key, or a key that is unknown or was withdrawn."""

    code = "bad_credential"
    status = HTTPStatus.UNAUTHORIZED
    message = _("The access key is missing, unknown or was withdrawn. Make a new key on the page of the grant.")


class NoData(PortalError):
    """The dataset has no table to read yet."""

    code = "no_data"
    status = HTTPStatus.CONFLICT
    message = _("The provider has not loaded any data for this dataset yet.")
