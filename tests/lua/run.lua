-- Runs busted inside scute: ./scute tests/lua/run.lua [files or folders, default this one] [busted's own options]
-- Ends with "N passed, N failed" and exit status 1 where anything failed or nothing ran.
local folder = arg[0]:match "^(.*)/" or "."
if #arg == 0 then table.insert(arg, folder) end

-- All files share one loaded library, as the files of one script would: its classes exist once.
table.insert(arg, "--no-auto-insulate")
local runner = require "busted.runner"
runner { standalone = false, output = folder .. "/output.lua" }
