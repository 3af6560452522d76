-- The man page says every option of the program and of its scripts, and is good roff.
local options = require "scute.base.options"

return function(cli)
   local check, shell = cli.check, cli.shell
   local path = arg[-1]:match "^(.*)/" .. "/share/man/man1/scute.1"
   local page = cli.read_file(path):gsub("\\%-", "-"):gsub("\\e", "\\"):gsub("\\&", "")

   local r = shell "$S --help"
   for line in r.out:gmatch "\n  (%-%S[^\n]*)" do
      for option in line:match "^(.-)%s%s":gmatch "%-%-?%a*" do
         check(page:find(option, 1, true), "the page has " .. option, r.all)
      end
   end
   local environment = page:match "\n%.SH ENVIRONMENT\n(.-)\n%.SH " or ""
   for _, name in ipairs { "NO_COLOR", "PAGER" } do check(environment:find(name, 1, true), "the environment has " .. name) end
   local files = page:match "\n%.SH FILES\n(.-)\n%.SH " or ""
   for _, name in ipairs { "~/.config/scute/init.lua", "~/.local/state/scute/history" } do
      check(r.out:find(name, 1, true) and files:find(name, 1, true), "the page and --help have the file " .. name, files)
   end
   for name in r.out:gmatch "SCUTE_[%u_]+" do check(page:find(name, 1, true), "the page has " .. name) end

   for _, script in ipairs(require("scute.editor.scripts").list "scripts") do
      local part = page:match("\n%.SS scripts/" .. script.name:gsub("%p", "%%%0") .. "\n(.-)\n%.S[SH] ")
      check((part ~= nil) == (#script.flags > 0), "a section on " .. script.name)
      for _, entry in ipairs(script.flags) do
         if not entry.argument then
            check(part and part:find("\\fB--" .. entry[1] .. "\\fR", 1, true), ("%s: --%s"):format(script.name, entry[1]), part)
         end
      end
   end
   local common = page:match "\n%.SH COMMON OPTIONS OF SCRIPTS\n(.-)\n%.SH "
   for _, entry in ipairs(require("scute").cli.common) do
      local about = (common .. "\n.TP"):match("\n\\fB%-%-" .. entry[1] .. "\\fR[^\n]*\n(.-)\n%.TP") or ""
      local default = not entry.flag and options.default_text(entry)
      check(about ~= "" and (not default or about:find(default, 1, true)), "what --" .. entry[1] .. " is by default", about)
      for _, choice in ipairs(entry.choices and options.choices_of(entry) or {}) do
         check(about:find(choice, 1, true), ("--%s may be %s"):format(entry[1], choice), about)
      end
   end

   if shell("command -v groff").code == 0 then
      r = shell(("groff -man -ww -Tutf8 -z %s"):format(path))
      check(r.code == 0 and r.err == "", "groff has nothing to say", r.all)
   end
   if shell("command -v man").code == 0 then
      r = shell(("MANWIDTH=100 man --warnings -l %s"):format(path))
      check(r.code == 0 and r.err == "" and r.out:find "transfer_learning.lua", "man shows it without a warning", r.all)
   end
end
