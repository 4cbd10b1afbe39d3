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
        from sharing import dataset_changes, grants, navigation, reminders, rules, verification  # noqa: F401  (registers the answers and the checks)
        from sharing import departments as sharing_departments
        from sharing import moving as sharing_moving
        from sharing.corrections import moving as corrections_moving
        from sharing.corrections import rules as correction_rules  # noqa: F401  (registers the answers)
        from sharing.corrections import verification as correction_verification  # noqa: F401  (registers the check)
        from sharing.delivery import download
        from sharing.demands import moving as lists_moving
        from sharing.demands import rules as demand_rules  # noqa: F401  (registers the answers)
        from sharing.demands import verification as demand_verification  # noqa: F401  (registers the check)
        from sharing.disputes import rules as dispute_rules  # noqa: F401  (registers the answers)
        from sharing.disputes import verification as dispute_verification  # noqa: F401  (registers the check)
        from sharing.extending import verification as extension_verification  # noqa: F401  (registers the check)
        from sharing.holding import rules as holding_rules  # noqa: F401  (registers the answers)
        from sharing.holding import verification as holding_verification  # noqa: F401  (registers the checks)
        from sharing.impact import in_sharing
        from sharing.letters import rules as letter_rules  # noqa: F401  (registers the answers)
        from sharing.letters import verification as letter_verification  # noqa: F401  (registers the check)
        from sharing.outside import changing
        from sharing.questions import moving as forms_moving
        from sharing.questions import rules as form_rules  # noqa: F401  (registers the answers)
        from sharing.questions import verification as form_verification  # noqa: F401  (registers the checks)
        from sharing.questions.panel import register_panel
        from sharing.responsibilities import keeping
        from sharing.responsibilities import rules as responsibility_rules  # noqa: F401  (registers the answers)
        from sharing.restrictions import moving as restrictions_moving
        from sharing.restrictions import rules as restriction_rules  # noqa: F401  (registers the answers)
        from sharing.restrictions import verification as restriction_verification  # noqa: F401  (registers the check)

        impact.register(in_sharing)
        register_panel()
        prepared.register("grant", download.find_whole)
        search.register_indexer(keeping.datasets_changed)
        standing.register_uses(grants.uses)
        moving.register(lists_moving.ListsMover())
        lifecycle.on_withdrawn(dataset_changes.dataset_withdrawn)
        lifecycle.on_revised(dataset_changes.dataset_revised)
        lifecycle.on_revised(changing.dataset_revised)
        moving.register(corrections_moving.CorrectionsMover())
        moving.register(sharing_moving.SharingMover())
        moving.register(forms_moving.FormsMover())
        moving.register(restrictions_moving.RestrictionsMover())
        figures.register(sharing_departments.figures)
        calendar_acts.on_change(reminders.recount)
        navigation.register()
