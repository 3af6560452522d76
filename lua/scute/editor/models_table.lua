-- scute's own models as a table in Markdown: README's is this text, and a test holds it to that.
-- To renew it: ./scute -e 'print(require "scute.editor.models_table" ())'
local architectures = require "scute.nn.architectures"
local columns = require "scute.base.columns"
local models = require "scute.models"

local function row_of(info)
   return ("| `%s` | %s | %.3f | %d/%d %s | %s |"):format(info.name, columns.thousands(info.parameters), info.macs / 1e9,
      info.resize, info.resolution, info.filter, info.top1 and ("%.1f"):format(info.top1) or "no weights")
end

--- The table: model, parameters, multiply-adds, how photos are prepared, published accuracy.
return function()
   local lines = { "| model | parameters | billion multiply-adds | resize/crop | ImageNet top-1, % |",
      "| --- | --: | --: | --- | --: |" }
   for _, name in ipairs(models.list()) do
      if not architectures.get(name).own then lines[#lines + 1] = row_of(models.info(name)) end
   end
   return table.concat(lines, "\n")
end
