-- The constants of tables.json.

local sql = require("mainsequence.sql")

return {
  U1 = sql.uuid("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"),
  U2 = sql.uuid("bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"),
  U3 = sql.uuid("cccccccc-cccc-4ccc-8ccc-cccccccccccc"),
  T1 = sql.timestamp("2026-05-28T12:30:00Z"),
  T2 = sql.timestamp("2026-05-29T01:02:03.000045Z"),
  T3 = sql.timestamp("2026-05-28T12:30:00+02:00"),
  D1 = sql.date("2026-05-28"),
  D2 = sql.date("2026-06-01"),
}
