---@meta mainsequence.core
-- The binding's surface: what the C core gives to Lua. Everything else in lua/mainsequence is written
-- in Lua on top of it.
--
-- Documents. A JSON document that comes out of the core is a plain Lua table: objects remember the
-- order of their keys (pairs() gives it; `core.keys(t)` too), arrays are sequences that stay arrays when
-- empty, null is `core.null` (equal to cjson.null), integers and floats stay apart. What goes in: any
-- table with keys 1..n is an array, a table with string keys an object (in the order of core.keys if it
-- has one, else sorted), an empty table an object unless made by core.array(); tables that lua-cjson
-- decoded are fine; mixed keys, holes, functions and cycles raise with the path.
--
-- Errors. Misuse and wrong declarations raise an error *object* (table: code, message, status, detail,
-- hint, sqlstate, source, line; __tostring reads well); an argument of the wrong Lua type raises Lua's own text. Functions marked `nil, err` return
-- the same kind of object instead, because their failures are the environment's.

---@class mainsequence.Error
---@field code string symbolic, e.g. "not_found", "schema", "scope_violation"
---@field status integer? HTTP status of the reply that carried it
---@field message string
---@field detail string?
---@field hint string?
---@field sqlstate string?
---@field source string?
---@field line integer?

---@class mainsequence.core
local core = {}

core.null = nil ---@type lightuserdata
core._VERSION = "" ---@type string
---What this build has of what may be left out.
core.parts = { server = true, postgresql = true } ---@type { server: boolean, postgresql: boolean }
core.array_mt = nil ---@type table the metatable of arrays

---An array that stays one when empty.
---@param t table?
---@return table
function core.array(t) end
---An object that remembers the order in which keys are set (also through pairs()).
---@param ... any  key, value, key, value …
---@return table
function core.object(...) end
---Keys of an object in its order (sorted when it has none).
---@return string[]
function core.keys(t) end
---@return boolean
function core.is_array(t) end

---@param value any
---@param options { sorted: boolean?, indent: boolean?, unicode: boolean? }?
---@return string
function core.json_encode(value, options) end
---@return any|nil value, mainsequence.Error? err
function core.json_decode(text) end

---New error object (not raised).
---@param fields { code: string, message: string, hint: string?, detail: string?, status: integer? }
---@return mainsequence.Error
function core.error(fields) end
---@return boolean
function core.is_error(value) end

function core.uuid() end ---@return string
function core.md5(text) end ---@return string hex
function core.sha256(text) end ---@return string hex
---@return number seconds since 1970 with microseconds
function core.time() end
---@return number milliseconds of a clock that never goes back
function core.monotonic_ms() end
---@param microseconds integer?  default now
---@param trimmed boolean?
---@return string  2026-05-28T12:30:00.000000Z
function core.format_time(microseconds, trimmed) end
---@return string|nil canonical, mainsequence.Error? err   any ISO timestamp with offset → …ffffffZ
function core.normalize_time(text) end
---@return integer|nil microseconds since 1970, mainsequence.Error? err   any ISO timestamp with offset
function core.parse_time(text) end
---@return string text  as it compares without regard to case (Unicode)
function core.casefold(text) end
---@return string|nil canonical form, nil when it is no uuid
function core.normalize_uuid(text) end
---@return string|nil nearest of the candidates, if it is near
function core.nearest(word, candidates) end
---@param level integer  as error(): 1 the line that calls core.where, 2 the line that called its function …
---@return string? source, integer? line   short source and line; nil when there is no such Lua frame, or a
--- tail call (`return f{…}`) lost it
function core.where(level) end

-- naming (SDK names; all raise on bad input)
function core.slugify_identifier(text) end
function core.normalize_identifier_part(text, label) end
---@param parts string[]
function core.bounded_identifier(parts, max_length) end
function core.schema_table_name(app, concept, suffix) end
---@return { app: string, concept: string, suffix: string? }
function core.parse_schema_table_name(name) end
function core.schema_index_name(table_name, columns, unique) end
function core.schema_foreign_key_name(table_name, columns, target_table, target_columns) end
function core.schema_primary_key_name(table_name) end
function core.schema_unique_constraint_name(table_name, columns) end
function core.schema_check_constraint_name(table_name, name) end
function core.truncate_final_name(name) end
function core.namespace_version_slug(migration_namespace) end
function core.namespace_version_location(migration_namespace, prefix) end

---A frozen table (userdata `mainsequence.table`), built from a description (form: mainsequence/schema.h).
---@param description table
---@return mainsequence.Table
function core.table(description) end

