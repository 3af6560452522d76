-- Help at the prompt: `? name`, `name ?`, `?? word`, and a pager for what is longer than the screen.
return function(open, check)
   local t = open { rows = 60, columns = 100 }
   check(t:enter("? t:matmul"):find("t:matmul(...)", 1, true), "? and a method of tensors", t:screen())
   check(t:enter("conv2d ?"):find("scute.conv2d(x, weight, bias = nil", 1, true), "a name and ?", t:screen())
   t:enter "x = scute.zeros(2, 3)"
   check(t:enter("x?"):find("tensor f32 cpu (2, 3)", 1, true), "a variable and ?", t:screen())
   local found = t:enter "?? smoothing"
   check(found:find("train.fit { label_smoothing }", 1, true), "?? and a part of an option's name", found)
   found = t:enter "?? linear"
   check(found:find "names:.*nn%.Linear.*texts:", "names come first", found)
   t:close()

   -- A pager of the user's choice gets what is long and nothing else; it ends as it likes and the session goes on.
   t = open { rows = 12, environment = { PAGER = "sed -e 's/^/| /' | cat" } }
   check(not t:enter("? t:item"):find("| ", 1, true), "what is short is printed", t:screen())
   check(t:enter("help(scute.zeros(1))"):find("|    t:zero_grad", 1, true), "what is long goes through PAGER", t:screen())
   t:close()

   t = open { rows = 12, environment = { PAGER = false, LESS = false } }
   t:type "help()"
   t:key "Enter"
   local paged = t:wait(function(screen) return screen:find "\n:\n*$" or screen:find "%-%-More%-%-" end)
   check(paged, "less or more waits at the end of a screen", t:screen())
   t:key "C-c"
   t:type "q"
   local looks = 0
   t:wait(function(screen)
      looks = looks + 1
      -- less may forget a key that comes while it is interrupted.
      if looks % 50 == 0 and screen:find "\n:\n*$" then t:type "q" end
      return screen:find "\n> ?\n*$"
   end)
   t:key "C-u"
   check(t:enter("20 + 22"):find("\n42\n", 1, true), "the session is there after Ctrl-C and q", t:screen())
   t:close()

   t = open { rows = 12, environment = { PAGER = "no-such-pager-here" } }
   check(t:enter("help()"):find("Weight files", 1, true), "without the pager the text is printed", t:screen())
   t:close()
end
