-- The command line of a script: flags with types, ranges and defaults, --help, and messages of one line.
--
-- A mistake that the command line alone shows ends the program with exit status 2. What needs the disk, the data or the
-- network is for the modules that look there; it ends with 1.
local argparse = require "argparse"
local scute = require "scute"
local architectures = require "scute.nn.architectures"
local console = require "scute.base.console"
local found_device = require "scute.base.found_device"
local options = require "scute.base.options"
local precision = require "scute.base.precision"
local public = require "scute.base.public"
local traceback = require "scute.base.traceback"
local typed_name = require "scute.base.typed_name"
local profiled = require "scute.profile.program"
local FIT = require "scute.train.options"

local cli = {}

-- What a script says to the person in front of it; see scute.base.console.
for _, name in ipairs { "say", "line", "warn", "fail", "guard", "count", "duration" } do cli[name] = console[name] end

local parsed = false -- a script that has read its command line reports errors in one line

-- ---- the flags of the exercises ----

-- What a script does around training, before the options of train.fit in --help.
local FIRST = {
   { "data_dir", required = true, value = "PATH", resume = "free",
     help = "folder with one folder of photos per class, or with such folders inside train/ and val/" },
   { "model", choices = function() return scute.models.list() end, default = "resnet50",
     help = "architecture of the backbone, or one of your own that scute -l FILE registers" },
   { "freeze_backbone", flag = true, help = "train the new head alone and leave the backbone as it is" },
   { "learning_rate", number = true, above = 0, value = "RATE", synonyms = { "lr" },
     default = function(opt) return opt.freeze_backbone and 0.003 or 0.0003 end,
     show = "0.003 with --freeze_backbone, else 0.0003", help = "the highest one, reached after the warmup" },
   { "weight_decay", number = true, min = 0, default = 0.01, synonyms = { "wd" },
     help = "AdamW's, decoupled from the gradient" },
   { "warmup_epochs", number = true, min = 0, default = 1, help = "epochs in which the learning rate rises" },
   table.unpack((require "scute.data.options")),
}
-- Where the weights start.
local START = {
   { "weights", default = "imagenet", value = "PATH|imagenet|none", suggests = { "imagenet", "none" },
     help = "where the backbone starts: a .safetensors, .pth or .pt file, the official weights, or random numbers" },
   { "head_init", choices = { "kaiming_uniform", "xavier_uniform", "normal", "uniform_fan_out", "zeros" },
     show = "the architecture's own", help = "how the new head starts" },
   { "image_size", whole = true, min = 32, max = 1024, value = "PIXELS", show = "the model's own",
     help = "side of the square that the network sees" },
}

-- And behind them.
local LAST = {
   { "lr_find", flag = true, resume = "free", excludes = { "resume" },
     why = "it trains for a few steps that are then forgotten",
     help = "do not train, but print and draw the loss over rising learning rates, and suggest one" },
   { "threads", whole = true, min = 1, max = 1024, value = "N", resume = "free",
     show = "SCUTE_THREADS, else the cores there are", help = "threads that compute" },
   { "profile", read = profiled.read, bare = "auto", value = "auto|FILE", suggests = { "auto" }, resume = "free", show = "off",
     help = "tell at the end, on standard error, where the time went, and write a trace for ui.perfetto.dev: auto: trace.json "
        .. "in the folder of the run that trains, else in this one; or to a file that ends in .json" },
   { "quiet", flag = true, resume = "free", help = "print warnings and errors only" },
}

-- An option of train.fit as a flag.
local function as_flag(entry)
   local flag = {}
   for key, value in pairs(entry) do flag[key] = value end
   if entry.as_flag then
      flag.is, flag.synonyms = nil, nil
      for key, value in pairs(entry.as_flag) do flag[key] = value end
   end
   return flag
end

