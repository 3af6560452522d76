-- What --check finds, where, and what it leaves to running.
return function(cli, photos)
   local check, shell = cli.check, cli.shell
   local check_files = require "scute.check.files"

   local HEAD = "local scute = require 'scute'\nlocal cli, models, nn = scute.cli, scute.models, scute.nn"
      .. " local optim, schedule, train = scute.optim, scute.schedule, scute.train\n"

   local folder = cli.scratch .. "/findings"

   -- Checks a file of this text, beside others by name. Returns what is found, a line each.
   local function found(text, others)
      photos.write_file(folder .. "/script.lua", text)
      for name, other in pairs(others or {}) do photos.write_file(folder .. "/" .. name, other) end
      local lines = {}
      for i, finding in ipairs(check_files { folder .. "/script.lua" }[1].findings) do
         lines[i] = ("%d:%d: %s"):format(finding.line, finding.column, finding.message)
      end
      return table.concat(lines, "\n"), #lines
   end

   -- text -> what is found in it, with the position behind the two lines of HEAD.
   local FOUND = {
      ["x = 1\nprint(y)"] = "2:7: undeclared name 'y'",
      ["local rate = 1\nprint(raet)"] = "2:7: undeclared name 'raet'; did you mean 'rate'?",
      ["print(torch.zeros(3))"] = "1:7: undeclared name 'torch'; there is no torch here",
      ["local opt, optimizer = cli.parse(arg, '', cli.common), 1\nprint(opt.epochs .. lr, optimizer)"]
         = "2:21: undeclared name 'lr'; nothing has assigned it",
      ["local learning = 1\nlocal rate = arg.rate or leraning"] = "2:26: undeclared name 'leraning'; did you mean 'learning'?",
      ["local unpack = unpack or table.unpack"] = "1:16: undeclared name 'unpack'; in Lua 5.4 it is table.unpack",
      ["local function f() count = 1 end"] = "1:20: undeclared name 'count' is assigned inside a function; 'local count",
      ["local s\ns = 'x'\ns:fromat()"] = "3:3: a text has no method 'fromat'; did you mean 'format'?",
      ["local function f() function g() end end"] = "1:29: undeclared name 'g' is assigned",
      ["local rate, list = 1, require 'pl.List'\nprint(list, raet)"] = "2:13: undeclared name 'raet'; did you mean 'rate'?",
      ["do local x = 1 end print(x)"] = "1:26: undeclared name 'x'",
      ["a = b b = a train.fit(nil, nil, a)\nprint(c)"] = "2:7: undeclared name 'c'",
      ["local x = x"] = "1:11: undeclared name 'x'",
      ["for i = 1, 2 do end print(i)"] = "1:27: undeclared name 'i'",
      ["local opt = cli.parse(arg, '', cli.common)\nprint(opt.epoch)"]
         = "2:11: command line: there is no option 'epoch'; did you",
      ["local opt = cli.parse(arg, '', { { 'size', whole = true }, { 'much', flag = true } })\nopt.sise = 3"]
         = "2:5: command line: there is no option 'sise'; did you mean 'size'?",
      ["opt = cli.parse(arg, '', cli.flags({ { 'size', whole = true } }, { 'epochs' }))\nprint(opt.epochs)"]
         = "2:11: command line: there is no option 'epochs'",
      ["local own = { { 'size', whole = true } }\nlocal opt = cli.parse(arg, '', cli.flags(own))\nprint(opt.sice)"]
         = "3:11: command line: there is no option 'sice'; did you mean 'size'?",
      ["cli.parse(arg, '', cli.pick(cli.common, 'data_dri'))"] = "1:20: cli.pick: there is no flag 'data_dri'; did you mean",
      ["cli.parse(arg, '', { { 'size', whoel = true } })"] = "1:20: command line: the option 'size' has a field 'whoel'",
      ["local opt = cli.parse(arg, '', cli.common)\nopt.precision = 'fp61'"]
         = "2:17: command line: option 'precision': expected one",
      ["local function build(opt) return opt.modle end\nbuild(cli.parse(arg, '', cli.common))"]
         = "1:38: command line: there is no option 'modle'; did you mean 'model'?",
      ["local step = function(t) t:reshpe(1) end\nfor _ = 1, 2 do step(scute.zeros(1)) end"]
         = "1:28: a tensor has no method or property 'reshpe'; did you mean 'reshape'?",
      ["local t = scute.zeros(3) + 1\nprint(t.shpae)"] = "2:9: a tensor has no method or property 'shpae'; did you mean",
      ["train.fti()"] = "1:7: scute.train.fti: there is no such function, did you mean 'scute.train.fit'?",
      ["scute.manual_sed(1)"] = "1:7: scute.manual_sed: there is no such function",
      ["nn.Liner { 2, 3 }"] = "1:4: scute.nn.Liner: there is no such function, did you mean 'scute.nn.Linear'?",
      ["models.resnet51 { classes = 2 }"] = "1:8: models: unknown model 'resnet51'; did you mean 'resnet50'?",
      ["models.create('resnet51', {})"] = "1:15: models: unknown model 'resnet51'; did you mean 'resnet50'?",
      ["require('scute.optim').Adam {}"] = "1:24: scute.optim.Adam: there is no such function, did you mean",
      ["print(math.flor(1.5))"] = "1:12: there is no math.flor; did you mean 'floor'?",
      ["print(('x'):fromat())"] = "1:13: a text has no method 'fromat'; did you mean 'format'?",
      ["local m = models.resnet18 { classes = 2 }:eval()\nm:freze()"]
         = "2:3: a model has no method 'freze'; did you mean 'freeze'?",
      ["nn.Linear { 2, 3 }:freze()"] = "1:20: Linear has no method 'freze'; did you mean 'freeze'?",
      ["scute.zeros(3):reshpe { 3, 1 }"] = "1:16: a tensor has no method or property 'reshpe'; did you mean 'reshape'?",
      ["schedule.warmup(2):thn_()"] = "1:20: a schedule has no method 'thn_'; did you mean 'then_'?",
      ["local set = scute.data.open(arg[1], {})\nset:splitt()"]
         = "2:5: what data.open returns has no method 'splitt'; did you mean 'split'?",
      ["optim.sgd({}, { lr = 1 }):setp()"] = "1:27: an optimizer has no method 'setp'; did you mean 'step'?",
      ["models.create('resnet18', { clases = 2 })"] = "1:29: models: unknown option 'clases'; did you mean 'classes'?",
      ["scute.randn(2, 2, { dtpye = 'f32' })"] = "1:21: randn: unknown option 'dtpye'; expected dtype, device or requires_grad",
      ["scute.zeros(2, 2, { dtype = 'f33' })"]
         = "1:21: zeros: option 'dtype': expected f32, f64, f16, bf16, i64 or u8, found 'f33'",
      ["scute.zeros(2):to 'f61'"] = "1:19: to: expected a dtype (f32, f64, f16, bf16, i64, u8) or a device",
      ["local m = models.resnet18 { classes = 3 }:eval()\nm:freeze 'backbon'"]
         = "2:10: freeze: no group, module or parameter 'backbon'; did you mean 'backbone'?",
      ["local m = models.create('resnet18', { classes = 3 })\nm:groups { lr = { bakbone = arg[1] } }"]
         = "2:10: groups: lr: no group 'bakbone'; did you mean 'backbone'?",
      ["models.resnet18 { pretrained = 'imagnet' }"]
         = "1:32: models: there is no readable file imagnet; expected a path, imagenet or none; did you mean 'imagenet'?",
      ["models.resnet18 { image_size = '32' }"] = "1:32: models: option 'image_size': expected a whole number",
      ["train.fit(nil, nil, { epochs = 0 })"]
         = "1:32: train.fit: option 'epochs': expected a whole number of at least 1, found 0",
      ["train.fit(nil, nil, { on_bad_image = 'skpi' })"] = "found 'skpi'; did you mean 'skip'?",
      ["train.fit(nil, nil, { augment = 'lihgt' })"] = "unknown preset 'lihgt'; did you mean 'light'?",
      ["train.fit(nil, nil, { seed = -1 })"] = "option 'seed': expected a whole number of at least 0",
      ["train.fit(nil, nil, { mixup = {} })"] = "option 'mixup': expected a number of at least 0, found a table",
      ["local N = 0\nlocal o = { epochs = N }\ntrain.fit(nil, nil, o)"] = "2:22: train.fit: option 'epochs': expected",
      ["train.fit(nil, nil, { early_stop = { metrik = 'loss' } })"] = "1:38: early_stop: unknown option 'metrik'",
      ["train.fit(nil, nil, { early_stop = { patience = '3' } })"] = "option 'patience': expected a whole number",
      ["train.fit(nil, nil, { early_stop = { metric = 'f2', patience = arg[1] }, metrics = { f1 = arg[1] } })"]
         = "1:47: train.fit: early_stop: option 'metric': there is no figure 'f2'; did you mean 'f1'?",
      ["train.fit(nil, nil, { metrics = { 'f2x' } })"] = "1:35: train.fit: metrics: there is no metric 'f2x'",
      ["local f = arg[1]\ntrain.fit(nil, nil, { metrics = { cost = { f = f, lowr = true } } })"]
         = "2:51: train.fit: metrics: 'cost': there is no 'lowr'; did you mean 'lower'?",
      ["train.fit(nil, nil, { best_by = 'acuracy' })"] = "1:33: train.fit: best_by: there is no figure 'acuracy'; did you mean",
      ["train.fit(nil, nil, { ema = 7 })"] = "1:29: train.fit: ema: expected a decay of at least 0 and below 1, found 7",
      ["train.fit(nil, nil, { hooks = { { on_step_end = arg[1], on_epoch_ends = print } } })"]
         = "1:57: train.fit: hooks: number 1: there is no event 'on_epoch_ends'; did you mean 'on_epoch_end'?",
      ["train.fit(nil, nil, { augment = { 'ligth' } })"] = "1:35: train.fit: augment: unknown preset 'ligth'; did you mean",
      ["train.fit(nil, nil, { augment = { name = 'mine', aply = print } })"] = "augment: 'mine' has no apply",
      ["train.fit(nil, nil, { sampler = { name = 'mine', indexes = print } })"]
         = "1:33: train.fit: option 'sampler': expected balanced, identities, a sampler",
      ["train.fit(nil, nil, { schedule = { facter = print } })"] = "1:34: train.fit: option 'schedule': expected a schedule",
      ["train.fit(nil, nil, { schedule = { factor = print, lvie = print } })"] = "schedule: there is no function 'lvie'",
      ["train.fit(nil, nil, { class_weights = { red = 'x' } })"]
         = "1:41: train.fit: class_weights: expected a number above 0 for class 'red', found x",
      ["train.fit(nil, nil, { epochs = 3 })"] = "1:21: train.fit: option 'optimizer' is missing: what moves the weights",
      ["local run = train.options {}\nrun.hooks = { { on_epoch_ends = print } }"]
         = "2:17: train.fit: hooks: number 1: there is no event 'on_epoch_ends'",
      ["train.options { epoch = 1 }"] = "1:17: train.fit: unknown option 'epoch'; did you mean 'epochs'?",
      ["local run = train.options {}\nrun.optimzer = 1"] = "2:5: train.fit: there is no option 'optimzer'; did you mean",
      ["local run = train.options {}\nrun.schedule = 'cosin'"] = "2:16: train.fit: option 'schedule': unknown schedule 'cosin'",
      ["local m = models.resnet18 {}\nm:groups { rl = 1 }"] = "2:12: groups: unknown option 'rl'; did you mean 'lr'?",
      ["schedule.warmup_cosine { warmpu = 1 }"] = "1:26: schedule.warmup_cosine: unknown option 'warmpu'; did you mean",
      ["schedule.cosine(-2)"] = "1:17: schedule.cosine: option 'epochs': expected a number of at least 0, found -2",
      ["optim.adamw({}, { lr = 1, weight_decy = 0 })"] = "1:27: optim.adamw: unknown option 'weight_decy'; did you mean",
      ["nn.Conv2d { 3, 4, 3, strid = 2 }"] = "1:22: nn.Conv2d: unknown option 'strid'; did you mean 'stride'?",
      ["scute.zeros(2):softmax { dmi = 1 }"] = "1:26: softmax: unknown argument 'dmi'; did you mean 'dim'?",
      ["scute.cross_entropy(a, b, { reduction = 'men' })\na, b = 1, 2"]
         = "1:41: cross_entropy: argument 'reduction': expected one",
      ["scute.conv2d(a, b, { padding = 'sme_tf' })\na, b = 1, 2"]
         = "1:32: conv2d: argument 'padding': expected one whole number or a table of two, or 'same_tf', found 'sme_tf'",
   }

   -- What only running can tell, and what is right.
   local PASSES = {
      "scute.conv2d(a, b, { padding = 'same_tf' })\nscute.conv2d(a, b, { padding = 1 })\na, b = 1, 2",
      "models.register('resnet51', build)\nmodels.create('resnet51', {})\nmodels.resnet51 {}\nbuild = 1",
      "local function refuses(f) assert(not pcall(f)) end\nrefuses(function() train.fti() end)",
      "local function f(opt) return opt.modle end\nf(cli.parse(arg, '', cli.common))\nf { modle = 1 }",
      "local function f(opt) return opt.modle end\nf(cli.parse(arg, '', cli.common))\nother = f",
      "local function f(opt) return opt.modle end\nf(cli.parse(arg, '', cli.common))\nprint(f)",
      "local function f(a, opt) if a then f(opt, a) end return opt.modle end\nf(1)",
      "local function f(t) if t == nil then t = '' end return t:anything() end", "print(package.loaders or table.pck)",
      "for _, t in ipairs {} do t = t or '' t:anything() end", "local a, b = f()\nb = 'x'\nb:anything()\nfunction f() end",
      "x = x or 1\nx = x", "a = 1 b = a a = b\ntrain.fit(nil, nil, { optimizer = b, epochs = b })",
      "optim.sgd({}, { lr = 1, betas = nil })",
      "local class = require 'pl.class'\nclass.Animal()\nprint(Animal)",
      "x = 1\nlocal function f() x = 2 return x end", "function f() return g() end\nfunction g() return f() end",
      "x = nil\nlocal function f() x = 2 end", "local _ENV = { print = print }\nprint(x)",
      "print(_G.x, rawget(_G, 'y'), _PROMPT)", "local unpack = table.unpack or unpack",
      "local read = load or (loadstring)\nprint((table.unpack or read or unpack), _G.jit or bit32)",
      "local function f(n) _G[n] = 1 end\nf 'x' print(x)", "rawset(_G, 'x', 1)\nprint(x)", "dofile(arg[1])\nprint(epochs)",
      "local x <const>, y <close> = 1, nil\nprint(x, y, 7 // 2, 7 & 1)\ngoto done\n::done::",
      "repeat local x = 1 until x == 1", "local function f(...) local a = ... return a end\nprint(f())",
      "function other() return {} end\nlocal opt = cli.parse(arg, '', { table.unpack(other()) })\nprint(opt.any)",
      "local own = { { 'a', flag = true } }\nown[2] = { 'b', flag = true }\nlocal opt = cli.parse(arg, '', own)\nprint(opt.b)",
      "local own = { { 'a', flag = true } }\ntable.insert(own, { 'b', flag = true })\nprint(cli.parse(arg, '', own).b)",
      "local opt = cli.parse(arg, '', { { 'way', choices = { 'a', 'b' } } })\nopt.way = 'both'",
      "local opt = {}\nif arg[1] then opt = cli.parse(arg, '', cli.common) end\nprint(opt.anything)",
      "function string.trim(s) return s end\nprint((' x'):trim(), string.trim ' x')",
      "print(pcall(function() return train.fti end))",
      "function models.mine() end\nmodels.mine()", "models.create('mine', {})", "models.create(arg[1], { classes = 2 }):heat()",
      "local Net = models.create\nfunction Net.extent() end\nmodels.create(arg[1], {}):extent()",
      "local m = nn.Linear { 2, 3 }\nfunction m:attend() end\nm:attend()", "models.resnet18 { log = false }",
      "local Net = nn.Module:extend 'Net'\nfunction Net:build() self.a = nn.Linear { 2, 2 } end\nNet():attend()",
      "local o = { epochs = arg[1] }\ntrain.fit(nil, nil, o)",
      "local o, f = arg[1], arg[2]\ntrain.fit(nil, nil, { optimizer = o, best_by = 'cost', metrics = { cost = f, 'f1' }, "
         .. "early_stop = { metric = 'f1', patience = o }, ema = { decay = o }, hooks = { { name = o, on_epoch_end = f }, o }, "
         .. "augment = { 'light', f, { name = o, apply = f } }, sampler = { name = o, indices = f }, schedule = { factor = f, "
         .. "name = o, live = f }, class_weights = { [o] = f } })",
      "local t = scute.zeros(2, { dtype = arg[1], device = 'cuda:7', requires_grad = true })\nt:to 'cuda:7'\nt:to(arg[1])",
      "local m = models.resnet18 { pretrained = 'mine.pth' }\nm:freeze { 'layer1', arg[1] }\nm:groups { lr = arg[1] }",
      "local m = models.resnet18 {}\nm.extra = nn.Linear { 2, 2 }\nm:freeze 'extra'",
      "local m = models.resnet18 {}\nlocal function f(x) x.extra = nn.Linear { 2, 2 } end\nf(m)\nm:freeze 'extra'",
      "local m = arg[1] and models.create(arg[1], {})\nm:freeze 'anything'",
      "local s = schedule.plateau(2):then_(schedule.cosine())\ns:observe({})\nprint(s:describe(), s.length, s:factor())",
      "local set = scute.data.open(arg[1], {})\nset:augmented()\nfor _, p in ipairs { set.train, set.val } do p:any() end",
      "local m = arg[1]\ntrain.fit(nil, nil, { optimizer = m, metrics = m, best_by = 'own', early_stop = { metric = 'own' } })",
      "local m, h = {}, {}\nm.own = arg[1]\ntable.insert(h, m)\ntrain.fit(nil, nil, { optimizer = h, metrics = m, "
         .. "best_by = 'own', hooks = h })", "local o = { epochs = 1 }\no.optimizer = arg[1]\ntrain.fit(nil, nil, o)",
      "local run = train.options { best_by = 'own' }\nrun.metrics, run.early_stop = arg[1], { metric = 'own' }",
      "local f = arg[1] and train.fit or train.lr_find\nf(nil, nil, { steps = 1 })",
      "local run = train.options { early_stop = { patience = 3 } }\nrun.hooks = { { name = 'x' } }\nrun.schedule = 'cosine'",
      "train.fti() -- check: ignore", "local function f()\n   -- check: ignore\n   train.fti()\nend",
      "scute.zeros(3):reshape { 3, 1 }",
      "local t = scute.zeros(3)\nprint(t.shape, t.grad, t[1])", "schedule.cosine(20)\nschedule.cosine()",
      "nn.Sequential(nn.Linear { 2, 3 }, nn.Linear(3, 2))", "for _, m in ipairs { 'x' } do train[m]() end",
   }

   local function finds()
      for text, expected in pairs(FOUND) do
         local told, count = found(HEAD .. text)
         local line = expected:match "^(%d+):%d"
         local wanted = line and expected:gsub("^%d+", math.tointeger(line) + 2) or expected
         check(count == 1 and told:find(wanted, 1, true), text, told)
      end
   end

   local function leaves_the_rest()
      for _, text in ipairs(PASSES) do
         local told, count = found(HEAD .. text)
         check(count == 0, text, told)
      end
   end

   local function reads_syntax()
      for text, expected in pairs { ["x = = 1"] = "1:5: unexpected symbol near '='", ["if x then"] = "1:",
         ["local x <const> = 1\nx = 2"]
         = "2:1: attempt to assign to const variable 'x'", ["goto nowhere"] = "1:1: no visible label",
         ["\u{e4} = 1"] = "1:1: unexpected symbol", ["print('\u{e4}') y ="] = "1:15: unexpected symbol near <eof>",
         ["#!/usr/bin/scute\nx = ("] = "2:" } do
         local told = found(text)
         check(told:sub(1, #expected) == expected, text, told)
      end
      local told = found("x = " .. ("{"):rep(5000) .. ("}"):rep(5000))
      check(told == "1:1: C stack overflow", "a text that is nested too deeply", told)
      check(found "\xEF\xBB\xBF#!/usr/bin/scute\nprint(1)" == "", "a mark in front and a line for the shell")
   end

   local function knows_modules()
      local told
      local others = { ["helpers.lua"] = "shared = 1\nrequire 'more'", ["more/init.lua"] = "further = 2" }
      told = found("require 'helpers'\nprint(shared, further)\nprint(shraed)", others)
      check(told == "3:7: undeclared name 'shraed'; did you mean 'shared'?", "modules declare", told)
      check(found("print(tow)\nx = = 1"):find "^2:5: [^\n]*$", "syntax comes first")
      photos.write_file(folder .. "/used.lua", "return function() return shared end")
      photos.write_file(folder .. "/user.lua", "shared = 1\nrequire 'used'")
      photos.write_file(folder .. "/alone.lua", "print(shared)\nprint(a)")
      local r = shell "$S --check $T/findings/used.lua $T/findings/user.lua"
      check(r.code == 0 and r.all, "a module beside who declares", r.all)
      r = shell "F=$T/findings; $S --check $F/alone.lua $F/script.lua"
      told = r.out:gsub(folder .. "/", "")
      check(r.code == 1 and r.err == "" and told:find "^alone.lua:1:7: undeclared name 'shared'[^\n]*\nalone.lua:2:7: [^\n]*\n"
         and told:find "\nscript.lua:2:5: unexpected symbol[^\n]*\n3 findings in 2 files\n$", "a script alone", r.all)
   end

   local function shares_what_files_declare()
      photos.write_file(folder .. "/net.lua", "net = {}\nnet.width = 3")
      photos.write_file(folder .. "/uses.lua", "print(net.width)\nprint(nett)")
      local near = "uses.lua:2:7: undeclared name 'nett'; did you mean 'net'?\n1 finding in 1 file\n"
      for _, line in ipairs { "--check net.lua uses.lua", "--check uses.lua net.lua", "-l net.lua --check uses.lua",
         "--check -l net.lua -- uses.lua" } do
         local r = shell("S=$(realpath $S); cd $T/findings; $S " .. line)
         check(r.code == 1 and r.out == near and r.err == "", line, r.all)
      end
      photos.write_file(folder .. "/any.lua", "for _, name in ipairs(arg) do _G[name] = 1 end")
      local r = shell "$S -l $T/findings/any.lua --check $T/findings/uses.lua"
      check(r.code == 0 and r.out == "", "a file that may declare anything", r.all)
   end

   local function refuses_bad_lines()
      cli.refuses("no file", 2, "--check needs files", "$S --check")
      cli.refuses("a file that is not there", 2, "--check: cannot read 'nowhere.lua': No such file", "$S --check nowhere.lua")
      cli.refuses("a folder", 2, "--check: cannot read '/': Is a directory", "$S --check /")
      cli.refuses("another option", 2, "--check needs files, and no other option but -l", "$S -i --check scripts/predict.lua")
      cli.refuses("a file to load first that is not there", 1, "-l: cannot open 'nowhere.lua'",
         "$S -l nowhere.lua --check scripts/predict.lua")
      photos.write_file(folder .. "/mine.lua", "require('scute').models.register('resnet51', function() end)")
      photos.write_file(folder .. "/uses.lua", "print(require('scute').models.create('resnet51', {}))")
      local r = shell "F=$T/findings; $S --check $F/uses.lua; $S -l $F/mine.lua --check $F/uses.lua"
      check(select(2, r.all:gsub("resnet51", "")) == 1, "networks of a file that is loaded first are known", r.all)
      cli.refuses("no luacheck", 1, "--check needs luacheck's parser: 'make deps' installs it",
         "LUA_PATH='/usr/share/lua/5.4/?.lua' LUA_PATH_5_4='/nowhere/?.lua' $S --check scripts/predict.lua")
   end

   local function raises_no_false_alarm()
      local r = shell("$S --init $T/project >/dev/null && $S --check $T/project/*.lua scripts/*.lua examples/*.lua tests/*.lua"
         .. " tests/*/*.lua")
      check(r.code == 0 and r.out == "" and r.err == "", "what is right passes", r.all)
   end

   return { finds, leaves_the_rest, reads_syntax, knows_modules, shares_what_files_declare,
      refuses_bad_lines, raises_no_false_alarm }
end
