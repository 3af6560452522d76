-- The case tables of tests/ops, and those of this folder's cases/, on a GPU, forward and backward: float32 and, where an op has
-- it, float64 against ref in float64; half widths against cpu in float32 from the same rounded numbers; within the tolerances
-- of the tables.
-- Usage: [EVERY=N] scute tests/cuda/ops.lua [DEVICE [family ...]]     DEVICE: cuda, cuda:1, ...; EVERY: of each op the first
--        case and every N-th after it
local here = arg[0]:match "^(.*)/" or "."
local tables = here .. "/../ops"
package.path = tables .. "/lib/?.lua;" .. package.path

local scute = require "scute"
local cases = require "cases"
local compare = require "difference"
local execute = require "execute"

local device = arg[1] or "cuda"
scute.tf32(false) -- what is compared is float32
local every = tonumber(os.getenv "EVERY" or 1)
local passed, failed = 0, 0
local missing = {} -- op -> true

local function try(case, dtype, f)
   local ok, wrong = pcall(f)
   local op = not ok and tostring(wrong):match "([%w_]+): no kernel for"
   if op and dtype == "f64" then return end
   if op then
      missing[op] = true
   elseif ok and not wrong then
      passed = passed + 1
   else
      failed = failed + 1
      print(("FAILED %s [%s %s] %s"):format(case.id, device, dtype, tostring(wrong)))
   end
end

local function check_f32(case, expected)
   try(case, "f32", function()
      return compare.results(execute.run(case, device, "f32"), expected(), case.tolerance or 1e-6, case.each)
   end)
end

-- Both sides are float64 and differ in the order of sums, and by a unit in exp and its like.
local function check_f64(case, expected)
   try(case, "f64", function()
      return compare.results(execute.run(case, device, "f64"), expected(), 1e-12, case.each)
   end)
end

local function check_half(case, dtype)
   if case.half == false then return end
   try(case, dtype, function()
      local numbers = execute.rounded(case, dtype)
      local found = execute.run(case, device, dtype, numbers)
      for _, result in ipairs(found) do
         if result.float and result.dtype ~= dtype then return result.name .. " has dtype " .. result.dtype end
      end
      local expected = execute.run(case, "cpu", "f32", numbers, dtype)
      return compare.results(found, expected, case.half_tolerance or execute.HALVES[dtype])
   end)
end

local function check_case(case)
   local results
   local function expected()
      results = results or execute.run(case, "ref", "f64")
      return results
   end
   check_f64(case, expected)
   check_f32(case, expected)
   for dtype in pairs(execute.HALVES) do check_half(case, dtype) end
end

local seen = {} -- op -> cases so far

local function is_due(case)
   local before = seen[case.op] or 0
   seen[case.op] = before + 1
   return before % every == 0
end

local function check_family(folder, family)
   for _, case in ipairs(cases.load(folder, family, scute.op_info)) do
      if is_due(case) then check_case(case) end
   end
end

local wanted = {}
for i = 2, #arg do wanted[arg[i]] = true end
for _, folder in ipairs { tables, here .. "/cases" } do
   for _, family in ipairs(cases.families(folder)) do
      if #arg < 2 or wanted[family] then check_family(folder, family) end
   end
end
collectgarbage()
collectgarbage()
scute.flush()
local live = scute.memory(device).live
if live > 0 then
   failed = failed + 1
   print(("FAILED %d bytes of tensors are left on %s"):format(live, device))
end
local names = {}
for op in pairs(missing) do names[#names + 1] = op end
table.sort(names)
if #names > 0 then print("no kernel: " .. table.concat(names, " ")) end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0, true)
