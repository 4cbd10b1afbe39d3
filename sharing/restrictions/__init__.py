"""The restriction list (限制名单): who broke the terms, with which effect, until when; statements and lifting."""
