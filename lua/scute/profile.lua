-- Where the time of a piece of work goes: ops with their arithmetic, waiting, writing, Lua. Calls f() and returns a profile,
-- and then what f returned.
--
--    p = scute.profile(function() scute.train.fit(model, set, run) end, { trace = "trace.json" })
--    p                  -- prints as a table, slowest first; the shares make up 100 %
--    p:by "layer"       -- or "shapes": the same with other rows
--    p[1].name, p[1].gflops_per_second
--
-- A profile is a list of rows: name; kind = what `by` says, "range" (what is done within a scute.range beside ops), "system"
-- (waiting for photos, writing, ...) or "rest"; forward_calls, backward_calls, calls; forward_seconds, backward_seconds,
-- seconds; share of the whole time; flops, bytes, gflops_per_second, gb_per_second (nil where there are none); fallbacks. flops
-- are two for each multiply-add of convolutions and matrix products, in backward those of the gradients that were asked for;
-- bytes those of the tensors that ops read and wrote, each counted once. Beside the rows there are seconds, threads, devices,
-- beside (what other threads did meanwhile) and trace.
--
-- A GPU is waited for after each op meanwhile, and steps are no graphs, so that times are those of the ops: the whole is
-- slower than without a profile.
--
-- Without f: scute.profile() is a list of rows {op, device, forward_calls, backward_calls, fallbacks, forward_seconds,
-- backward_seconds} of all ops since scute.profile "reset", which are always counted; on a GPU the times are those in which the
-- host handed work over.
--
-- The same of a whole script: scute --profile script.lua, or --profile among the flags of the exercises.
local scute = require "scute.core"
local console = require "scute.base.console"
local made = require "scute.profile.made"
local measure = require "scute.profile.measure"
local options = require "scute.base.options"
local session = require "scute.base.session"
local tracing = require "scute.profile.tracing"

local PROFILE = options.declare("profile", {
   made.BY,
   { "trace", text = true, show = "none", value = "FILE",
     help = "also write what happened when, for ui.perfetto.dev or chrome://tracing (its first 100,000 events)" },
})

-- Ctrl-C at the prompt ends f, and shows what was measured until then. finish: gives the profile.
local function shown_if_stopped(finish)
   return setmetatable({}, { __close = function(_, problem)
      if problem == nil or not session.interrupted() then return end
      scute.interrupt_over()
      console.warn "interrupted; the profile so far:"
      console.line("%s", tostring(finish()))
   end })
end

local function run(f, o)
   local trace <close> = tracing.begin("profile", o.trace)
   local taken <close> = measure.begin()
   local function finish() return made.of(taken:finish(), o.by, trace:finish()) end
   local stops <close> = shown_if_stopped(finish) -- luacheck: ignore
   local results = table.pack(f())
   return finish(), table.unpack(results, 1, results.n)
end

local function profile(f, given)
   if f == nil or f == "reset" then return scute.op_counts(f == "reset") end
   if type(f) ~= "function" then
      error("profile: expected a function, as in scute.profile(function() ... end), found " .. console.brief(f), 2)
   end
   return run(f, PROFILE:read(given))
end

return PROFILE:describes(profile)
