"""All models of the sharing app."""

from sharing.models.grant import Credential, Grant, GrantState, UsageRecord
from sharing.models.request import (
    ApprovalStep,
    BasketItem,
    ItemState,
    Purpose,
    RefusalReason,
    RequestItem,
    RequestState,
    SharingRequest,
    StepItem,
    StepState,
    Verdict,
)
from sharing.models.route import Route, RouteVersion

__all__ = [
    "ApprovalStep",
    "BasketItem",
    "Credential",
    "Grant",
    "GrantState",
    "ItemState",
    "Purpose",
    "RefusalReason",
    "RequestItem",
    "RequestState",
    "Route",
    "RouteVersion",
    "SharingRequest",
    "StepItem",
    "StepState",
    "UsageRecord",
    "Verdict",
]