---@class mainsequence.Table
local Table = {}
function Table:name() end
function Table:schema() end
function Table:kind() end ---@return "plain"|"platform_managed"|"time_index"
function Table:describe() end ---@return table normalised description
---@param options { authoring_kind: string?, relational: boolean?, with_schema: boolean?, include: string[]? }?
function Table:contract(options) end
---@param options { namespace: string?, schema: string?, hash_namespace: string?, extra_components: table?, include_table_name: boolean? }?
---@return string fingerprint, string canonical_text
function Table:fingerprint(options) end
---@param options { data_source_uid: string, authoring_kind: string?, labels: string[]?, namespace: string? }
function Table:registration_request(options) end
---@param options { data_source_uid: string, migration_package: string, migration_namespace: string, migration_provider_key: string?, alembic_version_meta_table_uid: string?, authoring_kind: string? }
function Table:reservation_row(options) end
function Table:external_registration_request(options) end
function Table:refresh_request(options) end
---@return string[] sorted names of its indexes
function Table:index_names() end

---@param options { data_source_uid: string, identifier: string?, namespace: string?, description: string?, schema: string?, table_name: string?, version_column: string? }
function core.alembic_version_request(options) end
---@return string fingerprint
function core.build_meta_table_storage_hash(options) end
---@return string fingerprint
function core.build_meta_table_configured_storage_hash(options) end

---@return table normalized   raises with the field's path
function core.normalize_contract(contract) end
function core.normalize_data_type(text) end
---@param text string?
---@return string? text  of a column's type in its database; nil when blank
function core.normalize_backend_type(text) end
---@param type table  { name, args }
---@return string data_type, string backend_type
function core.column_types(type) end
---@return string? cadence
function core.normalize_cadence(text) end
---@return table normalized operation (compiled-sql.v1); raises with the field's path
function core.validate_operation(operation) end
---@param declared mainsequence.Table
---@param actual mainsequence.Table
---@param dialect "postgresql"|"sqlite"
---@return table differences
function core.compare_tables(declared, actual, dialect) end
---@return table differences
function core.compare_contracts(declared, actual) end

-- ddl and migration; dialect is "postgresql" or "sqlite"; statements are arrays of strings
function core.quote(dialect, identifier) end
---@param dialect string
---@param type table  { name, args }
---@return string DDL text of a type
function core.type_text(dialect, type) end
---@param tables mainsequence.Table[]
function core.create_all(dialect, tables) end
function core.drop_all(dialect, tables) end
---@return mainsequence.Table[] parents first
---@param order "declaration"|"name"?
function core.sort_tables(tables, order) end
---@param before mainsequence.Table[]
---@param after mainsequence.Table[]
---@param options { drop_unknown_tables: boolean?, version_table: string? }?
---@return table operations
function core.compare_schemas(dialect, before, after, options) end
---Raises when the operation is wrong.
function core.validate_operation_data(operation) end
---@return string? table that render_operation needs reflected
function core.operation_needs_table(operation, dialect) end
---@param context { table: mainsequence.Table?, dependents: table?, naming_convention: boolean? }?
---@return string[] statements
function core.render_operation(operation, dialect, context) end
---@return table|nil reverse, mainsequence.Error? err
function core.reverse_operation(operation) end
---@return { code: string, message: string }[]
function core.operation_risks(operation) end

-- sql
---@return string text, string[] names  driver placeholders
function core.from_pyformat(sql, dialect) end
---@return string[] statements
function core.split_statements(sql, dialect) end

---A connection to a database by uri (`nil, err` when it cannot be opened).
---@param uri string
---@param options { read_only: boolean?, must_exist: boolean?, busy_timeout_ms: integer? }?
---@return mainsequence.Connection|nil, mainsequence.Error?
function core.connect(uri, options) end

---All of these return nil, err on the environment's failures.
---@class mainsequence.Connection
local Connection = {}
function Connection:dialect() end
---@param sql string  the driver's placeholders (?1, $1) or %(name)s when `parameters` has string keys
---@param parameters table?
---@return { rows: table[], affected: integer }|nil, mainsequence.Error?
function Connection:execute(sql, parameters) end
function Connection:script(sql) end ---@return true|nil, mainsequence.Error?
---@param write boolean?
function Connection:begin(write) end
function Connection:commit() end
function Connection:rollback() end
function Connection:in_transaction() end ---@return boolean
function Connection:table_names(schema) end ---@return string[]|nil, mainsequence.Error?
function Connection:reflect_table(name, schema) end ---@return mainsequence.Table|nil, mainsequence.Error?
function Connection:reflect(schema) end ---@return mainsequence.Table[]|nil, mainsequence.Error?
function Connection:dependents(name) end
function Connection:close() end

---Makes or upgrades a TS Manager's catalog; version_before 0 says that it was empty.
---@param options { home: string?, catalog: string? }?  catalog: "sqlite:PATH" or "postgresql://…"; nil: MAINSEQUENCE_CATALOG,
---else the one of the folder
---@return { catalog: string, version_before: integer, version: integer, copy: string? }|nil, mainsequence.Error?
function core.manager_upgrade(options) end

