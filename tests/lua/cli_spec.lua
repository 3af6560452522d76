local cli = require "scute.cli"
local console = require "scute.base.console"
local message_of = dofile "tests/lua/message_of.lua"

local spec = {
   { "data_dir", required = true, value = "PATH", help = "where" },
   { "epochs", whole = true, min = 1, default = 10, help = "how long" },
   { "rate", number = true, above = 0, max = 1, default = 0.5, help = "how fast" },
   { "kind", choices = function() return { "plain", "fancy" } end, default = "plain", help = "which" },
   { "quiet", flag = true, help = "say less" },
}

-- What parsing these words does: the options, or the status and what was written to standard error.
local function parse(...)
   local exit, stderr, written = os.exit, io.stderr, {}
   os.exit = function(status) error({ status = status }, 0) end -- luacheck: ignore
   io.stderr = { write = function(_, ...) written[#written + 1] = table.concat { ... } end } -- luacheck: ignore
   local words = { ... }
   words[0] = "script.lua"
   local ok, result = pcall(cli.parse, words, "A summary.", spec)
   os.exit, io.stderr = exit, stderr -- luacheck: ignore
   console.quiet = false
   if ok then return result end
   assert.equal("table", type(result), tostring(result))
   return nil, result.status, table.concat(written)
end

local function refused(pattern, ...)
   local options, status, text = parse(...)
   assert.is_nil(options)
   assert.equal(2, status)
   assert.matches(pattern, text)
   assert.matches("^scute: [^\n]+\n$", text)
end

describe("cli.parse", function()
   it("fills in defaults", function()
      assert.same({ data_dir = "x", epochs = 10, rate = 0.5, kind = "plain", quiet = false }, parse("--data_dir", "x"))
   end)

   it("takes hyphens for underscores, = for a blank, and the last of two", function()
      local options = parse("--data-dir=a b", "--epochs=3", "--epochs", "4", "--rate", "1e-3", "--kind=fancy", "--quiet")
      assert.same({ data_dir = "a b", epochs = 4, rate = 1e-3, kind = "fancy", quiet = true }, options)
      assert.equal("integer", math.type(options.epochs))
   end)

   it("makes a list of a flag that may be said several times", function()
      spec[#spec + 1] = { "extra", many = true, whole = true, min = 1, help = "more" }
      local several, none = parse("--data_dir", "x", "--extra", "3", "--kind=fancy", "--extra=1"), parse("--data_dir", "x")
      local one = parse("--extra", "2", "--data_dir", "x")
      refused("%-%-extra: expected a whole number of at least 1, found '0'", "--data_dir", "x", "--extra", "2", "--extra", "0")
      spec[#spec].required = true
      refused("%-%-extra is missing: more", "--data_dir", "x")
      spec[#spec] = nil
      assert.same({ { 3, 1 }, { 2 } }, { several.extra, one.extra })
      assert.is_nil(none.extra)
   end)

   it("leaves hyphens in values alone", function()
      assert.equal("my-photos_2", parse("--data_dir", "my-photos_2").data_dir)
      assert.equal("-odd", parse("--data-dir", "-odd").data_dir)
   end)

   it("refuses unknown options with the nearest name", function()
      refused("unknown option '%-%-epoch'; did you mean '%-%-epochs'", "--data_dir", "x", "--epoch", "3")
      refused("unknown option '%-%-zzz'; %-%-help", "--data_dir", "x", "--zzz")
   end)

   it("refuses values out of range", function()
      refused("%-%-epochs: expected a whole number of at least 1, found '0'", "--data_dir", "x", "--epochs", "0")
      refused("%-%-epochs: expected a whole number of at least 1, found '%-3'", "--data_dir", "x", "--epochs", "-3")
      refused("found '2.5'", "--data_dir", "x", "--epochs", "2.5")
      refused("%-%-rate: expected a number above 0 and of at most 1, found '0'", "--data_dir", "x", "--rate", "0")
      for _, text in ipairs { "nan", "inf", "1.5", "-1", "fast", "0x", "1e999" } do
         refused("%-%-rate: expected a number", "--data_dir", "x", "--rate", text)
      end
   end)

   it("refuses what is not among the choices, with the nearest", function()
      refused("expected one of plain, fancy, found 'fancey'; did you mean 'fancy'?", "--data_dir", "x", "--kind", "fancey")
   end)

   it("refuses missing options, missing values, empty values and stray words", function()
      refused("%-%-data_dir is missing: where", "--epochs", "3")
      refused("%-%-data_dir.*requires an argument", "--data_dir")
      refused("%-%-epochs.*requires an argument", "--data_dir", "x", "--epochs", "--quiet")
      refused("expected a text, found nothing", "--data_dir", "")
      refused("what is 'stray' for", "--data_dir", "x", "stray")
      refused("does not take arguments", "--data_dir", "x", "--quiet=yes")
   end)

   it("explains every flag of the exercises, with its default", function()
      for _, flags in ipairs { cli.common, require("scute.fine_tuning").flags } do
         for _, entry in ipairs(flags) do
            assert.is_string(entry.help, entry[1])
            assert.is_true(entry.required or entry.flag or entry.default ~= nil or entry.show ~= nil, entry[1])
         end
      end
   end)
end)

describe("console.guard", function()
   it("puts what a failure is about before it, once", function()
      local function fail(text) error(text, 0) end
      assert.equal("weights: no such file", message_of(console.guard, "weights", fail, "no such file"))
      assert.equal("weights: no such file", message_of(console.guard, "weights", fail, "weights: no such file"))
      assert.equal("no such file", message_of(console.guard, nil, fail, "no such file"))
      assert.equal(3, console.guard("weights", function() return 3 end))
   end)
end)
