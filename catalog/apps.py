"""The catalog app: what data there is, its tables, its quality, and what of it is open."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = _("Catalogue")

    def ready(self) -> None:
        from catalog import (  # noqa: F401  (registers answers, checks)
            access_exceptions,
            advice,
            gate,
            impact,
            loading,
            navigation,
            prepared,
            rules,
            search,
            verification,
        )
        from catalog import moving as catalog_moving
        from catalog.connections import moving as connection_moving
        from catalog.connections import sources as connection_sources  # noqa: F401  (registers its rule)
        from catalog.connections import views as connection_views
        from catalog.health import rows as health_rows
        from catalog.health import views as health_views
        from catalog.opendata import tables as open_tables
        from catalog.protection import anonymity_views, opening
        from catalog.protection import keeping as protection
        from catalog.protection import views as protection_views
        from catalog.protection.tasks import measure_disclosure, scan_table
        from catalog.quality import gate as quality_gate
        from catalog.quality import tabs as quality_tabs
        from catalog.quality.tasks import check_version
        from catalog.relations import views as relation_views
        from catalog.relations.impact import in_the_catalogue
        from catalog.search import standing
        from catalog.sources import advice as source_advice
        from catalog.sources import signatures
        from catalog.sources import views as source_views
        from catalog.sources.tasks import sketch_keys
        from catalog.standards import conformance, linking, report_views
        from catalog.standards import rules as standard_rules  # noqa: F401  (registers its rule)
        from catalog.standards.tasks import compute_conformance
        from catalog.views import holdings, versions
        from portal.departments import figures, moving
        from portal.rights import review

        prepared.register("open", open_tables.find_whole)
        figures.register(catalog_moving.figures)
        moving.register(catalog_moving.CatalogMover())
        moving.register(connection_moving.ConnectionsMover())
        moving.on_changed(catalog_moving.department_changed)
        moving.on_authority_changed(catalog_moving.authority_changed)
        review.register(access_exceptions.rights)
        navigation.register()
        versions.register_panel()
        holdings.register_panel()
        connection_views.register_panel()
        search.register_indexer(signatures.index)
        advice.register(source_advice.on_document)
        loading.on_loaded(lambda version: sketch_keys.defer(version_id=version.pk))
        source_views.register_panel()
        advice.register(linking.on_document)
        loading.on_loaded(lambda version: compute_conformance.defer(dataset_ids=[str(version.distribution.dataset_id)]))
        search.register_indexer(conformance.on_indexed)
        report_views.register_panel()
        impact.register(in_the_catalogue)
        relation_views.register_panel()
        search.register_indexer(health_rows.renew)
        search.register_indexer(standing.on_indexed)
        figures.register(health_views.department_figures)
        gate.register(protection.check)
        gate.register(opening.check)
        loading.on_loaded(lambda version: measure_disclosure.defer(version_id=version.pk))
        anonymity_views.register_panel()
        loading.on_loaded(lambda version: scan_table.defer(version_id=version.pk))
        protection_views.register_panel()
        gate.register(quality_gate.holding)
        quality_tabs.register_panels()
        loading.on_loaded(lambda version: check_version.defer(version_id=version.pk))
