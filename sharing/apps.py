"""The sharing app: who may use what, how that is decided, and how it is delivered."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SharingConfig(AppConfig):
    name = "sharing"
    verbose_name = _("Sharing")

    def ready(self) -> None:
        from catalog import impact, lifecycle, prepared, search
        from catalog.search import standing
        from portal.calendars import acts as calendar_acts
        from portal.departments import figures, moving
        from sharing import departments as sharing_departments
        from sharing import grants, navigation, reminders, rules, verification, withdrawal  # noqa: F401  (registers the answers and the checks)
        from sharing import moving as sharing_moving
        from sharing.delivery import download
        from sharing.demands import moving as lists_moving
        from sharing.demands import rules as demand_rules  # noqa: F401  (registers the answers)
        from sharing.demands import verification as demand_verification  # noqa: F401  (registers the check)
        from sharing.disputes import rules as dispute_rules  # noqa: F401  (registers the answers)
        from sharing.disputes import verification as dispute_verification  # noqa: F401  (registers the check)
        from sharing.extending import verification as extension_verification  # noqa: F401  (registers the check)
        from sharing.impact import in_sharing
        from sharing.letters import rules as letter_rules  # noqa: F401  (registers the answers)
        from sharing.letters import verification as letter_verification  # noqa: F401  (registers the check)
        from sharing.outside import changing
        from sharing.responsibilities import keeping
        from sharing.responsibilities import rules as responsibility_rules  # noqa: F401  (registers the answers)

        impact.register(in_sharing)
        prepared.register("grant", download.find_whole)
        search.register_indexer(keeping.datasets_changed)
        standing.register_uses(grants.uses)
        moving.register(lists_moving.ListsMover())
        lifecycle.on_withdrawn(withdrawal.dataset_withdrawn)
        lifecycle.on_revised(changing.dataset_revised)
        moving.register(sharing_moving.SharingMover())
        figures.register(sharing_departments.figures)
        calendar_acts.on_change(reminders.recount)
        navigation.register()
