-- What busted prints: the failures, and the count that tools/test.sh adds up. TIMES=1 in the environment: also the seconds of
-- each file, those of this process and of all.
return function()
   local busted = require "busted"
   local scute = require "scute"
   local handler = require "busted.outputHandlers.base" ()
   local file_began = { processor = 0, clock = 0 }

   local function file_start()
      file_began = { processor = os.clock(), clock = scute.clock() }
      return nil, true
   end

   local function file_end(file)
      print(("%6.1f s of processors, %6.1f s in all  %s"):format(os.clock() - file_began.processor,
         scute.clock() - file_began.clock, file.name))
      return nil, true
   end

   local function report(kind, list)
      for _, entry in ipairs(list) do
         local where = entry.element.trace or {}
         local text = type(entry.message) == "string" and entry.message or require "pl.pretty".write(entry.message)
         io.write(("%s: %s (%s:%s)\n%s\n"):format(kind, entry.name, where.short_src or "?", where.currentline or "?",
            text))
      end
   end

   local function suite_end()
      local failed = handler.failuresCount + handler.errorsCount
      if handler.successesCount + failed == 0 then
         io.write "no test ran\n"
         failed = 1
      end
      for _, pending in ipairs(handler.pendings) do
         io.write(("pending: %s%s\n"):format(pending.name,
            type(pending.message) == "string" and ": " .. pending.message or ""))
      end
      report("FAILED", handler.failures)
      report("ERROR", handler.errors)
      io.write(("%d passed, %d failed\n"):format(handler.successesCount, failed))
      io.flush()
      if failed > 0 then os.exit(false, true) end
      return nil, true
   end

   if os.getenv "TIMES" then
      busted.subscribe({ "file", "start" }, file_start)
      busted.subscribe({ "file", "end" }, file_end)
   end
   busted.subscribe({ "suite", "end" }, suite_end)
   return handler
end
