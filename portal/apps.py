"""The portal app: people, departments, access, audit, calendars and notices, on which the other apps stand."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        from portal import navigation
        from portal.accounts import sessions  # noqa: F401  (connects the receivers)
        from portal.audit import archive, checkpoints  # noqa: F401  (registers the checks)
        from portal.departments import moving
        from portal.deputies.moving import DelegationMover

        moving.register(DelegationMover())
        navigation.register()
