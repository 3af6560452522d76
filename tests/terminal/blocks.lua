-- Blocks of several lines: pasted, typed, recalled from the history; and the rows of the screen that they stand in.
local lfs = require "lfs"

local FOR = "for i = 1, 2 do\n\tprint(i * 10)\nend"

local function count(text, part)
   local n, at = 0, 0
   while true do
      at = text:find(part, at + 1, true)
      if not at then return n end
      n = n + 1
   end
end

-- Gives the terminal another width, and waits until the program is told so: tmux takes its time.
local function widen(t, columns)
   t:resize(columns, 20)
   local tty = t:call("display-message", "-p", "#{pane_tty}"):match "%S+"
   t:wait(function()
      local pipe = io.popen("stty size <" .. tty)
      return pipe:read "a":find(" " .. columns .. "\n", 1, true), pipe:close()
   end)
end

return function(open, check, scratch)
   local home = scratch .. "/blocks"
   lfs.mkdir(home)
   local t = open { home = home, columns = 60, rows = 20 }
   local function shows(what, name)
      local there, screen = t:wait(what)
      check(there, name, screen)
   end

   -- Pasted text stands there to be read, edited and dropped; Enter runs it as one chunk.
   t:paste "q = scute.ones(2)\n:mul(21)\n"
   shows("> q = scute.ones(2)\n:mul(21)", "a pasted block is shown")
   t:key "Enter"
   shows(":mul(21)\n>", "and runs as one chunk")
   check(t:enter("q:sum():item()"):find("\n42.0\n", 1, true), "all of it", t:screen())
   t:paste "a = 20\na + 22"
   t:key "Enter"
   shows("a + 22\n42\n>", "the last expression of a block is shown")
   t:paste "    > a = 3\n    > a * 7\n    21\n"
   t:key "Enter"
   shows("    21\n21\n>", "lines that are copied with their prompts run without")
   check(t:enter("3> 2"):find("\ntrue\n", 1, true), "but a comparison is one", t:screen())
   t:paste "first\r\nsecond\r\nthird"
   shows("> first\nsecond\nthird", "line breaks of all kinds")
   t:key("Up", "C-c")
   shows("third^C\n>", "Ctrl-C drops it, below it")
   t:paste "'\3\4\26\27[31mgrün\tx\8' --\0"
   shows(function(screen) return screen:find "> '%[31mgrün +x' %-%-" end, "control characters are no keys, tabs no completion")
   t:key "Enter"
   shows("\n[31mgrün        x\n>", "nor harmful")

   local tall = {}
   for i = 1, 30 do tall[i] = "n = " .. i end
   t:paste(table.concat(tall, "\n"))
   t:wait "n = 30"
   t:key "Enter"
   shows("> n = 1\nn = 2\nn = 3\n", "a block longer than the screen stands there whole in the end")
   check(count(t:screen(), "n = 30") == 1, "once", t:screen())

   -- In a block the arrows move; what was changed is what runs.
   t:paste(FOR)
   t:key("Up", "End", "Left", "BSpace", "BSpace", "BSpace", "BSpace", "BSpace")
   t:type " + 1"
   t:key("Down", "Down")
   t:key "Enter"
   shows("\n2\n3\n>", "a block that was edited")
   t:type "f = function()"
   t:key("M-Enter")
   t:type "return 77 end"
   t:key("Enter")
   check(t:enter("f()"):find("77", 1, true), "Alt-Enter begins a new line", t:screen())

   -- Typed line by line, recalled as one.
   t:type "s = [["
   t:key "Enter"
   t:type "one -- two"
   t:key "Enter"
   shows(">> one", "lines of an unfinished chunk")
   t:enter "]]"
   t:key "Up"
   shows("> s = [[\none -- two\n]]", "a typed block is recalled whole")
   t:key("Up", "Up", "Up")
   shows("> f()", "and the one before it")
   t:key("Down", "End")
   t:type " .. 'x'"
   local from = t:enter ""
   check(from:find "\n%d*>", "an edited one runs", from)
   check(t:enter("#s"):find("\n12\n", 1, true), "with its line breaks and what looks like a comment", t:screen())
   t:close()

   -- The next session has it all. After a resize nothing is left of the rows that were.
   t = open { home = home, columns = 60, rows = 20 }
   t:type "for"
   t:key "Up"
   shows("> for i = 1, 2 do\n        print(i + 1", "the history of another session, by its beginning")
   widen(t, 14)
   t:type " -"
   shows(function() return t:call("capture-pane", "-p"):find("print(\ni + 1)\nend -", 1, true) end, "narrower")
   widen(t, 50)
   t:type "-"
   shows("> for i = 1, 2 do\n        print(i + 1)\nend --", "wider")
   check(count(t:screen(), "for i") == 1, "no stale row", t:screen())
   t:key "C-c"
   t:wait "^C"
   t:key("C-r")
   t:type "one --"
   shows("s = [[\none -- two", "Ctrl-R finds blocks")
   t:key "C-c"
   t:wait(function(screen) return count(screen, "^C") == 2 end)
   local long = "x = 'of many words, so that it takes several rows and rows and rows'"
   t:type(long)
   widen(t, 31)
   t:type "; x"
   t:wait "; x"
   widen(t, 44)
   widen(t, 70)
   t:type ", 1"
   shows("> " .. long .. "; x, 1", "a long line after several resizes")
   check(count(t:screen(), "x = 'of") == 1, "drawn once", t:screen())
   t:key "C-c"
   t:wait ", 1^C"
   t:type "'日本語の文字"
   t:key("Left", "Left", "BSpace", "Right", "Right")
   local shown = t:enter "'"
   check(shown:find("'日本語文字'\n日本語文字\n", 1, true), "wide letters", shown)
   t:close()

   t = open { home = home, term = "dumb" }
   shown = t:enter "20 + 22"
   check(shown:find("42", 1, true), "a dumb terminal", shown)
   t:close()
end
