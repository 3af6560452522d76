-- What the machine does at most: the best of what scute and PyTorch reach. The shares of the networks' tables are of that.
local markdown = require "bench.markdown"
local process = require "bench.process"
local number = markdown.number

local KINDS = {
   { name = "f32", what = "matrix products in float32, GFLOP/s", unit = "GFLOP/s" },
   { name = "bf16", what = "matrix products in bfloat16, GFLOP/s", unit = "GFLOP/s" },
   { name = "memory", what = "memory: a sum of two tensors, GB/s", unit = "GB/s" },
}

local peak = { name = "peak", title = "What the machine does at most" }

local function take(rows, key, text)
   for _, kind in ipairs(KINDS) do
      process.keep_most(rows[kind.name], key, tonumber(text:match(kind.name .. " ([%d.]+) " .. kind.unit)))
   end
end

function peak.run(settings, ledger)
   local rows = { f32 = {}, bf16 = {}, memory = {} }
   local begin = process.threads(settings.threads)
   for _ = 1, settings.rounds do
      take(rows, "scute", process.run(("%s %s %s/peak.lua"):format(begin, settings.scute, settings.here)))
      if settings.python then
         take(rows, "torch", process.run(("%s '%s' %s/peer_peak.py %s"):format(begin, settings.python, settings.here,
            table.concat(settings.widths, ","))))
      end
   end
   for name, row in pairs(rows) do
      row.most = math.max(row.scute or 0, row.torch or 0)
      if row.most > 0 and row.scute then ledger:keep("peak/" .. name, row) end
   end
end

function peak.report(ledger)
   local lines = {}
   for _, kind in ipairs(KINDS) do
      local row = ledger:row("peak/" .. kind.name)
      if row then
         lines[#lines + 1] = { kind.what, number(row.scute, 1), number(row.torch, 1),
            number(100 * row.scute / row.most) .. " %" }
      end
   end
   return markdown.table({ "", "#scute", "#PyTorch", "#scute's share of the best" }, lines)
end

return peak
