-- One case table serves every check of an op. For each case of tests/ops/<family>.lua:
--   golden     ref in float64 against PyTorch in float64, outputs and gradients
--   numeric    the gradients on ref against central differences
--   cpu        cpu in float32 against ref in float64, and without falling back to ref
--   f16, bf16  half width against float32 of the same rounded numbers; where the CPU computes in it, without falling back
-- Besides, the bad arguments of each family, every op in some table, and no tensor bytes left at the end.
-- Usage: scute tests/ops/run.lua [family ...]
local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/lib/?.lua;" .. package.path

local scute = require "scute"
local cases = require "cases"
local compare = require "difference"
local execute = require "execute"
local golden_file = require "golden"

local golden = golden_file.open(here .. "/../golden/ops.safetensors")
local passed, failed = 0, 0

local function report(ok, id, check, text)
   if ok then
      passed = passed + 1
   else
      failed = failed + 1
      print(("FAILED %s [%s] %s"):format(id, check, text))
   end
end

-- Runs a check, which returns nil or what is wrong; an error counts as wrong.
local function try(case, check, f)
   local ok, wrong = pcall(f)
   report(ok and not wrong, case.id, check, tostring(wrong))
end

-- ---- checks ----

-- Both sides are float64 and differ only in the order of sums.
local GOLDEN_TOLERANCE = 1e-11

local function check_golden(case, exact)
   if case.golden == false then return end
   try(case, "golden", function()
      local known = golden.fingerprints[case.id]
      if not known then return "no golden numbers; run tests/golden/make_ops.py" end
      if known ~= case.fingerprint then return "the golden numbers are of another version of this case; run make_ops.py" end
      for _, result in ipairs(exact) do
         local expected = golden.tensors[case.id .. "/" .. result.name]
         if not expected then return result.name .. " is missing in the golden file" end
         local values = golden_file.summary(result.values, cases.positions)
         local text = compare.difference(values, expected, GOLDEN_TOLERANCE)
         if text then return result.name .. " " .. text end
      end
   end)
end

-- Central differences of step h are wrong by h^2 times the third derivative and by rounding over h, about 1e-9 each.
local STEP, NUMERIC_TOLERANCE = 2e-5, 1e-6

