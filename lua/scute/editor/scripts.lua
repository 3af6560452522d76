-- The flags of scripts, as they declare them to cli.parse: for completion and the man page.
local lfs = require "lfs"
local scute = require "scute"
local options = require "scute.base.options"

local scripts = {}

local function text_of(path)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

--- What the script at `path` takes: {summary, flags = entries as scute.base.options has them, more}; nil where it reads no
-- command line. Nothing of the script runs that stands behind its cli.parse.
function scripts.of(path)
   if not text_of(path):find("cli.parse(", 1, true) then return nil end
   local cli, parse, call = scute.cli, scute.cli.parse, nil
   function cli.parse(_, summary, flags, more)
      call = { summary = summary, flags = flags, more = more }
      error(call, 0)
   end
   local ok, raised = pcall(assert(loadfile(path)))
   cli.parse = parse
   if ok or raised ~= call then error(("%s: it does not get to cli.parse: %s"):format(path, tostring(raised)), 0) end
   return call
end

--- The scripts in a folder, sorted: {{name = "predict.lua", about = the first line of it, summary, flags, more}}; those that
-- read no command line have no flags.
function scripts.list(folder)
   local list = {}
   for name in lfs.dir(folder) do
      if name:find "%.lua$" then
         local path = folder .. "/" .. name
         local entry = scripts.of(path) or { flags = {} }
         entry.name, entry.about = name, text_of(path):match "^%-%- ([^\n]*)"
         list[#list + 1] = entry
      end
   end
   table.sort(list, function(a, b) return a.name < b.name end)
   return list
end

--- What completion offers for the value of an option: {words = list, files = true, folders = true}, each where it is so.
function scripts.values_of(entry)
   local values = { words = not entry.flag and options.suggestions_of(entry) or {} }
   local shown = not entry.flag and not entry.choices and entry.value or ""
   values.folders = shown:find "PATH" and entry[1]:find "_dir$" ~= nil
   values.files = not values.folders and (shown:find "PATH" or shown:find "FILE" or shown:find "PHOTO") ~= nil
   return values
end

--- The same in words, with @files and @folders among them; @none where nothing is known.
function scripts.words_of(entry)
   local values = scripts.values_of(entry)
   local words = table.move(values.words, 1, #values.words, 1, {})
   if values.files then words[#words + 1] = "@files" end
   if values.folders then words[#words + 1] = "@folders" end
   return #words > 0 and table.concat(words, " ") or "@none"
end

return scripts
