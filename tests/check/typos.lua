-- Six typos of different kinds in copies of each exercise: --check finds each in its line, and so does running, in one line
-- and before anything is trained.
return function(cli, photos)
   local check, shell = cli.check, cli.shell

   -- { what, the text of the script, the typo in its place, what both say }. What ends in a line break is put before a line.
   local FUNCTION = { "a function of a family", "cli.parse(", "cli.prase(",
      "scute.cli.prase: there is no such function, did you mean 'scute.cli.parse'?" }
   local GLOBAL = { "a global in a function", "local opt = ", "local function f() fctor = 2 return fctor end\nf()\n",
      "undeclared name 'fctor' is assigned inside a function; 'local fctor = ...'" }
   local TYPOS = {
      ["transfer_learning"] = { GLOBAL,
         { "a flag", "opt.freeze_backbone", "opt.freeze_backbne", "there is no option 'freeze_backbne'; did you mean" },
         { "an option", "pretrained =", "pretraned =", "unknown option 'pretraned'; did you mean 'pretrained'?" },
         { "a method", "model:freeze", "model:freze", "did you mean 'freeze'?" },
         { "a variable", "fit(model, ", "fit(modle, ", "undeclared name 'modle'; did you mean 'model'?" },
         { "a value", "local fit = ", "run.on_bad_image = 'skpi'\n", "found 'skpi'; did you mean 'skip'?" },
      },
      ["fine_tuning"] = { FUNCTION,
         { "a flag", "opt.batch_norm", "opt.batchnrm", "there is no option 'batchnrm'; did you mean 'batch_norm'?" },
         { "an option", "warmup = opt.unfreeze_warmup", "warmpu = opt.unfreeze_warmup",
            "unknown option 'warmpu'; did you mean 'warmup'?" },
         { "a field of a run", "run.schedule", "run.shedule", "there is no option 'shedule'; did you mean 'schedule'?" },
         { "a value", "warmup = opt.warmup_epochs", "warmup = -1", "'warmup': expected a number of at least 0, found -1" },
         { "a variable", "fit(model, set,", "fit(model, sets,", "undeclared name 'sets'; did you mean 'set'?" },
      },
      ["compare_architectures"] = { FUNCTION, GLOBAL,
         { "a flag", "opt.protocol ==", "opt.protocl ==", "there is no option 'protocl'; did you mean 'protocol'?" },
         { "a field of a trial", "trial.fixed =", "trial.fixd =", "there is no option 'fixd'; did you mean 'fixed'?" },
         { "a value", "local found = ", "local step = scute.schedule.step { every = 0 }\n", "option 'every': expected a" },
         { "a variable", "compare.fixed(opt)", "compare.fixed(otp)", "undeclared name 'otp'; did you mean 'opt'?" },
      },
      ["best_practices"] = { FUNCTION,
         { "a flag", "opt.dropout,", "opt.droput,", "there is no option 'droput'; did you mean 'dropout'?" },
         { "an option", "every = opt.epochs / 3", "evrey = opt.epochs / 3", "unknown option 'evrey'; did you mean 'every'?" },
         { "a field of a run", "run.early_stop =", "run.early_stopp =", "no option 'early_stopp'; did you mean 'early_stop'?" },
         { "a value", "gamma = 0.1", "gamma = 'small'", "option 'gamma': expected a number" },
         { "a variable", "train.fit(model, context.set,", "train.fit(modle, context.set,",
            "undeclared name 'modle'; did you mean 'model'?" },
      },
   }
   local ARGUMENTS = " --data_dir $T/typos/photos --weights none --image_size 32 --epochs 1"
      .. " --model baseline_cnn --freeze_backbone"
   local OF = { fine_tuning = ARGUMENTS:gsub(" %-%-freeze_backbone", ""), best_practices = ARGUMENTS:gsub(" %-%-f.*$", ""),
      compare_architectures = " --data_dir $T/typos/photos --weights none --models baseline_cnn" }

   -- A copy with a typo; returns its path and the line in which that is.
   local function misspelt(exercise, number, typo)
      local text = cli.read_file(("scripts/%s.lua"):format(exercise))
      local at, behind = text:find(typo[2], 1, true)
      assert(at, typo[2])
      if typo[3]:find "\n$" and not typo[2]:find "\n" then behind = at - 1 end
      local changed = text:sub(1, at - 1) .. typo[3] .. text:sub(behind + 1)
      local path = ("%s/typos/%s_%d.lua"):format(cli.scratch, exercise, number)
      photos.write_file(path, changed)
      return path, select(2, text:sub(1, at - 1):gsub("\n", "")) + 1
   end

   -- The copies: { name, path, place = "path:line:", exercise, number, says }.
   local function misspell_all()
      local copies = {}
      for exercise, typos in pairs(TYPOS) do
         for number, typo in ipairs(typos) do
            local path, line = misspelt(exercise, number, typo)
            copies[#copies + 1] = { name = ("%s: %s"):format(exercise, typo[1]), exercise = exercise, number = number,
               path = path, place = ("%s:%d:"):format(path, line), says = typo[4] }
         end
      end
      return copies
   end

   -- All are found, each in its line, and nothing else is.
   local function are_found(copies)
      local paths = {}
      for i, copy in ipairs(copies) do paths[i] = copy.path end
      local r = shell("$S --check " .. table.concat(paths, " "))
      check(r.code == 1 and r.err == "", "--check of all", r.all)
      for _, copy in ipairs(copies) do
         local lines = {}
         for line in r.out:gmatch "[^\n]+" do
            if line:find(copy.path, 1, true) then lines[#lines + 1] = line end
         end
         local is_one = #lines == 1 and lines[1]:find(copy.place, 1, true) and lines[1]:find(copy.says, 1, true)
         check(is_one, copy.name .. " is found", table.concat(lines, "\n"))
      end
      check(r.out:find(("\n%d findings in %d files\n$"):format(#copies, #copies)), "their number", r.out)
   end

   local function is_told(copy)
      local output = ("%s/typos/out/%s_%d"):format(cli.scratch, copy.exercise, copy.number)
      local r = shell(("$S %s%s --output_dir %s"):format(copy.path, OF[copy.exercise] or ARGUMENTS, output))
      check(r.code == 1 and r.err:match "^[^\n]*":find(copy.says, 1, true), copy.name .. " is told", r.all)
      local has_trained = r.out:find "epoch +1" or cli.read_file(output .. "/baseline_cnn/run.json")
      check(not has_trained, copy.name .. " trains nothing", r.all)
   end

   local function finds_typos_in_exercises()
      photos.set(cli.scratch .. "/typos/photos", { blue = 5, red = 5 })
      local copies = misspell_all()
      check(#copies == 24, "six in each of the four exercises", #copies)
      are_found(copies)
      for _, copy in ipairs(copies) do is_told(copy) end
   end

   return { finds_typos_in_exercises }
end
