"""Unified social credit codes (统一社会信用代码, GB 32100) as people type them."""

from __future__ import annotations

from django.utils.translation import gettext as _
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError as NumberError

from portal.errors import InvalidInput


def checked_credit_code(text: str) -> str:
    """The code in its canonical form: 18 characters, upper case.

    Raises:
        InvalidInput: it is no code, or its check character does not fit.
    """
    code = text.strip().upper()
    try:
        return str(uscc.validate(code))
    except NumberError as error:
        message = _("This is no unified social credit code: 18 characters, the last of which checks the others.")
        raise InvalidInput(message, fields={"credit_code": [message]}) from error
