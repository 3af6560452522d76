std = "lua54"
max_line_length = 128
exclude_files = { "deps", "demo", "models" }
files["tests/lua/*_spec.lua"] = { std = "+busted" }
