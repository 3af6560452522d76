--- The option of all formats that says what is known of a model beside its weights.
local options = require "scute.base.options"

return { "about", is = options.of_type "table", expected = "a table of texts and numbers by name", show = "nothing",
   help = "what is known of it beside its weights, for the file: as scute.export.about gives it, or texts of your own" }
