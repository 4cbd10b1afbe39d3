"""The sharing app: who may use what, how that is decided, and how it is delivered."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SharingConfig(AppConfig):
    name = "sharing"
    verbose_name = _("Sharing")

    def ready(self) -> None:
        from catalog import lifecycle
        from portal.departments import figures, moving
        from sharing import departments as sharing_departments
        from sharing import moving as sharing_moving
        from sharing import navigation, rules, verification, withdrawal  # noqa: F401  (registers the answers and the checks)

        lifecycle.on_withdrawn(withdrawal.dataset_withdrawn)
        moving.register(sharing_moving.SharingMover())
        figures.register(sharing_departments.figures)
        navigation.register()
