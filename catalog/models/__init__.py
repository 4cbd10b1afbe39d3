"""All models of the catalog app."""

from catalog.models.dataset import (
    CodeSequence,
    DataItem,
    Dataset,
    DatasetGroupObjectPermission,
    DatasetUserObjectPermission,
    DatasetVersion,
)
from catalog.models.exception import AccessException
from catalog.models.search import DatasetSearchRow
from catalog.models.table import Distribution, IngestJob, JobState, TableVersion
from catalog.models.theme import Theme
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
    "AccessException",
    "Channel",
    "CodeSequence",
    "DataItem",
    "DataType",
    "Dataset",
    "DatasetGroupObjectPermission",
    "DatasetSearchRow",
    "DatasetState",
    "DatasetUserObjectPermission",
    "DatasetVersion",
    "Distribution",
    "Grade",
    "IngestJob",
    "JobState",
    "OpenType",
    "ResourceClass",
    "ResourceFormat",
    "Sensitivity",
    "SharingType",
    "TableVersion",
    "Theme",
    "UpdateCycle",
]
