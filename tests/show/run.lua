-- image:show() and plot:show() as a user meets them: at terminals that show pictures, at some that do not, and with standard
-- output going elsewhere. Usage: scute tests/show/run.lua
local scute = require "scute"
local here = arg[0]:match "^(.*)/" or "."
local cli = dofile(here .. "/../cli/shell.lua")
local photos = dofile(here .. "/../cli/photos.lua")
local check, shell = cli.check, cli.shell

photos.write(cli.scratch .. "/photo.bmp", 1, 1)
photos.write_file(cli.scratch .. "/photo.lua", [[
local scute = require "scute"
print("shown as", scute.image.load(arg[1]):show())
]])
photos.write_file(cli.scratch .. "/plot.lua", [[
local scute = require "scute"
print("shown as", scute.plot.runs { { name = "a", history = { { epoch = 1, val_accuracy = 0.5 } } } }:show())
]])

-- What a terminal of that kind gets; `settings` are of its environment.
local function at_terminal(settings, script)
   local r = shell(("export TMPDIR=$T; env -u TMUX -u COLORTERM %s SHELL=/bin/sh script -qec \"stty cols 70 rows 20; "
      .. "exec $S $T/%s.lua $T/photo.bmp\" /dev/null"):format(settings, script))
   check(r.code == 0, settings .. " " .. script .. ": exit code", r.all)
   return r.out
end

local function file_named_in(out)
   return out:match "picture: (/%S+%.png)"
end

local function draws_in_place()
   for settings, start in pairs { ["TERM=xterm-kitty"] = "\27_Ga=T,", ["TERM=foot"] = "\27P0;",
      ["TERM=xterm TERM_PROGRAM=iTerm.app"] = "\27]1337;File=inline=1", ["TERM=xterm-256color COLORTERM=truecolor"] = "48;2;",
      ["TERM=xterm"] = "48;5;", ["TERM=xterm-kitty TMUX=x"] = "\27[" } do
      local out = at_terminal(settings, "photo")
      check(out:find(start, 1, true) and not file_named_in(out) and out:find "shown as\tnil", settings, out)
   end
end

-- Letters are lost in blocks, so a plot becomes a file there as well.
local function plots_can_be_read()
   local out = at_terminal("TERM=xterm-kitty", "plot")
   check(out:find("\27_Ga=T,", 1, true) and not file_named_in(out), "a plot where pixels are shown", out:sub(-200))
   out = at_terminal("TERM=xterm-256color", "plot")
   local path = file_named_in(out)
   check(out:find("\27[", 1, true) and path, "a plot in blocks", out:sub(-200))
   if path then
      check(scute.image.load(path).width == 1520, "its file is the picture", path)
      os.remove(path)
   end
end

local function names_files_elsewhere()
   local out = at_terminal("TERM=dumb", "photo")
   check(not out:find("\27[", 1, true) and file_named_in(out), "a terminal without pictures", out)
   os.remove(file_named_in(out) or "")
   for _, script in ipairs { "photo", "plot" } do
      local r = shell("TERM=xterm-kitty $S $T/" .. script .. ".lua $T/photo.bmp | cat")
      local path = file_named_in(r.out)
      check(r.code == 0 and r.err == "" and not r.out:find("\27", 1, true) and path
         and r.out:find("shown as\t" .. path, 1, true), script .. " into a pipe", r.all)
      if path then
         local image = scute.image.load(path)
         check(script == "plot" or image.width == 40, script .. ": the file is the picture", path)
         os.remove(path)
      end
   end
end

local function takes_options()
   local image = scute.image.load(cli.scratch .. "/photo.bmp")
   local text, how = scute.terminal_picture(image, { as = "blocks", columns = 7, rows = 50 })
   check(how == "blocks" and select(2, text:gsub("\n", "")) == 3, "columns", text) -- 40 x 39: 7 letters wide, 3.5 high
   check(scute.terminal_picture(image) == nil, "no terminal, no picture")
   for _, case in ipairs { { { az = 1 }, "did you mean 'as'" }, { { as = "sixels" }, "found 'sixels'" },
      { { columns = 0 }, "columns" }, { { as = "kitty", rows = 2000 }, "rows" } } do
      local ok, message = pcall(image.show, image, case[1])
      check(not ok and tostring(message):find(case[2], 1, true), case[2], message)
   end
   image:free()
   local ok, message = pcall(image.show, image)
   check(not ok and message:find "freed", "a freed image", message)
end

cli.run { draws_in_place, plots_can_be_read, names_files_elsewhere, takes_options }
