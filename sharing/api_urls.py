"""The sharing part of ``/api/v1/``."""

from django.urls import path

from sharing import api
from sharing.corrections import api as corrections
from sharing.delivery import api as delivery
from sharing.demands import api as demands
from sharing.questions import api as questions

urlpatterns = [
    path("requests/", api.RequestListView.as_view(), name="requests"),
    path("requests/<uuid:request_id>/", api.RequestDetailView.as_view(), name="request"),
    path("requests/<uuid:request_id>/submit/", api.RequestSubmitView.as_view(), name="request-submit"),
    path("requests/<uuid:request_id>/items/<uuid:item_id>/terms/", api.ItemTermsView.as_view(), name="item-terms"),
    path("requests/<uuid:request_id>/forms/", questions.RequestFormsView.as_view(), name="request-forms"),
    path("requests/<uuid:request_id>/forms/<uuid:form_id>/", questions.RequestFormView.as_view(), name="request-form"),
    path("steps/", api.StepListView.as_view(), name="steps"),
    path("steps/decide/", api.StepBulkView.as_view(), name="steps-decide"),
    path("steps/<uuid:step_id>/decide/", api.StepDecideView.as_view(), name="step-decide"),
    path("grants/", api.GrantListView.as_view(), name="grants"),
    path("grants/<uuid:grant_id>/", api.GrantDetailView.as_view(), name="grant"),
    path("corrections/", corrections.CorrectionListView.as_view(), name="corrections"),
    path("corrections/<uuid:correction_id>/", corrections.CorrectionDetailView.as_view(), name="correction"),
    path("demands/", demands.DemandListView.as_view(), name="demands"),
    path("demands/<uuid:demand_id>/", demands.DemandDetailView.as_view(), name="demand"),
    path("data/<uuid:grant_id>/rows", delivery.RowsView.as_view(), name="data-rows"),
    path("data/<uuid:grant_id>/row", delivery.RowView.as_view(), name="data-row"),
    path("data/<uuid:grant_id>/summary", delivery.SummaryView.as_view(), name="data-summary"),
    path("data/<uuid:grant_id>/export/<slug:file_format>", delivery.ExportView.as_view(), name="data-export"),
]
