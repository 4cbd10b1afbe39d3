"""A few requests on their way, made by the demo's people with the commands that the pages call."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from catalog.models import Dataset
from demo.accounts import COUNTY
from portal.access import Actor
from portal.accounts.models import User
from portal.departments.models import Department
from sharing import deciding, drafts, workflow
from sharing.deciding import Decision
from sharing.models import ApprovalStep, SharingRequest
from sharing.outside import acts as outside
from sharing.outside.acts import Applicant, Use

YEAR = dt.timedelta(days=365)


def _actor(username: str) -> Actor:
    return Actor.of(User.objects.get(username=username))


def _request(title: str, scenario: str, *titles: str) -> SharingRequest:
    region, name = COUNTY
    actor = _actor("applicant")
    ids = list(Dataset.objects.filter(title__in=titles).values_list("pk", flat=True))
    details = drafts.RequestDetails(
        title=title,
        purpose="service",
        legal_basis="《社会救助暂行办法》第十七条；《浙江省社会救助条例》",
        scenario=scenario,
        scope_of_use="西湖区民政局社会救助科",
        valid_until=timezone.localdate() + YEAR,
        has_commitment=True,
    )
    department = Department.objects.get(region=region, name=name)
    made = drafts.create(actor=actor, department=department, details=details, dataset_ids=ids)
    return workflow.submit(request=made, actor=actor)


def _decide(request: SharingRequest, stage: str, username: str, decision: Decision) -> None:
    for step in ApprovalStep.objects.filter(request=request, stage=stage, state="open"):
        decisions = dict.fromkeys(deciding.open_items(step), decision)
        deciding.decide(step=step, actor=_actor(username), seen_version=step.version, decisions=decisions)


def load_requests() -> int:
    """One granted, one that waits for the provider, one that was returned; and two applications from outside."""
    agree = Decision("approve")
    granted = _request(
        "社会救助对象居住地核对",
        "救助申请受理时核对申请人居住地所属村（居）。",
        "浙江省村（居）委会名录",
        "浙江省乡镇街道行政区划代码",
    )
    waiting = _request(
        "城乡社区服务网格编码比对",
        "将社区网格编码与全省村（居）名录逐条比对。",
        "浙江省村（居）委会名录",
        "北京市村（居）委会名录",
    )
    returned = _request("跨省流动人口救助协查", "对跨省申请人户籍地进行协查。", "江苏省村（居）委会名录")
    for request in (granted, waiting):
        _decide(request, "own-department", "applicant_head", agree)
        _decide(request, "compliance", "authority", agree)
    _decide(granted, "provider", "provider", agree)
    _decide(granted, "security", "security", agree)
    _decide(returned, "own-department", "applicant_head", agree)
    note = "请补充协查的法律依据，并将申请范围限定到确有业务需要的地市。"
    _decide(returned, "compliance", "authority", Decision("return", note=note))
    return 3 + _load_applications(agree)


INSTITUTE = Applicant(
    kind="research",
    name="钱塘地理信息研究院（演示）",
    credit_code="12330000MBDEMX002D",
    contact="沈教授",
    phone="0571-00000000",
    email="institute@example.com",
)
COMPANY = Applicant(
    kind="enterprise",
    name="杭州同城配送科技有限公司（演示）",
    credit_code="91330100MADEMX0018",
    contact="顾经理",
    phone="0571-00000001",
    email="company@example.com",
)


def _apply(applicant: Applicant, title: str, purpose: str, scenario: str) -> SharingRequest:
    dataset = Dataset.objects.get(title="浙江省村（居）委会名录")
    columns = [item.column for item in dataset.items.all()]
    safeguards = "数据存放在内网服务器，专人管理、双人授权，使用留痕，期满销毁。"
    use = Use(title, purpose, scenario, safeguards, timezone.localdate() + YEAR)
    return outside.apply(applicant=applicant, use=use, columns={dataset.pk: columns}, has_commitment=True)


def _load_applications(agree: Decision) -> int:
    """One that was granted to an institute, one of a company that waits for the provider."""
    research = _apply(INSTITUTE, "基层治理单元演变研究", "研究村（居）设置的变化。", "与历年名录比对，发布研究报告。")
    company = _apply(
        COMPANY, "末端配送地址匹配", "提高农村地区配送地址的匹配率。", "用于地址标准化服务，不对外提供原始数据。"
    )
    for request in (research, company):
        _decide(request, "open-acceptance", "authority_prov", agree)
    _decide(research, "open-answer", "provider", agree)
    _decide(research, "open-security", "security", agree)
    return 2
