-- How a run's device computes: --deterministic and --precision fp32_strict, which a CPU takes too and says what they mean
-- there; on GPUs tests/cuda/convolutions.lua looks at them.
local scute = require "scute"
local console = require "scute.base.console"
local scratch = dofile "tests/lua/scratch.lua"
local short_run = dofile "tests/lua/short_run.lua"

local root

-- A run of one epoch, and what it told.
local function fit(change)
   local told, line = {}, console.line
   console.line = function(format, ...) told[#told + 1] = format:format(...) end
   local model, set, options = short_run(root, { epochs = 1, batch_size = 21 }, change)()
   local ok, result = pcall(scute.train.fit, model, set, options)
   console.line = line
   return ok, result, table.concat(told, "\n"), model
end

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)

describe("how a run computes", function()
   it("is told on a CPU, where it changes nothing", function()
      local _, plain, said = fit {}
      assert.is_nil(said:find "deterministic" or said:find "TF32")
      local seen
      local function look(run) seen = { run.precision, run.deterministic, scute.deterministic(), scute.tf32() } end
      local ok, strict, told, model = fit { precision = "fp32_strict", deterministic = true,
         hooks = { { on_step_end = look } } }
      assert.is_true(ok, strict)
      assert.same({ "fp32_strict", true, true, false, false }, seen)
      assert.equal("fp32_strict", model.precision)
      assert.truthy(told:find("precision: fp32_strict: fp32, which cpu never rounds to TF32", 1, true), told)
      assert.truthy(told:find("deterministic: cpu gives the same bits at every run anyway, with as many", 1, true), told)
      assert.equal(plain.history[1].train_loss, strict.history[1].train_loss)
   end)

   it("is as it was after the run, also after one that fails", function()
      for _, fails in ipairs { false, true } do
         local ok = fit { precision = "fp32_strict", deterministic = true,
            hooks = { { on_step_end = function() if fails then error("no more", 0) end end } } }
         assert.equal(fails, not ok)
         assert.is_false(scute.deterministic())
         assert.same({ false, true }, { scute.tf32() })
      end
   end)

   it("is what the session insists on", function()
      scute.deterministic(true)
      local _, _, told = fit {}
      scute.deterministic(false)
      assert.truthy(told:find("deterministic: cpu", 1, true))
   end)

   it("is part of what a run is", function()
      local folder = root .. "/same"
      assert.is_true((fit { output_dir = folder, deterministic = true }))
      local ok, why = fit { output_dir = folder, resume = "auto", epochs = 2 }
      assert.is_false(ok)
      assert.truthy(tostring(why):find("deterministic is not given here and true there", 1, true), tostring(why))
      assert.is_true((fit { output_dir = folder, resume = "auto", epochs = 2, deterministic = true }))
   end)

   it("is remembered by the model, and held to while photos are scored", function()
      local _, _, _, model = fit { precision = "fp32_strict" }
      local rounds
      local part = scute.data.open(root .. "/photos", { seed = 0 }).val
      scute.score(model, part, { workers = 1, each = function() rounds = { scute.tf32() } end })
      assert.same({ false, false }, rounds)
      scute.score(model, part, { workers = 1, precision = "fp32", each = function() rounds = { scute.tf32() } end })
      assert.same({ false, true }, rounds)
      assert.same({ false, true }, { scute.tf32() })
   end)
end)
