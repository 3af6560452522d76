-- What is told of mistyped names and common slips at the prompt: one line each, with the nearest name, at the user's own line.
return function(open, check)
   local t = open()

   local function says(typed, wanted)
      local shown = t:enter(typed)
      check(shown:find(wanted, 1, true), ("%s: %s"):format(typed, wanted), shown)
      check(not shown:find("stack traceback", 1, true), typed .. ": no stack", shown)
   end

   says("scute.cat(3)", "did you mean 'scute.concat'?")
   says("scute.train.fti()", "did you mean 'scute.train.fit'?")
   says("zeros(3)", "did you mean 'scute.zeros'?")
   t:enter "m = scute.nn.Sequential(scute.nn.Linear { 2, 3 }); x = scute.zeros(1, 4)"
   says("m:freez()", "Sequential: there is no field, method or child 'freez', did you mean 'freeze'?")
   says("x:viw(4)", "a tensor has no method or property 'viw'; did you mean 'reshape'?")
   says("x < 0", "x:lt(0)")
   says("m.freeze 'x'", "'freeze' is a method, which is called with a colon: m:freeze(...)")
   says("m(x)", ": in 0 (Linear): linear: argument 'x': expected shape (..., 2)")

   t:enter "function f(y) return m(y):sum() end"
   local shown = t:enter "f(x)"
   check(shown:find "input[ %d]*:1: in 0 %(Linear%)", "an error names the user's line", shown)
   check(shown:find "%.%.%. %d+ frames of scute\n%s+input[ %d]*:1: in function", "and folds the library's", shown)
   t:close()

   t = open { environment = { SCUTE_TRACEBACK = "1" } }
   shown = t:enter "scute.models.create 'resnet5'"
   check(shown:find("lua/scute/models.lua", 1, true), "SCUTE_TRACEBACK=1 shows all", shown)
   t:close()
end
