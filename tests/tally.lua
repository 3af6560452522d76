-- Counts checks, tells those that fail, and ends with the line that tools/test.sh reads.
-- Usage in a test: local tally = dofile "tests/tally.lua"
local tally = { passed = 0, failed = 0 }

--- Counts one check and returns `ok`. detail: what was found, told where it failed.
function tally.check(ok, name, detail)
   if ok then
      tally.passed = tally.passed + 1
   else
      tally.failed = tally.failed + 1
      print(("FAILED %s\n   %s"):format(name, (tostring(detail):gsub("\n", "\n   "))))
   end
   return ok
end

--- Adds what a program of that name counted, in the last line of its output, which is shown where something failed. A program
-- that counted nothing is a failure.
function tally.add(name, text)
   local passed, failed = text:match "(%d+) passed, (%d+) failed%s*$"
   passed, failed = tonumber(passed or 0), tonumber(failed or 1)
   if passed + failed == 0 then failed = 1 end
   tally.passed, tally.failed = tally.passed + passed, tally.failed + failed
   if failed > 0 then print(name .. ":\n" .. text) end
end

--- Prints the count and ends the program: with status 1 where a check failed or nothing was checked.
function tally.finish()
   print(("%d passed, %d failed"):format(tally.passed, tally.failed))
   os.exit(tally.failed == 0 and tally.passed > 0, true)
end

return tally
