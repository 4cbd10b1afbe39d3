"""Code lists and data elements, in few words."""

from __future__ import annotations

from typing import Any

from catalog.models import CodeList, DataElement
from catalog.standards import keeping
from tests.factories import World, actor

SEX = [{"code": "1", "name": "男性"}, {"code": "2", "name": "女性"}]


def code_list(world: World, values: list[dict[str, str]] = SEX, **changes: Any) -> CodeList:
    """A list with its first version in force."""
    said = {"code": "SEX", "name": "性别代码", **changes}
    made = keeping.save_code_list(code_list=CodeList(), values=said, actor=actor(world.authority))
    version = keeping.new_version(code_list=made, values=values, note="", actor=actor(world.authority))
    keeping.publish_version(version=version, valid_from=None, actor=actor(world.authority))
    return made


def element(world: World, code: str, name: str, **values: Any) -> DataElement:
    """A data element that the authority keeps."""
    said = {"code": code, "name": name, **values}
    return keeping.save_element(element=DataElement(), values=said, actor=actor(world.authority))
