-- Lines at the prompt that are no Lua, a script before the session, and the file that each session begins with.
local lfs = require "lfs"

local function write_file(path, text)
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
   return path
end

-- A folder for a session, with an init.lua in it.
local function home_with(scratch, name, init)
   local home = scratch .. "/" .. name
   for _, folder in ipairs { "", "/config", "/config/scute" } do lfs.mkdir(home .. folder) end
   write_file(home .. "/config/scute/init.lua", init)
   return home
end

local SCRIPT = [[
local kept, step = { 1, 2 }, ...
local function double(x) return 2 * x end
if step == "fail" then error "no" end
if step == "loop" then print "looping" while true do end end
local last = double(kept[2])
]]

return function(open, check, scratch)
   local function shows(t, line, wanted)
      local shown = t:enter(line)
      check(shown:find(wanted, 1, true), line .. ": shows " .. wanted, shown)
   end
   local script = write_file(scratch .. "/script.lua", SCRIPT)

   local t = open { home = home_with(scratch, "habits", "local seed = 40; function more(x) return x + seed end") }
   shows(t, "more(seed)", "80")
   shows(t, ".5 + 1", "1.5")
   shows(t, "= 7", "7")
   shows(t, ".tme 1", "there is no command '.tme', did you mean '.time'?")
   shows(t, ".help", ".run FILE [ARGUMENTS]")
   shows(t, ".time 1 + 1", "ns a run, the best of 5 rounds of")
   shows(t, ".time 1 )", "input 7:1: unexpected symbol near '1'")
   shows(t, ".time error 'late'", "input 8:1: late")
   shows(t, "x = scute.ones(100, 50)", "")
   shows(t, ".time y = x:sum()", "µs")
   shows(t, ".who", "x     tensor f32 cpu (100, 50)")
   shows(t, ".mem", "tensors on cpu")
   shows(t, ".run " .. script, "")
   shows(t, "last + double(4)", "12")
   shows(t, ".run " .. script .. " fail", "script.lua:3: no")
   t:type(".run " .. script .. " loop")
   t:key "Enter"
   t:wait "looping"
   t:key "C-c"
   t:wait "interrupted"
   t:wait_prompt(0)
   shows(t, "step", "loop")

   shows(t, "!exit 3", "exit status 3")
   shows(t, "!", "expected a command of the shell")
   shows(t, "!stty -echo -icanon", "")
   shows(t, "'echoed' .. '?'", "'echoed' .. '?'\nechoed?")
   t:type "!echo asleep; exec sleep 1000"
   t:key "Enter"
   t:wait "\nasleep"
   t:key "C-c"
   t:wait "ended by signal 2"
   t:wait_prompt(0)
   shows(t, "step .. 's'", "loops")
   t:enter "quit = nil"
   t:type "quit()"
   t:key "Enter"
   local code = t:ended()
   check(code == 0, "quit() ends the session", code)
   t:close()

   for _, case in ipairs {
      { "syntax", "x = = 1", "unexpected symbol near '='" }, { "error", "local early = 5; error 'oh no'", "oh no" },
      { "exit", "os.exit(3)", "exit status 3" }, { "code", "error { exit = 2, message = 'wrong' }", "wrong" },
   } do
      t = open { home = home_with(scratch, case[1], case[2]) }
      local screen = t:screen()
      check(screen:find(case[3], 1, true) and screen:find("the session begins without the rest of it", 1, true),
         "a start-up file with " .. case[1], screen)
      shows(t, "early or 'none'", case[1] == "error" and "5" or "none")
      t:close()
   end

   t = open { home = home_with(scratch, "endless", "print 'begun' while true do end"), prompt = false }
   t:wait "begun"
   t:key "C-c"
   t:wait_prompt(0)
   shows(t, "6 * 7", "42")
   t:close()

   t = open()
   t:enter "x = scute.zeros(3); function loops(n) return function() x:neg() print('looping ' .. n) while true do end end end"
   for i, line in ipairs { "scute.profile(loops(1))", ".profile loops(2)()", "function f() scute.profile(loops(3)) end f()" } do
      t:type(line)
      t:key "Enter"
      t:wait("looping " .. i)
      t:key "C-c"
      t:wait_prompt(0)
      local _, told = t:screen():gsub("interrupted; the profile so far:\nprofile of [^\n]+\nop [^\n]+\nneg +1 ", "")
      check(told == i, line .. ": Ctrl-C shows what was measured", t:screen())
   end
   shows(t, "6 * 7", "42")
   t:close()

   t = open { arguments = "-i '" .. script .. "' loop", prompt = false }
   t:wait "looping"
   t:key "C-c"
   t:wait_prompt(0)
   shows(t, "double(21) .. step", "42loop")
   t:type "exit"
   t:key "Enter"
   check(t:ended() == 0, "-i after Ctrl-C: exit ends the session", t:screen())
   t:close()
end
