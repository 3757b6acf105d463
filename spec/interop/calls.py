"""Calls of the unmodified Python SDK against a TS Manager of ours (endpoint and token from the environment).

Usage: calls.py OTHER_USER_ID OTHER_USER_UID. Prints one line a check and ends with status 1 at the first that fails; a reply that
the SDK's strict models do not accept is an exception of the SDK's, which fails the run too.
"""

import datetime
import sys
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from mainsequence.client.metatables import MetaTable, TimeIndexMetaTable
from mainsequence.meta_tables import register_external_sqlalchemy_model
from mainsequence.meta_tables.compiled_sql.v1 import compile_sqlalchemy_statement
from sdk_interop.models import Account, AccountHoldings, Asset, note

ACCOUNT = uuid.UUID("8f14e45f-ceea-467f-a0e6-1a2b3c4d5e6f")
DAY = datetime.datetime(2026, 5, 28, tzinfo=datetime.timezone.utc)


def check(name, condition, got=None):
    if not condition:
        sys.exit(f"FAIL {name}: {got!r}")
    print(f"ok {name}")


def row_of(model, client_class):
    rows = client_class.filter(physical_table_name=model.__table__.name)
    check(f"filter {model.__name__}", len(rows) == 1, rows)
    return rows[0]


def execute(statement, operation, *scope):
    tables = [{"meta_table_uid": str(table.uid), "access": access} for table, access in scope]
    return MetaTable.execute_operation(
        compile_sqlalchemy_statement(statement, operation=operation, scope_tables=tables)
    )


def rows(account, holdings):
    written = execute(
        sa.insert(Account.__table__).values(uid=ACCOUNT, name="100% main").returning(Account.__table__.c.uid),
        "insert",
        (account, "write"),
    )
    check("insert returning", written["rows"][0]["uid"] == str(ACCOUNT), written)
    for quantity in (1.5, 2.25):
        statement = insert(AccountHoldings.__table__).values(
            time_index=DAY, account_uid=ACCOUNT, unique_identifier="BTC-USD", quantity=quantity
        )
        statement = statement.on_conflict_do_update(
            index_elements=["time_index", "account_uid", "unique_identifier"],
            set_={"quantity": statement.excluded.quantity},
        )
        execute(statement, "upsert", (holdings, "write"))
    joined = (
        sa.select(Account.__table__.c.name, AccountHoldings.__table__.c.quantity, AccountHoldings.__table__.c.time_index)
        .join_from(AccountHoldings.__table__, Account.__table__)
        .where(Account.__table__.c.name.like("100%"))
    )
    read = execute(joined, "select", (account, "read"), (holdings, "read"))
    check("select with a join", [row["quantity"] for row in read["rows"]] == [2.25], read)
    try:
        execute(joined, "select", (holdings, "read"))
    except Exception as error:  # the SDK's class for a 4xx
        check("outside the scope", "scope" in str(error), error)
    else:
        sys.exit("FAIL outside the scope: the statement ran")
    queried = account.run_query(f"SELECT name FROM {Account.__table__.name}")
    check("run_query", queried["ok"] and "100% main" in str(queried), queried)


def catalog(account, asset):
    graph = account.get_schema_graph(depth=1, include_incoming=True)
    sources = {edge["source_uid"] for edge in graph["edges"] if edge["target_uid"] == str(account.uid)}
    check("schema graph", str(asset.uid) in sources and len(sources) == 2, graph)
    labelled = account.add_label("blue chip")
    check("add label", any(label == "blue chip" or getattr(label, "name", None) == "blue chip" for label in labelled.labels), labelled)
    check("filter by label", [str(table.uid) for table in MetaTable.filter(labels="blue chip")] == [str(account.uid)])
    account.remove_label("blue chip")
    check("remove label", MetaTable.filter(labels="blue chip") == [])
    account.refresh_table_search_index()
    found = MetaTable.description_search("accounts that own assets")
    check("description search", str(account.uid) in str(found), found)
    found = MetaTable.column_search("symbol")
    check("column search", str(asset.uid) in str(found), found)
    check("get", MetaTable.get(uid=account.uid).physical_table_name == Account.__table__.name)


def sharing(account, user_id, user_uid):
    check("can view, before", user_uid not in str(account.can_view()))
    account.add_to_view(user_id)
    check("add to view", user_uid in str(account.can_view()), account.can_view())
    account.add_to_edit(user_id)
    check("add to edit", user_uid in str(account.can_edit()), account.can_edit())
    account.remove_from_edit(user_id)
    account.remove_from_view(user_id)
    check("remove from view", user_uid not in str(account.can_view()), account.can_view())


def registration(data_source_uid):
    """A table that the application owns: registered, and registered again."""
    options = {"data_source_uid": data_source_uid, "namespace": "sdk-interop", "identifier": "sdk_interop.note"}
    first = register_external_sqlalchemy_model(note, **options)
    check("register external", first.physical_table_name == note.name, first)
    check("register it again", register_external_sqlalchemy_model(note, **options).uid == first.uid)
    seen = MetaTable.get(uid=first.uid)
    check("external contract", [column["name"] for column in seen.table_contract["columns"]] == ["uid", "text"], seen)
    check("delete", first.delete() is not False and MetaTable.filter(uid=str(first.uid)) == [])


def main():
    account, asset = row_of(Account, MetaTable), row_of(Asset, MetaTable)
    holdings = row_of(AccountHoldings, TimeIndexMetaTable)
    check("active", account.provisioning_status == "active", account)
    registration(str(account.data_source_uid))
    rows(account, holdings)
    catalog(account, asset)
    sharing(account, int(sys.argv[1]), sys.argv[2])
    print("all calls done")


main()
