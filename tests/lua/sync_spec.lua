-- --sync_batch_norm: which layers it makes synchronised, for how long, and what a run says of it. tests/world has what they
-- compute.
local scute = require "scute"
local console = require "scute.base.console"
local structure = require "scute.nn.structure"
local sync = require "scute.train.sync"
local nn = scute.nn

-- A norm whose forward is the user's.
local Own = nn.BatchNorm2d:extend "Own"
function Own:forward(x) return x * self.weight[1] end

local function network(last)
   return nn.Sequential { nn.Conv2d { 3, 4, 1 }, nn.BatchNorm2d { 4 }, nn.ReLU(), nn.BatchNorm2d { 4 }, last }
end

local function run_of(model, shared, more)
   local run = { model = model, shared = shared, feed = { shared = shared }, sync_batch_norm = true, micro = 2 }
   for name, value in pairs(more or {}) do run[name] = value end
   return run
end

-- What f() tells by console.line.
local function told_by(f, ...)
   local before, lines = console.line, {}
   console.line = function(format, ...) lines[#lines + 1] = format:format(...) end
   local ok, why = pcall(f, ...)
   console.line = before
   assert(ok, why)
   return table.concat(lines, "\n")
end

describe("--sync_batch_norm", function()
   it("holds for norms of the library, while an epoch trains on shared photos", function()
      local model = network(Own { 4 })
      local run = run_of(model, true)
      do
         local frozen = network(nn.ReLU()):freeze "1"
         local held <close> = sync.hold(run_of(frozen, true)) -- luacheck: ignore
         assert.is_false(frozen[2].synchronised)
         assert.truthy(frozen[4].synchronised)
      end
      do
         local held <close> = sync.hold(run) -- luacheck: ignore
         assert.truthy(model[2].synchronised and model[4].synchronised)
         assert.is_false(model[5].synchronised)
         assert.equal(2, #run.synchronised)
         assert.is_nil(run.micro)
         sync.beside(run, function() assert.equal("others 3", model[4].synchronised) end)
         assert.truthy(model[4].synchronised)
         pcall(sync.beside, run, error, "broken")
         assert.truthy(model[4].synchronised)
         assert.equal("no", model[4]:joins()) -- a process alone
      end
      assert.is_nil(run.synchronised)
      assert.is_nil(rawget(model[2], "synchronised"))
      for _, other in ipairs { run_of(model, false), run_of(model, true, { sync_batch_norm = false }) } do
         local held <close> = sync.hold(other) -- luacheck: ignore
         assert.is_nil(other.synchronised)
         assert.is_false(model[2].synchronised)
      end
   end)

   it("leaves a layer as the user has set it", function()
      local model = network(nn.ReLU())
      model[2].synchronised = true
      do
         local held <close> = sync.hold(run_of(model, true)) -- luacheck: ignore
         assert.truthy(model[4].synchronised)
      end
      assert.truthy(model[2].synchronised)
      assert.is_false(model[4].synchronised)
   end)

   it("has its way beside the script's, which may say something else from step to step", function()
      local model = network(nn.ReLU())
      local run = run_of(model, true, { sync_batch_norm = false })
      do
         local held <close> = sync.hold(run) -- luacheck: ignore
         assert.is_nil(sync.window(run, {}))
         model[4].synchronised = true
         assert.same({}, sync.window(run, {}))
         assert.equal("all 3", model[4].synchronised)
         assert.is_nil(run.micro)
         assert.equal(1, #run.synchronised)
         model[4].fixed = true
         assert.is_nil(sync.window(run, {}))
         model[4].fixed = false
         sync.window(run, {})
         assert.equal("all 3", model[4].synchronised)
         sync.leave(run)
         assert.is_false(model[4].synchronised)
      end
      assert.is_true(model[4].synchronised)
      assert.is_nil(rawget(model[2], "synchronised"))
   end)

   it("is for photos that are shared out", function()
      local model = network(nn.ReLU())
      model[2].synchronised = true
      for _, other in ipairs { run_of(model, true, { feed = {} }), run_of(model, true, { ordered = true }) } do
         do
            local held <close> = sync.hold(other) -- luacheck: ignore
            assert.is_nil(other.synchronised)
            assert.is_false(model[2].synchronised)
         end
         assert.is_true(model[2].synchronised)
      end
   end)

   it("sees a layer that stands in two places once", function()
      local norm = nn.BatchNorm2d { 4 }
      local model = nn.Sequential { norm, nn.ReLU(), norm }
      norm.synchronised = true
      do
         local run = run_of(model, true)
         local held <close> = sync.hold(run) -- luacheck: ignore
         sync.window(run, {})
         assert.equal("all 0", norm.synchronised)
      end
      assert.is_true(norm.synchronised)
   end)

   it("refuses a layer whose class computes in a way of its own, where the script has made that synchronised", function()
      local model = network(Own { 4 })
      model[5].synchronised = true
      sync.tell(run_of(model, false, { sync_batch_norm = false }))
      for _, f in ipairs { sync.tell, sync.hold } do
         local ok, why = pcall(f, run_of(model, true, { sync_batch_norm = false }))
         assert.is_false(ok)
         assert.matches("^4 %(Own%) is synchronised over the processes, and its class computes in a way of its own",
            console.message(why))
      end
   end)

   it("is no part of what is saved of a model", function()
      local model, other = network(nn.ReLU()), network(nn.ReLU())
      model[2].synchronised = true
      assert.same(other:fields(), model:fields())
      assert.same({}, structure.changes(model, other, function() return other end))
      model:set_fields(other:fields())
      assert.truthy(model[2].synchronised)
   end)

   it("says where it changes nothing", function()
      local nothing = "note: --sync_batch_norm changes nothing"
      assert.equal(nothing .. ": the model has no batch norm", told_by(sync.tell, run_of(nn.Sequential { nn.ReLU() }, true)))
      local frozen = network(nn.ReLU()):freeze()
      assert.equal(nothing .. " as long as all batch norms are frozen, and keep the statistics that they have",
         told_by(sync.tell, run_of(frozen, true)))
      assert.equal("", told_by(sync.tell, run_of(frozen, true, { unfreeze = {} })))
      assert.equal(nothing .. ": there is one process", told_by(sync.tell, run_of(frozen, false)))
      assert.equal("", told_by(sync.tell, run_of(frozen, false, { sync_batch_norm = false })))
      assert.equal("", told_by(sync.tell, run_of(network(nn.ReLU()), true)))
      assert.matches("^note: %-%-sync_batch_norm: not of 4, whose class computes in a way of its own: each process takes",
         told_by(sync.tell, run_of(network(Own { 4 }), true)))
   end)
end)
