"""Correction reports (数据校核): who uses the data says what is wrong, who holds them corrects or explains."""
