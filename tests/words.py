"""The Chinese words of a message, so that a test does not break when a translator finds better ones."""

from django.utils import translation


def zh(message: str) -> str:
    """A message in Simplified Chinese; it must have been translated."""
    with translation.override("zh-hans"):
        translated = translation.gettext(message)
    assert translated != message
    return translated
