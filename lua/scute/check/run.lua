-- scute --check FILE...: tells what can be known to be wrong in scripts without running them, in lines that editors read.
local console = require "scute.base.console"
local check = require "scute.check.files"
local loaded_first = require "scute.base.loaded_first"

local function tell(file)
   for _, finding in ipairs(file.findings) do
      local line = ("%s:%d:%d: %s"):format(file.path, finding.line, finding.column, finding.message)
      print((console.visible(line):gsub("\n", " ")))
   end
   if file.unread then console.warn("%s: luacheck's parser does not read it: %s", file.path, file.unread) end
end

local function refuse(path, why)
   io.stderr:write(console.visible(("scute: --check: cannot read '%s': %s"):format(path, why)), "\n")
   os.exit(2, true)
end

--- Checks the files that the command line names and ends the program: with status 1 where it found something.
return function()
   local files, path, why = check(table.move(arg, 0, #arg, 1, {}), loaded_first())
   if not files then refuse(path, why) end
   local total, with = 0, 0
   for _, file in ipairs(files) do
      tell(file)
      total, with = total + #file.findings, with + (#file.findings > 0 and 1 or 0)
   end
   if total == 0 then return end
   print(("%s in %s"):format(console.count(total, "finding"), console.count(with, "file")))
   error({ exit = 1 }, 0)
end
