-- Which texts in a table say that nothing is known: those that pandas (2.x) takes for none, and so wildlife-datasets.
local missing = {}
for word in ([[#N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN None n/a nan null]]):gmatch "%S+" do
   missing[word] = true
end
missing[""], missing["#N/A N/A"] = true, true
return missing
