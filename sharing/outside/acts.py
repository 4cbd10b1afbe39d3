"""What an applicant from outside does: apply, and change what was returned.

Everything after that are the commands on any request, done by ``Actor.holder_of`` the application's secret link:
``workflow.answer_terms``, ``workflow.withdraw``, ``thread.acts.answer``, ``disputes.acts``, ``letters.acts.confirm``
and ``grants.create_credential``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import Channel, Dataset
from portal.access import Actor
from portal.audit import record
from portal.departments.codes import checked_credit_code
from portal.departments.models import Department
from portal.errors import InvalidInput, WrongState
from sharing import drafts, workflow
from sharing.models import ApplicantKind, ItemState, OpenApplicant, Purpose, RequestItem, RequestState, SharingRequest
from sharing.outside import telling
from sharing.preparing import attachments

DATASET_LIMIT = 20
PAPER_LIMIT = 5
FORM_BYTES = 40 * 1024**2
"""What a form with papers may take altogether: everybody can send one."""
TEXT_LIMIT = 2_000
TERM_DAYS = 5 * 366
"""The longest term that can be applied for."""


@dataclass(frozen=True)
class Use:
    """For what, how and until when somebody outside wants to use data."""

    title: str
    purpose: str
    scenario: str
    safeguards: str
    valid_until: dt.date
    scope_of_use: str = ""

    def faults(self) -> dict[str, list[str]]:
        """What is missing or too long, by field."""
        found: dict[str, list[str]] = {}
        limits = {"title": 200, "purpose": TEXT_LIMIT, "scenario": TEXT_LIMIT, "safeguards": TEXT_LIMIT}
        for name, limit in limits.items():
            text = getattr(self, name).strip()
            if not text:
                found[name] = [_("This must not be empty.")]
            elif len(text) > limit:
                found[name] = [_("At most %(limit)s characters.") % {"limit": limit}]
        if len(self.scope_of_use) > 1_000:
            found["scope_of_use"] = [_("At most %(limit)s characters.") % {"limit": 1_000}]
        today = timezone.localdate()
        if not today <= self.valid_until <= today + dt.timedelta(days=TERM_DAYS):
            found["valid_until"] = [_("The last day lies between today and five years from now.")]
        return found

    def on_request(self) -> drafts.RequestDetails:
        """The part that stands on the request."""
        return drafts.RequestDetails(
            title=self.title.strip(),
            purpose=Purpose.OTHER,
            legal_basis="",
            scenario=self.scenario.strip(),
            scope_of_use=self.scope_of_use.strip(),
            valid_until=self.valid_until,
            channels=(Channel.API, Channel.FILE),
            has_commitment=True,
        )


@dataclass(frozen=True)
class Applicant:
    """Who applies from outside, and how to reach them."""

    kind: str
    name: str
    credit_code: str
    contact: str
    phone: str
    email: str

    def checked(self) -> Applicant:
        """Without blanks around, with the credit code in its canonical form.

        Raises:
            InvalidInput: everything that is missing or wrong, by field.
        """
        names = ("name", "contact", "phone", "email")
        found = replace(self, **{name: getattr(self, name).strip() for name in names})
        limits = {"name": 120, "contact": 60, "phone": 30, "email": 254}
        faults = {name: [_("This must not be empty.")] for name in limits if not getattr(found, name)}
        for name, limit in limits.items():
            if len(getattr(found, name)) > limit:
                faults[name] = [_("At most %(limit)s characters.") % {"limit": limit}]
        if found.kind not in dict(ApplicantKind.outside()):
            faults["kind"] = [_("Choose what you are.")]
        try:
            validate_email(found.email)
        except ValidationError as error:
            faults.setdefault("email", list(error.messages))
        try:
            found = replace(found, credit_code=checked_credit_code(found.credit_code))
        except InvalidInput as error:
            faults |= error.fields
        if faults:
            raise InvalidInput(fields=faults)
        return found


def receiving_authority(datasets: Sequence[Dataset]) -> Department:
    """The data authority of the region of the highest provider: it receives the application (受理机关).

    Raises:
        WrongState: no data authority is responsible there.
    """
    highest = min(datasets, key=lambda dataset: (dataset.provider.region.level, str(dataset.pk)))
    authority = Department.objects.authority_for(highest.provider.region)
    if authority is None:
        raise WrongState(_("No data authority is responsible for this region; ask the administrator to name one."))
    return authority


def check_papers(papers: Sequence[UploadedFile], present: int = 0) -> None:
    """Raise InvalidInput unless these are few enough PDF files of the right size, beside those there are."""
    faults = []
    if len(papers) + present > PAPER_LIMIT:
        faults.append(_("At most %(limit)s files can be attached.") % {"limit": PAPER_LIMIT})
    for paper in papers:
        if PurePath(paper.name or "").suffix.lower() != ".pdf":
            faults.append(_("“%(name)s” is no PDF file.") % {"name": (paper.name or "")[-80:]})
            continue
        try:
            attachments.checked_name(paper)
        except InvalidInput as error:
            faults.append(f"{(paper.name or '')[-80:]}: {error}")
    if faults:
        raise InvalidInput(fields={"papers": faults})


def _wanted(columns: Mapping[UUID, Sequence[str]]) -> list[Dataset]:
    """The datasets, each of which can be applied for."""
    if not columns:
        raise InvalidInput(_("Choose at least one dataset."))
    if len(columns) > DATASET_LIMIT:
        raise InvalidInput(_("An application can hold at most %(limit)s datasets.") % {"limit": DATASET_LIMIT})
    found = list(Dataset.objects.conditionally_open().filter(pk__in=columns).select_related("provider__region"))
    if len(found) < len(columns):
        raise InvalidInput(_("Some of the datasets cannot be applied for any more. Remove them from the list."))
    return found


@transaction.atomic
def apply(
    *,
    applicant: Applicant,
    use: Use,
    columns: Mapping[UUID, Sequence[str]],
    has_commitment: bool,
    papers: Sequence[UploadedFile] = (),
) -> SharingRequest:
    """Receive an application for conditionally open data, and send it on its way.

    ``columns`` are those asked for, by dataset.

    Raises:
        InvalidInput: everything that is missing or wrong, by field. WrongState: no authority is responsible.
    """
    faults: dict[str, list[str]] = use.faults()
    try:
        applicant = applicant.checked()
    except InvalidInput as error:
        faults |= error.fields
    if not has_commitment:
        faults["has_commitment"] = [_("Accept the commitments to send the application.")]
    if faults:
        raise InvalidInput(fields=faults)
    check_papers(papers)
    datasets = _wanted(columns)
    details = vars(use.on_request()) | {"channels": [Channel.API, Channel.FILE]}
    request = SharingRequest.objects.create(
        department=receiving_authority(datasets),
        applicant_kind=applicant.kind,
        outside_name=applicant.name,
        **details,
    )
    known = OpenApplicant(request=request, credit_code=applicant.credit_code)
    known.purpose, known.safeguards = use.purpose.strip(), use.safeguards.strip()
    known.set_contact(applicant.contact, applicant.phone, applicant.email)
    known.save(force_insert=True)
    actor = Actor.holder_of(request.pk)
    _put_items(request, datasets, columns)
    states = {str(pk): ItemState.DRAFT for pk in request.items.values_list("pk", flat=True)}
    data = {"title": request.title, "department": str(request.department_id), "state": request.state, "items": states}
    record.append(stream=record.stream_of(request), verb="request.created", actor=actor, data=data)
    for paper in papers:
        attachments.add(request=request, actor=actor, upload=paper)
    request = workflow.submit(request=request, actor=actor)
    telling.changed([request])
    return request


def _put_items(
    request: SharingRequest, datasets: Sequence[Dataset], columns: Mapping[UUID, Sequence[str]]
) -> list[RequestItem]:
    items = []
    for dataset in datasets:
        offered = drafts.columns_for(request, dataset)
        try:
            chosen, _rows = drafts.check_content(dataset, columns[dataset.pk], [], offered)
        except InvalidInput as error:
            raise InvalidInput(str(error), fields={f"columns-{dataset.pk}": [str(error)]}) from error
        items.append(RequestItem(request=request, dataset=dataset, columns=chosen))
    return RequestItem.objects.bulk_create(items)


def may_change_use(request: SharingRequest) -> bool:
    """Whether the text may be changed too: not while offices decide on it, or have agreed to it, for other items."""
    decided = request.items.filter(state__in=[ItemState.IN_REVIEW, ItemState.APPROVED])
    return request.state == RequestState.RETURNED and not decided.exists()


@transaction.atomic
def resubmit(
    *,
    request: SharingRequest,
    actor: Actor,
    seen_version: int,
    columns: Mapping[UUID, Sequence[str]],
    use: Use | None = None,
    papers: Sequence[UploadedFile] = (),
) -> SharingRequest:
    """Change returned items (``columns`` by item), the text where that is possible, add papers, and send it again.

    Raises:
        WrongState: nothing was returned, or it was changed since ``seen_version``. InvalidInput: by field.
    """
    workflow.lock_datasets(request.pk)
    request, actor = drafts.lock_editable(request, actor, seen_version)
    check_papers(papers, request.attachments.count())
    for item in request.items.filter(state=ItemState.RETURNED):
        if item.pk in columns:
            try:
                drafts.change_item(item=item, actor=actor, columns=columns[item.pk], row_filter=item.row_filter)
            except InvalidInput as error:
                raise InvalidInput(str(error), fields={f"columns-{item.pk}": [str(error)]}) from error
    if use is not None:
        _change_use(request, actor, use)
    for paper in papers:
        attachments.add(request=request, actor=actor, upload=paper)
    return workflow.resubmit(request=request, actor=actor)


def _change_use(request: SharingRequest, actor: Actor, use: Use) -> None:
    if faults := use.faults():
        raise InvalidInput(fields=faults)
    request = drafts.update(request=request, actor=actor, details=use.on_request())
    known, texts = request.outside, {"purpose": use.purpose.strip(), "safeguards": use.safeguards.strip()}
    changed = [name for name, text in texts.items() if getattr(known, name) != text]
    for name in changed:
        setattr(known, name, texts[name])
    if changed:
        known.save(update_fields=changed)
        drafts.bump(request, "request.updated", actor, changed=changed)
