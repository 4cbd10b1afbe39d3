"""What a letter says, frozen when it is issued. Letters are official papers and therefore Chinese."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.dateparse import parse_date

from catalog.models import Channel
from catalog.tables.filters import describe
from portal.departments.models import Department
from sharing.models import LetterKind, RequestItem, SharingRequest
from sharing.terms import Terms, content_of, sentences

LANGUAGE = "zh-hans"
DUTIES_OF_APPLICANT = (
    "仅将共享数据用于本协议载明的使用目的，不超出履行职责所必需的范围。",
    "不向其他部门、单位或者个人提供、转让共享数据，不用于商业目的。",
    "按数据分级要求采取安全保护措施，管好访问凭证，对内部使用留存记录。",
    "发现数据错误及时提出校核；发生数据泄露立即处置并通报数据提供部门和数据主管部门。",
    "共享期限届满或者授权终止后停止使用，并删除所获数据。",
)
DUTIES_OF_OUTSIDE_APPLICANT = (
    "仅将所获数据用于本协议载明的用途和场景，不超出载明的数据项、范围和期限。",
    "不向第三方提供、转让所获数据，不尝试识别特定自然人或者恢复已脱敏的内容。",
    "按申请时承诺的安全保障措施保护数据，管好访问凭证，留存使用记录并接受监督检查。",
    "发布利用成果时注明数据来源；发现数据错误及时反馈；发生数据泄露立即处置并报告数据提供部门和数据主管部门。",
    "期限届满或者授权终止后停止使用，并删除所获数据。",
)
DUTIES_OF_PROVIDER = (
    "按约定的共享方式提供数据，保证数据真实、准确、完整，按更新周期及时更新。",
    "收到校核申请后在规定期限内核实更正并反馈。",
    "停止或者变更共享的，说明理由并提前告知数据使用部门。",
)
"""Obligations of both sides: State Council Decree 809 (2025) on the use, security and checking of shared data."""


def _party(department: Department) -> dict[str, str]:
    return {"name": department.name, "credit_code": department.credit_code, "region": department.region.name}


def _outside_party(request: SharingRequest) -> dict[str, Any]:
    code = request.outside.credit_code
    kind = str(request.get_applicant_kind_display())
    return {"name": request.outside_name, "credit_code": code, "region": kind, "is_outside": True}


def _day(value: dt.date | dt.datetime | None) -> str:
    if isinstance(value, dt.datetime):
        value = timezone.localdate(value)
    return value.isoformat() if value else ""


def _item(item: RequestItem) -> dict[str, Any]:
    """One dataset: what was answered, and for what is granted the items, rows, masks and term."""
    fields = {field.column: field.name for field in item.dataset.items.all()}
    granted = content_of(item)
    found: dict[str, Any] = {
        "dataset": str(item.dataset_id),
        "title": item.dataset.title,
        "code": item.dataset.code,
        "provider": item.dataset.provider.name,
        "state": item.state,
        "answer": str(item.get_state_display()),
        "reason": str(item.get_refusal_reason_display()) if item.refusal_reason else "",
        "note": item.answer,
        "day": _day(item.answered_at),
        "grade": item.dataset.grade,
    }
    if item.state == "approved":
        found |= {
            "columns": granted.columns,
            "fields": [fields.get(column, column) for column in granted.columns],
            "rows": [str(line) for line in describe(granted.row_filter, fields)],
            "row_filter": granted.row_filter,
            "masks": granted.masks,
            "terms": sentences(Terms.of_json(item.terms), fields),
            "valid_until": _day(granted.valid_until),
        }
    return found


def build(
    *, kind: str, number: str, request: SharingRequest, provider: Department | None, items: Sequence[RequestItem]
) -> dict[str, Any]:
    """The content of a letter: both parties, what was asked for, and each item with its answer; JSON."""
    with translation.override(LANGUAGE):
        found: dict[str, Any] = {
            "kind": kind,
            "number": number,
            "day": _day(timezone.localdate()),
            "portal": settings.SITE_URL,
            "request": {
                "id": str(request.pk),
                "number": request.number,
                "title": request.title,
                "purpose": request.outside.purpose if request.is_outside else str(request.get_purpose_display()),
                "purpose_code": request.purpose,
                "legal_basis": request.legal_basis,
                "scenario": request.scenario,
                "scope_of_use": request.scope_of_use,
                "channels": [str(Channel(channel).label) for channel in request.channels],
                "frequency": str(request.get_frequency_display()),
                "valid_until": _day(request.valid_until),
                "submitted": _day(request.submitted_at),
            },
            "applicant": _outside_party(request) if request.is_outside else _party(request.department),
            "items": [_item(item) for item in items],
        }
        if kind == LetterKind.AGREEMENT and provider:
            found["provider"] = _party(provider)
            duties = DUTIES_OF_OUTSIDE_APPLICANT if request.is_outside else DUTIES_OF_APPLICANT
            found["duties_of_applicant"] = list(duties)
            found["duties_of_provider"] = list(DUTIES_OF_PROVIDER)
    return found


def day_of(content: dict[str, Any]) -> dt.date | None:
    """The last day of the last item of an agreement."""
    days = [parse_date(item["valid_until"]) for item in content["items"] if item.get("valid_until")]
    return max((day for day in days if day), default=None)
