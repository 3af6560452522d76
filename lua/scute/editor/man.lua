-- The man page scute.1.
local options = require "scute.base.options"
local scute = require "scute"

-- Plain text in roff: no line begins with a dot or a quote, and "-" and "\" stand for themselves.
local function plain(text)
   return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^[.']", "\\&%0"):gsub("\n([.'])", "\n\\&%1"))
end

local function bold(text)
   return "\\fB" .. plain(text) .. "\\fR"
end

local function italic(text)
   return "\\fI" .. plain(text) .. "\\fR"
end

local function sentence(text)
   text = text:gsub("^%l", string.upper)
   return plain(text) .. (text:find "[.!?]$" and "" or ".")
end

-- ---- options ----

local function own_option(option)
   local names = {}
   for i, name in ipairs(option.names) do names[i] = bold(name) end
   return (".TP\n%s%s\n%s"):format(table.concat(names, ", "), option.value and " " .. italic(option.value) or "",
      sentence(option.text))
end

-- What --help says of a flag.
local function flag(entry)
   local head = entry.argument and italic(options.value_name(entry)) .. (entry.many and " ..." or "")
      or bold("--" .. entry[1]) .. (entry.flag and "" or " " .. italic(options.value_name(entry)))
   local about = { sentence(entry.help) }
   if entry.choices then about[#about + 1] = ("One of %s."):format(plain(table.concat(options.choices_of(entry), ", "))) end
   if entry.whole or entry.number then about[#about + 1] = ("Has to be %s."):format(plain(options.expected(entry))) end
   if entry.many and not entry.argument then about[#about + 1] = "May be said several times." end
   if entry.required then about[#about + 1] = "Required." end
   local default = not entry.flag and not entry.many and options.default_text(entry)
   if default then about[#about + 1] = ("Default: %s."):format(plain(default)) end
   return (".TP\n%s\n%s"):format(head, table.concat(about, "\n"))
end

-- What write(entry) gives for each, one below the other.
local function each(entries, write)
   local lines = {}
   for i, entry in ipairs(entries) do lines[i] = write(entry) end
   return table.concat(lines, "\n")
end

-- ---- scripts ----

-- The flags of a script that are not just those of cli.common, and whether it takes any of these.
local function own_flags(script, common)
   local is_common, own, shares = {}, {}, false
   for _, entry in ipairs(common) do is_common[entry] = true end
   for _, entry in ipairs(script.flags) do
      if is_common[entry] then shares = true else own[#own + 1] = entry end
   end
   return own, shares
end

local function shared_names(script, common)
   local is_common, names = {}, {}
   for _, entry in ipairs(common) do is_common[entry] = true end
   for _, entry in ipairs(script.flags) do
      if is_common[entry] then names[#names + 1] = bold("--" .. entry[1]) end
   end
   return table.concat(names, ", ")
end

local function script_text(script, common)
   local lines = { ".SS scripts/" .. plain(script.name), sentence(script.summary) }
   local own, shares = own_flags(script, common)
   if #own > 0 then lines[#lines + 1] = each(own, flag) end
   if script.more then lines[#lines + 1] = ".PP\n.nf\n" .. plain(script.more) .. "\n.fi" end
   if shares then lines[#lines + 1] = ".PP\nOf the common options: " .. shared_names(script, common) .. "." end
   return table.concat(lines, "\n")
end

-- ---- the page ----

local function name_and_text(entry)
   return (".TP\n%s\n%s"):format(bold(entry.name), sentence(entry.text))
end

local function codes(text)
   return (plain(text):gsub(", (%d)", ",\n%1"))
end

--- The text of the page; line: what scute.editor.command_line returns.
return function(line)
   local about, sections = line.program, {}
   local function section(title, text)
      sections[#sections + 1] = (".SH %s\n%s"):format(title, text)
   end
   section("NAME", "scute \\- trains image classifiers from Lua scripts")
   section("SYNOPSIS", bold "scute" .. " " .. plain(about.usage:gsub("^scute ", "")))
   section("DESCRIPTION", plain(about.about) .. "\n" .. each(about.forms, name_and_text))
   section("OPTIONS", each(about.options, own_option))
   local scripts = { "These come with scute and are found from any folder; each explains itself with " .. bold "--help"
      .. ".\nIn names of options " .. plain "-" .. " and _ are the same." }
   for _, script in ipairs(line.scripts) do
      if #script.flags > 0 then scripts[#scripts + 1] = script_text(script, line.common) end
   end
   section("SCRIPTS", table.concat(scripts, "\n"))
   section("COMMON OPTIONS OF SCRIPTS", each(line.common, flag))
   section("ENVIRONMENT", each(about.environment, name_and_text))
   section("FILES", each(about.files, name_and_text))
   section("EXIT STATUS", codes(about.codes))
   section("EXAMPLE", ".nf\n" .. plain(about.example) .. "\n.fi")
   return (".\\\" Made by `make` from what scute and its scripts declare (lua/scute/editor/man.lua).\n"
      .. ".TH SCUTE 1 \"\" \"scute %s\"\n.nh\n.ad l\n%s\n"):format(scute.version().scute, table.concat(sections, "\n"))
end
