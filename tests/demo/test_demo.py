"""The demo loads: its parts use the portal's own functions, and break when these change."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command

from catalog.models import Dataset
from catalog.standards import conformance
from portal.audit import checks
from sharing.models import Demand, SharingRequest

pytestmark = pytest.mark.django_db


def test_the_demo_loads_and_its_record_holds(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.DEMO = True
    call_command("demo")
    assert Dataset.objects.published().count() == 841
    assert (Demand.objects.count(), SharingRequest.objects.count()) == (5, 5)
    villages = Dataset.objects.get(title="浙江省村（居）委会名录")
    report = conformance.compute(villages.pk)
    assert report is not None
    assert [(found["column"], found["kind"]) for found in report.findings] == [("provincecode", "code")]
    capsys.readouterr()
    call_command("verify")
    assert capsys.readouterr().out.count(": ok") == len(list(checks.run()))
    call_command("demo")
    assert "loaded already" in capsys.readouterr().out
