"""Labels that deserve a second look: out-of-fold predictions, signals, a detector, and regions."""
