-- All of a file's text; one that cannot be opened or read is a failure that names it.
local console = require "scute.base.console"

return function(path)
   local file, why = io.open(path, "rb")
   if not file then console.fail("cannot open '%s': %s", path, (why or ""):match "([^:]+)$":gsub("^%s+", "")) end
   local text, problem = file:read "a"
   file:close()
   if not text then console.fail("cannot read '%s': %s", path, problem) end
   return text
end
