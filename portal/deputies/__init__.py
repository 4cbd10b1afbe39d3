"""Standing in for a colleague (代办/委托): who, for which duties, from when until when."""
