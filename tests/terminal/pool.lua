-- Runs in processes of their own, in a real terminal: a line for each, in place; Ctrl-C reaches them all, a line that is told
-- stands by itself, and nothing of theirs stays.
local SCRIPT = [[
local scute = require "scute"
local console = require "scute.base.console"
local pool = require "scute.experiment.pool"
scute.on_interrupt "finish"
local jobs = {}
for i, name in ipairs { "quick", "first", "second" } do
   local waits = "echo works on " .. ("%%s "):format(name):rep(20) .. "; trap 'echo saved; exit 130' INT TERM;"
      .. "while :; do sleep 0.02; done"
   jobs[i] = { words = { "sh", "-c", i > 1 and waits or "true" }, folder = "%s/pool/" .. name, title = name }
end
console.line("%%s", pool.run(jobs, { at_once = 2, ended = function(job, how) console.line("%%s: %%s", job.title, how) end }))
]]

return function(open, check, scratch)
   local file = assert(io.open(scratch .. "/pool.lua", "w"))
   file:write(SCRIPT:format(scratch))
   file:close()
   local t = open { arguments = scratch .. "/pool.lua", prompt = false, columns = 60, rows = 12 }
   local found, screen = t:wait "   second: works on second second"
   check(found and screen:find "^quick: done\n   first: works on first [^\n]*\n   second: works on second [^\n]*\n$",
      "a line for each that runs", screen)
   for line in screen:gmatch "[^\n]+" do check(#line < 60, "lines fit the terminal", line) end
   t:key "C-c"
   t:wait "interrupted\n"
   check(t:ended() == 130, "the exit code", t:screen())
   -- tmux may write below it that the pane is dead; not always (see tmux.open), so that is nothing to wait for.
   local right, last = t:wait(function(plain)
      local told = plain:gsub("\n*Pane is dead.*", "\n"):gsub("scute: interrupted\n", "")
      return told == "quick: done\nfirst: interrupted\nsecond: interrupted\ninterrupted\n"
         or told == "quick: done\nsecond: interrupted\nfirst: interrupted\ninterrupted\n"
   end)
   check(right, "nothing of the lines stays", last)
   t:close()
end
