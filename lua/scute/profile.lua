-- Where the time of a piece of work goes: ops with their arithmetic, waiting, writing, Lua.
--
--    local p = scute.profile(function() scute.train.fit(model, set, run) end, { trace = "trace.json" })
--    print(p); print(p:by "layer")
--
-- The same of a whole script: scute --profile script.lua, or --profile among the flags of the exercises.
local scute = require "scute.core"
local console = require "scute.base.console"
local made = require "scute.profile.made"
local measure = require "scute.profile.measure"
local options = require "scute.base.options"
local tracing = require "scute.profile.tracing"

local PROFILE = options.declare("profile", {
   made.BY,
   { "trace", text = true, show = "none", value = "FILE",
     help = "also write what happened when, for ui.perfetto.dev or chrome://tracing (its first 100,000 events)" },
})

local function run(f, o)
   local trace <close> = tracing.begin("profile", o.trace) -- luacheck: ignore
   local before = measure.begin()
   local results = table.pack(pcall(f))
   local found = measure.finish(before)
   if not results[1] then error(results[2], 0) end
   return made.of(found, o.by, trace:finish()), table.unpack(results, 2, results.n)
end

--- Calls f() and returns where its time went, and then what f returned. The profile is a list of rows, slowest first, that
-- prints as a table: {name, kind = "op" (or what `by` says), "range" (what is done within a scute.range beside ops), "system"
-- (waiting for photos, writing, ...) or "rest", forward_calls, backward_calls, calls, forward_seconds, backward_seconds,
-- seconds, share = of the whole time, flops, bytes, gflops_per_second, gb_per_second, fallbacks}; the shares make up 1. flops
-- are two for each multiply-add of convolutions and matrix products, backward those of the gradients that were asked for;
-- bytes are those of the tensors that ops read and wrote, each once. profile:by "layer" (or "shapes") has other rows;
-- profile.seconds, .threads, .devices, .beside (what other threads did) and .trace are beside them. A GPU is waited for after
-- each op meanwhile.
-- Without f: scute.profile() is a list of rows {op, device, forward_calls, backward_calls, fallbacks, forward_seconds,
-- backward_seconds} of all ops since scute.profile "reset", which are always counted; on a GPU the times are those in which
-- the host handed work over.
local function profile(f, given)
   if f == nil or f == "reset" then return scute.op_counts(f == "reset") end
   if type(f) ~= "function" then
      error("profile: expected a function, as in scute.profile(function() ... end), found " .. console.brief(f), 2)
   end
   return run(f, PROFILE:read(given))
end

return PROFILE:describes(profile)
