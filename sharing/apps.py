"""The sharing app: who may use what, how that is decided, and how it is delivered."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SharingConfig(AppConfig):
    name = "sharing"
    verbose_name = _("Sharing")

    def ready(self) -> None:
        from catalog import lifecycle
        from sharing import navigation, rules, verification, withdrawal  # noqa: F401  (registers the answers and the checks)

        lifecycle.on_withdrawn(withdrawal.dataset_withdrawn)
        navigation.register()
