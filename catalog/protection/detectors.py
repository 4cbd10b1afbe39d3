"""What personal or identifying data a column holds, by its values and by its name.

Values decide: check digits (GB 11643, GB 32100, Luhn), numbering plans and forms. Names of columns lower the share of
values that is needed, and are needed themselves for what has no form of its own: names of people and addresses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.db import models
from django.utils.translation import gettext_lazy as _
from stdnum import luhn
from stdnum.cn import uscc

from catalog.identifiers import is_resident_id
from catalog.models import Sensitivity

LEAST_VALUES = 3
SHARE, SHARE_WITH_NAME = 0.6, 0.2
"""The share of values of a kind at which a column is of it, without and with a column name that says so."""


class Kind(models.TextChoices):
    """Kinds of data that are looked for."""

    RESIDENT_ID = "ric", _("Citizen identity number")
    CREDIT_CODE = "uscc", _("Unified social credit code")
    MOBILE = "mobile", _("Mobile number")
    LANDLINE = "landline", _("Landline number")
    BANK_CARD = "card", _("Bank card number")
    EMAIL = "email", _("E-mail address")
    PLATE = "plate", _("Vehicle plate number")
    IP = "ip", _("Network address")
    NAME = "name", _("Name of a person")
    ADDRESS = "address", _("Postal address")
    COORDINATE = "coordinate", _("Precise position")


PROPOSED: dict[str, str] = {
    Kind.BANK_CARD: Sensitivity.SENSITIVE,
    Kind.CREDIT_CODE: Sensitivity.NONE,
    Kind.COORDINATE: Sensitivity.NONE,
}
"""The sensitivity that a kind asks for (PIPL art. 28: financial accounts); others are personal information."""


def proposed(kind: str) -> Sensitivity:
    """The sensitivity to propose for an item of this kind."""
    return Sensitivity(PROPOSED.get(kind, Sensitivity.PERSONAL))


_CARD = re.compile(r"(?:62\d{14,17}|4\d{15}|5[1-5]\d{14}|35\d{14}|9\d{15,18})")
_MOBILE = re.compile(r"(?:\+?86[- ]?)?1[3-9]\d{9}")
_LANDLINE = re.compile(r"(?:\+?86[- ]?)?(?:\(0\d{2,3}\)|0\d{2,3}[- ]?)\d{7,8}(?:[-转]\d{1,6})?")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
    "[A-HJ-NP-Z]·?[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳]"
)
_CREDIT = re.compile(r"[1-9ANY][0-9A-HJ-NPQRTUWXY]{17}")
_ADDRESS = re.compile(r".*[省市区县镇乡道路街巷村].*\d+\s*(?:号|室|栋|幢|单元|弄|组|楼).*")
_HAN = re.compile(r"[\u4e00-\u9fff·]{2,4}")
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊"
    "秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童"
)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "." in text or text.count(":") > 1


def _is_coordinate(text: str) -> bool:
    whole, _point, decimals = text.partition(".")
    return len(decimals) >= 4 and whole.isdecimal() and 3 <= int(whole) <= 136


CHECKS: dict[Kind, Callable[[str], bool]] = {
    Kind.RESIDENT_ID: is_resident_id,
    Kind.CREDIT_CODE: lambda text: bool(_CREDIT.fullmatch(text.upper())) and uscc.is_valid(text.upper()),
    Kind.BANK_CARD: lambda text: bool(_CARD.fullmatch(text)) and luhn.is_valid(text),
    Kind.MOBILE: lambda text: bool(_MOBILE.fullmatch(text)),
    Kind.LANDLINE: lambda text: bool(_LANDLINE.fullmatch(text)),
    Kind.EMAIL: lambda text: bool(_EMAIL.fullmatch(text)),
    Kind.PLATE: lambda text: bool(_PLATE.fullmatch(text.upper())),
    Kind.IP: _is_ip,
    Kind.ADDRESS: lambda text: bool(_ADDRESS.fullmatch(text)),
    Kind.NAME: lambda text: bool(_HAN.fullmatch(text)) and text[0] in _SURNAMES,
    Kind.COORDINATE: _is_coordinate,
}
"""Whether one value is of a kind, the surest kinds first."""

HINTS: dict[Kind, re.Pattern[str]] = {
    Kind.RESIDENT_ID: re.compile(r"身份证|公民身份|证件号|sfz|id_?card|zjhm", re.IGNORECASE),
    Kind.CREDIT_CODE: re.compile(r"信用代码|uscc|credit_?code|tyshxy", re.IGNORECASE),
    Kind.BANK_CARD: re.compile(r"银行卡|银行账号|卡号|bank|card_?no|yhzh", re.IGNORECASE),
    Kind.MOBILE: re.compile(r"手机|电话|联系方式|phone|mobile|tel|lxdh|sjh", re.IGNORECASE),
    Kind.LANDLINE: re.compile(r"电话|座机|传真|联系方式|phone|tel|fax|lxdh", re.IGNORECASE),
    Kind.EMAIL: re.compile(r"邮箱|邮件|e-?mail", re.IGNORECASE),
    Kind.PLATE: re.compile(r"车牌|号牌|plate|cphm", re.IGNORECASE),
    Kind.IP: re.compile(r"网络地址|(?:^|_)ip(?:$|_)", re.IGNORECASE),
    Kind.ADDRESS: re.compile(r"地址|住址|住所|户籍地|address|addr|zz$", re.IGNORECASE),
    Kind.NAME: re.compile(
        r"姓名|联系人|户主|负责人|法定代表人|经办人|当事人|person|(?:^|_)xm$|contact_?name", re.IGNORECASE
    ),
    Kind.COORDINATE: re.compile(r"经度|纬度|坐标|(?:^|_)(?:lon|lng|lat)|longitude|latitude", re.IGNORECASE),
}
_NEED_NAME = frozenset({Kind.NAME, Kind.ADDRESS, Kind.COORDINATE})
"""Kinds whose form alone proves nothing: places look like names, and figures like positions."""


@dataclass(frozen=True)
class Detection:
    """A column's kind, the share of its filled values that are of it, and whether its name says so too."""

    kind: Kind
    share: float
    is_named: bool
    count: int


