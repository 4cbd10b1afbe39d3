"""An agreement as a policy in ODRL 2.2 (W3C Recommendation, 2018), for machines that watch over obligations."""

from __future__ import annotations

from typing import Any

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"


def _party(portal: str, party: dict[str, str]) -> dict[str, str]:
    uid = f"{portal}/id/organization/{party['credit_code']}"
    return {"@type": "Party", "uid": uid, "name": party["name"]}


def _day_until(day: str) -> dict[str, Any]:
    return {
        "leftOperand": "dateTime",
        "operator": "lteq",
        "rightOperand": {"@value": day, "@type": "http://www.w3.org/2001/XMLSchema#date"},
    }


def _target(portal: str, item: dict[str, Any]) -> dict[str, Any]:
    """The granted part of a dataset: its items, and its rows where not all are granted."""
    refinement: list[dict[str, Any]] = [
        {"leftOperand": f"{portal}/ns/odrl#item", "operator": "isAnyOf", "rightOperand": item["columns"]}
    ]
    refinement += [
        {"leftOperand": f"{portal}/ns/odrl#row", "operator": "eq", "rightOperand": line} for line in item["rows"]
    ]
    source = f"{portal}/id/dataset/{item['dataset']}"
    return {"@type": "AssetCollection", "source": source, "title": item["title"], "refinement": refinement}


def policy(uid: str, content: dict[str, Any]) -> dict[str, Any]:
    """The ``odrl:Agreement`` of an agreement's content: permissions, prohibitions and duties; JSON-LD."""
    portal, request = content["portal"], content["request"]
    purpose = {"leftOperand": "purpose", "operator": "eq", "rightOperand": request["purpose_code"]}
    permissions, prohibitions, duties = [], [], []
    forbidden = ["distribute", "sell", *([] if content["applicant"].get("is_outside") else ["commercialize"])]
    for item in content["items"]:
        target = _target(portal, item)
        until = _day_until(item["valid_until"])
        permission: dict[str, Any] = {"target": target, "action": "use", "constraint": [until, purpose]}
        if item["masks"]:
            columns = sorted(item["masks"])
            permission["duty"] = [{"action": "anonymize", "target": target["source"], "attribute": columns}]
        permissions.append(permission)
        prohibitions.append({"target": target["source"], "action": forbidden})
        duties.append({"target": target["source"], "action": "delete", "constraint": [until | {"operator": "gt"}]})
    assigner, assignee = _party(portal, content["provider"]), _party(portal, content["applicant"])
    return {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": uid,
        "profile": f"{portal}/ns/odrl",
        "assigner": assigner,
        "assignee": assignee,
        "permission": permissions,
        "prohibition": prohibitions,
        "obligation": [{"assignee": assignee["uid"], **duty} for duty in duties],
    }
