"""An acl reads as sentences."""

from __future__ import annotations

from agentdb.tools.schema.acl import grants


def test_rights_are_told_one_by_one() -> None:
    acl = '{owner=arw/owner,=r/owner,"\\"odd \\"\\"role\\"=r*/other",reader=r*w/owner}'
    assert grants(acl, "owner") == (
        "INSERT TO OWNER",
        'SELECT TO "odd ""role" WITH GRANT OPTION BY other',
        "SELECT TO OWNER",
        "SELECT TO PUBLIC",
        "SELECT TO reader WITH GRANT OPTION",
        "UPDATE TO OWNER",
        "UPDATE TO reader",
    )


def test_no_acl_grants_nothing() -> None:
    assert grants(None, "owner") == grants("{}", "owner") == ()


def test_another_owner_changes_no_right() -> None:
    assert grants("{anna=r/anna,x=r/anna}", "anna") == grants("{bert=r/bert,x=r/bert}", "bert")
