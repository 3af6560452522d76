-- What is typed or pasted at the prompt as a chunk, and what of it is shown.
local source = require "scute.repl.source"

local function results(text)
   local chunk = assert(source.compile(text, "=input"))
   return table.pack(chunk())
end

local function shown(text)
   return results(text)[1]
end

describe("a block of several lines", function()
   after_each(function() _G.a, _G.f, _G.g = nil, nil, nil end)

   it("shows its last expression", function()
      assert.equal(42, shown "a = 20\na + 22")
      assert.equal(42, shown "local a = 20\na + 22")
      assert.equal(3, shown "a = { 1,\n2,\n3 }\n#a")
      assert.equal("AB", shown "a = 'ab'\na\n:upper()\n-- a comment\n")
      assert.equal(7, shown "function f() return 7 end\nf()")
      assert.equal(8, shown "for i = 1, 2 do\n  a = i\nend\na + 6")
      assert.equal(1, shown "if true then\n  a = 1\nelse\n  a = 2\nend; a")
   end)

   it("shows nothing where it ends with a statement", function()
      assert.equal(0, results("a = 1\na = 2").n)
      assert.equal(0, results("a = 1\nfor i = 1, 2 do\n  a = a + i\nend").n)
      assert.equal(4, _G.a)
   end)

   it("is Lua first: a line that goes on with the one before does", function()
      assert.equal(0, results("a = 5\n- 3").n)
      assert.equal(2, _G.a)
      _G.f = function(x) return function() return x end end
      assert.equal(0, results("g = f\n(9)").n)
      assert.equal(9, _G.g())
   end)

   it("is incomplete until its end, and wrong where it is", function()
      local chunk, _, incomplete = source.compile("a = 1\nfor i = 1, 2 do", "=input")
      assert.is_nil(chunk)
      assert.is_true(incomplete)
      local message
      chunk, message, incomplete = source.compile("a = 1\nb = = 2", "=input")
      assert.is_nil(chunk)
      assert.is_false(incomplete)
      assert.matches("^input:2: unexpected symbol near '='", message)
   end)
end)

describe("text that was copied out of a session", function()
   local without = source.without_prompts

   it("is what was typed there", function()
      assert.equal("x = 3\nx", without "> x = 3\n> x\n3")
      assert.equal("x = 3\nx + 1", without "    3> x = 3\n    4> x + 1\n    4\n    5>")
      assert.equal("for i = 1, 2 do\nprint(i)\nend\n1", without "7> for i = 1, 2 do\n>> print(i)\n>> end\n1\n2\n8> 1\n1")
      assert.equal("for i = 1, 2 do\n   print(i)\nend\n1", without "7> for i = 1, 2 do\n   print(i)\nend\n1\n2\n8> 1\n1")
   end)

   it("is nothing else", function()
      for _, text in ipairs { "x > 3", "x = 3\n> 4", "", ">= 3", "3>2", ">>> x" } do assert.is_nil(without(text), text) end
   end)
end)
