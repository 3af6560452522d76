-- Tab: what it inserts, and the choices that it shows.
local lfs = require "lfs"

return function(open, check, scratch)
   local folder = scratch .. "/complete"
   lfs.mkdir(folder)
   lfs.mkdir(folder .. "/photos of turtles")
   local t = open { environment = { HOME = folder }, folder = folder, rows = 50 }

   -- Types a line and Tab, and waits for what is then there; drops it.
   local function tab(typed, wanted)
      t:type(typed)
      t:key "Tab"
      local there, screen = t:wait("> " .. wanted)
      check(there, typed .. " and Tab: " .. wanted, screen)
      t:key("C-e", "C-u")
   end

   tab("scute.randn(3, 3):requires", "scute.randn(3, 3):requires_grad_")
   tab("scute.models.resnet18 {}:unfreeze_o", "scute.models.resnet18 {}:unfreeze_only")
   tab("scute.train.fit(m, s, { ep", "scute.train.fit(m, s, { epochs =")
   tab("scute.plot.curves(x):sa", "scute.plot.curves(x):save")
   tab('scute.train.fit(m, s, { precision = "b', 'scute.train.fit(m, s, { precision = "bf16')
   tab('help "cross', 'help "cross_entropy')
   tab("? models.cr", "? models.create")
   tab('io.open("ph', 'io.open("photos of turtles/')
   tab('io.open("~/ph', 'io.open("' .. folder .. "/photos of turtles/")

   -- The choices stand below the line, which is there again behind them.
   t:type "scute.models.resnet1"
   t:key "Tab"
   local there, screen = t:wait "resnet101  resnet152  resnet18\n> scute.models.resnet1"
   check(there, "choices", screen)
   t:key "C-u"

   -- In a chunk of several lines those above count.
   t:type "do local x = scute.randn(2)"
   t:key "Enter"
   t:wait ">>"
   t:type "   print(x:num"
   t:key "Tab"
   check(t:wait "print(x:numel", "lines above", t:screen())
   t:type "()) end"
   t:key "Enter"
   check(t:wait "\n2\n", "they run", t:screen())
   t:close()
end
