"""The demo's people: who they are, where they work, what they may do. They exist in demo mode only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """A demo person; ``office`` is (region code, name of the department), empty for the three administrators."""

    username: str
    name: str
    title: str
    office: tuple[str, str] | None = None
    duties: tuple[str, ...] = ()
    admin_role: str = ""

    @property
    def password(self) -> str:
        """Shown by ``make run``; the demo's passwords are public on purpose."""
        return f"shuqiao-{self.username.replace('_', '-')}"

    @property
    def department(self) -> str:
        return self.office[1] if self.office else "—"

    @property
    def duty(self) -> str:
        return self.title


COUNTY = ("330106", "西湖区民政局")
CITY_AUTHORITY = ("330100", "杭州市数据资源管理局")
PROVINCE_AUTHORITY = ("330000", "浙江省数据局")
PROVIDER = ("330000", "浙江省民政厅")
PROVIDER2 = ("330100", "杭州市生态环境局")

ACCOUNTS = (
    Account("applicant", "林晓", "社会救助科科员", COUNTY, ("applicant",)),
    Account("applicant_head", "周建国", "副局长", COUNTY, ("own_approver", "clerk")),
    Account("authority", "陈敏", "数据共享处处长", CITY_AUTHORITY, ("authority_reviewer", "authority_head")),
    Account("authority_prov", "何伟", "数据资源处副处长", PROVINCE_AUTHORITY, ("authority_reviewer", "authority_head")),
    Account("provider", "王芳", "区划地名处干部", PROVIDER, ("provider_approver", "cataloguer")),
    Account("provider_head", "郑国强", "信息中心主任", PROVIDER, ("provider_approver", "own_approver")),
    Account("provider2", "徐丽", "监测处处长", PROVIDER2, ("provider_approver", "own_approver")),
    Account("security", "孙磊", "数据安全管理员", PROVIDER, ("security_officer",)),
    Account("cataloguer", "吴婷", "目录编制员", PROVIDER2, ("cataloguer", "applicant")),
    Account("sysadmin", "赵强", "系统管理员", None, (), "system"),
    Account("secadmin", "钱静", "安全管理员", None, (), "security"),
    Account("auditor", "李岩", "审计管理员", None, (), "audit"),
)
