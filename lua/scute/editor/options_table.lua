-- A declaration as a table in Markdown: README's table of what train.fit takes is this text, and a test holds it to that.
-- To renew it: ./scute -e 'print(require "scute.editor.options_table" (require "scute.train.options"))'
local options = require "scute.base.options"

local function cell(text)
   return (text:gsub("[|<>]", "\\%0"):gsub("%s+", " "))
end

local function about(entry)
   local values = entry.choices and "; one of " .. table.concat(options.choices_of(entry), ", ") or ""
   return cell(entry.help .. values)
end

--- The table of a declaration: option, default, what it is.
return function(declaration)
   local lines = { "| option | default | what it is |", "| --- | --- | --- |" }
   for _, entry in ipairs(declaration.entries) do
      local default = entry.required and "has to be given" or options.default_text(entry) or "none"
      lines[#lines + 1] = ("| `%s` | %s | %s |"):format(entry[1], cell(default), about(entry))
   end
   return table.concat(lines, "\n")
end
