"""An enterprise applies for conditionally open data, answers a question, and downloads what is granted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portal.departments.models import Duty
from sharing.letters import acts as letters
from sharing.models import SharingRequest
from sharing.thread import acts as thread
from tests.factories import World, actor, decide, load, make_dataset, make_user, step_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("width", [1440, 390])
def test_an_enterprise_applies_and_downloads(world: World, visit: Callable[..., Any], width: int) -> None:
    reviewer = make_user("reviewer", world.province_authority_department, Duty.AUTHORITY_REVIEWER)
    items = [{"name": "代码", "column": "code", "open_type": "conditional"}]
    values = {"open_type": "conditional", "open_condition": "用于科研", "items": items}
    load(make_dataset(world.province_bureau, "企业能耗", **values), b"code\n330106\n")
    with visit(width=width) as company:
        company.go("/open/conditional/")
        company.page.click("text=企业能耗")
        company.sees("用于科研")
        company.press("Apply for use")
        typed = {
            "name": "杭州某科技公司",
            "credit_code": "91330100MADEMX0018",
            "contact": "王芳",
            "phone": "0571-88880000",
            "email": "data@example.com",
            "title": "能耗评估模型",
            "purpose": "研究行业能耗",
            "scenario": "训练模型",
            "safeguards": "内网存储",
        }
        for name, text in typed.items():
            company.page.fill(f"#id_{name}", text)
        company.press("Send the application")
        company.sees("This field is required.")
        company.page.check("#id_has_commitment")
        company.press("Send the application")
        company.sees("Your application was received.")
        request = SharingRequest.objects.get()
        step = step_of(request, "open-acceptance")
        thread.ask(step=step, actor=actor(reviewer), text="谁负责数据安全？", stops_clock=True)
        company.page.reload()
        company.page.fill("#questions textarea", "信息安全部")
        company.page.click("#questions button")
        company.page.wait_for_load_state()
        company.sees("信息安全部")
        decide(step_of(request, "open-acceptance"), reviewer)
        decide(step_of(request, "open-answer"), world.provider)
        letters.issue_for(request.pk)
        company.page.reload()
        company.press("Accept the agreement", confirm=True)
        company.press("New key")
        company.sees("sq_")
        content = company.download(lambda: company.page.click("a.is-primary[download]"))
        assert "330106" in content.decode("utf-8-sig")
