-- What is typed into a shell: Tab after scute, a new project, and a module beside a script in the session that follows it.
local lfs = require "lfs"

return function(_, check, scratch, tmux)
   local build = arg[-1]:match "^(.*)/"
   build = build:find "^/" and build or lfs.currentdir() .. "/" .. build
   local t = tmux.open("bash --norc --noprofile -i", { environment = { PS1 = "> ", HISTFILE = false,
      PATH = build .. ":" .. os.getenv "PATH", HOME = scratch } })
   t:enter(("source %s/share/bash-completion/completions/scute; cd %s"):format(build, scratch))

   t:type "scute scripts/transf"
   t:key "Tab"
   check(t:wait "scute scripts/transfer_learning.lua", "Tab finds a script of scute's", t:screen())
   t:type "--model baseline"
   t:key "Tab"
   check(t:wait "--model baseline_cnn", "Tab knows the choices of an option", t:screen())
   t:type "--free"
   t:key "Tab"
   check(t:wait "--freeze_backbone", "Tab knows the options of a script", t:screen())
   t:key "C-c"
   t:wait "^C"

   local shown = t:enter "scute --init turtles"
   check(shown:find "made turtles/train.lua" and shown:find "next: cd turtles && scute train.lua %-%-example", "a new project",
      shown)
   shown = t:enter "scute turtles/train.lua"
   check(shown:find "scute: %-%-data_dir is missing: folder with one folder of photos", "it says what it needs", shown)
   t:enter "echo 'shapes = require \"shapes\"' >turtles/look.lua"
   t:enter "scute -i turtles/look.lua"
   shown = t:enter "shapes.draw ~= nil"
   check(shown:find "\ntrue\n", "a module beside the script, in the session after it", shown)
   t:close()
end
