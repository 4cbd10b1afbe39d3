"""All models of the sharing app."""

from sharing.models.demand import (
    DeclineReason,
    Demand,
    DemandState,
    DemandSupporter,
    RejectReason,
)
from sharing.models.dispute import Dispute, DisputeOutcome, DisputeStage, DisputeStatement
from sharing.models.grant import Credential, Grant, GrantState, UsageRecord
from sharing.models.request import (
    ApprovalStep,
    BasketItem,
    ItemState,
    Purpose,
    RefusalReason,
    RequestCopy,
    RequestItem,
    RequestState,
    SharingRequest,
    StepItem,
    StepState,
    Verdict,
    Vote,
)
from sharing.models.responsibility import Responsibility, ResponsibilityKind, SharingQuestion
from sharing.models.route import Route, RouteVersion
from sharing.models.supervision import SupervisionNotice

__all__ = [
    "ApprovalStep",
    "BasketItem",
    "Credential",
    "DeclineReason",
    "Demand",
    "DemandState",
    "DemandSupporter",
    "Dispute",
    "DisputeOutcome",
    "DisputeStage",
    "DisputeStatement",
    "Grant",
    "GrantState",
    "ItemState",
    "Purpose",
    "RefusalReason",
    "RejectReason",
    "RequestCopy",
    "RequestItem",
    "RequestState",
    "Responsibility",
    "ResponsibilityKind",
    "Route",
    "RouteVersion",
    "SharingQuestion",
    "SharingRequest",
    "StepItem",
    "StepState",
    "SupervisionNotice",
    "UsageRecord",
    "Verdict",
    "Vote",
]