-- Entries to try: 24 of each input, fewer where a case has more than 2000 numbers.
local function probes(case)
   local numbers = 0
   for _, entry in ipairs(case.flat) do numbers = numbers + (entry.spec and cases.numel(entry.spec.shape) or 0) end
   return math.max(4, math.min(24, 48000 // numbers))
end

local function numeric_gradient(case, index, positions)
   local entry, slopes = case.flat[index], {}
   local given = cases.values(entry.spec, entry.salt)
   local values = table.move(given, 1, #given, 1, {})
   for i, position in ipairs(positions) do
      local kept = values[position]
      values[position] = kept + STEP
      local above = execute.objective(case, "ref", "f64", { [index] = values })
      values[position] = kept - STEP
      local below = execute.objective(case, "ref", "f64", { [index] = values })
      values[position] = kept
      slopes[i] = (above - below) / (2 * STEP)
   end
   return slopes
end

local function check_numeric(case, exact)
   local by_name = {}
   for _, result in ipairs(exact) do by_name[result.name] = result.values end
   for index, entry in ipairs(case.flat) do
      if entry.grad and case.numeric ~= false then
         try(case, "numeric", function()
            local name = entry.index and ("%s.%d"):format(entry.param, entry.index) or entry.param
            local all, chosen = by_name["grad." .. name], {}
            local positions = cases.positions(#all, probes(case))
            for i, position in ipairs(positions) do chosen[i] = all[position] end
            local slopes = numeric_gradient(case, index, positions)
            local scale = 0
            for _, value in ipairs(all) do scale = math.max(scale, math.abs(value)) end
            chosen[#chosen + 1], slopes[#slopes + 1] = scale, scale -- measure by the largest gradient of all
            local text = compare.difference(slopes, chosen, case.numeric_tolerance or NUMERIC_TOLERANCE)
            return text and ("grad.%s %s"):format(name, text)
         end)
      end
   end
end

local function fallbacks()
   local names = {}
   for _, row in ipairs(scute.profile()) do
      if row.fallbacks > 0 then names[#names + 1] = row.op end
   end
   return names
end

local function check_cpu(case, exact)
   try(case, "cpu", function()
      scute.profile("reset")
      local found = execute.run(case, "cpu", "f32")
      local fallen = fallbacks()
      if #fallen > 0 and not case.fallback then return "fell back to ref: " .. table.concat(fallen, ", ") end
      return compare.results(found, exact, case.tolerance or 1e-6, case.each)
   end)
end

local function check_half(case, dtype)
   if case.half == false then return end
   try(case, dtype, function()
      local numbers = execute.rounded(case, dtype)
      local expected = execute.run(case, "cpu", "f32", numbers, dtype)
      scute.profile "reset"
      local found = execute.run(case, "cpu", dtype, numbers)
      local fallen = fallbacks()
      if #fallen > 0 and not case.fallback and not case.half_fallback then return "widened: " .. table.concat(fallen, ", ") end
      for _, result in ipairs(found) do
         if result.float and result.dtype ~= dtype then return result.name .. " has dtype " .. result.dtype end
      end
      return compare.results(found, expected, case.half_tolerance or execute.HALVES[dtype])
   end)
end

local function check_case(case)
   local ok, exact = pcall(execute.run, case, "ref", "f64")
   if not ok then return report(false, case.id, "ref", exact) end
   check_golden(case, exact)
   check_numeric(case, exact)
   check_cpu(case, exact)
   for _, dtype in ipairs { "f16", "bf16" } do check_half(case, dtype) end
end

-- Bad arguments: {op =, args = positional, inputs = {NAME = tensor spec or any value}, attrs =, message = Lua pattern}.
local function check_bad(family, bad)
   local function value_of(value, salt)
      if type(value) ~= "table" then return value end
      if value.shape then
         return scute.tensor(cases.values(value, salt), { dtype = value.dtype or "f32" }):reshape(value.shape)
      end
      local list = {}
      for i, each in ipairs(value) do list[i] = value_of(each, salt + i) end
      return list
   end
   local named, salt, positional = {}, 0, {}
   for i, value in ipairs(bad.args or {}) do positional[i] = value_of(value, i) end
   for name, value in pairs(bad.attrs or {}) do named[name] = value end
   for name, value in pairs(bad.inputs or {}) do
      salt = salt + 100
      named[name] = value_of(value, salt)
   end
   if next(named) then positional[#positional + 1] = named end
   local ok, message = pcall(scute[bad.op], table.unpack(positional))
   report(not ok and tostring(message):find(bad.message), ("%s/%s"):format(family, bad.op), "bad arguments",
      ok and "were accepted, expected an error like: " .. bad.message
         or ("said '%s', expected '%s'"):format(message, bad.message))
end

local function check_coverage(covered)
   for _, op in ipairs(scute.ops()) do report(covered[op], op, "coverage", "this op has no case in tests/ops") end
end

-- ---- main ----

local function run_family(family, covered)
   local ok, list = pcall(cases.load, here, family, scute.op_info)
   if not ok then return report(false, family, "load", list) end
   for _, case in ipairs(list) do
      covered[case.op] = true
      check_case(case)
   end
   for _, bad in ipairs(list.bad or {}) do check_bad(family, bad) end
end

local function live_bytes()
   collectgarbage()
   collectgarbage()
   scute.flush()
   return scute.memory("cpu").live + scute.memory("ref").live
end

local before, covered = live_bytes(), {}
local chosen = #arg > 0 and arg or cases.families(here)
for _, family in ipairs(chosen) do run_family(family, covered) end
if #arg == 0 then check_coverage(covered) end
report(live_bytes() <= before, "all", "memory", ("%d bytes of tensors are left"):format(live_bytes() - before))
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0, true)
