"""All models of the sharing app."""

from sharing.models.demand import (
    DeclineReason,
    Demand,
    DemandState,
    DemandSupporter,
    RejectReason,
)
from sharing.models.dispute import Dispute, DisputeOutcome, DisputeStage, DisputeStatement
from sharing.models.extension import Extension, ExtensionOutcome
from sharing.models.grant import Credential, Grant, GrantState, UsageRecord
from sharing.models.letter import Letter, LetterKind
from sharing.models.outside import OpenApplicant
from sharing.models.preparing import CoApplicant, RequestAttachment, RequestTemplate
from sharing.models.request import (
    ApplicantKind,
    BasketItem,
    ItemState,
    Purpose,
    RefusalReason,
    RequestItem,
    RequestState,
    SharingRequest,
)
from sharing.models.responsibility import Responsibility, ResponsibilityKind, SharingQuestion
from sharing.models.route import Route, RouteVersion
from sharing.models.step import ApprovalStep, RequestCopy, SavedView, StepItem, StepState, Verdict, Vote
from sharing.models.supervision import SupervisionNotice
from sharing.models.thread import Enquiry, EnquiryKind, InternalNote

__all__ = [
    "ApplicantKind",
    "ApprovalStep",
    "BasketItem",
    "CoApplicant",
    "Credential",
    "DeclineReason",
    "Demand",
    "DemandState",
    "DemandSupporter",
    "Dispute",
    "DisputeOutcome",
    "DisputeStage",
    "DisputeStatement",
    "Enquiry",
    "EnquiryKind",
    "Extension",
    "ExtensionOutcome",
    "Grant",
    "GrantState",
    "InternalNote",
    "ItemState",
    "Letter",
    "LetterKind",
    "OpenApplicant",
    "Purpose",
    "RefusalReason",
    "RejectReason",
    "RequestAttachment",
    "RequestCopy",
    "RequestItem",
    "RequestState",
    "RequestTemplate",
    "Responsibility",
    "ResponsibilityKind",
    "Route",
    "RouteVersion",
    "SavedView",
    "SharingQuestion",
    "SharingRequest",
    "StepItem",
    "StepState",
    "SupervisionNotice",
    "UsageRecord",
    "Verdict",
    "Vote",
]
