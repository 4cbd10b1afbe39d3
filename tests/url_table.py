"""Every address of the portal with the roles that may call it; ``tests/test_urls.py`` compares it with the resolver.

A row: name → (method, roles, names of the objects in its address). Roles outside the row are sent to sign in (the
anonymous), or answered with 403 or 404.
"""

from __future__ import annotations

OWN = ("applicant", "applicant_head", "cataloguer", "provider", "security", "authority", "clerk")
"""A duty in the department that an object belongs to; ``tests/factories.py`` and ``test_urls.py`` make the people."""
OTHERS = {
    "other_applicant": "applicant",
    "other_own_approver": "applicant_head",
    "other_cataloguer": "cataloguer",
    "other_provider_approver": "provider",
    "other_security_officer": "security",
    "other_authority_reviewer": "authority",
    "other_authority_head": "authority",
    "other_clerk": "clerk",
}
"""The same duties in a department of another province → whose role they have on pages without an object."""
ADMINISTRATORS = ("sysadmin", "secadmin", "auditor")
ROLES = ("anonymous", *OWN, *OTHERS, *ADMINISTRATORS, "deputy", "former")
"""``deputy`` catalogues in the applicant's department and stands in for its approver; ``former`` held a duty there."""
EVERYONE = frozenset(ROLES)
SIGNED_IN = EVERYONE - {"anonymous"}
STAFF = SIGNED_IN - {*ADMINISTRATORS, "former"}
DECIDERS = frozenset({"applicant_head", "provider", "security", "authority"})
REVIEWERS = frozenset({"applicant_head", "provider", "authority"})
APPLICANT = frozenset({"applicant"})
CATALOGUER = frozenset({"cataloguer"})
COUNTY = frozenset({"applicant", "applicant_head", "clerk", "deputy"})
KEEPERS = frozenset({"authority", "other_authority_reviewer", "other_authority_head"})
"""Data authorities of a city or above: the standards are everyone's."""
PROVINCE = frozenset({"provider", "security"})


PERSONAL = frozenset({"notices:notice-open", "notices:notice-mark", "deputies:deputy-end"})
"""What is a person's own, and not their duty's."""


def allowed(name: str) -> frozenset[str]:
    """Every role that may call an address: those of its row; where no object is named, the same duties elsewhere; and
    the deputy, who may what the approver may."""
    _method, roles, kwargs = TABLE[name]
    found = set(roles)
    if not kwargs:
        found |= {other for other, own in OTHERS.items() if own in roles}
    if name not in PERSONAL and ("applicant_head" in roles or (not kwargs and "cataloguer" in roles)):
        found.add("deputy")
    return frozenset(found)


Row = tuple[str, frozenset[str], dict[str, str]]

