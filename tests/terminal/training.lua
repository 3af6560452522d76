-- Training at the prompt: Ctrl-C gives what there is so far, which goes on; and no half bar stays before a line that is told.
local lfs = require "lfs"
local photos = dofile((arg[0]:match "^(.*)/" or ".") .. "/../cli/photos.lua")

-- A fit of which the hook waits for Ctrl-C after a step, once.
local SCRIPT = [[
local scute = require "scute"
local set = scute.data.open("%s/photos", { seed = 0 })
local model = scute.models.create("resnet18", { classes = set.classes, image_size = 32 })
local options = { optimizer = scute.optim.sgd(model:groups { lr = 0.001 }), epochs = 2, workers = 1, batch_size = 4 }
local at = 7
options.hooks = { { on_step_end = function(run)
   if run.step ~= at then return end
   at = nil
   io.open("%s/waits", "w"):close()
   while not scute.interrupted() do end
end } }
]]

return function(open, check, scratch)
   local function write(name, text)
      local file = assert(io.open(scratch .. "/" .. name, "w"))
      file:write(text)
      file:close()
      return scratch .. "/" .. name
   end

   local function shows(t, line, wanted)
      local shown = t:enter(line)
      check(shown:find(wanted, 1, true), line .. ": shows " .. wanted, shown)
      check(not shown:find("[##", 1, true) and not shown:find("[--", 1, true), line .. ": no bar stays", shown)
   end

   -- Presses Ctrl-C where the hook waits for it, and waits for the next prompt.
   local function interrupt(t)
      t:wait(function() return lfs.attributes(scratch .. "/waits") end)
      check(t:screen():find "epoch 2/2 %[#", "a bar is drawn", t:screen())
      t:key "C-c"
      t:wait "stopped in epoch 2 after step 7"
      t:wait_prompt(0)
      os.remove(scratch .. "/waits")
   end

   photos.set(scratch .. "/photos", { blue = 14, red = 13 })
   local prepare = write("prepare.lua", SCRIPT:format(scratch, scratch))
   local fit = write("fit.lua", SCRIPT:format(scratch, scratch) .. "local result = scute.train.fit(model, set, options)\n")

   local t = open()
   t:enter(".run " .. prepare)
   t:type "result = scute.train.fit(model, set, options); 40 + #result.history"
   t:key "Enter"
   interrupt(t)
   check(t:screen():find("\n41\n", 1, true) and t:screen():find("resume() of the result goes on", 1, true),
      "the result so far", t:screen())
   shows(t, "result.stopped", "interrupted in epoch 2 after step 7")
   shows(t, "result = result:resume(); 40 + #result.history", "42")
   shows(t, "options.hooks[1].on_step_end = function() error 'my hook' end; scute.train.fit(model, set, options)", "my hook")
   t:enter "options.hooks = {}; n = 0"
   t:enter "options.loss = function(a, y) n = n + 1; if n == 3 then error 'my loss' end; return scute.cross_entropy(a, y) end"
   shows(t, "scute.train.fit(model, set, options)", "my loss")
   t:close()

   t = open { arguments = "-i " .. fit, prompt = false }
   interrupt(t)
   check(t:screen():find("the result so far is in result; result:resume() goes on", 1, true), "-i: tells where it is",
      t:screen())
   shows(t, "rawequal(_, result) and #result.history + 40 .. model.arch", "41resnet18")
   shows(t, "done = result:resume(); #done.history + 40", "42")
   shows(t, "done:resume()", "resume: this run is at its end")
   t:close()

   t = open { arguments = fit, prompt = false }
   t:wait(function() return lfs.attributes(scratch .. "/waits") end)
   t:key "C-c"
   check(t:ended() == 130, "a script ends with 130", t:screen())
   t:close()

   os.remove(scratch .. "/waits")
   local stubborn = write("stubborn.lua", SCRIPT:format(scratch, scratch):gsub("not scute.interrupted%(%)", "true")
      .. "local ok = scute.train.fit(model, set, options)\n")
   t = open { arguments = stubborn, prompt = false, columns = 400 } -- room for all the ^C
   t:wait(function() return lfs.attributes(scratch .. "/waits") end)
   t:wait(function() -- what comes soon after the first counts as the same press
      t:key "C-c"
      return lfs.attributes(t.code)
   end)
   check(t:ended() == 130, "a second one ends it at once", t:screen())
   check(not t:screen():find("[##", 1, true), "and leaves no half bar", t:screen())
   t:close()
end
