-- A typo never trains: names that nobody declared are errors as a script runs, and `scute --check` finds them, unknown options
-- and wrong values without running it. Usage: scute tests/check/run.lua
local here = arg[0]:match "^(.*)/" or "."
local cli = dofile "tests/cli/shell.lua"
local photos = dofile "tests/cli/photos.lua"

local tests = {}
for _, name in ipairs { "names", "findings", "typos" } do
   for _, test in ipairs(dofile(("%s/%s.lua"):format(here, name))(cli, photos)) do tests[#tests + 1] = test end
end
cli.run(tests)
