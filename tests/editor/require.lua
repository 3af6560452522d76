-- `require` finds what lies beside a script, wherever it is started from.
return function(cli)
   local check, shell = cli.check, cli.shell

   local function says(name, text, line)
      local r = shell(line)
      check(r.code == 0 and r.out == text, name, r.all)
   end

   cli.write("project/helpers.lua", 'return { text = "helped" }')
   cli.write("project/parts/init.lua", 'return { text = "in parts" }')
   cli.write("project/parts/deep.lua", 'return { text = "deep" }')
   cli.write("project/main.lua", 'print(require("helpers").text, require("parts").text, require("parts.deep").text)')
   local found = "helped\tin parts\tdeep\n"
   says("a script's modules, from another folder", found, "cd / && $S $T/project/main.lua")
   says("by a relative path", found, "cd $T && $S project/main.lua")
   says("in its own folder", found, "cd $T/project && $S main.lua")
   says("through a link to the script", found,
      "mkdir -p $T/bin && ln -s ../project/main.lua $T/bin/run && cd / && $S $T/bin/run")
   says("through a link to its folder", found, "ln -s project $T/linked && cd / && $S $T/linked/main.lua")
   says("in the session after it", found .. "helped\n",
      "cd / && echo 'print(require(\"helpers\").text)' | $S -i $T/project/main.lua")
   says("of another script, in the session", "helped\n",
      "cd / && $S -e \"scute.look_beside '$T/project/main.lua'; print(require('helpers').text)\"")
   says("in a folder whose name Lua's own search could not hold", "found\n", [[mkdir -p "$T/a;b?" && cd "$T/a;b?"
      echo 'return "found"' >near.lua; echo 'print((require "near"))' >main.lua; cd / && $S "$T/a;b?/main.lua"]])

   -- What is scute's own stays so.
   for _, name in ipairs { "scute", "argparse", "lfs", "cjson", "scute/cli" } do
      cli.write("shadow/" .. name .. ".lua", "error('the file beside the script was taken')")
   end
   cli.write("shadow/main.lua", [[local scute = require "scute"; require "cjson"; require "lfs"; print(scute.cli.say ~= nil)]])
   says("a file beside the script takes no place of scute's", "true\n", "$S $T/shadow/main.lua")
   cli.write("shadow/pl/stringx.lua", "return 'mine'")
   cli.write("shadow/mine.lua", "print((require 'pl.stringx'))")
   says("but it goes before a module that is installed", "mine\n", "$S $T/shadow/mine.lua")

   local r = shell("cd / && echo \"require 'nowhere'\" >$T/project/lost.lua; $S $T/project/lost.lua")
   check(r.code == 1 and r.err:find(cli.scratch .. "/project/nowhere.lua'", 1, true),
      "a module that is nowhere: where it was sought", r.all)
   cli.write("project/broken.lua", "return {")
   r = shell("cd / && echo \"require 'broken'\" >$T/project/main2.lua; $S $T/project/main2.lua")
   local said = ("scute: %s/project/broken.lua:1: unexpected symbol near <eof>\n"):format(cli.scratch)
   check(r.code == 1 and r.err:sub(1, #said) == said,
      "a module that is no Lua is named, with the line, in one line", r.all)

   -- Every module in lua/ that is not scute's is one that no file beside a script replaces.
   local needed = cli.read_file("host/bind/library.c"):match "needed%[%] = {(.-)}"
   local sources = shell("grep -rhoE --exclude-dir=project 'require *\\(? *\"[a-z_.]+\"' lua | sort -u").out
   for name in sources:gmatch '"([a-z_.]+)"' do
      local first = name:match "^[a-z_]+"
      check(first == "scute" or needed:find('"' .. first .. '"', 1, true), name .. " is named in host/bind/library.c", needed)
   end
end