TABLE: dict[str, Row] = {
    "home": ("GET", EVERYONE, {}),
    "healthz": ("GET", EVERYONE, {}),
    "readyz": ("GET", EVERYONE, {}),
    "set_language": ("POST", EVERYONE, {}),
    "sitemap": ("GET", EVERYONE, {}),
    "accounts:sign-in": ("GET", EVERYONE, {}),
    "accounts:sign-out": ("POST", EVERYONE, {}),
    "accounts:profile": ("GET", SIGNED_IN, {}),
    "accounts:password": ("GET", SIGNED_IN, {}),
    "accounts:person-list": ("GET", frozenset({"secadmin"}), {}),
    "accounts:person-detail": ("GET", frozenset({"secadmin"}), {"pk": "person"}),
    "accounts:duty-assign": ("POST", frozenset({"secadmin"}), {"pk": "person"}),
    "accounts:person-active": ("POST", frozenset({"secadmin"}), {"pk": "person"}),
    "accounts:duty-end": ("POST", frozenset({"secadmin"}), {"pk": "membership"}),
    "notices:notice-list": ("GET", SIGNED_IN, {}),
    "notices:notice-read-all": ("POST", SIGNED_IN, {}),
    "notices:notice-open": ("GET", frozenset({"applicant_head"}), {"pk": "notice"}),
    "deputies:deputy-list": ("GET", SIGNED_IN, {}),
    "deputies:deputy-create": ("GET", STAFF - {"clerk", "other_clerk"}, {}),
    "deputies:deputy-end": ("POST", COUNTY - {"deputy"}, {"pk": "delegation"}),
    "departments:department-list": ("GET", SIGNED_IN, {}),
    "departments:department-detail": ("GET", SIGNED_IN, {"pk": "department"}),
    "rights:right-list": ("GET", frozenset({"secadmin"}), {}),
    "rights:right-export": ("GET", frozenset({"secadmin"}), {}),
    "rights:right-sign": ("POST", frozenset({"secadmin"}), {}),
    "rights:review-download": ("GET", frozenset({"secadmin"}), {"quarter": "quarter"}),
    # departments: tree, acts, lists, people
    "departments:department-export": ("GET", SIGNED_IN, {}),
    "departments:region-tree": ("GET", SIGNED_IN, {}),
    "departments:line-tree": ("GET", SIGNED_IN, {}),
    "departments:department-create": ("GET", frozenset({"secadmin"}), {}),
    "departments:list-export": ("GET", frozenset({"secadmin"}), {"kind": "people_kind"}),
    "departments:list-import": ("GET", frozenset({"secadmin"}), {}),
    "departments:import-plan": ("GET", frozenset({"secadmin"}), {"kind": "people_kind", "token": "import_token"}),
    "departments:import-rejected": ("GET", frozenset({"secadmin"}), {"token": "import_token"}),
    "departments:department-edit": ("GET", frozenset({"secadmin"}), {"pk": "department"}),
    "departments:department-move": ("GET", frozenset({"secadmin"}), {"pk": "department"}),
    "departments:department-merge": ("GET", frozenset({"secadmin"}), {"pk": "department"}),
    "departments:department-split": ("GET", frozenset({"secadmin"}), {"pk": "department"}),
    "departments:department-abolish": ("GET", frozenset({"secadmin"}), {"pk": "department"}),
    "departments:people": ("GET", frozenset({"secadmin", "clerk"}), {"pk": "department"}),
    "departments:people-end": (
        "POST",
        frozenset({"secadmin"}),
        {"pk": "provider", "membership": "membership"},
    ),
    "audit:event-list": ("GET", frozenset({"auditor"}), {}),
    "audit:event-export": ("GET", frozenset({"auditor"}), {}),
    "audit:event-detail": ("GET", frozenset({"auditor"}), {"pk": "event"}),
    "audit:event-proof": ("GET", frozenset({"auditor"}), {"pk": "event"}),
    "audit:checkpoint-list": ("GET", frozenset({"auditor"}), {}),
    "audit:checkpoint-export": ("GET", frozenset({"auditor"}), {"number": "checkpoint"}),
    "system:status": ("GET", frozenset({"sysadmin"}), {}),
    # portal/notices: choices, webhooks, deliveries
    "notices:notice-mark": ("POST", frozenset({"applicant_head"}), {"pk": "notice"}),
    "notices:notice-settings": ("GET", SIGNED_IN, {}),
    "notices:notice-test": ("POST", SIGNED_IN, {}),
    "notices:delivery-list": ("GET", frozenset({"sysadmin"}), {}),
    "notices:delivery-retry": ("POST", frozenset({"sysadmin"}), {"pk": "delivery"}),
    "notices:webhook": ("GET", frozenset({"secadmin", "clerk"}), {"pk": "department"}),
    "notices:webhook-remove": ("GET", frozenset({"secadmin", "clerk"}), {"pk": "department"}),
    "notices:webhook-test": ("POST", frozenset({"secadmin", "clerk"}), {"pk": "department"}),
    # Sign-in
    "account_login": ("GET", EVERYONE, {}),
    "account_logout": ("POST", EVERYONE, {}),
    "account_reauthenticate": ("GET", SIGNED_IN, {}),
    "account_inactive": ("GET", frozenset(), {}),  # leads to the sign-in page
    "mfa_index": ("GET", SIGNED_IN, {}),
    "mfa_authenticate": ("GET", SIGNED_IN, {}),  # between password and sign-in; later it leads home
    "mfa_reauthenticate": ("GET", SIGNED_IN, {}),
    "mfa_activate_totp": ("GET", SIGNED_IN, {}),
    "mfa_view_recovery_codes": ("GET", frozenset(), {}),  # nobody here has any
    "mfa_generate_recovery_codes": ("GET", SIGNED_IN, {}),
    "mfa_download_recovery_codes": ("GET", frozenset(), {}),
    "mfa_list_webauthn": ("GET", SIGNED_IN, {}),
    "mfa_add_webauthn": ("GET", SIGNED_IN, {}),
    "mfa_reauthenticate_webauthn": ("GET", SIGNED_IN, {}),
    "mfa_remove_webauthn": ("GET", SIGNED_IN, {"pk": "person"}),
    "mfa_edit_webauthn": ("GET", SIGNED_IN, {"pk": "person"}),
    "mfa_deactivate_totp": ("GET", frozenset(), {}),
    "mfa_login_webauthn": ("GET", SIGNED_IN, {}),
    "openid_connect_login": ("POST", frozenset(), {"provider_id": "csv"}),  # no provider is set up
    "openid_connect_callback": ("GET", frozenset(), {"provider_id": "csv"}),
    "accounts:session-list": ("GET", SIGNED_IN, {}),
    "accounts:session-end": ("POST", SIGNED_IN, {}),
    "accounts:person-create": ("GET", frozenset({"secadmin"}), {}),
    "accounts:password-reset": ("GET", frozenset({"secadmin"}), {"pk": "person"}),
    "accounts:admin-role": ("POST", frozenset({"secadmin"}), {"pk": "person"}),
    "accounts:factor-reset-ask": ("GET", frozenset({"secadmin"}), {"pk": "person"}),
    "accounts:unlock": ("POST", frozenset({"secadmin"}), {"pk": "person"}),
    "accounts:lockout-list": ("GET", frozenset({"secadmin"}), {}),
    "accounts:factor-reset-list": ("GET", frozenset({"secadmin", "clerk"}), {}),
    "accounts:factor-reset-confirm": ("POST", frozenset(), {"pk": "person"}),  # none waits
    "accounts:factor-reset-cancel": ("POST", frozenset(), {"pk": "person"}),
    "catalog:dataset-list": ("GET", STAFF, {}),
    "catalog:list-export": ("GET", STAFF, {}),
    "catalog:dataset-mine": ("GET", CATALOGUER, {}),
    "catalog:dataset-review": ("GET", REVIEWERS, {}),
    "catalog:bulk-act": ("POST", CATALOGUER | REVIEWERS, {}),
    "catalog:duplicate-list": ("GET", STAFF, {}),
    "catalog:duplicate-export": ("GET", STAFF, {}),
    "catalog:duplicate-look": ("POST", frozenset({"authority"}), {}),
    "catalog:duplicate-detail": ("GET", CATALOGUER | {"authority"}, {"pk": "duplicate"}),
    "catalog:duplicate-reopen": ("POST", frozenset({"authority"}), {"pk": "settled_duplicate"}),
    "catalog:source-list": ("GET", STAFF, {}),
    # profiles and quality rules
    "catalog:rule-create": ("GET", CATALOGUER, {"pk": "open"}),
    "catalog:rule-accept": ("POST", CATALOGUER, {"pk": "open"}),
    "catalog:quality-check": ("POST", CATALOGUER, {"pk": "open"}),
    "catalog:rule-rows": ("GET", SIGNED_IN, {"pk": "quality_rule"}),
    "catalog:rule-rows-export": ("GET", SIGNED_IN, {"pk": "quality_rule"}),
    "catalog:rule-retire": ("POST", CATALOGUER, {"pk": "quality_rule"}),
    # standards
    "catalog:theme-list": ("GET", STAFF, {}),
    "catalog:theme-create": ("GET", KEEPERS, {}),
    "catalog:theme-edit": ("GET", KEEPERS, {"code": "theme"}),
    "catalog:theme-retire": ("POST", KEEPERS, {"code": "theme"}),
    "catalog:code-list-list": ("GET", STAFF, {}),
    "catalog:code-list-create": ("GET", KEEPERS, {}),
    "catalog:code-list-detail": ("GET", STAFF, {"pk": "code_list"}),
    "catalog:code-list-edit": ("GET", KEEPERS, {"pk": "code_list"}),
    "catalog:code-list-version": ("GET", KEEPERS, {"pk": "code_list"}),
    "catalog:code-list-publish": ("POST", frozenset(), {"pk": "code_list"}),  # it has no version
    "catalog:code-list-compare": ("GET", STAFF, {"pk": "code_list"}),
    "catalog:code-list-retire": ("POST", KEEPERS, {"pk": "code_list"}),
    "catalog:code-list-export": ("GET", STAFF, {"pk": "code_list", "format": "csv"}),
    "catalog:element-list": ("GET", STAFF, {}),
    "catalog:element-export": ("GET", STAFF, {}),
    "catalog:element-create": ("GET", KEEPERS, {}),
    "catalog:element-detail": ("GET", STAFF, {"pk": "element"}),
    "catalog:element-edit": ("GET", KEEPERS, {"pk": "element"}),
    "catalog:element-retire": ("POST", KEEPERS, {"pk": "element"}),
    "catalog:conformance-list": ("GET", STAFF, {}),
    "catalog:conformance-export": ("GET", STAFF, {}),
    "catalog:conformance-renew": ("POST", CATALOGUER | {"authority"}, {"pk": "revised"}),
    "catalog:health-ranking": ("GET", STAFF, {}),
    "catalog:health-ranking-export": ("GET", STAFF, {}),
    "catalog:health-department": ("GET", STAFF, {"pk": "provider"}),
    "catalog:health-chart": ("GET", STAFF, {"pk": "provider"}),
    "catalog:health-export": ("GET", STAFF, {"pk": "provider"}),
    "catalog:anonymity-propose": ("GET", CATALOGUER, {"pk": "draft"}),
    "catalog:disclosure-measure": ("POST", CATALOGUER, {"pk": "draft"}),
    "catalog:disclosure-overrule": ("GET", {"security"}, {"pk": "disclosure"}),
    "catalog:masks-edit": ("GET", CATALOGUER, {"pk": "draft"}),
    "catalog:finding-confirm": ("POST", CATALOGUER, {"pk": "finding"}),
    "catalog:finding-overrule": ("GET", CATALOGUER, {"pk": "finding"}),
    "catalog:impact-export": ("GET", CATALOGUER | {"authority"}, {"pk": "revised"}),
    "catalog:link-elements": ("POST", CATALOGUER, {"pk": "revised"}),
    "catalog:record-import": ("GET", CATALOGUER | {"authority"}, {}),
    "catalog:import-detail": ("GET", CATALOGUER, {"pk": "record_import"}),
    "catalog:import-load": ("POST", CATALOGUER, {"pk": "record_import"}),
    "catalog:import-cancel": ("POST", CATALOGUER, {"pk": "record_import"}),
    "catalog:import-refused": ("GET", CATALOGUER, {"pk": "record_import"}),
    "catalog:records-export": ("GET", STAFF, {"format": "xlsx"}),
    "catalog:dataset-create": ("GET", CATALOGUER, {}),
    "catalog:dataset-detail": ("GET", STAFF, {"pk": "conditional"}),
    "catalog:dataset-edit": ("GET", CATALOGUER, {"pk": "draft"}),
    "catalog:record-check": ("POST", CATALOGUER, {"pk": "draft"}),
    "catalog:record-check-new": ("POST", CATALOGUER, {}),
    "catalog:unsaved-forget": ("POST", CATALOGUER, {"pk": "draft"}),
    "catalog:unsaved-forget-new": ("POST", SIGNED_IN, {}),
    "catalog:revision-begin": ("POST", CATALOGUER, {"pk": "open"}),
    "catalog:revision-discard": ("POST", CATALOGUER, {"pk": "revised"}),
    "catalog:version-compare": ("GET", CATALOGUER | {"authority"}, {"pk": "revised"}),
    "catalog:dataset-submit": ("POST", CATALOGUER, {"pk": "draft"}),
    "catalog:dataset-approve": ("POST", frozenset({"authority"}), {"pk": "in_review"}),
    "catalog:dataset-return": ("GET", frozenset({"authority"}), {"pk": "in_review"}),
    "catalog:dataset-withdraw": ("GET", frozenset({"provider"}), {"pk": "conditional"}),
    "catalog:access-find": ("GET", frozenset({"secadmin"}), {}),
    "catalog:dataset-access": ("GET", PROVINCE | {"secadmin"}, {"pk": "conditional"}),
    "catalog:exception-end": ("POST", PROVINCE | {"secadmin"}, {"pk": "exception"}),
    "catalog:dataset-upload": ("GET", CATALOGUER, {"pk": "draft"}),
    "catalog:dataset-rows": ("GET", PROVINCE, {"pk": "conditional"}),
    "catalog:dataset-export": ("GET", PROVINCE, {"pk": "conditional", "format": "csv"}),
    "catalog:table-restore": ("POST", CATALOGUER, {"pk": "table_version"}),
    "catalog:job-detail": ("GET", CATALOGUER, {"pk": "job"}),
    "catalog:job-cancel": ("POST", CATALOGUER, {"pk": "job"}),
    "catalog:job-retry": ("POST", CATALOGUER, {"pk": "job"}),
    "catalog:job-rejects": ("GET", CATALOGUER, {"pk": "job"}),
    "open:home": ("GET", EVERYONE, {}),
    "open:about": ("GET", EVERYONE, {}),
    "open:feed": ("GET", EVERYONE, {}),
    "open:dataset-list": ("GET", EVERYONE, {}),
    "open:dataset-detail": ("GET", EVERYONE, {"pk": "open"}),
    "open:dataset-rows": ("GET", EVERYONE, {"pk": "open"}),
    "open:dataset-chart": ("GET", EVERYONE, {"pk": "open"}),
    "open:dataset-download": ("GET", EVERYONE, {"pk": "open", "format": "csv"}),
    "sharing:basket": ("GET", APPLICANT, {}),
    "sharing:basket-add": ("POST", APPLICANT, {}),
    "sharing:basket-remove": ("POST", APPLICANT, {}),
    "sharing:request-list": ("GET", SIGNED_IN, {}),
    "sharing:request-export": ("GET", SIGNED_IN, {}),
    "sharing:request-create": ("GET", APPLICANT, {}),
    "sharing:request-detail": ("GET", COUNTY, {"pk": "request"}),
    "sharing:request-edit": ("GET", APPLICANT, {"pk": "draft_request"}),
    "sharing:request-add": ("POST", APPLICANT, {"pk": "draft_request"}),
    "sharing:request-submit": ("POST", APPLICANT, {"pk": "draft_request"}),
    "sharing:request-resubmit": ("POST", APPLICANT, {"pk": "draft_request"}),
    "sharing:request-withdraw": ("POST", APPLICANT, {"pk": "draft_request"}),
    "sharing:item-edit": ("GET", APPLICANT, {"pk": "draft_request", "item_pk": "draft_item"}),
    "sharing:item-remove": ("POST", APPLICANT, {"pk": "draft_request", "item_pk": "draft_item"}),
    "sharing:queue": ("GET", DECIDERS, {}),
    "sharing:queue-export": ("GET", SIGNED_IN, {}),
    "sharing:queue-decide": ("POST", SIGNED_IN, {}),
    "sharing:step-detail": ("GET", frozenset({"applicant_head"}), {"pk": "step"}),
    "sharing:step-decide": ("POST", frozenset({"applicant_head"}), {"pk": "step"}),
    "sharing:supervision": ("GET", frozenset({"authority"}), {}),
    "sharing:grant-list": ("GET", SIGNED_IN, {}),
    "sharing:grant-export": ("GET", SIGNED_IN, {}),
    "sharing:grant-detail": ("GET", COUNTY | PROVINCE, {"pk": "grant"}),
    "sharing:credential-create": ("POST", APPLICANT, {"pk": "grant"}),
    "sharing:credential-withdraw": ("POST", APPLICANT | PROVINCE, {"pk": "credential"}),
    "sharing:grant-download": ("GET", APPLICANT, {"pk": "grant", "format": "csv"}),
    "sharing:grant-revoke": ("GET", PROVINCE, {"pk": "grant"}),
    "sharing:grant-suspend": ("POST", PROVINCE, {"pk": "grant"}),
    "sharing:grant-masks": ("GET", PROVINCE, {"pk": "grant"}),
    # the review: what search engines may read
    "robots": ("GET", EVERYONE, {}),
    "api-schema": ("GET", EVERYONE, {}),
    "api-docs": ("GET", EVERYONE, {}),
    "api:datasets": ("GET", EVERYONE, {}),
    "api:dataset": ("GET", STAFF, {"dataset_id": "conditional"}),
    "api:open-rows": ("GET", EVERYONE, {"dataset_id": "open"}),
    "api:open-summary": ("GET", EVERYONE, {"dataset_id": "open"}),
    "api:open-row": ("GET", EVERYONE, {"dataset_id": "open"}),
    "api:open-export": ("GET", EVERYONE, {"dataset_id": "open", "file_format": "csv"}),
    "api:requests": ("GET", SIGNED_IN, {}),
    "api:request": ("GET", COUNTY, {"request_id": "request"}),
    "api:request-submit": ("POST", APPLICANT, {"request_id": "draft_request"}),
    "api:steps": ("GET", SIGNED_IN, {}),
    "api:steps-decide": ("POST", SIGNED_IN, {}),
    "api:step-decide": ("POST", frozenset({"applicant_head"}), {"step_id": "step"}),
    "api:grants": ("GET", SIGNED_IN, {}),
    "api:grant": ("GET", COUNTY | PROVINCE, {"grant_id": "grant"}),
    # three lists: demands, responsibilities, what is not shared
    "sharing:demand-list": ("GET", STAFF, {}),
    "sharing:demand-export": ("GET", STAFF, {}),
    "sharing:demand-create": ("GET", STAFF, {}),
    "sharing:demand-similar": ("GET", STAFF, {}),
    "sharing:demand-detail": ("GET", STAFF, {"pk": "demand"}),
    "sharing:demand-join": ("GET", STAFF, {"pk": "demand"}),
    "sharing:demand-act": ("GET", frozenset({"authority"}), {"pk": "demand", "act": "demand_act"}),
    "sharing:open-demand-list": ("GET", EVERYONE, {}),
    "sharing:open-demand-create": ("GET", EVERYONE, {}),
    "sharing:open-demand-similar": ("GET", EVERYONE, {}),
    "sharing:open-demand-follow": ("GET", EVERYONE, {"pk": "citizens_demand", "token": "demand_token"}),
    "sharing:responsibility-list": ("GET", STAFF, {}),
    "sharing:responsibility-export": ("GET", STAFF, {}),
    "sharing:responsibility-create": ("GET", frozenset({"authority"}), {}),
    "sharing:responsibility-import": ("GET", frozenset({"authority"}), {}),
    "sharing:responsibility-template": ("GET", frozenset({"authority"}), {}),
    "sharing:responsibility-edit": ("GET", frozenset({"authority"}), {"pk": "responsibility"}),
    "sharing:responsibility-remove": ("GET", frozenset({"authority"}), {"pk": "responsibility"}),
    "sharing:negative-list": ("GET", STAFF, {}),
    "sharing:negative-export": ("GET", STAFF, {}),
    "sharing:negative-record": ("GET", STAFF, {"pk": "kept_back"}),
    "sharing:negative-review": ("POST", frozenset({"provider"}), {"pk": "kept_back"}),
    "sharing:negative-ask": ("POST", frozenset({"authority"}), {"pk": "kept_by_city"}),
    "sharing:negative-answer": ("POST", frozenset({"provider"}), {"pk": "kept_back"}),
    "api:demands": ("GET", SIGNED_IN, {}),
    "api:demand": ("GET", STAFF, {"demand_id": "demand"}),
    # with the key of a grant and nothing else: a session does not open them
    "api:data-rows": ("GET", frozenset(), {"grant_id": "grant"}),
    "api:data-summary": ("GET", frozenset(), {"grant_id": "grant"}),
    "api:data-row": ("GET", frozenset(), {"grant_id": "grant"}),
    "api:data-export": ("GET", frozenset(), {"grant_id": "grant", "file_format": "csv"}),
}
