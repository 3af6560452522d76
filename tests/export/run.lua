-- Exported models by other programs' word: ONNX's checker takes them, and onnxruntime computes what scute does.
-- Usage: scute tests/export/run.lua [part...], of PARTS
local scute = require "scute"
local public = require "scute.base.public"
local operators = require "scute.export.onnx.operators"
local tally = dofile "tests/tally.lua"
local runtime = dofile "tests/export/runtime.lua"

local PARTS = { "files", "ops", "models", "photos" }

-- Random ones (dropout is nothing in evaluation mode), those whose result has as many entries as the values say, and the loss.
local WITHOUT_COUNTERPART = { bincount = true, cross_entropy = true, dropout = true, multinomial = true, unique = true }

-- Notes which ops are exported.
local function watch()
   local tried = {}
   for op, write in pairs(operators) do
      operators[op] = function(...)
         tried[op] = true
         return write(...)
      end
   end
   return tried
end

-- A new op is either here or there, and tried.
local function check_all(tried)
   for _, name in ipairs(public.names(scute)) do
      if pcall(scute.op_info, name) then
         tally.check(tried[name] ~= WITHOUT_COUNTERPART[name], name .. ": exported, or known to have no counterpart", "neither")
      end
   end
end

-- The tests of scripts/export.lua, a program of their own.
local function add_script()
   local pipe <close> = io.popen(("'%s' tests/export/script.lua 2>&1"):format(arg[-1]))
   tally.add("scripts/export.lua", pipe:read "a")
end

local tried, batch = watch(), runtime.new()
for _, part in ipairs(#arg > 0 and arg or PARTS) do dofile(("tests/export/%s.lua"):format(part))(batch, tally.check) end
batch:run(tally.check)
if #arg == 0 then
   check_all(tried)
   add_script()
end
tally.finish()