local function all_flags()
   local list = table.move(FIRST, 1, #FIRST, 1, {})
   table.move(START, 1, #START, #list + 1, list)
   for _, entry in ipairs(FIT.entries) do
      if not entry.script_only then list[#list + 1] = as_flag(entry) end
   end
   return table.move(LAST, 1, #LAST, #list + 1, list)
end

--- The flags that the training exercises share, in the order of --help: every option of train.fit that a text can say
-- (lua/scute/train/options.lua), and what a script does around it. An entry is what scute.base.options says.
cli.common = all_flags()

-- A set of names, each of which must be that of an entry of `spec`. what: who asks.
local function set_of(what, names, spec)
   local known, wanted = {}, {}
   for i, entry in ipairs(spec) do known[i] = entry[1] end
   for _, name in ipairs(names) do wanted[name] = true end
   for _, name in ipairs(known) do known[name] = true end
   for _, name in ipairs(names) do
      if not known[name] then
         error(("%s: there is no flag '%s'%s"):format(what, tostring(name), options.hint(name, known)), 3)
      end
   end
   return wanted
end

--- The entries of `spec` with the given names, for a script that needs only some.
function cli.pick(spec, ...)
   local wanted, picked = set_of("cli.pick", { ... }, spec), {}
   for _, entry in ipairs(spec) do
      if wanted[entry[1]] then picked[#picked + 1] = entry end
   end
   return picked
end

--- The entry of cli.common of that name with some fields changed.
function cli.changed(name, changes)
   set_of("cli.changed", { name }, cli.common)
   local entry = {}
   for key, value in pairs(cli.pick(cli.common, name)[1]) do entry[key] = value end
   for key, value in pairs(changes) do entry[key] = value end
   return entry
end

--- The flags of those who look at a model that is trained.
cli.looking = { precision.OF_LOOKING, table.unpack(cli.pick(cli.common, "workers", "threads", "device", "deterministic",
   "profile")) }

--- The flags of an exercise: its own, and then those of cli.common that it does not declare itself, without the ones that
-- `without` lists.
function cli.flags(own, without)
   local list, left_out = table.move(own, 1, #own, 1, {}), set_of("cli.flags", without or {}, cli.common)
   for _, entry in ipairs(own) do left_out[entry[1]] = true end
   for _, entry in ipairs(cli.common) do
      if not left_out[entry[1]] then list[#list + 1] = entry end
   end
   return list
end

-- ---- mistakes ----

--- Ends the program with status 2 and one line on standard error.
function cli.usage_error(format, ...)
   local speaks, who = scute.world.speaks()
   io.stdout:flush()
   local text = console.visible(format:format(...)):gsub("\n", " ")
   if speaks then io.stderr:write(who .. text .. "\n") end -- at once, so that no launcher's words come in between
   os.exit(2, true)
end

-- Whether the script that runs is one of scute's own, of which its user wrote no line.
local function is_exercise()
   local home = (scute.module_file "scute" or ""):match "^(.*/)lua/scute/init%.lua$"
   local path = type(arg) == "table" and type(arg[0]) == "string" and arg[0] or ""
   return home ~= nil and architectures.is_same_file(path, home .. "scripts/" .. path:match "[^/]*$")
end

--- How an error that nobody caught is reported once a command line has been read: {message, exit} for what a function
-- refused on purpose, in one line, which a script of one's own is told with its own line; nil for a mistake in the program
-- itself, where the traceback says more. SCUTE_TRACEBACK=1 in the environment always gives the traceback. Called by the program
-- around Lua, above the function that raised.
function cli.explain(err)
   if not parsed or os.getenv "SCUTE_TRACEBACK" then return nil end
   local raiser = debug.getinfo(3, "S") -- 1: this function, 2: the message handler
   if scute.error_kind(err) then return { message = console.message(err), exit = 1 } end
   if type(err) ~= "string" or not raiser or raiser.what ~= "C" or err:find "bad argument #" then return nil end
   local told = is_exercise() and err or traceback.describe(err, 3)
   return { message = console.message(told), exit = 1 }
end

-- ---- the line ----

-- Whether the word behind a flag that needs no value is one. Where words may stand alone, one that is wrong as a value does.
local function may_be(entry, word, positional)
   if not word or word:find "^%-" then return false end
   return not positional or options.from_text(entry, word) ~= nil
end

local function refuse_unknown(declaration, name)
   if name == "nproc" then
      cli.usage_error("unknown option '--nproc'; it is scute's own, and stands before the script: scute --nproc N %s ...",
         rawget(_G, "arg") and arg[0] or "script.lua")
   end
   cli.usage_error("%s; --help lists them all", declaration:unknown(name, "--"))
end

-- Hyphens and underscores are the same; "--name value" becomes "--name=value", so that a value may begin with "-".
local function normalise(words, declaration, positional)
   local line, given, i = {}, {}, 1
   while i <= #words do
      local word = words[i]
      local name, value = word:match "^%-%-?(%a[^=]*)(.*)$"
      if word == "--" then return table.move(words, i, #words, #line + 1, line) end
      if not name and word:find "^%-%-" then
         cli.usage_error("unknown option '%s'; --help lists them all", word)
      elseif not name and word:sub(1, 1) ~= "-" and not positional then
         cli.usage_error("what is '%s' for? Every value follows its option, as in --%s %s", word, declaration.names[1], word)
      elseif name and name ~= "help" and name ~= "h" then
         name = name:gsub("-", "_")
         local entry = declaration.by_name[name]
         if not entry then refuse_unknown(declaration, name) end
         if given[entry] and given[entry] ~= name then
            cli.usage_error("--%s and --%s are the same option, and both are given", given[entry], name)
         end
         given[entry] = name
         if entry.bare and value == "" and not may_be(entry, words[i + 1], positional) then
            value = "=" .. entry.bare
         elseif not entry.flag and value == "" and words[i + 1] and not words[i + 1]:find "^%-%-%a" then
            i = i + 1
            value = "=" .. words[i]
         end
         word = "--" .. entry[1] .. value
      end
      line[#line + 1] = word
      i = i + 1
   end
   return line
end

local function describe(entry)
   local text = entry.help
   if entry.choices then text = text .. ": " .. table.concat(options.choices_of(entry), ", ") end
   if entry.many and not entry.argument then text = text .. "; may be said several times" end
   if entry.required then return text .. " (required)" end
   if entry.flag then return text .. " (default: off)" end
   local default = options.default_text(entry)
   if default == nil or entry.many then return text end
   return ("%s (default: %s)"):format(text, default)
end

local function add(parser, entry)
   if entry.argument then
      local argument = parser:argument(entry[1], describe(entry)):argname(options.value_name(entry))
      return argument:args(entry.many and (entry.required and "+" or "*") or entry.required and 1 or "?")
   end
   local name = "--" .. entry[1]
   if entry.flag then return parser:flag(name, describe(entry)):default(false) end
   local option = parser:option(name, describe(entry)):count(entry.many and "*" or "?")
   return option:argname(options.value_name(entry)):convert(function(text)
      local value, why = options.from_text(entry, text)
      if value == nil then return nil, ("%s: %s"):format(name, why) end
      return value
   end)
end

-- Headings of --help, in the order in which they first come, over what belongs to each.
local function add_groups(parser, titles, groups)
   for _, title in ipairs(titles) do parser:group(title, table.unpack(groups[title])) end
end

-- A flag that may be said several times and was not said is not given, and no empty list.
local function without_empty_lists(opt, declaration)
   for _, entry in ipairs(declaration.entries) do
      local value = opt[entry[1]]
      if entry.many and not entry.argument and #value == 0 then opt[entry[1]] = nil end
   end
   return opt
end

-- What holds for the whole session, whatever the script does with the rest.
local function apply(opt)
   console.quiet = rawget(opt, "quiet") or false
   if rawget(opt, "threads") then scute.threads(opt.threads) end
   if rawget(opt, "seed") then scute.manual_seed(opt.seed) end
   if rawget(opt, "profile") then profiled.begin(opt.profile) end
   if rawget(opt, "deterministic") then scute.deterministic(true) end
   if rawget(opt, "device") then opt.device = console.guard(nil, found_device, opt.device) end
end

-- A script of scute's own by the name under which it is found from any folder.
local function script_name(words)
   local name, home = words[0] or "script.lua", (scute.module_file "scute" or ""):match "^(.*/)lua/scute/init%.lua$"
   return home and name:sub(1, #home) == home and name:sub(#home + 1) or name
end

local function parser_of(words, summary, declaration, more)
   local parser = argparse(("%s %s"):format(typed_name(), script_name(words)), summary):add_help "-h --help"
   parser:help_max_width(100):help_description_margin(30):usage_max_width(100)
   if more then parser:epilog(more) end
   parser.error = function(_, message) cli.usage_error("%s (--help explains)", message) end
   local positional, titles, groups = false, {}, {}
   for _, entry in ipairs(declaration.entries) do
      positional = positional or entry.argument
      local added, title = add(parser, entry), entry.group
      if title and not groups[title] then titles[#titles + 1], groups[title] = title, {} end
      if title then table.insert(groups[title], added) end
   end
   add_groups(parser, titles, groups)
   return parser, positional
end

-- Of several processes that were asked for help.
local function leave_help_to_the_first(line)
   if scute.world.rank == 0 then return end
   for _, word in ipairs(line) do
      if word == "-h" or word == "--help" then os.exit(0, true) end
   end
end

--- Reads the command line `words` (a script's `arg`) by `spec`, a list of entries (see scute.base.options; cli.common has those
-- of the exercises), and returns a table of options by name. It is strict: a field that is no option is an error with the
-- nearest name, read or written; one that was not given is nil. `summary` is the first line of --help, `more` (if there is
-- any) what stands below the options there. Sets the number of threads, the seed and quietness. Does not return after --help
-- (status 0) or a mistake (status 2).
function cli.parse(words, summary, spec, more)
   if type(spec) ~= "table" then
      error("cli.parse: expected (arg, summary, flags), as in cli.parse(arg, \"Train\", cli.flags {}), found "
         .. console.brief(spec) .. " as flags", 2)
   end
   local declaration = options.declare("command line", spec)
   local parser, positional = parser_of(words, summary, declaration, more)
   local line = normalise(words, declaration, positional)
   leave_help_to_the_first(line)
   local opt = without_empty_lists(parser:parse(line), declaration)
   local one, other, why = declaration:clash(opt)
   if one then cli.usage_error("--%s and --%s exclude each other: %s", one, other, why) end
   local lonely, needed = declaration:lacking(opt)
   if lonely then cli.usage_error("--%s means nothing without --%s", lonely, needed) end
   local missing = declaration:fill(opt)
   if missing then cli.usage_error("--%s is missing: %s", missing[1], missing.help) end
   apply(opt)
   parsed = true
   return declaration:strict(opt)
end

--- Ends the program with status 2 where several processes run it: for a script whose work is that of one. To be called behind
-- cli.parse.
function cli.alone()
   if scute.world.size == 1 then return end
   cli.usage_error("%s is for one process, and %d were started; leave --nproc, or mpirun, out", script_name(arg),
      scute.world.size)
end

public.hide(cli, "explain") -- for host/bind/run.c
return cli
