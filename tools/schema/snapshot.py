"""The schema of a PostgreSQL database, every object of it, as the server itself prints it.

Identity. `ObjectId(kind, schema, parent, name)`; names are plain (not quoted). `parent` is the relation (or domain)
that the object belongs to, "" for objects of their own. A routine's name carries its argument types as in
`DROP FUNCTION`: "total(integer, text)" (procedures: OUT arguments too, from PostgreSQL 14). Objects without a schema
(schema, extension, cast, server, publication, event_trigger, language, ...) have schema "".

Values. JSON-plain. A property that is None, False, "", [] or {} is LEFT OUT: read with `.get()`. Marked * = always
there. "text" values are printed by the server with an empty search_path, so every name in them is qualified and
quoted where needed, e.g. 'public.orders' or 'app."Order Line"'. No OIDs, no physical ids.

Every kind:      comment text (COMMENT ON); security_labels {provider: label};
                 depends_on_extensions [name] (ALTER ... DEPENDS ON EXTENSION)
Kinds marked o:  owner* text (role name, not quoted)
Kinds marked g:  grants* sorted list of "PRIVILEGE TO grantee [WITH GRANT OPTION] [BY grantor]"; a NULL acl is written
                 out (acldefault), so GRANT followed by REVOKE compares equal. grantee: PUBLIC, OWNER (the object's
                 owner, whoever that is) or a role quoted where needed; BY only when the grantor isn't the owner.
                 An object whose owner's rights were all revoked has []. On columns: explicit grants only, sparse.

kind                 properties
schema         o g   -                                                     id ("schema", "", "", name)
extension            version*, schema*                                     (no owner: a restore changes it)
table          o g   persistence* "permanent"|"unlogged"; partition_key "RANGE (created_at)"; partition_of text;
                     partition_bound "FOR VALUES FROM (..) TO (..)"|"DEFAULT"; inherits [text] in order;
                     of_type text; access_method (not of partitioned tables unless set); tablespace;
                     options {name: value} (storage parameters, "toast." prefix for the TOAST table's);
                     row_security bool; force_row_security bool;
                     replica_identity* "default"|"full"|"nothing"|"index" (which one: index.replica_identity)
foreign_table  o g   server*; fdw_options {name: value}; partition_of, partition_bound, inherits as table
view           o g   definition* (the SELECT, ends with ";"); options {security_barrier|security_invoker|check_option: value}
materialized_view og definition*; populated bool (soft); options; tablespace; access_method
column           g   id ("column", schema, relation, name): of tables, foreign tables, views, materialized views
                     position* 1.. (dropped columns don't count); type* text (format_type);
                     collation text (only when not the type's own); not_null bool;
                     not_null_name (18+, soft); not_null_invalid bool (18+); not_null_no_inherit bool (18+);
                     not_null_inherited bool (18+: the constraint comes from a parent only);
                     default text; generated "stored"|"virtual" with expression text;
                     identity "always"|"by default" (its options: the sequence object, see identity_sequence);
                     identity_sequence text; storage "plain"|"external"|"extended"|"main" (only when not the type's
                     own); compression "pglz"|"lz4"; statistics_target int; options {n_distinct..: value};
                     fdw_options {..}; inherited bool (has a parent's column); also_local bool (inherited AND
                     declared here)
constraint           id ("constraint", schema, table, name); NOT NULL ones are column properties instead
                     type* "primary key"|"unique"|"foreign key"|"check"|"exclude"; definition* (pg_get_constraintdef:
                     what stands after CONSTRAINT name; NOT VALID / DEFERRABLE / NOT ENFORCED included);
                     columns [name] in order; references text (table) and referenced_columns [name];
                     not_valid bool; not_enforced bool (18+); deferrable bool; initially_deferred bool;
                     no_inherit bool; inherited bool (has a parent's constraint); also_local bool;
                     attached bool (soft: a partition's key that was made by itself, before it became part of the
                     parent's); detached bool (soft: made with the parent's, of a table that is no partition any more)
domain_constraint    id ("domain_constraint", schema, domain, name); definition*; not_valid bool
index                id ("index", schema, table, name); ones that back a constraint too
                     definition* (pg_get_indexdef, a whole CREATE INDEX); method*; unique bool; columns [text] key
                     columns and expressions; include [name]; predicate text; constraint name (made by
                     this constraint of the same table); invalid bool; replica_identity bool; clustered bool;
                     options {..}; tablespace; statistics_targets {"1": int} by key number; partition_of text
sequence       o g   type* "bigint"; start*, increment*, min*, max*, cache* int; cycle bool; persistence*;
                     owned_by [schema, table, column]; identity bool (made by that column's identity)
function       o g   definition* (pg_get_functiondef: whole CREATE OR REPLACE, body as written); arguments text (with names
                     and defaults); result text; language*; volatility* "immutable"|"stable"|"volatile";
                     parallel* "safe"|"restricted"|"unsafe"; strict bool; security_definer bool; leakproof bool;
                     window bool; cost* number; rows number (set-returning); support text; config {guc: value};
                     trigger bool (returns trigger or event_trigger)
procedure      o g   definition*, arguments, language*, security_definer, config
aggregate      o g   definition* (a whole CREATE AGGREGATE); arguments; result
trigger              id ("trigger", schema, relation, name); definition* (pg_get_triggerdef, whole CREATE TRIGGER);
                     enabled* "origin"|"disabled"|"replica"|"always"; function* text "public.touch()"; inherited bool
event_trigger  o     definition* (whole CREATE EVENT TRIGGER); event*; tags [text]; function* text; enabled* as trigger
policy               id ("policy", schema, table, name); command* "all"|"select"|"insert"|"update"|"delete";
                     restrictive bool; roles* [PUBLIC or role quoted where needed] sorted; using text; check text
rule                 id ("rule", schema, relation, name); definition* (whole CREATE RULE); enabled* as trigger
enum           o g   labels* [text] in order
composite      o g   attributes* [{name, type, collation?, comment?}] in order
range          o g   definition* (whole CREATE TYPE); subtype*; multirange text (14+)
domain         o g   type* text (base type with its modifier); collation; not_null bool; not_null_name (17+, soft);
                     default text
base_type      o g   definition* (whole CREATE TYPE; a shell type: "CREATE TYPE x")
statistics     o     id ("statistics", schema, "", name); definition* (whole CREATE STATISTICS); table* text;
                     statistics_target int
publication    o     all_tables bool; operations* [insert|update|delete|truncate]; via_root bool;
                     generated_columns "stored" (18+); schemas [text]; tables [{table, columns?, where?}] by table
subscription   o     publications* [name] (connection string never read)
default_privileges   id ("default_privileges", schema or "", role, "tables"|"sequences"|"functions"|"types"|"schemas"|
                     "large objects"); grants* as above (without a schema: the whole acl; with one: what is added)
collation, conversion, operator, operator_class, operator_family, text_search_configuration,
text_search_dictionary  o      definition* (one or more whole statements, joined by ";\n")
text_search_parser, text_search_template, cast, transform, access_method      definition* as above
language, foreign_data_wrapper, server  o g   definition* (options included, values of secret options left out)
user_mapping         id ("user_mapping", "", server, role or "PUBLIC"); definition* (secret options left out)
   names: operator "public.===(integer,integer)" -> name "===(integer, integer)"; operator_class and operator_family
   "name USING btree"; cast "source AS target"; transform "type FOR language"

Soft properties (`SOFT`): the fingerprint and `diff.significant` leave them out, `diff.diff` shows them. not_null_name:
given names of NOT NULL constraints exist since 18 (one that looks generated, table_column_not_null, is not kept);
populated: a matter of data; attached and detached: how a partition's key came to be, which a dump and its restore change.

`depends`: what must exist before the object, from pg_depend (views through pg_rewrite, defaults through their column):
view -> columns, relations, functions; column -> type, sequence or function of its default, columns of its generated
expression; index -> its constraint, functions, and the columns of its expressions; trigger, policy -> functions,
columns; foreign key -> columns and unique index it refers to; partition -> parent; anything of an extension -> extension.
Not listed because something else says it: the schema and the parent (the id), a constraint's and a plain index's
columns (`columns`), which column owns a serial's sequence (`owned_by`; the column depends on the sequence, an
identity's sequence on its column).

Not read: roles, tablespaces, databases' own settings, large objects, data, temporary objects, comments on NOT NULL
constraints and on constraint triggers' constraints, a collation's version, a sequence's current value.
Sources: manual, chapter 53 "System Catalogs" and section 9.27 "System Information Functions" (13-18).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import DatabaseError
from .canonical import Vanished
from .model import Snapshot
from .session import Questions, reading

if TYPE_CHECKING:
    import psycopg

FORMAT = 1
"""Version of this format; a snapshot or fingerprint of another one is not comparable."""

SOFT = frozenset({"not_null_name", "populated", "attached", "detached"})
"""Properties that say something about the object but do not make it another schema."""

OLDEST = 13
"""The oldest major version whose catalogs the queries know."""

ATTEMPTS = 5
"""How often a schema is read anew when something in it vanished meanwhile."""

IGNORED_SCHEMAS = ("agentdb", "agentdb_archive")


def read_snapshot(conn: psycopg.Connection[Any], *, ignore_schemas: Sequence[str] = IGNORED_SCHEMAS) -> Snapshot:
    """Every object of the connection's database as of one moment.

    Left out: pg_catalog, information_schema, temporary objects, `ignore_schemas`, and what belongs to an extension
    (the extension itself is listed). Needs no rights on the objects. In a transaction of the caller's, what it has
    not committed is read too.
    Errors: DatabaseError when the schema keeps changing while it is read, or for a server older than 13;
    psycopg.Error for what else the server refuses.
    """
    from psycopg.errors import InternalError_

    major = conn.info.server_version // 10000
    if major < OLDEST:
        raise DatabaseError(f"the server is PostgreSQL {major}; schemas are read from {OLDEST} on")
    for _ in range(ATTEMPTS):
        try:
            with reading(conn), _without_collector(), Questions(conn, major) as questions:
                return _read(questions, list(ignore_schemas))
        except (InternalError_, Vanished):
            continue  # rows are of one moment, but what prints them looks at the catalogs as they are now
    raise DatabaseError(
        "the schema changes faster than it can be read", hint="Try again when no other session changes it."
    )


def _read(questions: Questions, ignored: list[str]) -> Snapshot:
    """The snapshot. All questions are asked as soon as they can be, and answers taken in as they come: what others
    refer to first, what only has to be printed (which is most of the server's work) last."""
    from . import dependencies, keys, relations
    from .catalog import Catalog

    ask = questions.ask
    context = ask("snapshot_context", ignored=ignored).result()[0]
    version, schemas, functions, keywords, default_acls, default_owner, operators, rare, defined = context
    some = {"schemas": schemas, "functions": functions}

    members, classes = ask("snapshot_members"), ask("snapshot_operator_classes")
    found_relations, types = ask("snapshot_relations", **some), ask("snapshot_types", **some)
    columns, not_nulls = ask("snapshot_columns", **some), ask("snapshot_not_nulls", **some)
    found_indexes, found_constraints = ask("snapshot_indexes", **some), ask("snapshot_constraints", **some)
    sequences, comments = ask("snapshot_sequences", **some), ask("snapshot_comments")
    needs = ask("snapshot_dependencies")
    general = [ask(f"snapshot_{name}", **some) for name in ("database", "parts", "routines", "aggregates")]
    also = (("operators", operators), ("rare", rare), ("types_defined", defined))
    general += [ask(f"snapshot_{name}", **some) for name, there_are_some in also if there_are_some]
    defaults, queries = ask("snapshot_defaults", **some), ask("snapshot_views", **some)

    belongs = {(classid, oid): extension for classid, oid, extension in members.result()}
    catalog = Catalog(keywords, belongs, default_acls, default_owner)
    relations.add_relations(catalog, found_relations.result())
    relations.add_types(catalog, types.result())
    relations.add_columns(catalog, columns.result())
    relations.add_not_nulls(catalog, not_nulls.result())
    by_class = {oid: (for_type, default) for oid, for_type, default in classes.result()}
    indexes, bare = keys.add_indexes(catalog, found_indexes.result(), by_class)
    constraints = keys.add_constraints(catalog, found_constraints.result(), bare)
    unprinted = ask("snapshot_definitions", constraints=constraints, indexes=indexes)
    relations.add_sequences(catalog, sequences.result())
    for rows in general:
        catalog.add_rows(rows.result())
    dependencies.add_comments(catalog, comments.result())
    dependencies.add_dependencies(catalog, needs.result())
    objects = catalog.objects()
    relations.set_defaults(catalog, defaults.result())
    relations.set_queries(catalog, queries.result())
    keys.set_definitions(catalog, unprinted.result())
    if ask("snapshot_vanished", **some).result() != [(False,)]:
        raise Vanished
    return Snapshot("postgres", version, FORMAT, objects)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Reading makes hundreds of thousands of objects and no rubbish; looking for some costs a third of the time.

    What was made is counted as old straight away (freeze and unfreeze move it without a look), else the collector's
    first round would go through all of it.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            gc.freeze()
            gc.unfreeze()
        gc.enable()