def detect(names: Sequence[str], values: Sequence[str]) -> Detection | None:
    """What a column holds; ``names`` are its title and identifier, ``values`` the filled ones of a sample."""
    texts = [text for value in values if (text := value.strip())]
    if len(texts) < LEAST_VALUES:
        return None
    found = [one for kind in CHECKS if (one := _of_kind(kind, names, texts)) is not None]
    return max(found, key=lambda one: one.share + one.is_named / 2, default=None)


def _of_kind(kind: Kind, names: Sequence[str], texts: Sequence[str]) -> Detection | None:
    is_named = any(HINTS[kind].search(name) for name in names)
    if kind in _NEED_NAME and not is_named:
        return None
    count = sum(map(CHECKS[kind], texts))
    share = count / len(texts)
    if share < (SHARE_WITH_NAME if is_named else SHARE):
        return None
    if kind in (Kind.MOBILE, Kind.BANK_CARD) and not is_named and _are_serial(texts):
        return None
    return Detection(kind, share, is_named, count)


def _are_serial(texts: Sequence[str]) -> bool:
    """Whether the values count up: running numbers may look like any number."""
    numbers = sorted({int(text) for text in texts if text.isdecimal()})
    near = sum(1 for one, other in pairwise(numbers) if other - one <= 20)
    return len(numbers) > LEAST_VALUES and near > len(numbers) / 2


def masked(text: str) -> str:
    """A value as an example that gives nobody away: its ends, and its length up to twelve."""
    text = text.strip()
    if len(text) <= 2:
        return f"{text[:1]}*"
    keep = 1 if len(text) < 8 else 2
    tail = text[-keep:] if keep > 1 else ""
    return f"{text[:keep]}{'*' * min(12, len(text) - keep - len(tail))}{tail}"
