"""The catalog app: what data there is, its tables, its quality, and what of it is open."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = _("Catalogue")

    def ready(self) -> None:
        from catalog import access_exceptions, navigation, rules, verification  # noqa: F401  (registers the answers and the checks)
        from portal.rights import review

        review.register(access_exceptions.rights)
        navigation.register()
