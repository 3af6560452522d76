-- How the session shows values: tables, functions, texts, objects; what is cut says so; nothing hostile ends it.
local scute = require "scute"
local brief = require "scute.repl.show.brief"
local entries = require "scute.repl.show.entries"
local paint = require "scute.repl.show.paint"
local show = require "scute.repl.show"

local function shown(...)
   return paint.plain(show.results(table.pack(...)))
end

local function lines_of(text)
   return select(2, text:gsub("\n", "")) + 1
end

-- What f writes to standard output.
local function printed(f, ...)
   local parts, stdout = {}, io.stdout
   io.stdout = { write = function(_, text) parts[#parts + 1] = text end } -- luacheck: ignore
   local ok, why = pcall(f, ...)
   io.stdout = stdout -- luacheck: ignore
   assert(ok, why)
   return table.concat(parts)
end

describe("a table at the prompt", function()
   it("stands on a line where it has room, whatever is in it", function()
      assert.equal('{ 1, "two", [true] = 0.5, x = { 3, y = {} } }', shown { 1, "two", x = { 3, y = {} }, [true] = 0.5 })
      assert.equal("{}", shown {})
      assert.equal('{ [-1] = 2, [2.5] = 3, ["a b"] = 1 }', shown { ["a b"] = 1, [-1] = 2, [2.5] = 3 })
   end)

   it("is looked into four tables deep", function()
      local text = shown { a = { b = { c = { d = { e = 1 } } } } }
      assert.matches("a = { b = { c = { d = {…} } } }", text, 1, true)
      assert.matches("\nshow(_) prints all of it", text, 1, true)
   end)

   it("has an entry a line where it has no room, and fills lines with the values of a list", function()
      local t = { name = ("x"):rep(50), other = ("y"):rep(50), list = {} }
      for i = 1, 10 do t.list[i] = i end
      assert.equal(('{\n   list = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 },\n   name = "%s",\n   other = "%s"\n}'):format(t.name,
         t.other), shown(t))
      local numbers = {}
      for i = 1, 40 do numbers[i] = i end
      assert.equal(4, lines_of(shown(numbers)))
   end)

   it("is cut where it is long, and tells how many more there are", function()
      local list, map = {}, {}
      for i = 1, 1234 do list[i], map["k" .. i] = i, i end
      assert.matches("40, … 1,194 more\n}\nshow(_) prints all of it", shown(list), 1, true)
      assert.matches("… 1,194 more", shown(map), 1, true)
      assert.matches("a = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, … 1,224 more }", shown { a = list }, 1, true)
   end)

   it("takes some sixty lines however much is in it", function()
      local function tree(depth)
         local t = {}
         for i = 1, 10 do t["a rather long name of a key " .. i] = depth > 0 and tree(depth - 1) or ("x"):rep(30) end
         return t
      end
      assert.is_true(lines_of(shown(tree(3))) < 80)
   end)

   it("may hold itself", function()
      local t = { n = 1 }
      t.self, t.list = t, { t }
      assert.equal("{ list = { <a table around this one> }, n = 1, self = <a table around this one> }", shown(t))
      local shared = {}
      assert.equal("{ {}, {} }", shown { shared, shared }) -- twice beside each other is no circle
   end)

   it("shows texts in quotes, long ones by their beginning", function()
      assert.equal([[{ "a\nb", "\"", "\\", "\0002" }]], shown { "a\nb", '"', "\\", "\0002" })
      assert.equal('{ "' .. ("ä"):rep(60) .. '" }', shown { ("ä"):rep(60) }) -- letters count, not bytes
      local text = shown { ("ä"):rep(100) }
      assert.matches("{ \"" .. ("ä"):rep(57) .. "…\" }", text, 1, true)
   end)

   it("shows tensors and models by a line each", function()
      local net = scute.nn.Sequential { scute.nn.Linear { 3, 4 }, scute.nn.ReLU {} }
      local text = shown { scute.zeros(2, 3), net }
      assert.matches("tensor f32 cpu (2, 3) …", text, 1, true)
      assert.matches("Sequential: 16 parameters, all train; in training mode", text, 1, true)
   end)

   it("of ten million entries is shown at once", function()
      local t = { n = 5 }
      for i = 1, 1e7 do t[i] = i end
      local steps = 0 -- of Lua's machine, in thousands
      debug.sethook(function() steps = steps + 1 end, "", 1000)
      local text = shown(t)
      debug.sethook()
      assert.matches("40, … 9,999,961 more", text, 1, true)
      assert.is_true(steps < 1000, steps)
   end)

   it("of very many keys tells that there are at least so many", function()
      local t = {}
      for i = 1, 300000 do t["k" .. i] = i end
      assert.matches("… at least 199,960 more", shown(t), 1, true)
   end)
end)

describe("hostile values", function()
   local function fails() error "hostile" end

   it("in a table are told of", function()
      local text = shown { setmetatable({}, { __tostring = fails }), 1 }
      assert.matches("{ <table whose __tostring fails: .*hostile>, 1 }", text)
      text = shown { setmetatable({}, { __tostring = function() return {} end }) }
      assert.matches("<table whose __tostring fails: .*must return a string>", text)
   end)

   it("are looked into without their metamethods", function()
      local t = setmetatable({ 1, a = 2 }, { __index = fails, __pairs = fails, __len = fails, __eq = fails, __lt = fails,
         __metatable = "no" })
      assert.equal("{ 1, a = 2 }", shown(t))
      assert.equal("{}", shown(setmetatable({}, setmetatable({}, { __index = fails }))))
      assert.matches("^{ %[{…}%] = 1 }", shown { [t] = 1 })
   end)

   it("with names that a terminal takes for commands show nothing but letters", function()
      for _, value in ipairs { { "\27[31m" }, { ["\27[31m"] = 1 }, "\27[31m", "a\n\27[31m",
         setmetatable({}, { __tostring = function() return "\14error\14\27[31m\15" end }) } do
         assert.is_nil(paint.plain(show.results { n = 1, value }):gsub("\n", ""):find "%c")
      end
   end)

   it("nested a thousand deep are shown, whole as well", function()
      local t = {}
      for _ = 1, 1000 do t = { t } end
      assert.matches("{…}", shown(t))
      assert.matches("{…}", printed(show.all, t))
   end)
end)

describe("other values", function()
   it("are texts as they are, or in quotes where they have several lines", function()
      assert.equal("one line", shown "one line")
      assert.equal([["two\nlines"]], shown "two\nlines")
      assert.equal([["no \200 UTF-8"]], shown "no \200 UTF-8")
      assert.equal("a\tnil\t2.5\tfalse", shown("a", nil, 2.5, false))
   end)

   it("are functions as they are called", function()
      local text = shown(scute.train.fit)
      assert.matches("^function scute.train.fit%(model, set, options%)\n   Trains", text)
      assert.matches('help "train.fit" says more$', text)
      assert.matches("^function scute.matmul%(a, b%)\n", shown(scute.matmul))
      assert.matches("^function module:freeze%(what, options%)\n   Param[^\n]*\n   help \"module:freeze\" says more$",
         shown(scute.nn.Module.freeze))
      assert.matches("^function module:to%(%.%.%.%)\n", shown(scute.nn.Module.to)) -- of that name there is an op, too
      assert.equal("class Module", shown(scute.nn.Module))
      assert.equal("function string.format(...)", shown(string.format))
      local function mine(a, b, ...) return a, b, ... end
      assert.matches("^function %(a, b, %.%.%.%)   %-%- .*show_spec.lua:%d+$", shown(mine))
      assert.equal("{ function(a, b, ...), function }", shown { mine, print })
   end)

   it("are tensors, summarised where they are long", function()
      assert.matches("^tensor f32 cpu %(1000%)\n[^\n]*%.%.%.[^\n]*$", shown(scute.randn(1000)))
      assert.is_true(lines_of(printed(show.all, scute.zeros(1000))) > 30)
   end)
end)

describe("an object that its method returned", function()
   it("is told in a line", function()
      local net = scute.nn.Sequential { scute.nn.Linear { 3, 4 }, scute.nn.ReLU {} }
      local text = paint.plain(show.results({ n = 1, net }, true))
      assert.equal("Sequential: 16 parameters, all train; in training mode   (_ shows all of it)", text)
      assert.equal(tostring(net), shown(net))
   end)
end)

describe("show(value)", function()
   it("prints all of a table", function()
      local t = { deep = { { { { { { "bottom" } } } } } } }
      for i = 1, 1000 do t[i] = "entry " .. i end
      local text = printed(show.all, t)
      assert.matches('"entry 1000"', text, 1, true)
      assert.matches("bottom", text, 1, true)
      assert.is_nil(text:find("…", 1, true))
   end)

   it("prints the fields of a result, whatever it says itself", function()
      local part = scute.predict and require("scute.data.as_text").part { paths = { "a.jpg", "b.jpg" }, labels = { 1, 2 } }
      assert.matches("2 photos in 2 classes", shown(part), 1, true)
      assert.equal('{ labels = { 1, 2 }, paths = { "a.jpg", "b.jpg" } }\n', printed(show.all, part))
   end)

   it("prints a text with its lines", function()
      assert.equal("a\nb\n", printed(show.all, "a\nb"))
   end)
end)

describe("colours", function()
   it("are by kind, and not counted", function()
      local text = show.results { n = 1, { 1, "a", true, print } }
      assert.equal(paint.width(text), utf8.len(paint.plain(text)))
      assert.equal('{ \27[33m1\27[0m, \27[32m"a"\27[0m, \27[33mtrue\27[0m, \27[36mfunction\27[0m }', paint.colored(text))
   end)

   it("end with each line", function()
      assert.equal("\27[31ma\27[0m\n\27[31mb\27[0m", paint.colored(paint.mark("error", "a\nb")))
   end)

   it("do not change where a table is broken into lines", function()
      local t = {}
      for i = 1, 40 do t[i] = i end
      local pieces, limits = {}, { width = 60, most = 40, inner = 10, depth = 4, lines = 60 }
      entries.write(t, limits, function(text) pieces[#pieces + 1] = text end)
      for line in paint.plain(table.concat(pieces)):gmatch "[^\n]+" do assert.is_true(#line <= 60, line) end
   end)
end)

describe("a number", function()
   it("has the digits that tell it from others", function()
      for text, value in pairs { ["0.1"] = 0.1, ["42"] = 42, ["1.0"] = 1.0, ["-inf"] = -math.huge, nan = 0 / 0,
         ["1e+100"] = 1e100 } do
         assert.equal(text, brief.number(value))
      end
   end)
end)
