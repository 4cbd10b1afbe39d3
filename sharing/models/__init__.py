"""All models of the sharing app."""

from sharing.models.correction import CorrectionOutcome, CorrectionReport, CorrectionState, ErrorKind
from sharing.models.demand import (
    DeclineReason,
    Demand,
    DemandState,
    DemandSupporter,
    RejectReason,
)
from sharing.models.dispute import Dispute, DisputeOutcome, DisputeStage, DisputeStatement
from sharing.models.grant import Credential, Grant, GrantState, SuspendedFor, UsageRecord
from sharing.models.holding import GrantRenewal, GrantReview, RenewalState, ReviewState
from sharing.models.letter import Letter, LetterKind
from sharing.models.preparing import CoApplicant, RequestAttachment, RequestTemplate
from sharing.models.request import (
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
    "ApprovalStep",
    "BasketItem",
    "CoApplicant",
    "CorrectionOutcome",
    "CorrectionReport",
    "CorrectionState",
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
    "ErrorKind",
    "Grant",
    "GrantRenewal",
    "GrantReview",
    "GrantState",
    "InternalNote",
    "ItemState",
    "Letter",
    "LetterKind",
    "Purpose",
    "RefusalReason",
    "RejectReason",
    "RenewalState",
    "RequestAttachment",
    "RequestCopy",
    "RequestItem",
    "RequestState",
    "RequestTemplate",
    "Responsibility",
    "ResponsibilityKind",
    "ReviewState",
    "Route",
    "RouteVersion",
    "SavedView",
    "SharingQuestion",
    "SharingRequest",
    "StepItem",
    "StepState",
    "SupervisionNotice",
    "SuspendedFor",
    "UsageRecord",
    "Verdict",
    "Vote",
]
