"""Putting requests together: from former ones, templates, workbooks; with attachments and colleagues."""
