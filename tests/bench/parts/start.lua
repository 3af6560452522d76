-- How long the program itself takes.
local process = require "bench.process"

local TIMES = 10

local start = { name = "start", title = "scute -e ''" }

function start.run(settings, ledger)
   local row = {}
   for _ = 1, settings.rounds * TIMES do
      process.keep_least(row, "ms", 1e3 * process.timed(("exec '%s' -e ''"):format(settings.scute)))
      process.keep_least(row, "nothing", 1e3 * process.timed "exec true")
   end
   ledger:keep("start/empty", row)
end

function start.report(ledger)
   local row = ledger:row "start/empty"
   return row and ("%.1f ms, of which %.1f are those of starting any program.\n"):format(row.ms, row.nothing)
end

function start.reached(ledger)
   local row = ledger:row "start/empty"
   return { { what = "`./scute -e ''`", value = row and row.ms, target = 15, at_least = false, unit = "ms" } }
end

return start
