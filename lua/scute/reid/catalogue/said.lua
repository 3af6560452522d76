-- What a field of a table says. Texts that say that nothing is known are those that pandas (2.x) takes for none, and so
-- wildlife-datasets.
local byte = string.byte

local missing = {}
for word in ([[#N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN None n/a nan null]]):gmatch "%S+" do
   missing[word] = true
end
missing[""], missing["#N/A N/A"] = true, true

--- A text without blanks around it; nil where it says nothing.
return function(text)
   if missing[text] then return nil end
   if byte(text) <= 32 or byte(text, -1) <= 32 then
      text = text:match "^%s*(.-)%s*$"
      if missing[text] then return nil end
   end
   return text
end
