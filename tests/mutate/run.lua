-- The list of faults fits the sources: each fault's text is there once, and it changes something. That a test finds each of
-- them is what `make mutate` shows. Usage: scute tests/mutate/run.lua
local tally = dofile "tests/tally.lua"
local list = dofile "tests/mutate/list.lua"

for _, fault in ipairs(list.read()) do
   local text, changed = list.apply(fault, ".")
   tally.check(text and changed ~= text, list.name(fault), changed)
   tally.check(not fault.test ~= not fault.equivalent, list.name(fault), "expected either a test or why it is equivalent")
end
tally.finish()
