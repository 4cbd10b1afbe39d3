"""Columns whose content is known: made values in the layouts of real tables, and many that only look alike.

Identity numbers, credit codes and cards are made with right check digits; every column has gaps and some wrong entries.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stdnum import luhn
from stdnum.cn import ric, uscc

from catalog.protection.detectors import Kind

DIVISIONS = ("110105", "330106", "320102", "440305", "510104", "420106", "370102", "610113", "350203", "210102")
SURNAMES, GIVEN = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高", "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英"
ROADS, PLACES = ("文三路", "解放大道", "人民南路", "新华街"), ("西湖区", "鼓楼区", "武侯区", "历下区")
VALUES = 60


@dataclass(frozen=True)
class Labelled:
    """A column: its title, its values, and what it holds, None for nothing that is looked for."""

    title: str
    values: list[str]
    kind: Kind | None


def _day(rng: random.Random) -> str:
    return f"{rng.randint(1940, 2015)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"


def resident_id(rng: random.Random) -> str:
    body = f"{rng.choice(DIVISIONS)}{_day(rng)}{rng.randint(1, 999):03d}"
    return body + ric.calc_check_digit(body + "0")


def credit_code(rng: random.Random) -> str:
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    organisation = "".join(rng.choice(signs) for _ in range(9))
    body = f"{rng.choice(('91', '11', '12', '52'))}{rng.choice(DIVISIONS)}{organisation}"
    return body + uscc.calc_check_digit(body)


def card(rng: random.Random) -> str:
    body = rng.choice(("622202", "621700", "623058", "4", "52")) + "".join(rng.choice("0123456789") for _ in range(17))
    body = body[:18] if body.startswith("62") else body[:15]
    return body + luhn.calc_check_digit(body)


def mobile(rng: random.Random) -> str:
    number = f"1{rng.choice('3456789')}{rng.randint(0, 999_999_999):09d}"
    return rng.choice((number, number, number, f"+86 {number}"))


def landline(rng: random.Random) -> str:
    return f"{rng.choice(('010', '0571', '021', '028'))}-{rng.randint(20_000_000, 89_999_999)}"


def email(rng: random.Random) -> str:
    return f"{rng.choice('abcdefg')}{rng.randint(1, 9_999)}@{rng.choice(('example.com', 'hz.gov.cn', 'qq.com'))}"


def plate(rng: random.Random) -> str:
    tail = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") for _ in range(rng.choice((5, 6))))
    return f"{rng.choice('浙京沪苏川')}{rng.choice('ABCDE')}{tail}"


def person(rng: random.Random) -> str:
    return rng.choice(SURNAMES) + "".join(rng.choice(GIVEN) for _ in range(rng.choice((1, 2))))


def address(rng: random.Random) -> str:
    street = f"{rng.choice(PLACES)}{rng.choice(ROADS)}{rng.randint(1, 400)}号"
    return f"{street}{rng.randint(1, 20)}幢{rng.randint(101, 2_800)}室"


def position(rng: random.Random) -> str:
    return f"{rng.uniform(73, 135):.6f}"


POSITIVE: dict[Kind, tuple[Callable[[random.Random], str], tuple[str, ...]]] = {
    Kind.RESIDENT_ID: (resident_id, ("公民身份号码", "证件号码", "sfzh", "编号", "zjhm", "id_no", "户主证件")),
    Kind.CREDIT_CODE: (credit_code, ("统一社会信用代码", "信用代码", "tyshxydm", "组织编码", "uscc", "主体代码")),
    Kind.MOBILE: (mobile, ("联系电话", "手机号码", "phone", "lxdh", "联系方式", "通知号码")),
    Kind.BANK_CARD: (card, ("银行卡号", "发放账号", "卡号", "bank_card", "yhzh", "打款账户")),
    Kind.LANDLINE: (landline, ("办公电话", "传真", "tel", "值班电话")),
    Kind.EMAIL: (email, ("电子邮箱", "email", "联系邮件")),
    Kind.PLATE: (plate, ("车牌号", "号牌号码", "cphm")),
    Kind.NAME: (person, ("姓名", "联系人", "户主姓名", "法定代表人", "xm")),
    Kind.ADDRESS: (address, ("住址", "联系地址", "户籍地址")),
    Kind.COORDINATE: (position, ("经度", "lon", "longitude")),
}


def _digits(count: int) -> Callable[[random.Random], str]:
    return lambda rng: rng.choice("123456789") + "".join(rng.choice("0123456789") for _ in range(count - 1))


NEGATIVE: dict[str, Callable[[random.Random], str]] = {
    "订单号": lambda rng: f"2026{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{rng.randint(0, 10**10 - 1):010d}",
    "受理编号": lambda rng: f"{rng.choice(DIVISIONS)}2026{rng.randint(1, 12):02d}{rng.randint(0, 10**6 - 1):06d}",
    "流水号": _digits(18),
    "交易流水": _digits(16),
    "凭证号": _digits(19),
    "时间戳": lambda rng: str(1_700_000_000_000 + rng.randint(0, 10**11)),
    "设备编号": lambda rng: f"{rng.choice('24680')}{rng.randint(0, 10**10 - 1):010d}",
    "村居代码": lambda rng: f"{rng.choice(DIVISIONS)}{rng.randint(0, 999_999):06d}",
    "金额": lambda rng: f"{rng.uniform(1, 10**6):.2f}",
    "比例": lambda rng: f"{rng.random():.6f}",
    "日期": lambda rng: f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
    "单位名称": lambda rng: f"杭州{rng.choice(SURNAMES)}氏{rng.choice(('食品', '机械', '贸易'))}有限公司",
    "县名": lambda rng: rng.choice(("高阳", "安平", "金湖", "洪泽", "常山", "江山", "龙游", "武义", "文成", "路桥")),
    "道路名称": lambda rng: rng.choice(ROADS),
    "许可证号": lambda rng: f"JY1330106{rng.randint(0, 10**7 - 1):07d}",
    "书号": lambda rng: f"978-7-{rng.randint(10, 99)}-{rng.randint(10**5, 10**6 - 1)}-{rng.randint(0, 9)}",
    "标识": lambda rng: "".join(rng.choice("0123456789abcdef") for _ in range(32)),
    "版本号": lambda rng: f"{rng.randint(0, 9)}.{rng.randint(0, 20)}",
    "备注": lambda rng: rng.choice(("已核对", "待补充", "无", "见附件2", "详见第3号文")),
}


def columns(per_kind: int = 40, seed: int = 20261123) -> Iterator[Labelled]:
    """Columns of every kind with 5% wrong entries, then of look-alikes, some of them running numbers."""
    rng = random.Random(seed)
    for kind, (make, titles) in POSITIVE.items():
        for n in range(per_kind):
            values = [make(rng) if rng.random() > 0.05 else rng.choice(("", "不详", "—", "0")) for _ in range(VALUES)]
            yield Labelled(titles[n % len(titles)], [value for value in values if value], kind)
    for title, make in NEGATIVE.items():
        for _n in range(per_kind // 2):
            yield Labelled(title, [make(rng) for _ in range(VALUES)], None)
    for start in (13_800_000_000, 15_900_000_000, 6_222_020_000_000_000_000 // 10):
        for n in range(per_kind // 4):
            first = start + n * 1_000
            yield Labelled("序号", [str(first + k) for k in range(VALUES)], None)
