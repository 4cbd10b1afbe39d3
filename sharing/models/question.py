"""Questions that a provider asks applicants (申请附加问题): forms with versions, and the answers of each request."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog.models import Dataset
from portal.access import Standing
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.ids import new_id
from sharing.models.request import RequestItem, SharingRequest
from sharing.models.step import ApprovalStep, StepItem, StepState


class QuestionForm(models.Model):
    """A department's questions on one or many of its datasets; each request answers them once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    department = models.ForeignKey(Department, models.PROTECT, related_name="question_forms")
    title = models.CharField(_("title"), max_length=100)
    title_en = models.CharField(_("English title"), max_length=100, blank=True)
    datasets = models.ManyToManyField(Dataset, through="QuestionedDataset", related_name="question_forms")
    modified = models.DateTimeField(_("modified"), auto_now=True)

    class Meta:
        verbose_name = _("form of questions")
        constraints = [models.UniqueConstraint(fields=["department", "title"], name="question_form_once_in_department")]
        indexes = [
            # a department's forms, the last changed first
            models.Index(fields=["department", "-modified", "-id"], name="question_form_of_department"),
        ]

    def __str__(self) -> str:
        from sharing.models.route import titled

        return titled(self.title, self.title_en)

    def get_absolute_url(self) -> str:
        return reverse("sharing:form-detail", args=[self.pk])


class QuestionedDataset(models.Model):
    """A form that is asked of whoever applies for a dataset."""

    form = models.ForeignKey(QuestionForm, models.CASCADE, related_name="attachments")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="+")
    attached_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "form"], name="form_once_on_dataset")]

    def __str__(self) -> str:
        return f"{self.form_id} · {self.dataset_id}"


class FormVersionQuerySet(models.QuerySet["FormVersion"]):
    def published(self) -> FormVersionQuerySet:
        return self.filter(published_at__isnull=False)

    def asked_now(self) -> FormVersionQuerySet:
        """For each form the version that is asked now: the last one that was published."""
        return self.published().order_by("form_id", "-number").distinct("form_id")


class FormVersion(models.Model):
    """The questions of a form, in the form that ``sharing.questions.kinds`` reads; frozen once published."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    form = models.ForeignKey(QuestionForm, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    questions = models.JSONField(default=list)
    note = models.CharField(_("what changed"), max_length=200, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    changes = models.PositiveIntegerField(default=0)
    """How often the draft was changed: who saves an older state of it is refused."""

    objects = FormVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a form")
        constraints = [
            models.UniqueConstraint(fields=["form", "number"], name="form_version_number"),
            models.UniqueConstraint(fields=["form"], condition=Q(published_at=None), name="one_form_draft"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="published_form_never_changes",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.form_id} v{self.number}"

    @property
    def is_draft(self) -> bool:
        return self.published_at is None


class RequestAnswersQuerySet(models.QuerySet["RequestAnswers"]):
    def readable_by(self, standing: Standing) -> RequestAnswersQuerySet:
        """Answers of the applicant's side; those on items that one of one's offices decides; and, for a data authority
        that checks the request, all of it."""
        mine, groups = standing.departments_with(), list(standing.group_ids)
        own = Q(request__department__in=mine) | Q(request__filed_by_department__in=mine)
        entries = StepItem.objects.filter(item__answers=models.OuterRef("pk"), is_needed=True, step__office__in=groups)
        checks = ApprovalStep.objects.filter(
            request=models.OuterRef("request"), office__in=groups, duty__in=AUTHORITY_DUTIES
        )
        deciding = Q(models.Exists(entries.exclude(step__state=StepState.WAITING)))
        return self.filter(own | deciding | Q(models.Exists(checks.exclude(state=StepState.WAITING))))


class RequestAnswers(models.Model):
    """What a request answers to one form, in the version that it answered.

    ``values`` is key → value in the form of ``sharing.questions.kinds``. ``items`` are those whose datasets asked for
    it, written when the request is submitted.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(SharingRequest, models.CASCADE, related_name="answers")
    form = models.ForeignKey(QuestionForm, models.PROTECT, related_name="answers")
    version = models.ForeignKey(FormVersion, models.PROTECT, related_name="answers")
    items = models.ManyToManyField(RequestItem, related_name="answers")
    values = models.JSONField(default=dict)
    changes = models.PositiveIntegerField(default=0)
    """How often they were saved: who saves over what they have not seen is refused."""
    modified = models.DateTimeField(auto_now=True)

    objects = RequestAnswersQuerySet.as_manager()

    class Meta:
        verbose_name = _("answers")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["request", "form"], name="form_answered_once_in_request")]

    def __str__(self) -> str:
        return f"{self.request_id} · {self.form_id}"


class AnswerFile(models.Model):
    """The file that answers a question; it lies in the uploads folder under its own id."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    answers = models.ForeignKey(RequestAnswers, models.CASCADE, related_name="files")
    key = models.CharField(max_length=40)
    name = models.CharField(_("file"), max_length=200)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("file of an answer")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["answers", "key"], name="one_file_per_question")]

    def __str__(self) -> str:
        return self.name
