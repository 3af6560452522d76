-- scute --watch at a terminal: saves run the script again, Ctrl-C ends it all.
return function(open, check, scratch)
   local path = scratch .. "/watched.lua"
   local function save(text)
      local file = assert(io.open(path .. "~", "w"))
      file:write(text)
      file:close()
      os.rename(path .. "~", path)
   end

   save "print('first', ...)"
   local t = open { arguments = "--watch watched.lua one", folder = scratch, prompt = false }
   check(t:wait "first   one\nscute: waiting for a save of watched.lua", "a run, and what it waits for", t:screen())
   save "print 'second'\nerror 'here'"
   check(t:wait "second\nscute: watched.lua:2: here", "a save runs it again", t:screen())
   save "print 'third' io.stdout:flush() while true do end"
   check(t:wait "scute: watched.lua was saved\nthird", "after an error too", t:screen())
   save "print 'fourth'"
   check(t:wait "third\nscute: watched.lua was saved\nfourth", "a save ends a run", t:screen())
   save "print 'fifth' io.stdout:flush() while true do end"
   t:wait "fifth"
   t:key "C-c"
   check(t:wait "scute: interrupted", "Ctrl-C ends the run", t:screen())
   check(t:ended() == 130, "and the watching", t:screen())
   t:close()

   save "print 'waits'"
   t = open { arguments = "--watch watched.lua", folder = scratch, prompt = false }
   t:wait "waiting for a save"
   t:key "C-c"
   check(t:ended() == 130, "Ctrl-C ends the waiting", t:screen())
   t:close()
end
