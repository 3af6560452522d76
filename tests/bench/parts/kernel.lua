-- Kernels of one's own: against scute's ops and against tensor ops, and how long their first and later uses take.
local markdown = require "bench.markdown"
local process = require "bench.process"
local number = markdown.number

local kernel = { name = "kernel", title = "Kernels of one's own" }

local ROWS = {
   { "own_forward", "a silu in C against scute's, forward" }, { "own_step", "the same, forward and backward" },
   { "silu_forward", "x / (1 + exp(-x)) of tensor ops against that in C, forward" },
   { "silu_step", "the same, forward and backward" },
   { "mish_forward", "x * tanh(log1p(exp(x))) of tensor ops against that in C, forward" },
   { "mish_step", "the same, forward and backward" },
   { "exp_forward", "exp(x) in C against scute's, forward" }, { "exp_step", "the same, forward and backward" },
}

function kernel.run(settings, ledger)
   local cache, row = settings.scratch .. "/kernels", {}
   for _, use in ipairs { "first", "later" } do
      if use == "first" then process.run(("rm -rf '%s'"):format(cache)) end
      local text = process.run(("SCUTE_CACHE='%s' %s %s %s/kernel.lua %d %d"):format(cache, process.threads(settings.threads),
         settings.scute, settings.here, settings.elements, 2 * settings.rounds + 1))
      for name, value in text:gmatch "([%w_]+) ([%d.]+)\n" do row[name] = tonumber(value) end
      row[use .. "_s"] = row.used_s
   end
   row.used_s, row.elements = nil, settings.elements
   ledger:keep("kernel/elements", row)
end

function kernel.report(ledger)
   local row = ledger:row "kernel/elements"
   if not row then return nil end
   local lines = {}
   for i, each in ipairs(ROWS) do lines[i] = { each[2], number(row[each[1]], 2) } end
   return ("%d elements; times of processors, as ratios. The first use of a kernel took %.2f s, the same in another "
      .. "process %.1f ms.\n\n"):format(row.elements, row.first_s, 1e3 * row.later_s) .. markdown.table({ "", "#" }, lines)
end

function kernel.reached(ledger)
   local row = ledger:row "kernel/elements" or {}
   return {
      { what = "a silu in C against scute's", value = row.own_forward and math.max(row.own_forward, row.own_step),
         target = 1.05, at_least = false, unit = "x" },
      { what = "its formula of tensor ops against it", value = row.silu_forward and math.min(row.silu_forward, row.silu_step),
         target = 3, at_least = true, unit = "x" },
      { what = "first use of a kernel", value = row.first_s, target = 0.5, at_least = false, unit = "s" },
      { what = "a later one", value = row.later_s and 1e3 * row.later_s, target = 5, at_least = false, unit = "ms" },
   }
end

return kernel
