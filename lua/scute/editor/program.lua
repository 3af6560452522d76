-- What the program says of itself in --help: host/main.c declares its options there, and the man page and completion take them
-- from that text.
local program = {}

-- Lines of two columns ("  -e CODE   run a line") as {name, text}; a line that begins further in goes on with the one before.
local function entries_of(text)
   local list = {}
   for line in text:gmatch "[^\n]+" do
      local name, about = line:match "^  (%S.-)%s%s+(%S.*)$"
      if name then
         list[#list + 1] = { name = name, text = about }
      else
         list[#list].text = list[#list].text .. " " .. line:match "^%s*(.-)%s*$"
      end
   end
   return list
end

-- "-h, --help" -> { names = {"-h", "--help"} }, "-e CODE" -> { names = {"-e"}, value = "CODE" }; nil for what is no option.
local function option_of(entry)
   local names, value = {}, nil
   for word in entry.name:gmatch "[^%s,]+" do
      if word:find "^%-%-?%a" then names[#names + 1] = word else value = word end
   end
   return #names > 0 and { names = names, value = value, text = entry.text } or nil
end

--- What a text of --help says: {usage = the line, about = a paragraph, forms = {{name, text}} (what is no option: file.lua, -),
-- options = {{names, value, text}}, environment and files = {{name, text}}, codes = a text, example =
-- a text}.
function program.read(help)
   local usage, about, table_of, environment, files, codes, example = help:match
      "^usage: ([^\n]+)\n\n(.-)\n\n(.-)\n\nenvironment:\n(.-)\n\nfiles:\n(.-)\n\nexit codes: (.-)\n\nAn example: (.-)%s*$"
   assert(usage, "scute --help does not read as lua/scute/editor/program.lua expects")
   local found = { usage = usage, about = about:gsub("\n", " "), codes = codes:gsub("\n", " "), example = example,
      environment = entries_of(environment), files = entries_of(files), options = {}, forms = {} }
   for _, entry in ipairs(entries_of(table_of)) do
      local option = option_of(entry)
      local list = option and found.options or found.forms
      list[#list + 1] = option or entry
   end
   return found
end

--- The same of the program at `path`.
function program.of(path)
   local pipe <close> = assert(io.popen(("'%s' --help"):format(path:gsub("'", "'\\''"))))
   return program.read(pipe:read "a")
end

return program
