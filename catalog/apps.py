"""The catalog app: what data there is, its tables, its quality, and what of it is open."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = _("Catalogue")

    def ready(self) -> None:
        from catalog import access_exceptions, navigation, rules, verification  # noqa: F401  (registers answers, checks)
        from catalog import moving as catalog_moving
        from catalog.views import versions
        from portal.departments import figures, moving
        from portal.rights import review

        figures.register(catalog_moving.figures)
        moving.register(catalog_moving.CatalogMover())
        moving.on_changed(catalog_moving.department_changed)
        moving.on_authority_changed(catalog_moving.authority_changed)
        review.register(access_exceptions.rights)
        navigation.register()
        versions.register_panel()
