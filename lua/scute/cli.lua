-- The command line of a script: flags with types, ranges and defaults, --help, and messages of one line.
--
-- A mistake that the command line alone shows ends the program with exit status 2. What needs the disk, the data or the
-- network is for the modules that look there; it ends with 1.
local argparse = require "argparse"
local scute = require "scute"
local console = require "scute.base.console"

local cli = {}

-- What a script says to the person in front of it; see scute.base.console.
for _, name in ipairs { "say", "line", "warn", "fail", "guard", "count", "duration" } do cli[name] = console[name] end

local parsed = false -- a script that has read its command line reports errors in one line

-- ---- the flags of the exercises ----

local function model_names()
   return scute.models.list()
end

--- The value of --cache_features: "auto", "off" or a number of views.
function cli.read_cache(text)
   local views = text:find "^%d+$" and math.tointeger(tonumber(text))
   if text == "auto" or text == "off" or views and views > 0 then return views or text end
   error(("expected auto, off or a whole number of views of at least 1, found '%s'"):format(text), 0)
end

--- The value of --device, as it is written; whether there is such a device is for apply() below.
function cli.read_device(text)
   if text == "cpu" or text == "ref" or text == "auto" or text == "cuda" or text:find "^cuda:%d+$" then return text end
   local nearest = scute.nearest(text, { "cpu", "cuda", "auto", "ref" })
   error(("expected cpu, cuda, cuda:N, auto or ref, found '%s'%s"):format(text,
      nearest and ("; did you mean '%s'?"):format(nearest) or ""), 0)
end

--- Flags that the training exercises share, in the order of --help. An entry is {name, help = , default = } with
--   whole = true      a whole number; or number = true; neither: text; flag = true: no value
--   min, above, max, below   the range of a number
--   choices           list of texts, or a function that returns one
--   read              function(text) -> value; what it raises is told as the mistake
--   excludes          list of flags that make no sense beside this one; why = a half sentence
--   value             what the value is called in --help
--   required          true: must be given; unless = the flag with which it need not be
--   show              the default as --help shows it, where that is not the default itself
cli.common = {
   { "data_dir", required = true, value = "PATH",
     help = "folder with one folder of photos per class, or with such folders inside train/ and val/" },
   { "model", choices = model_names, default = "resnet50", help = "architecture of the backbone" },
   { "freeze_backbone", flag = true, help = "train the new head alone and leave the backbone as it is" },
   { "output_dir", default = "models", value = "PATH", help = "where <model>/best.safetensors and the history go" },
   { "epochs", whole = true, min = 1, default = 10, help = "passes over the training photos" },
   { "batch_size", whole = true, min = 1, default = 32, help = "photos per step" },
   { "learning_rate", number = true, above = 0, value = "RATE",
     show = "0.003 with --freeze_backbone, else 0.0003", help = "the highest one, reached after the warmup" },
   { "weight_decay", number = true, min = 0, default = 0.01, help = "AdamW's, decoupled from the gradient" },
   { "warmup_epochs", number = true, min = 0, default = 1, help = "epochs in which the learning rate rises" },
   { "accumulate", whole = true, min = 1, default = 1, help = "batches to one update of the weights" },
   { "label_smoothing", number = true, min = 0, below = 1, default = 0,
     help = "share of the target spread over all classes" },
   { "mixup", number = true, min = 0, default = 0, value = "ALPHA",
     help = "blend photos with one another, 0.2 say; 0: do not" },
   { "cutmix", number = true, min = 0, default = 0, value = "ALPHA",
     help = "put parts of photos into one another, 1 say; 0: do not" },
   { "ema", number = true, above = 0, below = 1, value = "DECAY", show = "none",
     help = "moving average of the weights, 0.999 say, evaluated and saved beside" },
   { "clip_norm", number = true, above = 0, value = "NORM", show = "none", help = "longest gradient; a longer one is scaled" },
   { "patience", whole = true, min = 0, default = 0,
     help = "stop after so many epochs without a better validation accuracy; 0: never" },
   { "val_fraction", number = true, above = 0, below = 1, default = 0.2,
     help = "share of each class that validates, where there is no val/ folder" },
   { "seed", whole = true, min = 0, default = 0, help = "what is drawn at random depends on it alone" },
   { "weights", default = "imagenet", value = "PATH|imagenet|none",
     help = "where the backbone starts: a .safetensors, .pth or .pt file, the official weights, or random numbers" },
   { "head_init", choices = { "kaiming_uniform", "xavier_uniform", "normal", "uniform_fan_out", "zeros" },
     show = "the architecture's own",
     help = "how the new head starts" },
   { "image_size", whole = true, min = 32, max = 1024, value = "PIXELS", show = "the model's own",
     help = "side of the square that the network sees" },
   { "cache_features", read = cli.read_cache, default = "auto", value = "auto|off|K",
     help = "compute what a frozen backbone says about each photo once, instead of in every epoch; K: about K augmented "
        .. "views of it" },
   { "on_bad_image", choices = { "skip", "error" }, default = "skip",
     help = "leave a photo that cannot be read out, or stop" },
   { "lr_find", flag = true, excludes = { "resume" }, why = "it trains for a few steps that are then forgotten",
     help = "do not train, but print and draw the loss over rising learning rates, and suggest one" },
   { "resume", value = "auto|PATH", show = "from the start",
     help = "go on where a run stopped, from the newest checkpoint in the output folder (if there is one) or from a file" },
   { "save_every", number = true, above = 0, default = 10, value = "MINUTES",
     help = "time between checkpoints within an epoch" },
   { "keep", whole = true, min = 1, max = 1000, default = 2, value = "K", help = "checkpoints on disk" },
   { "tensorboard", flag = true, help = "also write a TensorBoard event file into the output folder" },
   { "workers", whole = true, min = 0, max = 256, default = 2, help = "threads that decode photos" },
   { "threads", whole = true, min = 1, max = 1024, value = "N",
     show = "SCUTE_THREADS, else the cores there are", help = "threads that compute" },
   { "device", read = cli.read_device, default = "cpu", value = "NAME",
     help = "where to compute: cpu; cuda, or cuda:1 for the second GPU; auto: a GPU where one answers, else the CPU; ref: "
        .. "slow and plain, for checks" },
   { "precision", choices = { "auto", "fp32", "bf16", "fp16" }, default = "auto",
     help = "what the network computes in; auto: bf16 where the device computes in it and batches are not tiny, "
        .. "else fp32" },
   { "quiet", flag = true, help = "print warnings and errors only" },
}

