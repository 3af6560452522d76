-- What scripts of their own measure and print: what freezing saves, what checkpoints cost.
local process = require "bench.process"

-- A part: a command whose output is the report.
local function told(name, title, command)
   local part = { name = name, title = title }
   function part.run(settings, ledger)
      local text = process.run(("ROUNDS=%d %s %s %s/%s"):format(settings.rounds, process.threads(settings.threads),
         settings.scute, settings.here, command(settings)))
      ledger:keep(name .. "/text", { text = text })
   end
   function part.report(ledger)
      local row = ledger:row(name .. "/text")
      return row and "```\n" .. row.text:gsub("^%s+", ""):gsub("%s+$", "") .. "\n```\n"
   end
   return part
end

return {
   freezing = told("freezing", "What freezing saves", function(settings)
      return ("freeze.lua %s %d"):format(settings.models[2] or settings.models[1], settings.batch)
   end),
   checkpoint = told("checkpoint", "What checkpoints cost", function() return "checkpoint.lua" end),
}
