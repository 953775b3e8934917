"""The bytes that are hashed for an audit entry: an auditor must get the same with other tools."""

import hashlib
import json
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from app.rules.audit_chain import GENESIS, Link, canonical, hash_of

ADR = Path(__file__).parents[2] / "docs/adr/0013-audit-chain.md"
LINK = Link(
    id=1,
    ts=1640995200123456789,
    actor="key:ops",
    action="budget.set",
    entity_type="budget",
    entity_id="5f17147f-2bbd-5c76-af87-1f010d829329/USDT",
    strategy_id="5f17147f-2bbd-5c76-af87-1f010d829329",
    before=None,
    after={"currency": "USDT", "allocated": "1000.50", "version": 1, "note": 'Grün "x"\n'},
    request_id=None,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="ascii")), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_the_canonical_form_equals_the_documented_one() -> None:
    documented = re.findall(r"^    (\{.*\})$", ADR.read_text(), re.M)
    assert [canonical(LINK, GENESIS).decode()] == documented
    [digest] = re.findall(r"^    ([0-9a-f]{64})$", ADR.read_text(), re.M)
    assert hash_of(LINK, GENESIS) == digest == hashlib.sha256(documented[0].encode()).hexdigest()


@given(json_values, json_values)
def test_canonical_forms_are_equal_exactly_for_equal_contents(one: object, other: object) -> None:
    forms = [canonical(LINK._replace(after=value), GENESIS) for value in (one, other)]
    assert (forms[0] == forms[1]) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))
    # A stored value has the same form when it is read again.
    read = LINK._replace(after=json.loads(json.dumps(one)))
    assert canonical(read, GENESIS) == forms[0]
