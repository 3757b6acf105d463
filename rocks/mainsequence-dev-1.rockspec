rockspec_format = "3.0"
package = "mainsequence"
version = "dev-1"
source = {
  url = "git+file://.", -- built from a checkout: luarocks make rocks/mainsequence-dev-1.rockspec
}
description = {
  summary = "MetaTables in C and Lua: table models, contracts, migrations, governed SQL",
  detailed = [[
Declare tables in Lua, derive a neutral contract and its fingerprint, migrate the schema, register the tables in a
TS Manager (an embedded one is included), and run governed SQL through them.]],
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.4, < 5.5",
  "lua-cjson >= 2.1",
  "argparse >= 0.7",
  "luafilesystem >= 1.8",
}
-- Only the libraries: where headers are the compiler knows better than LuaRocks (multiarch).
external_dependencies = {
  JANSSON = { library = "jansson" },
  UTF8PROC = { library = "utf8proc" },
  CRYPTO = { library = "crypto" },
  UUID = { library = "uuid" },
  SQLITE3 = { library = "sqlite3" },
  CURL = { library = "curl" },
}
build = {
  type = "cmake",
  -- Every variable of ours, because the build folder and its cache survive from one rock to the next.
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    MSEQ_FUZZ = "OFF",
    MSEQ_INSTALL_COMMAND = "OFF",
    MSEQ_INSTALL_LIBRARIES = "OFF",
    MSEQ_INSTALL_LUA = "ON",
    MSEQ_LUA_INCLUDE_DIR = "$(LUA_INCDIR)",
    MSEQ_LUA_MODULE_DIR = "$(LIBDIR)",
    MSEQ_LUA_SCRIPT_DIR = "$(LUADIR)",
    MSEQ_SANITIZE = "OFF",
    MSEQ_TESTS = "OFF",
    MSEQ_WERROR = "OFF",
  },
  install = {
    bin = {
      mainsequence = "rocks/bin/mainsequence",
      mseq = "rocks/bin/mainsequence",
    },
  },
}
test = {
  type = "command",
  command = "bash spec/run.sh quick",
}
