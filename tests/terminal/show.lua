-- What stands on the screen: values cut to it and how to see all, colours, numbered chunks, results that are kept, silence.

-- The session says so with colours, and without where they are not wanted.
local function colors(open, check)
   local t = open()
   t:enter "{ 1, 'two', true }"
   t:enter "error 'red'"
   local screen = t:screen(true)
   check(screen:find "{ \27%[33m1\27%[%d*m, \27%[32m\"two\"\27%[%d*m, \27%[33mtrue", "values by kind", screen)
   check(screen:find("\27[31minput 2:1: red", 1, true), "errors in red", screen)
   t:close()
   for name, options in pairs { NO_COLOR = { environment = { NO_COLOR = "1" } }, ["a dumb terminal"] = { term = "dumb" } } do
      t = open(options)
      t:enter "{ 1, 'two' }"
      t:enter "error 'red'"
      screen = t:screen(true)
      check(screen:find('{ 1, "two" }', 1, true) and screen:find("input 2:1: red", 1, true)
         and not screen:find("\27[3", 1, true), name .. ": no colours", screen)
      t:close()
   end
end

-- Chunks have numbers, beside the prompt and in errors; `_`, `_1` and `_2` are the last results that were not nil.
local function numbers(open, check)
   local t = open { columns = 60 }
   t:enter "function f() error 'deep' end"
   check(t:enter("f(1)"):find("f(1)\ninput 1:1: deep\n", 1, true), "an error says which chunk it is in", t:screen())
   check(t:enter("x = = 1"):find("input 3:1: unexpected symbol", 1, true), "and so does a mistake in the text", t:screen())
   t:enter ""
   check(t:screen():find "\n4>\n4>\n$", "an empty line has no number", t:screen())
   for _, text in ipairs { "10", "20", "nil", "30;" } do t:enter(text) end
   check(t:enter("_, _1, _2"):find "\n30 +20 +10\n", "the last results", t:screen())
   check(t:screen():find("30;\n8> ", 1, true), "a ; at the end silences", t:screen())
   for _ = 1, 2 do t:enter "_" end
   t:type "do"
   t:key "Enter"
   check(t:wait "11> do\n >>", "the prompt of further lines is as wide", t:screen())
   t:key "C-c"
   t:close()
end

-- Long values neither scroll away what was there nor are as wide as another window.
local function cut(open, check)
   local t = open { columns = 60, rows = 40 }
   local shown = t:enter "t = {} for i = 1, 1000 do t[i] = i end; t"
   check(shown:find("… 960 more\n}\nshow(_) prints all of it", 1, true), "a long table is cut, and says how to see all", shown)
   for line in shown:gmatch "\n(   %d[^\n]*)" do check(#line < 60, "its lines fit", line) end
   check(t:enter("show(_)"):find("999, 1000\n}", 1, true), "show(_) prints all of it", t:screen())
   for line in t:enter("scute.zeros(1, 40) + 0.25"):gmatch "\n(  [^\n]*)" do check(#line < 60, "those of tensors too", line) end
   t:enter "m = scute.models.resnet50 { classes = 10 };"
   shown = t:enter 'm:freeze "backbone"'
   check(shown:find '"backbone"\nresnet50: 23,528,522 parameters, 20,490 train; in training mode +%(_ shows all of it%)\n',
      "m:freeze is told in a line", shown)
   shown = t:enter "m"
   local _, lines = shown:gsub("\n", "")
   check(lines < 130 and shown:find("(fc): Linear", 1, true) and shown:find("more lines", 1, true),
      "a model of its own name is shown with both ends", shown)
   shown = t:enter "('x'):rep(1e6)"
   check(#shown < 6000 and shown:find("996,000 more bytes", 1, true), "a long text is cut", #shown)
   check(t:enter("'a\\nb'"):find('\n"a\\nb"\n', 1, true), "a text of several lines is quoted", t:screen())
   t:close()
end

return function(open, check)
   colors(open, check)
   numbers(open, check)
   cut(open, check)
end
