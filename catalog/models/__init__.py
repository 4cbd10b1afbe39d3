"""All models of the catalog app."""

from catalog.models.conformance import ConformanceReport
from catalog.models.connection import Cadence, DatabaseKind, DatabaseSource, DataService, Encryption, TablePull
from catalog.models.dataset import (
    CodeSequence,
    DataItem,
    Dataset,
    DatasetGroupObjectPermission,
    DatasetUserObjectPermission,
    DatasetVersion,
    DisclosureRole,
)
from catalog.models.disclosure import DisclosureReport
from catalog.models.exception import AccessException
from catalog.models.finding import Finding, FindingState
from catalog.models.health import HealthSnapshot, RecordHealth
from catalog.models.prepared import PreparedFile, PreparedState
from catalog.models.quality import Dimension, QualityRule, QualityScore, RuleKind, RuleResult, Severity, TableProfile
from catalog.models.record_import import ImportLine, ImportState, LineState, RecordImport
from catalog.models.relation import ACYCLIC, DatasetRelation, RelationKind
from catalog.models.revision import DatasetRevision, RevisionState, SavedDocument
from catalog.models.search import DatasetSearchRow, Freshness, QualityBand, SavedSearch, SearchMiss, SearchTerm
from catalog.models.source import DuplicatePair, KeySketch, PairState, RecordSignature, SignatureKind, SignatureQueue
from catalog.models.standard import CodeList, CodeListState, CodeListVersion, CodeValue, DataElement, ElementCheck
from catalog.models.table import Distribution, IngestJob, JobState, LoadMode, TableVersion
from catalog.models.theme import Theme
from catalog.models.upload import PartialUpload
from catalog.models.vocabulary import (
    Channel,
    DatasetState,
    DataType,
    Grade,
    OpenType,
    ResourceClass,
    ResourceFormat,
    Sensitivity,
    SharingType,
    UpdateCycle,
)

__all__ = [
    "ACYCLIC",
    "AccessException",
    "Cadence",
    "Channel",
    "CodeList",
    "CodeListState",
    "CodeListVersion",
    "CodeSequence",
    "CodeValue",
    "ConformanceReport",
    "DataElement",
    "DataItem",
    "DataService",
    "DataType",
    "DatabaseKind",
    "DatabaseSource",
    "Dataset",
    "DatasetGroupObjectPermission",
    "DatasetRelation",
    "DatasetRevision",
    "DatasetSearchRow",
    "DatasetState",
    "DatasetUserObjectPermission",
    "DatasetVersion",
    "Dimension",
    "DisclosureReport",
    "DisclosureRole",
    "Distribution",
    "DuplicatePair",
    "ElementCheck",
    "Encryption",
    "Finding",
    "FindingState",
    "Freshness",
    "Grade",
    "HealthSnapshot",
    "ImportLine",
    "ImportState",
    "IngestJob",
    "JobState",
    "KeySketch",
    "LineState",
    "LoadMode",
    "OpenType",
    "PairState",
    "PartialUpload",
    "PreparedFile",
    "PreparedState",
    "QualityBand",
    "QualityRule",
    "QualityScore",
    "RecordHealth",
    "RecordImport",
    "RecordSignature",
    "RelationKind",
    "ResourceClass",
    "ResourceFormat",
    "RevisionState",
    "RuleKind",
    "RuleResult",
    "SavedDocument",
    "SavedSearch",
    "SearchMiss",
    "SearchTerm",
    "Sensitivity",
    "Severity",
    "SharingType",
    "SignatureKind",
    "SignatureQueue",
    "TableProfile",
    "TablePull",
    "TableVersion",
    "Theme",
    "UpdateCycle",
]
