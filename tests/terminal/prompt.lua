-- The prompt itself: lines, their results, and how the session ends.
return function(open, check)
   local t = open { columns = 80 }
   check(t:screen():find("\nhelp() helps, Tab completes, Ctrl-C stops a computation, Ctrl-D leaves.\n", 1, true),
      "what a session begins with fits a window of 80 columns", t:screen())
   local shown = t:enter "20 + 22"
   check(shown:find("20 + 22\n42\n", 1, true), "a result", shown)
   t:type "scute.zer"
   t:key "Tab"
   check(t:wait "scute.zeros", "Tab completes", t:screen())
   t:key "C-c"
   t:wait "^C"
   t:type "exit"
   t:key "Enter"
   check(t:ended() == 0, "exit ends the session", t:screen())
   t:close()
end
