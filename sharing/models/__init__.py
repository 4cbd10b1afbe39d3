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
from sharing.models.extension import Extension, ExtensionOutcome
from sharing.models.grant import Credential, Grant, GrantState, SuspendedFor, UsageRecord
from sharing.models.holding import GrantRenewal, GrantReview, RenewalState, ReviewState
from sharing.models.letter import Letter, LetterKind
from sharing.models.outside import OpenApplicant
from sharing.models.preparing import CoApplicant, RequestAttachment, RequestTemplate
from sharing.models.question import (
    AnswerFile,
    FormVersion,
    QuestionedDataset,
    QuestionForm,
    RequestAnswers,
)
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
from sharing.models.restriction import Effect, Restriction
from sharing.models.route import Route, RouteVersion
from sharing.models.step import ApprovalStep, RequestCopy, SavedView, StepItem, StepState, Verdict, Vote
from sharing.models.supervision import SupervisionNotice
from sharing.models.thread import Enquiry, EnquiryKind, InternalNote

__all__ = [
    "AnswerFile",
    "ApplicantKind",
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
    "Effect",
    "Enquiry",
    "EnquiryKind",
    "ErrorKind",
    "Extension",
    "ExtensionOutcome",
    "FormVersion",
    "Grant",
    "GrantRenewal",
    "GrantReview",
    "GrantState",
    "InternalNote",
    "ItemState",
    "Letter",
    "LetterKind",
    "OpenApplicant",
    "Purpose",
    "QuestionForm",
    "QuestionedDataset",
    "RefusalReason",
    "RejectReason",
    "RenewalState",
    "RequestAnswers",
    "RequestAttachment",
    "RequestCopy",
    "RequestItem",
    "RequestState",
    "RequestTemplate",
    "Responsibility",
    "ResponsibilityKind",
    "Restriction",
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
