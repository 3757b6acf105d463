std = "lua54"
max_line_length = 130
files["spec/lua"] = { std = "lua54+busted" }
files["spec/integration"] = { std = "lua54+busted" }
exclude_files = { "build", "lua/mainsequence/meta" }
