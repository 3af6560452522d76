-- How photos of individuals are split: options of reid.split, and flags of the scripts that train.
return {
   { "protocol", choices = { "time_closed", "time_open", "encounter", "individual", "random", "given" },
     show = "given where the data has a split, else time_closed, encounter or random, whichever it allows first",
     help = "which photos train, validate and test: the later days of each individual (time_closed), the later days of all "
        .. "(time_open), other encounters, other individuals, other photos (random), or as the data says (given)" },
   { "given", text = true, value = "NAME", show = "closed, or the only one",
     help = "which of the splits that the data has, where it has several" },
   { "val_fraction", number = true, min = 0, below = 1, default = 0.15, value = "X",
     help = "share that validates, of what the protocol splits: of the days or encounters of each individual (time_closed, "
        .. "encounter), of all photos (time_open, individual), of the photos of each individual (random)" },
   { "test_fraction", number = true, min = 0, below = 1, default = 0.15, value = "X", help = "share that tests, of the same" },
   { "val_from", text = true, value = "DATE", show = "as val_fraction says",
     help = "time_open: the day, month or year (2019-06-01, 2019-06, 2019) from which on photos validate" },
   { "test_from", text = true, value = "DATE", show = "as test_fraction says",
     help = "time_open: the same for those that test" },
}
