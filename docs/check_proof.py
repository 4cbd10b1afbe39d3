"""Check a proof from the audit page: check_proof.py PROOF.json PUBLIC_KEY (base64). Needs the package cryptography."""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def require(holds: bool, why: str) -> None:
    if not holds:
        sys.exit(f"NOT PROVEN: {why}")


proof = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
signed = proof["checkpoint"]["statement"]
statement = json.loads(signed)
key = Ed25519PublicKey.from_public_bytes(base64.b64decode(sys.argv[2]))
key.verify(base64.b64decode(proof["checkpoint"]["signature"]), signed.encode())  # raises when it is wrong

head = None
for event in proof["events"]:  # the event itself, then those after it up to the sealed head of its stream
    body = json.loads(event["body"])
    require(body["stream"] == proof["stream"], "an event of another stream")
    require(head in (None, body["prev"]), f"event {body['seq']} does not follow the one before it")
    head = hashlib.new(event["algorithm"], event["body"].encode()).hexdigest()
require(body["seq"] == proof["length"], "the events do not reach the sealed head")

leaf = json.dumps([proof["stream"], proof["length"], head], ensure_ascii=False, separators=(",", ":")).encode()
found = hashlib.new(statement["algorithm"], b"\x00" + leaf).digest()
for side, other in proof["path"]:
    pair = bytes.fromhex(other) + found if side == "left" else found + bytes.fromhex(other)
    found = hashlib.new(statement["algorithm"], b"\x01" + pair).digest()
require(found.hex() == statement["root"], "the path does not lead to the signed root")
print("PROVEN: checkpoint", statement["number"], "of", statement["at"], "holds", proof["events"][0]["body"])
