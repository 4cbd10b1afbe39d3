"""The check before submission (提交前检查): what each dataset of a draft will need, and when it could be granted."""
