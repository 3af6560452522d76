-- The run of tests/resume/child.lua as a script has it that reads its command line: what goes wrong is one line.
require("scute").cli.parse({}, "A small run", {})
dofile "tests/resume/child.lua"
