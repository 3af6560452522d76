-- scute --init: a project that runs, what is there already stays, and what can go wrong is one line.
local cjson = require "cjson"

return function(cli)
   local check, shell, read_file, refuses = cli.check, cli.shell, cli.read_file, cli.refuses
   local FILES = { "train.lua", "shapes.lua", "README.md", ".luarc.json", ".luacheckrc" }
   local project = cli.scratch .. "/new/turtle's project"

   local r = shell [[cd $T && $S --init "new/turtle's project/"]]
   check(r.code == 0 and r.err == "", "--init", r.all)
   for _, name in ipairs(FILES) do
      local text = read_file(project .. "/" .. name)
      check(text and not text:find "@%u+@" and not text:find("examples/", 1, true), "all is filled in in " .. name, text)
      check(r.out:find("made new/turtle's project/" .. name .. "\n", 1, true), "made " .. name, r.all)
   end
   check(r.out:find("\nnext: cd 'new/turtle'\\''s project' && ", 1, true), "it says what to do next", r.all)
   local command = r.out:match "next: (.-)\n"
   local settings = cjson.decode(read_file(project .. "/.luarc.json"))
   check(settings["runtime.version"] == "Lua 5.4", "the editor is told the version of Lua")
   local library = settings["workspace.library"][1] or ""
   check(read_file(library .. "/scute.lua"), "the editor is told where the annotations are", library)

   r = shell(("cd $T && %s --epochs 2"):format(command))
   check(r.code == 0 and r.out:find "64 train, 16 validate" and r.out:find "epoch   2", "the next thing to do works", r.all)
   check(read_file(project .. "/models/baseline_cnn/best.safetensors"), "and leaves a model", r.all)
   r = shell [[cd / && $S "$T/new/turtle's project/train.lua" --help]]
   check(r.code == 0 and r.out:find "%-%-example" and r.out:find "%-%-batch_size", "its --help", r.all)
   refuses("without photos it says what it needs", 2, "--data_dir is missing: folder with one folder of photos per class",
      [[$S "$T/new/turtle's project/train.lua"]])
   r = shell [[cd "$T/new/turtle's project" && luacheck --no-color train.lua shapes.lua]]
   check(r.code == 0, "luacheck has nothing to say", r.all)

   cli.write("old/train.lua", "print 'mine'")
   r = shell "ln -s nowhere $T/old/README.md; $S --init $T/old"
   check(r.code == 0 and r.out:find("left as it is: " .. cli.scratch .. "/old/train.lua\n", 1, true)
      and r.out:find("left as it is: " .. cli.scratch .. "/old/README.md\n", 1, true), "what is there is named", r.all)
   check(read_file(cli.scratch .. "/old/train.lua") == "print 'mine'", "and stays")
   check(read_file(cli.scratch .. "/old/.luarc.json"), "the rest is made")

   refuses("--init without a folder", 2, "--init needs the name of a folder", "$S --init")
   refuses("--init before another option", 2, "--init needs the name of a folder", "$S --init -i")
   refuses("--init and a script", 2, "--init DIR stands alone", "$S --init $T/a $T/b.lua")
   refuses("a file in the way", 1, "is a file, not a folder", "touch $T/file && $S --init $T/file")
   refuses("a folder below a file", 1, "cannot create the folder", "$S --init $T/file/x")
   refuses("where nothing can be made", 1, "cannot create the folder", "$S --init /proc/nowhere")
   if shell("unshare -rm true").code ~= 0 then return print "not run: a full disk (this machine lends no file system)" end
   r = shell [[mkdir -p $T/disk; unshare -rm sh -c 'mount -t tmpfs -o size=64k none $T/disk && cd $T/disk
      head -c 64k /dev/zero >ballast 2>/dev/null; $S --init $T/disk; echo code $?; ls -A']]
   check(r.out:find "code 1\nballast\n$" and r.err:find "No space left on device" and #cli.lines_of(r.err) == 1,
      "a full disk is told, and nothing half is left", r.all)
end
