-- Files of ONNX put together by hand: each kind of input and attribute that lua/scute/export/onnx_file.lua writes, and how much
-- memory a large file takes.
local scute = require "scute"
local onnx_file = require "scute.export.onnx_file"

local program = arg[-1]

local function linear(batch, half)
   local w, b, x = scute.randn(10, 8), scute.randn(10), scute.randn(3, 8)
   batch:add { name = "a linear layer" .. (half and ", f16" or ""), inputs = { input = x },
      expected = { logits = x:matmul(w:transpose(1, 2)) + b }, tolerance = half and 2e-2 or 1e-5,
      save = function(path)
         local g = onnx_file.new { name = "linear", half = half, metadata = { split = "Ä\n\"", accuracy = "" } }
         local names = { g:input("input", "f32", { "N", 8 }), g:initializer("fc.weight", w), g:initializer("fc.bias", b) }
         g:output("logits", "f32", { "N", 10 }, g:node("Gemm", names, { transB = 1 }))
         g:save(path)
      end,
      look = function(told, check)
         check(told.metadata.split == "Ä\n\"" and told.metadata.accuracy == "", "metadata", told.metadata.split)
         check(told.inputs.input[1] == "tensor(float)" and told.outputs.logits[1] == "tensor(float)", "f32 in and out")
         check(told.inputs.input[2][1] == "N" and told.inputs.input[2][2] == 8, "the number of samples is free")
      end }
end

-- Attributes of all kinds; texts and numbers of a node that nobody uses too.
local function attributes(batch)
   local x = scute.randn(2, 1, 4, 4)
   batch:add { name = "attributes", inputs = { input = x }, expected = { y = x:pad({ 1, 1, 1, 1 }, "reflect"):relu() * 3 },
      save = function(path)
         local g = onnx_file.new {}
         local input = g:input("input", "f32", { "N", 1, 4, 4 })
         g:node("Constant", {}, { value_floats = { 1.5, 2 } })
         g:node("Constant", {}, { value_ints = { -1, math.maxinteger } })
         g:node("Constant", {}, { value_strings = { "a", "" } })
         local padded = g:node("Pad", { input, g:wholes { 0, 0, 1, 1, 0, 0, 1, 1 }, false }, { mode = "reflect" })
         local three = g:node("Constant", {}, { value_float = 3.0 })
         g:output("y", "f32", { "N", 1, 6, 6 }, g:node("Mul", { g:node("LeakyRelu", { padded }, { alpha = 0 }), three }))
         g:save(path)
      end }
end

-- The most memory that a program has had, in MB, that runs some Lua.
local function peak(code)
   local pipe = assert(io.popen(("'%s' -e '%s'"):format(program, code .. [[
      for line in io.lines "/proc/self/status" do
         local kilobytes = line:match "VmHWM:%s+(%d+)"
         if kilobytes then print(kilobytes // 1024) end
      end]])))
   local found = tonumber(pipe:read "a")
   pipe:close()
   return found
end

-- 16 tensors of 8 MB: what is written takes one of them more, in f16 one and a half.
local MAKE = [[
   local scute = require "scute"
   local w = {}
   for i = 1, 16 do w[i] = scute.ones(2 ^ 21) end]]

local SAVE_ALL = MAKE .. [[
   local g = require "scute.export.onnx_file".new { half = %s }
   for i = 1, 16 do g:initializer("w" .. i, w[i]) end
   g:save "%s"]]

local function memory(check)
   local path, before = os.tmpname(), peak(MAKE)
   for _, half in ipairs { "false", "true" } do
      local after = peak(SAVE_ALL:format(half, path))
      local most = half == "true" and 16 or 12
      check(before > 128 and after - before <= most, ("memory of a file of 128 MB, half = %s"):format(half),
         ("%s MB before, %s MB after"):format(before, after))
   end
   os.remove(path)
end

-- ---- calls of the system that fail (tests/faults/shim.c) ----

local SAVE = [[
   local scute = require "scute"
   local g = require "scute.export.onnx_file".new {}
   for i = 1, 4 do g:initializer("w" .. i, scute.ones(1000)) end
   g:save(os.getenv "TARGET")]]

-- What a run says, what the file has then (false where something lies beside it), and how often it asked for memory.
local function save_failing(fault)
   local folder = os.tmpname()
   os.remove(folder)
   scute.files.mkdirs(folder)
   local target = folder .. "/model.onnx"
   scute.files.write(target, "before")
   local shim = program:match "^(.*)/[^/]*$" .. "/tests/faults.so"
   local log = os.tmpname()
   local line = "TARGET=%s FAULTS=%s FAULTS_LOG=%s LD_PRELOAD='%s' '%s' -e '%s' 2>&1"
   local pipe = assert(io.popen(line:format(target, fault, log, shim, program, SAVE)))
   local said = pipe:read "a"
   pipe:close()
   local calls = tonumber(io.open(log):read "a":match "memory (%d+)")
   os.remove(log)
   local alone = #select(2, scute.files.list(folder)) == 1
   local file <close> = io.open(target, "rb")
   local content = alone and file:read "a"
   os.execute(("rm -rf '%s'"):format(folder))
   return said, content, calls
end

local function faults(check)
   local _, whole, calls = save_failing "memory:0"
   check(whole and #whole > 16000, "a file without faults", whole and #whole)
   for _, fault in ipairs { "write:1:1", "write:5:1", "sync:1:1", "rename:1:1" } do
      local said, content = save_failing(fault)
      check(content == "before" and said:find("cannot write", 1, true), fault .. ": what was there stays", said)
   end
   local said, content = save_failing "short_write:2"
   check(content == whole, "short_write: goes on", said)
   for _, before in ipairs { 1, 4, 8, 16, 40 } do -- before the last one
      said, content = save_failing(("memory:%d:1"):format(calls - before))
      check(content == "before" or content == whole, ("memory, %d before the end: whole or nothing"):format(before), said)
   end
end

return function(batch, check)
   scute.manual_seed(1)
   linear(batch, false)
   linear(batch, true)
   attributes(batch)
   memory(check)
   faults(check)
end
