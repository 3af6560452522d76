-- For parts of a test that want a program of their own: dofile "tests/cuda/program.lua"(check, device) -> a function that runs
-- the same script with a part's name behind the device, and returns what it said. It must leave nothing behind.
return function(check, device)
   return function(settings, name)
      local report = os.tmpname()
      local pipe = assert(io.popen(("SOFTGPU_REPORT=%s %s %s %s %s %s 2>&1"):format(report, settings, arg[-1], arg[0], device,
         name)))
      local text = pipe:read "a"
      pipe:close()
      local file = assert(io.open(report))
      local account = file:read "a"
      file:close()
      os.remove(report)
      check(account:find('"live":{}', 1, true) and account:find('"violations":[]', 1, true), name .. " leaves nothing behind",
         account)
      return text
   end
end