---A client on an endpoint. What the options leave out comes from the environment and the login store, in the order of
---the C header `mainsequence/endpoint.h`. Gives what decided the endpoint besides: "argument", "environment", "login",
---"default".
---@param options { endpoint: string?, home: string?, access_token: string?, refresh_token: string?, authentication:
--- string?, runtime_credential_id: string?, runtime_credential_secret: string?, login: string?, project_uid: string?,
--- timeout_ms: integer? }?  login: the tokens are those that the login store has for this server
---@return mainsequence.Client|nil client, string|mainsequence.Error source_or_err
function core.client(options) end
---Where a client would talk to, without opening it.
---@param given string?
---@return string|nil endpoint, string|mainsequence.Error source_or_err
function core.resolve_endpoint(given) end
---The stored logins, without their tokens.
---@return { endpoint: string, username: string }[]|nil, mainsequence.Error?
function core.logins() end

---@class mainsequence.Client
local Client = {}
function Client:endpoint() end ---@return string where it talks to
---@param method string
---@param path string
---@param options { query: table?, body: any, text: string?, accept: integer? }?  query: an object, or an array of
--- { name, value } pairs for names that repeat
---@return any|nil body, mainsequence.Error|integer? err_or_http_status   (http status on success)
function Client:call(method, path, options) end
---@return table[]|nil rows, mainsequence.Error?
function Client:list(path, query) end
---One page of a list: the collection's path, or what an earlier call gave as `next` (then without query).
---@param link string
---@param query table?
---@return table[]|nil rows, string|mainsequence.Error|nil next_or_err
function Client:page(link, query) end
---Several calls side by side, for look-ups that don't depend on each other; results come in the order of the calls.
---@param calls { path: string, method: string?, query: table?, body: any }[]  method: default GET
---@return { body: any, error: mainsequence.Error? }[]|nil, mainsequence.Error?
function Client:parallel(calls) end
---Logs in with a password; tokens go to the login store, under this client's endpoint.
---@return true|nil, mainsequence.Error?
function Client:log_in(username, password) end
---Revokes and forgets the client's tokens, in the login store too.
---@return boolean|nil revoked, mainsequence.Error?
function Client:log_out() end
---@return table|nil data_source, mainsequence.Error?
function Client:session_data_source() end
---@param table mainsequence.Table
---@param options { data_source_uid: string?, external: boolean? }?
---@return table|nil row, mainsequence.Error?
function Client:register_table(table, options) end
---@return table|nil result, mainsequence.Error?
function Client:execute_operation(operation) end
---The rows of a select one by one; `for row, err in stream.next, stream, nil, stream do`. limits.max_rows counts when it
---is there. A TS Manager without the route: an error with status 404 or 405.
---@return mainsequence.RowStream|nil stream, mainsequence.Error?
function Client:stream_operation(operation) end
function Client:close() end

---@class mainsequence.RowStream: userdata
local RowStream = {}
---The next row; nil after the last, false and an error when the stream fails (then nil).
---@return table|false|nil row, mainsequence.Error?
function RowStream:next() end
---Ends the statement, in the midst of its rows too; also done by __close and __gc.
function RowStream:close() end

-- files and processes that Lua's standard library lacks
---Monotonic, atomic: writes a temporary file beside it, fsyncs, renames.
---@return true|nil, mainsequence.Error?
function core.write_file(path, text) end
---Asks on the terminal itself, without showing what is typed; Ctrl-C and Ctrl-D cancel.
---@param prompt string
---@return string|nil password, mainsequence.Error? err  code "io": there is no terminal; "cancelled"
function core.read_password(prompt) end
---@return true when standard output is a terminal
function core.is_terminal() end

---The TS Manager in `home` on HTTP. Errors: an address or a file that cannot be had; `not_built` in a build without
---libmicrohttpd. From then on SIGTERM and SIGINT are held back until `wait`. Numbers: 0 or nil is the default
---(mainsequence/server.h).
---@class mainsequence.ServerOptions
---@field home string? the folder; nil: as of local:
---@field catalog string? "sqlite:PATH" or "postgresql://…"; nil: MAINSEQUENCE_CATALOG, else the folder's own
---@field listen string? "127.0.0.1:8765", "[::1]:0"
---@field tls_certificate string? PEM file
---@field tls_key string? PEM file
---@field workers integer?
---@field max_body integer? bytes
---@field max_connections integer?
---@field max_connections_per_address integer?
---@field max_waiting integer? requests
---@field header_ms integer?
---@field body_ms integer?
---@field write_ms integer?
---@field idle_ms integer?
---@field drain_ms integer?

---@param options mainsequence.ServerOptions?
---@return mainsequence.Server|nil, mainsequence.Error?
function core.server(options) end

---@class mainsequence.Server
local Server = {}
function Server:address() end ---@return string "http://127.0.0.1:8765"
---Returns when SIGTERM or SIGINT came; a second one then ends the process.
---@return string|nil signal, mainsequence.Error?
function Server:wait() end
---Lets what runs finish.
function Server:close() end

return core
