-- What says which photos there are and how they are split: options of data.open, and flags of the scripts that train.
return {
   { "val_fraction", number = true, above = 0, below = 1, default = 0.2, value = "X",
     help = "share of each class that validates, where there is no val/ folder" },
   { "split_csv", text = true, value = "FILE", show = "the folders", excludes = { "val_fraction" },
     why = "the file says which photos validate",
     help = "which photos train and which validate: columns file, label, split, and optionally group" },
   { "layout", choices = { "classes", "splits" }, show = "as the names say", resume = "free", excludes = { "split_csv" },
     why = "the file says which photos there are",
     help = "what the folders in data_dir are, where their names allow both: classes, or splits (train, val, test) with "
        .. "classes in them" },
}
