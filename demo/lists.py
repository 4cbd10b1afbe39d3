"""Demands in each stage, a responsibility, and two records that are not shared, made with the commands of the pages."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from catalog.importing import NewRecord, import_published
from catalog.models import Theme
from demo.accounts import CITY_AUTHORITY, COUNTY, PROVIDER, PROVIDER2
from portal.access import Actor
from portal.accounts.models import User
from portal.departments.models import Department
from sharing.demands import acts, answers
from sharing.demands.acts import Wanted
from sharing.models import Demand
from sharing.responsibilities import acts as responsibilities
from sharing.responsibilities.acts import Entry


def _actor(username: str) -> Actor:
    return Actor.of(User.objects.get(username=username))


def _department(office: tuple[str, str]) -> Department:
    region, name = office
    return Department.objects.select_related("region").get(region=region, name=name)


def _day(days: int) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=days)


@transaction.atomic
def load_lists() -> int:
    """Returns how many demands were made."""
    _records_not_shared()
    entry = Entry(
        _department(PROVIDER2), "环境空气质量自动监测站点信息", _day(60), "浙江省公共数据条例", needs_data=True
    )
    responsibilities.enter(actor=_actor("authority"), entry=entry)
    _demands()
    return Demand.objects.count()


def _demands() -> None:
    authority, county = _actor("authority"), _department(COUNTY)
    promised = _ask(
        "婚姻登记信息", "低保、低边家庭经济状况核对中确认婚姻状况。", "双方姓名、登记类型、登记日期、登记机关"
    )
    acts.assign(demand=promised, actor=authority, holder=_department(PROVIDER))
    answers.accept(
        demand=promised, actor=_actor("provider"), promised_on=_day(30), answer="按月更新，先提供近十年数据。"
    )
    waiting = _ask("固定污染源排污许可信息", "困难企业职工帮扶时核对企业状态。", "许可证编号、企业名称、有效期")
    acts.assign(demand=waiting, actor=authority, holder=_department(PROVIDER2))
    refused = _ask("环境违法举报人联系方式", "回访举报事项办理结果。", "举报人姓名、联系电话")
    acts.assign(demand=refused, actor=authority, holder=_department(PROVIDER2))
    note = "《环境保护法》第五十七条：接受举报的机关应当对举报人的相关信息予以保密。"
    answers.decline(demand=refused, actor=_actor("provider2"), reason="law_forbids", answer=note)
    other = Wanted("企业用水量", "核算重点企业单位产品取水量。", "统一社会信用代码、月用水量", "《节约用水条例》")
    water = acts.create(actor=_actor("cataloguer"), department=_department(PROVIDER2), wanted=other)
    acts.join(demand=water, actor=_actor("applicant"), department=county, need="困难家庭经营状况核对。")
    wanted = Wanted(
        "公共厕所位置和开放时间", "给行动不便的家人规划出行路线。", "名称、地址、坐标、开放时间、无障碍设施"
    )
    public = acts.create_public(authority=_department(CITY_AUTHORITY), wanted=wanted)
    acts.release(demand=public, actor=authority, title=wanted.title, summary="希望按月更新，并附坐标。")


def _ask(title: str, purpose: str, content: str) -> Demand:
    wanted = Wanted(title, purpose, content, "《社会救助暂行办法》")
    return acts.create(actor=_actor("applicant"), department=_department(COUNTY), wanted=wanted)


def _records_not_shared() -> None:
    """One with its basis and a review that comes soon, one without a day of review."""
    shared = {"sharing_type": "not_shared", "open_type": "not_open", "resource_class": "3", "grade": 4}
    rest = {
        "resource_format": "database",
        "update_cycle": "daily",
        "open_condition": "涉及个人隐私。",
        "language": "zh",
    }
    adoption = {
        "title": "浙江省收养登记信息",
        "summary": "全省收养登记的收养人、被收养人、送养人和登记日期等信息，由民政部门在办理收养登记时形成。",
        "sharing_basis": "《中华人民共和国民法典》第一千一百一十条",
        "sharing_review_on": _day(5),
    }
    reports = {
        "title": "杭州市生态环境违法举报信息",
        "summary": "公众通过电话、网络和信函举报生态环境违法行为的事项，含举报人信息和办理结果。",
        "sharing_basis": "《中华人民共和国环境保护法》第五十七条",
    }
    items = [
        {"name": name, "column": column, "sharing_type": "not_shared", "sensitivity": sensitivity}
        for name, column, sensitivity in (("登记编号", "code", "none"), ("姓名", "name", "personal"))
    ]
    rows = [
        NewRecord(_department(PROVIDER), adoption | shared | rest, [Theme.objects.get(code="20")], items),
        NewRecord(_department(PROVIDER2), reports | shared | rest, [Theme.objects.get(code="10")], items),
    ]
    for _done in import_published(rows, actor=Actor.system()):
        pass