--- The entries of `spec` with the given names, for a script that needs only some.
function cli.pick(spec, ...)
   local wanted, picked = {}, {}
   for _, name in ipairs { ... } do wanted[name] = true end
   for _, entry in ipairs(spec) do
      if wanted[entry[1]] then picked[#picked + 1] = entry end
   end
   return picked
end

--- The entry of cli.common of that name with some fields changed.
function cli.changed(name, changes)
   local entry = {}
   for key, value in pairs(cli.pick(cli.common, name)[1]) do entry[key] = value end
   for key, value in pairs(changes) do entry[key] = value end
   return entry
end

-- ---- mistakes ----

--- Ends the program with status 2 and one line on standard error.
function cli.usage_error(format, ...)
   io.stdout:flush()
   io.stderr:write("scute: ", (format:format(...):gsub("\n", " ")), "\n")
   os.exit(2, true)
end

--- How an error that nobody caught is reported once a command line has been read: {message, exit} for what a function
-- refused on purpose, in one line; nil for a mistake in the program itself, where the traceback says more.
-- SCUTE_TRACEBACK=1 in the environment always gives the traceback. Called by the program around Lua, above the function
-- that raised.
function cli.explain(err)
   if not parsed or type(err) ~= "string" or os.getenv "SCUTE_TRACEBACK" then return nil end
   local raiser = debug.getinfo(3, "S") -- 1: this function, 2: the message handler
   if not raiser or raiser.what ~= "C" or err:find "bad argument #" then return nil end
   return { message = console.message(err), exit = 1 }
end

-- ---- values ----

local function describe_range(entry)
   local parts = {}
   if entry.min then parts[#parts + 1] = ("of at least %s"):format(entry.min) end
   if entry.above then parts[#parts + 1] = ("above %s"):format(entry.above) end
   if entry.max then parts[#parts + 1] = ("of at most %s"):format(entry.max) end
   if entry.below then parts[#parts + 1] = ("below %s"):format(entry.below) end
   return (entry.whole and "a whole number" or "a number") .. (#parts > 0 and " " or "") .. table.concat(parts, " and ")
end

local function in_range(entry, n)
   return n == n and n ~= math.huge and n ~= -math.huge
      and (not entry.min or n >= entry.min) and (not entry.above or n > entry.above)
      and (not entry.max or n <= entry.max) and (not entry.below or n < entry.below)
end

local function read_number(entry, text)
   local n = text:find "^%s*[+-]?[%d.]" and tonumber(text)
   if n and entry.whole then n = math.tointeger(n) end
   if n and in_range(entry, n) then return n end
   return nil, ("expected %s, found '%s'"):format(describe_range(entry), text)
end

local function read_choice(entry, text)
   local choices = type(entry.choices) == "function" and entry.choices() or entry.choices
   for _, choice in ipairs(choices) do
      if choice == text then return text end
   end
   local nearest = scute.nearest(text, choices)
   return nil, ("expected one of %s, found '%s'%s"):format(table.concat(choices, ", "), text,
      nearest and ("; did you mean '%s'?"):format(nearest) or "")
end

-- The value of a flag from its text; nil and what is wrong with it.
local function read_value(entry, text)
   if entry.whole or entry.number then return read_number(entry, text) end
   if entry.choices then return read_choice(entry, text) end
   if entry.read then
      local done, value = pcall(entry.read, text)
      if done then return value end
      return nil, console.message(value)
   end
   if text == "" then return nil, "expected a text, found nothing" end
   return text
end

-- ---- the line ----

-- Hyphens and underscores are the same; "--name value" becomes "--name=value", so that a value may begin with "-".
local function normalise(words, entries, names, positional)
   local line, i = {}, 1
   while i <= #words do
      local word = words[i]
      local name, value = word:match "^%-%-?(%a[^=]+)(.*)$"
      if word == "--" then return table.move(words, i, #words, #line + 1, line) end
      if not name and word:sub(1, 1) ~= "-" and not positional then
         cli.usage_error("what is '%s' for? Every value follows its option, as in --%s %s", word, names[1], word)
      elseif name and name ~= "help" then
         name = name:gsub("-", "_")
         local entry = entries[name]
         if not entry then
            local nearest = scute.nearest(name, names)
            cli.usage_error("unknown option '%s'%s; --help lists them all", word:match "^[^=]+",
               nearest and (": did you mean '--%s'?"):format(nearest) or "")
         end
         if not entry.flag and value == "" and words[i + 1] and not words[i + 1]:find "^%-%-%a" then
            i = i + 1
            value = "=" .. words[i]
         end
         word = "--" .. name .. value
      end
      line[#line + 1] = word
      i = i + 1
   end
   return line
end

local function describe(entry)
   local text = entry.help
   local default = entry.show or entry.default
   if entry.choices then
      text = text .. ": " .. table.concat(type(entry.choices) == "function" and entry.choices() or entry.choices, ", ")
   end
   if entry.required then return text .. " (required)" end
   if entry.flag then return text .. " (default: off)" end
   if default == nil or entry.many then return text end
   return ("%s (default: %s)"):format(text, default)
end

local function value_name(entry)
   if entry.value then return entry.value end
   if entry.choices then return "NAME" end
   return entry.whole and "N" or entry.number and "X" or "TEXT"
end

local function add(parser, entry)
   if entry.argument then
      local argument = parser:argument(entry[1], describe(entry)):argname(value_name(entry))
      return argument:args(entry.many and (entry.required and "+" or "*") or entry.required and 1 or "?")
   end
   local name = "--" .. entry[1]
   if entry.flag then return parser:flag(name, describe(entry)):default(false) end
   parser:option(name, describe(entry)):argname(value_name(entry)):convert(function(text)
      local value, why = read_value(entry, text)
      if value == nil then return nil, ("%s: %s"):format(name, why) end
      return value
   end)
end

local function check_together(options, spec)
   for _, entry in ipairs(spec) do
      for _, other in ipairs(options[entry[1]] and entry.excludes or {}) do
         if options[other] then
            cli.usage_error("--%s and --%s exclude each other: %s", entry[1], other, entry.why)
         end
      end
   end
end

local function fill_defaults(options, spec)
   for _, entry in ipairs(spec) do
      local name = entry[1]
      if options[name] == nil and entry.required and not options[entry.unless] then
         cli.usage_error("--%s is missing: %s", name, entry.help)
      elseif options[name] == nil then
         options[name] = entry.default
      end
   end
   if options.learning_rate == nil and options.freeze_backbone ~= nil then
      options.learning_rate = options.freeze_backbone and 0.003 or 0.0003
   end
end

-- What holds for the whole session, whatever the script does with the rest.
local function apply(options)
   console.quiet = options.quiet or false
   if options.threads then scute.threads(options.threads) end
   if options.seed then scute.manual_seed(options.seed) end
   if options.device then options.device = console.guard(nil, scute.device, options.device) end
end

--- Reads the command line `words` (a script's `arg`) by `spec` (see cli.common) and returns a table of options by name.
-- `summary` is the first line of --help, `more` (if there is any) what stands below the options there. Sets the number of
-- threads, the seed and quietness. Does not return after --help (status 0) or a mistake (status 2).
function cli.parse(words, summary, spec, more)
   local program = words[0] or "script.lua"
   local parser = argparse("./scute " .. program, summary):add_help "-h --help"
   parser:help_max_width(100):help_description_margin(30):usage_max_width(100)
   if more then parser:epilog(more) end
   parser.error = function(_, message) cli.usage_error("%s (--help explains)", message) end
   local entries, names, positional = {}, {}, false
   for _, entry in ipairs(spec) do
      if entry.argument then
         positional = true
      else
         entries[entry[1]] = entry
         names[#names + 1] = entry[1]
      end
      add(parser, entry)
   end
   local options = parser:parse(normalise(words, entries, names, positional))
   check_together(options, spec)
   fill_defaults(options, spec)
   apply(options)
   parsed = true
   return options
end

return cli
