-- Weight files that are made to take far more time or memory than their size: each is refused with a reason, or read within
-- three times the file and the 100 MB that the readers allow themselves for what describes it.
local scute = require "scute"
local weights = require "scute.weights"

local N = 20000 -- entries; as many as a file may have
local MB = 2 ^ 20 // 1
local MAGIC = "\x80\x02\x8a\x0a" .. "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

local path

local function write(...)
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(...))
end

-- ---- pickles ----

local function text(value) return "X" .. string.pack("<s4", value) end
local function int(value) return "J" .. string.pack("<i4", value) end
local function global(module, name) return ("c%s\n%s\n"):format(module, name) end
local function tuple(...) return "(" .. table.concat { ... } .. "t" end

local function storage(key, count)
   return tuple(text "storage", global("torch", "FloatStorage"), text(key), text "cpu", int(count), "N") .. "Q"
end

local function tensor(key, count, offset, shape, strides)
   return global("torch._utils", "_rebuild_tensor_v2")
      .. tuple(storage(key, count), int(offset), tuple(int(shape)), tuple(int(strides or 1))) .. "R"
end

-- A dict of N entries; name(i) and value(i) are instructions.
local function dict(n, name, value)
   local parts = { "\x80\x02}(" }
   for i = 1, n do
      parts[#parts + 1] = name(i)
      parts[#parts + 1] = value(i)
   end
   parts[#parts + 1] = "u."
   return table.concat(parts)
end

-- The older format of torch.save: pickles, then the storages of the keys, which all hold `count` numbers: `bytes`, or zeros.
local function write_legacy(object, keys, count, bytes)
   local list, data = {}, string.pack("<i8", count) .. (bytes or ("\0"):rep(4 * count))
   for i, key in ipairs(keys) do list[i] = text(key) end
   write(MAGIC, "\x80\x02M\xe9\x03.", "\x80\x02}.", object, "\x80\x02](", table.concat(list), "e.", data:rep(#keys))
end

-- An archive of empty entries.
local function write_zip(names)
   local records, list, at = {}, {}, 0
   for i, name in ipairs(names) do
      local facts = string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, 0, 0, 0, 33, 0, 0, 0, #name, 0)
      records[i] = "PK\3\4" .. facts .. name
      list[i] = "PK\1\2" .. string.pack("<I2", 20) .. facts .. string.pack("<I2I2I2I4I4", 0, 0, 0, 0, at) .. name
      at = at + #records[i]
   end
   local directory = table.concat(list)
   write(table.concat(records), directory, "PK\5\6",
      string.pack("<I2I2I2I2I4I4I2", 0, 0, #names, #names, #directory, at, 0))
end

local function write_safetensors(...)
   local header = table.concat { ... }
   write(string.pack("<s8", header))
end

-- ---- what becomes of them ----

local function refused(pattern)
   local ok, message = pcall(weights.load, path)
   assert.is_false(ok)
   assert.matches(pattern, message)
end

-- Megabytes that a program of its own takes for the file at its peak.
local function peak_of_loading()
   local code = ([[
      local function peak() return io.open "/proc/self/status":read "a":match "VmHWM:%%s*(%%d+)" / 1024 end
      local before = peak()
      local loaded = scute.weights.load "%s"
      print(peak() - before)]]):format(path)
   local program <close> = assert(io.popen(("/proc/$PPID/exe -e '%s'"):format(code)))
   return tonumber(program:read "a")
end

describe("a weight file that is a bomb", function()
   setup(function() path = os.tmpname() end)
   teardown(function() os.remove(path) end)

   it("with as many names as fit over the same bytes takes these once", function()
      write_legacy(dict(N, function(i) return text("k" .. i) end, function() return tensor("0", 5 * MB, 0, 5 * MB) end),
         { "0" }, 5 * MB)
      local before = scute.memory().live
      local loaded = weights.load(path)
      assert.equal(N, #loaded.names)
      assert.is_true(scute.memory().live - before < 21 * MB)
      loaded.tensors.k1:fill_(3) -- and they are values of their own all the same
      assert.equal(0, loaded.tensors.k2[1])
   end)

   it("or none shares only what is the same part in the same order", function()
      local function part(i) return tensor("0", 8, i < 3 and 0 or 2, 3, i == 2 and 2 or 1) end
      write_legacy(dict(4, function(i) return text("k" .. i) end, part), { "0" }, 8,
         string.pack("<ffffffff", 1, 2, 3, 0, 0, 0, 0, 0))
      local found = weights.load(path).tensors
      assert.same({ 1, 2, 3 }, found.k1:totable())
      assert.same({ 1, 3, 0 }, found.k2:totable())
      assert.same({ 3, 0, 0 }, found.k3:totable())
      assert.same({ 3, 0, 0 }, found.k4:totable())
   end)

   it("with names over parts that lie on top of each other is refused", function()
      write_legacy(dict(N, function(i) return text("k" .. i) end, function(i) return tensor("0", MB, i, MB - N) end), { "0" },
         MB)
      refused "takes far more memory than the file holds"
   end)

   it("with a name of megabytes is refused, and so is one for a storage", function()
      write_legacy(dict(N, function(i) return i == 1 and text(("k"):rep(10 * MB)) .. "q\1" or "h\1" end,
         function() return tensor("0", 1, 0, 1) end), { "0" }, 1)
      refused "a name of 10485760 bytes, at most 1000 are allowed"
      write_legacy(dict(1, function() return text "k" end, function() return tensor(("0"):rep(MB), 1, 0, 1) end), {}, 1)
      refused "describes a storage that cannot be"
      write_safetensors('{"', ("k"):rep(MB), '":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', "\0\0\0\0")
      refused "a name of 1048576 bytes, at most 1000 are allowed"
   end)

   it("with an object that takes the same attributes over and over is refused", function()
      local parts = { "\x80\x02}q\1(" }
      for i = 1, N do parts[i + 1] = int(i) .. "N" end
      parts[N + 2] = "u" .. global("my", "Net") .. ")R" .. ("h\1b"):rep(3000) .. "."
      write_legacy(table.concat(parts), {}, 0)
      refused "more than a state dict ever needs"
   end)

   it("with places for weights in places for weights is searched once", function()
      local usual = { "state_dict", "model_state_dict", "model", "net", "network", "module", "checkpoint", "ema" }
      local inner = { "}q\1(" } -- a dict of many names that holds itself under all usual ones
      for i = 1, N do inner[i + 1] = text("k" .. i) .. "N" end
      for _, name in ipairs(usual) do inner[#inner + 1] = text(name) .. "h\1" end
      write_legacy("\x80\x02" .. table.concat(inner) .. "u.", {}, 0)
      refused "expected a dict from names to tensors"
   end)

   it("with very many storages, or names that differ at their ends only, is read", function()
      local keys = {}
      for i = 1, N do keys[i] = tostring(i) end
      write_legacy(dict(N, function(i) return text("k" .. i) end, function(i) return tensor(keys[i], 1, 0, 1) end), keys, 1)
      assert.equal(N, #weights.load(path).names)
      write_legacy(dict(N, function(i) return text(("k"):rep(900) .. i) end, function() return tensor("0", 1, 0, 1) end),
         { "0" }, 1)
      assert.equal(N, #weights.load(path).names)
   end)

   it("with an archive of far more entries than a state dict has is refused", function()
      local names = {}
      for i = 1, 3 * N do names[i] = "a/data/" .. i end
      write_zip(names)
      refused "it lists far more entries than a state dict has"
   end)

   it("with a safetensors header of too many values is refused before it is parsed", function()
      write_safetensors('{"a":{"shape":[', ("1,"):rep(10 * MB), "1]}}")
      refused "holds far more values than that of a weight file"
      write_safetensors('{"a":', ("["):rep(MB))
      refused "nested deeper than that of a weight file"
      write_safetensors('{"__metadata__":{', ('"a":"",'):rep(4 * MB), '"b":""}}')
      refused "holds far more values than that of a weight file"
      local entries = {}
      for i = 1, N + 1 do entries[i] = ('"k%d":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'):format(i) end
      write_safetensors("{", table.concat(entries, ","), "}")
      refused "holds more than 20000 entries"
   end)

   it("takes at most three times its size in memory, whatever the order of its numbers", function()
      local n = 16 * MB -- 64 MB
      local function within(object)
         write_legacy(object, { "0" }, n)
         local peak = peak_of_loading()
         assert.is_true(peak < 3 * 64 + 8, ("%.0f MB for a file of 64"):format(peak))
      end
      local function name() return text "k" end
      within(dict(1, name, function() return tensor("0", n, 0, n) end))
      within(dict(1, name, function() return tensor("0", n, 0, n // 2, 2) end))
      within((dict(1, name, function() return tensor("0", n, 0, n) end):gsub("FloatStorage", "IntStorage")))
   end)
end)
